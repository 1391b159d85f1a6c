"""The clipboards that a guest's agent holds: a description, if there are any."""

from vmgen.infos.model import Info, Inside, WireFormat, known

_C = "ui/vdagent.c"
# have_clipboard(): bit 5 is VD_AGENT_CAP_CLIPBOARD_BY_DEMAND.
_THERE = "if[(clipboard) && (caps & 32)]{ state(vmstate_cbinfo_array) }"

FORMAT = WireFormat(
    "clipboard",
    "_formats",
    "State",
    (
        Info(
            "vmstate_cbinfos",
            known(_C, _THERE),
            known(_C, _THERE),
            (Inside("infos", "vmstate_cbinfo_array", _C),),
        ),
    ),
    ("infos",),
    optional=True,
)
