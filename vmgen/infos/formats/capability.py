"""The name of a migration capability."""

from vmgen.infos.model import WireFormat, info

FORMAT = WireFormat(
    "capability",
    "_formats",
    "str",
    (info("vmstate_info_capability", "migration/savevm.c", "u8:$1 bytes[$1]"),),
)
