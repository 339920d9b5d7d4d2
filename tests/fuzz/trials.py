"""What is tried on an instance: every own solver, one backend, one bound, random options."""

import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import subsetopt as so
from subsetopt.solvers import _constrained, bounds, catalogue
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
        return Verdict(seed, 0, str(error), _refused(tried))
    rng = np.random.default_rng([18, seed])
    known = judge.truth(tried)
    found: list[str] = []
    solves = 0
    for call in _calls(rng, problem, tried):
        begins(call.text)
        found.extend(f"{call.text}: {fault}" for fault in _faults(problem, known, call))
        solves += 1
    return Verdict(seed, solves, "", tuple(found))


def _refused(tried: Instance) -> tuple[str, ...]:
    """Return what is wrong with a refusal: that of rules which some selection keeps."""
    free = replace(tried, rules={})
    try:
        stated(free)
    except so.InvalidProblem:
        return ()
    return ("refused, but there are selections",) if judge.truth(tried).values else ()


def stated(tried: Instance) -> Any:
    """Return the problem as a user would state it."""
    options = dict(tried.options)
    if tried.rules:
        parts = dict(tried.rules)
        parts["quotas"] = [
            so.Quota(labels, at_least=least, at_most=most)
            for labels, least, most in parts.get("quotas", ())
        ]
        options["constraints"] = so.Constraints(**parts)
    match tried.kind:
        case "mean":
            return so.MeanMatching(tried.data, tried.k, **options)
        case "quadratic":
            size = tried.k if tried.least is None else (tried.least, tried.k)
            return so.QuadraticSelection(tried.data, k=size, **options)
        case _:
            name, parameters = options.pop("kernel")
            kernel = name if name == "precomputed" else _KERNELS[name](**parameters)
            return so.MMDSelection(tried.data, tried.k, kernel=kernel, **options)


def _calls(rng: np.random.Generator, problem: Any, tried: Instance) -> Iterator[_Call]:
    own: list[str] = []
    backends: list[str] = []
    for name in catalogue.BUILT_IN:
        found = catalogue.solver_class(name)
        able = problem.family in found.handles and _constrained.kinds(problem) <= found.takes
        if able and found.availability():
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
        if (tried.rules or tried.least is not None) and rng.random() < 0.3:
            size = int(rng.integers(0, problem.k + 1))
            limits["start"] = tuple(sorted(rng.permutation(problem.n)[:size].tolist()))
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
    may_lack = "time_limit" in call.limits and not _constrained.kinds(problem) <= {"quotas"}
    start = call.limits.get("start")
    yield from judge.faults(known, solution, may_lack=may_lack, start=start)
    if "time_limit" not in call.limits and solution.stats.total_seconds < 1:
        again = _solved(problem, call)
        if not np.array_equal(_plain(again.indices), _plain(solution.indices)):
            yield f"{solution.indices} the first time, {again.indices} the second"


def _solved(problem: Any, call: _Call) -> so.Solution:
    return so.solve(problem, so.solver(call.solver, **call.options), threads=1, **call.limits)


def _plain(indices: Any) -> list[int]:
    return [] if indices is None else indices.tolist()
