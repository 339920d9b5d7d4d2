from math import isnan, nan

import pytest

from subsetopt.errors import InvalidOption
from subsetopt.training.analysis import (
    RuleVerdict,
    after_cost,
    analyse,
    at_cost,
    at_seconds,
    grouped,
    learning_curves,
)

from .made_up import made, made_one  # type: ignore[import-not-found]


def test_groups_by_budget_and_setting() -> None:
    found = grouped([*made(), made_one("uniform", 0, 0.5, momentum=0.9)])
    assert [group.budget for group in found] == [0.05, 0.1, 0.3, 1.0, 0.1]
    assert [len(group.results) for group in found] == [11, 11, 11, 1, 1]
    assert found[-1].setting["momentum"] == 0.9
    assert "lr" not in found[0].setting


def test_a_learning_rate_belongs_to_its_rule_unless_there_are_several() -> None:
    tuned = [made_one("uniform", 0, 0.9, lr=0.1), made_one("obftf", 0, 0.9, lr=0.3)]
    assert len(grouped(tuned)) == 1
    several = [*tuned, made_one("obftf", 0, 0.8, lr=0.1), made_one("uniform", 0, 0.8, lr=0.3)]
    found = grouped(several)
    assert [group.setting["lr"] for group in found] == [0.1, 0.3]
    assert all(len(group.results) == 2 for group in found)


def test_one_run_twice_is_refused() -> None:
    with pytest.raises(InvalidOption, match="two results"):
        grouped([made_one("uniform", 0, 0.9), made_one("uniform", 0, 0.8)])


def test_means_by_hand() -> None:
    own = [made_one("uniform", seed, end) for seed, end in enumerate((0.90, 0.92, 0.97))]
    (line,) = analyse(own).groups[0].lines
    assert line.value.mean == pytest.approx(0.93)
    assert line.value.std == pytest.approx(0.0360555, rel=1e-5)
    assert line.loss.mean == pytest.approx(0.07)
    assert line.effective_budget.mean == pytest.approx(0.1)
    assert line.seconds.mean == pytest.approx(6 * (0.4 + 0.15 + 0.3) + 0.01)
    assert line.part("data").mean == pytest.approx(2.4)
    assert (line.seeds, line.rates, line.comparison) == (3, (0.1,), None)


def test_one_seed_has_no_spread() -> None:
    (line,) = analyse([made_one("uniform", 0, 0.9)]).groups[0].lines
    assert (line.value.mean, line.value.std, line.value.half) == (0.9, None, None)


def test_the_baseline_comes_first_then_the_best() -> None:
    analysis = analyse(made())
    for group in analysis.groups[:3]:
        assert group.lines[0].rule == group.baseline == "uniform"
        means = [line.value.mean or 0.0 for line in group.lines[1:]]
        assert means == sorted(means, reverse=True)
    assert analysis.rules[0] == "uniform"
    lower = analyse(made(metric="loss", better="lower")).groups[0].lines[1:]
    assert [line.value.mean for line in lower] == sorted(line.value.mean or 0.0 for line in lower)


def test_baselines() -> None:
    results = made(rules=("p_sgd", "unif_sgd", "mmd"), full=False)
    assert {group.baseline for group in analyse(results).groups} == {"unif_sgd"}
    assert {group.baseline for group in analyse(results, "mmd").groups} == {"mmd"}
    without = analyse(results, "uniform")
    assert {group.baseline for group in without.groups} == {None}
    assert all(line.comparison is None for group in without.groups for line in group.lines)
    assert without.tests == 0


def test_verdicts_hold_for_all_groups_together() -> None:
    analysis = analyse(made())
    assert analysis.tests == 30
    found = [x.comparison for group in analysis.groups for x in group.lines if x.comparison]
    assert len(found) == 30
    assert all(c.adjusted >= c.p for c in found if c.adjusted is not None and c.p is not None)
    least = min(found, key=lambda c: c.p or 1.0)
    assert least.adjusted == pytest.approx(30 * (least.p or 0.0))
    worst = {x.rule: x.comparison for x in analysis.groups[0].lines if x.comparison}["obftf"]
    assert worst.verdict is RuleVerdict.WORSE
    alone = analyse([r for r in made() if r.run.rule in ("uniform", "obftf")])
    assert alone.tests == 3


def test_diverged_runs_are_counted() -> None:
    own = [made_one("uniform", seed, 0.9 + seed / 100) for seed in range(4)]
    own += [made_one("mink", seed, nan if seed == 2 else 0.8) for seed in range(4)]
    _, line = analyse(own).groups[0].lines
    assert (line.seeds, line.diverged, line.value.count) == (4, 1, 3)
    assert line.comparison is not None
    assert line.comparison.verdict is RuleVerdict.DIVERGED
    assert line.comparison.difference is None


def test_full_training() -> None:
    (result,) = analyse(made()).tasks
    assert result.full is not None
    assert (result.full.budget, result.full.rule) == (1.0, "uniform")
    assert analyse(made(full=False)).tasks[0].full is None


def test_at_equal_cost() -> None:
    result = made_one("obftf", 0, 0.9)  # costs 1/3 + 0.1 of an epoch each
    rows = result.history
    each = 1 / 3 + 0.1
    assert after_cost(each * 2).of(result) == rows[1]["test_accuracy"]
    assert after_cost(each * 2.9).of(result) == rows[1]["test_accuracy"]
    assert after_cost(each * 0.9).of(result) is None
    assert after_cost(1000.0).of(result) == 0.9
    analysis = at_cost(made(), 0.5)
    assert analysis.measure == "after the cost of 0.5 epochs of full training"
    lines = {line.rule: line for line in analysis.groups[1].lines}
    assert lines["uniform"].value.mean == pytest.approx(0.95, abs=0.02)
    assert lines["obftf"].value.mean is not None
    assert lines["obftf"].value.mean < 0.8
    comparison = lines["obftf"].comparison
    assert comparison is not None
    assert comparison.verdict is RuleVerdict.WORSE


def test_at_equal_seconds() -> None:
    analysis = at_seconds(made(full=False), 0.05)  # before any evaluation
    lines = [line for group in analysis.groups for line in group.lines]
    assert all(not line.values and line.value.mean is None for line in lines)
    found = [line.comparison for line in lines if line.comparison]
    assert {comparison.verdict for comparison in found} == {RuleVerdict.TOO_FEW}
    assert (
        analyse(made()).groups[0].lines[0].value == at_seconds(made(), 1e6).groups[0].lines[0].value
    )
    with pytest.raises(InvalidOption):
        at_seconds([], 0.0)


def test_courses() -> None:
    group = analyse(made()).groups[0]
    found = learning_curves(group, "passes")
    assert [curve.rule for curve in found] == [line.rule for line in group.lines]
    assert found[0].x == pytest.approx([0.05 * epoch for epoch in range(1, 7)])
    assert found[0].mean[-1] == pytest.approx(group.lines[0].value.mean)
    assert all(
        low < mean < high
        for low, mean, high in zip(found[0].low, found[0].mean, found[0].high, strict=True)
    )
    lost = analyse([made_one("mink", 0, 0.9), made_one("mink", 1, nan, evaluate_every=1)], "none")
    (curve,) = learning_curves(lost.groups[0])
    assert curve.diverged == 1
    assert isnan(curve.mean[-1])


def test_nothing_is_no_error() -> None:
    assert analyse([]).tasks == ()
