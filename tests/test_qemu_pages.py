"""The pages on QEMU's messages: each message is one that a QEMU prints, each page is listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.trees import trees

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "qemu"

ROW = re.compile(r"\| (.*) \| \[[^\]]*\]\(([\w-]+\.md)\) \|")

FILES = (
    "migration/*.c", "system/*.c", "target/arm/machine.c", "hw/pci/pci.c", "util/*.c", "qapi/*.c",
)  # fmt: skip
"""Where QEMU has these messages."""

ELSEWHERE = {
    "No such file or directory": "the C library",
    "system register 0x... in the incoming stream but unknown on the destination": "11.0",
}
"""Messages that the trees of the tests do not have, and who has them."""

PLACES = re.compile(
    r"\b(?:[ABNM]|NAME|DEVICE|BLOCK|FIELD|PCIDevice|config|off|on$|Invalid argument)\b"
    r"|0x[.0]*|-1|\.\.\.|8 != 9"
)
"""What stands for a value of QEMU's in the index."""


def rows() -> list[tuple[str, str]]:
    """The messages of the index, and the page of each."""
    text = (FOLDER / "index.md").read_text()
    found = [
        (message, page)
        for messages, page in ROW.findall(text)
        for message in re.findall(r"`([^`]+)`", messages)
    ]
    assert len(found) > 20
    return found


def test_every_page_is_in_the_index_and_has_its_message() -> None:
    listed = {page for _, page in rows()}
    assert listed == {one.name for one in FOLDER.glob("*.md")} - {"index.md"}
    navigation = (FOLDER.parent.parent / "mkdocs.yml").read_text()
    assert [page for page in listed if f"qemu/{page}" not in navigation] == []


@pytest.mark.parametrize(("message", "page"), rows())
def test_a_message_is_one_of_qemu_s(message: str, page: str) -> None:
    """Every piece of it between two values is in the C of one of the releases."""
    found = trees()
    if not found:
        lacking("no tree of QEMU")
    if message in ELSEWHERE:
        return
    pieces = [piece.strip(" ,:='\"") for piece in PLACES.split(message)]
    wanted = [piece for piece in pieces if len(piece) > 3]
    for tree in found.values():
        # Strings that go on behind a line or a format are one.
        text = "".join(
            re.sub(r'"\s*(?:PRI\w+\s*)?"|\\"', "", file.read_text("utf-8", "replace"))
            for pattern in FILES
            for file in sorted(tree.glob(pattern))
        )
        if all(piece in text for piece in wanted):
            return
    pytest.fail(f"no tree has {wanted}")
