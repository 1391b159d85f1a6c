"""The map in CONTRIBUTING.md: ``python -m website.map`` writes it from the docstrings.

Every module of vmgen is a row, in the order of the stages that tests/test_architecture.py
holds, with the first sentence of its docstring.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGE = ROOT / "vmgen"

BEGIN = "<!-- map: made by python -m website.map -->"
END = "<!-- end of the map -->"


def modules() -> list[Path]:
    """Every module of vmgen, the shims' headers aside."""
    return [path for path in sorted(PACKAGE.rglob("*.py")) if "shims" not in path.parts]


def stage(path: Path) -> str:
    """The stage of a module: its folder or file below the package; empty for its face."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def summary(path: Path) -> str:
    """The first sentence of a module's docstring, in one line.

    Raises ValueError for a module without one.
    """
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    if not text:
        raise ValueError(f"{path.relative_to(ROOT).as_posix()} has no docstring")
    paragraph = " ".join(text.partition("\n\n")[0].split())
    first, dot, _ = paragraph.partition(". ")
    return (first + dot).strip().replace("|", "\\|")


def made(stages: Sequence[set[str]]) -> str:
    """The map as a Markdown table."""
    order = {name: number for number, names in enumerate(stages) for name in names}
    rows = sorted(
        (
            (order.get(stage(path), -1), path.relative_to(ROOT).as_posix(), path)
            for path in modules()
        ),
    )
    lines = [BEGIN, "", "| module | what it does |", "|---|---|"]
    lines += [f"| `{name}` | {summary(path)} |" for _, name, path in rows]
    return "\n".join([*lines, "", END])


def placed(text: str, table: str) -> str:
    """The page with this map in the place of the one that is there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no place for the map")
    return f"{before}{table}{after}"


def main() -> None:
    """Writes the map."""
    from tests.test_architecture import STAGES

    text = PAGE.read_text("utf-8")
    PAGE.write_text(placed(text, made(STAGES)), "utf-8")


if __name__ == "__main__":
    main()
