"""Loops, branches and places of translated functions, one kind each, as gcc runs them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.test_translate import Compiled, needs_gcc, translated

_BEGIN = (
    "CPU *cpu = opaque; Env *env = &cpu->env; int i = 0, j = 0, x = 0; (void)env;"
    " (void)i; (void)j; (void)x; "
)
_TABLE = "env->table[i]"

BODIES = [
    # how a loop counts
    *(f"for (i = {start}; i {condition}; {step}) if ({_TABLE} & 0x80) return true; return x;"
      for start, condition, step in [
          ("0", "< 8", "i++"), ("0", "< 8", "++i"), ("0", "<= 7", "i++"), ("0", "!= 8", "i++"), ("0", "< 8", "i += 2"), ("1", "< 8", "i += 3"),
          ("7", ">= 0", "i--"), ("7", "> 0", "--i"), ("6", ">= 0", "i -= 2"), ("0", "!= 8", "i += 2"), ("3", "< 3", "i++"), ("5", "< 2", "i++"),
          ("3", "<= 3", "i++"), ("0", "< 8 && i < 5", "i++"), ("7", "!= 0", "i--"), ("2", "< 7", "i += 5"), ("2", "< 8", "i += 5"), ("0", "< LIMIT", "i++"),
          ("4", "!= 4", "i++"), ("0", "< 8", "i = i + 1"), ("0", "< 8", "i += 1, j++"), ("env->low", "< 8", "i++"), ("1", "< env->low", "i++"),
          ("env->low", "< 8", "i += 2"), ("0", "<= env->low", "i++"), ("env->low", "<= env->low", "i++"),
      ]),
    # what the counter is afterwards
    *(f"for (i = {start}; i {condition}; {step}) if ({_TABLE} == 1) return false; return i == {end};"
      for start, condition, step in [("0", "< 8", "i++"), ("0", "< 7", "i += 2"), ("1", "<= 7", "i += 3"), ("5", "< 2", "i++"), ("7", ">= 0", "i--"), ("0", "< 5", "i += 4")]
      for end in ("8", "10", "5", "-1")),
    f"for (i = 0; i < 8; i++) if ({_TABLE} > 9) break; return i > 3;", f"for (i = 0; i < 8; i++) if ({_TABLE} > 9) break; else x++; return x == i;",
    # what a turn does
    f"for (i = 0; i < 8; i++) {{ if ({_TABLE} == 0) continue; if ({_TABLE} < 9) return true; }} return false;",
    f"for (i = 0; i < 8; i++) {{ if ({_TABLE} == 0) return false; if ({_TABLE} < 9) return true; }} return env->yes;",
    f"for (i = 0; i < 8; i++) {{ if ({_TABLE} & 1) x++; if ({_TABLE} & 2) return x > 1; }} return x;", f"for (i = 0; i < 8; i++) x = {_TABLE} & 7; return x > 3;",
    f"for (i = 0; i < 8; i++) {{ int k = {_TABLE} & 7; if (k == 3) return true; }} return false;", f"for (i = 0; i < 8; i++) {{ if ({_TABLE} > 5) {{ x = 1; break; }} }} return x;",
    "for (i = 0; i < 4; i++) for (j = 0; j < 2; j++) if (env->table[2 * i + j] == 255) return true; return false;",
    "for (i = 0; i < 4; i++) for (j = i; j < 8; j++) if (env->table[j] < env->inner[i].flags) return true; return false;",
    f"for (i = 0; i < 4; i++) {{ for (j = 0; j < 2; j++) if (env->table[j] & 1) break; if (j == 1 && {_TABLE}) return true; }} return false;",
    "for (;;) { if (env->table[i++] & 3) break; if (i > 7) return true; } return i & 1;", "for (i = 0; ; i++) { if (i == 8 || env->table[i]) break; } return i < 8;",
    "do x += env->table[i] & 1; while (++i < 8); return x > 3;", "i = 8; while (i--) if (env->table[i] == 2) return true; return i == -1;",
    "do { if (env->table[i] & 1) continue; x++; } while (++i < 5); return x == 2;", "while (i < 6) { i += 2; if (env->table[i] & 8) break; } return i;", "do { x++; } while (0); return x == 1;",
    "uint8_t n = 250; while (n) { n += 2; x++; } return x == 3;", "for (uint8_t n = 0; n < 4; n++) { if (env->inner[n].level < 0) return true; } return false;",
    # no turn at all
    "for (i = 3; i > 5; i--) x = 1; return x || env->yes;", "for (i = 5; i < 2; i++) x = env->table[i] & 7; return x || env->yes;", "while (i > 0) { x = 1; i--; } return x || env->yes;",
    "for (i = 2; i >= 8; ) { if (env->yes) break; x = 1; } return x || env->bit;",
    # branches
    "if (env->yes) ; else return env->u8; return env->s8 < 0;", "if (env->yes) { if (env->u8) return true; } else if (env->s8) { return false; } return env->u16;", "if (env->yes) x = 1; else x = env->u8; return x == 1;",
    "if (env->u8 > 3) x = env->s8; if (x < 0) x = -x; return x > 5;", "x = env->yes ? env->s8 : env->u8; return x < 0;", "return env->yes ? env->u8 > 4 : env->s8 > 4 ? env->low : env->u16;", "return (env->u8 ?: env->s8) < 0;",
    "x = env->yes && (i = env->u8) > 3; return i > 3 || x;", "x = env->yes || (i = env->u8) > 3; return i > 3 ? x : !x;", "(void)(env->yes && (x = 5)); return x == 5;", "env->yes ? (x = env->u8) : (x = env->s8); return x < 5;",
    "switch (env->low) { case 1: x = 1; break; case 2: case 3: x = 2; case 4: x++; break; default: x = 9; } return x == 3 || x == 1;", "switch (env->u8) { default: return false; case 0 ... 9: return true; case 200: break; } return env->yes;",
    "switch (env->phase) { case IDLE: return true; case BUSY: return env->u8; case DONE: break; } return env->s8 < 0;", "switch (env->s8) { case -1: x = 1; break; case 1: x = 2; } return x;", "switch (env->low) { case 7: { int x = 4; return x == env->u8; } } return x == 0;",
    "switch (env->low & 3) { case 0: if (env->yes) break; case 1: x = 2; break; case 2: for (i = 0; i < 8; i++) { if (env->table[i]) break; x++; } } return x > 1;", "switch (3) { case 3: return env->yes; } return true;", "switch (env->u8) { case 1: case 2: return true; } return false;",
    # numbers
    "x = env->s16; x += env->u8; x -= 3; x *= 2; return x > 100;", "x = env->s16; x /= 7; return x == -2;", "x = env->s16; x %= 7; return x < 0;", "x = env->u8; x <<= 3; x |= 1; x ^= env->s8; x &= 0xff; return x > 77;", "x = env->s32; x >>= 3; return x < -4;",
    "x = env->u8; return x++ == 3 || x == 1 || ++x == 9;", "x = env->u8; return x-- > 3 && --x > 100;", "uint8_t n = env->u16; n++; return n == 0 || n > 200;", "int8_t n = env->u8; return n < -100;", "uint16_t n = env->s32; return n-- > 3 && n < 100;", "uint32_t n = env->s8; n >>= 4; return n > 100;",
    "int64_t n = env->u32; n = -n; return n < -0x7fffffffL;", "bool b = env->u8 & 4; b += 1; return b && env->yes;", "bool b = env->u8; return b + b == 2;", "bool b = env->u16; b = !b; return b;", "return -env->s8 > 127;", "return (uint8_t)-env->u8 == env->s8;", "return ~env->s8 == -1 - env->s8 && env->yes;",
    "return env->u64 >> 63 == env->s64 < 0 && env->yes;", "return (env->s64 >> 60) == -8;", "return env->u32 * env->u32 > 77;", "return env->u64 * 3 < env->u64;", "return (int16_t)(env->u16 << 4) < 0;", "return (env->u8 << 24) < 0;", "return env->few + 1 == 512;", "return env->half - 1 > env->half;", "return env->small - 16 < -20;",
    "return env->low * env->small < 0;", "return env->phase < 0;", "return env->phase + 1 == BUSY;", "return (env->s32 ^ env->u32) & 1;", "return env->s32 == (int)env->u32;", "return env->plain == -1 || env->plain == 127;", "return env->s8 == env->u8;", "return (env->s16 & 0xff) == (uint8_t)env->s16 && env->yes;",
    "return env->u16 / 256 * 256 + env->u16 % 256 == env->u16 ? env->yes : 0;", "return env->s16 / -3 > 20;", "return env->s64 % 1000 == -1 || env->u64 % 1000 > 500;", "return env->s32 % 8 < 0;", "return !env->s64 ^ !env->u64;", "return env->u8 == 'a' || env->u8 == 255;", "return (env->yes | env->bit) == 1;",
    # places
    "Inner *p = env->inner; p += 2; return p->level < p[-1].level;", "Inner *p = &env->inner[3]; p--; return p->flags > (p - 1)->flags;", "Inner *p = &env->inner[1]; return (*p).wide > p[1].wide;", "uint32_t *p = env->table; p++; return p[-1] < *p;",
    "Inner *p = env->far; return p ? p->level < 0 : env->yes;", "Inner *p = env->far; if (!p) return false; return p->flags & 1;", "return !env->far || env->far->wide > 5;", "int v = env->u8, *p = &v; *p = *p + 1; return v > 100;",
    "Inner v = env->inner[1]; return v.level < 0;",
    "return cpu->parent_obj.parent_obj.kind > cpu->parent_obj.index;", "return ((Base *)cpu)->index > 3;", "CPU *c = env_cpu(env); return c->count > 0 && c == cpu;", "return &env->inner[2] == env->inner + 2 && env->yes;", "return env->inner[env->low & 3].level > 0;", "return env->table[env->u8 % 8] > 3;",
    "return env->as.level < (int)env->raw;", "return feature(env, env->low);", "return extract64(env->u64, 60, 4) == 15 || extract64(env->u64, 0, 1);", "return sextract64(env->u64, 0, 8) < 0;", "return deposit32(0, 4, 4, env->u8) == 0xf0;", "return ({ int k = env->s8; k = -k; k; }) > 3;", "return (i = env->u8, i + 1) > 200;", "return sizeof(env->table) == 32 && env->yes;",
    "if (env->yes) goto out; x = env->u8; out: return x > 4;", "if (env->u8 == 3) { x = 5; goto out; } if (env->u8 > 100) { x = 6; goto out; } x = 7; out: return x != 7;", "return version_id > 3 ? env->yes : version_id == 2;", "return version_id < env->low;", "return env->u8 >= version_id && version_id;",
]  # fmt: skip


@needs_gcc
def test_functions_of_every_kind_say_what_gcc_says(tmp_path: Path) -> None:
    choose = random.Random(7)
    bodies = {f"f{number}": _BEGIN + body for number, body in enumerate(BODIES)}
    both = Compiled(bodies, tmp_path)
    for name, body in bodies.items():
        function = both.translation(name)
        assert function.body is not None, (body, function.untranslated)
        for _ in range(30):
            image, version = both.image(choose), choose.randint(0, 9)
            expected, found = both.truths(name, image, version)
            assert found == expected, body


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("while (i < 8 && !(env->table[i] & 4)) i++; return i < 8;", "number of turns depends on data"),
        ("return (env->big << 3) >> 40;", "computes with a bitfield"),
        ("uint32_t *p = &env->table[4]; x = p - env->table == 4; return x && *--p > 4;", "computes with pointers"),
        ("Inner *p = env->yes ? &env->inner[0] : &env->inner[1]; return p->level > 0;", "chooses between pointers"),
        ("int a[3] = { 1, env->u8, 3 }; return a[1] + a[0] > a[2];", "builds the local 'a'"),
        ("int a[2]; a[0] = env->s8; a[1] = a[0] * 2; return a[1] < a[0];", "reads a variable before it is set"),
        ("int a[4] = { 0 }; for (i = 0; i < 4; i++) a[i] = env->table[i] & 1; return a[0] + a[1] + a[2] + a[3] == 2;", "builds the local 'a'"),
        ("return ((Inner *)&env->raw)->flags > 3;", "reads 'unsigned long' as 'struct Inner'"),
    ],
)  # fmt: skip
def test_what_is_a_hook_says_why(body: str, reason: str) -> None:
    function = translated(_BEGIN + body)
    assert function.body is None
    assert reason in function.untranslated
