"""String macros of a tree: ``#define TYPE_E1000_BASE "e1000-base"`` and the like."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vmgen.tree.files import headers

_DEFINE = re.compile(
    r"^[ \t]*#[ \t]*(?:define[ \t]+(\w+)(\([^)\n]*\))?[ \t]+((?:\\\n|[^\n])*)"
    r"|(if|ifdef|ifndef|elif|else|endif)\b[ \t]*((?:\\\n|[^\n])*))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(\w+)|(\()|(\))|(##)|(#)|(,))')
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"\n]+)"', re.MULTILINE)
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


def definitions(text: str, file: str) -> dict[str, list[Macro]]:
    """The macros of a file that may stand for strings."""
    out: dict[str, list[Macro]] = {}
    stack: list[tuple[tuple[str, bool], ...]] = []
    for name, parameters, body, directive, condition in _DEFINE.findall(text):
        if directive:
            _follow(stack, directive, condition)
            continue
        body = _COMMENT.sub(" ", body.replace("\\\n", " ")).strip()
        if not _WANTED.search(body):
            continue
        names = None
        if parameters:
            names = tuple(word.strip() for word in parameters[1:-1].split(","))
        conditions = tuple(one for level in stack for one in level)
        out.setdefault(name, []).append(Macro(file, names, body, conditions))
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
        match = _DEFINED.match(_COMMENT.sub("", condition).strip())
        stack.append(((match[2], not match[1]),) if match else ())
    else:
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
        return self._expand(text, file, own, {}, 0)

    def _expand(
        self,
        text: str,
        file: str,
        own: Mapping[str, list[Macro]],
        arguments: Mapping[str, str],
        depth: int,
    ) -> str | None:
        if depth > 12:
            return None
        out: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _WORD.match(text, at)
            if match is None:
                return None
            at = match.end()
            literal, word, opened, closed, _, stringed, _ = match.groups()
            if literal is not None:
                out.append(literal)
            elif opened or closed:
                continue
            elif stringed:
                match = _WORD.match(text, at)
                if match is None or match[2] not in arguments:
                    return None
                at = match.end()
                out.append(arguments[match[2]].strip())
            elif word is None:
                return None
            elif word in arguments:
                part = self._expand(arguments[word], file, own, {}, depth + 1)
                if part is None:
                    return None
                out.append(part)
            else:
                macro = self._choose(word, file, own)
                if macro is None:
                    return None
                given: dict[str, str] = {}
                if macro.parameters is not None:
                    values, at = _arguments(text, at)
                    if values is None or len(values) != len(macro.parameters):
                        return None
                    values = [arguments.get(value.strip(), value) for value in values]
                    given = dict(zip(macro.parameters, values, strict=True))
                part = self._expand(macro.body, macro.file, own, given, depth + 1)
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


def _arguments(text: str, at: int) -> tuple[list[str] | None, int]:
    match = re.compile(r"\s*\(").match(text, at)
    if match is None:
        return None, at
    depth = 1
    start = at = match.end()
    out: list[str] = []
    while at < len(text) and depth:
        character = text[at]
        if character == '"':
            at = text.find('"', at + 1)
            if at < 0:
                return None, len(text)
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "," and depth == 1:
            out.append(text[start:at])
            start = at + 1
        at += 1
    return ([*out, text[start : at - 1]], at) if not depth else (None, at)


def header_macros(root: Path, folders: Iterable[str]) -> dict[str, list[Macro]]:
    """The string macros of every header below these folders of a tree."""
    out: dict[str, list[Macro]] = {}
    for folder in folders:
        for file in headers(root, folder):
            text = (root / file).read_text(encoding="utf-8", errors="replace")
            if '"' not in text:
                continue
            for macro, found in definitions(text, file).items():
                out.setdefault(macro, []).extend(found)
    return out


def included(root: Path, file: str) -> frozenset[str]:
    """The headers that a file includes by name, and those that they include."""
    out: set[str] = set()
    pending = [file]
    while pending:
        path = Path(root, pending.pop())
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for name in _INCLUDE.findall(text):
            for folder in (path.parent, Path(root, "include"), Path(root)):
                if (folder / name).is_file():
                    found = os.path.relpath(folder / name, root).replace(os.sep, "/")
                    if found not in out:
                        out.add(found)
                        pending.append(found)
                    break
    return frozenset(out)
