"""The formats that hand-written codecs know, and the C that each was written from.

What the functions move (``vmgen.translate.moves``) is a fact of a release: a codec is
used where the tree's functions move one of the sequences that it was written from, and
refused loudly where they do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Format:
    """A codec of the emitted modules: ``read_NAME`` and ``write_NAME`` in ``module``.

    ``type`` and ``default`` are the Python type and zero of its value.  ``parts`` are the
    roles of descriptions inside; ``kinds`` says that the codec has variants; ``merges``
    that fields of the same member are one, whose size the codec finds out by itself.
    """

    name: str
    module: str
    type: str
    default: str
    parts: tuple[str, ...] = ()
    kinds: bool = False
    merges: bool = False


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("pci_config", "_pci", "bytearray", "bytearray(256)", merges=True),
        Format("msix", "_pci", "MSIX", "MSIX()"),
        Format("shpc", "_pci", "bytearray", "bytearray(36)"),
        Format("capability", "_formats", "str", '""'),
        Format("chunks", "_formats", "list[bytearray]", "[]"),
        Format("sized", "_formats", "bytearray", "bytearray()"),
        Format("usbredir_packets", "_formats", "list[USBRedirPacket]", "[]"),
        Format("usbredir_ids", "_formats", "array[int]", 'zeros("Q", 0)'),
        Format("flic", "_formats", "list[bytearray]", "[]"),
        Format("clipboard", "_formats", "State | None", "None", ("infos",)),
        Format(
            "virtio",
            "_virtio",
            "VirtIO",
            "VirtIO()",
            ("virtio", "device", "pci_device", "mmio", "ccw"),
            kinds=True,
        ),
        Format("virtio_extra", "_virtio", "State", "State()", ("pci", "mmio")),
        Format(
            "virtio_gpu",
            "_virtio_gpu",
            "VirtIOGPUResources",
            "VirtIOGPUResources()",
            ("scanouts",),
        ),
        Format("virtio_gpu_blobs", "_virtio_gpu", "list[VirtIOGPUBlob]", "[]"),
        Format("scsi_requests", "_scsi", "list[SCSIRequestState]", "[]", ("vscsi",)),
    )
}

_CLASSES: Mapping[str, tuple[str, ...]] = {
    "_formats": ("FormatPart", "FormatSite", "USBRedirPacket", "read_each"),
    "_pci": ("MSIX",),
    "_virtqueue": (
        "VirtIOBlkRequest", "VirtIOBlkRequests", "VirtIOSerialPort", "VirtIOSerialPorts",
        "VirtQueueElement",
    ),
    "_virtio": ("VirtIO", "VirtIOMMIO", "VirtIOPCI", "VirtIOQueue"),
    "_virtio_gpu": ("VirtIOGPUBlob", "VirtIOGPUResource", "VirtIOGPUResources"),
    "_scsi": (
        "MPTSASData", "SCSIDiskData", "SCSIGenericData", "SCSIRequestState", "VirtIOSCSIData",
    ),
}  # fmt: skip

NAMES: Mapping[str, tuple[str, ...]] = {
    module: (
        *classes,
        *(
            f"{how}_{name}"
            for how in ("read", "write")
            for name, one in FORMATS.items()
            if one.module == module
        ),
    )
    for module, classes in _CLASSES.items()
}
"""What a generated module may import from each emitted module."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "_formats": (),
    "_pci": ("_formats",),
    "_virtqueue": ("_formats",),
    "_virtio": ("_formats", "_pci", "_virtqueue"),
    "_virtio_gpu": ("_formats",),
    "_scsi": ("_formats", "_virtqueue"),
}
"""The emitted modules that each imports, ``_runtime`` aside."""


@dataclass(frozen=True, slots=True)
class Known:
    """An info: its codec, and every sequence that its get and its put are known to move.

    ``local`` are the descriptions of the info's own file, by role; ``elsewhere`` those of
    other files, by role: file and symbol.  A part whose file the program does not have
    is left out.
    """

    format: str
    get: tuple[str, ...]
    put: tuple[str, ...]
    local: tuple[tuple[str, str], ...] = ()
    elsewhere: tuple[tuple[str, str, str], ...] = ()


_ELEMENTS = "*(u64 u32)"
_IMAGE = "buffer(pixman_image_get_stride(image) * height)"
_VIRTIO = (
    "?(->{0}_config) u8 u8 u16 u32 u32 buffer({1}){2} u32 *(u32 ?(u32) u64 u16"
    " ?(->{0}_queue)) ?(->{0}) ?(state(vmsd)) state(vmstate_virtio)"
)
_PACKETS = ("u32 *(u32 u32 buffer(len))",)
_MSIX = ("buffer(n * 16) buffer(n + 8 - 1 / 8)",)
_SHPC = ("buffer(36 + nslots * 4)",)
_BACK_END = (("vhost_load_backend_state()",), ("vhost_save_backend_state()",))

