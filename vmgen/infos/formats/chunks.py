"""What a vhost-user back end says of itself: chunks, until one that is empty."""

from vmgen.infos.model import Info, WireFormat, Written, known


def _back_end(symbol: str, file: str) -> Info:
    # hw/virtio/vhost.c moves the chunks.
    load = known(file, "vhost_load_backend_state()")
    return Info(symbol, load, known(file, "vhost_save_backend_state()"))


FORMAT = WireFormat(
    "chunks",
    (
        _back_end("vhost_user_net_load_state", "hw/net/virtio-net.c"),
        _back_end("vuf_load_state", "hw/virtio/vhost-user-fs.c"),
    ),
    Written(
        "loop:chunks{ u32:size if[0 < size]{ bytes[size] | leave } }", "BackEndState"
    ),
)
