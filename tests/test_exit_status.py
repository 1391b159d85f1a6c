"""The page of exit statuses: it has every command, and its examples are what it says.

The document tests run the examples, and hold each command to the status of its comment.
"""

from __future__ import annotations

import re
from pathlib import Path

from vmgen.cli.listed import COMMANDS, GROUPS

PAGE = Path(__file__).parent.parent / "docs" / "exit-status.md"
ROW = re.compile(r"^\| `([\w ]+)` \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
EXAMPLE = re.compile(
    r"^vmgen ((?:stream |fleet )?\w+)[^#\n]*(?:# exit status (\d))?$", re.MULTILINE
)
ELSEWHERE = {
    ("inspect", 1),
    ("coverage", 1),
    ("archive", 1),
    ("compat", 1),
    ("compat", 3),
    ("stream explain", 3),
    ("fleet report", 1),
    ("fleet report", 3),
}
"""What takes a tree, or a machine's own questions: tests of these commands have them."""


def rows() -> dict[str, dict[int, str]]:
    text = PAGE.read_text("utf-8")
    return {
        name: {1: one.strip(), 3: three.strip()}
        for name, one, three in ROW.findall(text)
    }


def test_every_command_has_its_row() -> None:
    inside = {f"{group} {name}" for group, names in GROUPS.items() for name in names}
    commands = {*COMMANDS, *inside} - {*GROUPS}
    assert set(rows()) == commands


def test_a_status_has_an_example_and_an_example_its_status() -> None:
    shown = {
        (name, int(status or 0))
        for name, status in EXAMPLE.findall(PAGE.read_text("utf-8"))
    }
    assert shown
    said = {
        (name, status)
        for name, row in rows().items()
        for status, words in row.items()
        if words
    }
    assert {one for one in shown if one[1] in (1, 3)} == said - ELSEWHERE
