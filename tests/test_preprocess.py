"""The second stage: the same text from a compiler and from pcpp, and clear refusals."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests import fake_qemu
from tests.fake_qemu import EIGHT, REAL_TREES, needs_real_tree
from vmgen import tree
from vmgen.cfront.unit import Unit
from vmgen.preprocess import Preprocessor, find_compiler, preprocess
from vmgen.preprocess.lines import digest_without_header_lines, without_header_lines
from vmgen.source import Diagnostic, Position, VmgenError
from vmgen.tree import SHIMS, SourceTree

BOTH: tuple[Preprocessor, ...] = ("cc", "pcpp")
needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="no C compiler on this machine"
)
by_both = pytest.mark.parametrize(
    "how", [pytest.param("cc", marks=needs_compiler), "pcpp"]
)

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"' r"|'(?:\\.|[^'\\])*'" r"|\w[\w.]*(?:(?<=[eEpP])[+-][\w.]+)?|\S"
)


def tokens(
    found: SourceTree, file: str, how: Preprocessor
) -> list[tuple[str, str, int]]:
    """Each token with its file and line."""
    unit = preprocess(found, file, preprocessor=how)
    out = []
    name, line = "", 0
    for text in unit.text.split("\n"):
        if marker := re.match(r'# (\d+) "(.*?)"', text):
            name, line = unit.relative(marker[2]), int(marker[1]) - 1
            continue
        line += 1
        if not text.lstrip().startswith("#"):
            out += [(token, name, line) for token in _TOKEN.findall(text)]
    return out


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return fake_qemu.make(tmp_path / "qemu")


@pytest.fixture
def found(root: Path, tmp_path: Path) -> SourceTree:
    return tree.configure(root, "toy64", cache=tmp_path / "cache")


def write(found: SourceTree, name: str, text: str) -> str:
    path = found.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return name


def refusals(
    found: SourceTree, file: str, how: Preprocessor = "pcpp"
) -> tuple[Diagnostic, ...]:
    with pytest.raises(VmgenError) as caught:
        preprocess(found, file, preprocessor=how)
    return caught.value.diagnostics


# What comes out.


@by_both
def test_what_the_user_gives_stands_behind_the_tree(
    root: Path, tmp_path: Path, how: Preprocessor
) -> None:
    """Macros count, ``-I`` and ``--shims`` have what the tree has not; of the two, and
    of vmgen's own, the first one."""
    for folder, files in (
        ("inc", {"one.h": "int of_inc;", "qemu/osdep.h": "int wrong;"}),
        (
            "shims",
            {"one.h": "int wrong;", "two.h": "int of_shims;", "libfdt.h": "int own;"},
        ),
    ):
        for name, text in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    given = tree.Given(
        (tmp_path / "inc",), ("WIDTH=7",), (tmp_path / "shims",), ("a=b",)
    )
    found = tree.configure(root, "toy64", cache=tmp_path / "cache", given=given)
    file = write(
        found,
        "hw/given.c",
        '#include "qemu/osdep.h"\n#include <one.h>\n#include <two.h>\n'
        "#include <libfdt.h>\nint of_macro = WIDTH;\n",
    )
    text = preprocess(found, file, preprocessor=how).text
    for expected in ("of_inc", "of_shims", "own", "of_macro = 7"):
        assert expected in text
    assert "wrong" not in text


@by_both
def test_a_cpu_of_a_tree(found: SourceTree, how: Preprocessor) -> None:
    unit = preprocess(found, "target/toy/machine.c", preprocessor=how)
    assert unit.source == "target/toy/machine.c"
    flat = " ".join(unit.text.split())
    assert ".version_id = 64" in flat
    where = {
        text: (file, line)
        for text, file, line in tokens(found, "target/toy/machine.c", how)
    }
    assert where["vmstate_toy_cpu"] == ("target/toy/machine.c", 5)
    assert where["pc"] == ("target/toy/cpu.h", 3)
    assert where["TOY_MODE_FAST"][0] == "<config>/qapi/qapi-types-toy.h"
    assert where["guint64"][0] == "<vmgen>/include/glib.h"


