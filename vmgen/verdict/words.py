"""Findings as sentences: the one place where the verdict's English is made."""

from __future__ import annotations

from typing import Literal, assert_never

from vmgen import ir, wording
from vmgen.stream.registers.naming import names
from vmgen.stream.registers.numbers import number_of
from vmgen.verdict.conditions import DESTINATION, LOADED, negated
from vmgen.verdict.model import Finding, Offset, Side, Term, Verdict

SHOWN = 4
"""Rows of a C table that a sentence names; the others are counted."""

VERDICTS: dict[Verdict, str] = {
    "incompatible": "incompatible",
    "unknown": "could not tell",
    "conditional": "compatible if",
    "compatible": "compatible",
}

TITLES: dict[Verdict, str] = {
    **VERDICTS,
    "conditional": "compatible under conditions",
}


def sentence(found: Finding) -> str:
    """What a finding says, without where it is and without its condition."""
    text = _sentence(found)
    for name in reversed(found.subsections):
        text = f"in subsection '{name}': {text}"
    return text if found.case is None else f"{text} (if {expression(found.case)})"


def _sentence(found: Finding) -> str:
    source, target = found.source, found.target
    match found.kind:
        case "section-version":
            return _window(f"version {source.versions[0]}", source, target)
        case "section-name":
            return (
                f"the source calls the section '{source.name}', the destination"
                f" '{target.name}'"
            )
        case "section-instance":
            number = ", ".join(source.instances)
            return f"the destination registers no section of instance {number}"
        case "section-missing":
            more = f": it does not register {target.name}" if target.name else ""
            return f"the destination has no section '{source.name}'{more}"
        case "section-handlers":
            if source.what == target.what:
                versions = f"version {source.versions[0]} and {target.versions[0]}"
                return f"C handlers of {versions}, which vmgen does not translate"
            return "C handlers on one side, a description on the other"
        case "section-unread":
            return f"vmgen could not read it: {source.text or target.text}"
        case "section-guard":
            names = " and ".join(target.reads)
            return f"whether the destination registers the section is up to {names}"
        case "command":
            return f"the destination does not know the command {source.name}"
        case "subsection-version":
            name = f"version {source.versions[0]} of subsection '{source.name}'"
            return _window(name, source, target)
        case "subsection-name":
            return (
                f"the destination does not look for subsection '{source.name}' inside of"
                f" '{target.name}': its name does not begin with '{target.name}/'"
            )
        case "subsection-missing":
            return f"the destination has no subsection '{source.name}'"
        case "nested-version":
            first, last = target.versions
            return (
                f"loaded as version {source.versions[0]}, and its description accepts"
                f" {first} to {last}"
            )
        case "end":
            if target.what == "nothing":
                return f"the source sends {what(source)}, the destination does not expect it"
            return (
                f"the destination expects {what(target)}, the source does not send it"
            )
        case "bytes":
            return f"the source sends {_bytes(source)}, the destination loads {_bytes(target)}"
        case "width" | "units":
            if found.gone == "source":
                return f"{source.path} is saved, and no field loads it"
            if found.gone == "target":
                return f"{target.path} is loaded, and no field saves it"
            if source.width == target.width:
                return "an element is cut in two"
            return (
                f"element size differs: {source.width} bytes saved, {target.width} bytes"
                " loaded"
            )
        case "member":
            if target.what == "padding":
                return f"{source.path} is skipped as padding; it has another place"
            if source.what == "padding":
                return f"{target.path} is loaded from padding; it has another place"
            return f"{source.path} is saved, and loaded as {target.path}"
        case "count":
            return f"{_count(source)} elements are saved, {_count(target)} are loaded"
        case "null":
            return "the sides mark the pointers of an array with a byte differently"
        case "shape":
            return f"{what(source)} is saved, and loaded as {what(target)}"
        case "bool":
            return f"{source.type} is loaded as bool: values above 1 become 1"
        case "tail-loaded":
            return f"the end of a buffer, {source.path}, is loaded as {target.path}"
        case "tail-saved":
            return f"{source.path} is loaded as the end of a buffer, {target.path}"
        case "check":
            if target.check == "equal":
                return f"{target.path} must equal the destination's own value"
            return f"{target.path} must not be negative or above the destination's own value"
        case "validate":
            return f"rejected unless {loads_if(found)} (VMSTATE_VALIDATE)"
        case "refusal":
            return f"{target.name}() rejects {_rejected(found)}"
        case "premise":
            return f"{target.name}() rejects other {found.field}: {_rows(found)}"
        case "register":
            return _register(found)
        case "beside":
            decided = source if source.reads else target
            return (
                f"what {', '.join(decided.reads)}() says of the elements of {decided.path}"
                " behind the first, QEMU reads from the memory beside them"
            )
        case "code" if source.text or target.text:
            lost = source if source.text else target
            return f"vmgen could not read {lost.name}: {lost.text}"
        case "code" if what(source) == what(target):
            return (
                f"{what(source)} is other C code on each side, which vmgen does not"
                " translate"
            )
        case "code":
            return (
                f"{what(source)} is saved, and loaded as {what(target)}: C code that"
                " vmgen does not translate"
            )
        case "code-parts":
            return f"{what(source)} contains other descriptions on each side"
        case "cases":
            return f"more than {found.limit} combinations of conditions"
        case "recursion":
            return "objects inside of objects of the same description, without end"
        case "renamed":
            return f"{source.path} is loaded as {target.path}"
        case "padding-loaded":
            return f"{target.path} is loaded from padding, so it is zero"
        case "padding-skipped":
            return f"{source.path} is skipped as padding"
        case "sign":
            return f"{source.type} is loaded as {target.type}"
        case "code-assumed":
            return f"assumed unchanged: {what(source)} is C code that vmgen does not translate"
        case "subsection-presence":
            return (
                f"subsection '{source.name}' is sent if {_sent(source)}; the destination"
                f" would send it if {_sent(target)}"
            )
        case "never-sent":
            own, description = source.versions
            return (
                f"{source.path} has version {own} and its description version"
                f" {description}: it is never sent"
            )
        case "never-saved":
            return "the source is unmigratable: a guest with it cannot be saved"
        case "endless-list":
            side = source if source.what else target
            return (
                f"the list of {side.text} of {side.name} has no end: QEMU reads on in the"
                " memory behind it, which is assumed to be zero"
            )
        case other:
            assert_never(other)


