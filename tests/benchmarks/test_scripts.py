"""The measuring scripts, on problems that take no time."""

import json
import math
from argparse import Namespace
from itertools import combinations
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.benchmarks.scripts import (
    adapters,
    commercial,
    commercial_models,
    constraint_cost,
    coresets,
    exact_shown,
    open_instances,
    proofs,
    quota_cost,
    records_of_many_writers,
    sparse_graphs,
    targets,
    textbook,
)


def problem(seed: int) -> so.QuadraticSelection:
    return so.QuadraticSelection(np.random.default_rng(seed).integers(-9, 9, size=(30, 30)), k=8)


def test_time_to_target_counts_the_runs_that_reach_it() -> None:
    best = so.solve(problem(0), "branch-and-bound").objective
    assert best is not None
    case = targets.TargetCase("reached", str(best), [(problem(0), best)], seconds=5.0)
    row = targets.measured(case, seeds=3)
    assert row["hits"] == "3 of 3"
    assert 0 < row["median, s"] <= row["max, s"] < 5.0
    out_of_reach = targets.TargetCase("missed", "-", [(problem(0), best - 1)], seconds=0.05)
    missed = targets.measured(out_of_reach, seeds=2)
    assert missed["hits"] == "0 of 2"
    assert missed["median, s"] == float("inf")
    pytest.importorskip("matplotlib")
    svg = targets.drawn([row, missed]).to_svg()
    assert all(text in svg for text in ("reached", "3 of 3", "missed", "0 of 2"))


def test_proofs_are_counted_with_the_gap_that_is_left() -> None:
    case = proofs.ProofCase("two", [problem(1), problem(2)])
    row = proofs.measured(case, "branch-and-bound", 20.0)
    assert row["proven"] == "2 of 2"
    assert row["largest gap"] == 0.0
    row = proofs.measured(case, "random", 1.0)
    assert row["proven"] == "0 of 2"
    assert row["largest gap"] == float("inf")
    assert proofs._line(row).startswith("two")


@pytest.mark.parametrize("backend", ["scip", "highs", "cbc", "cpsat"])
@pytest.mark.parametrize("kind", ["mean", "diversity"])
def test_plain_models_are_those_of_the_problems(backend: str, kind: str) -> None:
    for module in ("pyscipopt", "highspy", "ortools"):
        pytest.importorskip(module)
    from subsetopt.benchmarks.scripts.plain_models import PLAIN

    case = next(each for each in adapters.cases([7]) if each.kind == kind and each.quotas)
    stated: Any = case.problem()
    best = min(
        stated.objective(list(chosen))
        for chosen in combinations(range(7), 4)
        if stated.side.keeps(np.array(chosen))
    )
    plain = case.plain(stated)
    answer = PLAIN[backend](plain, 20.0)
    assert answer.optimal
    assert stated.objective(answer.chosen) == pytest.approx(best, abs=1e-5)
    outcome = adapters.of_plain(stated, plain, answer)
    assert outcome.proven
    assert outcome.gap < 1e-2 or best < 1e-2


def test_adapters_are_worse_where_they_prove_less() -> None:
    proven, faster = (
        adapters.AdapterOutcome(2.0, True, 0.0, 1.0),
        adapters.AdapterOutcome(1.0, True, 0.0, 1.0),
    )
    open_gap, wider = (
        adapters.AdapterOutcome(5.0, False, 0.1, 1.0),
        adapters.AdapterOutcome(5.0, False, 0.2, 1.0),
    )
    assert proven.worse_than(faster) == wider.worse_than(open_gap) == 2.0
    assert proven.worse_than(wider) == 0.0
    assert open_gap.worse_than(proven) == math.inf
    assert (str(faster), str(wider)) == ("1.00 s", "20 %")


def test_the_textbook_is_compared_on_the_same_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("textbook", "largest_sums"):  # to compile them would take seconds
        monkeypatch.setattr(textbook, name, getattr(textbook, name).py_func)
    matrix = np.random.default_rng(3).integers(-9, 9, size=(13, 13))
    small = so.QuadraticSelection(matrix + matrix.T, matrix[0], k=4)
    row = textbook.measured("small", small, 1, 10**5)
    assert row["ended"]
    assert row["certificate"] == "exact"
    assert row["nodes, textbook"] > row["nodes"] > 0
    assert row["ratio"] == row["textbook, s"] / row["branch-and-bound, s"]
    # Told of something worse, it ends with what the solver has proven.
    form = small.quadratic_form()
    pairs = -2.0 * form.matrix.astype(np.float64)
    np.fill_diagonal(pairs, 0.0)
    gains = -np.diagonal(form.matrix).astype(np.float64) - form.linear
    sums = textbook.largest_sums(pairs, form.k)
    best, _ = textbook.textbook(pairs, gains, form.k, -1e9, sums, 10**5)
    assert best == -form.lower(so.solve(small, "branch-and-bound").objective or 0.0)
    assert next(textbook.dispersions())[1].k == 10


