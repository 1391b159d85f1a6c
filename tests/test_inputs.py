"""What a C file was made from: comments of headers do not count, all else does."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen.cache import Digests
from vmgen.pipeline.inputs import InputDigests, code_of

PIECES = (
    "a", " ", " ", "\t", "\n", "\n", "/* one */", "/* two\n lines */", "// rest\n", "//\\\nmore\n",
    '"/*"', '"*/"', "'\"'", '"\\""', "'//'", "\\\n", "\\ /* not */\n", "\\ \n", "#define A 1 /* x */\n",
    "#define B(x) x // y\n", "A", "B(2)", "__LINE__", "/", "*", "/**/", "/*/ */", "*/", '"',
    "#ifdef A /* it is */\n", "#endif // A\n", "#error don't /* stop */ can't\n", "/* open",
)  # fmt: skip


def expanded(text: bytes) -> tuple[int, list[list[bytes]]]:
    """What gcc makes of a text: the words of each line, and how it ended."""
    run = subprocess.run(
        ["gcc", "-E", "-w", "-"], input=text, capture_output=True, check=False
    )
    lines = [line.split() for line in run.stdout.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return run.returncode, lines


@pytest.mark.skipif(
    shutil.which("gcc") is None, reason="there is no gcc on this machine"
)
def test_gcc_makes_the_same_of_what_counts() -> None:
    draw = random.Random(6)
    shorter = 0
    for _ in range(1000):
        text = "".join(draw.choices(PIECES, k=draw.randrange(2, 14))).encode()
        code = code_of(text)
        if code[:1] == b"\0":
            continue  # all of it counts
        assert expanded(code) == expanded(text), text
        shorter += code.split() != text.split()
    assert shorter > 100  # comments went


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("int a;\n", "int a;\n\n/* edited */\n", True),
        ("int a; /* b */\n", "int a; /* another one */\n", True),
        ("/* a\n */\nint a;\n", "/* b\n */\nint a;\n", True),
        ("/* a */\nint a;\n", "/* a\n */\nint a;\n", False),  # it is in line 3 now
        ("int a;\n", "int b;\n", False),
        ("int a;\n", "int a;\nint b;\n", False),
        ('char *a = "/* b */";\n', 'char *a = "/* c */";\n', False),
        ("#define A \\\n int b;\n", "#define A \\ /* c */\n int b;\n", False),
    ],
)
def test_which_edits_of_a_header_count(
    before: str, after: str, same: bool, tmp_path: Path
) -> None:
    header = tmp_path / "a.h"
    digests = []
    for text in (before, after):
        header.write_text(text)
        digests.append(InputDigests(Digests()).digest((f"{header}",)))
    assert (digests[0] == digests[1]) == same


def test_of_a_c_file_all_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.c"
    digests = []
    for text in ("int a;\n", "int a; /* edited */\n"):
        file.write_text(text)
        digests.append(InputDigests(Digests()).digest((f"{file}",)))
    assert digests[0] != digests[1]


def test_what_reads_a_file_is_what_its_memory_depends_on() -> None:
    """Each module that a listed one imports from its own package is listed too."""
    from vmgen import machines
    from vmgen.pipeline.store import _FRONT_END

    folder = Path(machines.__file__).parent
    listed = {name for name in _FRONT_END if name.startswith("machines/")}
    for name in listed:
        text = (folder.parent / name).read_text(encoding="utf-8")
        for found in re.findall(r"^from vmgen\.machines\.(\w+) import", text, re.M):
            # What puts the files together reads none.
            assert f"machines/{found}.py" in listed or found == "resolve", name
