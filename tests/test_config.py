"""[tool.vmgen]: where it is looked for, what it may say, and what errors say."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen import config, report
from vmgen.cli import run
from vmgen.cli.job import read_job
from vmgen.source import VmgenError


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def errors(folder: Path) -> str:
    with pytest.raises(VmgenError) as caught:
        config.find(folder)
    return report.render(caught.value.diagnostics)


def test_every_key(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        [tool.vmgen]
        inputs = ["hw/char/serial.c", "my.c"]
        targets = ["riscv64", "x86_64"]
        output = "src/gen"
        qemu = "../qemu"
        build = "/abs/build"
        include-dirs = ["inc"]
        defines = ["A=1", "B"]
        shims = ["more"]
        options = ["vnc=disabled"]
        preprocessor = "pcpp"
        """,
    )
    found = config.find(tmp_path / "sub" / "folder")
    assert found == config.Config(
        file=tmp_path / "pyproject.toml",
        inputs=("hw/char/serial.c", "my.c"),
        targets=("riscv64", "x86_64"),
        output=tmp_path / "src/gen",
        qemu=tmp_path / "../qemu",
        build=Path("/abs/build"),
        include_dirs=(tmp_path / "inc",),
        defines=("A=1", "B"),
        shims=(tmp_path / "more",),
        options=("vnc=disabled",),
        preprocessor="pcpp",
    )


def test_no_file_and_no_section(tmp_path: Path) -> None:
    assert config.find(tmp_path) == config.Config()
    write(tmp_path, "[tool.black]\nline-length = 88\n")
    assert config.find(tmp_path) == config.Config()


def test_the_nearest_section_counts(tmp_path: Path) -> None:
    write(tmp_path, '[tool.vmgen]\noutput = "outer"\n')
    write(tmp_path / "a", "[project]\nname = 'a'\n")
    inner = write(tmp_path / "a" / "b", '[tool.vmgen]\noutput = "inner"\n')
    assert config.find(inner).output == inner / "inner"
    assert config.find(tmp_path / "a").output == tmp_path / "outer"


def test_unknown_keys_are_named_with_a_suggestion_all_at_once(tmp_path: Path) -> None:
    write(tmp_path, "[tool.vmgen]\ntarget = ['riscv64']\noutput = 3\nfrobnicate = 1\n")
    text = errors(tmp_path)
    file = tmp_path / "pyproject.toml"
    assert f"{file}:2:1: error: in [tool.vmgen]: unknown key 'target' [VG611]" in text
    assert "     2 | target = ['riscv64']\n       | ^\n" in text
    assert "hint: did you mean 'targets'?" in text
    assert (
        f"{file}:3:1: error: in [tool.vmgen]: 'output' should be a string [VG612]"
        in text
    )
    assert text.count("hint:") == 2  # a value of another type needs none
    assert "unknown key 'frobnicate'" in text
    assert f"the keys are: {', '.join(config.KEYS)}" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("targets = 'riscv64'", "'targets' should be a list of strings"),
        ("targets = [1]", "'targets' should be a list of strings"),
        ("qemu = true", "'qemu' should be a string"),
        ("preprocessor = 'gcc'", "'preprocessor' should be one of auto, cc, pcpp"),
        ("include_dirs = ['a']", "unknown key 'include_dirs'"),
    ],
)
def test_wrong_values(tmp_path: Path, line: str, message: str) -> None:
    write(tmp_path, f"[tool.vmgen]\n{line}\n")
    assert message in errors(tmp_path)