@by_both
def test_excerpt(found: SourceTree, how: Preprocessor) -> None:
    unit = preprocess(found, "target/toy/machine.c", preprocessor=how)
    assert (
        unit.excerpt(Position("target/toy/machine.c", 7))
        == "    .version_id = TARGET_LONG_BITS,"
    )
    assert unit.excerpt(Position("target/toy/cpu.h", 3)) == "    uint64_t pc;"
    assert "GArray" in unit.excerpt(
        Position("<vmgen>/include/glib.h", glib_line("} GArray;"))
    )
    for nowhere in (("target/toy/cpu.h", 999), ("target/toy/cpu.h", 0), ("none.h", 1)):
        assert unit.excerpt(Position(*nowhere)) == ""


def glib_line(text: str) -> int:
    lines = (SHIMS / "include/glib.h").read_text().splitlines()
    return lines.index(text) + 1


SAMPLE = r"""
#include "pair.h"
#include "pair.h"
#include <where.h>
#define CALL(a, b) first(a) second(b)
#define STRING(x) #x
#define JOIN(a, b) a##b
#define MANY(first, ...) first, ## __VA_ARGS__
#define LOOP LOOP + 1
CALL(1,
     2); after;
int JOIN(one, two) = STRING(a "b" 'c'  d);
f(MANY(1), MANY(1, 2), LOOP);
#if defined(__x86_64__) && !defined(__clang__) && __SIZEOF_LONG__ == 8 && 0x10 > 2 ? 1 : 0
    right,
#elif 1
    wrong,
#endif
#ifdef __has_attribute
    wrong,
#endif
#pragma GCC diagnostic push
/* a remark
   of two lines */ last = __LINE__; const char *file = __FILE__;
unsigned long long big = 0xffffffffffffffffULL; float f = 1.5e+3; // end
#define EMPTY
EMPTY EMPTY tail \
  continued
"""


@needs_compiler
def test_both_agree_to_the_token_and_line(found: SourceTree) -> None:
    write(found, "target/toy/pair.h", "#define HERE here\nHERE(1);\n\n\nHERE(2);\n")
    write(found, "include/pair.h", "wrong\n")
    # <...> does not look where only "..." does, "..." starts beside the file.
    write(found, "where.h", "wrong\n")
    write(found, "target/toy/where.h", '#include "pair.h"\nright;\n')
    name = write(found, "target/toy/sample.c", SAMPLE)
    by_cc = tokens(found, name, "cc")
    assert by_cc == tokens(found, name, "pcpp")
    texts = [text for text, _, _ in by_cc]
    assert "wrong" not in texts
    assert texts.count("here") == 6
    assert '"target/toy/sample.c"' in texts
    assert ("after", name, 11) in by_cc
    assert ("second", name, 10) in by_cc


@needs_compiler
@pytest.mark.parametrize("target", ["riscv64", "i386", "aarch64", "ppc"])
def test_both_agree_on_embedded_cpus(target: str) -> None:
    embedded = tree.embedded(target)
    for file in embedded.cpu_sources:
        assert tokens(embedded, file, "cc") == tokens(embedded, file, "pcpp")


@by_both
@pytest.mark.parametrize("target", EIGHT)
def test_embedded_cpus_need_nothing_of_the_machine(
    target: str, how: Preprocessor
) -> None:
    embedded = tree.embedded(target)
    for file in embedded.cpu_sources:
        if how == "pcpp" and target not in ("riscv32", "x86_64", "arm", "ppc64"):
            continue
        files = {name for _, name, _ in tokens(embedded, file, how)}
        outside = {name for name in files if name.startswith("/") or "<config>" in name}
        assert not outside


@by_both
def test_the_tree_may_be_anywhere(
    found: SourceTree, tmp_path: Path, how: Preprocessor
) -> None:
    other = tree.configure(
        fake_qemu.make(tmp_path / "somewhere/else"), "toy64", cache=tmp_path / "other"
    )
    file = "target/toy/machine.c"
    assert tokens(found, file, how) == tokens(other, file, how)


