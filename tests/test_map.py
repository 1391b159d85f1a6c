"""The map of modules in CONTRIBUTING.md is that of the sources."""

from __future__ import annotations

from tests.test_architecture import STAGES
from website import map as site_map


def test_contributing_has_the_map() -> None:
    text = site_map.PAGE.read_text("utf-8")
    made = site_map.placed(text, site_map.made(STAGES))
    assert text == made, "python -m website.map"
