"""Where ``c_headers/`` and ``templates/`` are: inside an installed package, or beside
the package in a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def package() -> Path:
    """The folder of vmgen's own modules."""
    return Path(__file__).parent


def folder(
    name: Literal["c_headers", "templates", "docs/errors", "docs/schemas"],
) -> Path:
    """The folder, which is a real one on disk: the C preprocessor must open its files.

    Raises :class:`VmgenError` VG640 where there is none, for instance when vmgen runs
    out of a zip file.
    """
    for place in (package() / name, package().parent / name):
        if place.is_dir():
            return place
    from vmgen.source import Diagnostic, VmgenError

    raise VmgenError(
        Diagnostic(
            "VG640",
            f"vmgen's own folder '{name}' is not on disk beside {package()}",
            hint="install vmgen (pip unpacks it); it cannot run out of a zip file, "
            "because the C preprocessor reads its headers",
        )
    )
