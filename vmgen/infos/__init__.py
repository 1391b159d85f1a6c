"""Custom infos of free form become descriptions: made from their C, or from what is written
by hand of those whose C alone does not say it.

``extract`` leaves such an info as :class:`vmgen.ir.CustomElement`.  ``link`` asks
:func:`resolved` to put what is known of its bytes in its place: a
:class:`vmgen.ir.StructElement` of a description that says them.  An info that moves
something else than its description was written for, or something unknown, is
opaque: its bytes are read with the sizes of the stream's own description, and
:func:`opaque` reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vmgen import ir
from vmgen.infos.described import Described, described, written
from vmgen.infos.formats import ANSWERED, FORMATS, INFOS
from vmgen.infos.model import (
    Callback,
    Info,
    Inside,
    KnownFunctions,
    WireFormat,
    Written,
)
from vmgen.source import Diagnostic, Position

MARKERS = ("vmstate_info_nullptr", "vmstate_info_ptr_marker")
"""Infos that stay custom and are the wire's own: the marker of a NULL pointer."""

WHOLE = "bytes[argument2]"
"""What an info moves whose buffer is as large as its field says."""

_CALLBACKS: Mapping[tuple[str, str, str], Callback] = {
    (one.owner, one.member, one.symbol): one
    for format in FORMATS.values()
    for one in format.callbacks
}


def is_opaque(element: ir.Element) -> bool:
    """Whether nothing is known of an element's bytes but what the stream says of them."""
    return (
        isinstance(element, ir.CustomElement)
        and element.info not in MARKERS
        and not element.load
    )


def code(element: ir.CustomElement) -> str:
    """The diagnostic that says why an info, or all of a description, is opaque."""
    return element.unread or ("VG503" if element.info in INFOS else "VG506")


def opaque(programs: Sequence[ir.Program]) -> tuple[Diagnostic, ...]:
    """A warning for every info that no codec reads: VG503 where one was written for other
    C, VG506 where no one knows the info.  Each once, at the first field that has it.
    What was not read has diagnostics of its own."""
    found: dict[tuple[str, str], list[tuple[Position, tuple[str, ...]]]] = {}
    for program in programs:
        for module in program.modules:
            for description in module.descriptions:
                for field in description.fields:
                    element = field.element
                    if (
                        isinstance(element, ir.CustomElement)
                        and is_opaque(element)
                        and not element.unread
                    ):
                        context = (description.symbol, field.name)
                        places = found.setdefault((element.info, element.reason), [])
                        places.append((field.position, context))
    return tuple(_warning(*about, places) for about, places in found.items())


def _warning(
    info: str, reason: str, places: list[tuple[Position, tuple[str, ...]]]
) -> Diagnostic:
    position, context = places[0]
    others = len(dict.fromkeys(places)) - 1
    more = f" (and in {others} more field{'s' * (others > 1)})" if others else ""
    return Diagnostic(
        code(ir.CustomElement(info, "")),
        f"the bytes of {info or 'an info without a name'} are opaque: {reason}{more}",
        position,
        "warning",
        "a stream is read with the sizes that its own description says",
        context,
    )


def resolved(
    modules: Sequence[ir.Module], homes: Mapping[str, str]
) -> tuple[ir.Module, ...]:
    """The modules of one program with formats in the place of custom infos.

    ``homes`` are the files that define infos for others, by symbol.  An info, or a
    function that it calls through a class, that does not move what its codec was written
    for stays custom, and its ``reason`` says what moves instead.
    """
    resolver = _Resolver(modules, homes)
    found = [resolver.fields(module) for module in modules]
    return tuple(map(resolver.module, found))


