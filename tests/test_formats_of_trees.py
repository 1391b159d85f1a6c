"""Hand-written formats held against the C of QEMU: known where the C is what it was, or
says the same, and opaque where it says something else."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.trees import RELEASES, require_tree, trees
from vmgen import infos, ir
from vmgen import tree as source_trees
from vmgen.infos.described import described
from vmgen.infos.formats import FORMATS, INFOS
from vmgen.infos.model import KnownFunctions
from vmgen.pipeline import read_module
from vmgen.preprocess import preprocess
from vmgen.source import Position

TARGETS = {
    "hw/s390x/virtio-ccw.c": "s390x",
    "hw/intc/s390_flic_kvm.c": "s390x",
    "hw/scsi/spapr_vscsi.c": "ppc64",
}
"""Targets of the files that x86_64 does not have."""

CALLBACKS = {
    (one.owner, one.member, one.symbol): one.known
    for format in FORMATS.values()
    for one in format.callbacks
}
FILES = sorted(
    {info.get.file for _, info in INFOS.values()}
    | {"hw/pci/pci.c", "migration/savevm.c"}
    | {known.file for known in CALLBACKS.values()}
)


def read(root: Path, file: str) -> ir.Module:
    tree = source_trees.configure(root, TARGETS.get(file, "x86_64"))
    return read_module(preprocess(tree, file))


@cache
def module(release: str, file: str) -> ir.Module | None:
    root = require_tree(release)
    return read(root, file) if (root / file).is_file() else None


def customs(module: ir.Module) -> dict[str, ir.CustomElement]:
    """The custom infos of a module by symbol, those for other files too."""
    elements = [
        *module.infos,
        *(
            field.element
            for description in module.descriptions
            for field in description.fields
        ),
    ]
    return {
        one.info: one
        for one in elements
        if isinstance(one, ir.CustomElement) and one.reason != ir.ELSEWHERE
    }


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("release", RELEASES)
def test_the_c_of_a_release_is_what_the_codecs_know(release: str, file: str) -> None:
    found = module(release, file)
    if found is None:
        return  # a device that the release has not: the next test wants all of them
    for symbol, custom in customs(found).items():
        assert is_known(found, custom), f"{symbol}: {custom.get} / {custom.put}"
        if symbol in INFOS:
            assert INFOS[symbol][1].get.file == file
    for method in found.methods:
        if method.moves:
            known = CALLBACKS[method.owner, method.member, method.symbol]
            assert known.file == file
            assert known.fits(method.moves), method.moves


def test_every_fact_is_of_some_release() -> None:
    """No info, callback or form of one is there that no tree has any more."""
    seen: set[object] = set()
    forms: dict[int, tuple[KnownFunctions, set[str]]] = {}
    for release in RELEASES:
        require_tree(release)
        for file in FILES:
            found = module(release, file)
            if found is None:
                continue
            for symbol, custom in customs(found).items():
                if symbol in INFOS:
                    info = INFOS[symbol][1]
                    seen.add(symbol)
                    for known, moves in (
                        (info.get, custom.get),
                        (info.put, custom.put),
                    ):
                        forms.setdefault(id(known), (known, set()))[1].add(moves)
            for method in found.methods:
                key = (method.owner, method.member, method.symbol)
                if method.moves:
                    seen.add(key)
                    forms.setdefault(id(CALLBACKS[key]), (CALLBACKS[key], set()))[
                        1
                    ].add(method.moves)
    assert seen == {*INFOS, *CALLBACKS}
    for known, met in forms.values():
        unmet = [
            line
            for line in known.lines
            if not any(KnownFunctions(known.file, (line,)).fits(moves) for moves in met)
        ]
        assert all(line in OTHER_HOSTS for line in unmet), unmet


def is_known(module: ir.Module, custom: ir.CustomElement) -> bool:
    """Whether a format is known by what C moves, or says itself what it moves."""
    if custom.info in INFOS:
        info = INFOS[custom.info][1]
        return info.get.fits(custom.get) and info.put.fits(custom.put)
    types = {one.symbol: one.type for one in module.descriptions}
    made = described(custom, Position(module.file), types)
    return custom.get == custom.put == infos.WHOLE or not isinstance(made, str)


def _other_hosts() -> set[str]:
    gpu, blobs = FORMATS["virtio_gpu"].infos[0], FORMATS["flic"].infos[0]
    return {
        line
        for known in (gpu.get, gpu.put, blobs.get, blobs.put)
        for line in known.lines
        if "pixman" in line
        or "image.stride" in line
        or "bytes[stride * height]" in line  # QEMU's own pixman, from 8.2 to 9.1
        or "72" in line
    }


OTHER_HOSTS = _other_hosts()
"""Forms that depend on the headers of the host: pixman's, and those of KVM on s390."""


