"""The vectors of MSI-X and which of them are pending."""

from vmgen.infos.model import Info, WireFormat, known

_TABLES = "bytes[msix_entries_nr * 16] bytes[((msix_entries_nr + 8) - 1) / 8]"
_STATE = known("hw/pci/msix.c", f"if[cap_present & 2]{{ {_TABLES} }}")

FORMAT = WireFormat(
    "msix",
    "_pci",
    "MSIX",
    (Info("vmstate_info_msix", _STATE, _STATE),),
    classes=("MSIX",),
)
