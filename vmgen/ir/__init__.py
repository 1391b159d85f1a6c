"""What the C tables mean: the wire format of every description, frozen, with positions.

The IR knows nothing of parsers, templates or Python code generation.  ``extract`` and
``translate`` build it, ``ir.json`` writes and reads it, ``lower`` turns it into a codec
plan, ``diff`` compares two of them.

Vocabulary (QEMU's own, ``include/migration/vmstate.h``): a *description* is a
``VMStateDescription``, a *field* a ``VMStateField``, an *info* a ``VMStateInfo`` with
its ``get`` and ``put``.  All integers on the wire are big-endian.
"""

from vmgen.ir.elements import (
    ELSEWHERE,
    Amount,
    BitmapElement,
    BufferElement,
    CustomElement,
    Element,
    Fixed,
    FormatElement,
    FromMember,
    GTreeElement,
    IntegerElement,
    ListElement,
    NothingElement,
    Part,
    StructElement,
    TimerElement,
    TmpElement,
    UnusedElement,
    Word,
    WordsElement,
)
from vmgen.ir.expressions import (
    Ask,
    Binary,
    Const,
    Exists,
    Expr,
    Load,
    Path,
    Select,
    Step,
    Truncate,
    Unary,
    Var,
    Version,
    path_text,
)
from vmgen.ir.model import (
    Description,
    Field,
    Function,
    Hook,
    Method,
    Module,
    Premise,
    Program,
    Refusal,
    Root,
)
from vmgen.ir.types import (
    IntType,
)

__all__ = [
    "ELSEWHERE",
    "Amount",
    "Ask",
    "Binary",
    "BitmapElement",
    "BufferElement",
    "Const",
    "CustomElement",
    "Description",
    "Element",
    "Exists",
    "Expr",
    "Field",
    "Fixed",
    "FormatElement",
    "FromMember",
    "Function",
    "GTreeElement",
    "Hook",
    "IntType",
    "IntegerElement",
    "ListElement",
    "Load",
    "Method",
    "Module",
    "NothingElement",
    "Part",
    "Path",
    "Premise",
    "Program",
    "Refusal",
    "Root",
    "Select",
    "Step",
    "StructElement",
    "TimerElement",
    "TmpElement",
    "Truncate",
    "Unary",
    "UnusedElement",
    "Var",
    "Version",
    "Word",
    "WordsElement",
    "path_text",
]
