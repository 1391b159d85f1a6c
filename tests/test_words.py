"""The language of vmgen's texts: nothing to reword, and the checker sees what is."""

from __future__ import annotations

import pytest

from website import words


def wrong(kind: words.Kind, text: str) -> list[str]:
    """What the checker finds in one text."""
    found = words.found([words.Passage(kind, "page.md", 1, text)])
    return [f"{place.line}: {place.found}" for place in found]


def test_vmgen_has_nothing_to_reword() -> None:
    assert [str(place) for place in words.found(list(words.passages()))] == []


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("page", "The context is asked\nfor it.", ["1: is asked"]),
        ("page", "Fine.\nMend it once more.", ["2: Mend", "2: once more"]),
        ("comment", "The file is not there", ["1: is not there"]),
        ("page", "`vmgen mend` is a name, \"mend\" is a quotation.", []),
        ("page", "Shims stand in for headers.", []),
        ("help", "Sections are loaded as QEMU does.", ["1: Sections are loaded as QEMU does."]),
        ("page", "Sections are loaded as QEMU does.", []),
        ("page", "word " * 45 + "end.", ["1: word word word word word word"]),
        ("page", "word " * 40 + "end. And " + "word " * 40, []),
        ("help", "Examples:\n  " + "word " * 60, []),
    ],
)  # fmt: skip
def test_the_checker_sees(kind: words.Kind, text: str, found: list[str]) -> None:
    assert wrong(kind, text) == found


def test_a_page_is_read_without_its_code_and_tables() -> None:
    page = words.ROOT / "docs" / "index.md"
    texts = list(words.page(page))
    assert all("```" not in text.text and "$ vmgen" not in text.text for text in texts)
    lines = page.read_text("utf-8").splitlines()
    for text in texts:
        assert lines[text.line - 1] == text.text.splitlines()[0]


def test_code_has_messages_docstrings_comments_and_help() -> None:
    kinds = {
        passage.kind
        for path in (words.ROOT / "vmgen" / "cli").rglob("*.py")
        for passage in words.code(path)
    }
    assert kinds == {"message", "docstring", "comment", "help"}
