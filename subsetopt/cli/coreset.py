"""``subsetopt coreset``: a few rows that represent a very large source."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from subsetopt import report
from subsetopt._options import option
from subsetopt.errors import InvalidOption
from subsetopt.formats import TableOptions
from subsetopt.formats._constraint_options import ConstraintOptions
from subsetopt.problems._memory import memory_size
from subsetopt.report._progress import shown

from . import exits
from .derived_options import json_flag, output_file, picture_file
from .display import shortened, show_marginals, show_written
from .kernel_options import FeatureKernelOptions
from .standard_streams import output_to_error
from .table_files import deliver

if TYPE_CHECKING:
    from subsetopt.coresets import Coreset

_SHOWN = 8  # groups in a line

_PHASES = {
    "survey": "rows read",
    "target": "rows of the target read",
    "aiming": "rows looked at near the target",
    "means": "rows compared",
    "choosing": "steps of choosing done",
    "judging": "chosen and random rows judged",
}


@dataclass(frozen=True, kw_only=True)
class CoresetOptions:
    """The rows, and how many of them are chosen from which."""

    data: str = option(
        "Rows (n, d), which are read twice: .npy (a memory map), .npz (or FILE.npz:NAME), .csv, "
        ".tsv or .txt, also packed by gzip (.csv.gz), .parquet, or a folder of Parquet files.",
        argument=True,
        metavar="DATA",
    )
    k: int = option("Number of rows to choose.", flags=("--k", "-k"), metavar="K", ge=1)
    target: str | None = option(
        "Rows that the chosen are to resemble, with the columns of DATA.",
        None,
        metavar="DATA",
        unset="all rows of DATA",
    )
    objective: str = option(
        "Objective: mmd, or mean for the means of the columns alone, for which all rows are read "
        "once.",
        "mmd",
        choices=("mmd", "mean"),
    )
    pool: int | None = option(
        "Number of candidates, a uniform sample of the rows.",
        None,
        metavar="M",
        unset="32 K, at least 4096 and at most 16000, as far as --memory goes",
    )
    compared: int | None = option(
        "About how many rows the candidates are compared with, a uniform sample of all.",
        None,
        metavar="N",
        ge=1,
        unset="all",
    )
    weights: bool = option("Give the chosen weights too, the best there are.", False)
    memory: int | None = option(
        "Memory that it may take, such as 4GiB or 500MB.",
        None,
        metavar="SIZE",
        unset="three quarters of what is available",
        parse=memory_size,
    )
    time_limit: float | None = option(
        "Seconds for exchanges of candidates, after the passes over all rows; Ctrl-C then keeps "
        "the best so far, unless --checkpoint keeps what is read.",
        None,
        gt=0,
        unset="as long as 10,000 moves take",
    )
    seed: int = option("Seed of whatever is random.", 0, ge=0)
    threads: int | None = option("Number of threads.", None, ge=1, unset="all processors")
    engine: str = option(
        "Engine that reads the rows: local, or dask or ray for the workers of a cluster, which see "
        "the files of DATA.",
        "local",
        choices=("local", "dask", "ray"),
    )
    scheduler: str | None = option(
        "Address of the scheduler of the cluster, such as tcp://10.0.0.1:8786 of Dask or "
        "10.0.0.1:6379 of Ray.",
        None,
        metavar="ADDRESS",
        needs="engine=dask|ray",
    )

    checkpoint: Path | None = option(
        "File that keeps what is read and summed; the same command goes on from there. Removed at "
        "the end.",
        None,
        metavar="FILE",
    )


@dataclass(frozen=True, kw_only=True)
class ChosenOptions:
    """What is done with the chosen."""

    out: Path | None = output_file(
        "File for index, id and weight of the chosen", ".csv", ".parquet", ".json"
    )
    plot: Path | None = picture_file("File for a picture of how far they are from all")
    as_json: bool = json_flag("Print one JSON object.")


def coreset(
    rows: CoresetOptions,
    kernel: FeatureKernelOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    results: ChosenOptions,
) -> None:
    """Choose a few rows that resemble all of very many, which are read in blocks.

    Example: subsetopt coreset points.parquet --k 1000 --id name --out chosen.csv
    """
    if kernel.precomputed:
        raise InvalidOption("--kernel precomputed is not for coreset, which needs features")
    with output_to_error(), shown_steps(results.as_json) as progress:
        found = _found(rows, kernel, table, rules, progress)
    others = "all" if rows.target is None else "target"
    about = {"seed": rows.seed, "scale_columns": kernel.scaling()}
    deliver(found, results, about, lambda: _show(found, kernel.scaling(), others, results))
    if found.interrupted:
        raise typer.Exit(exits.INTERRUPTED)


def _found(
    rows: CoresetOptions,
    kernel: FeatureKernelOptions,
    table: TableOptions,
    rules: ConstraintOptions,
    progress: Any,
) -> "Coreset":
    from subsetopt.coresets import coreset as choose

    return choose(
        rows.data,
        rows.k,
        columns=table.columns,
        id=table.id,
        header=table.header,
        target=rows.target,
        objective=rows.objective,
        kernel=kernel.made(),
        scale_columns=kernel.scaling(),
        pool=rows.pool,
        compared=rows.compared,
        weights=rows.weights,
        constraints=rules,
        memory=rows.memory,
        time_limit=rows.time_limit,
        seed=rows.seed,
        threads=rows.threads,
        engine=rows.engine,
        scheduler=rows.scheduler,
        checkpoint=rows.checkpoint,
        progress=progress,
    )


@contextmanager
def shown_steps(hidden: bool) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how far `coresets.coreset` is, to which what it yields is handed."""
    with shown(_PHASES["survey"], hidden=hidden) as steps:
        yield lambda phase, done, total: steps.update(done, total, label=_PHASES[phase])


