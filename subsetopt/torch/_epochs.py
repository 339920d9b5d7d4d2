"""Samplers with a budget: batches for a DataLoader of the samples that each epoch trains on."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import InitVar, dataclass, is_dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from subsetopt._checks import count_of_share, require_integer
from subsetopt._registry import Registry
from subsetopt.errors import InvalidOption, UnsupportedProblem

from .samplers import EpochBatchSampler, as_indices, checksum, permutation

Schedule = Callable[[int, int | None], float | int]
Budget = float | int | Schedule

SAMPLERS = Registry(
    "sampler",
    __package__,
    {
        "unif_sgd": "_epochs:UnifSGD",
        "p_sgd": "_importance:PSGD",
        "c_sgd": "_importance:CSGD",
        "scan_sgd": "_epochs:ScanSGD",
        "coreset": "_epochs:CoreSet",
        "stratified": "_stratified:Stratified",
        "matched": "_matched:Matched",
        "loss_strata": "_loss_strata:LossStrata",
    },
)
"""Where each sampler lives: its module in this package, and its class."""


@dataclass(eq=False)
class BudgetSampler(EpochBatchSampler):
    """Base of the samplers that train on B * N of N samples an epoch.

    The order of an epoch depends on nothing but `seed`, the epoch and, where there are any, the
    importances, so that all ranks derive the same one; of it each rank gets every `world_size`-th
    sample. A subclass is a dataclass whose fields are its options.

    Parameters
    ----------
    size : int
        N, how many samples the data set has.
    batch_size : int
        Of one rank.
    budget : float, int or callable
        B: a share 0 < B <= 1, which means ``max(1, int(B * N))``; a number of samples; or
        ``f(epoch, epochs)``, which returns either, such as a schedule of `subsetopt.torch.budgets`.
    epochs : int, optional
        T, how many are planned; "scan_sgd" needs it, and so do schedules that speak of shares of
        the training.
    seed : int
    rank, world_size : int
        This process and their number.
    drop_last : bool
        Leave out what does not fill a batch on every rank. Otherwise the first samples of the order
        fill up the last ranks, and the last batch of an epoch may be smaller.
    """

    name: ClassVar[str]
    """The name that `sampler` knows it by."""

    size: int
    batch_size: InitVar[int]
    budget: Budget = 1.0
    epochs: int | None = None
    seed: int = 0
    rank: int = 0
    world_size: int = 1
    drop_last: bool = False

    def __post_init__(self, batch_size: int) -> None:
        require_integer("size", self.size, "[1, inf)")
        require_integer("batch_size", batch_size, "[1, inf)")
        self._batch_size = int(batch_size)
        require_integer("seed", self.seed, "[0, inf)")
        require_integer("world_size", self.world_size, "[1, inf)")
        require_integer("rank", self.rank, f"[0, {self.world_size - 1}]")
        if self.epochs is not None:
            require_integer("epochs", self.epochs, "[1, inf)")
        self._length(0)  # raises where the first epoch would be none

    @abstractmethod
    def _order(self, epoch: int) -> NDArray[np.int64]:
        """Return the samples of an epoch, all `samples` of them, in order."""

    def samples(self, epoch: int) -> int:
        """Return how many samples all ranks together train on in an epoch."""
        budget: Any = self.budget
        if not callable(budget):
            return _count("budget", budget, self.size)
        return _count(f"budget at epoch {epoch}", budget(epoch, self.epochs), self.size)

    @property
    def planned_epochs(self) -> int | None:
        """How many epochs the budget is spent in; None where `epochs` was not given."""
        return self.epochs

    def weights(self, ids: Tensor | ArrayLike) -> Tensor:
        """Return what makes the gradient of a batch unbiased, float32 on the device of `ids`.

        With it the mean over an epoch of ``weight * loss`` has the mean of all losses as its
        expected value, apart from samples that `drop_last` or the ranks' equal shares leave out or
        repeat. Uniform draws need none: all weights are one.
        """
        return torch.ones(ids_of(ids).shape, device=ids_of(ids).device)

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        order = self._order(epoch)
        own = np.resize(order, self._share(len(order)) * self.world_size)
        own = own[self.rank :: self.world_size]
        count = self._length(epoch)
        return [own[i * self._batch_size : (i + 1) * self._batch_size] for i in range(count)]

    def _share(self, samples: int) -> int:
        """Return how many of an epoch's samples each rank gets."""
        return (samples + (0 if self.drop_last else self.world_size - 1)) // self.world_size

    def _length(self, epoch: int) -> int:
        samples = self.samples(epoch)
        rounded = 0 if self.drop_last else self._batch_size - 1
        batches = (self._share(samples) + rounded) // self._batch_size
        if not batches:
            raise InvalidOption(
                f"epoch {epoch} has {samples} samples, which fill no batch of "
                f"{self._batch_size} on each of {self.world_size} ranks; leave out drop_last, or "
                "raise the budget"
            )
        return batches

    def _identity(self) -> dict[str, Any]:
        budget: Any = self.budget
        if callable(budget):  # a function has no plain value
            budget = repr(budget) if is_dataclass(budget) else None
        names = ("size", "epochs", "seed", "world_size", "drop_last")
        own = {name: getattr(self, name) for name in names}
        return {
            "sampler": self.name,
            "batch_size": self._batch_size,
            **own,
            "budget": budget,
        }


class UnifSGD(BudgetSampler):
    """Each epoch another B * N samples at random, without replacement."""

    name: ClassVar[str] = "unif_sgd"

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return permutation(self.size, self.seed, epoch)[: self.samples(epoch)]


