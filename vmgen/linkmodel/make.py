"""GNU make, as far as the build files of QEMU up to 5.1 use it.

Variables, conditionals, includes and text functions are followed; recipes are passed by,
and nothing is run.  The build's own functions (``land``, ``lnot``, ...) are those that
its ``rules.mak`` defines.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePosixPath

from vmgen.source import Diagnostic, Position, VmgenError

_ASSIGNMENT = re.compile(r"^\s*([^\s:=#?+][^:=#?+]*?)\s*(\+=|\?=|::?=|=)\s*(.*)$")
_CONDITIONAL = re.compile(r"^\s*(ifdef|ifndef|ifeq|ifneq|else|endif)\b\s*(.*)$")
_INCLUDE = re.compile(r"^\s*-?s?include\s+(.*)$")
_DEFINE = re.compile(r"^\s*define\s+(\S+)")
_DEEPEST = 128
"""Calls and includes inside of each other; the build files need about a dozen."""
_LONGEST = 1 << 20
"""Characters of one expanded text."""


class Make:
    """One reading of make files: ``variables`` hold their unexpanded text.

    ``functions`` take the place of what a build file defines under these names; they get
    the expanded arguments.  ``rules`` are the prerequisites by the name of the target.
    ``file`` turns a name after ``include`` into a text, None for one that is missing.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        file: Callable[[str], str | None],
        functions: Mapping[str, Callable[[Sequence[str]], str]],
    ) -> None:
        self.variables = dict(variables)
        self.rules: dict[str, list[str]] = {}
        self._file = file
        self._functions = functions
        self._simple: set[str] = set()  # what := set: += expands at once
        self._depth = 0
        self._place = ("", 0)

    # --- statements -------------------------------------------------------------------

    def read(self, text: str, name: str) -> None:
        """Follows the statements of one file."""
        name = posixpath.normpath(name)
        outer, self._place = self._place, (name, 0)
        self._enter()
        # For each open conditional: whether this branch counts, and whether one did.
        open_: list[tuple[bool, bool]] = []
        in_rule = False
        definition = ""
        for line, number in _lines(text):
            self._place = (name, number)
            if definition:
                if line.strip() == "endef":
                    definition = ""
                continue
            if found := _CONDITIONAL.match(line):
                self._conditional(open_, found[1], found[2])
                continue
            if not all(counts for counts, _ in open_) or not line.strip():
                continue
            if line.startswith("\t") and in_rule:
                continue
            if found := _DEFINE.match(line):
                definition = found[1]
            elif found := _INCLUDE.match(line):
                for included in self.expand(found[1]).split():
                    body = self._file(included)
                    if body is not None:
                        self.read(body, included)
            elif found := _ASSIGNMENT.match(line):
                in_rule = False
                self._assign(self.expand(found[1]).strip(), found[2], found[3])
            elif ":" in line:
                in_rule = True
                self._rule(line)
            else:
                self.expand(line)
        self._depth -= 1
        self._place = outer

    def _conditional(
        self, open_: list[tuple[bool, bool]], word: str, rest: str
    ) -> None:
        if word == "endif":
            if not open_:
                raise self._error("an endif without its beginning")
            open_.pop()
            return
        if word == "else":
            if not open_:
                raise self._error("an else without its beginning")
            _, done = open_.pop()
            again = _CONDITIONAL.match(rest)
            if done:
                holds = False
            elif again is None:
                holds = True
            else:
                holds = self._holds(again[1], again[2])
            open_.append((holds, done or holds))
            return
        # What a branch that does not count says is not looked at.
        holds = all(counts for counts, _ in open_) and self._holds(word, rest)
        open_.append((holds, holds))

    def _holds(self, word: str, rest: str) -> bool:
        if word in ("ifdef", "ifndef"):
            value = self.variables.get(self.expand(rest).strip(), "")
            return bool(value.strip()) == (word == "ifdef")
        rest = rest.strip()
        if rest.startswith("(") and rest.endswith(")"):
            sides = _split(rest[1:-1])
        else:
            sides = [
                pair[0] or pair[1]
                for pair in re.findall(r'"([^"]*)"|\'([^\']*)\'', rest)
            ]
        if len(sides) != 2:
            raise self._error("a comparison of other than two texts")
        left, right = (self.expand(side).strip() for side in sides)
        return (left == right) == (word == "ifeq")

    def _assign(self, name: str, how: str, text: str) -> None:
        known = self.variables.get(name)
        if how in ("=", "?=") and (how == "=" or known is None):
            self._simple.discard(name)
        elif how in (":=", "::="):
            self._simple.add(name)
        if name in self._simple and how != "?=":
            text = self.expand(text).replace("$", "$$")
        match how:
            case "?=":
                if known is None:
                    self.variables[name] = text
            case "+=":
                self.variables[name] = f"{known} {text}" if known else text
            case _:
                self.variables[name] = text

    def _rule(self, line: str) -> None:
        targets, _, rest = self.expand(line.split(";")[0]).partition(":")
        for target in targets.split():
            self.rules.setdefault(target, []).extend(rest.lstrip(":").split())

    # --- text -------------------------------------------------------------------------

    def value(self, name: str) -> list[str]:
        """The words of a variable."""
        return self.expand(self.variables.get(name, "")).split()

    def expand(self, text: str) -> str:
        """The text with its variables and functions in it replaced."""
        if "$" not in text:
            return text
        self._enter()
        parts: list[str] = []
        at, length = 0, 0
        while (start := text.find("$", at)) >= 0:
            parts.append(text[at:start])
            following = text[start + 1 : start + 2]
            if following in ("(", "{"):
                end = _closing(text, start + 1)
                if end < 0:
                    raise self._error("a reference that is not closed")
                parts.append(self._reference(text[start + 2 : end], following))
                at = end + 1
            else:
                is_dollar = following in ("$", "")
                parts.append("$" if is_dollar else self._variable(following))
                at = start + 2
            length += len(parts[-1]) + len(parts[-2])
            if length > _LONGEST:
                raise self._error("an expansion without end")
        parts.append(text[at:])
        self._depth -= 1
        return "".join(parts)

    def _variable(self, name: str) -> str:
        return self.expand(self.variables.get(name, ""))

    def _reference(self, text: str, opening: str) -> str:
        word, space, rest = text.partition(" ")
        most = _COUNTS.get(word, 0)
        parts = _split(rest, opening, most)
        if space and word == "call":
            return self._call(parts)
        if space and (function := _TEXT_FUNCTIONS.get(word)) is not None:
            arguments = [self.expand(one) for one in parts]
            numbers = arguments[: word.startswith("word") and most - 1]
            if len(arguments) != most or not all(map(str.isdecimal, numbers)):
                raise self._error(f"the arguments of {word}")
            return function(*arguments)
        match word if space else "":
            case "if":
                condition, then, *otherwise = [*parts, "", ""]
                holds = self.expand(condition).strip()
                return self.expand(then if holds else otherwise[0])
            case "or" | "and":
                value = ""
                for one in parts:
                    value = self.expand(one).strip()
                    if bool(value) == (word == "or"):
                        break
                return value
            case "foreach":
                if len(parts) != most:
                    raise self._error(f"the arguments of {word}")
                name, items, body = parts
                return self._each(self.expand(name).strip(), self.expand(items), body)
            case "wildcard" | "shell" | "eval" | "error" | "warning" | "info":
                return ""  # nothing is run, and no build folder looked into
        name, colon, replacement = self.expand(text).partition(":")
        if colon and "=" in replacement:
            old, _, new = replacement.partition("=")
            if "%" not in old:
                old, new = f"%{old}", f"%{new}"
            return _patsubst(old, new, self._variable(name))
        return self._variable(name)

    def _each(self, name: str, items: str, body: str) -> str:
        outer = self.variables.get(name)
        out = []
        for item in items.split():
            self.variables[name] = item
            out.append(self.expand(body))
        if outer is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = outer
        return " ".join(out)

    def _call(self, arguments: Sequence[str]) -> str:
        name, *values = (self.expand(one).strip() for one in arguments)
        if name in self._functions:
            return self._functions[name](values)
        outer = {
            str(number): self.variables.get(str(number)) for number in range(1, 10)
        }
        for number in range(1, 10):
            value = values[number - 1] if number <= len(values) else ""
            self.variables[str(number)] = value.replace("$", "$$")
        out = self.expand(self.variables.get(name, ""))
        for key, before in outer.items():
            if before is None:
                del self.variables[key]
            else:
                self.variables[key] = before
        return out

    # --- limits -----------------------------------------------------------------------

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("variables or files that contain themselves")

    def _error(self, what: str) -> VmgenError:
        file, line = self._place
        return VmgenError(
            Diagnostic(
                "VG121",
                f"the build description cannot be read: {what}",
                Position(file, line),
                hint="unpack the release again",
            )
        )


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """The logical lines, without remarks, each with the number of its first."""
    pending, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if pending else number
        if line.endswith("\\"):
            pending += line[:-1].rstrip() + " "
            continue
        whole, pending = pending + (line.lstrip() if pending else line), ""
        remark = re.search(r"(?<!\\)#", whole)
        yield (whole[: remark.start()] if remark else whole).replace("\\#", "#"), first
    if pending:
        yield pending, first


