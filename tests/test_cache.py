"""The cache folder: whole entries only, and nothing that is out of date."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.documents import ROOT
from vmgen.cache import Cache, Digests, Remembered, home, keys
from vmgen.cache.entries import entries, remove
from vmgen.cli import run


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def files(cache: Cache) -> list[Path]:
    assert cache.folder is not None
    return sorted(path for path in cache.folder.rglob("*") if path.is_file())


def test_the_folder_is_what_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("VMGEN_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Cache.of("trees").folder == tmp_path / ".cache/vmgen/trees"
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert home() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache.of("trees").folder == tmp_path / "xdg/vmgen/trees"
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "own"))
    assert Cache.of("trees").folder == tmp_path / "own/trees"


def test_without_a_home_nothing_is_kept_and_everything_works() -> None:
    cache = Cache(None)
    cache.keep("a", "text")
    assert cache.text("a") is None
    made = cache.folder_of("b", lambda: {"c/d.h": "text"})
    assert (made / "c/d.h").read_text() == "text"
    assert list(cache.folders()) == []
    assert not cache.has_folder("b")
    cache.forget_old()
    with cache.alone("e") as folder:
        assert folder.is_dir()


@pytest.mark.parametrize("text", ["", "text\n", "é\udcff\r\n\0"])
def test_a_text_comes_back(cache: Cache, text: str) -> None:
    cache.keep("a/b", text)
    assert cache.text("a/b") == text
    assert cache.text("a/c") is None


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


DAMAGE: tuple[Callable[[bytes], bytes], ...] = (
    flipped,
    lambda data: data[:-1],
    lambda data: data + b"x",
    lambda data: b"",
    lambda data: data[70:],
)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_text_is_no_text(
    cache: Cache, damage: Callable[[bytes], bytes]
) -> None:
    cache.keep("a", "some text\n")
    (path,) = files(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.text("a") is None
    assert not path.exists()
    cache.keep("a", "some text\n")
    assert cache.text("a") == "some text\n"


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("which", range(3))
def test_a_damaged_folder_is_made_again(
    cache: Cache, damage: Callable[[bytes], bytes], which: int
) -> None:
    made: list[int] = []

    def make() -> dict[str, str]:
        made.append(1)
        return {"a.h": "one\n", "b/c.h": "two\n"}

    folder = cache.folder_of("name", make)
    assert cache.folder_of("name", make) == folder
    assert len(made) == 1
    path = files(cache)[which]
    path.write_bytes(damage(path.read_bytes()))
    assert cache.folder_of("name", make) == folder
    assert len(made) == 2
    assert (folder / "b/c.h").read_text() == "two\n"
    (folder / "a.h").unlink()
    assert list(cache.folders()) == []
    cache.folder_of("name", make)
    assert list(cache.folders()) == [folder]


def test_a_folder_is_complete_or_not_there(cache: Cache) -> None:
    def make() -> dict[str, str]:
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError):
        cache.folder_of("name", make)
    assert cache.folder is not None
    assert not cache.folder.exists()
    made = cache.folder_of("name", lambda: {"a/b.h": "text\n"})
    assert (made / "a/b.h").read_bytes() == b"text\n"


def test_half_an_entry_does_not_stay(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(old: object, new: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "replace", full)
    cache.keep("name", "text")
    assert files(cache) == []


def test_what_a_killed_run_left_blocks_nobody_and_goes(cache: Cache) -> None:
    cache.keep("a/name", "text")
    assert cache.folder is not None
    left = [
        cache.folder / "a" / f".name.{os.getpid()}.tmp",
        cache.folder / ".folder.x" / "file",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        for one in (path, path.parent):
            if one.name[0] == ".":
                os.utime(one, (time.time() - 2 * 86400,) * 2)
    cache.keep("a/name", "other")
    assert cache.text("a/name") == "other"
    cache.forget_old()
    assert files(cache) == [cache.folder / "a" / "name"]


def test_what_nobody_used_for_a_month_goes(cache: Cache) -> None:
    now = time.time()
    for name, days in (("old", 40), ("used", 5)):
        folder = cache.folder_of(name, dict)
        os.utime(folder, (now - days * 86400,) * 2)
        cache.keep(f"texts/{name}", name)
        os.utime(folder.parent / "texts" / name, (now - days * 86400,) * 2)
    assert cache.has_folder("used")
    cache.folder_of("new", dict)
    assert [path.name for path in cache.folders()] == ["new", "used"]
    assert cache.text("texts/old") is None
    assert cache.text("texts/used") == "used"
    # Being used keeps it.
    assert now - (cache.folder_of("used", dict)).stat().st_mtime < 86400


def test_a_folder_is_one_process_s_at_a_time(cache: Cache) -> None:
    with cache.alone("name") as first:
        (first / "kept").write_text("")
        with cache.alone("name") as second:
            assert second != first
        assert not second.exists()
    with cache.alone("name") as again:
        assert again == first
        assert (again / "kept").exists()


# --- digests ------------------------------------------------------------------------------


def settled(path: Path, text: str) -> None:
    """Writes the file, as if long ago."""
    path.write_text(text)
    os.utime(path, (1, 1))


def test_a_digest_is_that_of_the_contents_and_their_order(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in "abc"]
    for name in names[:2]:
        Path(name).write_text(name)
    digest = Digests().digest(names)
    assert Digests().digest(names) == digest
    assert Digests().digest(reversed(names)) != digest
    Path(names[0]).write_text("other")
    assert Digests().digest(names) != digest


def test_a_remembered_digest_never_hides_a_change(
    tmp_path: Path, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of a file's last change can be set back, that of its status cannot."""
    path = tmp_path / "file"
    settled(path, "one")
    monkeypatch.setattr("vmgen.cache.digests.SETTLED", -1.0)
    reads: list[str] = []
    plain = Digests._read

    def counted(self: Digests, name: str) -> bytes:
        reads.append(name)
        return plain(self, name)

    monkeypatch.setattr(Digests, "_read", counted)

    def digest() -> str:
        digests = Digests(cache, "tree")
        found = digests.digest([str(path)])
        digests.keep()
        return found

    first = digest()
    assert digest() == first
    assert len(reads) == 1
    settled(path, "two")
    assert digest() != first
    path.unlink()
    assert digest() == Digests().digest([str(path)])


