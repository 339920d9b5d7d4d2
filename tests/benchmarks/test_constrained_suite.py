"""Cases with constraints: the suite, who is not run on them, and how answers are judged."""

import json
import os
import pickle
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.benchmarks import ComparisonReport, SuiteOptions, find_suite, make_plan, measure
from subsetopt.benchmarks._best_known import best_known
from subsetopt.benchmarks._checking import check_results
from subsetopt.benchmarks._suite_options import DATA_VARIABLE, MeasurementOptions
from subsetopt.benchmarks.cases import Case, ConstrainedCase, MeanMatchingCase, QuadraticCase, base
from subsetopt.benchmarks.measuring._work import Measurement, bounded_cases, bounding
from subsetopt.benchmarks.reporting._comparison_document import document
from subsetopt.benchmarks.results import Bound, CaseInfo, Contender, Plan, Results, SkippedCase
from subsetopt.benchmarks.results._plan import todo
from subsetopt.cli.commands import application
from subsetopt.errors import InvalidOption, InvalidResult, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS
from subsetopt.solvers import bounds, catalogue
from subsetopt.solvers.exact.exact import Exact
from subsetopt.solvers.heuristics.greedy import Greedy

GENERATED = {
    "exponential-n128-b0-k32-quotas": "quotas",
    "heavy-n128-b2-k32-budget": "budget",
    "integer-n128-b4-k32-k-range-include-exclude": "k-range, include, exclude",
    "gaussian-d4-n60-b0-k12-quotas": "overlapping-quotas",
    "mixture-n150-b0-k15-conflicts": "conflicts",
    "mixture-n150-b0-k15-target-budget": "target, budget",
    "integers-n40-b1-k12-quotas": "quotas",
    "euclidean-n40-b2-k12-budget": "budget",
    "graph-n40-b3-k12-conflicts": "conflicts",
    "reals-n40-b0-k4to12-include-quotas": "k-range, include, overlapping-quotas",
}


@pytest.fixture(scope="module")
def generated() -> list[Any]:
    return list(find_suite("constrained").build(SuiteOptions(source="generated")))


# -- the suite ------------------------------------------------------------------------------------


def test_instances_have_the_same_names_for_good(generated: list[Any]) -> None:
    assert {case.name: ", ".join(case.constraints) for case in generated} == GENERATED
    other: Any = find_suite("constrained").build(SuiteOptions(source="generated", seed=1))
    assert [case.name for case in other] == list(GENERATED)
    assert all(a.problem() != b.problem() for a, b in zip(generated, other, strict=True))


def test_each_kind_of_constraints_is_asked_for(generated: list[Any]) -> None:
    kinds = set().union(*(case.kinds for case in generated))
    assert kinds == set(CONSTRAINT_KINDS)
    assert {case.family for case in generated} == set(find_suite("constrained").families)


@pytest.mark.parametrize("name", GENERATED)
def test_random_choices_keep_the_constraints(generated: list[Any], name: str) -> None:
    (case,) = (one for one in generated if one.name == name)
    problem, rng = case.problem(), np.random.default_rng(0)
    for _ in range(5):
        case.rules.require(np.sort(problem.draw(rng)))
    free = case.base.problem()
    assert any(_broken(case.rules, free.draw(rng)) for _ in range(20)), "they exclude nothing"


def _broken(rules: so.Constraints, chosen: Any) -> bool:
    try:
        rules.require(np.sort(chosen))
    except so.InvalidSelection:
        return True
    return False


def test_public_instances_are_added_where_there_is_a_folder() -> None:
    if DATA_VARIABLE not in os.environ:
        pytest.skip(f"{DATA_VARIABLE} names no data folder")
    cases = find_suite("constrained").build(SuiteOptions(source="public"))
    assert [case.name for case in cases] == [
        "SOM-b_2_n100_m20-k20-quotas",
        "kcluster40_050_10_1-k10-budget",
        "mnist-n200-b0-k20-include-quotas",
    ]
    assert [case.known for case in cases] == [None] * 3


def test_what_the_suite_does_not_take() -> None:
    with pytest.raises(InvalidOption, match="k must not be given: the suite constrained has"):
        find_suite("constrained").build(SuiteOptions(ks=(3,)))


# -- who takes part -------------------------------------------------------------------------------


