"""Which requests a command line and the configuration make together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vmgen.cli.job import EMBEDDED_TARGETS, Job, read_job
from vmgen.source import VmgenError

NOTHING: dict[str, Any] = {
    "files": (), "qemu": None, "targets": (), "build": None, "include_dirs": (),
    "defines": (), "shims": (), "options": (), "preprocessor": None,
}  # fmt: skip


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two C files, and a tree of three targets beside it."""
    tree = tmp_path / "tree"
    (tree / "configs/targets").mkdir(parents=True)
    (tree / "hw").mkdir()
    for name in ("meson.build", "hw/dev.c", "configs/targets/arm-softmmu.mak",
                 "configs/targets/avr-softmmu.mak", "configs/targets/sh4-softmmu.mak"):  # fmt: skip
        (tree / name).write_text("")
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("a.c", "b.c"):
        (folder / name).write_text("")
    monkeypatch.chdir(folder)
    return folder


def job(**given: Any) -> Job:
    return read_job(**{**NOTHING, **given})


def refused(**given: Any) -> str:
    with pytest.raises(VmgenError) as caught:
        job(**given)
    (one,) = caught.value.diagnostics
    assert one.code == "VG630"
    return one.message


def configured(text: str) -> None:
    Path("pyproject.toml").write_text(f"[tool.vmgen]\n{text}\n")


def test_nothing_given_is_the_embedded_headers() -> None:
    made = job()
    assert tuple(one.target for one in made.requests) == EMBEDDED_TARGETS
    assert {(one.qemu, one.sources, one.whole) for one in made.requests} == {
        (None, (), False)
    }
    assert {one.preprocessor for one in made.requests} == {"auto"}
    assert (made.output, made.folder, made.strict) == (Path("generated"), Path(), False)
    assert made.embedded
    assert not made.whole


def test_each_target_is_asked_for_once() -> None:
    made = job(targets=("arm", "avr", "arm"), strict=True, output="out")
    assert [one.target for one in made.requests] == ["arm", "avr"]
    assert (made.output, made.strict) == (Path("out"), True)


@pytest.mark.parametrize(
    "option", ["qemu", "files", "build", "include_dirs", "defines", "shims", "options", "preprocessor"]
)  # fmt: skip
def test_a_release_takes_no_option_about_sources(option: str) -> None:
    value: Any = "x" if NOTHING[option] is None else ("a=b",)
    said = refused(release="10.0", targets=("arm",), **{option: value})
    assert said == "--release needs no sources, and takes no option about them"


def test_a_release_has_its_own_targets() -> None:
    made = job(release="10.0", targets=("arm",))
    assert [(one.target, one.whole) for one in made.requests] == [("arm", False)]
    assert made.release == "10.0"
    assert not made.embedded
    assert "no target 'vax'" in refused(release="10.0", targets=("arm", "vax"))
    assert len(job(release="10.0", whole=True).requests) > len(EMBEDDED_TARGETS)
    assert {one.target for one in job(release="10.0").requests} == set(EMBEDDED_TARGETS)


@pytest.mark.parametrize("option", ["include_dirs", "defines", "shims"])
def test_what_the_compiler_takes_is_for_c_of_the_users(option: str, work: Path) -> None:
    given: dict[str, Any] = {option: ("x",)}
    assert "are for a tree or for C files of your own" in refused(**given)
    expected = ("x",) if option == "defines" else (work / "x",)
    for more in ({"files": ("a.c",)}, {"qemu": "../tree", "targets": ("arm",)}):
        (request,) = job(**given, **more).requests
        assert getattr(request, option) == expected


def test_an_option_of_the_build_is_for_a_tree() -> None:
    assert "--option needs a source tree" in refused(options=("a=b",))
    assert "--option needs a source tree" in refused(options=("a=b",), files=("a.c",))
    tree: dict[str, Any] = {"qemu": "../tree", "targets": ("arm",)}
    (request,) = job(options=("a=b",), **tree).requests
    assert request.options == ("a=b",)
    assert refused(options=("a=b", "vnc"), **tree) == "an option without a value: vnc"
    configured("options = ['c=d']")
    assert job(**tree).requests[0].options == ("c=d",)
    assert job(options=("a=b",), **tree).requests[0].options == ("a=b",)
    assert job(files=("a.c",)).requests[0].options == ()
    configured("options = ['c']")
    assert refused(**tree) == "an option without a value: c"


def test_a_build_folder_is_one_of_a_tree() -> None:
    assert "--build needs the source tree too" in refused(build="b")
    (request,) = job(build="b", qemu="../tree", targets=("arm",)).requests
    assert request.build == Path("b")
    configured("build = 'own'\nqemu = '../tree'\ntargets = ['avr']")
    (request,) = job().requests
    assert request.build is not None
    assert request.build.name == "own"
    assert request.target == "avr"


