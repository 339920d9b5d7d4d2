"""Methods that choose what an epoch consists of: samplers and precomputed orders."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from subsetopt._checks import require_one_of
from subsetopt.errors import InvalidOption
from subsetopt.problems import Gaussian, Laplace, Polynomial
from subsetopt.problems._identity import fingerprint
from subsetopt.problems._points import median_distance
from subsetopt.sequencing import sequence
from subsetopt.sequencing.baselines import unscored
from subsetopt.torch._epochs import sampler
from subsetopt.torch._importance import ImportanceSampler
from subsetopt.torch.rules import rule, subset_size
from subsetopt.torch.samplers import EpochBatchSampler
from subsetopt.torch.sequence_batches import SequenceBatchSampler
from subsetopt.torch.step import LossFunction
from subsetopt.training.data._splits import Batch

from .base import Chosen, Method, Setting, Step, WholeBatchStep, features_of


class TeachingStep(Step):
    """Trains on whole batches, and tells an importance sampler their losses."""

    def __init__(self, inside: Step, sampler: ImportanceSampler) -> None:
        super().__init__()
        self._inside, self._sampler = inside, sampler

    def __call__(self, ids: Tensor, batch: Batch) -> Iterator[Chosen]:
        """Yield the batch."""
        for chosen in self._inside(ids, batch):
            self._sampler.update(ids, losses=chosen.losses)
            yield chosen


@dataclass(frozen=True)
class EpochSamplerMethod(Method):
    """A sampler of `subsetopt.torch.sampler`; options are its own.

    For "coreset" ``features`` may be "inputs" or "labels": the core-set is then the one whose mean
    of these is close to that of all samples, instead of a random one.
    """

    takes: ClassVar[tuple[str, ...] | None] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        own = {key: value for key, value in self.spec.options.items() if key != "features"}
        if "features" in self.spec.options and self.spec.name != "coreset":
            raise InvalidOption(f"rule {self.spec.name!r} takes no features; coreset does")
        sampler(self.spec.name, 100, 1, 0.5, epochs=10, **own)  # says now what is wrong

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the sampler."""
        options: dict[str, Any] = dict(self.spec.options)
        budget: Any = float(setting.run.budget)
        what = options.pop("features", None)
        if what is not None:
            options["indices"], budget = _representatives(setting, what), 1.0
        return setting.sampler(
            self.spec.name, setting.batch_size, budget, epochs=setting.run.epochs, **options
        )

    def step(
        self, setting: Setting, model: nn.Module, losses: LossFunction, batches: EpochBatchSampler
    ) -> Step:
        """Return plain steps, which teach a sampler that learns."""
        plain = WholeBatchStep(model, losses)
        return TeachingStep(plain, batches) if isinstance(batches, ImportanceSampler) else plain


@dataclass(frozen=True)
class StratifiedMethod(Method):
    """Batches with the proportions of the whole, each sample once before any comes again.

    As many steps as rules within batches take, of B * n samples each, or with ``--select-from
    pool`` whole batches. ``features`` says what the strata are: "labels", "inputs" or "both", of
    which classes are taken as they are and all else as cells of k-means, within classes for "both";
    or "constant", a single stratum, which is uniform sampling without repeats. ``cells`` and
    ``without_repeats`` are the sampler's.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("features", "cells", "without_repeats")

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_of("features", self._what, ("labels", "inputs", "both", "constant"))

    @property
    def _what(self) -> str:
        return str(self.spec.options.get("features", "labels"))

    def sampler(self, setting: Setting) -> EpochBatchSampler:
        """Return the sampler."""
        options = {key: value for key, value in self.spec.options.items() if key != "features"}
        budget, size = float(setting.run.budget), setting.batch_size
        if setting.run.select_from == "batch":
            size = subset_size(budget, size)
        return setting.sampler("stratified", size, budget, **self._given(setting), **options)

    def _given(self, setting: Setting) -> dict[str, Any]:
        train = setting.data.train
        if self._what == "constant":
            return {"labels": np.zeros(len(train), np.int64)}
        classes = self._what in ("labels", "both") and setting.data.classes is not None
        given = {"labels": train.targets.reshape(len(train), -1)[:, 0]} if classes else {}
        if classes and self._what == "labels":
            return given
        what = "inputs" if classes else self._what
        found = features_of(setting, what, (train.inputs, train.targets))
        return {**given, "features": found.reshape(len(train), -1).numpy()}


def _representatives(setting: Setting, what: str) -> Any:
    """Return the samples, B * N of them, whose mean of the features is close to that of all."""
    train = setting.data.train
    found = features_of(setting, what, (train.inputs, train.targets))
    ready = rule("vector", seed=setting.run.seed)
    return ready(found[:, 0], float(setting.run.budget), features=found).numpy()


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
        return SequenceShare(
            self.order(setting),
            setting.batch_size,
            setting.run.budget,
            rank=rank,
            world_size=world,
            seed=setting.run.seed,
        )

    def order(self, setting: Setting) -> NDArray[np.int64]:
        """Return the order; the latest are kept for later runs of the process."""
        features = _features(setting, self.spec.options.get("features", self.features))
        key = (str(self), setting.batch_size, fingerprint(features), self._seed(setting))
        if key not in _KEPT:
            if len(_KEPT) >= _MOST_KEPT:
                del _KEPT[next(iter(_KEPT))]
            _KEPT[key] = self.make(features, setting)
        return _KEPT[key]

    features: ClassVar[str] = "inputs"

    def _seed(self, setting: Setting) -> int:
        return setting.run.seed

    def make(self, features: NDArray[np.float32], setting: Setting) -> NDArray[np.int64]:
        """Return the order of features (n, d)."""
        raise NotImplementedError


_KEPT: dict[Any, NDArray[np.int64]] = {}
_MOST_KEPT = 8


@dataclass(frozen=True)
class SequenceMethod(_OrderMethod):
    """Mini-batches by MMD: what was seen so far resembles what is left; the same for every seed.

    Options are those of `subsetopt.sequence`: ``kernel``, ``scale``, ``degree``, ``solver``, its
    selector, and ``engine``. ``solver=lp-rounding`` is the paper's Algorithm 1 on the true
    objective.
    """

    takes: ClassVar[tuple[str, ...] | None] = ("features", *KERNELS)

    def _seed(self, setting: Setting) -> int:
        return 0

    def make(self, features: NDArray[np.float32], setting: Setting) -> NDArray[np.int64]:
        """Return the order."""
        own = {key: value for key, value in self.spec.options.items() if key != "features"}
        kernel: dict[str, Any] = {key: own.pop(key) for key in ("scale", "degree") if key in own}
        if kernel:
            own["kernel"] = _kernel(str(own.pop("kernel", "gaussian")), kernel)
        if "solver" in own:
            own["selector"] = own.pop("solver")
        return sequence(features, setting.batch_size, **own).order


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
