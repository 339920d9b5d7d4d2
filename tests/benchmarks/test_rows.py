"""Rows of results: what they take from a case, the limits and a solution."""

import numpy as np

import subsetopt as so
from subsetopt.benchmarks.cases import MeanMatchingCase
from subsetopt.benchmarks.cases._value_batches import losses
from subsetopt.benchmarks.results import CaseInfo, Row
from subsetopt.limits import Limits


def test_a_row_has_all_that_its_parts_have_under_its_names() -> None:
    case = MeanMatchingCase.of(next(iter(losses(n=24, count=1, seed=0))), 4)
    limits = Limits(time_limit=0.5, seed=3, threads=2)
    blank = Row.of(CaseInfo.of(case), limits, case=case.name, solver="a label", repeat=1)
    assert (blank.family, blank.source, blank.n, blank.k) == (case.family, case.source, 24, 4)
    assert (blank.seed, blank.time_limit, blank.threads, blank.sense) == (3, 0.5, 2, "minimise")
    solution = so.solve(case.problem(), "swap")
    row = blank.with_solution(solution, seconds=(0.25,), build_seconds=0.125)
    assert (row.case, row.solver, row.repeat, row.seconds) == (case.name, "a label", 1, (0.25,))
    assert (row.objective, row.bound) == (solution.objective, solution.bound)
    assert (row.termination, row.version) == (solution.termination, solution.version)
    assert (row.certificate, row.eps) == (solution.certificate.kind, solution.certificate.eps)
    assert (row.build_seconds, row.solve_seconds) == (0.125, solution.stats.solve_seconds)
    assert row.indices == tuple(np.asarray(solution.indices).tolist())
    assert Row.from_dict(row.to_dict()) == row
