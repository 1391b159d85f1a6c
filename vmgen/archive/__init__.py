"""The wire format of releases, shipped with vmgen: release number -> IR.

Nothing here knows trees.  :mod:`vmgen.archive.form` is the file, :mod:`vmgen.archive.build`
makes it from programs, and :class:`Archive` answers out of it.
"""

from vmgen.archive.archive import SHIPPED, Archive, Release, named, shipped
from vmgen.archive.form import ReleaseEntries

__all__ = ["SHIPPED", "Archive", "Release", "ReleaseEntries", "named", "shipped"]
