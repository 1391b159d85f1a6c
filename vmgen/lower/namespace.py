"""The names of one generated module: its own, and those it imports of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vmgen import ir
from vmgen.lower.codec.refer import Role
from vmgen.lower.codec.zeros import zeros
from vmgen.lower.names import (
    LOCALS,
    RESERVED,
    Names,
    attribute,
    record_name,
    short,
)
from vmgen.lower.program import CodecLayouts, named
from vmgen.lower.shape import CodecLayout, Key, StateRecord
from vmgen.plan import code

_SHORT = 64
"""Elements of an array of zeros that is copied: the call of what makes it again takes
longer than that many zeros."""


@dataclass(eq=False)
class Namespace:
    """What the codecs and classes of one module are called, and what it takes from
    other modules of the package.

    ``sections`` are the keys in ``CODECS`` of each description; ``keys`` are the
    module's own descriptions, each after those that it names; ``codecs`` and the
    records' ``cls`` are set by :meth:`name_all`, of every module before the first one
    asks for a name of another.
    """

    layouts: CodecLayouts
    source: ir.Module
    sections: Mapping[Key, tuple[str, ...]]
    keys: list[Key] = field(default_factory=list)
    names: Names = field(default_factory=lambda: Names(RESERVED | LOCALS))
    codecs: dict[Key, str] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    others: Mapping[str, Namespace] = field(default_factory=dict)
    foreign: dict[tuple[str, str], str] = field(default_factory=dict)
    makers: dict[code.Expr, str] = field(default_factory=dict)

    def name_all(self) -> None:
        """Order the descriptions, and name codecs and classes."""
        own = [(self.source.file, one.symbol) for one in self.source.descriptions]
        self.keys = list(self._ordered(own))
        self.attributes = {
            attribute(step.name)
            for one in self.source.descriptions
            for leaf in one.fields
            for step in leaf.path
        }
        for key in self.keys:
            for one in (*self.layouts.words.get(key, ()), key):
                layout = self.layouts.all[one]
                wanted = layout.codec
                if layout.description is None:
                    wanted = short(layout.symbol).removeprefix("info_")
                self.codecs[one] = self._codec_name(wanted)
        for key in sorted(own, key=self._rank):
            layout = self.layouts.all[key]
            self._name_record(layout, layout.root, self.codecs[key], "")
            for words in self.layouts.words.get(key, ()):
                inner = self.layouts.all[words]
                self._name_record(inner, inner.root, self.codecs[words], "")

    def _codec_name(self, wanted: str) -> str:
        name, number = wanted, 2
        while not all(
            self.names.free(f"{prefix}{name}") for prefix in ("load_", "save_", "_")
        ):
            name, number = f"{wanted}_{number}", number + 1
        for prefix in ("load_", "save_", "_unpack_", "_pack_", "_"):
            self.names.take(f"{prefix}{name}")
        return name

    def _rank(self, key: Key) -> tuple[int, int]:
        """Who gets the plain names first: roots, then nested ones, then subsections."""
        order = [one.symbol for one in self.source.descriptions]
        inner = 0 if key in self.sections else 1
        rank = 2 if key in self.layouts.parents else inner
        return rank, order.index(key[1])

    def _name_record(
        self, layout: CodecLayout, record: StateRecord, codec: str, outer: str
    ) -> None:
        wanted = record_name(record.type)
        if not wanted:
            wanted = (
                f"{outer}_{record.path.rpartition('.')[2]}"
                if outer
                else f"State_{codec}"
            )
        if not self.names.free(wanted):
            wanted = f"{wanted}_{codec}" if not wanted.endswith(f"_{codec}") else wanted
        if not self.names.free(wanted) and record.path:
            wanted = f"{wanted}_{attribute(record.path.rpartition('.')[2])}"
        if wanted in self.attributes:
            wanted = (
                f"{wanted}_"  # ``struct foo foo``: in a class body the member hides it
            )
        record.cls = self.names.take(wanted)
        for member in record.members:
            if member.record is not None:
                self._name_record(layout, member.record, codec, record.cls)

    def _ordered(self, keys: list[Key]) -> Iterator[Key]:
        """Descriptions after those that they name, else in the order of the C."""
        done: set[Key] = set()

        def visit(key: Key) -> Iterator[Key]:
            if key in done or key[0] != self.source.file:
                return
            done.add(key)
            layout = self.layouts.all[key]
            for leaf in layout.leaves:
                for inner in named(leaf):
                    if self.layouts.all[inner].description is not None:
                        yield from visit(inner)
            for _, sub in layout.subsections:
                yield from visit(sub)
            yield key

        for key in keys:
            yield from visit(key)

    def cls(self, key: Key) -> code.Expr:
        """The state class of a layout."""
        return self._named(key[0], self.layouts.all[key].root.cls)

    def record(self, record: StateRecord) -> code.Expr:
        """The class of a record."""
        return self._named(record.file, record.cls)

    def maker(self, record: StateRecord) -> code.Expr:
        """The function that makes an object of a record's class, without members."""
        cls = self.record(record)
        assert isinstance(cls, code.PyName | code.PyGlobal)
        here = cls.id if isinstance(cls, code.PyName) else cls.local
        return self._maker(f"_new_{here}", code.call("maker", cls))

    def zeros(self, kind: str, length: int) -> code.Expr:
        """An array of so many zeros of a ``struct`` code, for a loader to fill."""
        made = zeros(kind, length)
        if kind in "?B" or length > _SHORT:
            return made
        copy = code.PyAttr(made, "__copy__")
        return code.PyCall(self._maker(f"_zeros_{kind}{length}", copy))

    def _maker(self, wanted: str, value: code.Expr) -> code.PyName:
        """The name of a module-level function; equal ones are made once."""
        if value not in self.makers:
            self.makers[value] = self.names.take(wanted)
        return code.PyName(self.makers[value])

    def function(self, role: Role, key: Key) -> code.Expr:
        """One of the functions of a layout."""
        file = key[0]
        codec = (self if file == self.source.file else self.others[file]).codecs[key]
        return self._named(file, codec, f"_{role}_")

    def _named(self, file: str, name: str, prefix: str = "") -> code.Expr:
        """What a module defines under a name, with the prefix in front."""
        if file == self.source.file:
            return code.PyName(f"{prefix}{name}")
        is_codec = bool(prefix)
        memo = (file, f"codec {name}" if is_codec else name)
        if memo not in self.foreign:
            # A local is called like an attribute, and must not hide what is imported.
            wanted = f"{name}_" if name in self.attributes else name
            taken = self._codec_name(name) if is_codec else self.names.take(wanted)
            self.foreign[memo] = taken
        return code.PyGlobal(file, f"{prefix}{name}", f"{prefix}{self.foreign[memo]}")
