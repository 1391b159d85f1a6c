"""Tables as a program sees them that GCC compiled: the order and the sizes of fields."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vmgen import ir, pipeline, resources

GCC = shutil.which("gcc")
CASES = Path(__file__).parent / "cases"

_MAIN = """
int printf(const char *, ...);
static void show(const VMStateDescription *d) {
    printf("%s %d", d->name, d->version_id);
    for (const VMStateField *f = d->fields; f && f->flags != VMS_END; f++)
        printf(" %s:%d", f->name, (int)f->size);
    for (const VMStateDescription *const *s = d->subsections; s && *s; s++)
        printf(" +%s", (*s)->name);
    printf("\\n");
}
int main(void) { show(&vmstate_parts[0]); show(&vmstate_parts[1]); show(&vmstate_port);
                 show(vmstate_port.subsections[0]); show(vmstate_port.subsections[1]); return 0; }
"""


def shown(one: ir.Description, names: dict[str, str]) -> str:
    """A description in the words of the program."""
    words = [f"{one.name} {one.version_id}"]
    for field in one.fields:
        assert isinstance(field.size, ir.Fixed)
        words.append(f"{field.name}:{field.size.value}")
    words += [f"+{names[symbol]}" for symbol in one.subsections]
    return " ".join(words)


@pytest.mark.skipif(GCC is None, reason="no gcc to compare with")
def test_a_table_is_what_the_compiled_program_walks_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CASES)
    program = pipeline.compile_program(pipeline.Request(sources=("spelt.c",)))
    described = {one.symbol: one for m in program.modules for one in m.descriptions}
    names = {symbol: one.name for symbol, one in described.items()}
    source = tmp_path / "t.c"
    source.write_text(f'#include "{CASES / "spelt.c"}"\n{_MAIN}')
    headers = resources.folder("c_headers") / "include"
    assert GCC is not None
    subprocess.run(
        [GCC, "-w", "-O0", "-no-pie", "-I", str(headers), "-Wl,--unresolved-symbols=ignore-all",
         "-o", str(tmp_path / "t"), str(source)],
        check=True,
    )  # fmt: skip
    printed = subprocess.run(
        [str(tmp_path / "t")], capture_output=True, text=True, check=True
    )
    symbols = (
        "vmstate_parts[0]",
        "vmstate_parts[1]",
        "vmstate_port",
        "vmstate_head",
        "vmstate_tail",
    )
    assert printed.stdout.splitlines() == [
        shown(described[one], names) for one in symbols
    ]
