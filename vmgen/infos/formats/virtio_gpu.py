"""The resources of a virtio GPU, and what its outputs show."""

from vmgen.infos.model import Info, Inside, WireFormat, Written, known

_C = "hw/display/virtio-gpu.c"
_RESOURCE = (
    "u32:width u32:height u32:format u32:iov_cnt"
    " loop[iov_cnt]{ u64:addrs[] u32:iov[].iov_len }"
)
_OUTPUTS = "state(vmstate_virtio_gpu_scanouts)"
# With the pixman library, and with QEMU's own replacement.  While nothing is kept of an
# image it is made where its stride is requested, since 8.1 with that of the host's memory;
# QEMU's own since 8.2 is an object of which the function says that it is new.
_PIXMAN, _OLD_PIXMAN = (
    "virtio_gpu_get_pixman_format(format)",
    "get_pixman_format(format)",
)
_HOST = f"height ? ((calc_image_hostmem({_PIXMAN}, width, height)) / height) : 0"
_STRIDES = (
    "image.stride",
    "stride",
    "pixman_image_get_stride(image)",
    *(
        f"(pixman_image_get_stride(pixman_image_create_bits({image})))"
        for image in (
            f"{_OLD_PIXMAN}, width, height, 0, 0",
            f"{_PIXMAN}, width, height, 0, 0",
            f"{_PIXMAN}, width, height, 0, {_HOST}",
        )
    ),
)
_IMAGES = tuple(f"{_RESOURCE} bytes[{stride} * height]" for stride in _STRIDES)
# enum virtio_gpu_formats: all have four bytes a pixel.
_PIXELS = (1, 2, 3, 4, 67, 68, 121, 134)
_EACH = "loop[each reslist.tqh_first]"

FORMAT = WireFormat(
    "virtio_gpu",
    (
        Info(
            "virtio_gpu_load",
            known(
                _C,
                *(
                    f"loop{{ u32:$1 if[$1]{{ {one} | leave }} }} {_OUTPUTS}"
                    for one in _IMAGES
                ),
            ),
            known(
                _C,
                # Before 8.1 there are no blobs to leave out.
                *(
                    f"{_EACH}{{ u32:resource_id {one} }} u32:0 {_OUTPUTS}"
                    for one in _IMAGES
                ),
                *(
                    f"{_EACH}{{ if[{plain}]{{ u32:resource_id {one} }} }} u32:0 {_OUTPUTS}"
                    for plain in ("!blob_size", "image")
                    for one in _IMAGES
                ),
            ),
        ),
    ),
    Written(
        "loop:resources{ u32:resource_id if[0 < resource_id]{"
        " u32:width u32:height u32:format"
        f" must[{' || '.join(f'format == {one}' for one in _PIXELS)}]:(format is known)"
        " u32:iov_cnt loop[iov_cnt]:iov{ u64:addr u32:len }"
        " bytes[4 * width * height]:image | leave } }"
        " state(vmstate_virtio_gpu_scanouts):scanouts",
        "VirtIOGPUResources",
        "virtio_gpu",
        "_virtio_gpu",
        (Inside("vmstate_virtio_gpu_scanouts", _C),),
    ),
)
