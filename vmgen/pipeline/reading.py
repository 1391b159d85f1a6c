"""One C file to one module: preprocessed, remembered, read.

QEMU compiles most files once for all targets: they see neither the target's macros nor
its headers (``exec/poison.h`` and ``config-poison.h`` turn a use of one into an error).
:class:`Commands` has that command too, so that such a file is read once; a file that it
does not suit is read for the target.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from vmgen import ir, machines, preprocess, roots
from vmgen.c_text import macros
from vmgen.cache import Cache, Digests, hashed
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.extract import extract
from vmgen.machines import FileMachines
from vmgen.pipeline import missing, survey
from vmgen.pipeline.inputs import InputDigests
from vmgen.pipeline.store import Note, Store, front_end
from vmgen.preprocess import Preprocessed, Preprocessor
from vmgen.preprocess.lines import digest_without_header_lines, names_a_header
from vmgen.roots import Registrations
from vmgen.source import Diagnostic, VmgenError
from vmgen.tree import CompileCommand, SourceTree, files

COMMON = ""
"""The name of the command that knows no target, among those of targets."""

# Text of some million characters is searched many times as fast for letters as for starts
# of lines.
_ENTERED = re.compile(r'\n# \d+ "([^"<][^"]*)"')
_TARGET_HEADER = re.compile(
    r'# (?<=\n# )\d+ "[^"]*-softmmu-config-(?:target|devices)\.h"[^\n]*\n\s*'
)
_SYMBOL = re.compile(r"^\s*(?:menu)?config\s+(\w+)", re.MULTILINE)
_PER_TARGET = ("NEED_CPU_H", "COMPILING_PER_TARGET", "CONFIG_TARGET", "CONFIG_DEVICES")
_ACCELERATORS = ("KVM", "XEN", "HVF", "NVMM", "WHPX")
"""What a host has for some targets only (``accelerator_targets`` in meson.build)."""


def read_module(
    expansion: Preprocessed, preprocessor: Preprocessor = "auto"
) -> ir.Module:
    """One preprocessed file through the front end and the extractor."""
    return missing.read(expansion, preprocessor, _extracted, lambda *_: None)[0]


def _extracted(expansion: Preprocessed) -> tuple[ir.Module, None]:
    unit = Unit(expansion.text, source=expansion.source, relative=expansion.relative)
    return extract(unit, Layout(unit), expansion.excerpt), None


@dataclass(frozen=True, slots=True)
class FileTypes:
    """What a file says of QOM: what it registers, and its machine types and properties."""

    registered: Registrations
    machines: FileMachines


def _agreed(one: FileTypes, two: FileTypes, why: tuple[Diagnostic, ...]) -> FileTypes:
    """What two readings of a file say alike.  Tables that differ are left out, as those
    that cannot be read are, with ``why``; where anything else does, it is raised."""
    if one == two:
        return one
    tables = replace(one.machines, compat=(), properties=(), undecided=())
    others = replace(two.machines, compat=(), properties=(), undecided=())
    if one.registered != two.registered or tables != others:
        raise VmgenError(*why)
    first, second = one.machines, two.machines
    compat = tuple(table for table in first.compat if table in second.compat)
    properties = tuple(
        table for table in first.properties if table in second.properties
    )
    undecided = dict.fromkeys((*why, *first.undecided, *second.undecided))
    agreed = replace(
        tables, compat=compat, properties=properties, undecided=tuple(undecided)
    )
    return FileTypes(one.registered, agreed)


def _read_all(
    expansion: Preprocessed, text: str, preprocessor: Preprocessor
) -> tuple[ir.Module | None, FileTypes | None, tuple[Diagnostic, ...]]:
    """The file's module, or why there is none; and its types.

    ``text`` is the file as written.
    """
    types: FileTypes | None = None

    def every(one: Preprocessed) -> tuple[ir.Module, FileTypes]:
        nonlocal types
        unit = Unit(one.text, source=one.source, relative=one.relative)
        layout = Layout(unit)
        own = FileTypes(Registrations(one.source), FileMachines(one.source))
        with_machines = machines.is_wanted(text)
        if with_machines or roots.is_wanted(text):
            registered = roots.roots_of(unit, layout, text)
            own = FileTypes(registered, own.machines)
            if with_machines:
                read = machines.machines_of(unit, layout, registered)
                own = FileTypes(registered, read)
        if types is None:
            types = own
        return extract(unit, layout, one.excerpt), own

    try:
        module, agreed = missing.read(expansion, preprocessor, every, _agreed)
    except VmgenError as error:
        return None, types, error.diagnostics
    return module, agreed, ()


# --- commands -----------------------------------------------------------------------


def common_tree(tree: SourceTree) -> SourceTree:
    """The tree as the files see it that are compiled once for all targets.

    What a Kconfig file can set is poisoned (``scripts/make-config-poison.sh``), except
    for what the host decides.
    """
    shared = tree.config_dirs[1:]
    host: set[str] = set()
    for folder in shared:
        path = folder / "config-host.h"
        if path.is_file():
            host.update(macros(path.read_text(encoding="utf-8")))
    poisoned = sorted({f"CONFIG_{one}" for one in _kconfig_symbols(tree.root)} - host)
    text = "".join(f"#pragma GCC poison {name}\n" for name in poisoned)
    poison = Cache.of("trees").folder_of(
        f"poison-{hashed((text,))[:24]}",
        lambda: {"config-poison.h": text},
    )
    own = tree.config_dirs[0]
    command = tree.command
    return replace(
        tree,
        target=COMMON,
        config_dirs=(poison, *shared),
        command=replace(
            command,
            quote_dirs=(
                poison,
                *(path for path in command.quote_dirs if path != own),
            ),
            include_dirs=tree.given.include_dirs,
            system_dirs=tuple(path for path in command.system_dirs if path != own),
            defines=tuple(
                define
                for define in command.defines
                if define.partition("=")[0] not in _PER_TARGET
            ),
        ),
    )


def _kconfig_symbols(root: Path) -> Iterable[str]:
    yield from _ACCELERATORS
    for path in included_files(root):
        # Kconfig.host declares what the host decides, for all targets alike.
        if os.path.basename(path) == "Kconfig":
            yield from _SYMBOL.findall((root / path).read_text(encoding="utf-8"))


def included_files(root: Path) -> tuple[str, ...]:
    """Every file of the tree that C or Kconfig might include, sorted."""
    return tuple(files.included(Path(root)))


def command_name(
    tree: SourceTree, preprocessor: Preprocessor, included: Iterable[str]
) -> str:
    """A name for everything but the files that decides what the command yields: the
    macros and folders, the compiler, vmgen's front end and which headers there are
    (``included``: :func:`included_files`)."""
    compiler = preprocess.find_compiler() if preprocessor != "pcpp" else None
    identity: list[str] = list(compiler) if compiler else ["pcpp"]
    if compiler:
        status = os.stat(compiler[0])
        identity.append(f"{status.st_size} {status.st_mtime_ns}")
    command = _flags(tree.command)
    each = {file: _flags(one) for file, one in tree.build_commands.items()}
    headers = hashed(included)
    words = [front_end(), str(tree.root), command, headers, *identity]
    return hashed(words, each)


def _flags(command: CompileCommand) -> str:
    return "\0".join((str(command.shims), str(command.directory), *command.flags))


# --- one file -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What came of reading one file: its module, or why there is none.

    ``note`` is for the next time; None where there is nothing to remember.
    ``unsuited`` says that the common command does not suit the file.  ``types`` is None
    where the file could not be read at all.
    """

    file: str
    module: ir.Module | None
    found: tuple[Diagnostic, ...] = ()
    note: Note | None = None
    unsuited: bool = False
    types: FileTypes | None = None


