"""Reads the fenced blocks of a Markdown page, and runs them as a reader would.

Every block does something:

- ``console``: commands behind ``$ ``, continued behind ``> ``, and below each what it
  prints, stdout and stderr together.  A line ``...`` stands for any number of lines.
- ``sh``: commands, one a line, whose output does not matter.  Their exit status is 0, or
  the one that a comment at the line's end says (``# exit status 1``).
- ``python``: runs in the page's one interpreter, sessions (``>>>``) with their output.
- any of these or ``c``, ``json``, ``toml``, ``yaml``, ``make`` with ``title="NAME"``: the
  file NAME, written where the commands run.  Without a title data is parsed, and C is
  compiled.

A page runs in a folder of its own, and prints its home folder as ``~``.  ``~/qemu-10.0.2``
and the like are the source trees of ``VMGEN_QEMU_TREES``; what the machine does not have ends the page: skipped at home, failed
in CI.  HTML comments before a block, which readers do not see, change what happens:

- ``<!-- before: COMMAND -->`` runs a command first (``fixture NAME FILE`` unpacks one of the
  tests' streams, ``checkout FOLDER`` copies this checkout, ``toy-tree FOLDER`` makes a source
  tree with the shape of QEMU's);
- ``<!-- varies: REASON -->``: numbers in the output are not compared;
- ``<!-- not run: REASON -->``: only looked at by people.

With ``VMGEN_ACCEPT=1`` a page's outputs become what the commands print now, except where
they have a ``...``.
"""

from __future__ import annotations

import difflib
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from tests.lacking import lacking
from tests.trees import trees

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"
HEADERS = ROOT / "c_headers" / "include"