@pytest.mark.parametrize(("age", "reads"), [(0.5, 2), (1.9, 2), (2.5, 1), (900.0, 1)])
def test_what_has_not_changed_for_a_while_is_read_once(
    age: float,
    reads: int,
    tmp_path: Path,
    cache: Cache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A change within the resolution of a file system's clock leaves its time as it was."""
    path = tmp_path / "file"
    path.write_text("one")
    now = path.stat().st_ctime
    monkeypatch.setattr("vmgen.cache.digests.time.time", lambda: now + age)
    seen: list[str] = []
    plain = Digests._read

    def counted(self: Digests, name: str) -> bytes:
        seen.append(name)
        return plain(self, name)

    monkeypatch.setattr(Digests, "_read", counted)
    for _ in range(2):
        digests = Digests(cache, "tree")
        digests.digest([str(path), str(tmp_path / "nothing")])
        digests.keep()
    assert seen.count(str(path)) == reads


def test_what_has_just_changed_is_not_remembered(tmp_path: Path, cache: Cache) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    digests = Digests(cache, "tree")
    first = digests.digest([str(path)])
    digests.keep()
    status = path.stat()
    path.write_text("two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Digests(cache, "tree").digest([str(path)]) != first


def test_what_is_kept_has_a_name_and_goes_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path))
    Cache.of("modules").keep("ab/cd.json", "text")
    Cache.of("codecs").folder_of("0123", lambda: {"riscv64/ir.json": "{}"})
    outside = tmp_path.parent / f"{tmp_path.name}.outside"
    outside.mkdir()
    for place in (tmp_path / "modules" / "mine.txt", outside / "theirs.txt"):
        place.write_text("not vmgen's\n")
    (tmp_path / "modules" / "link").symlink_to(outside)
    found = {one.name: one for one in entries()}
    assert found.keys() == {"codecs/0123", "modules"}
    assert (found["modules"].files, found["codecs/0123"].files) == (1, 2)
    assert found["modules"].size == 65 + len("text")
    for one in found.values():
        remove(one)
    assert list(entries()) == []
    assert not (tmp_path / "codecs" / "0123").exists()
    assert (tmp_path / "modules" / "mine.txt").exists()
    assert (outside / "theirs.txt").exists()


def test_the_command_lists_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path))
    source = {"tree": "/a/tree", "content": "f00", "maker": "m", "whole": True}
    text = (ROOT / "generated" / "riscv64" / "meta.json").read_text("utf-8")
    meta = text.replace("10.0.2", "9.9.9")
    files = {
        "made-from.json": json.dumps(source),
        "riscv64/ir.json": "{}",
        "riscv64/meta.json": meta,
    }
    Cache.of("codecs").folder_of("0123", lambda: files)
    Cache.of("output").keep("x.json", "text")
    assert run(["cache", "list", "--format", "json"]) == 0
    rows = {one["name"]: one for one in json.loads(capsys.readouterr().out)["entries"]}
    assert "9.9.9 riscv64; tree /a/tree f00" in rows["codecs/0123"]["of"]
    assert rows["output"]["size"] == 65 + len("text")
    assert run(["cache", "rm", "codecs/01"]) == 0
    assert run(["cache", "list"]) == 0
    assert "codecs" not in capsys.readouterr().out
    assert run(["cache", "rm", "codecs/01"]) == 2
    assert "VG647" in capsys.readouterr().err
    assert run(["cache", "rm"]) == run(["cache", "rm", "output", "--all"]) == 2
    assert run(["cache", "rm", "--all"]) == 0
    assert list(entries()) == []