@by_both
def test_the_machine_has_no_say(
    found: SourceTree,
    how: Preprocessor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison/stdint.h").write_text("#error poison\n")
    (tmp_path / "poison/own.h").write_text("int own;\n")
    monkeypatch.setenv("CPATH", str(tmp_path / "poison"))
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.chdir(tmp_path / "poison")
    assert preprocess(found, "target/toy/machine.c", preprocessor=how).text
    name = write(found, "target/toy/own.c", "#include <own.h>\n")
    assert refusals(found, name, how)[0].code == "VG110"


@by_both
def test_files_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Preprocessor
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inc").mkdir()
    Path("inc/mine.h").write_text("int width = WIDTH;\n")
    Path("src").mkdir()
    Path("src/dev.c").write_text(
        '#include "migration/vmstate.h"\n#include "mine.h"\n#include "beside.h"\n'
    )
    Path("src/beside.h").write_text("int beside;\n")
    found = tree.standalone((Path("src/dev.c"),), (Path("inc"),), ("WIDTH=7",))
    unit = preprocess(found, "src/dev.c", preprocessor=how)
    assert "int width = 7;" in unit.text
    where = {text: (file, line) for text, file, line in tokens(found, "src/dev.c", how)}
    assert where["width"] == ("inc/mine.h", 1)
    assert where["beside"] == ("src/beside.h", 1)
    assert where["VMStateDescription"][0] == "<c_headers>/include/migration/vmstate.h"
    absolute = tree.standalone((tmp_path / "src/beside.h",))
    assert (
        "int beside;"
        in preprocess(absolute, absolute.cpu_sources[0], preprocessor=how).text
    )


# A configured build.


@by_both
def test_flags_and_headers_of_a_build(
    root: Path, tmp_path: Path, how: Preprocessor
) -> None:
    import json

    build = tmp_path / "build"
    build.mkdir()
    (build / "config-host.h").write_text("#define TARGET_LONG_BITS 99\n")
    (build / "pre.h").write_text("int forced;\n")
    flags = '-iquote . -iquote ../qemu/include -include pre.h -DCONFIG_TARGET=\\"toy64-softmmu-config-target.h\\"'
    (build / "toy64-softmmu-config-target.h").write_text("")
    (build / "qapi").mkdir()
    (build / "qapi/qapi-types-toy.h").write_text("typedef int ToyMode;\n")
    entry = {
        "directory": str(build),
        "file": "../qemu/target/toy/machine.c",
        "command": f"cc {flags} -c ../qemu/target/toy/machine.c -o x.o",
    }
    (build / "compile_commands.json").write_text(json.dumps([entry]))
    found = tree.configure(root, "toy64", build=build, cache=tmp_path / "cache")
    unit = preprocess(found, "target/toy/machine.c", preprocessor=how)
    assert ".version_id = 99" in unit.text
    where = {t: (f, n) for t, f, n in tokens(found, "target/toy/machine.c", how)}
    assert where["forced"] == ("<config>/pre.h", 1)
    assert where["vmstate_toy_cpu"] == ("target/toy/machine.c", 5)
    assert where["ToyMode"][0] == "target/toy/cpu.h"
    with pytest.raises(VmgenError, match="VG107"):
        preprocess(found, "target/toy/timer.c", preprocessor=how)


# Refusals.


@by_both
def test_a_missing_header(found: SourceTree, how: Preprocessor) -> None:
    write(found, "target/toy/inner.h", "\n  #  include  <ext/lib.h> // why\n")
    name = write(found, "target/toy/outer.c", '#include "inner.h"\nint x;\n')
    (diagnostic,) = refusals(found, name, how)
    assert diagnostic.code == "VG110"
    assert diagnostic.message == "the header ext/lib.h is not found"
    assert diagnostic.position == Position("target/toy/inner.h", 2, 16)
    assert diagnostic.excerpt == "  #  include  <ext/lib.h> // why"
    assert "--build" in diagnostic.hint


NOWHERE_FOUND = (
    "it is neither in the tree nor among vmgen's own: configure QEMU where it is"
    " installed and give that folder with --build"
)


@by_both
@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("hw/toy/device.h", "this tree has no device.h in include/hw/toy: "),
        ("hw/toy/properties.h", "this tree has include/hw/core/properties.h: "),
        ("other/properties.h", ""),
        ("device.h", ""),
    ],
)
def test_a_missing_header_of_another_release(
    header: str, hint: str, found: SourceTree, tmp_path: Path, how: Preprocessor
) -> None:
    write(found, "include/hw/toy/bus.h", "")
    write(found, "include/hw/core/properties.h", "")
    (tmp_path / "own.c").write_text(f'#include "{header}"\n')
    theirs = replace(found, outside=tmp_path)
    (diagnostic,) = refusals(theirs, "own.c", how)
    assert diagnostic.hint == (
        f"{hint}the file may be for another release of QEMU; the folder of a header of"
        " your own is given with -I"
        if hint
        else NOWHERE_FOUND
    )
    inside = write(found, "target/toy/outer.c", f'#include "{header}"\n')
    (diagnostic,) = refusals(found, inside, how)
    assert diagnostic.hint == NOWHERE_FOUND


