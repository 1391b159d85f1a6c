"""The registers in the values of one CPU's section."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property

from vmgen.stream import paths
from vmgen.stream.errors import BadEdit, NotFound
from vmgen.stream.frozen import Frozen
from vmgen.stream.registers.derived import DERIVED
from vmgen.stream.registers.system import ListedRegisters, keys
from vmgen.stream.registers.table import (
    RegisterEntry,
    RegisterPiece,
    Way,
    counted,
    probes,
    table,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_INDEX = re.compile(r"\[@(\w+)((?:[-+*/%]@?\w+)*)\]")
_OPERAND = re.compile(r"@(\w+)")


class Register(Frozen):
    """A register as it is in a stream: ``value`` is a number without a sign, below
    ``1 << bits``; ``feature`` is gdb's name of the group it is in, ``org.vmgen.*`` for
    what gdb has no name for."""

    name: str
    value: int
    bits: int
    feature: str


GDB = "org.gnu.gdb."
"""How gdb's own features begin."""

_MOST_NEAR = 6
"""Names that a hint has at most."""

_UNKNOWN_WIDTH = 32
"""The bits of a register that no stream has: control registers of FPUs."""


class RegisterFile:
    """The registers of one CPU, by name, to read and to write.

    ``values`` is what is in the CPU's section: the state object of its codec, or dicts as
    of :meth:`vmgen.stream.Stream.values`, by codec or by description.  ``target`` is the
    QEMU target, empty if only the values can tell.  ``vlen`` is the length of a RISC-V vector
    register in bits, which no stream has.
    """

    def __init__(self, values: Any, target: str = "", vlen: int | None = None) -> None:
        self.values = values
        self.target = of_values(values, target)
        self._table = table(self.target, vlen)
        self._known: dict[str, list[paths.Step] | None] = {}

    def __iter__(self) -> Iterator[Register]:
        """Every register that is in the stream, in the order of gdb's features."""
        known = self._table
        if known is None:
            return
        for entry in known.entries.values():
            found = self._read(entry)
            if found is not None:
                yield Register(entry.name, found, entry.bits, entry.feature)
        for entry in self._unnamed.values():
            found = self._read(entry)
            if found is not None:
                yield Register(entry.name, found, entry.bits, entry.feature)

    def described(self) -> Iterator[tuple[str, int, str]]:
        """Every register of gdb's features that the stream has something of: name, width in
        bits and feature, in gdb's order; then those of other features that it has.

        gdb refuses a feature of its own that lacks a register, be it only the selector of
        the last x87 instruction, which QEMU does not migrate.
        """
        known = list(self)
        gdb_s = {one.feature for one in known if one.feature.startswith(GDB)}
        here = {one.name for one in known}
        entries = () if self._table is None else self._table.entries.values()
        for entry in entries:
            if entry.name in here or entry.feature in gdb_s:
                yield entry.name, entry.bits or _UNKNOWN_WIDTH, entry.feature
        for entry in self._unnamed.values():
            yield entry.name, entry.bits, entry.feature

    def __contains__(self, name: str) -> bool:
        """Whether a name is one of a register of the architecture, in this stream or not."""
        return self._found(name) is not None

    def names(self) -> Iterator[str]:
        """Every name: registers, then parts and other names of them."""
        if self._table is not None:
            for entry in (*self._table.entries.values(), *self._table.aliases.values()):
                yield entry.name
        yield from self._unnamed

    def own_name(self, name: str) -> str | None:
        """The name that iteration has for a register, for any name of it; None for a part
        of one, and for no register."""
        entry = self._found(name)
        if entry is None or self._table is None:
            return None
        lower = entry.name.lower()
        if lower in self._table.entries or lower in self._unnamed:
            return entry.name
        sent = {} if self._system is None else self._system.sent
        for key in keys(entry):
            if key in sent and sent[key].bits == entry.bits:
                return sent[key].name
        if lower not in self._table.aliases:
            return entry.name  # one that this CPU does not send
        same = (one for one in self._table.entries.values() if one.ways == entry.ways)
        return next((one.name for one in same), None)

    def near(self, name: str) -> tuple[str, ...]:
        """The names that a mistyped one may stand for, the likeliest first."""
        by_lower = {one.lower(): one for one in self.names()}
        lower = name.lower()
        found = [one for one in by_lower if len(lower) > 2 and one.startswith(lower)]
        # Of short names all are alike.
        found = found or [
            one
            for one in get_close_matches(lower, by_lower, _MOST_NEAR, 0.66)
            if len(one) == len(lower) or len(lower) > 4 or lower.startswith(one)
        ]
        return tuple(by_lower[one] for one in found[:_MOST_NEAR])

    def read(self, name: str) -> Register:
        """A register, or a part of one (``eax``), by any of its names, in any case.

        Raises NotFound, which says why, for a name that the architecture or this stream
        does not have.
        """
        entry = self._entry(name)
        value = self._read(entry)
        if value is None:
            raise self._absent(entry)
        return Register(entry.name, value, entry.bits, entry.feature)

    def write(self, name: str, value: int) -> None:
        """Put a register's value, ``0 <= value < 1 << bits``, into the section's values.

        A part leaves the rest of its register as it is.  Raises NotFound as :meth:`read`
        does, BadEdit for a value that has more bits, or that would not read as it is
        written.
        """
        entry = self._entry(name)
        way = self._way(entry)
        if way is None:
            raise self._absent(entry)
        if value < 0:
            value += 1 << entry.bits
        if not 0 <= value < 1 << entry.bits:
            raise BadEdit(f"{entry.name} has {entry.bits} bits", None, entry.name)
        old = self._value(way)
        self._put(way, value)
        if (now := self._value(way)) != value:
            self._put(way, old or 0)
            message = (
                f"{entry.name} would be {now:#x}: it does not have all of these bits"
            )
            raise BadEdit(message, None, entry.name)

    def places(self, name: str) -> tuple[str, ...]:
        """The paths of the values that a register is in, lowest bits first."""
        entry = self._entry(name)
        way = self._way(entry)
        if way is None:
            raise self._absent(entry)
        return tuple(filter(None, map(self._placed, way.pieces)))

    def system_number(self, name: str) -> int | None:
        """KVM's number of an Arm system register that the list of this CPU has; None for
        any other register."""
        places = {} if self._system is None else self._system.places
        return next((key for key in keys(self._entry(name)) if key in places), None)

    def number(self, path: str) -> int | None:
        """The number at a path of the section's values; None if there is none."""
        return _as_number(self._at(path))

    # --- inside -------------------------------------------------------------------------

    def _entry(self, name: str) -> RegisterEntry:
        entry = self._found(name)
        if entry is None:
            of = f"of {self.target}" if self._table is not None else ""
            if not of:
                of = f"of {self.target}: vmgen has no table" if self.target else "known"
            near = self.near(name)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            raise NotFound(f"'{name}' is no register {of}".rstrip(), None, name, hint)
        return entry

    def _absent(self, entry: RegisterEntry) -> NotFound:
        why = entry.why or self._lacking(entry)
        return NotFound(
            f"'{entry.name}' is not in this stream: {why}", None, entry.name
        )

    def _lacking(self, entry: RegisterEntry) -> str:
        """Why none of a register's ways leads to a value."""
        for way in entry.ways:
            if not self._holds(way):
                continue
            for piece in way.pieces:
                if piece.path.startswith("#"):
                    return "this CPU does not send it (cpreg_vmstate_indexes)"
                path = self._path(piece.path)
                if path is not None and piece.path and self._steps(path) is None:
                    return _missing(self.values, path)
        return "the CPU is in a mode that does not have it"

    def _way(self, entry: RegisterEntry) -> Way | None:
        """The first alternative that is there."""
        for way in entry.ways:
            if self._holds(way) and self._value(way) is not None:
                return way
        return None

    def _holds(self, way: Way) -> bool:
        if way.condition is None:
            return True
        name, wanted, values = way.condition
        if not name.startswith("@"):
            return (self._at(name) is not None) is wanted
        found = self._variable(name[1:])
        return found is not None and (found in values) is wanted

    def _read(self, entry: RegisterEntry) -> int | None:
        for way in entry.ways:
            if self._holds(way) and (value := self._value(way)) is not None:
                return value
        return None

    def _value(self, way: Way) -> int | None:
        value = at = 0
        for piece in way.pieces:
            if piece.path:
                found = self._number(piece)
                if found is None:
                    return None
                found = found >> piece.low & (1 << piece.bits) - 1
                value |= (found & piece.mask if piece.mask else found) << at
            else:
                value |= piece.low << at
            at += piece.bits
        return value

    def _number(self, piece: RegisterPiece) -> int | None:
        if piece.path.startswith("%"):
            return DERIVED[piece.path[1:]](self.number)
        path = self._path(piece.path)
        return None if path is None else self.number(path)

    def _at(self, path: str) -> Any:
        """What is at a path; None for nothing."""
        return _at_steps(self.values, self._steps(path))

    def _put(self, way: Way, value: int) -> None:
        for piece in way.pieces:
            if piece.path and not piece.path.startswith("%"):
                self._put_piece(piece, value & (1 << piece.bits) - 1)
            value >>= piece.bits

    def _put_piece(self, piece: RegisterPiece, value: int) -> None:
        path = self._path(piece.path)
        steps = None if path is None else self._steps(path)
        assert steps, piece.path
        holder = self.values
        for step in steps[:-1]:
            holder = paths.at(holder, step)
        old = paths.at(holder, steps[-1])
        new: int = value
        if not piece.whole:
            kept = (piece.mask or (1 << piece.bits) - 1) << piece.low
            # A number with a sign keeps it, as the bits above are its own.
            new = (_as_number(old) or 0) & ~kept | value << piece.low & kept
        if piece.signed and new >> piece.bits - 1 & 1 and new > 0:
            new -= 1 << piece.bits
        try:
            if isinstance(old, bool):
                paths.put(holder, steps[-1], bool(new))
            elif isinstance(holder, bytes):
                self._put_byte(steps, new)
            elif isinstance(old, bytes):
                paths.put(holder, steps[-1], new.to_bytes(len(old), "big"))
            else:
                paths.put(holder, steps[-1], new)
        except (OverflowError, ValueError, TypeError) as error:
            raise BadEdit(f"{new:#x} does not fit: {error}", None, piece.path) from None

    def _put_byte(self, steps: list[paths.Step], new: int) -> None:
        holder = self.values
        for step in steps[:-2]:
            holder = paths.at(holder, step)
        data = bytearray(paths.at(holder, steps[-2]))
        data[int(steps[-1])] = new
        paths.put(holder, steps[-2], bytes(data))

    def _placed(self, piece: RegisterPiece) -> str:
        """The path of a piece as the values have it; empty for none."""
        path = self._path(piece.path)
        steps = None if path is None else self._steps(path)
        text = ""
        for step in steps or ():
            text = paths.joined(text, step)
        return text

    def _steps(self, path: str) -> list[paths.Step] | None:
        if path not in self._known:
            self._known[path] = paths.resolve(self.values, path)
        return self._known[path]

    def _path(self, path: str) -> str | None:
        """The path with indexes that values give; None where they do not."""
        if path.startswith("#"):
            places = {} if self._system is None else self._system.places
            place = places.get(int(path[1:], 16))
            return None if place is None else f"cpreg_vmstate_values[{place}]"
        if path.startswith("%"):
            return None
        while (match := _INDEX.search(path)) is not None:
            rule = match[2]
            for name in _OPERAND.findall(rule):
                operand = self._variable(name)
                if not operand:
                    return None
                rule = rule.replace(f"@{name}", str(operand))
            number = self._variable(match[1])
            if number is None:
                return None
            index = counted(number, rule)
            path = f"{path[: match.start()]}[{index}]{path[match.end() :]}"
        return path

    def _variable(self, name: str) -> int | None:
        entry = None if self._table is None else self._table.variables.get(name)
        return None if entry is None else self._read(entry)

    def _found(self, name: str) -> RegisterEntry | None:
        """The register of a name, or of a system register's number."""
        known = None if self._table is None else self._table.find(name)
        if known is not None or self._system is None:
            return known
        return self._system.find(name)

    @cached_property
    def _system(self) -> ListedRegisters | None:
        """The system registers of an Arm CPU; None where nothing is known of any."""
        if self._table is None:
            return None
        return ListedRegisters(_system_registers(self.values), self._table)

    @property
    def _unnamed(self) -> Mapping[str, RegisterEntry]:
        return {} if self._system is None else self._system.unnamed


