"""Streams in volumes and archives: raw ones, qcow2 as qemu-img writes it, Proxmox's VMA."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lacking import lacking
from tests.stream_files import whole
from tests.test_stream_carriers import content
from tests.vma_archives import archive
from vmgen.stream import Malformed, NotFound, Stream, StreamError, Unreadable, streams
from vmgen.stream.input import Input

STREAM = whole("riscv64-virt-vh-bare--10.0.2")

LAYOUTS = {
    "default": (),
    "small clusters": ("-o", "cluster_size=512"),
    "version 2": ("-o", "compat=0.10"),
    "subclusters": ("-o", "extended_l2=on"),
    "deflate": ("-c",),
    "zstd": ("-c", "-o", "compression_type=zstd"),
    "zstd subclusters": ("-c", "-o", "compression_type=zstd,extended_l2=on"),
    "data file": ("-o", "data_file=DATA"),
    "raw data file": ("-o", "data_file=DATA,data_file_raw=on"),
}


def qemu_img(*words: object) -> None:
    if shutil.which("qemu-img") is None:
        lacking("qemu-img is not installed")
    subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A volume that is larger than its stream."""
    file = tmp_path / "state.raw"
    file.write_bytes(STREAM.ljust(1 << 20, b"\0"))
    return file


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_volume_in_every_layout_of_qcow2(layout: str, raw: Path) -> None:
    """qemu-img makes the image; what it holds is the stream, whatever follows it."""
    options = [
        word.replace("DATA", str(raw.parent / "x.data")) for word in LAYOUTS[layout]
    ]
    image = raw.parent / "state.qcow2"
    qemu_img("convert", "-f", "raw", "-O", "qcow2", *options, raw, image)
    if "data file" in layout:  # the image has the path that it was made with
        qemu_img("amend", "-f", "qcow2", "-o", "data_file=x.data", image)
    with Stream.open(image) as stream:
        assert stream.carriers == ("qcow2",)
        assert stream.bare() == STREAM
    (one,) = streams(image)
    assert (one.machine, one.select) == ("virt", "")


def test_zstd_clusters_by_the_program(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("zstd") is None:
        lacking("there is no program 'zstd'")
    image = raw.parent / "state.qcow2"
    qemu_img("convert", "-O", "qcow2", *LAYOUTS["zstd"], raw, image)
    for name in ("compression.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, name, None)
    assert Stream.open(image).bare() == STREAM


def test_a_data_file_elsewhere_is_not_opened(raw: Path) -> None:
    """An image that someone sends may name any file of the reader's."""
    image, folder = raw.parent / "state.qcow2", raw.parent / "other"
    folder.mkdir()
    place = folder / "x.data"
    qemu_img("convert", "-O", "qcow2", "-o", f"data_file={place}", raw, image)
    with pytest.raises(Unreadable, match=r"other/x\.data") as caught:
        Stream.open(image)
    assert "in the same folder" in caught.value.hint


def test_an_encrypted_image_is_refused_by_name(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    secret = ("--object", "secret,id=s,data=1234")
    options = "encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10"
    qemu_img("create", *secret, "-f", "qcow2", "-o", options, image, "1M")
    with pytest.raises(Unreadable, match=r"encrypted \(LUKS\)"):
        Stream.open(image)


def test_a_stream_in_a_backing_file_is_not_zeros(raw: Path) -> None:
    """The overlay has the first cluster, with the magic; the rest is in another image."""
    image, over = raw.parent / "state.qcow2", raw.parent / "over.qcow2"
    small = ("-f", "qcow2", "-o", "cluster_size=4k")
    qemu_img("convert", "-O", "qcow2", raw, image)
    qemu_img("create", *small, "-b", image, "-F", "qcow2", over)
    first = raw.parent / "first.raw"
    first.write_bytes(STREAM[:4096])
    if shutil.which("qemu-io") is None:
        lacking("qemu-io is not installed")
    write = f"write -s {first} 0 4096"
    subprocess.run(["qemu-io", "-c", write, over], check=True, capture_output=True)
    with pytest.raises(Unreadable, match="in the backing file"):
        content(over)


@pytest.mark.parametrize(
    "behind", [b"", bytes(4096), b"\xff" * 4096, b"old bytes" * 999]
)
def test_what_is_behind_a_stream_in_a_raw_volume_is_none_of_it(
    behind: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "volume"
    file.write_bytes(STREAM + behind)
    for source in (file, STREAM + behind, io.BytesIO(STREAM + behind)):
        with Stream.open(source) as stream:
            assert stream.bare() == STREAM


# --- VMA ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("disk", [b"", b"disk" * 300_000])
def test_the_state_of_a_machine_in_an_archive(
    disk: bytes, sparse: bool, tmp_path: Path
) -> None:
    data = archive(STREAM, disk, sparse=sparse)
    file = tmp_path / "vzdump.vma"
    file.write_bytes(data)
    for source in (file, data, io.BytesIO(data), gzip.compress(data)):
        with Stream.open(source) as stream:
            assert stream.bare() == STREAM
            assert stream.carriers[-1] == "vma"
            assert not stream.prefix
    (one,) = streams(data)
    assert (one.held.name, one.held.size, one.machine) == (
        "vmstate",
        len(STREAM),
        "virt",
    )


def test_an_archive_of_disks_alone_says_what_it_has() -> None:
    data = archive(None, b"x" * 70_000)
    with pytest.raises(NotFound, match="no machine's state") as caught:
        content(data)
    assert caught.value.hint == "it has: drive-scsi0"
    assert streams(data) == ()


def damaged(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("at", "value", "error", "words"),
    [
        (4, b"\0\0\0\2", Unreadable, "version 2"),
        (56, b"\xff\xff\xff\xff", Malformed, "a header of 4294967295 bytes"),
        (5000, b"x", Malformed, "the checksum of a header"),
        (12800 + 8, b"x", Malformed, "none of this archive"),
        (12800 + 47, b"\5", Malformed, "the checksum of a header"),
        (12800, b"VMAX", Malformed, "none of this archive"),
    ],
)
def test_archives_that_lie(
    at: int, value: bytes, error: type[StreamError], words: str
) -> None:
    with pytest.raises(error, match=words):
        content(damaged(archive(STREAM), at, value))


def test_an_archive_that_is_cut_is_no_shorter_stream() -> None:
    data = archive(STREAM)
    for end in (5, 12_000, 12_700, 13_000, len(data) - 1):
        with pytest.raises(StreamError):
            content(data[:end])


def test_a_block_device_is_mapped(tmp_path: Path) -> None:
    """As ``/dev/pve/vm-100-state-snap`` is; a loop device if the system lets us have one."""
    if shutil.which("losetup") is None:
        pytest.skip("there is no program 'losetup'")
    file = tmp_path / "volume"
    file.write_bytes(STREAM.ljust(1 << 20, b"\0"))
    found = subprocess.run(
        ["losetup", "--find", "--show", str(file)], capture_output=True, text=True
    )
    if found.returncode:
        pytest.skip("no loop device can be made here")
    device = found.stdout.strip()
    try:
        with Input(device) as source:
            assert source.complete
            assert source.view[: len(STREAM)] == STREAM
    finally:
        subprocess.run(["losetup", "-d", device], check=True)
