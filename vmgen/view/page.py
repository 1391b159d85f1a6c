"""One HTML file: a template, the style, a script, data, and the policy that holds them."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from vmgen import resources

if TYPE_CHECKING:
    import jinja2

Template = Literal["stream", "report"]

_SCRIPTS: Mapping[Template, str] = {"stream": "stream.js", "report": ""}


def page(template: Template, data: Any, **shown: Any) -> str:
    """The text of a page.

    ``data`` are JSON values for the page's script, ``shown`` what the template prints.
    Nothing in either runs, be it what it may: text is escaped, and the policy
    (``Content-Security-Policy``) allows the script and the style of vmgen by their
    hashes, and no connection.
    """
    style, script = _file("style.css"), _file(_SCRIPTS[template])
    return (
        _environment()
        .get_template(f"{template}.html.j2")
        .render(
            kind=template,
            policy=policy(style, script),
            style=style,
            script=script,
            data=script_json(data),
            **shown,
        )
    )


def policy(style: str, script: str) -> str:
    """The content security policy of a page with this style and this script, which is
    empty for none."""
    scripts = _source(script) if script else "'none'"
    rules = [
        "default-src 'none'",
        f"style-src {_source(style)}",
        f"script-src {scripts}",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    return "; ".join(rules)


def script_json(data: Any) -> str:
    """JSON for a ``script`` element: ASCII, without what could end the element or begin
    a comment in it."""
    text = json.dumps(data, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@functools.cache
def _file(name: str) -> str:
    folder = resources.folder("templates") / "view"
    return (folder / name).read_text(encoding="utf-8") if name else ""


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.folder("templates") / "view"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
