"""Each rule finds its mistake, and nothing in the table next to it that is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vmgen import ir
from vmgen.cli import run
from vmgen.lint import CODES, CSources
from vmgen.lint.linted import Linted
from vmgen.lint.words import WORDS

HEAD = """\
#include "migration/vmstate.h"

typedef struct Inner {
    uint32_t word;
    uint32_t other;
} Inner;

typedef uint8_t *Bytes;

typedef struct Dev {
    Inner inner;
    Inner second;
    uint32_t control;
    uint32_t status;
    uint32_t count;
    uint32_t mode;
    uint32_t fifo_level;
    uint8_t fifo[16];
    Bytes behind;
    uint32_t *words;
    Inner *inners[2];
    uint8_t *data;
} Dev;

typedef struct Board {
    uint32_t revision;
    Dev dev;
} Board;

typedef struct Alien {
    uint64_t far;
    uint64_t away;
} Alien;

typedef struct DeviceClass {
    const VMStateDescription *vmsd;
} DeviceClass;

static bool dev_needed(void *opaque)
{
    Dev *s = opaque;

    return s->control != 0;
}

static bool inner_needed(void *opaque)
{
    Inner *s = opaque;

    return s->word != 0;
}

static bool alien_needed(void *opaque)
{
    Alien *s = opaque;

    return s->far != 0;
}

static bool own_test(void *opaque, int version_id)
{
    Dev *s = opaque;

    return s->control != 0;
}

static bool board_test(void *opaque, int version_id)
{
    Board *s = container_of(opaque, Board, dev);

    return s->revision != 0;
}

static int get_word(QEMUFile *f, void *pv, size_t size, const VMStateField *field)
{
    *(uint32_t *)pv = qemu_get_be32(f);
    return 0;
}

static int put_word(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                    JSONWriter *desc)
{
    qemu_put_be32(f, *(uint32_t *)pv);
    return 0;
}

static int put_half(QEMUFile *f, void *pv, size_t size, const VMStateField *field,
                    JSONWriter *desc)
{
    qemu_put_be16(f, *(uint32_t *)pv);
    return 0;
}

