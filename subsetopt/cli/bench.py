"""``subsetopt bench``: comparison of solvers by quality and time."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt import benchmarks, report
from subsetopt._options import option
from subsetopt.benchmarks._suite_options import MeasurementOptions, SuiteOptions
from subsetopt.errors import InvalidOption

from . import exits
from .bench_lists import show_instances, show_suites
from .derived_options import Given, Values, flag_of, json_flag
from .standard_streams import output_to_error, say, say_json

if TYPE_CHECKING:
    from subsetopt.benchmarks import Contender, Plan
    from subsetopt.benchmarks._suite_file import OwnSuite
    from subsetopt.benchmarks.cases import Case
    from subsetopt.benchmarks.measuring._runner import Compared


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """What is compared, how many runs at a time, and where the results go."""

    suite: str = option(
        "Suite: quick, mean-matching, vector-mean-matching, mmd, quadratic, constrained, sequence, "
        "or a file of your own, FILE.yaml.",
        "",
        argument=True,
    )
    listed: bool = option(
        "List the suites, or the instances of one, instead of measuring.", False, flags=("--list",)
    )
    solvers: tuple[str, ...] = option(
        "Solvers to compare, also with options: tabu:iterations=1000.",
        (),
        unset="all that can run here",
    )
    jobs: int = option("Number of runs at a time; several disturb each other.", 1)
    backend: str | None = option(
        "Backend of joblib that carries them out: threading, loky, dask or ray.", None
    )
    scheduler: str | None = option(
        "Address of a Dask scheduler.",
        None,
        metavar="ADDRESS",
        unset="a cluster started here",
        needs="backend=dask",
    )
    out: Path | None = option("Folder for all measurements.", None)
    resume: bool = option("Resume from what the folder holds.", False)
    as_json: bool = json_flag()


_SUITE = ("source", "sizes", "ks", "instances", "data")
_MEASURED = ("seed", "threads", "memory_limit", "grace", "bound")


def bench(
    options: BenchOptions,
    suite: Annotated[Values, Given(SuiteOptions, _SUITE, "", "Suite")],
    repeated: Annotated[
        Values, Given(MeasurementOptions, ("time_limits", "repeats"), "the suite's", "Measurement")
    ],
    measured: Annotated[Values, Given(MeasurementOptions, _MEASURED, "", "Measurement")],
) -> None:
    """Compare solvers on real data and public instances, and check what they claim.

    Example: subsetopt bench quick --out results, then subsetopt report results
    """
    if options.listed and not options.suite:
        return show_suites(options.as_json)
    # Whatever is wrong is said now, not after a minute of solving.
    plan, cases = _planned(options, suite, repeated | measured)
    if options.listed:
        return show_instances(plan, options.as_json)
    compared = _compared(plan, cases, options)
    _show(compared, options)
    if compared.interrupted:
        if options.out is not None:
            say(f"interrupted; --resume goes on with {options.out}", err=True)
        raise typer.Exit(exits.INTERRUPTED)
    if not any(row.objective is not None for row in compared.results.rows):
        raise typer.Exit(exits.NO_ANSWER)


def _planned(options: BenchOptions, suite: Values, measured: Values) -> "tuple[Plan, list[Case]]":
    solvers: Sequence[str | Contender] = options.solvers
    if options.suite.endswith((".yaml", ".yml")):
        own = _own(options.suite, suite)
        name, cases, settings = own.name, list(own.cases), dict(own.settings)
        solvers = solvers or own.contenders
    else:
        wanted = benchmarks.find_suite(options.suite)
        # An unknown solver is said before data are made.
        benchmarks._contenders.contenders(solvers, wanted.families)
        asked = SuiteOptions(**suite, seed=measured.get("seed", 0))
        name, cases = wanted.name, list(wanted.build(asked))
        settings = {"time_limits": wanted.time_limits, "repeats": wanted.repeats}
    chosen = MeasurementOptions(**(settings | measured))
    return benchmarks.make_plan(name, cases, solvers, chosen), cases


def _own(file: str, suite: Values) -> "OwnSuite":
    for one in fields(SuiteOptions):
        if one.name in suite and one.name != "data":
            raise InvalidOption(f"{flag_of(one)} is for the built-in suites; {file} says its own")
    return benchmarks.read_suite(Path(file), suite.get("data"))


def _compared(plan: "Plan", cases: "list[Case]", options: BenchOptions) -> "Compared":
    from .benching import Live

    hidden = options.as_json or os.environ.get("TERM") == "dumb"
    backend = benchmarks.joblib_backend(options.backend, options.scheduler)
    with backend, output_to_error(), Live.watching(hidden=hidden) as live:
        return benchmarks.measure(
            plan, cases, out=options.out, resume=options.resume, jobs=options.jobs, watcher=live
        )


def _show(compared: "Compared", options: BenchOptions) -> None:
    from subsetopt.benchmarks.reporting._comparison_document import document

    shown = benchmarks.ComparisonReport(compared.results)
    if options.as_json:
        say_json(shown.to_dict(), indent=2)
        return
    report.console().print(document(shown))
    if options.out is not None:
        say(f"kept in {options.out}; a page with figures: subsetopt report {options.out}")
