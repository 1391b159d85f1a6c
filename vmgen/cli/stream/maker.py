"""Which vmgen makes codecs."""

from __future__ import annotations

from functools import cache

from vmgen import resources
from vmgen.cache.keys import key


@cache
def this_vmgen() -> str:
    """The hash over all of vmgen that decides what a package says: one that another
    vmgen made may speak to another runtime."""
    folders = (resources.folder(name) for name in ("templates", "c_headers"))
    return key("", (*folders, resources.package()))
