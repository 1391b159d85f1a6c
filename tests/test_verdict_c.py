"""Changes of C tables and what they mean: the source text of both sides, the verdicts
both ways, and what the codecs of both do with random streams."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen.pipeline import Request, compile_program
from vmgen.verdict import SectionVerdict, judge, words
from vmgen.verdict.check import confirm
from vmgen.verdict.model import Offset

STRUCTS = """
#include "migration/vmstate.h"
#define LANES {lanes}
typedef struct Frame {{ uint32_t format, bytes_pp, width; {frame} }} Frame;
typedef struct Scanout {{ uint32_t id, width, height; Frame fb; }} Scanout;
typedef {word} Word;
typedef struct Dev {{
    uint32_t a, b, c, enable; Word word; uint32_t lanes[LANES]; uint8_t raw[16];
    Scanout scanout[4]; uint32_t spare[3]; uint64_t wide; {more}
}} Dev;
"""
TABLE = """
{before}
static const VMStateDescription vmstate_dev = {{
    .name = "dev", .version_id = {version}, .minimum_version_id = 1, {hooks}
    .fields = (const VMStateField[]) {{ {fields} VMSTATE_END_OF_LIST() }},
    {after}
}};
"""
SCANOUT = """
static const VMStateDescription vmstate_scanout = {{
    .name = "scanout", .version_id = {version}, .minimum_version_id = 1,
    .fields = (const VMStateField[]) {{
        VMSTATE_UINT32(id, Scanout), VMSTATE_UINT32(width, Scanout),
        VMSTATE_UINT32(height, Scanout), {more} VMSTATE_END_OF_LIST() }},
}};
"""
SCANOUTS = (
    "VMSTATE_UINT32(enable, Dev), "
    "VMSTATE_STRUCT_ARRAY(scanout, Dev, 4, 1, vmstate_scanout, Scanout),"
)
GROWN = "VMSTATE_UINT32(fb.format, Scanout), VMSTATE_UINT32(fb.width, Scanout),"


def side(
    folder: Path,
    name: str,
    fields: str,
    *,
    version: int = 1,
    before: str = "",
    after: str = "",
    hooks: str = "",
    lanes: int = 4,
    frame: str = "",
    word: str = "uint32_t",
    more: str = "",
) -> Path:
    """The C file of one side."""
    where = folder / name
    where.mkdir()
    text = STRUCTS.format(lanes=lanes, frame=frame, word=word, more=more)
    text += TABLE.format(
        before=before, version=version, fields=fields, after=after, hooks=hooks
    )
    (where / "dev.c").write_text(text)
    return where


def verdict(old: Path, new: Path, monkeypatch: pytest.MonkeyPatch) -> SectionVerdict:
    programs = []
    for folder in (old, new):
        monkeypatch.chdir(folder)
        programs.append(compile_program(Request(sources=("dev.c",))))
    judgement = judge(programs[0], programs[1])
    for tried in confirm(judgement, programs[0], programs[1], 30):
        assert tried.answer == "confirmed", tried
    (section,) = judgement.sections
    return section


def kinds(found: SectionVerdict) -> tuple[str, str]:
    return found.forward.verdict, found.backward.verdict


def test_a_nested_struct_grows_and_the_outer_version_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What 9.0 did to the virtio-gpu of 8.2: version 2 inside, not on the wire."""
    one = SCANOUT.format(version=1, more="")
    two = SCANOUT.format(version=2, more=GROWN)
    found = verdict(
        side(tmp_path, "old", SCANOUTS, before=one),
        side(tmp_path, "new", SCANOUTS, before=two),
        monkeypatch,
    )
    assert kinds(found) == ("incompatible", "incompatible")
    finding, *_ = found.forward.findings
    # Bytes 0..3 are enable, 4..15 the first scanout; the next id is taken for its format.
    assert finding.offset == Offset(16)
    assert finding.source.path == "scanout[1].id"
    assert finding.target.path == "scanout[0].fb.format"


