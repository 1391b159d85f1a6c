"""What functions, as written, do to members of structs: a row of steps for each function.

Only what a pointer to a known struct leads to counts (``s->regs.ctrl``, ``s->fifo[i]``),
and it counts by the struct's type: which object it is, is not known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

from vmgen.lint.sources import CFile, CFunction
from vmgen.lint.visible import RecordIndex

Way: TypeAlias = tuple[str, tuple[str, ...]]
"""The tag of a struct, and the members that lead to what is inside of it."""

Kind = Literal["read", "write", "change", "clear", "call", "open", "close", "label"]

_POINTER = re.compile(
    r"\b(?:struct\s+)?([A-Za-z_]\w*)\s*\*+\s*(?:const\s+)?([A-Za-z_]\w*)\b"
)
_ARMS = re.compile(
    r"\btimer_(?:mod(?:_ns|_anticipate|_anticipate_ns)?|(?P<stops>del))\s*\(\s*&?\s*"
    r"(?P<object>\w+)\s*->\s*"
    r"(?P<path>\w+(?:\s*(?:\.|->)\s*\w+|\s*\[[^\[\]]*\])*)\s*[,)]"
)

_TO_MEMBER = re.compile(
    r"\*\s*(?:const\s+)?(\w+)\s*=\s*&\s*(\w+)\s*->\s*(\w+(?:\s*\.\s*\w+)*)\s*"
    r"(?:\[[^\[\];]*\])?\s*[;,]"
)
"""A local pointer to a member, or to an element of one: ``PS2Queue *q = &s->queue;``."""

_STEP = re.compile(
    r"(?P<object>\b[A-Za-z_]\w*)\s*->\s*(?P<path>[A-Za-z_]\w*(?:\s*(?:\.|->)\s*[A-Za-z_]\w*"
    r"|\s*\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\])*)"
    r"|(?P<call>\b[A-Za-z_]\w*)\s*\((?!\s*\*)"
    r"|(?P<label>\b(?:case\b[^:;{}]*|default\s*):)"
    r"|(?P<brace>[{}])"
)
_AFTER = re.compile(r"\s*(\+\+|--|<<=|>>=|[-+*/%|&^]=|=(?!=))")
_BEFORE = re.compile(r"(\+\+|--)\s*\(?\s*$")
_ADDRESS = re.compile(r"(?:[(,=!{;?:]|\breturn)\s*&\s*\(?\s*$")
"""An address, and no ``and`` of two values."""

_ASIDE = re.compile(
    r"\b(?:trace_\w+|qemu_log\w*|\w*DPRINTF\w*|DPRINTK|\w*debug\w*|error_report|error_setg"
    r"|warn_report\w*|info_report|fprintf|printf|PRINT_\w+|DB_PRINT\w*|[A-Z_]*LOG\w*|assert"
    r"|g_assert\w*)\s*\("
)
"""Calls whose arguments only people read."""

_ONCE = re.compile(
    r"\bif\s*\(\s*!\s*(?P<member>\w+\s*->\s*\w+(?:\s*\.\s*\w+)*)\s*\)\s*"
    r"\{(?P<block>[^{}]*)\}(?!\s*else\b)"
)
"""A block that runs until it sets the member."""

_CLEARS = re.compile(r"\b(?:memset|bzero)\s*\([^;]*$")
_FILLS = re.compile(
    r"\b(?:memcpy|memmove|address_space_read|dma_memory_read|pci_dma_read"
    r"|cpu_physical_memory_read|ld\w+_p|address_space_rw)\s*\([^;]*$"
)
_DEBUG = re.compile(r"\bif\s*\([^;{}]*debug[^;{}]*\)\s*$", re.IGNORECASE)
"""A block that is there for who debugs the device."""

_LOOP = re.compile(r"\bfor\s*\([^;{}]*;[^;{}]*;[^;{}]*\)\s*$")
_KEYWORDS = frozenset(
    [
        "if",
        "while",
        "for",
        "switch",
        "return",
        "sizeof",
        "typeof",
        "defined",
        "do",
        "else",
        "goto",
        "case",
    ]
)


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """One step of a function: what it does, to which member of which struct (or which
    function it calls), and where; ``text`` is what follows behind a written member."""

    kind: Kind
    type: str = ""
    path: tuple[str, ...] = ()
    name: str = ""
    offset: int = 0


class FileAccesses:
    """The functions of one file as steps.  ``types`` are the structs that count."""

    def __init__(
        self, file: CFile, records: RecordIndex, types: Collection[str]
    ) -> None:
        self._file = file
        self._records = records
        self._types = types
        self._steps: dict[str, tuple[MemberAccess, ...]] = {}

    def steps(self, name: str) -> tuple[MemberAccess, ...]:
        """The steps of a function; none of one that the file does not have."""
        if name not in self._steps:
            function = self._file.functions.get(name)
            found = () if function is None else tuple(self._of(function))
            self._steps[name] = found
        return self._steps[name]

    def armed(self, name: str, *, or_stopped: bool = False) -> Iterator[MemberAccess]:
        """The members that a function gives to ``timer_mod`` and its like; with
        ``or_stopped`` those that it gives to ``timer_del``, too."""
        function = self._file.functions.get(name)
        if function is None:
            return
        variables = self._variables(function)
        for match in _ARMS.finditer(function.body):
            if match["stops"] and not or_stopped:
                continue
            for _, step in self._member(function, match, variables, None, "read"):
                yield step

    def reached(self, names: Collection[str]) -> dict[str, str]:
        """The functions of the file that these call, at any depth, themselves too; each
        with the one of ``names`` that leads there."""
        found: dict[str, str] = {}
        waiting = [(name, name) for name in names if name in self._file.functions]
        while waiting:
            name, first = waiting.pop()
            if name in found:
                continue
            found[name] = first
            for step in self.steps(name):
                if step.kind == "call" and step.name in self._file.functions:
                    waiting.append((step.name, first))
        return found

    def _of(self, function: CFunction) -> Iterator[MemberAccess]:
        variables = self._variables(function)
        body = function.body
        aside = _asides(body)
        late: list[tuple[int, MemberAccess]] = []
        debug, deep = False, 0
        for match in _STEP.finditer(body):
            at = match.start()
            while late and late[0][0] <= at:
                yield late.pop(0)[1]
            if brace := match["brace"]:
                if debug and brace == "{":
                    deep += 1
                elif debug:
                    deep -= 1
                    debug = deep > 0
                elif brace == "{" and _DEBUG.search(body, max(0, at - 200), at):
                    debug, deep = True, 1
                elif brace == "{":
                    is_loop = _LOOP.search(body, max(0, at - 300), at) is not None
                    yield MemberAccess("open", name="for" if is_loop else "")
                else:
                    yield MemberAccess("close")
            elif debug:
                continue
            elif match["label"]:
                yield MemberAccess("label")
            elif call := match["call"]:
                if call not in _KEYWORDS:
                    yield MemberAccess("call", name=call, offset=function.start + at)
            elif not any(start <= at < end for start, end in aside):
                late += self._member(function, match, variables)
                late.sort(key=lambda one: one[0])
                # Inner members of subscripts.
                for inner in re.finditer(r"\[([^\[\]]*)\]", match["path"]):
                    for found in _STEP.finditer(inner[1]):
                        if found["object"]:
                            late += self._member(function, found, variables, at, "read")
        for _, step in late:
            yield step

    def _member(
        self,
        function: CFunction,
        match: re.Match[str],
        variables: Mapping[str, Way],
        base: int | None = None,
        only: Kind | None = None,
    ) -> Iterator[tuple[int, MemberAccess]]:
        """The step of a member, with the offset in the body at which it happens."""
        known = variables.get(match["object"])
        if known is None:
            return
        type_, before_path = known
        words = re.sub(r"\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]|\s", "", match["path"])
        path = (*before_path, *words.replace("->", ".").split("."))
        body = function.body
        at = match.start() if base is None else base
        offset = function.start + at
        if only is not None:
            yield at, MemberAccess(only, type_, path, "", offset)
            return
        after = _AFTER.match(body, match.end())
        before = body[max(0, at - 200) : at]
        if after is None:
            if _BEFORE.search(before):
                yield at, MemberAccess("change", type_, path, "", offset)
            elif _CLEARS.search(before):
                yield at, MemberAccess("clear", type_, path, "", offset)
            elif _FILLS.search(before) and _is_first_or_address(before):
                yield at, MemberAccess("write", type_, path, "", offset)
            elif _ADDRESS.search(before):
                pass  # whoever has the address may do anything, or nothing
            else:
                yield at, MemberAccess("read", type_, path, "", offset)
        elif after[1] == "=":
            stop = body.find(";", after.end())
            stop = len(body) if stop < 0 else stop
            value = body[after.end() : stop].strip()
            yield stop, MemberAccess("write", type_, path, value, offset)
        else:
            yield at, MemberAccess("change", type_, path, "", offset)

    def _variables(self, function: CFunction) -> dict[str, Way]:
        """The pointers to structs that count, or to members of them, parameters and
        locals, by name."""
        found: dict[str, Way] = {}
        for text in (function.head, function.body):
            for type_, name in _POINTER.findall(text):
                tag = self._records.tag(type_)
                if tag in self._types:
                    found[name] = tag, ()
                elif tag in self._embedded:
                    found[name] = self._embedded[tag]
        for name, object_, path in _TO_MEMBER.findall(function.body):
            if object_ in found and found.get(name, (name,))[0] not in self._types:
                tag, before = found[object_]
                words = re.sub(r"\s", "", path).split(".")
                found[name] = tag, (*before, *words)
        return found

    @cached_property
    def _embedded(self) -> dict[str, Way]:
        """Records that exactly one of the structs has inside, as one member or array: a
        pointer to such a record is one to this member."""
        found: dict[str, Way] = {}
        several: set[str] = set()
        for type_ in self._types:
            members = self._records.members(type_) or {}
            for name, member in [*members.items()][1:]:  # the first is the parent
                tag = self._records.tag(member.type)
                if member.is_pointer or self._records.members(tag) is None:
                    continue
                if tag in found or member.inner is not None:
                    several.add(tag)
                found[tag] = type_, (name,)
        return {
            tag: way
            for tag, way in found.items()
            if tag not in several and tag not in self._types
        }


def _is_first_or_address(before: str) -> bool:
    """Whether what follows is a call's first argument, or an address."""
    opened = before.rfind("(")
    return "," not in before[opened:] or before.rstrip().endswith("&")


def _asides(body: str) -> list[tuple[int, int]]:
    """The spans of calls that only report, and of conditions of what reports once."""
    spans = []
    for match in _ASIDE.finditer(body):
        end = body.find(";", match.end())
        spans.append((match.start(), len(body) if end < 0 else end))
    for match in _ONCE.finditer(body):
        start, end = match.span("block")
        calls = [span for span in spans if start <= span[0] < end]
        rest = "".join(
            body[at]
            for at in range(start, end)
            if not body[at].isspace()
            and not any(first <= at < last for first, last in calls)
        )
        member = re.sub(r"\s", "", match["member"])
        if calls and set(rest.split(";")) <= {"", f"{member}=true", f"{member}=1"}:
            spans.append((match.start(), start))
    return spans
