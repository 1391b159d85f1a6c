"""Which tests run a line of vmgen, and how long they take.

Each test file runs once without a fault, under coverage.py, subprocesses included.
What a test function runs is known by its name; what runs before it (imports, fixtures,
subprocesses) belongs to its whole file.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import coverage

from .faults import Fault
from .trial import run

_RC = """[run]
source = vmgen
data_file = {data}
parallel = true
dynamic_context = test_function
concurrency = thread,multiprocessing
patch = _exit
disable_warnings = no-data-collected,module-not-measured,module-not-imported,couldnt-parse
[paths]
tree =
    {root}
"""

#: Starts coverage in every Python that a test starts.
_STARTUP = "import coverage\ncoverage.process_startup()\n"


@dataclass(slots=True)
class Reached:
    """The tests of vmgen by the lines that they run.

    ``lines``: by source (from the root of the checkout) and line, the tests
    (``tests/test_x.py::test_y``) or whole test files that run it; ``seconds``: what each
    of them takes; ``broken``: tests that fail without a fault, and are not used.
    """

    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def tests(self, fault: Fault) -> tuple[str, ...]:
        """The tests that run the lines of a fault."""
        found = {
            test
            for line in range(fault.line, fault.last + 1)
            for test in self.lines.get(fault.path, {}).get(line, ())
        }
        return tuple(sorted(found - set(self.broken)))

    def add(
        self, file: str, data: coverage.CoverageData, root: Path, report: Path
    ) -> None:
        """What one test file ran."""
        names: dict[str, str] = {}
        total = 0.0
        for case in ElementTree.parse(report).iter("testcase"):
            classname = case.get("classname", "")
            parts = classname.split(".")
            function = case.get("name", "").partition("[")[0]
            identity = named(file, classname, function)
            # hypothesis wraps a test in a function of the same name elsewhere.
            names[function] = names[".".join((*parts, function))] = identity
            took = float(case.get("time", "0"))
            total += took
            self.seconds[identity] = self.seconds.get(identity, 0.0) + took
            if case.find("failure") is not None or case.find("error") is not None:
                self.broken.append(identity)
        self.seconds[file] = total
        for measured in data.measured_files():
            source = Path(measured).resolve().relative_to(root.resolve()).as_posix()
            own = self.lines.setdefault(source, {})
            for line, contexts in data.contexts_by_lineno(measured).items():
                for context in contexts:
                    function = context.rpartition(".")[2]
                    test = names.get(context) or names.get(function, file)
                    if test not in own.setdefault(line, []):
                        own[line].append(test)


def named(file: str, classname: str, function: str) -> str:
    """What pytest calls a test of a file whose report has this dotted name for its class,
    folders and file in front."""
    folders = file.count("/") + 1
    return "::".join((file, *classname.split(".")[folders:], function))


def measured(
    root: Path, files: Iterable[str], limit: float, reached: Reached
) -> Iterator[tuple[str, Reached]]:
    """Each of these test files of a copy with what is known after it, those that are known
    already left out; a file that takes longer than the limit (seconds) reaches nothing.
    """
    for file in files:
        if file in reached.seconds or file in reached.broken:
            continue
        with tempfile.TemporaryDirectory(prefix="vmgen-reached-") as folder:
            hook = Path(folder, "hook")
            hook.mkdir()
            (hook / "sitecustomize.py").write_text(_STARTUP)
            rc = Path(folder, "coveragerc")
            base = Path(folder, "data")
            rc.write_text(_RC.format(data=base, root=root.resolve()))
            report = Path(folder, "report.xml")
            outcome = run(
                root, [file], limit, f"--junitxml={report}",
                variables={
                    "PYTHONPATH": f"{hook}{os.pathsep}{root}",
                    "COVERAGE_PROCESS_START": str(rc),
                },
            )  # fmt: skip
            if outcome.code is None or not report.exists():
                reached.broken.append(file)
                yield file, reached
                continue
            combined = coverage.Coverage(data_file=base, config_file=str(rc))
            combined.combine([folder])
            reached.add(file, combined.get_data(), root, report)
        yield file, reached


def to_json(reached: Reached) -> str:
    return json.dumps(
        {
            "lines": reached.lines,
            "seconds": reached.seconds,
            "broken": reached.broken,
        }
    )


def of_json(text: str) -> Reached:
    data = json.loads(text)
    return Reached(
        {
            path: {int(line): tests for line, tests in lines.items()}
            for path, lines in data["lines"].items()
        },
        data["seconds"],
        data["broken"],
    )