def _window(saved: str, source: Side, target: Side) -> str:
    first, last = target.versions
    if source.versions[0] < first:
        return f"{saved} is below the destination's minimum {first}"
    return f"{saved} is above the destination's {last}"


def _rejected(found: Finding) -> str:
    target = found.target
    if found.condition is None:
        return "every stream"
    if _translated(found.condition):
        return f"it unless {loads_if(found)}"
    return f"some streams{_by(target)}"


def _by(side: Side) -> str:
    """What a condition without a translation looks at."""
    return f", depending on {', '.join(side.reads)}" if side.reads else ""


def _translated(condition: ir.Expr) -> bool:
    """Whether no part of the condition stands by the words of C source."""
    return not any(isinstance(part, ir.Ask) for part in ir.walk(condition))


def _rows(found: Finding) -> str:
    if not any(found.only):
        return "vmgen knows those of one side only"
    sides = (
        f"{', '.join(rows[:SHOWN])}"
        + (f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else "")
        + f" only in the {name}"
        for name, rows in zip(("source", "destination"), found.only, strict=True)
        if rows
    )
    return "; ".join(sides)


# --- sides ----------------------------------------------------------------------------


def what(side: Side) -> str:
    """What one side has, as a noun: ``uint32 x 4 regs[2]``."""
    match side.what:
        case "" | "nothing":
            return "nothing"
        case "values":
            unit = f"{side.type} {side.check}".strip()
            return f"{unit}{_times(side)} {side.path}"
        case "padding":
            return f"{_count(side)} bytes of padding"
        case "object":
            return f"{side.name}{_times(side)} {side.path}"
        case "list" | "tree":
            return f"{side.what} of {side.name}"
        case "code":
            return f"'{side.name}' {side.path}"
        case "field":
            return side.name
        case "hook":
            return f"{side.name}()"
        case "subsections":
            return "subsections"
        case "subsection" | "section":
            return f"{side.what} '{side.name}'"
        case "command":
            return f"command {side.name}"
        case "register":
            return "" if side.text else f"a system register of {side.name}"
        case "handlers":
            return f"C handlers of '{side.name}'"
        case other:
            assert_never(other)