static const VMStateInfo info_good = {
    .name = "word",
    .get = get_word,
    .put = put_word,
};
"""


def table(
    *fields: str,
    symbol: str = "vmstate_dev",
    head: str = '.name = "dev", .version_id = 2, .minimum_version_id = 1,',
    subsections: str = "",
    static: bool = False,
) -> str:
    """A table, one field a line."""
    lines = "".join(f"        {one},\n" for one in fields)
    tail = (
        f"    .subsections = (const VMStateDescription *const[]) {{ {subsections} NULL }},\n"
        if subsections
        else ""
    )
    return (
        f"{'static ' * static}const VMStateDescription {symbol} = {{\n    {head}\n"
        f"    .fields = (const VMStateField[]) {{\n{lines}"
        f"        VMSTATE_END_OF_LIST()\n    }},\n{tail}}};\n"
    )


def sub(name: str, *more: str, symbol: str = "vmstate_sub") -> str:
    head = (
        f'.name = "{name}", .version_id = 1, .minimum_version_id = 1, {"".join(more)}'
    )
    return table("VMSTATE_UINT32(count, Dev)", symbol=symbol, head=head, static=True)


CONTROL = "VMSTATE_UINT32(control, Dev)"
COUNTED = "VMSTATE_VBUFFER_UINT32(data, Dev, 1, NULL, count)"
INNER = table(
    "VMSTATE_UINT32(word, Inner)",
    symbol="vmstate_inner",
    head='.name = "inner", .version_id = 1, .minimum_version_id = 1,',
    static=True,
)
INFO = (
    'static const VMStateInfo info_bad = {{\n    .name = "word",\n    .get = get_word,\n'
    "{put}}};\n"
)

CASES: dict[str, tuple[str, str]] = {
    "VG801": (
        INFO.format(put="    .put = put_half,\n")
        + table("VMSTATE_SINGLE(control, Dev, 0, info_bad, uint32_t)"),
        table("VMSTATE_SINGLE(control, Dev, 0, info_good, uint32_t)"),
    ),
    "VG802": (
        INFO.format(put="")
        + table("VMSTATE_SINGLE(control, Dev, 0, info_bad, uint32_t)"),
        table("VMSTATE_SINGLE(control, Dev, 0, info_good, uint32_t)"),
    ),
    "VG803": (
        table(CONTROL, "VMSTATE_UINT32_V(status, Dev, 3)"),
        table(CONTROL, "VMSTATE_UINT32_V(status, Dev, 2)"),
    ),
    "VG804": (
        table(COUNTED, "VMSTATE_UINT32(count, Dev)"),
        table("VMSTATE_UINT32(count, Dev)", COUNTED),
    ),
    "VG805": (
        table(CONTROL, "VMSTATE_UINT32(status, Dev)", CONTROL),
        table(
            CONTROL,
            "VMSTATE_UINT8_SUB_ARRAY(fifo, Dev, 0, 8)",
            "VMSTATE_UINT8_SUB_ARRAY(fifo, Dev, 8, 8)",
            "VMSTATE_UNUSED(4)",
            "VMSTATE_UNUSED(4)",
        ),
    ),
    "VG806": (
        table(
            "{ .info = &vmstate_info_uint32, .size = 4, .flags = VMS_SINGLE,"
            " .offset = offsetof(Dev, control) }"
        ),
        table(CONTROL),
    ),
    "VG807": (
        table(CONTROL, head=".version_id = 1, .minimum_version_id = 1,"),
        table(CONTROL),
    ),
    "VG808": (
        table(CONTROL, head='.name = "dev", .version_id = 2,'),
        # A stream says no version of a table inside of a field, and none that code has.
        INNER.replace(" .minimum_version_id = 1,", "")
        + table(CONTROL, head='.name = "own", .version_id = 1,', symbol="vmstate_own")
        + table(
            CONTROL,
            "VMSTATE_STRUCT(second, Dev, 1, vmstate_inner, Inner)",
            head='.name = "dev", .version_id = 2, .minimum_version_id = 0,',
        )
        + "static int load(QEMUFile *f, Dev *s)\n{\n"
        "    return vmstate_load_state(f, &vmstate_own, s, 1, NULL);\n}\n",
    ),
    "VG809": (
        table(),
        table(head='.name = "dev", .version_id = 1, .unmigratable = 1,'),
    ),
    "VG810": (
        sub("dev/sub") + table(CONTROL, subsections="&vmstate_sub,"),
        sub("dev/sub", ".needed = dev_needed,")
        + table(CONTROL, subsections="&vmstate_sub,"),
    ),
    "VG811": (
        sub("dev/sub", ".needed = dev_needed,")
        + sub("dev/sub", ".needed = dev_needed,", symbol="vmstate_two")
        + table(CONTROL, subsections="&vmstate_sub, &vmstate_two,"),
        sub("dev/sub", ".needed = dev_needed,")
        + sub("dev/two", ".needed = dev_needed,", symbol="vmstate_two")
        + table(CONTROL, subsections="&vmstate_sub, &vmstate_two,"),
    ),
    "VG812": (
        table(CONTROL, static=True),
        table(CONTROL, static=True) + "static void dev_class_init(DeviceClass *dc)\n{\n"
        "    dc->vmsd = &vmstate_dev;\n}\n",
    ),
    "VG814": (
        sub("dev/sub", ".needed = alien_needed,")
        + table(CONTROL, subsections="&vmstate_sub,"),
        # A struct's first member is where the struct is; QEMU calls no '.needed' of a
        # table inside of a field.
        sub("dev/sub", ".needed = inner_needed,")
        + INNER.replace(".fields", ".needed = alien_needed,\n    .fields")
        + table(
            CONTROL,
            "VMSTATE_STRUCT(second, Dev, 1, vmstate_inner, Inner)",
            subsections="&vmstate_sub,",
        ),
    ),
    "VG815": (
        table(CONTROL, "VMSTATE_UINT32_TEST(count, Dev, board_test)"),
        table(CONTROL, "VMSTATE_UINT32_TEST(count, Dev, own_test)"),
    ),
    "VG820": (
        table(
            "VMSTATE_UINT32(count, Dev)",
            "VMSTATE_VBUFFER_UINT32(fifo, Dev, 1, NULL, count)",
        ),
        table("VMSTATE_UINT32(count, Dev)", COUNTED, "VMSTATE_BUFFER(fifo, Dev)"),
    ),
    "VG821": (
        table("VMSTATE_BUFFER_UNSAFE(data, Dev, 1, 8)"),
        # Behind a typedef, in an array of pointers, with an info for the pointer itself.
        INNER
        + table(
            "VMSTATE_BUFFER_UNSAFE(fifo, Dev, 1, 8)",
            "VMSTATE_UINT32(count, Dev)",
            "VMSTATE_VBUFFER_UINT32(behind, Dev, 1, NULL, count)",
            "VMSTATE_SINGLE(words, Dev, 0, info_good, uint32_t *)",
            "VMSTATE_ARRAY_OF_POINTER_TO_STRUCT(inners, Dev, 2, 1, vmstate_inner, Inner)",
        ),
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def linted(
    text: str, capsys: pytest.CaptureFixture[str], *options: str
) -> list[dict[str, object]]:
    """What a run says of one file; its exit status is 1 if that is something, else 0."""
    Path("dev.c").write_text(text)
    status = run(["lint", "dev.c", "--format", "json", *options])
    out = capsys.readouterr().out
    found = [json.loads(line) for line in out.splitlines()]
    assert status == bool(found)
    return found


@pytest.mark.parametrize("code", CASES)
def test_a_rule_finds_its_mistake_and_not_what_is_right(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad, good = CASES[code]
    found = linted(HEAD + bad, capsys)
    assert [one["code"] for one in found] == [code]
    (one,) = found
    line = (HEAD + bad).splitlines()[int(str(one["line"])) - 1]
    assert (one["excerpt"], one["severity"]) == (line, "warning")
    assert linted(HEAD + good, capsys) == []


def test_a_nested_table_of_another_struct_is_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nested = "VMSTATE_STRUCT(inner, Dev, 1, vmstate_alien, Inner)"
    alien = INNER.replace("(word, Inner)", "(count, Dev)").replace("inner", "alien")
    (found,) = linted(HEAD + alien + table(CONTROL, nested), capsys)
    assert found["code"] == "VG814"
    assert "vmstate_alien" in str(found["message"])


@pytest.mark.parametrize("version", ["version_id", "s->mode"])
def test_a_version_that_a_stream_says_has_a_minimum(
    version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = table(
        CONTROL, head='.name = "dev/old", .version_id = 1,', symbol="vmstate_old"
    )
    below = old.replace("    .fields", "    .needed = dev_needed,\n    .fields", 1)
    (found,) = linted(
        HEAD + below + table(CONTROL, subsections="&vmstate_old,"), capsys
    )
    assert (found["code"], found["context"]) == ("VG808", ["vmstate_old"])
    loads = (
        "static int load(QEMUFile *f, Dev *s, int version_id)\n{\n"
        f"    return vmstate_load_state(f, &vmstate_old, s, {version}, NULL);\n}}\n"
    )
    (found,) = linted(HEAD + old + loads, capsys)
    assert (found["code"], found["context"]) == ("VG808", ["vmstate_old"])


def test_a_line_a_run_and_a_project_switch_rules_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = HEAD + CASES["VG805"][0]
    assert [one["code"] for one in linted(bad, capsys)] == ["VG805"]
    assert linted(bad, capsys, "--ignore", "VG805") == []
    assert linted(bad, capsys, "--ignore", "VG8") == []
    assert linted(bad, capsys, "--select", "VG801,vg803") == []
    assert [one["code"] for one in linted(bad, capsys, "--select", "VG805")] == [
        "VG805"
    ]
    head, _, last = bad.rpartition("control, Dev),")
    for noqa, left in (
        ("// vmgen: noqa", 0),
        ("/* vmgen: noqa: VG801, VG805 */", 0),
        ("// vmgen: noqa: VG801", 1),
    ):
        text = f"{head}control, Dev), {noqa}{last}"
        assert len(linted(text, capsys)) == left
    Path("pyproject.toml").write_text('[tool.vmgen.lint]\nignore = ["VG805"]\n')
    assert linted(bad, capsys) == []


def test_a_code_that_no_rule_has_is_bad_input(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("dev.c").write_text(HEAD)
    assert run(["lint", "dev.c", "--ignore", "VG999"]) == 2
    assert "[VG616]" in capsys.readouterr().err
    Path("pyproject.toml").write_text('[tool.vmgen.lint]\nignore = "VG805"\n')
    assert run(["lint", "dev.c"]) == 2
    assert "[VG612]" in capsys.readouterr().err
    Path("pyproject.toml").unlink()
    assert run(["lint"]) == 2


def test_what_cannot_be_read_costs_itself_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = table("VMSTATE_UINT32(absent, Dev)", symbol="vmstate_wrong")
    Path("dev.c").write_text(HEAD + wrong + CASES["VG805"][0])
    other = CASES["VG803"][0].replace("vmstate_dev", "vmstate_other")
    Path("broken.c").write_text(HEAD + "int ( ;\n" + other + "}}}{{{(((")
    assert run(["lint", "dev.c", "broken.c", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    found = {(one["file"], one["code"]) for one in map(json.loads, out.splitlines())}
    assert found >= {("dev.c", "VG805"), ("broken.c", "VG803")}
    assert {code for _, code in found} == {"VG805", "VG803", "VG303"}
    assert "[VG303]" in err


def test_sarif_has_every_rule_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("dev.c").write_text(HEAD + CASES["VG805"][0])
    assert run(["lint", "dev.c", "--format", "sarif"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == "2.1.0"
    (made,) = document["runs"]
    rules = made["tool"]["driver"]["rules"]
    assert {one["id"] for one in rules} == set(CODES)
    (result,) = made["results"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "VG805"
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "dev.c"}
    region = place["physicalLocation"]["region"]
    line = Path("dev.c").read_text().splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 :].startswith("control")


def test_annotations_of_a_ci(capsys: pytest.CaptureFixture[str]) -> None:
    Path("dev.c").write_text(HEAD + CASES["VG805"][0])
    assert run(["lint", "dev.c", "--format", "github"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("::warning file=dev.c,line=")
    assert ",title=VG805::" in out


def test_every_rule_has_cases() -> None:
    assert set(CASES) | {"VG813", "VG816", "VG817", "VG818", "VG819"} == set(WORDS)


# --- what post_load does with values of the stream ------------------------------------------

SENT = (
    "VMSTATE_UINT32(count, Dev)", "VMSTATE_UINT8(small, Dev)", "VMSTATE_INT32_POSITIVE_LE(limit, Dev)",
    "VMSTATE_UINT8_ARRAY(fifo, Dev, 16)",
)  # fmt: skip


def indexed(
    capsys: pytest.CaptureFixture[str], body: str, *fields: str, more: str = ""
) -> list[str]:
    """The members that a post_load is said to index with."""
    hook = (
        "static int dev_post_load(void *opaque, int version_id)\n{\n"
        f"    Dev *s = opaque;\n    int i;\n\n    {body}\n    return 0;\n}}\n"
    )
    members = "    uint8_t wide[256];\n    uint8_t small;\n    int32_t limit;\n    uint8_t *data;\n} Dev;"
    head = HEAD.replace("    uint8_t *data;\n} Dev;", members)
    assert head != HEAD
    text = head + more + hook + table(*SENT, *fields, head=LOADED)
    found = linted(text, capsys, "--select", "VG817")
    return [str(one["context"][1]) for one in found]  # type: ignore[index]


@pytest.mark.parametrize(
    ("body", "member"),
    [
        ("s->mode = s->fifo[s->count];", "count"),
        ("s->fifo[s->count - 1] = 0;", "count"),
        ("i = s->count + 1;\n    s->fifo[i] = 0;", "count"),
        ("for (i = 0; i < s->count; i++) {\n        s->fifo[i] = 0;\n    }", "count"),
        ("for (i = s->count; i > 0; i--) {\n        s->fifo[i] = 0;\n    }", "count"),
        ("s->fifo[s->small] = 0;", "small"),
        ("if (s->count) {\n        s->fifo[s->count] = 0;\n    }", "count"),
        ("s->fifo[s->count] = 0;\n    if (s->count > 15) {\n        return -1;\n    }", "count"),
        ("clear(s, s->count);", "count"),
        ("clear_own(s);", "count"),
    ],
)  # fmt: skip
def test_a_post_load_that_indexes_with_what_the_stream_says_is_found(
    body: str, member: str, capsys: pytest.CaptureFixture[str]
) -> None:
    helpers = (
        "static void clear(Dev *s, int at)\n{\n    s->fifo[at] = 0;\n}\n\n"
        "static void clear_own(Dev *s)\n{\n    s->fifo[s->count] = 0;\n}\n\n"
    )
    assert indexed(capsys, body, more=helpers) == [member]


@pytest.mark.parametrize(
    "body",
    [
        "if (s->count >= 16) {\n        return -1;\n    }\n    s->fifo[s->count] = 0;",
        "i = s->count;\n    if (i > 15) {\n        return -1;\n    }\n    s->fifo[i] = 0;",
        "s->fifo[s->count & 15] = 0;",
        "s->fifo[s->count % 16] = 0;",
        "s->count = 3;\n    s->fifo[s->count] = 0;",
        "s->count &= 15;\n    s->fifo[s->count] = 0;",
        "assert(s->count < 16);\n    s->fifo[s->count] = 0;",
        "for (i = 0; i < 16; i++) {\n        s->fifo[i] = s->count;\n    }",
        "i = s->count;\n    i = 2;\n    s->fifo[i] = 0;",
        # No field sends it, or the field itself bounds it.
        "s->fifo[s->mode] = 0;",
        "s->fifo[s->limit] = 0;",
        # Memory that a pointer leads to has a length of its own.
        "s->data[s->count] = 0;",
    ],
)
def test_an_index_that_something_bounds_is_not_found(
    body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert indexed(capsys, body) == []


def test_a_validated_index_and_one_too_narrow_are_not_found(
    capsys: pytest.CaptureFixture[str],
) -> None:
    test = (
        "static bool count_fits(void *opaque, int version_id)\n{\n"
        "    Dev *s = opaque;\n\n    return s->count < 16;\n}\n\n"
    )
    fits = 'VMSTATE_VALIDATE("count fits", count_fits)'
    assert indexed(capsys, "s->fifo[s->count] = 0;", fits, more=test) == []
    wide = "VMSTATE_UINT8_ARRAY(wide, Dev, 256)"
    assert indexed(capsys, "s->wide[s->small] = 0;", wide) == []


# --- state that no table sends ------------------------------------------------------------

CALLBACKS = """\
static void dev_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{{
    Dev *s = opaque;

    {write}
}}

