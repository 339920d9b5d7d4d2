import math
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from subsetopt._files import locked_folder  # noqa: E402
from subsetopt.errors import InvalidFile, InvalidOption  # noqa: E402
from subsetopt.training import _run_grid  # noqa: E402
from subsetopt.training._run_grid import execute, load, runs_of  # noqa: E402
from subsetopt.training._tuning import EXTENSIONS, Tuning  # noqa: E402
from subsetopt.training.run import Run, Settings  # noqa: E402
from subsetopt.training.run_result import Passes, Result  # noqa: E402

SHORT = {"epochs": 1, "lr": 0.1, "batch_size": 64}


def test_the_baseline_is_always_there() -> None:
    runs = runs_of("digits", ["obftf", "full"], [0.1, 0.5], [0, 1], **SHORT)
    assert len(runs) == 2 * (2 * 2 + 1) == len(set(runs))
    assert [run.rule for run in runs[:4]] == ["uniform", "obftf"] * 2
    assert {run.budget for run in runs if run.rule == "full"} == {1.0}
    assert {run.rule for run in runs_of("digits", ["sb", "unif_sgd"], [0.1], [0])} == {
        "sb",
        "unif_sgd",
    }
    stratified = runs_of("digits", ["uniform:quotas=proportional"], [0.1], [0])
    assert [run.rule for run in stratified] == ["uniform", "uniform:quotas=proportional"]
    # Each rule beside uniform sampling that makes as many steps.
    both = runs_of("digits", ["obftf", "p_sgd"], [0.1, 1.0], [0], **SHORT)
    assert [(run.budget, run.rule) for run in both] == [
        *((0.1, rule) for rule in ("uniform", "unif_sgd", "obftf", "p_sgd")),
        *((1.0, rule) for rule in ("uniform", "obftf", "p_sgd")),
    ]
    assert [run.rule for run in runs_of("digits", ["mmd"], [0.1], [0])] == ["unif_sgd", "mmd"]
    pooled = runs_of("digits", ["p_sgd"], [0.1], [0], select_from="pool")
    assert [run.rule for run in pooled] == ["uniform", "p_sgd"]
    assert [run.rule for run in runs_of("digits", ["full"], [0.1], [0])] == ["uniform", "full"]


@pytest.mark.parametrize(
    ("rules", "budgets", "seeds", "words"),
    [
        (["magic"], [0.1], [0], "magic"),
        (["obftf"], [], [0], "budgets"),
        (["obftf"], [0.1], [], "seeds"),
        (["obftf"], [0.1, 0.1], [0], "budgets"),
        (["obftf"], [0.1], [1, 1], "seeds"),
        (["obftf"], [1.5], [0], "budget must be a number in"),
        (["vector:color=1"], [0.5], [0], "color"),
    ],
)
def test_bad_comparisons(
    rules: list[str], budgets: list[float], seeds: list[int], words: str
) -> None:
    with pytest.raises(InvalidOption, match=words):
        runs_of("digits", rules, budgets, seeds)


def test_results_are_kept_and_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = runs_of("digits", ["obftf"], [0.25], [0, 1], **SHORT)
    settings = Settings(out=tmp_path, jobs=1)
    seen: list[tuple[str, int, int]] = []
    first = execute(
        runs[:3], settings, lambda result, done, total: seen.append((result.run.rule, done, total))
    )
    assert seen == [("uniform", 1, 3), ("obftf", 2, 3), ("uniform", 3, 3)]
    with pytest.raises(InvalidFile, match="already"):
        execute(runs, settings)
    trained: list[Run] = []
    real = _run_grid.train_one

    def spy(run: Run, settings: Settings, threads: int) -> Result:
        trained.append(run)
        return real(run, settings, threads)

    monkeypatch.setattr(_run_grid, "train_one", spy)
    found = execute(runs, replace(settings, resume=True))
    assert trained == runs[3:]
    assert [result.run for result in found] == runs
    assert [r.final for r in found[:3]] == [r.final for r in first]
    assert {result.run for result in load(tmp_path)} == set(runs)
    history = next((tmp_path / "runs").glob("*/history.csv")).read_text().splitlines()
    assert len(history) == 2
    assert history[0].startswith("epoch,steps,lr,train_loss,passes,seconds")


