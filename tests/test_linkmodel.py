"""Which files a binary is made of: small build descriptions, and real trees."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest

from tests.lacking import lacking
from vmgen import tree
from vmgen.linkmodel import SystemBinary, binary, syntax
from vmgen.source import VmgenError
from vmgen.tree import CompileCommand, Given, SourceTree

TOP = """
project('demo', ['c'])
ss = import('sourceset')
keyval = import('keyval')
common_ss = ss.source_set()
target_dirs = ['demo-softmmu']
%s
config_target = keyval.load(meson.current_build_dir() / 'demo-softmmu-config-devices.mak')
chosen = common_ss.apply(config_target, strict: false)
lib = static_library('demo', sources: chosen.sources(), dependencies: chosen.dependencies())
executable('qemu-system-demo', files('main.c'), objects: lib.extract_all_objects(recursive: true),
           dependencies: chosen.dependencies())
error('nothing after the binary is looked at')
"""
OPTIONS = """
option('good', type: 'feature', value: 'auto')
option('bad', type: 'feature', value: 'disabled')
option('number', type: 'string', value: '4')
option('cfi', type: 'boolean', value: 'false')
option('plain', type: 'boolean', value: false)
option('unsaid', type: 'boolean')
option('count', type: 'integer', value: '3')
option('list', type: 'array', value: 'a, b')
option('pick', type: 'combo', choices: ['x', 'y'])
"""


def build(
    folder: Path,
    text: str,
    devices: tuple[str, ...] = (),
    made: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    **subdirs: str,
) -> SystemBinary:
    """The binary of a tree with this build description.

    The C files that it names exist, and those that are ``made``.
    """
    config = folder / "config"
    config.mkdir()
    (config / "config-host.h").write_text("#define CONFIG_EPOLL 1\n")
    (config / "demo-softmmu-config-devices.h").write_text(
        "".join(f"#define {name} 1\n" for name in devices)
    )
    root = folder / "tree"
    for name, content in {"": TOP % text, **subdirs}.items():
        inside = root / name
        inside.mkdir(parents=True)
        (inside / "meson.build").write_text(content)
        for file in (*made, *re.findall(r"[\w./-]+\.c\b", content)):
            (inside / file).write_text("")
    (root / "meson_options.txt").write_text(OPTIONS)
    return binary(
        SourceTree(
            kind="qemu",
            root=root,
            release="",
            target="demo",
            base_arch="demo",
            targets=("demo",),
            cpu_sources=(),
            command=CompileCommand(),
            config_dirs=(config,),
            given=Given(options=options),
        )
    )


def files(*arguments: object, **subdirs: str) -> tuple[str, ...]:
    """The files beside main.c."""
    found = build(*arguments, **subdirs)  # type: ignore[arg-type]
    assert "main.c" in found.files
    return tuple(file for file in found.files if file != "main.c")


def test_a_key_selects(tmp_path: Path) -> None:
    text = "common_ss.add(when: 'CONFIG_A', if_true: files('a.c'), if_false: files('a-stub.c'))\n"
    text += "common_ss.add(when: 'CONFIG_B', if_true: files('b.c'), if_false: files('b-stub.c'))\n"
    assert files(tmp_path, text, ("CONFIG_A",)) == ("a.c", "b-stub.c")


def test_all_keys_of_a_list_are_needed(tmp_path: Path) -> None:
    text = "common_ss.add(when: ['CONFIG_A', 'CONFIG_B'], if_true: files('both.c'))\n"
    assert files(tmp_path, text, ("CONFIG_A",)) == ()


def test_nested_sets_keep_their_conditions(tmp_path: Path) -> None:
    text = """
inner = ss.source_set()
inner.add(files('plain.c', 'other.S', 'notes.txt'))
inner.add(when: 'CONFIG_B', if_true: files('b.c'))
inner.add(when: 'CONFIG_C', if_true: files('c.c'))
common_ss.add_all(when: 'CONFIG_A', if_true: inner)
common_ss.add_all(when: 'CONFIG_C', if_true: [inner])
"""
    assert files(tmp_path, text, ("CONFIG_A", "CONFIG_B")) == ("b.c", "plain.c")


def test_folders(tmp_path: Path) -> None:
    text = "sets = {}\nsubdir('hw')\ncommon_ss.add_all(sets['one'])\n"
    inside = """
one = ss.source_set()
one.add(files('x.c'))
sets += {'one': one}
subdir_done()
common_ss.add(files('never.c'))
"""
    assert files(tmp_path, text, hw=inside) == ("hw/x.c",)


def test_loops_branches_and_words(tmp_path: Path) -> None:
    text = """
foreach name, there : {'first': true, 'second': false, 'third': get_option('good').allowed()}
  if not there
    continue
  endif
  common_ss.add(files(name + '.c'))