@by_both
def test_a_missing_header_of_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Preprocessor
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.c").write_text('int a;\n#include "nowhere.h"\n')
    (diagnostic,) = refusals(tree.standalone((Path("my.c"),)), "my.c", how)
    assert diagnostic.position == Position("my.c", 2, 11)
    assert "-I" in diagnostic.hint


@by_both
def test_error_directives(found: SourceTree, how: Preprocessor) -> None:
    name = write(
        found,
        "target/toy/bad.c",
        "#warning just so\nint a;\n#error first thing\n#error second\n",
    )
    diagnostics = refusals(found, name, how)
    assert [d.code for d in diagnostics] == ["VG111"] * 2
    assert [d.position.line for d in diagnostics] == [3, 4]
    assert "#error first thing" in diagnostics[0].message
    assert diagnostics[0].excerpt == "#error first thing"


@by_both
def test_broken_conditions(found: SourceTree, how: Preprocessor) -> None:
    name = write(found, "target/toy/bad.c", "int a;\n#if 1\nint b;\n")
    (diagnostic,) = refusals(found, name, how)
    assert diagnostic.code == "VG111"
    assert diagnostic.position.file == name
    assert diagnostic.position.line == 2


@by_both
def test_a_file_that_is_not_there(found: SourceTree, how: Preprocessor) -> None:
    (diagnostic,) = refusals(found, "target/toy/none.c", how)
    assert diagnostic.code == "VG103"


# Which preprocessor.


