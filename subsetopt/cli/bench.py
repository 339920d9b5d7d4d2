"""``subsetopt bench``: who is how good and how fast."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidOption

from . import exits

if TYPE_CHECKING:
    from subsetopt.benchmarks.cases import Case
    from subsetopt.benchmarks.report import Report
    from subsetopt.benchmarks.runner import Run


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("bench")(bench)


def bench(
    suite: Annotated[
        str, typer.Argument(help="What to compare on: mean-matching, mmd or quadratic.")
    ],
    solvers: Annotated[
        str, typer.Option(help="Names, separated by commas; else all that can run here.")
    ] = "",
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            "--losses",
            help="Where the data come from. mean-matching and mmd: digits, mnist, synthetic or "
            "all; else digits. quadratic: mdplib, kcluster, qplib, few, generated or all; else few "
            "where there is a data folder, generated where there is none.",
            show_default=False,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("--n", help="Candidates per instance; else 128, 300 of mmd, 100 generated."),
    ] = None,
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            help="How many to choose: numbers, separated by commas; else 12,32,64, or a tenth and "
            "a third of n, or what suits the instance.",
        ),
    ] = None,
    instances: Annotated[
        str | None,
        typer.Option(
            help="How many of each source, each used with every k; else one of each kind there "
            "is. Of public ones the names too, separated by commas, with * for any letters."
        ),
    ] = None,
    bound: Annotated[
        str,
        typer.Option(help="A bound beside the answers, untimed: none, fw, qp, rlt or sdp."),
    ] = "none",
    repeat: Annotated[
        int, typer.Option(help="Timed turns per solver and instance; fewer where it is slow.")
    ] = 5,
    time_limit: Annotated[float, typer.Option(help="Seconds per solve.")] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of data and solvers.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of mnist/, mdplib/, ...; else SUBSETOPT_DATA names it."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the measurements here, as JSON lines.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False,
) -> None:
    """Compare solvers on real data and public instances, and check what they claim."""
    from subsetopt.benchmarks.choice import Choice
    from subsetopt.benchmarks.entrants import entrants
    from subsetopt.benchmarks.machine import Machine, packages
    from subsetopt.benchmarks.report import Report
    from subsetopt.benchmarks.rows import write_rows
    from subsetopt.benchmarks.suites import find

    # Whatever is wrong is said now, not after a minute of solving.
    wanted = find(suite)
    chosen = entrants(_names(solvers), suite)
    if out is not None:
        _require_folder(out)
    ks = None if k is None else _numbers(k)
    cases = wanted.build(
        Choice(source=source, n=n, ks=ks, instances=_instances(instances), seed=seed, data=data)
    )
    run = _run(cases, chosen.names, repeats=repeat, time_limit=time_limit, seed=seed, bound=bound)
    report = Report(
        suite=wanted,
        machine=Machine.here(),
        packages=packages(chosen.names),
        cases=cases,
        repeats=repeat,
        time_limit=time_limit,
        seed=seed,
        bound=bound,
        rows=run.rows,
        left_out=chosen.left_out,
        notes=[*chosen.notes, *run.notes],
        interrupted=run.interrupted,
    )
    if out is not None:
        write_rows(out, report.rows, report.machine)
    _show(report, as_json)
    if run.interrupted:
        raise typer.Exit(exits.INTERRUPTED)
    if not any(row.objective is not None for row in run.rows):
        raise typer.Exit(exits.NO_ANSWER)


def _run(
    cases: "Sequence[Case]",
    names: Sequence[str],
    *,
    repeats: int,
    time_limit: float,
    seed: int,
    bound: str,
) -> "Run":
    """Run with a bar on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from subsetopt.benchmarks.runner import run

    from .streams import output_to_error

    console = Console(stderr=True)
    columns = (BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    hidden = not console.is_terminal
    # Drawn seldom: the bar's own thread would get into the way of solves that take microseconds.
    bar = Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=2)
    with output_to_error(), bar:
        task = bar.add_task("")
        return run(
            cases,
            names,
            repeats=repeats,
            time_limit=time_limit,
            seed=seed,
            bound=bound,
            progress=lambda done, total, what: bar.update(
                task, completed=done, total=total, description=what
            ),
        )


def _show(report: "Report", as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps(report.to_dict(), indent=2, allow_nan=False))
        return
    from subsetopt.benchmarks.tables import print_report

    from .display import console

    print_report(report, console())


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in _names(text)]
    except ValueError:
        raise InvalidOption(f"--k is {text!r}; numbers separated by commas are needed") from None


def _instances(text: str | None) -> int | list[str] | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return _names(text)


def _require_folder(out: Path) -> None:
    if out.is_dir():
        raise InvalidOption(f"--out is {out}, a folder; a file is needed")
    if not out.parent.is_dir():
        raise InvalidOption(f"--out is {out}, but there is no folder {out.parent}")
