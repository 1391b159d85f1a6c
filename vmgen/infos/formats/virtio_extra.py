"""What a virtio transport keeps beside the device: a description of its own."""

from vmgen.infos.model import Callback, Info, Inside, WireFormat, Written, known

_C = "hw/virtio/virtio.c"
_PCI = "hw/virtio/virtio-pci.c"
_MMIO = "hw/virtio/virtio-mmio.c"


def _callback(member: str, symbol: str, file: str, inside: str) -> Callback:
    return Callback("VirtioBusClass", member, symbol, known(file, f"state({inside})"))


FORMAT = WireFormat(
    "virtio_extra",
    (
        Info(
            "vmstate_info_extra_state",
            known(_C, "->load_extra_state"),
            known(_C, "->save_extra_state"),
        ),
    ),
    Written(
        "if[virtio_transport == 1]{ state(vmstate_virtio_pci):pci }"
        " if[virtio_transport == 2]{ state(vmstate_virtio_mmio):mmio }",
        "VirtIOExtra",
        inside=(
            Inside("vmstate_virtio_pci", _PCI),
            Inside("vmstate_virtio_mmio", _MMIO),
        ),
    ),
    members={
        "VirtioBusClass.save_extra_state": "program",
        "VirtioBusClass.load_extra_state": "program",
    },
    callbacks=tuple(
        _callback(
            f"{how}_extra_state", f"{bus}_{how}_extra_state", file, f"vmstate_{bus}"
        )
        for bus, file in (("virtio_pci", _PCI), ("virtio_mmio", _MMIO))
        for how in ("save", "load")
    ),
)
