"""Raw C as text: directives, words, groups and functions, held against GCC where it says it."""

from __future__ import annotations

import random
import re
import shutil
import subprocess

import pytest

from vmgen.c_text import (
    CText,
    TextPart,
    closing,
    items,
    macros,
    spelled,
    without_groups,
    words_of,
)

GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="no gcc to compare with")


def gcc(text: str, *options: str) -> subprocess.CompletedProcess[str]:
    assert GCC is not None
    return subprocess.run(
        [GCC, "-E", "-undef", *options, "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip


def joined(choose: random.Random, pieces: tuple[str, ...], count: int) -> str:
    return "".join(choose.choice(pieces) for _ in range(count))


# --- directives -----------------------------------------------------------------------

BETWEEN = (
    "int x;\n", "\n", "/* one */\n", "/* #warning in a\n#warning comment */\n",
    "// #warning behind\n", "// goes \\\n#warning on\n", 'char *s = "#warning \\\n no";\n',
    "x # warning\n", "'\"';\n", "  ", "\t",
)  # fmt: skip
WARNINGS = (
    "#warning {0}\n", "  #  warning {0}\n", "\t#\twarning\t{0}\n", "#warning {0} // more\n",
    "#warning {0} /* more */ b\n", "#warning {0} a\\\n b\n", "#war\\\nning {0}\n",
    "/* one */ #warning {0}\n",
)  # fmt: skip


@needs_gcc
@pytest.mark.parametrize("seed", range(10))
def test_a_directive_is_on_the_line_where_gcc_sees_it(seed: int) -> None:
    choose = random.Random(seed)
    text = ""
    for number in range(12):
        text += joined(choose, BETWEEN, 3).rstrip(" \t")
        text += "" if text.endswith("\n") or not text else "\n"
        # A directive that is itself cut in two is none for vmgen.
        text += choose.choice(WARNINGS[:6] + WARNINGS[7:]).format(f"w{number}")
    seen = {
        (int(line), word)
        for line, word in re.findall(
            r"^<stdin>:(\d+):\d+: warning: #warning (\w+)", gcc(text).stderr, re.M
        )
    }
    assert len(seen) == 12
    found = CText(text).directives
    assert {(one.line, one.identifiers[0]) for one in found} == seen
    assert {one.name for one in found} == {"warning"}
    assert [one.line for one in found] == sorted(one.line for one in found)


def test_what_follows_on_the_line_and_on_those_that_continue_it_is_the_text() -> None:
    text = "#\n#define A \\\n  1 /* one */ + \\\r\n 2\n# if  A\t\n#endif"
    assert [(one.name, one.text, one.line) for one in CText(text).directives] == [
        ("", "", 1),
        ("define", "A    1           +   2", 2),
        ("if", "A", 5),
        ("endif", "", 6),
    ]
    (one,) = CText('#define A(x1, _b) 2x "c" x1\n').directives
    assert one.identifiers == ["A", "x1", "_b", "c", "x1"]


@needs_gcc
def test_macros_without_parameters_are_those_of_gcc() -> None:
    text = """\
#define ONE 1
#define TWO (ONE + \\
             1) /* two */
  # define THREE "a // b"
#define NOTHING
#define CALLED(x) x
#define BRACED {1, 2}
// #define FOUR 4
"""
    of_gcc = dict(re.findall(r"^#define (\w+) ?(.*)$", gcc(text, "-dM").stdout, re.M))
    found = macros(text)
    assert found.keys() == {"ONE", "TWO", "THREE", "NOTHING", "BRACED"}
    for name, value in found.items():
        assert " ".join(value.split()) == of_gcc[name]


# --- code and words -------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_nothing_moves(seed: int) -> None:
    choose = random.Random(seed)
    text = joined(choose, (*BETWEEN, *WARNINGS), 40)
    written = CText(text)
    for other in (written.plain, written.code):
        assert len(other) == len(text)
        assert all((a == "\n") == (b == "\n") for a, b in zip(text, other, strict=True))
        assert all(a in (b, " ") for a, b in zip(other, text, strict=True))
    assert not any(one.lstrip().startswith("#") for one in written.code.splitlines())
    assert "one" not in written.plain
    assert "in a" not in written.plain


def test_words_are_names_numbers_literals_and_characters() -> None:
    text = (
        'int a_1 = 0x1f + x->y; /* no */ char *s = "a \\" b" "c";\n'
        "#define GONE 1\n"
        "'\\'' a##b \xe9t\xe9;"
    )
    found = CText(text)
    assert found.words == [
        "int", "a_1", "=", "0x1f", "+", "x", "-", ">", "y", ";", "char", "*", "s", "=",
        '"a \\" b"', '"c"', ";", "'\\''", "a", "##", "b", "\xe9t\xe9", ";",
    ]  # fmt: skip
    assert [found.line_of(at) for at in (0, 16, 17, 22)] == [1, 1, 3, 3]
    assert (found.line(0), found.line(text.index("\n")), found.line(len(text))) == (
        1,
        1,
        3,
    )
    assert words_of("a+b") == ["a", "+", "b"]


def test_brackets_and_what_is_between_commas() -> None:
    words = words_of("f(a, (b, c), {d, [e, f]}, g) + h")
    assert spelled(words[1 : closing(words, 1)]) == "(a,(b,c),{d,[e,f]},g)"
    assert closing(words, 4) == 9
    assert closing(words_of("(a"), 0) == 2
    inside = words[2 : closing(words, 1) - 1]
    assert [spelled(one) for one in items(inside)] == ["a", "(b,c)", "{d,[e,f]}", "g"]
    assert items(words_of("a, b,")) == [["a"], ["b"]]
    assert items(words_of("a,, b")) == [["a"], [], ["b"]]
    assert items([]) == []


def test_words_are_spelled_with_blanks_where_two_would_be_one() -> None:
    assert spelled(words_of("const  int *p ;")) == "const int*p;"
    assert spelled(words_of('a _b 1 "c" d - -2')) == 'a _b 1"c"d--2'
    assert spelled([]) == ""


def test_parts_of_the_code_are_blanked() -> None:
    text = 'a(b);\n  if (b) {\n    c("b", b1, b);\n  }\n  d(b);\n}\nint e;\n  f(b);\n'
    written = CText(text)

    def lines(*parts: TextPart) -> list[str]:
        return written.code_without(parts).split("\n")

    whole = text.split("\n")
    assert lines() == whole
    assert lines(TextPart(2, 4)) == [whole[0], "", "", "", *whole[4:]]
    assert lines(TextPart(1, 1), TextPart(5, 5))[:5] == ["", *whole[1:4], ""]
    assert lines(TextPart(8, 100)) == [*whole[:7], "", ""]
    # To the end of the function, wherever it began.
    assert lines(TextPart(2, 0)) == [whole[0], "", "", "", "", *whole[5:]]
    assert lines(TextPart(1, 0)) == ["", "", "", "", "", *whole[5:]]
    assert lines(TextPart(7, 0)) == [*whole[:6], "", "", ""]
    # Only some names and literals.
    assert lines(TextPart(3, 3, ("b",)))[2] == '    c(" ", b1,  );'
    assert lines(TextPart(3, 3, ('"b"',)))[2] == "    c( , b1, b);"
    assert lines(TextPart(2, 0, ("b", "c")))[1:5] == [
        "  if ( ) {", '     (" ", b1,  );', "  }", "  d( );",
    ]  # fmt: skip


# --- functions ------------------------------------------------------------------------


def test_functions_are_found_by_the_style_of_their_braces() -> None:
    text = """\
#define CALL(x) f(x)
static int number;
MODULE_INIT(start)

static void G_GNUC_UNUSED first(Object *obj,
                                int (*call)(int))
{
    if (obj) {
        call(1);
    }
}
static const int table[] = { 1, 2 };
int second(void) {
    return 1;
}
struct Pair {
    int a;
};
ATTRIBUTE(x) int third(int x)
{
#if ONE
    if (x) {
#else
    {
#endif
    }
}

int last(void)
{
    x();
"""
    found = list(CText(text).functions())
    assert [one.name for one in found] == ["first", "second", "third", "last"]
    first, second, _, last = found
    assert first.head.split() == (
        [
            "static",
            "void",
            "G_GNUC_UNUSED",
            "first(Object",
            "*obj,",
            "int",
            "(*call)(int))",
        ]
    )
    assert first.body.split() == ["if", "(obj)", "{", "call(1);", "}"]
    assert (second.head.strip(), second.body) == (
        "int second(void)",
        "\n    return 1;\n",
    )
    assert last.body == "\n    x();\n"


# --- groups ---------------------------------------------------------------------------

OPENED = (
    "#ifdef {0}\n", "#ifndef {0}\n", "#if defined({0})\n", "# if defined {0}\n",
    "#if !defined({0})\n", "#if ! defined ( {0} )\n", "#ifdef {0} /* why */\n",
)  # fmt: skip


def grouped(choose: random.Random, names: tuple[str, ...], depth: int) -> str:
    """Groups in groups, each under one of these names, or their opposite."""
    text = ""
    for _ in range(choose.randint(1, 3)):
        text += f"word{choose.getrandbits(60)};\n"
        if depth and choose.random() < 0.8:
            text += choose.choice(OPENED).format(choose.choice(names))
            text += grouped(choose, names, depth - 1)
            if choose.random() < 0.5:
                text += "#else\n" + grouped(choose, names, depth - 1)
            text += "#endif\n"
    return text


@needs_gcc
@pytest.mark.parametrize("seed", range(20))
def test_without_a_macro_the_text_is_what_gcc_leaves_of_it(seed: int) -> None:
    choose = random.Random(seed)
    text = grouped(choose, ("GONE", "AWAY", "OTHER"), 3)
    less = without_groups(text, ("GONE", "AWAY"))
    assert [len(line) for line in less.split("\n")] == [
        len(line) for line in text.split("\n")
    ]
    seen = {
        word
        for other in ([], ["-DOTHER"])
        for word in gcc(text, "-P", *other).stdout.split()
    }
    for other in ([], ["-DOTHER"]):
        wanted = gcc(text, "-P", *other).stdout.split()
        # What was left out is not there for anybody.
        assert gcc(less, "-P", *other).stdout.split() == wanted
        # What only these macros bring is blank.
        only = set(gcc(text, "-P", "-DGONE", "-DAWAY", *other).stdout.split())
        assert not (only - seen) & set(less.split())


def test_a_group_of_another_condition_stays() -> None:
    for condition in (
        "#if defined(GONE) && 1", "#if defined(GONE) || defined(A)", "#if GONE",
        "#ifdef GONE2", "#if !(defined(GONE))", "#elif defined(GONE)",
    ):  # fmt: skip
        before = "#if A\n" if condition.startswith("#elif") else ""
        text = f"{before}{condition}\nhere\n#else\nthere\n#endif\nGONE\n"
        assert without_groups(text, ("GONE",)) == text
    text = "#endif\n#else\nhere\n#ifdef GONE\n"  # of no group
    assert without_groups(text, ("GONE",)) == text
    text = "#ifdef GONE\nhere\n#elif B\nthere\n#else\nelsewhere\n#endif\n"
    assert without_groups(text, ("GONE",)) == text.replace("here\n#elif", "    \n#elif")
    assert without_groups(text, ()) == without_groups(text, ("NONE",)) == text
