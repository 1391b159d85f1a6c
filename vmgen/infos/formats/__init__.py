"""The formats that hand-written codecs know, one file a format.

Each says by which C it is known and which codec of the emitted modules reads it.  What
the C moves is a fact of a release: a codec is used where the tree's functions move one of
the sequences that it was written from, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmgen.infos.formats import (
    capability,
    chunks,
    clipboard,
    flic,
    msix,
    pci_config,
    scsi_requests,
    shpc,
    sized,
    usbredir_ids,
    usbredir_packets,
    virtio,
    virtio_extra,
    virtio_gpu,
    virtio_gpu_blobs,
)
from vmgen.infos.model import Info, WireFormat

FORMATS: Mapping[str, WireFormat] = {
    module.FORMAT.name: module.FORMAT
    for module in (
        pci_config,
        msix,
        shpc,
        capability,
        chunks,
        sized,
        usbredir_packets,
        usbredir_ids,
        flic,
        clipboard,
        virtio,
        virtio_extra,
        virtio_gpu,
        virtio_gpu_blobs,
        scsi_requests,
    )
}

INFOS: Mapping[str, tuple[WireFormat, Info]] = {
    info.symbol: (one, info) for one in FORMATS.values() for info in one.infos
}
"""The custom infos that hand-written codecs know, by C symbol (that of the get function
for an info without a name), and the format of each."""

_SHARED: Mapping[str, tuple[str, ...]] = {
    "_formats": ("FormatPart", "FormatSite", "read_each"),
    "_virtqueue": (
        "VirtIOBlkRequest", "VirtIOBlkRequests", "VirtIOSerialPort", "VirtIOSerialPorts",
        "VirtQueueElement",
    ),
}  # fmt: skip
"""What the emitted modules offer to more than one format."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "_formats": (),
    "_pci": ("_formats",),
    "_virtqueue": ("_formats",),
    "_virtio": ("_formats", "_pci", "_virtqueue"),
    "_virtio_gpu": ("_formats",),
    "_scsi": ("_formats", "_virtqueue"),
}
"""The emitted modules that each imports, ``_runtime`` aside."""

NAMES: Mapping[str, tuple[str, ...]] = {
    module: (
        *_SHARED.get(module, ()),
        *(
            name
            for one in FORMATS.values()
            if one.module == module
            for name in one.classes
        ),
        *(
            f"{how}_{one.name}"
            for how in ("read", "write")
            for one in FORMATS.values()
            if one.module == module
        ),
    )
    for module in NEEDS
}
"""What a generated module may import from each emitted module."""
