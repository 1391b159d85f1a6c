"""One state object into another release's: member by member, nothing in silence."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from vmgen.convert import pairing
from vmgen.convert.mapping import NO_RULES, Rule, Rules
from vmgen.stream.codecs import field, is_state, members

What = Literal["kept", "widened", "narrowed", "renamed", "defaulted", "set", "lost"]


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one field.

    ``path`` is its path in the new state (in the old one if it is lost), ``old`` and
    ``new`` are its values as text, ``why`` says where the new one comes from.  ``harm``
    says that something other than zero is lost without the mapping allowing it.
    """

    section: str
    path: str
    what: What
    old: str = ""
    new: str = ""
    why: str = ""
    harm: bool = False


class Misfit(Exception):
    """A value that the new member cannot hold; ``path`` is that of the member."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class Conversion:
    """One section's."""

    def __init__(self, section: str, rules: Rules = NO_RULES) -> None:
        self.section = section
        self.rules = rules
        self.lines: list[Line] = []
        self.used: set[Rule] = set()
        self._by_place: dict[tuple[type[Any], type[Any]], dict[str, str]] = {}
        self._without_place: dict[str, list[Any]] = {}
        self._without_value: dict[str, Any] = {}

    def convert(self, old: Any, new: Any) -> None:
        """Fill ``new`` (a state of the new release with its defaults) from ``old``."""
        self._object(old, new, "", old)

    def suggestions(self) -> Rules:
        """What a mapping may say of the members that found nothing: likely pairs, and
        what would be lost otherwise.  The same for every element of an array."""
        pairs = pairing.suggested(
            list(self._without_place), list(self._without_value), self._fits
        )
        lost = {_starred(line.path) for line in self.lines if line.harm}
        return Rules(rename=pairs, drop=frozenset(lost - {*pairs}))

    def _fits(self, old: str, new: str) -> bool:
        about = self._without_value[new]
        return all(_holds(about, value) for value in self._without_place[old])

    def _say(
        self,
        what: What,
        path: str,
        old: object = "",
        new: object = "",
        why: str = "",
        *,
        harm: bool = False,
    ) -> None:
        self.lines.append(
            Line(self.section, path, what, short(old), short(new), why, harm)
        )

    # --- objects

    def _object(self, old: Any, new: Any, path: str, root: Any) -> None:
        theirs = set(members(new))
        pairs = self._pairs(old, new, path)
        for name in members(new):
            full = f"{path}.{name}" if path else name
            self._member(old, new, name, full, root, pairs.get(name))
        placed = {*pairs.values()}
        for name in members(old):
            full = f"{path}.{name}" if path else name
            if name in theirs or name in placed:
                continue
            if _named(full, self.rules.rename) is None:
                self._lost(getattr(old, name), full)

    def _pairs(self, old: Any, new: Any, path: str) -> dict[str, str]:
        """The members that pair by their place on the wire, but for those of which the
        mapping says something."""
        key = type(old), type(new)
        if key not in self._by_place:
            self._by_place[key] = pairing.by_place(old, new)
        before = f"{path}." if path else ""
        rules = self.rules
        renamed = {_starred(one) for one in rules.rename.values()}
        return {
            two: one
            for two, one in self._by_place[key].items()
            if _named(before + one, rules.rename) is None
            and _named(before + one, rules.drop) is None
            and _named(before + two, rules.set) is None
            and _starred(before + two) not in renamed
        }

    def _origin(self, path: str) -> str | None:
        """The old path that the mapping gives for a new one; ``[*]`` is any index, the
        same on both sides."""
        for old, new in self.rules.rename.items():
            if new in (path, _starred(path)):
                self.used.add(("rename", old))
            if new == path:
                return old
            if new == _starred(path):
                for index in re.findall(r"\[\d+\]", path):
                    old = old.replace("[*]", index, 1)
                return old
        return None

    def _member(
        self, old: Any, new: Any, name: str, path: str, root: Any, place: str | None
    ) -> None:
        if (wanted := _named(path, self.rules.set)) is not None:
            self.used.add(("set", wanted))
            value = self.rules.set[wanted]
            if isinstance(value, tuple):
                value = _made_like(getattr(new, name), field(new, name), value, path)
            self._say("set", path, "", value, "by the mapping")
            setattr(new, name, value)
            return
        if (origin := self._origin(path)) is not None:
            value = follow(root, origin)
            theirs = field(new, name)
            made = self._value(value, getattr(new, name), None, theirs, path, root)
            self._renamed(path, value, made, f"was {origin}")
            setattr(new, name, made)
            return
        default = getattr(new, name)
        if place is not None and (value := getattr(old, place)) is not None:
            about = field(old, place), field(new, name)
            made = self._value(value, default, *about, path, root)
            why = f"was {place}, which stood in this place"
            self._renamed(path, value, made, why)
            setattr(new, name, made)
            return
        if name not in set(members(old)):
            if default is None and place is None:
                self._without_value.setdefault(_starred(path), field(new, name))
            if default is None:
                self._say("kept", path, "absent", "absent", "the old release has none")
            else:
                self._without_value.setdefault(_starred(path), field(new, name))
                self._defaulted(default, path, "the old release has no such field")
            return
        value = getattr(old, name)
        if value is None:
            if default is None:
                self._say("kept", path, "absent", "absent")
            else:
                self._defaulted(default, path, "absent in the old stream")
            return
        ours, theirs = field(old, name), field(new, name)
        setattr(new, name, self._value(value, default, ours, theirs, path, root))

    def _renamed(self, path: str, value: Any, made: Any, why: str) -> None:
        if self.lines and (self.lines[-1].path, self.lines[-1].what) == (path, "kept"):
            self.lines.pop()  # one line says both
        self._say("renamed", path, value, made, why)

    def _defaulted(self, value: Any, path: str, why: str) -> None:
        if is_state(value):
            for name in members(value):
                inner = getattr(value, name)
                if inner is not None:
                    self._defaulted(inner, f"{path}.{name}", why)
        elif isinstance(value, list) and any(is_state(item) for item in value):
            for number, item in enumerate(value):
                self._defaulted(item, f"{path}[{number}]", why)
        else:
            self._say("defaulted", path, "", value, why)

    def _lost(self, value: Any, path: str) -> None:
        if is_state(value):
            for name in members(value):
                inner = getattr(value, name)
                if inner is not None:
                    self._lost(inner, f"{path}.{name}")
            return
        if value is None:
            return
        allowed = {
            ("drop", name)
            for known in (path, _starred(path))
            for name in self.rules.drop
            if known == name or known.startswith((f"{name}.", f"{name}["))
        }
        self.used |= allowed
        if not allowed:
            self._without_place.setdefault(_starred(path), []).append(value)
        harm = not allowed and not _is_zero(value)
        why = "by the mapping" if allowed else "the new release has no such field"
        self._say("lost", path, value, "", why, harm=harm)

    # --- values

    def _value(
        self, value: Any, default: Any, ours: Any, theirs: Any, path: str, root: Any
    ) -> Any:
        """The old value as the new member holds it; ``ours`` is what the old member is,
        where it has the same name, ``theirs`` the new one."""
        if is_state(value):
            if theirs.state is None or theirs.array:
                raise Misfit(path, "an object where the new release has a number")
            new = default if is_state(default) else theirs.state()
            self._object(value, new, path, root)
            return new
        if isinstance(value, list) and any(is_state(item) for item in value):
            if not default and theirs.array and theirs.state is not None:
                # Absent unless a condition holds, or as many as another member says.
                default = [theirs.state() for _ in value]
            return self._objects(value, default, path, root)
        if isinstance(value, (array, list, bytes, bytearray)):
            if default is None and theirs.array:
                default = value[:0]
            return self._array(value, default, path)
        if isinstance(default, (array, list, bytearray)) or is_state(default):
            raise Misfit(path, "a number where the new release has more")
        if isinstance(default, bool) and not isinstance(value, bool):
            if value not in (0, 1):
                raise Misfit(path, f"{value} does not fit into a bool")
            self._say("narrowed", path, value, bool(value), "a bool now")
            return bool(value)
        if isinstance(value, bool) and not isinstance(default, bool | None):
            self._say("widened", path, value, int(value), "was a bool")
            return int(value)
        widths = (ours and ours.width, theirs.width)
        if None in widths or widths[0] == widths[1]:
            self._say("kept", path, value, value)
        else:
            what: What = "widened" if widths[0] < widths[1] else "narrowed"
            self._say(what, path, value, value, f"{widths[0]} bits, now {widths[1]}")
        return value

    def _objects(self, value: list[Any], default: Any, path: str, root: Any) -> Any:
        if not isinstance(default, list):
            raise Misfit(path, "an array where the new release has none")
        for number in range(min(len(value), len(default))):
            at = f"{path}[{number}]"
            if is_state(value[number]) and is_state(default[number]):
                self._object(value[number], default[number], at, root)
        for number in range(len(value), len(default)):
            self._defaulted(default[number], f"{path}[{number}]", "the array is longer")
        for number in range(len(default), len(value)):
            self._lost(value[number], f"{path}[{number}]")
        return default

    def _array(self, value: Any, default: Any, path: str) -> Any:
        if default is None or isinstance(default, int):
            raise Misfit(path, "an array where the new release has none")
        numbers = list(value)
        length = len(default) or len(numbers)  # its length is on the wire
        if len(numbers) > length:
            self._lost(numbers[length:], f"{path}[{length}:]")
        fitted = numbers[:length] + [0] * (length - len(numbers))
        try:
            if isinstance(default, array):
                new: Any = array(default.typecode, fitted)
            else:
                new = type(default)(fitted)
        except (OverflowError, ValueError) as error:
            raise Misfit(path, str(error)) from None
        sizes = getattr(value, "itemsize", 1), getattr(default, "itemsize", 1)
        if sizes[0] != sizes[1]:
            what: What = "widened" if sizes[0] < sizes[1] else "narrowed"
            why = f"{sizes[0]} bytes an element, now {sizes[1]}"
            self._say(what, path, value, new, why)
        else:
            self._say("kept", path, value, new)
        if length > len(numbers):
            why = "the array is longer"
            self._say("defaulted", f"{path}[{len(numbers)}:]", "", 0, why)
        return new


