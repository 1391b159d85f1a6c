"""A fuzzer for migration streams, to be run for as long as one likes::

    python -m tests.fuzz_streams --executions 1000000

An execution damages a captured stream where its structure is, or makes one up, and asks
everything of it: with and without codecs, with and without its description, as a whole or
through a pipe, verified, edited, explained.  Nothing but a ``StreamError`` may come out,
nothing may take longer than ``--seconds``, and (sampled) nothing may take more memory
than a small multiple of the input.  A failing input is written to ``--failures``, and
the exit status is 1.  Every execution is numbered: ``--first N --executions 1`` runs one
again.
"""

from __future__ import annotations

import argparse
import bz2
import random
import re
import signal
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tests.qcow2_images import Image
from tests.stream_files import codecs_of, stripped, whole
from vmgen.stream import Codecs, Draft, Stream, StreamError, show
from vmgen.stream.edit import edit
from vmgen.stream.explain import explain
from vmgen.stream.input import Input
from vmgen.stream.verify import verify

STRUCTURE = re.compile(
    rb"\x7e\0\0\0|[\x01-\x04]\0\0\0|\x05[\x05-\x30][a-z]|\x06\0|\x08\0|\x22\0|\x28"
    rb'|"size": |"array_len": |"index": |"fields": \[|"struct": |"instance_id": |"version": '
)

SEEDS: dict[str, Callable[[], bytes]] = {
    "avr-uno-poke--10.0.2": lambda: whole("avr-uno-poke--10.0.2"),
    "arm-stm32vldiscovery-poke--10.0.2": lambda: whole(
        "arm-stm32vldiscovery-poke--10.0.2"
    ),
    "riscv64-compress--7.2.22": lambda: whole("riscv64-compress--7.2.22"),
    "riscv64-virt-vh-bare--10.0.2": lambda: stripped("riscv64-virt-vh-bare--10.0.2"),
    "ppc-g3beige-openbios--10.0.2": lambda: stripped("ppc-g3beige-openbios--10.0.2"),
    "x86_64-q35-bare--7.2.22": lambda: stripped("x86_64-q35-bare--7.2.22"),
    "": lambda: b"QEVM\0\0\0\3",
}
"""What is damaged.  Small ones: an execution costs what it reads."""

NUMBERS = (
    0,
    1,
    2,
    4,
    7,
    0x10,
    0x7E,
    0x7F,
    0xFF,
    0xFFFF,
    1 << 31,
    (1 << 32) - 1,
    1 << 63,
)

TOKENS = (
    b"\x7e", b"\x05", b"\x06", b"\x08\0\x07\0\x04", b"\4\0\0\0\1", b"\0", b'{"name": "',
    b'"size": ', b'"array_len": 99999999, ', b'"fields": [', b"[[[[[[[[", b"1e9", b"-1",
    b"\1\0\0\0\2\3ram\0\0\0\0\0\0\0\4", b"\4\0\0\0\3\5timer\0\0\0\0\0\0\0\2",
    b"\5\7cpu/zzz\0\0\0\1", b"\x08\0\3\0\x10", b"\7\0\0\0\4virt", b"null", b'"index": 3, ',
)  # fmt: skip


class Slow(Exception):
    """An execution took too long."""


class Pipe:
    """A source that comes in small pieces."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.position = data, step, 0

    def read(self, size: int, /) -> bytes:
        end = self.position + min(size, self.step)
        chunk = self.data[self.position : end]
        self.position += len(chunk)
        return chunk


def damaged(data: bytes, spots: list[int], rng: random.Random) -> bytes:
    """The data after one to five changes, mostly where its structure is."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        if rng.random() < 0.8 and spots:
            at = rng.choice(spots) + rng.randint(-2, 24)
        else:
            at = rng.randint(0, len(made))
        at = max(0, min(at, len(made)))
        kind = rng.randrange(9)
        if kind == 0 and at < len(made):
            made[at] = rng.randrange(256)
        elif kind == 1 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            width = rng.choice((1, 2, 4, 8))
            number = rng.choice(NUMBERS) & ((1 << 8 * width) - 1)
            made[at : at + width] = number.to_bytes(width, "big")
        elif kind == 3:
            del made[at : at + rng.choice((1, 2, 4, 9, 64, 500, 4096))]
        elif kind == 4:
            made[at:at] = made[at : at + rng.choice((1, 2, 9, 40, 300))]
        elif kind == 5 and spots:
            other = rng.choice(spots)
            made[at:at] = made[other : other + rng.choice((5, 30, 200))]
        elif kind == 6:
            made[at:at] = rng.choice(TOKENS)
        elif kind == 7:
            made[at:at] = rng.randbytes(rng.choice((1, 4, 16, 60)))
        elif rng.random() < 0.3:
            del made[at:]
    return bytes(made)


