"""String macros of a tree: ``#define TYPE_E1000_BASE "e1000-base"`` and the like."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vmgen.c_text import CText, closing, items, spelled, words_of
from vmgen.cache import Each, Remembered
from vmgen.tree.files import headers

_MACRO = re.compile(r"(\w+)(\([^)]*\))?\s+(.*)", re.DOTALL)
_DEFINED = re.compile(r"(!?)\s*defined\s*\(?\s*(\w+)\s*\)?$")
_WANTED = re.compile(r'["(#]|^\w+(?:\s*\(.*\))?$')


@dataclass(frozen=True, slots=True)
class Macro:
    """One definition: where, its parameters (None for a plain macro), its body, and the
    macros that must (True) or must not (False) be defined around it."""

    file: str
    parameters: tuple[str, ...] | None
    body: str
    conditions: tuple[tuple[str, bool], ...]


def definitions(text: CText, file: str) -> dict[str, list[Macro]]:
    """The macros of a file that may stand for strings."""
    out: dict[str, list[Macro]] = {}
    stack: list[tuple[tuple[str, bool], ...]] = []
    for one in text.directives:
        _follow(stack, one.name, one.text)
        macro = _MACRO.match(one.text) if one.name == "define" else None
        if macro is None or not _WANTED.search(body := macro[3].strip()):
            continue
        names = None
        if macro[2]:
            names = tuple(words_of(macro[2].replace(",", " "))[1:-1])
        conditions = tuple(one for level in stack for one in level)
        out.setdefault(macro[1], []).append(Macro(file, names, body, conditions))
    return out


def _follow(
    stack: list[tuple[tuple[str, bool], ...]], directive: str, condition: str
) -> None:
    if directive == "endif":
        if stack:
            stack.pop()
    elif directive in ("else", "elif"):
        if stack:
            old = stack[-1]
            inverted = ((old[0][0], not old[0][1]),) if len(old) == 1 else ()
            stack[-1] = inverted if directive == "else" else ()
    elif directive == "if":
        match = _DEFINED.match(condition)
        stack.append(((match[2], not match[1]),) if match else ())
    elif directive in ("ifdef", "ifndef"):
        word = condition.split()[0] if condition.split() else ""
        stack.append(((word, directive == "ifdef"),))


class Strings:
    """Evaluates string expressions of one file, with the tree's macros.

    ``defined`` are the macros of the target's configuration: where a tree has several
    definitions of a name, those whose condition does not hold do not count.
    """

    def __init__(
        self,
        macros: Mapping[str, list[Macro]],
        defined: frozenset[str],
        near: Callable[[str], frozenset[str]],
    ) -> None:
        self._macros = macros
        self._defined = defined
        self._near = near

    def value(self, text: str, file: str, own: Mapping[str, list[Macro]]) -> str | None:
        """The string that ``text`` stands for, None if it does not stand for one."""
        return self._expand(words_of(text), file, own, {}, 0)

    def _expand(
        self,
        words: list[str],
        file: str,
        own: Mapping[str, list[Macro]],
        arguments: Mapping[str, list[str]],
        depth: int,
    ) -> str | None:
        if depth > 12:
            return None
        out: list[str] = []
        at = 0
        while at < len(words):
            word, following = words[at], words[at + 1] if at + 1 < len(words) else ""
            at += 1
            part: str | None
            if word in ("(", ")"):
                continue
            if word.startswith('"'):
                part = word[1:-1]
            elif word == "#":
                part = spelled(arguments[following]) if following in arguments else None
                at += 1
            elif word in arguments:
                part = self._expand(arguments[word], file, own, {}, depth + 1)
            else:
                macro = self._choose(word, file, own)
                if macro is None:
                    return None
                given: dict[str, list[str]] = {}
                if macro.parameters is not None:
                    end = closing(words, at)
                    values = items(words[at + 1 : end - 1])
                    if following != "(" or len(values) != len(macro.parameters):
                        return None
                    at = end
                    values = [arguments.get(spelled(one), one) for one in values]
                    given = dict(zip(macro.parameters, values, strict=True))
                body = words_of(macro.body)
                part = self._expand(body, macro.file, own, given, depth + 1)
            if part is None:
                return None
            out.append(part)
        return "".join(out) if out else None

    def _choose(
        self, name: str, file: str, own: Mapping[str, list[Macro]]
    ) -> Macro | None:
        """The definition that the file sees; None where that is not clear."""
        candidates = own.get(name) or self._macros.get(name, [])
        candidates = [
            one
            for one in candidates
            if all(
                (condition in self._defined) == wanted
                for condition, wanted in one.conditions
                if condition.startswith(("TARGET_", "CONFIG_"))
            )
        ]
        if len({one.body for one in candidates}) > 1:
            near = self._near(file)
            close = [one for one in candidates if one.file in near]
            candidates = close or candidates
        if len({one.body for one in candidates}) > 1:
            return None
        return candidates[0] if candidates else None


def header_macros(
    root: Path, folders: Iterable[str], remembered: Remembered, each: Each = map
) -> dict[str, list[Macro]]:
    """The string macros of every header below these folders of a tree; ``remembered`` is
    what was made of each of them before, ``each`` as for :meth:`Remembered.of`."""
    out: dict[str, list[Macro]] = {}
    names = (file for folder in folders for file in headers(root, folder))
    for file, found in remembered.of(names, partial(_of_header, root), each):
        for name, parameters, body, conditions in found:
            taken = None if parameters is None else tuple(parameters)
            under = tuple((one, wanted) for one, wanted in conditions)
            out.setdefault(name, []).append(Macro(file, taken, body, under))
    return out


def _of_header(root: Path, file: str) -> tuple[tuple[str], list[Any]]:
    """:func:`_written` of a header, with its path."""
    path = root / file
    return (str(path),), _written(path.read_text(encoding="utf-8", errors="replace"))


def _written(text: str) -> list[Any]:
    """The string macros of a header as JSON values: its name, and all of each but the
    file."""
    if '"' not in text:
        return []
    return [
        (name, one.parameters, one.body, one.conditions)
        for name, found in definitions(CText(text), "").items()
        for one in found
    ]


def included(root: Path, file: str) -> frozenset[str]:
    """The headers that a file includes by name, and those that they include."""
    out: set[str] = set()
    pending = [file]
    while pending:
        path = Path(root, pending.pop())
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for one in CText(text).directives:
            if one.name != "include" or not one.text.startswith('"'):
                continue
            name = one.text[1:].partition('"')[0]
            for folder in (path.parent, Path(root, "include"), Path(root)):
                if (folder / name).is_file():
                    found = os.path.relpath(folder / name, root).replace(os.sep, "/")
                    if found not in out:
                        out.add(found)
                        pending.append(found)
                    break
    return frozenset(out)
