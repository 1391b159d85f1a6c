"""Which codecs read a stream: the options that say it, and how they are chosen."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from vmgen.cli.console import Console
from vmgen.source import Diagnostic, VmgenError

if TYPE_CHECKING:
    from vmgen.stream import Codecs, Stream
    from vmgen.stream.input import Input

_Function = TypeVar("_Function", bound=Callable[..., Any])


def source_options(function: _Function) -> _Function:
    """The options that say where codecs come from, and of which target they are."""
    for option in (
        click.option(
            "--snapshot",
            metavar="NAME",
            default="",
            help="The snapshot that is meant, where a qcow2 image has several.",
        ),
        click.option(
            "--page-size",
            type=click.IntRange(256, 65536),
            metavar="BYTES",
            help="The target's page size, for streams that do not say it.",
        ),
        click.option(
            "--target",
            "-t",
            metavar="TARGET",
            help="The target.  [default: the one whose codecs fit the stream]",
        ),
        click.option(
            "--all",
            "-a",
            "whole",
            is_flag=True,
            help="With --qemu: codecs of every device, not of the CPU alone.",
        ),
        click.option(
            "--qemu",
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            metavar="TREE",
            help="Make the codecs from a QEMU source tree; they are kept for the next time.",
        ),
        click.option(
            "--codecs",
            "folder",
            metavar="DIR|RELEASE",
            help="A generated package, the folder of one target in it, or a release that"
            " codecs are at hand for.  [default: the output folder, if it is there]",
        ),
    ):
        function = option(function)
    return function


def codec_options(function: _Function) -> _Function:
    """The options that say how a stream is read."""
    for option in (
        click.option(
            "--member",
            "members",
            multiple=True,
            metavar="TYPE.MEMBER=N",
            help="What the bytes do not say, for instance ARMCPU.pmsav7_dregion=16.",
        ),
        click.option(
            "--no-description",
            is_flag=True,
            help="Read as if there were no description JSON.",
        ),
        source_options,
    ):
        function = option(function)
    return function


class Wanted(NamedTuple):
    """The codecs that a command line asks for; ``page_size`` is in bytes."""

    folder: str | None
    qemu: Path | None
    whole: bool
    target: str | None
    page_size: int | None
    snapshot: str = ""

    @property
    def given(self) -> bool:
        """Whether they were asked for at all."""
        return self.folder is not None or self.qemu is not None

    @property
    def words(self) -> str:
        """What was asked for, for messages."""
        return str(self.qemu or self.folder or "the output folder")


def opened(
    file: Path,
    console: Console,
    *,
    folder: str | None,
    qemu: Path | None,
    whole: bool,
    target: str | None,
    page_size: int | None,
    snapshot: str,
    no_description: bool,
    members: tuple[str, ...],
) -> Stream:
    """The stream in a file (``-`` is standard input), with the codecs that are asked for
    or that fit."""
    from vmgen.stream import Stream

    source = input_of(file, snapshot)
    codecs = _codecs(source, console, Wanted(folder, qemu, whole, target, page_size))
    if members and codecs is not None:
        from vmgen.stream.fingerprint import with_context

        codecs = with_context(codecs, dict(map(_member, members)))
    return Stream(
        source, codecs, page_size=page_size, use_description=not no_description
    )


def input_of(file: Path, snapshot: str = "") -> Input:
    """The file's bytes; ``-`` is standard input."""
    from vmgen.stream.input import Input

    return Input(sys.stdin.buffer if str(file) == "-" else file, snapshot)


def packages_of(
    source: Input, console: Console, wanted: Wanted
) -> tuple[dict[str, Codecs], Codecs | None]:
    """The codecs by target, and those of the target that was named."""
    from vmgen.stream import from_folder

    if wanted.qemu is not None and wanted.folder is not None:
        raise click.UsageError("--qemu and --codecs exclude each other")
    if wanted.whole and wanted.qemu is None:
        raise click.UsageError("--all is for --qemu")
    place = _place(source, console, wanted)
    packages = from_folder(place) if place is not None else _default_packages()
    if wanted.target is None or not packages:
        return packages, None
    if wanted.target not in packages:
        known = ", ".join(packages)
        message = f"there are no codecs for '{wanted.target}'"
        raise VmgenError(Diagnostic("VG710", message, hint=f"there are: {known}"))
    return packages, packages[wanted.target]


def _place(source: Input, console: Console, wanted: Wanted) -> Path | None:
    from vmgen.cli.stream import made

    if wanted.qemu is not None:
        targets = (
            (wanted.target,) if wanted.target else made.likely(wanted.qemu, source)
        )
        return made.from_tree(wanted.qemu, targets, wanted.whole, console)
    if wanted.folder is None:
        return None
    if Path(wanted.folder).is_dir():
        return Path(wanted.folder)
    return made.of_release(wanted.folder, wanted.target, console)


def _codecs(source: Input, console: Console, wanted: Wanted) -> Codecs | None:
    from vmgen.stream.fingerprint import fingerprint

    packages, chosen = packages_of(source, console, wanted)
    if chosen is not None:
        return chosen
    if wanted.given and len(packages) == 1:
        (only,) = packages.values()
        return only
    if not packages:
        return None
    found = fingerprint(source, packages, wanted.page_size)
    if found.codecs is None and wanted.given:
        reasons = "\n".join(f"{name}: {why}" for name, why in found.refusals.items())
        message = f"no target of {wanted.words} fits the stream"
        raise VmgenError(Diagnostic("VG710", message, hint=reasons))
    return found.codecs


def _default_packages() -> dict[str, Codecs]:
    """Those of the output folder, if there is one."""
    from vmgen.stream import from_folder

    folder = Path("generated")
    here = Path.cwd()
    if any((place / "pyproject.toml").is_file() for place in (here, *here.parents)):
        from vmgen import config

        folder = config.find(here).output or folder
    return from_folder(folder) if (folder / "_runtime.py").is_file() else {}


def _member(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), int(number, 0)
    except ValueError:
        raise click.UsageError(f"--member {text}: it is TYPE.MEMBER=NUMBER") from None
