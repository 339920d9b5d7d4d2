"""``subsetopt solve mean-matching``: answers, JSON, inputs, exit codes."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import subsetopt as so
from subsetopt import _dependencies
from subsetopt.cli import app
from subsetopt.solvers import catalogue
from subsetopt.solvers.base import Kind, RawResult, Solver

Plant = Callable[[Any], None]
KEYS = {
    "solver",
    "version",
    "n",
    "k",
    "indices",
    "objective",
    "bound",
    "gap",
    "termination",
    "certificate",
    "build_seconds",
    "solve_seconds",
    "total_seconds",
    "warmup_seconds",
    "message",
    "random_median",
    "random_rank",
}
VALUES = np.random.default_rng(0).random(40, dtype=np.float32)


@pytest.fixture
def losses(tmp_path: Path) -> Path:
    np.save(tmp_path / "losses.npy", VALUES)
    return tmp_path / "losses.npy"


def run(*arguments: Any, input: Any = None) -> Any:  # noqa: A002 - as CliRunner calls it
    return CliRunner().invoke(app, [str(a) for a in arguments], input=input)


def solve(*arguments: Any, input: Any = None) -> Any:  # noqa: A002
    return run("solve", "mean-matching", *arguments, input=input)


def assert_error(result: Any, code: int, *words: str) -> None:
    """One line on standard error, nothing on standard output."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert all(word in result.stderr for word in words), result.stderr


def chosen(problem: so.MeanMatching, solver: str = "random") -> NDArray[np.int64]:
    indices = so.solve(problem, solver).indices
    assert indices is not None
    return indices


# -- answers --------------------------------------------------------------------------------------


