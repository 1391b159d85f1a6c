"""SARIF output is what the standard asks for (OASIS, SARIF 2.1.0; sections in brackets).

No package that is kept ships the standard's own schema: this is the part of it that vmgen
uses, closed, so that a member that the standard does not have there is refused.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from vmgen.cli import run
from vmgen.lint.sarif import sarif
from vmgen.source import Diagnostic, Position


def closed(required: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": required.split(),
        "additionalProperties": False,
    }


def items(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


TEXT = {"type": "string", "minLength": 1}
MESSAGE = closed("text", text=TEXT)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
NUMBER = {"type": "integer", "minimum": 1}
SEMVER = (
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"
)
RULE = closed(  # 3.49
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed("", level=LEVEL),  # 3.50
)
PLACE = closed(  # 3.28, 3.29
    "physicalLocation",
    physicalLocation=closed(
        "artifactLocation",
        artifactLocation=closed("uri", uri=TEXT),
        region=closed("startLine", startLine=NUMBER, startColumn=NUMBER),  # 3.30
    ),
)
RESULT = closed(  # 3.27
    "message",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=items(PLACE, minItems=1),
)
DRIVER = closed(  # 3.19
    "name",
    name=TEXT,
    semanticVersion={"type": "string", "pattern": SEMVER},
    rules=items(RULE, uniqueItems=True),
)
LOG = closed(  # 3.13, 3.14
    "version runs",
    **{"$schema": {"type": "string", "format": "uri"}},
    version={"const": "2.1.0"},
    runs=items(
        closed(
            "tool",
            tool=closed("driver", driver=DRIVER),  # 3.18
            invocations=items(  # 3.20; the member is required (3.20.14)
                closed("executionSuccessful", executionSuccessful={"type": "boolean"})
            ),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results=items(RESULT),
        )
    ),
)
CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})+")
"""What a path of a URI is made of (RFC 3986, 3.3)."""


def check(text: str) -> list[Any]:
    """The results of a log that is what the standard says."""
    text.encode("utf-8")  # 3.1
    log = json.loads(text)
    jsonschema.Draft202012Validator(LOG).validate(log)
    (made,) = log["runs"]
    rules = [one["id"] for one in made["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for one in made["results"]:
        assert rules[one["ruleIndex"]] == one["ruleId"]  # 3.27.6
        for place in one.get("locations", ()):
            _is_uri(place["physicalLocation"]["artifactLocation"]["uri"])
    return list(made["results"])


def _is_uri(uri: str) -> None:
    """A relative reference, or the URI of an absolute path (3.4.3, 3.10)."""
    parts = urlsplit(uri)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) in (
        ("", "", "", ""),
        ("file", "", "", ""),
    )
    assert parts.path.startswith("/") == (parts.scheme == "file")
    assert not parts.path.startswith("//")
    assert CHARACTERS.fullmatch(parts.path)


def made(file: str, line: int = 3, column: int = 0, **more: Any) -> Diagnostic:
    return Diagnostic("VG805", "said", Position(file, line, column), **more)


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("hw/char/serial.c", "hw/char/serial.c"),
        ("hw/a b#1?.c", "hw/a%20b%231%3F.c"),
        ("c:dev.c", "c%3Adev.c"),
        ("../dev.c", "../dev.c"),
        ("/tmp/dev.c", "file:///tmp/dev.c"),
        ("//tmp/dev.c", "file:///tmp/dev.c"),
        ("gerät.c", "ger%C3%A4t.c"),
        (os.fsdecode(b"\xff.c"), "%FF.c"),
    ],
)
def test_a_path_is_a_uri(file: str, uri: str) -> None:
    (result,) = check(sarif([made(file)]))
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == uri
    back = unquote(urlsplit(uri).path, errors="surrogateescape")
    assert back == file.replace("//", "/")


def test_what_is_not_known_is_left_out() -> None:
    nowhere, line, column = check(
        sarif([made("", 0), made("a.c", 0), made("a.c", 2, 7, severity="note")])
    )
    assert "locations" not in nowhere
    assert "region" not in line["locations"][0]["physicalLocation"]
    region = column["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "startColumn": 7}
    assert column["level"] == "note"
    assert check(sarif([])) == []


def test_text_that_no_stream_of_bytes_can_have() -> None:
    """Names of files in messages, which the file system gives as it likes."""
    name = os.fsdecode(b"x\xff")
    one = Diagnostic("VG805", f"in {name}", Position("a.c", 1))
    (result,) = check(sarif([one]))
    assert result["message"]["text"].startswith("in x")


def test_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my dev.c").write_text(
        '#include "migration/vmstate.h"\n'
        "typedef struct Dev { uint32_t a; } Dev;\n"
        "static const VMStateDescription vmstate_dev = {\n"
        '    .name = "dev",\n    .version_id = 1,\n'
        "    .fields = (const VMStateField[]) {\n"
        "        VMSTATE_UINT32(a, Dev),\n        VMSTATE_UINT32(a, Dev),\n"
        "        VMSTATE_END_OF_LIST()\n    },\n};\n"
    )
    assert run(["lint", "my dev.c", "--format", "sarif"]) == 1
    results = check(capsys.readouterr().out)
    assert results
    for one in results:
        (place,) = one["locations"]
        assert place["physicalLocation"]["artifactLocation"] == {"uri": "my%20dev.c"}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "2.1"},
        {"more": 1},
        {"runs": [{"tool": {"driver": {}}}]},
        {"runs": [{"tool": {"driver": {"name": "x"}}, "results": [{"level": "bad"}]}]},
    ],
)
def test_the_check_refuses_what_is_wrong(change: dict[str, Any]) -> None:
    right = json.loads(sarif([made("a.c")]))
    check(json.dumps(right))
    with pytest.raises((jsonschema.ValidationError, AssertionError)):
        check(json.dumps({**right, **change}))
