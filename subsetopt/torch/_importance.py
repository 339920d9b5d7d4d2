"""Sampling by importance: p-SGD and c-SGD, which draw hard samples more often."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from subsetopt._checks import require_integer, require_number
from subsetopt.errors import InvalidOption, InvalidProblem

from ._epochs import BudgetSampler, device_for_sums, ids_of
from ._prepared import prepared
from ._ranks import served
from .samplers import permutation

_LEARNED = ("past", "gathered", "fresh")


@dataclass(eq=False)
class ImportanceSampler(BudgetSampler):
    r"""Base of the samplers that learn from training which samples matter.

    `update` tells them the losses as they are computed; at the beginning of an epoch all that has
    been told enters the importances, and stays out of those of the epoch under way.

    .. math::
        P_i = \frac{v_i + s \bar v}{\sum_j (v_j + s \bar v)}

    with the importance v of the subclass, its mean, and `smoothing` s. A sample that has not been
    seen yet has the mean importance of those that have.

    Eq. 2 averages over all epochs until now, as if each had passed every sample; here the average
    is over those passes in which a sample was trained on, for there is no prediction of it in the
    others. With a budget of 1, or through a warm-up, the two are the same.

    Parameters
    ----------
    warmup_epochs : int
        The first epochs draw uniformly, as many samples as the budget says.
    smoothing : float
        How many mean importances are added to each; 1 in the paper, 0 is none.
    replacement : bool
        Draw independently, so that a sample can occur several times in an epoch.

    References
    ----------
    How Important is Importance Sampling for Deep Budgeted Training?, Eq. 2-3.
    """

    _learns: ClassVar[bool] = True

    warmup_epochs: int = 0
    smoothing: float = 1.0
    replacement: bool = False

    def __post_init__(self, batch_size: int) -> None:
        require_integer("warmup_epochs", self.warmup_epochs, "[0, inf)")
        require_number("smoothing", self.smoothing, "[0, inf)")
        super().__post_init__(batch_size)
        # Row 0 holds the sums of 1 - probability, row 1 how many of them there are.
        self._past = torch.zeros(2, self.size, dtype=torch.float64)
        self._fresh = self._past.clone()  # told on this rank since
        self._gathered = self._past.clone()  # told on all ranks, for the next epoch
        self._shared = True
        self._begun = -1
        self._drawn: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None
        self._weights: Tensor | None = None

    @abstractmethod
    def _importance(self, difficulty: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the importance of samples whose mean of 1 - probability is given."""

    # -- learning ---------------------------------------------------------------------------------

    def update(
        self,
        ids: Tensor | ArrayLike,
        *,
        losses: Tensor | None = None,
        probabilities: Tensor | None = None,
    ) -> None:
        """Take in what the model made of samples; never waits for a GPU.

        Parameters
        ----------
        ids : Tensor or array_like of int, (b,)
            Their indices in the data set.
        losses : Tensor, (b,)
            Their cross-entropies, whose ``exp(-loss)`` is the probability of the true class.
        probabilities : Tensor, (b,)
            These probabilities, in place of the losses. What is NaN is left out of account.
        """
        if (losses is None) == (probabilities is None):
            raise InvalidOption("update takes either losses or probabilities")
        told = losses if losses is not None else probabilities
        assert told is not None
        known = told.detach().to(device_for_sums(told)).double()
        if losses is not None:
            known = torch.exp(-known)
        places = ids_of(ids)
        if known.ndim != 1 or places.shape != known.shape:
            raise InvalidProblem(
                "ids, and what is known of them, must have shape (b,), one number per sample; got "
                f"{tuple(places.shape)} and {tuple(known.shape)}"
            )
        if places.device.type == "cpu" and len(places):
            low, high = int(places.min()), int(places.max())
            if low < 0 or high >= self.size:
                raise InvalidProblem(f"ids go from {low} to {high}; within 0..{self.size - 1}")
        if self._fresh.device != known.device:
            self._fresh = self._fresh.to(known.device)
        good = ~known.isnan()
        seen = torch.stack([torch.where(good, 1.0 - known.clamp(0.0, 1.0), 0.0), good.double()])
        self._fresh.index_add_(1, places.to(known.device, non_blocking=True), seen)
        self._shared = False

    def exchange(self, all_reduce: Callable[[Tensor], Any] | None = None) -> None:
        """Add up what the ranks have been told; all call it together, at the end of every epoch.

        Parameters
        ----------
        all_reduce : callable, optional
            Sums a tensor over the ranks in place; None is that of ``torch.distributed``.
        """
        if all_reduce is None:
            self._fresh = served(self._fresh)
        reduce: Any = all_reduce or torch.distributed.all_reduce
        reduce(self._fresh)
        self._gather()

    # -- drawing ----------------------------------------------------------------------------------

    @property
    def probabilities(self) -> Tensor:
        """P of Eq. 3, (size,) in float64: those of the epoch under way."""
        values = self._values()
        return torch.from_numpy(values / values.sum())

    def _values(self) -> NDArray[np.float64]:
        sums, counts = self._past.numpy()
        seen = counts > 0
        values = np.ones(self.size)
        if not seen.any():
            return values
        values[seen] = self._importance(sums[seen] / counts[seen])
        values[~seen] = values[seen].mean()
        values += self.smoothing * values.mean()
        return values if values.any() else np.ones(self.size)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch != self._begun:
            self._begin(epoch)
        if self._drawn is None:
            self._drawn = self._draw(epoch)
        return self._drawn[0]

    def _begin(self, epoch: int) -> None:
        loader = prepared(self)
        ranks = self.world_size if loader is None else max(self.world_size, loader.processes)
        if ranks > 1 and not self._shared:
            raise InvalidOption(
                f"there are {ranks} ranks, but what this rank has learned is not known to "
                "the others; call sampler.exchange() on every rank at the end of an epoch"
            )
        self._gather()
        self._past += self._gathered
        self._gathered.zero_()
        self._begun, self._drawn, self._weights = epoch, None, None

    def _gather(self) -> None:
        self._gathered += self._fresh.cpu()
        self._fresh.zero_()
        self._shared = True

    def _draw(self, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the samples of an epoch, and the weight of each of all samples."""
        count = self.samples(epoch)
        weights = np.zeros(self.size)
        if epoch < self.warmup_epochs:
            order = permutation(self.size, self.seed, epoch)[:count]
            weights[order] = 1.0
            return order, weights
        values = self._values()
        generator = np.random.default_rng([self.seed, epoch])
        if self.replacement:
            order = draw_independently(values, count, generator)
            weights[order] = values.mean() / values[order]
            return order, weights
        order, inclusion = draw(values, count, generator)
        weights[order] = count / (self.size * inclusion)
        return order, weights

    def weights(self, ids: Tensor | ArrayLike) -> Tensor:
        """Return what makes the gradient of a batch unbiased, float32 on the device of `ids`.

        With it the mean over an epoch of ``weight * loss`` has the mean of all losses as its
        expected value. The weight is 0 for a sample that is not in the epoch under way.
        """
        places = ids_of(ids)
        self._order(self._reached[0])
        if self._weights is None or self._weights.device != places.device:
            assert self._drawn is not None
            self._weights = torch.from_numpy(self._drawn[1]).float().to(places.device)
        return self._weights[places]

    # -- going on ---------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in ("warmup_epochs", "smoothing", "replacement")}
        return {**super()._identity(), **own}

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands, and what has been learned, as tensors on the CPU."""
        learned = {name: getattr(self, f"_{name}").cpu().clone() for name in _LEARNED}
        return {**super().state_dict(), **learned, "begun": self._begun, "shared": self._shared}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next iteration go on there: exactly the remaining batches follow."""
        super().load_state_dict(state)
        for name in _LEARNED:
            setattr(self, f"_{name}", state[name].cpu().clone())
        self._begun, self._shared = state["begun"], state["shared"]
        self._drawn = self._weights = None


class PSGD(ImportanceSampler):
    """Draw samples by how improbable the model finds their class, on average so far (Eq. 2)."""

    name: ClassVar[str] = "p_sgd"

    def _importance(self, difficulty: NDArray[np.float64]) -> NDArray[np.float64]:
        return difficulty


class CSGD(ImportanceSampler):
    """Draw samples near the decision boundary: importance p (1 - p).

    The paper does not say whether its p has the smoothing in it, as Eq. 2 has. It is added to this
    importance here: p with the smoothing can exceed 1, as 0.9 + 0.4 does where the mean is 0.4, and
    p (1 - p) would then be no weight to draw by.
    """

    name: ClassVar[str] = "c_sgd"

    def _importance(self, difficulty: NDArray[np.float64]) -> NDArray[np.float64]:
        return difficulty * (1.0 - difficulty)


def draw(
    weights: NDArray[np.float64], count: int, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw without replacement, each next one in proportion to its weight among those left.

    The `count` smallest of E_i / w_i, with E_i exponential, are such a draw (Efraimidis and
    Spirakis 2006), for any number of samples. Given the smallest value t that is left out, sample i
    had probability ``1 - exp(-w_i t)``, and dividing by it is unbiased (Duffield, Lund and Thorup
    2007; Cohen and Kaplan 2007), though the unconditional probabilities have no closed form.

    Parameters
    ----------
    weights : ndarray, (n,)
        At least 0; what weighs 0 is never drawn.

    Returns
    -------
    order : ndarray of int64, (count,)
        In random order.
    inclusion : ndarray, (count,)
        These probabilities, given t.
    """
    possible = np.flatnonzero(weights)
    if len(possible) < count:
        raise InvalidProblem(
            f"{len(possible)} of {len(weights)} samples have an importance above 0, but {count} "
            "are to be drawn; lower the budget, or choose a smoothing above 0"
        )
    logs = np.log(weights[possible])  # in logarithms no quotient overflows
    with np.errstate(divide="ignore"):
        keys = np.log(generator.standard_exponential(len(possible))) - logs
    if count == len(possible):
        places, inclusion = generator.permutation(count), np.ones(count)
    else:
        ranked = np.argpartition(keys, count)
        places = generator.permutation(ranked[:count])
        with np.errstate(over="ignore"):  # then it is certain
            inclusion = -np.expm1(-np.exp(logs[places] + keys[ranked[count]]))
    return possible[places].astype(np.int64), inclusion


def draw_independently(
    weights: NDArray[np.float64], count: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Draw with replacement in proportion to the weights, in O(n + count log n)."""
    possible = np.flatnonzero(weights)
    ends = np.cumsum(weights[possible])
    found = np.searchsorted(ends, generator.random(count) * ends[-1], side="right")
    order: NDArray[np.int64] = possible[np.minimum(found, len(possible) - 1)].astype(np.int64)
    return order
