"""Grids of runs: rules x budgets x seeds, several at a time, each saved when it is done."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from subsetopt._csv_cells import csv_text
from subsetopt._files import locked_folder, replacing
from subsetopt._processes import end_with, processors
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.problems._parallel import threads_of_each

from ._process_group import NAME, join
from .run import BASELINES, FOLDER, Run, Settings
from .run_result import Result

Watch = Callable[[Result, int, int], None]
"""Called after each run with its result, the runs done and all runs."""
Train = Callable[[Run, "Settings", int], Result]
"""Makes the result of a run with so many threads, and keeps it; see `keep`."""


def runs_of(
    task: str,
    rules: Sequence[str],
    budgets: Sequence[float],
    seeds: Sequence[int],
    **given: Any,
) -> list[Run]:
    """Return the runs of a comparison, uniform sampling in as many steps always among them.

    Parameters
    ----------
    rules : sequence of str
        The baselines that are missing are put first: "uniform" for rules within batches, "unif_sgd"
        for those that make whole batches. "full" is trained once for each seed, at budget 1.
    **given
        Fields of `Run`, in place of the recipe of the task.
    """
    from .methods import method

    for rule in rules:
        method(rule)  # an unknown one is said now
    wanted = list(dict.fromkeys(rules))
    for what, values in (("rules", wanted), ("budgets", budgets), ("seeds", seeds)):
        if not values or len(set(values)) < len(values):
            raise InvalidOption(f"{what} must be distinct, at least one; got {list(values)}")
    full = [Run.of(task, "full", budget=1.0, seed=seed, **given) for seed in seeds]
    rest = [
        run.but(seed=seed)
        for seed in seeds  # so that early results compare rules
        for budget in budgets
        for run in _with_baselines(task, wanted, budget, given)
    ]
    return rest + (full if "full" in wanted else [])


def _with_baselines(
    task: str, rules: Sequence[str], budget: float, given: dict[str, Any]
) -> list[Run]:
    """Return a run of each rule but "full", the baselines that they lack first."""
    # With options a baseline is another rule, which is compared with it as well.
    uniform = [Run.of(task, rule, budget=budget, **given) for rule in BASELINES]
    runs = [Run.of(task, rule, budget=budget, **given) for rule in rules if rule != "full"]
    found = {run.in_whole_batches for run in runs if run.rule in BASELINES}
    lacking = {run.in_whole_batches for run in runs or uniform[:1]} - found
    added = {run.in_whole_batches: run for run in reversed(uniform)}
    return [run for kind, run in sorted(added.items()) if kind in lacking] + runs


def execute(
    runs: Sequence[Run],
    settings: Settings,
    watch: Watch | None = None,
    train: Train | None = None,
) -> list[Result]:
    """Train, several at a time; returns the results in the order of the runs.

    Parameters
    ----------
    runs : sequence of Run
    settings : Settings
    watch : callable, optional
    train : callable, optional
        A function of a module, in place of `train_one`: what makes results of another kind of runs.

    Raises
    ------
    InvalidFile
        If the folder holds results already, and they are not to be resumed.
    InvalidOption
        If another run writes to the folder.
    SubsetOptError
        As `train` raises it; what is done until then is kept.
    """
    with _held(settings):
        _require_free(settings)
        todo = [run for run in runs if _kept(run, settings) is None]
        found = {run: kept for run in runs if (kept := _kept(run, settings)) is not None}
        made = _results(todo, settings, train or train_one)
        for done, result in enumerate(made, start=len(found) + 1):
            found[result.run] = result
            if watch is not None:
                watch(result, done, len(runs))
    return [found[run] for run in runs if run in found]


def load(folder: Path) -> list[Result]:
    """Return the results that a folder holds, in the order of their names.

    Raises
    ------
    InvalidFile
        If there are none, or one is damaged.
    """
    paths = sorted((folder / FOLDER).glob("*/result.json"))
    if not paths:
        raise InvalidFile(f"{folder} holds no results of training runs, which lie in {FOLDER}/")
    return [Result.load(path) for path in paths]


def _results(runs: Sequence[Run], settings: Settings, train: Train) -> Iterator[Result]:
    jobs = min(_jobs(runs, settings), max(1, len(runs)))
    threads = settings.threads or threads_of_each(jobs)
    if jobs == 1 or int(os.environ.get("WORLD_SIZE", "1")) > 1:
        yield from (train(run, settings, threads) for run in runs)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs,
        backend="loky",
        return_as="generator_unordered",
        initializer=end_with,  # none outlives this process, whatever ends it
        initargs=(os.getpid(),),
    )
    with warnings.catch_warnings():
        # Workers are replaced when their memory has grown, which nobody needs to know.
        warnings.filterwarnings("ignore", "A worker stopped", UserWarning)
        yield from parallel(delayed(train)(run, settings, threads) for run in runs)


def _jobs(runs: Iterable[Run], settings: Settings) -> int:
    if settings.jobs is not None:
        return settings.jobs
    return 1 if any(run.device != "cpu" for run in runs) else processors()


def train_one(run: Run, settings: Settings, threads: int) -> Result:
    """Train, keep the result, and remove the checkpoint; the data are let go of at the end."""
    import torch

    from .loop import Training
    from .tasks import task

    torch.set_num_threads(threads)
    folder = settings.folder(run)
    made = task(run.task)
    group = join(run.device)
    data = made.load(settings.data, download=settings.download, seed=run.seed)
    training = Training(run, data, folder, group)
    result = training.fit()
    # Its parts refer to it, so that it would stay, with all of the data, until they are collected.
    vars(training).clear()
    if folder is not None and group.first:
        keep(result, settings)
        (folder / NAME).unlink(missing_ok=True)
    return result


def keep(result: Result, settings: Settings) -> None:
    """Write a result, its history and its events, where the settings name a folder."""
    folder = settings.folder(result.run)
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    _write_history(result, folder / "history.csv")
    if settings.tensorboard:
        _write_events(result, settings)
    result.save(folder / "result.json")


def _write_history(result: Result, path: Path) -> None:
    columns = list(dict.fromkeys(name for row in result.history for name in row))
    rows = [[row.get(name, "") for name in columns] for row in result.history]
    with replacing(path) as stream:
        stream.write(csv_text([columns, *rows]).encode())


def _write_events(result: Result, settings: Settings) -> None:
    from subsetopt.torch._watching import TensorBoardWriter

    assert settings.out is not None
    folder = settings.out / "tensorboard" / result.run.key
    shutil.rmtree(folder, ignore_errors=True)
    with TensorBoardWriter(folder, prefix="") as writer:
        for row in result.history:
            writer.write(int(row["epoch"]), row)


def _kept(run: Run, settings: Settings) -> Result | None:
    folder = settings.folder(run)
    if folder is None or not (folder / "result.json").exists():
        return None
    return Result.load(folder / "result.json")


def _held(settings: Settings) -> AbstractContextManager[object]:
    """Keep other runs out of the folder; of the processes of torchrun the first one does."""
    if settings.out is None or int(os.environ.get("RANK", "0")):
        return nullcontext()
    held: AbstractContextManager[object] = locked_folder(settings.out)
    return held


def _require_free(settings: Settings) -> None:
    if settings.out is None:
        return
    held = settings.out / FOLDER
    if held.exists() and any(held.iterdir()) and not settings.resume:
        raise InvalidFile(
            f"{settings.out} holds runs already; go on with them (resume), or name another folder"
        )
