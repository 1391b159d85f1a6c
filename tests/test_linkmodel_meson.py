"""The language of build descriptions against meson itself: values, statements, methods."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vmgen.linkmodel import syntax
from vmgen.linkmodel.functions import FUNCTIONS
from vmgen.linkmodel.interpreter import Interpreter
from vmgen.linkmodel.methods import HOST_HEADER, method
from vmgen.linkmodel.values import MesonModule, SourceSet
from vmgen.source import VmgenError

EXPRESSIONS = [
    # operators, their order and their types
    "1 + 2 * 3", "7 - 2 - 1", "8 / 3", "-7 / 2", "-7 % 3", "7 % 3", "2 * 3 % 4", "(1 + 2) * 3", "-2 + 5", "- 3",
    "1 + 2 == 3", "not true or true", "not (true or true)", "true and false or true", "false or true and false",
    "1 < 2", "2 < 1", "2 <= 2", "3 <= 2", "3 > 2", "2 > 3", "2 >= 2", "1 >= 2", "1 != 2", "1 == 2", "'a' == 'b'",
    "2 > 2", "2 < 2", "1 <= 2", "'b' > 'a'", "'a' > 'b'", "'a' > 'a'", "'a' < 'a'", "'a' <= 'a'", "'b' <= 'a'", "'a' >= 'a'", "'a' >= 'b'",
    "'a' < 'b'", "'b' < 'a'", "'a' + 'b'", "'a' / 'b'", "'a' / '/b'", "'a/' / 'b'", "[1] + [2, 3]", "[1] + 2", "['a'] + 'b'",
    "1 in [1, 2]", "3 in [1, 2]", "1 not in [1, 2]", "3 not in [1, 2]", "'a' in {'a': 1}", "'b' in {'a': 1}", "'b' not in {'a': 1}",
    "'a' in 'bac'", "'d' not in 'bac'", "true ? 1 : 2", "false ? 1 : 2", "not false ? 1 : 2",
    "[1, 2, 3][1]", "[1, 2, 3][-1]", "[[1, 2], [3]][0][1]", "{'a': 1, 'b': [2]}['b']", "{'a': {'b': 3}}['a']['b']",
    "[]", "[1, 'a', true, [2]]", "{}", "{'b': 2, 'a': 1}", "{'a': 1} + {'b': 2}", "{'a': 1, 'b': 3} + {'b': 2}", "[1,\n 2,\n]", "{'a': 1,\n}",
    "0x1F", "0X1f", "0b101", "0o17", "10", "'a' + \\\n 'b'", "true == true", "[1, 2] == [1, 2]", "[1, 2] == [2, 1]", "{'a': 1} != {'a': 2}",
    "1 == 1 and 2 == 2", "not (1 in [1])", "1 - -1", "5 - 2 * 2", "2 - 1 < 2", "[1 + 1, not true]", "(true)", "((1))",
    # strings
    r"'a\'b'", r"'\n|\t|\\'", r"'\x41\101\u0042\U00000043'", r"'\q'", "'''a\\n'b'''", "'''a\nb'''", "'a@0@b'.format(1)",
    "'@0@ @1@ @0@'.format('x', true)", "'@0@'.format([1, 'a'])", "'@0@@1@'.format(['p', 'q'][0], 5)", "f'a@name@b@number@'", "f'@name@'", "f'@'",
    "'@name@'", "'a-b+c.d_e1'.underscorify()", "'aBc'.to_upper()", "'aBc'.to_lower()", "' a b '.strip()", "'xxaxx'.strip('x')",
    "'a,b,,c'.split(',')", "' a  b c '.split()", "'a b'.split(' ')", "''.split(',')", "'-'.join(['a', 'b'])", "'-'.join('a', 'b')", "'-'.join([])",
    "', '.join(['a', ['b', 'c']])", "'abc'.startswith('ab')", "'abc'.startswith('b')", "'abc'.endswith('bc')", "'abc'.endswith('b')",
    "'abc'.contains('b')", "'abc'.contains('d')", "'12'.to_int()", "'-12'.to_int()", "'0x1f'.to_int()", "'abcde'.substring(1, 3)", "'abcde'.substring(2)",
    "'abcde'.substring(-2)", "'abcde'.substring()", "'abcde'.substring(0, -1)", "'aXbX'.replace('X', 'yy')", "'a\\nb\\n'.splitlines()", "''.splitlines()",
    # versions
    *(f"'{one}'.version_compare('{op}{two}')" for op in ("", "=", "==", "!=", "<", "<=", ">", ">=", ">= ", "< ")
      for one, two in (("1.2", "1.10"), ("1.2", "1.2"), ("2", "1.9.9"), ("1.2", "1.2.0"), ("1.02", "1.2"))),
    "'1.2a'.version_compare('>1.2')", "'1.2.rc1'.version_compare('<1.2.1')", "'6.0.50'.version_compare('>= 6.0')", "'a'.version_compare('<1')",
    "'1.2b'.version_compare('>1.2a')", "'1.2-3'.version_compare('==1.2.3')", "'1.10.1'.version_compare('>1.9')",
    # lists, dictionaries, numbers, truths
    "[1, 2].length()", "[].length()", "[1, 2].contains(2)", "[1, 2].contains(3)", "[1, [2]].contains(2)", "[1, 2].get(0)", "[1, 2].get(-1)", "[1, 2].get(5, 'd')",
    "[1, 2].get(2, 9)", "[1, 2].get(-3, 9)", "[1, 2].get(-2)", "{'b': 1, 'a': 2}.keys()", "{'b': 1, 'a': 2}.values()", "{'a': 1}.get('a')", "{'a': 1}.get('b', 2)", "{'a': 1}.get('a', 2)",
    "{'a': 1}.has_key('a')", "{'a': 1}.has_key('b')", "true.to_string()", "false.to_string()", "true.to_string('y', 'n')", "false.to_string('y', 'n')",
    "true.to_int()", "false.to_int()", "5.to_string()", "(1 + 2).to_string()", "(2 < 1).to_int()",
    # functions
    "join_paths('a', 'b')", "join_paths('a', '/b', 'c')", "join_paths(['a', 'b'], 'c')", "'a'.format()", "is_variable('name')", "is_variable('nothing')",
    "get_variable('name')", "get_variable('nothing', 4)", "fs.name('a/b.c')", "fs.stem('a/b.c')", "fs.parent('a/b.c')", "fs.parent('b')", "fs.replace_suffix('a/b.c', '.o')",
    "fs.exists('there.txt')", "fs.exists('nothing.txt')", "fs.is_file('there.txt')", "fs.is_dir('there.txt')", "fs.is_dir('folder')", "fs.exists('folder')", "fs.is_file('folder')",
    "fs.read('there.txt')",
]  # fmt: skip

STATEMENTS = [
    "r = 1\nr += 2", "r = 'a'\nr += 'b'", "r = [1]\nr += 2", "r = [1]\nr += [2]", "r = {'a': 1}\nr += {'b': 2}", "r = [1]\ns = r\nr += 2\nr = [r, s]",
    "if true\n  r = 1\nelse\n  r = 2\nendif", "if false\n  r = 1\nelse\n  r = 2\nendif", "r = 0\nif false\n  r = 1\nendif",
    "if false\n  r = 1\nelif true\n  r = 2\nelse\n  r = 3\nendif", "if false\n  r = 1\nelif false\n  r = 2\nelif true\n  r = 3\nelse\n  r = 4\nendif",
    "if true\n  r = 1\nelif true\n  r = 2\nendif", "if true\n  if false\n    r = 1\n  else\n    r = 2\n  endif\nelse\n  r = 3\nendif",
    "r = []\nforeach x : [3, 1, 2]\n  r += x\nendforeach", "r = []\nforeach k, v : {'b': 1, 'a': 2}\n  r += [[k, v]]\nendforeach",
    "r = []\nforeach x : [1, 2, 3]\n  if x == 2\n    continue\n  endif\n  r += x\nendforeach", "r = []\nforeach x : [1, 2, 3]\n  if x == 2\n    break\n  endif\n  r += x\nendforeach",
    "r = []\nforeach x : [1, 2]\n  foreach y : [3, 4]\n    if y == 4\n      break\n    endif\n    r += x * y\n  endforeach\n  r += 0\nendforeach",
    "r = 0\nforeach x : []\n  r = 1\nendforeach", "foreach r : [1, 2]\nendforeach", "r = 1 # comment\n# another\n\nr += 1 \\\n  + 1",
    "r = true and not false\nif r and true\n  r = 'yes'\nendif", "set_variable('r', 5)", "r = 1\nunset_variable('r')\nr = is_variable('r')",
    "r = [\n  1, # one\n  2,\n]", "r = {\n  'a': 1,\n  'b': 2,\n}", "r = [1, 2]\nr = r[1] == 2 ? 'p' : 'q'", "r = []\nforeach x : [1] + [2]\n  r += [x]\nendforeach",
    "assert(true, 'no')\nr = 1", "message('hello', 1)\nr = 2", "warning('w')\nr = 2", "r = []\nforeach x : ['a', 'b']\n  r += f'<@x@>'\nendforeach",
    "c = configuration_data()\nc.set('A', 1)\nc.set('B', 'x')\nr = [c.get('A'), c.get('B'), c.has('A'), c.has('C'), c.get('C', 7), c.keys()]",
    "c = configuration_data({'A': 1})\nr = [c.has('A'), c.get('A')]", "c = configuration_data()\nc.set10('A', true)\nc.set10('B', false)\nr = [c.get('A'), c.get('B')]",
    "subdir('folder')\nr = of_folder", "subdir('left')\nr = of_left",
]  # fmt: skip

#: What meson refuses.
WRONG = [
    "r = 1 +", "r = [1", "if true", "endif", "foreach x : 1\nendforeach", "r = 'a", "r = nothing", "r = [1][3]", "r = {'a': 1}['b']", "r = {'a': 1}.get('b')",
    "r = [1].get(1)", "r = 1 ? 2", "r = 'a'.nothing()", "nothing()", "r = )", "r = 1 2", "r == 1\nr = = 2", "1 = r", "r = {'a' 1}", "r = if", "if true\nelse\nelif true\nendif",
    "r = 'a' 'b'", "foreach x, y : [1]\nendforeach", "error('no')", "r = [1,, 2]", "r = f(1", "r = @", "else\nr = 1", "foreach x [1]\nendforeach", "r += 1",
    "r = [1, 2][-3]", "r = 'a'.to_int()", "r = not", "break", "continue", "r = {'a': 1, 'a': 2}", "r = (1", "r = a.b", "if true r = 1\nendif", "subdir('nowhere')",
]  # fmt: skip

HEAD = "fs = import('fs')\nname = 'word'\nnumber = 7\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("meson")
    (root / "there.txt").write_text("text\n")
    for folder, more in (("folder", ""), ("left", "subdir_done()\nof_left = 8\n")):
        (root / folder).mkdir()
        (root / folder / "meson.build").write_text(f"of_{folder} = 5\n{more}")
    return root


def run_meson(tree: Path, text: str) -> tuple[int, str]:
    pytest.importorskip("mesonbuild")
    build = tree.parent / f"{tree.name}-build"
    (tree / "meson.build").write_text(f"project('x', version: '1')\n{HEAD}{text}")
    done = subprocess.run(
        [sys.executable, "-m", "mesonbuild.mesonmain", "setup", "--wipe", "--backend=none", build, tree],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def interpreted(tree: Path, text: str) -> str:
    """What ``r`` is as our interpreter formats it."""

    def subdir(interpreter: Interpreter, call: object) -> None:
        folder = call.values[0]  # type: ignore[attr-defined]
        file = tree / folder / "meson.build"
        if not file.exists():
            raise interpreter.error(1, "no such folder")
        interpreter.subdir(folder, 1, syntax.parse(file.read_text(), str(file)))

    interpreter = Interpreter(
        tree,
        {**FUNCTIONS, "subdir": subdir},
        method,
        {"meson": MesonModule("meson"), HOST_HEADER: {"YES"}},
        frozenset(),
    )
    interpreter.run(
        syntax.parse(f"{HEAD}{text}\nshown = '@0@'.format(r)\n", "meson.build")
    )
    shown = interpreter.variables["shown"]
    assert isinstance(shown, str)
    return shown


def test_values_and_statements_are_mesons(tree: Path) -> None:
    texts = [*(f"r = {one}" for one in EXPRESSIONS), *STATEMENTS]
    parts = []
    for number, text in enumerate(texts):
        # A value of its own kind each time.
        parts.append(
            f"{text}\nmessage('<@0@|'.format({number}) + '@0@'.format(r) + '>')\nunset_variable('r')\n"
        )
    code, output = run_meson(tree, "".join(parts))
    assert code == 0, output[-500:]
    said = dict(re.findall(r"Message: <(\d+)\|(.*?)>$", output, re.M | re.S))
    assert len(said) == len(texts)
    found = {text: interpreted(tree, text) for text in texts}
    assert found == {text: said[str(number)] for number, text in enumerate(texts)}


@pytest.mark.parametrize("text", WRONG)
def test_what_meson_refuses_is_refused(tree: Path, text: str) -> None:
    with pytest.raises(VmgenError):
        interpreted(tree, f"{text}\nr = 0")


@pytest.mark.parametrize("text", WRONG[::6])
def test_meson_refuses_what_is_listed_here(tree: Path, text: str) -> None:
    code, _ = run_meson(tree, f"{text}\nr = 0\n")
    assert code != 0


SOURCES = """
ss = import('sourceset')
s = ss.source_set()
t = ss.source_set()
t.add(files('t.c'))
t.add(when: 'B', if_true: files('tb.c'), if_false: files('tnb.c'))
s.add(files('a.c'))
s.add('s.c', files('u.c'))
s.add(when: 'A', if_true: files('x.c'), if_false: files('y.c'))
s.add(when: ['A', 'B'], if_true: [files('ab.c')], if_false: files('nab.c'))
s.add_all(when: 'A', if_true: t)
s.add_all(t)
s.add(when: ['A'], if_true: files('a.c', 'last.c'))
s.add(when: declare_dependency(), if_true: files('dep.c'))
s.add(when: dependency('', required: false), if_true: files('nodep.c'), if_false: files('none.c'))
"""


@pytest.mark.parametrize(
    "chosen",
    ["{}", "{'A': true}", "{'B': 'y'}", "{'A': 1, 'B': 2}", "{'A': false}", "{'A': 0, 'B': ''}", ""],
)  # fmt: skip
def test_source_sets_select_what_mesons_do(tree: Path, chosen: str) -> None:
    for name in re.findall(r"\w+\.c", SOURCES):
        (tree / name).write_text("")
    body = SOURCES + (
        f"c = s.apply({chosen}, strict: false)\nlist = c.sources()\n"
        if chosen
        else "list = s.all_sources()\n"
    )
    code, output = run_meson(
        tree,
        body + "foreach one : list\n  message('<' + fs.name(one) + '>')\nendforeach\n",
    )
    assert code == 0, output[-500:]
    text = "r = []\nforeach one : list\n  r += fs.name(one)\nendforeach"
    found = re.findall(r"'(.*?)'", interpreted(tree, body + text))
    assert sorted(found) == sorted(re.findall(r"Message: <(.*)>", output))
    assert len(set(found)) == len(found)
    assert SourceSet().apply(None).sources == ()