def test_the_mixtures_need_no_folder() -> None:
    cases = list(proofs.mixtures(None))
    assert [case.name for case in cases][:1] == ["mixture, n=50, k=5"]
    assert cases[0].problems[0].n == 50
    drawn = next(proofs.larger(None)).problems
    edges = [-one.quadratic_form().matrix.sum() for one in drawn]
    shares = [count / (140 * 139 / 2) for count in edges]
    assert shares == pytest.approx([0.25, 0.5, 0.75], abs=0.01)
    with pytest.raises(so.InvalidFile, match="no folder"):
        list(proofs.subgraphs(None))


def test_the_cost_of_constraints_is_that_of_the_same_values_without() -> None:
    without, kept = constraint_cost.matching(Namespace(matches=2))
    assert without["of none"] == 1.0
    assert kept["of none"] > 0.0
    assert kept["largest error"] < 0.01
    loose, quotas = (constraint_cost.scalars(1, wanted) for wanted in (False, True))
    assert loose.side is None
    assert np.array_equal(loose.values, quotas.values)
    for made in (quotas, constraint_cost.quadratic(1), constraint_cost.herd(1, True)):
        assert made.constraints is not None
        made.check(made.draw(np.random.default_rng(0)))


def test_means_count_as_proven_where_the_solver_says_so() -> None:
    problem = constraint_cost.quartered(32)
    solution = so.solve(problem, "exact")
    assert solution.certificate.kind is so.CertificateKind.EXACT
    assert np.bincount(np.array(solution.indices) % 4).tolist() == [2, 2, 2, 2]
    rows = constraint_cost.proving(Namespace(within=[], matched_by=["swap"]))
    assert [row["mean matching, 4 quotas"] for row in rows] == ["exact", "swap"]
    assert constraint_cost._largest("swap", 60.0) == 0


def test_the_whole_choice_matches_better_than_class_by_class() -> None:
    torch = pytest.importorskip("torch")
    for name in quota_cost.MATCHING:
        whole, split = (
            quota_cost.measured(torch, name, quotas, 60, 20, 8)
            for quotas in ("proportional", "class by class")
        )
        assert whole["quotas"] == "proportional"
        assert 0.0 < 2 * whole["distance"] < split["distance"]
        assert whole["us"] > 0.0


def test_planted_sets_are_met_within_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_graphs, "SIZES", {"tiny": (3_000, 50, 600)})
    edges, members = sparse_graphs.planted(3_000, 50, 600)
    assert len({tuple(edge) for edge in edges.tolist()}) == len(edges)
    assert np.isin(edges, members).all(axis=1).sum() >= 600
    row = sparse_graphs.measured("tiny", "greedy")
    assert 600 <= row["planted"] <= row["met"] <= row["at most"]


def test_coresets_are_judged_as_random_rows_are() -> None:
    case = coresets.ManyRows.drawn(900, 12, 2)
    rows = list(coresets.rows_of(case, "clusters", products=True, lowest_too=True))
    assert [row["method"] for row in rows] == ["coreset", "random"]
    ours, random = rows
    assert ours["of random"] == ours["root MMD"] / random["root MMD"] < 0.5
    assert ours["error"] == 0.0  # all rows are witnesses
    assert ours["of a product"] > 0.0
    assert 0.0 < ours["lowest"] < ours["root MMD"]


def test_no_selection_is_below_what_is_lowest_but_rarely() -> None:
    X, kernel = coresets.ManyRows.drawn(18, 4, 6).X.astype(np.float64), so.Gaussian(2.0)
    K = kernel(X, X)
    squares = [
        K[np.ix_(few, few)].mean() - 2.0 * K[few].mean() + K.mean()
        for few in map(list, combinations(range(18), 4))
    ]
    assert coresets.lowest(kernel, X, 4) < 1.05 * math.sqrt(min(squares))
    values, counts = coresets.spectrum(K.astype(np.float32))
    centred = K - K.mean(axis=0) - K.mean(axis=1)[:, None] + K.mean()
    assert counts @ values == pytest.approx(np.trace(centred), rel=0.2)
    assert counts.sum() == pytest.approx(18)


