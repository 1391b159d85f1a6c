"""The one registry of explicit codecs: custom infos that no translation covers.

``extract`` leaves such an info as :class:`vmgen.ir.CustomElement`.  ``link`` asks
:func:`resolved` to put what is known of its bytes in its place: a
:class:`vmgen.ir.FormatElement`, whose codec is emitted beside the generated modules.  An
info that is not here, or that moves something else than its codec was written for, is
opaque: its bytes are taken with the sizes of the stream's own description, and
:func:`opaque` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vmgen import ir
from vmgen.infos.described import Described, described
from vmgen.infos.formats import FORMATS, INFOS
from vmgen.infos.model import Callback, Info, KnownFunctions, WireFormat
from vmgen.source import Diagnostic, Position

MARKERS = ("vmstate_info_nullptr", "vmstate_info_ptr_marker")
"""Infos that stay custom and are the wire's own: the marker of a NULL pointer."""

_CALLBACKS: Mapping[tuple[str, str, str], Callback] = {
    (one.owner, one.member, one.symbol): one
    for format in FORMATS.values()
    for one in format.callbacks
}


def is_opaque(element: ir.Element) -> bool:
    """Whether nothing is known of an element's bytes but what the stream says of them."""
    return isinstance(element, ir.CustomElement) and element.info not in MARKERS


def code(element: ir.CustomElement) -> str:
    """The diagnostic that says why an info is opaque."""
    return "VG503" if element.info in INFOS else "VG506"


def opaque(programs: Sequence[ir.Program]) -> tuple[Diagnostic, ...]:
    """A warning for every info that no codec reads: VG503 where one was written for other
    C, VG506 where nobody knows the info.  Each once, at the first field that has it."""
    found: dict[tuple[str, str], list[tuple[Position, tuple[str, ...]]]] = {}
    for program in programs:
        for module in program.modules:
            for description in module.descriptions:
                for field in description.fields:
                    element = field.element
                    if isinstance(element, ir.CustomElement) and is_opaque(element):
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
    return tuple(resolver.module(module) for module in modules)


class _Resolver:
    def __init__(self, modules: Sequence[ir.Module], homes: Mapping[str, str]) -> None:
        self.homes = homes
        self.descriptions = {
            module.file: {one.symbol for one in module.descriptions}
            for module in modules
        }
        # Why a format cannot be read: in the whole program (no file), or in a file.
        self.differs: dict[tuple[str, str], str] = {}
        for module in modules:
            for method in module.methods:
                self._check(module, method)

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

    def module(self, module: ir.Module) -> ir.Module:
        """The module with what is known in the place of its custom infos."""
        made: dict[str, Described] = {}
        descriptions = tuple(
            (
                replace(
                    one,
                    fields=tuple(
                        self._field(module, field, made) for field in one.fields
                    ),
                )
                if any(
                    isinstance(item.element, ir.CustomElement) for item in one.fields
                )
                else one
            )
            for one in module.descriptions
        )
        return replace(
            module,
            descriptions=(
                *descriptions,
                *(one for each in made.values() for one in each.descriptions),
            ),
            functions=(
                *module.functions,
                *(one for each in made.values() for one in each.functions),
            ),
            methods=(),
        )

    def _field(
        self, module: ir.Module, field: ir.Field, made: dict[str, Described]
    ) -> ir.Field:
        """The field with its info known; ``made`` gets the descriptions of those that say
        themselves what they move."""
        custom = field.element
        if not isinstance(custom, ir.CustomElement) or custom.reason == ir.ELSEWHERE:
            return field
        if custom.info in INFOS:
            known = self._format(module, custom, *INFOS[custom.info])
            if isinstance(known, str):
                return replace(field, element=replace(custom, reason=known))
            return replace(field, element=known)
        if not is_opaque(custom):
            return field
        own = made.get(custom.info) or described(custom, field.position)
        if isinstance(own, str):
            reason = f"{custom.reason}: {own}"
            return replace(field, element=replace(custom, reason=reason))
        made[custom.info] = own
        first = own.descriptions[0]
        return replace(field, element=ir.StructElement(first.symbol, first.type))

    def _format(
        self,
        module: ir.Module,
        custom: ir.CustomElement,
        format: WireFormat,
        info: Info,
    ) -> ir.FormatElement | str:
        """The format of an info, or why it cannot be read."""
        if not info.get.fits(custom.get):
            return f"its get{_moves(custom.get, info.get)}"
        # One that counts as the get does moves what a walk over a list does.
        if not (info.put.fits(custom.put) or info.get.fits(custom.put)):
            return f"its put{_moves(custom.put, info.put)}"
        for file in ("", module.file):
            if (reason := self.differs.get((format.name, file))) is not None:
                return reason
        parts: list[ir.Part] = []
        home = self.homes.get(custom.info, module.file)
        for inside in info.inside:
            own = inside.file == info.get.file
            file = home if own else inside.file  # where the info itself is defined
            if inside.symbol in self.descriptions.get(file, ()):
                parts.append(ir.Part(inside.role, inside.symbol, file))
            elif own or file in self.descriptions:
                return (
                    f"{file} does not define {inside.symbol}, which the codec contains"
                )
        kind = ""
        if format.kinds:
            device = self._device(module)
            if isinstance(device, str):
                return device
            own_parts, kind = device
            parts += own_parts
        return ir.FormatElement(
            custom.info, custom.name, format.name, kind, tuple(parts)
        )

    def _device(self, module: ir.Module) -> tuple[list[ir.Part], str] | str:
        """What a virtio device itself adds: its class's description, or its code."""
        methods = [one for one in module.methods if one.owner == "VirtioDeviceClass"]
        own = sorted({one.symbol for one in methods if one.member == "vmsd"})
        code = sorted({one.symbol for one in methods if one.member == "save"})
        if len(own) + len(code) > 1:
            return (
                f"several virtio devices of {module.file} add something of their own:"
                f" {', '.join([*own, *code])}"
            )
        kinds = FORMATS["virtio"].kinds
        kind = next((kinds.get(one, "") for one in (*code, *own)), "")
        return [ir.Part("device", symbol, module.file) for symbol in own], kind


def _moves(met: str, known: KnownFunctions | None) -> str:
    expected = "nothing" if known is None else " or ".join(known.lines)
    return f" moves '{met}', the codec was written for '{expected}'"


def members() -> Iterator[tuple[str, str]]:
    """The classes and members that hold functions which move bytes."""
    for format in FORMATS.values():
        for member in format.members:
            owner, _, name = member.partition(".")
            yield owner, name
