"""``subsetopt solve quadratic`` and ``solve mmd``: values in the file's own sense, exit codes."""

import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt._dependencies import Availability
from subsetopt.cli import app
from subsetopt.problems import MMDSelection
from subsetopt.problems.kernels import Gaussian, Laplace, Polynomial
from subsetopt.report import _progress
from subsetopt.solvers import bounds, catalogue
from subsetopt.solvers.base import RawResult

MDPLIB = "4 2\n0 1 1.5\n0 2 2\n0 3 3\n1 2 4\n1 3 5\n2 3 7\n"
BQP = "2\n3 2\n1 1 5\n2 3 2\n2 1\n1 2 7\n"
OPB = "min: +5 x1 -3 x2 +4 x1 x2 ; +1 x1 +1 x2 +1 x3 = 1 ;\n"
KEYS = {"value", "value_bound", "sense", "format", "random_median", "random_rank"}
POINTS = np.random.default_rng(0).random((30, 3))
EARLIER = np.random.default_rng(1).random((10, 3))


def run(*arguments: Any, input: Any = None, **more: Any) -> Any:  # noqa: A002
    return CliRunner().invoke(app, [str(a) for a in arguments], input=input, **more)


def quadratic(*arguments: Any, **more: Any) -> Any:
    return run("solve", "quadratic", *arguments, "--solver", "random", **more)


def mmd(*arguments: Any, **more: Any) -> Any:
    return run("solve", "mmd", *arguments, "--solver", "random", **more)