def test_embeddings_differ_in_few_directions() -> None:
    variances = [
        np.linalg.eigvalsh(np.cov(coresets.ManyRows.drawn(2000, 9, 40, kind).X.T))
        for kind in coresets.KINDS
    ]
    few = [float(one[-16:].sum() / one.sum()) for one in variances]
    assert few[0] < 0.9 < 0.98 < few[1]


def test_records_of_many_writers_are_measured_before_and_after(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    records_of_many_writers.recorded(tmp_path, 3, 2, 512)
    row = records_of_many_writers.measured(tmp_path, "before")
    assert (row["files"], row["records"]) == (6, 3072)
    assert row["window_s"] > 0


@pytest.mark.parametrize("solver", ["scip", "highs", "cpsat"])
def test_other_solvers_state_the_same_model(solver: str, tmp_path: Path) -> None:
    form = textbook._most(np.triu(np.random.default_rng(0).integers(0, 9, (7, 7)), 1), 3)
    stated, modules = form.quadratic_form(), {"scip": "pyscipopt", "highs": "highspy"}
    pytest.importorskip(modules.get(solver, "ortools"))
    linear = np.random.default_rng(1).integers(-9, 9, 7).astype(np.float64)
    matrix = stated.matrix - 2.0 * np.eye(7)
    matrix[0, 1:3] = matrix[1:3, 0] = 4.0  # products of either sign
    path = str(tmp_path / "model.npz")
    np.savez(path, matrix=matrix, linear=linear, k=3)
    values, bound = commercial_models.SOLVERS[solver][0](
        commercial_models.StatedModel(path, 10.0)
    )()
    masks = np.array([[i in rows for i in range(7)] for rows in combinations(range(7), 3)])
    best = ((masks @ matrix) * masks).sum(axis=1) + masks @ linear
    mask = np.asarray(values) > 0.5
    assert mask @ matrix @ mask + linear @ mask == pytest.approx(best.min())
    assert bound == pytest.approx(best.min(), rel=1e-5)


def test_what_another_solver_has_come_to_is_judged_here(monkeypatch: pytest.MonkeyPatch) -> None:
    small = so.QuadraticSelection(np.random.default_rng(4).integers(-9, 9, size=(12, 12)), k=4)
    form = small.quadratic_form()
    answers = iter(
        [
            (0, '{"version": "1", "chosen": [0, 1, 2, 3], "bound": -1e4}'),
            (0, '{"version": "1", "chosen": null, "bound": 0.0}'),
            (1, ""),
        ]
    )

    def ended(command: list[str], **given: object) -> CompletedProcess[str]:
        code, said = next(answers)
        return CompletedProcess(command, code, said, "ModuleNotFoundError: No module\n")

    monkeypatch.setattr("subprocess.run", ended)
    rows = [commercial.others(form, "gurobi", "python", 1.0) for _ in range(3)]
    value = form.lift(form.value(np.arange(4)))
    assert rows[0]["value"] == value
    assert rows[0]["gap"] == pytest.approx((value + 1e4) / abs(value))
    assert not rows[0]["proven"]
    assert rows[1]["message"] == "no selection"
    assert "No module" in rows[2]["message"]
    (mine,) = commercial.measured(small, [commercial.OURS], "python", 10.0)
    assert mine["proven"]
    assert mine["value"] <= value


def test_an_open_instance_is_proven_and_the_proof_checked(tmp_path: Path) -> None:
    small = so.QuadraticSelection(np.random.default_rng(5).integers(-9, 9, size=(12, 12)), k=4)
    row = open_instances.measured(small, ("1", 1.0), tmp_path / "proof.jsonl.gz", 10.0)
    assert row["gap, verified"] == 0.0
    assert row["bytes"] > 0
    assert list(open_instances.rows(tmp_path, tmp_path, ["QPLIB_0633"], 1.0)) == []


def test_tables_of_exact_answers_say_gaps_and_what_is_short(tmp_path: Path) -> None:
    machine = {"measured": "machine", "cpu": "some", "cores": 2, "date": "today"}
    solved = {"value": -10.0, "gap": 0.0, "proven": True, "processor s": 0.25, "version": "1"}
    open_ = {"value": -9.0, "gap": 0.5, "proven": False, "processor s": 9.0, "version": "2"}
    rows = [
        {"measured": "case", "solver": commercial.OURS, "limit": 12.0, **solved},
        {"measured": "case", "solver": "gurobi", "limit": 12.0, **open_},
        {"measured": "case", "solver": "xpress", "limit": 12.0, "message": "no module"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in [machine, *rows]), encoding="utf-8")
    text = exact_shown.compared(path)
    assert "| case | 0.25 s | gap 50 %, value 10 % off | no module |" in text
    assert "proved 0 of 1" in text
    assert "Gurobi 2" in text
