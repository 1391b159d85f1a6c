"""Values of a section by C path, whether its codec read them or the description did."""

from __future__ import annotations

from typing import Any

from vmgen.guest.errors import Unsupported
from vmgen.stream import paths


class SectionFields:
    """The values of one section.

    A path is that of the codec (``env.cr[3]``, ``vfp.env.vfp.zregs``); where the
    description alone read the section, a subsection goes by its wire name, which begins
    with the section's own (``cpu/vfp``).
    """

    def __init__(self, values: Any, section: str) -> None:
        self._values = values
        self._section = section

    def get(self, *alternatives: str) -> Any:
        """What is at the first of these paths that is there; None for no such place."""
        for path in alternatives:
            for prefix in ("", f"{self._section.rpartition('/')[2]}/"):
                steps = paths.resolve(self._values, prefix + path)
                if steps is None:
                    continue
                value = self._values
                for step in steps:
                    value = paths.at(value, step)
                return value
        return None

    def number(self, *alternatives: str, bits: int = 64) -> int:
        """A number without its sign, cut to ``bits``.

        Raises Unsupported if the section has none there.
        """
        value = self.get(*alternatives)
        if isinstance(value, bool) or not isinstance(value, int):
            if isinstance(value, bool):
                return int(value)
            raise Unsupported(
                f"the section has no number '{alternatives[0]}'",
                None,
                self._section,
                "codecs of the release that wrote the stream know it: --codecs",
            )
        return value & ((1 << bits) - 1)

    def optional(self, *alternatives: str, bits: int = 64) -> int | None:
        """Like :meth:`number`; None where the section has no such field."""
        return (
            self.number(*alternatives, bits=bits)
            if isinstance(self.get(*alternatives), int)
            else None
        )