def _closing(text: str, start: int) -> int:
    """Where the bracket at ``start`` is closed, -1 if it is not."""
    opening = text[start]
    closing = ")" if opening == "(" else "}"
    depth = 0
    for at in range(start, len(text)):
        if text[at] == opening:
            depth += 1
        elif text[at] == closing:
            depth -= 1
            if not depth:
                return at
    return -1


def _split(text: str, opening: str = "(", most: int = 0) -> list[str]:
    """Arguments: parted by the commas outside of brackets of that kind; of at most so many
    the last has the other commas."""
    out: list[str] = []
    depth, start = 0, 0
    for at, character in enumerate(text):
        if character == opening:
            depth += 1
        elif character == {"(": ")", "{": "}"}[opening]:
            depth -= 1
        elif character == "," and not depth and len(out) + 1 != most:
            out.append(text[start:at])
            start = at + 1
    return [*out, text[start:]]


def _pattern(text: str) -> re.Pattern[str]:
    before, percent, after = text.partition("%")
    middle = "(.*)" if percent else "()"
    return re.compile(f"{re.escape(before)}{middle}{re.escape(after)}")


def _patsubst(old: str, new: str, text: str) -> str:
    pattern = _pattern(old)
    out = []
    for word in text.split():
        found = pattern.fullmatch(word)
        out.append(new.replace("%", found[1]) if found else word)
    return " ".join(out)