def test_json_is_one_complete_object(losses: Path) -> None:
    result = solve(losses, "--k", 5, "--solver", "random", "--seed", 7, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert answer.keys() >= KEYS
    expected = so.solve(so.MeanMatching(VALUES, 5), "random", seed=7)
    assert so.Solution.from_dict(answer).mask.tolist() == expected.mask.tolist()
    assert answer["objective"] == expected.objective
    assert 0 <= answer["random_rank"] <= 1
    assert so.Solution.from_dict(answer).objective == expected.objective


def test_people_see_the_answer_beside_chance(losses: Path) -> None:
    result = solve(losses, "-k", 5, "--solver", "stride")
    assert (result.exit_code, result.stderr) == (0, "")
    for word in ("objective", "bound", "finished", "of 1000", "at least as good"):
        assert word in result.stdout
    expected = chosen(so.MeanMatching(VALUES, 5), "stride")
    assert " ".join(map(str, expected)) in result.stdout
    assert "\x1b" not in result.stdout


def test_many_indices_are_shortened_and_out_has_all(losses: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "chosen.npy", tmp_path / "chosen.svg"
    result = solve(losses, "-k", 30, "--solver", "random", "--out", out, "--plot", plot)
    assert "..." in result.stdout
    assert "30 of them" in " ".join(result.stdout.replace("│", " ").split())  # folded or not
    assert np.load(out).size == 30
    assert "The objective" in plot.read_text()
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["chosen.npy", "chosen.svg", "losses.npy"]


@pytest.mark.parametrize(
    ("name", "words"), [("x.json", ".npy, .csv, .txt"), ("no/x.npy", "no such folder")]
)
def test_a_bad_out_is_told_before_the_work(
    losses: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: Any
) -> None:
    monkeypatch.setattr(so.solving, "solve", lambda *a, **b: pytest.fail("it was solved"))
    assert_error(solve(losses, "-k", 3, "--out", tmp_path / name), 2, words)


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_standard_input(kind: str) -> None:
    stream = io.BytesIO()
    writers: dict[str, Any] = {"npy": np.save, "csv": np.savetxt}
    writers[kind](stream, VALUES)
    result = solve("-", "-k", 5, "--solver", "random", "--json", input=stream.getvalue())
    assert json.loads(result.stdout)["n"] == 40


def test_targets(losses: Path, tmp_path: Path) -> None:
    def objective(*arguments: Any) -> float:
        result = solve(*arguments, "--solver", "random", "--json")
        assert result.exit_code == 0, result.stderr
        return float(json.loads(result.stdout)["objective"])

    problem = so.MeanMatching(VALUES, 5, target=0.25)
    assert objective(losses, "-k", 5, "--target", "0.25") == problem.objective(chosen(problem))
    noisy = so.MeanMatching(VALUES, 5, target="noisy", generator=np.random.default_rng([0, 2]))
    assert objective(losses, "-k", 5, "--target", "noisy") == noisy.objective(chosen(noisy))
    pairs = VALUES.reshape(20, 2)
    np.save(tmp_path / "pairs.npy", pairs)
    wanted = so.MeanMatching(pairs, 5, target=[-0.5, 1.0])
    assert objective(tmp_path / "pairs.npy", "-k", 5, "--target", "-0.5,1") == wanted.objective(
        chosen(wanted)
    )


def test_columns_of_different_units_are_told_by_name_and_scaled(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    values = draw.normal([40.0, 6e4], [10.0, 2e4], (30, 2))
    table = tmp_path / "people.csv"
    table.write_text("age,income\n" + "\n".join(f"{a!r},{b!r}" for a, b in values.tolist()))
    with pytest.warns(so.UnscaledColumns, match=r"of column 'income' is .*--scale-columns std"):
        plain = solve(table, "-k", 4)
    assert plain.exit_code == 0
    assert "2, as they are, not scaled" in plain.stdout
    scaled = solve(table, "-k", 4, "--scale-columns", "std", "--target", "45,50000", "--json")
    assert (scaled.exit_code, scaled.stderr) == (0, "")
    answer = json.loads(scaled.stdout)
    assert answer["scale_columns"] == "std"
    target = so.scale_columns([[45.0, 5e4]], like=values)[0]
    expected = so.MeanMatching(so.scale_columns(values), 4, target=target)
    assert answer["objective"] == pytest.approx(expected.objective(answer["indices"]))
    asis = solve(table, "-k", 4, "--scale-columns", "none")
    assert (asis.exit_code, asis.stderr) == (0, "")


@dataclass(frozen=True, kw_only=True)
class Planted(Solver):
    """Answers what it is told to."""

    name: ClassVar[str] = "random"
    kind: ClassVar[Kind] = Kind.BASELINE
    summary: ClassVar[str] = "planted"
    choose_when: ClassVar[str] = "never"
    handles: ClassVar[tuple[str, ...]] = ("mean-matching",)
    reply: ClassVar[Any] = None
    depth: int | None = None
    width: float = 1.0
    loud: bool = False
    mode: str = ""

    def _solve(self, problem: Any, limits: so.limits.Limits) -> RawResult:
        reply = type(self).reply
        if isinstance(reply, BaseException):
            raise reply
        answer: RawResult = reply(self, problem, limits) if callable(reply) else reply
        return answer


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Plant:
    """Let a planted solver stand in for `random`."""

    def plant(reply: Any) -> None:
        monkeypatch.setattr(Planted, "reply", reply)
        monkeypatch.setattr(catalogue, "solver_class", lambda name: Planted)

    return plant


def test_at_most_and_the_empty_selection(losses: Path, plant: Plant) -> None:
    seen = []

    def empty(self: Solver, problem: so.MeanMatching, limits: Any) -> RawResult:
        seen.append(problem.cardinality)
        return RawResult(indices=np.array([], np.int64), termination=so.Termination.FINISHED)

    plant(empty)
    result = solve(losses, "-k", 5, "--cardinality", "at_most", "--solver", "random")
    assert (result.exit_code, seen) == (0, ["at_most"])
    assert "random: 0 of 40" in result.stdout


def test_limits_and_options_arrive(losses: Path, plant: Plant) -> None:
    seen = []

    def look(self: Solver, problem: so.MeanMatching, limits: Any) -> RawResult:
        seen.append((self, limits))
        return RawResult(indices=np.arange(5), termination=so.Termination.FINISHED)

    plant(look)
    limits = ["--time-limit", 2, "--gap", 0.1, "--absolute-gap", 1e-3, "--threads", 2, "--seed", 4]
    options = ["depth=3", "width=1e-3", "loud=yes", "mode=a=b"]
    result = solve(losses, "-k", 5, *limits, *(x for o in options for x in ("--option", o)))
    assert result.exit_code == 0, result.stderr
    [(solver, limit)] = seen
    assert solver == Planted(depth=3, width=1e-3, loud=True, mode="a=b")
    assert limit == so.limits.Limits(
        time_limit=2, gap=0.1, absolute_gap=1e-3, threads=2, seed=4, log=False
    )
    solve(losses, "-k", 5, "--option", "depth=none")
    assert seen[-1][0] == Planted()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("depth=x", "depth of solver 'swap' must be an integer or null; got 'x'"),
        ("depth", "KEY=VALUE"),
        ("deep=1", "it has depth"),
    ],
)
def test_bad_options(losses: Path, plant: Plant, option: str, words: Any) -> None:
    plant(None)
    assert_error(solve(losses, "-k", 5, "--option", option), 2, words)


def test_what_a_solver_prints_does_not_spoil_json(
    losses: Path, plant: Plant, capfd: pytest.CaptureFixture[str]
) -> None:
    def chatty(self: Solver, problem: so.MeanMatching, limits: Any) -> RawResult:
        import ctypes

        print("from Python")
        ctypes.CDLL(None).puts(b"from C")
        return RawResult(indices=np.arange(5), termination=so.Termination.FINISHED)

    plant(chatty)
    result = solve(losses, "-k", 5, "--json")
    assert json.loads(result.stdout)["k"] == 5
    native = capfd.readouterr()
    assert native.out == ""
    assert "from C" in native.err


# -- exit codes -----------------------------------------------------------------------------------


def test_no_answer_in_the_limits(losses: Path, plant: Plant) -> None:
    plant(RawResult(indices=None, termination=so.Termination.TIME_LIMIT, message="too slow"))
    result = solve(losses, "-k", 5, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["indices"], answer["objective"], answer["random_rank"]) == (None, None, None)
    result = solve(losses, "-k", 5)
    assert result.exit_code == 1
    assert "too slow" in result.stdout


def test_refused_as_too_large(losses: Path, plant: Plant) -> None:
    plant(so.TooLarge("it would take 9 hours", seconds=32400, bytes=1))
    assert_error(solve(losses, "-k", 5, "--json"), 1, "9 hours")


def test_an_invalid_answer_is_an_error(losses: Path, plant: Plant) -> None:
    plant(RawResult(indices=np.zeros(5, np.int64), termination=so.Termination.FINISHED))
    assert_error(solve(losses, "-k", 5), 1, "more than once")


def test_interrupted_without_an_answer(losses: Path, plant: Plant) -> None:
    plant(KeyboardInterrupt())
    assert_error(solve(losses, "-k", 5, "--json"), 130, "interrupted")


def test_interrupted_with_an_incumbent(losses: Path, plant: Plant, tmp_path: Path) -> None:
    plant(RawResult(indices=np.arange(5), termination=so.Termination.INTERRUPTED))
    result = solve(losses, "-k", 5, "--json", "--out", tmp_path / "best.csv")
    assert result.exit_code == 130
    assert json.loads(result.stdout)["indices"] == [0, 1, 2, 3, 4]
    assert (tmp_path / "best.csv").read_text() == "index\n0\n1\n2\n3\n4\n"
    assert "interrupted" in solve(losses, "-k", 5).stdout


def test_a_bug_is_one_line_and_a_traceback_on_request(
    losses: Path, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(RuntimeError("odd\nstate"))
    assert_error(solve(losses, "-k", 5), 1, "solver 'random' failed with RuntimeError: odd state")
    monkeypatch.setattr(Planted, "__module__", "subsetopt.solvers.heuristics.random")
    assert_error(solve(losses, "-k", 5), 1, "RuntimeError: odd state", "SUBSETOPT_DEBUG")
    monkeypatch.setenv("SUBSETOPT_DEBUG", "1")
    assert "Traceback" in solve(losses, "-k", 5).stderr


def test_a_missing_backend(losses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dependencies, "_findable", lambda module: module != "highspy")
    assert_error(solve(losses, "-k", 5, "--solver", "highs"), 3, "pip install", "highspy")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-k", "0"], ["--k must be an integer >= 1; got 0"]),
        (["-k", "41"], ["k must be an integer in [1, 40]; got 41"]),
        (["-k", "2.5"], ["--k must be an integer >= 1; got '2.5'"]),
        ([], ["--k"]),
        (["-k", "5", "--solver", "magic"], ["magic", "random", "stride", "cbc"]),
        (["-k", "5", "--bogus"], ["--bogus"]),
        (["-k", "5", "--header", "--no-header"], ["--header and --no-header exclude each other"]),
        (["-k", "5", "--no-header", "--header"], ["--header and --no-header exclude each other"]),
        (["-k", "5", "--target", "high"], ["--target", "high"]),
        (["-k", "5", "--target", "1,2"], ["target has shape"]),
        (["-k", "5", "--target", "nan"], ["target is nan"]),
        (["-k", "5", "--time-limit", "0"], ["--time-limit must be a number > 0; got 0.0"]),
        (["-k", "5", "--seed", "-1"], ["--seed must be an integer in [0, 2147483647]; got -1"]),
        (["-k", "5", "--threads", "0"], ["--threads must be an integer in [1, 4096]; got 0"]),
    ],
)
def test_bad_usage(losses: Path, arguments: list[str], words: Any) -> None:
    assert_error(solve(losses, *arguments), 2, *words)


def test_a_solver_for_other_problems(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VALUES.reshape(20, 2))
    result = solve(tmp_path / "v.npy", "-k", 5, "--solver", "stride")
    assert_error(result, 2, "vector-mean-matching", "random")


@pytest.mark.parametrize(
    ("text", "words"),
    [("1\nnan\n3\n", ["nan", "not finite"]), ("1\nx\n", ["line 2", "'x'"]), ("", ["empty"])],
)
def test_bad_values(text: str, words: Any) -> None:
    assert_error(solve("-", "-k", 1, input=text), 2, *words)


def test_missing_files_and_unknown_commands(tmp_path: Path) -> None:
    assert_error(solve(tmp_path / "none.npy", "-k", 1), 2, "no such file")
    assert_error(solve(tmp_path, "-k", 1), 2, "folder")
    assert_error(run("solve"), 2, "Missing command")
    assert_error(run("solve", "everything"), 2, "everything")
    assert_error(run("sing"), 2, "sing")
