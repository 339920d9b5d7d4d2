"""Figures of solutions: the chosen among all, and the objective among random ones."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from subsetopt._baseline import random_objectives
from subsetopt.errors import InvalidProblem
from subsetopt.problems.scaling import Scaling
from subsetopt.report import Axis, Chart, Panels, Scatter, Series, Style
from subsetopt.report._figure_axes import around, extent
from subsetopt.report._samples import ALL, CHOSEN, LOOKS, SHEET, distributions, principal_scatter

if TYPE_CHECKING:
    from subsetopt.solution import Solution

_RANDOM, _BOUND = "random selections", "bound"
_LOOKS = LOOKS | {
    _RANDOM: Style("#444a52", (), "s"),
    _BOUND: Style("#d55e00", (5.0, 1.6), "^"),
}
_DRAWS = 200
_WIDE = 20.0  # ratio of objectives from which on their axis is logarithmic


def solution_picture(solution: "Solution", problem: Any, seed: int) -> Panels:
    """Return the picture that is one file."""
    chosen = f"{_chosen(solution).size} of {solution.n} by {solution.solver}"
    lead = candidates_figure(solution, problem)
    objectives = objective_chart(solution, problem, seed)
    return Panels(
        title=chosen,
        about=f"objective {_stated(problem, solution.objective):.6g}",
        lead=lead or objectives,
        charts=[objectives] if lead else [],
        looks=_LOOKS,
        **SHEET,
    )


def solution_axes(solution: "Solution", problem: Any, seed: int) -> Chart | Scatter:
    """Return what is drawn on axes of a caller."""
    return candidates_figure(solution, problem) or objective_chart(solution, problem, seed)


def candidates_figure(solution: "Solution", problem: Any) -> Chart | Scatter | None:
    """Return the chosen among all candidates; None where these have no features."""
    points, target = _features(problem)
    chosen = _chosen(solution)
    if points is None:
        return None
    if points.ndim == 1 or points.shape[1] == 1:
        values = points.reshape(-1).astype(np.float64)
        return distributions("The candidates", "", {ALL: values, CHOSEN: values[chosen]})
    points = points.astype(np.float64)
    return principal_scatter("The candidates", points, chosen, target)


def _features(problem: Any) -> tuple[NDArray[Any] | None, NDArray[Any] | None]:
    if problem.family in ("mean-matching", "vector-mean-matching"):
        return np.asarray(problem.values), None
    if problem.family == "mmd" and problem.kernel != "precomputed":
        points, target = np.asarray(problem.candidates), problem.target
        target = target if isinstance(target, np.ndarray) else None
        if points.ndim == 1 or problem.scale_columns is None:
            return points, target
        scaling = Scaling.of(points, problem.scale_columns)  # as they are compared
        return scaling.applied(points), None if target is None else scaling.applied(target)
    return None, None


def _chosen(solution: "Solution") -> NDArray[np.int64]:
    if solution.indices is None:
        raise InvalidProblem(
            f"there is no selection to draw ({solution.termination}); give the solver more time"
        )
    return solution.indices


def objective_chart(solution: "Solution", problem: Any, seed: int) -> Chart:
    """Return the objective and its bound among the objectives of random selections."""
    _chosen(solution)
    random = np.array([_stated(problem, x) for x in random_objectives(problem, _DRAWS, seed)])
    marks = {CHOSEN: _stated(problem, solution.objective)}
    if solution.bound is not None:
        marks[_BOUND] = _stated(problem, solution.bound)
    every = [*random, *marks.values()]
    logarithmic = min(every) > 0 and max(every) > _WIDE * min(every)
    reach = extent(every, 1.1) if logarithmic else around(every)
    series = [Series(name, [x, x], [0.0, 1.0], bold=True) for name, x in marks.items()]
    if random.size:
        line = distributions("", "", {_RANDOM: random}).series[0]
        series.append(line)
    return Chart(
        "The objective",
        "share of random selections up to each value" if random.size else "",
        "",
        series,
        Axis("", "log" if logarithmic else "linear", reach),
        Axis("", "share"),
        looks=_LOOKS,
    )


def _stated(problem: Any, objective: float | None) -> float:
    """Return an objective in the sense of the problem."""
    assert objective is not None
    stated = getattr(problem, "stated", None)
    return float(objective if stated is None else stated(objective))
