"""Changes named by path: ``cpu/0.env.gpr[10]=0x1234``."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping

from vmgen.stream import described, paths, registers
from vmgen.stream.codecs import field, is_state
from vmgen.stream.draft import Draft
from vmgen.stream.errors import BadEdit, StreamError
from vmgen.stream.parts import Section
from vmgen.stream.ram_place import RamPlace, ram_place
from vmgen.stream.stream import Stream
from vmgen.stream.wire import Buffer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOTHING = ("null", "none")


def edit(
    stream: Stream,
    assignments: Iterable[str],
    images: Mapping[str, Buffer] | None = None,
) -> Draft:
    """The stream with fields set to other values.

    An assignment is ``PATH=VALUE``; a path may end in the name of a register
    (``cpu/0.a0``), or be one: its value is a number.  A value is a number in any notation of Python, true
    or false, hexadecimal digits for bytes, numbers in brackets for an array, ``null`` for
    a subsection that is to go and ``{}`` for one that is to come with zeros.  ``PATH=drop``
    for the path of a section leaves it out.  ``ram/BLOCK@ADDRESS=HEX`` writes bytes into
    guest memory.

    ``images`` are whole RAM blocks, by name, that are written before.  Raises NotFound for
    a path that leads nowhere, BadEdit for a value that does not fit.
    """
    draft = Draft(stream)
    for block, image in (images or {}).items():
        draft.memory(block).load(image)
    changed: dict[int, tuple[Section, Any]] = {}
    sections = list(stream.sections)
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        path, text = path.strip(), text.strip()
        if not equals:
            message = f"'{assignment}' is no assignment: that is PATH=VALUE"
            raise BadEdit(message)
        if (place := ram_place(path)) is not None:
            _write_ram(draft, place, text, path)
            continue
        section, rest = registers.split(stream, sections, path)
        if not rest:
            if text != "drop":
                hint = "name a field, or 'drop' the section"
                raise BadEdit("a section cannot be set as a whole", None, path, hint)
            draft.drop(section)
            continue
        if section.offset not in changed:
            changed[section.offset] = section, changeable(stream, section)
        value = changed[section.offset][1]
        file = registers.of_section(stream.codecs, section, value)
        if file is not None and (name := registers.named(file, rest)) is not None:
            file.write(name, _integer(text, path))
        else:
            if not paths.resolve(value, rest):
                raise registers.missing(file, section, value, rest)
            _assign(section, value, rest, text)
    for section, value in changed.values():
        draft.replace(section, content(stream, section, value))
    return draft


def _write_ram(draft: Draft, place: RamPlace, text: str, path: str) -> None:
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise BadEdit(f"'{text}' is not hexadecimal", None, path) from None
    if place.size not in (None, len(data)):
        raise BadEdit(f"{len(data)} bytes do not fill {place.size}", None, path)
    draft.memory(place.block)[place.address : place.address + len(data)] = data


def changeable(stream: Stream, section: Section) -> Any:
    """The values of a section, to be changed and given to :func:`content`.

    Raises BadEdit for a section whose fields nothing knows.
    """
    if section.codec is not None:
        return stream.state(section)
    if section.means == "description":
        return stream.values(section)
    if section.open:
        question = section.open
        message = f"missing information: {question.text}"
        raise BadEdit(message, section.offset, section.path, question.hint)
    message = f"{section.kind.upper()} sections of this kind cannot be edited by field"
    raise BadEdit(message, section.offset, section.path)


def _assign(section: Section, value: Any, rest: str, text: str) -> None:
    steps = paths.resolve(value, rest)
    assert steps, rest
    holder = value
    for step in steps[:-1]:
        holder = paths.at(holder, step)
    last = steps[-1]
    old = paths.at(holder, last)
    path = f"{section.path}{rest}"
    if isinstance(
        holder, bytes
    ):  # one byte of a buffer that only the description knows
        _assign_byte(value, steps, _integer(text, path), path)
        return
    if text.lower() in NOTHING and old is not None and not is_state(value):
        raise BadEdit("without a codec nothing can be left out", None, path)
    new = _parsed(text, old, holder, last, path)
    try:
        paths.put(holder, last, new)
    except (OverflowError, ValueError, TypeError) as error:
        said = _room(holder) if isinstance(holder, array) else f": {error}"
        raise BadEdit(f"{text} does not fit{said}", section.offset, path) from None


def _assign_byte(value: Any, steps: list[paths.Step], new: int, path: str) -> None:
    holder = value
    for step in steps[:-2]:
        holder = paths.at(holder, step)
    data = bytearray(paths.at(holder, steps[-2]))
    if not 0 <= new <= 255:
        raise BadEdit(f"{new} is not a byte", None, path)
    data[int(steps[-1])] = new
    paths.put(holder, steps[-2], bytes(data))


def _parsed(text: str, old: Any, holder: Any, step: paths.Step, path: str) -> Any:
    """A value of the kind of the old one."""
    if text.lower() in NOTHING:
        return None
    if text == "{}":
        return _made(holder, step, path)
    if isinstance(old, bool):
        if text.lower() in ("true", "false", "0", "1"):
            return text.lower() in ("true", "1")
        raise BadEdit(f"'{text}' is not true or false", None, path)
    if isinstance(old, (bytes, bytearray)):
        try:
            data = bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise BadEdit(f"'{text}' is not hexadecimal", None, path) from None
        return type(old)(data)
    if isinstance(old, (array, list)):
        if not (text.startswith("[") and text.endswith("]")):
            raise BadEdit("an array is written in brackets: [1, 2, 3]", None, path)
        inner = text[1:-1].strip()
        numbers = [_integer(item, path) for item in inner.split(",")] if inner else []
        return _array(old, numbers, path)
    if old is None and _class_of(holder, step) is not None:
        hint = "{} makes it, all zero"
        raise BadEdit("there is no such subsection or object", None, path, hint)
    if old is None or isinstance(old, int):
        return _integer(text, path)
    raise BadEdit("name a field inside of it", None, path, paths.known(old))


def _array(old: array[Any] | list[Any], numbers: list[int], path: str) -> Any:
    if isinstance(old, list):
        if not all(isinstance(item, int) for item in old):
            raise BadEdit("name an element of it", None, path)
        return (
            [bool(n) for n in numbers] if all(type(i) is bool for i in old) else numbers
        )
    try:
        return array(old.typecode, numbers)
    except OverflowError:
        raise BadEdit(f"an element does not fit{_room(old)}", None, path) from None


def _room(numbers: array[Any]) -> str:
    """What an element can be; Python's own words differ with the width."""
    sign = " with a sign" if numbers.typecode.islower() else ""
    return f" {numbers.itemsize * 8} bits{sign}"


def _integer(text: str, path: str) -> int:
    try:
        return int(text.strip(), 0)
    except ValueError:
        raise BadEdit(f"'{text.strip()[:80]}' is not a number", None, path) from None


def _made(holder: Any, step: paths.Step, path: str) -> Any:
    """A new state of the class that a member is declared as."""
    made = _class_of(holder, step)
    if made is None:
        message = "{} makes a subsection or an object, this is neither"
        raise BadEdit(message, None, path)
    return made()


def _class_of(holder: Any, step: paths.Step) -> type[Any] | None:
    """The class that a member is declared as, if it is that of a state."""
    if not is_state(holder) or not isinstance(step, str):
        return None
    member = field(holder, step)
    return None if member is None or member.array else member.state


def content(stream: Stream, section: Section, value: Any) -> Any:
    """What :meth:`Draft.replace` takes, of values that were changed."""
    if section.codec is not None:
        return value
    slots = stream.layout(section)
    try:
        return described.encode(slots, value, stream.view, section.start)
    except StreamError as error:
        error.path = f"{section.path}.{error.path}"
        raise