def test_those_are_skipped_that_do_not_take_the_kinds(
    generated: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exact, "takes", frozenset())
    plan = make_plan("constrained", generated)
    skipped = {(one.case, one.solver): one.does_not_take for one in plan.skipped}
    for case in generated:
        for contender in plan.contenders:
            lacking = case.kinds - catalogue.solver_class(contender.name).takes
            if case.family not in contender.families:
                assert (case.name, contender.label) not in skipped
            else:
                assert set(skipped.get((case.name, contender.label), ())) == lacking
    assert ("exponential-n128-b0-k32-quotas", "exact") in skipped
    assert not skipped.keys() & {key[:2] for key in todo(plan, (), plan.settings.time_limits[0])}
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    older = {name: one for name, one in plan.to_dict().items() if name != "skipped"}
    assert Plan.from_dict(json.loads(json.dumps(older))).skipped == ()


def test_one_that_is_named_has_to_take_something(
    generated: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = [case for case in generated if "budget" in case.kinds]
    monkeypatch.setattr(Greedy, "takes", frozenset({"quotas"}))
    with pytest.raises(UnsupportedProblem, match="on any instance: it does not take budget; name"):
        make_plan("own", budget, ["greedy"])
    assert "greedy" in {one.solver for one in make_plan("own", budget).skipped}
    assert make_plan("own", generated, ["greedy"]).skipped


@pytest.fixture(scope="module")
def results() -> Results:
    values = np.random.default_rng(0).exponential(size=12)
    free = MeanMatchingCase("free-k4", "drawn", values, 4)
    kept = ConstrainedCase(free, so.Constraints(quotas=so.Quota([0, 1] * 6, exactly=2)))
    settings = MeasurementOptions(time_limits=(0.2,), repeats=1)
    cases: list[Case] = [free, kept]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Exact, "takes", frozenset())
        plan = make_plan("own", cases, ["exact", "swap"], settings)
    return measure(plan, cases).results


def test_skips_are_no_failures(results: Results) -> None:
    report = ComparisonReport(results)
    assert results.complete
    assert results.plan.skipped == (
        SkippedCase(case="free-k4-quotas", solver="exact", does_not_take=("quotas",)),
    )
    assert (report.failures, report.silent) == ((), ())
    assert len(report.rows) == 5
    summary = {one.solver: one for one in report.families[0].summaries}
    assert {name: one.skipped for name, one in summary.items()} == {
        "random": 0,
        "swap": 0,
        "exact": 1,
    }
    assert summary["exact"].failures == {}
    said = report.to_dict()
    assert json.loads(json.dumps(said["skipped"])) == [
        {"case": "free-k4-quotas", "solver": "exact", "does_not_take": ["quotas"]}
    ]
    assert [row["constraints"] for row in said["rows"]].count(("quotas",)) == 2


def test_skips_are_shown(results: Results, tmp_path: Path) -> None:
    shown = document(ComparisonReport(results))
    line = "exact: skipped on 1 of 2 instances: does not take quotas"
    text = shown.to_terminal(120)
    assert line in text
    assert "failed in" not in text
    assert line in shown.to_markdown()
    without_figures = document(ComparisonReport(replace(results, rows=())))
    without_figures.write(tmp_path, ["index.html"])
    page = (tmp_path / "index.html").read_text()
    assert line in page
    assert "Skipped" in page
    assert "overlapping-quotas" not in page


# -- how answers are judged -----------------------------------------------------------------------


VALUES = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 50.0])


@pytest.fixture
def case() -> ConstrainedCase:
    rules = so.Constraints(include=[0], quotas=so.Quota(list("aabbcc"), at_most=1))
    return ConstrainedCase(MeanMatchingCase("few-k3", "drawn", VALUES, 3), rules)


def test_selections_are_checked_by_a_problem_of_their_own(case: ConstrainedCase) -> None:
    solution = so.solve(case.problem(), "swap")
    assert case.solution(solution) is solution
    for broken in ([0, 1, 2], [1, 2, 4], [0, 2]):
        with pytest.raises(so.InvalidSelection):
            case.solution(replace(solution, indices=np.array(broken)))
    with pytest.raises(InvalidResult, match="the objective of the selection is"):
        case.solution(replace(solution, objective=0.0))


