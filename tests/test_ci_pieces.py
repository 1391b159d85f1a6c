"""The pieces for other people's CI, each run on a small repository of its own.

``pip`` takes what the packages need from the environment of the tests, except for
pre-commit, which makes an environment of its own from the package index.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documents import ROOT, blocks
from tests.lacking import lacking
from tests.test_packaging import fresh_environment

CI_PAGE = ROOT / "docs" / "ci.md"
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text("utf-8"))

pytestmark = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").exists(), reason="not a checkout"
)

UART = """\
#include "migration/vmstate.h"

typedef struct Uart {
    uint32_t control;
} Uart;

const VMStateDescription vmstate_uart = {
    .name = "uart",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(control, Uart),
        VMSTATE_END_OF_LIST()
    },
};
"""
CHANGED = UART.replace("uint32_t", "uint64_t").replace("UINT32", "UINT64")
CONFIGURATION = '[tool.vmgen]\ninputs = ["uart.c"]\noutput = "state"\n'


def described(title: str) -> dict[str, Any]:
    """The file of that name on the page about CI."""
    (found,) = (
        block for block in blocks(CI_PAGE.read_text("utf-8")) if block.title == title
    )
    loaded: dict[str, Any] = yaml.safe_load(found.text)
    return loaded


def run(*words: str, folder: Path, environment: dict[str, str], status: int = 0) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == status, done.stdout
    return done.stdout


def git(folder: Path, *words: str) -> str:
    name = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    plain = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    return run("git", *name, *words, folder=folder, environment=plain)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A repository with a device, its configuration, and its generated package."""
    if shutil.which("git") is None:
        lacking("there is no git")
    folder = tmp_path / "sample"
    folder.mkdir()
    (folder / "uart.c").write_text(UART)
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    (folder / ".gitignore").write_text("__pycache__/\n")
    run(
        *(sys.executable, "-m", "vmgen", "generate"),
        folder=folder,
        environment=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    git(folder, "init", "--quiet", "--initial-branch=master")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A device")
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout as a repository that others can name, with what is not committed."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        lacking("this is not a git checkout")
    folder = tmp_path_factory.mktemp("hooks") / "vmgen"
    listed = subprocess.run(
        ["git", "ls-files", "-zco", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "generated/")):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "vmgen")
    git(folder, "tag", "v0.1.0")
    return folder


# --- pre-commit ---------------------------------------------------------------------------


