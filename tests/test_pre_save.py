"""What ``pre_save`` leaves in members: only what nothing behind the assignment changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from vmgen import ir
from vmgen.pipeline import Request, compile_program

TEXT = """
#include "migration/vmstate.h"
typedef struct Env {{ uint32_t format, other; uint8_t bytes[4]; }} Env;
typedef struct Dev {{ Env env; uint32_t format, now; int32_t level; void *timer; }} Dev;
extern Dev *current;
void outside(Dev *s);
void *memset(void *s, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
uint32_t clock_now(int which);
static void reads(Dev *s) {{ if (s->format > s->now) {{ s->now++; }} }}
static void writes(Dev *s) {{ s->format++; }}
static void deep(Dev *s) {{ reads(s); writes(s); }}
static void resets(Dev *s) {{ *s = (Dev) {{ 0 }}; }}
static void again(Dev *s) {{ if (s->now) {{ again(s); }} }}
static int dev_pre_save(void *opaque)
{{
    Dev *s = opaque;
    Env *env = &s->env;
    uint32_t i = 0;
    {body}
    return 0;
}}
static const VMStateDescription vmstate_dev = {{
    .name = "dev", .version_id = 1, .minimum_version_id = 1, .pre_save = dev_pre_save,
    .fields = (const VMStateField[]) {{
        VMSTATE_UINT32(format, Dev), VMSTATE_UINT32(now, Dev), VMSTATE_END_OF_LIST() }},
}};
"""


def left(
    body: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, ir.Expr]:
    (folder / "dev.c").write_text(TEXT.format(body=body))
    monkeypatch.chdir(folder)
    program = compile_program(Request(sources=("dev.c",)))
    (description,) = program.modules[0].descriptions
    return {
        f"{one.place.type}.{one.place.path}": one.value
        for hook in description.hooks
        for one in hook.leaves
    }


FIVE = {"Dev.format": ir.Const(5)}
COPY = {"Dev.format": ir.Load("now", "uint32")}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("s->format = 5;", FIVE),
        ("s->format = s->now;", COPY),
        # calls that cannot reach the object, or leave the member alone
        ("s->format = 5; s->now = clock_now(2);", FIVE),
        ("s->format = 5; s->now = clock_now(s->level);", FIVE),
        ("s->format = 5; reads(s);", FIVE),
        ("s->format = 5; again(s);", FIVE),
        ("writes(s); outside(s); s->format = 5;", FIVE),
        ("s->format = 5; env->other = i; env->bytes[i] = 2;", FIVE),
        ("s->format = 5; memcpy(env->bytes, s->timer, 4);", FIVE),
        # those that may change it
        ("s->format = 5; outside(s);", {}),
        ("s->format = 5; outside((Dev *) s->timer);", {}),
        ("s->format = 5; outside(current);", {}),
        ("s->format = 5; writes(s);", {}),
        ("s->format = 5; deep(s);", {}),
        ("s->format = 5; resets(s);", {}),
        ("s->format = 5; *s = *current;", {}),
        ("s->format = 5; memset(s, 0, sizeof(*s));", {}),
        ("s->format = 5; memset(&s->format, 0, 4);", {}),
        ("s->format = 5; memset(s->timer, 0, 4);", {}),
        ("s->format = 5; if (s->now) { writes(s); }", {}),
        ("s->format = 5; ((void (*)(Dev *)) s->timer)(s);", {}),
        ("s->format = 5; s->env = current->env;", {}),
        # a copy is one only as long as the other member stays
        ("s->format = s->now; s->now = 3;", {"Dev.now": ir.Const(3)}),
        ("s->format = s->now; s->now++;", {}),
        ("s->format = s->now; reads(s);", {}),
        ("s->now++; s->format = s->now;", COPY),
    ],
)
def test_what_is_left_is_what_nothing_behind_it_changes(
    body: str,
    found: dict[str, ir.Expr],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert left(body, tmp_path, monkeypatch) == found


def test_a_static_function_of_another_file_leaves_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files have a function of one name; one of them leaves nothing known."""
    monkeypatch.chdir(tmp_path)
    texts = {"a": "s->format = 5;", "b": "s->format = s->level ? 1 : 2;"}
    for name, body in texts.items():
        text = TEXT.format(body=body).replace("vmstate_dev", f"vmstate_{name}")
        Path(f"{name}.c").write_text(text)
    program = compile_program(Request(sources=("a.c", "b.c")))
    leaves = {
        module.file: [
            len(hook.leaves) for one in module.descriptions for hook in one.hooks
        ]
        for module in program.modules
    }
    assert leaves == {"a.c": [1], "b.c": [0]}
