"""``vmgen init``."""

from __future__ import annotations

from pathlib import Path

from vmgen import config
from vmgen.cli.arguments import Option, command
from vmgen.cli.console import Console
from vmgen.cli.job import EMBEDDED_TARGETS, FILES
from vmgen.source import Diagnostic, Position, VmgenError

CI_LINES = """\
GitHub, in a workflow's steps:

      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: pip install "vmgen=={version}"
      - run: vmgen check

GitLab, in .gitlab-ci.yml:

  vmgen:
    image: python:3.13
    script:
      - pip install "vmgen=={version}"
      - vmgen check
"""


@command(
    FILES,
    Option(
        "--target",
        "-t",
        name="targets",
        many=True,
        metavar="TARGET",
        completes="target",
        help="Targets.",
    ),
    Option("--qemu", metavar="TREE", help="A QEMU source tree."),
    Option(
        "--output",
        "-o",
        default="generated",
        metavar="PATH",
        shown=True,
        help="The folder of the generated package.",
    ),
    epilog=f"""\b
Examples:
  vmgen init
  vmgen init --target riscv64 --output src/state
  vmgen init --qemu ../qemu-10.0.2 --target x86_64 hw/char/serial.c

\b
The keys of [tool.vmgen]; paths are relative to pyproject.toml:
  inputs         C files (of the tree, or your own)
  targets        QEMU targets ({', '.join(EMBEDDED_TARGETS[:3])}, ...)
  output         the folder of the generated package
  qemu, build    a QEMU source tree, and a configured build of it
  include-dirs, defines, shims
                 folders of headers, macros, and headers for missing ones
  options        NAME=VALUE of the tree's meson_options.txt
  preprocessor   auto, cc or pcpp
  formats        a table: what custom infos move that vmgen does not know
  trees          a table: source trees by name, for --qemu, 'diff' and 'convert'""",
)
def init(
    console: Console,
    /,
    *,
    files: tuple[str, ...],
    targets: tuple[str, ...],
    qemu: str | None,
    output: str,
) -> int:
    """Write [tool.vmgen] into pyproject.toml.

    It also prints the lines for CI. The rest of the file stays as it is. If the section is
    there already, vmgen changes nothing.
    """
    import vmgen

    file = Path("pyproject.toml")
    if not files and not targets and not qemu:
        targets = EMBEDDED_TARGETS
    values: dict[str, str | tuple[str, ...]] = {
        "inputs": files, "targets": targets, "output": output, "qemu": qemu or "",
    }  # fmt: skip
    lines = [f"{key} = {_toml(value)}" for key, value in values.items() if value]
    _add_section(file, lines)
    console.message(f"wrote [tool.vmgen] to {file}; now run: vmgen generate")
    console.result(CI_LINES.format(version=vmgen.__version__))
    return 0


def _toml(value: str | tuple[str, ...]) -> str:
    """A TOML value.  JSON's strings are TOML's basic strings."""
    import json

    return json.dumps(value, ensure_ascii=False)


def _add_section(file: Path, lines: list[str]) -> None:
    from vmgen import write

    old = config.read(file) if file.exists() else ""
    if config.has_section(old, file):
        raise VmgenError(
            Diagnostic("VG634", "there is a [tool.vmgen] already", Position(str(file)))
        )
    end = "\r\n" if "\r\n" in old else "\n"
    gap = "" if not old else end if old.endswith("\n") else end * 2
    new = old + gap + end.join(["[tool.vmgen]", *lines, ""])
    try:
        config.has_section(new, file)
    except VmgenError:
        hint = "it has 'tool' as an inline table; write it as [tool.NAME] sections"
        raise VmgenError(
            Diagnostic(
                "VG635", "no section can be added", Position(str(file)), hint=hint
            )
        ) from None
    write.apply(
        Path(),
        [write.FileChange(str(file), old or None, new, "update" if old else "create")],
    )
