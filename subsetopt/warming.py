"""Everything that is compiled once per machine, done at once, or asked for whether it is there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import OptionalDependency
from subsetopt.limits import Limits


@dataclass(frozen=True)
class Job:
    """A small piece of work that needs kernels as large ones do.

    Parameters
    ----------
    name : str
    run : callable
    """

    name: str
    run: Callable[[], object]


@dataclass(frozen=True)
class Warmed:
    """What became of a job.

    Parameters
    ----------
    name : str
        Of the job.
    seconds : float
        That it took.
    compiled : int
        Kernels that were compiled for it.
    missing : bool
        It needs kernels that are not in the cache.
    """

    name: str
    seconds: float
    compiled: int
    missing: bool


def jobs() -> Iterator[Job]:
    """Yield the jobs: solvers by families and types of numbers, bounds, and whatever is no solver.

    Those whose optional requirements are not installed are left out.
    """
    from subsetopt.solvers import _tiny, catalogue

    for name in _tiny.own_solvers():
        for family in catalogue.solver_class(name).handles:
            for dtype, problem in _tiny.problems(family):
                yield Job(f"{name}, {family}, {dtype}", partial(_tiny.answered, name, problem))
    yield from _bounds()
    yield Job("select", _select)
    for dtype in ("float32", "float64"):
        yield Job(f"sequence, {dtype}", partial(_sequences, dtype))
    yield Job("baselines of sequences", _baselines)
    if OptionalDependency("pyarrow", "pyarrow").availability():
        yield Job("records", _records)
    if OptionalDependency("torch", "torch").availability():
        for dtype in ("float32", "float64"):
            yield Job(f"rules on vectors, {dtype}", partial(_rules, dtype))


def warm(
    which: Iterable[Job], done: Callable[[Warmed], object], *, check: bool = False
) -> list[Warmed]:
    """Run jobs, one after another, so that their kernels are in the cache.

    Parameters
    ----------
    which : iterable of Job
        For instance `jobs`.
    done : callable
        Called after each job.
    check : bool
        Compile nothing: a job whose kernels are not all in the cache is `missing`.
    """
    from subsetopt._kernels import _compiling, _tiers

    results = []
    with _compiling.by_hand(forbidden=check), _tiers.compiled():
        for job in which:
            begin, before = perf_counter(), _compiling.count()
            missing = False
            try:
                job.run()
            except _compiling.NotCompiled:
                missing = True
            seconds = perf_counter() - begin
            results.append(Warmed(job.name, seconds, _compiling.count() - before, missing))
            done(results[-1])
    return results


def folders() -> list[str]:
    """Return the folders of the cache, of the kernels that have been imported."""
    from subsetopt._kernels import _cache as compiled

    return sorted(compiled.FOLDERS)


def kept() -> bool:
    """Return whether what is compiled is kept, for other processes too."""
    from subsetopt._kernels import _cache as compiled

    return bool(compiled.FOLDERS) and all(compiled.FOLDERS.values())


# -- what is no solver ----------------------------------------------------------------------------


def _points(dtype: str = "float64") -> NDArray[Any]:
    return np.random.default_rng(0).exponential(size=(48, 3)).astype(dtype)


def _bounds() -> Iterator[Job]:
    from subsetopt.solvers import _tiny, bounds

    for family in ("quadratic", "mmd"):
        for dtype, problem in _tiny.problems(family):
            for method in ("fw", "sdp"):  # the others are not compiled here
                call = partial(bounds.bounded, problem, method, Limits(time_limit=1.0))
                yield Job(f"bound {method}, {family}, {dtype}", call)


def _select() -> None:
    from subsetopt.selecting import _ONE_CALL, select

    values = np.random.default_rng(0).exponential(size=_ONE_CALL + 1)
    select(values, 64)
    select(values[:64], 8)
    select(values[:64].reshape(4, 16), 4)


def _sequences(dtype: str) -> None:
    from subsetopt.sequencing import sequence

    for solver in ("herding", "swap"):
        for engine in ("matrix", "rows"):
            sequence(_points(dtype), 8, solver=solver, engine=engine)


def _baselines() -> None:
    from subsetopt.sequencing.baselines import FacilityLocation, Submodular

    for baseline in (Submodular(uncertainty=0), FacilityLocation()):
        baseline.order(_points(), 8)


def _records() -> None:
    from subsetopt.records import LabelWriter, LatestLosses, Layout, RecordStore, RecordWriter

    ids, draws = np.arange(64), np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        root = Path(folder) / "records"
        with RecordWriter(root, "a", layout=Layout(outputs=2), durable=False) as writer:
            writer.append(ids, draws.random(64), outputs=draws.random((64, 2)))
        with LabelWriter(root, "b", durable=False) as labels:
            labels.append(ids, ids % 2)
        store = RecordStore(root)
        for only in (None, ids[:8]):
            LatestLosses(store, only=only).refresh()
        store.labels().lookup(ids)


def _rules(dtype: str) -> None:
    import torch

    from subsetopt.torch.search.compiled import Search, match_vectors_compiled

    for points in (_points(dtype), (_points(dtype) > 1.0).astype(dtype)):  # a few strata
        vectors = torch.from_numpy(points)[None]
        for start in ("uniform", "greedy", "relaxed"):
            match_vectors_compiled(vectors, 8, [0], Search(start=start))