class ScanSGD(BudgetSampler):
    """All samples in every epoch, for T * B epochs instead of T.

    `planned_epochs` says how many to run. The last one is a part of an epoch where T * B is not an
    integer: ``round(T * B * N)`` samples in all; the others take ``int(B * N)`` in each epoch.
    """

    name: ClassVar[str] = "scan_sgd"

    def __post_init__(self, batch_size: int) -> None:
        if self.epochs is None or callable(self.budget):
            raise InvalidOption(
                f"budget is {self.budget!r} and epochs is {self.epochs!r}; scan_sgd trains on all "
                "samples for budget * epochs epochs, so that both have to be numbers"
            )
        super().__post_init__(batch_size)

    @property
    def planned_epochs(self) -> int:
        """How many epochs the budget is spent in, rounded up."""
        return -(-self._total // self.size)

    @property
    def _total(self) -> int:
        budget: Any = self.budget
        _count("budget", budget, self.size)
        epochs: Any = self.epochs
        share = budget * self.size if isinstance(budget, float) else budget
        return max(1, round(float(share * epochs)))

    def samples(self, epoch: int) -> int:
        """Return N, and in the last epoch what is left; past it what the last one had."""
        begun = min(epoch, self.planned_epochs - 1) * self.size
        return min(self.size, self._total - begun)

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch >= self.planned_epochs:
            raise InvalidOption(
                f"epoch is {epoch}, but the budget is spent after {self.planned_epochs}; loop over "
                "range(sampler.planned_epochs)"
            )
        return permutation(self.size, self.seed, epoch)[: self.samples(epoch)]


@dataclass(eq=False)
class CoreSet(BudgetSampler):
    """The same samples in every epoch, shuffled anew: chosen once, before training.

    Parameters
    ----------
    indices : array_like of int, optional
        The core-set, such as ``subsetopt.solve(problem).indices``; None draws `budget` of the
        samples from `seed`.
    """

    name: ClassVar[str] = "coreset"

    indices: ArrayLike | None = None

    def __post_init__(self, batch_size: int) -> None:
        require_integer("size", self.size, "[1, inf)")
        require_integer("seed", self.seed, "[0, inf)")
        if callable(self.budget):
            raise InvalidOption("budget is a schedule, but a core-set is chosen once; give a share")
        if self.indices is None:
            count = _count("budget", self.budget, self.size)
            self._chosen = np.sort(permutation(self.size, self.seed, 0)[:count])
        else:
            self._chosen = _unique(self.indices, self.size)
            if not (isinstance(self.budget, float) and self.budget == 1.0):
                raise InvalidOption(
                    f"give either budget or indices, which say how many; got budget {self.budget!r}"
                )
        super().__post_init__(batch_size)

    def samples(self, epoch: int) -> int:
        """Return the size of the core-set."""
        return len(self._chosen)

    def weights(self, ids: Tensor | ArrayLike) -> Tensor:
        """Refuse: no weights make up for what is never chosen.

        Raises
        ------
        UnsupportedProblem
        """
        raise UnsupportedProblem(
            "a core-set leaves samples out for good, so that no weights make it unbiased; "
            "'unif_sgd', 'p_sgd' and 'c_sgd' have some"
        )

    def _order(self, epoch: int) -> NDArray[np.int64]:
        return self._chosen[permutation(len(self._chosen), self.seed, epoch + 1)]

    def _identity(self) -> dict[str, Any]:
        return {**super()._identity(), "checksum": checksum(self._chosen)}


def sampler(name: str, size: int, batch_size: int, budget: Budget = 1.0, **options: Any) -> Any:
    """Return a batch sampler that trains on a share of the data set in each epoch.

    Parameters
    ----------
    name : str
        One of `SAMPLERS`.
    size : int
        How many samples the data set has.
    batch_size : int
    budget : float, int or callable
        The share of the samples in an epoch, their number, or ``f(epoch, epochs)``.
    **options
        The other fields of its class, such as `seed`, `rank`, `world_size` and `drop_last`.

    Returns
    -------
    BudgetSampler

    Raises
    ------
    InvalidOption
        If none is called so, it has no such option, or the value is outside its domain.

    References
    ----------
    How Important is Importance Sampling for Deep Budgeted Training?, section 3.

    Examples
    --------
    >>> chosen = sampler("unif_sgd", size=10, batch_size=2, budget=0.4, seed=1)
    >>> [len(batch) for batch in chosen]
    [2, 2]
    """
    return SAMPLERS.create(name, size, batch_size, budget, **options)


def ids_of(ids: Tensor | ArrayLike) -> Tensor:
    """Return indices of samples as an int64 tensor, where they are."""
    tensor = ids if isinstance(ids, Tensor) else torch.as_tensor(np.asarray(ids))
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise InvalidOption(f"ids must be indices of samples; got dtype {tensor.dtype}")
    return tensor.long()


def device_for_sums(tensor: Tensor) -> torch.device:
    """Return where sums in float64 are kept: its device, or the CPU where that has no float64."""
    return torch.device("cpu") if tensor.device.type == "mps" else tensor.device


def _count(name: str, budget: Any, size: int) -> int:
    if isinstance(budget, float):
        return count_of_share(name, budget, size)
    require_integer(name, budget, f"[1, {size}]")
    return int(budget)


def _unique(indices: ArrayLike, size: int) -> NDArray[np.int64]:
    chosen = np.unique(as_indices(indices))
    if len(chosen) < len(as_indices(indices)) or chosen[-1] >= size:
        raise InvalidOption(
            f"indices go up to {chosen[-1]}, {len(chosen)} of them different; each may occur once, "
            f"and must lie within 0..{size - 1}"
        )
    return chosen
