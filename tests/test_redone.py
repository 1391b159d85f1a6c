"""What is done again after one file of a tree has changed: counted, not timed.

The files that are read again are those whose preprocessing entered the changed one; the
Python that is printed again is that of modules whose plan is another.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.trees import require_tree
from vmgen.cli import run
from vmgen.pipeline import reading
from vmgen.pipeline.reading import ReadFile
from vmgen.pipeline.whole import Whole

TARGETS = ("avr", "sh4")
HEADER = "hw/usb/hcd-ohci.h"
SOURCE = "hw/usb/hcd-ohci.c"


@dataclass
class Tree:
    """A tree that may be changed, and what has been done with it."""

    root: Path
    output: Path
    cache: Path
    read: list[str]

    def change(self, file: str, edit: Callable[[str], str]) -> None:
        """Gives the file another text; its other names keep the old one."""
        path = self.root / file
        text = path.read_text()
        changed = edit(text)
        assert changed != text
        path.unlink()
        path.write_text(changed)

    def generate(self) -> tuple[list[str], int, list[str]]:
        """The files read, how many texts were printed, and the files written."""
        before = {path: path.stat().st_mtime_ns for path in self.output.rglob("*.py")}
        texts = set(self.texts())
        self.read.clear()
        chosen = [word for target in TARGETS for word in ("-t", target)]
        arguments = ["generate", "--qemu", str(self.root), "--all", *chosen]
        assert run([*arguments, "--output", str(self.output)]) == 0
        written = [
            path.relative_to(self.output).as_posix()
            for path in self.output.rglob("*.py")
            if before.get(path) != path.stat().st_mtime_ns
        ]
        return sorted(set(self.read)), len(set(self.texts()) - texts), sorted(written)

    def texts(self) -> Iterator[Path]:
        yield from self.cache.glob("modules/entries/text-*")


def linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    folder = tmp_path_factory.mktemp("redone")
    release = require_tree("10.0")
    aside = shutil.ignore_patterns(".git", "roms", "build")
    shutil.copytree(
        release, folder / "tree", symlinks=True, ignore=aside, copy_function=linked
    )
    made = Tree(folder / "tree", folder / "state", folder / "cache", [])
    plain = reading.read

    def read(tree: object, file: str, *rest: object) -> ReadFile:
        made.read.append(file)
        return plain(tree, file, *rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMGEN_CACHE_DIR", str(made.cache))
        patch.setattr(reading, "read", read)
        _, texts, written = made.generate()
        assert len(written) > texts > 100
        yield made


def test_nothing_is_put_together_again_for_a_lock(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = str(tree.output.parent / "lock.json")
    words = ["--qemu", str(tree.root), "--all", "-t", "avr", "-t", "sh4"]
    assert run(["lock", *words, "--output", lock]) == 0
    with monkeypatch.context() as patch:
        patch.delattr(Whole, "programs")
        assert run(["lock", *words, "--output", lock]) == 0
        assert run(["check", *words, "--lock", lock, "--output", "none"]) == 0
    assert "the wire format is as locked" in capsys.readouterr().err


def test_after_one_file(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tree.generate() == ([], 0, [])

    # A comment: nothing that counts.
    tree.change(HEADER, lambda text: text + "/* edited */\n")
    assert tree.generate() == ([], 0, [])

    # A macro: the header's dependents are preprocessed, and say what they said.
    tree.change(HEADER, lambda text: text + "#define EDITED 1\n")
    read, texts, written = tree.generate()
    assert SOURCE in read
    assert len(read) <= 4
    assert (texts, written) == (0, [])
    assert tree.generate() == ([], 0, [])

    # A line more: all that follows in the header moves, and nothing is parsed again.
    tree.change(HEADER, lambda text: text.replace("\n\n", "\n\n/* a line */\n\n", 1))
    with monkeypatch.context() as patch:
        patch.delattr(reading, "extract")
        again, texts, written = tree.generate()
    assert again == read
    assert (texts, written) == (0, [])

    # A member that is not on the wire: read, but nothing is lowered or printed.
    tree.change(
        HEADER, lambda text: text.replace("USBPacket usb", "int x; USBPacket usb")
    )
    again, texts, written = tree.generate()
    assert again == read
    assert (texts, written) == (0, [])

    # Another description: its module alone is printed, and its target stamped.
    tree.change(
        SOURCE, lambda text: text.replace(".version_id = 1", ".version_id = 2", 1)
    )
    read, texts, written = tree.generate()
    assert read == [SOURCE]
    assert texts == 1
    assert written == ["sh4/__init__.py", "sh4/hw/usb/hcd_ohci.py"]

    # A file that no module is made from.
    tree.change("util/hbitmap.c", lambda text: text + "/* edited */\n")
    assert tree.generate() == ([], 0, [])
