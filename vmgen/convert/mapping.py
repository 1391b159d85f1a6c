"""What two sets of tables cannot say: a file of the user's says it.

The file is JSON, by the name of the section::

    {
      "cpu": {
        "rename": {"env.virt": "env.virt_enabled"},
        "set": {"env.mvien": 0},
        "drop": ["env.features"]
      },
      "old-timer": "drop"
    }

``rename`` says which member an old one becomes, ``set`` what a new one is to be (a number,
or a list of them for an array), ``drop`` what may be lost.  Paths are those of the state objects, as ``vmgen stream show`` prints
them; ``[*]`` stands for every index.  ``"drop"`` for a section leaves it out.  A file
that vmgen wrote says its ``format`` first, which yours need not.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, field

from vmgen.schemas import FORMATS
from vmgen.source import Diagnostic, Position, VmgenError

Rule = tuple[str, str]
"""``rename``, ``set`` or ``drop``, and the path that the mapping gives."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What is said of one section."""

    rename: Table[str, str] = field(default_factory=dict)
    set: Table[str, int | bool | tuple[int, ...]] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    leave_out: bool = False

    def each(self) -> Iterator[Rule]:
        """Every rule; that which leaves the section out has no path."""
        yield from (("rename", path) for path in self.rename)
        yield from (("set", path) for path in self.set)
        yield from (("drop", path) for path in sorted(self.drop))
        if self.leave_out:
            yield "drop", ""


NO_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Mapping:
    """The rules by the name of the section."""

    sections: Table[str, Rules] = field(default_factory=dict)

    def rules(self, name: str) -> Rules:
        """What is said of a section, whatever device path its name has."""
        known = self.key(name)
        return NO_RULES if known is None else self.sections[known]

    def key(self, name: str) -> str | None:
        """The name that the mapping has for a section; None if it has none."""
        names = (name, name.rpartition("/")[2])
        return next((known for known in names if known in self.sections), None)

    def unused(self, used: Table[str, Collection[Rule]]) -> Iterator[str]:
        """What met nothing; ``used`` has the rules that did, by the keys of the sections
        that were there."""
        for key, rules in self.sections.items():
            if key not in used:
                yield f"{key}: no such section"
                continue
            for rule in rules.each():
                if rule not in used[key]:
                    yield f"{key}: {' '.join(filter(None, rule))} met nothing"


def loads(text: str, name: str) -> Mapping:
    """The mapping in a JSON text.  Raises :class:`VmgenError` VG720."""
    try:
        document = json.loads(text)
        if str(document.get("format")).startswith("vmgen map "):
            form = document.pop("format")
            if form != FORMATS["stream-map"]:
                raise ValueError(f"its format is '{form}'")
        return Mapping({key: _rules(key, value) for key, value in document.items()})
    except (ValueError, AttributeError, TypeError) as error:
        raise VmgenError(
            Diagnostic(
                "VG720",
                f"not a mapping: {error}",
                Position(name),
                hint='it looks like {"cpu": {"rename": {"env.virt": "env.virt_enabled"}}}',
            )
        ) from None


def dumps(mapping: Mapping) -> str:
    """The text of a mapping, which :func:`loads` reads."""
    document: dict[str, object] = {"format": FORMATS["stream-map"]}
    for name, rules in mapping.sections.items():
        said: dict[str, object] = {}
        if rules.rename:
            said["rename"] = dict(rules.rename)
        if rules.set:
            said["set"] = dict(rules.set)
        if rules.drop:
            said["drop"] = sorted(rules.drop)
        document[name] = "drop" if rules.leave_out else said
    return json.dumps(document, indent=2) + "\n"


def _rules(section: str, value: object) -> Rules:
    if value == "drop":
        return Rules(leave_out=True)
    if not isinstance(value, dict) or set(value) - {"rename", "set", "drop"}:
        raise ValueError(f"'{section}' may have 'rename', 'set' and 'drop'")
    values = {
        str(path): tuple(item) if isinstance(item, list) else item
        for path, item in dict(value.get("set", {})).items()
    }
    for item in values.values():
        several = item if isinstance(item, tuple) else (item,)
        if any(not isinstance(one, int) for one in several):
            raise ValueError(f"what '{section}' sets must be numbers, or lists of them")
    return Rules(
        {str(old): str(new) for old, new in dict(value.get("rename", {})).items()},
        values,
        frozenset(map(str, value.get("drop", ()))),
    )
