"""The generated codecs of a few descriptions, made in memory."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, ModuleType
from typing import Any

from vmgen import ir
from vmgen.lookup import Lookup, Placed
from vmgen.lower import lower
from vmgen.render import GeneratedFile, render

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Made:
    """A section's codec and the runtime its package shares."""

    codec: Any
    runtime: Any

    def context(self, members: Any, functions: Any) -> Any:
        """What the bytes leave open, answered."""
        return self.runtime.Context(members=members, functions=functions)


@contextmanager
def made(lookup: Lookup, placed: Placed) -> Iterator[Made]:
    """The codec of one description of the program, imported from memory."""
    files = render(lower(lookup.closure(placed)), formatted=False)
    name = f"_vmgen_verdict_{next(_numbers)}"
    finder = _InMemory(name, files)
    sys.meta_path.insert(0, finder)
    try:
        codec = _codec(finder.modules(), placed.description)
        runtime = importlib.import_module(f"{name}._runtime")
        yield Made(codec, runtime)
    finally:
        sys.meta_path.remove(finder)
        for full in [key for key in sys.modules if key.split(".")[0] == name]:
            del sys.modules[full]


def _codec(modules: Iterable[ModuleType], description: ir.Description) -> Any:
    for module in modules:
        codecs = vars(module).get("CODECS")
        if codecs is not None and description.name in codecs:
            return codecs[description.name]
    raise KeyError(description.symbol)


class _InMemory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the modules of one package in generated files."""

    def __init__(self, package: str, files: Sequence[GeneratedFile]) -> None:
        self._texts = {package: ""}
        for file in files:
            if not file.path.endswith(".py"):
                continue
            parts = file.path.removesuffix(".py").split("/")
            for end in range(1, len(parts)):
                self._texts.setdefault(".".join((package, *parts[:end])), "")
            if parts[-1] == "__init__":
                parts.pop()
            self._texts[".".join((package, *parts))] = file.text

    def modules(self) -> Iterator[ModuleType]:
        """Every module, imported: packages before what is in them."""
        for name in sorted(self._texts):
            yield importlib.import_module(name)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._texts:
            return None
        return importlib.machinery.ModuleSpec(
            fullname, self, is_package=self.is_package(fullname)
        )

    def is_package(self, fullname: str) -> bool:
        return any(name.startswith(f"{fullname}.") for name in self._texts)

    def get_source(self, fullname: str) -> str:
        return self._texts[fullname]

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._texts[fullname], f"<{fullname}>", "exec")