static uint64_t dev_read(void *opaque, hwaddr addr, unsigned size)
{{
    Dev *s = opaque;

    {read}
}}

static const MemoryRegionOps dev_ops = {{
    .read = dev_read,
    .write = dev_write,
}};

static int dev_post_load(void *opaque, int version_id)
{{
    Dev *s = opaque;

    {post_load}
    return 0;
}}
"""
LOADED = '.name = "dev", .version_id = 1, .minimum_version_id = 1, .post_load = dev_post_load,'


def state(
    capsys: pytest.CaptureFixture[str],
    write: str,
    read: str,
    *fields: str,
    post_load: str = "",
    more: str = "",
) -> list[str]:
    """The members of a device that are said to be missing."""
    code = CALLBACKS.format(write=write, read=read, post_load=post_load)
    text = HEAD + more + code + table(CONTROL, *fields, head=LOADED)
    found = linted(text, capsys, "--select", "VG816")
    return [str(one["context"][1]) for one in found]  # type: ignore[index]


def test_state_that_a_callback_leaves_and_another_reads_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept = "s->mode = value;", "return s->mode;"
    assert state(capsys, *kept) == ["mode"]
    assert state(capsys, "s->fifo[addr] = value;", "return s->fifo[0];") == ["fifo"]
    assert state(capsys, "s->inner.word |= value;", "return s->inner.word;") == [
        "inner.word"
    ]
    # What a timer or an interrupt leaves is state, too.
    timer = (
        "static void dev_tick(void *opaque)\n{\n    Dev *s = opaque;\n\n"
        "    s->count++;\n}\n\n"
        "static void dev_init(Dev *s)\n{\n"
        "    timer_new_ns(QEMU_CLOCK_VIRTUAL, dev_tick, s);\n}\n"
    )
    assert state(capsys, "", "return s->count;", more=timer) == ["count"]


def test_what_a_connection_of_the_host_leaves_is_not_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each side has its own: what a character device brings is state, that it opens is
    not."""
    handlers = (
        "static void dev_event(void *opaque, {argument})\n{{\n    Dev *s = opaque;\n\n"
        "    s->mode = 1;\n}}\n\n"
        "static void dev_set(Dev *s)\n{{\n"
        "    qemu_chr_fe_set_handlers(&s->chr, NULL, NULL, dev_event, NULL, s, NULL, true);"
        "\n}}\n"
    )
    opened = handlers.format(argument="QEMUChrEvent event")
    assert state(capsys, "", "return s->mode;", more=opened) == []
    received = handlers.format(argument="const uint8_t *buf, int size")
    assert state(capsys, "", "return s->mode;", more=received) == ["mode"]


