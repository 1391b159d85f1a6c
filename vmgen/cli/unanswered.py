"""The errors of a run in the form of its result (``--format``), for a run without one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

from vmgen import report
from vmgen.schemas import versioned
from vmgen.source import Diagnostic

_OF_LINES = ("lint",)
"""Commands whose JSON is a diagnostic a line."""


def form_of(words: Sequence[str]) -> str:
    """The form that a command line names, be the line wrong or not; empty for none."""
    form = ""
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name == "--format":
            form = value if equals else following
    return form


def unanswered(words: Sequence[str], form: str, errors: Sequence[Diagnostic]) -> str:
    """The errors of a command line as its result; nothing for a form that people read,
    who see them on stderr."""
    if form == "json" and words[0] in _OF_LINES:
        return report.json_lines(errors)
    if form == "json":
        said = [report.as_json(one) for one in errors]
        document = versioned("failure", {"status": 2, "errors": said})
        return json.dumps(document, indent=2) + "\n"
    if form == "github":
        return report.github(errors)
    if form == "sarif":
        from vmgen.lint.sarif import sarif

        return sarif((), errors)
    if form == "html":
        return (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>vmgen: no answer'
            f"</title>\n<pre>{escape(report.render(errors))}</pre>\n</html>\n"
        )
    return ""
