"""The function `sequence`: all batches of a data set, one after another."""

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from subsetopt._checks import require_flag
from subsetopt._version import __version__
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.limits import Limits
from subsetopt.problems import Kernel
from subsetopt.problems._kernel_choice import KernelFunction
from subsetopt.problems._parallel import no_callback, one_blas_thread
from subsetopt.report._progress import shown

from . import _archive
from ._archive import SequenceCheckpoint
from ._selectors import BatchSelector, selector_of
from ._state import State
from .engines import Engine, batch_count_of, batch_size_of, choose
from .result import MiniBatchSequence

if TYPE_CHECKING:
    from subsetopt.solvers.base import Solver

Progress = Callable[[int, int], None]


def sequence(
    X: ArrayLike,
    batch_size: int,
    *,
    kernel: Kernel | KernelFunction | str = "gaussian",
    selector: "str | Solver | BatchSelector" = "running-swap",
    engine: str | Engine = "auto",
    memory: int | None = None,
    batches: int | None = None,
    drop_last: bool = False,
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    threads: int | None = None,
    **options: Any,
) -> MiniBatchSequence:
    r"""Put points into mini-batches, so that what was taken so far resembles what is left.

    Batch after batch is chosen from what is left, Q, minimising

    .. math::
        \Bigl\lVert \tfrac{1}{|P| + k} \sum_{i \in P \cup B} \phi_i
        - \tfrac{1}{|Q| - k} \sum_{i \in Q \setminus B} \phi_i \Bigr\rVert^2

    with P all that were chosen before. The last batch is what is left then.

    Parameters
    ----------
    X : array_like (n, d) or (n,)
        Features, of which float32 give a float32 kernel matrix; with ``kernel="precomputed"`` the
        kernel matrix (n, n), which is used as it is and must not be changed meanwhile.
    batch_size : int
        k, 1 <= k <= n.
    kernel : str, Kernel or callable
        As `MMDSelection` takes it.
    selector : str, Solver or BatchSelector
        ``"running-herding"``: kernel herding that goes on from batch to batch, O(n) a point.
        ``"running-swap"``: that, then swaps within the batch until none helps, or `sweeps` turns.
        Any solver of MMD problems by name or as an object: each batch is then solved as a problem
        of its own, which takes its matrix, O(n^2), and `options` are the solver's and the limits of
        `solve`. Or a function that adds k points to a `State`.
    engine : str or Engine
        Where rows of the kernel matrix come from: see `subsetopt.sequencing.choose`. An object
        brings its own points and kernel; X is then only counted.
    memory : int, optional
        Bytes that it may take; None is three quarters of the machine's memory.
    batches : int, optional
        Stop after so many; the same as the first ones of all. None is all.
    drop_last : bool
        Leave out the last batch where it is smaller.
    seed : int
        For selectors and engines that draw.
    checkpoint : path, optional
        Written every few seconds and at Ctrl-C; a call with the same data and options, `batches`
        aside, goes on from there, to the same order to the last bit. Removed at the end, unless it
        holds more than `batches`.
    progress : callable, optional
        Called with the batches done and all that there are to be: at once, while an engine adds up
        the rows of its matrix, which may take longer than the batches, and after each batch.
    threads : int, optional
        None is the number of processors. It has no bearing on the order.
    **options
        Of the selector.

    Raises
    ------
    InvalidProblem, InvalidOption, UnknownSolver, UnsupportedProblem, MissingDependency
        Bad data or usage.
    TooLarge
        If what was asked for by name does not fit into the memory.
    InvalidFile
        If the checkpoint is damaged, or of other data or options.
    KeyboardInterrupt
        At Ctrl-C, with the checkpoint written.

    Examples
    --------
    >>> found = sequence([[0.0], [1.0], [10.0], [11.0]], 2, kernel="linear")
    >>> [batch.tolist() for batch in found.batches]
    [[1, 2], [0, 3]]
    """
    start = perf_counter()
    seed, threads = Limits(seed=seed).seed, Limits(threads=threads).threads
    select, described = selector_of(selector, options, seed=seed, threads=threads)
    require_flag("drop_last", drop_last)
    early = False
    if isinstance(X, np.ndarray) and X.ndim:  # else it is known once X has been read
        some = batch_count_of(batches, len(X), batch_size_of(batch_size, len(X)), drop_last)
        early = checkpoint is None
        if early:
            (progress or no_callback)(0, some)  # before the matrix, which may take minutes
    with one_blas_thread(), ExitStack() as opened:
        source = _engine(X, kernel, memory, engine, threads, seed)
        size = batch_size_of(batch_size, source.n)
        total = batch_count_of(batches, source.n, size, drop_last)
        if hasattr(source, "own_selector"):
            select = source.own_selector(select)
        facts = facts_of(source, size, described, drop_last, seed)
        saved = None
        if checkpoint is not None:
            saved = opened.enter_context(SequenceCheckpoint(checkpoint, facts))
        snapshot = None if saved is None else saved.found()
        before = 0 if snapshot is None else len(snapshot.seconds)
        told = partial(progress or no_callback, before, total)
        if not early:
            told()
        if getattr(source, "tells", False):
            source.row_sums(lambda done, pairs: told())  # type: ignore[call-arg]
        state = State(source, memory)
        if snapshot is not None:
            state.restore(snapshot)
        seconds = float(sum(state.seconds[:total]))
        run_batches(state, select, size, total, saved, progress or no_callback)
        seconds += perf_counter() - start
        result = result_of(state, total, seconds, {**facts, "batches": total})
        if saved is not None and before <= total:
            saved.remove()
    return result


