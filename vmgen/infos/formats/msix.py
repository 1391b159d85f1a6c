"""The vectors of MSI-X (16 bytes each) and which of them are pending, as the device maps
them; nothing at all of a device without MSI-X."""

from vmgen.infos.model import Info, WireFormat, Written, known

_TABLES = "bytes[msix_entries_nr * 16] bytes[((msix_entries_nr + 8) - 1) / 8]"
_STATE = known("hw/pci/msix.c", f"if[cap_present & 2]{{ {_TABLES} }}")

WRITTEN = Written(
    "bytes[16 * entries]:table bytes[(entries + 7) / 8]:pba",
    "MSIX",
    "msix",
    "_pci",
)
FORMAT = WireFormat(
    "msix",
    (Info("vmstate_info_msix", _STATE, _STATE),),
    WRITTEN,
)
