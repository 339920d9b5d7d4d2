"""Batch selectors: running herding, with swaps or without, and any MMD solver."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt import _kernels
from subsetopt._checks import require_integer
from subsetopt._registry import Registry, nearest
from subsetopt.errors import InvalidOption, InvalidResult, UnknownSolver, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.problems._memory import require_memory
from subsetopt.solution import Termination
from subsetopt.solvers import catalogue
from subsetopt.solvers.base import Solver
from subsetopt.solvers.heuristics._quadratic_steps import seen_as_bits
from subsetopt.solving import solve

from ._remaining import RemainingSelection
from ._state import State

_ENDLESS = 2**62  # looks
_ROUNDING = 1e-12  # of the largest potential: gains below it are none

_FAMILY = "mmd"
"""The family of `RemainingSelection`, for solvers."""

SELECTORS = Registry(
    "batch selector",
    __package__,
    {"running-herding": "_selectors:RunningHerding", "running-swap": "_selectors:RunningSwap"},
    also="a solver of MMD problems",
)
"""Those that go on from batch to batch with running potentials, O(n) a point. Solvers, the solver
``"herding"`` too, see each batch as a problem of its own."""


class BatchSelector(Protocol):
    """Adds k points to a state, k less than are left."""

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch."""


@dataclass(frozen=True)
class RunningHerding:
    """Herding: each point is the one that brings the mean of all so far closest to the whole's."""

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; one row of K and O(n) for each point."""
        herd(state, k)


@dataclass(frozen=True)
class RunningSwap:
    """Running herding, then swaps of a member for its best partner until none helps.

    Parameters
    ----------
    sweeps : int or None
        How often at most each member is looked at; None is until no swap helps.
    """

    sweeps: int | None = None

    def __post_init__(self) -> None:
        require_integer("sweeps", self.sweeps, "[0, inf)", none=True)

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; one row of K for each point, one for each swap, O(n) a look."""
        batch_herding = _kernels.batch_herding
        rows, own = self._buffer(state, k), np.empty(k)
        first = state.count
        herd(state, k, own, rows)
        members = state.order[first : first + k]
        held = state.engine.matrix is not None
        table = state.engine.matrix if held else rows
        where = members if held else np.arange(k)
        batch_herding.complete(table, where, members, state.drift, own)
        least_gain = _ROUNDING * max(np.abs(own).max(), state.engine.diagonal().max())
        most = _ENDLESS if self.sweeps is None else k * self.sweeps
        look, room = (
            batch_herding.look,
            seen_as_bits(np.empty(_kernels.quadratic_descent.BLOCK + 1)),
        )
        turn = idle = 0
        while True:
            turn, idle, at, j, key = look(
                table, where, members, state.potentials, own, turn, idle, most, least_gain, *room
            )
            if j < 0:
                break
            assert table is not None
            entering = state.row(j)
            state.exchanged(int(members[at]), j, key - own[at])
            leaving = table[where[at]]
            batch_herding.exchange(leaving, entering, at, j, key, members, state.potentials, own)
            if rows is not None:
                rows[at] = entering

    def _buffer(self, state: State, k: int) -> NDArray[Any] | None:
        if state.engine.matrix is not None:
            return None
        require_memory(
            f"the rows of a batch of {k}",
            k * state.n * state.engine.dtype.itemsize,
            "take smaller batches, selector='running-herding', or raise memory",
            state.memory,
        )
        return np.empty((k, state.n), state.engine.dtype)


def herd(
    state: State,
    k: int,
    own: NDArray[np.float64] | None = None,
    rows: NDArray[Any] | None = None,
) -> None:
    """Choose k points by herding; notes their potentials and rows of K where arrays are given."""
    aim_and_add, bits = _kernels.batch_herding.aim_and_add, state.potentials.view(np.int64)
    state.potentials -= state.drift
    pick = int(state.potentials.argmin())
    pick, least = state.agreed(pick, float(state.potentials[pick]))
    for b in range(k):
        row = state.enter(pick, least)
        if own is not None:
            own[b] = least
        if rows is not None:
            rows[b] = row
        if b < k - 1:
            pick, least = state.agreed(*aim_and_add(row, state.drift, state.potentials, bits))
    state.potentials += np.multiply(row, 2.0, dtype=np.float64)


@dataclass(frozen=True)
class SolverSelector:
    """A solver on each batch's problem as a whole, its answers certified.

    Parameters
    ----------
    solver : Solver
    limits : Limits
        Of each batch alone; its seed is that of all, of which each batch has its own.
    """

    solver: "Solver"
    limits: Limits

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; members ascend."""
        batch = len(state.boundaries) - 1
        seeds = np.random.SeedSequence([self.limits.seed, batch])
        limits = replace(self.limits, seed=int(seeds.generate_state(1)[0] >> 1))
        problem = RemainingSelection(state, k, state.memory)
        solution = solve(problem, self.solver, **asdict(limits))
        if solution.termination is Termination.INTERRUPTED:
            raise KeyboardInterrupt
        if solution.indices is None:
            raise InvalidResult(
                f"solver {self.solver.name!r} found no selection for batch {batch} "
                f"({solution.termination}); give it more time"
            )
        state.add(problem.left[solution.indices])


def selector_of(
    selector: "str | Solver | BatchSelector",
    options: Mapping[str, Any],
    *,
    seed: int,
    threads: int | None,
) -> tuple[BatchSelector, str]:
    """Return what chooses batches, and how it is called in a result's provenance.

    A name is one of `SELECTORS` or of a solver that takes such problems, else UnknownSolver or
    UnsupportedProblem is raised; options raise as `subsetopt.solver` and `Limits` do.
    """
    if isinstance(selector, str) and selector in SELECTORS:
        return SELECTORS.create(selector, **options), f"{selector}({_listed(options)})"
    limits = {name: value for name, value in options.items() if name in Limits.names()}
    own = {name: value for name, value in options.items() if name not in limits}
    if isinstance(selector, str):
        if selector not in catalogue.names():
            able = (name for name in catalogue.names() if _handles(catalogue.solver_class(name)))
            known = [*dict.fromkeys([*SELECTORS, *able])]
            hint = nearest(selector, known)
            raise UnknownSolver(
                f"selector must be one of {', '.join(known)}; got {selector!r}{hint}"
            )
        selector, own = catalogue.create(selector, **own), {}
    if not isinstance(selector, Solver):
        own = dict(options)  # all of them, limits too
    if own:
        raise InvalidOption(f"option {next(iter(own))!r} belongs into {selector!r} itself")
    if isinstance(selector, Solver):
        if not _handles(type(selector)):
            raise UnsupportedProblem(
                f"solver {selector.name!r} solves {', '.join(selector.handles)}; a batch selector "
                f"must solve {_FAMILY}"
            )
        solving = SolverSelector(selector, Limits(**limits, seed=seed, threads=threads))
        return solving, f"{selector!r}; {_listed(limits)}"
    if callable(selector):
        return selector, repr(selector)
    raise InvalidOption(f"selector must be a name, a Solver or a BatchSelector; got {selector!r}")


def _handles(solver: "type[Solver]") -> bool:
    return _FAMILY in solver.handles


def _listed(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={options[name]!r}" for name in sorted(options))