# --- edits ------------------------------------------------------------------------------------

SCSI = "hw/scsi/scsi-bus.c"
DISK = "hw/scsi/scsi-disk.c"
USB = "hw/usb/redirect.c"
VIRTIO = "hw/virtio/virtio.c"
PCI = "hw/virtio/virtio-pci.c"
BLK = "hw/block/virtio-blk.c"
GPU = "hw/display/virtio-gpu.c"
MSIX = "hw/pci/msix.c"
SHPC = "hw/pci/shpc.c"

SAME = {
    "scsi: without the lock": (SCSI, [
        ("WITH_QEMU_LOCK_GUARD(&s->requests_lock) {", "{"),
    ]),
    "scsi: the list in the function itself": (SCSI, [
        ("    scsi_device_for_each_req_sync(s, put_scsi_req, f);\n    qemu_put",
         "    SCSIRequest *r;\n    QTAILQ_FOREACH(r, &s->requests, next) {\n"
         "        put_scsi_req(r, f);\n    }\n    qemu_put"),
    ]),
    "scsi: the marker in a local, the words in a function": (SCSI, [
        ("static void put_scsi_req(SCSIRequest *req, void *opaque)\n{",
         "static void put_scsi_words(QEMUFile *to, SCSIRequest *what)\n{\n"
         "    qemu_put_be32s(to, &what->tag);\n    qemu_put_be32s(to, &what->lun);\n}\n"
         "static void put_scsi_req(SCSIRequest *req, void *opaque)\n{"),
        ("    qemu_put_be32s(f, &req->tag);\n    qemu_put_be32s(f, &req->lun);\n    if (req->bus",
         "    put_scsi_words(f, req);\n    if (req->bus"),
    ]),
    "scsi: the marker before the loop": (SCSI, [
        ("    while ((sbyte = qemu_get_sbyte(f)) > 0) {",
         "    for (;;) {\n        sbyte = qemu_get_sbyte(f);\n"
         "        if (sbyte <= 0) {\n            break;\n        }\n"),
    ]),
    "usbredir: the loop in an if": (USB, [
        ("    QTAILQ_FOREACH(e, &q->head, next) {\n        qemu_put_be64(f, e->id);\n"
         "        remain--;\n    }",
         "    if (q->size) {\n    QTAILQ_FOREACH(e, &q->head, next) {\n"
         "        qemu_put_be64(f, e->id);\n        remain--;\n    }\n    }"),
    ]),
    "usbredir: the length of a packet once": (USB, [
        ("        qemu_put_be32(f, len);\n        qemu_put_be32(f, bufp->status);",
         "        qemu_put_be32(f, bufp->len - bufp->offset);\n"
         "        qemu_put_be32(f, bufp->status);"),
    ]),
    "usbredir: a trace and no early end": (USB, [
        ("    if (len == 0) {\n        return 0;\n    }\n\n    /*\n     * If our chardev",
         "    DPRINTF(\"%d\\n\", len);\n\n    /*\n     * If our chardev"),
    ]),
    "virtio: other names, other order, an early way on": (VIRTIO, [
        ("        if (k->save_queue) {\n            k->save_queue(qbus->parent, i, f);\n        }\n    }\n\n    if (vdc->save",
         "        if (!k->save_queue) {\n            continue;\n        }\n"
         "        k->save_queue(qbus->parent, i, f);\n    }\n\n    if (vdc->save"),
        ("    uint32_t guest_features_lo = (vdev->guest_features & 0xffffffff);\n    int i;\n\n    if (k->save_config) {",
         "    int i;\n    uint32_t guest_features_lo = (vdev->guest_features & 0xffffffff);\n\n"
         "    trace_virtio_set_status(vdev, 0);\n    if (k->save_config != NULL) {"),
    ]),
    "virtio: an error told at the end": (VIRTIO, [
        ("    if (vdc->vmsd) {\n        int ret = vmstate_save_state(f, vdc->vmsd, vdev, NULL);\n"
         "        if (ret) {\n            return ret;\n        }\n    }",
         "    if (vdc->vmsd) {\n        int err = vmstate_save_state(f, vdc->vmsd, vdev, NULL);\n"
         "        if (err < 0) {\n            error_report(\"no\");\n            goto out;\n        }\n"
         "        goto next;\nout:\n        return err;\n    }\nnext:"),
    ]),
    "virtio-pci: an early end": (PCI, [
        ("    if (msix_present(&proxy->pci_dev))\n        qemu_put_be16(f, virtio_queue_vector(vdev, n));",
         "    PCIDevice *own = &proxy->pci_dev;\n    if (!msix_present(own)) {\n        return;\n    }\n"
         "    qemu_put_be16(f, virtio_queue_vector(vdev, n));"),
    ]),
    "virtio-blk: a for, without the lock": (BLK, [
        ("        while (req) {\n            qemu_put_sbyte(f, 1);",
         "        for (; req; req = req->next) {\n            qemu_put_sbyte(f, 1);"),
        ("            qemu_put_virtqueue_element(vdev, f, &req->elem);\n            req = req->next;",
         "            qemu_put_virtqueue_element(vdev, f, &req->elem);"),
        ("    WITH_QEMU_LOCK_GUARD(&s->rq_lock) {\n        VirtIOBlockReq *req = s->rq;\n\n        for",
         "    {\n        VirtIOBlockReq *req = s->rq;\n\n        for"),
    ]),
    "virtio-gpu: the word inside of the loop": (GPU, [
        ("    resource_id = qemu_get_be32(f);\n    while (resource_id != 0) {\n"
         "        res = virtio_gpu_find_resource(g, resource_id);\n        if (res) {\n"
         "            return -EINVAL;\n        }\n\n        res = g_new0(struct virtio_gpu_simple_resource, 1);\n"
         "        res->resource_id = resource_id;\n        res->blob_size",
         "    while (true) {\n        resource_id = qemu_get_be32(f);\n"
         "        if (!resource_id) {\n            break;\n        }\n"
         "        res = virtio_gpu_find_resource(g, resource_id);\n        if (res) {\n"
         "            return -EINVAL;\n        }\n\n        res = g_new0(struct virtio_gpu_simple_resource, 1);\n"
         "        res->resource_id = resource_id;\n        res->blob_size"),
        ("        virtio_gpu_init_udmabuf(res);\n\n        resource_id = qemu_get_be32(f);",
         "        virtio_gpu_init_udmabuf(res);"),
    ]),
    "scsi-disk: both conditions at once": (DISK, [
        ("        } else if (!req->retry) {\n            uint32_t len = r->iov.iov_len;\n"
         "            qemu_put_be32s(f, &len);",
         "        } else if (req->retry == false) {\n            qemu_put_be32(f, r->iov.iov_len);"),
    ]),
    "msix: turned round": (MSIX, [
        ("    if (!msix_present(dev)) {\n        return;\n    }\n\n"
         "    qemu_put_buffer(f, dev->msix_table, n * PCI_MSIX_ENTRY_SIZE);\n"
         "    qemu_put_buffer(f, dev->msix_pba, DIV_ROUND_UP(n, 8));",
         "    if (msix_present(dev)) {\n"
         "        qemu_put_buffer(f, dev->msix_table, dev->msix_entries_nr * PCI_MSIX_ENTRY_SIZE);\n"
         "        qemu_put_buffer(f, dev->msix_pba, DIV_ROUND_UP(n, 8));\n    }"),
    ]),
}  # fmt: skip
"""Changes of QEMU 10.0's C that change no byte: what they are, the file, old and new."""

