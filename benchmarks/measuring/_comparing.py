"""From a plan to results: in memory, or in a folder that outlasts the process."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from subsetopt._dependencies import OptionalDependency
from subsetopt._machine import Machine, commit, packages
from subsetopt._processes import end_with
from subsetopt.benchmarks.cases import Case
from subsetopt.benchmarks.results import Bound, Plan, Results, Row, Session
from subsetopt.benchmarks.results._results_folder import Folder
from subsetopt.errors import InvalidOption
from subsetopt.solvers import catalogue

from ._runner import Compared, Keep, run


class MeasurementObserver:
    """Is told what happens while runs are measured; does nothing by itself."""

    def begin(self, results: Results) -> None:
        """Take what earlier sessions have measured."""

    def phase(self, what: str) -> None:
        """Take the name of what begins."""

    def row(self, row: Row) -> None:
        """Take what has been measured."""


def compare(
    plan: Plan,
    cases: Sequence[Case],
    *,
    out: Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    watcher: MeasurementObserver | None = None,
) -> Compared:
    """Measure a plan.

    Parameters
    ----------
    plan : Plan
    cases : sequence of Case
        Those of the plan, with their data.
    out : Path, optional
        The folder that keeps the results; see `Folder` for what it refuses.
    resume : bool
        Go on with what it holds.
    jobs : int
        Runs at a time; see `run`, which also says what is raised.
    watcher : Watcher, optional
    """
    session = Session(
        machine=Machine.here(),
        packages=packages(e.name for e in plan.entrants if e.name in catalogue.names()),
        commit=commit(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        jobs=jobs,
    )
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
