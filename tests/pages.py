"""HTML pages as a browser would take them: elements, attributes, what runs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from tests.lacking import lacking

REACHING = {"src", "href", "action", "srcset", "data", "poster", "background", "ping"}
"""Attributes that make a browser load something, or go there."""


class Parsed(HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: list[tuple[str, dict[str, str], str]] = []
        self.shown: list[str] = []
        self._inside: tuple[str, dict[str, str]] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag in ("script", "style"):
            self._inside = tag, found
            self.raw.append((tag, found, ""))

    def handle_endtag(self, tag: str) -> None:
        if self._inside is not None and tag == self._inside[0]:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.shown.append(data)
        else:
            tag, attributes, text = self.raw.pop()
            self.raw.append((tag, attributes, text + data))

    @property
    def text(self) -> str:
        return "".join(self.shown)

    @property
    def data(self) -> Any:
        """The JSON that the page's script reads."""
        (found,) = (text for _, attributes, text in self.raw if attributes.get("type"))
        return json.loads(found)

    @property
    def policy(self) -> dict[str, list[str]]:
        (content,) = (
            attributes["content"]
            for tag, attributes in self.elements
            if attributes.get("http-equiv") == "Content-Security-Policy"
        )
        rules = (rule.split() for rule in content.split(";"))
        return {name: values for name, *values in rules}


def hash_of(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def closed(text: str) -> Parsed:
    """The page, which runs and loads nothing but its own."""
    page = Parsed(text)
    assert page.policy["default-src"] == ["'none'"]
    scripts = [
        text
        for tag, attributes, text in page.raw
        if tag == "script" and attributes.get("type") != "application/json"
    ]
    styles = [text for tag, _, text in page.raw if tag == "style"]
    assert page.policy["script-src"] == ([*map(hash_of, scripts)] or ["'none'"])
    assert page.policy["style-src"] == [*map(hash_of, styles)]
    assert len(scripts) <= 1
    assert set(page.policy) <= {
        "default-src", "script-src", "style-src", "base-uri", "form-action",
        "require-trusted-types-for", "trusted-types",
    }  # fmt: skip
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        reaching = REACHING & set(attributes)
        if tag == "a" and attributes.get("href", "").startswith("#"):
            reaching -= {"href"}  # to a place of the page
        assert not reaching, (tag, attributes)
        assert "style" not in attributes
        assert tag not in ("iframe", "object", "embed", "img", "base", "link")
    assert not re.search(r"url\(|@import", "".join(styles))
    sinks = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\("
    assert not re.search(sinks, "".join(scripts))
    return page


@contextmanager
def browser(width: int = 1280, height: int = 800) -> Iterator[Any]:
    """A headless Chromium."""
    driver, chromium = shutil.which("chromedriver"), shutil.which("chromium")
    if driver is None or chromium is None:
        lacking("there is no chromium with its chromedriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"):
        options.add_argument(one)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        made.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        yield made
    finally:
        made.quit()
