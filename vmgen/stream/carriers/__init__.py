"""What a stream can be wrapped in: compression, a libvirt save image, a qcow2 snapshot.

``compression``, ``libvirt`` and ``qcow2`` each know one kind; they are imported where a
stream comes in it.
"""

from __future__ import annotations

_MAGICS = {
    b"\xfd7zXZ\0": "xz",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x89LZO\0\r\n\x1a\n": "lzop",
    b"\x04\x22\x4d\x18": "lz4",
    b"LibvirtQemudSave": "libvirt",
    b"LibvirtQemudPart": "libvirt",
    b"QFI\xfb": "qcow2",
}

HEAD = 16
"""So many first bytes tell what it is."""


def kind_of(head: bytes) -> str:
    """``libvirt``, ``qcow2``, a compression by its usual name, or empty for neither.

    ``head`` are the first :data:`HEAD` bytes, or as many as there are.
    """
    for magic, kind in _MAGICS.items():
        if head.startswith(magic):
            return kind
    return ""