def _filter(patterns: str, text: str, *, wanted: bool = True) -> str:
    tests = [_pattern(one) for one in patterns.split()]
    return " ".join(
        word
        for word in text.split()
        if any(test.fullmatch(word) for test in tests) == wanted
    )


_SUFFIX = re.compile(r"\.[^./]*\Z")
_TEXT_FUNCTIONS: dict[str, Callable[..., str]] = {
    "addprefix": lambda prefix, text: " ".join(prefix + one for one in text.split()),
    "addsuffix": lambda suffix, text: " ".join(one + suffix for one in text.split()),
    "dir": lambda text: " ".join(
        f"{PurePosixPath(one).parent}/" for one in text.split()
    ),
    "filter": _filter,
    "filter-out": lambda patterns, text: _filter(patterns, text, wanted=False),
    "findstring": lambda wanted, text: wanted if wanted in text else "",
    "firstword": lambda text: next(iter(text.split()), ""),
    "join": lambda one, two: " ".join(
        left + right
        for left, right in zip_longest(one.split(), two.split(), fillvalue="")
    ),
    "lastword": lambda text: next(reversed(text.split()), ""),
    "basename": lambda text: " ".join(_SUFFIX.sub("", one) for one in text.split()),
    "suffix": lambda text: " ".join(
        found[0] for one in text.split() if (found := _SUFFIX.search(one))
    ),
    "wordlist": lambda first, last, text: " ".join(
        text.split()[max(int(first) - 1, 0) : int(last)]
    ),
    "notdir": lambda text: " ".join(PurePosixPath(one).name for one in text.split()),
    "patsubst": _patsubst,
    "sort": lambda text: " ".join(sorted(set(text.split()))),
    "strip": lambda text: " ".join(text.split()),
    "subst": lambda old, new, text: text.replace(old, new) if old else text,
    "word": lambda number, text: (text.split()[int(number) - 1 : int(number)] or [""])[
        0
    ],
    "words": lambda text: str(len(text.split())),
}
_COUNTS = {
    **dict.fromkeys(_TEXT_FUNCTIONS, 1),
    **dict.fromkeys(
        ("addprefix", "addsuffix", "filter", "filter-out", "findstring"), 2
    ),
    **dict.fromkeys(("join", "word"), 2),
    **dict.fromkeys(("foreach", "if", "patsubst", "subst", "wordlist"), 3),
}
"""How many arguments a function has."""