LANGUAGES = ("console", "sh", "python", "c", "json", "toml", "yaml", "make", "diff")

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+) *(?P<info>.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_DIRECTIVE = re.compile(r"^<!-- (before|varies|not run): (.+) -->$")
_PLAIN = re.compile(r"vmgen(?: [\w./:=@%+,~-]+)+")
_STATUS = re.compile(r"#.*\bexit status (\d+)")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.  ``line`` is that of its first line of text, from 1."""

    line: int
    language: str
    title: str
    lines: tuple[str, ...]
    before: tuple[str, ...] = ()
    varies: str = ""
    not_run: str = ""

    @property
    def text(self) -> str:
        """The block's text, ending with a newline."""
        return "".join(f"{line}\n" for line in self.lines)


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order.  A fence that nothing closes is a ValueError."""
    found: list[Block] = []
    notes: dict[str, list[str]] = {}
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if match := _DIRECTIVE.match(line):
            notes.setdefault(match[1], []).append(match[2])
            continue
        opening = _FENCE.match(line)
        if opening is None:
            if line.strip():
                notes = {}
            continue
        indent = len(opening["indent"])
        start = number
        while number < len(lines) and lines[number].strip() != opening["fence"]:
            number += 1
        if number == len(lines):
            raise ValueError(f"line {start}: nothing closes this block")
        info = opening["info"].strip()
        title = _TITLE.search(info)
        found.append(
            Block(
                start + 1,
                info.split(" ")[0],
                title[1] if title else "",
                tuple(text[indent:] for text in lines[start:number]),
                tuple(notes.get("before", ())),
                " ".join(notes.get("varies", ())),
                " ".join(notes.get("not run", ())),
            )
        )
        notes = {}
        number += 1
    return found


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a ``console`` block, and the lines below it.

    ``first`` and ``last`` bound these lines, counted within the block.
    """

    text: str
    expected: tuple[str, ...]
    first: int
    last: int


def commands(lines: Sequence[str]) -> Iterator[Command]:
    """The commands of a ``console`` block; ValueError where it does not begin with one."""
    number = 0
    while number < len(lines):
        if not lines[number].startswith("$ "):
            raise ValueError(f"no command above the output {lines[number]!r}")
        words = [lines[number][2:]]
        number += 1
        while number < len(lines) and lines[number].startswith("> "):
            words.append(lines[number][2:])
            number += 1
        first = number
        while number < len(lines) and not lines[number].startswith("$ "):
            number += 1
        yield Command("\n".join(words), tuple(lines[first:number]), first, number)


def agrees(expected: Sequence[str], printed: Sequence[str], varies: bool) -> bool:
    """Whether the output is the expected one, ``...`` being any number of lines."""

    def plain(line: str) -> str:
        line = line.rstrip()
        return re.sub(r"0x[0-9a-f]+|[0-9a-f]{16}|[0-9]+", "#", line) if varies else line

    parts: list[list[str]] = [[]]
    for line in expected:
        if line.strip() == "...":
            parts.append([])
        else:
            parts[-1].append(plain(line))
    rest = [plain(line) for line in printed]
    if len(parts) == 1:
        return parts[0] == rest
    first, *middle, last = parts
    if rest[: len(first)] != first:
        return False
    rest = rest[len(first) :]
    for part in middle:
        starts = range(len(rest) - len(part) + 1)
        found = next((n for n in starts if rest[n : n + len(part)] == part), None)
        if found is None:
            return False
        rest = rest[found + len(part) :]
    return len(rest) >= len(last) and rest[len(rest) - len(last) :] == last


_INTERPRETER = """
import contextlib, doctest, io, json, sys, traceback
names = {"__name__": "__main__"}
answers = sys.stdout
agree = doctest.OutputChecker().check_output

def session(block):
    # Each example as it is written, and what it prints now.
    now, fine = [], True
    for example in doctest.DocTestParser().get_examples(block["text"]):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, block["name"], "single"), names)
        fine &= agree(example.want, printed.getvalue(), doctest.ELLIPSIS)
        first, *more = example.source.splitlines()
        now += [f">>> {first}", *(f"... {line}".rstrip() for line in more)]
        now += printed.getvalue().splitlines()
    return now, fine

for line in sys.stdin:
    block = json.loads(line)
    said = io.StringIO()
    now, fine = [], True
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            if block["text"].startswith(">>> "):
                now, fine = session(block)
            else:
                exec(compile(block["text"], block["name"], "exec"), names)
        except BaseException:
            traceback.print_exc()
            now, fine = [], False
    answer = {"fine": fine, "now": now, "said": said.getvalue()}
    answers.write(json.dumps(answer) + "\\n")
    answers.flush()
"""


@dataclass
class Page:
    """A page and the folder that its commands run in."""

    file: Path
    folder: Path
    seen: list[str] = field(default_factory=list)
    _edits: list[tuple[int, int, list[str]]] = field(default_factory=list)
    _interpreter: subprocess.Popen[str] | None = None

    @property
    def name(self) -> str:
        """The page's path in the checkout."""
        return self.file.relative_to(ROOT).as_posix()

    def run(self) -> None:
        """Run every block; AssertionError for one that does not do what it says."""
        self._furnish()
        try:
            for block in blocks(self.file.read_text("utf-8")):
                self._run(block)
        finally:
            if self._interpreter is not None:
                self._interpreter.communicate()
        if self._edits:
            lines = self.file.read_text("utf-8").split("\n")
            for first, last, new in reversed(self._edits):
                lines[first:last] = new
            self.file.write_text("\n".join(lines), "utf-8")

    def _furnish(self) -> None:
        home, tools = self.folder / "home", self.folder / "tools"
        self.work = home / "work"
        for place in (home, tools, self.work):
            place.mkdir(parents=True)
        for tree in trees().values():
            release = (tree / "VERSION").read_text().strip()
            (home / f"qemu-{release}").symlink_to(tree.resolve())
        scripts = {
            "fixture": f'find "{FIXTURES}" -path "*/$1.*" ! -name "*.truth.*" | sort | head -n 1 |'
            ' xargs xz -dc > "$2"',
            "checkout": f'mkdir -p "$1" && cd "{ROOT}" && git ls-files -zco --exclude-standard |'
            ' xargs -0 cp --parents -t "$OLDPWD/$1"',
            "toy-tree": f'cd "{ROOT}" && python -c "from tests import fake_qemu;'
            " from pathlib import Path; fake_qemu.make(Path('$OLDPWD/$1'))\"",
        }
        programs = Path(sys.executable).parent
        paths = [str(programs), str(tools), os.environ["PATH"]]
        if not (programs / "vmgen").exists():  # the checkout, not installed
            scripts["vmgen"] = f'PYTHONPATH="{ROOT}" exec python -m vmgen "$@"'
        for name, text in scripts.items():
            script = tools / name
            script.write_text(f"#!/bin/bash\nset -eo pipefail\n{text}\n")
            script.chmod(0o755)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST", "COV", "GITHUB", "CI"))
        }
        self.environment = kept | {
            "HOME": str(home),
            "PATH": os.pathsep.join(paths),
            "VMGEN_CACHE_DIR": str(self._own_cache()),
            "HEADERS": str(HEADERS),
            "COLUMNS": "100",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }

    def _own_cache(self) -> Path:
        """A cache that knows of no tree's codecs yet, since commands print which there
        are; what only saves time is shared with the other tests."""
        own = self.folder / "cache"
        own.mkdir()
        for kind in ("modules", "trees", "digests", "embedded"):
            shared = Path(os.environ["VMGEN_CACHE_DIR"], kind)
            shared.mkdir(parents=True, exist_ok=True)
            (own / kind).symlink_to(shared)
        return own

    # --- one block --------------------------------------------------------------------

    def _run(self, block: Block) -> None:
        where = f"{self.name}:{block.line}"
        if block.not_run:
            return
        assert block.language in LANGUAGES, f"{where}: nothing runs '{block.language}'"
        self._needs(block)
        for command in block.before:
            status, said = self._shell(command)
            assert status == 0, f"{where}: {command}\n{said}"
        if block.title:
            place = self.work / block.title
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(block.text, "utf-8")
        elif block.language == "console":
            self._session(block, where)
        elif block.language == "sh":
            self._script(block, where)
        elif block.language == "python":
            self._python(block, where)
        if block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml":
            list(yaml.safe_load_all(block.text))
        elif block.language == "c" and not block.title:
            self._compile(block, where)
        self.seen.append(block.language)

    def _needs(self, block: Block) -> None:
        """Ends the page where the machine lacks what the block names."""
        text = block.text
        if block.language == "console" and not block.title:
            text = "\n".join(command.text for command in commands(block.lines))
        text = "\n".join([*block.before, text])
        for release in sorted(set(re.findall(r"~/qemu-([0-9]+(?:\.[0-9]+)+)", text))):
            if not (self.folder / "home" / f"qemu-{release}").exists():
                lacking(f"VMGEN_QEMU_TREES names no tree of QEMU {release}")
        for program in sorted(set(re.findall(r"\bqemu-(?:system-\w+|img)\b", text))):
            if shutil.which(program) is None:
                lacking(f"there is no {program}")
        for program in ("gcc", "xz", "git"):
            if (
                re.search(rf"(?:^|\W){program} ", text)
                and shutil.which(program) is None
            ):
                lacking(f"there is no {program}")

    def _shell(self, command: str) -> tuple[int, str]:
        if _PLAIN.fullmatch(command):
            return self._vmgen(command)
        place = self.folder / "place"
        done = subprocess.run(
            ["bash", "-c", f"{command}\nstatus=$?; pwd > {place}; exit $status"],
            cwd=self.work,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        if place.exists():
            self.work = Path(place.read_text().strip())
        return done.returncode, self._without_home(done.stdout)

    def _vmgen(self, command: str) -> tuple[int, str]:
        """A command that needs no shell, in a fork of this process: the same function as
        the installed command calls, with everything imported that it may need."""
        home = self.environment["HOME"]
        words = [re.sub(r"^~(?=/)", home, word) for word in command.split()[1:]]
        for module in (
            "vmgen.pipeline.printing",
            "black",
            "vmgen.verdict",
            "vmgen.cli.group",
        ):
            importlib.import_module(module)
        with tempfile.TemporaryFile() as said:
            sys.stdout.flush()
            sys.stderr.flush()
            child = os.fork()
            if not child:
                self._become(said.fileno(), words)
            _, status = os.waitpid(child, 0)
            said.seek(0)
            return os.waitstatus_to_exitcode(status), self._without_home(said.read())

    def _become(self, output: int, words: list[str]) -> NoReturn:
        """Run vmgen in this process, which ends with it."""
        status = 3
        try:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.chdir(self.work)
            os.environ.clear()
            os.environ.update(self.environment)
            sys.stdin = io.TextIOWrapper(io.FileIO(0))
            sys.stdout = io.TextIOWrapper(
                io.FileIO(1, "w"), "utf-8", line_buffering=True
            )
            sys.stderr = io.TextIOWrapper(
                io.FileIO(2, "w"), "utf-8", line_buffering=True
            )
            from vmgen.cli import run

            status = run(words)
        finally:
            if (error := sys.exc_info()[1]) is not None:
                traceback.print_exception(error)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _without_home(self, said: bytes) -> str:
        return said.decode("utf-8", "replace").replace(self.environment["HOME"], "~")

    def _session(self, block: Block, where: str) -> None:
        for command in commands(block.lines):
            _, said = self._shell(command.text)
            printed = [line.rstrip() for line in said.splitlines()]
            if agrees(command.expected, printed, bool(block.varies)):
                continue
            elided = any(line.strip() == "..." for line in command.expected)
            if os.environ.get("VMGEN_ACCEPT") and not elided:
                start = block.line - 1
                self._edits.append(
                    (start + command.first, start + command.last, printed)
                )
                continue
            change = difflib.unified_diff(
                command.expected, printed, "page", "printed", lineterm=""
            )
            raise AssertionError(f"{where}: $ {command.text}\n" + "\n".join(change))

    def _script(self, block: Block, where: str) -> None:
        for command in re.sub(r"\\\n", " ", block.text).splitlines():
            if not command.strip() or command.startswith("#"):
                continue
            meant = _STATUS.search(command)
            status, said = self._shell(command)
            wanted = int(meant[1]) if meant else 0
            assert status == wanted, f"{where}: {command}\nexit status {status}\n{said}"

    def _python(self, block: Block, where: str) -> None:
        if self._interpreter is None:
            self._interpreter = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.work,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        running = self._interpreter
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps({"text": block.text, "name": where}) + "\n")
        running.stdin.flush()
        answer: dict[str, Any] = json.loads(running.stdout.readline() or "{}")
        if answer.get("fine"):
            return
        assert answer, f"{where}: it ended Python"
        assert answer["now"], f"{where}:\n{answer['said']}"
        if os.environ.get("VMGEN_ACCEPT") and "..." not in block.lines:
            start = block.line - 1
            self._edits.append((start, start + len(block.lines), answer["now"]))
            return
        change = difflib.unified_diff(
            block.lines, answer["now"], "page", "printed", lineterm=""
        )
        raise AssertionError(f"{where}:\n" + "\n".join(change))

    def _compile(self, block: Block, where: str) -> None:
        if shutil.which("gcc") is None:
            lacking("there is no gcc")
        done = subprocess.run(
            [
                "gcc",
                "-std=gnu11",
                "-fsyntax-only",
                "-nostdinc",
                "-I",
                str(HEADERS),
                "-x",
                "c",
                "-",
            ],
            input='#include "qemu/osdep.h"\n#include "migration/vmstate.h"\n'
            + block.text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{where}:\n{done.stderr}"


def pages() -> list[Path]:
    """Every page: README and the like, those beside the headers, and the site."""
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "c_headers" / "README.md",
    ]
    return [*found, *sorted((ROOT / "docs").rglob("*.md"))]
