"""Generated files and the user's folder: what differs, and the writing of it.

:func:`plan` only reads.  The changes it returns are what ``check`` reports, what
:func:`diff` shows and what :func:`apply` writes, so that the three cannot disagree.
"""

from __future__ import annotations

import difflib
import glob
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, Protocol

from vmgen.source import Diagnostic, Position, VmgenError

Origin = Literal["intact", "edited", "foreign"]
Kind = Literal["create", "update", "unchanged", "orphan"]


class TextFile(Protocol):
    """A file to be: ``path`` relative to the output folder with ``/``, and its text."""

    @property
    def path(self) -> str:
        """Where, relative to the output folder."""
        ...

    @property
    def text(self) -> str:
        """The whole content."""
        ...


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of the output folder, before and after.

    ``path`` is relative to the output folder, with ``/``.  ``old`` is None for a file
    that is missing yet, ``new`` is None for an orphan: a generated file of ours that
    this run does not produce.  ``origin`` says whose text the old one is; what is
    ``edited`` or ``foreign`` is not overwritten or deleted without force.  It is
    ``intact`` where that does not matter (no old file, or no change).
    """

    path: str
    old: str | None
    new: str | None
    kind: Kind
    origin: Origin = "intact"


_SUFFIXES = (".py", ".pyi", ".json", "py.typed")


def plan(
    output: Path, files: Iterable[TextFile], verify: Callable[[str], Origin]
) -> tuple[FileChange, ...]:
    """What it takes to make ``output`` hold exactly ``files``, sorted by path.

    ``verify`` tells by its stamp whether a text is a generated one, and as generated.
    Files in the folder that are not generated ones are no one's business here.  Raises
    :class:`VmgenError`: VG620 for a path that leaves the folder (through a symbolic link
    inside of it, too) or occurs twice, VG621 if the folder or a file in it cannot be read.
    """
    wanted: dict[str, str] = {}
    for file in files:
        pure = PurePosixPath(file.path)
        if pure.is_absolute() or ".." in pure.parts or not pure.parts:
            raise _error(
                "VG620", "a generated file would leave the output folder", file.path
            )
        if file.path in wanted:
            raise _error("VG620", "two generated files have the same path", file.path)
        wanted[file.path] = file.text
    _refuse_links(output, wanted)
    changes = []
    for path in sorted(wanted.keys() | set(_present(output))):
        old, new = _read(output / path), wanted.get(path)
        if new is None:
            if old is not None and (origin := verify(old)) != "foreign":
                changes.append(FileChange(path, old, None, "orphan", origin))
        elif old is None:
            changes.append(FileChange(path, None, new, "create"))
        elif old == new:
            changes.append(FileChange(path, old, new, "unchanged"))
        else:
            changes.append(FileChange(path, old, new, "update", verify(old)))
    return tuple(changes)


def _refuse_links(output: Path, paths: Iterable[str]) -> None:
    """VG620 for each symbolic link inside the folder that a file would be written through.

    The output folder itself may be one: the user named it.
    """
    links = {
        place
        for path in paths
        for place in (output / path, *(output / path).parents)
        if place != output and output in place.parents and place.is_symlink()
    }
    if links:
        message = "this symbolic link leads out of the output folder"
        hint = "remove it, or choose another --output folder"
        raise VmgenError(
            *(
                Diagnostic("VG620", message, Position(link.as_posix()), hint=hint)
                for link in sorted(links)
            )
        )


def holds(
    output: Path, digests: Mapping[str, str], verify: Callable[[str], Origin]
) -> bool:
    """Whether the folder holds exactly the files whose sha256 (hexadecimal, of the
    bytes) are given by path, and no other generated ones.  Raises as :func:`plan`."""
    present = set(_present(output))
    for path, digest in digests.items():
        text = _read(output / path)
        if text is None or _sha256(text) != digest:
            return False
    others = present - digests.keys()
    return all(verify(_read(output / path) or "") == "foreign" for path in others)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _present(output: Path) -> Iterator[str]:
    """Files of the folder that could be generated ones."""
    if not output.is_dir():
        if output.exists():
            raise _error("VG621", "the output folder is a file", str(output))
        return

    def fail(error: OSError) -> None:
        raise _os_error("VG621", "cannot be read", str(error.filename), error)

    for folder, subfolders, names in os.walk(output, onerror=fail):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if not name.startswith((".", "__pycache__"))
            and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in names:
            path = Path(folder, name)
            if name.endswith(_SUFFIXES) and not path.is_symlink():
                yield path.relative_to(output).as_posix()


def _read(path: Path) -> str | None:
    """A file's exact text (bytes that are not UTF-8 as surrogates); None if not there."""
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _os_error("VG621", "cannot be read", str(path), error) from None