def test_everything_is_of_a_tree_and_not_of_files() -> None:
    assert "--all is for a QEMU tree" in refused(whole=True)
    assert "exclude each other" in refused(
        whole=True, qemu="../tree", files=("hw/dev.c",)
    )
    made = job(whole=True, qemu="../tree", targets=("arm",))
    assert made.whole
    assert [one.target for one in made.requests] == ["arm"]
    assert {one.target for one in job(whole=True, qemu="../tree").requests} == {
        "arm", "avr", "sh4",
    }  # fmt: skip
    # Its targets are those of the files that it names, too.
    configured("inputs = ['a.c']\ntargets = ['avr', 'arm']")
    expected: dict[tuple[str, ...], list[str]] = {
        (): ["avr", "arm"],
        ("a.c",): ["avr", "arm"],
        ("b.c",): [""],
        ("a.c", "b.c"): [""],
    }
    for files, targets in expected.items():
        assert [one.target for one in job(files=files).requests] == targets
    assert [one.target for one in job(files=("b.c",), targets=("sh4",)).requests] == [
        "sh4"
    ]
    # The configuration's files are left out, its targets are those of its own tree.
    configured("inputs = ['a.c']\ntargets = ['avr']")
    assert len(job(whole=True, qemu="../tree").requests) == 3
    configured("inputs = ['a.c']\ntargets = ['avr']\nqemu = '../tree'")
    assert [one.target for one in job(whole=True).requests] == ["avr"]


def test_files_are_those_of_the_tree_or_of_the_user(work: Path) -> None:
    assert job(files=("a.c", "b.c")).requests[0].sources == ("a.c", "b.c")
    assert job(files=("a.c",)).requests[0].target == ""
    assert refused(files=("a.c", "gone.c")) == "no such file: gone.c"
    (work / "folder").mkdir()
    assert refused(files=("a.c", "folder")) == "a folder, and no C file: folder"
    tree: dict[str, Any] = {"qemu": "../tree", "targets": ("arm",)}
    for name in ("hw/dev.c", "../tree/hw/dev.c", str(work.parent / "tree/hw/dev.c")):
        assert job(files=(name,), **tree).requests[0].sources == ("hw/dev.c",)
    assert job(files=("a.c",), **tree).requests[0].sources == ("a.c",)
    assert "no file gone.c in the tree" in refused(files=("gone.c",), **tree)
    assert "no target" in refused(qemu="../tree")
    configured("inputs = ['b.c']")
    assert job().requests[0].sources == ("b.c",)
    assert job(files=("a.c",)).requests[0].sources == ("a.c",)


def test_the_command_line_comes_before_the_configuration(work: Path) -> None:
    configured(
        "output = 'out'\npreprocessor = 'pcpp'\ninclude-dirs = ['i']\ndefines = ['D']\n"
        "shims = ['s']\nqemu = '../tree'\ntargets = ['arm']"
    )
    made = job()
    (request,) = made.requests
    assert (request.preprocessor, request.defines) == ("pcpp", ("D",))
    assert (request.include_dirs, request.shims) == ((work / "i",), (work / "s",))
    assert (made.output.name, request.target) == ("out", "arm")
    made = job(
        preprocessor="cc", defines=("E",), include_dirs=("j",), shims=("t",), targets=("avr",),
        output="else",
    )  # fmt: skip
    (request,) = made.requests
    assert (request.preprocessor, request.defines) == ("cc", ("E",))
    assert (request.include_dirs, request.shims) == ((work / "j",), (work / "t",))
    assert (made.output.name, request.target) == ("else", "avr")


def test_what_the_configuration_names_is_called_the_same_below_it(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured("inputs = ['a.c']")
    (work / "below").mkdir()
    monkeypatch.chdir(work / "below")
    made = job()
    assert made.folder == work
    assert made.requests[0].sources == ("a.c",)
    (work / "below" / "own.c").write_text("")
    assert job(files=("own.c",)).folder == Path()


def test_a_folder_with_a_configuration_stands_for_its_output(work: Path) -> None:
    from vmgen.cli.stream.codecs import _named_by_project

    assert _named_by_project(str(work)) == str(work)
    configured("output = 'out'")
    assert _named_by_project(str(work)) == str(work / "out")
    assert _named_by_project(".") == str(work / "out")
    # A folder below has none of its own.
    (work / "below").mkdir()
    assert _named_by_project("below") == "below"
    configured("targets = ['arm']")
    assert _named_by_project(str(work)) == str(work)
    # A package is itself, whatever stands beside its code.
    configured("output = 'out'")
    (work / "_runtime.py").write_text("")
    assert _named_by_project(str(work)) == str(work)
