"""Every command: its arguments as data, and a reader of plain command lines.

The library that reads command lines takes longer to start than most streams take to read.
What a command accepts is therefore written down here without it: :mod:`vmgen.cli.clicked`
makes the real command of that, and :func:`read` understands the lines that need no word
of help.  Whatever it is not sure about it leaves to the real command.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    from vmgen.cli.console import Console

Kind: TypeAlias = (
    "Literal['text', 'flag', 'choice', 'number', 'file', 'place', 'folder', 'present',"
    " 'tree', 'source']"
)
"""What a value is: ``file`` and ``place`` need not be there (``place`` may be a folder),
``folder`` and ``present`` (a file) must be.  A ``tree`` is a folder or the name that
``[tool.vmgen.trees]`` has for one, a ``source`` such a name or any other text."""


Values: TypeAlias = (
    "Literal['', 'target', 'release', 'code', 'rule', 'command', 'machine', 'inspected',"
    " 'part', 'path', 'document']"
)
"""What a shell completes a value with (:mod:`vmgen.cli.values`); empty for what its kind
says alone."""


class WrongUsage(Exception):
    """Arguments that make no sense together; shown with the command's usage line."""


class CommandParameter:
    """One argument or option of a command, and the keyword that it is given to."""

    __slots__ = (
        "choices", "completes", "kind", "many", "metavar", "name", "names", "required",
    )  # fmt: skip

    def __init__(
        self,
        names: tuple[str, ...],
        name: str,
        kind: Kind,
        metavar: str | None,
        many: bool,
        required: bool,
        choices: Sequence[str] | tuple[int, int | None],
        completes: Values,
    ) -> None:
        self.completes: Values = completes
        self.names = names
        self.name = name
        self.kind = kind
        self.metavar = metavar
        self.many = many
        self.required = required
        self.choices = choices


class Argument(CommandParameter):
    """A positional argument; ``many`` takes all that are left."""

    __slots__ = ()

    def __init__(
        self,
        name: str,
        kind: Kind = "text",
        metavar: str | None = None,
        *,
        many: bool = False,
        required: bool = True,
        choices: Sequence[str] = (),
        completes: Values = "",
    ) -> None:
        super().__init__((), name, kind, metavar, many, required, choices, completes)


class Option(CommandParameter):
    """An option with a value, or a flag.

    ``choices`` are the words of a ``choice``, or the least and greatest of a ``number``
    (None: any).  ``shown`` puts the default into the help.  A ``pair`` takes two words.
    ``former`` is what the option was called before: accepted, and not in the help.
    """

    __slots__ = ("default", "former", "help", "pair", "shown")

    def __init__(
        self,
        *names: str,
        help: str,
        name: str = "",
        kind: Kind = "text",
        metavar: str | None = None,
        many: bool = False,
        required: bool = False,
        choices: Sequence[str] | tuple[int, int | None] = (),
        default: object = None,
        shown: bool = False,
        pair: bool = False,
        former: str = "",
        completes: Values = "",
    ) -> None:
        name = name or names[0].lstrip("-").replace("-", "_")
        super().__init__(names, name, kind, metavar, many, required, choices, completes)
        self.default = False if kind == "flag" else default
        self.help = help
        self.shown = shown
        self.pair = pair
        self.former = former


def format_option(help: str, *more: str) -> Option:
    """``--format``: text, JSON, and perhaps ``more``."""
    return Option(
        "--format", name="form", kind="choice", choices=("text", "json", *more),
        default="text", shown=True, help=help,
    )  # fmt: skip


COLOR = Option(
    "--color",
    kind="choice",
    choices=("auto", "always", "never"),
    help="Colour the output.  [default: auto: as the terminal and NO_COLOR say]",
)

DIAGNOSTICS = Option(
    "--diagnostics",
    kind="choice",
    choices=("text", "json", "github"),
    help="How errors are written: for people, as one object per line, or as annotations of "
    "GitHub's CI.  [default: text, or what VMGEN_DIAGNOSTICS says]",
)

CONSOLE = (COLOR, DIAGNOSTICS)
"""Every command has these; they go to the console and not to the function."""

HELP = ("-h", "--help")


