"""``subsetopt bench``: who is how good and how fast."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidOption

from . import exits
from .bundles import command
from .streams import say

if TYPE_CHECKING:
    from subsetopt.benchmarks.cases import Case
    from subsetopt.benchmarks.measuring.comparing import Compared
    from subsetopt.benchmarks.results import Entrant, Plan, Settings


def register(app: typer.Typer) -> None:
    """Add the command to an app."""
    app.command("bench")(command(bench))


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What is compared, and on what."""

    suite: Annotated[
        str,
        typer.Argument(
            help="quick, mean-matching, vector-mean-matching, mmd, quadratic, sequence, or a file "
            "of your own: FILE.yaml."
        ),
    ]
    solvers: Annotated[
        str, typer.Option(help="Names, separated by commas; else all that can run here.")
    ] = ""
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            "--losses",
            help="Where the data come from: digits, mnist, cifar10, synthetic or all. quadratic: "
            "mdplib, kcluster, qplib, few, generated or all; else few where there is a data "
            "folder, generated where there is none.",
            show_default=False,
        ),
    ] = None
    sizes: Annotated[
        str | None,
        typer.Option(metavar="N,...", help="Candidates per instance, separated by commas."),
    ] = None
    k: Annotated[
        str | None,
        typer.Option(
            "--k",
            metavar="K,...",
            help="How many to choose, separated by commas; else shares of n, or what suits the "
            "instance.",
        ),
    ] = None
    instances: Annotated[
        str | None,
        typer.Option(
            help="How many of each source, each used with every size and k; else one of each kind "
            "there is. Of public ones the names too, separated by commas, with * for any letters."
        ),
    ] = None
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of mnist/, mdplib/, ...; else SUBSETOPT_DATA names it."),
    ] = None


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """How it is measured; None leaves what the suite says."""

    time_limit: Annotated[
        str | None,
        typer.Option(
            metavar="S,...",
            help="Seconds per solve; several, ascending, show how answers become better with "
            "time. Else those of the suite.",
        ),
    ] = None
    repeat: Annotated[
        int | None,
        typer.Option(help="Runs of each solver on each case, with seeds one after another."),
    ] = None
    seed: Annotated[int | None, typer.Option(help="Seed of data and solvers; else 0.")] = None
    threads: Annotated[
        int | None, typer.Option(help="Of each solver, else 1; 0 leaves its own default.")
    ] = None
    memory_limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Of each run, more ends it; else 4GiB.")
    ] = None
    grace: Annotated[
        float | None,
        typer.Option(metavar="S", help="Overstaying its limit by more, else 10 s, ends a run."),
    ] = None
    bound: Annotated[
        str | None,
        typer.Option(help="A bound of each case, untimed: fw, qp, rlt or sdp; else none."),
    ] = None
    jobs: Annotated[int, typer.Option(help="Runs at a time; more than one disturb each other.")] = 1
    backend: Annotated[
        str | None,
        typer.Option(help="What joblib runs them by: threading, loky, dask or ray."),
    ] = None
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of Dask; else a cluster is started here.")
    ] = None

    def __post_init__(self) -> None:
        if self.scheduler is not None and self.backend != "dask":
            raise InvalidOption("--scheduler is for --backend dask")


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where the results go."""

    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep all measurements in this folder."),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what the folder holds.")] = (
        False
    )
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.")
    ] = False


def bench(suite: Suite, measuring: Measuring, output: Output) -> None:
    """Compare solvers on real data and public instances, and check what they claim.

    Example: subsetopt bench quick --out results, then subsetopt report results
    """
    # Whatever is wrong is said now, not after a minute of solving.
    plan, cases = _planned(suite, measuring)
    compared = _compared(plan, cases, measuring, output)
    _show(compared, output)
    if compared.interrupted:
        if output.out is not None:
            say(f"interrupted; --resume goes on with {output.out}", err=True)
        raise typer.Exit(exits.INTERRUPTED)
    if not any(row.objective is not None for row in compared.results.rows):
        raise typer.Exit(exits.NO_ANSWER)


def _planned(suite: Suite, measuring: Measuring) -> "tuple[Plan, list[Case]]":
    from subsetopt.benchmarks.choice import Choice
    from subsetopt.benchmarks.entrants import by_name, entrants
    from subsetopt.benchmarks.results import CaseInfo, Plan
    from subsetopt.benchmarks.suites import find

    named: list[Entrant] = by_name(_names(suite.solvers))
    if suite.suite.endswith((".yaml", ".yml")):
        name, cases, own, settings = _own(suite)
        named = named or own
    else:
        wanted = find(suite.suite)
        sizes = None if suite.sizes is None else _numbers("--sizes", suite.sizes)
        ks = None if suite.k is None else _numbers("--k", suite.k)
        choice = Choice(
            source=suite.source,
            sizes=sizes,
            ks=ks,
            instances=_instances(suite.instances),
            seed=measuring.seed or 0,
            data=suite.data,
        )
        name, settings = (
            wanted.name,
            {
                "time_limits": wanted.time_limits,
                "repeats": wanted.repeats,
            },
        )
        entrants(named, wanted.families)  # an unknown solver is said before data are made
        cases = list(wanted.build(choice))
    chosen = entrants(named, (case.family for case in cases))
    plan = Plan(
        suite=name,
        settings=_settings(measuring, settings),
        entrants=chosen.chosen,
        cases=tuple(CaseInfo.of(case) for case in cases),
        left_out=chosen.left_out,
        notes=chosen.notes,
    )
    return plan, cases


def _own(suite: Suite) -> "tuple[str, list[Case], list[Entrant], dict[str, object]]":
    from subsetopt.benchmarks.own import read_suite

    for option in ("source", "sizes", "k", "instances"):
        if getattr(suite, option) is not None:
            raise InvalidOption(
                f"--{option} is for the built-in suites; {suite.suite} says its own"
            )
    own = read_suite(Path(suite.suite), suite.data)
    return own.name, list(own.cases), list(own.entrants), dict(own.settings)


def _settings(measuring: Measuring, suite: "dict[str, object]") -> "Settings":
    from subsetopt.benchmarks.results import Settings

    from .batching import memory_size

    limit, memory = measuring.time_limit, measuring.memory_limit
    given = {
        "time_limits": None if limit is None else _limits(limit),
        "repeats": measuring.repeat,
        "seed": measuring.seed,
        "threads": measuring.threads,
        "memory_limit": None if memory is None else memory_size(memory),
        "grace": measuring.grace,
        "bound": measuring.bound,
    }
    chosen = suite | {key: value for key, value in given.items() if value is not None}
    if chosen.get("threads") == 0:
        chosen["threads"] = None
    return Settings(**chosen)  # type: ignore[arg-type]


def _compared(
    plan: "Plan", cases: "list[Case]", measuring: Measuring, output: Output
) -> "Compared":
    from subsetopt.benchmarks.measuring.comparing import compare, joblib_backend

    from .benching import Live
    from .streams import output_to_error

    hidden = output.as_json or os.environ.get("TERM") == "dumb"
    backend = joblib_backend(measuring.backend, measuring.scheduler)
    with backend, output_to_error(), Live.watching(hidden=hidden) as live:
        return compare(
            plan,
            cases,
            out=output.out,
            resume=output.resume,
            jobs=measuring.jobs,
            watcher=live,
        )


def _show(compared: "Compared", output: Output) -> None:
    from subsetopt.benchmarks.reporting.comparison_report import Report

    report = Report(compared.results)
    if output.as_json:
        import json

        say(json.dumps(report.to_dict(), indent=2, allow_nan=False))
        return
    from subsetopt.benchmarks.reporting.comparison_document import document
    from subsetopt.report import console

    console().print(document(report))
    if output.out is not None:
        say(f"kept in {output.out}; a page with figures: subsetopt report {output.out}")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(option: str, text: str) -> list[int]:
    try:
        return [int(part) for part in _names(text)]
    except ValueError:
        raise InvalidOption(
            f"{option} is {text!r}; numbers separated by commas are needed"
        ) from None


def _limits(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in _names(text))
    except ValueError:
        raise InvalidOption(
            f"--time-limit is {text!r}; seconds are needed, several separated by commas"
        ) from None


def _instances(text: str | None) -> int | list[str] | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError:
        return _names(text)
