"""One stream out of many: FILE@SNAPSHOT, the list of them, the bare stream."""

from __future__ import annotations

import gzip
import io
import json
import lzma
from pathlib import Path

import pytest

from tests.qcow2_images import Image
from tests.stream_files import FOLDER, whole
from tests.test_stream_carriers import content, save_image
from tests.vma_archives import archive
from vmgen.cli import run
from vmgen.stream import NotFound, Stream, Unreadable, streams

ONE = whole("riscv64-virt-vh-bare--10.0.2")
TWO = whole("riscv64-virt-vh-bare--7.2.22")


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "disk.qcow2"
    file.write_bytes(Image({"one": ONE, "two@x": TWO, "off": b""}, bits=12).built())
    return file


@pytest.mark.parametrize(
    ("name", "expected"), [("one", ONE), ("1", ONE), ("two@x", TWO), ("2", TWO)]
)
def test_a_snapshot_is_named_behind_the_file(
    disk: Path, name: str, expected: bytes
) -> None:
    assert content(f"{disk}@{name}")[0] == expected
    assert Stream.open(disk, snapshot=name).view == expected
    assert Stream.open(f"{disk}@{name}", snapshot=name).view == expected


def test_a_file_whose_own_name_has_the_at_is_meant(disk: Path) -> None:
    file = disk.with_name("disk.qcow2@one")
    file.write_bytes(TWO)
    assert content(str(file))[0] == TWO
    file.unlink()
    assert content(str(file))[0] == ONE


def test_what_is_neither_a_file_nor_a_snapshot_is_an_error(disk: Path) -> None:
    with pytest.raises(NotFound, match="no snapshot 'three'"):
        content(f"{disk}@three")
    with pytest.raises(Unreadable, match="No such file"):
        content("nowhere@one")
    with pytest.raises(Unreadable, match="--snapshot a different one"):
        content(f"{disk}@one", "2")


EVERYWHERE = [
    ("show", "{}"),
    ("verify", "{}"),
    ("edit", "{}", "timer/0.cpu_ticks_offset=1", "-o", "-"),
    ("diff", "{}", "{}"),
    ("extract", "{}", "stream", "-o", "-"),
    ("explain", "{}", "--codecs", "10.0", "--like", "{}"),
    ("list", "{}"),
]


