"""The first stage: what is read from a tree, what is made beside it, what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests import fake_qemu
from tests.fake_qemu import EIGHT, REAL_TREES, needs_real_tree
from vmgen import tree
from vmgen.source import Diagnostic, VmgenError
from vmgen.tree import build, qapi, scan
from vmgen.tree.qapi_names import c_name, capitals_by_letters, capitals_by_runs


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fake_qemu.make(tmp_path / "qemu")


@pytest.fixture
def entries(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def refusal(
    path: Path, target: str, entries: Path, build: Path | None = None
) -> Diagnostic:
    with pytest.raises(VmgenError) as caught:
        tree.configure(path, target, cache=entries, build=build)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def generated(found: tree.SourceTree, name: str) -> str:
    return found.path(f"<config>/{name}").read_text(encoding="utf-8")


def macros(text: str) -> dict[str, str]:
    return dict(re.findall(r"^#define (\w+) (.*)$", text, re.MULTILINE))


# What a tree says.


def test_what_the_tree_says(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toy64", cache=entries)
    assert found.root == root
    assert (found.release, found.target, found.base_arch) == ("10.0.50", "toy64", "toy")
    assert found.targets == ("toy64", "toyeb")
    # The file with the description called "cpu", the one that it refers to, and the
    # common one; not the accelerator's, not those that only declare.
    assert found.cpu_sources == (
        "hw/core/cpu-system.c",
        "target/toy/machine.c",
        "target/toy/timer.c",
    )


def test_the_common_file_may_be_anywhere(tmp_path: Path, entries: Path) -> None:
    moved = fake_qemu.FILES["hw/core/cpu-system.c"]
    root = fake_qemu.make(
        tmp_path, **{"hw/core/cpu-system.c": None, "deep/er/x.c": moved}
    )
    found = tree.configure(root, "toy64", cache=entries)
    assert found.cpu_sources[0] == "deep/er/x.c"


def test_hidden_folders_are_not_the_tree(tmp_path: Path, entries: Path) -> None:
    moved = fake_qemu.FILES["hw/core/cpu-system.c"]
    root = fake_qemu.make(
        tmp_path,
        **{
            "hw/core/cpu-system.c": None,
            "deep/er/x.c": moved,
            ".pc/first.patch/x.c": moved,
        },
    )
    found = tree.configure(root, "toy64", cache=entries)
    assert found.cpu_sources[0] == "deep/er/x.c"


def test_a_cpu_without_description(tmp_path: Path, entries: Path) -> None:
    root = fake_qemu.make(tmp_path, **{"target/toy/machine.c": None})
    found = tree.configure(root, "toy64", cache=entries)
    assert found.cpu_sources == ("hw/core/cpu-system.c",)


def test_config_of_a_little_endian_target(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toy64", cache=entries)
    config = macros(generated(found, "toy64-softmmu-config-target.h"))
    assert config == {
        "TARGET_NAME": '"toy64"',
        "TARGET_BIG_ENDIAN": "0",
        "TARGET_LONG_BITS": "64",
        "TARGET_TOY64": "1",
        "TARGET_TOY": "1",
        "TARGET_NEED_FDT": "1",
        "QEMU_ARCH": "QEMU_ARCH_TOY",
        "CONFIG_SYSTEM_ONLY": "1",
        "CONFIG_SOFTMMU": "1",
        "CONFIG_TCG": "1",
    }


def test_config_of_a_big_endian_target(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toyeb", cache=entries)
    config = macros(generated(found, "toyeb-softmmu-config-target.h"))
    assert config["TARGET_BIG_ENDIAN"] == "1"
    assert config["TARGET_TOY"] == "1"
    assert "TARGET_TOY64" not in config


def test_config_of_host_devices_and_trace(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toy64", cache=entries)
    host = macros(generated(found, "config-host.h"))
    # PLUGIN decides the size of CPUState; PIXMAN and SPICE would need their headers.
    assert host["CONFIG_PLUGIN"] == host["CONFIG_TCG"] == "1"
    assert not {"CONFIG_PIXMAN", "CONFIG_SPICE"} & host.keys()
    assert host["QEMU_VERSION"] == '"10.0.50"'
    assert host["QEMU_VERSION_MICRO"] == "50"
    devices = macros(generated(found, "toy64-softmmu-config-devices.h"))
    assert devices["CONFIG_TOY_UART"] == "1"
    for name in ("root", "hw_core", "target_toy"):
        assert "define" not in generated(found, f"trace/trace-{name}.h")


def test_kvm_only_where_the_host_has_it() -> None:
    from vmgen.tree.generated import config_target

    assert "CONFIG_KVM 1" in config_target("x86_64", {"TARGET_ARCH": "x86_64"})
    assert "CONFIG_KVM" not in config_target("riscv64", {"TARGET_ARCH": "riscv64"})


# What is refused.


def test_not_a_tree(tmp_path: Path, entries: Path) -> None:
    diagnostic = refusal(tmp_path, "toy64", entries)
    assert diagnostic.code == "VG101"
    assert "no include/migration/vmstate.h" in diagnostic.message
    assert "configs/targets or default-configs" in diagnostic.message


@pytest.mark.parametrize("also", ["scripts/minikconf.py", "qapi/qapi-schema.json"])
def test_a_release_before_four_is_told_apart(
    tmp_path: Path, entries: Path, also: str
) -> None:
    root = before_meson(tmp_path, **{"scripts/minikconf.py": None, also: None})
    diagnostic = refusal(root, "toyeb", entries)
    assert diagnostic.code == "VG101"
    assert "older than QEMU 4.0" in diagnostic.message


@pytest.mark.parametrize(
    ("text", "release"),
    [
        (
            "project('qemu', ['c'], meson_version: '>=1',\n  version: '9.0.1-fork')",
            "9.0.1-fork",
        ),
        ("project('qemu')", "unknown"),
    ],
)
def test_a_tree_without_version(
    tmp_path: Path, entries: Path, text: str, release: str
) -> None:
    root = fake_qemu.make(tmp_path, **{"VERSION": None, "meson.build": text})
    assert tree.configure(root, "toy64", cache=entries).release == release


CONFIGURE = """
case "$target_name" in
  armeb|toyeb|mips)
  target_bigendian="yes"
  ;;
