"""The codec plan: what to emit, decided; templates only print it.

``lower`` builds it from the IR: runs of fixed fields fused, Python names chosen.  What
is code is a value of :mod:`vmgen.plan.code`; every string is a name or a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from vmgen.plan.code import Expr, PyCall, PyGlobal, Statement


@dataclass(frozen=True, slots=True)
class Run:
    """A module-level ``struct.Struct`` and the names of its fields for error messages;
    ``most`` is how many values one call packs, 0 for all."""

    name: str
    format: str
    fields: tuple[str, ...]  # pieces of one string, for short lines
    most: int = 0


@dataclass(frozen=True, slots=True)
class StateMember:
    """A member of a state class; ``declared`` is the call that says what it is."""

    name: str
    annotation: Expr
    declared: PyCall


@dataclass(frozen=True, slots=True)
class Class:
    """A state class; ``path`` is the C path of its struct, ``integer`` how its body spells
    ``int``."""

    name: str
    path: str
    doc: tuple[str, ...]
    members: tuple[StateMember, ...]
    integer: Expr


@dataclass(frozen=True, slots=True)
class Elements:
    """The codec of many objects of one fixed layout: ``unpack(chunk)``, ``pack(states)``.

    ``split`` is for objects that hold one array each: all arrays of ``chunk``; ``join``
    are all bytes of ``states``, ``targets`` the one attribute.
    """

    unpack: str
    pack: str
    cls: str
    make: Expr
    run: str
    before: tuple[Statement, ...]
    targets: tuple[Expr, ...]
    after: tuple[Statement, ...]
    aliases: tuple[Statement, ...]
    values: tuple[Expr, ...]
    split: Expr | None = None
    join: Expr | None = None


@dataclass(frozen=True, slots=True)
class FunctionPair:
    """A loader's and a saver's statements; ``end`` is where the loader's fields end,
    ``names_put`` whether the saver needs what appends bytes as a name of its own."""

    load: tuple[Statement, ...]
    end: Expr
    save: tuple[Statement, ...]
    names_put: bool


@dataclass(frozen=True, slots=True)
class Predicate:
    """A translated C function over a state of the class; ``value`` is its answer.

    It ``asks`` where it needs what the state does not have: ``owner`` is the C type, and
    ``where`` the function and its place.
    """

    name: str
    cls: Expr
    doc: str
    value: Expr
    owner: str
    where: str
    asks: bool


@dataclass(frozen=True, slots=True)
class CodecPlan:
    """One section of a module: everything of one ``VMStateDescription``.

    ``codec`` is the name without ``vmstate_``, ``old`` the functions for versions below
    the current one, if there are any.  ``keys`` are those of ``CODECS`` that it has, each with
    the name of the section.  ``answers`` says who finds out from the bytes around what
    no field of it holds.
    """

    codec: str
    symbol: str
    wire: str
    version: int
    minimum: int
    cls: str
    banner: str
    classes: tuple[Class, ...]
    runs: tuple[Run, ...]
    elements: tuple[Elements, ...]
    current: FunctionPair
    old: FunctionPair | None
    predicates: tuple[Predicate, ...]
    hooks: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    answers: PyCall | None = None


@dataclass(frozen=True, slots=True)
class Maker:
    """A module-level function that makes an object or an array; ``value`` is it."""

    name: str
    value: Expr


@dataclass(frozen=True, slots=True)
class Import:
    """``from module import names``, relative; each name with what it is called here."""

    module: str
    names: tuple[PyGlobal, ...]


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """One generated module; ``path`` is relative to the target's folder.

    ``late`` imports stand at the end: those of modules that import this one, and behind
    them the ``makers`` of what loaders make again and again.  ``states``
    are the classes of the codecs in its ``CODECS``.
    """

    path: str
    source: str
    release: str
    target: str
    digest: str
    imports: tuple[Import, ...]
    late: tuple[Import, ...]
    makers: tuple[Maker, ...]
    standard: tuple[Import, ...]
    descriptions: tuple[CodecPlan, ...]
    exports: tuple[str, ...]
    states: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """A name that the target's package offers, from a module of it: the dotted name,
    with a dot in front for a module of the folder above."""

    name: str
    module: str


@dataclass(frozen=True, slots=True)
class Several:
    """A name that several modules of a package offer, which the package therefore does
    not: the modules as in :class:`Export`."""

    name: str
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RootExport:
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
    ``runtime`` are the names of ``_runtime`` that it offers.  ``page_bits`` is the
    smallest ``TARGET_PAGE_BITS``, None if it is not known; ``meta`` is the text of the
    file by which a stream's target is found without importing anything.  ``unread`` are
    names that have no codec, with the diagnostic that says why.
    """

    folder: str
    release: str
    target: str
    sources: tuple[str, ...]
    digest: str
    modules: tuple[ModulePlan, ...]
    runtime: tuple[str, ...]
    exports: tuple[Export, ...]
    roots: tuple[RootExport, ...]
    ir: str
    rivals: tuple[Rivals, ...] = ()
    several: tuple[Several, ...] = ()
    page_bits: int | None = None
    meta: str = ""
    unread: tuple[tuple[str, str], ...] = ()
