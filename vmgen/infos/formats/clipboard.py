"""The clipboards that a guest's agent holds: a description, if there are any."""

from vmgen.infos.model import Info, Inside, WireFormat, Written, known

_C = "ui/vdagent.c"
# have_clipboard(): bit 5 is VD_AGENT_CAP_CLIPBOARD_BY_DEMAND.
_THERE = "if[(clipboard) && (caps & 32)]{ state(vmstate_cbinfo_array) }"

FORMAT = WireFormat(
    "clipboard",
    (
        Info(
            "vmstate_cbinfos",
            known(_C, _THERE),
            known(_C, _THERE),
        ),
    ),
    Written(
        "if[there]{ state(vmstate_cbinfo_array):infos }",
        "Clipboards",
        "clipboard",
        inside=(Inside("vmstate_cbinfo_array", _C),),
    ),
)
