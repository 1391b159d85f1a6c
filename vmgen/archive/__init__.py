"""The wire format of releases, shipped with vmgen: release number -> IR.

Nothing here knows trees.  :mod:`vmgen.archive.form` is the file, :mod:`vmgen.archive.build`
makes it from programs, and :class:`Archive` answers out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vmgen.archive.archive import Archive, Release, named, shipped
    from vmgen.archive.form import SHIPPED, ReleaseEntries

__all__ = ["SHIPPED", "Archive", "Release", "ReleaseEntries", "named", "shipped"]


def __getattr__(name: str) -> Any:
    """Import what reads an archive at its first use: a shell that completes a word only
    wants the index."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from vmgen.archive import archive

    return getattr(archive, name)
