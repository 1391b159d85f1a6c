"""What a machine type never runs of its board's file, against what gcc's programs run."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen import ir
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.machines.board_code import ClassQuestions
from vmgen.machines.model import UnusedCode
from vmgen.machines.unused import never_run
from vmgen.machines.unused_code import unused_code

ABOVE = """\
typedef struct BoxMachineClass { int old; int big; } BoxMachineClass;
typedef struct Box { void (*init)(void); } Box;
BoxMachineClass *current(void);
int unknown(void);
int mark(int line);
enum { RED, GREEN, BLUE };
"""
OLD, BIG = (ir.MemberPlace("BoxMachineClass", name) for name in ("old", "big"))


def unused(text: str, *makers: str) -> dict[str, UnusedCode]:
    """What is not run, by the function that makes the board."""
    unit = Unit(f'# 1 "hw/box.c"\n{text}', source="hw/box.c")
    layout = Layout(unit)
    found = unused_code(unit, layout, makers, ClassQuestions(unit, layout).of)
    return {maker: one for one in found for maker in one.makers}


def dead(
    code: UnusedCode | None, lines: list[str], old: int = 0, big: int = 0
) -> dict[int, tuple[str, ...]]:
    """The lines that are never run in a machine of such a class, each with the names and
    literals of it that are not, none for all."""
    members = (ir.ClassMember(OLD, old), ir.ClassMember(BIG, big))
    found = {}
    for part in never_run(() if code is None else code.texts, members):
        last = part.last or len(lines)
        for line in range(part.first, last + 1):
            if not part.last and lines[line - 1].startswith("}"):
                break
            found[line] = part.words
    return found


def marks(text: str, maker: str, **members: int) -> set[str]:
    """The words after ``qdev_new`` that a maker never comes to."""
    lines = text.split("\n")
    gone = dead(unused(text, "a_init", "b_init").get(maker), lines, **members)
    return {
        word
        for line, words in gone.items()
        for word in words or lines[line - 1].replace("(", " ").replace(")", " ").split()
        if word.isupper() and len(word) == 1
    }


def board(body: str, more: str = "") -> str:
    """A file whose function ``make`` is given ``RED`` by one board and ``BLUE`` by the
    other; ``A`` to ``E`` are what it makes."""
    inside = body.replace("\n", "\n    ")
    return (
        f"{ABOVE}int qdev_new(int); extern int A, B, C, D, E;\n{more}\n"
        f"static void make(Box *box, int kind)\n{{\n    {inside}\n}}\n"
        "static void a_init(Box *box)\n{\nmake(box, RED);\n}\n"
        "static void b_init(Box *box)\n{\nmake(box, BLUE);\n}\n"
        "void class_init(Box *mc)\n{\nmc->init = a_init;\nmc->init = b_init;\n}\n"
    )


@pytest.mark.parametrize(
    ("body", "first", "second"),
    [
        ("if (kind == RED) {\nqdev_new(A);\n} else {\nqdev_new(B);\n}", "B", "A"),
        ("if (!kind)\nqdev_new(A);\nqdev_new(B);", "", "A"),
        ("if (kind && unknown()) {\nqdev_new(A);\n}", "A", ""),
        ("if (kind || unknown()) {\nqdev_new(A);\n}", "", ""),
        ("qdev_new(kind == BLUE ? A : B);", "A", "B"),
        ("kind == RED && qdev_new(A);", "", "A"),
        ("if (kind == RED) {\nreturn;\n}\nqdev_new(A);", "A", ""),
        (
            "switch (kind) {\ncase RED:\nqdev_new(A);\ncase GREEN:\nqdev_new(B);\nbreak;\n"
            "case 2 ... 5:\nqdev_new(C);\nbreak;\ndefault:\nqdev_new(D);\n}\nqdev_new(E);",
            "CD", "ABD",
        ),
        ("switch (kind) {\ncase GREEN:\nqdev_new(A);\n}", "A", "A"),
        (
            "int big = 0;\nswitch (kind) {\ncase BLUE:\nbig = 1;\nbreak;\n}\n"
            "if (big) {\nqdev_new(A);\n}",
            "A", "",
        ),
        ("int n;\nfor (n = 0; n < kind; n++) {\nqdev_new(A);\n}", "", ""),
        ("int n = 0;\nwhile (unknown()) {\nn = 1;\n}\nif (n) {\nqdev_new(A);\n}", "", ""),
        ("do {\nif (!kind) {\nbreak;\n}\nqdev_new(A);\n} while (0);\nqdev_new(B);", "A", ""),
        ("int *p = &kind;\n*p = 5;\nif (kind) {\nqdev_new(A);\n}", "", ""),
        ("static int n;\nif (n) {\nqdev_new(A);\n}\nn = kind;", "", ""),
        ("if (RED) {\nqdev_new(A);\n}", "", ""),  # as the build decides
        ("int kvm = 0;\nif (kind && kvm) {\nqdev_new(A);\n}", "A", "A"),
        ("again:\nif (kind) {\nqdev_new(A);\ngoto again;\n}", "", ""),
        ("kind += 1;\nif (kind) {\nqdev_new(A);\n}", "", ""),
        ("if (({ int kind = 1; kind; })) {\nqdev_new(A);\n}", "", ""),
    ],
)  # fmt: skip
def test_what_constants_decide_that_a_board_hands_on(
    body: str, first: str, second: str
) -> None:
    text = board(body)
    assert marks(text, "a_init") == {*first}
    assert marks(text, "b_init") == {*second}


@pytest.mark.parametrize(
    ("body", "not_old", "old"),
    [
        ("if (current()->old) {\nqdev_new(A);\n} else {\nqdev_new(B);\n}", "A", "B"),
        ("BoxMachineClass *k = current();\nif (!k->old) {\nqdev_new(A);\n}", "", "A"),
        ("_Bool is = current()->old;\nif (is) {\nqdev_new(A);\n}", "A", ""),
        ("if (current()->old || kind) {\nqdev_new(A);\n}", "A", ""),
        ("if (current()->old && unknown()) {\nqdev_new(A);\n}", "A", ""),
        ("if (current()->old == 3) {\nqdev_new(A);\n}", "", ""),
        ("if (current()->old) {\nif (current()->big) {\nqdev_new(A);\n}\n}", "A", "A"),
        ("int n = current()->old ? 1 : 0;\nif (n) {\nqdev_new(A);\n}", "", ""),
        (
            "if (current()->old) {\nif (!current()->old) {\nqdev_new(A);\n}\n}",
            "A", "A",
        ),
    ],
)  # fmt: skip
def test_what_members_of_the_machine_s_class_decide(
    body: str, not_old: str, old: str
) -> None:
    text = board(body)
    assert marks(text, "a_init") == {*not_old}
    assert marks(text, "a_init", old=1) == {*old}


def test_a_function_of_one_board_is_none_of_the_other() -> None:
    more = (
        "static void inner(void)\n{\nqdev_new(A);\n}\n"
        "static void hooked(void)\n{\nqdev_new(B);\n}\n"
        "void outside(void)\n{\nqdev_new(C);\n}\n"
        "static void in_table(void)\n{\nqdev_new(D);\n}\n"
        "static const Box table = { in_table };\n"
        "void reset(void (*f)(void));\n"
    )
    body = "if (kind == BLUE) {\ninner();\nreset(hooked);\noutside();\nin_table();\n}"
    text = board(body, more)
    # What others may call, by name or by a table, counts for all.
    assert marks(text, "a_init") == {"A", "B"}
    assert marks(text, "b_init") == set()


def test_a_function_that_a_macro_makes_ends_in_its_line() -> None:
    text = board("qdev_new(kind ? A : B);") + (
        "static void c_init(Box *box) { make(box, GREEN); }\n"
        "void c_class_init(Box *mc) { mc->init = c_init; }\n"
        "void after(void)\n{\n    qdev_new(C);\n}\n"
    )
    lines = text.split("\n")
    gone = dead(unused(text, "a_init", "b_init", "c_init")["a_init"], lines)
    (line,) = (
        number for number, one in enumerate(lines, 1) if "c_init(Box *box)" in one
    )
    assert line in gone
    assert not {*range(line + 1, len(lines) + 1)} & gone.keys()


def test_a_board_that_something_else_calls_is_in_every_machine() -> None:
    text = board("qdev_new(kind ? A : B);") + "void other(void)\n{\na_init(0);\n}\n"
    assert marks(text, "b_init") == set()
    assert marks(text, "a_init") == {"A"}


def test_a_function_that_cannot_be_read_leaves_all_open() -> None:
    text = board("if (kind) {\nqdev_new(A);\n}\nodd();", "static void odd(void) { @ }")
    assert unused(text, "a_init", "b_init") == {}


# --- what programs run --------------------------------------------------------------------


class _Writer:
    """Writes functions of random statements, each with a mark of its own line."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.lines = ABOVE.rstrip("\n").split("\n")
        self._functions: list[str] = []

    def functions(self, count: int) -> None:
        for number in range(count):
            name = f"work_{number}"
            self._add(
                f"static int {name}(int kind, int flag)", "{", "int x = 0, y = 1;"
            )
            self._add("BoxMachineClass *k = current();", "_Bool is = k->big;")
            self._block(3, False)
            self._add("return x;")
            self.lines.append("}")
            self._functions.append(name)

    def maker(self, name: str) -> None:
        self._add(f"static void {name}(void)", "{")
        for _ in range(2):
            self._add(self._call() + ";")
        self.lines.append("}")

    def _add(self, *lines: str) -> None:
        """Add lines, indented unless they begin a function."""
        outer = lines[0].startswith("static")
        self.lines += lines if outer else [f"    {one}" for one in lines]

    def _mark(self) -> str:
        return f"mark({len(self.lines) + 1});"

    def _call(self) -> str:
        given = [self._random.choice(["0", "1", "2", "GREEN"]) for _ in range(2)]
        return f"{self._random.choice(self._functions)}({', '.join(given)})"

    def _condition(self, depth: int = 2) -> str:
        pick = self._random.randrange(10 if depth else 7)
        match pick:
            case 0 | 1:
                return self._random.choice(["kind", "flag", "x", "y", "!kind", "is"])
            case 2 | 3:
                name = self._random.choice(["kind", "flag", "x"])
                return f"{name} {self._random.choice(['==', '!=', '<', '>='])} {self._random.randrange(3)}"
            case 4:
                return "unknown()"
            case 5:
                return self._random.choice(["k->old", "!k->old", "current()->big"])
            case 6:
                return self._random.choice(["x + 1 == kind", "(kind & 1)", "-flag"])
            case 7 | 8:
                pair = self._condition(depth - 1), self._condition(depth - 1)
                return f"({pair[0]} {self._random.choice(['&&', '||'])} {pair[1]})"
            case _:
                one, two = self._condition(depth - 1), self._condition(depth - 1)
                return f"({one} ? {two} : mark({len(self.lines) + 1}))"

    def _block(self, depth: int, loop: bool) -> None:
        for _ in range(self._random.randrange(1, 4)):
            self._statement(depth, loop)

    def _statement(self, depth: int, loop: bool) -> None:
        match self._random.randrange(14 if depth else 6):
            case 0 | 1:
                self._add(self._mark())
            case 2:
                name = self._random.choice(["x", "y", "flag"])
                value = self._random.choice(["0", "1", "kind", "x", "unknown()", "is"])
                self._add(f"{name} = {value};")
            case 3:
                self._add(self._random.choice(["x++;", "y = x = 1;", "is = !is;"]))
            case 4:
                if self._functions:
                    self._add(f"if (unknown()) {self._call()};")
            case 5:
                ends = ["return 1;", *(["break;", "continue;"] if loop else [])]
                self._add(f"if ({self._condition()})", self._random.choice(ends))
            case 6 | 7 | 8 | 9:
                self._add(f"if ({self._condition()}) {{")
                self._block(depth - 1, loop)
                if self._random.random() < 0.6:
                    self._add("} else {")
                    self._block(depth - 1, loop)
                self._add("}")
            case 10 | 11:
                self._add(f"switch ({self._random.choice(['kind', 'flag', 'x'])}) {{")
                for label in ("case RED:", "case 1 ... 2:", "default:"):
                    if self._random.random() < 0.8:
                        self._add(label, self._mark())
                        self._block(depth - 1, False)
                        if self._random.random() < 0.7:
                            self._add("break;")
                self._add("}")
            case 12:
                name = f"i{len(self.lines)}"
                self._add(f"for (int {name} = 0; {name} < 2; {name}++) {{")
                self._block(depth - 1, True)
                self._add("}")
            case _:
                self._add("do {")
                self._block(depth - 1, True)
                self._add("} while (0);")


