"""Solvers: one per file, loaded by name when used.

``heuristics`` give good answers fast, ``relaxations`` bounds, ``exact`` proofs; ``backends`` are
mixed-integer solvers from elsewhere. Each folder uses those before it in the order heuristics,
backends, relaxations, exact. `catalogue` lists them all.
"""

from typing import TYPE_CHECKING

from subsetopt._registry import exports

if TYPE_CHECKING:  # the same names once more, for type checkers and editors
    from .backends.cbc import Cbc as Cbc
    from .backends.cpsat import CpSat as CpSat
    from .backends.highs import Highs as Highs
    from .backends.scip import Scip as Scip
    from .base import Kind as Kind
    from .base import OptionalDependency as OptionalDependency
    from .base import RawResult as RawResult
    from .base import Solver as Solver
    from .catalogue import SolverInfo as SolverInfo
    from .exact.branch_and_bound import BranchAndBound as BranchAndBound
    from .exact.exact import Exact as Exact
    from .heuristics.greedy import Greedy as Greedy
    from .heuristics.herding import Herding as Herding
    from .heuristics.random import Random as Random
    from .heuristics.stride import Stride as Stride
    from .heuristics.swap import Swap as Swap
    from .heuristics.tabu import Tabu as Tabu
    from .relaxations.frank_wolfe import FrankWolfe as FrankWolfe
    from .relaxations.lp_rounding import LpRounding as LpRounding

__all__, __getattr__, __dir__ = exports(
    __name__,
    {
        "base": "Kind OptionalDependency RawResult Solver",
        "catalogue": "SolverInfo",
        "heuristics.random": "Random",
        "heuristics.stride": "Stride",
        "heuristics.greedy": "Greedy",
        "heuristics.swap": "Swap",
        "heuristics.herding": "Herding",
        "heuristics.tabu": "Tabu",
        "relaxations.frank_wolfe": "FrankWolfe",
        "relaxations.lp_rounding": "LpRounding",
        "exact.exact": "Exact",
        "exact.branch_and_bound": "BranchAndBound",
        "backends.cbc": "Cbc",
        "backends.scip": "Scip",
        "backends.highs": "Highs",
        "backends.cpsat": "CpSat",
    },
)
