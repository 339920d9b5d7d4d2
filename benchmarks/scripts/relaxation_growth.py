"""What `frank-wolfe` takes of quadratic problems as they grow, and where it goes.

``python -m benchmarks.scripts.relaxation_growth`` prints seconds of processor time: of the diagonal
that makes the problem convex, of the steps, and of the whole solver, swaps included; the duality
gap in which the steps end, and the bound. Of each kind, the exponent of n that fits the whole.
"""

from collections.abc import Iterator
from time import process_time

import numpy as np

import subsetopt as so
from subsetopt.limits import Limits
from subsetopt.solvers._deadline import NEVER
from subsetopt.solvers.relaxations import _convex
from subsetopt.solvers.relaxations._quadratic_relaxation import QuadraticRelaxation

from .script import Row, parser, report, report_machine
from .search import Problem, diversity, euclidean, mixture

_TOLERANCE = 1e-8


def dense(n: int, k: int) -> Problem:
    """Return a convex quadratic with a linear term, of a quarter of full rank."""
    draw = np.random.default_rng(5)
    factor = draw.normal(size=(n, n // 4))
    return so.QuadraticSelection(factor @ factor.T / n, draw.normal(size=n), k)


def _clusters(n: int, k: int) -> Problem:
    return mixture(n, k, 10)


KINDS = {"mmd": _clusters, "dense": dense, "diversity": diversity, "euclidean": euclidean}


def measured(kind: str, n: int) -> Row:
    """Return the row of an instance."""
    problem = KINDS[kind](n, n // 10)
    form = problem.quadratic_form()
    begun = process_time()
    taken = _convex.diagonal(form)
    diagonal = process_time() - begun
    relaxed = QuadraticRelaxation(form, taken)
    relaxed.run(_TOLERANCE, Limits(), NEVER)
    steps = process_time() - begun - diagonal
    begun = process_time()
    solution = so.solve(problem, "frank-wolfe")
    return {
        "kind": kind,
        "n": n,
        "diagonal, s": diagonal,
        "steps, s": steps,
        "solver, s": process_time() - begun,
        "gap": relaxed.relative_gap,
        "bound": solution.bound,
        "objective": solution.objective,
    }


def table(kinds: list[str], sizes: list[int]) -> Iterator[Row]:
    """Yield the rows of each kind, the exponent with the last."""
    measured(kinds[0], 60)  # what is compiled is compiled before
    for kind in kinds:
        rows = []
        for n in sizes:
            row = measured(kind, n)
            rows.append(row)
            if n == sizes[-1] and len(sizes) > 1:
                seconds = np.log([max(each["solver, s"], 1e-9) for each in rows])
                row["exponent"] = float(np.polyfit(np.log(sizes), seconds, 1)[0])
            yield row


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[250, 500, 1000, 2000, 4000])
    options.add_argument("--kinds", nargs="+", choices=list(KINDS), default=list(KINDS))
    given = options.parse_args()
    report_machine(given)
    report(given, table(given.kinds, given.sizes), "frank-wolfe")


if __name__ == "__main__":
    main()
