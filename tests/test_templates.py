"""The code of templates is kept beside them, as long as nothing that decides it changes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jinja2
import pytest

from vmgen.render import templates
from vmgen.render.templates import TemplateLoader


def environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=TemplateLoader(folder), undefined=jinja2.StrictUndefined
    )


def printed(folder: Path, name: str = "a.j2") -> str:
    return environment(folder).get_template(name).render(x=1)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the templates that are compiled from here on."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    found: list[str] = []
    compile_it = jinja2.Environment.compile

    def noted(
        self: jinja2.Environment, source: str, name: str, filename: str
    ) -> object:
        found.append(name)
        return compile_it(self, source, name, filename)

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return found


def test_a_template_is_compiled_once(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "a.j2").write_text("{{ x }} {% include 'b.j2' %}", "utf-8")
    (tmp_path / "b.j2").write_text("b\r\nb", "utf-8")
    assert [printed(tmp_path), printed(tmp_path)] == ["1 b\nb"] * 2
    assert compiled == ["a.j2", "b.j2"]


def test_another_text_is_compiled_again(tmp_path: Path, compiled: list[str]) -> None:
    file = tmp_path / "a.j2"
    file.write_text("{{ x }}", "utf-8")
    assert printed(tmp_path) == "1"
    status = file.stat()
    file.write_text("{{ x + 1 }}", "utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert printed(tmp_path) == "2"
    file.write_text("{{ x + 2 }}", "utf-8")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert printed(tmp_path) == "3"
    assert len(compiled) == 3


def test_another_compiler_compiles_again(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.j2").write_text("{{ x }}", "utf-8")
    printed(tmp_path)
    monkeypatch.setattr(templates, "_compiled_by", lambda: "another Jinja")
    assert printed(tmp_path) == "1"
    assert len(compiled) == 2


def test_damaged_code_is_compiled_again(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "a.j2").write_text("{{ x }}", "utf-8")
    printed(tmp_path)
    (kept,) = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(b"damaged")
    assert printed(tmp_path) == "1"
    assert len(compiled) == 2


def test_python_that_writes_no_code_writes_none(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "a.j2").write_text("{{ x }}", "utf-8")
    assert printed(tmp_path) == "1"
    assert [one.name for one in tmp_path.iterdir()] == ["a.j2"]


def test_tracebacks_name_the_template(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "a.j2").write_text("\n{{ y }}", "utf-8")
    for _ in range(2):
        with pytest.raises(jinja2.UndefinedError) as caught:
            printed(tmp_path)
        last = caught.traceback[-1]
        assert (str(last.path), last.lineno + 1) == (str(tmp_path / "a.j2"), 2)
