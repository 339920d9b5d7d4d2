"""Batches chosen on a torch device: herding without waiting for the host, then exchanges.

The potentials are those of `subsetopt._kernels.batch_herding`, in float64. Nothing of what a
pick needs goes through the host: the argument of the minimum, the row of K that it selects, and the
members stay on the device, which therefore never waits.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_integer
from subsetopt.errors import InvalidOption
from subsetopt.problems._memory import require_memory
from subsetopt.sequencing._state import State

from ._kernel_rows import Tensor, whole_products

if TYPE_CHECKING:
    from ._engine import TorchEngine

_ENDLESS = 2**62  # exchanges
_ROUNDING = 1e-12  # of the largest potential: gains below it are none
_CHUNK = 2**25  # pairs that are looked at at a time


class TorchHerding:
    """Herding on the device, the same picks as of `selectors.RunningHerding` but for rounding.

    Parameters
    ----------
    engine : TorchEngine
    graph : bool
        Record the picks of a batch once as a CUDA graph and replay it: for kernel matrices whose
        rows are read faster than kernels are launched.
    """

    def __init__(self, engine: "TorchEngine", *, graph: bool = False) -> None:
        if graph and engine.device.type != "cuda":
            raise InvalidOption(f"graph is True, but the engine is on {engine.device}, no GPU")
        self.engine = engine
        self._torch = engine.torch
        self._potentials = self._zeros(engine.n)
        self._drift = engine.device_sums * (2 / engine.n)
        self._state: State | None = None
        self._count = -1
        self._members = self._own = self._block = self._zeros(0)
        self._gained = 0.0
        self._graph: Any = None
        self._record = graph

    def _zeros(self, *shape: int, dtype: Any = None) -> Tensor:
        dtype = self._torch.float64 if dtype is None else dtype
        return self._torch.zeros(*shape, dtype=dtype, device=self.engine.device)

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch; one row of K and O(n) for each point."""
        with whole_products(self._torch), self._torch.no_grad():
            self._enter(state, k)
            self._herd()
            picked, potentials = self._members.tolist(), self._own.tolist()
            self._refine()
            self._leave(state, picked, potentials)

    def _enter(self, state: State, k: int) -> None:
        if self._state is not state or self._count != state.count:
            self._potentials.copy_(self._torch.from_numpy(state.potentials))
        if len(self._members) != k:
            self._graph = None
            self._members = self._zeros(k, dtype=self._torch.int64)
            self._own = self._zeros(k)
            self._block = self._rows_of_members(k)
        self._gained = 0.0

    def _rows_of_members(self, k: int) -> Tensor:
        return None

    def _herd(self) -> None:
        """Pick a batch; the first time of a size as it stands, later by replaying it."""
        if not self._record:
            self._pick()
        elif self._graph is None:
            self._graph = False  # now everything is warm
            self._pick()
        else:
            if self._graph is False:
                self._graph = self._torch.cuda.CUDAGraph()
                with self._torch.cuda.graph(self._graph):
                    self._pick()
            self._graph.replay()

    def _pick(self) -> None:
        potentials, drift, k = self._potentials, self._drift, len(self._members)
        for b in range(k):
            potentials.sub_(drift)
            j = potentials.argmin(dim=0, keepdim=True)
            self._members[b : b + 1].copy_(j)
            self._own[b : b + 1].copy_(potentials.index_select(0, j))
            potentials.index_fill_(0, j, float("inf"))
            row = self.engine.device_rows(j)[0]
            if self._block is not None:
                self._block[b].copy_(row)
            potentials.add_(row, alpha=2.0)

    def _refine(self) -> None:
        pass

    def _leave(self, state: State, picked: list[int], potentials: list[float]) -> None:
        """Bring the state on the host up to what is on the device."""
        for j, potential in zip(picked, potentials, strict=True):
            state.value += potential + state.mean - 2 * state.lean
            state.lean += float(state.leans[j])
        members = self._members.cpu().numpy()
        state.value += self._gained
        state.lean += float(state.leans[members].sum() - state.leans[picked].sum())
        state.order[state.count : state.count + len(picked)] = members
        state.count += len(picked)
        state.potentials[:] = self._potentials.cpu().numpy()
        self._state, self._count = state, state.count


