"""Proofs of every kind: written, checked by both readers, and held against enumeration."""

import pickle
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subsetopt as so

from .proof_files import (  # type: ignore[import-not-found]
    accepted,
    lines_of,
    run_script,
)


def solved(problem: Any, solver: Any, path: Path, **limits: Any) -> so.Solution:
    return so.solve(problem, solver, proof=path, **limits)


def best_of_all(problem: Any) -> Fraction:
    """Return the least objective, by enumeration in integers of 2**-1074."""
    rules, n = problem.constraints, problem.n
    inside = set() if rules is None else {*rules.include.tolist()}
    free = [i for i in range(n) if rules is None or i not in {*rules.exclude.tolist()} | inside]
    sizes = range(problem.smallest_count - len(inside), problem.k + 1 - len(inside))
    every = ([*one, *inside] for size in sizes for one in combinations(free, size))
    if problem.family == "mean-matching":
        whole = [int(Fraction(v) * UNITS) for v in problem.values.tolist()]
        target = Fraction(problem.target or 0) * UNITS
        target = Fraction(sum(whole), n) if problem.target is None else target
        wanted, sums = target * problem.k, {sum(whole[i] for i in one) for one in every}
        return Fraction(min(abs(wanted - total) for total in sums), UNITS * problem.k)
    every = (one for one in every if rules is None or problem.side.keeps(np.sort(one)))
    sign = -1 if problem.sense == "maximise" else 1
    pairs = [[sign * int(Fraction(v) * UNITS) for v in row] for row in problem.Q.tolist()]
    own = [sign * int(Fraction(v) * UNITS) + pairs[i][i] for i, v in enumerate(problem.c.tolist())]
    values = (
        sum(own[i] for i in one) + 2 * sum(pairs[i][j] for i, j in combinations(one, 2))
        for one in every
    )
    return Fraction(min(values), UNITS)


UNITS = 2**1074


def diversity(seed: int, n: int = 14, k: int = 5) -> so.QuadraticSelection:
    distances = np.triu(np.random.default_rng(seed).integers(0, 101, (n, n)), 1)
    return so.QuadraticSelection(distances, k=k, sense="maximise")


def dispersion(seed: int, n: int = 14, k: int = 5) -> so.QuadraticSelection:
    points = np.random.default_rng(seed).normal(size=(n, 2))
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(axis=2))
    return so.QuadraticSelection(np.triu(apart, 1), k=k, sense="maximise")


def values(seed: int, n: int = 18) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=n)


def sized(problem: so.QuadraticSelection, sizes: tuple[int, int]) -> so.QuadraticSelection:
    mixed = problem.Q - 40 * np.triu(np.ones((problem.n, problem.n)), 1)
    return so.QuadraticSelection(mixed, k=sizes, sense="maximise")


def ruled(seed: int, *kinds: str, n: int = 13, k: int = 5) -> so.QuadraticSelection:
    """Return a problem with constraints of some kinds that some selection keeps."""
    generator = np.random.default_rng(seed)
    plain = diversity(seed, n, k)
    kept = np.sort(generator.choice(n, k, replace=False))
    labels, others = generator.integers(0, 3, (2, n))
    counts, more = np.bincount(labels[kept], minlength=3), np.bincount(others[kept], minlength=3)
    costs = np.round(generator.uniform(0.1, 3, n), 1)
    pairs = [(i, j) for i, j in combinations(range(n), 2) if {i, j} - {*kept.tolist()}]
    fields: dict[str, dict[str, Any]] = {
        "exactly": {"quotas": so.Quota([*labels], exactly=counted(labels, counts))},
        "limits": {"quotas": so.Quota([*labels], at_most=counted(labels, counts + 1))},
        "overlapping": {
            "quotas": [
                so.Quota([*labels], at_least=counted(labels, counts - 1)),
                so.Quota([*others], at_most=counted(others, more)),
            ]
        },
        "budget": {"costs": costs, "budget": float(costs[kept].sum() + 0.05)},
        "conflicts": {"conflicts": [pairs[i] for i in generator.choice(len(pairs), 12)]},
        "included": {"include": kept[:1]},
        "excluded": {"exclude": np.setdiff1d(np.arange(n), kept)[:1]},
    }
    rules: dict[str, Any] = {}
    for kind in kinds:
        rules |= fields[kind]
    return plain.constrained(so.Constraints(**rules))


