"""Measurement of a plan, on as many workers as wanted."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import rank
from subsetopt._dependencies import OptionalDependency
from subsetopt._machine import Machine, commit, packages
from subsetopt._processes import end_with
from subsetopt.benchmarks.cases import Case
from subsetopt.benchmarks.results import Bound, Plan, Results, Row, Session
from subsetopt.benchmarks.results._plan import complete, todo
from subsetopt.benchmarks.results._results_folder import Folder
from subsetopt.errors import InvalidOption
from subsetopt.solvers import catalogue

from . import _fork_client
from ._work import Job, bounded_cases, bounding, solving

LOT = 4
"""Runs per worker that are asked for at a time where results do not come one by one."""

Keep = Callable[[Row | Bound], None]
"""Called with everything that is found, as soon as it is."""


@dataclass(frozen=True)
class Compared:
    """Results, and whether Ctrl-C ended the session that brought them."""

    results: Results
    interrupted: bool


def run(
    known: Results,
    cases: Sequence[Case],
    *,
    jobs: int = 1,
    keep: Keep = lambda found: None,
    begins: Callable[[str], None] = lambda what: None,
) -> Compared:
    """Measure what is still to be measured; at Ctrl-C what was being measured then is lost.

    It is joblib that runs jobs: ``with joblib.parallel_config("dask"): run(...)`` uses another
    backend than threads of this process, and other machines. Every worker keeps one process from
    which the processes of its runs are forked. More than one job at a time disturb each other.
    `keep` is called with everything that is found, `begins` with what begins, for people.

    Raises InvalidOption and UnsupportedProblem for options outside their domains, and a bound where
    there is none of that kind; MissingDependency without joblib or psutil.
    """
    if jobs < 1:
        raise InvalidOption(f"jobs must be an integer >= 1; got {jobs}")
    for name in ("joblib", "psutil"):
        OptionalDependency(name, name, extra="bench").load()
    plan, rows, found_bounds = known.plan, list(known.rows), list(known.bounds)
    bounded = bounded_cases(plan, cases)
    interrupted = False
    try:
        begins("random subsets")
        draws = {case.name: case.random_objectives(plan.settings.seed) for case in cases}
        for limit in plan.settings.time_limits:
            keys = todo(plan, rows, limit)
            begins(f"up to {limit:g} s each")
            for row in _done(plan, solving(plan, cases, keys), jobs):
                assert isinstance(row, Row)
                rows.append(_ranked(row, draws))
                keep(rows[-1])
        begins("bounds")
        for bound in _done(plan, bounding(plan, bounded, found_bounds), jobs):
            assert isinstance(bound, Bound)
            found_bounds.append(bound)
            keep(bound)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        _fork_client.POOL.close()
    results = replace(
        known, rows=tuple(rows), bounds=tuple(found_bounds), complete=complete(plan, rows)
    )
    return Compared(results, interrupted)


def _done(plan: Plan, wanted: Sequence[Job], jobs: int) -> Iterator[Row | Bound]:
    import joblib
    from joblib.parallel import get_active_backend

    families = tuple(dict.fromkeys(case.family for case in plan.cases))
    calls = [
        joblib.delayed(_fork_client.measured)(job, plan.settings.memory_limit, families)
        for job in wanted
    ]
    if not calls:
        return
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        streaming: dict[str, Any] = {"return_as": "generator_unordered"}
        lot = len(calls)
    else:
        streaming, lot = {}, LOT * jobs
    workers = joblib.Parallel(n_jobs=jobs, prefer="threads", batch_size=1, **streaming)
    for start in range(0, len(calls), lot):
        yield from workers(calls[start : start + lot])


def _ranked(row: Row, draws: Mapping[str, NDArray[np.float64]]) -> Row:
    """Return a row with its rank among random subsets, drawn once for each case."""
    if row.objective is None or not draws[row.case].size:
        return row
    return replace(row, random_rank=rank(row.objective, draws[row.case]))


class MeasurementObserver:
    """Is told what happens while runs are measured; does nothing by itself."""

    def begin(self, results: Results) -> None:
        """Take what earlier sessions have measured."""

    def phase(self, what: str) -> None:
        """Take the name of what begins."""

    def row(self, row: Row) -> None:
        """Take what has been measured."""


def measure(
    plan: Plan,
    cases: Sequence[Case],
    *,
    out: Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    watcher: MeasurementObserver | None = None,
) -> Compared:
    """Measure a plan, each run in a process of its own.

    joblib runs the jobs: ``with joblib.parallel_config("dask"): measure(...)`` uses another backend
    than threads of this process, and other machines; see `joblib_backend`.

    Parameters
    ----------
    plan : Plan
    cases : sequence of Case
        Those of the plan, with their data.
    out : Path, optional
        The folder that keeps the results.
    resume : bool
        Go on with what it holds.
    jobs : int
        Runs at a time. More than one disturb each other.
    watcher : MeasurementObserver, optional
        Told what begins, and each row as soon as it is measured.

    Returns
    -------
    Compared
        The `results`, and whether Ctrl-C `interrupted` the measurement.

    Raises
    ------
    InvalidOption
        For options outside their domains, a folder that holds other results or is in use, and a
        bound where there is none of that kind.
    UnsupportedProblem
        For a bound of another family.
    InvalidFile
        If the folder cannot be written, or what it holds cannot be read.
    MissingDependency
        Without joblib or psutil.
    """
    session = Session(
        machine=Machine.here(),
        packages=packages(e.name for e in plan.contenders if e.name in catalogue.names()),
        commit=commit(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        jobs=jobs,
    )
    bounded_cases(plan, cases)  # raises before there is a folder
    told = watcher or MeasurementObserver()
    if out is None:
        if resume:
            raise InvalidOption("there is nothing to resume: name the folder by --out")
        known = Results(plan=plan, sessions=(session,), rows=(), complete=False)
        return _measured(known, cases, jobs, told, lambda found: None)
    with Folder(out, plan, session, resume=resume) as folder:
        return _measured(folder.results, cases, jobs, told, folder.keep)


def _measured(
    known: Results,
    cases: Sequence[Case],
    jobs: int,
    watcher: MeasurementObserver,
    keep: Keep,
) -> Compared:
    def kept(found: Row | Bound) -> None:
        keep(found)
        if isinstance(found, Row):
            watcher.row(found)

    watcher.begin(known)
    return run(known, cases, jobs=jobs, keep=kept, begins=watcher.phase)


@contextmanager
def joblib_backend(name: str | None, scheduler: str | None = None) -> Iterator[None]:
    """Let joblib run jobs by another backend than threads of this process.

    Parameters
    ----------
    name : str or None
        "dask", "ray", "loky", or another that joblib knows.
    scheduler : str, optional
        The address of Dask's; else a cluster is started on this machine.

    Raises
    ------
    InvalidOption
        For a name that joblib does not know.
    MissingDependency
        Without the package.
    """
    if name is None:
        yield
        return
    if name == "dask":
        distributed = OptionalDependency("distributed", "distributed", extra="distributed").load()
        try:
            client = distributed.Client(scheduler)
        except (ValueError, OSError) as error:
            raise InvalidOption(f"there is no scheduler at {scheduler!r}: {error}") from error
        with client, _configured(name):
            yield
        return
    if name == "ray":
        OptionalDependency("ray", "ray").load("util.joblib").register_ray()
    with _configured(name):
        yield


@contextmanager
def _configured(name: str) -> Iterator[None]:
    joblib = OptionalDependency("joblib", "joblib", extra="bench").load()
    own = {"initializer": end_with, "initargs": (os.getpid(),)} if name == "loky" else {}
    try:
        context = joblib.parallel_config(backend=name, **own)
    except ValueError as error:
        raise InvalidOption(f"joblib has no backend {name!r}: {error}") from error
    with context:
        yield