def does(found: Finding, which: Literal["source", "target"]) -> str:
    """What the source saves or the destination loads at a finding's place."""
    side = found.source if which == "source" else found.target
    match found.kind:
        case "section-version" | "subsection-version" | "nested-version":
            return _versions(side)
        case "subsection-missing" | "subsection-name" if which == "source":
            sent = (
                "always sent" if side.sent == ir.Const(1) else f"sent if {_sent(side)}"
            )
            return f"{_versions(side)}, {sent}"
        case "subsection-missing":
            return "no such subsection"
        case "section-missing":
            if which == "target":
                return "no such section"
            return "C handlers" if side.what == "handlers" else _versions(side)
        case "command":
            return "sent" if which == "source" else "no such command"
        case "section-name":
            return f"'{side.name}'"
        case "section-instance":
            return f"instance {', '.join(side.instances)}"
        case "refusal" if which == "source":
            return "any value"
        case "refusal":
            return f"rejected by {side.role}"
        case (
            "premise" | "register" | "section-unread" | "cases" | "section-handlers"
            | "section-guard" | "beside"
        ):  # fmt: skip
            return ""
        case _:
            return what(side) if side.what else ""


def _register(found: Finding) -> str:
    source, target = found.source, found.target
    if target.text:
        of = f" of {target.name}" if target.name else ""
        return f"whether the CPU has the same system registers{of} is not known: {target.text}"
    if source.name and target.name and source.name != target.name:
        return f"the destination's CPU is a {target.name}: {_same_register(found)}"
    return _same_register(found)


def _same_register(found: Finding) -> str:
    source, target = found.source, found.target
    called = register_names(found)
    aside = f" ({', '.join(called)})" if called else ""
    name = f"system register {found.field}{aside} of {source.name}"
    if target.what == "nothing":
        return f"the source saves {name}, the destination's CPU does not have it"
    if source.what == "nothing":
        more = f", which always is {_hex(target)}" if target.count else ""
        return (
            f"the destination's CPU has {name}{more}, the source does not save it: QEMU"
            " writes what its memory held"
        )
    if source.count and target.count:
        return f"{name} is {_hex(source)} in the source, and always {_hex(target)} in the destination"
    return f"whether {name} keeps the source's value is up to C"


def register_names(found: Finding) -> tuple[str, ...]:
    """What ``vmgen stream show`` calls the system register of a finding; nothing for a
    finding about anything else."""
    key = number_of(found.field) if found.kind == "register" else None
    return () if key is None else names(key)


def _hex(side: Side) -> str:
    return f"{side.count.value:#x}" if isinstance(side.count, ir.Const) else "a number"


def _versions(side: Side) -> str:
    if len(side.versions) == 1:
        return f"version {side.versions[0]}"
    return f"versions {side.versions[0]} to {side.versions[1]}" if side.versions else ""


def _times(side: Side) -> str:
    return "" if side.count in (None, ir.Const(1)) else f" x {_count(side)}"


def _count(side: Side) -> str:
    return "" if side.count is None else expression(side.count)


def _bytes(side: Side) -> str:
    return f"{'at least ' if side.check == 'least' else ''}{_count(side)} bytes"


def _sent(side: Side) -> str:
    return "" if side.sent is None else expression(side.sent)


# --- conditions -----------------------------------------------------------------------


