"""What the coverage report says of files, descriptions, fields and sections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.json_documents import check
from tests.test_pipeline import cpu, described, module, number, program, root
from tests.trees import require_tree
from vmgen import ir
from vmgen.cache import Digests
from vmgen.cli.coverage import as_json
from vmgen.coverage import Report, cover
from vmgen.infos import MARKERS
from vmgen.pipeline import whole
from vmgen.pipeline.reading import ReadFile
from vmgen.pipeline.whole import TargetFiles, Whole
from vmgen.source import Diagnostic, Position
from vmgen.tree import CompileCommand, SourceTree

CUSTOM = ir.Field(
    "odd", (), ir.CustomElement("vmstate_info_odd", "odd", "it loops"), ir.Fixed(4)
)
HOOKED = ir.Description(
    "vmstate_hooked", "hooked", "T", 1, 1, (number("x"),), needed="is_needed"
)


def tree_of(target: str, folder: Path) -> SourceTree:
    return SourceTree(
        "qemu", folder, "1.0", target, target, (target,), (), CompileCommand()
    )


def report(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *programs: ir.Program,
    undecided: tuple[Diagnostic, ...] = (),
) -> Report:
    """The report of a tree with these programs, which are not read from C."""
    parts = tuple(
        TargetFiles(
            tree_of(one.target, folder),
            tuple(module.file for module in one.modules),
            frozenset(),
        )
        for one in programs
    )
    monkeypatch.setattr(whole, "configure", lambda *_, **__: parts)
    monkeypatch.setattr(whole, "read", lambda *_, **__: Whole(parts, Digests()))
    monkeypatch.setattr(Whole, "programs", lambda self: programs)
    monkeypatch.setattr(Whole, "undecided", lambda self, part: undecided)
    return cover(folder, [one.target for one in programs])


def test_the_worst_field_decides(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = module("good.c", described("vmstate_good", number("x")))
    bad = module("bad.c", described("vmstate_bad", number("x"), CUSTOM))
    hook = module("hook.c", HOOKED)
    found = report(monkeypatch, tmp_path, program("toy", [good, bad, hook]))
    assert {one.name: one.status for one in found.files} == {
        "good.c": "ok",
        "bad.c": "custom",
        "hook.c": "hook",
    }
    assert not found.is_complete
    assert found.counts()["fields"] == {"ok": 3, "custom": 1}
    (description,) = found.files[0].parts
    assert [one.status for one in description.parts] == ["ok", "custom"]
    assert "it loops" in description.parts[1].reason


def test_hooks_leave_nothing_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = report(monkeypatch, tmp_path, program("toy", [module("h.c", HOOKED)]))
    assert found.is_complete
    assert "is_needed()" in found.files[0].parts[0].reason


def test_what_could_not_be_told_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = Diagnostic("VG423", "which one cannot be told", Position("other.c", 7))
    found = report(monkeypatch, tmp_path, program("toy", [cpu(1)]), undecided=(lost,))
    assert not found.is_complete
    (other,) = [one for one in found.files if one.name == "other.c"]
    assert other.status == "error"
    assert "VG423" in other.reason


def test_a_file_in_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wrong = Diagnostic("VG201", "not C", Position("target/bad.c", 3))
    unread = ir.Unread("", "target/bad.c", (wrong,))
    good = module("target/good.c", described("vmstate_good", number("x")))
    made = replace(program("toy", [good]), unread=(unread,))
    found = report(monkeypatch, tmp_path, made)
    assert [(one.name, one.status) for one in found.files] == [
        ("target/bad.c", "error"),
        ("target/good.c", "ok"),
    ]
    assert "VG201" in found.files[0].reason
    assert not found.is_complete


def test_a_description_that_was_not_read_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = Diagnostic("VG310", "no such type", Position("dev.c", 3))
    lost = tuple(ir.Unread(f"vmstate_{one}", "dev.c", (wrong,)) for one in "ab")
    opaque = ir.CustomElement("vmstate_a", "", "no such type", unread="VG310")
    inside = described("vmstate_a", ir.Field("", (), opaque, ir.Fixed(0)))
    made = program("toy", [module("dev.c", inside, described("vmstate_c"))])
    found = report(monkeypatch, tmp_path, replace(made, unread=lost))
    assert found.counts()["descriptions"] == {"error": 2, "ok": 1}
    (file,) = found.files
    assert [(one.name, one.line) for one in file.parts if one.status == "error"] == [
        ("vmstate_a", 3),
        ("vmstate_b", 3),
    ]


def test_sections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    roots = [
        root("a.c", "vmstate_a", "same", "", "a"),
        root("b.c", "vmstate_b", "same", "", "b"),
        root("c.c", "vmstate_c", "*"),
        ir.Root("ops", "d.c", "", "handlers", "init_d", "old"),
    ]
    both = [program(name, [cpu(1)], roots) for name in ("one", "two")]
    found = report(monkeypatch, tmp_path, *both)
    assert [(one.name, one.wire, one.status) for one in found.sections] == [
        ("*", "c.c vmstate_c", "hook"),
        ("old", "d.c ops", "hook"),
        ("same", "a.c vmstate_a", "ok"),
        ("same", "b.c vmstate_b", "ok"),
    ]
    assert all(one.targets == ("one", "two") for one in found.sections)
    assert "CODECS['same:b']" in found.sections[3].reason
    assert found.is_complete


def test_one_target_of_a_release() -> None:
    found = cover(require_tree("10.0"), ("avr",))
    names = {one.name for one in found.files}
    assert {"target/avr/machine.c", "audio/audio.c"} <= names
    assert {"cpu", "cpu_common", "timer"} <= {one.name for one in found.sections}
    assert not [one for one in found.files if one.status == "error"]
    check("coverage", as_json(found))


def test_of_several_targets_the_worst_counts_whatever_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    good = module("a.c", described("vmstate_a", number("x")))
    bad = module("a.c", described("vmstate_a", CUSTOM))
    hook = module("a.c", replace(HOOKED, symbol="vmstate_a"))
    for modules, status in (
        ((good, bad), "custom"), ((bad, good), "custom"), ((hook, bad), "custom"),
        ((good, hook), "hook"), ((hook, good), "hook"), ((good, good), "ok"),
    ):  # fmt: skip
        found = report(
            monkeypatch, tmp_path,
            *(program(name, [one]) for name, one in zip(("one", "two"), modules, strict=True)),
        )  # fmt: skip
        (file,) = found.files
        assert (file.name, file.status, file.targets) == ("a.c", status, ("one", "two"))
        assert [part.name for part in file.parts] == ["vmstate_a"]
        assert found.counts()["descriptions"] == {status: 1}
    assert (found.release, found.targets) == ("1.0", ("one", "two"))


def test_a_description_is_what_its_fields_and_its_needed_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = ir.Function("known", body=ir.Const(1))
    open_ = ir.Function("open", untranslated="it loops")
    tested = replace(number("t"), test="open", position=Position("a.c", 7))
    fine = replace(number("f"), test="known")
    lost = replace(number("l"), test="lost")
    one = replace(
        described("vmstate_a", number("x"), tested, fine, lost, CUSTOM),
        needed="open", position=Position("a.c", 3),
    )  # fmt: skip
    other = replace(described("vmstate_b", fine), needed="known")
    third = replace(described("vmstate_c", fine), needed="open")
    made = replace(module("a.c", one, other, third), functions=(known, open_))
    (file,) = report(monkeypatch, tmp_path, program("toy", [made])).files
    first, second, last = file.parts
    assert (first.status, first.reason, first.line, first.wire) == (
        "custom", "open(): it loops", 3, "a",
    )  # fmt: skip
    assert [(part.status, part.reason) for part in first.parts] == [
        ("ok", ""),
        ("hook", "open(): it loops"),
        ("ok", ""),
        ("hook", "lost(): it has no body here"),
        ("custom", "vmstate_info_odd: it loops"),
    ]
    assert first.parts[1].line == 7
    assert (second.status, second.reason) == ("ok", "")
    assert (last.status, last.reason) == ("hook", "open(): it loops")


def test_an_info_without_a_name_says_so_and_a_marker_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nameless = replace(CUSTOM, element=ir.CustomElement("", "odd", "it loops"))
    marker = replace(CUSTOM, element=ir.CustomElement(next(iter(MARKERS)), "m", "why"))
    one = module("a.c", described("vmstate_a", nameless, marker))
    (file,) = report(monkeypatch, tmp_path, program("toy", [one])).files
    assert [(part.status, part.reason) for part in file.parts[0].parts] == [
        ("custom", "an info without a name: it loops"),
        ("ok", ""),
    ]


def test_files_that_no_binary_contains_are_read_where_no_target_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = Diagnostic("VG201", "not C", Position("b.c", 3))
    inside = ir.Unread(
        "vmstate_lost", "d.c", (replace(lost, position=Position("d.c", 9)),)
    )
    strays = (
        ReadFile("a.c", module("a.c", described("vmstate_a", number("x")))),
        ReadFile("b.c", None, (lost,)),
        ReadFile("c.c", module("c.c")),
        ReadFile("d.c", replace(module("d.c", described("vmstate_d", number("x"))), unread=(inside,))),
    )  # fmt: skip
    asked: list[object] = []

    def read_strays(*known: object) -> tuple[ReadFile, ...]:
        asked.append(known)
        return strays

    monkeypatch.setattr(whole, "read_strays", read_strays)
    ours = program("toy", [module("own.c", described("vmstate_own", number("x")))])
    assert [one.name for one in report(monkeypatch, tmp_path, ours).files] == ["own.c"]
    assert not asked
    found = cover(tmp_path)
    assert [(one.name, one.status, one.reason) for one in found.files] == [
        ("a.c", "ok", "no binary of this configuration contains it"),
        ("b.c", "error", str(lost)),
        ("d.c", "error", str(inside.found[0])),
        ("own.c", "ok", ""),
    ]
    assert not found.is_complete