endforeach
foreach n : range(3)
  if n == 2
    break
  endif
  common_ss.add(files('n@0@.c'.format(n), f'f@n@.c'))
endforeach
if get_option('bad').enabled() or 'x' in ['y', 'z'] or get_option('number').to_int() < 4
  common_ss.add(files('wrong.c'))
elif get_option('number') == '4' and not get_option('bad').allowed()
  common_ss.add(files(true ? 'right.c' : 'left.c'))
else
  common_ss.add(files('late.c'))
endif
"""
    made = ("f0.c", "f1.c", "first.c", "n0.c", "n1.c", "third.c")
    assert files(tmp_path, text, (), made) == (*made[:5], "right.c", made[5])


def test_dependencies_bring_objects(tmp_path: Path) -> None:
    text = """
whole = static_library('whole', files('whole.c'))
part = static_library('part', files('part.c', 'shared.c'), dependencies: declare_dependency(sources: files('deep.c')))
common_ss.add(declare_dependency(link_whole: whole))
common_ss.add(when: 'CONFIG_A', if_true: declare_dependency(link_with: part))
common_ss.add(files('shared.c'))
made = static_library('made', files('made.c', 'unmade.c'))
common_ss.add(declare_dependency(objects: made.extract_objects('made.c')))
"""
    found = build(tmp_path, text, ("CONFIG_A",))
    assert found.files == ("made.c", "main.c", "shared.c", "whole.c")
    assert found.archive == ("deep.c", "part.c")


def test_a_library_that_is_not_there(tmp_path: Path) -> None:
    text = """
there = dependency('zlib')
absent = dependency('appleframeworks', modules: 'vmnet')
none = dependency('', required: false)
off = dependency('zlib', required: get_option('bad'))
tested = dependency('zlib')
if not meson.get_compiler('c').links('int main;')
  tested = none
endif
common_ss.add(when: there, if_true: files('there.c'))
common_ss.add(when: absent, if_true: files('absent.c'), if_false: files('without.c'))
common_ss.add(when: [there, none], if_true: files('none.c'))
common_ss.add(when: off, if_true: files('off.c'))
common_ss.add(when: tested, if_true: files('tested.c'))
"""
    assert files(tmp_path, text) == ("tested.c", "there.c", "without.c")


def test_the_generated_header_answers_for_the_machine(tmp_path: Path) -> None:
    text = """
cc = meson.get_compiler('c')
host = configuration_data()
host.set('CONFIG_EPOLL', cc.has_header('sys/epoll.h'))
host.set('CONFIG_KQUEUE', cc.has_header('sys/event.h'))
if host.get('CONFIG_EPOLL')
  common_ss.add(files('epoll.c'))
endif
if host.get('CONFIG_KQUEUE')
  common_ss.add(files('kqueue.c'))
endif
"""
    assert files(tmp_path, text) == ("epoll.c",)


def test_an_unknown_source_costs_those_alone_that_select_it(tmp_path: Path) -> None:
    text = """
found = find_program('sh').found()
common_ss.add(when: 'CONFIG_ODD', if_true: files(run_command('ls').stdout()))
common_ss.add(when: ['CONFIG_ODD', found], if_true: files('odd.c'))
common_ss.add(files('a.c'))
"""
    (tmp_path / "even").mkdir()
    assert files(tmp_path / "even", text) == ("a.c",)
    (tmp_path / "odd").mkdir()
    with pytest.raises(VmgenError) as caught:
        build(tmp_path / "odd", text, ("CONFIG_ODD",))
    (found,) = caught.value.diagnostics
    assert (found.code, found.position.line) == ("VG123", 9)


MADE = """
if find_program('sh').found()
  %s
else
  %s
endif
common_ss.add(made, files('a.c'))
"""
TIDY = "made = custom_target('t', output: 'made.c', command: ['tidy'])"
COPY = "made = custom_target('c', output: 'made.c', command: ['cp'])"


def test_a_file_that_the_build_makes_one_way_or_another(tmp_path: Path) -> None:
    assert files(tmp_path, MADE % (TIDY, COPY)) == ("a.c",)


@pytest.mark.parametrize(
    "other",
    [
        "made = files('b.c')",
        "made = custom_target('c', output: 'other.c', command: ['cp'])",
        f"{COPY}\n  made = files('b.c')",
        f"{COPY}\n  made += files('b.c')",
        f"{COPY}\n  if true\n    made = files('b.c')\n  endif",
        "message('none')",
    ],
)
def test_what_one_branch_alone_makes_is_not_known(tmp_path: Path, other: str) -> None:
    with pytest.raises(VmgenError) as caught:
        build(tmp_path, MADE % (TIDY, other))
    (found,) = caught.value.diagnostics
    assert found.code == "VG123"
    assert "find_program('sh')" in found.message


def test_a_shell_that_lists_a_folder_is_answered(tmp_path: Path) -> None:
    text = """
