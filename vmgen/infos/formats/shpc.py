"""The working registers of a standard hot-plug controller."""

from vmgen.infos.model import WireFormat, info

FORMAT = WireFormat(
    "shpc",
    "_pci",
    "bytearray",
    "bytearray(36)",
    (info("shpc_vmstate_info", "hw/pci/shpc.c", "bytes[36 + (shpc.nslots * 4)]"),),
)
