"""The working registers of a standard hot-plug controller, as the device maps them."""

from vmgen.infos.model import WireFormat, Written, info

FORMAT = WireFormat(
    "shpc",
    (info("shpc_vmstate_info", "hw/pci/shpc.c", "bytes[36 + (shpc.nslots * 4)]"),),
    # The low 5 bits of byte 12 are the number of slots.
    Written(
        "bytes[12]:head u8:nslots bytes[23]:registers bytes[4 * (nslots & 31)]:slots",
        "SHPCRegisters",
    ),
)
