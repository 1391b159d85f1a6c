"""Which files say something of machine types or properties, by their text."""

from __future__ import annotations

import re

_READ = tuple(
    (word, re.compile(pattern))
    for word, pattern in (
        ("GlobalProperty", r"\bGlobalProperty\s+\w+\s*\["),
        ("compat_props_add", r"\bcompat_props_add\b"),
        ("Property", r"\bProperty\s+\w+\s*(?:\[|=)"),
        ("PropertyInfo", r"\bPropertyInfo\s+\w+\s*="),
        ("device_class_set_props", r"\bdevice_class_set_props"),
        ("props", r"->\s*props\s*=(?!=)"),
        ("MACHINE", r"\bDEFINE_\w*MACHINE\w*\s*\("),
        ("MACHINE_TYPE_NAME", r"\bMACHINE_TYPE_NAME\s*\("),
        ("MACHINE", r"\.(?:name|parent)\s*=\s*TYPE_\w*MACHINE"),
        ("MachineClass", r"\bMachineClass\s*\*\s*\w+\s*[,)]"),
        ("machine_typename", r"\bmachine_typename\s*="),
        ("InterfaceInfo", r"\bInterfaceInfo\s+\w+\s*\["),
        ("class_data", r"\.class_data\s*="),
        ("vmstate_register", r"\bvmstate_register(?:_any|_with_alias_id)?\s*\("),
    )
)
"""A word, and what must be around it: to look for a word costs next to nothing."""


def is_wanted(text: str) -> bool:
    """Whether a file has a table of properties, fills the class of a machine type, hands
    data to the function that fills a class, or registers a section by itself."""
    return any(word in text and read.search(text) for word, read in _READ)
