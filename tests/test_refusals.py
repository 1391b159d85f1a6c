"""When a post_load function refuses: its conditions against the function gcc compiles."""

from __future__ import annotations

import ctypes
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ir_eval import Memory, evaluate
from tests.test_translate import TYPES, Compiled
from vmgen import ir, wording
from vmgen.cfront.layout import Layout
from vmgen.cfront.unit import Unit
from vmgen.translate import refusals

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="no gcc to compare with"
)
BEGIN = "CPU *cpu = opaque; Env *env = &cpu->env; int i, ret = 0;\n"

FUNCTIONS = {
    "plain": "if (env->u8 > 100) { return -22; } return 0;",
    "positive": "if (env->u8 > 100) { return 1; } return env->s8 > 3 ? -1 : 0;",
    "value": "return env->s32;",
    "value as int": "return env->u32;",
    "wide value": "return env->u64;",
    "two": "if (env->u8 > 100) return -1; if (env->yes && env->u16) return -2; return 0;",
    "early": "if (env->yes) { return 0; } if (env->u8 & 1) return -1; return 0;",
    "both": "if (env->yes) { return -1; } else { return -2; }",
    "nested": """if (env->u8) { if (env->yes) { return -5; } env->u16 = 0; }
        if (env->u16) { return -6; } return 0;""",
    "changed": "env->u8 = env->s8; if (env->u8 > 200) return -1; return 0;",
    "changed twice": """env->u8 |= 1; env->u8 <<= 1;
        if (env->u8 == 2) return -1; return 0;""",
    "one way": """if (env->yes) { env->u16 = 7; return env->u16 == 7 ? -1 : 0; }
        if (env->u16 == 7) return -2; return 0;""",
    "version": "if (version_id < 3) { return 0; } if (env->u8) return -1; return 0;",
    "loop": """for (i = 0; i < 8; i++) { if (env->table[i] & 0x80) { return -1; } }
        return 0;""",
    "skipped": """for (i = 0; i < 8; i++) { if (env->table[i] & 1) continue;
        if (env->table[i] & 0x80) { return -1; } } return 0;""",
    "jumped out": """for (i = 0; i < 8; i++) { if (env->table[i] & 0x80) {
        ret = -1; goto out; } } ret = env->s8 > 3 ? -2 : 0; out: return ret;""",
    "left": """for (i = 0; i < 8; i++) { ret = env->u8 > 100 ? -1 : 0; break; }
        return ret;""",
    "bounded": """for (i = 0; i < (env->u8 & 7); i++)
            if (env->table[i] > 0x80000000u) return -1;
        return env->bit ? -1 : 0;""",
    "jumped": """if (env->u8 > 100) { ret = -1; goto out; }
        if (env->yes) { ret = 3; goto out; } ret = env->s8;
        out: return ret;""",
    "switched": """switch (env->u8 & 3) { case 0: return -1; case 1: env->s8 = 1; break;
        case 2: return 0; default: if (env->yes) return -2; }
        return env->s8 > 0 ? -1 : 0;""",
    "ret": """ret = env->yes ? 0 : -1; if (ret) { return ret; }
        if (env->bit) ret = -3; return ret;""",
    "callee": "return inner_check(env, env->u8) || env->bit ? -1 : 0;",
    "callee changes": "bump(env); return env->u16 > 1000 ? -1 : 0;",
    "through": "if (env->far && env->far->flags & 1) return -1; return 0;",
}  # fmt: skip
HELP = """
static int inner_check(Env *env, int limit)
{
    if (env->yes) { return limit > 10; }
    return 0;
}
static void bump(Env *env) { if (env->yes) { env->u16 += 3; } else { env->u16 = 1001; } }
"""


