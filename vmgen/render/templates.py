"""The templates as Jinja has them, whose code Python keeps as it keeps that of modules.

Compiling templates takes longer than printing what a stream needs.  Python's own loader of
files puts their code into ``__pycache__`` beside them where it may, and takes it for as
long as nothing has changed that decides it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import compiler


class TemplateLoader(jinja2.BaseLoader):
    """Jinja's templates by name, out of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(
        self,
        environment: jinja2.Environment,
        name: str,
        globals: Any = None,
    ) -> jinja2.Template:
        """The template."""
        path = str(self._folder / name)
        code = _TemplateCode(environment, name, path).get_code(name)
        assert code is not None  # a file has code
        return environment.template_class.from_code(environment, code, globals or {})


class _TemplateCode(SourceFileLoader):
    """Python's loader of a file whose source is a template."""

    def __init__(self, environment: jinja2.Environment, name: str, path: str) -> None:
        super().__init__(name, path)
        self._environment = environment

    def path_stats(self, path: Any) -> Mapping[str, Any]:
        """What Python compares to know whether the code it kept is that of the file: here of
        the file, of this folder and of Jinja's compiler."""
        status = os.stat(path)
        stamps = f"{status.st_mtime_ns} {status.st_size} {_compiled_by()}"
        return {"mtime": zlib.crc32(stamps.encode()), "size": status.st_size}

    def source_to_code(self, data: Any, path: Any, **options: Any) -> CodeType:  # type: ignore[override]
        """The code of a template, which names its file in tracebacks."""
        text = decode_source(data)  # lines end in one way
        return self._environment.compile(text, self.name, path)


@cache
def _compiled_by() -> str:
    """The files that decide the code of a template: Jinja's, which changes with its
    version, and those with the options and filters."""
    places = [compiler.__file__, *sorted(map(str, Path(__file__).parent.glob("*.py")))]
    stamps = []
    for place in places:
        status = os.stat(place)
        stamps.append(f"{place} {status.st_mtime_ns} {status.st_size}")
    return "\n".join(stamps)
