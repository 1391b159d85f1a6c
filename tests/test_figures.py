"""The plots are what the tables beside them say, in both schemes."""

from __future__ import annotations

import xml.etree.ElementTree as xml
from pathlib import Path

import pytest

from benchmarks import trees
from website import figures

SVG = "{http://www.w3.org/2000/svg}"

PLOT = figures.Plot(
    "name",
    "A <title>",
    "seconds",
    ("ours", "theirs"),
    (figures.Row("first", (0.1, 10.0)), figures.Row("second", (1.0, None))),
    logarithmic=True,
    ruler=1.0,
)


def parsed(text: str) -> xml.Element:
    return xml.fromstring(text)


@pytest.mark.parametrize("place", sorted(figures.FOLDER.glob("*.svg")), ids=str)
def test_every_plot_is_current(place: Path) -> None:
    made = dict(figures.files())
    assert place in made, f"nothing draws {place.name}"
    assert place.read_text("utf-8") == made[place], "python -m website.figures"


def test_every_table_has_its_plots_in_its_page() -> None:
    for place, _ in figures.files():
        assert place.is_file(), "python -m website.figures"
    for page in figures.DOCS.glob("*.md"):
        text = page.read_text("utf-8")
        assert figures.placed(text) == text, "python -m website.figures"
    shown = "".join(page.read_text("utf-8") for page in figures.DOCS.glob("*.md"))
    assert all(f"figures/{place.name}#" in shown for place, _ in figures.files())


def test_marks_are_where_the_values_are() -> None:
    drawn = parsed(figures.drawn(PLOT, figures.SCHEMES["light"]))
    circles = [float(one.get("cx", "")) for one in drawn.iter(f"{SVG}circle")][1:]
    squares = [one.get("points", "") for one in drawn.iter(f"{SVG}polygon")][1:]
    ruler = [
        float(one.get("x1", ""))
        for one in drawn.iter(f"{SVG}line")
        if one.get("stroke-width") == "1.5"
    ]
    first, second = circles
    (theirs,) = squares
    middle = (
        float(theirs.split(",")[0]) + float(theirs.split(" ")[1].split(",")[0])
    ) / 2
    assert [second] == ruler  # 1.0 is in the middle between 0.1 and 10
    assert abs((first + middle) / 2 - second) < 0.2
    (title,) = drawn.iter(f"{SVG}title")
    assert title.text == "A <title>"


def test_bars_are_as_long_as_their_values() -> None:
    rows = (figures.Row("a", (50.0,)), figures.Row("b", (100.0,)))
    plot = figures.Plot("n", "t", "s", (), rows, logarithmic=False)
    drawn = parsed(figures.drawn(plot, figures.SCHEMES["dark"]))
    short, long = (float(one.get("width", "")) for one in drawn.iter(f"{SVG}rect"))
    assert abs(long - 2 * short) < 0.2


def test_a_table_ends_where_its_section_does() -> None:
    text = "# A\n\n| x | y |\n|---|---|\n| one | 1.5 s, 3 MB |\n| two | - |\n\n## B\n\n## C\n| z |\n|---|\n| 3 |\n"
    rows = figures.table(text, "# A")
    assert rows == [["one", "1.5 s, 3 MB"], ["two", "-"]]
    assert [figures.number(cell) for _, cell in rows] == [1.5, None]
    assert figures.table(text, "## B") == []


def test_a_place_without_figures_stays_empty() -> None:
    text = "a\n\n<!-- plot: nothing -->\n![x](figures/nothing-light.svg)\n\nb\n"
    assert figures.placed(text) == "a\n\n<!-- plot: nothing -->\n\nb\n"


def test_the_benchmark_of_trees_writes_its_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "whole-tree.md"
    page.write_text(trees.PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(trees, "PAGE", page)
    monkeypatch.setattr(figures, "main", lambda: None)
    trees.written(["| all | 3 | 1.5 | 20 |"], "Importing takes 1 ms.")
    text = page.read_text("utf-8")
    assert figures.table(text, "# A whole tree") == [["all", "3", "1.5", "20"]]
    assert (
        "\n<!-- imports: begin -->\nImporting takes 1 ms.\n<!-- imports: end -->\n"
        in text
    )
    assert "<!-- growth: end -->\n\n<!-- plot: trees -->\n" in text
