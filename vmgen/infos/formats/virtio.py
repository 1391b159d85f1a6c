"""A virtio device: its transport, its queues, what the device itself adds."""

from vmgen.infos.model import Callback, Info, Inside, WireFormat, known

_C = "hw/virtio/virtio.c"
_PCI = "hw/virtio/virtio-pci.c"
_MMIO = "hw/virtio/virtio-mmio.c"
_CCW = "hw/s390x/virtio-ccw.c"
_BLK = "hw/block/virtio-blk.c"
_SERIAL = "hw/char/virtio-serial-bus.c"

_SELECTED = "u8:status u8:isr u16:queue_sel"


def _queue(how: str) -> str:
    return (
        "u32:vq[].vring.num"
        " if[has_variable_vring_alignment]{ u32:vq[].vring.align }"
        " u64:vq[].vring.desc u16:vq[].last_avail_idx"
        f" if[{how}_queue]{{ ->{how}_queue }}"
    )


def _device(how: str) -> str:
    return f"if[{how}]{{ ->{how} }} if[vmsd]{{ state(vmsd) }} state(vmstate_virtio)"


# A configuration space that is larger than the device's is skipped behind its end.
_LOAD = (
    f"if[load_config]{{ ->load_config }} {_SELECTED} u32 u32:$1"
    " bytes[($1 < config_len) ? $1 : config_len] loop[while config_len < ?]{ u8 }"
    f" u32:$2 loop[$2]{{ {_queue('load')} }} {_device('load')}"
)
_SAVE = (
    f"if[save_config]{{ ->save_config }} {_SELECTED}"
    " u32:(guest_features & 4294967295) u32:config_len bytes[config_len] u32"
    f" loop[1024]{{ if[vq[].vring.num]{{ {_queue('save')} | leave }} }} {_device('save')}"
)

_VECTOR = "if[msix_present(pci_dev)]{ u16 }"
_SELECTORS = "u32:host_features_sel u32:guest_features_sel u32:guest_page_shift"
_CHANNEL = "state(vmstate_virtio_ccw_dev)"


def _bus(member: str, symbol: str, file: str, line: str) -> Callback:
    return Callback("VirtioBusClass", member, symbol, known(file, line))


def _own(member: str, symbol: str, file: str, line: str) -> Callback:
    return Callback("VirtioDeviceClass", member, symbol, known(file, line), "module")


def _element(how: str) -> str:
    return f"if[1 < conf.num_queues]{{ u32 }} qemu_{how}_virtqueue_element()"


_PORTS = "loop[((serial.max_virtserial_ports + 32) - 1) / 32]{ u32 } u32:$1"


def _port(pending: str, how: str) -> str:
    return (
        "u32:id u8:guest_connected u8 u32:$2"
        f" if[{pending}]{{ u32:iov_idx u64:iov_offset qemu_{how}_virtqueue_element() }}"
    )


FORMAT = WireFormat(
    "virtio",
    "_virtio",
    "VirtIO",
    (
        Info(
            "virtio_vmstate_info",
            known(_C, _LOAD),
            known(_C, _SAVE),
            (
                Inside("virtio", "vmstate_virtio", _C),
                Inside("pci_device", "vmstate_pci_device", "hw/pci/pci.c"),
                Inside("mmio", "vmstate_virtio_mmio", _MMIO),
                Inside("ccw", "vmstate_virtio_ccw_dev", _CCW),
            ),
        ),
    ),
    ("virtio", "device", "pci_device", "mmio", "ccw"),
    kinds={
        "virtio_blk_save_device": "blk",
        "virtio_serial_save_device": "serial",
        "vmstate_virtio_net_device": "net",
        "vmstate_virtio_mem_device": "mem",
    },
    classes=("VirtIO", "VirtIOMMIO", "VirtIOPCI", "VirtIOQueue"),
    members={
        "VirtioBusClass.save_config": "program",
        "VirtioBusClass.load_config": "program",
        "VirtioBusClass.save_queue": "program",
        "VirtioBusClass.load_queue": "program",
        "VirtioDeviceClass.save": "module",
        "VirtioDeviceClass.load": "module",
        "VirtioDeviceClass.vmsd": "module",
    },
    callbacks=(
        _bus("save_config", "virtio_pci_save_config", _PCI,
             f"pci_device_save() msix_save() {_VECTOR}"),
        _bus("load_config", "virtio_pci_load_config", _PCI,
             f"pci_device_load() msix_load() {_VECTOR}"),
        _bus("save_queue", "virtio_pci_save_queue", _PCI, _VECTOR),
        _bus("load_queue", "virtio_pci_load_queue", _PCI, _VECTOR),
        _bus("save_config", "virtio_mmio_save_config", _MMIO, _SELECTORS),
        _bus("load_config", "virtio_mmio_load_config", _MMIO, _SELECTORS),
        _bus("save_config", "virtio_ccw_save_config", _CCW, _CHANNEL),
        _bus("load_config", "virtio_ccw_load_config", _CCW, _CHANNEL),
        _bus("save_queue", "virtio_ccw_save_queue", _CCW, "u16"),
        _bus("load_queue", "virtio_ccw_load_queue", _CCW, "u16"),
        _own("save", "virtio_blk_save_device", _BLK,
             f"loop[each rq]{{ u8:1 {_element('put')} }} u8:0"),
        _own("load", "virtio_blk_load_device", _BLK,
             f"loop{{ u8:$1 if[$1]{{ {_element('get')} | leave }} }}"),
        _own("save", "virtio_serial_save_device", _SERIAL,
             f"u16 u16 u32 {_PORTS} loop[each ports.tqh_first]{{ {_port('?', 'put')} }}"),
        _own("load", "virtio_serial_load_device", _SERIAL,
             f"u16 u16 u32 {_PORTS} loop[$1]{{ {_port('$2', 'get')} }}"),
    ),
)  # fmt: skip
