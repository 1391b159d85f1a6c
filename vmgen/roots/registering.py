"""Which functions of a C file to read at all, by its text.

What is found here only says where to look; what it means is read by the C front end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vmgen.c_text import CText, WrittenFunction

_CALL = re.compile(r"\b([a-z_]\w*)\s*\(")
_FILLS_CLASS = re.compile(r"\b\w*Class\s*\*")
#: Functions of the migration core that register a section (include/migration/vmstate.h,
#: include/migration/register.h).  The last of vmstate.h's was removed after 9.1.
REGISTERING = (
    "vmstate_register",
    "vmstate_register_any",
    "vmstate_register_with_alias_id",
    "vmstate_replace_hack_for_ppc",
    "register_savevm_live",
)
_REGISTERS_CALL = rf"\b(?:{'|'.join(REGISTERING)})\s*\("
_REGISTERS = re.compile(_REGISTERS_CALL)
_SETS = re.compile(r"->\s*(?:vmsd|sysemu_ops|bus_type|get_dev_path)\s*=(?!=)")
_BUS = re.compile(r"->\s*bus_type\s*=([^;=]+);")
_REALIZE = re.compile(r"->\s*realize\s*=\s*(\w+)\s*;")
_PATH = re.compile(r"->\s*get_dev_path\s*=(?!=)")
_TYPES = re.compile(r"\bTypeInfo\b")
_READ = re.compile(
    r"VMStateDescription|->\s*vmsd\s*=(?!=)|->\s*sysemu_ops\s*=(?!=)|\.legacy_vmsd\b"
    rf"|{_REGISTERS_CALL}|VirtioPCIDeviceTypeInfo"
)
#: A type that is not a constant at file scope: made in a function, or by a macro.
_MADE = re.compile(r"^(.*)\bTypeInfo\s+(?:\\\n|\w.*=)", re.MULTILINE)


class FunctionText(WrittenFunction):
    """A function as written, and what its text says of registrations."""

    @property
    def fills_class(self) -> bool:
        """Whether it is given a class (``ObjectClass *``, ``DeviceClass *``)."""
        return _FILLS_CLASS.search(self.head) is not None

    @property
    def sets(self) -> bool:
        """Whether it sets a class's description or bus, or the operations of a CPU."""
        return _SETS.search(self.body) is not None

    @property
    def registers(self) -> bool:
        """Whether it registers a section."""
        return _REGISTERS.search(self.body) is not None

    @property
    def realizes(self) -> tuple[str, ...]:
        """The functions that it says make devices of a class real, in order."""
        return tuple(_REALIZE.findall(self.body))

    @property
    def makes_types(self) -> bool:
        """Whether it has a ``TypeInfo`` of its own."""
        return _TYPES.search(self.body) is not None

    @property
    def bus_type(self) -> str:
        """The C expression of the bus that it puts devices on; empty for none."""
        found = _BUS.findall(self.body)
        return found[-1].strip() if found else ""

    @property
    def has_path(self) -> bool:
        """Whether it gives a bus a function that names its devices."""
        return _PATH.search(self.body) is not None

    @property
    def calls(self) -> tuple[str, ...]:
        """The functions it calls, in order."""
        return tuple(dict.fromkeys(_CALL.findall(self.body)))


def mentions(text: str) -> int:
    """How often a text without comments sets or registers something."""
    return len(_SETS.findall(text)) + len(_REGISTERS.findall(text))


def is_wanted(text: str) -> bool:
    """Whether a file's registrations can only be known by reading it with the C front
    end: it registers, sets descriptions of classes, or makes types by the dozen."""
    if _READ.search(text) is not None:
        return True
    return "TypeInfo" in text and any(
        head[:1] in (" ", "\t", "#") for head in _MADE.findall(text)
    )


def functions(text: CText) -> Iterator[FunctionText]:
    """The function definitions of a text, in order."""
    for one in text.functions():
        yield FunctionText(one.name, one.head, one.body)
