"""Partitioned numbers: arrays, chunks of Arrow, partitions of Dask, and work on each."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._processes import processors
from subsetopt.errors import InvalidProblem
from subsetopt.problems import _validation

Result = TypeVar("Result")
Work = Callable[..., Result]
"""Takes the name of a part and its numbers, and what is given for it; may run elsewhere."""


class ValueParts:
    """Parts of one column of numbers, which work is sent to.

    Parameters
    ----------
    parts : list
        Arrays, or what a worker makes into one.
    lazy : bool
        They are Delayed objects of Dask.
    """

    def __init__(self, parts: list[Any], lazy: bool) -> None:
        self._parts, self._lazy = parts, lazy

    @classmethod
    def of(cls, losses: Any) -> "ValueParts":
        """Return the parts of what is given; InvalidProblem if it has none."""
        if type(losses).__module__.startswith("dask"):
            return cls(np.ravel(losses.to_delayed()).tolist(), lazy=True)
        parts = getattr(losses, "chunks", losses)  # of a ChunkedArray
        if isinstance(losses, np.ndarray | str | dict) or not isinstance(parts, Iterable):
            raise InvalidProblem(
                "losses must be a list of arrays (n,), a ChunkedArray of Arrow, or an array or "
                f"column of Dask; got {type(losses).__name__}: [losses] is one part"
            )
        return cls(list(parts), lazy=False)

    def __len__(self) -> int:
        return len(self._parts)

    def each(
        self, work: Work[Result], given: Sequence[tuple[Any, ...]], only: Sequence[int]
    ) -> list[Result]:
        """Return what work returns for some of the parts; each is read, worked on and let go."""
        jobs = [(f"losses[{p}]", self._parts[p], *given[p]) for p in only]
        if self._lazy:
            dask: Any = import_module("dask")
            made = dask.delayed(_on_one_core, pure=False)
            return list(dask.compute(*[made(work, *job) for job in jobs]))
        cores = processors()
        if len(jobs) < cores:
            return [work(name, values_of(name, part), None, *rest) for name, part, *rest in jobs]
        with ThreadPoolExecutor(cores) as pool:
            return list(pool.map(lambda job: _on_one_core(work, *job), jobs))


def _on_one_core(work: Work[Result], name: str, part: Any, *given: Any) -> Result:
    return work(name, values_of(name, part), 1, *given)


def values_of(name: str, part: Any) -> NDArray[Any]:
    """Return a part as an array (n,) of numbers, which is not copied if it is one."""
    array = np.asarray(_validation.on_host(part))
    if array.size == 0 and array.ndim == 1:
        return np.empty(0)
    if array.ndim != 1 or array.dtype.kind != "f" or array.dtype.itemsize > 8:
        array = _validation.numeric_array(name, part, dimensions=(1,))
    return array.astype(np.float32) if array.dtype == np.float16 else array
