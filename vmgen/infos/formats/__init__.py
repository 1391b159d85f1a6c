"""The formats that C alone does not say, one file a format.

Each says by which C it is known and which codec of the emitted modules reads it.  What
the C moves is a fact of a release: a codec is used where the tree's functions move one of
the sequences that it was written from, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmgen.infos.formats import (
    chunks,
    clipboard,
    flic,
    msix,
    scsi_requests,
    shpc,
    usbredir_packets,
    virtio,
    virtio_extra,
    virtio_gpu,
)
from vmgen.infos.model import Info, WireFormat

FORMATS: Mapping[str, WireFormat] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        msix,
        shpc,
        chunks,
        usbredir_packets,
        flic,
        clipboard,
        virtio,
        virtio_extra,
        virtio_gpu,
        scsi_requests,
    )
}

INFOS: Mapping[str, tuple[WireFormat, Info]] = {
    info.symbol: (one, info) for one in FORMATS.values() for info in one.infos
}
"""The custom infos that hand-written codecs know, by C symbol (that of the get function
for an info without a name), and the format of each."""

ANSWERED: Mapping[str, str] = {
    "vmstate_info_pci_config": "pci_device",
    "vmstate_virtio_net_tx_waiting": "virtio_net_queues",
}
"""The code that answers for a description with a buffer of such an info, or of such a
symbol."""

ANSWERS: Mapping[str, str] = {
    "clipboard": "_formats",
    "msix": "_pci",
    "pci_device": "_pci",
    "scsi_requests": "_scsi",
    "virtio": "_virtio",
    "virtio_blk": "_virtio",
    "virtio_gpu": "_virtio_gpu",
    "virtio_mem": "_virtio",
    "virtio_net": "_virtio",
    "virtio_net_queues": "_virtio",
    "virtio_serial": "_virtio",
}
"""The emitted module of each ``answer_NAME``."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "_formats": (),
    "_pci": ("_formats",),
    "_virtio": ("_formats", "_pci"),
    "_virtio_gpu": ("_formats",),
    "_scsi": ("_formats",),
    "_foreign": (),
}
"""The emitted modules that each imports, ``_runtime`` aside."""

FOREIGN = ("foreign", "foreign_one", "put_foreign")
"""What calls the functions of a user, in the emitted module ``_foreign``."""

NAMES = ("answered", *FOREIGN, *(f"answer_{name}" for name in ANSWERS))
"""What a generated module may import from them."""
