"""C functions behind the tables, as the IR says them: predicates, refusals of ``post_load`` and custom infos."""

from vmgen.translate.moves import moves
from vmgen.translate.predicate import predicate
from vmgen.translate.refusals import REFUSING, refusals
from vmgen.translate.words import words

__all__ = ["REFUSING", "moves", "predicate", "refusals", "words"]