def ask(data: bytes, codecs: Codecs | None, rng: random.Random) -> None:
    """One question to a stream, chosen at random; raises StreamError or fails."""
    described, strict = rng.random() < 0.6, rng.random() < 0.8
    source = Pipe(data, rng.choice((1, 7, 1000, 65536))) if rng.random() < 0.1 else data
    if isinstance(source, Pipe):  # a thousand pieces say as much as a hundred thousand
        source.step = max(source.step, len(data) // 1000)
    kind = rng.randrange(8)
    if kind == 7:
        carried(data, rng)
        return
    if kind == 0 and codecs is not None:
        own = None
        if rng.random() < 0.4:  # the machine's own stream is as hostile
            other = rng.choice((data, damaged(data, [], rng)))
            own = Stream(other, page_size=4096, strict=False)
        explain(Input(source), codecs, own=own, others=lambda: [codecs])
        return
    stream = Stream(
        source, codecs, page_size=4096, use_description=described, strict=strict
    )
    if kind == 1:
        list(verify(stream))
        return
    position = 0
    for part in stream.parts():
        assert part.offset == position, "parts do not touch"
        position += part.size
    assert position == len(data), "parts are not all"
    sections = list(stream.sections)
    if kind == 2:
        assert Draft(stream).to_bytes() == data, "a draft without a change changes"
    elif kind == 3:
        show.dumps(show.as_json(stream))
    elif kind == 4 and sections:
        one = rng.choice(sections)
        "".join(show.section_text(stream, one))
    elif kind == 5 and sections:
        draft = Draft(stream)
        draft.drop(rng.choice(sections))
        made = draft.to_bytes()
        assert len(made) <= len(data) + 64
    elif kind == 6 and sections:
        edit(stream, [f"{rng.choice(sections).path}.env.pc=1"]).to_bytes()


def carried(data: bytes, rng: random.Random) -> None:
    """The stream in a carrier, which is damaged too."""
    kind = rng.randrange(4)
    if kind == 0:
        image = Image({"one": data, "two": data[:2000]}, bits=rng.choice((9, 10, 12)))
        image.compressed, image.extended = rng.choice(
            ((False, False), (True, False), (False, True))
        )
        image.holes = rng.random() < 0.3
        made = image.built()
    elif kind == 1:
        form = rng.choice((0, 0, 1, 2))
        inside = (bytes, lambda b: zlib.compress(b, 1, 31), bz2.compress)[form](data)
        head = b"".join(n.to_bytes(4, "little") for n in (2, 5, 1, form, *[0] * 15))
        made = b"LibvirtQemudSave" + head + b"<d/>\0" + inside
    else:
        made = zlib.compress(data, 1, 31) if kind == 2 else bz2.compress(data, 1)
    broken = bytearray(made)
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(min(rng.choice((112, 1 << 30)), len(broken)))
        broken[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    if rng.random() < 0.1:
        del broken[rng.randrange(len(broken)) :]
    source = Input(bytes(broken), rng.choice(("one", "two", "")))
    list(Stream(source, page_size=4096).parts())
    source.close()


def execute(number: int, seeds: dict[str, bytes], spots: dict[str, list[int]]) -> bytes:
    """One execution; returns its input."""
    rng = random.Random(number)
    name = rng.choice(sorted(seeds))
    data = seeds[name]
    if name:
        data = damaged(data, spots[name], rng)
    else:
        data += b"".join(
            rng.choice((rng.choice(TOKENS), rng.randbytes(rng.randint(1, 24))))
            for _ in range(rng.randint(1, 12))
        )
    codecs = codecs_of(name or "riscv64-virt-vh-bare--10.0.2")
    try:
        refusal = None
        try:
            ask(data, codecs if rng.random() < 0.6 else None, rng)
        except StreamError as error:
            refusal = error
        if refusal is not None:
            assert str(refusal), "nothing is said"
            assert refusal.code.startswith("VG7"), "no code"
            assert refusal.offset is None or 0 <= refusal.offset < 1 << 64, "no place"
    except Exception as error:
        error.add_note(f"input of execution {number}: {len(data)} bytes of '{name}'")
        raise Failure(number, data) from error
    return data


class Failure(Exception):
    """An execution that ended with something else than it may."""

    def __init__(self, number: int, data: bytes) -> None:
        super().__init__(number)
        self.number, self.data = number, data


def too_slow(signal_number: int, frame: FrameType | None) -> None:
    raise Slow


def run(first: int, count: int, seconds: float, failures: Path, report: float) -> int:
    """Run executions ``first`` up to ``first + count``; how many failed."""
    seeds = {name: make() for name, make in SEEDS.items()}
    spots = {
        name: [match.start() for match in STRUCTURE.finditer(data)]
        for name, data in seeds.items()
    }
    signal.signal(signal.SIGALRM, too_slow)
    failed = 0
    began = told = time.monotonic()
    for number in range(first, first + count):
        sampled = number % 997 == 0
        if sampled:
            tracemalloc.start()
        signal.setitimer(signal.ITIMER_REAL, seconds * (4 if sampled else 1))
        try:
            data = execute(number, seeds, spots)
            if sampled:
                signal.setitimer(signal.ITIMER_REAL, 0)
                peak = tracemalloc.get_traced_memory()[1]
                if peak > 64 * len(data) + (8 << 20):
                    raise Failure(number, data) from MemoryError(f"{peak} bytes")
        except Failure as failure:
            failed += 1
            failures.mkdir(parents=True, exist_ok=True)
            (failures / f"{failure.number}.stream").write_bytes(failure.data)
            cause = failure.__cause__
            place = cause.__traceback__ if cause is not None else None
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = (
                ""
                if place is None
                else f" at {place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
            )
            print(f"execution {failure.number}: {cause!r}{where}", flush=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            if sampled:
                tracemalloc.stop()
        now = time.monotonic()
        if now - told > report:
            told = now
            done = number - first + 1
            print(
                f"{done} executions, {failed} failed, {done / (now - began):.0f}/s",
                flush=True,
            )
    print(
        f"{count} executions, {failed} failed, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--executions", type=int, default=10000)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seconds", type=float, default=10, help="that one may take")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    parser.add_argument(
        "--report", type=float, default=60, help="seconds between lines"
    )
    options = parser.parse_args()
    failed = run(
        options.first,
        options.executions,
        options.seconds,
        options.failures,
        options.report,
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