def _system_registers(values: Any) -> dict[int, int]:
    """By key, the place of its value in ``cpreg_vmstate_values``."""
    keys = _value_at(values, "cpreg_vmstate_indexes")
    if not isinstance(keys, (list, array)):
        return {}
    return {key & (1 << 64) - 1: place for place, key in enumerate(keys)}


def _value_at(values: Any, path: str) -> Any:
    """What is at a path; None for nothing."""
    return _at_steps(values, paths.resolve(values, path))


def _at_steps(values: Any, steps: list[paths.Step] | None) -> Any:
    if steps is None:
        return None
    for step in steps:
        values = paths.at(values, step)
    return values


def _missing(values: Any, path: str) -> str:
    """How far a path goes."""
    for cut in range(len(path), -1, -1):
        if path[cut : cut + 1] not in ("", ".", "["):
            continue
        if paths.resolve(values, path[:cut]) is None:
            continue
        if _value_at(values, path[:cut]) is None:
            return f"its section has no subsection '{path[:cut]}'"
        rest = path[cut:].lstrip(".")
        return f"its section has no '{rest.partition('.')[0]}'" + (
            f" in '{path[:cut]}'" if cut else ""
        )
    return f"its section has no '{path}'"


_AARCH64 = (0x6030_0000_0013_C030, 0x6030_0000_0013_C038)
"""ID_AA64ISAR0_EL1 and ID_AA64MMFR0_EL1: 0 in a CPU that has AArch32 alone."""


