"""Codecs by the names of sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Generic, NamedTuple, TypeVar

from ._context import Context
from ._entry import Load, Save
from ._errors import MissingContext, VMStateError
from ._state import State

S = TypeVar("S", bound=State)


class Codec(NamedTuple, Generic[S]):
    """How to load and save the sections of one name.

    ``symbol`` is the C symbol of the description.  ``target``, ``release`` and
    ``page_bits`` (the smallest ``TARGET_PAGE_BITS``, None if not known) are those of the
    package; a module that targets share has none of its own.  ``error`` and ``context``
    are the classes of its package for errors and answers.
    """

    name: str
    version_id: int
    minimum_version_id: int
    state: type[S]
    load: Load[S]
    save: Save[S]
    symbol: str = ""
    target: str = ""
    release: str = ""
    page_bits: int | None = None

    @property
    def subsections(self) -> tuple[str, ...]:
        """The names of its subsections on the wire, in order."""
        fields = self.state.fields()
        return tuple(one.path for one in fields if one.type == "subsection")

    @property
    def error(self) -> type[VMStateError]:
        """What ``load`` and ``save`` raise."""
        return VMStateError

    @property
    def context(self) -> type[Context]:
        """What ``load`` takes as ``context``."""
        return Context


def codec(name: str, cls: type[S]) -> Codec[S]:
    """The codec of the sections of one name: that of its state class."""
    found = cls.__vmstate_section__
    assert found is not None
    return Codec(
        name, found.current, found.minimum, cls, found.load, found.save, found.symbol
    )


class Codecs(Mapping[str, Codec[Any]]):
    """Codecs by wire name; a module is imported when one of its codecs is asked for.

    A section is found by its whole name (``0000:00:02.0/vga``), or by what stands after
    the device path.  Where two descriptions have one name, the key ``*/vga`` is that of
    devices with a path and ``vga`` the other's.  Where no path tells them apart either,
    each has a key with the device's type behind it (``serial:isa-serial``), and the name
    alone is nobody's: :meth:`choose` finds out whose it is.

    ``target``, ``release`` and ``page_bits`` are those of its codecs.  ``unread`` says why
    a description has no codec, by its section's name and by its symbol.
    """

    __slots__ = (
        "_known", "_modules", "_package", "_rivals", "page_bits", "release", "target",
        "unread",
    )  # fmt: skip

    def __init__(
        self,
        package: str,
        modules: Mapping[str, str],
        rivals: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        *,
        target: str = "",
        release: str = "",
        page_bits: int | None = None,
        unread: Mapping[str, str] | None = None,
    ) -> None:
        self._package = package
        self._modules = modules
        self._rivals = rivals or {}
        self._known: dict[str, Codec[Any]] = {}
        self.target = target
        self.release = release
        self.page_bits = page_bits
        self.unread = unread or {}

    def __getitem__(self, name: str) -> Codec[Any]:
        key = self._key(name)
        if key is None:
            why = self.unread.get(name.rpartition("/")[2])
            raise KeyError(
                f"{name}: its description was not read: {why}" if why else name
            )
        if key in self._rivals:
            raise KeyError(f"{name}: {_one_of(self._rivals[key])}")
        if key not in self._known:
            codec: Codec[Any] = import_module(self._modules[key], self._package).CODECS[
                key
            ]
            self._known[key] = codec._replace(
                target=self.target, release=self.release, page_bits=self.page_bits
            )
        return self._known[key]

    @property
    def error(self) -> type[MissingContext]:
        """What :meth:`choose` raises where nothing tells devices apart."""
        return MissingContext

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        key = self._key(name)
        return key is not None and key not in self._rivals

    def choose(
        self,
        name: str,
        description: Mapping[str, Any] | None = None,
        answers: Mapping[str, Any] | None = None,
    ) -> Codec[Any]:
        """The codec of a section, also where several devices have one of its name.

        ``description`` is the section's entry in the stream's description JSON: its
        fields may tell.  ``answers`` has the device's type (``isa-serial``) by the
        section's name.  Raises KeyError for a name that nobody has, and MissingContext
        where neither tells, or for a type that none of them is.
        """
        key = self._key(name)
        if key is None or key not in self._rivals:
            return self[name]
        rivals = self._rivals[key]
        answer = (answers or {}).get(key.removeprefix("*/"))
        if answer is not None:
            found = [one for one in rivals if one == f"{key}:{answer}"]
        else:
            there = _field_names(description)
            found = [one for one, fields in rivals.items() if there <= {*fields}]
        if len(found) != 1:
            missing = MissingContext(
                _one_of(rivals),
                kind="device",
                key=key.removeprefix("*/"),
                candidates=tuple(rivals),
            )
            missing.within(name)
            raise missing
        return self[found[0]]

    def _key(self, name: str) -> str | None:
        """The key of a section's name, None if no codec is for it."""
        behind = False
        while True:
            keys = (f"*/{name}", name) if behind else (name, f"*/{name}")
            for key in keys:
                if key in self._modules or key in self._rivals:
                    return key
            _, slash, name = name.partition("/")
            if not slash:
                return None
            behind = True

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def _field_names(description: Mapping[str, Any] | None) -> set[str]:
    """The names of a section's fields, if a description tells them: it is a stream's, and
    may be anything."""
    fields = description.get("fields") if isinstance(description, Mapping) else None
    names = (
        [one.get("name") for one in fields or () if isinstance(one, Mapping)]
        if isinstance(fields, list)
        else []
    )
    return {one.partition("[")[0] for one in names if isinstance(one, str)}


def _one_of(rivals: Mapping[str, Any]) -> str:
    return f"several devices have such a section: {' or '.join(rivals)}"
