"""Files put together: which class has which description in the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from vmgen import ir
from vmgen.ir import Root
from vmgen.roots.calls import leading_to
from vmgen.roots.model import (
    ANY,
    TYPE,
    ClassFunction,
    How,
    Prefix,
    Registration,
    Registrations,
    TypeDecl,
)
from vmgen.source import Diagnostic, Position, VmgenError

_DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The roots of one binary, sorted by the place of their registration, and what
    registers something that could not be determined."""

    roots: tuple[Root, ...]
    undecided: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A symbol as a file means it."""

    file: str
    name: str
    position: Position


class Hierarchy:
    """The types of one binary and the descriptions of their classes."""

    def __init__(self, files: Iterable[Registrations]) -> None:
        self._types: dict[str, TypeDecl] = {}
        self._static: dict[tuple[str, str], ClassFunction] = {}
        self._extern: dict[str, tuple[str, ClassFunction]] = {}
        self._rows: dict[tuple[str, str, str], str] = {}
        self._vmsd: dict[str, tuple[_Symbol, str] | None] = {}
        self._ops: dict[str, tuple[_Symbol, str] | None] = {}
        self._legacy: dict[str, tuple[_Symbol, str] | None] = {}
        self._bus: dict[str, tuple[_Symbol, str] | None] = {}
        self._path: dict[str, tuple[_Symbol, str] | None] = {}
        self._realize: dict[str, tuple[_Symbol, str] | None] = {}
        self._doing: dict[str, set[tuple[str, str]]] = {}
        for one in files:
            for type_ in one.types:
                self._types.setdefault(type_.name, type_)
            for function in one.functions:
                self._static[one.file, function.name] = function
                if not function.static:
                    self._extern.setdefault(function.name, (one.file, function))
            for table, member, symbol in one.rows:
                self._rows[one.file, table, member] = symbol

    @property
    def types(self) -> Mapping[str, TypeDecl]:
        """Every type by its name."""
        return self._types

    def is_device(self, name: str) -> bool:
        """Whether a type descends from ``device``."""
        seen = set()
        while name != _DEVICE:
            if name in seen or name not in self._types:
                return False
            seen.add(name)
            name = self._types[name].parent
        return True

    def vmsd(self, name: str) -> tuple[_Symbol, str] | None:
        """The description of a type's class, and the type that set it; None for none."""
        return self._inherited(name, "set", self._vmsd)

    def realized_vmsds(self, name: str) -> Iterator[tuple[_Symbol, str]]:
        """The descriptions that a type's class has once a device was made real: those
        that its ``realize`` sets there itself (hw/i386/amd_iommu.c), with the type that
        has it."""
        by = self._inherited(name, "realize", self._realize)
        found = None if by is None else self._static.get((by[0].file, by[0].name))
        if by is None or found is None:
            return
        for effect in found.effects:
            if effect.kind == "set" and effect.symbol:
                yield _Symbol(by[0].file, effect.symbol, effect.position), by[1]

    def cpu_ops(self, name: str) -> tuple[_Symbol, str] | None:
        """The ``SysemuCPUOps`` of a CPU type's class, and the type that set it."""
        return self._inherited(name, "cpu", self._ops)

    def legacy_vmsd(self, name: str) -> tuple[_Symbol, str] | None:
        """The description of a CPU type's class, and the type that set it."""
        return self._inherited(name, "legacy", self._legacy)

    def realized_by(self, file: str, function: str) -> tuple[str, ...]:
        """The concrete types whose devices a function makes real, sorted."""
        found: list[str] = []
        for name, type_ in sorted(self._types.items()):
            by = self._inherited(name, "realize", self._realize)
            if by and (by[0].file, by[0].name) == (file, function):
                found += [] if type_.abstract else [name]
        return tuple(found)

    def has_path(self, name: str) -> bool:
        """Whether a device type's bus names its devices (``qdev_get_dev_path``)."""
        bus = self._inherited(name, "bus", self._bus)
        if bus is None:
            return False
        return self._inherited(bus[0].name, "path", self._path) is not None

    def _inherited(
        self,
        name: str,
        kind: str,
        known: dict[str, tuple[_Symbol, str] | None],
    ) -> tuple[_Symbol, str] | None:
        if name in known:
            return known[name]
        known[name] = None  # a type that is its own ancestor has nothing
        type_ = self._types.get(name)
        if type_ is None:
            return None
        own = None
        if type_.class_init:
            own = self._effect(type_.file, type_.class_init, type_, kind, frozenset())
        if own is None:
            found = self._inherited(type_.parent, kind, known)
        else:
            found = (own, name) if own.name else None
        known[name] = found
        return found

    def _effect(
        self, file: str, name: str, type_: TypeDecl, kind: str, above: frozenset[str]
    ) -> _Symbol | None:
        """The last thing of its kind that a function does; None for nothing."""
        at, function = self._function(file, name)
        if function is None or name in above or (at, name) not in self._that_do(kind):
            return None
        found: _Symbol | None = None
        for effect in function.effects:
            if effect.kind == kind:
                found = _Symbol(at, effect.symbol, effect.position)
            elif effect.kind == "row" and kind == "set":
                symbol = self._rows.get((at, type_.row, effect.symbol))
                if symbol is not None:
                    found = _Symbol(at, symbol, effect.position)
            elif effect.kind == "call":
                inner = self._effect(at, effect.symbol, type_, kind, above | {name})
                found = inner or found
        return found

    def _function(self, file: str, name: str) -> tuple[str, ClassFunction | None]:
        """The function that a file means by a name, and the file that has it."""
        own = self._static.get((file, name))
        return (file, own) if own is not None else self._extern.get(name, (file, None))

    def _that_do(self, kind: str) -> set[tuple[str, str]]:
        """The functions that do something of a kind, or call one that does."""
        if kind not in self._doing:
            kinds = {kind, "row"} if kind == "set" else {kind}
            calls = {
                known: [
                    (self._function(known[0], effect.symbol)[0], effect.symbol)
                    for effect in function.effects
                    if effect.kind == "call"
                ]
                for known, function in self._static.items()
            }
            ends = (
                known
                for known, function in self._static.items()
                if any(effect.kind in kinds for effect in function.effects)
            )
            self._doing[kind] = leading_to(ends, calls)
        return self._doing[kind]


