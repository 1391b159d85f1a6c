"""Which code of a board's file no machine of a type runs.

One function often makes the machines of several types: ``realview_init`` is given which
(``hw/arm/realview.c``), others have a function each.  A condition counts where constants
decide it that were handed on, or a member of the machine's class.  What may be called from
elsewhere is run by all machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from vmgen.cfront import syntax as c
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.cfront.walk import Node, walk
from vmgen.machines.board_paths import BoardPaths, Runs, line_of, words_of
from vmgen.machines.board_values import AsksClass, Given
from vmgen.machines.model import ClassCondition, UnusedCode, UnusedText
from vmgen.source import VmgenError


def unused_code(
    unit: Unit, layout: Layout, makers: Iterable[str], asks: AsksClass
) -> tuple[UnusedCode, ...]:
    """For each of the functions that make a board (``mc->init``) the text that it does not
    run; nothing for a file of which a function on the way cannot be read, and for functions
    of other files.

    ``asks`` says what of the machine's class a condition of a function asks.
    """
    try:
        makers = [name for name in dict.fromkeys(makers) if _own(unit, name)]
        functions = _reached(unit, makers)
        shared = [
            name
            for name, function in functions.items()
            if (name not in makers and not function.static)
            or _is_named_elsewhere(unit, name, functions, makers)
        ]
        of_all = _written(functions, unit.source)
        found: dict[tuple[UnusedText, ...], list[str]] = {}
        of_any = BoardPaths(unit, layout, functions, asks)
        if not of_any.follow(shared):
            return ()
        for name in makers:
            board = of_any.copy()
            if board.follow((name,)):
                texts = tuple(_unused(of_all, board.runs))
                found.setdefault(texts, []).append(name)
    except VmgenError:
        return ()
    return tuple(UnusedCode(tuple(of), texts) for texts, of in found.items() if texts)


def _own(unit: Unit, name: str) -> c.FunctionDecl | None:
    """The function of this name, if the file itself defines it."""
    if not unit.declares(name):
        return None
    function = unit.function(name)
    if function is None or function.body is None:
        return None
    return function if function.position.file == unit.source else None


def _reached(unit: Unit, names: Iterable[str]) -> dict[str, c.FunctionDecl]:
    """The functions of the file that these may call, in whatever way."""
    found: dict[str, c.FunctionDecl] = {}
    pending = [*names]
    while pending:
        name = pending.pop()
        function = None if name in found else _own(unit, name)
        if function is not None:
            found[name] = function
            pending += {
                node.name for node in walk(function) if isinstance(node, c.Name)
            }
    return found


def _is_named_elsewhere(
    unit: Unit,
    name: str,
    functions: Mapping[str, c.FunctionDecl],
    makers: Iterable[str],
) -> bool:
    """Whether something else of the unit has the function, beside what makes it the one
    of a machine type."""
    for declaration in unit.mentioning((name,)):
        parsed = unit.read(declaration)
        if parsed.functions.keys() <= {*functions, name} and not parsed.objects:
            continue
        nodes = list(walk(*parsed.functions.values(), *parsed.objects.values()))
        named = sum(isinstance(one, c.Name) and one.name == name for one in nodes)
        set_ = sum(_makes(one, name) for one in nodes) if name in makers else 0
        if named > set_:
            return True
    return False


def _makes(node: Node, name: str) -> bool:
    match node:
        case c.Assign("=", c.Member(_, "init"), c.Name(value)):
            return value == name
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Text:
    """What a function's code has in its lines: the names and literals of each line, and
    for each line with some the last one that belongs to it (0: to the function's end).
    """

    words: Mapping[int, frozenset[str]]
    last: Mapping[int, int]


def _written(functions: Mapping[str, c.FunctionDecl], file: str) -> list[_Text]:
    found = []
    for function in functions.values():
        words: dict[int, set[str]] = {}
        for node in walk(function.body):
            if (line := line_of(node, file)) is not None:
                words.setdefault(line, set()).update(words_of(node))
        lines = sorted(words)
        last = {line: after - 1 for line, after in pairwise(lines)}
        if len(lines) == 1:  # what a macro makes (DEFINE_Q35_MACHINE) has its one line
            last = {lines[0]: lines[0]}
        texts = {line: frozenset(some) for line, some in words.items()}
        found.append(_Text(texts, last))
    return found


def _unused(of_all: Iterable[_Text], runs: Runs) -> Iterator[UnusedText]:
    """The text that is not run, or only on some ways, in order."""
    found: list[UnusedText] = []
    for text in of_all:
        for line, words in text.words.items():
            last = text.last.get(line, 0)
            ways = runs.get((line, ""), set())
            if frozenset() not in ways:
                found.append(UnusedText(line, last, (), _in_order(ways)))
                continue
            groups: dict[tuple[tuple[ClassCondition, ...], ...], list[str]] = {}
            for word in sorted(words):
                ways = runs.get((line, word), set())
                if frozenset() not in ways:
                    groups.setdefault(_in_order(ways), []).append(word)
            for some, of in groups.items():
                found.append(UnusedText(line, last, tuple(of), some))
    yield from _merged(sorted(found, key=lambda one: (one.first, one.words)))


def _in_order(ways: Iterable[Given]) -> tuple[tuple[ClassCondition, ...], ...]:
    def of_one(condition: ClassCondition) -> tuple[str, str, bool]:
        return condition[0].type, condition[0].path, condition[1]

    return tuple(
        sorted(
            (tuple(sorted(way, key=of_one)) for way in ways),
            key=lambda way: tuple(map(of_one, way)),
        )
    )


def _merged(texts: Iterable[UnusedText]) -> Iterator[UnusedText]:
    """Whole lines one after the other as one text."""
    before: UnusedText | None = None
    for one in texts:
        if (
            before is not None
            and not one.words
            and not before.words
            and before.last + 1 == one.first
            and before.ways == one.ways
        ):
            before = replace(before, last=one.last)
            continue
        if before is not None:
            yield before
        before = one
    if before is not None:
        yield before
