"""The JSON documents that commands print and write: the version of each, and its published schema.

A version changes when a member changes its meaning or goes; new members come within one.
The schemas (JSON Schema 2020-12) are ``docs/schemas/NAME.json``, in the site and beside
the installed package.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

VERSIONS: Mapping[str, int] = {
    "diagnostic": 1,
    "failure": 1,
    "inspect": 1,
    "inspect-machine": 1,
    "coverage": 1,
    "compat": 1,
    "diff": 2,
    "diff-fields": 1,
    "releases": 1,
    "cache-list": 1,
    "stream-list": 1,
    "stream-show": 1,
    "stream-show-values": 1,
    "stream-show-registers": 1,
    "stream-diff": 1,
    "stream-explain": 2,
    "stream-convert": 1,
    "export-jsonl": 1,
    "export-regions": 1,
    "export-unicorn": 1,
    "fleet-run": 1,
    "fleet-report": 1,
    "ir": 2,
    "lock": 2,
    "meta": 1,
    "stream-map": 1,
}
"""The version of every kind of document, by the name of its schema."""

FORMATS: Mapping[str, str] = {
    "ir": f"vmgen ir {VERSIONS['ir']}",
    "lock": f"vmgen-lock-{VERSIONS['lock']}",
    "meta": f"vmgen meta {VERSIONS['meta']}",
    "stream-map": f"vmgen map {VERSIONS['stream-map']}",
}
"""The member ``format`` of the documents that have their version there: files that are
kept and read again."""


def versioned(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    """A document of the kind ``name`` with these members."""
    return {"version": VERSIONS[name], **members}
