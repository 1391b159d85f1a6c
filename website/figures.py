"""The plots of the pages: ``python -m website.figures`` draws them.

Their data are the tables that ``benchmarks/`` writes into the same pages, so a plot cannot say
anything else than its table.  They are SVG of our own, in two colour schemes: no library is
needed for rows of marks on one axis, and the same figures give the same bytes, which lets a
test say whether they are current.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
FOLDER = DOCS / "figures"

WIDTH = 720
LABELS = 210
"""Where the names of rows end."""
ROW = 26


@dataclass(frozen=True, slots=True)
class Scheme:
    """Colours that are readable on a page of this brightness."""

    text: str
    faint: str
    grid: str
    marks: tuple[str, ...]


SCHEMES = {
    "light": Scheme(
        "#1f2328", "#57606a", "#d0d7de", ("#00796b", "#b3500a", "#1f5fbf", "#8250df")
    ),
    "dark": Scheme(
        "#e6edf3", "#9aa4af", "#444c56", ("#3fc7b4", "#f0a35e", "#79b8ff", "#d2a8ff")
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A name and its value in each series; None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """Rows of marks on one axis, logarithmic or from zero.  ``unit`` is the axis' title."""

    name: str
    title: str
    unit: str
    series: tuple[str, ...]
    rows: tuple[Row, ...]
    logarithmic: bool
    ruler: float | None = None
    """A value with a line of its own."""


# --- tables ---------------------------------------------------------------------------


