"""pcpp in the place of a C compiler's preprocessor.

It sees vmgen's predefined macros and searches the same folders in the same order.  Where
pcpp differs from C it is corrected here: ``#include "..."`` starts at the folder of
the file that says it and nowhere else, ``<...>`` never looks into the folders that are
for quoted names, and ``#error`` is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pcpp

from vmgen.preprocess.compiler import (
    MISSING_LIMIT,
    NESTED_LIMIT,
    CompilerError,
    Expansion,
    nested,
    too_long,
)
from vmgen.tree import SHIMS, CompileCommand, SourceTree

_PROLOGUE = "<command-line>"
_TOKENS_OF_A_LINE = 200_000
"""What macros may make of one line, on the way to it included."""


def run(
    tree: SourceTree, command: CompileCommand, file: str, partial: bool = False
) -> Expansion:
    """Preprocesses ``file`` (relative to the tree) without a compiler; with ``partial``
    a header that is missing is an empty one."""
    directory = str(command.directory or tree.root)
    source = os.path.relpath(tree.path(file), directory)
    if tree.kind == "standalone":
        source = file
    expander = _Expander(command, directory, MISSING_LIMIT if partial else 0)
    try:
        text = expander.expand(source)
    except _ExpansionEnded as ended:
        return Expansion("", (*expander.errors, ended.finding))
    return Expansion(
        text,
        tuple(expander.errors),
        tuple(expander.missing.values()),
        tuple(dict.fromkeys(expander.behind)),
    )


class _ExpansionEnded(Exception):
    """Ends the run, as with a compiler: of a text without end."""

    def __init__(self, finding: CompilerError) -> None:
        self.finding = finding
        super().__init__(finding.message)


class _Expander(pcpp.Preprocessor):  # type: ignore[misc]
    def __init__(self, command: CompileCommand, directory: str, may_miss: int) -> None:
        super().__init__()
        self.may_miss = may_miss
        self.command = command
        self.directory = directory
        self.errors: list[CompilerError] = []
        self.rewrite_paths: list[Any] = []
        angled = [*command.include_dirs, *command.system_dirs]
        if not command.shims:
            angled.append(SHIMS / "include")
        start = directory + os.sep

        def short(path: Path) -> str:
            return "" if str(path) == directory else str(path).removeprefix(start)

        self.angled = [short(path) for path in angled]
        quoted = [short(path) for path in command.quote_dirs]
        self.quoted = [*quoted, *self.angled]
        self.found: dict[tuple[str, str], str] = {}
        #: The files that are open, one included by the other.
        self.open: list[str] = []
        self.missing: dict[str, CompilerError] = {}
        #: The files with text behind the first header that is missing.
        self.behind: list[str] = []
        #: How many tokens macros made of the current line, on the way included.
        self.made = 0

    def expand(self, source: str) -> str:
        for name in ("__DATE__", "__TIME__"):
            self.macros.pop(name, None)
        lines = [f'#include "{SHIMS / "predefined.h"}"']
        for define in self.command.defines:
            name, equals, value = define.partition("=")
            lines.append(f"#define {name} {value if equals else '1'}")
        lines += [f"#undef {name}" for name in self.command.undefines]
        forced = [str(path) for path in self.command.forced_includes]
        lines += [f'#include "{path}"' for path in (*forced, source)]
        self.parse("\n".join(lines) + "\n", _PROLOGUE)
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        """The tokens on the lines where a compiler puts them.

        pcpp's own ``write`` puts what follows a call of several lines on the line where
        the call starts, and loses count in a file that is included twice in a row.
        """
        source, line, space = "", 0, False
        whitespace = self.t_WS
        tokens = iter(self.parser)
        for token in tokens:
            if token.type in whitespace:
                space = True
                continue
            if token.value == "_Pragma":
                # C11 6.10.9: it is the directive that its string says.
                yield f"\n#pragma {self._operand(tokens)}\n"
                source, line, space = "", 0, False
                continue
            if token.value == "__VA_OPT__":
                message = "pcpp cannot expand __VA_OPT__; 'cc' can (--preprocessor cc)"
                self.on_error(token.source, token.lineno, message)
            if token.source != source or token.lineno != line:
                ahead = token.lineno - line
                if token.source == source and 0 < ahead < 8:
                    yield "\n" * ahead
                else:
                    yield f'\n# {token.lineno} "{token.source}"\n'
                source, line = token.source, token.lineno
            elif space:
                yield " "
            space = False
            yield str(token.value)
        yield "\n"

    def _operand(self, tokens: Iterator[Any]) -> str:
        """The text in the parentheses of a ``_Pragma``, out of its string."""
        parts: list[str] = []
        for token in tokens:
            if token.value == ")":
                break
            parts.append(str(token.value))
        text = "".join(parts).strip().removeprefix("(").strip()
        inner = text.removeprefix("L")[1:-1]
        return inner.replace('\\"', '"').replace("\\\\", "\\").replace("\n", " ")

    # What pcpp calls.

    def include(self, tokens: list[Any], original_line: list[Any]) -> Iterator[Any]:
        """Replaces ``#include`` by the tokens of the file."""
        first = tokens[0] if tokens else original_line[0]
        text = "".join(token.value for token in tokens)
        named = re.match(r'<([^>]+)>|"([^"]+)"', text)
        if named is None:
            self.on_error(
                first.source, first.lineno, f"#include of {text or 'nothing'}"
            )
            return
        quoted = named[2] is not None
        path = self._find(named[2] or named[1], first.source if quoted else None)
        if path is None:
            header = named[2] or named[1]
            message = f"{header}: No such file or directory"
            lacking = CompilerError(message, first.source, first.lineno, 0, header)
            if not self.open or len(self.missing) >= self.may_miss:
                raise _ExpansionEnded(lacking)
            self.missing.setdefault(header, lacking)
            self.behind += self.open
            return
        if path in self.include_once:
            return
        with open(
            os.path.join(self.directory, path), encoding="utf-8", errors="replace"
        ) as stream:
            data = stream.read()
        if len(self.open) >= NESTED_LIMIT:
            raise _ExpansionEnded(nested(first.source, first.lineno))
        self.open.append(path)
        if self.missing:
            self.behind.append(path)
        yield from self.parsegen(data, path, path)
        self.open.pop()

    def expand_macros(
        self, tokens: list[Any], expanding_from: Sequence[str] = ()
    ) -> list[Any]:
        """Replaces macros, as long as they do not make too much of a line."""
        made: list[Any] = super().expand_macros(tokens, [*expanding_from])
        self.made = self.made + len(made) if expanding_from else 0
        if self.made > _TOKENS_OF_A_LINE:
            raise _ExpansionEnded(too_long(self.source, self.linemacro))
        return made

    def on_error(self, file: str, line: int, msg: str) -> None:
        """Collects what pcpp would print."""
        self.errors.append(
            CompilerError(msg, "" if file.endswith(_PROLOGUE) else file, line)
        )

    def on_directive_unknown(
        self,
        directive: Any,
        toks: list[Any],
        ifpassthru: bool,
        precedingtoks: list[Any],
    ) -> bool | None:
        """``#error`` counts, ``#warning`` does not, the rest stays in the text."""
        if directive.value == "error":
            text = "".join(token.value for token in toks)
            self.on_error(directive.source, directive.lineno, f"#error {text}")
            return True
        return True if directive.value == "warning" else None

    def _find(self, name: str, asking: str | None) -> str | None:
        """The path of a header; ``asking`` is the file that names it in quotes."""
        if os.path.isabs(name):
            return name if os.path.isfile(name) else None
        folder = "" if asking is None else os.path.dirname(asking)
        if asking is not None and asking.endswith(_PROLOGUE):
            folder = ""
        key = (name, folder if asking is not None else "<>")
        path = self.found.get(key)
        if path is None:
            folders = self.angled if asking is None else [folder, *self.quoted]
            for start in folders:
                path = os.path.normpath(os.path.join(start, name))
                if os.path.isfile(os.path.join(self.directory, path)):
                    self.found[key] = path
                    return path
            return None
        return path
