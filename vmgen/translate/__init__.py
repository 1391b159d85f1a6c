"""C functions behind the tables, as the IR says them: predicates and custom infos."""

from vmgen.translate.moves import moves
from vmgen.translate.predicate import predicate
from vmgen.translate.words import words

__all__ = ["moves", "predicate", "words"]