MAIN = """\
#include <stdio.h>
#include <stdlib.h>
static BoxMachineClass class;
BoxMachineClass *current(void) { return &class; }
int unknown(void) { return rand() >> 8 & 1; }
int mark(int line) { printf("%d %d %d %d\\n", maker, class.old, class.big, line); return 0; }
int main(void)
{
    for (int n = 0; n < 4 * 12; n++) {
        class.old = n & 1;
        class.big = n >> 1 & 1;
        srand(n);
        for (maker = 0; maker < 3; maker++) {
            makers[maker]();
        }
    }
}
"""


@pytest.mark.skipif(
    shutil.which("gcc") is None, reason="there is no gcc on this machine"
)
@pytest.mark.parametrize("seed", range(40))
def test_no_line_that_a_program_runs_is_taken_for_unused(
    seed: int, tmp_path: Path
) -> None:
    writer = _Writer(seed)
    writer.functions(4)
    makers = ("one", "two", "three")
    for name in makers:
        writer.maker(name)
    text = "\n".join(writer.lines) + "\n"
    source = tmp_path / "box.c"
    table = (
        f"static int maker; static void (*makers[])(void) = {{ {', '.join(makers)} }};"
    )
    source.write_text(f"{text}{table}\n{MAIN}")
    program = tmp_path / "box"
    subprocess.run(["gcc", "-w", "-O0", "-o", program, source], check=True)
    ran = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    found = unused(text, *makers)
    gone = {
        (number, old, big): {
            line
            for line, words in dead(
                found.get(name), writer.lines, old=old, big=big
            ).items()
            if not words or "mark" in words
        }
        for number, name in enumerate(makers)
        for old in (0, 1)
        for big in (0, 1)
    }
    for row in {*ran.splitlines()}:
        number, old, big, line = map(int, row.split())
        assert line not in gone[number, old, big], writer.lines[line - 1]
    assert found  # something is not run: a maker's own function by the other two
