"""The functions of ``migration/qemu-file.c`` and its headers that move bytes."""

from vmgen.cfront import syntax

#: qemu_get_X() returns a word, qemu_put_X() takes one.
WORDS: dict[str, str] = {
    "byte": "uint8",
    "ubyte": "uint8",
    "be16": "uint16",
    "be32": "uint32",
    "be64": "uint64",
    "sbyte": "int8",
    "sbe16": "int16",
    "sbe32": "int32",
    "sbe64": "int64",
}
#: qemu_get_X() and qemu_put_X() that take a pointer to the value.
POINTED: dict[str, str] = {
    "8s": "uint8",
    "be16s": "uint16",
    "be32s": "uint32",
    "be64s": "uint64",
    "s8s": "int8",
    "sbe16s": "int16",
    "sbe32s": "int32",
    "sbe64s": "int64",
}
#: Functions of a stream that move no bytes.
SILENT = frozenset(
    [
        "qemu_file_get_error",
        "qemu_file_set_error",
        "qemu_file_set_error_obj",
        "qemu_file_get_error_obj",
        "qemu_file_total_transferred",
        "qemu_file_transferred",
        "qemu_file_rate_limit",
        "qemu_fflush",
    ]
)


def is_stream(type: syntax.TypeExpr) -> bool:
    """Whether the type is ``QEMUFile *``."""
    match type:
        case syntax.PointerType(syntax.NamedType("QEMUFile")):
            return True
        case syntax.PointerType(syntax.RecordType("struct", "QEMUFile")):
            return True
        case _:
            return False
