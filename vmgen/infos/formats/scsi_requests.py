"""The requests that a SCSI device has not answered, with what its adapter adds."""

from vmgen.infos.model import Callback, Info, Inside, KnownFunctions, WireFormat, known

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


_SG = known(_MPTSAS, "bytes[48] u32:$1 loop[$1]{ u64 u64 }")
_RTAS = known(_VSCSI, "state(vmstate_spapr_vscsi_req)")
_RAW = known(
    _GENERIC, f"u32:buflen if[(buflen) && ({_TO_DEVICE})]{{ bytes[req.cmd.xfer] }}"
)

FORMAT = WireFormat(
    "scsi_requests",
    "_scsi",
    "SCSIRequestState",
    (
        Info(
            "vmstate_info_scsi_requests",
            known(_C, f"loop{{ u8:$1 if[0 < signed($1)]{{ {_request('load')} | leave }} }}"),
            # Before 8.2 put_scsi_requests goes through the list itself.
            known(_C, _saved("bus."), _saved("")),
            (Inside("vscsi", "vmstate_spapr_vscsi_req", _VSCSI),),
        ),
    ),
    ("vscsi",),
    many=True,
    classes=(
        "MPTSASData", "SCSIDiskData", "SCSIGenericData", "SCSIRequestState", "VirtIOSCSIData",
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
