"""The ids of the packets that usbredir cancels, or answers ahead of the request."""

from vmgen.infos.model import Info, WireFormat, known

_C = "hw/usb/redirect.c"

FORMAT = WireFormat(
    "usbredir_ids",
    "_formats",
    "array",
    (
        Info(
            "usbredir_ep_packet_id_q_vmstate_info",
            known(_C, "u32:$1 loop[$1]{ u64:id }"),
            known(_C, "u32:size loop[each head.tqh_first]{ u64:id }"),
        ),
    ),
)
