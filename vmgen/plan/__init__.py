"""The plan of generated code: modules and their parts, and the code in them."""

from vmgen.plan.model import (
    Class,
    CodecPlan,
    Elements,
    Export,
    FunctionPair,
    Import,
    Maker,
    ModulePlan,
    Package,
    Predicate,
    Rivals,
    RootExport,
    Run,
    Several,
    StateMember,
)

__all__ = [
    "Class",
    "CodecPlan",
    "Elements",
    "Export",
    "FunctionPair",
    "Import",
    "Maker",
    "ModulePlan",
    "Package",
    "Predicate",
    "Rivals",
    "RootExport",
    "Run",
    "Several",
    "StateMember",
]
