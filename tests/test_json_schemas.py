"""What commands print as JSON is what the published schemas say, and nothing else."""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from tests.documents import ROOT
from tests.json_documents import FOLDER, check, schema
from tests.stream_files import captured
from vmgen import coverage, schemas, source
from vmgen.cli import run
from vmgen.cli.arguments import Option
from vmgen.cli.listed import COMMANDS, GROUPS, named
from vmgen.convert import mapping, states
from vmgen.stream import objections
from vmgen.verdict import model, show_machines
from website import ir_schema

SECTION = """\
#include "migration/vmstate.h"
typedef struct Odd { uint32_t word; uint32_t secret; } Odd;
extern const VMStateInfo vmstate_info_secret;
const VMStateDescription vmstate_odd = {
    .name = "odd",
    .version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(word, Odd),
        VMSTATE_SINGLE(secret, Odd, 0, vmstate_info_secret, uint32_t),
        VMSTATE_END_OF_LIST()
    },
};
"""

STREAMS = {
    "riscv.mig": "riscv64-virt-vh-bare--10.0.2",
    "old.mig": "riscv64-virt-vh-bare--7.2.22",
    "avr.mig": "avr-uno-poke--10.0.2",
    "arm.mig": "aarch64-virt-a57-bare--10.0.2",
    "pc.mig": "i386-isapc-poke--10.0.2",
    "ppc.mig": "ppc64-pseries-vof--10.0.2",
    "mapped.mig": "riscv64-mapped-ram--10.0.2",
}

OUTPUTS = {
    "inspect -t riscv64": "inspect",
    "inspect -t aarch64": "inspect",
    "inspect --release 10.0 --all -t x86_64": "inspect",
    "inspect machine pc-q35-8.2 pc --release 10.0 -t x86_64": "inspect-machine",
    "compat 10.0 10.2 -t riscv64 -m virt": "compat",
    "compat 7.2 10.0 -t avr --direction forward": "compat",
    "diff 7.2 10.0 -t riscv64 --notes": "diff",
    "diff one.json two.json --try 2": "diff",
    "diff 10.0 10.2 -t avr --fields": "diff-fields",
    "diff one.json two.json --fields": "diff-fields",
    "releases": "releases",
    "cache list": "cache-list",
    "stream list riscv.mig mapped.mig riscv.mig.gz": "stream-list",
    "stream show riscv.mig": "stream-show",
    "stream show avr.mig": "stream-show",
    "stream show arm.mig": "stream-show",
    "stream show pc.mig cpu ram": "stream-show",
    "stream show mapped.mig --codecs none": "stream-show",
    "stream show ppc.mig --codecs any": "stream-show",
    "stream show riscv.mig cpu/0.env.pc cpu/0.env.gpr sp": "stream-show-values",
    "stream show riscv.mig --registers": "stream-show-registers",
    "stream show pc.mig --registers": "stream-show-registers",
    "stream diff riscv.mig old.mig": "stream-diff",
    "stream diff riscv.mig riscv.mig": "stream-diff",
    "stream explain riscv.mig --release 7.2": "stream-explain",
    "stream explain riscv.mig --release 10.0": "stream-explain",
    "stream explain arm.mig --release 7.2": "stream-explain",
    "stream convert riscv.mig --from 10.0 --to 7.2 -o no.mig": "stream-convert",
    "stream convert old.mig --from 7.2 --to 10.0 -o new.mig --accept-loss": "stream-convert",
    "fleet verify riscv.mig arm.mig -o one --workers 1": "fleet-run",
    "fleet explain riscv.mig --release 10.2 -o two --workers 1": "fleet-run",
    "fleet export parquet riscv.mig -o three --workers 1": "fleet-run",
    "fleet convert riscv.mig --from 10.0 --to 10.0 --into . -o four --workers 1": "fleet-run",
    "fleet report summed": "fleet-report",
}
"""Lines of commands, which get '--format json', and the kind of what they print."""

LINES = {"lint odd.c --format json": "diagnostic"}

COMMAND = re.compile(r"^(?:(?:stream|fleet) )?\w+")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import gzip

    folder = tmp_path_factory.mktemp("work")
    for file, name in STREAMS.items():
        (folder / file).write_bytes(captured(name))
    (folder / "riscv.mig.gz").write_bytes(gzip.compress(captured(STREAMS["riscv.mig"])))
    (folder / "odd.c").write_text(SECTION)
    (folder / "other.c").write_text(
        SECTION.replace("info_secret", "info_other").replace("word", "wide")
    )
    return folder