names = run_command('sh', '-c', 'cd $MESON_SOURCE_ROOT/$MESON_SUBDIR ; ls -1 core-*.c')
common_ss.add(files(names.stdout().strip().split('\\n')))
"""
    found = build(tmp_path, text, made=("core-b.c", "core-a.c", "other.c"))
    assert found.files == ("core-a.c", "core-b.c", "main.c")


def test_a_library_of_another_build_system_brings_no_file(tmp_path: Path) -> None:
    text = """
cmake = import('cmake')
vendor = cmake.subproject('vendor')
dep = declare_dependency(link_with: vendor.target('it'), dependencies: vendor.dependency('it'))
common_ss.add(dep, files('a.c'))
"""
    assert files(tmp_path, text) == ("a.c",)


def test_options_may_quote_their_defaults(tmp_path: Path) -> None:
    text = """
if get_option('cfi') or get_option('plain') or get_option('count') != 3
  common_ss.add(files('wrong.c'))
elif get_option('list') == ['a', 'b'] and get_option('unsaid') and get_option('pick') == 'x'
  common_ss.add(files('right.c'))
endif
"""
    assert files(tmp_path, text) == ("right.c",)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("x = [1,", "VG121", None),
        ("if true\n", "VG121", None),
        ("x = 'a\n", "VG121", 7),
        ("common_ss.add(files(nowhere))", "VG122", 7),
        ("frobnicate()", "VG122", 7),
        ("common_ss.frobnicate()", "VG122", 7),
        ("error('no such compiler')", "VG122", 7),
        ("x = {}['a']", "VG122", 7),
        ("common_ss.add(when: 3, if_true: files('a.c'))", "VG122", 7),
        ("common_ss.add(files(run_command('ls').stdout()))", "VG123", 7),
        (
            "x = find_program('sh')\ncommon_ss.add(x.found() ? 'a.c' : 'b.c')",
            "VG123",
            8,
        ),
        (
            "if find_program('sh').found()\n  common_ss.add(files('a.c'))\nendif",
            "VG123",
            8,
        ),
        ("if find_program('sh').found()\n  subdir('hw')\nendif", "VG123", 8),
        (
            "c = meson.get_compiler('c')\ncommon_ss.add(when: c.has_header('a.h'), if_true: files('a.c'))",
            "VG123",
            8,
        ),
    ],
)
def test_nothing_is_guessed(
    tmp_path: Path, text: str, code: str, line: int | None
) -> None:
    with pytest.raises(VmgenError) as caught:
        build(tmp_path, text)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.position.file == "meson.build"
    if line is not None:
        assert found.position.line == line
    assert found.hint


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ((), ("number-4.c",)),
        (("bad=enabled", "number=7"), ("bad.c", "number-7.c")),
        (("plain=true", "pick=y", "bad=auto"), ("number-4.c", "plain.c", "y.c")),
    ],
)
def test_options_that_are_given_count(
    tmp_path: Path, given: tuple[str, ...], chosen: tuple[str, ...]
) -> None:
    text = "common_ss.add(files('number-' + get_option('number') + '.c'))\n"
    for test, file in (
        ("get_option('bad').enabled()", "bad.c"),
        ("get_option('plain')", "plain.c"),
        ("get_option('pick') == 'y'", "y.c"),
    ):
        text += f"if {test}\n  common_ss.add(files('{file}'))\nendif\n"
    made = ("number-4.c", "number-7.c")
    found = build(tmp_path, text, made=made, options=given)
    assert found.files == tuple(sorted((*chosen, "main.c")))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("pik=y", "the tree has no option 'pik'"),
        ("pick=z", "the option 'pick' does not take 'z'"),
        ("bad=true", "the option 'bad' does not take 'true'"),
        ("count=many", "the option 'count' does not take 'many'"),
    ],
)
def test_an_option_that_the_tree_does_not_have_is_said(
    tmp_path: Path, given: str, message: str
) -> None:
    with pytest.raises(VmgenError) as caught:
        build(tmp_path, "", options=(given,))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("VG124", message)


def test_what_is_not_there_is_said_and_costs_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "b.c").touch()
    found = build(tmp_path, "common_ss.add(files('a' + '.c', 'b.c'))\nsubdir('c')")
    assert found.files == ("b.c", "main.c")
    assert found.missing == ("a.c", "c/meson.build")


def test_precedence_is_mesons() -> None:
    (statement,) = syntax.parse("x = not a and b or c == d + 1 * -2 in e", "m")
    assert isinstance(statement, syntax.Assignment)
    text = re.sub(
        r"(, )?line=\d+|(syntax\.)?(Identifier|Literal)\(|name=|value=|formatted=False",
        "",
        repr(statement.value),
    )
    order = [match[1] for match in re.finditer(r"op='([^']+)'", text)]
    assert order == ["or", "and", "in", "==", "+", "*"]


def test_strings() -> None:
    text = r"""x = ['a\'b\n', '''c\n'd''', f'@x@', '\x41']"""
    (statement,) = syntax.parse(text, "m")
    assert isinstance(statement, syntax.Assignment)
    assert isinstance(statement.value, syntax.List)
    values = [
        (item.value, item.formatted)
        for item in statement.value.items
        if isinstance(item, syntax.Literal)
    ]
    assert values == [
        ("a'b\n", False),
        ("c\\n'd", False),
        ("@x@", True),
        ("A", False),
    ]


# --- real trees -----------------------------------------------------------------------


def trees() -> list[Path]:
    named = os.environ.get("VMGEN_QEMU_TREES", "").split(os.pathsep)
    found = [Path(folder) for folder in named if folder]
    if not found:
        reason = "VMGEN_QEMU_TREES names no QEMU source tree"
        lacking(reason)
    return found


@cache
def real(root: Path, target: str) -> SystemBinary:
    return binary(tree.configure(root, target))


def test_every_target_of_every_tree_has_a_binary() -> None:
    for root in trees():
        for path in sorted((root / "configs/targets").glob("*-softmmu.mak")):
            target = path.name.removesuffix("-softmmu.mak")
            found = real(root, target)
            assert len(found.files) > 400, target
            cpu = set(tree.configure(root, target).cpu_sources)
            assert cpu <= set(found.files), target


def test_stubs_stand_in_only_where_the_device_is_not() -> None:
    for root in trees():
        x86, alpha = real(root, "x86_64"), real(root, "alpha")
        both = {"hw/acpi/pcihp.c", "hw/acpi/acpi-pci-hotplug-stub.c"}
        assert both & set(x86.files) == {"hw/acpi/pcihp.c"}
        malta = real(root, "mips")
        assert "hw/acpi/acpi-x86-stub.c" not in x86.files
        assert "hw/i386/pc.c" in x86.files
        assert "hw/i386/pc.c" not in malta.files
        assert "hw/alpha/dp264.c" in alpha.files
        assert "hw/alpha/dp264.c" not in x86.files


@pytest.mark.parametrize(
    ("version", "asked", "holds"),
    [
        ("1.10.0", ">=1.9", True), ("1.9", ">=1.10.0", False), ("1.9", ">=1.9", True),
        ("1.9", ">1.9", False), ("1.10", ">1.9", True), ("1.9", "<1.10", True),
        ("1.10", "<1.9", False), ("1.9", "<1.9", False), ("1.9", "<=1.9", True),
        ("1.10", "<=1.9", False), ("1.9", "==1.9", True), ("1.9", "=1.10", False),
        ("1.9", "!=1.10", True), ("1.9", "!=1.9", False), ("1.9", "1.9", True),
        ("1.10", "1.9", False), ("10", ">= 9", True), ("1.2.3", "<1.2.3.1", True),
    ],
)  # fmt: skip
def test_versions_are_compared_as_meson_does(
    tmp_path: Path, version: str, asked: str, holds: bool
) -> None:
    """By number and not by text (meson's ``version_compare``)."""
    text = f"""
if '{version}'.version_compare('{asked}')
  common_ss.add(files('holds.c'))
else
  common_ss.add(files('fails.c'))
endif
"""
    found = str(build(tmp_path, text))
    assert ("holds.c" in found, "fails.c" in found) == (holds, not holds)


KWARGS = """
own_ss = ss.source_set()
own_ss.add(files('device.c'))
chosen = own_ss.apply({}, strict: false)
more = {'target_type': '%s', 'dependencies': chosen.dependencies()}
lib = build_target('demo', sources: chosen.sources(), kwargs: more)
executable('qemu-system-demo', kwargs: {'objects': lib.extract_all_objects(recursive: true)})
"""


@pytest.mark.parametrize("kind", ["static_library", "shared_library"])
def test_keywords_of_a_dictionary(tmp_path: Path, kind: str) -> None:
    assert build(tmp_path, KWARGS % kind).files == ("device.c",)


def test_an_executable_by_its_type(tmp_path: Path) -> None:
    text = "build_target('qemu-system-demo', 'main.c', target_type: 'executable')"
    assert build(tmp_path, text).files == ("main.c",)


def test_a_binary_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VmgenError, match="links no C file into qemu-system-demo"):
        build(tmp_path, "executable('qemu-system-demo')")


def test_keywords_that_are_not_known_are_an_error(tmp_path: Path) -> None:
    text = "executable('qemu-system-demo', 'main.c', kwargs: find_program('cc'))"
    with pytest.raises(VmgenError, match="a source of a library"):
        build(tmp_path, text)