class _Descriptions:
    """The descriptions of a binary by symbol: a file's own first, then the others'."""

    def __init__(self, modules: Iterable[ir.Module]) -> None:
        self._own: dict[tuple[str, str], ir.Description] = {}
        self._extern: dict[str, tuple[str, ir.Description]] = {}
        for module in modules:
            for one in module.descriptions:
                self._own[module.file, one.symbol] = one
                if not one.static:
                    self._extern.setdefault(one.symbol, (module.file, one))

    def find(self, file: str, symbol: str) -> tuple[str, ir.Description] | None:
        own = self._own.get((file, symbol))
        return (file, own) if own is not None else self._extern.get(symbol)


def resolve(files: Iterable[Registrations], modules: Iterable[ir.Module]) -> Resolution:
    """The roots of one binary.

    ``files`` are all files of the binary that have types or registrations, ``modules``
    all that define descriptions.  Undecided is what each file left undecided, and a
    registered description that no module defines (VG424).
    """
    files = sorted(files, key=lambda one: one.file)
    known = _Descriptions(modules)
    hierarchy = Hierarchy(files)
    roots: list[Root] = []
    found = [one for file in files for one in file.undecided]
    for one in files:
        for registration in one.registrations:
            try:
                roots += _registered(registration, known, hierarchy)
            except VmgenError as error:
                found += error.diagnostics
    ops = {
        (one.file, object): (symbol, position)
        for one in files
        for object, symbol, position in one.cpu_ops
    }
    classes: dict[tuple[How, str, str, Prefix], list[str]] = {}
    setters: dict[tuple[str, str], tuple[str, Position, str]] = {}
    for name in sorted(hierarchy.types):
        type_ = hierarchy.types[name]
        if not hierarchy.is_device(name):
            continue
        prefix: Prefix = "path" if hierarchy.has_path(name) else ""
        own: tuple[tuple[How, Prefix, tuple[_Symbol, str] | None], ...] = (
            ("device", prefix, hierarchy.vmsd(name)),
            *(("device", prefix, one) for one in hierarchy.realized_vmsds(name)),
            ("legacy_cpu", "", _legacy(hierarchy, ops, name)),
        )
        for how, prefix, got in own:
            if got is None:
                continue
            symbol, setter = got
            home = known.find(symbol.file, symbol.name)
            if home is None:
                found.append(_undefined(symbol.name, symbol.position))
                continue
            names = classes.setdefault((how, home[0], symbol.name, prefix), [])
            if not type_.abstract:
                names.append(name)
            setters.setdefault(
                (home[0], symbol.name), (setter, symbol.position, symbol.file)
            )
    concrete = {
        (how, file, name) for (how, file, name, _), names in classes.items() if names
    }
    for (how, file, name, prefix), names in classes.items():
        # A class that nothing concrete has stays known by its description alone.
        if names or (how, file, name) not in concrete:
            roots.append(_class_root(how, file, name, prefix, names, setters, known))
    return Resolution(tuple(sorted(roots, key=_place)), tuple(dict.fromkeys(found)))


