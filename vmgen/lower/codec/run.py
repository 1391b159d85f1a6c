"""Fixed runs: what one struct of the generated module packs and unpacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from vmgen import plan
from vmgen.plan import code

SUFFIX = {
    "?": "bool", "b": "i8", "B": "u8", "h": "i16", "H": "u16",
    "i": "i32", "I": "u32", "q": "i64", "Q": "u64",
}  # fmt: skip


ARGUMENTS = 30
"""Most values that one call packs: CPython puts more arguments than that into a list, and
then into a tuple (``STACK_USE_GUIDELINE`` of its Python/compile.c), which takes longer than
a second call."""


@dataclass(eq=False)
class Runs:
    """The module-level structs of one description; equal ones are made once."""

    stem: str
    made: dict[tuple[str, str], plan.Run] = field(default_factory=dict)

    def add(self, run: FixedRun, optional: bool = False) -> plan.Run:
        """The struct of a run, by its format and its field list; a state may lack the
        fields of an ``optional`` one."""
        fields = ["?", *run.fields] if optional else run.fields
        key = (run.struct_format(), " ".join(fields))
        made = self.made.get(key)
        if made is None:
            name = f"_{self.stem}_{len(self.made)}"
            if self.stem.startswith("_"):  # Python renames __name inside of a class
                name = f"_{len(self.made)}{self.stem}"
            most = ARGUMENTS if len(run.values) > ARGUMENTS else 0
            pieces = tuple(_pieces(key[1]))
            made = self.made[key] = plan.Run(name, key[0], pieces, most)
        return made


def _pieces(fields: str) -> Iterable[str]:
    """The field list in pieces that fit on a line, if words allow."""
    line = ""
    for word in fields.split(" "):
        if line and len(line) + len(word) + 1 > _WIDTH:
            yield f"{line} "
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


_WIDTH = 80
"""Characters of a piece: what an indented string with a comma has room for."""


@dataclass(eq=False)
class FixedRun:
    """A fixed run under construction."""

    format: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    type: str = ""
    size: int = 0
    before: list[code.Statement] = field(default_factory=list)
    targets: list[code.Expr] = field(default_factory=list)
    after: list[code.Statement] = field(default_factory=list)
    aliases: list[code.Statement] = field(default_factory=list)
    values: list[code.Expr] = field(default_factory=list)
    lists: dict[code.Expr, list[code.Expr]] = field(default_factory=dict)

    def element(self, array: code.Expr, index: int, name: code.PyName) -> code.Expr:
        """What takes an element on load: the name that the list is made of, or the list
        that an earlier run has made."""
        if array not in self.lists:
            return code.at(array, index)
        self.lists[array][index] = name
        return name

    def ending(self) -> list[code.Statement]:
        """What follows the values on load."""
        lists = [
            code.PyAssign((array,), code.PyList(tuple(items)))
            for array, items in self.lists.items()
        ]
        return [*lists, *self.after]

    def note(self, type_: str, text: str) -> None:
        """Add a field to the list for error messages; ``type_`` is its ``struct`` code."""
        if type_ and type_ != self.type:
            self.fields.append(f"{type_}:")
            self.type = type_
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
