"""The site builds without a warning, and needs no network to be read."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents import ROOT
from tests.pages import browser
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


def public(module: str) -> Iterator[tuple[str, object]]:
    """The names of a module that programs import, and those of their classes."""
    found = importlib.import_module(module)
    names = getattr(found, "__all__", None) or [
        name
        for name, one in vars(found).items()
        if getattr(one, "__module__", "") == module
    ]
    for name in names:
        one = getattr(found, name)
        if inspect.isclass(one) or inspect.isfunction(one):
            yield name, one
        for inner, value in vars(one).items() if inspect.isclass(one) else ():
            if inner.startswith("_"):
                continue
            if isinstance(value, classmethod | staticmethod):
                yield f"{name}.{inner}", value.__func__
            elif isinstance(value, property) or inspect.isfunction(value):
                yield f"{name}.{inner}", value


def test_what_programs_import_is_on_a_page(site: Path) -> None:
    page = (site / "api.html").read_text("utf-8")
    modules = re.findall(
        r"^::: (\S+)", (ROOT / "docs/api.md").read_text(), re.MULTILINE
    )
    assert "vmgen.stream" in modules
    for module in modules:
        for name, one in public(module):
            assert inspect.getdoc(one), f"{module}.{name} says nothing"
            if "." not in name:
                assert f'id="{module}.{name}"' in page
    text = re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)
    assert "&gt;&gt;&gt;" not in text  # an example that is no example there
    assert not re.search(r":[a-z]+:<code>", text)


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("Machine type received is", "qemu/machine-type.html"),
        ("Unknown savevm section", "qemu/unknown-section.html"),
        ("error while loading state for instance", "qemu/error-while-loading.html"),
        ("Missing section footer", "qemu/missing-footer.html"),
        ("Size mismatch", "qemu/size-mismatch.html"),
        ("Unknown ramblock", "qemu/unknown-ramblock.html"),
        ("load of migration failed", "qemu/load-failed.html"),
        ("unsupported version", "qemu/unsupported-version.html"),
        ("post load hook failed for", "qemu/post-load.html"),
        ("system register", "qemu/system-register.html"),
        ("expecting positive value", "qemu/invalid-value.html"),
        ("Section footer error", "qemu/footer-error.html"),
        ("Not a migration stream", "qemu/not-a-stream.html"),
        ("Unknown combination of migration flags", "qemu/migration-flags.html"),
        ("VG310", "errors/VG310.html"),
        ("exit status", "exit-status.html"),
    ],
)
def test_search_works_from_disk(
    site: Path, chromium: Any, words: str, page: str
) -> None:
    """As someone types it who unpacked the site: the first page is the one."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    chromium.get((site / "errors" / "VG310.html").as_uri())  # not at the top
    chromium.get_log("browser")
    chromium.execute_script("document.querySelector('[data-md-toggle=search]').click()")
    wait = WebDriverWait(chromium, 20)
    box = chromium.find_element(By.CSS_SELECTOR, "input.md-search__input")
    wait.until(lambda _: box.is_displayed())
    box.send_keys(words)
    links = wait.until(
        lambda found: found.find_elements(By.CSS_SELECTOR, ".md-search-result__link")
    )
    first = links[0].get_attribute("href").partition("?")[0].partition("#")[0]
    assert first == (site / page).as_uri()
    assert chromium.get_log("browser") == []


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


def test_every_page_has_its_style_wherever_the_site_is(site: Path) -> None:
    for file in site.rglob("*.html"):
        assert 'href="/' not in file.read_text("utf-8"), file


def test_no_line_breaks_within_an_option() -> None:
    assert hooks.unbroken(
        "<pre><code>a --b</code></pre><code>vmgen --x-y FILE</code> <code>a-b</code>"
    ) == (
        "<pre><code>a --b</code></pre>"
        '<code>vmgen <span class="option">--x-y</span> FILE</code> <code>a-b</code>'
    )
    assert hooks.unbroken("<code>-incoming</code>").count("option") == 1


def test_the_front_page_leads_to_every_page_of_the_menu() -> None:
    """A reader of the front page alone finds each of them."""
    menu = set(
        re.findall(r": (\w[\w/-]*\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    )
    front = set(
        re.findall(r"\]\((\w[\w/-]*\.md)\)", (ROOT / "docs/index.md").read_text())
    )
    made = {
        "changelog.md",
        "contributing.md",
        "wire-history/index.md",
        "registers/index.md",
    }
    below = {one for one in menu if one.startswith("qemu/")}
    assert front >= menu - made - below - {"index.md"}