def diff(change: FileChange, folder: str = "") -> str:
    """The change as a unified diff that ``patch -p1`` takes; empty if there is none.

    ``folder`` is put before the paths (the output folder, as seen from where the patch
    is applied).
    """
    if change.old == change.new:
        return ""
    path = f"{folder}/{change.path}" if folder else change.path
    lines = difflib.unified_diff(
        (change.old or "").splitlines(keepends=True),
        (change.new or "").splitlines(keepends=True),
        "/dev/null" if change.old is None else f"a/{path}",
        "/dev/null" if change.new is None else f"b/{path}",
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in lines
    )


def apply(
    output: Path,
    changes: Sequence[FileChange],
    *,
    force: bool = False,
    prune: bool = False,
) -> tuple[FileChange, ...]:
    """Make the changes, all or none, and return those that were made.

    Every new text is written to a temporary file beside its destination first; only
    when all are there are they moved into place.  Should a move fail, what was moved is
    put back.  Orphans are deleted only with ``prune``.  Raises :class:`VmgenError`:
    VG622 for every file that is not as vmgen wrote it, unless ``force``; VG623 if the
    folder cannot be written.
    """
    todo = [
        change
        for change in changes
        if change.kind in ("create", "update") or (change.kind == "orphan" and prune)
    ]
    if refused := [
        change for change in todo if change.origin != "intact" and not force
    ]:
        raise VmgenError(*(_refusal(output, change) for change in refused))
    temporary: dict[Path, Path] = {}
    made: list[Path] = []
    moved: list[FileChange] = []
    place = output
    try:
        for change in todo:
            if change.new is not None:
                place = output / change.path
                _make_folder(place.parent, made)
                temporary[place] = _write_beside(place, change.new)
        for change in todo:
            place = output / change.path
            if change.new is None:
                place.unlink()
            else:
                os.replace(temporary[place], place)
                del temporary[place]
            moved.append(change)
    except OSError as error:
        for change in moved:
            _put_back(output / change.path, change.old)
        raise _os_error("VG623", "cannot be written", str(place), error) from None
    finally:
        for left in temporary.values():
            left.unlink(missing_ok=True)
        if len(moved) < len(todo):
            for folder in reversed(made):
                folder.rmdir()
    _remove_empty(output, moved)
    return tuple(moved)


def _refusal(output: Path, change: FileChange) -> Diagnostic:
    where = Position((output / change.path).as_posix())
    verb = "deleted" if change.new is None else "overwritten"
    if change.origin == "edited":
        message = f"this generated file was edited by hand, it is not {verb}"
        hint = "move your change elsewhere, or give --force to lose it ('vmgen check' shows it)"
    else:
        message = f"this file was not written by vmgen, it is not {verb}"
        hint = "choose another --output folder, or give --force to lose the file"
    return Diagnostic("VG622", message, where, hint=hint)


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make the folder and its parents, noting those that were missing."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
        made.append(path)


def _write_beside(place: Path, text: str) -> Path:
    """Write the text to a new file in the folder of ``place``, with the mode of the
    file that is there, or what the umask says."""
    if place.is_dir():
        raise IsADirectoryError(21, "a folder is in the way", str(place))
    path = _beside(place)
    try:
        with path.open("xb") as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        if place.exists():
            path.chmod(place.stat().st_mode & 0o777)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


_LEFT = 60 * 60.0
"""Seconds after which a temporary file is one that a killed process left."""


def _beside(place: Path) -> Path:
    """A name for a temporary file beside ``place`` that no other process has.

    Files that killed processes left for the same place are removed.
    """
    for left in place.parent.glob(f".{glob.escape(place.name)}.*.tmp"):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > _LEFT:
                left.unlink()
    return place.with_name(f".{place.name}.{secrets.token_hex(8)}.tmp")


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, where they are missing.  Raises :class:`OSError`."""
    _make_folder(folder.absolute(), [])


@contextmanager
def replacing(place: Path) -> Iterator[BinaryIO]:
    """A new file that takes the place of ``place``, with its mode, once it is complete.

    Should anything fail, nothing is left of it, and what was there stays.  Raises
    :class:`OSError`.
    """
    temporary = _beside(place)
    stream = temporary.open("xb")
    complete = False
    try:
        with stream:
            yield stream
        if place.exists():
            temporary.chmod(place.stat().st_mode & 0o7777)
        os.replace(temporary, place)
        complete = True
    finally:
        if not complete:
            temporary.unlink()


def _put_back(place: Path, old: str | None) -> None:
    if old is None:
        place.unlink(missing_ok=True)
    else:
        place.write_bytes(old.encode("utf-8", "surrogateescape"))


def _remove_empty(output: Path, moved: Sequence[FileChange]) -> None:
    """Remove the folders that pruning emptied, the output folder itself excepted."""
    for change in moved:
        if change.new is not None:
            continue
        folder = (output / change.path).parent
        # A neighbour's turn may have removed it, and then its parents' too.
        while folder != output and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _error(code: str, message: str, file: str) -> VmgenError:
    return VmgenError(Diagnostic(code, message, Position(file)))


def _os_error(code: str, message: str, file: str, error: OSError) -> VmgenError:
    reason = error.strerror or type(error).__name__
    return _error(code, f"{message}: {reason}; nothing was changed", file)
