"""Findings as SARIF 2.1.0 (OASIS), as code hosts and editors read it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import quote

from vmgen import __version__
from vmgen.lint.words import TITLES
from vmgen.source import Diagnostic

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def sarif(found: Iterable[Diagnostic], errors: Iterable[Diagnostic] = ()) -> str:
    """One run with all findings, and the errors that stopped the rest of it; paths are as
    in the diagnostics, relative to the folder that vmgen ran in."""
    stopped = tuple(errors)
    every = (*found, *stopped)
    wrong = {one.code for one in stopped}
    rules = [
        {
            "id": code,
            "shortDescription": {"text": TITLES.get(code, code)},
            "help": {"text": f"vmgen help {code}"},
            "defaultConfiguration": {"level": "error" if code in wrong else "warning"},
        }
        for code in sorted({one.code for one in every} | TITLES.keys())
    ]
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "vmgen",
                "semanticVersion": __version__,
                "rules": rules,
            }
        },
        "invocations": [{"executionSuccessful": not stopped}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, numbers[one.code]) for one in every],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    # A name of a file may have bytes that are no UTF-8, which SARIF is (3.1).
    return text.encode("utf-8", "replace").decode("utf-8")


def _result(one: Diagnostic, rule: int) -> dict[str, object]:
    about = f"in {', '.join(one.context)}: " if one.context else ""
    hint = f"\n{one.hint}" if one.hint else ""
    result: dict[str, object] = {
        "ruleId": one.code,
        "ruleIndex": rule,
        "level": _LEVELS[one.severity],
        "message": {"text": f"{about}{one.message}{hint}"},
    }
    if one.position.file:
        place: dict[str, object] = {
            "artifactLocation": {"uri": _uri(one.position.file)}
        }
        if one.position.line:
            region = {"startLine": one.position.line}
            if one.position.column:
                region["startColumn"] = one.position.column
            place["region"] = region
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(file: str) -> str:
    """A path as a URI reference."""
    path = quote(file.encode("utf-8", "surrogateescape"))
    return f"file:///{path.lstrip('/')}" if path.startswith("/") else path
