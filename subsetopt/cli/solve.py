"""``subsetopt solve``: a problem from a file, an answer with its certificate."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import subsetopt
from subsetopt.formats import TableOptions
from subsetopt.formats._constraint_options import ConstraintAndStartOptions
from subsetopt.limits import Limits

from .display import shortened
from .kernel_options import KernelOptions
from .mean_matching_options import MeanMatchingOptions
from .mmd_options import MMDOptions
from .problem_options import Tables, ids_of
from .quadratic_options import QuadraticOptions
from .solver_options import SolveReport, SolverOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from subsetopt._baseline import UniformBaseline
    from subsetopt._marginals import Marginal
    from subsetopt.formats._libraries import Reading
    from subsetopt.solution import Solution

_COMPARED = 100  # columns
_DRAWS, _FEWEST, _WORK = 101, 11, 10**7  # random selections for these, and values looked at


def mean_matching(
    problem: MeanMatchingOptions,
    table: TableOptions,
    rules: ConstraintAndStartOptions,
    solver: SolverOptions,
    limits: Limits,
) -> None:
    """Choose k of n values (or vectors) whose mean is closest to a target.

    Example: subsetopt solve mean-matching losses.npy --k 13 --time-limit 5
    """
    read, tables = problem.read(limits.seed, rules.features(problem.file, table))
    read, rows = rules.kept(read, problem.file, ids_of(tables))
    limits = replace(limits, start=rules.begin(rows))
    if read.values.ndim == 1:
        solver.answer(read, limits, tables=tables)
        return
    how = problem.scale_columns or "none"
    keys, lines = {"scale_columns": how}, {"columns": _scaled(read.values.shape[1], how)}
    solver.answer(read, limits, lambda *_: SolveReport(keys, lines), tables)


def quadratic(
    problem: QuadraticOptions,
    table: TableOptions,
    rules: ConstraintAndStartOptions,
    solver: SolverOptions,
    limits: Limits,
) -> None:
    """Choose k of n with the smallest, or the largest, value of a quadratic.

    Example: subsetopt solve quadratic MDG-a_1_n500_m50.txt.xz --time-limit 5
    """
    read = problem.read(table)
    kept, rows = rules.kept(read.problem, problem.file, ids_of(read.tables))
    limits = replace(limits, start=rules.begin(rows))
    solver.answer(kept, limits, lambda *found: _quadratic_report(read, *found), read.tables)


def _quadratic_report(
    read: "Reading", solution: "Solution", baseline: "UniformBaseline"
) -> SolveReport:
    """Say the value and its bound in the problem's own sense, and what was chosen by name."""
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
        "random subsets": baseline.sentence(problem.stated),
        "format": read.format,
        "convention": read.convention,
    }
    if problem.names is not None and not read.tables and solution.indices is not None:
        keys["names"] = problem.names_of(solution.indices)
        lines["names"] = shortened(keys["names"], "--json lists all")
    return SolveReport(keys, lines)


def mmd(
    problem: MMDOptions,
    kernel: KernelOptions,
    table: TableOptions,
    rules: ConstraintAndStartOptions,
    solver: SolverOptions,
    limits: Limits,
) -> None:
    """Choose k of n points such that chosen and left ones differ least in their kernel means.

    Example: subsetopt solve mmd features.npy --k 32 --bound fw
    """
    read, tables = problem.read(kernel, rules.features(problem.file, table))
    read, rows = rules.kept(read, problem.file, ids_of(tables))
    limits = replace(limits, start=rules.begin(rows))
    solver.answer(
        read, limits, lambda solution, _: _mmd_report(read, tables, limits.seed, solution), tables
    )


def _mmd_report(problem: Any, tables: Tables, seed: int, solution: "Solution") -> SolveReport:
    chosen = solution.indices
    aimed = problem.target is not None or problem.weights is not None
    keys = {
        "mmd_squared": None if chosen is None else problem.mmd_squared(chosen),
        "root_mmd": None if chosen is None else problem.root_mmd(chosen),
    }
    if not aimed:
        whole = None if chosen is None else problem.root_mmd(chosen, to="whole")
        keys["root_mmd_to_whole"] = whole
    lines = {key.replace("_", " ").replace("mmd", "MMD"): repr(keys[key]) for key in keys}
    if chosen is None:
        return SolveReport(keys)
    rows, note = _marginals(problem, tables["table"].columns, seed, chosen)
    keys |= {
        "scale_columns": problem.scale_columns,
        "columns": None if rows is None else [row.to_dict() for row in rows],
    }
    lines["columns"] = note
    return SolveReport(keys, lines, rows or (), "target" if aimed else "all")


def _marginals(
    problem: Any, names: "Sequence[str]", seed: int, chosen: "NDArray[Any]"
) -> "tuple[tuple[Marginal, ...] | None, str]":
    """Compare column by column where that is cheap; say how the columns were scaled."""
    if problem.kernel == "precomputed":
        return None, ""
    weights = problem.weights if problem.target is None else problem.target_weights
    n, d = problem.candidates.shape
    note = _scaled(d, problem.scale_columns) + _constant(problem.candidates, names)
    if d > _COMPARED:
        return None, f"{note}; so many are not compared one by one"
    draws = int(min(_DRAWS, max(_FEWEST, _WORK // (n * d))))
    rows = subsetopt.marginals(
        problem.candidates,
        chosen,
        names=names,
        draws=draws,
        seed=seed,
        target=problem.target,
        weights=weights,
    )
    return rows, note


def _constant(features: "NDArray[Any]", names: "Sequence[str]") -> str:
    """Say which columns have one value, and tell no row from another."""
    same = features.min(axis=0) == features.max(axis=0)
    if not same.any():
        return ""
    if same.all():
        return "; all rows are alike, so that any choice is as good"
    listed = [name for name, one in zip(names, same, strict=True) if one]
    return f"; with one value, so that they do not count: {shortened(listed, '')}"


def _scaled(d: int, how: str) -> str:
    scaled = {"std": "scaled by their standard deviations", "robust": "scaled robustly"}
    return f"{d}, {scaled.get(how, 'as they are, not scaled')}"


SUBCOMMANDS = {"mean-matching": mean_matching, "quadratic": quadratic, "mmd": mmd}