class TorchSwap(TorchHerding):
    """Herding, then rounds of exchanges, until none helps.

    A round looks for the best partner of each of the k members, O(k n) at once, and makes all
    those exchanges that still gain after the ones before. `selectors.RunningSwap` goes from member
    to member, so that both end in other batches that are as good.

    Parameters
    ----------
    engine : TorchEngine
    sweeps : int or None
        At most k times as many exchanges; None is until none helps.
    graph : bool
        As of `TorchHerding`.
    """

    def __init__(
        self, engine: "TorchEngine", *, sweeps: int | None = None, graph: bool = False
    ) -> None:
        require_integer("sweeps", sweeps, "[0, inf)", none=True)
        super().__init__(engine, graph=graph)
        self.sweeps = sweeps

    def _rows_of_members(self, k: int) -> Tensor:
        dtype, engine = getattr(self._torch, str(self.engine.dtype)), self.engine
        require_memory(
            f"the rows of a batch of {k} on {engine.device}",
            3 * dtype.itemsize * k * engine.n + 16 * min(_CHUNK, k * engine.n),
            "take smaller batches or selector='running-herding'",
            engine.free(),
        )
        return self._zeros(k, engine.n, dtype=dtype)

    def _refine(self) -> None:
        k = len(self._members)
        self._complete()
        largest = max(float(self._own.abs().max()), float(self.engine.device_diagonal.abs().max()))
        threshold = -_ROUNDING * largest
        left = _ENDLESS if self.sweeps is None else k * self.sweeps
        while left > 0:
            keys, partners = self._partners()
            gains = (keys - self._own).cpu().numpy()
            better = np.argsort(gains, kind="stable")[: np.count_nonzero(gains < threshold)]
            if not better.size:
                break
            left -= self._exchange(better[:left], partners, threshold)

    def _complete(self) -> None:
        """Bring the potentials of members from when each was picked to when all are; O(k^2)."""
        members = self._members
        among = self._block.index_select(1, members).double().tril(-1)
        later = self._torch.arange(len(members) - 1, -1, -1, device=members.device)
        self._own.add_(2 * among.sum(dim=0) - later * self._drift.index_select(0, members))

    def _exchange(self, better: NDArray[np.int64], partners: Tensor, threshold: float) -> int:
        """Make those exchanges that still gain after the ones before; returns how many.

        Which they are follows from the entries of K among the points concerned, O(k^2), so the
        host decides, and the potentials of all others are brought up to date at once.
        """
        torch, members = self._torch, self._members
        at = torch.from_numpy(better.copy()).to(members.device)
        i, j = members.index_select(0, at), partners.index_select(0, at)
        leaving = self._block.index_select(0, at)
        entering = self.engine.device_rows(j).to(leaving.dtype)

        def among(points: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            lost = leaving.index_select(1, points).double().cpu().numpy()
            return lost, entering.index_select(1, points).double().cpu().numpy() - lost

        lost, of_partners = among(j)
        found = _decide(
            better,
            j.cpu().numpy(),
            lost.diagonal(),
            of_partners,
            among(members)[1],
            self._potentials.index_select(0, j).cpu().numpy(),
            self._own.cpu().numpy().copy(),
            threshold,
        )
        made = torch.from_numpy(found.made).to(members.device)
        i, j, at = (each.index_select(0, made) for each in (i, j, at))
        entering = entering.index_select(0, made)
        change = entering.sum(dim=0, dtype=torch.float64)
        change -= leaving.index_select(0, made).sum(dim=0, dtype=torch.float64)
        self._potentials.add_(change, alpha=2.0)
        self._potentials.index_copy_(0, i, torch.from_numpy(found.freed).to(members.device))
        self._potentials.index_fill_(0, j, float("inf"))
        members.index_copy_(0, at, j)
        self._block.index_copy_(0, at, entering)
        self._own.copy_(torch.from_numpy(found.own))
        self._gained += found.gained
        return len(found.made)

    def _partners(self) -> tuple[Tensor, Tensor]:
        """Return what the best partner of each member would add, and which it is."""
        step = max(1, _CHUNK // self.engine.n)
        parts = [
            self._torch.add(self._potentials, rows, alpha=-2.0).min(dim=1)
            for rows in self._block.split(step)
        ]
        return (
            self._torch.cat([part.values for part in parts]),
            self._torch.cat([part.indices for part in parts]),
        )


class _Decision(NamedTuple):
    """Exchanges that are made, by their rank, and the potentials afterwards."""

    made: NDArray[np.int64]
    freed: NDArray[np.float64]
    own: NDArray[np.float64]
    gained: float


def _decide(
    at: NDArray[np.int64],
    entering: NDArray[np.int64],
    between: NDArray[np.float64],
    of_entering: NDArray[np.float64],
    of_members: NDArray[np.float64],
    potentials: NDArray[np.float64],
    own: NDArray[np.float64],
    threshold: float,
) -> _Decision:
    """Go through exchanges, the best first, with all potentials that they look at kept exact.

    Exchange r lets ``entering[r]`` in for member number ``at[r]``; `between` is K of the two. Rows
    r of `of_entering` and `of_members` are the difference of their rows of K at the points that
    enter and at the members. `potentials` are of those that enter, `own` of the members.
    """
    of_leaving = of_members[:, at].copy()
    made: list[int] = []
    freed: list[float] = []
    gained = 0.0
    for r, b in enumerate(at.tolist()):
        key = potentials[r] - 2 * between[r]
        if not key - own[b] < threshold:
            continue
        for n, earlier in enumerate(made):
            freed[n] += 2 * of_leaving[r, earlier]
        made.append(r)
        freed.append(own[b] + 2 * between[r])
        gained += key - own[b]
        potentials += 2 * of_entering[r]
        potentials[entering == entering[r]] = np.inf
        own += 2 * of_members[r]
        own[b] = key
        of_members[:, b] = of_entering[:, r]  # the member is now the point that has entered
    return _Decision(np.array(made), np.array(freed), own, float(gained))
