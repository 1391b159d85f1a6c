"""Generated packages: found in a folder, imported."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path

from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import NoCodecs

_numbers = itertools.count()


def from_folder(folder: Path) -> dict[str, Codecs]:
    """The targets of a generated package by name, or the one whose folder this is.

    The package is imported from where it lies.  Raises NoCodecs if it is none.
    """
    root, only = folder.resolve(), ""
    if not (root / "_runtime.py").is_file() and (root.parent / "_runtime.py").is_file():
        root, only = root.parent, root.name
    if not (root / "_runtime.py").is_file():
        hint = "give the folder that 'vmgen generate' wrote, or a target's inside of it"
        raise NoCodecs(f"{folder} is not a generated package", hint=hint)
    package = _imported(root)
    if only:
        return {only: _target(package, only, folder)}
    names = [
        item.name
        for item in sorted(root.iterdir())
        if item.name.isidentifier() and _offers_something(item / "__init__.py")
    ]
    if not names and "CODECS" in vars(importlib.import_module(package)):
        return {"": _target(package, "", folder)}
    if not names:
        raise NoCodecs(f"{folder} has no targets")
    return {name: _target(package, name, folder) for name in names}


def _offers_something(init: Path) -> bool:
    """Whether it can be a target's: folders of modules that targets share have a stamp
    in it and nothing else."""
    if not init.is_file():
        return False
    lines = init.read_text("utf-8", "replace").splitlines()
    return not lines or any(line and not line.startswith("#") for line in lines)


def _imported(root: Path) -> str:
    for name, module in list(sys.modules.items()):
        if name.startswith("_vmgen_codecs_") and "." not in name:
            places = list(getattr(module, "__path__", ()))
            if places == [str(root)]:
                return name
    name = f"_vmgen_codecs_{next(_numbers)}"
    init = root / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        name,
        init if init.is_file() else None,
        submodule_search_locations=[str(root)],
    )
    if spec is None:
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(root)]
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if spec.loader is not None:
        whole = False
        try:
            spec.loader.exec_module(module)
            whole = True
        except (ImportError, SyntaxError) as error:
            raise NoCodecs(f"{root}: cannot import it: {error}") from None
        finally:
            if not whole:  # half of a package is none for the next who asks
                del sys.modules[name]
    return name


def _target(package: str, name: str, folder: Path) -> Codecs:
    try:
        module = importlib.import_module(f"{package}.{name}" if name else package)
    except (ImportError, SyntaxError) as error:
        raise NoCodecs(f"{folder}: cannot import '{name}': {error}") from None
    codecs = getattr(module, "CODECS", None)
    if not isinstance(codecs, Mapping):
        raise NoCodecs(f"{folder}: '{name}' has no CODECS")
    return Codecs(codecs, name, folder=Path(str(module.__file__)).parent)
