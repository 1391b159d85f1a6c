"""The table of release pairs is what the archive says now: one pair, and the form of all."""

from __future__ import annotations

import re

from website import pairs


def cells(target: str) -> dict[str, list[str]]:
    """The rows of a target's table in the page."""
    text = pairs.PAGE.read_text("utf-8")
    part = text.partition(f"| {target} | ")[2].partition("\n\n")[0]
    rows = (line.strip("| ").split(" | ") for line in part.splitlines()[2:])
    return {row[0]: row[1:] for row in rows}


def test_one_pair_of_the_page_is_what_the_command_makes() -> None:
    pair = ("9.0", "9.1")
    at = pairs.PAIRS.index(pair)
    page = cells("x86_64")
    made = pairs.table("x86_64", "pc-q35", (pair,))
    assert {name: row[pair] for name, row in made.items()} == {
        name: row[at].strip() for name, row in page.items() if row[at].strip()
    }


def test_every_family_has_a_row_for_each_machine_type() -> None:
    text = pairs.PAGE.read_text("utf-8")
    for target, family in pairs.FAMILIES:
        head = f"| {target} | " + " | ".join(f"{a} → {b}" for a, b in pairs.PAIRS)
        assert head in text
        names = re.findall(rf"^\| ({family}-\d+\.\d+) \|", text, re.M)
        assert names[0] == f"{family}-10.2"
        assert names[-1] == f"{family}-7.2"
        assert len(set(names)) == len(names)


def test_a_page_is_placed_between_its_marks() -> None:
    text = pairs.PAGE.read_text("utf-8")
    again = pairs.placed(text, "TABLE")
    assert again.count("TABLE") == 1
    assert pairs.placed(again, "TABLE") == again
    assert again.startswith(text.partition("<!-- pairs")[0])
