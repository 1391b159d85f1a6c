"""The writer: what it would do, what it refuses, and that it does all or nothing."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vmgen import write
from vmgen.source import VmgenError


@dataclass(frozen=True)
class Text:
    path: str
    text: str


def verify(text: str) -> write.Origin:
    """A stand-in for the stamp: the first line says what the text is."""
    if not text.startswith("# ours"):
        return "foreign"
    return "edited" if "EDITED" in text else "intact"


def ours(body: str) -> str:
    return f"# ours\n{body}\n"


def kinds(output: Path, *files: Text) -> dict[str, str]:
    return {
        change.path: (
            change.kind
            if change.origin == "intact"
            else f"{change.kind} {change.origin}"
        )
        for change in write.plan(output, files, verify)
    }


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_kind_of_change(tmp_path: Path) -> None:
    for name, text in {
        "same.py": ours("1"),
        "old.py": ours("1"),
        "edited.py": ours("EDITED"),
        "foreign.py": "mine\n",
        "sub/orphan.py": ours("1"),
        "sub/orphan_edited.json": ours("EDITED"),
        "theirs.py": "not generated\n",
        "notes.txt": ours("1"),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    names = ("same.py", "old.py", "edited.py", "foreign.py", "new/x.py")
    files = [Text(name, ours("1" if name == "same.py" else "2")) for name in names]
    assert kinds(tmp_path, *files) == {
        "same.py": "unchanged",
        "old.py": "update",
        "edited.py": "update edited",
        "foreign.py": "update foreign",
        "new/x.py": "create",
        "sub/orphan.py": "orphan",
        "sub/orphan_edited.json": "orphan edited",
    }


def test_plan_does_not_touch_the_disk(tmp_path: Path) -> None:
    output = tmp_path / "out"
    write.plan(output, [Text("a/b.py", "x")], verify)
    assert not output.exists()


def test_apply_then_nothing_is_left_to_do(tmp_path: Path) -> None:
    files = [Text("a/b.py", ours("1")), Text("c.py", ours("2"))]
    output = tmp_path / "deep" / "out"
    made = write.apply(output, write.plan(output, files, verify))
    assert [change.kind for change in made] == ["create", "create"]
    assert snapshot(output) == {"a/b.py": b"# ours\n1\n", "c.py": b"# ours\n2\n"}
    changes = write.plan(output, files, verify)
    assert {change.kind for change in changes} == {"unchanged"}
    before = (output / "c.py").stat().st_mtime_ns
    assert write.apply(output, changes) == ()
    assert (output / "c.py").stat().st_mtime_ns == before


def test_new_files_have_the_mode_the_umask_gives_and_old_ones_keep_theirs(
    tmp_path: Path,
) -> None:
    (tmp_path / "old.py").write_text(ours("1"))
    (tmp_path / "old.py").chmod(0o755)
    before = os.umask(0o027)
    try:
        files = [Text("old.py", ours("2")), Text("new.py", ours("2"))]
        write.apply(tmp_path, write.plan(tmp_path, files, verify))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "old.py").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "new.py").stat().st_mode) == 0o640


@pytest.mark.parametrize("body", ["# ours\nEDITED\n", "my own file\n"])
def test_what_is_not_ours_is_kept_unless_forced(tmp_path: Path, body: str) -> None:
    (tmp_path / "a.py").write_text(body)
    files = [Text("a.py", ours("2")), Text("b.py", ours("2"))]
    changes = write.plan(tmp_path, files, verify)
    with pytest.raises(VmgenError) as caught:
        write.apply(tmp_path, changes)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG622"
    assert diagnostic.position.file.endswith("a.py")
    assert "--force" in diagnostic.hint
    assert snapshot(tmp_path) == {"a.py": body.encode()}
    write.apply(tmp_path, changes, force=True)
    assert snapshot(tmp_path) == {"a.py": b"# ours\n2\n", "b.py": b"# ours\n2\n"}


def test_orphans_go_only_when_asked(tmp_path: Path) -> None:
    orphan = tmp_path / "gone" / "deeper" / "x.py"
    orphan.parent.mkdir(parents=True)
    orphan.write_text(ours("1"))
    changes = write.plan(tmp_path, [], verify)
    assert write.apply(tmp_path, changes) == ()
    assert orphan.exists()
    assert [change.path for change in write.apply(tmp_path, changes, prune=True)] == [
        "gone/deeper/x.py"
    ]
    assert list(tmp_path.iterdir()) == []


def test_orphans_of_one_folder_go_together(tmp_path: Path) -> None:
    folder = tmp_path / "gone" / "deeper"
    folder.mkdir(parents=True)
    for name in ("x.py", "y.py"):
        (folder / name).write_text(ours("1"))
    write.apply(tmp_path, write.plan(tmp_path, [], verify), prune=True)
    assert list(tmp_path.iterdir()) == []


def test_an_edited_orphan_needs_force_too(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text(ours("EDITED"))
    changes = write.plan(tmp_path, [], verify)
    with pytest.raises(VmgenError, match="edited by hand"):
        write.apply(tmp_path, changes, prune=True)
    write.apply(tmp_path, changes, prune=True, force=True)
    assert not (tmp_path / "x.py").exists()


def test_a_failing_move_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(ours("old a"))
    (tmp_path / "c.py").write_text(ours("old c"))
    before = snapshot(tmp_path)
    files = [
        Text("a.py", ours("1")),
        Text("b/b.py", ours("1")),
        Text("c.py", ours("1")),
    ]
    changes = write.plan(tmp_path, files, verify)
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if target.name == "c.py":
            raise PermissionError(13, "Permission denied", str(target))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(
        VmgenError, match=r"c\.py.*cannot be written: Permission denied"
    ):
        write.apply(tmp_path, changes)
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "b").exists()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(VmgenError, match="the output folder is a file"):
        write.plan(tmp_path / "out", [], verify)
    with pytest.raises(VmgenError, match="the output folder is a file"):
        write.holds(tmp_path / "out", {"x.py": ""}, verify)
    with pytest.raises(VmgenError, match="Not a directory"):
        write.plan(tmp_path, [Text("out/x.py", "")], verify)


def test_a_folder_where_a_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "x.py").mkdir()
    with pytest.raises(VmgenError, match=r"x\.py"):
        write.plan(tmp_path, [Text("x.py", "")], verify)


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_text(ours("old"))
    before = snapshot(tmp_path)
    real = Path.open

    def open_(path: Path, *args: Any, **kwargs: Any) -> Any:
        if "b.py" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, *args, **kwargs)

    changes = write.plan(
        tmp_path, [Text("a.py", ours("new")), Text("b/b.py", "x")], verify
    )
    monkeypatch.setattr(Path, "open", open_)
    with pytest.raises(VmgenError) as caught:
        write.apply(tmp_path, changes)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG623"
    assert diagnostic.message == (
        "cannot be written: No space left on device; nothing was changed"
    )
    assert diagnostic.position.file == str(tmp_path / "b" / "b.py")
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("path", ["../x.py", "/etc/x.py", "a/../../x.py", ""])
def test_paths_stay_inside(tmp_path: Path, path: str) -> None:
    with pytest.raises(VmgenError, match="leave the output folder"):
        write.plan(tmp_path, [Text(path, "")], verify)


def test_the_same_path_twice(tmp_path: Path) -> None:
    with pytest.raises(VmgenError, match="same path"):
        write.plan(tmp_path, [Text("a.py", "1"), Text("a.py", "2")], verify)


def test_bytes_that_are_not_utf8_and_line_ends_count_as_changes(tmp_path: Path) -> None:
    (tmp_path / "crlf.py").write_bytes(b"# ours\r\n1\r\n")
    (tmp_path / "latin.py").write_bytes(b"# ours \xe9\n")
    files = [Text("crlf.py", ours("1")), Text("latin.py", ours("1"))]
    assert kinds(tmp_path, *files) == {"crlf.py": "update", "latin.py": "update"}
    write.apply(tmp_path, write.plan(tmp_path, files, verify))
    assert snapshot(tmp_path) == {"crlf.py": b"# ours\n1\n", "latin.py": b"# ours\n1\n"}


def test_diff_is_a_patch(tmp_path: Path) -> None:
    output = tmp_path / "gen"
    output.mkdir()
    (output / "change.py").write_text(ours("1\n2\n3"))
    (output / "end.py").write_text(ours("1") + "no newline")
    (output / "orphan.py").write_text(ours("gone"))
    files = [Text("change.py", ours("1\nzwei\n3")), Text("new/new.py", ours("n"))]
    files.append(Text("end.py", ours("1") + "also none"))
    changes = write.plan(output, files, verify)
    patch = "".join(write.diff(change, "gen") for change in changes)
    assert "-2\n+zwei\n" in patch
    assert "--- /dev/null\n+++ b/gen/new/new.py\n" in patch
    assert "--- a/gen/orphan.py\n+++ /dev/null\n" in patch
    assert patch.count("\\ No newline at end of file\n") == 2
    subprocess.run(
        ["git", "apply", "--unsafe-paths"],
        input=patch,
        text=True,
        cwd=tmp_path,
        check=True,
    )
    assert {change.kind for change in write.plan(output, files, verify)} == {
        "unchanged"
    }


@pytest.mark.parametrize("link", ["a.py", "sub", "sub/deep"])
def test_nothing_is_written_through_a_symbolic_link(tmp_path: Path, link: str) -> None:
    """Whatever it leads to: a file, a folder, or nothing."""
    output, outside = tmp_path / "out", tmp_path / "outside"
    outside.mkdir()
    (outside / "a.py").write_text(ours("precious"))
    place = output / link
    place.parent.mkdir(parents=True)
    for target in (outside / "a.py" if link == "a.py" else outside, outside / "none"):
        place.symlink_to(target)
        before = snapshot(outside)
        with pytest.raises(VmgenError, match=r"symbolic link.*VG620") as raised:
            write.plan(
                output,
                [Text("a.py", ours("1")), Text("sub/deep/b.py", ours("2"))],
                verify,
            )
        assert [one.position.file for one in raised.value.diagnostics] == [str(place)]
        assert snapshot(outside) == before
        place.unlink()


def test_the_output_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real")
    files = [Text("sub/a.py", ours("1"))]
    write.apply(tmp_path / "out", write.plan(tmp_path / "out", files, verify))
    assert snapshot(tmp_path / "real") == {"sub/a.py": b"# ours\n1\n"}


def test_what_a_killed_process_left_blocks_nobody(tmp_path: Path) -> None:
    """In a container every run has the same process number."""
    old = tmp_path / f".a.py.{os.getpid()}.tmp"
    new = tmp_path / ".a.py.0123.tmp"
    other = tmp_path / ".b.py.0123.tmp"
    recent, older = tmp_path / ".a.py.45.tmp", tmp_path / ".a.py.75.tmp"
    for path in (old, new, other, recent, older):
        path.write_text("half")
    for path in (old, other):
        os.utime(path, (1, 1))
    for path, minutes in ((recent, 45), (older, 75)):
        then = time.time() - 60 * minutes
        os.utime(path, (then, then))
    files = [Text("a.py", ours("1"))]
    write.apply(tmp_path, write.plan(tmp_path, files, verify))
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"a.py", new.name, recent.name, other.name}
    with write.replacing(tmp_path / "a.py") as stream:
        stream.write(b"2")
    assert (tmp_path / "a.py").read_bytes() == b"2"
