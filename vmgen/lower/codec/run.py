"""Fixed runs: what one struct of the generated module packs and unpacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vmgen import plan
from vmgen.lower.shape import CODES

SUFFIX = {
    "?": "bool", "b": "i8", "B": "u8", "h": "i16", "H": "u16",
    "i": "i32", "I": "u32", "q": "i64", "Q": "u64",
}  # fmt: skip
TYPES = {code: name for name, code in CODES.items()}


@dataclass(eq=False)
class Runs:
    """The module-level structs of one description; equal ones are made once."""

    stem: str
    made: dict[tuple[str, str], plan.Run] = field(default_factory=dict)

    def add(self, format_: str, fields: str) -> plan.Run:
        """The struct of a run, by its format and its field list."""
        run = self.made.get((format_, fields))
        if run is None:
            name = f"_{self.stem}_{len(self.made)}"
            run = self.made[format_, fields] = plan.Run(
                name, format_, tuple(_pieces(fields))
            )
        return run


def _pieces(fields: str) -> Iterable[str]:
    """The field list in pieces of even length, at most 76 characters if words allow."""
    if len(fields) <= 82:
        yield fields
        return
    width = len(fields) / -(-len(fields) // 72) + 4
    line = ""
    for word in fields.split(" "):
        if line and len(line) + len(word) + 1 > width:
            yield f"{line} "
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


@dataclass(eq=False)
class FixedRun:
    """A fixed run under construction."""

    format: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    code: str = ""
    size: int = 0
    before: list[plan.Statement] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    after: list[plan.Statement] = field(default_factory=list)
    aliases: list[plan.Statement] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def note(self, code: str, text: str) -> None:
        """Add a field to the list for error messages."""
        if code and code != self.code:
            self.fields.append(f"{code}:")
            self.code = code
        self.fields.append(text)

    def struct_format(self) -> str:
        """The format, with repeated codes counted."""
        parts: list[tuple[str, int]] = []
        for one in self.format:
            if len(one) == 1 and parts and parts[-1][0] == one:
                parts[-1] = (one, parts[-1][1] + 1)
            else:
                parts.append((one, 1))
        return ">" + "".join(f"{n if n > 1 else ''}{one}" for one, n in parts)
