"""A stream as text for people and as JSON for programs."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence

from vmgen.paint import Paint, plain
from vmgen.schemas import VERSIONS, versioned
from vmgen.stream import paths
from vmgen.stream.parts import Section, Trailing
from vmgen.stream.paths import ABSENT
from vmgen.stream.wire import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vmgen.stream.compare import Change
    from vmgen.stream.errors import Question
    from vmgen.stream.stream import Stream

_WIDTH = 100

# --- JSON ---------------------------------------------------------------------------------


def as_json(
    stream: Stream, sections: Iterable[Section] | None = None
) -> dict[str, Any]:
    """All of a stream, or some sections of it, as JSON values.

    Integers are numbers, bytes hexadecimal text.  ``codec`` is the name of the codec that
    made ``state``; without one ``state`` is what a reader or the description gives, and
    null if only offsets are known.  ``read_by`` says which it was.
    """
    chosen = stream.sections if sections is None else sections
    return {
        "version": VERSIONS["stream-show"],
        "target": _target(stream),
        **({"alternatives": list(found)} if (found := _alternatives(stream)) else {}),
        **({"releases": list(_releases(stream))} if _releases(stream) else {}),
        "configuration": _configuration(stream),
        "sections": [jsonable(section_json(stream, section)) for section in chosen],
    }


def _alternatives(stream: Stream) -> tuple[str, ...]:
    """Other targets that the stream may be of, for all that it says."""
    return () if stream.codecs is None else tuple(stream.codecs.alternatives)


def json_text(
    stream: Stream, sections: Iterable[Section] | None = None
) -> Iterator[str]:
    """What :func:`as_json` gives as text, one section a line, made one by one."""
    version = VERSIONS["stream-show"]
    yield f'{{\n "version": {version},\n "target": {json.dumps(_target(stream))},\n'
    if alternatives := _alternatives(stream):
        yield f' "alternatives": {json.dumps(alternatives)},\n'
    if releases := _releases(stream):
        yield f' "releases": {json.dumps(releases)},\n'
    yield f' "configuration": {_compact(_configuration(stream))},\n "sections": ['
    before = "\n"
    for section in stream.sections if sections is None else sections:
        yield f"{before}  {_compact(section_json(stream, section))}"
        before = ",\n"
    yield "\n ]\n}\n"


def _target(stream: Stream) -> str:
    return "" if stream.codecs is None else stream.codecs.target


def _releases(stream: Stream) -> tuple[str, ...]:
    return () if stream.codecs is None else stream.codecs.releases


def _configuration(stream: Stream) -> dict[str, Any] | None:
    configuration = stream.configuration
    if configuration is None:
        return None
    return {
        "machine": configuration.machine,
        **{one.name: jsonable(one.value) for one in configuration.subsections},
    }


def _compact(value: Any) -> str:
    return json.dumps(value, default=_bare)


def _bare(value: Any) -> Any:
    """What JSON has no word for."""
    return value.tolist() if isinstance(value, array) else bytes(value).hex()


def section_json(stream: Stream, section: Section) -> dict[str, Any]:
    """One section, with the registers of a CPU by name; bytes and arrays in its state are
    left as they are."""
    state = state_json(stream, section)
    made: dict[str, Any] = {
        "name": printable(section.name),
        "instance_id": section.instance_id,
        "version_id": section.version_id,
        "kind": section.kind,
        "offset": section.offset,
        "size": section.size,
        "codec": None if section.codec is None else section.codec.name,
        "read_by": section.means,
        "state": state,
    }
    if section.open:
        made["open"] = {
            "kind": section.open.kind,
            "key": section.open.key,
            "text": section.open.text,
        }
        if section.open.candidates:
            made["open"]["candidates"] = list(section.open.candidates)
    if found := _register_values(stream, section, state):
        made["registers"] = found
    return made


def _register_values(stream: Stream, section: Section, value: Any) -> dict[str, int]:
    from vmgen.stream import registers

    file = registers.of_section(stream.codecs, section, value)
    return {} if file is None else {one.name: one.value for one in file}


def state_json(stream: Stream, section: Section) -> Any:
    """What is in a section; of RAM the blocks, with the section that lists them."""
    if section.means == "ram":
        return ram_json(stream) if section.kind == "start" else None
    return stream.values(section)


def ram_json(stream: Stream) -> dict[str, Any]:
    """The blocks of guest memory, and how many page records of each kind they have."""
    memory = stream.memory()
    blocks = []
    for block in memory.blocks:
        item: dict[str, Any] = {
            "name": printable(block.name),
            "used_length": block.used_length,
            "pages": dict(block.pages),
        }
        for name in ("page_size", "address"):
            if (value := getattr(block, name)) is not None:
                item[name] = value
        if block.mapped is not None:
            item["mapped"] = {
                "bitmap_offset": block.mapped.bitmap_offset,
                "pages_offset": block.mapped.pages_offset,
                "pages": sum(1 for _ in block.mapped.present(stream.view)),
            }
        blocks.append(item)
    return {"page_size": memory.page_size, "blocks": blocks}


def jsonable(value: Any) -> Any:
    """Values without bytes and arrays."""
    if isinstance(value, dict):
        return {printable(name): jsonable(item) for name, item in value.items()}
    if isinstance(value, array):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    return None if value is ABSENT else value


def dumps(value: Any) -> str:
    """JSON text: objects over several lines, small flat ones and lists of numbers on one."""
    out: list[str] = []
    _dump(value, "\n", out.append)
    return "".join(out) + "\n"


def _dump(value: Any, end: str, put: Callable[[str], None]) -> None:
    inner = end + "  "
    if isinstance(value, dict) and not _is_flat(value):
        before = "{"
        for name, item in value.items():
            put(f"{before}{inner}{json.dumps(name)}: ")
            _dump(item, inner, put)
            before = ","
        put(f"{end}}}")
    elif isinstance(value, list) and any(map(_NESTED.__contains__, map(type, value))):
        before = "["
        for item in value:
            put(before + inner)
            _dump(item, inner, put)
            before = ","
        put(f"{end}]")
    else:
        put(json.dumps(value))


_NESTED = frozenset((dict, list))


def _is_flat(value: dict[str, Any]) -> bool:
    return len(value) < 5 and _NESTED.isdisjoint(map(type, value.values()))


# --- text -----------------------------------------------------------------------------------


def table(stream: Stream, paint: Paint = plain) -> Iterator[str]:
    """The sections of a stream in columns, one line each."""
    configuration = stream.configuration
    if configuration is not None:
        yield f"{paint('faint', 'machine')} {paint('name', printable(configuration.machine))}\n"
        for one in configuration.subsections:
            label = printable(one.name.removeprefix("configuration/"))
            yield f"{paint('faint', label)} {_plainly(one.value)}\n"
    if stream.codecs is not None and stream.codecs.target:
        names = " or ".join((stream.codecs.target, *stream.codecs.alternatives))
        yield f"{paint('faint', 'target')} {paint('name', names)}\n"
    if stream.codecs is not None and stream.codecs.releases:
        names = " or ".join(stream.codecs.releases)
        yield f"{paint('faint', 'release')} {paint('name', names)}\n"
    yield paint(
        "heading", f"{'offset':>12} {'size':>12} kind  {'id':>4} {'ver':>3}  section"
    ) + "\n"
    for section in stream.sections:
        yield _row(stream, section, paint)
    document = stream.description
    if document is not None:
        size = paint("number", f"{document.size:>12}")
        yield f"{document.offset:>#12x} {size} description of {len(document.devices)} sections\n"
    for part in stream.parts():
        if isinstance(part, Trailing):
            yield f"{part.offset:>#12x} {part.size:>12} bytes that follow the stream\n"


def _row(stream: Stream, section: Section, paint: Paint) -> str:
    by = {
        "codec": "" if section.codec is None else f"codec {section.codec.name}",
        "footer": "only bytes",
    }.get(section.means, section.means)
    size = paint("number", f"{section.size:>12}")
    place = f"{section.offset:>#12x} {size} {section.kind:<5} {section.id:>4}"
    version = f"{section.version_id:>3}"
    name = paint("name", section.path)
    if section.open:
        by += f", needs {printable(_missing(section.open))}"
    return f"{place} {version}  {name}  {paint('faint', by)}\n"


def _missing(question: Question) -> str:
    """What a codec needs, in a word or two."""
    match question.kind:
        case "device":
            return f"one of {' or '.join(question.candidates)}"
        case "description":
            return "the stream's description"
    return question.key


def section_text(
    stream: Stream, section: Section, paint: Paint = plain
) -> Iterator[str]:
    """The values of a section, a path and a value a line."""
    yield paint("heading", section.path) + paint(
        "faint",
        f"  version {section.version_id}, {section.end - section.start} bytes at {section.start:#x}",
    ) + "\n"
    if section.means == "ram":
        yield from _ram_text(stream, paint)
        return
    if section.open:
        yield f"  {paint('note', 'missing information')}: {printable(section.open.text)}\n"
        yield f"  {paint('hint', printable(section.open.hint))}\n"
    value = stream.values(section)
    if value is None:
        yield f"  {bytes(stream.body(section)[:64]).hex(' ', 4)}"
        yield " ...\n" if section.end - section.start > 64 else "\n"
        return
    yield from _registers(stream, section, value, paint)
    yield from value_text(value, "", paint)


def registers_text(stream: Stream, form: str, paint: Paint = plain) -> Iterator[str]:
    """The registers of every CPU; as JSON one object for all: {"registers": {"PATH": {"NAME":
    {"value", "bits", "feature"}}}}."""
    from vmgen.stream import registers

    cpus = [one for one in stream.sections if registers.is_cpu(one)]
    if form != "json":
        for section in cpus:
            yield paint("heading", section.path) + "\n"
            yield from _registers(stream, section, stream.values(section), paint)
        return
    document = {}
    for section in cpus:
        file = registers.of_section(stream.codecs, section, stream.values(section))
        document[section.path] = {
            one.name: {"value": one.value, "bits": one.bits, "feature": one.feature}
            for one in file or ()
        }
    yield dumps(versioned("stream-show-registers", {"registers": document}))


def _registers(
    stream: Stream, section: Section, value: Any, paint: Paint
) -> Iterator[str]:
    """The registers of a CPU, those of one of gdb's features in columns of one width."""
    from vmgen.stream import registers

    file = registers.of_section(stream.codecs, section, value)
    groups: dict[str, list[tuple[str, str]]] = {}
    for one in file or ():
        digits = f"{one.value:0{(one.bits + 3) // 4}x}"
        groups.setdefault(one.feature, []).append((one.name, digits))
    for feature, cells in groups.items():
        yield f"  {paint('faint', feature)}\n"
        name_width = max(len(name) for name, _ in cells)
        width = max(len(text) for _, text in cells)
        columns = max(1, _WIDTH // (name_width + width + 3))
        for start in range(0, len(cells), columns):
            row = [
                f"{paint('name', name.rjust(name_width))} {paint('number', text.rjust(width))}"
                for name, text in cells[start : start + columns]
            ]
            yield f"  {'  '.join(row)}\n"


def value_text(value: Any, path: str, paint: Paint = plain) -> Iterator[str]:
    """Values below a path, one a line."""
    for name, item in paths.leaves(value, path):
        yield f"  {paint('name', printable(name))} {paint('faint', '=')} {formatted(item, paint)}\n"


def _ram_text(stream: Stream, paint: Paint) -> Iterator[str]:
    memory = stream.memory()
    yield f"  page size {memory.page_size}\n"
    for block in memory.blocks:
        pages = ", ".join(f"{count} {kind}" for kind, count in block.pages.items())
        extra = "" if block.address is None else f" at {block.address:#x}"
        if block.mapped is not None:
            pages = f"mapped at {block.mapped.pages_offset:#x}"
        size = paint("number", f"{block.used_length:#x}")
        yield f"  {paint('name', printable(block.name))} {size} bytes{extra}: {pages or 'no pages'}\n"


def formatted(value: Any, paint: Paint = plain) -> str:
    """A value on one line: numbers in hexadecimal, what repeats with a count."""
    if isinstance(value, (list, array)):
        return f"[{', '.join(_repeats(value, paint))}]"
    return _one(value, paint)


def _repeats(values: Any, paint: Paint) -> Iterator[str]:
    index = 0
    shown = 0
    while index < len(values):
        stop = index + 1
        while stop < len(values) and values[stop] == values[index]:
            stop += 1
        text = _one(values[index], paint)
        yield text if stop - index == 1 else f"{text} x {stop - index}"
        index = stop
        shown += 1
        if shown == 64 and index < len(values):
            yield f"... {len(values) - index} more"
            return


def _one(value: Any, paint: Paint) -> str:
    if isinstance(value, (dict, list, array)):
        return "{...}" if isinstance(value, dict) else f"[... {len(value)}]"
    if value is None or value is ABSENT:
        return paint("faint", "null" if value is None else "absent")
    if isinstance(value, bool):
        return paint("number", "true" if value else "false")
    if isinstance(value, int):
        small = -10 < value < 10
        return paint("number", str(value) if small else f"{value:#x}")
    return _plainly(value)


def _plainly(value: Any) -> str:
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        if data and not any(data):
            return f"00 x {len(data)}"
        text = data[:_WIDTH].hex()
        return text if len(data) <= _WIDTH else f"{text}... {len(data)} bytes"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return printable(str(value))


def change_text(change: Change, paint: Paint = plain) -> str:
    """One difference: the path, the old and the new value."""
    path = paint("name", printable(change.path))
    if change.registers:
        path += paint("note", f" ({_listed(change.registers)})")
    if change.pages:
        return f"{path} {change.pages} page{'s' * (change.pages > 1)} differ\n"
    old = paint("removed", formatted(change.old))
    return (
        f"{path} {old} {paint('faint', '->')} {paint('added', formatted(change.new))}\n"
    )


def change_json(change: Change) -> dict[str, Any]:
    """One difference as JSON values; a side without the field has no key for it."""
    item: dict[str, Any] = {"path": printable(change.path)}
    if change.pages:
        return item | {"pages": change.pages}
    if change.old is not ABSENT:
        item["old"] = jsonable(change.old)
    if change.new is not ABSENT:
        item["new"] = jsonable(change.new)
    if change.registers:
        item["registers"] = list(change.registers)
    return item


def _listed(names: Sequence[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - 4} more" if len(names) > 5 else ""
    return ", ".join(names if not more else names[:4]) + more
