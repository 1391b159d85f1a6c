"""What codecs ask of the machine that is to load a stream, and who answers."""

from __future__ import annotations

from collections.abc import Mapping


class _Noting(dict[str, object]):
    """Answers by name, which note what nobody answers."""

    def __init__(self, answers: Mapping[str, object], missing: dict[str, None]) -> None:
        super().__init__(answers)
        self._missing = missing

    def get(self, key: str, default: object = None) -> object:
        if key in self:
            return self[key]
        self._missing[key] = None
        return default


class Answers:
    """What a codec may ask of the machine while it loads a section, and what it asked in
    vain: members as ``Type.path``, functions and globals by their name."""

    def __init__(
        self, members: Mapping[str, object], functions: Mapping[str, object]
    ) -> None:
        self._missing: dict[str, None] = {}
        self.members: Mapping[str, object] = _Noting(members, self._missing)
        self.functions: Mapping[str, object] = _Noting(functions, self._missing)

    @property
    def missing(self) -> tuple[str, ...]:
        """What had no answer, each once, in the order in which it was asked.

        A member is asked for with and without its type; it is named with it.
        """
        paths = {name.partition(".")[2] for name in self._missing}
        return tuple(name for name in self._missing if name not in paths)
