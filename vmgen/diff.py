"""Two programs compared: do their descriptions say the same wire format?

What counts is what decides the bytes and what they mean: names, order, elements, sizes,
counts, versions, conditions (by structure, not by the name of the C function),
subsections.  C types, positions, hooks and sizes in memory that no byte depends on do
not count.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from vmgen import ir, wording
from vmgen.paint import Paint, plain
from vmgen.source import NOWHERE, Position


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    ``description`` is the C symbol, ``name`` its wire name, ``field`` the wire name of
    the field or empty for the description itself.  ``what`` names the property
    (``count``), or is ``missing``, ``added``, or ``unread`` for what vmgen could not read
    on either side (``description`` is then the C file where that is one).  ``old`` and ``new`` are its values as
    text, the positions those of the field or description on either side.
    """

    description: str
    name: str
    field: str
    what: str
    old: str
    new: str
    old_position: Position = NOWHERE
    new_position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two programs found.

    ``target`` is the new one's (its files if it has none), ``same`` counts the equal
    descriptions.
    """

    target: str
    same: int
    differences: tuple[Difference, ...]


def compare(old: ir.Program, new: ir.Program) -> Comparison:
    """Compare every description of the two programs, in the old one's order.

    Descriptions pair if file and symbol are equal, or else if the symbol
    occurs once on either side.
    """
    differences: list[Difference] = []
    same = 0
    unread = {one.symbol for program in (old, new) for one in program.unread}
    for left, right in _pairs(_sides(old), _sides(new)):
        one = left or right
        if one is not None and one.description.symbol in unread:
            continue
        found = list(_pair(left, right))
        differences += found
        same += not found
    differences += _unread(old, new)
    differences += _machines(old.machines, new.machines)
    return Comparison(wording.title(new), same, tuple(differences))


def _unread(old: ir.Program, new: ir.Program) -> Iterator[Difference]:
    """A difference for all that one of the programs could not read."""
    sides = [
        {(one.file, one.symbol): one.found[0] for one in program.unread}
        for program in (old, new)
    ]
    for key in sorted(sides[0].keys() | sides[1].keys()):
        left, right = (side.get(key) for side in sides)
        yield Difference(
            key[1] or key[0],
            "not read",
            "",
            "unread",
            left.message if left else "",
            right.message if right else "",
            left.position if left else NOWHERE,
            right.position if right else NOWHERE,
        )


# --- machine types ------------------------------------------------------------------


def _machines(old: ir.Machines, new: ir.Machines) -> Iterator[Difference]:
    """Machine types, compat properties, property defaults and types that differ; one
    difference in all where only one of the programs has them."""
    nothing = ir.Machines()
    if nothing in (old, new):
        if old != new:
            left, right = ("" if one == nothing else "read" for one in (old, new))
            yield Difference("machine types", "not read", "", "unread", left, right)
        return
    sides = _entries(old), _entries(new)
    for key in dict.fromkeys((*sides[0], *sides[1])):
        left_one, right_one = (side.get(key) for side in sides)
        if left_one is None or right_one is None:
            is_new = left_one is None
            one = right_one or left_one
            assert one is not None
            text = ", ".join(
                f"{name} {value}" for name, value in one.facets.items() if value
            )
            yield Difference(
                *key,
                "added" if is_new else "missing",
                "" if is_new else text,
                text if is_new else "",
                NOWHERE if is_new else one.position,
                one.position if is_new else NOWHERE,
            )
            continue
        where = left_one.position, right_one.position
        for what, texts in _unequal(left_one.facets, right_one.facets).items():
            yield Difference(*key, what, *texts, *where)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What there is to compare of a machine type, a setting, a property or a type."""

    facets: dict[str, str]
    position: Position = NOWHERE


def _entries(machines: ir.Machines) -> dict[tuple[str, str, str], _Entry]:
    """The entries by the description, name and field of a :class:`Difference`."""
    found: dict[tuple[str, str, str], _Entry] = {}
    for machine in machines.machines:
        facets = {
            "type": machine.type,
            "aliases": ", ".join(machine.aliases),
            "default": "yes" if machine.default else "",
            "compat tables": ", ".join(symbol for _, symbol in machine.tables),
            "open": machine.open,
            "CPU": machine.cpu,
            "always calls": ", ".join(function for _, function in machine.runs),
        }
        for one in machine.members:
            facets[f"{one.place.type}.{one.place.path}"] = str(one.value)
        key = machine.name, "machine type", ""
        found[key] = _Entry(facets, machine.position)
    for table in machines.tables:
        # A later setting of the same property wins.
        for setting in table.settings:
            facets = {
                "value": setting.value,
                "optional": "yes" if setting.optional else "",
            }
            key = (
                table.symbol,
                "compat properties",
                f"{setting.driver}.{setting.property}",
            )
            found[key] = _Entry(facets, setting.position)
    for property in machines.properties:
        facets = {
            "kind": property.kind,
            "member": ", ".join(f"{one.type}.{one.path}" for one in property.places),
            "bit": "" if property.bit is None else str(property.bit),
            "default": wording.default(property),
            "values": ", ".join(property.values),
            "also given": _change(property.change),
        }
        key = property.type, "properties", property.name
        found[key] = _Entry(facets, property.position)
    for type_ in machines.types:
        facets = {
            "parent": type_.parent,
            "abstract": "yes" if type_.abstract else "",
            "interfaces": ", ".join(type_.interfaces),
        }
        found[type_.name, "type", ""] = _Entry(facets)
    return found


