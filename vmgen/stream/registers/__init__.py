"""CPU registers by the names that assemblers and debuggers give them.

Tables say where QEMU's CPU structs keep them (:mod:`vmgen.stream.registers.table`);
:class:`RegisterFile` reads and writes those of one CPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from vmgen.stream import paths
from vmgen.stream.errors import Ambiguous, NotFound
from vmgen.stream.parts import Section
from vmgen.stream.registers.state import Register, RegisterFile, of_values
from vmgen.stream.registers.table import targets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.codecs import Codecs
    from vmgen.stream.stream import Stream

__all__ = [
    "Register",
    "RegisterFile",
    "is_cpu",
    "missing",
    "named",
    "of_section",
    "of_values",
    "registers",
    "split",
    "targets",
]


def missing(
    file: RegisterFile | None, section: Section, value: Any, rest: str
) -> NotFound:
    """The error for a path that leads nowhere in a section: fields and registers with
    nearly this name are its hint."""
    error = paths.missing(section, value, rest)
    if file is not None and (name := re.fullmatch(r"\.?(\w+)", rest)) is not None:
        error.message = f"there is no field and no register '{name[1]}'"
        near = (*paths.near(name[1], paths.names(value)), *file.near(name[1]))
        error.hint = paths.meant(near) or f"{error.hint}; {_LISTED}"
    return error


_LISTED = "'--registers' of vmgen stream show lists the registers"


def _unknown(file: RegisterFile, known: Sequence[Section], text: str) -> NotFound:
    """The error for a word that is neither a section nor a register."""
    there = list(dict.fromkeys(section.path for section in known))
    near = (*paths.likely(text, there), *file.near(text))
    hint = paths.meant(near) or f"{paths.listed(there)}; {_LISTED}"
    return NotFound(
        "no such section in the stream, and no such register", None, text, hint
    )


def registers(
    target: str, values: Any, vlen: int | None = None
) -> tuple[Register, ...]:
    """The registers of a CPU: name, value (never negative), width in bits and gdb's feature,
    in the order of gdb's target description; then what gdb has no name for, in features
    ``org.vmgen.*``.

    ``target`` is QEMU's, empty where only the values can tell; ``values`` is the state
    object of the ``cpu`` section's codec, or its dicts as of
    :meth:`vmgen.stream.Stream.values`.  ``vlen`` is the length of a RISC-V vector register in
    bits, without which there are none.  What the stream does not have is left out: an
    x86's ``cr8``, the FPU of a CPU whose subsection is absent.  Values are those of the
    registers, whatever the mode: QEMU's gdbstub shows half of ``rax`` outside of 64-bit code.
    Empty for a target without a table.
    """
    return tuple(RegisterFile(values, target, vlen))


def is_cpu(section: Section) -> bool:
    """Whether a section is that of a CPU."""
    return section.kind == "full" and section.name.rpartition("/")[2] == "cpu"


def of_section(
    codecs: Codecs | None, section: Section, values: Any
) -> RegisterFile | None:
    """The registers in the values of a section; None if it is not a CPU's, or one that no
    table is for."""
    if not is_cpu(section) or values is None:
        return None
    target = "" if codecs is None else codecs.target
    vlen = None if codecs is None else codecs.members.get("vlen")
    found = RegisterFile(values, target, vlen if isinstance(vlen, int) else None)
    return found if found.target in targets() else None


def named(file: RegisterFile | None, rest: str) -> str | None:
    """The name of a register behind a section's path (``.a0``); None for a field's path,
    which goes first."""
    name = re.fullmatch(r"\.?(\w+)", rest)
    if file is None or name is None or name[1] not in file:
        return None
    return None if paths.resolve(file.values, rest) is not None else name[1]


def split(
    stream: Stream, sections: Iterable[Section], text: str
) -> tuple[Section, str]:
    """Like :func:`vmgen.stream.paths.split`; a register alone is that of the only CPU.

    Raises NotFound, or Ambiguous for a register where there are several CPUs.
    """
    known: Sequence[Section] = list(sections)
    try:
        return paths.split(known, text)
    except NotFound:
        found = [section for section in known if is_cpu(section)]
        if not found or re.fullmatch(r"\w+", text) is None:
            raise
        if (question := found[0].open) is not None:
            message = f"missing information: {question.text}"
            raise NotFound(message, None, found[0].path, question.hint) from None
        file = of_section(stream.codecs, found[0], stream.values(found[0]))
        if file is None:
            raise
        if text not in file:
            raise _unknown(file, known, text) from None
    if len(found) > 1:
        choices = ", ".join(f"{section.path}.{text}" for section in found)
        raise Ambiguous(f"several CPUs: {choices}", None, text)
    return found[0], f".{text}"