def test_a_training_is_let_go_of_with_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt.training import loop

    made: list[weakref.ref[loop.Training]] = []

    class Seen(loop.Training):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(weakref.ref(self))

    monkeypatch.setattr(loop, "Training", Seen)
    _run_grid.train_one(Run.of("digits", "uniform", budget=0.1, **SHORT), Settings(), 1)
    (training,) = made
    assert training() is None


@pytest.mark.slow
def test_several_at_a_time_find_the_same(tmp_path: Path) -> None:
    runs = runs_of("digits", ["max_loss"], [0.25], [0], **SHORT)
    alone = execute(runs, Settings(jobs=1, threads=1))
    together = execute(runs, Settings(jobs=2, threads=1, out=tmp_path, tensorboard=True))
    assert [r.run for r in together] == runs
    assert [r.final for r in together] == [r.final for r in alone]
    assert [r.passes for r in together] == [r.passes for r in alone]
    assert len(list((tmp_path / "tensorboard").glob("*/events*"))) == 2


def test_bad_settings(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="jobs"):
        Settings(jobs=0)
    with pytest.raises(InvalidOption, match="out"):
        Settings(resume=True)
    with pytest.raises(InvalidFile, match="no results"):
        load(tmp_path)


# -- tuning --------------------------------------------------------------------------------------

VALUES = {0.025: 0.5, 0.05: 0.7, 0.1: 0.9, 0.2: 0.8, 0.4: math.nan}


def planted(run: Run) -> Result:
    """Return the result of a run whose best rate is 0.1; of two rules beyond a grid."""
    by_rate = {"obftf": -abs(run.lr - 1.6), "max_loss": -run.lr}
    value = by_rate[run.rule] if run.rule in by_rate else VALUES.get(round(run.lr, 3), 0.0)
    return Result(
        run=run,
        metric="accuracy",
        better="higher",
        final={"accuracy": value},
        history=[],
        steps=1,
        passes=Passes(),
        full=1,
        seconds={},
    )


def test_each_rule_gets_its_own_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Run] = []

    def fake(runs: list[Run], settings: Settings, *_: object) -> list[Result]:
        seen.extend(runs)
        return [planted(run) for run in runs]

    monkeypatch.setattr("subsetopt.training._tuning.execute", fake)
    runs = runs_of("digits", ["obftf", "max_loss"], [0.1, 0.5], [0, 1, 2], **SHORT)
    ready, found = Tuning().tune(runs, Settings())
    # Budgets x seeds x rates: of three rules those of the grid, of two more beyond it.
    assert len(seen) == 2 * 5 * (3 * 5 + 3 + EXTENSIONS)
    assert all(run.tuning and run.seed >= 1000 for run in seen)
    assert {run.lr for run in ready if run.rule == "uniform"} == {0.1}
    assert {run.lr for run in ready if run.rule == "obftf"} == {1.6}
    assert {run.lr for run in ready if run.rule == "max_loss"} == {0.0015625}
    assert not any(run.tuning for run in ready)
    edges = {(one.rule, one.budget): one.at_the_edge for one in found}
    assert edges == {
        ("uniform", 0.1): False,
        ("uniform", 0.5): False,
        ("obftf", 0.1): False,
        ("obftf", 0.5): False,
        ("max_loss", 0.1): True,
        ("max_loss", 0.5): True,
    }
    assert [run.but(lr=0.1) for run in ready] == runs


@pytest.mark.parametrize(
    "given", [{"factors": ()}, {"factors": (1.0, 1.0)}, {"factors": (-1.0,)}, {"repeats": 0}]
)
def test_no_tuning_without_rates(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption, match="must be"):
        Tuning(**given)


def test_a_folder_is_of_one_comparison_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = runs_of("digits", ["obftf"], [0.25], [0], **SHORT)
    settings = Settings(out=tmp_path, resume=True, jobs=1)
    with locked_folder(tmp_path):
        with pytest.raises(InvalidOption, match="is being written by another run; wait for it"):
            execute(runs, settings)
        assert not (tmp_path / "runs").exists()
        monkeypatch.setenv("RANK", "1")  # of the processes of torchrun the first one holds it
        monkeypatch.setattr(_run_grid, "_results", lambda *_: iter(()))
        assert execute(runs, settings) == []
