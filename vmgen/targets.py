"""Facts of QEMU's targets, from ``targets.toml``."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any


def page_bits(target: str, release: str) -> int | None:
    """The smallest ``TARGET_PAGE_BITS`` of the target in a release; None if that is not
    known: for another target, or a release between two that differ or beyond them."""
    facts = _facts()
    bits = facts["bits"].get(target)
    if bits is None or isinstance(bits, int):
        return bits
    wanted = _number(release)
    known = [_number(one) for one in facts["releases"]]
    around = {
        (
            bits[max((i for i, one in enumerate(known) if one <= wanted), default=-1)]
            if wanted >= known[0]
            else None
        ),
        next((bits[i] for i, one in enumerate(known) if one >= wanted), None),
    }
    return around.pop() if len(around) == 1 else None


def _number(release: str) -> tuple[int, ...]:
    """The major and minor number; zeros for what is no release."""
    parts = release.split(".")[:2]
    return tuple(int(one) if one.isdecimal() else 0 for one in parts)


@functools.cache
def _facts() -> dict[str, Any]:
    with Path(__file__).with_suffix(".toml").open("rb") as file:
        return tomllib.load(file)
