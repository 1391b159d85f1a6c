"""Each code has a page, each page a code, and its example prints it."""

from __future__ import annotations

import pytest

from tests.documents import blocks
from website import errors

GUARDS = {
    "VG123": "hangs on a program that a machine has",
    "VG300": "found before as VG201 or VG202",
    "VG421": "stands in the reasons of vmgen coverage",
    "VG422": "stands in the reasons of vmgen coverage",
    "VG423": "stands in the reasons of vmgen coverage",
    "VG424": "stands in the reasons of vmgen coverage",
    "VG425": "stands in the reasons of vmgen coverage",
    "VG503": "needs a fork that changed a format",
    "VG508": "needs a fork that changed the core",
    "VG638": "known releases have none",
    "VG642": "vmgen's own file is not damaged",
    "VG644": "needs a whole tree",
    "VG813": "needs a whole tree",
    "VG700": "the base of other errors",
    "VG736": "the tests have the libraries",
    "VG732": "the library raises it, commands do not",
}
"""The codes without an example that runs, and why."""


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert set(errors.pages()) == errors.raised()


def test_the_index_is_current() -> None:
    assert errors.INDEX.read_text("utf-8") == errors.index(), "python -m website.errors"


@pytest.mark.parametrize("code", sorted(errors.pages()))
def test_a_page_explains_its_code(code: str) -> None:
    text = (errors.FOLDER / f"{code}.md").read_text("utf-8")
    head = f"---\ntitle: {code} {errors.pages()[code]}\n---\n# {code}: "
    assert text.startswith(head)
    means, _, rest = text.partition("\n## Example\n")
    example, _, what_to_do = rest.partition("\n## What to do\n")
    assert min(len(part.split()) for part in (means, example, what_to_do)) >= 5
    marks = (f"[{code}]", f",title={code}::")
    lines = [line for block in blocks(text) for line in block.lines]
    shown = any(mark in line for line in lines for mark in marks)
    assert shown is (code not in GUARDS)
