from math import nan

import pytest

from subsetopt.training.analysis import RuleVerdict, analyse, at_equal_cost, baselines_at_equal_cost
from subsetopt.training.reporting import _analysis_figures, document, to_dict

from .made_up import made, made_one  # type: ignore[import-not-found]


def test_budgets_of_the_baseline_that_cost_as_much() -> None:
    results = made(seeds=(0, 1), rules=("uniform", "obftf", "prob"))
    wanted = baselines_at_equal_cost([r.run for r in results], results)
    # A pass over all samples costs a third of training on them.
    assert [(run.seed, run.budget) for run in wanted] == [
        (seed, budget) for seed in (0, 1) for budget in (0.38, 0.43, 0.63)
    ]
    assert {run.rule for run in wanted} == {"uniform"}
    both = [*results, *(made_one("uniform", run.seed, 0.9, budget=run.budget) for run in wanted)]
    assert baselines_at_equal_cost([r.run for r in results], both) == []


def test_what_costs_more_than_full_training_is_compared_with_that() -> None:
    results = [made_one(rule, 0, 0.9, budget=0.9) for rule in ("uniform", "obftf")]
    assert [run.budget for run in baselines_at_equal_cost([r.run for r in results], results)] == [1]
    full = made_one("full", 0, 0.9, budget=1.0)
    assert baselines_at_equal_cost([full.run], [full]) == []
    found = at_equal_cost([*results, made_one("uniform", 0, 0.8, budget=1.0)]).groups
    assert [(x.rule, x.budget) for x in found[0].lines] == [("uniform", 1.0), ("obftf", 0.9)]


def test_pairs_have_the_cost_and_the_seed_in_common() -> None:
    ends = {("uniform", 0.1): 0.80, ("uniform", 0.43): 0.90, ("obftf", 0.1): 0.85}
    results = [
        made_one(rule, seed, end + seed / 100 + (rule == "obftf") * seed / 1000, budget=budget)
        for (rule, budget), end in ends.items()
        for seed in range(4)
    ]
    (group,) = at_equal_cost(results).groups
    assert (group.baseline, group.budget) == ("uniform", 0.43)
    assert group.cost == pytest.approx(0.43)
    (uniform, obftf) = group.lines
    assert (uniform.baseline, obftf.budget) == (True, 0.1)
    assert obftf.comparison is not None
    assert obftf.comparison.difference == pytest.approx(-0.05 + 0.0015)
    assert obftf.comparison.verdict is RuleVerdict.WORSE
    at_budget = analyse(results).groups[0].lines[1].comparison
    assert at_budget is not None
    assert at_budget.difference == pytest.approx(0.05 + 0.0015)


def test_rules_without_a_pass_stand_beside_their_own_budget() -> None:
    results = [made_one(rule, seed, 0.9) for rule in ("uniform", "unif_sgd") for seed in range(3)]
    (group,) = at_equal_cost(results).groups
    assert (group.budget, group.lines[1].rule) == (0.1, "unif_sgd")


def test_without_a_run_of_that_cost_nothing_is_compared() -> None:
    analysis = at_equal_cost(made(seeds=(0, 1, 2), full=False))
    assert analysis.tests == 0
    assert {group.baseline for group in analysis.groups} == {None}
    assert [group.budget for group in analysis.groups] == [0.05, 0.1, 0.3]
    assert "Groups without the baseline are not compared." in document(analysis).to_markdown()


def test_the_report_says_cost_and_both_budgets() -> None:
    results = [made_one("uniform", seed, 0.8 + seed / 100, budget=0.43) for seed in range(4)]
    results += [made_one("obftf", seed, 0.9 + seed / 90) for seed in range(4)]
    results += [made_one("mink", seed, nan) for seed in range(4)]
    analysis = at_equal_cost(results)
    text = document(analysis).to_markdown()
    assert "accuracy at matched cost" in text
    assert "At a cost of 43 %, obftf is better" in text
    assert "| uniform \\* | 43 % |" in text
    assert "| obftf | 10 % |" in text
    (group,) = to_dict(analysis)["tasks"][0]["groups"]
    assert group["cost"] == pytest.approx(0.43)
    assert [line["budget"] for line in group["rules"]] == [0.43, 0.1, 0.1]
    figure = _analysis_figures.differences(analysis.tasks[0], analysis.groups[0])
    assert "cost of 43 %" in figure.title


def test_full_training_is_known_by_its_name() -> None:
    results = [made_one("uniform", 0, 0.9), made_one("full", 0, 0.95, budget=1.0)]
    full = analyse(results).tasks[0].full
    assert full is not None
    assert (full.rule, full.value.mean) == ("full", 0.95)
