"""Proof files of every kind: how large they are, and how long making and checking them takes.

``python -m benchmarks.scripts.proof_files`` prints a row for each kind; ``--only`` chooses some.
``--random 500`` proves so many small random instances of each kind instead, and has both readers
check every file; it ends with 1 where one is rejected. One thread, processor time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import subsetopt as so
from subsetopt.verify import standalone, verify, verify_proof

from .proofs import mixture
from .script import Row, parser, report, report_machine

SCRIPT: Any = standalone
SEMIDEFINITE = so.solver("branch-and-bound", bounds="semidefinite")
CONVEX = so.solver("branch-and-bound", bounds="convex")
COMBINATORIAL = so.solver("branch-and-bound", bounds="combinatorial")
DYNAMIC = so.solver("exact", method="dynamic")


@dataclass(frozen=True)
class ProofKind:
    """Instances of one kind: of a seed and a size, and how large the measured one is."""

    name: str
    problem: Callable[[int, int], Any]
    solver: Any
    n: int
    small: int


def distances(seed: int, n: int, k: int = 0) -> so.QuadraticSelection:
    """Return random distances of 0 to 100, of which a quarter of the candidates is to be chosen."""
    matrix = np.triu(np.random.default_rng(seed).integers(0, 101, (n, n)), 1)
    return so.QuadraticSelection(matrix, k=k or n // 4, sense="maximise")


def points(seed: int, n: int, k: int = 0, d: int = 2) -> so.QuadraticSelection:
    """Return the distances of Gaussian points."""
    rows = np.random.default_rng(seed).normal(size=(n, d))
    apart = np.sqrt(((rows[:, None] - rows) ** 2).sum(axis=2))
    return so.QuadraticSelection(np.triu(apart, 1), k=k or max(2, n // 20), sense="maximise")


def ranged(seed: int, n: int) -> so.QuadraticSelection:
    """Return gains and losses of pairs, of which from an eighth to a quarter is chosen."""
    matrix = np.triu(np.random.default_rng(seed).integers(-60, 61, (n, n)), 1)
    return so.QuadraticSelection(matrix, k=(n // 8, n // 4), sense="maximise")


def ruled(seed: int, n: int, kind: str) -> so.QuadraticSelection:
    """Return random distances with constraints of a kind, which some selection keeps."""
    generator, problem = np.random.default_rng(seed), distances(seed, n)
    kept = generator.choice(n, problem.k, replace=False)
    labels, costs = np.arange(n) % 3, np.round(generator.uniform(1, 9, n), 2)
    counts = dict(enumerate(np.bincount(labels[kept], minlength=3).tolist()))
    pairs = [(i, j) for i, j in generator.integers(0, n, (2 * n, 2)).tolist() if i < j]
    rules: dict[str, dict[str, Any]] = {
        "quotas": {"quotas": so.Quota([*labels], exactly=counts)},
        "limits": {"quotas": so.Quota([*labels], at_most={g: c + 1 for g, c in counts.items()})},
        "budget": {"costs": costs, "budget": float(costs[kept].sum() + 0.005)},
        "conflicts": {"conflicts": [pair for pair in pairs if not {*pair} <= {*kept.tolist()}]},
    }
    return problem.constrained(so.Constraints(**rules[kind]))


def values(seed: int, n: int, k: int) -> so.MeanMatching:
    """Return normal values, of which the mean of k is to be near to that of all."""
    return so.MeanMatching(np.random.default_rng(seed).normal(size=n), k)


def halves(seed: int, n: int) -> so.MeanMatching:
    """Return as many as two sorted halves take."""
    return values(seed, n, n // 4)


def table(seed: int, n: int) -> so.MeanMatching:
    """Return multiples of seven, whose sums have to come near to one that is none."""
    whole = np.random.default_rng(seed).integers(-30, 30, n) * 7
    return so.MeanMatching(whole, n // 2, target=1.5)


def at_most(seed: int, n: int) -> so.MeanMatching:
    """Return values of which at most half are to be chosen."""
    spread = np.random.default_rng(seed).normal(size=n)
    return so.MeanMatching(spread, n // 2, 0.3, "at_most")


KINDS = (
    ProofKind(
        "sums, reach", lambda s, n: so.MeanMatching([*range(n)], 4, target=2.0 * n), "exact", 60, 16
    ),
    ProofKind("sums, halves", halves, "exact", 36, 16),
    ProofKind("sums, table", table, DYNAMIC, 80, 16),
    ProofKind("sums, at most", at_most, "exact", 24, 10),
    ProofKind("combinatorial", distances, COMBINATORIAL, 28, 12),
    ProofKind("semidefinite", distances, SEMIDEFINITE, 50, 14),
    ProofKind("shorter of both", distances, "branch-and-bound", 50, 14),
    ProofKind("convex, plane", points, CONVEX, 1000, 14),
    ProofKind("convex, ten dimensions", lambda s, n: points(s, n, 0, 10), CONVEX, 1000, 14),
    ProofKind("MMD", lambda s, n: mixture(n, max(2, n // 10), s), "branch-and-bound", 80, 16),
    ProofKind("sizes", ranged, "branch-and-bound", 40, 12),
    *(
        ProofKind(kind, partial(ruled, kind=kind), "branch-and-bound", 40, 14)
        for kind in ("quotas", "limits", "budget", "conflicts")
    ),
)


def filed(kind: ProofKind, seed: int, n: int, path: Path) -> Row:
    """Prove an instance, check the file by both readers; returns what it took."""
    problem = kind.problem(seed, n)
    path.unlink(missing_ok=True)
    begin = time.process_time()
    solution = so.solve(problem, kind.solver, threads=1)
    solved = time.process_time()
    so.solve(problem, kind.solver, threads=1, proof=path)
    made = time.process_time()
    result = verify_proof(path)
    checked = time.process_time()
    SCRIPT.Proof(str(path)).check()
    ended = time.process_time()
    assert verify(problem, solution, path).bound == result.bound
    assert result.objective is not None
    assert result.bound is not None
    return {
        "kind": kind.name,
        "n": n,
        "k": problem.k,
        "proves": "optimum" if result.optimal else "bound",
        "gap": float(result.objective - result.bound),
        "nodes": nodes_of(path),
        "kB": path.stat().st_size / 1e3,
        "solved, s": solved - begin,
        "with proof, s": made - solved,
        "checked, s": checked - made,
        "by script, s": ended - checked,
    }


def nodes_of(path: Path) -> int:
    """Return the nodes that the last line of a proof counts."""
    *_, last = SCRIPT.lines_of(path)
    return int(last["end"])


def randomly(kind: ProofKind, count: int, path: Path) -> Row:
    """Prove and check small random instances; returns how many of them held."""
    begin, held, exact = time.process_time(), 0, 0
    for seed in range(count):
        try:
            row = filed(kind, seed, kind.small, path)
        except (so.VerificationFailed, ValueError, LookupError) as error:
            print(f"{kind.name}, seed {seed}: {error}", flush=True)
            continue
        held, exact = held + 1, exact + (row["proves"] == "optimum")
    seconds = time.process_time() - begin
    return {"kind": kind.name, "instances": count, "verified": held, "optima": exact, "s": seconds}


def measured(given: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Yield the rows that are asked for."""
    path = folder / "proof.jsonl.gz"
    for kind in KINDS:
        if given.only not in kind.name:
            continue
        if given.random:
            yield randomly(kind, given.random, path)
        else:
            filed(kind, 0, kind.small, path)  # compiles
            yield filed(kind, 1, kind.n, path)


def main() -> int:
    """Print a row for each kind; returns the exit code."""
    options = parser(__doc__)
    options.add_argument("--only", default="", help="only kinds whose name holds this text")
    options.add_argument("--random", type=int, default=0, help="so many small instances of each")
    given = options.parse_args()
    report_machine(given)
    with tempfile.TemporaryDirectory() as folder:
        failed = False
        for row in measured(given, Path(folder)):
            report(given, [row], row["kind"])
            failed |= row.get("verified") != row.get("instances")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
