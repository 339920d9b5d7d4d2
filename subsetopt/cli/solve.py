"""``subsetopt solve``: a problem from a file, an answer with its certificate."""

from typing import TYPE_CHECKING, Any

import typer

from . import inputs
from .bundles import command
from .running import Report, Run

if TYPE_CHECKING:
    from subsetopt.formats.reading import Reading
    from subsetopt.solution import Solution

    from .yardstick import Yardstick


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer()
    group.callback(help="Solve a problem and certify the answer.")(lambda: None)
    group.command("mean-matching")(command(mean_matching))
    group.command("quadratic")(command(quadratic))
    group.command("mmd")(command(mmd))
    app.add_typer(group, name="solve")


def mean_matching(problem: inputs.MeanMatchingInput, table: inputs.TableInput, run: Run) -> None:
    """Choose k of n values (or vectors) whose mean is closest to a target.

    Example: subsetopt solve mean-matching losses.npy --k 13 --time-limit 5
    """
    read, tables = problem.read(run.seed, table)
    run.answer(read, tables=tables)


def quadratic(problem: inputs.QuadraticInput, table: inputs.TableInput, run: Run) -> None:
    """Choose k of n with the least, or the greatest, value of a quadratic.

    Example: subsetopt solve quadratic MDG-a_1_n500_m50.txt.xz --time-limit 5
    """
    read = problem.read(table)
    run.answer(read.problem, lambda *found: _quadratic_report(read, *found), read.tables)


def _quadratic_report(read: "Reading", solution: "Solution", yardstick: "Yardstick") -> Report:
    """Say the value and its bound in the problem's own sense, and what was chosen by name."""
    from .display import shortened

    problem = read.problem

    def stated(objective: float | None) -> float | None:
        return None if objective is None else problem.stated(objective) + 0.0  # no negative zero

    value, bound = stated(solution.objective), stated(solution.bound)
    keys: dict[str, Any] = {
        "value": value,
        "value_bound": bound,
        "sense": problem.sense,
        "format": read.format,
    }
    keys["convention"] = read.convention
    side = "at most" if problem.sense == "maximise" else "at least"
    lines = {
        "value": "none" if value is None else f"{value!r} ({problem.sense})",
        "bound": "none" if bound is None else f"{side} {bound!r}",
        "objective": "",  # the value, or its negative
        "random subsets": yardstick.sentence(problem.stated),
        "format": read.format,
        "convention": read.convention,
    }
    if problem.names is not None and not read.tables and solution.indices is not None:
        keys["names"] = problem.names_of(solution.indices)
        lines["names"] = shortened(keys["names"], "--json lists all")
    return Report(keys, lines)


def mmd(problem: inputs.MMDInput, table: inputs.TableInput, run: Run) -> None:
    """Choose k of n points such that chosen and left differ least in their kernel means.

    Example: subsetopt solve mmd features.npy --k 32 --bound fw
    """
    read, tables = problem.read(table)
    run.answer(read, lambda solution, _: _mmd_report(read, solution), tables)


def _mmd_report(problem: Any, solution: "Solution") -> Report:
    chosen = solution.indices
    keys = {
        "mmd_squared": None if chosen is None else problem.mmd_squared(chosen),
        "root_mmd": None if chosen is None else problem.root_mmd(chosen),
        "root_mmd_to_whole": None if chosen is None else problem.root_mmd(chosen, to="whole"),
    }
    lines = {key.replace("_", " ").replace("mmd", "MMD"): repr(keys[key]) for key in keys}
    return Report(keys, lines if chosen is not None else {})
