"""``vmgen stream explain``: would a release take a stream?"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.stream.codecs import Wanted, answered, input_of, packages_of
from vmgen.cli.stream.codecs import told as answered_by
from vmgen.cli.stream.common import FILE, FORMAT, LOADING, MEMBER, told
from vmgen.paint import Paint
from vmgen.schemas import versioned
from vmgen.source import Diagnostic, Position, VmgenError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vmgen.stream import Codecs, Stream
    from vmgen.stream.input import Input
    from vmgen.stream.objections import Explanation, Objection

_STATUS = {"accepted": 0, "refused": 1, "not known": 3}


@command(
    FILE,
    FORMAT,
    *LOADING,
    MEMBER,
    Option(
        "--like",
        kind="file",
        metavar="FILE",
        help="A stream that the destination machine saved; fields that must match it"
        " are compared.",
    ),
    epilog="""\b
Examples:
  vmgen stream explain vm.mig --release 10.0
  vmgen stream explain vm.mig --qemu ~/qemu-7.2.22
  vmgen stream explain vm.mig --release 10.0 --like own.mig""",
)
def explain(
    console: Console,
    /,
    *,
    file: str,
    form: str,
    like: str | None,
    members: tuple[str, ...],
    **options: Any,
) -> int:
    """Check whether a release accepts a stream, and see why not.

    vmgen reads every section with the tables of that release, as its QEMU does. For what
    QEMU refuses you see section, field, byte and rule: container, unknown-section,
    version-window, unknown-subsection, footer-shift (with the field that caused it),
    value, and with --like machine.

    Exit status 0: accepted, with every section judged and nothing open. 1: refused. 3: not
    known, with the open question and the option that settles it.
    """
    from vmgen.stream.parts import EVERYWHERE

    options["whole"] = options["qemu"] is not None  # every device is judged
    found, codecs = explanation(file, console, Wanted(**options), members, like)
    if form == "json":
        console.result(json.dumps(as_json(file, found), indent=2) + "\n")
    else:
        whole = EVERYWHERE in codecs.codecs
        shown = lines(file, found, console.paint, whole)
        if any(one.rule in ("context", "condition") for one in found.open):
            shown += _undescribed(file, options)
        console.result("".join(f"{line}\n" for line in shown))
    if console.form != "text":
        console.diagnostics(_refusal(file, one) for one in found.refusals)
    return _STATUS[found.outcome]


def _undescribed(file: str, options: Mapping[str, Any]) -> list[str]:
    """What would answer questions that only the stream's description answers, where it is
    missing or cut."""
    from vmgen.stream.errors import StreamError
    from vmgen.stream.stream import Stream

    source = input_of(file, options["snapshot"], Wanted(**options).max_unpacked)
    try:
        source.finish()
        if Stream(source, strict=False).description is not None:
            return []
    except StreamError:
        pass
    finally:
        source.close()
    return [
        "  the stream's description, which answers such questions, is missing or cut:"
        " save the guest again, or give a stream of the machine with --like"
    ]


def explanation(
    file: str,
    console: Console,
    wanted: Wanted,
    members: tuple[str, ...],
    like: str | None,
) -> tuple[Explanation, Codecs]:
    """What the release of the requested codecs makes of a stream, and these codecs."""
    from vmgen.cli.stream import released
    from vmgen.stream.which_target import between, candidates

    answers = answered(members)
    own = None if like is None else own_stream(like, wanted.page_size)
    with told(file):
        source = input_of(file, wanted.snapshot, wanted.max_unpacked)
        packages, codecs = packages_of(source, console, wanted)
        if not packages:
            raise no_release(file)
        several = (
            released.with_processor(
                source, candidates(source, packages, wanted.page_size)
            )
            if codecs is None
            else (codecs,)
        )
        judged = [
            (explained(source, one, wanted.page_size, own), one)
            for one in (answered_by(one, answers) for one in several)
        ]
        source.close()
        found, codecs = judged[0]
        if any(replace(one, target=found.target) != found for one, _ in judged):
            raise between(several)  # it matters which of them it is
    return found, codecs


def no_release(file: str = "") -> VmgenError:
    """VG710: nothing says which release the question is about."""
    hint = "name the one that loads the stream: --release 10.0, or --qemu TREE"
    message = "no release is named"
    return VmgenError(Diagnostic("VG710", message, Position(file), hint=hint))


def explained(
    source: Input, codecs: Codecs, page_size: int | None, own: Stream | None
) -> Explanation:
    """What the release of these codecs makes of a stream, with what vmgen knows of the
    releases that can have written it."""
    from vmgen.cli.stream import made, released
    from vmgen.stream import Stream
    from vmgen.stream.explain import explain as by_codecs

    Stream(source, strict=False).require_header()
    return by_codecs(
        source, codecs, page_size, own, partial(made.others, codecs),
        partial(released.saved_alike, source, codecs),
        partial(released.same_model, source, codecs),
        partial(released.processors, source, codecs.target),
    )  # fmt: skip


def _refusal(file: str, one: Objection) -> Diagnostic:
    """A reason to refuse, as a diagnostic about the stream."""
    at = "" if one.offset is None else f" (at byte {one.offset:#x})"
    message = f"{one.message}{at} [{one.rule}]"
    context = (" ".join(part for part in (one.section, one.member) if part),)
    return Diagnostic("VG713", message, Position(file), hint=one.hint, context=context)


def own_stream(file: str, page_size: int | None) -> Stream:
    """A stream with its sections, which its description bounds."""
    from vmgen.stream.stream import Stream

    with told(file):
        source = input_of(file)
        source.finish()
        stream = Stream(source, page_size=page_size, strict=False)
        list(stream.parts())
    return stream


def as_json(file: str, found: Explanation) -> dict[str, Any]:
    """An explanation as JSON values."""

    def listed(findings: tuple[Objection, ...]) -> list[dict[str, Any]]:
        return [
            {
                "rule": one.rule,
                "section": one.section,
                "member": one.member,
                "offset": one.offset,
                "message": one.message,
                "hint": one.hint,
            }
            for one in findings
        ]

    members = {
        "file": file,
        "outcome": found.outcome,
        "release": found.release,
        "target": found.target,
        "machine": found.machine,
        "refusals": listed(found.refusals),
        "open": listed(found.open),
        "sections": {"judged": found.judged, "unjudged": list(found.unjudged)},
    }
    return versioned("stream-explain", members)


def lines(file: str, found: Explanation, paint: Paint, whole: bool) -> list[str]:
    """An explanation for people; ``whole`` if the codecs are those of every device."""
    whose = f"QEMU {found.release} for {found.target}".replace("  ", " ").rstrip()
    match found.outcome:
        case "accepted":
            verdict = f"{paint('ok', 'accepted')} by {whose}"
        case "refused":
            verdict = f"{paint('removed', 'refused')} by {whose}"
        case "not known":
            verdict = f"{paint('number', 'not known')} whether {whose} accepts it"
        case _:
            assert_never(found.outcome)
    made = [
        (
            f"{file}: {verdict}, machine {found.machine}"
            if found.machine
            else f"{file}: {verdict}"
        )
    ]
    for one in found.refusals:
        made += _lines(one, paint)
    for one in found.open:
        if one.rule != "unjudged":  # which the last line has together
            made += _lines(one, paint, "open: ")
    total = found.judged + len(found.unjudged)
    if found.unjudged:
        names = ", ".join(found.unjudged[:6])
        more = len(found.unjudged) - 6
        names += f" and {more} more" if more > 0 else ""
        made.append(
            paint(
                "faint",
                f"  {found.judged} of {total} sections judged; no codecs for {names}",
            )
        )
        if not whole:
            made.append(
                paint("faint", "    --codecs RELEASE or --qemu TREE judges them too")
            )
    return made


def _lines(one: Objection, paint: Paint, before: str = "") -> list[str]:
    where = " ".join(part for part in (one.section, one.member) if part) or "stream"
    at = "" if one.offset is None else f" at byte {one.offset:#x}"
    rule = paint("number", one.rule)
    made = [f"  {paint('name', where)}{at}: {before}{one.message} [{rule}]"]
    if one.hint:
        made.append(paint("faint", f"    {one.hint}"))
    return made
