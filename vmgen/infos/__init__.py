"""The one registry of explicit codecs: custom infos that no translation covers.

``extract`` leaves such an info as :class:`vmgen.ir.CustomElement`.  ``link`` asks
:func:`resolved` to put what is known of its bytes in its place, by the C symbol of the
info: an element of another kind, or a :class:`vmgen.ir.FormatElement`, whose codec is
emitted beside the generated modules.  An info that is not here is opaque: its bytes are
taken with the sizes of the stream's own description.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vmgen import ir
from vmgen.infos.formats import DEVICE_KINDS, FORMATS, INFOS, METHODS, Known
from vmgen.source import Diagnostic, Position, VmgenError

EXPLICIT: Mapping[str, ir.Element] = {
    # qemu_file_put_fd sends one dummy byte, the descriptor travels beside the stream.
    "vmstate_info_fd": ir.WordsElement("vmstate_info_fd", "fd", (ir.Word("uint8"),)),
}


def element(custom: ir.CustomElement) -> ir.Element:
    """What the registry knows of the info, or the custom element itself."""
    return EXPLICIT.get(custom.info, custom)


def is_known(custom: ir.CustomElement) -> bool:
    """Whether the registry knows the info: a linked program has its codec."""
    return custom.info in EXPLICIT or custom.info in INFOS


def resolved(
    modules: Sequence[ir.Module], homes: Mapping[str, str]
) -> tuple[ir.Module, ...]:
    """The modules of one program with formats in the place of custom infos.

    ``homes`` are the files that define infos for others, by symbol.  Raises
    :class:`VmgenError`: VG503 where an info or a callback does not move what its codec
    was written from, VG504 where more than one description is a device's own.
    """
    resolver = _Resolver(modules, homes)
    made = tuple(resolver.module(module) for module in modules)
    if resolver.found:
        raise VmgenError(*dict.fromkeys(resolver.found))
    return made


class _Resolver:
    def __init__(self, modules: Sequence[ir.Module], homes: Mapping[str, str]) -> None:
        self.homes = homes
        self.found: list[Diagnostic] = []
        self.descriptions = {
            module.file: {one.symbol for one in module.descriptions}
            for module in modules
        }

    def module(self, module: ir.Module) -> ir.Module:
        for method in module.methods:
            self._check_method(module, method)
        descriptions = tuple(
            self._description(module, one) if any(_asked(one)) else one
            for one in module.descriptions
        )
        return replace(module, descriptions=descriptions, methods=())

    def _check_method(self, module: ir.Module, method: ir.Method) -> None:
        key = (method.owner, method.member, method.symbol)
        if not method.moves or method.moves in METHODS.get(key, ()):
            return
        expected = " or ".join(METHODS.get(key, ("nothing",)))
        self.found.append(
            Diagnostic(
                "VG503",
                f"{method.symbol}() moves '{method.moves}', its codec was written for"
                f" '{expected}'",
                Position(module.file),
                hint=f"the C of this release differs: the codec that reads {method.owner}"
                f".{method.member} must be written anew",
            )
        )

    def _description(
        self, module: ir.Module, description: ir.Description
    ) -> ir.Description:
        fields = []
        for field in description.fields:
            custom = field.element
            if (
                isinstance(custom, ir.CustomElement)
                and custom.info in INFOS
                and (made := self._format(module, description, field, custom))
            ):
                field = replace(field, element=made)
            fields.append(field)
        return replace(description, fields=tuple(fields))

    def _format(
        self,
        module: ir.Module,
        description: ir.Description,
        field: ir.Field,
        custom: ir.CustomElement,
    ) -> ir.FormatElement | None:
        known = INFOS[custom.info]
        context = (description.symbol, field.name)
        if custom.reason == ir.ELSEWHERE:
            return None
        for what, moves, expected in (
            ("get", custom.get, known.get),
            ("put", custom.put, known.put),
        ):
            if moves not in expected:
                self.found.append(
                    Diagnostic(
                        "VG503",
                        f"the {what} of {custom.info} moves '{moves}', its codec was"
                        f" written for '{' or '.join(expected)}'",
                        field.position,
                        hint="the C of this release differs: the codec must be written"
                        " anew",
                        context=context,
                    )
                )
                return None
        home = self.homes.get(custom.info, module.file)
        parts = list(self._parts(known, home, field, context))
        kind = ""
        if "device" in FORMATS[known.format].parts:
            own, kind = self._device(module, field, context)
            parts += own
        return ir.FormatElement(
            custom.info, custom.name, known.format, kind, tuple(parts)
        )

    def _parts(
        self, known: Known, home: str, field: ir.Field, context: tuple[str, ...]
    ) -> Iterator[ir.Part]:
        wanted = [(role, home, symbol) for role, symbol in known.local]
        wanted += known.elsewhere
        for role, file, symbol in wanted:
            if file not in self.descriptions and file != home:
                continue  # the binary does not have it
            if symbol in self.descriptions.get(file, ()):
                yield ir.Part(role, symbol, file)
                continue
            self.found.append(
                Diagnostic(
                    "VG503",
                    f"{file} does not define {symbol}, which the codec contains",
                    field.position,
                    hint="the C of this release differs: the codec must be written anew",
                    context=context,
                )
            )

    def _device(
        self, module: ir.Module, field: ir.Field, context: tuple[str, ...]
    ) -> tuple[list[ir.Part], str]:
        """What a virtio device itself adds: its class's description, or its code."""
        methods = [one for one in module.methods if one.owner == "VirtioDeviceClass"]
        own = sorted({one.symbol for one in methods if one.member == "vmsd"})
        code = sorted({one.symbol for one in methods if one.member == "save"})
        if len(own) + len(code) > 1:
            self.found.append(
                Diagnostic(
                    "VG504",
                    f"several virtio devices of {module.file} add something of their own:"
                    f" {', '.join([*own, *code])}",
                    field.position,
                    hint="which of them a description belongs to must be told apart",
                    context=context,
                )
            )
        kind = next((DEVICE_KINDS.get(one, "") for one in (*code, *own)), "")
        return [ir.Part("device", symbol, module.file) for symbol in own], kind


def _asked(description: ir.Description) -> Iterator[bool]:
    for field in description.fields:
        yield isinstance(field.element, ir.CustomElement)
