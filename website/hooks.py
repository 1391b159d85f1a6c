"""What MkDocs calls while it builds the site: pages that are files of the checkout's root,
and the way back from an error's page, which the navigation does not list."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from vmgen import archive
from website import history, registers

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
"""The page of each file."""

_CODE = re.compile(r"<pre\b.*?</pre>|<code>(?P<words>[^<]*)</code>", re.DOTALL)
_OPTION = re.compile(r"(?<!\S)-[^\s<]{1,28}(?!\S)")
_ROLE = re.compile(r":(?:class|func|meth|mod|attr|data|exc):(?=<code>)")
"""What stands before a name in a docstring: Sphinx's words, which Markdown does not know."""
_LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?P<anchor>#[^)]*)?\)")


def moved(text: str) -> str:
    """The text of a file of the root with links as they are from ``docs/``.

    What the site does not have (a folder of code) is left as words.
    """

    def link(match: re.Match[str]) -> str:
        target = match["target"]
        page = PAGES.get(target) or target.removeprefix("docs/")
        known = target in PAGES or (ROOT / "docs" / page).is_file()
        return f"]({page}{match['anchor'] or ''})" if known else "]"

    return _LINK.sub(link, text)


def unbroken(html: str) -> str:
    """A page on which no line breaks within an option: browsers break behind hyphens."""

    def code(match: re.Match[str]) -> str:
        words = match["words"]
        if words is None:  # a block, which scrolls
            return match[0]
        options = _OPTION.sub(r'<span class="option">\g<0></span>', words)
        return f"<code>{options}</code>"

    return _CODE.sub(code, html)


def on_page_content(
    html: str, *, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Keeps options in one line, and leaves the roles of docstrings out."""
    del page, config, files
    return unbroken(_ROLE.sub("", html))


def on_post_template(
    output_content: str, *, template_name: str, config: MkDocsConfig
) -> str:
    """Leaves out the theme's page for a missing one: it finds its style only where the
    site is a server's root."""
    del config
    return "" if template_name == "404.html" else output_content


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that stand in the root of the checkout, the wire history, and the registers."""
    for name, page in PAGES.items():
        text = moved((ROOT / name).read_text("utf-8"))
        files.append(File.generated(config, page, content=text))
    if (there := archive.shipped()) is not None:
        for page, text in history.pages(there).items():
            files.append(File.generated(config, page, content=text))
    for page, text in registers.pages().items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(
    markdown: str, *, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Ends an error's page with a link to all of them."""
    del config, files
    if re.fullmatch(r"errors/VG\d+\.md", page.file.src_uri):
        return f"{markdown.rstrip()}\n\n[Every error](index.md)\n"
    return markdown
