"""What QEMU says to a stream, and what ``vmgen stream explain --like`` says."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.qemu.machine import Guest, Machine, Refusal
from vmgen.cli import run

CAUSES = {
    "Allowed features": "the options of a virtio device decide which features it has",
}
"""Where QEMU refuses what is called accepted: what is in the change or in QEMU's words, and
why vmgen cannot know."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One changed stream; ``qemu`` is accepted, refused, or aborted by a signal."""

    machine: str
    number: int
    change: str
    qemu: str
    words: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The same with vmgen's answer: accepted, refused, not known, or an error."""

    tried: Tried
    outcome: str
    reasons: tuple[str, ...]

    @property
    def firm(self) -> bool:
        return self.outcome in ("accepted", "refused")

    @property
    def right(self) -> bool:
        return self.outcome == (
            "accepted" if self.tried.qemu == "accepted" else "refused"
        )

    @property
    def cause(self) -> str:
        """Why vmgen cannot know it, if that is so."""
        if self.outcome != "accepted" or self.tried.qemu == "accepted":
            return ""
        text = f"{self.tried.change} {self.tried.words}"
        return next((name for name in CAUSES if name in text), "")


def qemu(guest: Guest, stream: bytes) -> tuple[str, str]:
    """QEMU's verdict, and what it said."""
    with Machine(guest, ("-incoming", "defer")) as machine:
        try:
            machine.load(stream)
        except Refusal:
            aborted = (machine.process.returncode or 0) < 0
            return "aborted" if aborted else "refused", machine.said().strip()
        return "accepted", machine.said().strip()


def vmgen(
    file: Path, own: Path, target: str, release: str
) -> tuple[str, tuple[str, ...]]:
    """The outcome of ``vmgen stream explain``, and its reasons."""
    out, err = io.StringIO(), io.StringIO()
    words = ["stream", "explain", str(file), "--codecs", release, "--like", str(own)]
    with redirect_stdout(out), redirect_stderr(err):
        status = run([*words, "-t", target, "--format", "json"])
    if status == 2:
        return "error", (err.getvalue().strip(),)
    found = json.loads(out.getvalue())
    reasons = [*found["refusals"], *found["open"]]
    return found["outcome"], tuple(
        f"{one['section']} {one['member']}: {one['message']} [{one['rule']}]"
        for one in reasons[:4]
    )


def table(answered: Iterable[Answered]) -> str:
    """How often each answer met each verdict, and the figures that it comes to."""
    every = list(answered)
    counts = Counter((one.tried.qemu, one.outcome) for one in every)
    columns = ("accepted", "refused", "not known", "error")
    lines = [f"{'QEMU / vmgen':14}" + "".join(f"{one:>11}" for one in columns)]
    for row in ("accepted", "refused", "aborted"):
        cells = "".join(f"{counts[row, one]:11}" for one in columns)
        lines.append(f"{row:14}{cells}")
    judged = [one for one in every if one.tried.qemu != "aborted"]
    firm = [one for one in judged if one.firm]
    right = sum(one.right for one in firm)
    open_ = sum(not one.firm for one in judged)
    wrong = [one for one in firm if one.outcome == "accepted" and not one.right]
    lines.append(
        f"{len(every)} mutations; firm answers that agree: {right} of {len(firm)}"
        f" ({100 * right / max(1, len(firm)):.2f} %); not known: {open_}"
        f" ({100 * open_ / max(1, len(judged)):.2f} %); accepted and refused:"
        f" {len(wrong)}, of which {sum(bool(one.cause) for one in wrong)} for a named cause"
    )
    return "\n".join(lines)


def to_json(one: Tried) -> str:
    return json.dumps(asdict(one))


def of_json(text: str) -> Tried:
    found: dict[str, Any] = json.loads(text)
    return Tried(**found)
