"""A generated package as one file of compiled code, for codecs that are made to be run.

It takes a read and no look at the disk for every module.  The file has the magic number of
the Python that made it, and then one marshalled table: module by its dotted name in the
package (empty for the package itself), each with whether it is a package and its code.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER

from vmgen.stream.errors import NoCodecs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.abc import Loader
    from types import CodeType, ModuleType
    from typing import TypeAlias

    Table: TypeAlias = Mapping[str, tuple[bool, bytes]]
else:
    Loader = object

FILE = "codecs.bin"


def packed(codes: Mapping[str, CodeType]) -> bytes:
    """The file of a package whose files, by path (``x86_64/__init__.py``), have this
    code."""
    table = {}
    for path, code in codes.items():
        dotted = path.removesuffix(".py").replace("/", ".")
        whole = f".{dotted}".endswith(".__init__")
        name = dotted.removesuffix("__init__").rstrip(".") if whole else dotted
        table[name] = (whole, marshal.dumps(code))
    return MAGIC_NUMBER + marshal.dumps(table)


def install(package: str, root: str) -> None:
    """Have the package in a folder imported under a name.

    Raises NoCodecs where another Python made the file, or it is damaged.
    """
    file = os.path.join(root, FILE)
    with open(file, "rb") as stream:
        data = stream.read()
    if data[: len(MAGIC_NUMBER)] != MAGIC_NUMBER:
        raise NoCodecs(f"{file}: another Python made it")
    try:
        table: Table = marshal.loads(memoryview(data)[len(MAGIC_NUMBER) :])
    except (EOFError, ValueError, TypeError) as error:
        raise NoCodecs(f"{file}: damaged: {error}") from None
    sys.meta_path.insert(0, _Modules(package, root, table))


class _Modules(Loader):
    """Finds and loads the modules of one package."""

    def __init__(self, package: str, root: str, table: Table) -> None:
        self._package = package
        self._root = root
        self._table = table

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """The module, if it is one of the package."""
        package, _, name = fullname.partition(".")
        if package != self._package or name not in self._table:
            return None
        whole, _ = self._table[name]
        place = os.path.join(self._root, *name.split(".")) if name else self._root
        origin = os.path.join(place, "__init__.py") if whole else f"{place}.py"
        spec = ModuleSpec(fullname, self, origin=origin, is_package=whole)
        if whole:
            spec.submodule_search_locations = [place]
        return spec

    def create_module(self, spec: ModuleSpec) -> None:
        """A plain module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code; its file is where its text would be."""
        spec = module.__spec__
        assert spec is not None  # find_spec() made it
        module.__file__ = spec.origin
        _, code = self._table[module.__name__.partition(".")[2]]
        exec(marshal.loads(code), vars(module))
