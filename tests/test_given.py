"""What a user gives besides a tree: folders, macros, options, on the command line and in
``[tool.vmgen]``, for every command that reads a tree; and what a tree then lacks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests import fake_qemu
from vmgen import cli
from vmgen.cli.console import Console
from vmgen.cli.stream import made
from vmgen.resources import folder

MESON = """project('qemu', ['c'], version: '1')
more = []
if get_option('extra')
  more += files('hw/extra.c')
endif
foreach name : ['toy64', 'toyeb']
  executable('qemu-system-' + name, files('hw/core/cpu-system.c', 'hw/plain.c', 'hw/wide.c'), more)
endforeach
"""

HEAD = '#include "qemu/osdep.h"\n#include "migration/vmstate.h"\n'

TABLE = """
const VMStateDescription vmstate_%(name)s = {
    .name = "%(name)s", .version_id = 1, .minimum_version_id = 1,
    .fields = (const VMStateField[]) { %(fields)s, VMSTATE_END_OF_LIST() },
};
"""

WIDE = """
#include "vendor/widget.h"
typedef struct Wide { uint32_t a; Widget regs; uint32_t many[WIDGET_MANY]; } Wide;
"""

WIDGET = """
typedef struct Widget { uint32_t x; } Widget;
#ifndef WIDGET_MANY
#define WIDGET_MANY 3
#endif
"""


def device(name: str, fields: str, before: str = "") -> str:
    before = before or f"typedef struct Dev {{ uint32_t {name}; }} Dev;"
    return HEAD + before + TABLE % {"name": name, "fields": fields}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tree, of which one device needs a header that is beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("VMGEN_CACHE", str(tmp_path / "cache"))
    wide = "VMSTATE_UINT32(regs.x, Wide), VMSTATE_UINT32_ARRAY(many, Wide, WIDGET_MANY)"
    fake_qemu.make(
        tmp_path / "qemu",
        **{
            "meson.build": MESON,
            "meson_options.txt": "option('extra', type: 'boolean', value: false)\n",
            "include/migration/vmstate.h": None,
            "include/qemu/osdep.h": '#include "config-host.h"\n#include CONFIG_TARGET\n',
            "hw/plain.c": device("plain", "VMSTATE_UINT32(plain, Dev)"),
            "hw/extra.c": device("extra", "VMSTATE_UINT32(extra, Dev)"),
            "hw/wide.c": device("wide", wide, WIDE),
        },
    )
    for each in ("migration", "qemu"):
        headers = folder("c_headers") / "include" / each
        (tmp_path / "qemu" / "include" / each).mkdir(exist_ok=True)
        for file in headers.glob("*.h"):
            if file.name != "osdep.h":
                shutil.copy(file, tmp_path / "qemu" / "include" / each)
    for name in ("given", "shims"):
        (tmp_path / name / "vendor").mkdir(parents=True)
        (tmp_path / name / "vendor" / "widget.h").write_text(WIDGET)
    return tmp_path


def run(*words: str) -> int:
    return cli.run([one for word in words for one in word.split()])


TREE = "--qemu qemu --all -t toy64"


def lengths(file: str = "vmgen.lock.json") -> dict[str, object]:
    """The number of elements of each description's last field, by symbol."""
    document = json.loads(Path(file).read_text())
    return {
        one["symbol"]: (one["fields"] or [{}])[-1].get("count", 1)
        for module in document["modules"]
        for one in module["descriptions"]
    }


def test_what_is_not_read_is_said_and_nothing_is_written_strictly(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "1 of 3 descriptions not read: hw/wide.c vmstate_wide"
    assert run("generate", TREE, "-o state --strict") == 2
    assert not Path("state").exists()
    assert run("lock", TREE, "--strict") == 2
    assert not Path("vmgen.lock.json").exists()
    for words in ("generate -o state", "lock", "inspect plain"):
        assert run(words, TREE) == 1
        assert said in capsys.readouterr().err
    assert [*lengths()] == ["vmstate_cpu_common", "vmstate_plain"]
    for name in ("wide", "vmstate_wide"):
        assert run("inspect", name, TREE) == 2
        error = capsys.readouterr().err
        assert f"hw/wide.c: error: the description '{name}' was not read" in error
        assert "vendor/widget.h is not found [VG110]" in error.partition("[VG631]")[2]
    assert run("coverage --qemu qemu -t toy64") == 1
    assert "error vmstate_wide" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("option", ["-I given", "--shims shims"])
def test_a_folder_that_is_given_has_what_the_tree_lacks(
    here: Path, option: str
) -> None:
    assert run("generate --strict -o state", TREE, option) == 0
    assert run("lock", TREE, option) == 0
    assert lengths()["vmstate_wide"] == 3
    assert run("lock -o five.json -D WIDGET_MANY=5", TREE, option) == 0
    assert lengths("five.json")["vmstate_wide"] == 5
    assert run("inspect wide -D WIDGET_MANY=5", TREE, option) == 0
    assert run("coverage --qemu qemu -t toy64", option) == 0


def test_an_option_says_what_is_in_the_binary(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "lock", TREE, "-I given"
    assert run(*words, "--option extra=true") == 0
    assert "vmstate_extra" in lengths()
    assert run(*words) == 0
    assert "vmstate_extra" not in lengths()
    assert run(*words, "--option extra=perhaps") == 2
    assert "[VG124]" in capsys.readouterr().err


PROJECT = """
[tool.vmgen]
qemu = "qemu"
targets = ["toy64"]
shims = ["shims"]
defines = ["WIDGET_MANY=5"]
options = ["extra=true"]
"""


def test_a_project_says_it_of_its_tree_for_every_command(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pyproject.toml").write_text(PROJECT)
    assert run("generate --all --strict") == 0
    assert run("lock --all") == 0
    assert lengths()["vmstate_wide"] == 5
    assert "vmstate_extra" in lengths()
    assert run("check --all") == 0
    assert run("inspect wide --all") == 0
    assert run("coverage") == 0
    capsys.readouterr()
    assert run("diff vmgen.lock.json qemu --all -t toy64") == 0
    assert "could not tell" not in capsys.readouterr().out
    made_of = made.from_tree(Path("qemu"), ["toy64"], True, Console())
    assert (made_of / "toy64" / "hw" / "extra.py").is_file()
    # Another tree than the project's is read as it is.
    shutil.copytree("qemu", "other")
    assert run("lock --all --qemu other -t toy64 -o other.json") == 1
    assert [*lengths("other.json")] == ["vmstate_cpu_common", "vmstate_plain"]
    assert run("diff vmgen.lock.json other --all -t toy64 --fields") == 1
    made_of = made.from_tree(Path("other"), ["toy64"], True, Console())
    assert not (made_of / "toy64" / "hw" / "extra.py").exists()


def test_python_functions_of_a_project_do_not_run_for_a_tree(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    functions = '{ load = "rings:load", save = "rings:save" }'
    formats = f"[tool.vmgen.formats]\nvmstate_info_ring = {functions}\n"
    Path("pyproject.toml").write_text(PROJECT + formats)
    made_of = made.from_tree(Path("qemu"), ["toy64"], True, Console())
    assert "opaque: vmstate_info_ring; the Python" in capsys.readouterr().err
    assert not [one for one in made_of.rglob("*") if "rings:load" in _text(one)]


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