def _change(change: ir.MemberChange) -> str:
    """What C puts into the member of a property besides."""
    words = [str(number) for number in change.numbers]
    words += [f"at least {change.low}"] if change.low is not None else []
    words += [f"at most {change.high}"] if change.high is not None else []
    return ", ".join([*words, "others"] if change.others else words)


# --- which belongs to which ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Side:
    """One description with the functions and descriptions its symbols mean."""

    file: str
    description: ir.Description
    functions: dict[str, ir.Function]
    names: dict[str, str]  # wire names by symbol


def _sides(program: ir.Program) -> dict[tuple[str, str], _Side]:
    everywhere = {
        description.symbol: description.name
        for module in program.modules
        for description in module.descriptions
        if not description.static
    }
    sides = {}
    for module in program.modules:
        functions = {function.symbol: function for function in module.functions}
        own = {item.symbol: item.name for item in module.descriptions}
        for item in module.descriptions:
            side = _Side(module.file, item, functions, everywhere | own)
            sides[module.file, item.symbol] = side
    return sides


def _pairs(
    old: dict[tuple[str, str], _Side], new: dict[tuple[str, str], _Side]
) -> Iterator[tuple[_Side | None, _Side | None]]:
    left_over = [key for key in new if key not in old]
    once_old = Counter(symbol for file, symbol in old if (file, symbol) not in new)
    once_new = Counter(symbol for _, symbol in left_over)
    by_symbol = {symbol: (file, symbol) for file, symbol in left_over}
    taken = set()
    for key, side in old.items():
        partner = key if key in new else None
        if partner is None and once_old[key[1]] == once_new[key[1]] == 1:
            partner = by_symbol[key[1]]
        if partner is not None:
            taken.add(partner)
        yield side, new[partner] if partner is not None else None
    for key, side in new.items():
        if key not in taken:
            yield None, side


# --- one pair -----------------------------------------------------------------------


def _pair(old: _Side | None, new: _Side | None) -> Iterator[Difference]:
    if old is None or new is None:
        only = old or new
        assert only is not None
        item = only.description
        about = f"version {item.version_id}, fields: {len(item.fields)}"
        if new is None:
            finding = ("missing", about, "", item.position, NOWHERE)
        else:
            finding = ("added", "", about, NOWHERE, item.position)
        yield Difference(item.symbol, item.name, "", *finding)
        return
    left, right = old.description, new.description
    for what, (before, after) in _unequal(_description(old), _description(new)).items():
        if what == "subsections":
            before, after = _list_difference(before.split(", "), after.split(", "))
        yield Difference(
            left.symbol,
            left.name,
            "",
            what,
            before,
            after,
            left.position,
            right.position,
        )
    yield from _fields(old, new)


def _unequal(old: dict[str, str], new: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        what: (old.get(what, ""), new.get(what, ""))
        for what in old | new
        if old.get(what, "") != new.get(what, "")
    }


def _list_difference(old: list[str], new: list[str]) -> tuple[str, str]:
    """What either list has that the other has not; both whole if their order differs."""
    removed = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    if [name for name in old if name in new] != [name for name in new if name in old]:
        removed, added = old, new
    return ", ".join(removed), ", ".join(added)


def _description(side: _Side) -> dict[str, str]:
    """What decides the bytes of a description, its fields apart."""
    item = side.description
    return {
        "name": item.name,
        "version_id": str(item.version_id),
        "minimum_version_id": str(item.minimum_version_id),
        "needed": _condition(item.needed, side),
        "subsections": ", ".join(
            side.names.get(name, name) for name in item.subsections
        ),
        "unmigratable": str(item.unmigratable).lower(),
    }


def _condition(symbol: str, side: _Side) -> str:
    """The condition itself where it was translated, so that equal ones compare equal
    whatever the function is called; the function's name otherwise."""
    if not symbol:
        return ""
    function = side.functions.get(symbol)
    if function is None or function.body is None:
        return f"{symbol}()"
    return wording.expression(_nameless(function.body))


def _nameless(value: ir.Expr) -> ir.Expr:
    """The expression with the values of enumerators instead of their names."""
    return ir.rebuilt(
        value, lambda part: ir.Const(part.value) if isinstance(part, ir.Const) else part
    )


# --- fields -------------------------------------------------------------------------