@pytest.fixture
def printed(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Runs a command line: what it prints on stdout and on stderr."""
    monkeypatch.chdir(work)

    def command(line: str) -> tuple[str, str]:
        assert run(shlex.split(line)) != 2, line
        return capsys.readouterr()

    for name, file in (("one", "odd"), ("two", "other")):
        if not Path(f"{name}.json").exists():
            command(f"lock {file}.c -o {name}.json")
    return command


@pytest.mark.parametrize("line", OUTPUTS)
def test_output(line: str, printed: Any) -> None:
    if line.startswith("fleet report"):
        printed("fleet verify riscv.mig arm.mig -o summed --workers 1")
    out, _ = printed(f"{line} --format json")
    check(OUTPUTS[line], json.loads(out))


@pytest.mark.parametrize("line", LINES)
def test_lines(line: str, printed: Any) -> None:
    out, _ = printed(line)
    assert out
    for one in out.splitlines():
        check(LINES[line], json.loads(one))


def test_a_former_spelling_is_accepted_and_not_in_the_help(printed: Any) -> None:
    line = "stream convert riscv.mig --from 10.0 --to 7.2 -o no.mig"
    new, _ = printed(f"{line} --format json")
    former, _ = printed(f"{line} --report json")
    assert json.loads(former) == json.loads(new)
    shown, _ = printed("stream convert --help")
    assert "[changes|all|none]" in shown


def test_messages_and_diagnostics(printed: Any) -> None:
    """Of any command, on stderr: both forms of a line."""
    _, err = printed("lint odd.c --diagnostics json")
    _, more = printed("generate odd.c --output state --diagnostics json")
    found = [json.loads(one) for one in (err + more).splitlines()]
    for one in found:
        check("diagnostic", one)
    assert {"code" in one for one in found} == {True, False}


def test_exports(printed: Any, work: Path) -> None:
    printed("export jsonl riscv.mig -o all.jsonl")
    lines = (work / "all.jsonl").read_text().splitlines()
    assert len(lines) > 500
    for one in (*lines[:50], *lines[-50:]):
        check("export-jsonl", json.loads(one))
    (work / "regions").mkdir()
    printed("export regions pc.mig -o regions")
    check("export-regions", json.loads((work / "regions" / "map.json").read_text()))
    (work / "seed").mkdir()
    printed("export unicorn riscv.mig -o seed")
    check("export-unicorn", json.loads((work / "seed" / "seed.json").read_text()))


LOCKS = ("odd.c", "--release 7.2 -t avr", "--release 10.2 -t riscv64 -t riscv32")


@pytest.mark.parametrize("of", LOCKS)
def test_locks(of: str, printed: Any, work: Path) -> None:
    printed(f"lock {of} -o lock.json")
    check("lock", json.loads((work / "lock.json").read_text()))


def test_the_ir_of_a_package(printed: Any, work: Path) -> None:
    printed("generate odd.c -o odd")
    printed("generate --release 10.2 --all -t avr -o avr")
    for file in ("odd/ir.json", "avr/avr/ir.json"):
        check("ir", json.loads((work / file).read_text()))
    for committed in (ROOT / "generated").glob("*/ir.json"):
        check("ir", json.loads(committed.read_text()))


def test_what_a_package_says_of_its_target(printed: Any, work: Path) -> None:
    printed("generate odd.c -o odd2")
    printed("generate --release 10.2 --all -t avr -o avr2")
    for file in ("odd2/meta.json", "avr2/avr/meta.json"):
        check("meta", json.loads((work / file).read_text()))
    committed = [*(ROOT / "generated").glob("*/meta.json")]
    assert committed
    for one in committed:
        check("meta", json.loads(one.read_text()))


def test_a_mapping_that_is_written_and_one_that_is_not(
    printed: Any, work: Path
) -> None:
    printed(
        "stream convert old.mig --from 7.2 --to 10.0 -o no.mig --write-map map.json"
    )
    written = json.loads((work / "map.json").read_text())
    assert written.keys() > {"format"}
    check("stream-map", written)
    right: dict[str, Any] = {
        "format": schemas.FORMATS["stream-map"],
        "cpu": {"rename": {"a": "b"}, "set": {"c": 1, "d": [2, 3]}, "drop": ["e"]},
        "timer": "drop",
    }
    check("stream-map", right)
    mapping.loads(json.dumps(right), "")
    without = {name: rules for name, rules in right.items() if name != "format"}
    jsonschema.Draft202012Validator(schema("stream-map")).validate(without)
    assert mapping.loads(json.dumps(without), "") == mapping.loads(
        json.dumps(right), ""
    )
    for wrong in (
        {**right, "format": "vmgen map 2"},
        {**right, "timer": "keep"},
        {**right, "cpu": {"renames": {}}},
        {**right, "cpu": {"set": {"c": "1"}}},
    ):
        with pytest.raises(source.VmgenError):
            mapping.loads(json.dumps(wrong), "")
        with pytest.raises(jsonschema.ValidationError):
            check("stream-map", wrong)


def test_the_schemas_of_the_ir_and_the_lock_are_those_of_their_classes() -> None:
    for file, text in ir_schema.texts().items():
        assert file.read_text("utf-8") == text, "run: python -m website.ir_schema"


def test_an_ir_that_is_none_is_refused() -> None:
    right = json.loads((ROOT / "generated" / "riscv64" / "ir.json").read_text())
    check("ir", right)

    def field(document: Any) -> Any:
        return document["modules"][0]["descriptions"][0]["fields"][0]

    changes: tuple[Callable[[Any], object], ...] = (
        lambda one: one.update(format="vmgen ir 1"),
        lambda one: field(one).update(more=1),
        lambda one: field(one).pop("size"),
        lambda one: field(one)["element"].update({"is": "integer"}),
        lambda one: field(one).update(test="no name"),
        lambda one: field(one)["path"][0].append(1),
        lambda one: field(one).update(size=["+", 1]),
    )
    for change in changes:
        wrong = copy.deepcopy(right)
        change(wrong)
        with pytest.raises(jsonschema.ValidationError):
            check("ir", wrong)


def test_the_schemas_are_those_of_the_table_and_each_is_one() -> None:
    assert {file.stem for file in FOLDER.glob("*.json")} == set(schemas.VERSIONS)
    for name, version in schemas.VERSIONS.items():
        document = schema(name)
        jsonschema.Draft202012Validator.check_schema(document)
        assert document["$id"] == f"urn:vmgen:schema:{name}:{version}"
        member = "format" if name in schemas.FORMATS else "version"
        value = schemas.FORMATS.get(name, version)
        assert str(value).endswith(str(version))
        assert document["properties"][member] == {"const": value}
        assert (member in document["required"]) == (name != "stream-map")


def test_every_command_with_json_has_a_line_here() -> None:
    def of(places: dict[str, str], before: str = "") -> Iterator[str]:
        for name in places:
            command = named(name, places)
            if command is not None and any(
                isinstance(one, Option)
                and one.names == ("--format",)
                and "json" in one.choices
                for one in command.parameters
            ):
                yield before + name

    wanted = set(of(COMMANDS))
    for group, commands in GROUPS.items():
        wanted |= set(of(commands, f"{group} "))
    # tests/test_coverage.py has what that prints of a tree.
    lines = (*OUTPUTS, *LINES, "coverage")
    assert {COMMAND.match(one)[0] for one in lines} == wanted  # type: ignore[index]
    kinds = {*OUTPUTS.values(), *LINES.values(), "coverage"}
    files = {"export-jsonl", "export-regions", "export-unicorn", "ir", "lock"}
    files |= {"meta", "stream-map", "failure"}  # tests/test_unanswered.py
    assert kinds | files == set(schemas.VERSIONS)


def test_words_are_those_of_the_program() -> None:
    """Each list of words, against the type that vmgen's own code is checked with."""

    def words(name: str, *path: str) -> set[str]:
        node: Any = schema(name)
        for step in path:
            node = node[step]
        return set(node["enum"])

    for name in ("diff", "compat"):
        assert words(name, "$defs", "verdict") == set(get_args(model.Verdict))
        outcome = schema(name)["$defs"]["outcome"]["properties"]
        assert set(outcome["answer"]["enum"]) == set(get_args(model.Answer))
    answer = schema("compat")["$defs"]["answer"]["properties"]["answer"]
    assert set(answer["enum"]) == set(get_args(show_machines.Answer))
    assert words("coverage", "$defs", "status") == set(get_args(coverage.Status))
    assert words("stream-explain", "properties", "outcome") == set(
        get_args(objections.Outcome)
    )
    rule = schema("stream-explain")["$defs"]["objection"]["properties"]["rule"]
    assert set(rule["enum"]) == set(get_args(objections.Rule))
    line = schema("stream-convert")["properties"]["lines"]["items"]["properties"]
    assert set(line["what"]["enum"]) == set(get_args(states.What))
    severity = schema("diagnostic")["properties"]["severity"]
    assert set(severity["enum"]) == set(get_args(source.Severity))


def test_what_two_schemas_share_is_the_same_in_both() -> None:
    one, two = (schema(name)["$defs"] for name in ("diff", "compat"))
    section = two["section"]
    for member in (
        "machines",
        "fix",
        "added",
        "devices",
        "accepted",
    ):  # which compat has alone
        del section["properties"][member]
        section["required"].remove(member)
    del two["answer"]
    assert one == two


def test_a_wrong_document_is_refused() -> None:
    """The closed form is not one that accepts anything."""
    right = {"version": 1, "releases": [{"release": "10.0", "targets": ["avr"]}]}
    check("releases", right)
    for wrong in (
        {**right, "version": 2},
        {**right, "more": 1},
        {"version": 1, "releases": [{"release": "10.0"}]},
        {"version": 1, "releases": [{"release": 10, "targets": []}]},
        {"version": 1, "releases": [{"release": "", "targets": [], "more": 1}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            check("releases", wrong)


def test_the_command_prints_them(
    printed: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    listed, _ = printed("schema")
    rows = [line.split(None, 2) for line in listed.splitlines()]
    assert {name: int(version) for name, version, _ in rows} == schemas.VERSIONS
    for name, _, title in rows:
        out, _ = printed(f"schema {name}")
        assert json.loads(out) == schema(name)
        assert schema(name)["title"] == title
    assert run(["schema", "stream-shw"]) == 2
    assert "Did you mean 'stream-show'?" in capsys.readouterr().err
