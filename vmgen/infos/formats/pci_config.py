"""The configuration space of a PCI device, of PCI Express or not."""

from vmgen.infos.model import WireFormat, info

FORMAT = WireFormat(
    "pci_config",
    "_pci",
    "bytearray",
    (info("vmstate_info_pci_config", "hw/pci/pci.c", "bytes[argument2]"),),
    merges=True,
    length=256,
)