def _made_like(default: Any, about: Any, values: tuple[int, ...], path: str) -> Any:
    """The numbers as the new member has them."""
    if not about.array or about.state is not None:
        raise Misfit(path, "a list where the new release has a number or an object")
    try:
        if isinstance(default, array):
            return array(default.typecode, values)
        if about.type == "uint8":
            return bytearray(values)
    except (OverflowError, ValueError, TypeError) as error:
        raise Misfit(path, str(error)) from None
    return list(values)


def _holds(about: Any, value: Any) -> bool:
    """Whether a member can be given a value of the old state."""
    if isinstance(value, int):
        if about.width is None or about.array:
            return False
        return value in (0, 1) if about.type == "bool" else value < 1 << about.width
    return bool(about.array and about.state is None)


def _starred(path: str) -> str:
    return re.sub(r"\[\d+\]", "[*]", path)


def _named(path: str, table: Collection[str]) -> str | None:
    """The path as the table has it: itself, or with ``[*]`` for every index."""
    return next((name for name in (path, _starred(path)) if name in table), None)


def follow(root: Any, path: str) -> Any:
    """The value at a path of a state."""
    value = root
    for name, index in re.findall(r"(\w+)|\[(\d+)\]", path):
        if value is None:
            break
        if name and (not is_state(value) or name not in set(members(value))):
            raise Misfit(path, "the old state has no such member")
        value = getattr(value, name) if name else value[int(index)]
    return value


def _is_zero(value: Any) -> bool:
    if isinstance(value, (array, list, bytes, bytearray)):
        return not any(value)
    return not value


def short(value: object) -> str:
    """A value for a report."""
    if isinstance(value, bool) or not isinstance(value, int):
        if isinstance(value, (bytes, bytearray)):
            text = value.hex()
        elif isinstance(value, (array, list)):
            text = f"[{', '.join(_numbers(value))}]"
        else:
            text = str(value)
    else:
        text = hex(value) if abs(value) > 9 else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _numbers(values: Any) -> Iterator[str]:
    for number, value in enumerate(values):
        if number == 8:
            return
        yield hex(value) if isinstance(value, int) and value > 9 else str(value)
