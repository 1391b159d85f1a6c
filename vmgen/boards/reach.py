"""From a board's file to the types whose objects it may make.

A board's code is its own file, the files that define the functions which it calls, and
the files of the types that it makes, and so on; the code of CPUs, of accelerators and of
the devices that users create is part of every machine.  What a file names counts as
called and made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from vmgen import ir
from vmgen.boards.named import CODE, BoardTexts, Meant
from vmgen.boards.pattern import NamePattern
from vmgen.boards.text import ClassText, Mentions
from vmgen.c_text import TextPart
from vmgen.cache import Each, Remembered
from vmgen.roots.model import Registrations, TypeDecl

_EVERYWHERE = ("target/", "accel/")
_DRIVES = "blockdev.c"
"""What makes the device of a drive that a board has by default (``drive_new``)."""
_FLAVOURS = ("-pci", "-ccw", "-device")
"""What QEMU adds to the name of a virtio device for the bus that the machine has
(``qdev_alias_table``, ``system/qdev-monitor.c``)."""
_AS_USERS = frozenset(
    ("qdev_device_add", "qdev_device_add_from_qdict", "qemu_find_opts")
)
"""What code calls that makes a device as ``-device`` does, so that such names count."""
_OF_USERS = frozenset(('"qxl"', '"vmware"', '"virtio"', '"xenfb"'))
"""Displays of which a board's text leaves out the cases if no machine has one of them by
default."""
_DEVICE = "device"
_CPU = "cpu"


@dataclass(frozen=True, slots=True)
class _Variant:
    """What the code of a board's file names that machines of a type run, and of that what
    is not only there for a display which a user asks for."""

    names: Mentions
    started: Mentions


@dataclass
class Boards:
    """The boards of one tree.  Its texts are read once for all targets; ``remembered`` is
    what was made of them before."""

    root: Path
    remembered: Remembered = field(default_factory=Remembered)
    _texts: BoardTexts = field(init=False)

    def __post_init__(self) -> None:
        self._texts = BoardTexts(self.root, self.remembered)

    def look_at(self, sources: Iterable[str], each: Each = map) -> None:
        """Reads the texts of these C files, and the tree's headers, for :meth:`of`;
        ``each`` is as for :meth:`Remembered.of`."""
        self._texts.look_at(_of_boards(sources, self.root), each)

    def of(
        self,
        machines: ir.Machines,
        roots: Sequence[ir.Root],
        registrations: Iterable[Registrations],
        sources: Iterable[str],
        unused: Mapping[str, Iterable[TextPart]],
    ) -> ir.Machines:
        """The machine types of one binary with what their boards make and what is only in
        machines to which users add devices, and with which types users cannot create.

        ``registrations`` are those of all its files, ``sources`` the C files that it is
        made from, ``unused`` the parts of its board's file that a machine type does not
        run.  Raises OSError for a file that cannot be read.
        """
        binary = _BoardsOfBinary(self._texts, registrations, sources)
        types = tuple(
            replace(one, creatable=binary.is_creatable(one.name))
            for one in machines.types
        )
        saved = {type_ for root in roots for type_ in root.device_types}
        made = {one.name for one in types if not one.creatable} & saved
        registering = {one.file for one in roots if not one.device_types}
        boards = []
        for file in sorted({one.board for one in machines.machines} - {""}):
            code = {one for one in registering if one.startswith(ir.OF_BOARDS)}
            of = [one for one in machines.machines if one.board == file]
            alike: dict[ir.Board, list[str]] = {}
            for text, names in self._variants(file, of, unused).items():
                makes, calls = binary.reached(file, text)
                started = binary.started(file, (one.type for one in of), text)
                board = ir.Board(
                    file,
                    _sorted(made & makes),
                    _sorted(code & calls),
                    _sorted(filter(started.lacks_type, saved - made | made & makes)),
                    _sorted(filter(started.lacks_file, code & calls)),
                )
                alike.setdefault(board, []).extend(names)
            usual = min(alike, key=lambda one: (-len(alike[one]), min(alike[one])))
            boards += [
                board if board == usual else replace(board, machines=_sorted(names))
                for board, names in alike.items()
            ]
        boards.sort(key=lambda one: (one.file, one.machines))
        return replace(machines, types=types, boards=tuple(boards))

    def _variants(
        self,
        file: str,
        machines: Iterable[ir.Machine],
        unused: Mapping[str, Iterable[TextPart]],
    ) -> Mapping[_Variant, list[str]]:
        """What the file names in the code that machine types run, each with its machine
        types."""
        found: dict[_Variant, list[str]] = {}
        for one in machines:
            own = self._texts.file(file, tuple(unused.get(one.name, ())))
            found.setdefault(_Variant(own.names, own.started), []).append(one.name)
        return found


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names))


def _of_boards(sources: Iterable[str], root: Path) -> Iterator[str]:
    """Those of the C files that may be of a board or a device, sorted."""
    for one in sorted(sources):
        if one.startswith((*CODE, _DRIVES)) and (root / one).is_file():
            yield one


@dataclass(frozen=True, slots=True)
class _Reach:
    """The types of which code may make objects, and the files of that code."""

    types: frozenset[str]
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Started:
    """What may be in a machine that is started without options: types, by name, and the
    files that may run.  ``declared`` are the files of each type."""

    reach: _Reach
    declared: Mapping[str, frozenset[str]]
    sources: Mapping[str, None]
    cpus: frozenset[str]

    def lacks_type(self, type_: str) -> bool:
        """Whether no such machine has an object of the type, nor runs its file; False for
        what is not known."""
        files = self.declared.get(type_, frozenset())
        return (
            bool(files)
            and "*" not in type_
            and type_ not in self.cpus
            and type_ not in self.reach.types
            and all(map(self.lacks_file, files))
        )

    def lacks_file(self, file: str) -> bool:
        """Whether no such machine runs code of a file."""
        return file in self.sources and file not in self.reach.files


_NOTHING = _Reach(frozenset(), frozenset())


class _BoardsOfBinary:
    """The types, functions and files of one binary."""

    def __init__(
        self,
        texts: BoardTexts,
        registrations: Iterable[Registrations],
        sources: Iterable[str],
    ) -> None:
        self._texts = texts
        self._types: dict[str, TypeDecl] = {}
        declared: dict[str, set[str]] = {}
        for one in registrations:
            for type_ in one.types:
                self._types.setdefault(type_.name, type_)
                declared.setdefault(type_.name, set()).add(type_.file)
        self._declared = {name: frozenset(of) for name, of in declared.items()}
        self._sources = dict.fromkeys(_of_boards(sources, texts.root))
        self._defined: dict[str, list[str]] = {}
        self._objects: dict[str, list[str]] = {}
        self._classes: dict[str, tuple[str, ClassText]] = {}
        for file in self._sources:
            text = texts.file(file)
            for name in text.objects:
                self._objects.setdefault(name, []).append(file)
            for name in text.functions:
                self._defined.setdefault(name, []).append(file)
                if name in text.classes:
                    self._classes.setdefault(name, (file, text.classes[name]))
        self._creatable: dict[str, bool] = {}
        self._named: dict[tuple[str, bool, _Variant | None], _Reach] = {}
        self._patterns: dict[NamePattern, frozenset[str]] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._devices = frozenset(
            one for one in self._types if _DEVICE in self._chain(one)
        )
        self._cpus = frozenset(one for one in self._devices if _CPU in self._chain(one))
        everywhere = [one for one in self._sources if one.startswith(_EVERYWHERE)]
        creatable = (
            one.file
            for name, one in self._types.items()
            if name in self._devices and not one.abstract and self.is_creatable(name)
        )
        self._common = self._closed((*everywhere, *creatable))
        displays = {one for file in self._sources for one in texts.file(file).displays}
        self._has_common_displays = displays.isdisjoint(_OF_USERS) and all(
            one == "NULL" or one.startswith('"') for one in displays
        )
        self._always = self._closed((*everywhere, _DRIVES), started=True)

    def is_creatable(self, type_: str) -> bool:
        """Whether users may create objects of a type (``device_class_init``,
        ``hw/core/qdev.c``, and what the classes below it assign).  CPUs are made by names
        that users give; of what is no device nothing is said."""
        if type_ not in self._creatable:
            self._creatable[type_] = (
                type_ not in self._devices
                or "*" in type_
                or _CPU in self._chain(type_)
                or self._decided(type_)
            )
        return self._creatable[type_]

    def _decided(self, type_: str) -> bool:
        for name in self._chain(type_):
            known = self._types.get(name)
            if known is None or not known.class_init:
                continue
            said = self._said(known.file, known.class_init)
            if said:
                return said != {False}
        return True

    def _said(self, file: str, function: str) -> set[bool | None]:
        """What a function, and those that it calls with the class, assign."""
        found: set[bool | None] = set()
        seen: set[tuple[str, str]] = set()
        pending = [(file, function)]
        while pending:
            file, function = pending.pop()
            own = None
            if file in self._sources:
                own = self._texts.file(file).classes.get(function)
            if own is None:
                file, own = self._classes.get(function, (file, None))
            if own is None or (file, function) in seen:
                continue
            seen.add((file, function))
            found.update(own.assigned)
            pending += ((file, name) for name in own.calls)
        return found

    def _chain(self, type_: str) -> tuple[str, ...]:
        """The type and its ancestors."""
        found = self._chains.get(type_)
        if found is None:
            chain: list[str] = []
            one = type_
            while one not in chain:
                chain.append(one)
                known = self._types.get(one)
                if known is None:
                    break
                one = known.parent
            found = self._chains[type_] = tuple(chain)
        return found

    def reached(
        self, file: str, own: _Variant
    ) -> tuple[frozenset[str], frozenset[str]]:
        """The types whose objects a board's code may make, and the files of it; ``own`` is
        what its file names."""
        reach = self._closed((file,), self._common, {file: own})
        return reach.types, reach.files

    def started(self, file: str, machines: Iterable[str], own: _Variant) -> _Started:
        """What may be in the machines of these types, which a board's file declares, as
        they are started without options: what users create is not.  ``own`` is as for
        :meth:`reached`."""
        files = {one for type_ in machines for one in self._files(type_)}
        reach = self._closed((file, *files), self._always, {file: own}, started=True)
        return _Started(reach, self._declared, self._sources, self._cpus)

    def _files(self, type_: str) -> Iterator[str]:
        """The files of a type and of its ancestors."""
        for one in self._chain(type_):
            yield from self._declared.get(one, ())

    def _closed(
        self,
        start: Iterable[str],
        known: _Reach = _NOTHING,
        variants: Mapping[str, _Variant] = MappingProxyType({}),
        started: bool = False,
    ) -> _Reach:
        """What is reached from these files, with what was known before; ``variants`` are
        what counts for some of them."""
        pending = [*start]
        types: set[str] = set()
        seen: set[str] = set()
        while pending:
            file = pending.pop()
            if file in seen or file in known.files or file not in self._sources:
                continue
            seen.add(file)
            found = self._of_file(file, started, variants.get(file))
            types |= found.types
            pending += found.files
            for type_ in found.types:
                pending += self._files(type_)
        return _Reach(known.types | types, known.files | seen)

    def _of_file(self, file: str, started: bool, variant: _Variant | None) -> _Reach:
        """The device types that a file names, and the files of the functions."""
        key = (file, started, variant)
        if key not in self._named:
            cut = started and self._has_common_displays
            if variant is None:
                meant = self._texts.meant(file, cut)
            else:
                names = variant.started if cut else variant.names
                meant = self._texts.followed(self._texts.file(file), names)
            self._named[key] = self._of_names(meant, started)
        return self._named[key]

    def _of_names(self, meant: Meant, started: bool) -> _Reach:
        called = {
            one
            for word in meant.words & self._defined.keys()
            for one in self._defined[word]
        }
        strings = meant.strings
        if started and not meant.words.isdisjoint(_AS_USERS):
            strings |= {a + b for a in strings for b in _FLAVOURS}
        types = (strings & self._devices).union(*map(self._like, meant.patterns))
        if started:
            for word in meant.words & self._objects.keys():
                called.update(self._objects[word])
            # no object is of an abstract type
            types = frozenset(one for one in types if not self._types[one].abstract)
        return _Reach(types, frozenset(called))

    def _like(self, pattern: NamePattern) -> frozenset[str]:
        """The device types whose names fit."""
        if pattern not in self._patterns:
            self._patterns[pattern] = self._texts.fitting(pattern, self._devices)
        return self._patterns[pattern]
