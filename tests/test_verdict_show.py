"""What people, programs and reviews are shown of a judgement, line by line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vmgen import ir
from vmgen.source import Position
from vmgen.verdict import show
from vmgen.verdict.model import (
    COMPATIBLE,
    Confirmation,
    Finding,
    Judgement,
    Offset,
    Outcome,
    SectionVerdict,
    Side,
    Term,
    Trial,
)

OLD, NEW = Position("hw/old.c", 3), Position("hw/new.c", 9)
VALUE = Side("values", "b", "b", "uint32", width=4, position=NEW)
END = Finding(
    "end", "dev", "vmstate_dev", field="b", offset=Offset(4),
    source=Side("nothing", position=OLD), target=VALUE,
)  # fmt: skip
IF = ir.Binary("==", ir.Load("a", "int64"), ir.Const(1))
BOOL = Finding(
    "bool", "dev", "vmstate_dev", field="a", offset=Offset(2, (Term("count", "n", 8),)),
    source=Side("values", "a", "a", "uint8", width=1, position=OLD),
    target=Side("values", "a", "a", "bool", width=1, position=NEW), condition=IF,
)  # fmt: skip
NOTE = Finding(
    "never-saved", "dev", "vmstate_dev", source=Side("section", "dev", position=OLD)
)
ASSUMED = replace(NOTE, kind="code-assumed")
BAD, WHEN = Outcome("incompatible", (END,)), Outcome("conditional", (BOOL,), (), IF)
NOTED = Outcome("compatible", (), (NOTE, ASSUMED))


def section(
    name: str, forward: Outcome = COMPATIBLE, backward: Outcome = COMPATIBLE, **more: Any
) -> SectionVerdict:  # fmt: skip
    symbol = f"vmstate_{name}"
    return replace(
        SectionVerdict(name, symbol, symbol, "hw/old.c", "hw/new.c", forward, backward),
        **more,
    )


def judgement(*sections: SectionVerdict) -> Judgement:
    return Judgement("toy", "1", "2", sections)


def text(one: Judgement, *trials: Confirmation, **more: Any) -> list[str]:
    found = show.text(one, directions=("forward",), confirmations=trials, **more)
    assert found.endswith("\n")
    return found.splitlines()


def test_the_head_counts_what_is_registered() -> None:
    one = judgement(
        section("a", BAD), section("b", BAD), section("c", WHEN), section("d"),
        section("e", BAD, registered=False), section("f", Outcome("unknown", (END,))),
    )  # fmt: skip
    assert text(one)[0] == (
        "toy  1 → 2: 2 incompatible, 1 could not tell, 1 under conditions, 1 compatible"
    )
    assert show.text(one).splitlines()[1].startswith("toy  2 → 1: 5 compatible")
    assert text(judgement()) == ["toy  1 → 2: no sections"]
    assert text(Judgement("", "", "2"))[0] == "all  old → new: no sections"
    assert text(Judgement("t", "3", "3"))[0] == "t  old → new: no sections"
    named = Judgement("t", "3", "3", called=("a.json", "b.json"))
    assert text(named)[0] == "t  a.json → b.json: no sections"


def test_the_worst_stands_first_and_what_is_compatible_nowhere() -> None:
    one = judgement(section("a"), section("c", WHEN), section("b", BAD))
    found = text(one)
    assert [line for line in found if line[:1] not in (" ", "")][1:] == [
        "incompatible",
        "compatible under conditions",
    ]
    assert not [line for line in found if "  a" in line]
    assert "      a == 1" not in found
    assert "    1 → 2: compatible if a == 1" in found


def test_sections_with_the_same_findings_are_one_group() -> None:
    names = "abcdef"
    found = text(judgement(*(section(name, BAD) for name in names)))
    assert "  a, b, c, d and 2 more" in found
    assert "  a, b, c, d" in text(judgement(*(section(name, BAD) for name in "abcd")))
    other = replace(BAD, findings=(replace(END, target=replace(VALUE, position=OLD)),))
    apart = text(judgement(section("a", BAD), section("b", other)))
    assert "  a (vmstate_a)" in apart
    assert "  b (vmstate_b)" in apart
    moved = replace(BAD, findings=(replace(END, symbol="vmstate_other"),))
    assert "  b (vmstate_b)" in text(judgement(section("a", BAD), section("b", moved)))
    # Without a finding there is nothing that they have in common.
    none = Outcome("unknown")
    assert "  b (vmstate_b)" in text(judgement(section("a", none), section("b", none)))


def test_names_of_a_section() -> None:
    renamed = section("a", BAD, new="vmstate_z")
    assert "  a (vmstate_a → vmstate_z)" in text(judgement(renamed))
    assert "  a (vmstate_a)" in text(judgement(section("a", BAD, new="")))
    inside = section("", BAD, registered=False)
    assert (
        "  vmstate_ (vmstate_), a table that C code saves inside of a section"
        in text(judgement(inside))
    )


def test_a_finding_says_where_and_what_either_side_does() -> None:
    found = text(judgement(section("a", BAD), section("c", WHEN)))
    at = found.index("  a (vmstate_a)")
    assert found[at + 1] == "    1 → 2: incompatible"
    assert found[at + 2].endswith(" in vmstate_dev, at byte 4")
    assert found[at + 3 : at + 5] == [
        "        saves: nothing  (hw/old.c:3)",
        "        loads: uint32 b  (hw/new.c:9)",
    ]
    assert any(line.endswith(" in vmstate_dev, at byte 2 + 8 * n") for line in found)
    bare = replace(END, symbol="", offset=None, source=Side(), target=Side())
    short = text(judgement(section("a", replace(BAD, findings=(bare,)))))
    assert not [line for line in short if "in vmstate_dev" in line or "at byte" in line]
    assert not [line for line in short if "saves:" in line]


def test_notes_are_shown_when_they_are_asked_for() -> None:
    one = judgement(section("a", NOTED), section("b"), section("c", BAD, NOTED))
    assert not [line for line in text(one) if "note:" in line]
    found = text(one, notes=True)
    (note,) = (line for line in found if "note:" in line)
    assert note.endswith("  (hw/old.c:3)")
    assert "compatible" in found
    assert "  b (vmstate_b)" not in found
    # What only says that C code is assumed to be the same is no news.
    assert text(
        judgement(section("a", replace(NOTED, notes=(ASSUMED,)))), notes=True
    ) == ["toy  1 → 2: 1 compatible"]
    both = show.text(one, notes=True).splitlines()
    assert "    2 → 1: compatible" in both
    assert "    2 → 1: compatible" not in show.text(one).splitlines()


def tried(answer: Any = "confirmed", **more: Any) -> Confirmation:
    key = ("a", "vmstate_a", "hw/old.c", "vmstate_a", "hw/new.c")
    known = Confirmation("a", "forward", "incompatible", answer, tried=3, of=key)
    return replace(known, **more)


def test_bytes_that_did_not_survive_are_shown_around_where_it_stopped() -> None:
    one = judgement(section("a", BAD), section("b", replace(BAD, findings=())))
    for size, offset, start, cut in (
        (40, 20, 12, "... {} ..."), (40, 8, 0, "{} ..."), (40, 39, 31, "... {}"),
        (40, 99, 32, "... {}"), (40, -1, 0, "{} ..."), (12, 4, 0, "{}"), (16, 3, 0, "{}"),
        (17, 3, 0, "{} ..."), (24, 16, 8, "... {}"),
    ):  # fmt: skip
        data = bytes(range(size))
        found = text(one, tried(failure=Trial(data, "it stopped", offset)))
        at = found.index("      seen: it stopped")
        shown = cut.format(data[start : start + 16].hex(" "))
        assert found[at + 1] == f"            bytes from {start}: {shown}"
        assert "      seen: it stopped" not in found[at + 1 :]
    assert "      seen:" not in "\n".join(text(one, tried()))


def test_what_trying_said() -> None:
    one = judgement(section("a", BAD))
    why = [tried("open", why=f"reason {name}", tried=0) for name in "aaabbcccd"]
    found = text(
        one, tried(), tried("contradicted", failure=Trial(b"", "it failed")),
        tried("contradicted", verdict="x"), tried("open", tried=0), *why,
    )[-6:]  # fmt: skip
    assert found == [
        "9 random sections tried: 1 verdicts confirmed, 2 contradicted, 10 not tried",
        "  contradicted: a forward is incompatible, but it failed",
        "  contradicted: a forward is x, but every section survived",
        "  3 x not tried: reason a",
        "  3 x not tried: reason c",
        "  2 x not tried: reason b",
    ]


def test_json_has_what_says_something() -> None:
    one = judgement(
        section("a", BAD, NOTED, cpu=True), section("c", WHEN, registered=False)
    )
    failed = tried(survived=2, failure=Trial(b"\1\2", "it stopped", 1))
    data: Any = show.as_json(one, confirmations=(failed,))
    assert (data["target"], data["old"], data["new"]) == ("toy", "1", "2")
    assert data["verdict"] == "incompatible"
    first, second = data["sections"]
    assert (first["section"], first["old"], first["new"]) == (
        "a",
        "vmstate_a",
        "vmstate_a",
    )
    assert (first["cpu"], second["cpu"]) == (True, False)
    assert (first["registered"], second["registered"]) == (True, False)
    forward = first["forward"]
    assert (forward["tried"], forward["survived"], forward["answer"]) == (
        3,
        2,
        "confirmed",
    )
    assert forward["counterexample"] == {
        "bytes": "0102",
        "offset": 1,
        "text": "it stopped",
    }
    (finding,) = forward["findings"]
    assert finding.pop("text")
    assert finding == {
        "kind": "end", "description": "dev", "symbol": "vmstate_dev", "field": "b",
        "offset": {"fixed": 4}, "source": {"what": "nothing", "position": "hw/old.c:3"},
        "target": {"what": "values", "name": "b", "path": "b", "type": "uint32", "width": 4,
                   "position": "hw/new.c:9"},
    }  # fmt: skip
    assert "notes" not in forward
    assert "condition" not in forward
    assert [note["kind"] for note in first["backward"]["notes"]] == [
        "never-saved",
        "code-assumed",
    ]
    assert "tried" not in first["backward"]
    (bool_,) = second["forward"]["findings"]
    assert bool_["offset"] == {
        "fixed": 2,
        "terms": [{"what": "count", "path": "n", "bytes": 8}],
    }
    assert (
        bool_["condition"]
        == second["forward"]["condition"]
        == ["==", ["load", "a", "int64"], 1]
    )
    assert show.as_json(one, ("backward",))["verdict"] == "compatible"
    assert "forward" not in show.as_json(one, ("backward",))["sections"][0]  # type: ignore[index]


def test_annotations_of_a_review() -> None:
    one = judgement(
        section("a:b", BAD), section("c", WHEN, Outcome("unknown", (BOOL,)))
    )
    first, second, third = show.github(one).splitlines()
    assert first.startswith(
        "::error file=hw/new.c,line=9,title=a%3Ab%3A 1 → 2 incompatible::"
    )
    assert second.startswith(
        "::warning file=hw/new.c,line=9,title=c%3A 1 → 2 conditional::"
    )
    assert second.endswith("%0ALoads if a == 1")
    # What NEW saves has its place in NEW.
    assert third.startswith("::warning file=hw/old.c,line=3,title=c%3A 2 → 1 unknown::")
    assert show.github(judgement(section("a", BAD), section("a", BAD))).count("\n") == 1
    gone = replace(END, target=replace(VALUE, position=Position("")))
    lost = show.github(
        judgement(section("a", replace(BAD, findings=(gone,)))), folders=("o", "n")
    )
    assert lost.startswith("::error file=o/hw/old.c,line=3,")
    nowhere = replace(gone, source=Side())
    bare = show.github(
        judgement(section("a,b%", replace(BAD, findings=(nowhere,)))),
        folders=("o", "n"),
    )
    assert bare.startswith("::error title=a%2Cb%25%3A 1 → 2 incompatible::")


def test_the_exit_status_is_that_of_the_worst() -> None:
    open_ = judgement(section("a", Outcome("unknown")))
    bad, when, fine = (judgement(section("a", one)) for one in (BAD, WHEN, COMPATIBLE))

    def status(*ones: Judgement, strict: bool = False, way: Any = ("forward",)) -> int:
        return show.status(ones, way, strict)

    assert (status(), status(fine), status(when), status(open_), status(bad)) == (
        0,
        0,
        0,
        3,
        1,
    )
    assert status(when, strict=True) == status(open_, bad) == status(bad, open_) == 1
    assert status(open_, strict=True) == status(when, open_, strict=True) == 3
    assert status(fine, strict=True) == status(bad, way=("backward",)) == 0