def test_an_answer_that_breaks_a_constraint_is_a_failure(
    case: ConstrainedCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = replace(so.solve(case.problem(), "swap"), indices=np.array([0, 1, 2]))
    monkeypatch.setattr(ConstrainedCase, "prepared", lambda *_: lambda: solution)
    contender = Contender(label="swap", name="swap")
    job = Measurement(
        case=case, contender=contender, repeat=0, limits=Limits(time_limit=1.0), grace=1.0
    )
    row = job.run(lambda *_: None)
    assert row.objective is None
    assert row.failure == "InvalidSelection: the selection has 2 of 'a'; its quota is at most 1"


def test_where_drawing_fails_random_choices_are_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(3)
    costs = rng.integers(1, 1000, 18)
    budget = int(np.sort(costs)[:7].sum()) + 20
    rules = so.Constraints(costs=costs, budget=budget)
    tight = ConstrainedCase(MeanMatchingCase("t-k7", "drawn", rng.normal(size=18), 7), rules)
    problem = tight.problem()
    monkeypatch.setattr(base, "FEWEST_DRAWS", 5)
    found = tight.random_objectives(0)
    feasible = [list(c) for c in combinations(range(18), 7) if costs[list(c)].sum() <= budget]
    assert len(feasible) < 20
    assert len(found) == 5
    assert set(found) <= {problem.objective(chosen) for chosen in feasible}


def test_what_is_known_without_constraints_says_nothing() -> None:
    instance = "SOM-b_2_n100_m20"
    matrix = np.random.default_rng(0).integers(0, 9, (100, 100))
    selection = so.QuadraticSelection((matrix + matrix.T) / 2.0, k=20, sense="maximise")
    public = QuadraticCase.public(instance, "drawn", selection)
    assert public.known == best_known(instance, 20)
    kept = ConstrainedCase(public, so.Constraints(include=[0]))
    assert (kept.name, kept.known) == (f"{instance}-k20-include", None)
    plan = make_plan("own", [kept], ["random"])
    assert list(check_results(Results(plan=plan, sessions=(), rows=()), None)) == []
    assert CaseInfo.of(kept).constraints == ("include",)


def test_bounds_are_of_the_constrained_problems(generated: list[Any]) -> None:
    plan = replace(make_plan("own", generated), settings=MeasurementOptions(bound="fw"))
    able = bounded_cases(plan, generated)
    assert able == [case for case in generated if case.family != "mean-matching"]
    with pytest.raises(UnsupportedProblem, match="mean-matching problems carry their own"):
        bounded_cases(plan, generated[:3])
    small = [case for case in able if case.name.startswith(("integers", "gaussian"))]
    for case, job in zip(small, bounding(plan, small, ()), strict=True):
        found = job.run(lambda *_: None)
        assert isinstance(found, Bound)
        assert found.value is not None
        best = so.solve(case.problem(), "swap", time_limit=0.1).objective
        assert best is not None
        assert found.value <= best


def test_a_bound_that_is_none_says_why(
    generated: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = replace(make_plan("own", generated), settings=MeasurementOptions(bound="fw"))
    (job, *_) = bounding(plan, bounded_cases(plan, generated), ())
    monkeypatch.setattr(bounds, "bounded", lambda *_: bounds.LowerBound(-np.inf))
    found = job.run(lambda *_: None)
    assert isinstance(found, Bound)
    assert (found.value, found.failure) == (None, "none within 2.0 s")


def test_a_case_is_sent_to_another_process_whole(generated: list[Any]) -> None:
    again = pickle.loads(pickle.dumps(generated))
    assert [case.problem() for case in again] == [case.problem() for case in generated]


# -- the command ----------------------------------------------------------------------------------


def listed(*words: str) -> Any:
    arguments = ["bench", *words]
    return CliRunner().invoke(application(arguments), arguments)


def test_suites_and_instances_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    suites = listed("--list")
    assert suites.exit_code == 0
    assert "constrained" in suites.stdout
    assert {one["suite"] for one in json.loads(listed("--list", "--json").stdout)} > {"quick"}
    instances = listed("constrained", "--source", "generated", "--list")
    assert instances.exit_code == 0
    assert "heavy-n128-b2-k32-budget" in instances.stdout
    assert "skipped" in instances.stdout
    plain = listed("constrained", "--source", "generated", "--list", "--json")
    assert [one["name"] for one in json.loads(plain.stdout)] == list(GENERATED)
    assert listed().exit_code == 2