class Subcommand:
    """A function with the parameters it is called with.

    The function gets the console, and every parameter by its keyword; its docstring is the
    help.  It returns the exit status.
    """

    def __init__(
        self,
        run: Callable[..., int],
        parameters: Sequence[CommandParameter],
        epilog: str,
    ) -> None:
        self.run = run
        self.parameters = parameters
        self.epilog = epilog
        self.__doc__ = run.__doc__

    def __call__(self, console: Console, values: Mapping[str, Any]) -> int:
        """Run it; the console can spell the line again."""
        console.again = lambda name, *extra, without=(): self._spelled(
            values, name, extra, without
        )
        console.result_form = values.get("form") or ""
        given = {
            one.name: _located(values[one.name])
            for one in self.parameters
            if one.kind in ("tree", "source") and values.get(one.name)
        }
        return self.run(console, **{**values, **given})

    def _spelled(
        self,
        values: Mapping[str, Any],
        name: str,
        extra: tuple[str, ...],
        without: Sequence[str],
    ) -> str:
        """The command ``name`` with these options and arguments, ``without`` those that
        it does not have."""
        import shlex

        words: list[str] = []
        files: list[str] = []
        for one in self.parameters:
            value = values.get(one.name)
            if isinstance(one, Argument):
                files += value or ()
            elif (
                isinstance(one, Option)
                and one.names[0] not in without
                and value not in (one.default, None, ())
            ):
                for each in value if one.many else (value,):
                    words += (one.names[0], *(() if each is True else (str(each),)))
        missing = [option for option in extra if option not in words]
        return shlex.join(["vmgen", name, *words, *missing, *files])


def command(
    *parameters: CommandParameter, epilog: str = ""
) -> Callable[[Callable[..., int]], Subcommand]:
    """Makes a command of a function."""

    def made(function: Callable[..., int]) -> Subcommand:
        return Subcommand(function, (*parameters, *CONSOLE), epilog)

    return made


def read(command: Subcommand, words: Sequence[str]) -> dict[str, Any] | None:
    """The value of every parameter, by its keyword; None for a line that this does not
    understand, be it wrong or only unusual."""
    options = {
        name: parameter
        for parameter in command.parameters
        if isinstance(parameter, Option)
        for name in parameter.names
    }
    given: dict[str, Any] = {}
    left: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            left.append(word)
            continue
        name, equals, value = word.partition("=")
        option = options.get(name)
        if option is None or option.pair or (equals and not name.startswith("--")):
            return None
        if option.kind == "flag":
            if equals:
                return None
            given[option.name] = True
            continue
        if not equals:
            value = next(rest, "")
        if (not equals and value.startswith("-")) or not _fits(option, value):
            return None
        if option.many:
            given.setdefault(option.name, []).append(value)
        elif option.name in given:
            return None  # click refuses it
        else:
            given[option.name] = int(value) if option.kind == "number" else value
    return _complete(command, given, left)


def _complete(
    command: Subcommand, given: dict[str, Any], left: list[str]
) -> dict[str, Any] | None:
    """Positional arguments to their parameters, and defaults for what was not given."""
    made: dict[str, Any] = {}
    arguments = [one for one in command.parameters if isinstance(one, Argument)]
    for place, one in enumerate(arguments):
        behind = len(arguments) - place - 1
        if one.many:
            values = left[: len(left) - behind]
            del left[: len(values)]
        elif left:
            values = [left.pop(0)]
        else:
            values = []
        if (one.required and not values) or not all(
            _fits(one, word) for word in values
        ):
            return None
        made[one.name] = tuple(values) if one.many else values[0] if values else None
    if left:
        return None
    for option in command.parameters:
        if isinstance(option, Option):
            if option.required and option.name not in given:
                return None
            value = given.get(option.name, option.default)
            made[option.name] = tuple(value or ()) if option.many else value
    return made


def _located(value: Any) -> Any:
    """The folders of trees in the place of their names."""
    if not isinstance(value, str):
        return tuple(map(_located, value))
    if os.path.exists(value) or os.sep in value or not value[:1].isalpha():
        return value
    from pathlib import Path

    from vmgen import config

    tree = config.find(Path.cwd()).tree(value)
    return value if tree is None else os.path.relpath(tree)


def _fits(parameter: CommandParameter, value: str) -> bool:
    """Whether a value is certainly one of the parameter's."""
    if not value:
        return False
    if parameter.kind == "choice":
        return value in parameter.choices
    if parameter.kind == "number":
        low, high = parameter.choices
        return (
            value.isdecimal()
            and value.isascii()
            and int(low) <= int(value)
            and (high is None or int(value) <= int(high))
        )
    if parameter.kind in ("text", "source") or (
        value == "-" and parameter.kind in ("file", "place")
    ):
        return True
    try:
        mode = os.stat(value).st_mode
    except (OSError, ValueError):
        return parameter.kind in ("file", "place") and "\0" not in value
    folder = mode & 0o170000 == 0o040000
    wanted = parameter.kind in ("folder", "tree")
    return (folder == wanted or parameter.kind == "place") and os.access(value, os.R_OK)
