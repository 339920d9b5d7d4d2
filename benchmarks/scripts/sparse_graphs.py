"""Planted dense sets in large sparse graphs: what solvers meet of them, in which time and memory.

``python -m benchmarks.scripts.sparse_graphs`` prints a table; ``--only`` names some of its sizes.
Each graph is uniform of average degree 10, with edges among k nodes added; ``planted`` is how many
edges lie among these. Each row has a process of its own, whose peak of memory is shown; kernels are
compiled before.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import subsetopt as so

from .script import Row, parser, report, report_machine

SIZES = {"20k": (20_000, 100, 991), "100k": (100_000, 300, 5_000), "1m": (1_000_000, 1_000, 20_000)}
"""Nodes, k, and the edges that are added among k of the nodes."""
SOLVERS = ("greedy", "swap", "auto")
_DEGREE = 10
_CHILD = (
    "import json, sys; from subsetopt.benchmarks.scripts.sparse_graphs import measured; "
    "print(json.dumps(measured(*sys.argv[1:])))"
)


def planted(n: int, k: int, inside: int, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the edges (m, 2) of a graph, each once, and the k nodes of the dense set."""
    draw = np.random.default_rng(seed)
    background = draw.integers(n, size=(_DEGREE * n // 2, 2))
    members = np.sort(draw.choice(n, k, replace=False))
    rows, columns = np.triu_indices(k, 1)
    added = draw.choice(len(rows), inside, replace=False)
    edges = np.concatenate([background, members[np.stack([rows[added], columns[added]], axis=1)]])
    edges = np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1)
    pairs = np.unique(edges[:, 0] * n + edges[:, 1])
    return np.stack(np.divmod(pairs, n), axis=1), members


def measured(size: str, solver: str) -> Row:
    """Return one row of the table."""
    import resource

    n, k, inside = SIZES[size]
    edges, members = planted(n, k, inside)
    begun = perf_counter()
    problem = so.QuadraticSelection.from_entries(
        n, edges[:, 0], edges[:, 1], np.full(len(edges), 0.5), k, sense="maximise"
    )
    built = perf_counter() - begun
    solution = so.solve(problem, solver, bound="degrees")
    assert solution.objective is not None
    assert solution.bound is not None
    return {
        "nodes": n,
        "edges": len(edges),
        "k": k,
        "solver": solver,
        "planted": int(problem.stated(problem.objective(members))),
        "met": int(problem.stated(solution.objective)),
        "at most": int(problem.stated(solution.bound)),  # edges: whole numbers
        "build s": round(built, 2),
        "solve s": round(solution.stats.total_seconds, 2),
        "peak GiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def rows(sizes: list[str]) -> Iterator[Row]:
    """Yield the rows of the table, each from a process of its own."""
    for size in sizes:
        for solver in SOLVERS:
            command = [sys.executable, "-c", _CHILD, size, solver]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            yield json.loads(done.stdout)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES))
    given = options.parse_args()
    report_machine(given)
    report(given, rows(given.only), "planted sets in sparse graphs")


if __name__ == "__main__":
    main()