esac
case "$target_name" in
  arm)
    TARGET_BASE_ARCH=none
  ;;
  toy64)
    mttcg="yes"
  ;;
  toy|toyeb)
    TARGET_ARCH=toy
    TARGET_BASE_ARCH=toy
    mttcg="no"
    echo "TARGET_ABI32=y" >> $config_target_mak
  ;;
esac
"""


def before_meson(folder: Path, **files: str | None) -> Path:
    """The toy as releases up to 5.1 have it."""
    gone = [name for name in fake_qemu.FILES if name.startswith("configs/")]
    return fake_qemu.make(
        folder,
        **{
            **dict.fromkeys((*gone, "meson.build", "target/Kconfig"), None),
            "configure": CONFIGURE,
            "Makefile.target": "",
            "Makefile.objs": "trace-events-subdirs += hw/core\n",
            "Kconfig": "source target/toy/Kconfig\n",
            "default-configs/toyeb-softmmu.mak": "",
            "default-configs/toyeb-linux-user.mak": "",
            "default-configs/toy-softmmu-common.mak": "",
            **files,
        },
    )


def test_a_tree_before_meson(tmp_path: Path, entries: Path) -> None:
    found = tree.configure(before_meson(tmp_path), "toyeb", cache=entries)
    assert (found.targets, found.base_arch) == (("toyeb",), "toy")
    header = generated(found, "toyeb-softmmu-config-target.h")
    assert "#define TARGET_TOY 1" in header
    assert "#define TARGET_WORDS_BIGENDIAN 1" in header
    assert "#define TARGET_ABI32 1" in header
    assert "MTTCG" not in header
    assert "define" not in generated(found, "hw/core/trace.h")
    assert "#include CONFIG_TARGET" in generated(found, "config-target.h")


@pytest.mark.parametrize("folder", ["configs", "default-configs"])
def test_devices_of_a_target_by_release(
    tmp_path: Path, entries: Path, folder: str
) -> None:
    files = {
        name.replace(
            "configs/devices/toy64-softmmu/default", f"{folder}/devices/toy64-softmmu"
        ).replace("configs/targets", f"{folder}/targets"): text
        for name, text in fake_qemu.FILES.items()
    }
    if folder == "configs":
        files = dict(fake_qemu.FILES)
    gone = dict.fromkeys(set(fake_qemu.FILES) - set(files), None)
    found = tree.configure(
        fake_qemu.make(tmp_path, **files, **gone), "toy64", cache=entries
    )
    assert "CONFIG_TOY_UART" in generated(found, "toy64-softmmu-config-devices.h")


def test_unknown_target(root: Path, entries: Path) -> None:
    diagnostic = refusal(root, "toy46", entries)
    assert diagnostic.code == "VG102"
    assert "'toy46'" in diagnostic.message
    assert diagnostic.hint.startswith("did you mean toy64")
    # A target for user mode is not one.
    assert refusal(root, "toy64-linux-user", entries).code == "VG102"


def test_kconfig_fails(
    root: Path, entries: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KCONFIG_FAILS", "1")
    diagnostic = refusal(root, "toy64", entries)
    assert diagnostic.code == "VG104"
    assert "contradiction" in diagnostic.message
    assert "--build" in diagnostic.hint
    # No half-made entry stays: once it works, it works.
    monkeypatch.delenv("TOY_KCONFIG_FAILS")
    assert tree.configure(root, "toy64", cache=entries).cpu_sources


def test_no_common_description(tmp_path: Path, entries: Path) -> None:
    root = fake_qemu.make(tmp_path, **{"hw/core/cpu-system.c": None})
    assert refusal(root, "toy64", entries).code == "VG108"


def test_a_target_without_architecture(tmp_path: Path, entries: Path) -> None:
    name = "configs/targets/toyeb-softmmu.mak"
    root = fake_qemu.make(tmp_path, **{name: "TARGET_BIG_ENDIAN=y\n"})
    diagnostic = refusal(root, "toyeb", entries)
    assert (diagnostic.code, diagnostic.position.file) == ("VG101", name)


def test_unreadable_text(root: Path, entries: Path) -> None:
    (root / "VERSION").write_bytes(b"\xff\xfe10")
    assert refusal(root, "toy64", entries).code == "VG113"


# The cache.


def test_nothing_is_written_into_the_tree(root: Path, entries: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        return {
            str(path): (
                path.stat().st_mtime_ns,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in [root, *root.rglob("*")]
        }

    before = state()
    tree.configure(root, "toy64", cache=entries)
    tree.configure(root, "toyeb", cache=entries)
    assert state() == before


def test_made_once_and_again_when_something_changed(
    root: Path, entries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = tmp_path / "runs"
    monkeypatch.setenv("TOY_KCONFIG_RUNS", str(runs))
    first = tree.configure(root, "toy64", cache=entries)
    assert tree.configure(root, "toy64", cache=entries) == first
    assert runs.read_text() == "x\n"
    # A Kconfig file that another one sources counts too.
    (root / "target/toy/Kconfig").write_text("config TOY\n    bool\n# more\n")
    tree.configure(root, "toy64", cache=entries)
    assert runs.read_text() == "x\nx\n"
    # So does a new file that describes the CPU.
    (root / "target/toy/more.c").write_text(
        'const VMStateDescription vmstate_more = { .name = "cpu" };\n'
    )
    again = tree.configure(root, "toy64", cache=entries)
    assert "target/toy/more.c" in again.cpu_sources
    # And the QAPI schema, for what all targets share.
    (root / "qapi/toy.json").write_text("{ 'enum': 'ToyMode', 'data': [ 'only' ] }")
    changed = tree.configure(root, "toy64", cache=entries)
    assert "TOY_MODE_ONLY" in generated(changed, "qapi/qapi-types-toy.h")


def test_targets_share_what_is_common(root: Path, entries: Path) -> None:
    one = tree.configure(root, "toy64", cache=entries).config_dirs
    other = tree.configure(root, "toyeb", cache=entries).config_dirs
    assert one[0] != other[0]
    assert one[1] == other[1]


def test_two_trees_do_not_mix(root: Path, entries: Path, tmp_path: Path) -> None:
    other = fake_qemu.make(tmp_path / "other", VERSION="7.2.22\n")
    tree.configure(root, "toy64", cache=entries)
    found = tree.configure(other, "toy64", cache=entries)
    assert '"7.2.22"' in generated(found, "config-host.h")


def test_a_cache_that_cannot_be_written(root: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    found = tree.configure(root, "toy64", cache=blocked / "below")
    assert macros(generated(found, "config-host.h"))["CONFIG_TCG"] == "1"
    assert blocked.read_text() == "not a folder"


def _configure(arguments: tuple[Path, Path]) -> tuple[str, ...]:
    root, entries = arguments
    return tuple(map(str, tree.configure(root, "toy64", cache=entries).config_dirs))


def test_several_processes_at_once(root: Path, entries: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        results = set(pool.map(_configure, [(root, entries)] * 8))
    assert len(results) == 1
    left = sorted(path.name for path in entries.iterdir())
    assert len(left) == 2, "temporary folders must not stay"
    assert not any(name.startswith(".") for name in left)


# Names of files.


def test_names_and_back(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toy64", cache=entries)
    for path, name in (
        (root / "target/toy/cpu.h", "target/toy/cpu.h"),
        (root / "target/../include/qemu/osdep.h", "include/qemu/osdep.h"),
        (Path("target/toy/cpu.h"), "target/toy/cpu.h"),
        (found.config_dirs[1] / "qapi/util.h", "<config>/qapi/util.h"),
        (tree.SHIMS / "include/glib.h", "<vmgen>/include/glib.h"),
        (Path("/usr/include/x.h"), "/usr/include/x.h"),
    ):
        assert found.relative(path) == name
    for name in (
        "target/toy/cpu.h",
        "<config>/config-host.h",
        "<config>/toy64-softmmu-config-target.h",
        "<vmgen>/predefined.h",
    ):
        assert found.path(name).is_file()
        assert found.relative(found.path(name)) == name


def test_a_folder_with_the_same_start_is_not_inside(root: Path, entries: Path) -> None:
    found = tree.configure(root, "toy64", cache=entries)
    beside = str(root) + "-other/file.h"
    assert found.relative(beside) == beside


# Embedded headers and files of the user's.


@pytest.mark.parametrize("target", EIGHT)
def test_embedded(target: str) -> None:
    found = tree.embedded(target)
    arch = {"i386": "i386", "x86_64": "i386", "aarch64": "arm"}.get(
        target, target.rstrip("0123456789")
    )
    assert found.base_arch == arch
    assert set(found.targets) == set(EIGHT)
    assert found.release.split(".")[0] == "10"
    assert f"target/{arch}/machine.c" in found.cpu_sources
    assert all((found.root / name).is_file() for name in found.cpu_sources)
    assert found.command.forced_includes == (found.root / f"configs/{target}.h",)


def test_embedded_unknown_target() -> None:
    with pytest.raises(VmgenError) as caught:
        tree.embedded("riscv46")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG102"
    assert "riscv64" in diagnostic.hint


def test_embedded_headers_beside_the_package_or_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vmgen import resources

    files = {
        "VERSION": "1.2.3\n",
        "configs/toy.h": "#define TARGET_TOY 1\n",
        "target/toy/machine.c": 'const VMStateDescription v = { .name = "cpu" };\n',
        "target/other/machine.c": "",
    }
    for place in ("vmgen/c_headers", "c_headers"):
        for name, text in files.items():
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "vmgen/resources.py"))
    found = tree.embedded("toy")
    assert found.root == tmp_path / "vmgen/c_headers"
    assert found.cpu_sources == ("target/toy/machine.c",)
    (tmp_path / "vmgen/c_headers").rename(tmp_path / "elsewhere")
    assert tree.embedded("toy").root == tmp_path / "c_headers"


def test_standalone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.c").write_text("int x;\n")
    Path("inc").mkdir()
    found = tree.standalone((Path("my.c"),), (Path("inc"),), ("A=1",))
    assert found.cpu_sources == ("my.c",)
    assert found.command.defines == ("A=1",)
    # The user's folders come before the embedded vocabulary.
    assert found.command.include_dirs[0] == tmp_path / "inc"
    assert found.headers is not None
    assert found.command.include_dirs[1] == found.headers / "include"
    name = found.relative(found.headers / "include/migration/vmstate.h")
    assert name == "<c_headers>/include/migration/vmstate.h"
    assert found.path(name).is_file()


def test_standalone_reports_all_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(VmgenError) as caught:
        tree.standalone((tmp_path / "a.c", tmp_path / "b.c"), (tmp_path / "inc",))
    assert [d.code for d in caught.value.diagnostics] == ["VG103"] * 3


# A configured build.


def compile_commands(folder: Path, *entries: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "compile_commands.json").write_text(json.dumps(entries))
    return folder


def command(target: str, *flags: str) -> dict[str, str]:
    config = f'"-DCONFIG_TARGET=\\"{target}-softmmu-config-target.h\\""'
    return {
        "directory": ".",
        "file": "../qemu/target/toy/machine.c",
        "output": f"libqemu-{target}-softmmu.a.p/target_toy_machine.c.o",
        "command": f"cc -m64 -Ilibqemu.p -I. {config} {' '.join(flags)} -MD -MF x.d "
        "-O2 -c ../qemu/target/toy/machine.c -o x.o",
    }


def test_the_command_of_the_right_target(root: Path, entries: Path) -> None:
    folder = compile_commands(
        root.parent / "build",
        command("toyeb", "-DONE"),
        command("toy64", "-DTWO", "-isystem", "../qemu/linux-headers"),
        {
            "directory": ".",
            "file": "../qemu/hw/core/cpu-system.c",
            "arguments": ["cc", "-include", "forced.h", "-UX", "-iquote", ".", "-DA=b"],
            "output": "libcommon.a.p/x.o",
        },
        {"directory": ".", "file": "/elsewhere/x.c", "command": "cc -c x.c"},
    )
    found = tree.configure(root, "toy64", build=folder, cache=entries)
    mine = found.command_for("target/toy/machine.c")
    assert "TWO" in mine.defines
    assert "ONE" not in mine.defines
    assert 'CONFIG_TARGET="toy64-softmmu-config-target.h"' in mine.defines
    assert mine.include_dirs == (folder / "libqemu.p", folder)
    assert mine.system_dirs == (root / "linux-headers",)
    assert mine.extra == ("-m64",)
    assert (mine.directory, mine.shims) == (folder, False)
    common = found.command_for("hw/core/cpu-system.c")
    assert common.forced_includes == (folder / "forced.h",)
    assert (common.defines, common.undefines) == (("A=b",), ("X",))
    assert common.quote_dirs == (folder,)
    with pytest.raises(VmgenError) as caught:
        found.command_for("target/toy/timer.c")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG107"
    assert diagnostic.position.file == "target/toy/timer.c"
    assert found.relative(folder / "config-host.h") == "<config>/config-host.h"


def test_build_of_another_target_only(root: Path, entries: Path) -> None:
    folder = compile_commands(root.parent / "build", command("toyeb"))
    found = tree.configure(root, "toy64", build=folder, cache=entries)
    with pytest.raises(VmgenError, match="not compiled for toy64"):
        found.command_for("target/toy/machine.c")


def test_output_folder_tells_the_target_too(root: Path) -> None:
    def entry(output: str, define: str) -> dict[str, str]:
        return {
            "directory": ".",
            "file": "../qemu/target/toy/machine.c",
            "command": f"cc -D{define} -c x.c -o {output}",
        }

    folder = compile_commands(
        root.parent / "build",
        entry("libqemu-toy64-softmmu.fa.p/x.o", "RIGHT"),
        entry("libqemu-toyeb-softmmu.fa.p/x.o", "WRONG"),
        entry("qemu-toy64.p/x.o", "USER"),
        entry("tests/unit.p/x.o", "TEST"),
    )
    found = build.commands(folder, root, "toy64")
    assert found["target/toy/machine.c"].defines == ("RIGHT",)


@pytest.mark.parametrize("text", [None, "{", "{}", "[1]", '[{"file": "x.c"}]'])
def test_build_folder_that_cannot_be_used(
    root: Path, entries: Path, text: str | None
) -> None:
    folder = root.parent / "build"
    folder.mkdir()
    if text is not None:
        (folder / "compile_commands.json").write_text(text)
    assert refusal(root, "toy64", entries, build=folder).code == "VG106"


# Text scans.


def test_cpu_files_by_what_they_say(tmp_path: Path) -> None:
    folder = tmp_path / "target/toy"
    folder.mkdir(parents=True)
    (folder / "a.c").write_text('VMStateDescription vmstate_a[] = { .name = "cpu" };')
    (folder / "b.c").write_text('/* VMStateDescription */ x = { .name = "cpu" };')
    (folder / "c.c").write_text('VMStateDescription vmstate_c = { .name = "uart" };')
    assert scan.cpu_files(tmp_path, "toy") == ("target/toy/a.c",)


# QAPI.

SCHEMA = """
# A remark with a 'quote'
{ 'pragma': { 'doc-required': true } }
{ 'include': 'sub.json' }
{ 'struct': 'Base', 'data': { 'id': 'str', '*size': 'int' } }
{ 'struct': 'Node', 'base': 'Base',
  'data': { '*name': 'str', '*tags': ['str'], '*mode': 'Mode', 'unix': 'bool',
            'next-one': { 'type': 'Node', 'if': 'CONFIG_X' } } }
{ 'struct': 'Empty', 'data': {} }
{ 'union': 'Choice', 'base': { 'mode': 'Mode' }, 'discriminator': 'mode',
  'data': { 'slow-one': 'Node', 'fast': 'Empty' } }
{ 'alternate': 'Either', 'data': { 'node': 'Node', 'text': 'str' },
  'if': { 'all': [ 'A', { 'not': { 'any': [ 'B', 'C' ] } } ] } }
{ 'command': 'query-nodes', 'returns': ['Node'] }
{ 'event': 'NODE_GONE', 'data': { 'id': 'str' } }
"""
SUB = "{ 'enum': 'Mode', 'prefix': 'MD', 'data': [ 'slow-one', { 'name': 'fast', 'if': 'F' } ] }"


def types(root: Path, schema: str = SCHEMA) -> str:
    (root / "qapi/qapi-schema.json").write_text(schema)
    (root / "qapi/sub.json").write_text(SUB)
    found = qapi.headers(root)
    return " ".join(
        (found["qapi/qapi-types-sub.h"] + "\n" + found["qapi/qapi-types.h"]).split()
    )


def test_qapi_types(root: Path) -> None:
    text = types(root)
    for part in (
        "typedef enum Mode { MD_SLOW_ONE, #if defined(F) MD_FAST, #endif MD__MAX, } Mode;",
        "struct Node { char *id; bool has_size; int64_t size; char *name; "
        "bool has_tags; strList *tags; bool has_mode; Mode mode; bool q_unix; "
        "#if defined(CONFIG_X) Node *next_one; #endif };",
        "struct Empty { char qapi_dummy_for_empty_struct; };",
        "struct Choice { Mode mode; union { Node slow_one; Empty fast; } u; };",
        "#if defined(A) && !(defined(B) || defined(C)) typedef struct Either Either; #endif",
        "struct Either { QType type; union { Node node; char *text; } u; };",
        "struct NodeList { NodeList *next; Node *value; };",
        "static inline Base *qapi_Node_base(const Node *obj)",
    ):
        assert part in text
    events = qapi.headers(root)["qapi/qapi-emit-events.h"]
    assert "QAPI_EVENT_NODE_GONE,\n    QAPI_EVENT__MAX," in events


def test_values_of_qapi_enums_have_their_numbers(root: Path) -> None:
    """Without those whose members depend on the configuration, and without any where a tree
    has no schema (before 1.0, or a part of a tree)."""
    schema = root / "qapi/qapi-schema.json"
    schema.unlink(missing_ok=True)
    assert qapi.enums(root) == {}
    schema.write_text(
        "{ 'enum': 'Run-State', 'data': [ 'paused', { 'name': 'in-migrate' } ] }\n"
        "{ 'enum': 'Mode', 'data': [ 'slow', { 'name': 'fast', 'if': 'F' } ] }\n"
        "{ 'struct': 'Empty', 'data': {} }\n"
    )
    assert qapi.enums(root)["Run_State"] == ("paused", "in-migrate")
    assert not {"Mode", "Empty"} & {*qapi.enums(root)}


def test_qapi_before_8_0(root: Path) -> None:
    (root / "scripts/qapi/schema.py").write_text("")
    (root / "scripts/qapi/common.py").write_text("")
    text = types(root)
    assert "bool has_name; char *name;" in text
    assert "QEMU_MODE_" not in text


@pytest.mark.parametrize(
    ("schema", "line", "what"),
    [
        ("{ 'struct': 'A',\n 'data': { 'a': \"str\" } }", 2, "a double quote"),
        ("{ 'enum': 'A', 'data': [] }\n{ 'thing': 'B' }", 2, "a schema entry"),
        ("{ 'enum': 'A' 'data': [] }", 1, "text"),
        ("{ 'enum': 'A' }", 1, "the enum A without data"),
        ("{ 'struct': 'A' }", 1, "the struct A without data"),
        ("[ 'a' ]", 1, "an entry that is not an object"),
        ("{ 'struct': 'A', 'data': { 'a': 'Missing' } }", 0, "undefined type Missing"),
        ("{ 'struct': 'A', 'data': { 'a': ['Missing'] } }", 0, "undefined Missing"),
    ],
)
def test_qapi_of_another_language(
    root: Path, schema: str, line: int, what: str
) -> None:
    with pytest.raises(VmgenError) as caught:
        types(root, schema)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG105"
    assert what in diagnostic.message
    assert diagnostic.position.line == line
    assert "--build" in diagnostic.hint


@pytest.mark.parametrize(
    ("name", "runs", "letters"),
    [
        ("OnOffAuto", "ON_OFF_AUTO", "ON_OFF_AUTO"),
        ("OffAutoPCIBAR", "OFF_AUTO_PCIBAR", "OFF_AUTOPCIBAR"),
        ("QCryptoBlockFormat", "QCRYPTO_BLOCK_FORMAT", "Q_CRYPTO_BLOCK_FORMAT"),
        ("GICCapability", "GIC_CAPABILITY", "GIC_CAPABILITY"),
        ("QTYPE", "QTYPE", "QTYPE"),
    ],
)
def test_enum_prefixes(name: str, runs: str, letters: str) -> None:
    assert capitals_by_runs(name) == runs
    assert capitals_by_letters(name) == letters


def test_c_names() -> None:
    assert c_name("next-one") == "next_one"
    assert c_name("default") == "q_default"
    assert c_name("64bit") == "q_64bit"
    assert c_name("default", protect=False) == "default"


# Real trees.


def _definitions(text: str) -> dict[str, str]:
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = re.finditer(
        r"^(?:typedef )?(?:struct|enum) (\w+) \{.*?^\}[^;]*;",
        text,
        re.DOTALL | re.MULTILINE,
    )
    return {
        match[1]: " ".join(match[0].split())
        for match in found
        if not match[1].startswith("q_obj_")
    }


@needs_real_tree
@pytest.mark.parametrize("path", REAL_TREES, ids=lambda path: path.name)
def test_real_qapi_types_are_those_of_qemus_own_generator(
    path: Path, tmp_path: Path
) -> None:
    script = ["scripts/qapi-gen.py", "-b", "-o", str(tmp_path)]
    subprocess.run(
        [sys.executable, "-B", *script, "qapi/qapi-schema.json"], cwd=path, check=True
    )
    ours = qapi.headers(path)
    theirs = {
        f"qapi/{found.name}": found.read_text(encoding="utf-8")
        for found in tmp_path.rglob("*.h")
    }
    assert theirs.keys() <= ours.keys()
    compared = 0
    for name, text in theirs.items():
        if "types" in name or name.endswith(("emit-events.h", "features.h")):
            expected = _definitions(text)
            assert _definitions(ours[name]) == expected, name
            compared += len(expected)
    assert compared > 500


@needs_real_tree
@pytest.mark.parametrize("path", REAL_TREES, ids=lambda path: path.name)
def test_every_target_of_a_real_tree(path: Path, entries: Path) -> None:
    targets = tree.configure(path, "riscv64", cache=entries).targets
    assert set(EIGHT) < set(targets)
    for target in targets:
        found = tree.configure(path, target, cache=entries)
        undescribed = target in ("rx", "tricore", "nios2")
        assert len(found.cpu_sources) == (1 if undescribed else 2), target
        devices = generated(found, f"{target}-softmmu-config-devices.h")
        assert "CONFIG_" in devices
