"""Modules in, one program out: every symbol a description names must be defined.

C symbols are not unique in a tree: a ``static`` description or info belongs to its
file, the others to whoever links with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from vmgen import infos, ir
from vmgen.infos.of_target import for_target
from vmgen.ir import graph
from vmgen.lookup import Lookup
from vmgen.source import Diagnostic, Position

NO_ANSWERS: Mapping[str, int] = {}


def link(
    release: str,
    target: str,
    modules: Iterable[ir.Module],
    members: Iterable[ir.Module] = (),
    unread: Iterable[ir.Unread] = (),
    answers: Mapping[str, int] = NO_ANSWERS,
    *,
    apart: bool = False,
) -> ir.Program:
    """Sorts modules by file, checks every reference between descriptions and puts infos
    of other files where they are named.

    ``members`` are modules of archives: one is linked where it defines a description or
    an info that something taken names and nothing taken defines, as ``ld`` does.
    ``unread`` are files without a module, ``answers`` what functions of QEMU return that
    ask for a fact of the target, by name.

    A description that was not read has one opaque field where another names it.  What
    cannot be linked is left out and is in the program's ``unread``: a description
    that names one that is not defined (VG501) or of which nothing is known (VG507), one
    that two files define (VG502).  Files that are ``apart`` may be of several binaries:
    then each has its own, and only a third file that names it is left without.
    """
    taken = _with_members(tuple(modules), tuple(members))
    missing = [*unread, *(one for module in taken for one in module.unread)]
    shared = {info.info: info for module in taken for info in module.infos}
    homes = {info.info: module.file for module in taken for info in module.infos}
    taken = tuple(
        _resolved(module, shared)
        for module in sorted(taken, key=lambda module: module.file)
    )
    taken = infos.resolved(for_target(_with_pre_saved(taken), answers), homes)
    linked = _Linked(taken, missing)
    twice = tuple(_twice(taken))
    linked.leave_out(
        _ambiguous(taken, {name for _, name, _ in twice}) if apart else twice
    )
    linked.close()
    # A file that only defines infos has nothing left to say.
    return ir.Program(
        release,
        target,
        tuple(one for one in linked.modules() if one.descriptions or one.functions),
        unread=linked.unread(),
    )


def _with_pre_saved(modules: tuple[ir.Module, ...]) -> tuple[ir.Module, ...]:
    """The modules with what each ``pre_save`` function leaves at the hooks that call it,
    of the file itself or of another."""
    own = {
        (module.file, one.symbol): one for module in modules for one in module.pre_saved
    }
    shared = {one.symbol: one for one in own.values() if not one.static}

    def hook(file: str, one: ir.Hook) -> ir.Hook:
        if not one.role.startswith("pre_save"):
            return one
        found = own.get((file, one.symbol)) or shared.get(one.symbol)
        return replace(one, leaves=() if found is None else found.leaves)

    return tuple(
        replace(
            module,
            descriptions=tuple(
                replace(one, hooks=tuple(hook(module.file, each) for each in one.hooks))
                for one in module.descriptions
            ),
            pre_saved=(),
        )
        for module in modules
    )


class _Linked:
    """The descriptions that are left while others are found to be missing something."""

    def __init__(
        self, modules: tuple[ir.Module, ...], unread: Iterable[ir.Unread]
    ) -> None:
        self._modules = modules
        self._left = {
            (module.file, one.symbol): one
            for module in modules
            for one in module.descriptions
        }
        self._unread = {(one.file, one.symbol): one for one in unread}
        #: What is known of those that were not read and may be put in their place.
        self._known = {
            (one.file, known.symbol): _opaque(known, one.found[0])
            for one in self._unread.values()
            for known in one.known
        }

    def leave_out(self, found: Iterable[tuple[str, str, Diagnostic]]) -> bool:
        """Take descriptions out, by file and symbol; whether there were any."""
        gone: dict[tuple[str, str], list[Diagnostic]] = {}
        for file, symbol, why in found:
            gone.setdefault((file, symbol), []).append(why)
        for file, symbol in gone:
            del self._left[file, symbol]
            known = self._unread.get((file, symbol))
            before = known.found if known else ()
            found_now = (*before, *gone[file, symbol])
            self._unread[file, symbol] = ir.Unread(symbol, file, found_now)
        return bool(gone)

    def close(self) -> None:
        """Put what is known in the place of what was not read; then take out what names
        something that is missing, until nothing does."""
        for module in self._modules:
            for one in module.descriptions:
                for mention in graph.in_description(one):
                    self._put(module.file, mention.symbol)
        while self.leave_out(list(self._lacking())):
            pass

    def _put(self, file: str, symbol: str) -> None:
        """Put what is known of a description that ``file`` names where it lacks."""
        if (file, symbol) in self._left:
            return
        if (file, symbol) in self._known:
            self._left[file, symbol] = self._known[file, symbol]
            return
        for (home, name), known in self._known.items():
            if name == symbol and not known.static:
                self._left.setdefault((home, name), known)

    def _lacking(self) -> Iterator[tuple[str, str, Diagnostic]]:
        shared = {symbol for (_, symbol), one in self._left.items() if not one.static}
        for (file, symbol), description in self._left.items():
            for mention in graph.in_description(description):
                if (file, mention.symbol) not in self._left and (
                    mention.symbol not in shared
                ):
                    why = self._why(file, mention.symbol, mention.position, symbol)
                    yield file, symbol, why

    def _why(self, file: str, name: str, position: Position, about: str) -> Diagnostic:
        known = self._lost(file, name)
        if known is not None:
            return Diagnostic(
                "VG507",
                f"it contains {name}, which was not read",
                position,
                hint=f"see {known.found[0].position}",
                context=(about,),
            )
        hint = "name the C file that defines it as an input too"
        files = sorted({file for file, symbol in self._unread if not symbol})
        if files:
            hint = f"it may be in a file that was not read: {', '.join(files)}"
        return Diagnostic(
            "VG501",
            f"{name} is not defined in any of the files read",
            position,
            hint=hint,
            context=(about,),
        )

    def _lost(self, file: str, name: str) -> ir.Unread | None:
        """Why a description is missing: one of the file itself first."""
        names = (name, name.partition("[")[0])
        for one in names:
            if found := self._unread.get((file, one)):
                return found
        return next(
            (found for (_, symbol), found in self._unread.items() if symbol in names),
            None,
        )

    def modules(self) -> Iterator[ir.Module]:
        """The modules with what is left of them."""
        for module in self._modules:
            left = tuple(
                one for (file, _), one in self._left.items() if file == module.file
            )
            if left != module.descriptions or module.unread:
                used = {one.needed for one in left}
                used.update(field.test for one in left for field in one.fields)
                module = replace(
                    module,
                    descriptions=left,
                    functions=tuple(
                        one for one in module.functions if one.symbol in used
                    ),
                    unread=(),
                )
            yield module

    def unread(self) -> tuple[ir.Unread, ...]:
        """What was left out and what was never read, sorted by file and symbol."""
        return tuple(
            replace(self._unread[key], known=()) for key in sorted(self._unread)
        )


def _opaque(known: ir.Description, why: Diagnostic) -> ir.Description:
    """A description that was not read: one field for all that it holds."""
    element = ir.CustomElement(known.symbol, "", str(why), unread=why.code)
    field = ir.Field("", (), element, ir.Fixed(0), position=why.position)
    return replace(known, fields=(field,))


def _twice(modules: Iterable[ir.Module]) -> Iterator[tuple[str, str, Diagnostic]]:
    """Descriptions that two files define: a name that says neither."""
    defined: dict[str, list[tuple[str, ir.Description]]] = {}
    for module in modules:
        for one in module.descriptions:
            if not one.static:
                defined.setdefault(one.symbol, []).append((module.file, one))
    for symbol, several in defined.items():
        for index, (file, one) in enumerate(several):
            if len(several) > 1:
                other = several[0 if index else 1][1]
                yield file, symbol, Diagnostic(
                    "VG502",
                    f"{symbol} is also defined at {other.position}",
                    one.position,
                    hint="generate for one of the two files only",
                )


def _ambiguous(
    modules: Iterable[ir.Module], names: Collection[str]
) -> Iterator[tuple[str, str, Diagnostic]]:
    """Descriptions that name one that several other files define: which one, is not said."""
    for module in modules:
        own = {one.symbol for one in module.descriptions}
        for one in module.descriptions:
            for mention in graph.in_description(one):
                if mention.symbol in names and mention.symbol not in own:
                    yield module.file, one.symbol, Diagnostic(
                        "VG502",
                        f"several of the files define {mention.symbol}, which it names",
                        mention.position,
                        hint="name only the files of one binary",
                        context=(one.symbol,),
                    )


def endless_lists(programs: Iterable[ir.Program]) -> tuple[Diagnostic, ...]:
    """A warning (VG408) for every list that QEMU reads beyond its end: it is assumed to have
    an end where its initialiser has."""
    ends = {"fields": "VMSTATE_END_OF_LIST()", "subsections": "NULL"}
    found = {
        Diagnostic(
            "VG408",
            f"the list of {which} does not end with {ends[which]}; QEMU reads on in the "
            "memory behind it, which is assumed to be zero",
            (
                one.fields[-1].position
                if which == "fields" and one.fields
                else one.position
            ),
            "warning",
            f"add {ends[which]} behind the last one",
            (one.symbol,),
        ): None
        for program in programs
        for module in program.modules
        for one in module.descriptions
        for which in one.endless
    }
    return tuple(found)


def foreign_subsections(programs: Iterable[ir.Program]) -> tuple[Diagnostic, ...]:
    """A warning (VG505) for every subsection that QEMU saves and would not take for one of
    its owner's when it loads: ``vmstate_subsection_load`` (``migration/vmstate.c``)
    compares the name's beginning.
    """
    found: dict[Diagnostic, None] = {}
    for program in programs:
        lookup = Lookup(program)
        for owner in lookup.all():
            for symbol in owner.description.subsections:
                placed = lookup.find(symbol, owner.module)
                if placed is not None and not placed.description.name.startswith(
                    owner.description.name
                ):
                    found[_foreign(placed.description, owner.description)] = None
    return tuple(found)


def _foreign(subsection: ir.Description, owner: ir.Description) -> Diagnostic:
    return Diagnostic(
        "VG505",
        f"the subsection '{subsection.name}' does not begin with the name of its "
        f"owner, '{owner.name}'",
        subsection.position,
        "warning",
        f"name it '{owner.name}/...': QEMU saves it and does not load it otherwise",
        (subsection.symbol,),
    )


def lacking(modules: Iterable[ir.Module]) -> frozenset[str]:
    """The symbols of descriptions and infos that these files name and none of them has."""
    known = tuple(modules)
    there = {symbol for module in known for symbol in _exports(module)}
    there.update(one.symbol for module in known for one in module.unread)
    asked = {
        reference.symbol
        for module in known
        for description in module.descriptions
        for reference in graph.in_description(description)
        if reference.symbol not in {one.symbol for one in module.descriptions}
    }
    asked.update(
        element.info
        for module in known
        for description in module.descriptions
        for field in description.fields
        if isinstance(element := field.element, ir.CustomElement)
        and element.reason == ir.ELSEWHERE
    )
    return frozenset(asked - there)


def _with_members(
    modules: tuple[ir.Module, ...], members: tuple[ir.Module, ...]
) -> tuple[ir.Module, ...]:
    """The modules, and the members that define what these lack."""
    taken = list(modules)
    left = list(members)
    while left:
        defined = {symbol for module in taken for symbol in _exports(module)}
        asked = {symbol for module in taken for symbol in _asks(module)} - defined
        chosen = next(
            (member for member in left if asked.intersection(_exports(member))), None
        )
        if chosen is None:
            break
        left.remove(chosen)
        taken.append(chosen)
    return tuple(taken)


def _exports(module: ir.Module) -> Iterator[str]:
    for description in module.descriptions:
        if not description.static:
            yield description.symbol
    for info in module.infos:
        yield info.info


def _asks(module: ir.Module) -> Iterator[str]:
    """The symbols that the module names and does not define itself."""
    own = {description.symbol for description in module.descriptions}
    for description in module.descriptions:
        for mention in graph.in_description(description):
            if mention.symbol not in own:
                yield mention.symbol
        for field in description.fields:
            if isinstance(field.element, ir.CustomElement):
                yield field.element.info


def _resolved(
    module: ir.Module, shared: dict[str, ir.WordsElement | ir.CustomElement]
) -> ir.Module:
    """The module with the infos of other files in the place of their names."""
    known = {
        element.info: shared[element.info]
        for description in module.descriptions
        for field in description.fields
        if isinstance(element := field.element, ir.CustomElement)
        and element.reason == ir.ELSEWHERE
        and element.info in shared
    }
    if not known:
        return replace(module, infos=()) if module.infos else module
    descriptions = tuple(
        replace(
            description,
            fields=tuple(
                (
                    replace(field, element=known[field.element.info])
                    if isinstance(field.element, ir.CustomElement)
                    and field.element.reason == ir.ELSEWHERE
                    and field.element.info in known
                    else field
                )
                for field in description.fields
            ),
        )
        for description in module.descriptions
    )
    return replace(module, descriptions=descriptions, infos=())
