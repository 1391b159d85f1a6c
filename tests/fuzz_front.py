"""A fuzzer for the C front end, to be run for as long as one likes::

    python -m tests.fuzz_front --executions 20000

An execution takes a preprocessed file of ``tests/cases`` or of the embedded headers,
changes some of its tokens, and reads it: descriptions, conditions, registrations.  Nothing
but a ``VmgenError`` may come out, nothing may take more than ``--seconds`` of a processor or
``--megabytes`` of memory.  A failing input is written to ``--failures``, and the exit status is
1.  Every execution is numbered: ``--first N --executions 1`` runs one again, and ``--time``
ends a run in time whatever is left.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from vmgen import ir, roots, tree
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract import extract
from vmgen.ir import json as ir_json
from vmgen.preprocess import Preprocessed, preprocess
from vmgen.source import Diagnostic, VmgenError

CASES = Path(__file__).parent / "cases"
TOKEN = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|\w+|[-+*/%&|^<>=!]=|->|\+\+|--|&&|\|\||<<|>>'
    r"|\.\.\.|[^\s\w]"
)
MARKER = re.compile(r'^# \d+ "([^"]*)"[^\n]*$', re.MULTILINE)
#: What C is made of, and what it ends at.
WORDS = (
    *["{", "}", "(", ")", "[", "]", ",", ";", ":", "?", ".", "->", "=", "==", "!=", "<", "<=", "<<", ">>", "&", "&&", "|", "||", "!", "~", "+", "++", "-", "--", "*", "/", "%", "^", "..."],
    *["0", "1", "2", "-1", "31", "32", "63", "64", "255", "0x7fffffff", "0x80000000", "0xffffffff", "4294967296"],
    *["9223372036854775807", "0xffffffffffffffff", "18446744073709551616", "1e400", "0x1p4", "1.5f"],
    *["'a'", "''", "'\\\\x'", "'ab'", "L'a'", '""', '"s"', '"\\\\"', 'L"w"', "0b11", "08", "1ull", "1uz"],
    *["if", "else", "for", "while", "do", "switch", "case", "default", "break", "continue", "goto", "return", "sizeof"],
    *["struct", "union", "enum", "typedef", "static", "extern", "const", "volatile", "void", "int", "char", "long", "short"],
    *["unsigned", "signed", "_Bool", "float", "double", "_Complex", "_Atomic", "_Alignas", "_Alignof", "typeof"],
    *["__auto_type", "__attribute__", "__attribute__((packed))", "__attribute__((aligned(3)))"],
    *["__attribute__((vector_size(0)))", "__attribute__((mode(QI)))", "__int128", "_BitInt"],
    *["_Generic", "_Static_assert", "__builtin_offsetof", "__builtin_choose_expr", "asm", "inline"],
    *["__builtin_types_compatible_p", "__builtin_constant_p", "__builtin_va_arg", "__extension__"],
    *["constexpr", "nullptr", "[[packed]]", "[[gnu::packed]]", "\\", "#", "@", "$", "`", "é", "٤", "\x00"],
    "\n#pragma pack(1)\n", "\n#pragma pack(push\n", "\n# 1 \"x.h\" 1\n", "({", "})", "(int)",
    "(void*)0", "[0 ... 3] =", ".a =", "a:", "*(", "&(", "(struct { int a; }){ 1 }",
    "VMStateDescription", "VMStateField", "VMStateInfo", "NULL",
)  # fmt: skip


class TooSlow(Exception):
    """An execution took too long."""


@dataclass(frozen=True)
class FrontSeed:
    """A preprocessed file, the places of its tokens, and where its own text starts."""

    name: str
    expansion: Preprocessed
    spans: list[tuple[int, int]]
    own: int


@cache
def seeds() -> tuple[FrontSeed, ...]:
    """Every case, and the CPUs of some targets of the embedded headers."""
    trees = [tree.standalone((path,)) for path in sorted(CASES.glob("*.c"))]
    trees += [tree.embedded(target) for target in ("riscv64", "x86_64", "aarch64")]
    found: list[FrontSeed] = []
    for one in trees:
        for file in one.cpu_sources:
            try:
                expansion = preprocess(one, file)
            except VmgenError:
                continue  # a case of what the preprocessor refuses
            text = expansion.text
            spans = [match.span() for match in TOKEN.finditer(text)]
            back = [
                mark.end()
                for mark in MARKER.finditer(text)
                if mark[1] == file or mark[1].endswith(f"/{file}")
            ]
            start = max(back, default=0)
            own = sum(span[0] < start for span in spans)
            found.append(FrontSeed(file, expansion, spans, min(own, len(spans) - 1)))
    return tuple(found)


def mutated(seed: FrontSeed, rng: random.Random) -> str:
    """The file's text after one to five changes, mostly in its own part."""
    text = seed.expansion.text
    edits: list[tuple[int, int, str]] = []
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
        first = seed.own if rng.random() < 0.85 else 0
        at = rng.randrange(first, len(seed.spans))
        start, end = seed.spans[at]
        last = min(at + rng.choice((0, 1, 2, 5, 20)), len(seed.spans) - 1)
        kind = rng.randrange(10)
        if kind == 0:  # without some tokens
            edits.append((start, seed.spans[last][1], ""))
        elif kind == 1:  # some of them twice
            edits.append((start, start, f"{text[start : seed.spans[last][1]]} "))
        elif kind in (2, 3):  # another token
            edits.append((start, end, f" {rng.choice(WORDS)} "))
        elif kind in (4, 5):  # one token more
            edits.append((start, start, f" {rng.choice(WORDS)} "))
        elif kind in (6, 7):  # a token or a few from elsewhere in the file
            other = rng.randrange(first, len(seed.spans))
            until = min(other + rng.choice((0, 0, 3, 12)), len(seed.spans) - 1)
            there = text[seed.spans[other][0] : seed.spans[until][1]]
            edits.append((start, end if kind == 6 else start, f" {there} "))
        elif kind == 8:  # the same token over and over
            token = rng.choice((text[start:end], rng.choice(WORDS)))
            edits.append((start, end, f" {token}" * rng.choice((2, 9, 70, 400, 3000))))
        elif rng.random() < 0.2:  # nothing behind it
            edits.append((start, len(text), ""))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def ask(seed: FrontSeed, text: str) -> None:
    """Read the file as ``vmgen`` does; what was found must be fit to be printed."""
    unit = Unit(text, source=seed.expansion.source, relative=seed.expansion.relative)
    layout = Layout(unit)
    try:
        roots.roots_of(unit, layout, text)
        module = extract(unit, layout, seed.expansion.excerpt)
    except VmgenError as error:
        check(error.diagnostics)
    else:
        ir_json.dumps(ir.Program(release="", target="", modules=(module,)))
        check([found for one in module.unread for found in one.found])


