"""Golden cases: a few lines of C beside the IR, the Python or the errors they give.

``tests/cases/NAME.c`` has beside it either ``NAME.ir.json`` and ``NAME.py`` (what the
front end understood and what was generated) or ``NAME.err`` (what a user reads).
``VMGEN_ACCEPT=1 pytest tests/test_cases.py`` rewrites them; read the diff before you
commit it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from vmgen import pipeline
from vmgen.ir import json as ir_json
from vmgen.pipeline import Preprocessor
from vmgen.report import render
from vmgen.source import VmgenError

CASES = Path(__file__).parent / "cases"
WAYS: list[Preprocessor] = ["pcpp"]
if shutil.which("cc"):
    WAYS.append("cc")


def expect(path: Path, text: str) -> None:
    if os.environ.get("VMGEN_ACCEPT"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("preprocessor", WAYS)
@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.c")))
def test_case(
    case: str, preprocessor: Preprocessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CASES)
    request = pipeline.Request(sources=(f"{case}.c",), preprocessor=preprocessor)
    try:
        program = pipeline.compile_program(request)
    except VmgenError as error:
        expect(CASES / f"{case}.err", render(error.diagnostics))
        assert not (CASES / f"{case}.ir.json").exists()
        return
    assert not (CASES / f"{case}.err").exists()
    expect(CASES / f"{case}.ir.json", ir_json.dumps(program))
    (generated,) = (
        file for file in pipeline.generate([program]) if file.path == f"{case}.py"
    )
    expect(CASES / f"{case}.py", generated.text)
