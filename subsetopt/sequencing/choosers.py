"""How one batch is chosen: herding, herding and exchanges, or any solver for MMD selection."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidOption, InvalidResult
from subsetopt.limits import Limits
from subsetopt.problems.memory import require_memory
from subsetopt.solution import Termination

from .remaining import RemainingSelection
from .state import State

if TYPE_CHECKING:
    from subsetopt.solvers.base import Solver

_ENDLESS = 2**62  # looks
_ROUNDING = 1e-12  # of the largest potential: gains below it are none


class Chooser(Protocol):
    """Adds k points to a state, k less than are left."""

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch."""


@dataclass(frozen=True)
class Herding:
    """Point after point, each the one that brings the running mean closest to the whole's."""

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; one row of K and O(n) for each point."""
        herd(state, k)


@dataclass(frozen=True)
class Swap:
    """Herding, then exchanges of a member for its best partner until none helps.

    Parameters
    ----------
    sweeps : int or None
        How often at most each member is looked at; None is until no exchange helps.
    memory : int or None
        Bytes that the rows of the members may take where the matrix is not held.
    """

    sweeps: int | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.sweeps, int) and not isinstance(self.sweeps, bool)
        if self.sweeps is not None and not (whole and self.sweeps >= 0):
            raise InvalidOption(f"sweeps is {self.sweeps!r}; a whole number from 0 on or None")

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; one row of K for each point, one for each exchange, O(n) a look."""
        from subsetopt._kernels import quadratic, sequences
        from subsetopt.solvers.heuristics._quadratic_steps import seen_as_bits

        rows, own = self._buffer(state, k), np.empty(k)
        first = state.count
        herd(state, k, own, rows)
        members = state.order[first : first + k]
        held = state.engine.matrix is not None
        table = state.engine.matrix if held else rows
        where = members if held else np.arange(k)
        sequences.complete(table, where, members, state.drift, own)
        least_gain = _ROUNDING * max(np.abs(own).max(), state.engine.diagonal().max())
        most = _ENDLESS if self.sweeps is None else k * self.sweeps
        look, room = sequences.look, seen_as_bits(np.empty(quadratic.BLOCK + 1))
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
            sequences.exchange(leaving, entering, at, j, key, members, state.potentials, own)
            if rows is not None:
                rows[at] = entering

    def _buffer(self, state: State, k: int) -> NDArray[Any] | None:
        if state.engine.matrix is not None:
            return None
        require_memory(
            f"the rows of a batch of {k}",
            k * state.n * state.engine.dtype.itemsize,
            "take smaller batches, solver='herding', or raise memory",
            self.memory,
        )
        return np.empty((k, state.n), state.engine.dtype)


def herd(
    state: State,
    k: int,
    own: NDArray[np.float64] | None = None,
    rows: NDArray[Any] | None = None,
) -> None:
    """Choose k points by herding; notes their potentials and rows of K where arrays are given."""
    from subsetopt._kernels import sequences

    bits = state.potentials.view(np.int64)
    state.potentials -= state.drift
    pick = int(state.potentials.argmin())
    least = float(state.potentials[pick])
    for b in range(k):
        row = state.enter(pick, least)
        if own is not None:
            own[b] = least
        if rows is not None:
            rows[b] = row
        if b < k - 1:
            pick, least = sequences.aim_and_add(row, state.drift, state.potentials, bits)
    state.potentials += np.multiply(row, 2.0, dtype=np.float64)


@dataclass(frozen=True)
class Solving:
    """A solver on each batch's problem as a whole, its answers certified.

    Parameters
    ----------
    solver : Solver
    limits : dict
        Those of `subsetopt.solve`, for each batch alone.
    seed : int
    memory : int or None
        Bytes that a batch's matrix may take.
    """

    solver: "Solver"
    limits: dict[str, Any]
    seed: int
    memory: int | None

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; members ascend."""
        from subsetopt.solving import solve

        batch = len(state.boundaries) - 1
        seed = int(np.random.SeedSequence([self.seed, batch]).generate_state(1)[0] >> 1)
        problem = RemainingSelection(state, k, self.memory)
        solution = solve(problem, self.solver, seed=seed, **self.limits)
        if solution.termination is Termination.INTERRUPTED:
            raise KeyboardInterrupt
        if solution.indices is None:
            raise InvalidResult(
                f"solver {self.solver.name!r} found no selection for batch {batch} "
                f"({solution.termination}); give it more time"
            )
        state.add(problem.left[solution.indices])


_OWN: dict[str, Callable[..., Chooser]] = {"herding": Herding, "swap": Swap}


def chooser_of(
    solver: "str | Solver",
    options: dict[str, Any],
    *,
    seed: int,
    memory: int | None,
    threads: int | None,
) -> tuple[Chooser, str]:
    """Return what chooses batches, and how it is called in a result's provenance.

    Raises as `subsetopt.solver` and `Limits` do.
    """
    if isinstance(solver, str) and solver in _OWN:
        known = {"swap": ("sweeps",), "herding": ()}[solver]
        unknown = [name for name in options if name not in known]
        if unknown:
            listed = ", ".join(known) or "none"
            raise InvalidOption(
                f"solver {solver!r} has no option {unknown[0]!r} for sequences; its: {listed}"
            )
        if solver == "herding":
            return Herding(), "herding"
        return Swap(**options, memory=memory), f"swap({_listed(options)})"
    limits = {name: options.pop(name) for name in Limits.names() if name in options}
    limits |= {"threads": threads}
    Limits(seed=seed, **limits)
    if isinstance(solver, str):
        from subsetopt.solvers import catalogue

        solver = catalogue.create(solver, **options)
    elif options:
        raise InvalidOption(f"option {next(iter(options))!r} belongs into subsetopt.solver(...)")
    shown = {name: value for name, value in limits.items() if name != "threads"}
    return Solving(solver, limits, seed, memory), f"{solver!r}; {_listed(shown)}"


def _listed(options: dict[str, Any]) -> str:
    return ", ".join(f"{name}={options[name]!r}" for name in sorted(options))