@pytest.mark.parametrize(
    ("write", "read", "fields", "post_load"),
    [
        # It is sent.
        ("s->mode = value;", "return s->mode;", ["VMSTATE_UINT32(mode, Dev)"], ""),
        # It is computed anew.
        ("s->mode = value;", "return s->mode;", [], "s->mode = s->control & 3;"),
        # Nothing reads it, or nobody but people.
        ("s->mode = value;", "return 0;", [], ""),
        ("s->mode = value;", 'trace_dev("%d", s->mode); return 0;', [], ""),
        ("s->mode = 0;", 'if (!s->mode) {\n        qemu_log_mask(LOG_GUEST_ERROR, "mode %d",'
         " s->mode);\n        s->mode = true;\n    }\n    return 0;", [], ""),
        # Whoever reads it has written it before.
        ("s->mode = value;", "s->mode = 1; return s->mode;", [], ""),
        ("s->mode = value;", "for (int i = 0; i < 4; i++) {\n        s->fifo[i] = 0;\n"
         "    }\n    return s->fifo[2];", [], ""),
        # A pointer belongs to the host.
        ("s->data = NULL;", "return s->data != NULL;", [], ""),
    ],
)  # fmt: skip
def test_what_is_sent_computed_or_scratch_is_not_missing(
    write: str,
    read: str,
    fields: list[str],
    post_load: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert state(capsys, write, read, *fields, post_load=post_load) == []


@pytest.mark.parametrize(
    "read",
    [
        'if (!s->mode) {\n        warn_report("m");\n        s->mode = true;\n    }'
        "\n    return s->mode;",
        'if (!s->mode) {\n        warn_report("m");\n        s->control = 1;'
        "\n        s->mode = true;\n    }\n    return 0;",
        'if (!s->mode) {\n        warn_report("m");\n    } else {\n        s->control = 1;'
        "\n    }\n    return 0;",
        "if (!s->mode) {\n        s->mode = true;\n    }\n    return 0;",
        'if (s->mode) {\n        warn_report("m");\n        return 1;\n    }\n    return 0;',
    ],
)
def test_what_does_more_than_report_once_is_state(
    read: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert state(capsys, "s->mode = value;", read) == ["mode"]


def test_a_write_under_a_condition_does_not_make_scratch(
    capsys: pytest.CaptureFixture[str],
) -> None:
    read = "if (addr) {\n        s->mode = 1;\n    }\n    return s->mode;"
    assert state(capsys, "s->mode = value;", read) == ["mode"]
    cases = (
        "switch (addr) {\n    case 0:\n        s->mode = 1;\n        return 0;\n"
        "    default:\n        return s->mode;\n    }"
    )
    assert state(capsys, "s->mode = value;", cases) == ["mode"]


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        ("Inner *q = &s->second;\n    q->other = value;", ["second.other"]),
        ("Inner *q = &s->second;\n    s->control = q->other;", []),
        # The table has this one.
        ("Inner *q = &s->inner;\n    q->word = value;", []),
        # Nobody knows whose it is.
        ("Inner *q = &unknown->second;\n    q->other = value;", []),
    ],
)
def test_a_pointer_to_a_member_is_followed(
    write: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    read = "Inner *q = &s->second;\n    return q->other & s->inner.word;"
    fields = "VMSTATE_UINT32(inner.word, Dev)"
    code = CALLBACKS.format(write=write, read=read, post_load="")
    text = HEAD + code + table(CONTROL, fields, head=LOADED)
    text = text.replace("    Inner inner;", "    uint32_t first;\n    Inner inner;")
    found = linted(text, capsys, "--select", "VG816")
    assert [one["context"][1] for one in found] == expected  # type: ignore[index]


def test_a_pointer_to_a_struct_with_a_table_is_one_to_this_struct(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where it points into another struct that has a table: the state is the part's."""
    write = "Board *b = opaque;\n    Dev *s = &b->dev;\n    s->mode = value;"
    code = CALLBACKS.replace(
        "    Dev *s = opaque;\n\n    {write}", "    {write}"
    ).format(write=write, read="return s->mode;", post_load="")
    board = table("VMSTATE_UINT32(revision, Board)", symbol="vmstate_board")
    text = HEAD + code + board + table(CONTROL, head=LOADED)
    found = linted(text, capsys, "--select", "VG816")
    assert [one["context"][1] for one in found] == ["mode"]  # type: ignore[index]


def test_a_record_that_one_struct_has_inside_once_is_part_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A function that gets a pointer to the part."""
    helper = (
        "static void fill(Part *p, uint64_t value)\n{\n    p->level = value;\n}\n\n"
    )
    part = "typedef struct Part {\n    uint32_t level;\n} Part;\n\n"
    code = helper + CALLBACKS.format(
        write="fill(&s->part, value);", read="return s->part.level;", post_load=""
    )
    text = HEAD.replace("typedef struct Dev {", part + "typedef struct Dev {")
    once = text.replace(
        "uint8_t *data;\n} Dev", "uint8_t *data;\n    Part part;\n} Dev"
    )
    twice = once.replace("Part part;", "Part part;\n    Part other;")
    for source, expected in ((once, ["part.level"]), (twice, [])):
        whole = source + code + table(CONTROL, head=LOADED)
        found = linted(whole, capsys, "--select", "VG816")
        assert [one["context"][1] for one in found] == expected  # type: ignore[index]


def test_a_member_of_another_struct_hides_none_of_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = CALLBACKS.format(
        write="s->mode = value;", read="return s->mode;", post_load=""
    )
    other = table("VMSTATE_UINT32(mode, Other)", symbol="vmstate_lane")
    first = (
        "typedef struct Other {\n    uint32_t first;\n    uint32_t mode;\n} Other;\n"
    )
    text = HEAD + first + code + other + table(CONTROL, head=LOADED)
    found = linted(text, capsys, "--select", "VG816")
    assert [one["context"][1] for one in found] == ["mode"]  # type: ignore[index]


# --- timers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "fields", "post_load", "expected"),
    [
        ("timer_mod(s->timer, value);", [], "", ["timer"]),
        ("timer_mod_ns(s->timers[0], value);", [], "", ["timers"]),
        ("timer_mod_anticipate(&s->own, value);", [], "", ["own"]),
        ("timer_mod(s->timer, value); timer_mod(s->timer, 1);", [], "", ["timer"]),
        ("timer_mod(s->timer, value);", ["VMSTATE_TIMER_PTR(timer, Dev)"], "", []),
        ("timer_mod(s->timer, value);", [], "timer_mod(s->timer, s->control);", []),
        ("timer_mod(&s->own, value);", [], "timer_del(&s->own);", []),
        ("timer_del(s->timer);", [], "", []),
    ],
)
def test_a_timer_is_sent_or_armed_again(
    arm: str, fields: list[str], post_load: str, expected: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    text = HEAD.replace(
        "uint8_t *data;\n} Dev",
        "uint8_t *data;\n    QEMUTimer *timer;\n    QEMUTimer **timers;\n    QEMUTimer own;\n} Dev",
    ).replace('#include "migration', '#include "qemu/timer.h"\n#include "migration', 1)
    code = CALLBACKS.format(write=arm, read="return 0;", post_load=post_load)
    whole = text + code + table(CONTROL, *fields, head=LOADED)
    found = linted(whole, capsys, "--select", "VG819")
    assert [one["context"][1] for one in found] == expected  # type: ignore[index]


def test_functions_that_call_each_other_are_followed_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = HEAD.replace(
        "uint8_t *data;\n} Dev", "uint8_t *data;\n    QEMUTimer *timer;\n} Dev"
    ).replace('#include "migration', '#include "qemu/timer.h"\n#include "migration', 1)
    again = (
        "static void dev_later(Dev *s, uint64_t value);\n"
        "static void dev_again(Dev *s, uint64_t value)\n{\n    dev_later(s, value);\n}\n"
        "static void dev_later(Dev *s, uint64_t value)\n{\n"
        "    timer_mod(s->timer, value);\n    dev_again(s, value - 1);\n}\n"
    )
    code = CALLBACKS.format(
        write="dev_again(s, value);", read="return 0;", post_load=""
    )
    found = linted(
        text + again + code + table(CONTROL, head=LOADED), capsys, "--select", "VG819"
    )
    assert [one["context"][1] for one in found] == ["timer"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("static void dev_realize(Dev *s) { vdc->set_status = dev_started; }", []),
        (
            "static void dev_realize(Dev *s) { qemu_add_vm_change_state_handler(dev_started, s); }",
            [],
        ),
        ("", ["timer", "mode"]),
    ],
)
def test_what_runs_when_the_guest_starts_arms_and_computes(
    how: str, expected: list[str], capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    text = HEAD.replace(
        "uint8_t *data;\n} Dev", "uint8_t *data;\n    QEMUTimer *timer;\n} Dev"
    ).replace('#include "migration', '#include "qemu/timer.h"\n#include "migration', 1)
    started = (
        "static void dev_started(void *opaque, bool running, RunState state)\n{\n"
        "    Dev *s = opaque;\n\n    s->mode = s->control;\n    timer_mod(s->timer, 1);\n}\n"
    )
    code = CALLBACKS.format(
        write="s->mode = value; timer_mod(s->timer, value);",
        read="return s->mode;",
        post_load="",
    )
    whole = text + started + how + "\n" + code + table(CONTROL, head=LOADED)
    found = linted(whole, capsys, "--select", "VG816,VG819")
    assert [one["context"][1] for one in found][::-1] == expected  # type: ignore[index]


# --- devices without a table --------------------------------------------------------------

BARE = """\
typedef struct Bare {{
    SysBusDevice parent_obj;
    uint32_t level;
    uint32_t mask;
}} Bare;

static void bare_write(void *opaque, hwaddr addr, uint64_t value, unsigned size)
{{
    Bare *s = opaque;

    {write}
}}

static uint64_t bare_read(void *opaque, hwaddr addr, unsigned size)
{{
    Bare *s = opaque;

    return s->level & s->mask;
}}

static const MemoryRegionOps bare_ops = {{
    .read = bare_read,
    .write = bare_write,
}};

static const TypeInfo bare_info = {{
    .name = "bare",
    .parent = TYPE_SYS_BUS_DEVICE,
    .instance_size = sizeof(Bare),{more}
}};
"""


def bare(
    capsys: pytest.CaptureFixture[str], write: str, more: str = "", rest: str = ""
) -> list[str]:
    text = BARE.format(write=write, more=more) + rest
    return [str(one["message"]) for one in linted(text, capsys, "--select", "VG818")]


def test_a_device_without_a_table_is_found_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (found,) = bare(capsys, "s->level = value; s->mask |= value;")
    assert "Bare has state that no table sends: 'level', 'mask';" in found
    assert "bare_write() changes it, and bare_read() reads it later" in found
    (found,) = bare(
        capsys, "s->mask = value;", " .interfaces = (InterfaceInfo[]) { { } },"
    )
    assert "'mask';" in found
    assert bare(capsys, "") == []


def machines_of(*types: ir.ObjectType, saved: str = "") -> Linted:
    root = ir.Root(
        "vmstate_saved", "a.c", "a.c", "device", "saved", "saved", device_types=(saved,)
    )
    program = ir.Program(
        "10.0", "arm", (), roots=(root,), machines=ir.Machines(types=types)
    )
    return Linted((program,), CSources(Path(), Path(), is_tree=False))


def test_an_abstract_type_is_left_to_its_concrete_ones_that_have_tables() -> None:
    linted = machines_of(
        ir.ObjectType("base", "device", abstract=True),
        ir.ObjectType("middle", "base", abstract=True),
        ir.ObjectType("saved", "middle"),
        ir.ObjectType("other", "device", abstract=True),
        ir.ObjectType("bare", "other"),
        saved="saved",
    )
    assert linted.saved_below == {"base", "middle"}
    assert linted.device_types == {"base", "middle", "saved", "other", "bare"}


def test_the_name_of_a_type_may_be_made_of_names(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text(
        '#define TYPE_A "a"\n#define TYPE_AB TYPE_A "-" TYPE_B\n#define TYPE_B "b"\n'
        "#define TYPE_C TYPE_C\n#define TYPE_D TYPE_GONE\n#define TYPE_E(x) x\n"
    )
    sources = CSources(tmp_path, tmp_path, is_tree=False)
    file = sources.file("a.c")
    assert file is not None
    names = {
        one: sources.type_name(file, one)
        for one in ('"x"', "TYPE_A", "TYPE_AB", "TYPE_C", "TYPE_D", "TYPE_E", "OTHER")
    }
    assert names == {
        '"x"': "x", "TYPE_A": "a", "TYPE_AB": "a-b", "TYPE_C": None, "TYPE_D": None,
        "TYPE_E": None, "OTHER": None,
    }  # fmt: skip


def test_types_whose_names_are_not_known_do_not_go_round() -> None:
    linted = machines_of(
        ir.ObjectType("*", "*"), ir.ObjectType("a", "*"), ir.ObjectType("b", "device")
    )
    assert linted.device_types == {"b"}


@pytest.mark.parametrize(
    "rest",
    [
        "void bare_class_init(void *k) { DEVICE_CLASS(k)->vmsd = &vmstate_of_another; }",
        "void bare_realize(void) { migrate_add_blocker(0, 0); }",
        "void bare_realize(void) { register_savevm_live(0); }",
    ],
)
def test_what_says_how_it_is_saved_or_not_is_left(rest: str, tmp_path: Path) -> None:
    """The front end says that there is no table, as for any file."""
    text = BARE.format(write="s->level = value;", more="") + rest
    (tmp_path / "dev.c").write_text(text)
    assert run(["lint", "dev.c", "--select", "VG818"]) == 2


def test_files_with_and_without_tables_are_read_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("bare.c").write_text(BARE.format(write="s->level = value;", more=""))
    Path("dev.c").write_text(HEAD + CASES["VG805"][0])
    assert run(["lint", "dev.c", "bare.c", "--format", "json"]) == 1
    out = capsys.readouterr().out
    found = {(one["file"], one["code"]) for one in map(json.loads, out.splitlines())}
    assert found == {("dev.c", "VG805"), ("bare.c", "VG818")}