def _engine(
    X: ArrayLike,
    kernel: Kernel | KernelFunction | str,
    memory: int | None,
    engine: str | Engine,
    threads: int | None,
    seed: int,
) -> Engine:
    if isinstance(engine, str):
        return choose(X, kernel, memory, engine=engine, threads=threads, seed=seed)
    if not isinstance(engine, Engine):
        raise InvalidOption(f"engine must be a name or an Engine; got {engine!r}")
    if len(np.asarray(X)) != engine.n:
        raise InvalidProblem(f"X has {len(np.asarray(X))} points, the engine {engine.n}")
    return engine


def facts_of(
    engine: Engine, size: int, selector: str, drop_last: bool, seed: int
) -> dict[str, Any]:
    """Return all that has a bearing on the order."""
    return {
        "n": engine.n,
        "data": _archive.digest(engine.data),
        "kernel": repr(engine.kernel),
        "batch_size": size,
        "solver": selector,
        "engine": engine.name,
        "dtype": engine.dtype.name,
        "drop_last": drop_last,
        "seed": seed,
    }


def run_batches(
    state: State,
    select: BatchSelector,
    size: int,
    total: int,
    saved: SequenceCheckpoint | None,
    progress: Progress,
) -> None:
    """Choose batches until there are `total`; at Ctrl-C write what is done."""
    try:
        while len(state.boundaries) <= total:
            begin = perf_counter()
            left = state.n - state.count
            if left > size:
                select(state, size)
            else:
                state.add(state.left)
            state.close(perf_counter() - begin)
            if saved is not None:
                saved.note(state)
            progress(len(state.boundaries) - 1, total)
    except KeyboardInterrupt:
        if saved is not None:
            saved.write()
        raise


def result_of(state: State, total: int, seconds: float, facts: dict[str, Any]) -> MiniBatchSequence:
    """Return the first `total` batches."""
    engine, boundaries = state.engine, state.boundaries[: total + 1]
    provenance = {
        **facts,
        "features": list(engine.data.shape[1:]),
        "engine": engine.describe(),
        "bytes": engine.bytes,
        "versions": {
            "subsetopt": __version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
    }
    return MiniBatchSequence(
        order=state.order[: boundaries[-1]],
        boundaries=np.array(boundaries),
        mmd2=np.array(state.mmd2[:total]),
        mmd2_to_whole=np.array(state.mmd2_to_whole[:total]),
        seconds=np.array(state.seconds[:total]),
        total_seconds=seconds,
        provenance=provenance,
    )


@contextmanager
def bar(
    label: str = "sequence", *, unit: str = "batches", hidden: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far it is: a bar on a terminal, else a line every 30 seconds.

    Yields
    ------
    callable
        Takes the batches done and all batches, or whatever the unit is.
    """
    with shown(label, unit=unit, hidden=hidden) as steps:
        yield steps.update
