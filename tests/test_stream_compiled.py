"""A package as one file of compiled code reads what its text reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import generated
from vmgen.stream import NoCodecs, Stream, from_folder
from vmgen.stream.codecs import plain
from vmgen.stream.compiled import FILE, packed

from .stream_files import captured, codecs_of

NAME = "riscv64-virt-vh-bare--10.0.2"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The committed package for riscv64, compiled."""
    root = Path(generated.__path__[0])
    codes = {}
    for file in [*root.glob("*.py"), *(root / "riscv64").rglob("*.py")]:
        path = file.relative_to(root).as_posix()
        codes[path] = compile(file.read_text(encoding="utf-8"), path, "exec")
    (tmp_path / FILE).write_bytes(packed(codes))
    (tmp_path / "riscv64").mkdir()
    for name in ("ir.json", "meta.json"):
        text = (root / "riscv64" / name).read_bytes()
        (tmp_path / "riscv64" / name).write_bytes(text)
    return tmp_path


def test_it_reads_the_same(package: Path) -> None:
    text, data = codecs_of(NAME), captured(NAME)
    (code,) = from_folder(package).values()
    assert text is not None
    assert (code.target, code.folder) == ("riscv64", package / "riscv64")
    assert code.meta.release == text.meta.release
    assert sorted(code.codecs) == sorted(text.codecs)
    read = 0
    ours, theirs = Stream(data, code), Stream(data, text)
    for one, other in zip(ours.sections, theirs.sections, strict=True):
        assert (one.codec is None) == (other.codec is None)
        if one.codec is not None and other.codec is not None:
            assert plain(ours.state(one)) == plain(theirs.state(other))
            assert one.codec.state is not other.codec.state
            read += 1
    assert read


def test_a_target_of_it_is_named_by_its_folder(package: Path) -> None:
    found = from_folder(package / "riscv64")
    assert list(found) == ["riscv64"]
    assert found["riscv64"].codecs is from_folder(package)["riscv64"].codecs
    with pytest.raises(NoCodecs, match="not a generated package"):
        from_folder(package / "riscv64" / "target")


def test_its_modules_say_where_their_text_would_be(package: Path) -> None:
    (codecs,) = from_folder(package).values()
    state = codecs.codecs["cpu"].state
    module = __import__(state.__module__, fromlist=["__file__"])
    assert Path(module.__file__ or "") == package / "riscv64" / "target" / "riscv" / (
        "machine.py"
    )
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        __import__(f"{state.__module__.partition('.')[0]}.no_such")


def test_that_of_another_python_is_not_read(package: Path) -> None:
    file = package / FILE
    file.write_bytes(b"old!" + file.read_bytes()[4:])
    with pytest.raises(NoCodecs, match="another Python"):
        from_folder(package)


@pytest.mark.parametrize("left", [4, 5, 100])
def test_a_damaged_one_is_refused(package: Path, left: int) -> None:
    file = package / FILE
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(NoCodecs, match="damaged"):
        from_folder(package)


def test_the_text_of_a_package_comes_before_its_code(tmp_path: Path) -> None:
    root = Path(generated.__path__[0])
    shutil.copytree(root, tmp_path / "package")
    file = tmp_path / "package" / FILE
    file.write_bytes(b"nothing that could be read")
    assert sorted(from_folder(file.parent)) == sorted(from_folder(root))
