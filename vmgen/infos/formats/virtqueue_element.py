"""A request of a virtio device that is under way."""

from vmgen.infos.model import Inside, Written

MAX_SEGMENTS = 1024


def _number(member: str, places: tuple[int, ...]) -> str:
    """A word of the host's memory, its bytes from the lowest on at these places."""
    parts = (f"({member}[{at}] << {8 * n})" for n, at in enumerate(places))
    return f"({' | '.join(parts)})"


def _few(places: tuple[int, ...]) -> str:
    """As many segments as QEMU asserts that there are at most."""
    words = (_number(member, places) for member in ("out_num", "in_num"))
    return " && ".join(f"{word} <= {MAX_SEGMENTS}" for word in words)


# VirtQueueElementOld (hw/virtio/virtio.c) as it is in the memory of the host, in its byte
# order: guest addresses, and a base (0 on the wire) and a length for each.  ndescs is there
# on packed rings only; QEMU writes it in front of the element and looks for it behind, so
# it does not take such a stream itself.
ELEMENT = Inside(
    "virtqueue_element",
    "hw/virtio/virtio.c",
    written=Written(
        "if[packed]{ u32:ndescs } bytes[4]:index bytes[4]:out_num bytes[4]:in_num"
        f" must[{_few((0, 1, 2, 3))} || {_few((3, 2, 1, 0))}]:(few segments)"
        f" bytes[4]:padding bytes[{8 * MAX_SEGMENTS}]:in_addr"
        f" bytes[{8 * MAX_SEGMENTS}]:out_addr bytes[{16 * MAX_SEGMENTS}]:in_sg"
        f" bytes[{16 * MAX_SEGMENTS}]:out_sg",
        "VirtQueueElement",
    ),
)
