"""The bilevel framework: fits to the optimum, the best of all subsets, and what is said of it."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subsetopt.benchmarks.scripts import bilevel
from subsetopt.benchmarks.scripts.bilevel_learners import Learner, Logistic, Ridge
from subsetopt.benchmarks.scripts.bilevel_shown import sentences, shown, verdicts


@pytest.mark.parametrize("kind", [Ridge, Logistic])
def test_every_subset_is_trained_to_the_optimum(kind: type[Learner]) -> None:
    learner = bilevel.made(kind, 9, 0).learner
    subsets = np.array(list(combinations(range(9), 4)))
    thetas = learner.fit(subsets)
    for subset, theta in zip(subsets, thetas, strict=True):
        slopes = learner.slopes(theta)[subset]
        gradient = slopes @ learner.x[subset] / 4 + learner.decay * theta
        assert np.abs(gradient).max() < 1e-9
    # The slopes are those of the losses.
    theta, step = thetas[0], 1e-6
    moved = learner.losses(np.stack([theta + step, theta - step]), learner.x, learner.y)
    assert (moved[0] - moved[1]) / (2 * step) == pytest.approx(
        learner.slopes(theta) * learner.x.sum(1), abs=1e-5
    )


def test_the_discrepancy_is_that_of_the_framework() -> None:
    case = bilevel.made(Ridge, 8, 1)
    (zero,), _ = case.outcome(np.arange(8)[None])
    assert zero == 0.0
    apart, more = bilevel.references(case, 3, 0)
    assert len(apart) == 56
    subset = np.array([0, 4, 7])
    x, y = case.learner.x[subset], case.learner.y[subset]
    theta = np.linalg.solve(x.T @ x / 3 + 0.05 * np.eye(5), x.T @ y / 3)
    whole = case.learner.whole()
    risks = [0.5 * np.square(case.x @ given - case.y).mean() for given in (theta, whole)]
    place = list(combinations(range(8), 3)).index((0, 4, 7))
    assert more[place] == pytest.approx(risks[0] - risks[1])
    assert apart[place] == abs(more[place])
    assert bilevel.searched(case, 3, 0) < np.quantile(apart, 0.1)


@pytest.mark.parametrize("kind", [Ridge, Logistic])
def test_all_choose_k_different_ones(kind: type[Learner]) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("ortools")
    found = list(bilevel.choices(bilevel.made(kind, 12, 0), 4, 0))
    assert len({(name, at) for name, at, _ in found}) == len(found)
    assert all(len(set(chosen.tolist())) == 4 for _, _, chosen in found)
    assert ("uniform by class" in {name for name, _, _ in found}) == (kind is Logistic)


def _row(rule: str, place: float, p: float, **other: Any) -> dict[str, Any]:
    named = {"measured": "bilevel", "task": "ridge", "n": 20, "k": 5, "rule": rule, "at": ""}
    numbers = {"discrepancy": 2 * place, "excess": place, "optimum": 0.001, "enumerated": True}
    return {**named, **numbers, "place": place, "p": p, **other}


def test_what_is_said_follows_from_the_rows(tmp_path: Path) -> None:
    rows = [
        _row("near", 0.2, 1e-9),
        _row("far", 0.8, 1e-9),
        _row("as chance", 0.45, 0.2),
        _row("near", 0.3, 1e-5, n=200, enumerated=False, optimum=0.02),
    ]
    assert verdicts(rows) == {("near", ""): (2, 0, 0), ("far", ""): (0, 1, 0)} | {
        ("as chance", ""): (0, 0, 1)
    }
    said = " ".join(sentences(rows))
    assert "0.001 of the mean discrepancy" in said
    assert "find one with 0.02" in said
    assert "further in none: `near`" in said
    assert "closer in none: `far`" in said
    assert "No difference is shown** for `as chance`" in said
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, [{"measured": "machine"}, *rows])), encoding="utf-8")
    page = shown(path)
    assert "| near | - | 0.49 | 0.30 | 2 of 2 | 0 of 2 |" in page
    assert "| far | - | **80** | - |" in page
