"""The index of the error pages: ``python -m website.errors`` writes it.

Each code has a page of its own, ``docs/errors/VGnnn.md``, which is where its title is from.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "errors"
INDEX = FOLDER / "index.md"

GROUPS = {
    "1": "Source trees and preprocessing",
    "2": "C",
    "3": "Types, sizes and constants",
    "4": "Tables and registrations",
    "5": "Between tables, and formats written by hand",
    "6": "Files, configuration and the command line",
    "7": "Streams",
    "8": "Rules of vmgen lint",
}
"""The stage of a code by its first digit."""

_RAISED = re.compile(r'"(VG[0-9]{3})"')
_TITLE = re.compile(r"^# (VG[0-9]{3}): (.+)$", re.MULTILINE)


def raised() -> set[str]:
    """Every code in vmgen's source."""
    files = (ROOT / "vmgen").rglob("*.py")
    return {code for file in files for code in _RAISED.findall(file.read_text("utf-8"))}


def pages() -> dict[str, str]:
    """The title of each page, by code."""
    found = {}
    for file in sorted(FOLDER.glob("VG*.md")):
        match = _TITLE.search(file.read_text("utf-8"))
        if match is None or match[1] != file.stem:
            raise ValueError(f"{file.name} does not begin with '# {file.stem}: TITLE'")
        found[file.stem] = match[2]
    return found


def index() -> str:
    """The index as Markdown."""
    titles = pages()
    lines = [
        "# Errors",
        "",
        "Every diagnostic has a code, which is stable: it stands behind the message in text,",
        "is the title of a GitHub annotation, and `code` in JSON (`--diagnostics`). `vmgen help",
        "VG310` prints its page. All of vmgen's exceptions but those of streams are one class,",
        "`vmgen.source.VmgenError`, with a list of `diagnostics`.",
    ]
    for digit, group in GROUPS.items():
        lines += ["", f"## {group}", "", "| code | |", "|---|---|"]
        lines += [
            f"| [{code}]({code}.md) | {title} |"
            for code, title in titles.items()
            if code[2] == digit
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Writes the index."""
    INDEX.write_text(index(), "utf-8")


if __name__ == "__main__":
    main()