INFOS: Mapping[str, Known] = {
    "vmstate_info_pci_config": Known("pci_config", ("buffer(size)",), ("buffer(size)",)),
    "vmstate_info_msix": Known("msix", _MSIX, _MSIX),
    "shpc_vmstate_info": Known("shpc", _SHPC, _SHPC),
    "vmstate_info_capability": Known(
        "capability", ("u8 buffer(len)",), ("u8 buffer(len)",)
    ),
    "usbredir_parser_vmstate_info": Known(
        "sized", ("u32 buffer(len)",), ("?(u32) u32 buffer(len)",)
    ),
    "usbredir_ep_bufpq_vmstate_info": Known("usbredir_packets", _PACKETS, _PACKETS),
    "usbredir_ep_packet_id_q_vmstate_info": Known(
        "usbredir_ids", ("u32 *(u64)",), ("u32 *(u64)",)
    ),
    "vhost_user_net_load_state": Known("chunks", *_BACK_END),
    "vuf_load_state": Known("chunks", *_BACK_END),
    "kvm_flic_load": Known(
        "flic",
        ("u64 buffer(len)",),
        ("?(u64) ?(u64 | u64 buffer(count * sizeof kvm_s390_irq))",),
    ),
    "vmstate_cbinfos": Known(
        "clipboard",
        ("state(vmstate_cbinfo_array)",),
        ("state(vmstate_cbinfo_array)",),
        (("infos", "vmstate_cbinfo_array"),),
    ),
    "virtio_vmstate_info": Known(
        "virtio",
        (_VIRTIO.format("load", "...", " *(u8)"),),
        (_VIRTIO.format("save", "config_len", ""),),
        (("virtio", "vmstate_virtio"),),
        (
            ("pci_device", "hw/pci/pci.c", "vmstate_pci_device"),
            ("mmio", "hw/virtio/virtio-mmio.c", "vmstate_virtio_mmio"),
            ("ccw", "hw/s390x/virtio-ccw.c", "vmstate_virtio_ccw_dev"),
        ),
    ),
    "vmstate_info_extra_state": Known(
        "virtio_extra",
        ("?(| ->load_extra_state)",),
        ("->save_extra_state",),
        (),
        (
            ("pci", "hw/virtio/virtio-pci.c", "vmstate_virtio_pci"),
            ("mmio", "hw/virtio/virtio-mmio.c", "vmstate_virtio_mmio"),
        ),
    ),
    "virtio_gpu_load": Known(
        "virtio_gpu",
        (f"u32 *(u32 u32 u32 u32 {_ELEMENTS} {_IMAGE} u32) state(vmstate_virtio_gpu_scanouts)",),
        (f"*(u32 u32 u32 u32 u32 {_ELEMENTS} {_IMAGE}) u32 state(vmstate_virtio_gpu_scanouts)",),
        (("scanouts", "vmstate_virtio_gpu_scanouts"),),
    ),
    "virtio_gpu_blob_load": Known(
        "virtio_gpu_blobs",
        (f"u32 *(u32 u32 {_ELEMENTS} u32)",),
        (f"*(u32 u32 u32 {_ELEMENTS}) u32",),
    ),
    "vmstate_info_scsi_requests": Known(
        "scsi_requests",
        ("*(u8 buffer(sizeof buf) u32 u32 ?(->load_request) ?(->load_request))",),
        (
            # Before 8.2 put_scsi_requests goes through the list itself.
            "*(u8 buffer(sizeof buf) u32 u32 ?(->save_request) ?(->save_request)) u8",
            "*(*(fn())) u8 buffer(sizeof buf) u32 u32 ?(->save_request)"
            " ?(->save_request) u8",
        ),
        (),
        (("vscsi", "hw/scsi/spapr_vscsi.c", "vmstate_spapr_vscsi_req"),),
    ),
}  # fmt: skip
"""The custom infos that hand-written codecs know, by C symbol (that of the get function
for an info without a name)."""

