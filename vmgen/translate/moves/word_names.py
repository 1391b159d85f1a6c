"""Names for the words that a function reads."""

from __future__ import annotations

from vmgen.grammar import Moves, renamed, texts
from vmgen.translate.moves.terms import TOKEN, UNKNOWN


class WordNames:
    """Tokens for words as they are read, and what each turns out to be.

    A word that goes to a member has that for its name; one that goes to none has a number
    where a size, a number of turns or a condition depends on it.
    """

    def __init__(self) -> None:
        self._count = 0
        self._same: dict[str, str] = {}  # a token is another, or the member it goes to

    def fresh(self, mark: str) -> str:
        """A new token: ``$`` for a word, ``@`` for what a loop changes."""
        self._count += 1
        return f"{mark}{self._count}"

    def is_same(self, token: str, other: str) -> None:
        """From now on the one token is the other, or the member."""
        token, other = self._settled(token), self._settled(other)
        if token == other:
            return
        if TOKEN.fullmatch(token):
            self._same[token] = other
        elif TOKEN.fullmatch(other):
            self._same[other] = token

    def named(self, made: Moves) -> Moves:
        """The moves with the members that words go to for names; a word that goes to no
        member has a number where something depends on it."""

        def settled(line: str) -> str:
            return TOKEN.sub(lambda token: self._settled(token[0]), line)

        made = renamed(made, settled)
        asked = list(
            dict.fromkeys(
                token
                for line in texts(made)
                for token in TOKEN.findall(line)
                if token[0] == "$"
            )
        )
        order: dict[str, str] = {}

        def number(line: str) -> str:
            if line in self._words and line not in asked:
                return ""  # nothing depends on the word
            return TOKEN.sub(
                lambda token: (
                    order.setdefault(token[0], f"${len(order) + 1}")
                    if token[0] in asked
                    else UNKNOWN
                ),
                line,
            )

        return renamed(made, number)

    @property
    def _words(self) -> frozenset[str]:
        return frozenset(f"${number}" for number in range(self._count + 1))

    def _settled(self, token: str) -> str:
        seen = {token}
        while token in self._same:
            token = self._same[token]
            if token in seen:
                return UNKNOWN
            seen.add(token)
        return token
