"""`coreset`: a pool of candidates, kernel means of all rows, and a choice from the pool."""

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

from subsetopt._checks import require_flag, require_integer, require_number, require_one_of
from subsetopt.errors import InvalidOption, InvalidProblem
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.problems import Constraints, Gaussian, Kernel, Linear
from subsetopt.problems._kernel_choice import OBJECTS, KernelFunction, kernel_of
from subsetopt.problems._memory import memory_limit, memory_size
from subsetopt.problems._parallel import no_callback, one_blas_thread
from subsetopt.problems.scaling import Method

from ._asked_rows import NOTHING, AskedOfRows
from ._coreset_checkpoint import coreset_checkpoint, source_identity, stated
from ._coreset_job import CoresetJob
from ._coreset_result import Coreset
from ._pool import FEWEST_OF_K, PoolSize
from ._pool_rules import Rules, rules_of
from ._reading_engines import engine_of
from ._reservoir import OnceRows, kept_rows
from ._row_blocks import Source
from ._row_keys import RowKeys
from ._source_kinds import source_of, target_of

Progress = Callable[[str, int, int | None], None]

OBJECTIVES = ("mmd", "mean")


def coreset(
    data: Any,
    k: int,
    *,
    columns: Any = None,
    id: Any = None,  # noqa: A002 - what people call it
    header: bool | None = None,
    target: Any = None,
    objective: str = "mmd",
    kernel: Kernel | KernelFunction | str = "gaussian",
    scale_columns: Method | None = None,
    pool: int | None = None,
    compared: int | None = None,
    weights: bool = False,
    constraints: Constraints | Mapping[str, Any] | ConstraintOptions | None = None,
    memory: str | int | None = None,
    seed: int = 0,
    threads: int | None = None,
    time_limit: float | None = None,
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
    objective : {"mmd", "mean"}
        "mean" asks for nothing but the means of the columns: it is the MMD of the kernel "linear".
        All rows are then read once, and the MMD is the distance of the means, without an error.
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
        What may be held, "4GiB" or bytes, of which fewer candidates and witnesses are drawn where
        need be: the kernel matrix, up to 14 copies of the sample, and blocks of 32 MiB, but not
        what data, libraries and the result take. None is three quarters of the memory available
        now, of which the matrix has half.
    seed : int
        The same rows in the same order give the same coreset for equal seeds, whatever the number
        of threads and of rows in a block, and the engine.
    threads : int, optional
        None is the number of processors, and 1 for each task of a cluster.
    time_limit : float, optional
        Seconds for the exchanges in the pool, which come after the passes over the rows and the
        herding; None exchanges as often as is planned. With one the coreset depends on the speed
        of the machine.
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
        at the end. Without it, Ctrl-C during the exchanges gives the best so far, see
        `Coreset.interrupted`.
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
    require_number("time_limit", time_limit, "(0, inf)", none=True)
    if isinstance(kernel, str) and kernel == "precomputed":
        raise InvalidProblem(
            "kernel is 'precomputed', but coreset takes features; choose from a kernel matrix with "
            "MMDSelection"
        )
    require_one_of("objective", objective, OBJECTIVES, error=InvalidOption)
    chosen = kernel_of(kernel, OBJECTS)
    if objective == "mean":
        if chosen not in (Gaussian(), Linear()):
            raise InvalidOption(f"objective='mean' has the kernel 'linear'; got kernel={kernel!r}")
        chosen = Linear()
    rules = rules_of(constraints, int(k))
    source = source_of(
        data, columns, id, header=header, tags=() if rules is None else rules.columns
    )
    aim = None if target is None else target_of(target, source, header)
    limit = memory_limit() if memory is None else memory_size("memory", str(memory))
    size = PoolSize.of(int(k), pool, limit)
    if memory is not None and not isinstance(source, OnceRows):
        first = next(iter(source.blocks()), None)
        if first is not None:
            size = size.within(int(k), first.X[:1].nbytes, aim is not None)
    if rules is not None:
        size = size.of_one_matrix(int(k), pool)
    asked = NOTHING if rules is None else _asked(rules, source)
    told = progress or no_callback

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
        job = CoresetJob(
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
            time_limit=time_limit,
        )
        return kept.among_all(job.run(weights), aimed)


def _asked(rules: Rules, source: Source) -> AskedOfRows:
    if isinstance(source, OnceRows):
        raise InvalidOption(
            f"constraints are for rows that can be read twice, and {source.name} gives them once; "
            "give a list of blocks, or a function that returns them"
        )
    return rules.asked(source)
