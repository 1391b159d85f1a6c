"""The requests that a SCSI device has not answered, with what its adapter adds."""

from vmgen.infos.formats.virtqueue_element import ELEMENT
from vmgen.infos.model import (
    Callback,
    Info,
    Inside,
    KnownFunctions,
    WireFormat,
    Written,
    known,
)

_C = "hw/scsi/scsi-bus.c"
_VIRTIO = "hw/scsi/virtio-scsi.c"
_MPTSAS = "hw/scsi/mptsas.c"
_VSCSI = "hw/scsi/spapr_vscsi.c"
_DISK = "hw/scsi/scsi-disk.c"
_GENERIC = "hw/scsi/scsi-generic.c"

_TO_DEVICE = "req.cmd.mode == 2"  # SCSI_XFER_TO_DEV


def _request(how: str, bus: str = "") -> str:
    """``put_scsi_req``: the command, and what the adapter and the device add."""
    return (
        f"bytes[16] u32:tag u32:lun if[{bus}info.{how}_request]{{ ->{how}_request }}"
        f" if[ops.{how}_request]{{ ->{how}_request }}"
    )


def _saved(bus: str) -> str:
    return f"loop[each requests.tqh_first]{{ u8:(retry ? 1 : 2) {_request('save', bus)} }} u8:0"


def _blocks(retry: str) -> str:
    """``scsi_disk_save_request``: where the transfer is, and what was not yet written."""
    return (
        "u64:sector u32:sector_count u32:buflen"
        f" if[buflen]{{ if[{_TO_DEVICE}]{{ bytes[iov.iov_len]"
        f" | if[!{retry}]{{ u32:iov.iov_len bytes[iov.iov_len] }} }} }}"
    )


def _emulated(moves: str) -> str:
    return f"if[migrate_emulated_scsi_request]{{ {moves} }}"


def _callbacks(
    owner: str, name: str, save: KnownFunctions, load: KnownFunctions
) -> tuple[Callback, ...]:
    return (
        Callback(owner, "save_request", f"{name}_save_request", save),
        Callback(owner, "load_request", f"{name}_load_request", load),
    )


def _in(commands: bytes, member: str) -> str:
    """Whether the command is one of these: a bit of one of four words."""
    words = [
        hex(sum(1 << (one & 63) for one in set(commands) if one >> 6 == number))
        for number in range(4)
    ]
    byte = f"{member}[0]"
    word = f"({byte} < 64 ? {words[0]} : {byte} < 128 ? {words[1]} : {byte} < 192 ? {words[2]} : {words[3]})"
    return f"({word} >> ({byte} & 63) & 1)"


# READ, WRITE, VERIFY and WRITE AND VERIFY: a disk's own requests.
_DMA = b"\x08\x0a\x28\x2a\x2e\x2f\x88\x8a\x8e\x8f\xa8\xaa\xae\xaf"
# Commands whose data goes to the device (scsi_cmd_xfer_mode); ATA pass-through (0x85 and
# 0xa1) says it itself.
_TO = (
    b"\x04\x07\x0a\x15\x18\x1b\x1d\x24\x2a\x2e\x2f\x30\x31\x32\x38\x39\x3a\x3b\x3d\x3f"
    b"\x40\x41\x42\x4c\x55\x5d\x5f\x8a\x8e\x8f\x93\xa4\xaa\xae\xaf\xb0\xb1\xb2\xb6\xbf"
)
_WRITES = (
    "(parent.cmd[0] == 0x85 || parent.cmd[0] == 0xa1 ? !(parent.cmd[2] & 8) :"
    f" {_in(_TO, 'parent.cmd')})"
)

_SG = known(_MPTSAS, "bytes[48] u32:$1 loop[$1]{ u64 u64 }")
_RTAS = known(_VSCSI, "state(vmstate_spapr_vscsi_req)")
_RAW = known(
    _GENERIC, f"u32:buflen if[(buflen) && ({_TO_DEVICE})]{{ bytes[req.cmd.xfer] }}"
)

FORMAT = WireFormat(
    "scsi_requests",
    (
        Info(
            "vmstate_info_scsi_requests",
            known(_C, f"loop{{ u8:$1 if[0 < signed($1)]{{ {_request('load')} | leave }} }}"),
            # Before 8.2 put_scsi_requests goes through the list itself.
            known(_C, _saved("bus."), _saved("")),
        ),
    ),
    Written(
        "loop:requests{ i8:retry if[0 < retry]{ bytes[16]:cmd u32:tag u32:lun"
        # What the adapter adds: virtio-scsi with either kind of ring, mptsas1068,
        # spapr-vscsi; the others nothing.
        " if[scsi_adapter == 1 || scsi_adapter == 2]{"
        " part:virtio{ u32:queue state(virtqueue_element):elem } }"
        " if[scsi_adapter == 3]{"
        " part:mptsas{ bytes[48]:scsi_io u32:sg_count loop[sg_count]:sg{ u64:base u64:len } } }"
        " if[scsi_adapter == 4]{ state(vmstate_spapr_vscsi_req):vscsi }"
        # What the device adds: a disk to all requests, or to reads and writes only;
        # scsi-block to others as scsi-generic does.
        f" if[scsi_device == 0 || (scsi_device == 1 || scsi_device == 2) && {_in(_DMA, 'cmd')}]{{"
        " part:disk{ u64:sector u32:sector_count u32:buflen"
        f" if[buflen && !{_WRITES} && parent.retry != 1]{{ u32:len }}"
        f" if[buflen && ({_WRITES} || parent.retry != 1)]{{"
        # scsi_init_iovec maps as much as the sectors are, at most the buffer.
        f" bytes[{_WRITES} ? (512 * sector_count < buflen ? 512 * sector_count : buflen) : len]:data"
        " } } }"
        f" if[scsi_device == 3 || scsi_device == 2 && !{_in(_DMA, 'cmd')}]{{"
        f" part:generic{{ u32:buflen if[buflen && {_WRITES}]{{ bytes[buflen]:data }} }} }}"
        " | leave } }",
        "SCSIRequests",
        "scsi_requests",
        "_scsi",
        (ELEMENT, Inside("vmstate_spapr_vscsi_req", _VSCSI)),
    ),
    members={
        "SCSIBusInfo.save_request": "program",
        "SCSIBusInfo.load_request": "program",
        "SCSIReqOps.save_request": "program",
        "SCSIReqOps.load_request": "program",
    },
    callbacks=(
        *_callbacks("SCSIBusInfo", "virtio_scsi",
                    known(_VIRTIO, "u32 qemu_put_virtqueue_element()"),
                    known(_VIRTIO, "u32 qemu_get_virtqueue_element()")),
        *_callbacks("SCSIBusInfo", "mptsas", _SG, _SG),
        *_callbacks("SCSIBusInfo", "vscsi", _RTAS, _RTAS),
        *_callbacks("SCSIReqOps", "scsi_disk",
                    known(_DISK, _blocks("retry")), known(_DISK, _blocks("req.retry"))),
        *_callbacks("SCSIReqOps", "scsi_disk_emulate",
                    known(_DISK, _emulated(_blocks("retry"))),
                    known(_DISK, _emulated(_blocks("req.retry")))),
        *_callbacks("SCSIReqOps", "scsi_generic", _RAW, _RAW),
    ),
)  # fmt: skip