@pytest.mark.parametrize(
    ("entry", "fine"),
    [
        ("'u8 x'", True),
        ("{line = 'u8 x'}", True),
        ("{line = 'u8 x', get = 'g', put = 'p'}", True),
        ("1", False),
        ("['u8 x']", False),
        ("{get = 'g'}", False),
        ("{}", False),
        ("{line = 'u8 x', more = 'm'}", False),
        ("{line = 1}", False),
        ("{line = 'u8 x', get = 2}", False),
    ],
)
def test_an_entry_of_formats_is_a_line_or_a_table(
    tmp_path: Path, entry: str, fine: bool
) -> None:
    text = f"[tool.vmgen.formats]\n'hw/x.c:info' = {entry}\n"
    if not fine:
        write(tmp_path, text)
        assert "'formats.hw/x.c:info' should be a line of the grammar" in errors(
            tmp_path
        )
        return
    write(tmp_path, text)
    (found,) = config.find(tmp_path).formats
    assert (found.file, found.symbol, found.line) == ("hw/x.c", "info", "u8 x")
    assert (found.get, found.put) == (("g", "p") if "get" in entry else ("", ""))
    assert found.position.line == 2
    write(tmp_path, "[tool.vmgen]\nformats = 'u8 x'\n")
    assert "'formats' should be a table" in errors(tmp_path)


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("", False), ("[tool.other]\n", False), ("[tool.vmgen]\n", True),
        ("[tool]\nvmgen = 1\n", True), ("tool = 'vmgen'\n", False), ("[vmgen]\n", False),
    ],
)  # fmt: skip
def test_whether_there_is_a_section(text: str, has: bool) -> None:
    assert config.has_section(text, Path("pyproject.toml")) is has


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(VmgenError, match="cannot be read: No such file or directory"):
        config.read(tmp_path / "pyproject.toml")


def test_the_key_of_another_section_is_not_blamed(tmp_path: Path) -> None:
    write(tmp_path, "[tool.other]\ntarget = 1\n\n[tool.vmgen]\ntarget = 1\n")
    assert "pyproject.toml:5:1" in errors(tmp_path)


def test_the_section_is_not_a_table(tmp_path: Path) -> None:
    write(tmp_path, "[tool]\nvmgen = 1\n")
    assert "'tool.vmgen' should be a table" in errors(tmp_path)


def test_broken_toml_is_shown(tmp_path: Path) -> None:
    write(tmp_path, "[tool.vmgen]\noutput = \n")
    text = errors(tmp_path)
    assert "not valid TOML" in text
    assert "pyproject.toml:2:" in text
    assert "     2 | output =" in text


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.vmgen]\n# \xff\n")
    assert "not UTF-8 at byte 15" in errors(tmp_path)


def test_all_means_every_target_of_a_tree_that_the_configuration_does_not_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tree in ("own", "other"):
        (tmp_path / tree / "configs/targets").mkdir(parents=True)
        (tmp_path / tree / "meson.build").write_text("")
        for target in ("arm", "avr", "sh4"):
            (tmp_path / tree / f"configs/targets/{target}-softmmu.mak").write_text("")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.vmgen]\nqemu = "own"\ntargets = ["arm"]\n'
    )
    monkeypatch.chdir(tmp_path)

    def targets(tree: str, *given: str) -> list[str]:
        job = read_job(
            files=(),
            qemu=tree or None,
            targets=given,
            build=None,
            include_dirs=(),
            defines=(),
            shims=(),
            options=(),
            preprocessor=None,
            whole=True,
        )
        return [request.target for request in job.requests]

    assert targets("") == targets("own") == ["arm"]
    assert targets("other") == ["arm", "avr", "sh4"]
    assert targets("other", "sh4") == targets("own", "sh4") == ["sh4"]


def test_a_tree_can_have_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, '[tool.vmgen.trees]\nfork = "../a-fork"\n')
    monkeypatch.chdir(tmp_path)
    assert config.find(tmp_path).tree("fork") == tmp_path / "../a-fork"
    assert config.find(tmp_path).tree("other") is None
    (tmp_path / ".." / "a-fork").mkdir()
    # The folder is no tree: that the name led to it is what both ways of reading say.
    for words in (["-t", "arm", "--qemu", "fork"], ["-tarm", "--qemu", "fork"]):
        assert run(["inspect", *words]) == 2
        assert "../a-fork" in capsys.readouterr().err
    assert run(["inspect", "-t", "arm", "--qemu", "other"]) == 2
    assert "'other' does not exist" in capsys.readouterr().err
    assert run(["diff", "fork", "10.0", "-t", "arm"]) == 2
    assert "../a-fork" in capsys.readouterr().err
    write(tmp_path, '[tool.vmgen.trees]\n"1.0" = "x"\n')
    assert "'trees' should be a table of names and folders [VG612]" in errors(tmp_path)
