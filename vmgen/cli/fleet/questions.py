"""The questions of a fleet, to one file on a worker: rows for the data set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never

from vmgen.cli.console import Console
from vmgen.fleet import results
from vmgen.fleet.inputs import local
from vmgen.source import Diagnostic, VmgenError

FIELDS = {
    "file": "string", "row": "string", "outcome": "string", "message": "string",
    "rule": "string",
}  # fmt: skip
"""What the data set of an export has beside the columns of the export: of each file one
``row`` is ``file``, with its outcome; the others are ``field``."""


FleetCommand: TypeAlias = Literal["explain", "verify", "export", "convert"]


class SilentConsole(Console):
    """A console of a worker: no one reads what it would say."""

    def result(self, text: str) -> None:
        """Nothing is written."""

    def message(self, text: str) -> None:
        """Nothing is written."""

    def progress(self, text: str) -> None:
        """Nothing is written."""

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Nothing is written."""


@dataclass(frozen=True, slots=True)
class FleetQuestion:
    """One command with its options, asked of files; the answers go to ``folder``.

    It is sent to workers: everything in it is plain data.
    """

    command: FleetCommand
    folder: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, files: Sequence[str]) -> int:
        """Ask about each of the files and keep the answers as one part."""
        rows = (row for file in files for row in self.rows(file))
        return results.keep(Path(self.folder), files, rows, self.columns)

    @property
    def columns(self) -> Mapping[str, str]:
        """The columns of the answers."""
        if self.command != "export":
            return results.COLUMNS
        from vmgen.export import parquet

        return {**FIELDS, **parquet.COLUMNS}

    def lost(self, file: str, error: BaseException) -> int:
        """The row of a file of which no worker gave an answer."""
        row = _row(file, "file", "error", rule=type(error).__name__, message=str(error))
        return results.keep(Path(self.folder), [file], [row], self.columns)

    def rows(self, file: str) -> Iterator[dict[str, Any]]:
        """The rows of one file; what is wrong with it is one of them."""
        found: list[dict[str, Any]] = []
        try:
            with local(file) as path:
                found += self._asked(file, path)
        except VmgenError as error:
            found = [_failed(file, one) for one in error.diagnostics[:1]]
        except (OSError, ValueError, ImportError) as error:
            message = f"cannot be read: {error}"
            found = [_row(file, "file", "error", rule="VG707", message=message)]
        yield from found

    def _asked(self, file: str, path: str) -> Iterator[dict[str, Any]]:
        match self.command:
            case "explain":
                yield from _explained(file, path, self.options)
            case "verify":
                yield from _verified(file, path, self.options)
            case "export":
                yield from _exported(file, path, self.options)
            case "convert":
                yield from _converted(file, path, self.options)
            case _:
                assert_never(self.command)


def _row(file: str, row: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "row": row, "outcome": outcome, **more}


def _failed(file: str, one: Diagnostic) -> dict[str, Any]:
    return _row(
        file, "file", "error", rule=one.code, message=one.message, hint=one.hint or None,
        section=one.context[0] if one.context else None,
    )  # fmt: skip


def _explained(
    file: str, path: str, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    from vmgen.cli.stream.codecs import Wanted
    from vmgen.cli.stream.explain import explanation

    rest = {k: v for k, v in options.items() if k not in ("members", "like")}
    wanted = Wanted(**rest)
    found, _ = explanation(
        path, SilentConsole(), wanted, options["members"], options["like"]
    )
    about = {
        "machine": found.machine, "target": found.target, "release": found.release,
    }  # fmt: skip
    yield _row(file, "file", found.outcome, **about, bytes=os.path.getsize(path))
    for name in found.unjudged:
        yield _row(file, "section", "unjudged", section=name, **about)
    for outcome, listed in (("refused", found.refusals), ("open", found.open)):
        for one in listed:
            yield _row(
                file, "finding", outcome, section=one.section, member=one.member,
                offset=one.offset, rule=one.rule, message=one.message, hint=one.hint,
                **about,
            )  # fmt: skip


def _verified(
    file: str, path: str, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    from vmgen.cli.stream.codecs import opened
    from vmgen.cli.stream.common import told
    from vmgen.stream.verify import verify

    rows = []
    outcome = "identical"
    with told(path), opened(path, SilentConsole(), **options) as stream:
        for one in verify(stream):
            rows.append(
                _row(
                    file, "section", "opaque" if one.opaque else "identical",
                    section=one.path, bytes=one.bytes,
                )
            )  # fmt: skip
            if (different := one.difference) is not None:
                outcome = "differs"
                rows[-1] = _row(
                    file, "finding", outcome, section=different.path, rule="VG712",
                    offset=different.offset,
                    message=f"{different.old.hex()} comes back as {different.new.hex()}",
                )  # fmt: skip
        configuration = stream.configuration
        machine = None if configuration is None else configuration.machine
        target = stream.codecs.target if stream.codecs else None
    yield _row(
        file, "file", outcome, machine=machine, target=target,
        bytes=os.path.getsize(path),
    )  # fmt: skip
    yield from rows


def _exported(
    file: str, path: str, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    from vmgen.cli.guest import opened_guest
    from vmgen.export import parquet

    with opened_guest(path, SilentConsole(), (), dict(options)) as guest:
        yield from (
            {"file": file, "row": "field", **row} for row in parquet.rows(guest)
        )
    yield _row(file, "file", "exported")


def _converted(
    file: str, path: str, options: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    from vmgen.cli.stream.convert import carried

    rest = {name: value for name, value in options.items() if name != "into"}
    output = os.path.join(options["into"], os.path.basename(file))
    carry = carried(SilentConsole(), path, output, **rest)
    about = {
        "machine": carry.found.machine, "target": carry.after.target,
        "release": carry.found.release,
    }  # fmt: skip
    if carry.written:
        yield _row(file, "file", "converted", message=output, **about)
        return
    rule = "loss" if carry.lossy else "refused"
    why = "; ".join(carry.reasons)
    yield _row(file, "file", "refused", rule=rule, message=why, **about)
