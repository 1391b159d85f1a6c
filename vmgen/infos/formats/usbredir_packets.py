"""The packets that wait at an endpoint of usbredir."""

from vmgen.infos.model import Info, WireFormat, Written, known

_C = "hw/usb/redirect.c"
# struct buf_packet keeps 16 bits of the length and 8 of the status.
_LOADED = "u32:$2 u32 bytes[cut($2)]"
_SAVED = "u32:$2 u32:status bytes[$2]"

FORMAT = WireFormat(
    "usbredir_packets",
    (
        Info(
            "usbredir_ep_bufpq_vmstate_info",
            known(_C, f"u32:$1 loop[$1]{{ {_LOADED} }}"),
            known(_C, f"u32:bufpq_size loop[each bufpq.tqh_first]{{ {_SAVED} }}"),
        ),
    ),
    Written(
        "u32:bufpq_size loop[bufpq_size]:bufpq{ u32:len u32:status bytes[len] }",
        "USBRedirPackets",
    ),
)