class _Resolver:
    def __init__(self, modules: Sequence[ir.Module], homes: Mapping[str, str]) -> None:
        self.homes = homes
        self.descriptions = {
            module.file: {one.symbol: one for one in module.descriptions}
            for module in modules
        }
        # Why a format cannot be read: in the whole program (no file), or in a file.
        self.differs: dict[tuple[str, str], str] = {}
        for module in modules:
            for method in module.methods:
                self._check(module, method)
        # What formats add to files: descriptions by the info that they are of, and of
        # those that there are the ones that another file names.
        self.made: dict[str, dict[str, Described]] = {}
        self.named: set[tuple[str, str]] = set()

    def _check(self, module: ir.Module, method: ir.Method) -> None:
        known = _CALLBACKS.get((method.owner, method.member, method.symbol))
        if not method.moves or (known is not None and known.known.fits(method.moves)):
            return
        reason = f"{method.symbol}() of {module.file}, which is its {method.owner}.{method.member}"
        reason += _moves(method.moves, None if known is None else known.known)
        for format in FORMATS.values():
            scope = format.members.get(f"{method.owner}.{method.member}")
            if scope is not None:
                file = module.file if scope == "module" else ""
                self.differs.setdefault((format.name, file), reason)

    def fields(self, module: ir.Module) -> ir.Module:
        """The module with what is known in the place of its custom infos."""
        descriptions = []
        for one in module.descriptions:
            fields = tuple(self._field(module, field) for field in one.fields)
            names = [one.symbol, *(field.element.info for field in fields if isinstance(field.element, ir.BufferElement))]  # fmt: skip
            answers = next((ANSWERED[name] for name in names if name in ANSWERED), "")
            descriptions.append(replace(one, fields=fields, answers=answers))
        return replace(module, descriptions=tuple(descriptions), methods=())

    def module(self, module: ir.Module) -> ir.Module:
        """The module with the descriptions that infos became."""
        made = self.made.get(module.file, {}).values()
        descriptions = tuple(
            (
                replace(one, static=False)
                if (module.file, one.symbol) in self.named
                else one
            )
            for one in module.descriptions
        )
        return replace(
            module,
            descriptions=(
                *descriptions,
                *(one for each in made for one in each.descriptions),
            ),
            functions=(
                *module.functions,
                *(one for each in made for one in each.functions),
            ),
        )

    def _field(self, module: ir.Module, field: ir.Field) -> ir.Field:
        """The field with its info known."""
        custom = field.element
        if not isinstance(custom, ir.CustomElement) or custom.reason == ir.ELSEWHERE:
            return field
        if custom.get == custom.put == WHOLE:
            element = ir.BufferElement(custom.info, custom.name)
            return replace(field, element=element)
        if custom.info in INFOS:
            format, info = INFOS[custom.info]
            known = self._format(module, custom, format, info)
            if isinstance(known, str):
                return replace(field, element=replace(custom, reason=known))
            return replace(field, element=known)
        if not is_opaque(custom):
            return field
        own = self._own(module.file, custom, field.position)
        if isinstance(own, str):
            reason = f"{custom.reason}: {own}"
            return replace(field, element=replace(custom, reason=reason))
        return replace(field, element=own)

    def _own(
        self, file: str, custom: ir.CustomElement, position: Position
    ) -> ir.StructElement | str:
        """The description of an info that says itself what it moves, in the file that
        names it."""
        known = self.made.setdefault(file, {})
        if custom.info not in known:
            own = self.homes.get(custom.info, file) == file
            inside = self.descriptions[file].values() if own else ()
            types = {one.symbol: one.type for one in inside}
            found = described(custom, position, types)
            if isinstance(found, str):
                return found
            known[custom.info] = found
        first = known[custom.info].descriptions[0]
        return ir.StructElement(
            first.symbol, first.type, info=custom.info, name=custom.name
        )

    def _format(
        self,
        module: ir.Module,
        custom: ir.CustomElement,
        format: WireFormat,
        info: Info,
    ) -> ir.StructElement | str:
        """The description of an info that was written by hand, or why it is not of this
        one."""
        if not info.get.fits(custom.get):
            return f"its get{_moves(custom.get, info.get)}"
        # One that counts as the get does moves what a walk over a list does.
        if not (info.put.fits(custom.put) or info.get.fits(custom.put)):
            return f"its put{_moves(custom.put, info.put)}"
        for file in ("", module.file):
            if (reason := self.differs.get((format.name, file))) is not None:
                return reason
        home = self.homes.get(custom.info, module.file)
        form = format.written
        if not isinstance(form, Written):
            device = self._device(module)
            if isinstance(device, str):
                return device
            form = form(*device)
            own = True
        else:
            own = home == module.file or home not in self.descriptions
        homes = {info.get.file: home}
        for inside in form.inside:
            file = homes.get(inside.file, inside.file)
            there = self.descriptions.get(file)
            lacks = there is not None and inside.symbol not in there
            if inside.written is None and (lacks or (there is None and file == home)):
                return f"{file} does not define {inside.symbol}, which is in it"
        self._make(module.file if own else home, custom, form, homes, own)
        return ir.StructElement(
            custom.info, form.type, info=custom.info, name=custom.name
        )

    def _make(
        self,
        file: str,
        custom: ir.CustomElement,
        form: Written,
        homes: Mapping[str, str],
        own: bool,
    ) -> None:
        """Put the descriptions that a line says into a file, those inside of it into
        theirs; its ``own`` are for no other file."""
        known = self.made.setdefault(file, {})
        if custom.info in known:
            return
        types = {}
        for inside in form.inside:
            there = homes.get(inside.file, inside.file)
            if there not in self.descriptions:
                continue
            if inside.written is not None:
                below = ir.CustomElement(inside.symbol, "")
                self._make(there, below, inside.written, homes, False)
                types[inside.symbol] = inside.written.type
                continue
            description = self.descriptions[there].get(inside.symbol)
            if description is not None:
                types[inside.symbol] = description.type
                if there != file:
                    self.named.add((there, inside.symbol))
        found = written(custom.info, form.type, form.line, types)
        first, *others = (replace(one, static=own) for one in found.descriptions)
        first = replace(first, answers=form.answers)
        known[custom.info] = replace(found, descriptions=(first, *others))

    def _device(self, module: ir.Module) -> tuple[Inside | None, str] | str:
        """What a virtio device itself adds: its class's description, or its code."""
        methods = [one for one in module.methods if one.owner == "VirtioDeviceClass"]
        own = sorted({one.symbol for one in methods if one.member == "vmsd"})
        code = sorted({one.symbol for one in methods if one.member == "save"})
        if len(own) + len(code) > 1:
            return (
                f"several virtio devices of {module.file} add something of their own:"
                f" {', '.join([*own, *code])}"
            )
        inside = Inside(own[0], module.file) if own else None
        return inside, code[0] if code else ""


def _moves(met: str, known: KnownFunctions | None) -> str:
    expected = "nothing" if known is None else " or ".join(known.lines)
    return f" moves '{met}', the codec was written for '{expected}'"


def members() -> Iterator[tuple[str, str]]:
    """The classes and members that hold functions which move bytes."""
    for format in FORMATS.values():
        for member in format.members:
            owner, _, name = member.partition(".")
            yield owner, name