def loads_if(found: Finding) -> str:
    """What must hold for the stream to load all the same; empty if nothing helps."""
    if found.condition is None:
        return ""
    if found.kind == "section-missing":
        types = found.source.device_types
        more = f" (no {' or '.join(types[:3])}" if types else ""
        more += ", ..." if len(types) > 3 else ""
        return f"the stream has no section '{found.source.name}'{more}{')' if types else ''}"
    if found.kind == "command":
        return f"the machine type sets migration.{found.field} to off"
    if found.kind == "premise" and isinstance(found.condition, ir.Ask):
        return f"both sides have the same {found.field}"
    match found.kind, found.condition:
        case "register", ir.Ask():
            return "the guest has one CPU"
        case "refusal", ir.Unary("!", ir.Ask()):
            target = found.target
            return f"{target.name}() does not reject it{_by(target)}"
    return expression(found.condition)


def every(findings: tuple[Finding, ...]) -> str:
    """The conditions of all findings in one line."""
    parts = list(dict.fromkeys(filter(None, map(loads_if, findings))))
    if len(parts) == 1:
        return parts[0]
    return " && ".join(f"({part})" if " " in part else part for part in parts)


def expression(value: ir.Expr) -> str:
    """An expression as people read it: what is denied as a whole is denied in parts, and
    members of the destination report it."""
    text = wording.expression(_spread(value))
    text = text.replace(DESTINATION, "(the destination's) ")
    return text.replace(LOADED, "(the loaded) ")


def _spread(value: ir.Expr) -> ir.Expr:
    match value:
        case ir.Unary("!", ir.Binary(("&&" | "||") as op, left, right)):
            other: Literal["&&", "||"] = "||" if op == "&&" else "&&"
            return ir.Binary(other, _spread(negated(left)), _spread(negated(right)))
        case ir.Binary(("&&" | "||") as op, left, right):
            return ir.Binary(op, _spread(left), _spread(right))
    return value


def offset(value: Offset) -> str:
    """``12 + 8 * nb``: bytes and what is known at run time only."""
    return " + ".join((str(value.fixed), *map(_term, value.terms)))


def _term(term: Term) -> str:
    match term.what:
        case "count":
            return f"{term.bytes} * {term.path}" if term.bytes != 1 else term.path
        case "field":
            return term.path
        case "optional":
            return f"{term.path or 'a field'} if present"
        case other:
            assert_never(other)


# --- how to fix -----------------------------------------------------------------------

_SUBSECTION = (
    "send it in a subsection whose .needed reads a property, and switch the property off"
    " for the machine types of OLD with a compat entry (hw_compat_*)"
)


def fix(found: Finding) -> str:
    """How the tree of the newer side can take the older format; empty where the finding
    says nothing that a table can fix."""
    match found.kind:
        case "section-version" | "subsection-version" | "nested-version":
            return (
                "lower minimum_version_id to what OLD saves and give what came later a"
                " version of its own (VMSTATE_*_V); what NEW sends to OLD belongs in a"
                " subsection"
            )
        case "subsection-missing":
            return (
                "let .needed read a property, and switch it off for the machine types of"
                " OLD with a compat entry (hw_compat_*)"
            )
        case (
            "end" | "bytes" | "width" | "units" | "member" | "count" | "shape" | "null"
        ):
            return f"keep OLD's fields as they are; {_SUBSECTION}"
        case "section-name" | "section-instance" | "subsection-name":
            return "keep the name and the instance that OLD uses"
        case "section-missing":
            return (
                "keep a table of the section's name that reads what OLD sends, and a"
                " compat entry that makes NEW send it"
            )
        case "command":
            return (
                f"switch the property migration.{found.field} off for the machine types of"
                " OLD with a compat entry (hw_compat_*)"
            )
        case "register":
            return (
                "give the machine types of OLD a CPU with the registers that OLD has: a"
                " property of the CPU, and a compat entry (hw_compat_*)"
            )
        case "check" | "validate" | "refusal" | "premise" | "tail-loaded":
            return "let the machine types of OLD have the value that is compared"
        case (
            "section-handlers" | "section-unread" | "section-guard" | "bool" | "tail-saved" | "code"
            | "code-parts" | "cases" | "recursion" | "renamed" | "padding-loaded"
            | "padding-skipped" | "sign" | "code-assumed" | "subsection-presence"
            | "never-sent" | "never-saved" | "endless-list" | "beside"
        ):  # fmt: skip
            return ""
        case other:
            assert_never(other)