def _fields(old: _Side, new: _Side) -> Iterator[Difference]:
    """Compare the field lists: as sequences, because their order is the wire's."""
    left, right = old.description.fields, new.description.fields
    keys = [(field.name, ir.path_text(field.path)) for field in left]
    others = [(field.name, ir.path_text(field.path)) for field in right]
    for tag, a, b, c, d in SequenceMatcher(
        None, keys, others, autojunk=False
    ).get_opcodes():
        if tag == "equal" or (tag == "replace" and b - a == d - c):
            for before, after in zip(left[a:b], right[c:d], strict=True):
                yield from _field(old, before, new, after)
            continue
        symbol, name = old.description.symbol, old.description.name
        for field in left[a:b]:
            text = _field_text(field, old)
            yield Difference(
                symbol, name, field.name, "missing", text, "", field.position
            )
        for field in right[c:d]:
            text = _field_text(field, new)
            yield Difference(
                symbol, name, field.name, "added", "", text, NOWHERE, field.position
            )


def _field(
    old: _Side, before: ir.Field, new: _Side, after: ir.Field
) -> Iterator[Difference]:
    item = old.description
    for what, (left, right) in _unequal(
        _facets(before, old), _facets(after, new)
    ).items():
        yield Difference(
            item.symbol,
            item.name,
            before.name,
            what,
            left,
            right,
            before.position,
            after.position,
        )


_POINTERS: dict[ir.Pointers, str] = {
    "": "no",
    "null": "NULL ones marked",
    "every": "each one marked",
}

_SIZED = (ir.BufferElement, ir.UnusedElement, ir.BitmapElement, ir.CustomElement)


def _facets(field: ir.Field, side: _Side) -> dict[str, str]:
    """What decides the bytes of a field and which member they belong to."""
    facets = {
        "name": field.name,
        "path": ir.path_text(field.path),
        "element": _element(field.element),
        "count": wording.amount(field.count),
        "start": str(field.start),
        "version_id": str(field.version_id),
        "test": _condition(field.test, side),
        "must_exist": str(field.must_exist).lower(),
        "array of pointers": _POINTERS[field.pointers],
    }
    if isinstance(field.element, _SIZED):
        facets["size"] = wording.amount(field.size)
    if isinstance(field.element, ir.StructElement) and field.element.vstruct:
        facets["struct_version_id"] = str(field.struct_version_id)
    if isinstance(field.count, ir.FromMember):
        facets["count type"] = field.count.type
    return facets


def _element(element: ir.Element) -> str:
    """All of the element but its C types and the reasons of what is untranslated."""
    values = [
        str(value) if not isinstance(value, tuple) else _words(value)
        for field in dataclasses.fields(element)
        if not (
            field.name.endswith("type") and not isinstance(element, ir.IntegerElement)
        )
        and field.name != "reason"
        and (value := getattr(element, field.name)) not in ("", False)
    ]
    if isinstance(element, ir.IntegerElement):
        # The info says no more than type and check, except for one that reads otherwise.
        usual = "_".join(filter(None, ("vmstate_info", element.type, element.check)))
        return " ".join(value for value in values if value != usual)
    kind = type(element).__name__.removesuffix("Element").lower()
    return " ".join([kind, *values])


def _words(words: tuple[ir.Word, ...]) -> str:
    """What C code moves."""
    texts = (f"{word.type} {word.member}".rstrip() for word in words)
    return "{" + ", ".join(texts) + "}"


def _field_text(field: ir.Field, side: _Side) -> str:
    facets = _facets(field, side)
    text = facets["element"]
    if field.array or field.count != ir.Fixed(1):
        text += f" x {facets['count']}"
    if facets["test"]:
        return f"{text} if {facets['test']}"
    return f"{text} since version {field.version_id}" if field.version_id else text


# --- as text and as JSON ------------------------------------------------------------


def text(comparison: Comparison, paint: Paint = plain) -> str:
    """The comparison as lines, a block per description; ends with a newline."""
    differing = dict.fromkeys(
        (item.description, item.name) for item in comparison.differences
    )
    lines = [
        f"{paint('heading', comparison.target)}: {_count(comparison.same)} the same"
        + (f", {paint('error', str(len(differing)))} different" if differing else "")
    ]
    for key in differing:
        lines.append(f"  {paint('name', key[0])} ({key[1]})")
        for item in comparison.differences:
            if (item.description, item.name) == key:
                lines += _difference_lines(item, paint)
    return "\n".join(lines) + "\n"


def _count(number: int) -> str:
    return f"{number} description{'s' * (number != 1)}"


def _difference_lines(item: Difference, paint: Paint) -> list[str]:
    about = f"{item.field}: {item.what}" if item.field else item.what
    lines = [f"    {about}"]
    if item.what != "added":
        lines.append(
            f"      {paint('removed', '- ' + (item.old or '(none)'))}{_at(item.old_position, paint)}"
        )
    if item.what != "missing":
        lines.append(
            f"      {paint('added', '+ ' + (item.new or '(none)'))}{_at(item.new_position, paint)}"
        )
    return lines


def _at(position: Position, paint: Paint) -> str:
    return paint("place", f"  ({position})") if position.file else ""


def as_json(comparison: Comparison) -> dict[str, object]:
    """The comparison as JSON values; positions as ``file:line:column``."""
    return {
        "target": comparison.target,
        "same": comparison.same,
        "differences": [
            {
                field.name: str(getattr(item, field.name))
                for field in dataclasses.fields(Difference)
            }
            for item in comparison.differences
        ],
    }
