"""The codec plan: what to emit, decided; templates only print it.

``lower`` builds it from the IR: runs of fixed fields fused, Python names chosen, every
expression spelled.  Strings named ``target``, ``value``, ``condition`` or ``text`` are
Python source.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Line:
    """One simple statement."""

    text: str


@dataclass(frozen=True, slots=True)
class Unpack:
    """A fixed run on load: ``run`` names the :class:`Run`, ``targets`` take its values."""

    run: str
    targets: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Pack:
    """A fixed run on save."""

    run: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class If:
    """Statements under a condition."""

    condition: str
    body: tuple[Statement, ...]


Statement: TypeAlias = Line | Unpack | Pack | If


@dataclass(frozen=True, slots=True)
class Run:
    """A module-level ``struct.Struct`` and the names of its fields for error messages."""

    name: str
    format: str
    fields: tuple[str, ...]  # pieces of one string, for short lines


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a state class; ``default`` is the expression of its zero, ``above``
    says that the comment stands on a line of its own."""

    name: str
    annotation: str
    default: str
    comment: str
    above: bool = False


@dataclass(frozen=True, slots=True)
class Class:
    """A state class."""

    name: str
    doc: tuple[str, ...]
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Elements:
    """The codec of many objects of one fixed layout: ``unpack(chunk, count)`` and
    ``pack(states)``.

    ``run`` is empty for a layout without bytes.  ``split`` is for objects that hold one
    array each: the expression of all arrays of ``chunk``, ``join`` of all bytes of
    ``states``, ``targets`` the one attribute.
    """

    unpack: str
    pack: str
    cls: str
    run: str
    before: tuple[Statement, ...]
    targets: tuple[str, ...]
    after: tuple[Statement, ...]
    aliases: tuple[Statement, ...]
    values: tuple[str, ...]
    split: str = ""
    join: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A loader's or saver's statements; ``runs`` are the field lists that may be to blame
    on save, with a leading ``? `` text for those that may be absent."""

    name: str
    doc: str
    load: tuple[Statement, ...]
    save: tuple[Statement, ...]
    runs: tuple[str, ...]
    pack: bool


@dataclass(frozen=True, slots=True)
class Subsection:
    """One row of a description's table of subsections."""

    wire: str
    attribute: str
    codec: str
    minimum: int
    version: str
    current: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """A translated C function over a state; ``outside`` reads a member, by its C
    ``path``, that is not on the wire, and is empty where there is none."""

    name: str
    parameters: str
    doc: str
    outside: str
    value: str


@dataclass(frozen=True, slots=True)
class Description:
    """One section of a module: everything of one ``VMStateDescription``.

    ``codec`` is the name without ``vmstate_``, ``old`` the functions for versions below
    the current one, if there are any.  ``keys`` are those of ``CODECS`` that it has, each with
    the name of the section.
    """

    codec: str
    symbol: str
    wire: str
    place: str
    version: int
    minimum: int
    cls: str
    banner: tuple[str, ...]
    classes: tuple[Class, ...]
    runs: tuple[Run, ...]
    elements: tuple[Elements, ...]
    current: Function
    old: Function | None
    subsections: tuple[Subsection, ...]
    looked_up: tuple[Subsection, ...]
    predicates: tuple[Predicate, ...]
    hooks: tuple[str, ...]
    doc: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Import:
    """``from module import names``, relative."""

    module: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One generated module; ``path`` is relative to the target's folder.

    ``late`` imports stand at the end: those of modules that import this one.
    """

    path: str
    source: str
    release: str
    target: str
    digest: str
    imports: tuple[Import, ...]
    late: tuple[Import, ...]
    standard: tuple[str, ...]
    descriptions: tuple[Description, ...]
    exports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """A name that the target's package offers, from a module of it: the dotted name,
    with a dot in front for a module of the folder above."""

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Root:
    """A key of ``CODECS`` and the module that has its codec, as in :class:`Export`."""

    wire: str
    module: str


@dataclass(frozen=True, slots=True)
class Rivals:
    """A section's name that several descriptions have: the key of each in ``CODECS``, and
    the names of its fields."""

    wire: str
    keys: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Package:
    """Everything for one target: modules, and the ``__init__.py`` that re-exports them.

    ``folder`` is the target's subpackage, empty for a program without target;
    ``runtime`` are the names of ``_runtime`` that it offers.
    """

    folder: str
    release: str
    target: str
    sources: tuple[str, ...]
    digest: str
    modules: tuple[Module, ...]
    runtime: tuple[str, ...]
    exports: tuple[Export, ...]
    roots: tuple[Root, ...]
    ir: str
    rivals: tuple[Rivals, ...] = ()
