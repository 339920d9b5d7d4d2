"""Branch and bound with three kinds of bounds: proven optima of quadratic problems."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from subsetopt._checks import require_integer, require_one_of
from subsetopt._dependencies import NUMBA, OptionalDependency
from subsetopt.errors import TooLarge, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.models import CONSTRAINT_KINDS, QUADRATIC_FAMILIES, QuadraticForm
from subsetopt.models._side_constraints import side_of
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.solution import Termination
from subsetopt.solvers._deadline import Deadline, TimedSolver
from subsetopt.solvers.base import Kind, RawResult
from subsetopt.solvers.heuristics._pool_search import require_matrix

from ._branching import semidefinite_bound
from ._convex_tree import CONVEX_LARGEST
from ._portfolio import ITERATION, SEMIDEFINITE_LARGEST, Portfolio

__all__ = ["BranchAndBound"]

Bounds = Literal["auto", "combinatorial", "convex", "semidefinite"]


@dataclass(frozen=True, kw_only=True)
class BranchAndBound(TimedSolver):
    """Divide on an item; bound what is left by sums of pairs, or by a semidefinite relaxation.

    Three trees. In the first a node is bounded by the largest pairs that are still open, O(n k) in
    whole numbers; in the second by a convex relaxation, O(n^2) for the n that are not yet fixed by
    it; in the third by a semidefinite one, some hundred iterations of O(n^3). Each is given up
    where its bound does not come on, and the next is searched; the first also gets a sixth of the
    third's time where it did. The message says how many nodes of each there were, and how many are
    open: none of the one that has proven the optimum.

    Constraints are rows of the semidefinite relaxation, and settle what they can at every node by
    counting; the other trees take none. That relaxation is doubly nonnegative with triangle
    inequalities, see `_semidefinite`, and of up to 600 candidates. Where all values of the
    objective are multiples of one number, as for integers, the bounds are rounded up to it and the
    optimum is proven with no tolerance; else it is proven to the rounding of its coefficients by
    the first tree, to 1e-9 of the magnitude of the value by the others. What is looked at of the
    first two trees, and with it their answer, is the same for any number of threads.

    Parameters
    ----------
    nodes : int or None
        How many of each tree may be looked at.
    bounds : {"auto", "combinatorial", "convex", "semidefinite"}
        All trees, or which of them.

    References
    ----------
    Marti, Gallego & Duarte (2010), A branch and bound algorithm for the maximum diversity problem;
    Krislock, Malick & Roupin (2014), Improved semidefinite bounding procedure for solving Max-Cut
    problems to optimality; Gusmeroli et al. (2022), BiqBin.
    """

    nodes: int | None = None
    bounds: Bounds = "auto"

    name: ClassVar[str] = "branch-and-bound"
    kind: ClassVar[Kind] = Kind.EXACT
    summary: ClassVar[str] = "bounds by sums of pairs, a convex and a semidefinite relaxation"
    choose_when: ClassVar[str] = "an optimum of 100 candidates, or 1,000 distances, is to be proven"
    handles: ClassVar[tuple[str, ...]] = QUADRATIC_FAMILIES
    takes: ClassVar[frozenset[str]] = frozenset(CONSTRAINT_KINDS)
    requires: ClassVar[tuple[OptionalDependency, ...]] = (NUMBA,)
    exact: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_integer("nodes", self.nodes, "[1, inf)", none=True)
        require_one_of("bounds", self.bounds, get_args(Bounds))

    def search(self, problem: Any, limits: Limits, deadline: Deadline) -> RawResult:
        """Return the best selection and the least open bound."""
        require_matrix(problem)
        constrained = side_of(problem) is not None
        if self.bounds == "semidefinite" or constrained:
            if problem.n > SEMIDEFINITE_LARGEST:
                raise too_large(problem.n)
        elif problem.n > CONVEX_LARGEST:
            raise TooLarge(
                f"the convex relaxation of {problem.n} candidates needs eigenvalues of as many "
                f"rows; at most {CONVEX_LARGEST} are taken: tabu finds good selections, bound='fw' "
                "bounds them",
                seconds=3e-10 * problem.n**3,
                bytes=48.0 * problem.n**2,
            )
        form: QuadraticForm = problem.quadratic_form(deadline.check)
        if form.side is not None and self.bounds in ("combinatorial", "convex"):
            raise UnsupportedProblem(
                f"bounds={self.bounds!r} takes no constraints but sizes, include and exclude; "
                "bounds='auto' takes all"
            )
        search = Portfolio(form, problem.family == "quadratic", self.bounds, limits, deadline)
        built = deadline.elapsed
        with one_blas_thread():
            termination = search.all_of_it(self.nodes or math.inf)
            search.leave_proof()
        return RawResult(
            indices=form.indices(search.best),
            termination=termination,
            bound=search.bound,
            proven=termination is Termination.OPTIMAL and search.exact,
            build_seconds=built,
            solve_seconds=deadline.since(built),
            iterations=search.explored,
            message=search.message,
        )


def root_bound(form: QuadraticForm, limits: Limits) -> float:
    """Return the semidefinite bound on the inner value, without any branching.

    Raises TooLarge for more than `SEMIDEFINITE_LARGEST` rows.
    """
    if form.n > SEMIDEFINITE_LARGEST:
        raise too_large(form.n)
    with one_blas_thread():
        return semidefinite_bound(form, Deadline.of(limits).sooner(ITERATION * form.n**3))


def too_large(n: int) -> TooLarge:
    """Return the error for more candidates than the relaxation can take."""
    return TooLarge(
        f"a semidefinite relaxation of {n} candidates takes some {3e-8 * n**3:.0f} s a node; at "
        f"most {SEMIDEFINITE_LARGEST} are taken: tabu finds good selections, bound='fw' bounds "
        "them",
        seconds=3e-8 * n**3,
        bytes=48.0 * n * n,
    )