def test_the_hooks_of_pre_commit(sample: Path, checkout: Path, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit")
    configuration = described(".pre-commit-config.yaml")
    (repository,) = configuration["repos"]
    repository["repo"] = str(checkout)
    repository["rev"] = "v0.1.0"
    assert [hook["id"] for hook in repository["hooks"]] == ["vmgen-check"]
    repository["hooks"].append({"id": "vmgen-generate", "stages": ["manual"]})
    (sample / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    git(sample, "add", "--all")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PRE_COMMIT_HOME": str(tmp_path / "hooks"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.environ.get("PIP_CONFIG_FILE", ""),
    } | {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
    base = [
        sys.executable,
        "-m",
        "pre_commit",
        "run",
        "--all-files",
        "--color",
        "never",
    ]

    def hook(name: str, status: int, *more: str) -> str:
        done = run(
            *base, name, *more, folder=sample, environment=environment, status=status
        )
        return re.sub(r"\.\.\.+", " ... ", done)

    try:
        said = hook("vmgen-check", 0)
    except AssertionError as error:
        if re.search(
            r"No matching distribution|Temporary failure|Connection", str(error)
        ):
            lacking("pre-commit finds no package index")
        raise
    assert "vmgen check ... Passed" in said
    (sample / "uart.c").write_text(CHANGED)
    said = hook("vmgen-check", 1)
    assert "vmgen check ... Failed" in said
    assert "changed: state/uart.py" in said
    said = hook("vmgen-generate", 1, "--hook-stage", "manual")
    assert "files were modified by this hook" in said
    assert "vmgen generate ... Passed" in hook(
        "vmgen-generate", 0, "--hook-stage", "manual"
    )
    assert "vmgen check ... Passed" in hook("vmgen-check", 0)


def test_every_hook_is_known_to_the_page() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    text = CI_PAGE.read_text("utf-8")
    assert [hook["id"] for hook in hooks] == [
        "vmgen-check",
        "vmgen-generate",
        "vmgen-lint",
    ]
    assert all(f"`{hook['id']}`" in text for hook in hooks)


# --- GitHub -------------------------------------------------------------------------------

EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")


@dataclass
class Runner:
    """What GitHub's runner does with a composite action, as far as ours needs it."""

    folder: Path
    environment: dict[str, str]
    action: Path = ROOT
    skipped: tuple[str, ...] = ()
    """Steps of other actions (``uses``): these only choose a Python, which is here."""

    def __call__(self, status: int = 0, **inputs: str) -> tuple[str, dict[str, str]]:
        """Run the steps; what they print, and the action's outputs."""
        values = {
            f"inputs.{name}": str(each.get("default", ""))
            for name, each in ACTION["inputs"].items()
        }
        for name, text in inputs.items():
            assert f"inputs.{name.replace('_', '-')}" in values
            values[f"inputs.{name.replace('_', '-')}"] = text
        values["github.action_path"] = str(self.action)
        told = self.folder.parent / "output"
        told.write_text("")
        said, skipped = "", []
        for step in ACTION["runs"]["steps"]:
            if "uses" in step:
                skipped.append(step["uses"])
                continue
            assert step["shell"] == "bash"
            environment = self.environment | {
                name: self._filled(text, values)
                for name, text in step.get("env", {}).items()
            }
            place = self._filled(step.get("working-directory", "."), values)
            last = step is ACTION["runs"]["steps"][-1]
            said += run(
                *(
                    "bash",
                    "--noprofile",
                    "--norc",
                    "-eo",
                    "pipefail",
                    "-c",
                    step["run"],
                ),
                folder=self.folder / place,
                environment=environment | {"GITHUB_OUTPUT": str(told)},
                status=status if last else 0,
            )
            lines = (line.partition("=") for line in told.read_text().splitlines())
            values |= {
                f"steps.{step.get('id', '')}.outputs.{name}": text
                for name, _, text in lines
            }
        self.skipped = tuple(skipped)
        outputs = {
            name: self._filled(each["value"], values)
            for name, each in ACTION["outputs"].items()
        }
        return said, outputs

    def _filled(self, text: str, values: dict[str, str]) -> str:
        return EXPRESSION.sub(lambda match: values[match[1]], text)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without vmgen, whose pip needs no index."""
    folder = tmp_path_factory.mktemp("ci")
    programs = fresh_environment(folder / "venv") / "bin"
    return {
        "PATH": f"{programs}{os.pathsep}/usr/bin:/bin",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # which means: none
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


def test_the_action(sample: Path, environment: dict[str, str]) -> None:
    runner = Runner(sample, environment)
    said, outputs = runner()
    assert runner.skipped == ("actions/setup-python@v5",)
    assert "state: all files are current" in said
    assert outputs == {"status": "0"}

    (sample / "uart.c").write_text(CHANGED)
    # From here on pip finds it installed.
    said, outputs = runner(status=1, vmgen="vmgen")
    assert "::error file=state/uart.py,title=VG650::" in said
    assert outputs == {"status": "1"}

    (sample / "uart.c").write_text(UART.replace("control, U", "contrl, U"))
    said, outputs = runner(status=2, vmgen="vmgen")
    assert "::error file=uart.c,line=12,col=24,title=VG303::in vmstate_uart" in said
    assert outputs == {"status": "2"}

    # Arguments are words as in a shell, and nothing of them is run.
    arguments = "uart.c --output 'a b' -D 'SAID=$(touch ran)'"
    (sample / "uart.c").write_text(UART)
    runner(command="generate", arguments=arguments, vmgen="vmgen")
    assert (sample / "a b" / "uart.py").is_file()
    assert not (sample / "ran").exists()


def test_the_action_in_a_folder(sample: Path, environment: dict[str, str]) -> None:
    (sample / "inner").mkdir()
    (sample / "inner" / "pyproject.toml").write_text('[tool.vmgen]\ntarget = "arm"\n')
    runner = Runner(sample, environment)
    said, _ = runner(status=2, working_directory="inner", vmgen=str(ROOT))
    assert "title=VG611::" in said


@pytest.mark.parametrize(
    "title", [".github/workflows/vmgen.yml", ".github/workflows/wire.yml"]
)
def test_workflows_of_the_page_use_the_action_as_it_is(title: str) -> None:
    (job,) = described(title)["jobs"].values()
    (step,) = (step for step in job["steps"] if "vmgen@" in step["uses"])
    assert set(step["with"]) <= set(ACTION["inputs"])
    rows = re.findall(r"^\| `([\w-]+)` \|.*\|.*\|$", CI_PAGE.read_text("utf-8"), re.M)
    assert set(rows) == set(ACTION["inputs"])


# --- GitLab -------------------------------------------------------------------------------


def test_the_lines_for_gitlab(sample: Path, environment: dict[str, str]) -> None:
    job = described(".gitlab-ci.yml")["vmgen"]
    assert GITLAB.keys() == {job["extends"]}
    template = GITLAB[job["extends"]]
    assert set(job["variables"]) <= set(template["variables"])
    variables = template["variables"] | job["variables"] | {"VMGEN": str(ROOT)}
    script = "\n".join(template["script"])

    def pipeline(status: int, **more: str) -> str:
        return run(
            *("bash", "-eo", "pipefail", "-c", script),
            folder=sample,
            environment=environment | variables | more,
            status=status,
        )

    assert "state: all files are current" in pipeline(0)
    (sample / "uart.c").write_text(CHANGED)
    said = pipeline(1, VMGEN="vmgen", VMGEN_ARGUMENTS="uart.c")
    assert "fix: vmgen generate uart.c" in said


def test_the_lines_that_init_prints(
    sample: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    from vmgen.cli.init import CI_LINES

    lines = CI_LINES.format(version="0.1.0")
    github, gitlab = re.split(r"\n\nGitLab.*:\n\n", lines.partition(":\n\n")[2])
    steps = yaml.safe_load(github)
    (job,) = yaml.safe_load(gitlab).values()
    installs, checks = [step["run"] for step in steps if "run" in step]
    assert (
        [installs, checks]
        == job["script"]
        == ['pip install "vmgen==0.1.0"', "vmgen check"]
    )
    run(
        *("python", "-m", "pip", "install", "--quiet", str(ROOT)),
        folder=sample,
        environment=environment,
    )
    said = run("bash", "-ec", checks, folder=sample, environment=environment)
    assert "state: all files are current" in said
