"""What an entry of a table keeps of a value that is written to it raw.

``write_list_to_cpustate`` (``target/arm/helper.c``) writes what a stream has for a system
register, reads it back, and refuses the stream if it is another value.  A constant keeps
nothing, a member of the CPU all, and a function what its C says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from vmgen.c_text import CText
from vmgen.premises.facts import RawAccess

KEEPS = "keeps"
NOTHING, UNKNOWN = "nothing", "?"
"""What a row says beside a number, whose bits are kept: a row without it keeps all."""

_ALL = (1 << 64) - 1
_PLACE = re.compile(
    r"(?:raw_write \( \w+ , \w+ ,|(?P<member>\w+ - >[^;=]*[^;=!<>&|^+-] =) )(?P<value> ?value\b[^;]*?)\)? ;"
)
_VALUE = re.compile(r"value(?: & (?P<not>~ )?(?P<mask>\w+))?")
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|\d+)[uUlL]*")
_OTHERWISE = re.compile(r"\breturn\b|\bvalue (?:[|&^+-] )?=(?! =)|\bgoto\b")


def of_entry(
    members: Sequence[Sequence[str]],
    access: RawAccess,
    writers: Mapping[str, int],
    known: bool,
) -> tuple[str, ...]:
    """The end of an entry's row; ``known`` says that C changes nothing of its flags."""
    values = {
        "".join(one[1 : one.index("=")]): one[one.index("=") + 1 :]
        for one in members
        if one[:1] == ["."] and "=" in one
    }
    if not access.constant.isdisjoint(values.get("type", ())) and known:
        return (f"{KEEPS}={NOTHING}",)
    writer, reader = (
        next(("".join(values[name]) for name in names if name in values), "NULL")
        for names in (access.writers, access.readers)
    )
    if known and writer in access.bits:
        return (f"{KEEPS}={access.bits[writer]:#x}",)
    if known and reader in access.plain:
        if writer in access.plain:
            return ()
        if writer in writers:
            mask = writers[writer]
            return () if mask == _ALL else (f"{KEEPS}={mask:#x}",)
    return (f"{KEEPS}={UNKNOWN}",)


def masks(texts: Iterable[CText]) -> dict[str, int]:
    """The functions that put their ``value`` in one place, whatever else they do, each
    with the bits that get there."""
    return {
        function.name: mask
        for text in texts
        for function in text.functions()
        if "ARMCPRegInfo" in function.head
        and (mask := _mask(function.body)) is not None
    }


def _mask(body: str) -> int | None:
    """The bits of ``value`` that a function's body keeps, if it says it plainly."""
    depth, outside = 0, []
    words = CText(body).words
    for word in words:
        depth -= word == "}"
        if not depth:
            outside.append(word)
        depth += word == "{"
    text = " ".join(words)
    places = [*_PLACE.finditer(text)]
    if len(places) != 1 or places[0][0] not in " ".join(outside):
        return None
    (place,) = places
    if _OTHERWISE.search(text):
        return None
    found = _VALUE.fullmatch(place["value"].strip())
    if found is None:
        return None
    # How wide a member is its text does not say: those of 32 bits are the least.
    most = _ALL if place["member"] is None else 0xFFFF_FFFF
    if found["mask"] is None:
        return most
    number = _NUMBER.fullmatch(found["mask"])
    if number is None:
        return None
    mask = int(number[1], 0)
    if found["not"]:
        wide = "l" in found["mask"].lower()
        mask = ~mask & (_ALL if wide else 0xFFFF_FFFF)
    return mask & most
