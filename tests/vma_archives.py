"""Small archives as Proxmox's ``vma`` writes them, by its ``vma_spec.txt`` and ``vma.h``."""

from __future__ import annotations

import hashlib

BLOCK, BLOCKS, ENTRIES = 4096, 16, 59
UUID = bytes(range(16))


def archive(
    state: bytes | None, disk: bytes = b"", name: str = "vmstate", sparse: bool = True
) -> bytes:
    """An archive of a disk and a machine's state, their clusters in turns; ``sparse`` leaves
    out blocks of zeros."""
    devices = {1: ("drive-scsi0", disk)} if disk else {}
    if state is not None:
        devices[2] = (name, state)
    return header(devices) + b"".join(extents(devices, sparse))


def header(devices: dict[int, tuple[str, bytes]]) -> bytes:
    blobs = bytearray(1)
    infos = bytearray(32 * 256)
    for number, (name, data) in devices.items():
        info = len(blobs).to_bytes(4, "big") + bytes(4) + len(data).to_bytes(8, "big")
        infos[32 * number : 32 * number + 16] = info
        text = name.encode() + b"\0"
        blobs += len(text).to_bytes(2, "little") + text
    used = len(blobs)
    blobs += bytes(-len(blobs) % 512)
    made = bytearray(12288)
    made[:24] = b"VMA\0" + (1).to_bytes(4, "big") + UUID
    places = (12288, used, 12288 + len(blobs))
    made[48:60] = b"".join(number.to_bytes(4, "big") for number in places)
    made[4096:] = infos
    made += blobs
    made[32:48] = hashlib.md5(made).digest()
    return bytes(made)


def extents(devices: dict[int, tuple[str, bytes]], sparse: bool) -> list[bytes]:
    size = BLOCK * BLOCKS
    clusters = [
        (number, at // size, data[at : at + size].ljust(size, b"\0"))
        for number, (_, data) in devices.items()
        for at in range(0, len(data), size)
    ]
    clusters.sort(key=lambda one: one[1])
    made = []
    for start in range(0, len(clusters), ENTRIES):
        infos, body = bytearray(8 * ENTRIES), b""
        for place, (number, index, data) in enumerate(
            clusters[start : start + ENTRIES]
        ):
            mask = 0
            for block in range(BLOCKS):
                part = data[BLOCK * block : BLOCK * (block + 1)]
                if any(part) or not sparse:
                    mask |= 1 << block
                    body += part
            info = mask << 48 | number << 32 | index
            infos[8 * place : 8 * place + 8] = info.to_bytes(8, "big")
        blocks = (len(body) // BLOCK).to_bytes(2, "big")
        head = bytearray(b"VMAE" + bytes(2) + blocks + UUID + bytes(16) + infos)
        head[24:40] = hashlib.md5(head).digest()
        made.append(bytes(head) + body)
    return made