def recall(
    tree: SourceTree, file: str, note: Note | None, digests: InputDigests, store: Store
) -> ReadFile | None:
    """The file from what was remembered, or None if it must be read."""
    if note is None or digests.digest(note.inputs) != note.digest:
        return None
    if not note.key:
        return ReadFile(file, None, (), note, unsuited=True)
    module, types = store.module(note.key), store.kept(note.key, FileTypes)
    if module is None or types is None:
        return None
    return ReadFile(file, module, (), note, types=types)


def read(
    tree: SourceTree,
    file: str,
    preprocessor: Preprocessor,
    store: Store,
    digests: InputDigests | None = None,
) -> ReadFile:
    """The file, preprocessed and read (unless the same text was read before).

    ``digests`` are those of files read just before, with the same headers.
    """
    digests = digests or InputDigests(Digests())
    common = tree.target == COMMON
    own = str(tree.path(file))
    try:
        # What the command for all targets does not find may be the target's.
        expansion = preprocess.preprocess(
            tree, file, preprocessor=preprocessor, partial=not common
        )
    except VmgenError as error:
        return _unread(file, None, error.diagnostics, common, own)
    names = dict.fromkeys(_ENTERED.findall(f"\n{expansion.text}"))
    start = tree.command_for(file).directory or tree.root
    inputs = tuple(os.path.normpath(os.path.join(start, name)) for name in names)
    included = [
        one
        for one in inputs
        if one.endswith(survey.PARTS) and one != os.path.normpath(own)
    ]
    text = "\n".join(
        Path(one).read_text(encoding="utf-8", errors="replace")
        for one in (own, *included)
    )
    lacking = [str(one) for one in expansion.missing]
    expanded = _TARGET_HEADER.sub("", expansion.text)
    # What a file says seldom depends on the lines of its headers.
    without_lines = digest_without_header_lines(expanded)
    moved = hashed((front_end(), text, without_lines, *lacking))
    exact = hashed((front_end(), text, expanded, *lacking))
    for key in (moved, exact):
        module, types = store.module(key), store.kept(key, FileTypes)
        if module is not None and types is not None:
            break
    else:
        module, types, found = _read_all(expansion, text, preprocessor)
        if module is None or types is None:
            return _unread(file, types, found, common, own)
        texts = store.texts(module, types)
        key = exact if any(map(names_a_header, texts)) else moved
        store.keep(key, *texts)
    if common and (module.unread or types.machines.undecided):
        # What is missing may be the target's.
        return _unread(file, types, (), common, own)
    note = Note(key, digests.digest(inputs), inputs)
    return ReadFile(file, module, (), note, types=types)


def _unread(
    file: str,
    types: FileTypes | None,
    found: tuple[Diagnostic, ...],
    common: bool,
    path: str,
) -> ReadFile:
    """A file that has no module.  That the common command does not suit it is worth
    remembering: only a change of the file itself is likely to change that."""
    if not common:
        return ReadFile(file, None, found, types=types)
    note = Note("", InputDigests(Digests()).digest((path,)), (path,))
    return ReadFile(file, None, found, note, unsuited=True)
