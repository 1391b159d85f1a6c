"""The commands of :mod:`vmgen.cli.arguments` as click has them: help, errors, completion."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from vmgen.cli.arguments import (
    CONSOLE,
    HELP,
    Argument,
    CommandParameter,
    Option,
    Subcommand,
    WrongUsage,
)
from vmgen.cli.console import Console

_NO_COMMAND: type[click.ClickException] | tuple[()] = getattr(
    click.exceptions, "NoArgsIsHelpError", ()
)
"""A group without a command: its message is the help.  No error before click 8.2."""

SETTINGS: dict[str, Any] = {"help_option_names": list(HELP), "max_content_width": 88}


def made(name: str, command: Subcommand) -> click.Command:
    """The command of this name."""

    def run(**values: Any) -> int:
        ctx = click.get_current_context()
        try:
            return command(ctx.ensure_object(Console), values)
        except WrongUsage as error:
            raise click.UsageError(str(error)) from None

    parameters: list[click.Parameter] = [
        _argument(one) if isinstance(one, Argument) else option(one)
        for one in command.parameters
        if isinstance(one, (Argument, Option))
    ]
    return _Once(
        name, callback=run, params=parameters, help=_trimmed(command.__doc__),
        epilog=command.epilog or None,
    )  # fmt: skip


class _Once(click.Command):
    """A command that refuses an option given twice, unless it takes several values: click
    itself takes the last, and loses the one before."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            seen = set()
            for one in order:
                if not isinstance(one, click.Option) or one.multiple or one.is_flag:
                    continue
                if one in seen:
                    ctx.fail(f"{one.opts[0]} is given twice, and counts once.")
                seen.add(one)
        return super().parse_args(ctx, args)


def _trimmed(text: str | None) -> str:
    from inspect import cleandoc

    return cleandoc(text or "")


def _type(parameter: CommandParameter) -> click.ParamType[Any] | None:
    kind, choices = parameter.kind, parameter.choices
    if kind == "choice":
        return click.Choice([str(word) for word in choices])
    if kind == "number":
        low, high = choices
        return click.IntRange(low, high)  # type: ignore[arg-type]
    if kind in ("file", "place"):
        return click.Path(dir_okay=kind == "place", allow_dash=True)
    if kind == "tree":
        return _NamedTree(exists=True, file_okay=False)
    if kind in ("folder", "present"):
        folder = kind == "folder"
        return click.Path(exists=True, file_okay=not folder, dir_okay=folder)
    return None


class _NamedTree(click.Path):
    """A folder, or a name that ``[tool.vmgen.trees]`` has."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        from vmgen import config

        named = config.find(Path.cwd()).tree(value) if isinstance(value, str) else None
        if named is not None and not Path(value).exists():
            super().convert(str(named), param, ctx)
            return value
        return super().convert(value, param, ctx)


def _given(ctx: click.Context) -> dict[str, Any]:
    """What a line says that ends in an option without its value: click leaves its
    positional arguments where they were."""
    given = dict(ctx.params)
    left = list(ctx.args)
    for one in ctx.command.params:
        if left and isinstance(one, click.Argument) and not given.get(one.name or ""):
            values, left = (left, []) if one.nargs < 0 else (left[:1], left[1:])
            given[one.name or ""] = tuple(values) if one.nargs < 0 else values[0]
    return given


def _completed(parameter: CommandParameter) -> dict[str, Any]:
    """What click calls for the values of a parameter that a shell completes."""
    if not parameter.completes:
        return {}

    def complete(
        ctx: click.Context, _: click.Parameter, begun: str
    ) -> list[CompletionItem]:
        from vmgen.cli.values import values

        found = [
            CompletionItem(value, help=about or None)
            for value, about in values(parameter.completes, _given(ctx), begun)
        ]
        if parameter.kind == "source":
            found.append(CompletionItem(begun, type="file"))
        return found

    return {"shell_complete": complete}


def _argument(one: Argument) -> click.Argument:
    return click.Argument(
        [one.name], required=one.required, nargs=-1 if one.many else 1,
        metavar=one.metavar, type=_type(one), **_completed(one),
    )  # fmt: skip


class _RenamedOption(click.Option):
    """An option that has another name in the help than it had before."""

    former = ""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        if self.former:
            parser.add_option(self, [self.former], self.name, action="store", nargs=1)


def option(one: Option) -> click.Option:
    """The option as click has it; ``--color`` and ``--diagnostics`` go to the console."""
    if one in CONSOLE:
        return click.Option(
            list(one.names), type=_type(one), expose_value=False, callback=_chosen,
            help=one.help,
        )  # fmt: skip
    if one.kind == "flag":
        return click.Option([*one.names, one.name], is_flag=True, help=one.help)
    # A default of None is a value to click 8.3, and a required option would have it.
    given = _completed(one)
    if one.default is not None:
        given["default"] = one.default
    made = _RenamedOption(
        [*one.names, one.name], type=_type(one), required=one.required, multiple=one.many,
        nargs=2 if one.pair else 1, metavar=one.metavar, show_default=one.shown, help=one.help, **given,
    )  # fmt: skip
    made.former = one.former
    return made


def show(error: click.ClickException, console: Console) -> None:
    """Show what is wrong with a command line: VG600."""
    said = error.format_message()
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, _NO_COMMAND):
        if console.form == "text":
            console.told(f"{said}\n")
            return
        said = "Missing command."
    from vmgen.source import Diagnostic

    hint = f"{ctx.command_path} --help" if ctx is not None else "vmgen --help"
    found = Diagnostic("VG600", said, hint=hint)
    if console.form == "text":
        console.failed([found])
        # click would write to stderr by itself, which may not take it.
        text = StringIO()
        click.UsageError(f"{said} [VG600]", ctx).show(text)
        console.told(text.getvalue())
    else:
        console.diagnostics([found])


def _chosen(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Keep what one of the console's options says."""
    if value is not None:
        name = "form" if parameter.name == "diagnostics" else "color"
        setattr(ctx.ensure_object(Console), name, value)


def context(names: Sequence[str], group: click.Group) -> click.Context | None:
    """The context of the command that has these names below ``group``; None if one of
    them is none."""
    ctx = click.Context(group, info_name="vmgen", **SETTINGS)
    for name in names:
        found = (
            ctx.command.get_command(ctx, name)
            if isinstance(ctx.command, click.Group)
            else None
        )
        if found is None:
            return None
        ctx = click.Context(found, ctx, name)
    return ctx


def show_usage(
    names: Sequence[str], group: click.Group, error: WrongUsage, console: Console
) -> None:
    """:func:`show` an error of the command that has these names below ``group``."""
    show(click.UsageError(str(error), context(names, group)), console)
