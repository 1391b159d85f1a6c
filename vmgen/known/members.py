"""Which members of a device's object are known for a machine type without options.

A new object has the defaults of its class's properties (``object_initialize_with_type``,
``qom/object.c``); then the settings of the machine type are applied in their order
(``object_apply_compat_props``, ``hw/core/qdev.c``), each to the objects that are of its
driver's type, have it as an ancestor or as an interface.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from vmgen import ir
from vmgen.known.class_functions import returned

WHOLE = -1
"""The mask of a member that is known with all of its bits."""

_TRUTH = {
    **dict.fromkeys(("on", "yes", "true", "y"), 1),
    **dict.fromkeys(("off", "no", "false", "n"), 0),
}
"""``parse_type_bool`` and ``qapi_bool_parse`` (``qapi/``)."""

_SUFFIXES = {"": 0, "B": 0, "K": 10, "M": 20, "G": 30, "T": 40, "P": 50, "E": 60}
"""``qemu_strtosz`` (``util/cutils.c``)."""


@dataclass(frozen=True, slots=True)
class KnownBits:
    """The bits of a member that are known: ``value`` in the places that ``mask`` has."""

    mask: int
    value: int


@dataclass(frozen=True, slots=True)
class MachineDevices:
    """Types of devices with a section, each sorted: those that the code of a ``board``
    (its file) may make as the machine is started without options, those that only users
    add, and those that are only inside of what users add."""

    board: str
    made: tuple[str, ...]
    added: tuple[str, ...]
    inside: tuple[str, ...]


def place(type_: str, path: str) -> ir.MemberPlace:
    """A member of a C struct, whether C says ``struct VirtIOGPU`` or ``VirtIOGPU``."""
    return ir.MemberPlace(type_.removeprefix("struct "), path)


KnownMembers: TypeAlias = Mapping[ir.MemberPlace, KnownBits]
"""What is known of members, by C struct and path."""

_SettingsByProperty: TypeAlias = dict[str, list[ir.Setting]]
"""What a machine type sets, in its order, by the name of the property."""

_PropertiesByMember: TypeAlias = dict[ir.MemberPlace, list[ir.Property]]

_Owners: TypeAlias = dict[ir.MemberPlace, set[str]]
"""The types whose classes have a property of a member."""


@dataclass
class MachineFacts:
    """The machine types, properties and QOM types of one program, looked up."""

    program: ir.Program
    _types: dict[str, ir.ObjectType] = field(init=False)
    _tables: dict[tuple[str, str], ir.CompatTable] = field(init=False)
    _properties: dict[str, dict[str, ir.Property]] = field(init=False)
    _machines: dict[str, ir.Machine] = field(init=False)
    _kinds: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)
    _settings: dict[str, _SettingsByProperty] = field(init=False, default_factory=dict)
    _setters: dict[str, _PropertiesByMember] = field(init=False, default_factory=dict)
    _owners: _Owners = field(init=False)
    _moved: frozenset[ir.MemberPlace] = field(init=False)
    _boards: dict[tuple[str, str], ir.Board] = field(init=False)
    _placed: _PropertiesByMember = field(init=False)

    def __post_init__(self) -> None:
        facts = self.program.machines
        self._boards = {
            (one.file, name): one
            for one in facts.boards
            for name in one.machines or ("",)
        }
        self._types = {one.name: one for one in facts.types}
        self._tables = {(one.file, one.symbol): one for one in facts.tables}
        self._machines = {one.name: one for one in facts.machines}
        self._properties = {}
        for one in facts.properties:
            self._properties.setdefault(one.type, {})[one.name] = one
        self._moved = moved_members(self.program)
        self._owners = {}
        self._placed = {}
        for one in facts.properties:
            for where in one.places:
                at = place(where.type, where.path)
                self._owners.setdefault(at, set()).add(one.type)
                self._placed.setdefault(at, []).append(one)

    @property
    def machines(self) -> Mapping[str, ir.Machine]:
        """Every machine type by its name."""
        return self._machines

    def machine(self, name: str) -> ir.Machine | None:
        """The machine type of this name, or that has it as an alias."""
        found = self._machines.get(name)
        if found is None:
            aliased = (one for one in self._machines.values() if name in one.aliases)
            found = next(aliased, None)
        return found

    def may_have(self, machine: ir.Machine | None, roots: Sequence[ir.Root]) -> bool:
        """Whether a machine of this type may have a section that these register: its
        board makes such a device, or users may add one.  True where the board is not
        known."""
        board = self._board(machine)
        return (
            board is None
            or not roots
            or any(
                (
                    any(self.may_make(machine, name) for name in root.device_types)
                    if root.device_types
                    else not root.file.startswith(ir.OF_BOARDS)
                    or root.file in board.calls
                )
                for root in roots
            )
        )

    def devices(self, machine: ir.Machine) -> MachineDevices | None:
        """Which devices with a section a machine of this type can have; None where its
        board is not known.  CPUs are left out: users name them (``-cpu``)."""
        board = self._board(machine)
        if board is None:
            return None
        types = {type_ for root in self.program.roots for type_ in root.device_types}
        found = {one for one in types if "cpu" not in self.kinds(one)}
        added = found & {*board.added}
        creatable = {one for one in added if self._types[one].creatable}
        made = {one for one in found - added if self.may_make(machine, one)}
        return MachineDevices(
            board.file,
            tuple(sorted(made)),
            tuple(sorted(creatable)),
            tuple(sorted(added - creatable)),
        )

    def may_make(self, machine: ir.Machine | None, type_: str) -> bool:
        """Whether a machine of this type may have an object of a device type."""
        board, known = self._board(machine), self._types.get(type_)
        return board is None or known is None or known.creatable or type_ in board.makes

    def is_on_board(self, machine: ir.Machine | None, type_: str) -> bool:
        """Whether the board of a machine of this type may have an object of a device type
        that users can neither add nor leave out.  False where that is not known."""
        board, known = self._board(machine), self._types.get(type_)
        return (
            board is not None
            and known is not None
            and not known.creatable
            and type_ in board.makes
            and type_ not in board.added
        )

    def is_added(self, machine: ir.Machine | None, roots: Sequence[ir.Root]) -> bool:
        """Whether a machine of this type has a section that these register only where a
        user adds a device for it (``-device``): none does as it is started without
        options.  False where that is not known."""
        board = self._board(machine)
        if board is None:
            return False
        types = {
            one
            for root in roots
            for one in root.device_types
            if self.may_make(machine, one)
        }
        files = {root.file for root in roots if not root.device_types}
        return (
            bool(types or files)
            and types <= {*board.added}
            and files <= {*board.added_calls}
        )

    def _board(self, machine: ir.Machine | None) -> ir.Board | None:
        if machine is None:
            return None
        own = self._boards.get((machine.board, machine.name))
        return self._boards.get((machine.board, "")) if own is None else own

    def kinds(self, type_: str) -> tuple[str, ...]:
        """What an object of the type is: the type, its ancestors, nearest first, and the
        interfaces of all of them."""
        if type_ not in self._kinds:
            chain: list[str] = []
            interfaces: list[str] = []
            name = type_
            while name and name not in chain:
                chain.append(name)
                one = self._types.get(name)
                if one is None:
                    break
                interfaces += one.interfaces
                name = one.parent
            self._kinds[type_] = (*chain, *interfaces)
        return self._kinds[type_]

    def properties(self, type_: str) -> Iterator[ir.Property]:
        """The properties of a type's objects: of its class, and of its ancestors' classes
        those that no nearer class has."""
        seen: set[str] = set()
        for kind in self.kinds(type_):
            for name, one in self._properties.get(kind, {}).items():
                if name not in seen:
                    seen.add(name)
                    yield one

    def settings(self, machine: ir.Machine) -> Iterator[ir.Setting]:
        """What the machine type sets, in the order in which it is applied."""
        for table in machine.tables:
            if table in self._tables:
                yield from self._tables[table].settings

    def value(
        self, machine: ir.Machine | None, type_: str, property_: ir.Property
    ) -> int | None:
        """What an object of the type has as a property on the machine type (on one that
        sets nothing where that is None); None if that is not a number that is known."""
        found = property_.default
        if machine is None:
            return found
        if machine.name not in self._settings:
            of_name = self._settings[machine.name] = {}
            for setting in self.settings(machine):
                of_name.setdefault(setting.property, []).append(setting)
        for setting in self._settings[machine.name].get(property_.name, ()):
            if setting.driver in self.kinds(type_):
                found = number(setting.value, property_)
        return found

    def holders(self, places: Collection[ir.MemberPlace]) -> tuple[str, ...]:
        """The concrete types whose objects have one of these members, as a property of
        their class says."""
        owners: set[str] = set()
        for where in places:
            owners |= self._owners.get(where, set())
        return tuple(
            name
            for name, one in self._types.items()
            if not one.abstract and not owners.isdisjoint(self.kinds(name))
        )

    def known(
        self,
        machine: ir.Machine | None,
        types: Iterable[str],
        places: Collection[ir.MemberPlace] | None = None,
    ) -> KnownMembers:
        """The members that are the same in objects of all these types, of all or of these
        ``places``, with those that stand for functions of the machine's class; nothing for
        a machine type that may set more than is known of it."""
        if machine is not None and machine.open:
            return {}
        asked = {
            where: KnownBits(WHOLE, value)
            for where, value in returned(machine).items()
            if places is not None and where in places
        }
        each = [self._of_type(machine, type_, places) for type_ in types]
        if not each:
            return asked
        first, *others = each
        return asked | {
            where: bits
            for where, bits in first.items()
            if all(other.get(where) == bits for other in others)
        }

    def _of_type(
        self,
        machine: ir.Machine | None,
        type_: str,
        places: Collection[ir.MemberPlace] | None,
    ) -> KnownMembers:
        setters = self._setters_of(type_)
        found = {
            where: (
                self._bits(machine, type_, setters[where])
                if where in setters
                else self._never_set(type_, where)
            )
            for where in (setters if places is None else places)
        }
        return {where: bits for where, bits in found.items() if bits is not None}

    def _never_set(self, type_: str, where: ir.MemberPlace) -> KnownBits | None:
        """Zero, which ``object_new`` leaves in a member that properties of other types
        alone set, and that no other C code changes: ``rpmb_part_size`` of an SD card.
        """
        setters = self._placed.get(where, ())
        kinds = self.kinds(type_)
        may_change = any(
            one.type in kinds or one.change != ir.MemberChange() or self._is_moved(one)
            for one in setters
        )
        return None if may_change or not setters else KnownBits(WHOLE, 0)

    def _is_moved(self, one: ir.Property) -> bool:
        """Whether a stream loads the member of a property, by whichever of its places."""
        places = (place(where.type, where.path) for where in one.places)
        return not self._moved.isdisjoint(places)

    def _setters_of(self, type_: str) -> _PropertiesByMember:
        """The properties that set a member of the type's objects, by member; without those
        that C code changes in a way that is not known, or that a stream loads."""
        if type_ not in self._setters:
            found = self._setters[type_] = {}
            for one in self.properties(type_):
                if one.change.others or self._is_moved(one):
                    continue
                for where in one.places:
                    found.setdefault(place(where.type, where.path), []).append(one)
        return self._setters[type_]

    def _bits(
        self, machine: ir.Machine | None, type_: str, setters: Iterable[ir.Property]
    ) -> KnownBits | None:
        """What is known of a member that these properties set."""
        found: KnownBits | None = None
        for one in setters:
            value = _left(self.value(machine, type_, one), one.change)
            if one.bit is None:
                if value is None or found not in (None, KnownBits(WHOLE, value)):
                    return None  # not known, or two properties of one member
                found = KnownBits(WHOLE, value)
            elif value is not None:
                found = _with_bit(found, 1 << one.bit, bool(value))
        return found


def _left(value: int | None, change: ir.MemberChange) -> int | None:
    """What is in the member after C has changed it; None if that is not known."""
    if value is None or any(number != value for number in change.numbers):
        return None
    if change.low is not None:
        value = max(value, change.low)
    return value if change.high is None else min(value, change.high)


def _with_bit(before: KnownBits | None, bit: int, is_set: bool) -> KnownBits:
    mask, value = (0, 0) if before is None else (before.mask, before.value)
    return KnownBits(mask | bit, value | bit if is_set else value & ~bit)


def number(text: str, property_: ir.Property) -> int | None:
    """The value that a setting's text means for a property; None for no number."""
    word = text.strip()
    if word in property_.values:
        return property_.values.index(word)
    match property_.kind:
        case "bool":
            return _TRUTH.get(word.lower())
        case "number":
            return _integer(word)
        case "text" | "other":
            return None


def _integer(word: str) -> int | None:
    try:
        return int(word, 0)
    except ValueError:
        pass
    shift = _SUFFIXES.get(word[-1:].upper())
    if shift is None:
        return None
    try:
        return int(word[:-1], 0) << shift
    except ValueError:
        return None


def moved_members(program: ir.Program) -> frozenset[ir.MemberPlace]:
    """The members that fields of the program move."""
    return frozenset(_moved(program))


def _moved(program: ir.Program) -> Iterator[ir.MemberPlace]:
    """The members that loading a stream may change: those that fields move, as seen from
    the description's object and from each object on the way."""
    for module in program.modules:
        for description in module.descriptions:
            for one in description.fields:
                type_ = description.type
                for at, step in enumerate(one.path):
                    yield place(type_, ir.path_text(one.path[at:]))
                    type_ = step.type
