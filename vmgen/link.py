"""Modules in, one program out: every symbol a description names must be defined.

C symbols are not unique in a tree: a ``static`` description or info belongs to its
file, the others to whoever links with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from vmgen import infos, ir
from vmgen.ir import graph
from vmgen.source import Diagnostic, VmgenError


def link(
    release: str,
    target: str,
    modules: Iterable[ir.Module],
    members: Iterable[ir.Module] = (),
) -> ir.Program:
    """Sorts modules by file, checks every reference between descriptions and puts infos
    of other files where they are named.

    ``members`` are modules of archives: one is taken where it defines a description or
    an info that something taken names and nothing taken defines, as ``ld`` does.
    Raises :class:`VmgenError` naming each description that is mentioned but not defined
    (``VG501``), each that two files define (``VG502``), and each subsection whose name
    QEMU does not know again (``VG505``).
    """
    taken = _with_members(tuple(modules), tuple(members))
    shared = {info.info: info for module in taken for info in module.infos}
    homes = {info.info: module.file for module in taken for info in module.infos}
    taken = tuple(
        _resolved(module, shared)
        for module in sorted(taken, key=lambda module: module.file)
    )
    taken = infos.resolved(taken, homes)
    # A file that only defines infos has nothing left to say.
    program = ir.Program(
        release,
        target,
        tuple(module for module in taken if module.descriptions or module.functions),
    )
    found: list[Diagnostic] = []
    everything = {
        (module.file, description.symbol)
        for module in program.modules
        for description in module.descriptions
    }
    external: dict[str, ir.Description] = {}
    for module in program.modules:
        for description in module.descriptions:
            if description.static:
                continue
            other = external.setdefault(description.symbol, description)
            if other is not description:
                found.append(
                    Diagnostic(
                        "VG502",
                        f"{description.symbol} is also defined at {other.position}",
                        description.position,
                        hint="generate for one of the two files only",
                    )
                )
    for module in program.modules:
        for description in module.descriptions:
            for mention in graph.in_description(description):
                symbol, file = mention.symbol, mention.file or module.file
                if (file, symbol) not in everything and symbol not in external:
                    found.append(
                        Diagnostic(
                            "VG501",
                            f"{symbol} is not defined in any of the files read",
                            mention.position,
                            hint="name the C file that defines it as an input too",
                            context=(description.symbol,),
                        )
                    )
    found += _foreign_subsections(program, external)
    if found:
        raise VmgenError(*found)
    return program


def _foreign_subsections(
    program: ir.Program, external: dict[str, ir.Description]
) -> Iterator[Diagnostic]:
    """Subsections that QEMU would not take for one of their owner's when it loads:
    ``vmstate_subsection_load`` (``migration/vmstate.c``) compares the name's beginning.
    """
    for module in program.modules:
        own = {description.symbol: description for description in module.descriptions}
        for description in module.descriptions:
            for symbol in description.subsections:
                subsection = own.get(symbol) or external.get(symbol)
                if subsection is None or subsection.name.startswith(description.name):
                    continue
                yield Diagnostic(
                    "VG505",
                    f"the subsection '{subsection.name}' does not begin with the name of its "
                    f"owner, '{description.name}'",
                    subsection.position,
                    hint=f"name it '{description.name}/...': QEMU does not load it otherwise",
                    context=(symbol,),
                )


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
