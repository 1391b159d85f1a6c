"""Hand-written formats byte by byte: what QEMU's C takes, the codecs take, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.generated_code import imported
from vmgen import infos, ir, pipeline
from vmgen.infos.formats import INFOS


@pytest.fixture(scope="module")
def device() -> Iterator[ModuleType]:
    """A device with SCSI requests and a hot-plug controller."""
    requests, shpc = (INFOS[symbol][1] for symbol in ("vmstate_info_scsi_requests", "shpc_vmstate_info"))  # fmt: skip
    fields = tuple(
        ir.Field(
            name,
            (),
            ir.CustomElement(
                info.symbol, name, "", info.get.lines[0], info.put.lines[0]
            ),
            ir.Fixed(0),
        )
        for name, info in (("requests", requests), ("shpc", shpc))
    )
    made = ir.Description("vmstate_dev", "dev", "Dev", 1, 1, fields)
    modules = infos.resolved((ir.Module("dev.c", (made,)),), {})
    with imported(pipeline.generate([ir.Program("", "", modules)])) as found:
        yield found["dev"]


def context(device: ModuleType, what: str = "disk") -> Any:
    runtime = __import__("sys").modules[device.Codec.__module__]
    told = {"SCSIRequest.adapter": "", "SCSIRequest.device": what}
    return runtime.Context(members=told)


def controller(byte: int) -> bytes:
    """The registers with this byte where the number of slots is, and the slots."""
    head = bytearray(range(36))
    head[12] = byte
    return bytes(head) + bytes(4 * (byte & 0x1F))


WRITE = b"\x2a" + bytes(15)
READ = b"\x28" + bytes(15)
NUMBERS = b"\0\0\0\7" + b"\0\0\0\1"  # tag, lun


def request(marker: int, cmd: bytes, sectors: int, buflen: int, data: bytes) -> bytes:
    disk = bytes(7) + b"\x09" + sectors.to_bytes(4, "big") + buflen.to_bytes(4, "big")
    return bytes([marker]) + cmd + NUMBERS + disk + data


@pytest.mark.parametrize("marker", [1, 2, 3, 127])
def test_every_positive_marker_goes_on(device: ModuleType, marker: int) -> None:
    """``while ((sbyte = qemu_get_sbyte(f)) > 0)``, ``retry = sbyte == 1``."""
    there = b"" if marker == 1 else b"\0\0\0\2xy"
    data = request(marker, READ, 1, 512, there) + b"\0" + controller(0)
    state, end = device.load_dev(data, context=context(device))
    assert end == len(data)
    (one,) = state.requests.requests
    assert (one.retry, one.tag, one.lun) == (marker, 7, 1)
    assert one.disk.data == (None if marker == 1 else b"xy")
    assert device.save_dev(state) == data


@pytest.mark.parametrize("marker", [0, 128, 255])
def test_a_marker_that_is_not_positive_ends_the_requests(
    device: ModuleType, marker: int
) -> None:
    """``int8_t sbyte``: QEMU reads on behind it, and writes a 0 itself."""
    data = request(2, READ, 1, 0, b"") + bytes([marker]) + controller(0)
    state, end = device.load_dev(data, context=context(device))
    assert end == len(data)
    assert len(state.requests.requests) == 1
    saved = device.save_dev(state)
    assert saved == request(2, READ, 1, 0, b"") + b"\0" + controller(0)


def test_a_request_that_would_end_the_list_is_not_written(device: ModuleType) -> None:
    data = request(2, READ, 1, 0, b"") + b"\0" + controller(0)
    state, _ = device.load_dev(data, context=context(device))
    state.requests.requests[0].retry = 0
    with pytest.raises(Exception, match=r"requests\[0\]\.retry") as caught:
        device.save_dev(state)
    assert type(caught.value).__name__ == "BadValue"


@pytest.mark.parametrize(
    ("sectors", "buflen", "size"), [(1, 512, 512), (1, 4096, 512), (4, 1024, 1024)]
)
def test_what_is_written_is_as_long_as_its_sectors_or_its_buffer(
    device: ModuleType, sectors: int, buflen: int, size: int
) -> None:
    """``scsi_init_iovec``: the smaller of the two."""
    written = bytes(range(256)) * (size // 256)
    data = request(2, WRITE, sectors, buflen, written) + b"\0" + controller(0)
    state, end = device.load_dev(data, context=context(device))
    assert end == len(data)
    assert state.requests.requests[0].disk.data == written
    assert device.save_dev(state) == data


@pytest.mark.parametrize("byte", [0, 1, 0x1F, 0x20, 0xE3])
def test_five_bits_say_how_many_slots_there_are(device: ModuleType, byte: int) -> None:
    data = b"\0" + controller(byte)
    state, end = device.load_dev(data)
    assert end == len(data)
    assert len(state.shpc.slots) == 4 * (byte % 32)
    assert device.save_dev(state) == data