class Loaded(Compiled):
    """post_load functions as gcc compiles them, and when they refuse."""

    def __init__(self, functions: dict[str, str], folder: Path) -> None:
        super().__init__({}, folder)
        self.text = (
            TYPES
            + HELP
            + "".join(
                f"int {name.replace(' ', '_')}(void *opaque, int version_id)\n"
                f"{{\n{BEGIN}{body}\n}}\n"
                for name, body in functions.items()
            )
        )
        (folder / "l.c").write_text(self.text)
        subprocess.run(
            ["gcc", "-w", "-O1", "-fwrapv", "-shared", "-fPIC", "-o", "l.so", "l.c"],
            cwd=folder,
            check=True,
        )
        self.library = ctypes.CDLL(str(folder / "l.so"))
        self.unit = Unit(self.text, source="l.c")
        self.layout = Layout(self.unit)

    def refusals(self, name: str) -> tuple[ir.Refusal, ...]:
        """As translated."""
        return refusals(self.unit, self.layout, name.replace(" ", "_"), "post_load")

    def refused(self, name: str, image: bytes, version: int) -> bool:
        """Whether gcc's code says no."""
        memory = ctypes.create_string_buffer(image, len(image))
        compiled = self.library[name.replace(" ", "_")]
        compiled.restype = ctypes.c_int
        compiled.argtypes = ctypes.c_void_p, ctypes.c_int
        return bool(compiled(ctypes.addressof(memory), version) < 0)

    def told(self, found: tuple[ir.Refusal, ...], image: bytes, version: int) -> bool:
        """Whether one of the conditions holds."""
        memory = ctypes.create_string_buffer(image, len(image))
        reader = Memory(self.layout, self.record, ctypes.addressof(memory)).read
        return any(
            evaluate(one.condition, reader, version)
            for one in found
            if one.condition is not None
        )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return Loaded(FUNCTIONS, tmp_path_factory.mktemp("refusals"))


@needs_gcc
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_refuses_when_its_conditions_say(loaded: Loaded, name: str) -> None:
    choose = random.Random(name)
    found = loaded.refusals(name)
    assert all(one.condition is not None for one in found), found
    seen = set()
    for _ in range(120):
        image, version = loaded.image(choose), choose.randint(0, 9)
        expected = loaded.refused(name, image, version)
        assert loaded.told(found, image, version) == expected, image.hex()
        seen.add(expected)
    assert seen == {False, True} or name == "both"


# --- random functions -------------------------------------------------------------------

_PLACES = ("s8", "u8", "s16", "u16", "s32", "u32")


def _condition(choose: random.Random) -> str:
    member = f"env->{choose.choice((*_PLACES, 'yes', 'bit', 'table[1]', 'table[2]'))}"
    match choose.randrange(4):
        case 0:
            return f"{member} & {choose.choice((1, 2, 0x80))}"
        case 1:
            return f"{member} > env->{choose.choice(_PLACES)}"
        case 2:
            return f"{member} == {choose.choice((0, 1, 2, 255))} || version_id < 4"
        case _:
            return f"ret < {choose.randrange(3)} && {member}"


def _statements(choose: random.Random, depth: int) -> str:
    return " ".join(_statement(choose, depth) for _ in range(choose.randint(1, 4)))


def _switch(choose: random.Random, depth: int) -> str:
    low = choose.randint(-3, 3)
    end = choose.choice(("break;", "return -1;", "ret++;"))
    return (
        f"switch (env->{choose.choice((*_PLACES, 'low', 'small'))}) {{"
        f" case {low} ... {low + choose.randint(0, 4)}: {_statement(choose, depth)} {end}"
        f" case 9: ret = -3; break; default: {_statement(choose, 0)} }}"
    )


def _statement(choose: random.Random, depth: int) -> str:
    kind = choose.randrange(10 if depth else 4)
    match kind:
        case 0 | 1:
            value = choose.choice(("1", "env->u8 + 1", "ret", "env->s16 >> 1"))
            return f"env->{choose.choice(_PLACES)} = {value};"
        case 2:
            return f"ret = {choose.choice(('0', '1', '-1', 'env->s8'))};"
        case 3:
            return f"if ({_condition(choose)}) return {choose.choice(('-1', '0', 'ret', '-5'))};"
        case 4 | 5:
            return f"if ({_condition(choose)}) {{ {_statements(choose, depth - 1)} }}"
        case 6:
            return (
                f"if ({_condition(choose)}) {{ {_statements(choose, depth - 1)} }}"
                f" else {{ {_statements(choose, depth - 1)} }}"
            )
        case 7:
            inside = choose.choice(("continue;", "break;", "return -1;", "ret++;"))
            return (
                f"for (i = 0; i < 3; i++) {{ if (env->table[i] & 1) {{ {inside} }}"
                f" {_statement(choose, 0)} }}"
            )
        case 8:
            return _switch(choose, depth - 1)
        case _:
            return f"if ({_condition(choose)}) {{ ret = -2; goto out; }}"


