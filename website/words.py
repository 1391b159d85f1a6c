"""The language of vmgen's texts: ``python -m website.words`` lists what to reword.

It reads the pages, the help of every command, and vmgen's messages, docstrings and comments.
words.toml has the words to avoid and the longest sentences; in help, a sentence that begins
with a passive ("Sections are read with ...") is a finding too.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

ROOT = Path(__file__).resolve().parent.parent
RULES = Path(__file__).with_name("words.toml")

Kind: TypeAlias = Literal["page", "help", "message", "docstring", "comment"]
KINDS: tuple[Kind, ...] = ("page", "help", "message", "docstring", "comment")

PASSIVE = re.compile(
    r"^(?:(?:The|A|An|Every|Each|All|Files that) )?\w+ (?:is|are|was|were) \w+(?:ed|en|ad)\b"
)
"""A sentence that begins with its object."""
NAMES = re.compile(
    r"``[^`]*``|`[^`]*`|\([^()]*\)|\[[^\]]*\]\([^)]*\)|\"[^\"]*\"|'[^']*'"
)
"""What is no prose: code, links, asides and quotations count as one word."""
QUOTED = re.compile(r"``[^`]*``|`[^`]*`|\"[^\"]*\"")
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z_`@])|[:;]\s|\n\s*\n|\s-\s")
EXAMPLE = re.compile(r"^(?:  |\t).*$|^.*\S {2,}\S.*$", re.MULTILINE)
"""An indented line, or one in columns: no prose."""
FENCE = re.compile(r"^\s*(```|~~~)")
ENGLISH = re.compile(r"[A-Za-z]{2,}(?: [a-z]{1,}){2,}")
"""Three words in a row: a message, not a name or a format."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text and where it begins; ``lines`` has a line number for each line of it."""

    kind: Kind
    file: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Rewording:
    """A place to reword: the words found, and what to say instead."""

    file: str
    line: int
    found: str
    say: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.found!r}: {self.say}"


@dataclass(frozen=True, slots=True)
class Avoided:
    """A rule of words.toml."""

    pattern: re.Pattern[str]
    say: str
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Rules:
    """All of words.toml."""

    avoided: tuple[Avoided, ...]
    longest: dict[Kind, int]


def rules() -> Rules:
    """The rules that words.toml has."""
    data = tomllib.loads(RULES.read_text("utf-8"))
    avoided = tuple(
        Avoided(
            re.compile(rf"\b(?:{rule['find']})\b", re.IGNORECASE),
            rule["say"],
            frozenset(rule.get("only", KINDS)),
        )
        for rule in data["avoid"]
    )
    return Rules(avoided, data["limits"])


def page(path: Path) -> Iterator[Passage]:
    """The paragraphs of a Markdown page; fenced blocks, tables and comments are no prose."""
    name = path.relative_to(ROOT).as_posix()
    start, lines, fenced, hidden = 0, list[str](), False, False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
            line = ""
        hidden = hidden or line.lstrip().startswith("<!--")
        skipped = fenced or hidden or line.lstrip().startswith(("|", "#", "<"))
        if "-->" in line:
            hidden = False
        item = line.lstrip().startswith(("- ", "* ", "1. "))
        if skipped or item or not line.strip():
            if lines:
                yield Passage("page", name, start, "\n".join(lines))
            lines = []
        if not skipped and line.strip():
            start = start if lines else number
            lines.append(line)
    if lines:
        yield Passage("page", name, start, "\n".join(lines))


def is_command(function: ast.FunctionDef) -> bool:
    """Whether the docstring of a function is the help of a command."""
    return any(
        isinstance(decorator, ast.Call)
        and ast.unparse(decorator.func).rpartition(".")[2] == "command"
        for decorator in function.decorator_list
    )


def code(path: Path) -> Iterator[Passage]:
    """The messages, docstrings and comments of a module."""
    name = path.relative_to(ROOT).as_posix()
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    kinds, documents = dict[int, Kind](), set[int]()
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                command = isinstance(node, ast.FunctionDef) and is_command(node)
                kinds[id(child.value)] = "help" if command else "docstring"
                documents.add(id(child.value))
        if isinstance(node, ast.keyword) and node.arg == "help":
            kinds |= {id(part): "help" for part in ast.walk(node.value)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            kind = kinds.get(id(node), "message")
            if id(node) in documents:
                yield Passage(kind, name, node.lineno, inspect.cleandoc(node.value))
            elif kind == "help" or ENGLISH.search(node.value):
                yield Passage(kind, name, node.lineno, node.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Passage("comment", name, token.start[0], token.string.lstrip("#: "))


def passages() -> Iterator[Passage]:
    """Every text that is checked."""
    pages = [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG")]
    pages += sorted((ROOT / "docs").rglob("*.md"))
    for path in pages:
        if path.is_file() and path.name != "reference.md":
            yield from page(path)
    for path in sorted((ROOT / "vmgen").rglob("*.py")):
        if "shims" not in path.parts:
            yield from code(path)


def judged(passage: Passage, by: Rules) -> Iterator[Rewording]:
    """What is to be reworded in a passage."""
    text = QUOTED.sub(lambda quoted: re.sub(r"[^\n]", "_", quoted[0]), passage.text)
    for rule in by.avoided:
        if passage.kind not in rule.kinds:
            continue
        for found in rule.pattern.finditer(text):
            line = passage.line + text.count("\n", 0, found.start())
            yield Rewording(passage.file, line, found[0], rule.say)
    longest = by.longest.get(passage.kind)
    if longest is None:
        return
    text = EXAMPLE.sub(lambda line: " " * len(line[0]), text)
    position = 0
    for sentence in END.split(text):
        position = max(text.find(sentence, position), position)
        words = NAMES.sub("_", " ".join(sentence.split())).split()
        words = [word for word in words if word[0].isalnum() or word[0] in "_`"]
        line = passage.line + text.count("\n", 0, position)
        if len(words) > longest:
            start = " ".join(words[:6])
            yield Rewording(
                passage.file, line, start, f"{len(words)} words in one sentence"
            )
        if passage.kind == "help" and PASSIVE.match(sentence.strip()):
            yield Rewording(
                passage.file, line, sentence.strip(), "begin with the actor"
            )


def found(texts: Sequence[Passage]) -> list[Rewording]:
    """What is to be reworded in these texts."""
    by = rules()
    return [rewording for text in texts for rewording in judged(text, by)]


def main() -> None:
    """Lists the places; exit status 1 if there are any."""
    places = found(list(passages()))
    for place in places:
        print(place)
    print(f"{len(places)} places to reword", file=sys.stderr)
    sys.exit(1 if places else 0)


if __name__ == "__main__":
    main()
