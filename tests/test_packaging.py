"""What is shipped: wheel, source distribution, editable install, each one run."""

from __future__ import annotations

import importlib.util
import site
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import vmgen

ROOT = Path(vmgen.__file__).parent.parent

pytestmark = [
    pytest.mark.skipif(not (ROOT / "pyproject.toml").exists(), reason="not a checkout"),
    pytest.mark.skipif(
        importlib.util.find_spec("hatchling") is None,
        reason="hatchling builds the package",
    ),
]


def build(kind: str, source: Path, folder: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


def members(archive: Path) -> set[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return set(opened.namelist())
    with tarfile.open(archive) as packed:
        return {name.partition("/")[2] for name in packed.getnames()}


def files(*folders: str) -> set[str]:
    """The tracked files of the checkout below the folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *folders],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return {
        name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()
    }


def fresh_environment(folder: Path) -> Path:
    """A virtual environment that sees the packages of this one, its own first, and not
    what this one has installed as editable."""
    venv.create(folder, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    own = Path(sysconfig.get_path("purelib", "venv", paths))
    (own / "outer.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder


def install(environment: Path, *what: str) -> str:
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    result = subprocess.run(
        [*pip, "install", "--no-index", "--no-deps", "--no-build-isolation",
         "--force-reinstall", "--disable-pip-version-check", *what],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def command(environment: Path, *arguments: str, folder: Path) -> str:
    result = subprocess.run(
        [str(environment / "bin" / "vmgen"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "VMGEN_CACHE_DIR": str(folder / "cache"),
            "LC_ALL": "C",
        },
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_the_wheel_has_everything_that_is_read_at_run_time(wheel: Path) -> None:
    names = members(wheel)
    expected = files("vmgen")
    expected |= {f"vmgen/{name}" for name in files("templates", "c_headers")}
    missing = expected - names
    assert missing == set()
    extra = {name for name in names - expected if ".dist-info/" not in name}
    assert not {
        name for name in extra if "__pycache__" in name or name.startswith("tests")
    }


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith("/METADATA")]
        metadata = opened.read(name).decode()
        assert any(name.endswith("licenses/LICENSE") for name in opened.namelist())
    assert f"Version: {vmgen.__version__}\n" in metadata
    assert "License-Expression: MIT\n" in metadata
    assert "Requires-Dist: black" in metadata
    assert "# vmgen" in metadata


def test_the_source_distribution_has_everything(
    sdist: Path, wheel: Path, tmp_path: Path
) -> None:
    folders = (
        "vmgen",
        "templates",
        "c_headers",
        "generated",
        "tests",
        "benchmarks",
        "docs",
        ".ci",
    )
    expected = files(*folders, "LICENSE", "*.md", "pyproject.toml")
    assert expected - members(sdist) == set()
    with tarfile.open(sdist) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(tmp_path, filter="data")
        else:  # Python 3.11 before 3.11.4: Debian 12's
            packed.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    again = build("wheel", unpacked, tmp_path / "again")
    assert members(again) == members(wheel)


def test_the_installed_wheel_generates_what_is_committed(
    wheel: Path, tmp_path: Path
) -> None:
    environment = fresh_environment(tmp_path / "env")
    install(environment, str(wheel))
    work = tmp_path / "work"
    work.mkdir()
    command(environment, "generate", "--output", "generated", folder=work)
    made = {
        path.relative_to(work).as_posix(): path.read_bytes()
        for path in (work / "generated").rglob("*")
        if path.is_file()
    }
    assert made == {name: (ROOT / name).read_bytes() for name in files("generated")}
    assert "current" in command(
        environment, "check", "--output", "generated", folder=work
    )


def test_an_editable_install_finds_the_checkout(tmp_path: Path) -> None:
    environment = fresh_environment(tmp_path / "env")
    said = install(environment, "-e", str(ROOT))
    assert "warning" not in said.lower().replace("running pip as the 'root'", "")
    assert "env.gpr" in command(
        environment, "inspect", "-t", "riscv64", folder=tmp_path
    )


def test_out_of_a_zip_file_it_says_why_not(wheel: Path, tmp_path: Path) -> None:
    path = [str(wheel), *site.getsitepackages()]
    code = f"import sys; sys.path[:0] = {path!r}; from vmgen.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, "generate", "-o", "x"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") <= 3
    assert "cannot run out of a zip file" in result.stderr
    assert "Traceback" not in result.stderr
