"""Which files say something of machine types or properties, by their text."""

from __future__ import annotations

import re

_READ = re.compile(
    r"\bGlobalProperty\s+\w+\s*\[|\bcompat_props_add\b"
    r"|\bProperty\s+\w+\s*(?:\[|=)|\bPropertyInfo\s+\w+\s*="
    r"|\bdevice_class_set_props|->\s*props\s*=(?!=)"
    r"|\bDEFINE_\w*MACHINE\w*\s*\(|\bMACHINE_TYPE_NAME\s*\("
    r"|\.(?:name|parent)\s*=\s*TYPE_\w*MACHINE|\bMachineClass\s*\*\s*\w+\s*[,)]"
    r"|\bmachine_typename\s*=|\bInterfaceInfo\s+\w+\s*\[|\.class_data\s*="
)


def is_wanted(text: str) -> bool:
    """Whether a file has a table of properties, fills the class of a machine type, or
    hands data to the function that fills a class."""
    return _READ.search(text) is not None
