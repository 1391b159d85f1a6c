"""C tables that decide a refusal besides the stream, read from a tree.

A ``post_load`` of the same C accepts or rejects by what the rest of its tree makes: the
list of system registers, the model that a CPU's name stands for.  ``premises.toml`` says
which tables these are; their content goes into the IR, so that two trees are compared by
it and not by their version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vmgen import ir
from vmgen.c_text import CText, without_groups
from vmgen.premises import kept
from vmgen.premises.facts import PREMISES, Fact
from vmgen.premises.tables import Row, rows

__all__ = ["TreePremises", "premises_of"]


@dataclass
class TreePremises:
    """The tables of the tree at ``root``, each read once for all targets."""

    root: Path
    _rows: dict[str, tuple[Row, ...]] = field(init=False, default_factory=dict)

    def of(self, modules: Iterable[ir.Module]) -> tuple[ir.Premise, ...]:
        """What the refusals of these modules depend on in the tree, sorted by name;
        nothing of a table that the tree does not have."""
        names = {
            name
            for module in modules
            for description in module.descriptions
            for hook in description.hooks
            for refusal in hook.refusals
            for name in refusal.reads
        }
        found = [
            ir.Premise(fact.name, fact.readers, fact.keyed, known)
            for fact in PREMISES
            if not names.isdisjoint(fact.readers) and (known := self._known(fact))
        ]
        return tuple(sorted(found, key=lambda premise: premise.name))

    def _known(self, fact: Fact) -> tuple[Row, ...]:
        if fact.name not in self._rows:
            texts = list(_texts(fact, self.root))
            writers = {} if fact.keeps is None else kept.masks(texts)
            known = {row for text in texts for row in rows(text, fact, writers)}
            self._rows[fact.name] = tuple(sorted(known))
        return self._rows[fact.name]


def premises_of(modules: Iterable[ir.Module], root: Path) -> tuple[ir.Premise, ...]:
    """:meth:`TreePremises.of` one target's modules."""
    return TreePremises(root).of(modules)


def _texts(fact: Fact, root: Path) -> Iterator[CText]:
    """The files of the tree that mention what the premise is about."""
    words = (
        fact.type,
        *fact.calls,
        *fact.functions,
        *fact.constants,
        *fact.assigns,
    )
    for name in fact.under:
        place = root / name
        files = [place] if place.is_file() else sorted(place.rglob("*.[ch]"))
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace")
            if any(word in text for word in words):
                yield CText(without_groups(text, fact.undefined))