def table(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below the heading, without its head; none if the next
    heading comes first."""
    start = text.index(heading) + 1
    rows: list[list[str]] = []
    for line in text[start:].splitlines()[1:]:
        if line.startswith("## "):
            break
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("| ").split("|")])
        elif rows:
            break
    return rows[2:]


def number(cell: str) -> float | None:
    """The first number of a cell; None for a dash."""
    found = re.search(r"\d+(?:\.\d+)?", cell)
    return float(found[0]) if found else None


def codecs(target: str) -> Plot:
    """Times of other codecs as multiples of ours."""
    text = (DOCS / "performance.md").read_text("utf-8")
    rows = [
        Row(name, tuple(number(cell) for cell in cells))
        for name, *cells in table(text, f"### {target} ")
    ]
    return Plot(
        f"codecs-{target}",
        f"{target}: one CPU section, other codecs against vmgen's",
        "time as a multiple of vmgen's",
        ("load", "save", "load and read all"),
        tuple(rows),
        logarithmic=True,
        ruler=1.0,
    )


def trees() -> Plot:
    """Seconds of generating whole targets."""
    text = (DOCS / "whole-tree.md").read_text("utf-8")
    rows = [
        Row(
            re.sub(r"`.*/(.*)`", r"\1", re.sub(r" \(.*\)", "", name)),
            (number(cells[1]),),
        )
        for name, *cells in table(text, "# A whole tree")
    ]
    return Plot(
        "trees",
        "Every device of whole targets, from C to Python",
        "seconds",
        (),
        tuple(rows),
        logarithmic=False,
    )


def streams() -> Plot:
    """Seconds of reading whole streams."""
    text = (DOCS / "streams.md").read_text("utf-8")
    rows = [
        Row(name, tuple(number(cell) for cell in cells[1:5]))
        for name, *cells in table(text, "## How fast")
    ]
    return Plot(
        "streams",
        "Whole streams, against QEMU's own script",
        "seconds of processor time",
        ("analyze-migration.py", "show", "show, with codecs", "verify"),
        tuple(rows),
        logarithmic=True,
    )


PLOTS: tuple[Callable[[], Plot], ...] = (
    lambda: codecs("riscv64"),
    lambda: codecs("x86_64"),
    trees,
    streams,
)


# --- drawing --------------------------------------------------------------------------


def drawn(plot: Plot, scheme: Scheme) -> str:
    """The plot as SVG text."""
    values = [each for row in plot.rows for each in row.values if each is not None]
    ticks = _ticks(values, plot.logarithmic)
    low, high = ticks[0], ticks[-1]
    top = 54 if plot.series else 34
    bottom = top + ROW * len(plot.rows)
    right = WIDTH - 46

    def x(value: float) -> float:
        part = value / high
        if plot.logarithmic:
            part = math.log(value / low) / math.log(high / low)
        return round(LABELS + 14 + part * (right - LABELS - 14), 1)

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 44}" '
        'font-family="system-ui, Helvetica, Arial, sans-serif" font-size="12.5" role="img">',
        f"<title>{escape(plot.title)}</title>",
        _text(4, 18, plot.title, scheme.text, weight="600", size=14),
    ]
    place = 4.0
    for index, name in enumerate(plot.series):
        lines.append(_mark(index, place + 6, 36, scheme.marks[index]))
        lines.append(_text(place + 16, 40, name, scheme.faint))
        place += 32 + 7.0 * len(name)
    for tick in ticks:
        lines.append(_line(x(tick), top, x(tick), bottom, scheme.grid))
        lines.append(_text(x(tick), bottom + 17, f"{tick:g}", scheme.faint, "middle"))
    if plot.ruler is not None:
        lines.append(
            _line(x(plot.ruler), top, x(plot.ruler), bottom, scheme.faint, 1.5)
        )
    lines.append(
        _text((LABELS + right) / 2, bottom + 36, plot.unit, scheme.faint, "middle")
    )
    for number_, row in enumerate(plot.rows):
        y = top + ROW * number_ + ROW / 2
        lines.append(_text(LABELS, y + 4, row.name, scheme.text, "end"))
        if not plot.series:
            (value,) = row.values
            assert value is not None
            width = max(round(x(value) - x(0), 1), 1.5)
            lines.append(
                f'<rect x="{x(0)}" y="{y - 8:g}" width="{width}" height="16" rx="2" '
                f'fill="{scheme.marks[0]}"/>'
            )
            lines.append(_text(x(value) + 6, y + 4, f"{value:g}", scheme.text))
            continue
        present = [x(value) for value in row.values if value is not None]
        lines.append(_line(min(present), y, max(present), y, scheme.grid, 3))
        for index, value in enumerate(row.values):
            if value is not None:
                lines.append(_mark(index, x(value), y, scheme.marks[index]))
    return "\n".join([*lines, "</svg>", ""])


def _ticks(values: Sequence[float], logarithmic: bool) -> list[float]:
    """Round numbers that enclose the values."""
    if logarithmic:
        first = math.floor(math.log10(min(values)))
        last = math.ceil(math.log10(max(values)))
        return [float(f"1e{power}") for power in range(first, max(last, first + 1) + 1)]
    step = float(f"1e{math.floor(math.log10(max(values)))}")
    if max(values) / step < 4:
        step /= 4 if max(values) / step < 2 else 2
    return [step * count for count in range(math.ceil(max(values) / step) + 1)]


def _text(
    x: float,
    y: float,
    text: str,
    colour: str,
    anchor: str = "start",
    weight: str = "400",
    size: float = 0,
) -> str:
    more = f' font-size="{size:g}"' if size else ""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="{colour}" text-anchor="{anchor}" '
        f'font-weight="{weight}"{more}>{escape(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1
) -> str:
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def _mark(index: int, x: float, y: float, colour: str) -> str:
    """A mark of the series: of a shape of its own, since not everyone tells colours."""
    if index == 0:
        return f'<circle cx="{x:g}" cy="{y:g}" r="5" fill="{colour}"/>'
    corners = {
        1: ((-4.5, -4.5), (4.5, -4.5), (4.5, 4.5), (-4.5, 4.5)),
        2: ((0, -5.5), (5.5, 4.5), (-5.5, 4.5)),
        3: ((0, -6), (6, 0), (0, 6), (-6, 0)),
    }[index]
    points = " ".join(f"{x + dx:g},{y + dy:g}" for dx, dy in corners)
    return f'<polygon points="{points}" fill="{colour}"/>'


def files() -> Iterator[tuple[Path, str]]:
    """Every plot in each scheme: where it belongs, and its text."""
    for make in PLOTS:
        plot = make()
        if not plot.rows:
            continue
        for name, scheme in SCHEMES.items():
            yield FOLDER / f"{plot.name}-{name}.svg", drawn(plot, scheme)


_PLACE = re.compile(r"^<!-- plot: (\S+) -->\n(?:!\[.*\n)*", re.MULTILINE)


def placed(text: str) -> str:
    """A page with the images of its plots: behind ``<!-- plot: NAME -->`` one for each
    scheme, of which one is shown; none where there are no figures yet."""
    plots = {plot.name: plot for plot in (make() for make in PLOTS) if plot.rows}

    def images(match: re.Match[str]) -> str:
        lines = [f"<!-- plot: {match[1]} -->\n"]
        if plot := plots.get(match[1]):
            lines += [
                f"![{plot.title}](figures/{plot.name}-{name}.svg#gh-{name}-mode-only)\n"
                for name in SCHEMES
            ]
        return "".join(lines)

    return _PLACE.sub(images, text)


def main() -> None:
    """Draws every plot, and puts it into its page."""
    FOLDER.mkdir(exist_ok=True)
    for place, text in files():
        place.write_text(text, "utf-8")
    for page in DOCS.glob("*.md"):
        old = page.read_text("utf-8")
        if (new := placed(old)) != old:
            page.write_text(new, "utf-8")


if __name__ == "__main__":
    main()
