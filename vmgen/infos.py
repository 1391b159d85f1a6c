"""The one registry of explicit codecs: custom infos that no translation covers.

``extract`` leaves such an info as :class:`vmgen.ir.CustomElement`; what is known of its
bytes stands here, by the C symbol of the info.  An info that is not here is opaque: its
bytes are taken with the sizes of the stream's own description.
"""

from __future__ import annotations

from collections.abc import Mapping

from vmgen import ir

EXPLICIT: Mapping[str, ir.Element] = {
    # qemu_file_put_fd sends one dummy byte, the descriptor travels beside the stream.
    "vmstate_info_fd": ir.WordsElement("vmstate_info_fd", "fd", (ir.Word("uint8"),)),
}


def element(custom: ir.CustomElement) -> ir.Element:
    """What the registry knows of the info, or the custom element itself."""
    return EXPLICIT.get(custom.info, custom)