def check(diagnostics: Iterable[Diagnostic]) -> None:
    for found in diagnostics:
        assert re.fullmatch(r"VG\d{3}", found.code), found
        assert 0 < len(found.message) < 2000, found


class Failure(Exception):
    """An execution that ended with something else than it may."""

    def __init__(self, number: int, seed: FrontSeed, text: str) -> None:
        super().__init__(f"execution {number} of {seed.name}")
        self.number, self.text = number, text


def execute(number: int) -> None:
    """One execution; raises :class:`Failure`."""
    rng = random.Random(number)
    small = [seed for seed in seeds() if len(seed.spans) - seed.own < 2000]
    seed = rng.choice(small if rng.random() < 0.95 else seeds())
    text = mutated(seed, rng)
    try:
        ask(seed, text)
    except Exception as error:
        raise Failure(number, seed, text) from error


def too_slow(signal_number: int, frame: FrameType | None) -> None:
    raise TooSlow


def run(
    first: int,
    count: int,
    *,
    seconds: float,
    megabytes: int,
    limit: float,
    failures: Path,
    report: float = 60,
) -> int:
    """Run executions ``first`` up to ``first + count``, but start none after ``limit``
    seconds; how many failed."""
    seeds()
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20), before[1]))
    signal.signal(signal.SIGPROF, too_slow)
    failed = done = 0
    began = told = time.monotonic()
    try:
        for number in range(first, first + count):
            if time.monotonic() - began > limit:
                break
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                execute(number)
            except Failure as failure:
                failed += 1
                failures.mkdir(parents=True, exist_ok=True)
                (failures / f"{failure.number}.c").write_text(failure.text, "utf-8")
                print(f"{failure}: {place(failure.__cause__)}", flush=True)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            done += 1
            if time.monotonic() - told > report:
                told = time.monotonic()
                print(f"{done} executions, {failed} failed", flush=True)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    spent = time.monotonic() - began
    print(f"{done} executions, {failed} failed, {spent:.0f} s", flush=True)
    return failed


def place(error: BaseException | None) -> str:
    """An error and where it was raised."""
    at = error.__traceback__ if error is not None else None
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = at and f" at {at.tb_frame.f_code.co_filename}:{at.tb_lineno}"
    return f"{error!r:.300}{where or ''}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--executions", type=int, default=20000)
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--seconds", type=float, default=10, help="CPU time of one")
    parser.add_argument("--megabytes", type=int, default=1024, help="that all may take")
    parser.add_argument("--time", type=float, default=1e9, help="seconds for all")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"))
    options = parser.parse_args()
    failed = run(
        options.first,
        options.executions,
        seconds=options.seconds,
        megabytes=options.megabytes,
        limit=options.time,
        failures=options.failures,
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
