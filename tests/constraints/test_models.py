"""Constraints as rows of models and of files that other solvers read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.formats.model_files import write_model
from subsetopt.limits import Limits
from subsetopt.models import LINEARISATIONS, LinearModel, iqp_model

from .cases import FAMILIES, feasible, stated

RULES = so.Constraints(
    include=[1],
    exclude=[5],
    quotas=[so.Quota(list("aabbccaa"), at_most=2), so.Quota([0, 1] * 4, at_least={1: 2})],
    costs=[0.5, 0.25, 1, 2, 0.1, 0.1, 0.3, 0.4],
    budget=3.2,
    conflicts=[(0, 2), (3, 4)],
)


def keeps(model: LinearModel, x: Any) -> bool:
    rows, slack = model.rows.dot(x), 1e-9
    inside = (rows >= model.row_lower - slack) & (rows <= model.row_upper + slack)
    return bool(inside.all() and (x >= model.lower).all() and (x <= model.upper).all())


@pytest.mark.parametrize("family", FAMILIES[2:])
@pytest.mark.parametrize("name", ["iqp", *LINEARISATIONS])
def test_models_allow_what_is_feasible_and_nothing_else(family: str, name: str) -> None:
    problem = stated(family, 8, 4, RULES, np.random.default_rng(2))
    form = problem.quadratic_form()
    linear = iqp_model(form).linear if name == "iqp" else LINEARISATIONS[name](form)
    allowed = {tuple(chosen) for chosen in feasible(problem)}
    assert allowed
    everything = feasible(stated(family, 8, 4, so.Constraints(), np.random.default_rng(2)))
    for chosen in everything:
        x = linear.completed(form.rows(np.array(chosen, np.int64)))
        assert keeps(linear, x) == (tuple(chosen) in allowed), chosen


@pytest.mark.parametrize("suffix", ["mps", "lp"])
@pytest.mark.parametrize("family", ["mean-matching", "mmd"])
def test_files_hold_the_rows(family: str, suffix: str, tmp_path: Path) -> None:
    highspy = pytest.importorskip("highspy")
    problem = stated(family, 8, 4, RULES, np.random.default_rng(2))
    if family == "mmd":
        form = problem.quadratic_form()
        model = LINEARISATIONS["mccormick"](form)
    else:
        model = problem.linear_model()
    path = tmp_path / f"model.{suffix}"
    write_model(model, path)
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.readModel(str(path))
    solver.run()
    names = [solver.getColName(j)[1] for j in range(solver.getNumCol())]
    x = dict(zip(names, solver.getSolution().col_value, strict=True))
    chosen = [i for i in range(8) if x[f"m{i}"] > 0.5]
    best = min(problem.objective(one) for one in feasible(problem))
    assert problem.objective(chosen) <= best + 1e-5


def test_budgets_of_fine_costs_stay_relaxations() -> None:
    rng = np.random.default_rng(0)
    costs = rng.random(200) * 10.0 ** rng.integers(-12, 6, 200)
    for count in (3, 60, 150):
        chosen = np.sort(rng.choice(200, count, replace=False))
        exact = so.Constraints(costs=costs, budget=1.0).priced
        assert exact is not None
        budget = float(np.nextafter(exact.total(chosen), np.inf))
        rules = so.Constraints(costs=costs, budget=budget)
        problem = so.MeanMatching(np.arange(200.0), count, constraints=rules)
        assert problem.check(chosen) is not None
        assert problem.side is not None
        row = problem.side.budget
        assert row is not None
        assert int(row.costs[chosen].sum()) <= row.limit
        line = row.model_row()
        x = np.zeros(200)
        x[chosen] = 1.0
        assert line.coefficients @ x[line.columns] <= line.upper * (1 + 1e-12)
        for _ in range(50):
            other = np.sort(rng.choice(200, count, replace=False))
            assert problem.constraints is not None
            assert problem.constraints.priced is not None
            assert row.allows(other) == problem.constraints.priced.within(other)
        assert row.allows(chosen)


@pytest.mark.parametrize("kind", ["exactly", "at_least", "at_most"])
def test_products_of_quotas_hold_and_raise_the_bound(kind: str) -> None:
    pytest.importorskip("highspy")
    from subsetopt.solvers.relaxations._lp_engines import by_highs

    quota = so.Quota(np.arange(10) % 3, **{kind: {0: 2, 1: 1, 2: 1}})
    rules = so.Constraints(quotas=quota)
    problem = stated("quadratic", 10, 4, rules, np.random.default_rng(3))
    form = problem.quadratic_form()
    model = LINEARISATIONS["rlt"](form)
    assert all(
        keeps(model, model.completed(form.rows(np.array(chosen)))) for chosen in feasible(problem)
    )
    plain = LINEARISATIONS["rlt"](replace(form, side=None)).keeping(form.side)
    raised, before = (by_highs(each.relaxed(), Limits()).value for each in (model, plain))
    assert raised > before + 1.0
