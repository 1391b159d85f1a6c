"""The resources of a virtio GPU that are memory of the guest as it is."""

from vmgen.infos.model import Info, WireFormat, known

_C = "hw/display/virtio-gpu.c"
_BLOB = "u32:blob_size u32:iov_cnt loop[iov_cnt]{ u64:addrs[] u32:iov[].iov_len }"
_EACH = "loop[each reslist.tqh_first]"

FORMAT = WireFormat(
    "virtio_gpu_blobs",
    "_virtio_gpu",
    "VirtIOGPUBlob",
    (
        Info(
            "virtio_gpu_blob_load",
            known(_C, f"loop{{ u32:$1 if[$1]{{ {_BLOB} | leave }} }}"),
            known(_C, f"{_EACH}{{ if[blob_size]{{ u32:resource_id {_BLOB} }} }} u32:0"),
        ),
    ),
    classes=("VirtIOGPUBlob",),
    many=True,
)