@pytest.mark.parametrize("words", EVERYWHERE, ids=lambda words: words[0])
def test_every_command_takes_a_snapshot_so(
    words: tuple[str, ...], disk: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The same answer as for the file that has the stream alone."""
    disk.with_name("alone.mig").write_bytes(ONE)
    said = []
    for file in ("disk.qcow2@one", "alone.mig"):
        status = run(["stream", *(word.format(file) for word in words)])
        said.append((status, capfdbinary.readouterr().out.replace(file.encode(), b"F")))
    if words[0] == "list":
        assert b"@one" in said[0][1]
        assert b"@off" not in said[0][1]
    else:
        assert said[0] == said[1]


def test_two_snapshots_of_one_image_are_compared(
    disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk.with_name("a.mig").write_bytes(ONE)
    disk.with_name("b.mig").write_bytes(TWO)
    assert run(["stream", "diff", "disk.qcow2@one", "disk.qcow2@two@x"]) == 1
    snapshots = capsys.readouterr().out
    assert run(["stream", "diff", "a.mig", "b.mig"]) == 1
    assert capsys.readouterr().out == snapshots
    assert snapshots


@pytest.mark.parametrize(
    "words",
    [
        "stream diff x x --snapshot one --snapshot two",
        "stream diff x x --snapshot=one --snapshot one",
        "stream show x --codecs 10.0 --codecs 9.2",
        "stream show x -t arm --target avr",
        "stream extract x ram -o a -o b",
        "inspect --format json --format text",
    ],
)
def test_an_option_that_counts_once_is_not_given_twice(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == 2
    assert "is given twice" in capsys.readouterr().err


def test_options_that_are_meant_to_be_repeated_are(disk: Path) -> None:
    words = ["--member", "A.b=1", "--member", "A.c=2"]
    assert run(["stream", "show", "disk.qcow2@one", *words]) == 0


# --- the list -------------------------------------------------------------------------------


def test_the_list_of_an_image_has_what_qemu_img_shows() -> None:
    """``qemu-img snapshot -l`` on the same image: ids, names, sizes, dates and clocks."""
    packed = (FOLDER / "streams" / "riscv64-savevm--10.0.2.qcow2.xz").read_bytes()
    image = lzma.decompress(packed)
    found = streams(image)
    assert [(one.select, one.held.id, one.size, one.machine) for one in found] == [
        ("one", "1", 23563, "spike"), ("two", "2", 23563, "spike"),
    ]  # fmt: skip
    for one in found:
        assert one.start is not None
        assert image[one.start :].startswith(b"QEVM")
    inside = [(one.carriers, one.inside, one.start) for one in streams(packed)]
    assert inside == [(("xz", "qcow2"), "xz", one.start) for one in found]


def test_where_a_stream_begins() -> None:
    image = save_image(ONE)
    cases = [
        (ONE, 0, "", len(ONE), ()),
        (image, len(image) - len(ONE), "", len(ONE), ("libvirt",)),
        (gzip.compress(ONE), 0, "gzip", None, ("gzip",)),
        (gzip.compress(image), len(image) - len(ONE), "gzip", None, ("gzip", "libvirt")),
        (save_image(gzip.compress(ONE), 1), 0, "gzip", None, ("libvirt", "gzip")),
        (archive(ONE), None, "", len(ONE), ("vma",)),
        (ONE + b"\xff" * 5000, 0, "", len(ONE), ()),
    ]  # fmt: skip
    for data, start, inside, size, carriers in cases:
        (one,) = streams(data)
        assert (one.start, one.inside, one.carriers) == (start, inside, carriers)
        assert one.size in (size, len(ONE))
        assert one.machine == "virt"


def test_a_snapshot_that_is_damaged_does_not_cost_the_others(disk: Path) -> None:
    data = bytearray(disk.read_bytes())
    at = data.index(b"QEVM")
    data[at : at + 4] = b"XXXX"
    one, two, off = streams(bytes(data))
    assert "does not begin with QEVM" in one.problem
    assert (two.machine, two.problem) == ("virt", "")
    assert (off.size, off.select) == (0, "off")


def test_the_list_as_json(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["stream", "list", "disk.qcow2", "--format", "json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["file"] == "disk.qcow2"
    one = file["streams"][0]
    assert (one["select"], one["id"], one["size"]) == ("disk.qcow2@one", "1", len(ONE))
    assert one["date"] == "1970-01-01T00:00:00Z"
    assert file["streams"][1]["select"] == "disk.qcow2@two@x"


# --- the bare stream ------------------------------------------------------------------------


def test_the_bare_stream_out_of_any_carrier(
    disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = disk.parent
    carriers = {
        "plain": ONE, "volume": ONE + b"\xff" * 5000, "gzip": gzip.compress(ONE),
        "save": save_image(ONE), "vma": archive(ONE, b"disk" * 9999),
    }  # fmt: skip
    for name, data in carriers.items():
        (folder / name).write_bytes(data)
        assert run(["stream", "extract", name, "stream", "-o", "out.mig"]) == 0
        assert (folder / "out.mig").read_bytes() == ONE, name
    assert (
        run(["stream", "extract", "disk.qcow2@two@x", "stream", "-o", "out.mig"]) == 0
    )
    assert (folder / "out.mig").read_bytes() == TWO
    assert "wrote out.mig" in capsys.readouterr().err


# --- how much may come out ------------------------------------------------------------------


def test_a_little_does_not_unpack_to_much(tmp_path: Path) -> None:
    many = lzma.compress(ONE + bytes(64 << 20))
    assert len(many) < 1 << 18
    file = tmp_path / "bomb.xz"
    file.write_bytes(many)
    with pytest.raises(
        Unreadable, match="unpacks to more than 1048576 bytes"
    ) as caught:
        Stream.open(file, max_unpacked=1 << 20).bare()
    assert "--max-unpacked" in caught.value.hint
    assert run(["stream", "show", str(file), "--max-unpacked", "1M"]) == 2
    assert run(["stream", "show", str(file), "--max-unpacked", "65M"]) == 0


@pytest.mark.parametrize("text", ["", "G", "1X", "-1", "1.5G", "0x", "0xG"])
def test_a_size_is_digits_and_a_unit(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["stream", "show", "x", f"--max-unpacked={text}"]) == 2
    assert "it is a size" in capsys.readouterr().err


def test_a_limit_is_one_for_every_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word of the user's: a part of the carrier's size, and a floor."""
    monkeypatch.setattr("vmgen.stream.carriers.pipes.FREE", 1 << 20)
    zeros = b"QEVM" + bytes(64 << 20)
    for data in (
        gzip.compress(zeros),
        lzma.compress(zeros),
        save_image(gzip.compress(zeros), 1),
        archive(zeros),
    ):
        for source in (data, io.BytesIO(data)):
            with pytest.raises(Unreadable, match="unpacks to more than"):
                content(source)
