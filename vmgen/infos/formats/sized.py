"""What usbredir's parser says of itself: its length, and the bytes."""

from vmgen.infos.model import Info, WireFormat, known

_C = "hw/usb/redirect.c"
_NONE_WITHOUT_PARSER = "if[parser]{ u32:$1 bytes[$1] | u32:0 }"

FORMAT = WireFormat(
    "sized",
    "_formats",
    "bytearray",
    (
        Info(
            "usbredir_parser_vmstate_info",
            known(_C, "u32:$1 bytes[$1]"),
            known(_C, _NONE_WITHOUT_PARSER),
        ),
    ),
)
