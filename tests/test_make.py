"""Trees up to 5.1: what make would link, from small make files of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen.linkmodel import SystemBinary, binary
from vmgen.linkmodel.make import Make
from vmgen.source import VmgenError
from vmgen.tree import NOTHING_GIVEN, CompileCommand, Given, SourceTree

RULES = """
lnot = $(if $(subst n,,$1),n,y)
land = $(if $(findstring yy,$1$2),y,n)
define unnest-vars
    $(error the text of the tree's own is not looked at)
endef
"""
TARGET = """
include ../config-host.mak
include $(SRC_PATH)/rules.mak
QEMU_PROG=qemu-system-$(TARGET_NAME)$(EXESUF)
obj-y += exec.o hw/ target/$(TARGET_BASE_ARCH)/
dummy := $(call unnest-vars,,obj-y)
all-obj-y := $(obj-y)
common-obj-m :=
include $(SRC_PATH)/Makefile.objs
dummy := $(call unnest-vars,.., \\
               common-obj-y \\
               common-obj-m)
all-obj-y += $(common-obj-y)
$(QEMU_PROG): $(all-obj-y) ../libqemuutil.a
\t$(call LINK, $^)
\techo obj-y += recipe.o
"""
OBJECTS = """
stub-obj-y = stubs/
util-obj-y = util/
common-obj-y = main.o hw/ # a remark
common-obj-m = ui/
"""


def build(
    root: Path,
    files: dict[str, str],
    devices: tuple[str, ...] = (),
    given: Given = NOTHING_GIVEN,
) -> SystemBinary:
    """The binary of a tree with these make files beside the ones above; every C file
    that it could name exists."""
    config = root / "config"
    config.mkdir(parents=True)
    (config / "config-host.h").write_text("#define CONFIG_POSIX 1\n")
    target = '#define TARGET_NAME "toy"\n'
    (config / "toy-softmmu-config-target.h").write_text(target)
    (config / "toy-softmmu-config-devices.h").write_text(
        "".join(f"#define {name} 1\n" for name in devices)
    )
    every = {
        "Makefile.target": TARGET,
        "Makefile.objs": OBJECTS,
        "rules.mak": RULES,
        **files,
    }
    for name, text in every.items():
        path = root / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in ("", "hw", "hw/net", "target/toy", "ui", "util", "stubs"):
        for stem in ("exec", "main", "a", "b", "c", "recipe"):
            path = root / "tree" / folder / f"{stem}.c"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    return binary(
        SourceTree(
            kind="qemu",
            root=root / "tree",
            release="",
            target="toy",
            base_arch="toy",
            targets=("toy",),
            cpu_sources=(),
            command=CompileCommand(),
            config_dirs=(config,),
            given=given,
        )
    )


def files(root: Path, files: dict[str, str], devices: tuple[str, ...] = ()) -> set[str]:
    return set(build(root, files, devices).files) - {"exec.c", "main.c"}


def test_a_folder_names_its_objects(tmp_path: Path) -> None:
    text = {
        "hw/Makefile.objs": "obj-y += a.o net/\ncommon-obj-y += b.o\n",
        "hw/net/Makefile.objs": "obj-y = c.o\n",
        "target/toy/Makefile.objs": "obj-y += a.o generated.o\n",
    }
    found = build(tmp_path, text)
    assert found.files == (
        "exec.c",
        "hw/a.c",
        "hw/b.c",
        "hw/net/c.c",
        "main.c",
        "target/toy/a.c",
    )


def test_what_a_folder_says_of_another_variable_does_not_count(tmp_path: Path) -> None:
    # hw/ stands in obj-y and common-obj-y; net/ in obj-y alone.
    text = {
        "hw/Makefile.objs": "obj-y += net/\n",
        "hw/net/Makefile.objs": "obj-y += a.o\ncommon-obj-y += b.o\n",
    }
    assert files(tmp_path, text) == {"hw/net/a.c"}


@pytest.mark.parametrize(
    ("text", "devices", "names"),
    [
        ("obj-$(CONFIG_A) += a.o\nobj-${CONFIG_B} += b.o", ("CONFIG_A",), "a"),
        ("obj-$(call lnot,$(CONFIG_A)) += a.o", (), "a"),
        ("obj-$(call lnot,$(CONFIG_A)) += a.o", ("CONFIG_A",), ""),
        ("obj-$(call land,$(CONFIG_A),$(CONFIG_B)) += a.o", ("CONFIG_A",), ""),
        (
            "obj-$(call land,$(CONFIG_A),$(CONFIG_B)) += a.o",
            ("CONFIG_A", "CONFIG_B"),
            "a",
        ),
        ("ifeq ($(CONFIG_A),y)\nobj-y += a.o\nelse\nobj-y += b.o\nendif", (), "b"),
        (
            "ifdef CONFIG_B\nobj-y += a.o\nelse ifneq ($(TARGET_NAME),toy)\n"
            "obj-y += b.o\nelse\nobj-y += c.o\nendif",
            (),
            "c",
        ),
        ("ifdef NOTHING\nifeq (\nendif\nendif\nobj-y += a.o", (), "a"),
        ("tap-y ?= a.o\ntap-y ?= b.o\nobj-y += $(tap-y)", (), "a"),
        ("late = $(now)\nnow = a.o\nobj-y += $(late)", (), "a"),
        ("now = a.o\nearly := $(now)\nnow = b.o\nobj-y += $(early)", (), "a"),
        ("obj-y += a.o \\\n  b.o # c.o", (), "ab"),
        ("obj-y += $(patsubst %.x,%.o,a.x) $(stems:%=%.o)\nstems = b", (), "ab"),
        ("obj-y += $(filter-out b.o,a.o b.o)", (), "a"),
        ("obj-y += $(foreach one,a b,$(one).o)", (), "ab"),
        ("obj-$(if $(CONFIG_A),n,y) += a.o", (), "a"),
        ("a.o: b.o\n\tobj-y += c.o\nobj-y += a.o", (), "a"),
        ("obj-y += both.mo\nboth.mo-objs := a.o b.o", (), "ab"),
    ],
)
def test_make_selects(
    tmp_path: Path, text: str, devices: tuple[str, ...], names: str
) -> None:
    found = files(tmp_path, {"hw/Makefile.objs": text}, devices)
    assert found == {f"hw/{name}.c" for name in names}


def test_what_would_be_a_module_is_in_the_binary(tmp_path: Path) -> None:
    text = {"ui/Makefile.objs": "common-obj-m += a.o sdl.mo\nsdl.mo-objs = b.o c.o\n"}
    assert files(tmp_path, text) == {"ui/a.c", "ui/b.c", "ui/c.c"}


def test_stubs_and_utilities_are_an_archive(tmp_path: Path) -> None:
    text = {
        "stubs/Makefile.objs": "stub-obj-y += a.o\n",
        "util/Makefile.objs": "util-obj-$(CONFIG_POSIX) += b.o\nutil-obj-$(CONFIG_WIN32) += c.o\n",
    }
    assert build(tmp_path, text).archive == ("stubs/a.c", "util/b.c")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("endif", "hw/Makefile.objs"),
        ("ifeq (a)\nendif", "hw/Makefile.objs"),
        ("include $(SRC_PATH)/hw/Makefile.objs", "hw/Makefile.objs"),
        # These are found where the variable is asked for.
        ("obj-y += $(call", "Makefile.target"),
        ("one = $(two)\ntwo = $(one)\nobj-y += $(one)", "Makefile.target"),
    ],
)
def test_a_make_file_that_cannot_be_read(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(VmgenError) as caught:
        build(tmp_path, {"hw/Makefile.objs": text})
    (found,) = caught.value.diagnostics
    assert (found.code, found.position.file) == ("VG121", place)


def test_a_tree_that_does_not_make_the_binary(tmp_path: Path) -> None:
    with pytest.raises(VmgenError) as caught:
        build(tmp_path, {"Makefile.target": "qemu-system-other: exec.o\n"})
    assert caught.value.diagnostics[0].code == "VG122"


def test_text_that_doubles_has_an_end() -> None:
    text = "".join(f"v{n + 1} = $(v{n})$(v{n})\n" for n in range(60))
    make = Make({"v0": "x" * 100}, lambda name: None, {})
    make.read(text, "many.mak")
    with pytest.raises(VmgenError):
        make.value("v60")


def test_nothing_of_a_make_file_runs(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    make = Make({}, lambda name: None, {})
    make.read(f"x := $(shell touch {mark})\nall:\n\ttouch {mark}\n", "evil.mak")
    assert make.value("x") == []
    assert not mark.exists()


@pytest.mark.parametrize(
    ("define", "found"),
    [
        ("CONFIG_FORK", ["main.c", "own/a.c"]),
        ("CONFIG_FORK=1", ["main.c", "own/a.c"]),
        ("CONFIG_FORK=0", ["main.c"]),
        ("FORK", ["main.c"]),
        ("CONFIG_POSIX=0", []),
    ],
)
def test_what_configure_would_find_is_given_as_a_macro(
    tmp_path: Path, define: str, found: list[str]
) -> None:
    (tmp_path / "tree" / "own").mkdir(parents=True)
    (tmp_path / "tree" / "own" / "a.c").write_text("")
    objects = (
        "common-obj-$(CONFIG_POSIX) = main.o\ncommon-obj-$(CONFIG_FORK) += own/a.o"
    )
    made = build(tmp_path, {"Makefile.objs": objects}, given=Given(defines=(define,)))
    assert sorted(set(made.files) - {"exec.c"}) == found


def test_options_are_of_later_trees(tmp_path: Path) -> None:
    with pytest.raises(VmgenError, match="VG124") as caught:
        build(tmp_path, {}, given=Given(options=("vnc=disabled",)))
    assert "-D CONFIG_NAME" in caught.value.diagnostics[0].hint
