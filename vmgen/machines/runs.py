"""``runs.toml``, read once: what boards run by calls that are not followed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class KnownRun:
    """One entry of ``runs.toml``, explained there."""

    board: str
    file: str
    function: str
    unless: str
    place: str


@cache
def known_runs() -> tuple[KnownRun, ...]:
    """All entries, in the order of the file."""
    text = (files("vmgen.machines") / "runs.toml").read_text(encoding="utf-8")
    return tuple(KnownRun(**one) for one in tomllib.loads(text)["run"])
