"""Plan -> text: templates print, black formats, every file gets its stamp."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vmgen import plan, resources, stamp
from vmgen.infos import formats
from vmgen.render import spell
from vmgen.render.filters import FILTERS
from vmgen.render.wrap import wrap

if TYPE_CHECKING:
    import black
    import jinja2


_BLOCK = re.compile(r"(\n\n+(?=[^\s)\]}]))")
_UNSETTLED = re.compile(
    r"^.{89}"  # too long
    r"|^ *[)\]}]+ (?:[!=<>]=|[+*/%&|^<>]|-(?!>)|and\b|or\b|if\b|is\b|in\b|not\b)"
    r"|^.* (?:if|else|and|or|[!=<>]=|[+*/%&|^<>-]|<<|>>) .*[(\[{]$"
    r"|^    [^,\n]+\n\) ->|^ *\w+, = "
    r"|^ *(?:for|while|if|else|try|with)\b.*: \S|= \{\n\}",
    re.MULTILINE,
)
"""Where black changes what :mod:`vmgen.render.wrap` printed: lines that stayed too long, operators
before or after a bracket that was broken, a lone parameter, tuples of one name, statements
behind a colon, an empty table.  Nothing else does; the tests run
black over whole modules."""


_FEW = 3
"""Files that a package's stamp names."""


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A file to be: ``path`` relative to the output folder with ``/``, and its text."""

    path: str
    text: str


def render(
    package: plan.Package, *, formatted: bool = True, runtime: bool = True
) -> tuple[GeneratedFile, ...]:
    """Every file of one target, sorted by path; the shared ones are the same for all.

    Code that no one reads need not be ``formatted``, which takes longer than the rest.
    Without ``runtime`` its files are left out: :func:`emitted` says where they are.
    """
    files = [
        *(module_file(one, package.folder, formatted) for one in package.modules),
        *folder_files(package, formatted, runtime),
        target_file(package, formatted),
    ]
    return tuple(sorted(files, key=lambda file: file.path))


def module_file(
    module: plan.ModulePlan, folder: str, formatted: bool = True
) -> GeneratedFile:
    """One module of the package in this folder of the output (empty: the output's)."""
    shape = _format if formatted else str
    text = stamp.stamp(
        shape(_template("module.py.j2").render(module=module)),
        sources=spell.plain(module.source),
        release=spell.plain(module.release),
        target=spell.plain(module.target),
        ir=module.digest,
    )
    return GeneratedFile(_inside(folder, module.path), text)


def emitted(package: plan.Package) -> dict[str, Path]:
    """The runtime of a package and the formats that it imports: for the path of each
    file, where vmgen has its code."""
    folder = resources.folder("templates")
    names = (*_runtime(), *_formats(package))
    return {f"{name}.py": folder / f"{name}.py" for name in names}


def folder_files(
    package: plan.Package, formatted: bool = True, runtime: bool = True
) -> tuple[GeneratedFile, ...]:
    """What a package needs beside its modules and its ``__init__.py``: the runtime, the
    ``__init__.py`` of folders, the IR."""
    shape = _format if formatted else str
    files = {}
    for path, place in emitted(package).items() if runtime else ():
        code = place.read_text(encoding="utf-8")
        files[path] = _stamped(code, package, shared=True)
    for module in package.modules:
        parts = module.path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            init = _inside(package.folder, f"{'/'.join(parts[:depth])}/__init__.py")
            files[init] = _stamped("", package, shared=True)
    if package.folder:
        root = shape(_template("root.py.j2").render())
        files["__init__.py"] = _stamped(root, package, shared=True)
    files["py.typed"] = _stamped("", package, shared=True)
    if package.ir:
        files[_inside(package.folder, "ir.json")] = _stamped(package.ir, package)
    files[_inside(package.folder, "meta.json")] = _stamped(package.meta, package)
    return tuple(GeneratedFile(path, text) for path, text in files.items())


def target_file(
    package: plan.Package, formatted: bool = True, body: str | None = None
) -> GeneratedFile:
    """The ``__init__.py`` of a package; ``body`` is what :func:`target_body` says, where
    that is known."""
    if body is None:
        body = target_body(package, formatted)
    return GeneratedFile(
        _inside(package.folder, "__init__.py"), _stamped(body, package)
    )


def target_body(package: plan.Package, formatted: bool = True) -> str:
    """The ``__init__.py`` of a package below its stamp: what it offers and from where."""
    shape = _format if formatted else str
    dots = ".." if package.folder else "."
    return shape(_template("target.py.j2").render(package=package, dots=dots))


def _inside(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


def _stamped(body: str, package: plan.Package, *, shared: bool = False) -> str:
    if shared:
        return stamp.stamp(body)
    return stamp.stamp(
        body,
        sources=_briefly(package.sources),
        release=spell.plain(package.release),
        target=spell.plain(package.target),
        ir=package.digest,
    )


def _briefly(sources: Sequence[str]) -> str:
    """A few files by name, more by their number: each module names its own."""
    if len(sources) > _FEW:
        return f"{len(sources)} C files"
    return ", ".join(map(spell.plain, sources))


def _formats(package: plan.Package) -> list[str]:
    """The emitted modules of hand-written formats that the package imports."""
    imported = {
        one.module.lstrip(".")
        for module in package.modules
        for one in (*module.imports, *module.late)
    }
    used = imported & formats.NEEDS.keys()
    return sorted(used.union(*(formats.NEEDS[name] for name in used)))


def _runtime() -> list[str]:
    """The emitted modules that every package has: ``_runtime`` and what it imports."""
    names = {path.stem for path in resources.folder("templates").glob("_*.py")}
    return sorted(names - formats.NEEDS.keys())


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    from vmgen.render.templates import TemplateLoader

    environment = jinja2.Environment(
        loader=TemplateLoader(resources.folder("templates")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(FILTERS)
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)


@functools.cache
def _mode() -> black.Mode:
    import black

    return black.Mode()


def _format(text: str) -> str:
    """Black's style; black itself only formats the blocks that need it, since it takes
    many times longer than all other stages."""
    import black

    pieces = _BLOCK.split(wrap(text).strip("\n"))
    for index in range(0, len(pieces), 2):
        if _UNSETTLED.search(pieces[index]):
            pieces[index] = black.format_str(pieces[index], mode=_mode()).strip("\n")
    return "".join(pieces) + "\n" if any(pieces) else ""