METHODS: Mapping[tuple[str, str, str], tuple[str, ...]] = {
    ("VirtioBusClass", "save_config", "virtio_pci_save_config"): (
        "pci_device_save() msix_save() ?(u16)",
    ),
    ("VirtioBusClass", "load_config", "virtio_pci_load_config"): (
        "pci_device_load() msix_load() ?(u16)",
    ),
    ("VirtioBusClass", "save_queue", "virtio_pci_save_queue"): ("?(u16)",),
    ("VirtioBusClass", "load_queue", "virtio_pci_load_queue"): ("?(u16)",),
    ("VirtioBusClass", "save_extra_state", "virtio_pci_save_extra_state"): (
        "state(vmstate_virtio_pci)",
    ),
    ("VirtioBusClass", "load_extra_state", "virtio_pci_load_extra_state"): (
        "state(vmstate_virtio_pci)",
    ),
    ("VirtioBusClass", "save_config", "virtio_mmio_save_config"): ("u32 u32 u32",),
    ("VirtioBusClass", "load_config", "virtio_mmio_load_config"): ("u32 u32 u32",),
    ("VirtioBusClass", "save_extra_state", "virtio_mmio_save_extra_state"): (
        "state(vmstate_virtio_mmio)",
    ),
    ("VirtioBusClass", "load_extra_state", "virtio_mmio_load_extra_state"): (
        "state(vmstate_virtio_mmio)",
    ),
    ("VirtioBusClass", "save_config", "virtio_ccw_save_config"): (
        "state(vmstate_virtio_ccw_dev)",
    ),
    ("VirtioBusClass", "load_config", "virtio_ccw_load_config"): (
        "state(vmstate_virtio_ccw_dev)",
    ),
    ("VirtioBusClass", "save_queue", "virtio_ccw_save_queue"): ("u16",),
    ("VirtioBusClass", "load_queue", "virtio_ccw_load_queue"): ("u16",),
    ("VirtioDeviceClass", "save", "virtio_blk_save_device"): (
        "*(u8 ?(u32) qemu_put_virtqueue_element()) u8",
        "*(*(u8 ?(u32) qemu_put_virtqueue_element())) u8",
    ),
    ("VirtioDeviceClass", "load", "virtio_blk_load_device"): (
        "*(u8 ?(u32) qemu_get_virtqueue_element())",
    ),
    ("VirtioDeviceClass", "save", "virtio_serial_save_device"): (
        "u16 u16 u32 *(u32) u32 *(u32 u8 u8 u32 ?(u32 u64 qemu_put_virtqueue_element()))",
    ),
    ("VirtioDeviceClass", "load", "virtio_serial_load_device"): (
        "u16 u16 u32 *(u32) u32 ?(*(u32 u8 u8 u32 ?(u32 u64 qemu_get_virtqueue_element())))",
    ),
    ("SCSIBusInfo", "save_request", "virtio_scsi_save_request"): (
        "u32 qemu_put_virtqueue_element()",
    ),
    ("SCSIBusInfo", "load_request", "virtio_scsi_load_request"): (
        "u32 qemu_get_virtqueue_element()",
    ),
    ("SCSIBusInfo", "save_request", "mptsas_save_request"): (
        "buffer(sizeof scsi_io) u32 *(u64 u64)",
    ),
    ("SCSIBusInfo", "load_request", "mptsas_load_request"): (
        "buffer(sizeof scsi_io) u32 *(u64 u64)",
    ),
    ("SCSIBusInfo", "save_request", "vscsi_save_request"): (
        "state(vmstate_spapr_vscsi_req)",
    ),
    ("SCSIBusInfo", "load_request", "vscsi_load_request"): (
        "state(vmstate_spapr_vscsi_req)",
    ),
    ("SCSIReqOps", "save_request", "scsi_disk_save_request"): (
        "u64 u32 u32 ?(?(buffer(iov_len) | ?(u32 buffer(iov_len))))",
    ),
    ("SCSIReqOps", "load_request", "scsi_disk_load_request"): (
        "u64 u32 u32 ?(?(buffer(iov_len) | ?(u32 buffer(iov_len))))",
    ),
    ("SCSIReqOps", "save_request", "scsi_disk_emulate_save_request"): (
        "?(u64 u32 u32 ?(?(buffer(iov_len) | ?(u32 buffer(iov_len)))))",
    ),
    ("SCSIReqOps", "load_request", "scsi_disk_emulate_load_request"): (
        "?(u64 u32 u32 ?(?(buffer(iov_len) | ?(u32 buffer(iov_len)))))",
    ),
    ("SCSIReqOps", "save_request", "scsi_generic_save_request"): (
        "u32 ?(buffer(xfer))",
    ),
    ("SCSIReqOps", "load_request", "scsi_generic_load_request"): (
        "u32 ?(buffer(xfer))",
    ),
}  # fmt: skip
"""What each callback that moves bytes is known to move, by class, member and function."""

DEVICE_KINDS: Mapping[str, str] = {
    "virtio_blk_save_device": "blk",
    "virtio_serial_save_device": "serial",
    "vmstate_virtio_net_device": "net",
    "vmstate_virtio_mem_device": "mem",
}
"""The variant of the codec ``virtio`` by the device's own function or description."""
