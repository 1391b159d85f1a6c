"""Descriptions as a tree to read: what is on the wire, in order, in columns.

A description is a line of its own, its fields below it, nested descriptions below their
field, subsections last::

    cpu  version 10  RISCVCPU  vmstate_riscv_cpu  target/riscv/machine.c:409
    │  offset  bytes  type         member   C type
    ├─   0x00    256  uint64 x 32  env.gpr  target_ulong[32]
    ...
    └─ cpu/pmp  version 1  subsection if ...

Offsets count from the first byte of the description's own fields, in hexadecimal, as
long as everything before has a known size; they start again in a nested description
and in a subsection.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vmgen import ir, wording
from vmgen.ir import graph
from vmgen.known import wire_size
from vmgen.lookup import Lookup, Placed
from vmgen.paint import Kind, Paint, plain


def render(lookup: Lookup, chosen: Sequence[Placed], paint: Paint = plain) -> str:
    """The chosen descriptions as text; ends with a newline.

    A description that is shown inside another chosen one is not shown again by itself;
    of those that contain each other the first is.
    """
    tree = _Tree(lookup, paint)
    inside: set[int] = set()
    tops: list[Placed] = []
    for placed in chosen:
        within = {id(found) for found in lookup.below(placed) if found is not placed}
        if id(placed) not in inside:
            tops = [top for top in tops if id(top) not in within]
            tops.append(placed)
        inside |= within
    program = lookup.program
    release = f", QEMU {program.release}" if program.release else ""
    blocks = [paint("heading", f"{wording.title(program)}{release}")]
    blocks += ["\n".join(tree.block(placed)) for placed in tops]
    return "\n\n".join(blocks) + "\n"


@dataclass(frozen=True, slots=True)
class _TreeLine:
    """One line: the branches before it, then the columns of a field or a heading."""

    branch: str
    columns: tuple[str, ...] = ()
    heading: str = ""
    notes: tuple[str, ...] = ()
    faint: bool = False


_NEVER_SAVED = "unmigratable: no guest with it can be saved"


class _Tree:
    def __init__(self, lookup: Lookup, paint: Paint) -> None:
        self.lookup = lookup
        self.paint = paint

    def block(self, placed: Placed) -> list[str]:
        rows = list(self.rows(placed, "", (placed,)))
        if any(row.columns for row in rows):
            labels = ("offset", "bytes", "type", "member", "C type")
            rows.insert(0, _TreeLine("│  ", labels, faint=True))
        widths = [
            max((len(row.columns[index]) for row in rows if row.columns), default=0)
            for index in range(5)
        ]
        reach = max((len(row.branch) for row in rows if row.columns), default=0)
        needed = placed.description.needed
        lines = [self.title(placed, self.condition(placed) if needed else "")]
        lines += [self.line(row, reach, widths).rstrip() for row in rows]
        return lines

    def title(self, placed: Placed, role: str) -> str:
        item = placed.description
        version = f"version {item.version_id}"
        if item.minimum_version_id < item.version_id:
            version += f" (reads {item.minimum_version_id} and later)"
        name = item.name or "(named at run time)"
        parts = [
            self.paint("name", name),
            self.paint("number", version),
            *([role] if role else []),
            *([self.paint("warning", _NEVER_SAVED)] if item.unmigratable else []),
            self.paint("type", item.type),
            self.paint("faint", item.symbol),
            self.paint("place", str(ir_line(item, placed.module))),
        ]
        return "  ".join(part for part in parts if part)

    def line(self, row: _TreeLine, reach: int, widths: Sequence[int]) -> str:
        branch = self.paint("faint", row.branch)
        if row.heading:
            return f"{branch}{row.heading}"
        offset, size, kind, name, c_type = row.columns
        fill = "─" if row.branch.endswith("─ ") else " "
        rest = reach - len(row.branch)
        if rest and fill == "─":
            branch = self.paint("faint", row.branch[:-1] + fill * rest + " ")
        else:
            branch += " " * rest
        cells = [
            offset.rjust(widths[0]),
            size.rjust(widths[1]),
            kind.ljust(widths[2]),
            name.ljust(widths[3]),
            c_type.ljust(widths[4]),
        ]
        kinds: tuple[Kind, ...] = ("faint", "number", "type", "name", "faint")
        if row.faint:
            kinds = ("faint",) * 5
        cells = [self.paint(*pair) for pair in zip(kinds, cells, strict=True)]
        return branch + "  ".join([*cells, *row.notes])

    def rows(
        self, placed: Placed, stem: str, way: tuple[Placed, ...]
    ) -> Iterator[_TreeLine]:
        """Everything below the title of a description."""
        item = placed.description
        functions = self.lookup.functions(placed.module)
        subsections = [
            self.lookup.find(name, placed.module) for name in item.subsections
        ]
        offset: int | None = 0
        for hook in item.hooks:
            role = self.paint("note", hook.role)
            yield _TreeLine(f"{stem}│  ", heading=f"{role} {hook.symbol}()")
        for number, field in enumerate(item.fields):
            last = number == len(item.fields) - 1 and not subsections
            branch, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
            bytes_ = self.field_size(field, placed)
            columns = (
                "" if offset is None else f"0x{offset:02x}",
                "" if bytes_ is None else str(bytes_),
                _kind(field),
                _field_name(field),
                wording.c_type(field),
            )
            yield _TreeLine(
                stem + branch, columns, notes=self.notes(field, item, functions)
            )
            yield from self.below(field, placed, stem + under, way)
            offset = None if offset is None or bytes_ is None else offset + bytes_
        for number, found in enumerate(subsections):
            last = number == len(subsections) - 1
            branch, under = ("└─ ", "   ") if last else ("├─ ", "│  ")
            if found is None:
                yield _TreeLine(stem + branch, heading=item.subsections[number])
                continue
            role = self.subsection_role(found)
            yield _TreeLine(stem + branch, heading=self.title(found, role))
            if found not in way:
                yield from self.rows(found, stem + under, (*way, found))

    def below(
        self, field: ir.Field, placed: Placed, stem: str, way: tuple[Placed, ...]
    ) -> Iterator[_TreeLine]:
        if isinstance(field.element, ir.WordsElement):
            words = field.element.words
            text = ", ".join(f"{word.type} {word.member}".rstrip() for word in words)
            yield _TreeLine(stem, heading=self.paint("faint", f"each: {text}"))
        for mention in graph.in_field(field):
            inner = self.lookup.meant(mention, placed.module)
            if inner is None or inner in way:
                continue
            if mention.how == "key":
                yield _TreeLine(stem, heading=self.title(inner, mention.how))
            yield from self.rows(inner, stem, (*way, inner))

    def subsection_role(self, found: Placed) -> str:
        if not found.description.needed:
            return "subsection, always"
        return f"subsection {self.condition(found)}"

    def condition(self, placed: Placed) -> str:
        """When the description is on the wire, which its ``needed`` says."""
        functions = self.lookup.functions(placed.module)
        text = wording.function(placed.description.needed, functions)
        return f"{self.paint('note', 'if')} {text}"

    def notes(
        self, field: ir.Field, item: ir.Description, functions: dict[str, ir.Function]
    ) -> tuple[str, ...]:
        notes = []
        if field.test:
            condition = wording.function(field.test, functions)
            word = "must hold:" if field.must_exist else "if"
            notes.append(f"{self.paint('note', word)} {condition}")
        elif field.version_id > item.version_id:
            notes.append(
                f"{self.paint('warning', 'never')} (version {field.version_id})"
            )
        elif field.version_id > item.minimum_version_id:
            notes.append(f"{self.paint('note', 'since')} version {field.version_id}")
        if field.start:
            notes.append(f"from [{field.start}]")
        if field.pointers:
            notes.append("array of pointers")
        elif field.pointer:
            notes.append("through a pointer")
        if isinstance(field.element, ir.CustomElement) and field.element.load:
            functions_of_user = f"{field.element.load}, {field.element.save}"
            notes.append(self.paint("faint", functions_of_user))
        for mention in graph.in_field(field):
            if mention.how in ("element", "value"):
                notes.append(self.paint("faint", mention.symbol))
        return tuple(notes)

    # --- sizes on the wire ----------------------------------------------------------

    def field_size(self, field: ir.Field, placed: Placed) -> int | None:
        """Bytes on the wire of the whole field at the current version; None where it
        depends on the state."""
        version = placed.description.version_id
        return wire_size.of_field(self.lookup, placed, field, version)


def ir_line(item: ir.Description, module: ir.Module) -> str:
    """``file:line`` of a description."""
    return f"{item.position.file or module.file}:{item.position.line}"


def _kind(field: ir.Field) -> str:
    text = wording.wire_type(field)
    if isinstance(
        field.element, ir.BufferElement | ir.UnusedElement | ir.BitmapElement
    ):
        unit = " bits" if isinstance(field.element, ir.BitmapElement) else ""
        text += f"({wording.amount(field.size)}{unit})"
    if field.array or field.count != ir.Fixed(1):
        return f"{text} x {wording.amount(field.count)}"
    return text


def _field_name(field: ir.Field) -> str:
    """The C path, with the wire name where the two differ."""
    path = ir.path_text(field.path)
    if not path:
        return f"({field.name})"
    return path if path == field.name else f"{path} ({field.name})"
