"""What each rule says: the one place with sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vmgen.lint.model import LintFinding
from vmgen.source import Diagnostic


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule in words: ``title`` for lists of rules, ``message`` and ``hint`` with the
    values of a finding in braces."""

    title: str
    message: str
    hint: str


WORDS: Mapping[str, RuleWords] = {
    "VG801": RuleWords(
        "get and put move different bytes",
        "{info} saves '{put}' and loads '{get}'",
        "read in .get what .put writes, in the same order and width",
    ),
    "VG802": RuleWords(
        "an info lacks get or put",
        "the info has no .{member}: QEMU crashes when it {verb} a field with it",
        "set .{member}",
    ),
    "VG803": RuleWords(
        "a field is never sent",
        "the field is of version {version} and the table of version {own}: it is never"
        " saved or loaded",
        "raise .version_id to {version}, or give the field the table's version",
    ),
    "VG804": RuleWords(
        "a count behind its array",
        "the count '{count}' is loaded after the array (line {line}): the destination's own"
        " value says how much is read",
        "move the field of '{count}' in front of the array",
    ),
    "VG805": RuleWords(
        "a member is sent twice",
        "'{member}' is sent twice: also in line {line}",
        "delete one of the two; if streams of the old form must load, replace it by"
        " VMSTATE_UNUSED",
    ),
    "VG806": RuleWords(
        "a field without a name",
        "a field has no name",
        "set .name, or use a VMSTATE_* macro that does",
    ),
    "VG807": RuleWords(
        "a table without a name",
        "the table has {what}",
        "set .name: a section, and a subsection, is found by it",
    ),
    "VG808": RuleWords(
        "minimum_version_id is left out",
        "the table is of version {version} and says no .minimum_version_id: it takes"
        " streams of version 0",
        "set .minimum_version_id to the oldest version that its fields can load",
    ),
    "VG809": RuleWords(
        "a table without fields",
        "the table has neither fields nor subsections: it saves nothing",
        "add fields, or set .unmigratable = 1",
    ),
    "VG810": RuleWords(
        "a subsection is always sent",
        "the subsection '{name}' has no .needed: it is always sent, and a release without"
        " it refuses every stream",
        "set .needed, false for the state that a new object has",
    ),
    "VG811": RuleWords(
        "two subsections of one name",
        "the subsection '{name}' has the name of {first}: QEMU loads both into {first}",
        "give each subsection of a table a name of its own",
    ),
    "VG812": RuleWords(
        "a table that nothing uses",
        "nothing names the table: it is never saved",
        "set dc->vmsd in class_init, call vmstate_register, or delete it",
    ),
    "VG813": RuleWords(
        "a section is registered twice",
        "{function}() registers the table that the class of {type} has, too ({place}): it"
        " is saved twice",
        "remove one of the two",
    ),
    "VG814": RuleWords(
        "used with another struct",
        "{what} is written for {written} and gets a {given}",
        "use a predicate, or a table, of {given}",
    ),
    "VG815": RuleWords(
        "a test reads another object",
        "{test}() reads {other}, which is not part of the object: on the destination it may"
        " not be loaded yet",
        "read members that fields in front of this one have loaded",
    ),
    "VG816": RuleWords(
        "missing state",
        "'{member}' is state that no table sends: {callback}() leaves a value in it (in"
        " {function}), and {reader}() reads it later",
        "add a field in a subsection, compute it in post_load, or reset it where it cannot"
        " matter",
    ),
    "VG817": RuleWords(
        "post_load indexes with an unchecked value",
        "{hook}() indexes '{array}' (in {function}) with '{member}', which the stream sets"
        " and nothing has bounded: a crafted stream reads or writes outside of the array",
        "compare it with the array's length first, and return -EINVAL if it is outside",
    ),
    "VG818": RuleWords(
        "a device whose state no table has",
        "{struct} has state that no table sends: {members}; {callback}() changes it, and"
        " {reader}() reads it later",
        "write a VMStateDescription and set dc->vmsd in class_init; if the state is the"
        " host's, set .unmigratable",
    ),
    "VG819": RuleWords(
        "a timer that nothing sends",
        "{function}() arms the timer '{member}', and no table sends when it expires: on the"
        " destination it does not run",
        "add VMSTATE_TIMER_PTR in a subsection, or arm it in post_load",
    ),
    "VG820": RuleWords(
        "a macro for a pointer, on an array",
        "'{member}' is {shape}, and the macro follows a pointer: QEMU takes its first bytes"
        " for an address",
        "use a macro for what the struct itself has (VMSTATE_BUFFER, VMSTATE_UINT8_ARRAY),"
        " or declare a pointer",
    ),
    "VG821": RuleWords(
        "a pointer's own bytes",
        "'{member}' is a pointer, and the macro does not follow it: QEMU saves and loads"
        " the bytes of the address",
        "use a macro that follows a pointer (_POINTER, _ALLOC, VBUFFER)",
    ),
}


def diagnostic(one: LintFinding) -> Diagnostic:
    """The finding in words."""
    words = WORDS[one.code]
    values = dict(one.values)
    return Diagnostic(
        one.code,
        words.message.format_map(values),
        one.position,
        "warning",
        words.hint.format_map(values),
        one.context,
    )


TITLES: Mapping[str, str] = {
    "VG408": "a list has no end",
    "VG505": "a subsection does not have its owner's name",
    **{code: one.title for code, one in WORDS.items()},
}
"""The title of every rule by its code."""
