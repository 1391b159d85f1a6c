"""Generated packages: found in a folder, imported."""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import os
import sys
from collections.abc import Mapping
from functools import partial

from vmgen.stream import compiled
from vmgen.stream.codecs import Codecs
from vmgen.stream.errors import NoCodecs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vmgen.stream.codec import Codec

_numbers = itertools.count()


def from_folder(folder: str | os.PathLike[str]) -> dict[str, Codecs]:
    """The targets of a generated package by name, or the one whose folder this is.

    The package is imported from where it lies, a target of several when its codecs are
    asked for.  Raises NoCodecs if it is none.
    """
    root, only = os.path.realpath(folder), ""
    if not is_package(root) and is_package(os.path.dirname(root)):
        root, only = os.path.split(root)
    if not is_package(root):
        hint = "give the folder that 'vmgen generate' wrote, or a target's inside of it"
        raise NoCodecs(f"{folder} is not a generated package", hint=hint)
    package = _imported(root)
    if only:
        return {only: _target(package, only, folder, root)}
    names = [
        name
        for name in sorted(os.listdir(root))
        if name.isidentifier()
        and (
            _has(os.path.join(root, name), "meta.json")
            if _is_compiled(root)
            else _offers_something(os.path.join(root, name, "__init__.py"))
        )
    ]
    if not names and "CODECS" in vars(importlib.import_module(package)):
        return {"": _target(package, "", folder, root)}
    if not names:
        raise NoCodecs(f"{folder} has no targets")
    if len(names) == 1:
        return {name: _target(package, name, folder, root) for name in names}
    return {
        name: Codecs(
            partial(_codecs, package, name, folder),
            name,
            folder=os.path.join(root, name),
        )
        for name in names
    }


def is_package(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder has a generated package, as text or as code."""
    return _has(folder, compiled.FILE) or _has(folder, "_runtime.py")


def _is_compiled(folder: str) -> bool:
    """Whether a package is there as code alone: what people can read comes first."""
    return _has(folder, compiled.FILE) and not _has(folder, "_runtime.py")


def _has(folder: str | os.PathLike[str], name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))


def _offers_something(init: str) -> bool:
    """Whether it can be a target's: folders of modules that targets share have a stamp
    in it and nothing else."""
    if not os.path.isfile(init):
        return False
    try:
        with open(init, encoding="utf-8", errors="replace") as file:
            empty = True
            for line in file:
                empty = False
                if line.strip() and not line.startswith("#"):
                    return True
    except OSError as error:
        raise NoCodecs(f"{init}: cannot be read: {error.strerror}") from None
    return empty


def _imported(root: str) -> str:
    for name, module in list(sys.modules.items()):
        if name.startswith("_vmgen_codecs_") and "." not in name:
            places = list(getattr(module, "__path__", ()))
            if places == [root]:
                return name
    name = f"_vmgen_codecs_{next(_numbers)}"
    if _is_compiled(root):
        compiled.install(name, root)
        importlib.import_module(name)
        return name
    init = os.path.join(root, "__init__.py")
    spec = importlib.util.spec_from_file_location(
        name,
        init if os.path.isfile(init) else None,
        submodule_search_locations=[root],
    )
    if spec is None:
        spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [root]
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


def _target(
    package: str, name: str, folder: str | os.PathLike[str], root: str
) -> Codecs:
    codecs = _codecs(package, name, folder)
    return Codecs(codecs, name, folder=os.path.join(root, name) if name else root)


def _codecs(
    package: str, name: str, folder: str | os.PathLike[str]
) -> Mapping[str, Codec]:
    try:
        module = importlib.import_module(f"{package}.{name}" if name else package)
    except (ImportError, SyntaxError) as error:
        raise NoCodecs(f"{folder}: cannot import '{name}': {error}") from None
    codecs = getattr(module, "CODECS", None)
    if not isinstance(codecs, Mapping):
        raise NoCodecs(f"{folder}: '{name}' has no CODECS")
    return codecs
