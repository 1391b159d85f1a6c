"""What a stream can be wrapped in: compression, a libvirt save image, a qcow2 snapshot."""

from vmgen.stream.carriers.compression import MAGICS, decompressed
from vmgen.stream.carriers.libvirt import SaveImage, read_save_image, skip_to_stream
from vmgen.stream.carriers.qcow2 import Snapshot, snapshots, vm_state

__all__ = [
    "HEAD",
    "MAGICS",
    "SaveImage",
    "Snapshot",
    "decompressed",
    "kind_of",
    "read_save_image",
    "skip_to_stream",
    "snapshots",
    "vm_state",
]

HEAD = 16
"""So many first bytes tell what it is."""


def kind_of(head: bytes) -> str:
    """``libvirt``, ``qcow2``, a compression by its usual name, or empty for neither.

    ``head`` are the first :data:`HEAD` bytes, or as many as there are.
    """
    for magic, kind in MAGICS.items():
        if head.startswith(magic):
            return kind
    return ""
