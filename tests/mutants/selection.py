"""Which tests a fault is tried with: those that run its lines, the quickest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .faults import Fault
from .reached import Reached

TESTS: Mapping[str, tuple[str, ...]] = {
    "archive": ("archive", "archive_sections", "shipped"),
    "c_text": ("c_text", "roots", "premises", "tree", "files", "release_files"),
    "cache": ("cache",),
    "cfront": (
        "split", "cfront_unit", "nesting", "cfront_parse", "cfront_code", "cfront_printer", "initialize", "constants", "layout", "census",
        "layout_gcc", "layout_oracle", "census_oracle", "front_fuzz", "c_constructs", "tables_gcc", "release_files",
    ),
    "cli": ("cli_arguments", "console", "cli", "job", "stored", "stream_cli", "wrong_input", "verdict_cli", "narrowed", "diagnostics", "exit_status", "completion", "documents", "errors", "gate", "imported"),
    "columns": ("columns",),
    "config": ("config", "given"),
    "convert": ("convert", "convert_streams"),
    "core": ("core",),
    "coverage": ("coverage",),
    "diff": ("diff", "closed_ir"),
    "emulate": ("emulated_cpus", "emulate"),
    "execution": ("execution",),
    "export": ("core_notes", "sve_note", "guest", "imported", "emulate", "riscv_image", "riscv_program"),
    "fleet": ("fleet",),
    "extract": ("cases", "initializer", "pre_save", "circles", "infos", "unread", "census", "c_headers", "tables_gcc", "release_files"),
    "grammar": ("infos", "free_infos", "release_files"),
    "guest": ("guest", "guest_pci", "guest_physical", "guest_paging", "guest_paging_arm", "guest_paging_riscv", "imported", "x86_map", "gdb", "qemu/guest_paging", "qemu/guest_registers"),
    "imported": ("sve_note", "imported", "emulate"),
    "infos": ("infos", "forks", "taught", "free_infos", "device_sections", "format_bytes", "release_files"),
    "inspect_json": ("inspect",),
    "ir": ("ir_arithmetic", "ir_json", "closed_ir", "lock", "inspect"),
    "json_members": ("ir_json", "emulate"),
    "kept": ("roots", "machines"),
    "known": ("known", "mmus", "machines", "cpu_registers", "system_registers", "listed"),
    "link": ("link", "forks", "infos", "release_files"),
    "lint": ("lint", "lint_records", "lint_files", "sarif", "unanswered"),
    "linkmodel": ("linkmodel", "linkmodel_meson", "make", "make_gnu", "release_files"),
    "lock": ("lock", "closed_ir"),
    "lookup": ("inspect", "circles", "closed_ir"),
    "lower": (
        "lower", "padding", "state", "render", "runtime", "cases", "rivals", "differential", "spread",
        "lower_sweep", "lower_expressions", "lower_members", "hostile_ir",
    ),
    "machines": ("machines", "unused_code", "member_changes", "known"),
    "boards": ("boards", "unused_code"),
    "paint": ("inspect", "diagnostics"),
    "pipeline": ("pipeline", "cases", "coverage", "release_files"),
    "plan": ("lower", "render", "state"),
    "premises": ("premises", "release_files"),
    "processors": ("board_switches", "cpu_registers"),
    "preprocess": ("preprocess", "c_headers", "release_files"),
    "render": ("render", "runtime", "templates"),
    "report": ("diagnostics",),
    "resources": ("packaging", "cases"),
    "roots": ("roots", "text_types", "release_files"),
    "source": ("diagnostics", "cases"),
    "saved": ("guest",),
    "serve": ("serve_gdb",),
    "stamp": ("render", "write"),
    "view": ("view", "view_compat", "view_browser"),
    "schemas": ("json_schemas",),
    "stream": (
        "stream_read", "stream_write", "stream_ram", "stream_old_style", "stream_codecs", "stream_compiled",
        "stream_explain", "stream_origin", "stream_machine", "capability_levels", "stream_registers", "stream_names", "system_registers", "processors", "listed", "libslirp", "stream_resizable", "after_load",
        "stream_analyze", "stream_carriers", "stream_volumes", "stream_listing", "stream_looking", "stream_stated", "commands", "stream_hostile", "stream_ram_write", "description_json", "described", "frozen",
        "stream_compare", "stream_footers", "stream_mapped_ram", "stream_slots",
        "stream_pieces", "derived_registers", "stream_qemu", "stream_mutations", "narrowed", "stream_document", "stream_cli", "stream_tables", "stream_show", "stream_describing", "fixtures", "format_bytes", "pairs",
        "qemu/damaged_streams",
    ),
    "translate": ("scalar", "translate", "translate_loops", "translate_statements", "refusals", "infos", "unread", "release_files"),
    "tree": ("tree", "files", "preprocess", "release_files"),
    "targets": ("targets",),
    "tree_view": ("inspect",),
    "verdict": (
        "verdict", "verdict_sample", "verdict_circles", "verdict_refusals", "verdict_check", "verdict_cli",
        "verdict_limits", "started", "verdict_c", "verdict_cases", "verdict_facts", "verdict_show", "verdict_words", "closed_ir", "gate", "narrowed", "cpu_registers", "hostile_ir",
    ),
    "wording": ("wording", "inspect", "diff"),
    "write": ("write",),
}  # fmt: skip
"""The test files of each module or package of vmgen: they are tried first, and whole where
no test function is known to run a line."""


def file_of(name: str) -> str:
    """The file of a test as :data:`TESTS` names it; ``qemu/`` stands for that folder."""
    folder, slash, last = name.rpartition("/")
    return f"tests/{folder}{slash}test_{last}.py"


_FIRST = 6.0
_MORE = 900.0
_FILES = 240.0
"""Seconds that a batch of tests may take, as measured under coverage.py, which takes several
times as long as the tests alone."""


def batches(
    reached: Reached, fault: Fault, also: Sequence[str] = ()
) -> list[tuple[list[str], float]]:
    """The tests of a fault in batches, each with a limit in seconds beyond which it hangs:
    a few quick functions, more of them, whole test files."""
    own = [file_of(name) for name in TESTS[fault.package]]
    found = reached.tests(fault)

    def near(test: str) -> tuple[bool, float, str]:
        return test.partition("::")[0] not in own, reached.seconds.get(test, 0.0), test

    functions = sorted((test for test in found if "::" in test), key=near)
    files = sorted((test for test in found if "::" not in test), key=near)
    if functions:
        files = [file for file in files if file in own]
    elif not files:
        files = [file for file in own if file not in reached.broken]
    first, rest = _within(reached, functions, _FIRST)
    more, _ = _within(reached, rest, _MORE)
    whole, _ = _within(reached, files, _FILES)
    return [
        (tests, 20 + 3 * sum(reached.seconds.get(one, 0.0) for one in tests))
        for tests in (list(also), first, more, whole)
        if tests
    ]


def _within(
    reached: Reached, tests: Sequence[str], seconds: float
) -> tuple[list[str], list[str]]:
    """The first of these tests that take that many seconds together, at least one; and
    the others."""
    taken: list[str] = []
    for test in tests:
        seconds -= reached.seconds.get(test, 0.0)
        if seconds < 0 and taken:
            break
        taken.append(test)
    return taken, list(tests[len(taken) :])
