"""Methods that train on the batches of a fixed order of the samples, made before training."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, Laplace, Polynomial
from subsetopt.problems._identity import fingerprint
from subsetopt.problems._points import median_distance
from subsetopt.sequencing import sequence
from subsetopt.sequencing._selectors import selector_of
from subsetopt.sequencing._state import State
from subsetopt.sequencing.baselines import unscored
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.sequence_batches import SequenceBatchSampler

from .base import Method, Setting, features_of

KERNELS = ("kernel", "scale", "degree", "solver", "engine")
_NAMES = {"random_order": "random"}


class SequenceShare(SequenceBatchSampler):
    """Hands out a share of the batches an epoch, going on where the last epoch ended.

    Parameters
    ----------
    order : array_like of int
    batch_size : int
    share : float
        0 < share <= 1, rounded to whole batches.
    **options
        As `SequenceBatchSampler` takes them.
    """

    preparation_seconds = 0.0
    """What making the order took, also where it was made for an earlier run."""

    def __init__(self, order: NDArray[np.int64], batch_size: int, share: float, **options: Any):
        super().__init__(order, batch_size, **options)
        self._count = max(self.world_size, round(share * len(self._batches)))

    def _length(self, epoch: int) -> int:
        return self._count // self.world_size

    def _batches_of(self, epoch: int) -> list[NDArray[np.int64]]:
        numbers = (epoch * self._count + np.arange(self._count)) % len(self._batches)
        own = numbers[: self._length(epoch) * self.world_size][self.rank :: self.world_size]
        return [self._batches[number] for number in own]

    def _identity(self) -> dict[str, Any]:
        return {**super()._identity(), "count": self._count}


class _OrderMethod(Method):
    """Base: an order of the training samples, cut into batches; B of the batches in each epoch.

    ``features`` are "inputs", "labels", "both"; "pixels", the inputs without a projection; or
    "scaled", the inputs divided by the median of their distances over sqrt(2): a Gaussian kernel of
    scale 1 is then that of the median.
    """

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the batches of the order."""
        rank, world = setting.ranks
        order, seconds = self._kept(setting)
        batches = SequenceShare(
            order,
            setting.batch_size,
            setting.run.budget,
            rank=rank,
            world_size=world,
            seed=setting.run.seed,
        )
        batches.preparation_seconds = seconds
        return batches

    def warm_up(self, setting: Setting) -> None:
        """Make the order of a few samples."""
        warm_up(self, setting)

    def _kept(self, setting: Setting) -> tuple[NDArray[np.int64], float]:
        """Return the order, and the seconds of making it; the latest are kept for later runs."""
        begin = perf_counter()
        features = _features(setting, self.spec.options.get("features", self.features))
        key = (str(self), setting.batch_size, fingerprint(features), self._seed(setting))
        if key not in _KEPT:
            if len(_KEPT) >= _MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            order = self.make(features, setting)
            _KEPT[key] = order, perf_counter() - begin
        return _KEPT[key]

    features: ClassVar[str] = "inputs"

    def _seed(self, setting: Setting) -> int:
        return setting.run.seed

    def make(self, features: NDArray[np.float32], setting: Setting) -> NDArray[np.int64]:
        """Return the order of features (n, d)."""
        raise NotImplementedError


_KEPT: dict[Any, tuple[NDArray[np.int64], float]] = {}
_MOST_KEPT = 8


@dataclass(frozen=True)
class SequenceMethod(_OrderMethod):
    """Mini-batches by MMD: what was seen so far resembles what is left.

    Options are those of `subsetopt.sequence`: ``kernel``, ``scale``, ``degree``, ``solver``, its
    selector, and ``engine``. ``solver=lp-rounding`` is the paper's Algorithm 1 on the true
    objective. Each seed has an order of its own, whose first batch is drawn at random, to be made
    up for by the others; with ``first=chosen``, as published, there is one order for all seeds,
    so that how much orders differ does not show in the spread over seeds.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("features", "first", *KERNELS)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("first", self._first, ("drawn", "chosen"))

    @property
    def _first(self) -> str:
        return str(self.spec.options.get("first", "drawn"))

    def _seed(self, setting: Setting) -> int:
        return setting.run.seed if self._first == "drawn" else 0

    def make(self, features: NDArray[np.float32], setting: Setting) -> NDArray[np.int64]:
        """Return the order."""
        own = {k: v for k, v in self.spec.options.items() if k not in ("features", "first")}
        kernel: dict[str, Any] = {key: own.pop(key) for key in ("scale", "degree") if key in own}
        if kernel:
            own["kernel"] = _kernel(str(own.pop("kernel", "gaussian")), kernel)
        selector = own.pop("solver", "running-swap")
        if self._first == "drawn":
            selector = DrawnFirst(selector, setting.run.seed)
        return sequence(features, setting.batch_size, selector=selector, **own).order


class DrawnFirst:
    """A batch selector whose first batch is drawn uniformly; the others are of a selector by name.

    Parameters
    ----------
    selector : str
    seed : int
    """

    def __init__(self, selector: str, seed: int) -> None:
        self._seed = seed
        self._rest, _ = selector_of(selector, {}, seed=seed, threads=None)

    def __call__(self, state: State, k: int) -> None:
        """Choose a batch."""
        if state.count:
            self._rest(state, k)
        else:
            state.add(np.random.default_rng(self._seed).choice(state.n, k, replace=False))


def warm_up(method: Method, setting: Setting) -> None:
    """Have compiled what `sampler` of a method compiles, by a few of the samples."""
    train = setting.data.train
    few = torch.arange(min(len(train), _FEW_BATCHES * setting.batch_size))
    small = setting._replace(data=setting.data._replace(train=train.subset(few)))
    next(iter(method.sampler(small)))


_FEW_BATCHES = 4


@dataclass(frozen=True)
class BaselineMethod(_OrderMethod):
    """An order of `subsetopt.sequencing.baselines`; options are its own."""

    takes: ClassVar[tuple[str, ...] | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._made()

    def make(self, features: NDArray[np.float32], setting: Setting) -> NDArray[np.int64]:
        """Return the order."""
        shifted = features - features.min(axis=0)  # coverage takes roots
        order: NDArray[np.int64]
        order, _ = self._made().order(shifted, setting.batch_size, seed=setting.run.seed)
        return order

    def _made(self) -> Any:
        own = {key: value for key, value in self.spec.options.items() if key != "features"}
        return unscored(_NAMES.get(self.spec.name, self.spec.name), **own)


def _kernel(name: str, options: dict[str, Any]) -> Any:
    kernels: dict[str, Any] = {"gaussian": Gaussian, "laplace": Laplace, "polynomial": Polynomial}
    if name not in kernels:
        raise InvalidOption(f"kernel {name!r} has no {', '.join(options)}")
    try:
        return kernels[name](**options)
    except TypeError as error:
        raise InvalidOption(f"kernel {name!r}: {error}") from None


def _features(setting: Setting, what: str) -> NDArray[np.float32]:
    train = setting.data.train
    if what == "pixels":
        found = setting.task.prepare(train.inputs).flatten(1)
    else:
        plain = "inputs" if what == "scaled" else what
        found = features_of(setting, plain, (train.inputs, train.targets))
    ready: NDArray[np.float32] = found.float().numpy()
    if what == "scaled":
        ready = ready / np.float32(median_distance(2, ready) / 2**0.5 or 1.0)
    return ready
