"""Paths to sections, and to fields inside of them: ``cpu/0.env.gpr[10]``.

A section is ``name/instance``, or its name where there is one instance only.  What comes
behind is looked up in the values available, so names with dots and brackets of their own
(``gt_timer[GTIMER_PHYS]``, ``cpu/pmp``) need no quoting.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

from vmgen.stream.codecs import is_state, members
from vmgen.stream.errors import Ambiguous, NotFound
from vmgen.stream.parts import Section
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Step = str | int
"""A member's name, or an index."""

ABSENT = type("Absent", (), {"__repr__": lambda self: "absent"})()
"""Stands for a field that one side does not have, as None can be a value."""


_MOST_NAMED = 6
"""Sections that a hint names."""


def split(sections: Iterable[Section], text: str) -> tuple[Section, str]:
    """The section that a path begins with, and the rest of the path.

    Raises NotFound, or Ambiguous for a bare name of several instances.
    """
    sections = list(sections)
    best: tuple[int, Section] | None = None
    bare: dict[int, dict[int, Section]] = {}
    for section in sections:
        for name in dict.fromkeys((section.name, printable(section.name))):
            full = f"{name}/{section.instance_id}"
            if _begins(text, full) and (best is None or len(full) > best[0]):
                best = len(full), section
            elif _begins(text, name):
                bare.setdefault(len(name), {}).setdefault(section.instance_id, section)
    if best is not None:
        return best[1], text[best[0] :]
    if bare:
        length = max(bare)
        found = list(bare[length].values())
        if len(found) > 1:
            choices = ", ".join(section.path for section in found)
            raise Ambiguous(f"several sections: {choices}", None, text)
        return found[0], text[length:]
    there = list(dict.fromkeys(section.path for section in sections))
    hint = meant(likely(text, there)) or listed(there)
    raise NotFound("no such section in the stream", None, text, hint)


def listed(there: Sequence[str]) -> str:
    """The sections that there are, as a hint; empty if there are none."""
    more = f" and {len(there) - 12} more" if len(there) > 12 else ""
    return f"there are: {', '.join(there[:12])}{more}" if there else ""


def meant(near: Iterable[str]) -> str:
    """The hint that a name may stand for one of these; empty for none."""
    names = list(dict.fromkeys(near))
    return f"did you mean {' or '.join(names)}?" if names else ""


def likely(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The sections that a name may refer to: those that have it as a part
    (``virtio-gpu``, ``ahci``), else those that are nearly called so; none if there are too
    many to name."""
    first = text.partition(".")[0].partition("[")[0]
    name, _, number = first.rpartition("/")
    part = name if name and number.isdecimal() else first
    found = [one for one in names if part in one.split("/")]
    if not found and part:
        found = [one for one in names if part.lower() in one.lower()]
    if 0 < len(found) <= _MOST_NAMED:
        return tuple(found)
    if found_near := near(text, names) or near(first, names):
        return found_near
    by_name = {one.rpartition("/")[0]: one for one in reversed(names)}
    return tuple(by_name[one] for one in near(part, by_name))


def near(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that are nearly this one, in any case, the nearest first."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in names}
    found = get_close_matches(text.lower(), by_lower, 3, 0.75)
    return tuple(by_lower[one] for one in found)


def _begins(text: str, name: str) -> bool:
    return text.startswith(name) and text[len(name) : len(name) + 1] in ("", ".", "[")


def resolve(value: Any, text: str) -> list[Step] | None:
    """The steps that lead from a value along a path; None if there is no such place."""
    if not text:
        return []
    text = text[1:] if text[0] == "." else text
    if isinstance(value, (list, tuple, array, bytes, bytearray)):
        number, bracket, rest = text[1:].partition("]")
        if text[:1] != "[" or not bracket or not number.isdecimal():
            return None
        index = int(number[:20])
        if index >= len(value):
            return None
        found = resolve(value[index], rest)
        return None if found is None else [index, *found]
    there = value if isinstance(value, dict) else names(value)
    for cut in _cuts(text):
        name: str | None = text[:cut]
        if name not in there:
            name = _subsection(there, text[:cut])
        if name is not None:
            found = resolve(at(value, name), text[cut:])
            if found is not None:
                return [name, *found]
    return None


def _subsection(names: Iterable[str], text: str) -> str | None:
    """The subsection that a codec calls ``text``, where values have the names of the wire
    (``cpu/vfp``), as those that only the description knows do."""
    if not text.isidentifier():
        return None
    for name in names:
        _, slash, last = name.rpartition("/")
        if slash and re.sub(r"\W", "_", last) == text:
            return name
    return None


def _cuts(text: str) -> Iterator[int]:
    """Where a name can end that the text begins with, the longest first."""
    cut = len(text)
    while cut >= 0:
        yield cut
        cut = max(text.rfind(".", 0, cut), text.rfind("[", 0, cut))


def names(value: Any) -> list[str]:
    """The members of an object; none of anything else."""
    if isinstance(value, dict):
        return list(value)
    return list(members(value)) if is_state(value) else []


def at(value: Any, step: Step) -> Any:
    """What is at one step below a value."""
    if isinstance(step, int) or isinstance(value, dict):
        return value[step]
    return getattr(value, step)


def put(value: Any, step: Step, new: Any) -> None:
    """Replace what is at one step below a value."""
    if isinstance(step, int) or isinstance(value, dict):
        value[step] = new
    else:
        setattr(value, step, new)


def joined(prefix: str, step: Step) -> str:
    """A path with one more step."""
    if isinstance(step, int):
        return f"{prefix}[{step}]"
    return f"{prefix}.{step}" if prefix else step


def leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not an object or a list of objects, with its path.

    Arrays of numbers and bytes are one leaf.
    """
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, joined(prefix, name))
        if not value:
            yield prefix, value
    elif isinstance(value, list) and any(
        isinstance(item, (dict, list, array, bytes)) for item in value
    ):
        for index, item in enumerate(value):
            yield from leaves(item, joined(prefix, index))
    else:
        yield prefix, value


def known(value: Any) -> str:
    """The names below a value, for hints."""
    below = names(value)
    if below:
        shown = ", ".join(below[:12])
        return f"there are: {shown}{', ...' if len(below) > 12 else ''}"
    if isinstance(value, (list, array, bytes, bytearray)):
        return f"there are {len(value)} elements, [0] to [{len(value) - 1}]"
    return ""


def missing(section: Section, value: Any, rest: str) -> NotFound:
    """The error for a path that leads nowhere; says how far it went."""
    good = 0
    for length in range(len(rest), -1, -1):
        if rest[length : length + 1] in ("", ".", "[") and (
            resolve(value, rest[:length]) is not None
        ):
            good = length
            break
    below = value
    for step in resolve(value, rest[:good]) or ():
        below = at(below, step)
    path = f"{section.path}{rest[:good]}"
    hint = meant(near(rest[good:].lstrip("."), names(below))) or known(below)
    return NotFound(f"there is no '{rest[good:]}'", None, path, hint)
