"""``premises.toml``, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class RawAccess:
    """How an entry's value is written and read raw, as ``premises.toml`` says it."""

    constant: frozenset[str]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    plain: frozenset[str]
    bits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Fact:
    """One premise: which C tables it is made of, and who reads it.  The members are those
    of ``premises.toml``, explained there."""

    name: str
    readers: tuple[str, ...]
    place: str
    under: tuple[str, ...]
    type: str
    members: tuple[str, ...]
    flags: Mapping[str, frozenset[str]]
    without: frozenset[str]
    undefined: frozenset[str]
    calls: frozenset[str]
    arguments: tuple[int, ...]
    functions: tuple[str, ...]
    constants: tuple[str, ...]
    assigns: frozenset[str]
    keyed: bool
    keeps: RawAccess | None


def _read() -> tuple[Fact, ...]:
    text = (files("vmgen.premises") / "premises.toml").read_text(encoding="utf-8")
    return tuple(
        Fact(
            one["name"],
            tuple(one["readers"]),
            one["place"],
            tuple(one["under"]),
            one["type"],
            tuple(one["members"]),
            {name: frozenset(words) for name, words in one.get("flags", {}).items()},
            frozenset(one.get("without", ())),
            frozenset(one.get("undefined", ())),
            frozenset(one.get("calls", ())),
            tuple(one.get("arguments", ())),
            tuple(one.get("functions", ())),
            tuple(one.get("constants", ())),
            frozenset(one.get("assigns", ())),
            one.get("keyed", False),
            _access(one["keeps"]) if "keeps" in one else None,
        )
        for one in tomllib.loads(text)["premise"]
    )


def _access(given: Mapping[str, Any]) -> RawAccess:
    return RawAccess(
        frozenset(given["constant"]),
        tuple(given["writers"]),
        tuple(given["readers"]),
        frozenset(given["plain"]),
        given["bits"],
    )


PREMISES = _read()
