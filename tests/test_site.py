"""The site builds without a warning, and needs no network to be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents import ROOT
from website import errors, hooks

pytestmark = pytest.mark.skipif(
    not (ROOT / "mkdocs.yml").exists(), reason="not a checkout"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [*(sys.executable, "-m", "mkdocs", "build", "--strict"), "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # an advertisement
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return folder


def test_every_page_is_there(site: Path) -> None:
    made = {page.relative_to(site).as_posix() for page in site.rglob("*.html")}
    for page in (ROOT / "docs").rglob("*.md"):
        assert page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() in made
    assert {"changelog.html", "contributing.html"} <= made
    assert {f"errors/{code}.html" for code in errors.raised()} <= made


def test_an_errors_page_leads_to_all_of_them(site: Path) -> None:
    for page in (site / "errors").glob("VG*.html"):
        article = page.read_text("utf-8").rpartition("<article")[2]
        assert re.search(r'href="?index\.html"?>Every error<', article), page
    index = (site / "errors" / "index.html").read_text("utf-8")
    assert ">Every error<" not in index


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    loads = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"?(https?:)?//")
    links = re.compile(
        r"<link\b[^>]*rel=\"?(?:stylesheet|preconnect|icon)\"?[^>]*href=\"?(https?:)?//"
    )
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert loads.search(text) is None, page
        assert links.search(text) is None, page
    for sheet in site.rglob("*.css"):
        assert not re.search(
            r"(?:url\(|@import )[\"']?(?:https?:)?//", sheet.read_text("utf-8")
        )


def test_links_of_the_files_in_the_root_lead_to_pages() -> None:
    text = "[a](CHANGELOG.md), [b](docs/streams.md#paths), [c](benchmarks/), [d](https://x.org)"
    assert hooks.moved(text) == (
        "[a](changelog.md), [b](streams.md#paths), [c], [d](https://x.org)"
    )


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    for name in ("mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copytree(ROOT / "website", tmp_path / "website")
    index = tmp_path / "docs" / "index.md"
    index.write_text(index.read_text("utf-8") + "\n[gone](gone.md#there)\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--strict"),
            "-d",
            tmp_path / "site",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "gone.md" in done.stderr
