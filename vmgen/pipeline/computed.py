"""Facts of a tree that its own start-up code computes: the system registers of each CPU."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from vmgen import ir, processors
from vmgen.cache import Cache, hashed
from vmgen.known.processors import PREMISE, rows_of
from vmgen.pipeline.store import front_end, parts_hash
from vmgen.pipeline.survey import TreeFiles
from vmgen.pipeline.whole import TargetFiles
from vmgen.preprocess import Preprocessor

_ROWS = "rows.json"
_MAKERS = "execution", "processors", "known/processors.py"
"""The parts of vmgen that decide the rows, besides the front end."""


def with_processors(
    program: ir.Program,
    part: TargetFiles,
    files: TreeFiles,
    preprocessor: Preprocessor,
    progress: Callable[[str], None] | None = None,
) -> ir.Program:
    """The program with the premise of :mod:`vmgen.known.processors`, if its target has
    processors that are compared.

    It is computed once for a tree, in a minute or two.
    """
    if part.found or not processors.reads(part.tree):
        return program
    target = part.tree.target
    maker = front_end(), parts_hash(*_MAKERS)
    key = hashed((*maker, files.everything(), target, *part.tree.flags))

    def made() -> dict[str, str]:
        sources = (*part.files, *part.registering, *part.others)
        found = processors.processors(part.tree, sources, preprocessor, progress)
        return {_ROWS: json.dumps(rows_of(found))}

    folder = Cache.of("processors").folder_of(f"{target}-{key[:24]}", made)
    rows: Sequence[Sequence[str]] = json.loads((folder / _ROWS).read_text("utf-8"))
    premise = ir.Premise(PREMISE, (), False, tuple(map(tuple, rows)))
    premises = sorted((*program.premises, premise), key=lambda one: one.name)
    return replace(program, premises=tuple(premises))