def test_the_same_behind_a_test_of_the_outer_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repair of 9.1: a field of the outer state says what the inner ones are."""
    needed = """
    static bool after(void *opaque, int version_id) { return version_id >= 2; }
    """
    tested = "VMSTATE_UINT32_TEST(fb.format, Scanout, after),"
    one = SCANOUT.format(version=1, more="")
    inner = needed + SCANOUT.format(version=2, more=tested)
    struct = (
        "VMSTATE_UINT32(enable, Dev), "
        "VMSTATE_VSTRUCT_TEST(scanout[0], Dev, NULL, 1, vmstate_scanout, Scanout, {v}),"
    )
    found = verdict(
        side(tmp_path, "old", struct.format(v=1), before=one),
        side(tmp_path, "new", struct.format(v=1), before=inner),
        monkeypatch,
    )
    assert kinds(found) == ("compatible", "compatible")


def test_a_moved_field_of_equal_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    abc = "VMSTATE_UINT32(a, Dev), VMSTATE_UINT32(b, Dev), VMSTATE_UINT32(c, Dev),"
    cab = "VMSTATE_UINT32(c, Dev), VMSTATE_UINT32(a, Dev), VMSTATE_UINT32(b, Dev),"
    found = verdict(side(tmp_path, "old", abc), side(tmp_path, "new", cab), monkeypatch)
    assert kinds(found) == ("incompatible", "incompatible")
    assert words.sentence(found.forward.findings[0]) == "a is saved, and loaded as c"
    assert found.forward.findings[0].offset == Offset(0)


def test_elements_that_change_places_with_padding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = "VMSTATE_UINT32_SUB_ARRAY(lanes, Dev, 0, 2), VMSTATE_UNUSED(8),"
    two = "VMSTATE_UNUSED(8), VMSTATE_UINT32_SUB_ARRAY(lanes, Dev, 0, 2),"
    found = verdict(side(tmp_path, "old", one), side(tmp_path, "new", two), monkeypatch)
    assert found.forward.verdict == "incompatible"
    assert found.backward.verdict == "incompatible"


@pytest.mark.parametrize(
    ("field", "change", "size"),
    [
        ("VMSTATE_UINT32_ARRAY(lanes, Dev, LANES),", {"lanes": 6}, "4"),
        (
            "VMSTATE_BUFFER_UNSAFE(word, Dev, 0, sizeof(Word)),",
            {"word": "uint64_t"},
            "",
        ),
        ("VMSTATE_UNUSED(sizeof(Frame)),", {"frame": "uint32_t offset;"}, ""),
    ],
)
def test_a_size_that_only_a_type_or_a_constant_says(
    field: str,
    change: dict[str, str],
    size: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same table on both sides; what it stands for is another size."""
    fields = f"{field} VMSTATE_UINT32(b, Dev),"
    found = verdict(
        side(tmp_path, "old", fields),
        side(tmp_path, "new", fields, **change),  # type: ignore[arg-type]
        monkeypatch,
    )
    assert kinds(found) == ("incompatible", "incompatible")


def test_padding_stands_in_for_what_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = "VMSTATE_UINT32(a, Dev), VMSTATE_UINT32(b, Dev), VMSTATE_UINT64(wide, Dev),"
    two = "VMSTATE_UINT32(a, Dev), VMSTATE_UNUSED(sizeof(uint32_t) + 8),"
    found = verdict(side(tmp_path, "old", one), side(tmp_path, "new", two), monkeypatch)
    assert kinds(found) == ("compatible", "compatible")
    assert {note.kind for note in found.forward.notes} == {"padding-skipped"}


def test_post_load_asks_for_what_it_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
    static int dev_post_load(void *opaque, int version_id)
    {
        Dev *dev = opaque;
        if (dev->a >= LANES) {
            return -22;
        }
        dev->b = 0;
        return 0;
    }
    """
    fields = "VMSTATE_UINT32(a, Dev),"
    found = verdict(
        side(tmp_path, "old", fields),
        side(tmp_path, "new", fields, before=code, hooks=".post_load = dev_post_load,"),
        monkeypatch,
    )
    assert kinds(found) == ("conditional", "compatible")
    assert words.every(found.forward.findings) == "a < 4"
    assert found.forward.findings[0].target.position.line == 17
