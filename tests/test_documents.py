"""Every block of every page does what the page says."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from tests.documents import LANGUAGES, ROOT, Page, agrees, blocks, commands, pages
from vmgen.cli import cli
from website import reference

ERRORS = ROOT / "docs" / "errors"
FEW = 6
"""More blocks than that which nothing runs are too many."""


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("file", pages(), ids=name_of)
def test_every_block_does_what_it_says(file: Path, tmp_path: Path) -> None:
    Page(file, tmp_path).run()


def test_few_blocks_are_not_run_and_say_why() -> None:
    left = {
        f"{name_of(file)}:{block.line}": block.not_run
        for file in pages()
        for block in blocks(file.read_text("utf-8"))
        if block.not_run
    }
    assert len(left) <= FEW, left
    assert all(len(reason.split()) > 3 for reason in left.values()), left


def test_every_block_has_a_language_that_something_runs() -> None:
    unknown = {
        f"{name_of(file)}:{block.line}": block.language
        for file in pages()
        for block in blocks(file.read_text("utf-8"))
        if block.language not in LANGUAGES and not block.not_run
    }
    assert not unknown


def test_the_command_reference_is_current() -> None:
    made = reference.page()
    if os.environ.get("VMGEN_ACCEPT"):
        reference.PAGE.write_text(made, "utf-8")
    assert reference.PAGE.read_text("utf-8") == made, "python -m website.reference"


_INLINE = re.compile(r"`vmgen ([^`]+)`")


def _options(words: Sequence[str]) -> set[str]:
    """The options of the command that the words begin with; KeyError for no command."""
    command: click.Command = cli
    ctx = click.Context(command)
    known: set[str] = set()
    for word in words:
        known |= {name for parameter in command.params for name in parameter.opts}
        if not isinstance(command, click.Group) or word.startswith(("-", "COMMAND")):
            break
        found = command.get_command(ctx, word)
        if found is None:
            raise KeyError(word)
        command = found
    known |= {name for parameter in command.params for name in parameter.opts}
    return known | {"-h", "--help", "--version"}


@pytest.mark.parametrize("file", pages(), ids=name_of)
def test_commands_within_sentences_exist(file: Path) -> None:
    for line in _INLINE.findall(file.read_text("utf-8")):
        words = line.split()
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert options - {"-", "--"} <= _options(words), line


# --- the reader of blocks itself ----------------------------------------------------------

PAGE = """\
# A page

<!-- before: true -->
<!-- varies: the time -->

```console
$ echo one \\
> two
one two
$ false
```

<!-- not run: it takes a week -->
Words between a comment and a block part them.

```python title="edit.py"
x = 1
```
"""


def test_blocks_are_read_with_their_directives() -> None:
    session, file = blocks(PAGE)
    assert (session.language, session.line) == ("console", 7)
    assert (session.before, session.varies) == (("true",), "the time")
    assert (file.title, file.text, file.not_run) == ("edit.py", "x = 1\n", "")
    first, second = commands(session.lines)
    assert (first.text, first.expected) == ("echo one \\\ntwo", ("one two",))
    assert (second.text, second.expected) == ("false", ())


@pytest.mark.parametrize(
    ("expected", "printed", "varies", "verdict"),
    [
        ("a", "a", False, True),
        ("a", "b", False, False),
        ("a", "a b", False, False),
        ("", "a", False, False),
        ("a ... d", "a b c d", False, True),
        ("a ... d", "a d", False, True),
        ("a ... d", "a b c", False, False),
        ("... b ... d ...", "a b c d e", False, True),
        ("... d ... b ...", "a b c d e", False, False),
        ("...", "", False, True),
        ("pc=0x80", "pc=0x9f", True, True),
        ("pc=0x80", "pc=0x9f", False, False),
        ("pc=0x80", "sp=0x80", True, False),
    ],
)
def test_output_agrees(
    expected: str, printed: str, varies: bool, verdict: bool
) -> None:
    assert agrees(expected.split(), printed.split(), varies) is verdict


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```console\n$ echo one\ntwo\n```\n", "-two"),
        ("```console\n$ true\ntwo\n```\n", "-two"),
        ("```console\n$ echo one\n```\n", r"\+one"),
        ("```sh\nfalse\n```\n", "exit status 1"),
        ("```sh\ntrue  # exit status 1\n```\n", "exit status 0"),
        ("```python\nassert 1 == 2\n```\n", "AssertionError"),
        ("```python\n>>> 1 + 1\n3\n```\n", "-3"),
        ("```python\nraise SystemExit\n```\n", "SystemExit"),
        ("```ruby\n1\n```\n", "nothing runs 'ruby'"),
        ("```c\nint x\n```\n", "expected"),
        ("<!-- before: false -->\n```sh\ntrue\n```\n", "false"),
    ],
)
def test_a_block_that_lies_is_found(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.documents.ROOT", tmp_path)
    monkeypatch.delenv("VMGEN_ACCEPT", raising=False)
    file = tmp_path / "page.md"
    file.write_text(text)
    with pytest.raises(AssertionError, match=said):
        Page(file, tmp_path / "scratch").run()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("```json\n{\n```\n", "Expecting"),
        ("```toml\na = \n```\n", "Invalid value"),
        ("```yaml\na: [\n```\n", "expected"),
        ("```console\nno command\n```\n", "no command"),
        ("```sh\ntrue\n", "nothing closes"),
    ],
)
def test_a_block_that_cannot_be_read_is_found(
    text: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.documents.ROOT", tmp_path)
    file = tmp_path / "page.md"
    file.write_text(text)
    with pytest.raises(Exception, match=error):
        Page(file, tmp_path / "scratch").run()


def test_names_of_python_live_on_and_files_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.documents.ROOT", tmp_path)
    file = tmp_path / "page.md"
    file.write_text(
        '```python title="edit.py"\nprint(open("n").read())\n```\n'
        "```python\nx = 40\n```\n```python\n>>> x + 2\n42\n```\n"
        "```sh\nmkdir sub && cd sub\n```\n"
        "```console\n$ echo 7 > n; python ../edit.py\n7\n\n```\n"
    )
    Page(file, tmp_path / "scratch").run()


def test_accepting_writes_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.documents.ROOT", tmp_path)
    monkeypatch.setenv("VMGEN_ACCEPT", "1")
    file = tmp_path / "page.md"
    file.write_text(
        "# T\n\n```console\n$ echo a; echo b\nold\n$ echo c\n```\nend\n```python\n>>> 1 + 1\n3\n```\n"
    )
    Page(file, tmp_path / "scratch").run()
    assert (
        file.read_text()
        == "# T\n\n```console\n$ echo a; echo b\na\nb\n$ echo c\nc\n```\nend\n```python\n>>> 1 + 1\n2\n```\n"
    )
