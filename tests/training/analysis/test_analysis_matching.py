from collections.abc import Iterator
from dataclasses import replace
from math import nan
from typing import Any

import pytest

from subsetopt.report import Picture
from subsetopt.training.analysis import (
    RuleVerdict,
    analyse,
    at_equal_cost,
    at_equal_seconds,
    baselines_at_equal_cost,
    baselines_at_equal_seconds,
    clock_probes,
)
from subsetopt.training.reporting import _analysis_figures, document, to_dict

from .made_up import EPOCHS, made, made_one, result  # type: ignore[import-not-found]


def pictures(part: Any) -> Iterator[Picture]:
    """Yield the pictures of a document, at any depth."""
    if isinstance(part, Picture):
        yield part
    for inner in getattr(part, "blocks", ()) or getattr(part, "sections", ()):
        yield from pictures(inner)


def test_budgets_of_the_baseline_that_cost_as_much() -> None:
    results = made(seeds=(0, 1), rules=("uniform", "obftf", "prob"))
    wanted = baselines_at_equal_cost([r.run for r in results], results)
    # A pass over all samples costs a third of training on them: larger steps, or more of them.
    larger = [(seed, budget) for seed in (0, 1) for budget in (0.38, 0.43, 0.63)]
    assert [(run.seed, run.budget) for run in wanted if run.epochs == EPOCHS] == larger
    longer = [run for run in wanted if run.epochs > EPOCHS]
    costs = [run.budget * run.epochs / EPOCHS for run in longer]
    assert costs == pytest.approx([0.05 + 1 / 3, 0.1 + 1 / 3, 0.3 + 1 / 3] * 2, rel=0.02)
    near = [run.budget for run in longer]
    assert near == pytest.approx([0.05, 0.1, 0.3] * 2, rel=0.1)
    assert len(longer) + len(larger) == len(wanted)
    assert {run.rule for run in wanted} == {"uniform"}
    both = [*results, *(result(run, 0.9) for run in wanted)]
    assert baselines_at_equal_cost([r.run for r in results], both) == []


def test_the_better_of_larger_and_of_more_steps_is_the_baseline() -> None:
    seeds = range(4)
    rule = [made_one("obftf", seed, 0.9 + seed / 100) for seed in seeds]
    larger = [made_one("uniform", seed, 0.8 + seed / 90, budget=0.43) for seed in seeds]
    longer = [made_one("uniform", seed, 0.95 + seed / 90, epochs=26) for seed in seeds]
    for more, less in ((longer, larger), (larger, longer)):
        (group,) = at_equal_cost([*rule, *more, *less]).groups
        assert (group.budget, group.lines[0].epochs, group.lines[0].is_longer) == (0.1, 26, True)
        # Both in shares of the full training that the rule belongs to.
        costs = [line.effective_budget.mean for line in group.lines]
        assert costs == pytest.approx([26 * 0.1 / EPOCHS, 0.1 + 1 / 3])
    (group,) = at_equal_cost([*rule, *larger]).groups
    assert group.budget == 0.43
    lone = [*rule, *larger, *longer[:1]]  # the better one has a single seed in common
    assert at_equal_cost(lone).groups[0].budget == 0.43
    text = document(at_equal_cost([*rule, *longer])).to_markdown()
    assert "uniform, 26 epochs" in text
    assert "the longer training" in text


def test_budgets_of_the_baseline_that_take_as_long() -> None:
    # 0.4 + 4.5 B seconds an epoch of uniform sampling, and 0.3 more of a rule with a pass.
    results = made(seeds=(0, 1), rules=("uniform", "obftf"), budgets=(0.1,), full=False)
    runs = [r.run for r in results]
    probes = [result(run, 0.9) for run in clock_probes(runs)]
    assert [(r.run.rule, r.run.budget, r.run.seed) for r in probes] == [("uniform", 1.0, 0)]
    wanted = baselines_at_equal_seconds(runs, results, probes)
    more = [result(run, 0.9) for run in wanted]
    ways = {(run.epochs > EPOCHS, run.seed) for run in wanted}
    assert ways == {(longer, seed) for longer in (True, False) for seed in (0, 1)}
    target = results[-1].training_seconds
    assert [r.training_seconds for r in more] == pytest.approx([target] * 4, rel=0.05)
    assert baselines_at_equal_seconds(runs, [*results, *more], probes) == []
    analysis = at_equal_seconds([*results, *more])
    (group,) = analysis.groups
    assert group.seconds == pytest.approx(target, rel=0.05)
    assert (group.cost, analysis.measure) == (None, "at matched time")
    assert to_dict(analysis)["tasks"][0]["groups"][0]["seconds"] == group.seconds
    assert at_equal_seconds(results).groups[0].baseline is None


def test_steps_are_as_many_or_nothing_is_compared() -> None:
    ends = {"uniform": 0.9, "obftf": 0.91, "unif_sgd": 0.7, "p_sgd": 0.71}
    results = [
        made_one(rule, seed, end + seed**2 / 1000)
        for rule, end in ends.items()
        for seed in range(4)
    ]
    groups = {group.baseline: [x.rule for x in group.lines] for group in analyse(results).groups}
    assert groups == {"uniform": ["uniform", "obftf"], "unif_sgd": ["unif_sgd", "p_sgd"]}
    assert "budget of 10 % in whole batches" in document(analyse(results)).to_markdown()
    names = [picture.name for picture in pictures(document(analyse(results)))]
    assert len(names) == len(set(names))
    alone = analyse([r for r in results if r.run.rule != "unif_sgd"]).groups
    assert [group.baseline for group in alone] == ["uniform", None]
    pooled = analyse([replace(r, run=r.run.but(select_from="pool")) for r in results]).groups
    assert [group.baseline for group in pooled] == ["uniform"]
    wanted = baselines_at_equal_cost([r.run for r in results], results)
    assert {run.rule for run in wanted if run.epochs > EPOCHS} == {"uniform"}


def test_what_costs_more_than_full_training_is_compared_with_that() -> None:
    results = [made_one(rule, 0, 0.9, budget=0.9) for rule in ("uniform", "obftf")]
    wanted = baselines_at_equal_cost([r.run for r in results], results)
    assert [run.budget for run in wanted if run.epochs == EPOCHS] == [1]
    (longer,) = (run for run in wanted if run.epochs > EPOCHS)  # which costs as much
    assert longer.budget * longer.epochs / EPOCHS == pytest.approx(0.9 + 1 / 3, rel=0.02)
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
    results = [made_one(rule, seed, 0.9) for rule in ("uniform", "vector") for seed in range(3)]
    free = [replace(r, passes=results[0].passes) for r in results]
    (group,) = at_equal_cost(free).groups
    assert (group.budget, group.lines[1].rule) == (0.1, "vector")
    assert baselines_at_equal_cost([r.run for r in free], free) == []


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
