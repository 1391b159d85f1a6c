"""First stage: a source tree, its configuration, and which files describe the CPU.

A QEMU tree is read as it was released: not configured, not built, never written into.
What a build would generate is made here, in a cache folder of the user's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vmgen import resources
from vmgen.c_text import macros
from vmgen.cache import Cache, Digests, hashed
from vmgen.ir.words import RELEASE
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import files as tree_files
from vmgen.tree import scan
from vmgen.tree.source_tree import (
    NOTHING_GIVEN,
    SHIMS,
    CompileCommand,
    Given,
    SourceTree,
)
from vmgen.tree.targets import (
    TargetConfigurations,
    answers,
    configurations,
    system_target,
)

__all__ = [
    "NOTHING_GIVEN",
    "SHIMS",
    "CompileCommand",
    "Given",
    "SourceTree",
    "configurations_of",
    "configure",
    "embedded",
    "standalone",
]

_LOOKED_FOR = (
    "include/migration/vmstate.h",
    "qapi/qapi-schema.json",
    "scripts/minikconf.py",
)
_PROJECT_VERSION = re.compile(r"\bproject\([^)]*?\bversion\s*:\s*'([^']*)'")


def configurations_of(path: Path) -> TargetConfigurations:
    """What a tree says of its targets; VG101 if the folder is no tree that is read."""
    root = Path(os.path.realpath(path))
    kept = configurations(root)
    missing = [name for name in _LOOKED_FOR if not (root / name).exists()]
    # Below 4.0 there is no minikconf, below 2.12 the schema is elsewhere, too.
    is_old = _LOOKED_FOR[-1] in missing and _LOOKED_FOR[0] not in missing
    if is_old and kept is not None:
        raise VmgenError(
            Diagnostic(
                "VG101",
                f"{path} is older than QEMU 4.0, the first release whose trees are read",
                hint="name the C files to read as inputs, and leave the tree out",
            )
        )
    if kept is None:
        missing.append("configs/targets or default-configs")
    if kept is None or missing:
        raise VmgenError(
            Diagnostic(
                "VG101",
                f"{path} is not a QEMU source tree: there is no {', '.join(missing)}",
                hint="give the folder that a release's archive or git clone unpacks to",
            )
        )
    return kept


def configure(
    path: Path,
    target: str,
    *,
    build: Path | None = None,
    given: Given = NOTHING_GIVEN,
    cache: Path | None = None,
    digests: Digests | None = None,
) -> SourceTree:
    """The QEMU source tree at ``path``, for ``qemu-system-TARGET``.

    ``build`` is a folder in which the tree was configured: its flags and headers are
    used instead of ours.  ``given`` is what the user adds.  ``cache`` takes the place of the user's cache folder, and
    ``digests`` know the files that were read before.  Raises
    :class:`VmgenError`: VG101 if it is not such a tree, VG102 for an unknown target,
    VG103 for a folder of ``given`` that is missing, VG104 and VG105 for a tree that cannot be configured, VG106 for a build folder that
    cannot be used, VG108 if no file defines ``vmstate_cpu_common``.
    """
    kept = configurations_of(path)
    try:
        entries = Cache.of("trees") if cache is None else Cache(cache)
        found = _configure(kept, target, build, entries, digests or Digests())
    except (OSError, UnicodeDecodeError) as error:
        raise VmgenError(
            Diagnostic(
                "VG101",
                f"the QEMU source tree {path} cannot be read: {error}",
                hint="unpack the release again, or make its files readable",
            )
        ) from error
    missing_dirs = [
        _not_there("folder", path)
        for path in (*given.include_dirs, *given.shims)
        if not path.is_dir()
    ]
    if missing_dirs:
        raise VmgenError(*missing_dirs)
    return replace(
        found,
        command=given.added_to(found.command),
        build_commands={
            file: given.added_to(command)
            for file, command in found.build_commands.items()
        },
        given=given,
    )


def _release(root: Path) -> str:
    """The release that the tree's VERSION names, or where a fork has no such file, its
    ``project()`` in meson.build; "unknown" where neither does.

    Raises :class:`VmgenError` VG113 for text that names none: it goes into generated
    modules and into the names of folders.
    """
    place, text = root / "VERSION", "unknown"
    if place.is_file():
        text = place.read_text(encoding="utf-8", errors="replace").strip()
    elif (root / "meson.build").is_file():
        place = root / "meson.build"
        found = _PROJECT_VERSION.search(place.read_text(encoding="utf-8"))
        text = found[1] if found else text
    if not RELEASE.has(text):
        raise VmgenError(
            Diagnostic(
                "VG113",
                f"{text[:80]!r} is not the name of a release",
                Position(place.as_posix()),
                hint="a release is named with letters, digits, '.', '+', '-', '_' and '~'",
            )
        )
    return text


def _configure(
    kept: TargetConfigurations,
    target: str,
    build: Path | None,
    entries: Cache,
    digests: Digests,
) -> SourceTree:
    root = kept.root
    release = _release(root)
    targets = kept.names()
    _check_target(target, targets, f"QEMU {release}")
    settings = kept.settings_of(target)
    if "TARGET_ARCH" not in settings:
        raise VmgenError(
            Diagnostic(
                "VG101",
                f"the configuration of {target} does not say what TARGET_ARCH is",
                Position(kept.place(target)),
                hint="unpack the release again",
            )
        )
    base_arch = settings.get("TARGET_BASE_ARCH", settings["TARGET_ARCH"])
    found = answers(root, target, settings)

    wanted = [_target_entry(kept, target, base_arch, settings, digests)]
    if build is None:
        wanted.append(_common_entry(root, release, digests))
    config_dirs = tuple(_entry_folders(entries, wanted))
    listed = (config_dirs[0] / "sources.json").read_text(encoding="utf-8")
    sources = tuple(json.loads(listed))
    tree = SourceTree(
        kind="qemu",
        root=root,
        release=release,
        target=target,
        base_arch=base_arch,
        targets=targets,
        cpu_sources=sources,
        command=_command(root, target, base_arch, config_dirs),
        config_dirs=config_dirs,
        answers=found,
        system_target=system_target(root, target, settings),
    )
    if build is None:
        return tree
    from vmgen.tree import build as build_commands

    folder = Path(os.path.realpath(build))
    return replace(
        tree,
        command=CompileCommand(shims=False, directory=folder),
        config_dirs=(folder,),
        build=folder,
        build_commands=build_commands.commands(folder, root, target),
    )


def embedded(target: str) -> SourceTree:
    """vmgen's own ``c_headers/``, for one of the targets it describes.

    Raises :class:`VmgenError` (VG102) for another.
    """
    root = Path(os.path.realpath(resources.folder("c_headers")))
    targets = tuple(sorted(path.stem for path in (root / "configs").glob("*.h")))
    _check_target(target, targets, "the embedded headers")
    config = root / f"configs/{target}.h"
    defined = macros(config.read_text(encoding="utf-8"))
    base_arch = next(
        (
            path.name
            for path in sorted((root / "target").iterdir())
            if f"TARGET_{path.name.upper()}" in defined
        ),
        "",
    )
    if not base_arch:
        raise VmgenError(
            Diagnostic(
                "VG108",
                f"the configuration of {target} names no folder of c_headers/target",
                Position(f"configs/{target}.h"),
                hint="define TARGET_ and the folder's name there",
            )
        )
    found = list(scan.cpu_files(root, base_arch))
    common = scan.common_file(root, scan.common_candidates(root))
    if common is not None:
        found.append(common.relative_to(root).as_posix())
    return SourceTree(
        kind="embedded",
        root=root,
        release=_release(root),
        target=target,
        base_arch=base_arch,
        targets=targets,
        cpu_sources=tuple(sorted(found)),
        command=CompileCommand(
            quote_dirs=(root,),
            include_dirs=(root / "include", root / "target" / base_arch),
            system_dirs=(SHIMS / "include",),
            forced_includes=(config,),
        ),
    )


def standalone(
    files: Sequence[Path],
    include_dirs: Sequence[Path] = (),
    defines: Sequence[str] = (),
    shims: Sequence[Path] = (),
) -> SourceTree:
    """C files of the user's own, which may use the vocabulary of ``c_headers/``.

    Paths are relative to the working directory.  The user's folders are searched first.
    Raises :class:`VmgenError` (VG103) for a file or folder that does not exist.
    """
    missing = [
        _not_there(kind, path)
        for kind, paths, exists in (
            ("file", files, Path.is_file),
            ("folder", (*include_dirs, *shims), Path.is_dir),
        )
        for path in paths
        if not exists(path)
    ]
    if missing:
        raise VmgenError(*missing)
    headers = Path(os.path.realpath(resources.folder("c_headers")))
    return SourceTree(
        kind="standalone",
        root=Path.cwd(),
        release="",
        target="",
        base_arch="",
        targets=(),
        cpu_sources=tuple(sorted(path.as_posix() for path in files)),
        command=CompileCommand(
            quote_dirs=(headers,),
            include_dirs=(
                *(Path(os.path.abspath(path)) for path in include_dirs),
                headers / "include",
            ),
            system_dirs=(
                *(Path(os.path.abspath(path)) for path in shims),
                SHIMS / "include",
            ),
            defines=tuple(defines),
        ),
        headers=headers,
    )


def _not_there(kind: str, path: Path) -> Diagnostic:
    return Diagnostic(
        "VG103",
        f"there is no {kind} {path}",
        hint="paths start at the working directory",
    )


def _check_target(target: str, targets: tuple[str, ...], whose: str) -> None:
    if target in targets:
        return
    from difflib import get_close_matches

    near = get_close_matches(target, targets, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise VmgenError(
        Diagnostic(
            "VG102",
            f"no target {target!r} in {whose}",
            hint=f"{hint}known: {', '.join(targets)}",
        )
    )


def _command(
    root: Path, target: str, base_arch: str, config: tuple[Path, ...]
) -> CompileCommand:
    """The search path and macros of QEMU's meson.build for a target's own files."""
    host = [root / "host/include/x86_64", root / "host/include/generic"]
    tcg = next(
        (
            folder
            for name in ("x86_64", "i386")
            if (folder := root / "tcg" / name).is_dir()
        ),
        root / "tcg",
    )
    return CompileCommand(
        quote_dirs=(
            *config,
            root,
            root / "include",
            *(folder for folder in host if folder.is_dir()),
            tcg,
        ),
        # Up to 5.2 the last two are searched, too; an internal.h that came later to one
        # of them is not meant where the target has its own.
        include_dirs=(root / "target" / base_arch, root / "tcg", root / "accel/tcg"),
        system_dirs=(
            *config,
            *(folder / "qapi" for folder in config),
            root / "linux-headers",
            SHIMS / "include",
        ),
        defines=(
            "_GNU_SOURCE",
            "_FILE_OFFSET_BITS=64",
            "_LARGEFILE_SOURCE",
            # One of the two is what the release calls "compiled for one target".
            "NEED_CPU_H",
            "COMPILING_PER_TARGET",
            "COMPILING_SYSTEM_VS_USER",
            f'CONFIG_TARGET="{target}-softmmu-config-target.h"',
            f'CONFIG_DEVICES="{target}-softmmu-config-devices.h"',
        ),
    )


@dataclass(frozen=True, slots=True)
class _HeaderFolder:
    """A folder of generated headers: its name in the cache, and how to make it."""

    name: str
    make: Callable[[], Mapping[str, str]]


def _entry_folders(entries: Cache, wanted: Sequence[_HeaderFolder]) -> list[Path]:
    """The folders of these entries, those that are missing made side by side."""
    base = entries.folder
    if base is not None and all(entries.has_folder(entry.name) for entry in wanted):
        return [base / entry.name for entry in wanted]
    # One waits for a process and one computes.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        pending = [
            pool.submit(entries.folder_of, entry.name, entry.make) for entry in wanted
        ]
        return [one.result() for one in pending]


def _target_entry(
    kept: TargetConfigurations,
    target: str,
    base_arch: str,
    settings: dict[str, str],
    digests: Digests,
) -> _HeaderFolder:
    root = kept.root
    candidates = scan.common_candidates(root)
    inputs: list[str | Path] = [
        root / "scripts/minikconf.py",
        *kept.inputs(target),
        *(
            root / name
            for name in sorted(tree_files.sources(root, f"target/{base_arch}"))
        ),
        *candidates,
    ]

    def make() -> dict[str, str]:
        from vmgen.tree import generated

        devices = generated.Devices(kept, target, settings)
        names = list(scan.cpu_files(root, base_arch))
        common = scan.common_file(root, candidates)
        if common is not None:
            names.append(common.relative_to(root).as_posix())
        files = {
            f"{target}-softmmu-config-target.h": generated.config_target(
                target, settings
            ),
            f"{target}-softmmu-config-devices.h": devices.header(),
            "sources.json": json.dumps(sorted(names)),
        }
        if common is None:
            raise VmgenError(
                Diagnostic(
                    "VG108",
                    f"no file below {root.name} defines vmstate_cpu_common",
                    hint="name the C files to read as inputs",
                )
            )
        return files

    return _HeaderFolder(_entry_name(root, target, inputs, digests), make)


def _common_entry(root: Path, release: str, digests: Digests) -> _HeaderFolder:
    inputs = [
        root / "VERSION",
        root / "meson.build",
        root / "Makefile.objs",
        root / "target/s390x/gen-features.c",
        root / "scripts/qapi/schema.py",
        root / "scripts/qapi/common.py",
        *sorted((root / "qapi").glob("*.json")),
    ]

    def make() -> dict[str, str]:
        from vmgen.tree import generated, qapi

        return {**generated.common_headers(root, release), **qapi.headers(root)}

    return _HeaderFolder(_entry_name(root, "all", inputs, digests), make)


def _entry_name(
    root: Path, what: str, inputs: Sequence[str | Path], digests: Digests
) -> str:
    # The generators are inputs too: an entry of another vmgen is another entry.
    own = sorted(Path(__file__).parent.glob("*.py"))
    names = [os.path.relpath(path, root) for path in inputs]
    contents = digests.digest(map(str, [*own, *inputs]))
    return f"{what}-{hashed((what, str(root), *names, contents))[:24]}"
