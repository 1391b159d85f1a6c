"""What cannot be read costs nothing but itself, and is named."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from tests.generated_code import imported
from vmgen import cli, ir, lock
from vmgen.ir import json as ir_json
from vmgen.link import endless_lists
from vmgen.lookup import Lookup
from vmgen.pipeline import Request, compile_program, generate
from vmgen.source import VmgenError
from vmgen.verdict import judge, show, words

HEAD = (
    '#include "migration/vmstate.h"\n'
    "typedef struct Dev { uint32_t a, b; uint64_t c; } Dev;\n"
)


def table(symbol: str, *fields: str, more: str = "", static: bool = False) -> str:
    listed = ", ".join((*fields, "VMSTATE_END_OF_LIST()"))
    return (
        f"{'static ' * static}const VMStateDescription {symbol} = "
        f'{{ .name = "{symbol}", .fields = (const VMStateField[]) {{ {listed} }}, {more}}};\n'
    )


GOOD = table("vmstate_good", "VMSTATE_UINT32(a, Dev)")
BAD = table("vmstate_bad", "VMSTATE_UINT64(b, Dev)")
AROUND = table("vmstate_around", "VMSTATE_STRUCT(a, Dev, 0, vmstate_bad, uint32_t)")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(*texts: str) -> ir.Program:
    names = []
    for number, text in enumerate(texts):
        names.append(f"dev{number}.c")
        Path(names[-1]).write_text(HEAD + text)
    return compile_program(Request(sources=tuple(names)))


def symbols(program: ir.Program) -> list[str]:
    return [one.symbol for module in program.modules for one in module.descriptions]


def unread(program: ir.Program) -> dict[str, list[str]]:
    return {
        one.symbol or one.file: [found.code for found in one.found]
        for one in program.unread
    }


def test_a_wrong_type_hides_no_other_description(here: Path) -> None:
    program = read(BAD + GOOD)
    assert symbols(program) == ["vmstate_good"]
    assert unread(program) == {"vmstate_bad": ["VG310"]}
    (missing,) = program.unread
    assert (missing.file, missing.found[0].position.line) == ("dev0.c", 3)


@pytest.mark.parametrize(
    ("declaration", "code"),
    [
        ("", "VG308"),
        ("extern const VMStateDescription other;", "VG501"),
        ("extern int other;", "VG501"),
        ("int other;", "VG501"),
        ("extern const VMStateInfo other;", "VG501"),
        ("int other(int one);", "VG501"),
        ("static inline int other(int one) { return one; }", "VG501"),
    ],
)
@pytest.mark.parametrize("as_subsection", [False, True])
def test_a_name_that_is_declared_and_is_no_table_is_not_one(
    here: Path, declaration: str, code: str, as_subsection: bool
) -> None:
    listed = ".subsections = (const VMStateDescription * const []) { &other, NULL }"
    used = (
        table("vmstate_used", "VMSTATE_UINT32(b, Dev)", more=listed)
        if as_subsection
        else table("vmstate_used", "VMSTATE_STRUCT(a, Dev, 1, other, uint32_t)")
    )
    program = read(f"{declaration}\n{used}{GOOD}")
    assert symbols(program) == ["vmstate_good"]
    assert unread(program) == {"vmstate_used": [code]}


@pytest.mark.parametrize(
    ("added", "place"),
    [
        (0, "list"), (4, "list[1]"), (12, "list[3]"), (16, None), (20, None), (2, None),
        (-4, None),
    ],
)  # fmt: skip
def test_bytes_that_are_added_to_an_array_lead_to_one_of_its_elements(
    here: Path, added: int, place: str | None
) -> None:
    """Or to nothing: what lies behind the array is not the array."""
    row = (
        '{ .name = "x", .offset = offsetof(struct Raw, list) + '
        f"{added}, .size = 4, .info = &vmstate_info_uint32, .flags = VMS_SINGLE }}"
    )
    raw = "struct Raw { uint32_t before, list[4]; };\n"
    program = read(raw + table("vmstate_raw", row) + GOOD)
    if place is None:
        assert unread(program) == {"vmstate_raw": ["VG412"]}
    else:
        found = program.modules[0].descriptions[0]
        assert ir.path_text(found.fields[0].path) == place


def test_an_info_that_is_declared_and_not_set_is_nobodys(here: Path) -> None:
    program = read(f"static const VMStateInfo later;\nconst VMStateInfo zero;\n{GOOD}")
    assert symbols(program) == ["vmstate_good"]
    assert unread(program) == {}


def test_what_contains_it_is_read_with_one_opaque_field_for_it(here: Path) -> None:
    outer = table(
        "vmstate_outer",
        "VMSTATE_STRUCT(a, Dev, 1, vmstate_around, uint32_t)",
    )
    owner = table(
        "vmstate_owner",
        "VMSTATE_UINT32(a, Dev)",
        more=".subsections = (const VMStateDescription *const[]) { &vmstate_outer, NULL }",
    ).replace('"vmstate_owner"', '"vmstate_o"')
    program = read(
        BAD + GOOD + AROUND,
        f"extern const VMStateDescription vmstate_around;\n{outer}{owner}",
    )
    assert unread(program) == {"vmstate_bad": ["VG310"]}
    known = Lookup(program)
    (above,) = known.named(["vmstate_owner"])
    names = [one.description.symbol for one in known.below(above)]
    assert names == ["vmstate_around", "vmstate_bad", "vmstate_outer"]
    (stub,) = known.named(["vmstate_bad"])
    (field,) = stub.description.fields
    assert isinstance(field.element, ir.CustomElement)
    assert (field.element.unread, field.element.info) == ("VG310", "vmstate_bad")


def test_of_a_description_whose_name_is_not_known_nothing_stands_in_its_place(
    here: Path,
) -> None:
    nameless = GOOD.replace("vmstate_good", "vmstate_nameless")
    nameless = nameless.replace('"vmstate_nameless"', "gone()")
    program = read(GOOD + nameless + AROUND.replace("vmstate_bad", "vmstate_nameless"))
    assert symbols(program) == ["vmstate_good"]
    assert unread(program)["vmstate_around"] == ["VG507"]


OWNER = table(
    "dev",
    "VMSTATE_UINT32(a, Dev)",
    more=".subsections = (const VMStateDescription *const[]) { &vmstate_sub, NULL }",
)
NEED = "static bool asked(void *opaque) { Dev *d = opaque; return d->b; }\n"


def subsection(field: str) -> str:
    made = table("vmstate_sub", field, more=".needed = asked, .version_id = 3,")
    return NEED + made.replace('"vmstate_sub"', '"dev/sub"')


def test_streams_without_a_subsection_that_was_not_read_load_and_its_bytes_are_kept(
    here: Path,
) -> None:
    program = read(subsection("VMSTATE_UINT64(b, Dev)") + OWNER)
    with imported(generate([program])) as modules:
        made, runtime = modules["dev0"], modules["_runtime"]
        plain = b"\0\0\0\7"
        state, end = made.load_dev(plain)
        assert (end, state.sub, made.save_dev(state)) == (4, None, plain)
        sent = plain + b"\5\7dev/sub\0\0\0\3" + b"abcd" + b"\5\2xy\0\0\0\1" + b"e"
        with pytest.raises(runtime.MissingContext, match=r"vmstate_sub, .*VG310"):
            made.load_dev(sent)
        below = {"vmsd_name": "xy", "fields": [{"name": "e", "size": 1}]}
        fields = [{"name": "b", "size": 2, "array_len": 2}]
        known = {"vmsd_name": "dev/sub", "fields": fields, "subsections": [below]}
        described = {
            "vmsd_name": "dev",
            "fields": [{"name": "a", "size": 4}],
            "subsections": [known],
        }
        state, end = made.load_dev(sent, context=runtime.Context(description=described))
        assert (end, bytes(state.sub.unread)) == (len(sent), sent[17:])
        assert made.save_dev(state) == sent


def test_a_subsection_that_was_not_read_is_not_known_of_a_verdict_and_nothing_else(
    here: Path,
) -> None:
    both = read(subsection("VMSTATE_UINT64(b, Dev)") + OWNER + GOOD)
    whole = read(subsection("VMSTATE_UINT32(b, Dev)") + OWNER + GOOD)
    for old, new in ((both, both), (whole, both), (both, whole)):
        found = {one.section: one.forward for one in judge(old, new).sections}
        assert found["dev"].verdict == "unknown"
        assert found["dev"].findings[0].subsections in ((), ("dev/sub",))
        assert "VG310" in words.sentence(found["dev"].findings[0])
        assert found["vmstate_good"].verdict == "compatible"


def test_of_a_subsection_whose_condition_is_not_known_nothing_stands_in_its_place(
    here: Path,
) -> None:
    """It would seem to be there always."""
    bad = subsection("VMSTATE_UINT64(b, Dev)")
    program = read(bad + OWNER)
    (dev,) = Lookup(program).named(["dev"])
    (stub,) = Lookup(program).named(["dev/sub"])
    assert (dev.description.subsections, stub.description.needed) == (
        ("vmstate_sub",), "asked",
    )  # fmt: skip
    program = read(bad.replace(".needed = asked", ".needed = gone()") + OWNER + GOOD)
    assert symbols(program) == ["vmstate_good"]
    assert unread(program) == {"vmstate_sub": ["VG304", "VG310"], "dev": ["VG507"]}


@pytest.mark.parametrize(
    ("end", "subsections", "said"),
    [
        ("", "&vmstate_good, NULL", ["fields"]),
        (", VMSTATE_END_OF_LIST()", "&vmstate_good", ["subsections"]),
        ("", "&vmstate_good", ["fields", "subsections"]),
    ],
)
def test_a_list_without_its_end_has_what_c_gives_it_and_is_said(
    here: Path, end: str, subsections: str, said: list[str]
) -> None:
    """Read as a QEMU does whose next bytes in memory are zero."""
    text = (
        'const VMStateDescription vmstate_open = { .name = "vmstate", .fields ='
        f" (const VMStateField[]) {{ VMSTATE_UINT32(b, Dev){end} }}, .subsections ="
        f" (const VMStateDescription *const[]) {{ {subsections} }} }};\n"
    )
    program = read(GOOD + text)
    (placed,) = Lookup(program).named(["vmstate_open"])
    assert [one.name for one in placed.description.fields] == ["b"]
    assert placed.description.subsections == ("vmstate_good",)
    warned = endless_lists([program])
    assert [(one.code, one.severity, one.position.line) for one in warned] == [
        ("VG408", "warning", 4)
    ] * len(said)
    assert [one.message.split()[3] for one in warned] == said
    (section,) = judge(program, program).sections
    notes = [one for one in section.forward.notes if one.kind == "endless-list"]
    assert [one.source.text for one in notes if one.source.what] == said
    assert "assumed to be zero" in words.sentence(notes[0])


def test_a_file_that_cannot_be_read_costs_no_other(here: Path) -> None:
    program = read(GOOD, '#include "nowhere.h"\n')
    assert symbols(program) == ["vmstate_good"]
    assert unread(program) == {"dev1.c": ["VG110"]}


GONE = '#include "gone.h"\n'


@pytest.mark.parametrize("preprocessor", ["cc", "pcpp"])
def test_a_missing_header_costs_what_needs_a_name_of_it(
    here: Path, preprocessor: Literal["cc", "pcpp"]
) -> None:
    texts = {
        "type": "typedef struct { Gone gone; uint32_t a; } Type;\n"
        + table("vmstate_type", "VMSTATE_UINT32(gone, Type)"),
        "number": table(
            "vmstate_number", "VMSTATE_UINT32(a, Dev)", more=".version_id = GONE,"
        ),
        "macro": table("vmstate_macro", "VMSTATE_GONE(a, Dev)"),
        "other": table("vmstate_other", "VMSTATE_UINT32(a, Type)"),
    }
    Path("dev.c").write_text(HEAD + GONE + "\n".join(texts.values()))
    program = compile_program(Request(sources=("dev.c",), preprocessor=preprocessor))
    assert symbols(program) == ["vmstate_other"]
    assert set(unread(program)) == {f"vmstate_{name}" for name in texts} - {
        "vmstate_other"
    }
    for missing in program.unread:
        first = missing.found[0]
        assert (first.code, first.position.line) == ("VG110", 3)
        assert "gone.h" in first.message


@pytest.mark.parametrize("preprocessor", ["cc", "pcpp"])
@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("#define ROWS 2\n#ifdef GONE_ROWS\n#undef ROWS\n#define ROWS 3\n#endif\n"
         "typedef struct { uint8_t b[4]; } Rows;\n"
         + table("vmstate_rows", "VMSTATE_UINT8_SUB_ARRAY(b, Rows, 0, ROWS)"), True),
        ("#if GONE_VERSION >= 7\n" + table("vmstate_rows", "VMSTATE_UINT8(b, Dev)") + "#endif\n", True),
        ("#ifdef GONE_DEBUG\n#define SAY(x) say(x)\n#else\n#define SAY(x)\n#endif\n", False),
        ("#ifdef CONFIG_GONE\n" + table("vmstate_rows", "VMSTATE_UINT8(b, Dev)") + "#endif\n", False),
        ("#ifndef OWN\n#define OWN 1\n" + table("vmstate_own", "VMSTATE_UINT32(b, Dev)") + "#endif\n", False),
    ],
)  # fmt: skip
def test_a_condition_that_a_missing_header_may_decide_drops_nothing_in_silence(
    here: Path, text: str, lost: bool, preprocessor: Literal["cc", "pcpp"]
) -> None:
    Path("dev.c").write_text(HEAD + GONE + text + GOOD)
    program = compile_program(Request(sources=("dev.c",), preprocessor=preprocessor))
    assert "vmstate_good" in symbols(program)
    expected = {"vmstate_rows": ["VG110", "VG114"]} if lost else {}
    assert unread(program) == expected


def test_headers_in_other_folders_are_missed_too_and_each_is_named(here: Path) -> None:
    Path("own.h").write_text('#include <vendor/one.h>\n#include "../../two.h"\n')
    bad = table("vmstate_bad", "VMSTATE_UINT32(a, Gone)")
    program = read('#include "own.h"\n' + bad + GOOD)
    assert symbols(program) == ["vmstate_good"]
    places = [str(one.position) for one in program.unread[0].found[:2]]
    assert places == ["own.h:1:11", "own.h:2:11"]


def test_functions_of_what_was_left_out_go_with_it(here: Path) -> None:
    need = "static bool {0}(void *opaque) {{ Dev *d = opaque; return d->a; }}\n"
    bad = table("vmstate_bad", "VMSTATE_UINT64(b, Dev)", more=".needed = one")
    good = table("vmstate_good", "VMSTATE_UINT32(a, Dev)", more=".needed = two")
    program = read(need.format("one") + need.format("two") + bad + good)
    (module,) = program.modules
    assert [one.symbol for one in module.functions] == ["two"]


def test_where_nothing_is_left_all_reasons_are_raised(here: Path) -> None:
    with pytest.raises(VmgenError) as caught:
        read(BAD + BAD.replace("vmstate_bad", "vmstate_worse"))
    found = [one.code for one in caught.value.diagnostics]
    assert found == ["VG310", "VG310"]


def test_what_was_not_read_comes_back_from_json(here: Path) -> None:
    program = read(BAD + GOOD, '#include "nowhere.h"\n')
    assert ir_json.loads(ir_json.dumps(program)) == program


def test_generate_writes_the_rest_and_says_what_is_missing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("dev.c").write_text(HEAD + BAD + GOOD)
    for _ in range(2):  # what is missing is said each time
        assert cli.run(["generate", "dev.c"]) == 1
        said = capsys.readouterr().err
        assert "[VG310]" in said
        assert "1 of 2 descriptions not read: dev.c vmstate_bad" in said
    assert "class Dev" in Path("generated/dev.py").read_text()
    written = json.loads(Path("generated/ir.json").read_text())
    assert [one["symbol"] for one in written["unread"]] == ["vmstate_bad"]
    assert "VMSTATE_UINT64" not in json.dumps(written)
    assert cli.run(["check", "dev.c"]) == 1


def test_strict_writes_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("dev.c").write_text(HEAD + BAD + GOOD)
    assert cli.run(["generate", "--strict", "dev.c"]) == 2
    assert "[VG310]" in capsys.readouterr().err
    assert not Path("generated").exists()
    Path("dev.c").write_text(HEAD + GOOD)
    assert cli.run(["generate", "--strict", "dev.c"]) == 0


def stored(program: ir.Program) -> ir.Program:
    """The program as a lock has it."""
    (found,) = lock.loads(lock.dumps([program]))
    return found


def test_a_verdict_on_what_was_not_read_is_could_not_tell(here: Path) -> None:
    whole = read(table("vmstate_bad", "VMSTATE_UINT32(b, Dev)") + GOOD)
    partial = read(BAD + GOOD)
    for old, new in ((whole, partial), (partial, whole), (partial, stored(partial))):
        judgement = judge(old, new)
        verdicts = {
            one.section: (one.forward.verdict, one.backward.verdict)
            for one in judgement.sections
        }
        assert verdicts == {
            "vmstate_bad": ("unknown", "unknown"),
            "vmstate_good": ("compatible", "compatible"),
        }
        assert show.status([judgement], show.BOTH, strict=False) == 3
        assert "vmgen could not read it: " in show.text(judgement)


def test_a_part_that_was_not_read_is_said_of_the_section_it_is_in(here: Path) -> None:
    inner = table("vmstate_bad", "VMSTATE_UINT32(b, Dev)")
    whole, partial = read(inner + AROUND + GOOD), read(BAD + AROUND + GOOD)
    judgement = judge(whole, partial)
    assert {one.section: one.forward.verdict for one in judgement.sections} == {
        "vmstate_around": "unknown",
        "vmstate_good": "compatible",
    }


def test_sections_of_a_file_that_was_not_read_are_not_missing(here: Path) -> None:
    whole = read(GOOD, table("vmstate_other", "VMSTATE_UINT32(a, Dev)"))
    partial = read(GOOD, '#include "nowhere.h"\n')
    judgement = judge(whole, partial)
    kinds = [
        (one.section, finding.kind)
        for one in judgement.sections
        for finding in one.forward.findings
    ]
    assert kinds == [("vmstate_other", "section-unread")]


def test_a_registered_section_that_was_not_read_keeps_its_name(here: Path) -> None:
    partial = read(BAD + GOOD)
    root = ir.Root(
        "vmstate_bad", "dev0.c", "dev0.c", "vmstate_register", "realize", "bad"
    )
    good = replace(root, symbol="vmstate_good", section="good")
    partial = replace(partial, roots=(root, good))
    sections = {one.section: one.forward for one in judge(partial, partial).sections}
    assert sections["bad"].verdict == "unknown"
    assert sections["vmstate_good"].verdict == "compatible"
    absent = judge(replace(partial, roots=(good,), unread=()), partial)
    assert [one.backward.verdict for one in absent.sections] == [
        "compatible",
        "unknown",
    ]


def test_field_by_field_what_was_not_read_is_no_same(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    partial = read(BAD + GOOD)
    for name in ("old.json", "new.json"):
        Path(name).write_text(ir_json.dumps(partial))
    assert cli.run(["diff", "--fields", "old.json", "new.json"]) == 1
    said = capsys.readouterr().out
    assert "1 description the same, 1 different" in said
    assert "vmstate_bad (not read)" in said
    assert cli.run(["diff", "old.json", "new.json"]) == 3


def test_a_lock_says_what_was_not_read(here: Path) -> None:
    partial = read(BAD + GOOD, '#include "nowhere.h"\n')
    text = lock.dumps([partial])
    assert [(one.file, one.symbol) for one in stored(partial).unread] == [
        ("dev0.c", "vmstate_bad"),
        ("dev1.c", ""),
    ]
    assert "VMSTATE_UINT64" not in text
    assert lock.dumps([stored(partial)]) == text


def test_the_package_says_why_a_codec_is_missing(here: Path) -> None:
    Path("dev.c").write_text(HEAD + BAD + GOOD)
    assert cli.run(["generate", "dev.c"]) == 1
    code = (
        "import generated\n"
        "for ask in (lambda: generated.CODECS['0000:00:02.0/bad'],\n"
        "            lambda: generated.load_bad, lambda: generated.CODECS['other']):\n"
        "    try:\n"
        "        ask()\n"
        "    except (KeyError, AttributeError) as error:\n"
        "        print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(said) == 3
    for line in said[:2]:
        assert "its description was not read: dev.c:3:" in line
        assert "[VG310]" in line
    assert said[2] == "'other'"