OTHER = {
    "scsi: a word more": (SCSI, [
        ("    qemu_put_be32s(f, &req->lun);\n    if", "    qemu_put_be32s(f, &req->lun);\n    qemu_put_be32s(f, &req->lun);\n    if"),
    ]),
    "scsi: tag and lun the other way round": (SCSI, [
        ("    qemu_put_be32s(f, &req->tag);\n    qemu_put_be32s(f, &req->lun);\n    if",
         "    qemu_put_be32s(f, &req->lun);\n    qemu_put_be32s(f, &req->tag);\n    if"),
    ]),
    "scsi: another marker": (SCSI, [("req->retry ? 1 : 2", "req->retry ? 1 : 3")]),
    "scsi: a shorter command": (SCSI, [
        ("qemu_put_buffer(f, req->cmd.buf, sizeof(req->cmd.buf))",
         "qemu_put_buffer(f, req->cmd.buf, sizeof(req->cmd.buf) - 4)"),
    ]),
    "scsi: another end": (SCSI, [
        ("    qemu_put_sbyte(f, 0);\n    return 0;", "    qemu_put_sbyte(f, -1);\n    return 0;"),
    ]),
    "scsi: some are left out": (SCSI, [
        ("    qemu_put_sbyte(f, req->retry ? 1 : 2);",
         "    if (req->io_canceled) {\n        return;\n    }\n    qemu_put_sbyte(f, req->retry ? 1 : 2);"),
    ]),
    "usbredir: a packet's status first": (USB, [
        ("        qemu_put_be32(f, len);\n        qemu_put_be32(f, bufp->status);",
         "        qemu_put_be32(f, bufp->status);\n        qemu_put_be32(f, len);"),
    ]),
    "usbredir: the whole packet": (USB, [
        ("        qemu_put_buffer(f, bufp->data + bufp->offset, len);",
         "        qemu_put_buffer(f, bufp->data, bufp->len);"),
    ]),
    "usbredir: the loop in another if": (USB, [
        ("    QTAILQ_FOREACH(e, &q->head, next) {\n        qemu_put_be64(f, e->id);\n",
         "    if (dev->attached) QTAILQ_FOREACH(e, &q->head, next) {\n        qemu_put_be64(f, e->id);\n"),
    ]),
    "virtio: the alignment always": (VIRTIO, [
        ("        if (k->has_variable_vring_alignment) {\n            qemu_put_be32(f, vdev->vq[i].vring.align);\n        }",
         "        qemu_put_be32(f, vdev->vq[i].vring.align);"),
    ]),
    "virtio: a wider word": (VIRTIO, [
        ("    qemu_put_8s(f, &vdev->isr);\n", "    qemu_put_be16(f, vdev->isr);\n"),
    ]),
    "virtio: the device last": (VIRTIO, [
        ("    if (vdc->save != NULL) {\n        vdc->save(vdev, f);\n    }\n\n    if (vdc->vmsd) {",
         "    if (vdc->vmsd) {"),
    ]),
    "virtio: all queues": (VIRTIO, [
        ("    for (i = 0; i < VIRTIO_QUEUE_MAX; i++) {\n        if (vdev->vq[i].vring.num == 0)\n"
         "            break;\n\n        qemu_put_be32(f, vdev->vq[i].vring.num);",
         "    for (i = 0; i < VIRTIO_QUEUE_MAX; i++) {\n        qemu_put_be32(f, vdev->vq[i].vring.num);"),
    ]),
    "virtio-pci: the vector always": (PCI, [
        ("    if (msix_present(&proxy->pci_dev))\n        qemu_put_be16(f, virtio_queue_vector(vdev, n));",
         "    qemu_put_be16(f, virtio_queue_vector(vdev, n));"),
    ]),
    "virtio-blk: a queue from two on": (BLK, [
        ("            if (s->conf.num_queues > 1) {\n                qemu_put_be32",
         "            if (s->conf.num_queues > 2) {\n                qemu_put_be32"),
    ]),
    "msix: vectors of 32 bytes": (MSIX, [
        ("    qemu_put_buffer(f, dev->msix_table, n * PCI_MSIX_ENTRY_SIZE);",
         "    qemu_put_buffer(f, dev->msix_table, n * 32);"),
    ]),
    "shpc: a shorter array": (SHPC, [("#define SHPC_SLOT_REG(s)         (0x24 + (s) * 4)",
                                      "#define SHPC_SLOT_REG(s)         (0x20 + (s) * 4)")]),
}  # fmt: skip
"""Changes that change bytes."""