def counted(labels: np.ndarray[Any, Any], counts: np.ndarray[Any, Any]) -> dict[Any, int]:
    return {group: max(0, int(counts[group])) for group in np.unique(labels)}


SEMIDEFINITE = so.solver("branch-and-bound", bounds="semidefinite")
CONVEX = so.solver("branch-and-bound", bounds="convex")

KINDS: dict[str, tuple[Callable[[int], Any], Any]] = {
    "extremes": (lambda seed: so.MeanMatching(values(seed), 4, target=9.0), "exact"),
    "grid": (lambda seed: so.MeanMatching(values(seed).astype(np.float16), 5), "exact"),
    "meet": (lambda seed: so.MeanMatching(values(seed), 5), "exact"),
    "table": (
        lambda seed: so.MeanMatching((values(seed) * 9).astype(int) * 7, 11, target=1.5),
        so.solver("exact", method="dynamic"),
    ),
    "at most": (lambda seed: so.MeanMatching(values(seed, 9), 6, 0.3, "at_most"), "exact"),
    "combinatorial": (lambda seed: diversity(seed, 12), "branch-and-bound"),
    "semidefinite": (diversity, SEMIDEFINITE),
    "complement": (lambda seed: diversity(seed, k=10), SEMIDEFINITE),
    "floats": (
        lambda seed: so.QuadraticSelection(
            np.random.default_rng(seed).normal(size=(14, 14)), values(seed, 14), k=6
        ),
        SEMIDEFINITE,
    ),
    "convex": (dispersion, CONVEX),
    "convex, integers": (lambda seed: diversity(seed, 12), CONVEX),
    "sizes": (lambda seed: sized(diversity(seed, 12), (3, 5)), SEMIDEFINITE),
    "sizes, combinatorial": (lambda seed: sized(diversity(seed, 10), (2, 4)), "branch-and-bound"),
    "quotas": (lambda seed: ruled(seed, "exactly", "included"), "branch-and-bound"),
    "quotas, left out": (lambda seed: ruled(seed, "exactly", k=8), "branch-and-bound"),
    "limits": (lambda seed: ruled(seed, "limits", "overlapping"), "branch-and-bound"),
    "budget": (lambda seed: ruled(seed, "budget"), "branch-and-bound"),
    "conflicts": (lambda seed: ruled(seed, "conflicts"), "branch-and-bound"),
    "conflicts, left out": (lambda seed: ruled(seed, "conflicts", k=7), "branch-and-bound"),
    "everything": (
        lambda seed: ruled(seed, "limits", "budget", "conflicts", "excluded"),
        "branch-and-bound",
    ),
    "any solver": (lambda seed: diversity(seed, 10), "swap"),
}
"""A random instance and a solver for each kind of proof."""