def test_what_is_installed_is_read_once_and_seen_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "folder"
    folder.mkdir()
    settled(folder / "a.py", "one")
    monkeypatch.setattr("vmgen.cache.keys.SETTLED", -1.0)
    reads = []
    plain = keys._read

    def counted(folders: Iterable[tuple[Path, Iterable[str]]]) -> str:
        reads.append(1)
        return plain(folders)

    monkeypatch.setattr(keys, "_read", counted)
    first = keys.key("request", [folder])
    assert keys.key("request", [folder]) == first
    assert len(reads) == 1
    settled(folder / "a.py", "two")  # the same size and time of change
    second = keys.key("request", [folder])
    assert second != first
    settled(folder / "b.py", "")
    assert keys.key("request", [folder]) not in (first, second)
    (folder / "b.py").unlink()
    settled(folder / "a.py", "one")
    assert keys.key("request", [folder]) == first  # by content, whatever the times
    assert len(reads) == 4
    monkeypatch.setattr(keys, "PACKAGES", (*keys.PACKAGES, "no_such_package"))
    assert keys.key("request", [folder]) != first
    assert keys.key("request", [folder]) != first
    assert len(reads) == 6  # what no file tells is looked up each time


@pytest.mark.parametrize("program", ["tool", "plain", "folder", "none", "b/tool"])
def test_programs_are_found_where_a_shell_finds_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    for name in ("a/plain", "b/tool", "c/tool"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    for name in ("b/tool", "c/tool"):
        (tmp_path / name).chmod(0o755)
    (tmp_path / "a" / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    places = (tmp_path / name for name in "abc")
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, places)))
    assert keys._found(program) == shutil.which(program)


def test_what_changed_just_now_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMGEN_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "a.py").write_text("one")
    keys.key("request", [tmp_path])
    assert not list((tmp_path / "cache").rglob("installed*"))


def test_what_was_made_of_files_counts_as_long_as_they_are_the_same(
    cache: Cache, tmp_path: Path
) -> None:
    there, missing = tmp_path / "a.c", tmp_path / "b.c"
    there.write_text("one")
    paths = [str(there), str(missing)]
    value = {"words": ["a", "b"], "count": 2}
    made = Remembered(cache=cache)
    assert made.value("a.c") is None
    made.put("a.c", paths, value)
    assert made.value("a.c") == value
    assert Remembered(cache=cache).value("a.c") is None  # not kept yet
    made.keep()
    assert Remembered(cache=cache).value("a.c") == value
    assert Remembered(cache=cache, name="other").value("a.c") is None
    there.write_text("two")
    assert Remembered(cache=cache).value("a.c") is None
    there.write_text("one")
    missing.write_text("")
    assert Remembered(cache=cache).value("a.c") is None
    missing.unlink()
    assert Remembered(cache=cache).value("a.c") == value


def test_only_what_is_missing_is_made(cache: Cache, tmp_path: Path) -> None:
    names = [f"{number}.c" for number in range(200)]  # several batches
    for name in names:
        (tmp_path / name).write_text(name)
    made: list[str] = []

    def make(name: str) -> tuple[list[str], str]:
        made.append(name)
        path = tmp_path / name
        return [str(path)], path.read_text()

    def values(*wanted: str) -> list[tuple[str, str]]:
        made.clear()
        return [*Remembered(cache=cache).of(wanted, make)]

    assert values(*names) == [(name, name) for name in names]
    assert made == names
    (tmp_path / "7.c").write_text("other")
    assert values("9.c", "7.c", "8.c") == [
        ("9.c", "9.c"),
        ("7.c", "other"),
        ("8.c", "8.c"),
    ]
    assert made == ["7.c"]
    assert values(*names)[7:10] == [("7.c", "other"), ("8.c", "8.c"), ("9.c", "9.c")]
    assert made == []


def test_nothing_is_kept_again_that_is_kept(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.c"
    file.write_text("one")
    made = Remembered(cache=cache)
    made.put("a.c", [str(file)], 1)
    made.keep()
    again = Remembered(cache=cache)
    assert again.value("a.c") == 1
    with monkeypatch.context() as patch:
        patch.delattr(Cache, "keep")
        made.keep()
        again.keep()
    again.put("b.c", [str(file)], 2)
    again.keep()
    both = Remembered(cache=cache)
    assert [both.value("a.c"), both.value("b.c")] == [1, 2]
