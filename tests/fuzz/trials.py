"""What is tried on an instance: every own solver, one backend, one bound, random options."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import subsetopt as so
from subsetopt.solvers import bounds, catalogue
from subsetopt.solvers.base import Kind

from . import judge
from .instances import Instance, instance

Stage = Callable[[str], object]
"""Is told what begins, so that who watches knows what hangs."""

_KERNELS = {
    "gaussian": so.Gaussian,
    "laplace": so.Laplace,
    "linear": so.Linear,
    "polynomial": so.Polynomial,
}


@dataclass(frozen=True)
class Verdict:
    """What came of an instance.

    Parameters
    ----------
    seed : int
    solves : int
        Solutions that were judged.
    refused : str
        Why the library takes no such problem; empty where it does.
    faults : tuple of str
        What is wrong, each with the call.
    """

    seed: int
    solves: int
    refused: str
    faults: tuple[str, ...]


@dataclass(frozen=True)
class _Call:
    solver: str
    options: dict[str, Any]
    limits: dict[str, Any]

    @property
    def text(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in {**self.options, **self.limits}.items())
        return f"{self.solver}({arguments})"


def verdict(seed: int, begins: Stage) -> Verdict:
    """Try the instance of a seed and judge every answer."""
    tried = instance(seed)
    try:
        problem = stated(tried)
    except so.InvalidProblem as error:
        return Verdict(seed, 0, str(error), ())
    rng = np.random.default_rng([18, seed])
    known = judge.truth(tried)
    found: list[str] = []
    solves = 0
    for call in _calls(rng, problem):
        begins(call.text)
        found.extend(f"{call.text}: {fault}" for fault in _faults(problem, known, call))
        solves += 1
    return Verdict(seed, solves, "", tuple(found))


def stated(tried: Instance) -> Any:
    """Return the problem as a user would state it."""
    options = dict(tried.options)
    match tried.kind:
        case "mean":
            return so.MeanMatching(tried.data, tried.k, **options)
        case "quadratic":
            return so.QuadraticSelection(tried.data, k=tried.k, **options)
        case _:
            name, parameters = options.pop("kernel")
            kernel = name if name == "precomputed" else _KERNELS[name](**parameters)
            return so.MMDSelection(tried.data, tried.k, kernel=kernel, **options)


def _calls(rng: np.random.Generator, problem: Any) -> Iterator[_Call]:
    own: list[str] = []
    backends: list[str] = []
    for name in catalogue.BUILT_IN:
        found = catalogue.solver_class(name)
        if problem.family in found.handles and found.availability():
            (backends if found.kind is Kind.BACKEND else own).append(name)
    bound = "none"
    if problem.family in ("quadratic", "mmd", "vector-mean-matching"):
        bound = str(rng.choice(list(bounds.METHODS)))
    with_bound = str(rng.choice(own))
    for name in [*own, *([str(rng.choice(backends))] if backends else [])]:
        limits: dict[str, Any] = {"seed": int(rng.integers(100))}
        if name == with_bound and bound != "none":
            limits["bound"] = bound
        if rng.random() < 0.2:
            limits["time_limit"] = float(rng.choice([1e-6, 0.01, 0.2]))
        if rng.random() < 0.1:
            limits["absolute_gap"] = float(rng.choice([0.0, 1e-9, 1.0]))
        if rng.random() < 0.1:
            limits["gap"] = float(rng.choice([0.0, 1e-3, 1.0]))
        yield _Call(name, _options(rng, name), limits)


def _options(rng: np.random.Generator, name: str) -> dict[str, Any]:
    """Return values for some of a solver's options that take one of several words."""
    hints = typing.get_type_hints(catalogue.solver_class(name))
    return {
        field: str(rng.choice(typing.get_args(hints[field])))
        for field in catalogue.solver_class(name).options()
        if typing.get_origin(hints[field]) is typing.Literal and rng.random() < 0.3
    }


def _faults(problem: Any, known: judge.Truth, call: _Call) -> Iterator[str]:
    try:
        solution = _solved(problem, call)
    except (so.InvalidOption, so.UnsupportedProblem) as error:
        if not call.options:
            yield f"{type(error).__name__}: {error}"
        return
    except so.TooLarge as error:
        if call.solver not in ("exact", "branch-and-bound", "lp-rounding"):
            yield f"TooLarge: {error}"
        return
    except Exception as error:
        yield f"{type(error).__name__}: {error}"
        return
    # A backend may stop before it has anything only where its own start is turned off.
    yield from judge.faults(known, solution, may_lack=False)
    if "time_limit" not in call.limits and solution.stats.total_seconds < 1:
        again = _solved(problem, call)
        if not np.array_equal(_plain(again.indices), _plain(solution.indices)):
            yield f"{solution.indices} the first time, {again.indices} the second"


def _solved(problem: Any, call: _Call) -> so.Solution:
    return so.solve(problem, so.solver(call.solver, **call.options), threads=1, **call.limits)


def _plain(indices: Any) -> list[int]:
    return [] if indices is None else indices.tolist()
