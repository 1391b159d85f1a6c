"""One walk over a tree's files, and its named subsets."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen.tree import files

EVERYTHING = (
    ".git/objects/a.h",
    ".pc/old.c",
    "Kconfig",
    "build/build.ninja",
    "build/made.c",
    "contrib/tool.c",
    "docs/meson.build",
    "docs/page.rst",
    "hw/.left.c",
    "hw/Kconfig",
    "hw/a.c",
    "hw/a.h",
    "hw/table.inc",
    "meson.build",
    "roms/seabios/src.c",
    "tests/meson.build",
    "tests/unit.c",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in EVERYTHING:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def test_the_walk_has_every_file_once(root: Path) -> None:
    (root / "again").symlink_to(root / "hw")
    assert sorted(files.walk(root)) == sorted(EVERYTHING)
    assert list(files.walk(root, "nowhere")) == []


def test_sources_are_no_hidden_files(root: Path) -> None:
    assert set(files.sources(root)) == {
        "build/made.c",
        "contrib/tool.c",
        "hw/a.c",
        "roms/seabios/src.c",
        "tests/unit.c",
    }
    assert list(files.sources(root, "hw")) == ["hw/a.c"]


def test_an_emulator_is_not_made_of_tests_and_tools(root: Path) -> None:
    assert set(files.emulator_sources(root)) == {"build/made.c", "hw/.left.c", "hw/a.c"}


def test_what_may_be_included(root: Path) -> None:
    assert set(files.included(root)) == {
        "Kconfig",
        "hw/Kconfig",
        "hw/a.h",
        "hw/table.inc",
    }
    assert set(files.headers(root, "hw")) == {"hw/a.h", "hw/table.inc"}


def test_a_build_reads_no_build_folder_and_of_tests_their_build_files(
    root: Path,
) -> None:
    assert set(files.built_from(root)) == {
        ".pc/old.c",
        "Kconfig",
        "contrib/tool.c",
        "docs/meson.build",
        "hw/.left.c",
        "hw/Kconfig",
        "hw/a.c",
        "hw/a.h",
        "hw/table.inc",
        "meson.build",
        "tests/meson.build",
    }
