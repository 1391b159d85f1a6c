"""Every kind of finding as a sentence, with what either side does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from vmgen import ir
from vmgen.verdict import words
from vmgen.verdict.conditions import DESTINATION, LOADED
from vmgen.verdict.model import Finding, Kind, Offset, Side, Term

A = ir.Load("a", "int64")
ONE = ir.Binary("==", A, ir.Const(1))
ASK = ir.Ask("kvm_enabled")


def side(what: Any = "values", name: str = "n", path: str = "p", **more: Any) -> Side:
    return Side(what, name, path, **{"type": "uint32", "width": 4, **more})


def found(
    kind: Kind, source: Side | None = None, target: Side | None = None, **more: Any
) -> Finding:
    return Finding(
        kind, source=source or side(path="s"), target=target or side(path="t"), **more
    )


def section(*versions: int, name: str = "dev", **more: Any) -> Side:
    return Side("section", name, versions=versions, **more)


def sub(*versions: int, name: str = "dev/sub", **more: Any) -> Side:
    return Side("subsection", name, versions=versions, **more)


HANDLERS = Side("handlers", "old", versions=(3,))
NOTHING = Side("nothing")
CASES: list[tuple[Finding, str, str, str]] = [
    (found("section-version", section(1), section(2, 4)),
     "version 1 is below the destination's minimum 2", "version 1", "versions 2 to 4"),
    (found("section-version", section(5), section(2, 4)),
     "version 5 is above the destination's 4", "version 5", "versions 2 to 4"),
    (found("subsection-version", sub(1), sub(2, 2)),
     "version 1 of subsection 'dev/sub' is below the destination's minimum 2", "version 1",
     "versions 2 to 2"),
    (found("nested-version", side(versions=(3,)), side(versions=(1, 2))),
     "loaded as version 3, and its description accepts 1 to 2", "version 3", "versions 1 to 2"),
    (found("section-name", section(name="a"), section(name="b")),
     "the source calls the section 'a', the destination 'b'", "'a'", "'b'"),
    (found("section-instance", section(instances=("0", "1")), section(instances=("2",))),
     "the destination registers no section of instance 0, 1", "instance 0, 1", "instance 2"),
    (found("section-guard", section(2), section(2, reads=("enabled", "old"))),
     "whether the destination registers the section is up to enabled and old", "", ""),
    (found("beside", side("object", "vmstate_e", "s.e", reads=("after",)), side("object", "vmstate_e", "s.e")),
     "what after() says of the elements of s.e behind the first, QEMU reads from the memory"
     " beside them", "", ""),
    (found("command", Side("command", "SWITCHOVER_START"), NOTHING),
     "the destination does not know the command SWITCHOVER_START", "sent", "no such command"),
    (found("section-missing", section(2), NOTHING),
     "the destination has no section 'dev'", "version 2", "no such section"),
    (found("section-missing", section(2), Side("nothing", "vmstate_dev")),
     "the destination has no section 'dev': it does not register vmstate_dev", "version 2",
     "no such section"),
    (found("section-missing", HANDLERS, NOTHING),
     "the destination has no section 'old'", "C handlers", "no such section"),
    (found("register", Side("register", "max", count=ir.Const(16)), Side("nothing", "max"), field="0xc0"),
     "the source saves system register 0xc0 of max, the destination's CPU does not have it", "", ""),
    (found("register", Side("register", "max", count=ir.Const(16)), Side("register", "max", count=ir.Const(17)), field="0xc0"),
     "system register 0xc0 of max is 0x10 in the source, and always 0x11 in the destination", "", ""),
    (found("register", Side("register", "max"), Side("register", "max"), field="0xc0"),
     "whether system register 0xc0 of max keeps the source's value is up to C", "", ""),
    (found("register", Side("nothing", "max"), Side("register", "max", count=ir.Const(17)), field="0xc0"),
     "the destination's CPU has system register 0xc0 of max, which always is 0x11, the source does not save it: QEMU writes what its memory held", "", ""),
    (found("register", Side("nothing", "max"), Side("register", "max"), field="0xc0"),
     "the destination's CPU has system register 0xc0 of max, the source does not save it: QEMU writes what its memory held", "", ""),
    (found("register", NOTHING, Side("register", "max", text="a goto")),
     "whether the CPU has the same system registers of max is not known: a goto", "", ""),
    (found("register", NOTHING, Side("register", text="a goto")),
     "whether the CPU has the same system registers is not known: a goto", "", ""),
    (found("section-handlers", HANDLERS, replace(HANDLERS, versions=(4,))),
     "C handlers of version 3 and 4, which vmgen does not translate", "", ""),
    (found("section-handlers", HANDLERS, section(1)),
     "C handlers on one side, a description on the other", "", ""),
    (found("section-unread", section(text="VG1"), section(text="VG2")),
     "vmgen could not read it: VG1", "", ""),
    (found("section-unread", section(), section(text="VG2")),
     "vmgen could not read it: VG2", "", ""),
    (found("subsection-name", sub(1, name="x", sent=ONE), sub(name="dev")),
     "the destination does not look for subsection 'x' inside of 'dev': its name does not"
     " begin with 'dev/'", "version 1, sent if a == 1", "subsection 'dev'"),
    (found("subsection-missing", sub(1, sent=ir.Const(1)), NOTHING),
     "the destination has no subsection 'dev/sub'", "version 1, always sent",
     "no such subsection"),
    (found("end", side(), NOTHING), "the source sends uint32 p, the destination does not expect it",
     "uint32 p", "nothing"),
    (found("end", NOTHING, side()), "the destination expects uint32 p, the source does not send it",
     "nothing", "uint32 p"),
    (found("bytes", side(count=ir.Const(5)), side(count=ir.Const(7), check="least")),
     "the source sends 5 bytes, the destination loads at least 7 bytes", "uint32 x 5 p",
     "uint32 least x 7 p"),
    (found("width", side(width=8, type="uint64")), "element size differs: 8 bytes saved, 4 bytes loaded",
     "uint64 p", "uint32 t"),
    (found("units"), "an element is cut in two", "uint32 s", "uint32 t"),
    (found("units", gone="source"), "s is saved, and no field loads it", "uint32 s", "uint32 t"),
    (found("units", gone="target"), "t is loaded, and no field saves it", "uint32 s", "uint32 t"),
    (found("member"), "s is saved, and loaded as t", "uint32 s", "uint32 t"),
    (found("member", target=Side("padding", count=ir.Const(3))),
     "s is skipped as padding; it has another place", "uint32 s", "3 bytes of padding"),
    (found("member", Side("padding", count=ir.Const(3))),
     "t is loaded from padding; it has another place", "3 bytes of padding", "uint32 t"),
    (found("count", side(count=ir.Const(2)), side(count=A)),
     "2 elements are saved, a are loaded", "uint32 x 2 p", "uint32 x a p"),
    (found("null"), "the sides mark the pointers of an array with a byte differently", "uint32 s",
     "uint32 t"),
    (found("shape", side("list", "vmstate_e"), side("tree", "vmstate_e")),
     "list of vmstate_e is saved, and loaded as tree of vmstate_e", "list of vmstate_e",
     "tree of vmstate_e"),
    (found("bool", side(type="uint8"), side(type="bool")),
     "uint8 is loaded as bool: values above 1 become 1", "uint8 p", "bool p"),
    (found("tail-loaded"), "the end of a buffer, s, is loaded as t", "uint32 s", "uint32 t"),
    (found("tail-saved"), "s is loaded as the end of a buffer, t", "uint32 s", "uint32 t"),
    (found("check", target=side(check="equal")), "p must equal the destination's own value",
     "uint32 s", "uint32 equal p"),
    (found("check", target=side(check="le")),
     "p must not be negative or above the destination's own value", "uint32 s", "uint32 le p"),
    (found("validate", condition=ONE), "rejected unless a == 1 (VMSTATE_VALIDATE)", "uint32 s",
     "uint32 t"),
    (found("refusal", target=side("hook", "f", role="post_load")), "f() rejects every stream",
     "any value", "rejected by post_load"),
    (found("refusal", target=side("hook", "f", role="pre_load"), condition=ONE),
     "f() rejects it unless a == 1", "any value", "rejected by pre_load"),
    (found("refusal", target=side("hook", "f", reads=("x", "y")), condition=ir.Unary("!", ASK)),
     "f() rejects some streams, depending on x, y", "any value", "rejected by "),
    (found("refusal", target=side("hook", "f"), condition=ir.Unary("!", ASK)),
     "f() rejects some streams", "any value", "rejected by "),
    (found("premise", target=side("hook", "f"), field="models"),
     "f() rejects other models: vmgen knows those of one side only", "", ""),
    (found("premise", target=side("hook", "f"), field="models", only=(("a",), ("b", "c"))),
     "f() rejects other models: a only in the source; b, c only in the destination", "", ""),
    (found("premise", target=side("hook", "f"), field="models", only=((), tuple("abcd"))),
     "f() rejects other models: a, b, c, d only in the destination", "", ""),
    (found("premise", target=side("hook", "f"), field="models", only=(tuple("abcdef"), ())),
     "f() rejects other models: a, b, c, d and 2 more only in the source", "", ""),
    (found("code", side("code", "info"), side("code", "info")),
     "'info' p is other C code on each side, which vmgen does not translate", "'info' p", "'info' p"),
    (found("code", side("code", "info"), side("code", "other")),
     "'info' p is saved, and loaded as 'other' p: C code that vmgen does not translate",
     "'info' p", "'other' p"),
    (found("code-parts", side("code", "info")), "'info' p contains other descriptions on each side",
     "'info' p", "uint32 t"),
    (found("cases", limit=9), "more than 9 combinations of conditions", "", ""),
    (found("recursion", side("object", "vmstate_e", count=ir.Const(4))),
     "objects inside of objects of the same description, without end", "vmstate_e x 4 p", "uint32 t"),
    (found("renamed", Side()), " is loaded as t", "", "uint32 t"),
    (found("padding-loaded"), "t is loaded from padding, so it is zero", "uint32 s", "uint32 t"),
    (found("padding-skipped"), "s is skipped as padding", "uint32 s", "uint32 t"),
    (found("sign", side(type="int8"), side(type="uint8")), "int8 is loaded as uint8", "int8 p",
     "uint8 p"),
    (found("code-assumed", side("code", "info")),
     "assumed unchanged: 'info' p is C code that vmgen does not translate", "'info' p", "uint32 t"),
    (found("subsection-presence", sub(sent=ONE), sub(sent=A)),
     "subsection 'dev/sub' is sent if a == 1; the destination would send it if a",
     "subsection 'dev/sub'", "subsection 'dev/sub'"),
    (found("never-sent", side(versions=(3, 2))),
     "p has version 3 and its description version 2: it is never sent", "uint32 p", "uint32 t"),
    (found("never-saved"), "the source is unmigratable: a guest with it cannot be saved", "uint32 s",
     "uint32 t"),
    (found("endless-list", side("list", "vmstate_e", text="fields"), Side()),
     "the list of fields of vmstate_e has no end: QEMU reads on in the memory behind it, which"
     " is assumed to be zero", "list of vmstate_e", ""),
    (found("endless-list", Side(), side("list", "vmstate_e", text="subsections")),
     "the list of subsections of vmstate_e has no end: QEMU reads on in the memory behind it,"
     " which is assumed to be zero", "", "list of vmstate_e"),
    (found("shape", Side("field", "f"), Side("subsections")),
     "f is saved, and loaded as subsections", "f", "subsections"),
    (found("shape", HANDLERS, side("hook", "f")), "C handlers of 'old' is saved, and loaded as f()",
     "C handlers of 'old'", "f()"),
]  # fmt: skip


def test_every_kind_has_its_words() -> None:
    assert {one.kind for one, *_ in CASES} == set(get_args(Kind))


@pytest.mark.parametrize(("one", "text", "source", "target"), CASES)
def test_a_finding_as_a_sentence(
    one: Finding, text: str, source: str, target: str
) -> None:
    assert words.sentence(one) == text
    assert (words.does(one, "source"), words.does(one, "target")) == (source, target)
    inside = replace(one, subsections=("dev/a", "dev/b"))
    assert (
        words.sentence(inside)
        == f"in subsection 'dev/a': in subsection 'dev/b': {text}"
    )
    assert words.sentence(replace(one, case=ONE)) == f"{text} (if a == 1)"


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (found("end"), ""),
        (found("bool", condition=ONE), "a == 1"),
        (found("section-missing", section(1), condition=ONE), "the stream has no section 'dev'"),
        (found("section-missing", section(1, device_types=("x", "y")), condition=ONE),
         "the stream has no section 'dev' (no x or y)"),
        (found("section-missing", section(1, device_types=("x", "y", "z")), condition=ONE),
         "the stream has no section 'dev' (no x or y or z)"),
        (found("section-missing", section(1, device_types=tuple("wxyz")), condition=ONE),
         "the stream has no section 'dev' (no w or x or y, ...)"),
        (found("register", field="0xc0", condition=ASK), "the guest has one CPU"),
        (found("premise", field="models", condition=ASK), "both sides have the same models"),
        (found("premise", field="models", condition=ONE), "a == 1"),
        (found("check", field="models", condition=ASK), "kvm_enabled"),
        (found("refusal", target=side("hook", "f", reads=("x",)), condition=ir.Unary("!", ASK)),
         "f() does not reject it, depending on x"),
        (found("refusal", target=side("hook", "f"), condition=ONE), "a == 1"),
        (found("bool", condition=ir.Unary("!", ASK)), "!kvm_enabled"),
    ],
)  # fmt: skip
def test_what_must_hold(one: Finding, text: str) -> None:
    assert words.loads_if(one) == text


def test_the_conditions_of_all_findings_are_one_line() -> None:
    some = [found("bool", condition=each) for each in (ONE, ONE, ir.Load("b", "int64"))]
    assert words.every(tuple(some[:2])) == "a == 1"
    assert words.every(tuple(some)) == "(a == 1) && b"
    assert words.every((found("end"), some[0])) == "a == 1"
    assert words.every((found("end"),)) == words.every(()) == ""


def test_what_is_denied_as_a_whole_is_denied_in_parts() -> None:
    b = ir.Load("b", "int64")
    for op, other in (("&&", "||"), ("||", "&&")):
        whole = ir.Binary(op, ir.Binary(op, ONE, b), A)  # type: ignore[arg-type]
        assert words.expression(ir.Unary("!", whole)) == f"a != 1 {other} !b {other} !a"
        inside = ir.Binary(op, ir.Unary("!", ir.Binary(other, ONE, b)), A)  # type: ignore[arg-type]
        assert words.expression(inside) in (
            f"a != 1 {op} !b {op} a",
            f"(a != 1 {op} !b) {op} a",
        )
    assert (
        words.expression(ir.Load(f"{DESTINATION}x", "int64")) == "(the destination's) x"
    )
    assert words.expression(ir.Load(f"{LOADED}x", "int64")) == "(the loaded) x"


def test_an_offset_is_a_sum() -> None:
    assert words.offset(Offset(12)) == "12"
    terms = (
        Term("count", "n", 8), Term("count", "m"), Term("field", "f"), Term("optional", "o"),
        Term("optional", ""),
    )  # fmt: skip
    assert words.offset(Offset(0, terms)) == (
        "0 + 8 * n + m + f + o if present + a field if present"
    )
