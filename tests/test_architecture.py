"""Imports go one way, and what only one place may do is done only there."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import vmgen

PACKAGE = Path(vmgen.__file__).parent

EXTRAS = {"numpy", "unicorn", "pyarrow", "dask", "distributed", "fsspec"}
"""What only an extra brings."""

STAGES = (
    # What everybody may know: places in C, diagnostics, where our own folders are.
    {"source"},
    {"grammar"},
    # What commands print for programs.
    {"schemas", "json_members"},
    {"resources", "paint", "cache", "c_text", "kept"},
    {"targets"},
    # The IR, and what only reads it.
    {"ir"},
    {"wording", "report"},
    {"lookup", "diff", "lock"},
    {"archive", "known"},
    {"inspect_json", "tree_view"},
    # From C to the IR.
    {"tree"},
    {"linkmodel"},
    {"preprocess"},
    {"cfront"},
    {"infos"},
    {"translate"},
    {"extract"},
    {"roots"},
    {"execution"},
    {"premises", "machines", "core", "boards", "processors"},
    {"link"},
    # From the IR to text.
    {"plan"},
    {"lower"},
    {"stamp"},
    {"render"},
    # All of them in a row.
    {"pipeline"},
    {"coverage", "lint"},
    # The user's disk, and the user.
    {"config", "write"},
    # Whole migration streams, which only codecs are needed for.
    {"stream"},
    # A guest out of one, and the formats of other tools.
    {"guest", "columns"},
    {"imported", "serve"},
    {"emulate"},
    {"export"},
    {"fleet"},
    # Will what one release saved load in the other?
    {"verdict"},
    {"convert"},
    # Answers and streams as pages.
    {"view"},
    {"cli"},
    {"__main__", "saved"},
)
"""A module imports from stages above its own line only."""

ORDER = {name: number for number, names in enumerate(STAGES) for name in names}

BACK_END = {"plan", "lower", "stamp", "render"}
FRONT_END = {
    "tree",
    "linkmodel",
    "preprocess",
    "cfront",
    "translate",
    "extract",
    "roots",
    "machines",
    "link",
}

ONLY = {
    "pycparser": {"cfront"},
    "pcpp": {"preprocess"},
    "jinja2": {"render", "view"},
    "black": {"render"},
    "click": {"cli"},
    "numpy": {"columns"},
    "unicorn": {"emulate"},
    "pyarrow": {"export", "fleet"},
    "dask": {"fleet"},
    "distributed": {"fleet"},
    "fsspec": {"fleet"},
    "tomllib": {
        "config",
        "core",
        "known",
        "machines",
        "premises",
        "processors",
        "targets",
    },
}
"""Who may import what."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def stage(path: Path) -> str:
    """The stage a file belongs to: its folder or its own name; empty for the package."""
    if path.name == "__main__.py":
        return "__main__"
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def own(name: str) -> str | None:
    """The stage that an imported name belongs to, if it is one of ours."""
    parts = name.split(".")
    if parts[0] != "vmgen" or len(parts) == 1:
        return None
    inside = PACKAGE / parts[1]
    return parts[1] if inside.is_dir() or inside.with_suffix(".py").is_file() else None


def test_every_module_has_its_place() -> None:
    found = {stage(path) for path in modules()} - {""}
    assert found <= set(ORDER), "a stage came: give it its place in STAGES"


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_go_one_way(path: Path) -> None:
    here = stage(path)
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(path)
        if (there := own(name)) is not None
        and there != here
        and ORDER[there] >= ORDER.get(here, -1)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_front_end_and_back_end_do_not_know_each_other(path: Path) -> None:
    here = stage(path)
    other = BACK_END if here in FRONT_END else FRONT_END if here in BACK_END else set()
    assert [name for _, name in imports(path) if own(name) in other] == []


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_what_only_one_stage_may_import(path: Path) -> None:
    wrong = [
        f"line {line}: {name}"
        for line, name in imports(path)
        if stage(path) not in ONLY.get(name.partition(".")[0], {stage(path)})
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if stage(path) in ("cli", "__main__"):
        return
    wrong = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Name) and node.id in (
            "print",
            "exit",
            "quit",
            "SystemExit",
            "input",
        ):
            wrong.append(f"line {node.lineno}: {node.id}")
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and f"{node.value.id}.{node.attr}"
            in ("sys.exit", "sys.stdout", "sys.stderr", "os._exit")
        ):
            wrong.append(f"line {node.lineno}: {node.value.id}.{node.attr}")
    assert wrong == []


WRITING = {
    "write_text", "write_bytes", "mkdir", "makedirs", "replace", "rename", "unlink", "rmdir",
    "rmtree", "touch", "symlink_to", "mkdtemp", "remove",
}  # fmt: skip


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_only_write_and_the_caches_touch_the_disk(path: Path) -> None:
    """``str.replace`` and ``dataclasses.replace`` share a name with ``os.replace``, so
    names count only on ``os``, ``shutil`` and ``tempfile`` where they are ambiguous.
    ``emulate/seed.py`` is a program of its own, which users take along in a folder."""
    if path.relative_to(PACKAGE).as_posix() in (
        "write.py",
        "cache/store.py",
        "cache/entries.py",
        "tree/revisions.py",
        "emulate/seed.py",
    ):
        return
    ambiguous = {"replace", "remove", "rename"}
    wrong = [
        f"line {node.lineno}: {node.attr}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in WRITING
        and (
            node.attr not in ambiguous
            or (isinstance(node.value, ast.Name) and node.value.id in ("os", "shutil"))
        )
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", modules(), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nothing_is_swallowed(path: Path) -> None:
    wrong = [
        f"line {node.lineno}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or ast.unparse(node.type) in ("Exception", "BaseException")
        )
    ]
    assert wrong == []


def test_dependencies_are_those_declared() -> None:
    """What is imported and what pyproject.toml asks for are the same."""
    used = {
        name.partition(".")[0] for path in modules() for _, name in imports(path)
    } - set(sys.stdlib_module_names) - {"vmgen"}  # fmt: skip
    assert used - EXTRAS == {"black", "click", "jinja2", "pcpp", "pycparser"}


def test_generated_code_and_its_runtime_import_the_standard_library_only() -> None:
    emitted = sorted((PACKAGE.parent / "templates").glob("*.py"))
    assert emitted
    names = {
        name.partition(".")[0]
        for path in emitted
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else []
            )
        )
    }
    assert names <= set(sys.stdlib_module_names)


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_ring_anywhere() -> None:
    """Modules that need each other are one module, be the import in a function or for
    type checkers only.  A module does not need the face of its own package."""
    known = {module_name(path) for path in modules()}
    needs: dict[str, set[str]] = {}
    for path in modules():
        here = module_name(path)
        found = {
            name if name in known else name.rpartition(".")[0]
            for _, name in imports(path)
            if name.startswith("vmgen")
        }
        needs[here] = (found & known) - {here}
    order = graphlib.TopologicalSorter(needs)
    try:
        order.prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a ring: {' -> '.join(error.args[1])}")


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(
                    f"{module_name(path)}:{node.lineno}"
                )
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
