"""Sequence cases: all points of a cloud in batches, by selectors, solvers and baselines."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._version import __version__
from subsetopt.benchmarks.results import Contender
from subsetopt.errors import InvalidResult, InvalidSelection, UnsupportedProblem
from subsetopt.limits import Limits
from subsetopt.problems import _validation
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.sequencing import Engine, choose, mmd_to_whole, sequence
from subsetopt.sequencing._selectors import SELECTORS, selector_of
from subsetopt.sequencing.baselines import BASELINES, Baseline, unscored
from subsetopt.sequencing.measure import random_mmd2, relative_area
from subsetopt.solution import Certificate, CertificateKind, Solution, Stats, Termination
from subsetopt.solvers import catalogue

from ._clouds import CloudCase

METHODS = ("random", "running-herding", "running-swap", "submodular", "k-dpp", "facility")
"""Those that are compared unless others are named: baselines, and the two made for sequences."""
_DRAWS, _FEWEST = 100, 10
_WORK = 400_000_000  # entries of the kernel matrix that random orders may be evaluated by


@dataclass(frozen=True, kw_only=True, eq=False)
class Ordered:
    """What a timed call returns: an order of the points, unchecked."""

    order: ArrayLike
    solver: str
    version: str
    stats: Stats


@dataclass(frozen=True, eq=False)
class SequenceCase(CloudCase):
    """All points of a cloud, to be put into batches of k.

    The objective is the area under the curve of the root MMD between the batches so far and the
    rest, relative to that under the root of what random batches have in squared MMD on average;
    these come to a little less than 1. A time limit is shared out among the batches of solvers that
    solve each as a problem of its own, and not looked at by the other methods.
    """

    family: ClassVar[str] = "sequence"
    joined: ClassVar[str] = "by"
    kinds: ClassVar[frozenset[str]] = frozenset()

    def prepared(self, contender: Contender, limits: Limits) -> Callable[[], Ordered]:
        """Return the call that makes the order, and the engine first where one is needed.

        Raises UnsupportedProblem if it is no baseline, no batch selector and no solver of MMD
        problems; InvalidOption for an option that it has not.
        """
        require(contender)
        if contender.name not in BASELINES:
            return lambda: self._by_selector(contender, limits)
        if self.cloud.kernel == "precomputed" and contender.name != "random":
            raise UnsupportedProblem(
                f"{contender.name!r} needs features, but {self.cloud.name} is a kernel matrix"
            )
        made = unscored(contender.name, **contender.options)
        points = self.cloud.points
        if contender.name == "submodular":  # the roots in its coverage need features from 0 on
            points = points - np.minimum(points.min(axis=0), 0)
        return lambda: self._by_baseline(made, points, limits)

    def _by_baseline(self, method: Baseline, points: NDArray[Any], limits: Limits) -> Ordered:
        start = perf_counter()
        order, _ = method.order(points, self.k, seed=limits.seed)
        seconds = perf_counter() - start
        stats = Stats(build_seconds=0.0, solve_seconds=seconds, total_seconds=seconds)
        return Ordered(order=order, solver=method.name, version=__version__, stats=stats)

    def _by_selector(self, contender: Contender, limits: Limits) -> Ordered:
        options: dict[str, Any] = dict(contender.options)
        if contender.name not in SELECTORS and limits.time_limit is not None:
            options["time_limit"] = limits.time_limit / -(-self.n // self.k)
        start = perf_counter()
        engine = self._engine(limits.threads)
        built = perf_counter()
        found = sequence(
            self.cloud.points,
            self.k,
            selector=contender.name,
            engine=engine,
            seed=limits.seed,
            threads=limits.threads,
            **options,
        )
        end = perf_counter()
        return Ordered(
            order=found.order,
            solver=contender.name,
            version=_version(contender.name),
            stats=Stats(built - start, end - built, end - start),
        )

    def solution(self, returned: Ordered) -> Solution:
        """Return what the order is worth on the whole kernel matrix.

        Raises InvalidResult if it is not a permutation of the points.
        """
        try:
            _validation.selection(returned.order, self.n, self.n, self.n)
        except InvalidSelection as error:
            raise InvalidResult(f"the order is not a permutation of the points: {error}") from error
        order = np.asarray(returned.order, np.int64)
        return Solution(
            indices=order,
            n=self.n,
            k=self.k,
            objective=self._area(order),
            bound=None,
            termination=Termination.FINISHED,
            certificate=Certificate(CertificateKind.NONE),
            stats=returned.stats,
            solver=returned.solver,
            version=returned.version,
        )

    def random_objectives(self, seed: int) -> NDArray[np.float64]:
        """Return the objectives of random orders, fewer of many points."""
        rng = np.random.default_rng([seed, 1])
        draws = max(_FEWEST, min(_DRAWS, _WORK // self.n**2))
        return np.array([self._area(rng.permutation(self.n)) for _ in range(draws)])

    def __reduce__(self) -> tuple[Any, ...]:
        return (SequenceCase, (self.cloud, self.k))

    def _area(self, order: NDArray[np.int64]) -> float:
        ends = np.append(np.arange(0, self.n, self.k), self.n)
        left = np.where(ends[1:] < self.n, self.n - ends[1:], np.nan)
        to_whole = mmd_to_whole(self._whole, order, ends).clip(min=0)
        expected = np.sqrt(random_mmd2(self._whole, ends))
        return relative_area(np.sqrt(to_whole) * self.n / left, expected)

    @cached_property
    def _whole(self) -> Engine:
        """The exact engine that answers are judged by, and no answer is made with."""
        return self._engine(None)

    def _engine(self, threads: int | None) -> Engine:
        with one_blas_thread():
            engine = choose(self.cloud.points, self.cloud.kernel, threads=threads)
            engine.row_sums()
        return engine


def _version(name: str) -> str:
    """Return the version of what a selector of batches stands on."""
    if name in SELECTORS:
        return __version__
    return catalogue.solver_class(name).availability().version or ""


def require(contender: Contender) -> None:
    """Raise unless it can put points into batches, and has the options.

    Raises UnknownSolver if there is none of that name; UnsupportedProblem if it is no baseline, no
    batch selector and no solver of MMD problems; InvalidOption for an option that it has not.
    """
    if contender.name in BASELINES:
        unscored(contender.name, **contender.options)
        return
    known = contender.name in SELECTORS or "mmd" in catalogue.solver_class(contender.name).handles
    if not known:
        raise UnsupportedProblem(
            f"solver {contender.name!r} makes no sequences: it does not take mmd problems; "
            f"batch selectors are {', '.join(SELECTORS)}, baselines {', '.join(BASELINES)}"
        )
    selector_of(contender.name, contender.options, seed=0, threads=None)