@needs_gcc
def test_random_functions_refuse_when_their_conditions_say(tmp_path: Path) -> None:
    choose = random.Random(11)
    bodies = {
        f"f{number}": f"{_statements(choose, 3)} out: return ret;"
        for number in range(120)
    }
    loaded = Loaded(bodies, tmp_path)
    whole = 0
    for name, body in bodies.items():
        found = loaded.refusals(name)
        complete = all(one.condition is not None for one in found)
        whole += complete
        for _ in range(40):
            image, version = loaded.image(choose), choose.randint(0, 9)
            expected = loaded.refused(name, image, version)
            told = loaded.told(found, image, version)
            assert not told or expected, body
            assert told == expected or not complete, body
    assert whole > 60


# --- what is not translated ---------------------------------------------------------------


def found(body: str, more: str = "", role: str = "post_load") -> list[str]:
    """The refusals in words; of those without translation the names, in brackets."""
    text = f"{TYPES}{HELP}{more}int f(void *opaque, int version_id) {{ {BEGIN}{body} }}"
    unit = Unit(text, source="f.c")
    return [
        (
            f"[{' '.join(one.reads)}]"
            if one.condition is None
            else wording.expression(one.condition)
        )
        for one in refusals(unit, Layout(unit), "f", role)
    ]


def test_a_loop_over_data_is_told_by_the_names_in_its_condition() -> None:
    body = """int v; for (i = 0, v = 0; i < cpu->count && v < env->s32; i++) {
        if (env->table[v] > env->inner[i].flags) { continue; }
        if (env->table[v] < env->inner[i].flags) { return -1; }
        v++; }
        if (env->u8 > 9) { return -1; } return 0;"""
    assert found(body) == ["[env flags i inner table v]", "env.u8 > 9"]


def test_a_flag_stands_for_what_sets_it() -> None:
    more = "bool ask(Env *env);"
    body = """bool fail = false; int v; for (i = 0, v = 0; i < cpu->count; i++) {
        if (env->table[v] < env->inner[i].flags) { fail = ask(env); continue; }
        v++; }
        if (fail) { return -1; } return 0;"""
    assert found(body, more) == ["[ask count cpu env fail flags i inner table v]"]


def test_what_another_file_may_change_is_not_known_after_it() -> None:
    more = "void elsewhere(Inner *inner); int ask(Env *env);"
    body = """elsewhere(&env->inner[0]);
        if (env->inner[0].flags) return -1;
        if (env->u8) return -1;
        return 0;"""
    assert found(body, more) == ["[env flags inner]", "env.u8 != 0"]
    assert found("if (ask(env)) { return -1; } return 0;", more) == ["ask(&env) != 0"]


def test_roles_have_their_own_errors() -> None:
    assert found("if (env->u8) return 1; return 0;") == []
    assert found("if (env->u8) return 1; return 0;", role="pre_load") == ["env.u8 != 0"]
    assert found("if (env->u8) return 0; return 1;", role="post_load_errp") == [
        "env.u8 != 0"
    ]


def test_a_function_of_another_file_is_named() -> None:
    unit = Unit(f"{TYPES} int f(void *opaque, int version_id);", source="f.c")
    (only,) = refusals(unit, Layout(unit), "f", "post_load")
    assert only.condition is None
    assert (only.reads, only.mark) == ((), "")
    assert "no body" in only.untranslated


def test_equal_conditions_have_equal_marks_however_they_are_spelled() -> None:
    def marks(condition: str) -> list[str]:
        more = "void elsewhere(Env *env);"
        body = f"elsewhere(env); if ({condition}) return -1; return 0;"
        text = f"{TYPES}{HELP}{more}int f(void *opaque, int v) {{ {BEGIN}{body} }}"
        unit = Unit(text, source="f.c")
        return [one.mark for one in refusals(unit, Layout(unit), "f", "post_load")]

    (one,) = marks("env->u8>0x1")
    assert marks("(env -> u8)  >  1") == [one]
    assert marks("env->u8 > 2") != [one]
    assert marks("env->u8 < 1") != [one]


def test_positions_are_those_of_the_returns() -> None:
    text = f"{TYPES}\nint f(void *opaque, int version_id)\n{{\n{BEGIN}"
    line = text.count("\n") + 1
    text += "if (env->u8) {\n    return -1;\n}\nreturn 0;\n}\n"
    unit = Unit(text, source="f.c")
    (only,) = refusals(unit, Layout(unit), "f", "post_load")
    assert (only.position.file, only.position.line) == ("f.c", line + 1)
