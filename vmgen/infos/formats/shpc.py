"""The working registers of a standard hot-plug controller."""

from vmgen.infos.model import WireFormat, info

FORMAT = WireFormat(
    "shpc",
    "_pci",
    "bytearray",
    (info("shpc_vmstate_info", "hw/pci/shpc.c", "bytes[36 + (shpc.nslots * 4)]"),),
    length=36,
)
