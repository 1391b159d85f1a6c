"""The plan of generated code: modules and their parts, and the code in them."""

from vmgen.plan.model import (
    Blame,
    Class,
    CodecPlan,
    Elements,
    Export,
    FunctionPair,
    Import,
    ModulePlan,
    Package,
    Predicate,
    Rivals,
    RootExport,
    Run,
    Several,
    StateMember,
    SubsectionRow,
)

__all__ = [
    "Blame",
    "Class",
    "CodecPlan",
    "Elements",
    "Export",
    "FunctionPair",
    "Import",
    "ModulePlan",
    "Package",
    "Predicate",
    "Rivals",
    "RootExport",
    "Run",
    "Several",
    "StateMember",
    "SubsectionRow",
]
