"""Imports generated packages, from memory or from a folder."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any, Protocol

_numbers = itertools.count()
_compiled: dict[str, CodeType] = {}


class Text(Protocol):
    """A generated file: ``path`` inside the output folder, and its text."""

    @property
    def path(self) -> str: ...

    @property
    def text(self) -> str: ...


class InMemory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the modules of one package in a mapping from module name to text."""

    def __init__(self, package: str, files: Iterable[Text]) -> None:
        self.package = package
        self.texts: dict[str, str] = {package: ""}
        for file in files:
            if not file.path.endswith(".py"):
                continue
            parts = file.path.removesuffix(".py").split("/")
            for end in range(1, len(parts)):
                self.texts.setdefault(".".join((package, *parts[:end])), "")
            if parts[-1] == "__init__":
                parts.pop()
            self.texts[".".join((package, *parts))] = file.text

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self.texts:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, is_package=self.is_package(fullname)
        )

    def is_package(self, fullname: str) -> bool:
        return any(name.startswith(f"{fullname}.") for name in self.texts)

    def get_source(self, fullname: str) -> str:
        return self.texts[fullname]

    def get_code(self, fullname: str) -> CodeType:
        text = self.texts[fullname]
        if text not in _compiled:
            _compiled[text] = compile(text, f"<{fullname}>", "exec")
        return _compiled[text]


@contextmanager
def imported(files: Iterable[Text]) -> Iterator[Mapping[str, ModuleType]]:
    """The modules of generated files, by their name inside the package (``""`` is the
    package itself); forgotten at the end."""
    name = f"generated_for_test_{next(_numbers)}"
    finder = InMemory(name, files)
    sys.meta_path.insert(0, finder)
    try:
        yield {
            full.removeprefix(name).lstrip("."): importlib.import_module(full)
            for full in finder.texts
        }
    finally:
        sys.meta_path.remove(finder)
        for full in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[full]


def runtime_of(package: ModuleType) -> Any:
    """The ``_runtime`` beside a target's package: ``Context`` and the errors."""
    return importlib.import_module(f"{package.__name__.rpartition('.')[0]}._runtime")