def copied(root: Path, folder: Path, file: str, text: str) -> Path:
    """The tree with another text of one file, and links to all the others."""
    to = folder / "qemu"
    source = root
    for part in (*file.split("/"), ""):
        to.mkdir()
        for entry in source.iterdir():
            if entry.name != part:
                (to / entry.name).symlink_to(entry)
        if part == file.rpartition("/")[2]:
            break
        source, to = source / part, to / part
    (folder / "qemu" / file).write_text(text)
    return folder / "qemu"


def edited(folder: Path, file: str, edits: list[tuple[str, str]]) -> list[str]:
    """What is no longer known of 10.0's file when it is changed so."""
    root = trees()["10.0"]
    text = (root / file).read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    found = read(copied(root, folder, file, text), file)
    unknown = [
        f"{symbol}: {custom.get} / {custom.put}"
        for symbol, custom in customs(found).items()
        if not is_known(found, custom)
    ]
    unknown += [
        f"{method.symbol}: {method.moves}"
        for method in found.methods
        if method.moves
        and not CALLBACKS[method.owner, method.member, method.symbol].fits(method.moves)
    ]
    return unknown


@pytest.mark.parametrize("what", SAME)
def test_a_change_without_meaning_is_none(what: str, tmp_path: Path) -> None:
    require_tree("10.0")
    assert edited(tmp_path, *SAME[what]) == []


@pytest.mark.parametrize("what", OTHER)
def test_a_change_of_bytes_is_seen(what: str, tmp_path: Path) -> None:
    require_tree("10.0")
    assert edited(tmp_path, *OTHER[what])