def check_kind(kind: str, seed: int, path: Path) -> None:
    state, solver = KINDS[kind]
    problem = state(seed)
    solution = solved(problem, solver, path)
    report = so.verify(problem, solution, path)
    assert report == accepted(path)
    assert report.objective == problem.exact_objective(solution.indices)
    best = best_of_all(problem)
    assert report.bound is not None
    assert report.bound <= best
    assert report.optimal or solution.certificate.kind is not so.CertificateKind.EXACT
    assert not report.optimal or report.objective == best


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_is_proven_is_verified(
    kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_kind(kind, seed, tmp_path_factory.getbasetemp() / "proof.jsonl.gz")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_500_of_each_kind(kind: str, tmp_path: Path) -> None:
    for seed in range(500):
        check_kind(kind, seed, tmp_path / "proof.jsonl.gz")


def test_what_is_included_and_excluded_holds_in_the_proof(tmp_path: Path) -> None:
    rules = so.Constraints(include=[3], exclude=[0, 7])
    for plain, solver in (
        (diversity(1, 10, 4), "branch-and-bound"),
        (so.MeanMatching(values(2, 12), 5), "exact"),
    ):
        problem = plain.constrained(rules)
        solution = solved(problem, solver, tmp_path / "proof.jsonl.gz")
        report = so.verify(problem, solution, tmp_path / "proof.jsonl.gz")
        assert report.optimal
        assert report.objective == best_of_all(problem)
        with pytest.raises(so.VerificationFailed, match="another problem"):
            so.verify(plain, solution, tmp_path / "proof.jsonl.gz")


def test_a_proof_of_mmd_is_of_its_form(tmp_path: Path) -> None:
    path = tmp_path / "proof.jsonl.gz"
    problem = so.MMDSelection(np.random.default_rng(1).normal(size=(12, 2)), k=4)
    solution = solved(problem, "branch-and-bound", path)
    report = so.verify(problem, solution, path)
    assert not report.optimal  # sums of floats stand for the kernel
    assert report.bound is not None
    assert solution.objective == pytest.approx(float(report.bound), rel=1e-6)


def test_what_is_long_to_check_is_proven_by_fewer_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solvers.exact import _portfolio

    path, problem = tmp_path / "proof.jsonl.gz", diversity(1, 20, 7)
    solved(problem, "branch-and-bound", path)
    assert leaves(path) == {-1}
    monkeypatch.setattr(_portfolio, "_CHECKED", 1e-3)  # s a node
    monkeypatch.setattr(_portfolio, "_RELAXED", 0.0)
    solution = solved(problem, "branch-and-bound", path)
    assert so.verify(problem, solution, path).optimal
    assert -2 in leaves(path)


def leaves(path: Path) -> set[int]:
    codes = (code for line in lines_of(path) for code in line.get("tree", ()))
    return {max(code, -3) for code in codes if code < 0}


def test_distances_of_a_hundred_are_proven_by_cuts(tmp_path: Path) -> None:
    path, problem = tmp_path / "proof.jsonl.gz", dispersion(1, 100, 10)
    solution = solved(problem, CONVEX, path)
    report = so.verify(problem, solution, path)
    assert report == accepted(path)
    assert -3 in leaves(path)
    assert report.bound is not None
    assert float(report.bound) == pytest.approx(solution.objective, rel=1e-8)


def test_included_candidates_are_no_part_of_what_is_convex(tmp_path: Path) -> None:
    path, rules = tmp_path / "proof.jsonl.gz", so.Constraints(include=[3, 5], exclude=[0])
    problem = dispersion(1).constrained(rules)
    solution = solved(problem, CONVEX, path)
    assert so.verify(problem, solution, path) == accepted(path)
    assert -3 in leaves(path)


def test_candidates_that_were_selected_before_are_excluded(tmp_path: Path) -> None:
    path, points = tmp_path / "proof.jsonl.gz", np.random.default_rng(3).normal(size=(14, 2))
    kernel = np.exp(-((points[:, None] - points) ** 2).sum(axis=2))
    problem = so.MMDSelection(kernel, k=4, selected=[2, 9], kernel="precomputed")
    solution = solved(problem, "branch-and-bound", path)
    report = so.verify(problem, solution, path)
    assert report == accepted(path)
    assert lines_of(path)[0]["problem"]["exclude"] == [2, 9]
    assert report.bound is not None
    assert solution.objective == pytest.approx(float(report.bound), rel=1e-6)
    ruled = problem.constrained(so.Constraints(include=[5], quotas=so.Quota([0, 1] * 7, exactly=2)))
    solution = solved(ruled, "branch-and-bound", path)
    report = so.verify(ruled, solution, path)
    assert report == accepted(path)
    assert solution.objective == pytest.approx(float(report.bound or 0), rel=1e-6)


def test_an_unfinished_search_proves_a_weaker_bound(tmp_path: Path) -> None:
    path = tmp_path / "proof.jsonl.gz"
    problem = diversity(3, 40, 12)
    solution = solved(problem, so.solver("tabu", iterations=50), path)
    assert "proof of a bound" in solution.message
    report = accepted(path)
    assert report.bound is not None
    assert report.objective is not None
    assert not report.optimal
    assert report.bound < report.objective


def test_a_bound_within_tolerances_proves_the_optimum_of_integers(tmp_path: Path) -> None:
    path, problem = tmp_path / "proof.jsonl.gz", diversity(1, 10)
    solution = solved(problem, "highs", path, time_limit=60)
    assert solution.certificate.kind is not so.CertificateKind.EXACT
    assert so.verify(problem, solution, path).optimal


@pytest.mark.parametrize("error", [KeyboardInterrupt, so.TooLarge("too large", seconds=1, bytes=1)])
def test_without_a_proof_the_answer_stays(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solvers import _proof_log

    def ended(*_: Any) -> Any:
        yield 0
        raise error

    monkeypatch.setattr(_proof_log, "regrown", ended)
    solution = solved(diversity(1, 10), "swap", tmp_path / "proof.jsonl.gz")
    assert solution.indices is not None
    assert "no proof file" in solution.message
    assert not list(tmp_path.iterdir())


def test_the_same_search_writes_the_same_file(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.jsonl.gz", "b.jsonl.gz")]
    for threads, path in enumerate(paths, 1):
        solved(diversity(4), "branch-and-bound", path, threads=threads)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_semidefinite_proofs_are_the_same_for_any_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solvers.exact import _branching

    monkeypatch.setattr(_branching, "_ROUNDS", 0)  # so that one node is not enough
    monkeypatch.setattr(_branching, "_ENUMERABLE", 1)
    monkeypatch.setattr(_branching, "_SETTLED", 1)
    files = []
    for threads in (1, 2, 3):
        path = tmp_path / f"{threads}.jsonl.gz"
        solved(diversity(14, 18, 9), SEMIDEFINITE, path, threads=threads)
        files.append(path.read_bytes())
    assert lines_of(path)[-1]["end"] > 8
    assert accepted(path).optimal
    assert files[0] == files[1] == files[2]


def test_a_proof_that_takes_too_long_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from subsetopt.solvers import _proof_log
    from subsetopt.solvers._deadline import OutOfTime

    path = tmp_path / "proof.jsonl.gz"
    solution = solved(diversity(1), "swap", path, time_limit=1e-6)
    assert "stating the problem takes half of the time limit" in solution.message

    def late(*arguments: Any) -> Any:
        yield 0
        raise OutOfTime

    monkeypatch.setattr(_proof_log, "regrown", late)
    solution = solved(diversity(1), "swap", path, time_limit=100)
    assert solution.indices is not None
    assert "no proof file: it takes more than the time limit of 100" in solution.message
    assert not list(tmp_path.iterdir())


def test_all_of_a_proof_looks_at_the_clock(tmp_path: Path) -> None:
    from subsetopt.solvers._deadline import OutOfTime
    from subsetopt.solvers._proof_log import ProofLog

    problem, looks = dispersion(1, 30, 4), 0

    def look() -> None:
        nonlocal looks
        looks += 1

    def end() -> None:
        look()
        if looks > 40:
            raise OutOfTime

    log = ProofLog(problem, look)
    assert looks >= problem.n
    solution, looks = so.solve(problem, "branch-and-bound"), 0
    with pytest.raises(OutOfTime):
        log.write(tmp_path / "proof.jsonl.gz", solution, end)
    assert not list(tmp_path.iterdir())


def test_the_script_needs_no_package(tmp_path: Path) -> None:
    path = tmp_path / "proof.jsonl.gz"
    solved(diversity(5), "branch-and-bound", path)
    ended = run_script(path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "VERIFIED: optimal" in ended.stdout
    assert lines_of(path)[0]["digest"] in ended.stdout
    path.write_bytes(path.read_bytes()[:-20])
    assert run_script(path).returncode == 1


def test_the_script_is_short_enough_to_be_read() -> None:
    from subsetopt.verify import standalone

    with open(str(standalone.__file__)) as file:
        assert sum(1 for _ in file) < 400


def test_no_proof_of_sums_with_quotas(tmp_path: Path) -> None:
    rules = so.Constraints(quotas=so.Quota([0, 1] * 5, at_least=1))
    problem = so.MeanMatching(np.arange(10.0), 4).constrained(rules)
    with pytest.raises(so.UnsupportedProblem, match="not quotas"):
        solved(problem, "exact", tmp_path / "proof.jsonl.gz")
    assert not list(tmp_path.iterdir())


def test_candidates_that_constraints_imply_are_ruled_out_in_the_proof(tmp_path: Path) -> None:
    path = tmp_path / "proof.jsonl.gz"
    rules = so.Constraints(quotas=so.Quota([0, 0, 1] * 5, exactly={1: 5}), include=[0])
    problem = diversity(2, 15, 8).constrained(rules)
    solution = solved(problem, "branch-and-bound", path)
    report = so.verify(problem, solution, path)
    assert report == accepted(path)
    assert report.objective == best_of_all(problem)
    assert report.optimal


# -- without a proof -------------------------------------------------------------------------------


def test_the_package_that_can_be_called_goes_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(so.verify)) is so.verify is so.verify.verify


def test_without_a_proof_what_can_be_checked_is() -> None:
    exact = so.solve(so.MeanMatching(np.arange(40.0), 7), "exact")
    report = so.verify(so.MeanMatching(np.arange(40.0), 7), exact)
    assert report.optimal  # attains the grid
    assert not report.unchecked
    problem = diversity(1)
    report = so.verify(problem, so.solve(problem, "branch-and-bound"))
    assert not report.optimal
    assert "there is no proof file" in str(report)
    assert report.bound is not None
    assert report.bound <= best_of_all(problem)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": np.array([0, 1, 2])}, "must have 5 candidates"),
        ({"indices": np.array([0, 1, 2, 3, 99])}, "candidates in"),
        ({"indices": np.array([0, 1, 2, 3, 3])}, "twice"),
        ({"objective": -1.0}, "the objective of the selection"),
        ({"objective": float("nan")}, "finite"),
        ({"indices": None}, "no selection"),
    ],
)
def test_wrong_answers_are_rejected(change: dict[str, Any], message: str) -> None:
    problem = diversity(2)
    good = so.solve(problem, "swap")
    fields = {"indices": good.indices, "objective": good.objective, "bound": None, **change}
    answer: Any = type("Answer", (), fields)
    with pytest.raises(so.VerificationFailed, match=message):
        so.verify(problem, answer)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"include": [9]}, "is to be included"),
        ({"exclude": [0]}, "is excluded"),
        ({"conflicts": [(0, 1)]}, "conflict"),
        ({"quotas": so.Quota([0] * 4 + [1] * 6, at_least=2)}, "group 1 has 0 chosen"),
        ({"costs": [0.2] * 4 + [0.1] * 6, "budget": 0.7}, "above the budget"),
    ],
)
def test_broken_constraints_are_rejected(rules: dict[str, Any], message: str) -> None:
    problem = diversity(2, 10, 4).constrained(so.Constraints(**rules))
    answer: Any = type("Answer", (), {"indices": [0, 1, 2, 3], "objective": 0.0, "bound": None})
    with pytest.raises(so.VerificationFailed, match=message):
        so.verify(problem, answer)


def test_of_a_range_of_sizes_the_objective_is_checked(tmp_path: Path) -> None:
    problem = so.QuadraticSelection(np.diag([1.0, -2.0, 3.0, -4.0]), k=(1, 3))
    solution = so.solve(problem, "swap")
    report = so.verify(problem, solution)
    assert report.objective == -6
    vectors = so.MeanMatching(np.eye(6), 3, cardinality="at_most")
    with pytest.raises(so.UnsupportedProblem, match="sizes"):
        solved(vectors, "swap", tmp_path / "proof.jsonl.gz")


def test_of_very_many_candidates_the_chosen_alone_are_looked_at() -> None:
    rows = np.arange(3000)
    problem = so.QuadraticSelection.from_entries(3000, rows[:-1], rows[1:], rows[1:] / 4, k=3)
    answer: Any = type("Answer", (), {"indices": [4, 5, 6], "objective": 2 * 11 / 4, "bound": None})
    report = so.verify(problem, answer)
    assert report.objective == Fraction(11, 2)
    assert report.bound is None
