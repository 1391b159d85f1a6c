"""The plan of generated code: modules and their parts, and the code in them."""

from vmgen.plan.model import (
    Blame,
    Class,
    Description,
    Elements,
    Export,
    Function,
    Import,
    Member,
    Module,
    Package,
    Predicate,
    Rivals,
    Root,
    Run,
    Several,
    Subsection,
)

__all__ = [
    "Blame",
    "Class",
    "Description",
    "Elements",
    "Export",
    "Function",
    "Import",
    "Member",
    "Module",
    "Package",
    "Predicate",
    "Rivals",
    "Root",
    "Run",
    "Several",
    "Subsection",
]
