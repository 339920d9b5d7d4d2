"""``subsetopt report``: what a comparison has shown."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidOption

if TYPE_CHECKING:
    from subsetopt.benchmarks.reporting.report import Report
    from subsetopt.training.analysis import Measure


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("report")(report)


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of results of `bench` or `train`."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the page, its figures and the tables; else DIR/report."),
    ] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown instead of tables.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False,
    no_page: Annotated[bool, typer.Option("--no-page", help="Write nothing, only print.")] = False,
    at_cost: Annotated[
        float | None,
        typer.Option(
            metavar="T",
            help="Of training: compare when runs had cost so many epochs of full training, passes "
            "to choose included.",
        ),
    ] = None,
    at_seconds: Annotated[
        float | None,
        typer.Option(metavar="S", help="Of training: compare when runs had trained for so long."),
    ] = None,
) -> None:
    """Show results: tables here, and a page with figures that needs nothing else."""
    from subsetopt.benchmarks.reporting.report import Report
    from subsetopt.benchmarks.results.folder import load

    if as_markdown and as_json:
        raise InvalidOption("--markdown and --json exclude each other; name one")
    if (folder / "runs").is_dir():
        _report_training(folder, out, no_page, as_markdown, as_json, _measure(at_cost, at_seconds))
        return
    if at_cost is not None or at_seconds is not None:
        raise InvalidOption(f"--at-cost and --at-seconds are for training, which {folder} is not")
    found = Report(load(folder))
    page = None if no_page else _written(found, folder, out or folder / "report")
    if as_json:
        import json

        typer.echo(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    elif as_markdown:
        _print_markdown(found, page)
    else:
        _print_tables(found, page)


def _measure(cost: float | None, seconds: float | None) -> "Measure":
    from subsetopt.training.analysis import FINAL, after_cost, after_seconds

    if cost is not None and seconds is not None:
        raise InvalidOption("--at-cost and --at-seconds exclude each other; name one")
    if cost is not None:
        return after_cost(cost)
    return FINAL if seconds is None else after_seconds(seconds)


def _report_training(
    folder: Path,
    out: Path | None,
    no_page: bool,
    as_markdown: bool,
    as_json: bool,
    measure: "Measure",
) -> None:
    """Report training runs: tables here, and a folder with Markdown, JSON and figures."""
    from subsetopt.training.analysis import analyse
    from subsetopt.training.comparing import load
    from subsetopt.training.reporting import write_report

    from .trainings import show

    analysis = analyse(load(folder), measure=measure)
    written = None if no_page else write_report(analysis, out or folder / "report")
    show(analysis, as_markdown=as_markdown, as_json=as_json)
    if written is not None and not as_json:
        typer.echo(f"tables and figures: {written}", err=True)


def _written(found: "Report", folder: Path, out: Path) -> Path:
    """Write the page, with a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from subsetopt.benchmarks.reporting.writing import write_report

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("figures")
        return write_report(
            found,
            folder,
            out,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print_markdown(found: "Report", page: Path | None) -> None:
    from subsetopt.benchmarks.reporting.markdown import to_markdown
    from subsetopt.benchmarks.reporting.writing import linked

    typer.echo(to_markdown(found, {} if page is None else linked(found)), nl=False)


def _print_tables(found: "Report", page: Path | None) -> None:
    from subsetopt.benchmarks.reporting.tables import print_report

    from .display import console

    print_report(found, console())
    if page is not None:
        typer.echo(f"\n The page: {page}")