def answer(result: Any) -> Any:
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def assert_error(result: Any, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


@pytest.fixture
def diversity(tmp_path: Path) -> Path:
    (tmp_path / "d.txt").write_text(MDPLIB)
    return tmp_path / "d.txt"


@pytest.fixture
def points(tmp_path: Path) -> Path:
    np.save(tmp_path / "points.npy", POINTS)
    np.save(tmp_path / "earlier.npy", EARLIER)
    return tmp_path / "points.npy"


# -- quadratic ------------------------------------------------------------------------------------


def test_json_has_the_value_in_the_file_s_own_sense(diversity: Path) -> None:
    document = answer(quadratic(diversity, "--json", "--seed", 3))
    problem = so.read_problem(diversity)
    expected = so.solve(problem, "random", seed=3)
    assert document.keys() >= KEYS | expected.to_dict().keys()
    assert document["indices"] == list(map(int, np.flatnonzero(expected.mask)))
    assert document["objective"] == expected.objective
    assert document["value"] == -document["objective"] > 0
    assert (document["sense"], document["format"]) == ("maximise", "mdplib")
    assert document["value_bound"] is None
    assert so.Solution.from_dict(document).objective == expected.objective


def test_a_bound_is_an_upper_one_where_it_is_maximised(
    diversity: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = bounds.LowerBound(-8.0)
    monkeypatch.setattr(bounds, "METHODS", {"planted": lambda form, limits: planted})
    document = answer(quadratic(diversity, "--json", "--bound", "planted"))
    assert (document["bound"], document["value_bound"]) == (-8.0, 8.0)
    shown = quadratic(diversity, "--bound", "planted").stdout
    assert "at most 8.0" in shown
    assert_error(quadratic(diversity, "--bound", "magic"), 2, "'none' or 'planted'; got 'magic'")


def test_frank_wolfe_bounds_a_matrix(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", POINTS @ POINTS.T)
    document = answer(quadratic(tmp_path / "m.npy", "-k", 3, "--bound", "fw", "--json"))
    assert 0 <= document["value_bound"] <= document["value"]
    assert (document["sense"], document["format"]) == ("minimise", "matrix")
    assert "at least" in quadratic(tmp_path / "m.npy", "-k", 3, "--bound", "fw").stdout


def test_people_see_values_not_their_negatives(diversity: Path) -> None:
    result = quadratic(diversity, "--seed", 3)
    assert (result.exit_code, result.stderr) == (0, "")
    value = answer(quadratic(diversity, "--json", "--seed", 3))["value"]
    assert f"{value!r} (maximise)" in result.stdout
    assert "mdplib" in result.stdout
    assert "objective" not in result.stdout
    assert "median -" not in result.stdout
    assert "\x1b" not in result.stdout


def test_instances_formats_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "b.gz").write_bytes(gzip.compress(BQP.encode()))
    document = answer(quadratic(tmp_path / "b.gz", "-k", 2, "--instance", 2, "--json"))
    assert (document["format"], document["value"]) == ("bqp", 14)
    document = answer(quadratic("-", "--json", "--format", "opb", input=OPB))
    assert (document["format"], document["sense"]) == ("opb", "minimise")
    assert document["value"] == [5, -3, 0][document["indices"][0]] == document["objective"]
    assert answer(quadratic("-", "--json", "-k", 3, input=OPB))["value"] == 5 - 3 + 4
    text = "3 2 2\n1 2 0.5\n2 3 0.5\n"
    assert answer(quadratic("-", "--format", "kcluster", "--json", input=text))["k"] == 2
    assert answer(quadratic("-", "-k", 1, "--format", "matrix", "--json", input=text))["n"] == 3


def test_a_matrix_with_a_linear_term(tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones((4, 4)))
    (tmp_path / "c.csv").write_text("1\n1\n1\n1\n")
    options = ["-k", 2, "--linear", tmp_path / "c.csv", "--json"]
    assert answer(quadratic(tmp_path / "m.npy", *options))["value"] == 6
    document = answer(quadratic(tmp_path / "m.npy", *options, "--maximise"))
    assert (document["value"], document["objective"], document["sense"]) == (6, -6, "maximise")


@pytest.mark.parametrize(
    ("text", "options", "code", "words"),
    [
        (MDPLIB, ["-k", 5], 2, ["k must be an integer in [1, 4]; got 5"]),
        (MDPLIB, ["--maximise"], 2, ["sense is 'maximise', which is for matrix, edges", "mdplib"]),
        (MDPLIB, ["--linear", "c.npy"], 2, ["linear is 'c.npy', which is for matrix; "]),
        (MDPLIB, ["--instance", 1], 2, ["which is for bqp"]),
        (MDPLIB, ["--format", "tsp"], 2, ["'tsp'", "'mdplib', 'kcluster', 'bqp'"]),
        (MDPLIB, ["--time-limit", "0"], 2, ["--time-limit must be a number > 0; got 0.0"]),
        (MDPLIB[:-6], [], 2, ["standard input", "6 pairs", "cut short"]),
        (MDPLIB.replace("1.5", "x"), [], 2, ["line 2", "'x' is not a finite number"]),
        (BQP, ["-k", 1], 2, ["holds 2 instances", "--instance"]),
        (BQP, ["--instance", 1], 2, ["--k"]),
        (OPB.replace("=", ">="), [], 2, ["inequality"]),
        ("1,2\n2,4\n", [], 2, ["--k"]),
        ("900000000000 2 0\n", [], 1, ["TiB"]),
        ("", [], 2, ["empty"]),
    ],
)
def test_bad_input(text: str, options: list[Any], code: int, words: Any) -> None:
    assert_error(quadratic("-", *options, "--json", input=text), code, *words)


def test_solvers_of_other_families_and_out(diversity: Path, tmp_path: Path) -> None:
    result = run("solve", "quadratic", diversity, "--solver", "stride")
    assert_error(result, 2, "does not take quadratic problems", "random")
    answer(quadratic(diversity, "--out", tmp_path / "chosen.txt", "--json"))
    assert len((tmp_path / "chosen.txt").read_text().split()) == 2
    assert_error(quadratic(diversity, "--out", tmp_path / "x.json"), 2, ".npy, .csv, .txt")
    assert_error(quadratic(tmp_path / "none.txt"), 2, "no such file")


def test_the_default_solver_is_that_of_the_family(
    diversity: Path, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(so.solving, "AUTO", {"quadratic": "random", "mmd": "random"})
    assert answer(run("solve", "quadratic", diversity, "--json"))["solver"] == "random"
    assert answer(run("solve", "mmd", points, "-k", 3, "--json"))["solver"] == "random"


class Planted(catalogue.solver_class("random")):  # type: ignore[misc]
    """Answers what the test says."""

    reply: Any = None

    def _solve(self, problem: Any, limits: Any) -> RawResult:
        reply: RawResult = type(self).reply() if callable(type(self).reply) else type(self).reply
        return reply


@contextmanager
def planted(monkeypatch: pytest.MonkeyPatch, reply: Any) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(Planted, "reply", reply)
        patch.setattr(catalogue, "solver_class", lambda name: Planted)
        yield


def test_no_answer(diversity: Path, points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = RawResult(indices=None, termination=so.Termination.TIME_LIMIT)
    with planted(monkeypatch, nothing):
        for arguments in (["quadratic", diversity], ["mmd", points, "-k", 3]):
            result = run("solve", *arguments, "--json")
            assert result.exit_code == 1
            document = json.loads(result.stdout)
            own = {"value", "mmd_squared", "root_mmd", "root_mmd_to_whole"} & document.keys()
            assert own
            assert all(document[key] is None for key in own)
            assert run("solve", *arguments).exit_code == 1


def test_a_missing_backend(diversity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = Availability(None, "it is not installed: pip install it")
    monkeypatch.setattr(catalogue.solver_class("random"), "availability", lambda *_: missing)
    assert_error(quadratic(diversity, "--json"), 3, "pip install it")


# -- a sign of life -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--time-limit", 5], True),
        (["--time-limit", 5, "--json"], False),
        (["--time-limit", 5, "--log"], False),
        ([], False),
    ],
)
def test_a_clock_on_terminals(
    diversity: Path, monkeypatch: pytest.MonkeyPatch, options: list[Any], shown: bool
) -> None:
    import time

    def slowly() -> RawResult:
        time.sleep(0.3)
        return RawResult(indices=np.arange(2), termination=so.Termination.FINISHED)

    monkeypatch.setattr(_progress, "DELAY", 0.01)
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}  # as a terminal would do
    with planted(monkeypatch, slowly):
        result = run("solve", "quadratic", diversity, *options, env=environment)
    assert result.exit_code == 0, result.stderr
    assert ("s of 5 s" in result.stderr) is shown
    assert "s of 5 s" not in result.stdout


def test_the_clock_goes_on_ctrl_c(diversity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    def interrupted() -> RawResult:
        time.sleep(0.2)
        raise KeyboardInterrupt

    monkeypatch.setattr(_progress, "DELAY", 0.01)
    with planted(monkeypatch, interrupted):
        environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm"}
        result = run("solve", "quadratic", diversity, "--time-limit", 5, env=environment)
    assert result.exit_code == 130
    assert result.stderr.endswith("error: interrupted\n")
    assert "\x1b[?25h" in result.stderr  # the cursor is back


# -- mmd ------------------------------------------------------------------------------------------


def test_mmd_json(points: Path) -> None:
    document = answer(mmd(points, "-k", 4, "--json"))
    problem = MMDSelection(POINTS, 4, scale_columns="std")
    chosen = document["indices"]
    assert document["mmd_squared"] == problem.mmd_squared(chosen) == document["objective"]
    assert document["root_mmd"] == problem.root_mmd(chosen)
    assert document["root_mmd_to_whole"] == problem.root_mmd(chosen, to="whole")
    assert document["random_draws"] == 1000


def test_mmd_for_people(points: Path) -> None:
    result = mmd(points, "-k", 4)
    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("MMD squared", "root MMD to whole", "objective", "random subsets"):
        assert word in result.stdout


@pytest.mark.parametrize(
    ("options", "kernel"),
    [
        ([], "gaussian"),
        (["--scale", "median"], "gaussian"),
        (["--scale", "0.5"], Gaussian(scale=0.5)),
        (["--kernel", "laplace", "--scale", "2"], Laplace(scale=2.0)),
        (["--kernel", "laplace"], "laplace"),
        (["--kernel", "polynomial", "--degree", "2"], Polynomial(degree=2)),
        (["--kernel", "polynomial"], "polynomial"),
        (["--kernel", "linear"], "linear"),
    ],
)
@pytest.mark.parametrize("formulation", ["true", "published"])
def test_kernels(points: Path, options: list[str], kernel: Any, formulation: Any) -> None:
    selected = points.with_name("earlier.npy")
    more = ["--selected", selected, "--formulation", formulation, "--json"]
    document = answer(mmd(points, "-k", 4, *options, *more))
    problem = MMDSelection(POINTS, 4, EARLIER, kernel, formulation, scale_columns="std")
    assert document["objective"] == problem.objective(document["indices"])
    assert document["mmd_squared"] == problem.mmd_squared(document["indices"])


def test_one_column_of_features(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "x.csv", POINTS[:, 0])
    document = answer(mmd(tmp_path / "x.csv", "-k", 4, "--json"))
    problem = MMDSelection(POINTS[:, :1], 4, scale_columns="std")
    assert document["objective"] == problem.objective(document["indices"])


def test_a_precomputed_kernel_with_indices(tmp_path: Path) -> None:
    matrix = POINTS @ POINTS.T
    np.save(tmp_path / "K.npy", matrix)
    (tmp_path / "chosen.csv").write_text("index\n3\n1\n")
    options = ["-k", 4, "--kernel", "precomputed", "--selected", tmp_path / "chosen.csv"]
    document = answer(mmd(tmp_path / "K.npy", *options, "--json"))
    assert not {1, 3} & set(document["indices"])
    problem = MMDSelection(matrix, 4, [1, 3], "precomputed")
    assert document["objective"] == problem.objective(document["indices"])
    for text in ("1.5\n", "nan\n", "inf\n", "1,2\n"):
        (tmp_path / "chosen.csv").write_text(text)
        assert_error(mmd(tmp_path / "K.npy", *options), 2, "chosen.csv", "indices must be integers")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kernel", "cosine"], ["'cosine'", "gaussian", "laplace"]),
        (["--scale", "wide"], ["--scale", "'wide'", "median"]),
        (["--scale", "-1"], ["scale must be a finite number > 0 or 'median'; got -1.0"]),
        (
            ["--kernel", "linear", "--scale", "1"],
            ["kernel 'linear' has no option 'scale'; it has none"],
        ),
        (["--degree", "2"], ["kernel 'gaussian' has no option 'degree'; it has scale"]),
        (["--kernel", "polynomial", "--degree", "0"], ["degree must be an integer >= 1; got 0"]),
        (["--formulation", "printed"], ["'printed'", "published"]),
        (["-k", "30"], ["k is 30"]),
        (["--kernel", "precomputed"], ["square"]),
        (["--selected", "none.npy"], ["no such file"]),
        (["--bound", "magic"], ["magic"]),
    ],
)
def test_bad_mmd(points: Path, options: list[str], words: Any) -> None:
    result = mmd(points, *(["-k", 4] if "-k" not in options else []), *options, "--json")
    assert_error(result, 2, *words)


def test_standard_input_of_features() -> None:
    stream = io.BytesIO()
    np.save(stream, POINTS)
    assert answer(mmd("-", "-k", 4, "--json", input=stream.getvalue()))["n"] == 30
