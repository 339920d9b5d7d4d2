"""Whether representative splits give better estimates: the script, on one made data set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
from subsetopt.benchmarks.scripts import split_estimates as script
from subsetopt.benchmarks.scripts import split_estimates_shown as shown


def test_a_repeat_compares_all_splits_on_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 2))
    case = script.SplitData("plane", "numbers", "made", lambda: (X, X @ [1.0, 2.0]))
    monkeypatch.setattr(script, "models", lambda task: {"linear": _Mean(), "forest": _Mean()})
    row = script.measured(case, 3)
    assert (row["rows"], row["columns"], row["repeats"]) == (120, 2, 3)
    assert row["KS representative"] < row["KS stratified"]
    assert all(
        row[f"{kind} {name}"] >= 0 for kind in ("linear", "forest") for name in script.SPLITS
    )
    assert row["linear random error"] == pytest.approx(1.0, abs=0.5)
    train, test = script.divided("stratified", X, X @ [1.0, 2.0], "numbers", 1)
    assert sorted([*train, *test]) == list(range(120))


def test_without_a_folder_the_sets_that_need_none() -> None:
    names = [one.name for one in script.data_sets(None)]
    assert len(names) == len(set(names)) == 14
    assert len(list(script.data_sets(Path("data")))) == 20


def test_the_paired_test() -> None:
    assert script.paired(np.zeros(4), np.zeros(4)) == 1.0
    own, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.5, 4.0, 5.5])
    from scipy.stats import ttest_rel

    assert script.paired(own, other) == pytest.approx(ttest_rel(own, other).pvalue)


def _rows() -> list[dict[str, Any]]:
    rows = []
    for number, (own, p) in enumerate([(0.5, 1e-6), (1.5, 1e-6), (0.9, 0.5)]):
        row: dict[str, Any] = {"data": f"set {number}", "rows": 1000, "columns": 3,
                               "origin": "made" if number else "measured"}  # fmt: skip
        for kind in ("KS", "linear", "forest"):
            row |= {f"{kind} random": 1.0, f"{kind} stratified": 1.0, f"{kind} representative": own}
            row |= {f"{kind} {name} bias": -0.1 for name in script.SPLITS}
            row |= {f"{kind} p random": 1.0, f"{kind} p stratified": p}
        rows.append(row)
    return rows


def test_what_is_shown_counts_what_holds_after_holm() -> None:
    marginals, _, stratified, random, *rest = shown.sentences(_rows())
    assert "stratified splits on 2 of 3 data sets (1 measured, 1 made)" in marginals
    assert "nearer in 4 of 6 cases, 2 of them significantly, further off in 2, 2" in stratified
    assert "nearer in 4 of 6 cases, 0 of them significantly" in random
    assert len(rest) == 2
    lines, misses = (one.splitlines() for one in shown.tables(_rows()))
    assert lines[2] == "| set 0 | 1,000 | 3 | 1.000 | 1.000 | 0.500 |"
    assert len(lines) == len(misses) == 5
    assert "**50.00**" in misses[2]
    assert "| 90.00 |" in misses[4]
    pytest.importorskip("matplotlib")
    assert "set 2" in shown.figure(_rows()).to_svg()


class _Mean:
    """Predicts the mean of what it was trained on."""

    def fit(self, X: Any, y: Any) -> None:
        self._mean = float(np.mean(y))

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self._mean)
