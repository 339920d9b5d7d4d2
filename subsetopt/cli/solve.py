"""``subsetopt solve``: a problem from a file, an answer with its certificate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import exits, inputs

if TYPE_CHECKING:
    from subsetopt.solution import Solution

    from .yardstick import Yardstick


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer()
    group.callback(help="Solve a problem and certify the answer.")(lambda: None)
    group.command("mean-matching")(mean_matching)
    app.add_typer(group, name="solve")


def mean_matching(
    file: inputs.File,
    k: inputs.K,
    target: inputs.Target = "mean",
    at_most: inputs.AtMost = False,
    solver: Annotated[
        str, typer.Option(metavar="NAME", help="One of those that 'subsetopt solvers' lists.")
    ] = "auto",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="An option of the solver's own; repeatable."),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option(metavar="S", help="Wall-clock seconds.")
    ] = None,
    gap: Annotated[
        float | None, typer.Option(metavar="G", help="Relative gap that is good enough.")
    ] = None,
    absolute_gap: Annotated[
        float | None, typer.Option(metavar="G", help="Gap in units of the objective.")
    ] = None,
    threads: Annotated[int | None, typer.Option(metavar="T", help="Number of threads.")] = None,
    seed: inputs.Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the indices: .npy, .csv or .txt."),
    ] = None,
    log: Annotated[bool, typer.Option("--log", help="The solver's log, on stderr.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead.")] = False,
) -> None:
    """Choose k of n values (or vectors) whose mean is closest to a target.

    Example: subsetopt solve mean-matching losses.npy --k 13 --time-limit 5
    """
    from subsetopt.formats.atomic import require_writable, suffix_of
    from subsetopt.formats.indices import SUFFIXES, write_indices
    from subsetopt.limits import Limits
    from subsetopt.solving import solve

    from .options import configured
    from .streams import output_to_error
    from .yardstick import Yardstick

    limits = {
        "time_limit": time_limit,
        "gap": gap,
        "absolute_gap": absolute_gap,
        "threads": threads,
        "seed": seed,
        "log": log,
    }
    Limits(**limits)  # type: ignore[arg-type]
    if out is not None:
        suffix_of(out, SUFFIXES)
        require_writable(out)
    problem = inputs.mean_matching(file, k, target, at_most, seed)
    ready = configured(problem, solver, option or ())
    with output_to_error():
        solution = solve(problem, ready, **limits)  # type: ignore[arg-type]
    if out is not None and solution.indices is not None:
        write_indices(solution.indices, out)
    _report(solution, Yardstick.of(problem, solution, seed), as_json)
    raise typer.Exit(exits.of_solution(solution))


def _report(solution: "Solution", yardstick: "Yardstick", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**solution.to_dict(), **yardstick.to_dict()}, allow_nan=False))
        return
    from .display import show_solution

    show_solution(solution, yardstick)
