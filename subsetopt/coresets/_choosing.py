"""Few rows that resemble all of very many: a pool, the means of all, a choice from the pool."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import PathLike
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._checks import require_flag, require_integer
from subsetopt._marginals import Marginal, marginals
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.problems import Constraints, Kernel, Linear
from subsetopt.problems._kernel_choice import OBJECTS, Custom, KernelFunction, kernel_of
from subsetopt.problems._memory import memory_limit, memory_size, require_memory
from subsetopt.problems._parallel import one_blas_thread
from subsetopt.problems.scaling import GIVE_SCALE, Method, Scaling, warn_unscaled

from ._asked_rows import NOTHING, AskedOfRows
from ._coreset_checkpoint import CoresetCheckpoint, coreset_checkpoint, source_identity, stated
from ._coreset_result import Coreset
from ._judging import Judge
from ._kernel_means import kernel_means
from ._pool import FEWEST_OF_K, Pool, PoolSize
from ._pool_rules import Rules, candidates_of, rules_of
from ._reading_engines import ReadingEngine, engine_of
from ._reservoir import OnceRows, kept_rows
from ._row_keys import RowKeys, RowShare
from ._row_sources import Source
from ._source_kinds import source_of, target_of
from ._surveying import Survey, Told, survey
from ._weighing import simplex_weights

Progress = Callable[[str, int, int | None], None]

_WITNESSES = 4096
_DRAWS = 10
_MANY, _FEW_DRAWS = 4000, 2  # k from which random selections are few
_MOST_COLUMNS = 64


def coreset(
    data: Any,
    k: int,
    *,
    columns: Any = None,
    id: Any = None,  # noqa: A002 - what people call it
    header: bool | None = None,
    target: Any = None,
    kernel: Kernel | KernelFunction | str = "gaussian",
    scale_columns: Method | None = None,
    pool: int | None = None,
    compared: int | None = None,
    weights: bool = False,
    constraints: Constraints | Mapping[str, Any] | ConstraintOptions | None = None,
    memory: str | int | None = None,
    seed: int = 0,
    threads: int | None = None,
    engine: str = "local",
    scheduler: Any = None,
    checkpoint: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Coreset:
    r"""Choose k of very many rows that resemble all of them.

    A uniform sample of the rows, the pool, is held; one pass over all rows gives the inner product
    of each candidate in the pool with the kernel mean :math:`\mu` of all rows; k candidates are
    then herded towards :math:`\mu` and exchanged until none helps, as in `MMDSelection` with the
    target `MeanEmbedding`. All rows count, though only the pool is chosen from.

    Parameters
    ----------
    data : array, path, table or blocks
        An array (n, d), of which a memory map is never copied; the path or address of a .npy file,
        of text (.csv, .tsv, .txt, possibly packed, as .csv.gz), of a Parquet file or of a folder of
        them; a table of pyarrow, pandas or polars; a collection of Dask, Hugging Face, Ray or
        Spark; a function that returns blocks of rows, or a list of them. Of an iterator of blocks,
        which gives them once, a uniform sample is in the place of all rows, as large as half of
        `memory` allows; `Coreset.message` says so.
    k : int
        In [1, n / 2].
    columns : str, or sequence of str or int, optional
        The features: names of columns, numbers from 1 as text, or indices from 0 as integers. None
        is all columns of numbers; text has to hold nothing else but the ids. A column of lists, as
        embeddings are stored, stands for as many features.
    id : str, int or array_like (n,), optional
        The column that names the rows; for an array the names.
    header : bool, optional
        Whether line 1 of text is a header; None decides as `read_values` does.
    target : as data, optional
        Resemble these rows instead; its features are those of `data`.
    kernel : str, Kernel or callable
        As `MMDSelection` takes it, but for "precomputed".
    scale_columns : {"std", "robust", "none"}, optional
        Likewise; "robust" by the quantiles of the sample.
    pool : int, optional
        Candidates, 2 k at least; None is 32 k, at least 4,096 and at most 16,000, or 2 k where that
        is more. A kernel matrix is held of as many as `memory` allows, else of 16,000: of a larger
        pool one part after another is chosen from, each making up for those before.
    compared : int, optional
        About how many rows the candidates are compared with: a uniform sample of all, or of those
        of the target, in whose place it then is; None is all. It is at least twice as large as
        candidates and witnesses together. `Coreset.message` says how far it is from all.
    weights : bool
        Give the chosen weights too, the best there are.
    constraints : Constraints or mapping, optional
        What the chosen keep. Of a table by the words of the command line, include, exclude,
        exactly, at_least, at_most, cost with budget, conflicts, and by columns, as in
        ``{"exactly": {"region": "proportional"}, "at_least": {"kind": {"rare": 20}}}``; rows go by
        their ids, or without ids by their numbers from 0. `Constraints` have a label or cost of
        each of all rows. The pool then has enough of each group that a quota asks for, and rows to
        be included. "proportional" is to all rows. k is at most half of what one kernel matrix
        holds.
    memory : str or int, optional
        What may be held, "4GiB" or bytes; None is three quarters of the memory available now.
    seed : int
        The same rows in the same order give the same coreset for equal seeds, whatever the number
        of threads and of rows in a block, and the engine.
    threads : int, optional
        None is the number of processors, and 1 for each task of a cluster.
    engine : {"local", "dask", "ray", "spark"}
        Who reads the rows: this process, or the workers of a cluster, of an array, .npy or Parquet
        files that all of them see, a `Dataset` of Hugging Face, or a collection of Dask or Ray;
        Spark reads its own data frames. The choice from the pool is made here.
    scheduler : str or distributed.Client, optional
        The address of the cluster, or a client of Dask; None is the client or the cluster that this
        process has, of Ray else a cluster on this machine.
    checkpoint : path, optional
        Written after the first pass, every few seconds in the second, and at Ctrl-C; a call with
        the same data and options goes on from there, to the same coreset to the last bit. Removed
        at the end.
    progress : callable, optional
        Called with the phase ("survey", "target", "means"), the rows done in it and all rows, None
        where that is not known yet; then "choosing" and "judging", with steps.

    Returns
    -------
    Coreset

    Raises
    ------
    InvalidProblem, InvalidFile, InvalidOption
        For rows that are no features, bad usage, or a checkpoint of other data or options.
    MissingDependency
        Where what an engine or an address needs is not installed.
    TooLarge
        Where the memory does not allow a kernel matrix of 256 candidates.

    Notes
    -----
    O(n d) for the first pass, which draws the sample, O(n m d) for the second with m the pool and
    4,096 witnesses, and O(m^2 d) to choose. Memory: the kernel matrix of the pool, m^2 numbers,
    and some blocks of rows. MMD is estimated with the witnesses, rows of a uniform sample that are
    no candidates, see `Coreset.mmd_error`; where all rows are in the sample it is exact.

    References
    ----------
    Kernel herding: Chen, Welling & Smola, UAI 2010.

    Examples
    --------
    >>> X = np.random.default_rng(0).normal(size=(9000, 3))
    >>> few = coreset(X, 50)
    >>> few.mmd < few.random_mmd / 4
    True
    """
    require_integer("k", k, "[1, inf)", error=InvalidProblem)
    require_integer("pool", pool, f"[{FEWEST_OF_K * int(k)}, inf)", none=True)
    require_integer("compared", compared, "[1, inf)", none=True)
    require_integer("seed", seed, "[0, inf)")
    require_integer("threads", threads, "[1, inf)", none=True)
    require_flag("weights", weights)
    if isinstance(kernel, str) and kernel == "precomputed":
        raise InvalidProblem(
            "kernel is 'precomputed', but coreset takes features; choose from a kernel matrix with "
            "MMDSelection"
        )
    chosen = kernel_of(kernel, OBJECTS)
    rules = rules_of(constraints, int(k))
    source = source_of(
        data, columns, id, header=header, tags=() if rules is None else rules.columns
    )
    aim = None if target is None else target_of(target, source, header)
    limit = memory_limit() if memory is None else memory_size("memory", str(memory))
    size = PoolSize.of(int(k), pool, limit)
    asked = NOTHING if rules is None else _asked(rules, source, size)
    told = progress or _nobody

    def identity() -> dict[str, Any]:
        if isinstance(source, OnceRows) or isinstance(aim, OnceRows):
            raise InvalidOption("checkpoint is for rows that can be read twice; leave it out")
        given = {"k": int(k), "pool": size.total, "seed": int(seed), "engine": engine}
        given |= {} if compared is None else {"compared": int(compared)}
        texts = {"kernel": chosen, "scale_columns": scale_columns, "constraints": constraints}
        return {
            **source_identity(source, "data"),
            **({} if aim is None else source_identity(aim, "target")),
            **given,
            **{name: stated(value) for name, value in texts.items()},
        }

    with (
        engine_of(engine, scheduler) as by,
        coreset_checkpoint(checkpoint, identity) as saved,
        one_blas_thread(),
    ):
        share = limit // (1 if aim is None else 2)
        kept = kept_rows(source, share, RowKeys(seed, 2), told)
        aimed = None if aim is None else kept_rows(aim, share, RowKeys(seed, 3), told)
        job = _Job(
            source=kept.source,
            aim=None if aimed is None else aimed.source,
            k=int(k),
            kernel=chosen,
            scale=scale_columns,
            size=size,
            compared=compared,
            seed=seed,
            threads=threads,
            told=told,
            engine=by,
            rules=rules,
            asked=asked,
            saved=saved,
        )
        return kept.among_all(job.run(weights), aimed)


def _asked(rules: Rules, source: Source, size: PoolSize) -> AskedOfRows:
    if isinstance(source, OnceRows):
        raise InvalidOption(
            f"constraints are for rows that can be read twice, and {source.name} gives them once; "
            "give a list of blocks, or a function that returns them"
        )
    if size.part < size.total:
        raise InvalidProblem(
            f"with constraints one kernel matrix must hold the pool of {size.total}, and it holds "
            f"{size.part}; ask for a smaller k or pool, or allow more memory"
        )
    return rules.asked(source)


def _nobody(phase: str, done: int, total: int | None) -> None:
    pass


@dataclass
class _Job:
    """One choice, step by step."""

    source: Source
    aim: Source | None
    k: int
    kernel: Kernel
    scale: Method | None
    size: PoolSize
    compared: int | None
    seed: int
    threads: int | None
    told: Told
    engine: ReadingEngine
    rules: Rules | None
    asked: AskedOfRows
    saved: CoresetCheckpoint
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, weighted: bool) -> Coreset:
        with self._timed("survey"):
            size = self.size.total + _WITNESSES
            seen = self._survey(self.source, size, 0, self.told, self.asked)
            aimed = seen
            if self.aim is not None:
                aimed = self._survey(self.aim, _WITNESSES, 1, self._told_of_target)
            self._require(seen, aimed)
            scaling, X, T = self._scaled(seen, aimed)
            kernel = self.kernel.fitted(X, T) if self.aim else self.kernel.fitted(X)
        candidates, uniform, witnesses = self._divided(seen)
        points = X if self.aim is None else np.concatenate([X[candidates], T])
        with self._timed("means"):
            of, stream = (self.source, 0) if self.aim is None else (self.aim, 1)
            count = aimed.n if self.compared is None else max(self.compared, 2 * len(aimed.X))
            share = RowShare(RowKeys(self.seed, stream), count / aimed.n)
            means = kernel_means(
                kernel,
                points,
                of,
                scaling,
                self.threads,
                self.told,
                aimed.n,
                self.engine,
                self.saved.sums(len(points)),
                share,
            )
        if self.aim is None:
            pool_means, T, aim_means = means[candidates], X[witnesses], means[witnesses]
        else:
            pool_means, aim_means = means[: len(candidates)], means[len(candidates) :]
        pool, witness_rows = X[candidates], T
        with self._timed("choosing"):
            part = self.size.part_of(pool.itemsize)
            rules = None if self.rules is None else self.rules.of_pool(seen, candidates)
            chosen_from = Pool(pool, pool_means, kernel, part, self.seed, self.threads, rules)
            at = chosen_from.choose(self.k, self._told_of_choosing)
        self.told("judging", 0, None)
        with self._timed("judging"):
            compared = share.count(aimed.n)
            judge = Judge(kernel, witness_rows, aim_means, compared, self.threads)
            estimate = judge.mmd_squared(pool[at], pool_means[at])
            w, gap, with_weights = self._weighed(judge, kernel, pool[at], pool_means[at], weighted)
            random = [
                judge.mmd_squared(pool[rows], pool_means[rows]).square
                for rows in self._random(np.flatnonzero(np.isin(candidates, uniform)))
            ]
            raw = seen.X[candidates]
            target = aimed.X if self.aim else seen.X[witnesses]
            table = self._columns(raw, at, target, aimed)
        rows = candidates[at]
        return Coreset(
            indices=seen.rows[rows],
            ids=None if seen.ids is None else seen.ids[rows],
            weights=w,
            mmd=estimate.root,
            mmd_error=estimate.root_error,
            weighted_mmd=with_weights,
            weights_gap=gap,
            random_mmd=float(np.sqrt(max(float(np.mean(random)), 0.0))),
            n=seen.n,
            pool=len(pool),
            kernel=kernel.function if isinstance(kernel, Custom) else kernel,
            columns=table,
            groups={} if self.rules is None else self.rules.counts(seen, rows),
            seconds=self.seconds,
            message=judge.of_sample(aimed.n),
        )

    def _told_of_choosing(self, done: int, total: int) -> None:
        self.told("choosing", done, total)

    def _told_of_target(self, phase: str, done: int, total: int | None) -> None:
        self.told("target", done, total)

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[phase] = perf_counter() - start

    def _require(self, seen: Survey, aimed: Survey) -> None:
        if 2 * self.k > seen.n and self.k != seen.n:
            raise InvalidProblem(
                f"k must be at most half the {seen.n} rows of {self.source.name}; got {self.k}: "
                "solve(MMDSelection(...)) chooses any number of few rows"
            )
        if seen.X.shape[1] != aimed.X.shape[1]:
            raise InvalidProblem(
                f"target has {aimed.X.shape[1]} features and data has {seen.X.shape[1]}; give both "
                "the same"
            )

    def _scaled(self, seen: Survey, aimed: Survey) -> tuple[Scaling, NDArray[Any], NDArray[Any]]:
        """Return how rows are scaled, and both samples scaled, in the wider of their dtypes."""
        together = seen.X if aimed is seen else np.concatenate([seen.X, aimed.X])
        if self.scale is None and not isinstance(self.kernel, Custom):
            warn_unscaled(together, GIVE_SCALE, stacklevel=5)
        method = self.scale or "none"
        if method == "std" and aimed is seen:
            scaling = Scaling("std", seen.mean, np.where(seen.std > 0, seen.std, 1.0))
        elif method == "none" and isinstance(self.kernel, Linear):
            # The MMD is the same about any origin, and less cancels about the mean.
            scaling = Scaling("std", aimed.mean, np.ones(len(aimed.mean)))
        else:
            scaling = Scaling.of(together, method)
        return scaling, scaling.applied(seen.X), scaling.applied(aimed.X)

    def _survey(
        self, source: Source, size: int, stream: int, told: Told, asked: AskedOfRows = NOTHING
    ) -> Survey:
        seen = self.saved.surveyed(
            "target" if stream else "data",
            size,
            asked,
            lambda: survey(source, size, RowKeys(self.seed, stream), told, self.engine, asked),
        )
        return seen.result()

    def _divided(self, seen: Survey) -> tuple[NDArray[np.int64], ...]:
        """Return the candidates, those of a uniform sample, and the witnesses."""
        sample, total = np.flatnonzero(seen.sampled), self.size.total
        order = sample[np.random.default_rng(self.seed).permutation(len(sample))]
        uniform = candidates = np.sort(order[:total])
        if self.rules is not None:
            candidates = candidates_of(seen, order[:total], total, self.k)
        if len(sample) == seen.n:  # all rows are there
            return candidates, uniform, sample
        if self.aim is not None:
            return candidates, uniform, np.empty(0, np.int64)
        return candidates, uniform, np.sort(order[total:])

    def _weighed(
        self,
        judge: Judge,
        kernel: Kernel,
        S: NDArray[Any],
        means: NDArray[np.float64],
        wanted: bool,
    ) -> tuple[NDArray[np.float64] | None, float | None, float | None]:
        """Return the weights of the chosen, by how much others may be better, and their MMD."""
        if not wanted:
            return None, None, None
        require_memory("the kernel matrix of the chosen", 16 * len(S) ** 2, "do without weights")
        weights, gap = simplex_weights(np.asarray(kernel(S, S), np.float64), means)
        return weights, gap, judge.mmd_squared(S, means, weights).root

    def _random(self, uniform: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        generator = np.random.default_rng([self.seed, 1])
        for _ in range(_DRAWS if self.k <= _MANY else _FEW_DRAWS):
            yield generator.choice(uniform, self.k, replace=len(uniform) < self.k)

    def _columns(
        self, raw: NDArray[Any], at: NDArray[np.int64], target: NDArray[Any], aimed: Survey
    ) -> tuple[Marginal, ...]:
        d = raw.shape[1]
        if d > _MOST_COLUMNS:
            return ()
        names = self.source.names if len(self.source.names or ()) == d else None
        return marginals(raw, at, names=names, target=target, seed=self.seed, draws=_DRAWS)