def test_without_a_compiler(
    found: SourceTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_compiler() is None
    assert "vmstate_toy_cpu" in preprocess(found, "target/toy/machine.c").text
    (diagnostic,) = refusals(found, "target/toy/machine.c", "cc")
    assert diagnostic.code == "VG112"


def test_a_compiler_by_name(
    found: SourceTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    with pytest.raises(VmgenError, match="no-such-compiler"):
        preprocess(found, "target/toy/machine.c")
    # pcpp needs none.
    assert preprocess(found, "target/toy/machine.c", preprocessor="pcpp").text
    script = tmp_path / "mycc"
    script.write_text('#!/bin/sh\necho "args $*"\n')
    script.chmod(0o755)
    monkeypatch.setenv("CC", f"{script} --flag")
    assert preprocess(found, "target/toy/machine.c").text.startswith("args --flag -E")
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho oh dear >&2\nexit 3\n")
    failing.chmod(0o755)
    with pytest.raises(VmgenError, match="failing: oh dear") as caught:
        preprocess(found, "target/toy/machine.c", compiler=str(failing))
    assert caught.value.diagnostics[0].code == "VG111"


def test_what_clang_says_of_a_missing_header(found: SourceTree, tmp_path: Path) -> None:
    script = tmp_path / "clang"
    script.write_text(
        "#!/bin/sh\n"
        "echo \"target/toy/cpu.h:1:10: fatal error: 'qapi/qapi-types-toy.h' file not "
        'found" >&2\nexit 1\n'
    )
    script.chmod(0o755)
    with pytest.raises(VmgenError) as caught:
        preprocess(found, "target/toy/machine.c", compiler=str(script))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG110"
    assert diagnostic.position == Position("target/toy/cpu.h", 1, 11)


# vmgen's own headers.


@needs_compiler
def test_own_headers_are_c(tmp_path: Path) -> None:
    names = sorted(
        path.relative_to(SHIMS / "include").as_posix()
        for path in (SHIMS / "include").rglob("*.h")
    )
    options = ["-undef", "-nostdinc", "-imacros", str(SHIMS / "predefined.h")]
    options += ["-isystem", str(SHIMS / "include"), "-fsyntax-only", "-w"]
    for alone in [*names, None]:
        chosen = names if alone is None else [alone]
        text = "".join(f"#include <{name}>\n" for name in chosen)
        subprocess.run(
            ["cc", "-std=gnu11", *options, "-x", "c", "-"],
            input=text.encode(),
            check=True,
        )


LAYOUT = {
    "setjmp.h": ["jmp_buf", "sigjmp_buf"],
    "pthread.h": [
        "pthread_mutex_t",
        "pthread_cond_t",
        "pthread_t",
        "pthread_once_t",
        "pthread_key_t",
        "pthread_rwlock_t",
        "pthread_attr_t",
    ],
    "semaphore.h": ["sem_t"],
    "signal.h": [
        "sigset_t",
        "siginfo_t",
        "struct sigaction",
        "stack_t",
        "struct sigevent",
    ],
    "time.h": ["struct timespec", "struct tm", "time_t", "struct itimerspec"],
    "sys/time.h": ["struct timeval", "struct itimerval"],
    "sys/types.h": ["off_t", "ino_t", "dev_t", "mode_t", "nlink_t", "pid_t", "ssize_t"],
    "sys/stat.h": ["struct stat"],
    "sys/statvfs.h": ["struct statvfs"],
    "sys/vfs.h": ["struct statfs"],
    "sys/resource.h": ["struct rusage", "struct rlimit"],
    "sys/select.h": ["fd_set"],
    "sys/socket.h": [
        "struct sockaddr",
        "struct sockaddr_storage",
        "struct msghdr",
        "struct cmsghdr",
        "struct linger",
    ],
    "sys/un.h": ["struct sockaddr_un"],
    "sys/utsname.h": ["struct utsname"],
    "netinet/in.h": ["struct sockaddr_in", "struct sockaddr_in6", "struct ip_mreq"],
    "netdb.h": ["struct addrinfo"],
    "net/if.h": ["struct ifreq"],
    "termios.h": ["struct termios"],
    "dirent.h": ["struct dirent"],
    "fcntl.h": ["struct flock"],
    "poll.h": ["struct pollfd", "nfds_t"],
    "sched.h": ["cpu_set_t"],
    "stdint.h": ["int_fast8_t", "int_fast16_t", "int_least32_t", "uintmax_t"],
    "stddef.h": ["max_align_t", "wchar_t", "ptrdiff_t"],
    "stdlib.h": ["div_t", "ldiv_t"],
    "linux/types.h": ["__u64", "__le16", "__kernel_ulong_t"],
    "pwd.h": ["struct passwd"],
    "grp.h": ["struct group"],
    "utime.h": ["struct utimbuf"],
}


def test_own_headers_have_the_layout_of_x86_64_linux() -> None:
    machine = (
        subprocess.run(
            ["cc", "-dumpmachine"], capture_output=True, text=True, check=False
        )
        if shutil.which("cc")
        else None
    )
    if machine is None or not machine.stdout.startswith("x86_64-linux-gnu"):
        pytest.skip("the compiler's own headers are not those of x86-64 Linux")
    sizes: list[list[str]] = []
    own = ["-undef", "-nostdinc", "-imacros", str(SHIMS / "predefined.h")]
    own += ["-isystem", str(SHIMS / "include")]
    for options in (own, ["-D_GNU_SOURCE"]):
        source = "".join(f"#include <{name}>\n" for name in LAYOUT)
        kinds = [kind for names in LAYOUT.values() for kind in names]
        for i, kind in enumerate(kinds):
            source += f"char size_{i}[sizeof({kind})];"
            source += f"char align_{i}[_Alignof({kind})];\n"
        done = subprocess.run(
            ["cc", *options, "-w", "-S", "-o", "-", "-x", "c", "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
        )
        sizes.append(re.findall(r"\.size\s+(\w+, \d+)", done.stdout))
    assert len(sizes[0]) == 2 * sum(map(len, LAYOUT.values()))
    assert sizes[0] == sizes[1]


@needs_compiler
def test_own_error_numbers_are_those_of_linux() -> None:
    import errno

    text = (SHIMS / "include/errno.h").read_text(encoding="utf-8")
    defined: dict[str, str] = dict(
        re.findall(r"^#define (E\w+) (\w+)$", text, re.MULTILINE)
    )
    numbers = {name: int(defined.get(value, value)) for name, value in defined.items()}
    here = {name: getattr(errno, name) for name in numbers if hasattr(errno, name)}
    if errno.ELOOP != 40:
        pytest.skip("this is not Linux")
    assert {name: numbers[name] for name in here} == here
    missing = {name for name in dir(errno) if name[0] == "E"} - numbers.keys()
    assert missing <= {"ENOTCAPABLE", "EQFULL"}


# Real trees.


@needs_real_tree
@needs_compiler
@pytest.mark.parametrize("target", EIGHT)
@pytest.mark.parametrize("path", REAL_TREES, ids=lambda path: path.name)
def test_real_cpus(path: Path, target: str) -> None:
    real = tree.configure(path, target)
    tables = ""
    for file in real.cpu_sources:
        unit = preprocess(real, file, preprocessor="cc")
        tables += unit.text
        # What comes out is C: nothing of glib or libc is missing.
        subprocess.run(
            ["cc", "-fsyntax-only", "-w", "-std=gnu11", "-x", "cpp-output", "-"],
            input=unit.text.encode(),
            check=True,
        )
    assert re.search(r"VMStateDescription vmstate_cpu_common\s*=", tables)
    assert re.search(r'\.name = "cpu",', tables)


@needs_real_tree
@needs_compiler
@pytest.mark.parametrize("path", REAL_TREES, ids=lambda path: path.name)
def test_both_agree_on_a_real_cpu(path: Path) -> None:
    real = tree.configure(path, "riscv64")
    assert tokens(real, "target/riscv/machine.c", "cc") == tokens(
        real, "target/riscv/machine.c", "pcpp"
    )


@by_both
def test_a_pragma_operator_is_the_directive_that_its_string_says(
    found: SourceTree, how: Preprocessor
) -> None:
    name = write(
        found,
        "target/toy/quiet.c",
        "#define DO(x) _Pragma(#x)\n"
        "#define QUIET DO(GCC diagnostic push) int quiet;\n"
        'QUIET\n_Pragma("pack(1)") int a;\n_Pragma("message \\"x\\"")\nint b;\n',
    )
    text = preprocess(found, name, preprocessor=how).text
    said = [" ".join(line.split()) for line in text.splitlines() if "#pragma" in line]
    assert said == [
        "#pragma GCC diagnostic push",
        "#pragma pack(1)",
        '#pragma message "x"',
    ]
    code = [(text, line) for text, _, line in tokens(found, name, how)]
    assert ("quiet", 3) in code
    assert ("a", 4) in code
    assert ("b", 6) in code


@needs_compiler
def test_a_compiler_that_does_not_end_is_a_diagnostic(
    found: SourceTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow-cc"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr("vmgen.preprocess.compiler.TIME_LIMIT", 0.2)
    name = write(found, "target/toy/slow.c", "int a;\n")
    with pytest.raises(VmgenError) as caught:
        preprocess(found, name, compiler=str(slow))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "VG111"
    assert "did not end within 0.2 seconds" in diagnostic.message


def test_what_pcpp_cannot_expand_is_said_by_name(tmp_path: Path) -> None:
    source = tmp_path / "v.c"
    source.write_text(
        "#define CALL(x, ...) f(x __VA_OPT__(,) __VA_ARGS__)\nint a = CALL(1);\n"
    )
    with pytest.raises(VmgenError, match="__VA_OPT__"):
        preprocess(tree.standalone((source,)), str(source), preprocessor="pcpp")


@by_both
def test_macros_without_end_are_named_by_their_line(
    found: SourceTree, how: Preprocessor
) -> None:
    macros = "".join(f"#define A{n} {f'A{n - 1} ' * 10}\n" for n in range(1, 9))
    file = write(found, "m.c", f"#define A0 {'x ' * 10}\n{macros}int a;\n A8 b;\n")
    (one,) = refusals(found, file, how)
    assert (one.code, one.position.line, one.excerpt) == ("VG111", 11, " A8 b;")
    assert "macros of this line" in one.message


@by_both
def test_files_that_include_each_other_without_end_are_named_once(
    found: SourceTree, how: Preprocessor
) -> None:
    write(found, "b.h", '\n#include "a.h"\n')
    write(found, "a.h", 'int a;\n\n#include "b.h"\n')
    file = write(found, "m.c", '#include "a.h"\n')
    (one,) = refusals(found, file, how)
    assert one.code == "VG111"
    assert (one.position.file, one.position.line) in (("a.h", 3), ("b.h", 2))
    assert "includes itself" in one.message


@needs_compiler
def test_a_file_that_is_no_c_is_named_with_what_includes_it(
    found: SourceTree,
) -> None:
    write(found, "words.txt", "no C at all\n")
    file = write(found, "m.c", 'int a;\n#include "words.txt"\nint b;\n')
    expansion = preprocess(found, file, preprocessor="cc")
    unit = Unit(expansion.text, source=file, relative=expansion.relative)
    with pytest.raises(VmgenError) as raised:
        unit.object("b")
    assert "m.c:2 includes words.txt" in raised.value.diagnostics[0].hint


def written(folder: Path, header: str, source: str = "") -> tuple[str, str]:
    """A unit of this header and source, expanded, without the lines of the header; and the
    hash of it, which is made piece by piece."""
    (folder / "dev.h").write_text(header)
    (folder / "dev.c").write_text(
        source or '#include "dev.h"\n#ifdef TWO\nint own;\n#else\n\nint own;\n#endif\n'
    )
    own = tree.standalone((Path("dev.c"),), (folder,), (), ())
    text = preprocess(own, "dev.c").text
    return without_header_lines(text), digest_without_header_lines(text)


_HEADER = """struct dev {
    int a;
};
static inline const char *where(void) { return name("it", __FILE__, __LINE__); }
int last;
"""


@needs_compiler
@pytest.mark.parametrize("more", ["\n", "/* one line */\n", "\n" * 12, "\n\n" * 400])
@pytest.mark.parametrize("before", ["struct", "int last"])
def test_lines_of_headers_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, before: str
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = written(tmp_path, _HEADER)
    moved = _HEADER.replace(before, more + before)
    assert written(tmp_path, moved) == plain
    assert without_header_lines(plain[0]) == plain[0]


@needs_compiler
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("int a", "long a"),
        ("__LINE__", "__LINE__, 8"),
        ('"it", __FILE__', '"other.h", 7, __FILE__'),
        # The same text of the source, at another of its lines.
        ("int last", "#define TWO\nint last"),
    ],
)
def test_all_else_of_headers_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    monkeypatch.chdir(tmp_path)
    changed = written(tmp_path, _HEADER.replace(old, new))
    plain = written(tmp_path, _HEADER)
    assert changed[0] != plain[0]
    assert changed[1] != plain[1]


@needs_compiler
def test_lines_of_the_source_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {
        written(tmp_path, _HEADER, f'#include "dev.h"\n{lines}int own;\n')
        for lines in ("", "\n", "/* one line */\n\n", "\n" * 12)
    }
    assert len({text for text, _ in texts}) == len({own for _, own in texts}) == 4
