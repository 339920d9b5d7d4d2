"""Other packages add solvers by an entry point, without a line of ours being touched."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import subsetopt as so
from subsetopt.solvers import catalogue
from subsetopt.solvers.base import Solver

SOLVER = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from subsetopt import Termination
from subsetopt.solvers.base import RawResult, Kind, Solver

not_a_solver = 3


class Undeclared(Solver):
    def _solve(self, problem, limits):
        raise NotImplementedError


@dataclass(frozen=True)
class Nameless(Solver):
    def _solve(self, problem, limits):
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class First(Solver):
    """The first k."""

    offset: int = 0

    name: ClassVar[str] = "first"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "the first k candidates"
    choose_when: ClassVar[str] = "never"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching", "vector-mean-matching")

    def _solve(self, problem, limits):
        indices = (np.arange(problem.k) + self.offset) % problem.n
        return RawResult(indices=indices, termination=Termination.FINISHED)
'''
BROKEN = "import no_such_module_anywhere\n"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A directory with another distribution in it; its entry points are still to be written."""
    (tmp_path / "thirdparty.py").write_text(SOLVER)
    (tmp_path / "thirdparty_broken.py").write_text(BROKEN)
    information = tmp_path / "thirdparty-7.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 7.0\n")
    return tmp_path


def register(folder: Path, *lines: str) -> None:
    text = "\n".join([f"[{catalogue.GROUP}]", *lines, ""])
    (folder / "thirdparty-7.0.dist-info" / "entry_points.txt").write_text(text)


def run(folder: Path, *arguments: str) -> str:
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(folder: Path, code: str) -> str:
    return run(folder, "-c", f"import subsetopt as so\n{code}")


def test_a_third_party_adds_a_solver(installed: Path) -> None:
    register(installed, "first = thirdparty:First")
    code = """
from subsetopt.testing import assert_solver_contract
row = so.available_solvers()[-1]
assert (row.name, row.kind, row.options) == ("first", "baseline", ("offset",)), row
assert row.availability
problem = so.MeanMatching([1.0, 2.0, 4.0], k=2)
solution = so.solve(problem, "first")
assert solution.indices.tolist() == [0, 1] and solution.solver == "first"
assert so.solve(problem, so.solver("first", offset=1)).indices.tolist() == [1, 2]
assert len(so.solve_many([problem] * 3, "first")) == 3
assert_solver_contract(so.solver("first"))
try:
    so.solver("first", nope=1)
except so.InvalidOption as error:
    assert "offset" in str(error)
else:
    raise AssertionError
print("done")
"""
    assert python(installed, code) == "done\n"


def test_the_command_line_shows_it(installed: Path) -> None:
    register(installed, "first = thirdparty:First")
    shown = run(installed, "-m", "subsetopt", "solvers")
    assert "first" in shown
    assert "the first k candidates" in shown
    (installed / "values.csv").write_text("1\n2\n4\n")
    values = str(installed / "values.csv")
    command = ["solve", "mean-matching", values, "--k", "2", "--solver", "first", "--json"]
    assert '"solver": "first"' in run(installed, "-m", "subsetopt", *command)


def test_no_built_in_name_can_be_taken(installed: Path) -> None:
    register(installed, "swap = thirdparty:First", "first = thirdparty:First")
    code = """
assert [row.name for row in so.available_solvers()].count("swap") == 1
print(type(so.solver("swap")).__module__, type(so.solver("first")).__module__)
"""
    assert python(installed, code) == "subsetopt.solvers.heuristics.swap thirdparty\n"


BROKEN_LINES = {
    "number = thirdparty:not_a_solver": ("InvalidResult", ["is 3", "not a Solver class"]),
    "undeclared = thirdparty:Undeclared": ("InvalidResult", ["not a dataclass"]),
    "nameless = thirdparty:Nameless": ("InvalidResult", ["declares no name, kind"]),
    "second = thirdparty:First": ("InvalidResult", ["calls itself 'first'", "agree"]),
    "lost = thirdparty:nothing": ("MissingDependency", ["AttributeError", "uninstall"]),
    "broken = thirdparty_broken:First": ("MissingDependency", ["no_such_module_anywhere"]),
    "absent = thirdparty_absent:First": ("MissingDependency", ["thirdparty_absent"]),
}


def test_broken_registrations_are_listed_and_harm_nobody(installed: Path) -> None:
    register(installed, *BROKEN_LINES, "first = thirdparty:First")
    names = [line.partition(" ")[0] for line in BROKEN_LINES]
    code = f"""
rows = {{row.name: row for row in so.available_solvers()}}
assert rows["first"].availability and rows["swap"].availability
problem = so.MeanMatching([1.0, 2.0, 4.0], k=2)
assert so.solve(problem, "stride").solver == "stride"
for name in {names!r}:
    assert not rows[name].availability and rows[name].handles == ()
    try:
        so.solve(problem, name)
    except so.SubsetOptError as error:
        assert str(error) == rows[name].availability.reason
        print(type(error).__name__, error)
"""
    messages = python(installed, code).splitlines()
    expected = zip(names, messages, BROKEN_LINES.values(), strict=True)
    for name, message, (error, parts) in expected:
        for part in (error, f"'{name}'", "registered by thirdparty", *parts):
            assert part in message
    shown = run(installed, "-m", "subsetopt", "solvers")
    assert all(name in shown for name in names)


def test_one_name_registered_twice_is_one_row(installed: Path) -> None:
    register(installed, "first = thirdparty:First")
    other = installed / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text(f"[{catalogue.GROUP}]\nfirst = thirdparty:First\n")
    code = "print([row.name for row in so.available_solvers()].count('first'))"
    assert python(installed, code) == "1\n"


@pytest.mark.parametrize("name", catalogue.BUILT_IN)
def test_built_in(name: str) -> None:
    found = catalogue.solver_class(name)
    assert issubclass(found, Solver)
    assert found.name == name
    assert catalogue.create(name) == found()


def test_unknown_names() -> None:
    with pytest.raises(
        so.UnknownSolver,
        match=r"solver must be one of random, stride.*; got 'swop' \(did you mean 'swap'\?\)",
    ):
        catalogue.solver_class("swop")


def test_every_built_in_solver_is_a_name_of_the_package() -> None:
    import subsetopt.solvers as package

    for name in catalogue.BUILT_IN:
        made = catalogue.solver_class(name)
        assert getattr(package, made.__name__) is made