def _show(found: "Coreset", scaled: str, others: str, results: ChosenOptions) -> None:
    lines = {
        "rows": f"{found.n:,}, of which {found.pool:,} were candidates",
        "columns": _columns(found, scaled),
        "kernel": repr(found.kernel),
        "message": found.message,
        "choosing": found.ending,
        **{column: _counts(groups) for column, groups in found.groups.items()},
        "MMD": _with_error(found),
        "random rows": f"{found.random_mmd:.4g}{_ratio(found.random_mmd, found.mmd)}",
    }
    if found.weighted_mmd is not None and found.weights is not None:
        ratio = _ratio(found.random_mmd, found.weighted_mmd)
        lines["weighted"] = f"{found.weighted_mmd:.4g}{ratio}; weights up to "
        lines["weighted"] += f"{float(found.weights.max()):.3g}"
    phases = ", ".join(f"{phase} {spent:.3g}" for phase, spent in found.seconds.items())
    lines["seconds"] = f"{phases}; total {sum(found.seconds.values()):.3g}"
    lines |= _named(found, results.out)
    lines = {label: text for label, text in lines.items() if text}
    report.console().print(report.facts(lines, f"coreset: {len(found)} of {found.n:,} rows"))
    if found.columns:
        show_marginals(found.columns, others, found.sample)
    show_written({"the chosen": results.out, "the picture": results.plot})


def _named(found: "Coreset", out: Path | None) -> dict[str, str]:
    """Return the chosen by their numbers, and by their ids where these are not the numbers."""
    rest = "--out FILE writes all" if out is None else f"{out} has all"
    numbers = found.indices.tolist()
    lines = {"indices": shortened(numbers, rest)}
    if found.ids is None:
        return lines
    ids = found.ids.tolist()
    if list(map(str, ids)) == list(map(str, numbers)):
        return {"indices, ids": lines["indices"]}
    return {**lines, "ids": shortened(ids, rest)}


def _counts(groups: Mapping[str, int]) -> str:
    """Return how many of the chosen each group has."""
    there = sorted(groups, key=lambda group: -groups[group])
    return ", ".join(f"{group} {groups[group]}" for group in there[:_SHOWN]) + (
        f" and {len(there) - _SHOWN} more groups; --json lists all" if len(there) > _SHOWN else ""
    )


def _columns(found: "Coreset", scaled: str) -> str:
    """Return which columns were read, and how they were scaled."""
    names = [column.name for column in found.columns]
    shown = shortened(names, "--json lists all") if names else "too many to compare one by one"
    how = {"std": "scaled by their standard deviations", "robust": "scaled robustly"}
    return f"{shown}; {how.get(scaled, 'as they are, not scaled')}"


def _with_error(found: "Coreset") -> str:
    """Return the MMD with what it was estimated to."""
    if not found.mmd_error:
        return f"{found.mmd:.4g}, exact"
    return f"{found.mmd:.4g}, standard error {found.mmd_error:.2g}"


def _ratio(random: float, own: float) -> str:
    return f", {random / own:.3g} times as far" if own > 0 else ""
