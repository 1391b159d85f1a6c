"""Packages in the cache as if trees had been read before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from vmgen.cache import Cache
from vmgen.cli.stream.maker import this_vmgen


def keep(
    targets: Mapping[str, Path],
    tree: str = "/a/tree",
    content: str = "1",
    *,
    whole: bool = True,
    maker: str | None = None,
    change: Callable[[str], str] = lambda ir: ir,
) -> Path:
    """A package of these targets, each as in a generated folder; ``change`` is applied
    to what says the release and the names: the IR, and what a package says of itself.
    ``maker`` is the vmgen that made it, this one by default.  The cache is the one that
    the environment names.
    """
    maker = this_vmgen() if maker is None else maker
    files: dict[str, str] = {}
    for name, folder in targets.items():
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".json"):
                text = path.read_text("utf-8")
                files[f"{name}/{path.relative_to(folder).as_posix()}"] = (
                    change(text)
                    if path.name in ("ir.json", "meta.json", "__init__.py")
                    else text
                )
        for path in sorted(folder.parent.glob("*.py")):
            files[path.name] = path.read_text("utf-8")
    source = {"tree": tree, "content": content, "maker": maker, "whole": whole}
    files["made-from.json"] = json.dumps(source)
    name = f"{tree} {content} {whole} {sorted(targets)}".replace("/", "_")
    return Cache.of("codecs").folder_of(name, lambda: files)


def of_release(release: str) -> Callable[[str], str]:
    """The committed IR as that of another release."""
    return lambda text: text.replace(
        '"release": "10.0.2"', f'"release": "{release}"'
    ).replace('release="10.0.2"', f'release="{release}"')
