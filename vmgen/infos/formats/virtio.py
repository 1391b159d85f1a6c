"""A virtio device: its transport, its queues, what the device itself adds."""

from vmgen.infos.formats import msix
from vmgen.infos.formats.virtqueue_element import ELEMENT
from vmgen.infos.model import Callback, Info, Inside, WireFormat, Written, known

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


def _end(how: str) -> str:
    return f"if[{how}]{{ ->{how} }} if[vmsd]{{ state(vmsd) }} state(vmstate_virtio)"


# A configuration space that is larger than the device's is skipped behind its end.
_LOAD = (
    f"if[load_config]{{ ->load_config }} {_SELECTED} u32 u32:$1"
    " bytes[($1 < config_len) ? $1 : config_len] loop[while config_len < ?]{ u8 }"
    f" u32:$2 loop[$2]{{ {_queue('load')} }} {_end('load')}"
)
_SAVE = (
    f"if[save_config]{{ ->save_config }} {_SELECTED}"
    " u32:(guest_features & 4294967295) u32:config_len bytes[config_len] u32"
    f" loop[1024]{{ if[vq[].vring.num]{{ {_queue('save')} | leave }} }} {_end('save')}"
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


_VDEV = Inside(
    "virtio_vdev",
    _C,
    Written(
        "if[virtio_transport == 1]{ part:pci{ state(vmstate_pci_device):pci_dev"
        " state(vmstate_info_msix):msix if[virtio_vectors]{ u16:config_vector } } }"
        " if[virtio_transport == 2]{ part:mmio{ u32:host_features_sel"
        " u32:guest_features_sel u32:guest_page_shift } }"
        " if[virtio_transport == 3]{ state(vmstate_virtio_ccw_dev):ccw }"
        # The low 32 bits of the features.
        " u8:status u8:isr u16:queue_sel must[queue_sel < 1024]:(a queue is selected)"
        " u32:guest_features u32:config_len bytes[config_len]:config"
        # The queues up to the first without a size; the other ring addresses of a modern
        # device are in the subsection virtio/virtqueues.
        " u32:queues must[queues <= 1024]:(few queues) loop[queues]:vq{ u32:num"
        " if[virtio_transport == 2]{ u32:align } u64:desc u16:last_avail_idx"
        " must[desc || !last_avail_idx]:(a queue at no address has come nowhere)"
        " if[virtio_vectors]{ u16:vector } }",
        "VirtIODevice",
        inside=(
            Inside("vmstate_pci_device", "hw/pci/pci.c"),
            Inside("vmstate_info_msix", "hw/pci/msix.c", msix.WRITTEN),
            Inside("vmstate_virtio_ccw_dev", _CCW),
        ),
    ),
)
_SUBSECTIONS = Inside("vmstate_virtio", _C)

# One that the guest sees with the other byte order has more than 65535 ports.
_SEEN = "(max_nr_ports > 65535 ? max_nr_ports >> 24 | (max_nr_ports >> 8 & 0xff00) : max_nr_ports)"
_CODE = {
    "virtio_blk_save_device": (
        "blk",
        "part:device{ loop:requests{ u8:more if[more]{ if[virtio_several]{ u32:queue }"
        " state(virtqueue_element):elem | leave } } }",
    ),
    "virtio_serial_save_device": (
        "serial",
        "part:device{ u16:cols u16:rows u32:max_nr_ports"
        f" loop[({_SEEN} + 31) / 32]:ports_map{{ u32 }} u32:active loop[active]:ports{{"
        " u32:id u8:guest_connected u8:host_connected u32:elem_popped if[elem_popped]{"
        " u32:iov_idx u64:iov_offset state(virtqueue_element):elem } } }",
    ),
}
_ASKING = {"vmstate_virtio_net_device": "net", "vmstate_virtio_mem_device": "mem"}


def _device(own: Inside | None, code: str) -> Written:
    """A device with its own description, or with code that saves what it adds."""
    kind, added = _CODE.get(code, ("", ""))
    if own is not None:
        kind, added = _ASKING.get(own.symbol, ""), f"state({own.symbol}):device"
    return Written(
        f"state(virtio_vdev):vdev {added} state(vmstate_virtio):virtio",
        "VirtIO",
        f"virtio_{kind}" if kind else "virtio",
        "_virtio",
        (_VDEV, _SUBSECTIONS, ELEMENT, *(() if own is None else (own,))),
    )


FORMAT = WireFormat(
    "virtio",
    (Info("virtio_vmstate_info", known(_C, _LOAD), known(_C, _SAVE)),),
    _device,
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
