"""C functions behind the tables, as the IR says them: predicates, refusals of ``post_load`` and custom infos."""

from vmgen.translate.calls import CHECKED_CASTS
from vmgen.translate.failure import definition
from vmgen.translate.looking import predicate
from vmgen.translate.moves import moves
from vmgen.translate.moving import words
from vmgen.translate.refusals import REFUSING, refusals

__all__ = [
    "CHECKED_CASTS",
    "REFUSING",
    "definition",
    "moves",
    "predicate",
    "refusals",
    "words",
]