def of_values(values: Any, target: str = "") -> str:
    """The name of the table for a CPU: QEMU's target, of which empty is given where only
    the values can tell; empty if they do not.

    It is the CPU that counts where a program has several kinds: qemu-system-aarch64 has
    those of ``arm``, and ``arm-m`` is for the M profile.
    """
    target = target or _probed(values)
    if target in ("arm", "aarch64"):
        if _value_at(values, "m.env.v7m.exception") is not None:
            return "arm-m"
        places = _system_registers(values)
        sent = [places[key] for key in _AARCH64 if key in places]
        found = [_value_at(values, f"cpreg_vmstate_values[{place}]") for place in sent]
        return "aarch64" if any(found) else "arm"
    return target


def _probed(values: Any) -> str:
    for probe, targets in probes():
        path, _, widths = probe.partition(" ")
        if not path or _value_at(values, path) is None:
            continue
        if not widths:
            return next(iter(targets))
        row = _value_at(values, widths)
        bits = 8 * row.itemsize if isinstance(row, array) else 0
        for target, long in targets.items():
            if long == bits:
                return target
    return ""


def _as_number(value: Any) -> int | None:
    """A value as the number it is; bytes are one that QEMU wrote with the highest first,
    which a description without codecs knows as bytes (``cpsr``)."""
    if isinstance(value, bytes) and len(value) <= 16:
        return int.from_bytes(value, "big")
    return int(value) if isinstance(value, int) else None