def _place(root: Root) -> tuple[Position, str, str, str]:
    return root.position, root.how, root.symbol, root.section


def _legacy(
    hierarchy: Hierarchy,
    ops: Mapping[tuple[str, str], tuple[str, Position]],
    name: str,
) -> tuple[_Symbol, str] | None:
    got = hierarchy.cpu_ops(name)
    if got is None:
        return hierarchy.legacy_vmsd(name)
    object, setter = got
    legacy = ops.get((object.file, object.name))
    if legacy is None or not legacy[0]:
        return None
    return _Symbol(object.file, legacy[0], legacy[1]), setter


def _class_root(
    how: How,
    home: str,
    symbol: str,
    prefix: Prefix,
    names: list[str],
    setters: Mapping[tuple[str, str], tuple[str, Position, str]],
    known: _Descriptions,
) -> Root:
    setter, position, file = setters[home, symbol]
    description = known.find(home, symbol)
    assert description is not None  # it was found before
    device = how == "device"
    return Root(
        symbol=symbol,
        file=file,
        home=home,
        how=how,
        registrant=setter,
        section=description[1].name or "*",
        prefix=prefix,
        # device_set_realized() and cpu_vmstate_register().
        instance=ANY if device else "cpu->cpu_index",
        alias="dev->instance_id_alias" if device else "",
        device_types=tuple(sorted(names)),
        version_id=description[1].version_id,
        position=position,
    )


def _registered(
    one: Registration, known: _Descriptions, hierarchy: Hierarchy
) -> Iterator[Root]:
    if one.how == "handlers":
        yield Root(
            symbol=one.symbol,
            file=one.file,
            home="",
            how="handlers",
            registrant=one.function,
            section=one.section,
            prefix=one.prefix,
            instance=one.instance,
            version_id=one.version_id,
            position=one.position,
            guards=one.guards.names,
        )
        return
    home = known.find(one.file, one.symbol)
    if home is None:
        raise VmgenError(_undefined(one.symbol, one.position))
    root = Root(
        symbol=one.symbol,
        file=one.file,
        home=home[0],
        how="vmstate_register",
        registrant=one.function,
        section=one.section or home[1].name or "*",
        prefix=one.prefix,
        instance=one.instance,
        alias=one.alias,
        version_id=home[1].version_id,
        position=one.position,
        guards=one.guards.names,
    )
    types: tuple[str, ...] = ()
    if one.section == TYPE:
        types = hierarchy.realized_by(one.file, one.function)
    for name in types:
        yield replace(root, section=name, device_types=(name,))
    if not types:
        yield root if one.section != TYPE else replace(root, section="*")


def _undefined(symbol: str, position: Position) -> Diagnostic:
    return Diagnostic(
        "VG424",
        f"{symbol} is registered but not defined in any of the files read",
        position,
        hint="name the C file that defines it as an input too",
    )
