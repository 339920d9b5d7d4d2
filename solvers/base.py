"""Solver interface: a frozen dataclass whose fields are the options."""

import math
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt._dependencies import Availability, version_of
from subsetopt._dependencies import OptionalDependency as OptionalDependency
from subsetopt.errors import InvalidResult
from subsetopt.limits import Limits
from subsetopt.solution import Termination

__all__ = ["RawResult", "Solver"]


class Kind(StrEnum):
    """What sort of solver it is."""

    BACKEND = "backend"
    """A mixed-integer solver from elsewhere."""
    EXACT = "exact"
    """Proves the optimum: with no tolerance where the objective is exact, else to its rounding."""
    HEURISTIC = "heuristic"
    """Finds good answers fast."""
    RELAXATION = "relaxation"
    """Solves a relaxation, which gives a bound, and rounds it."""
    BASELINE = "baseline"
    """What every method has to beat."""


@dataclass(frozen=True, kw_only=True)
class RawResult:
    """What a solver returns: its claims, of the right types; `certify` makes a Solution of them.

    NumPy's numbers become Python's. Whether the indices are a selection, and the bound one, only
    the problem can say.

    Parameters
    ----------
    indices : ndarray of int or None
        The selection, in any order.
    termination : Termination
    bound : float, Fraction or None
        A lower bound that the solver claims, in units of the problem's objective.
    eps : float or None
        For ``Termination.OPTIMAL``: how far the optimum can be below the answer, given the
        solver's tolerances; None if it claims no optimum.
    proven : bool
        The optimum was proven with no tolerance, as `CertificateKind.EXACT` says.
    build_seconds, solve_seconds : float
    iterations : int or None
    message : str

    Raises
    ------
    InvalidResult
        For anything of another type, NaN, a negative `eps` or count, seconds without end.
    """

    indices: NDArray[np.integer[Any]] | None
    termination: Termination
    bound: float | Fraction | None = None
    eps: float | None = None
    proven: bool = False
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    iterations: int | None = None
    message: str = ""

    def __post_init__(self) -> None:
        for name, kind in (("termination", Termination), ("proven", bool), ("message", str)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise _invalid(name, f"a {kind.__name__}", value)
        if self.bound is not None:
            self._number("bound", "a number < inf or None", -math.inf)
        if self.eps is not None:
            self._number("eps", "a number >= 0 or None", 0.0, math.inf)
        self._number("build_seconds", "a finite number >= 0", 0.0)
        self._number("solve_seconds", "a finite number >= 0", 0.0)
        count = self.iterations
        if count is not None:
            if isinstance(count, bool) or not isinstance(count, Integral) or count < 0:
                raise _invalid("iterations", "an integer >= 0 or None", count)
            object.__setattr__(self, "iterations", int(count))

    def _number(self, name: str, wanted: str, low: float, high: float = sys.float_info.max) -> None:
        """Check a number, and keep it as a Fraction or a float."""
        value = getattr(self, name)
        if not isinstance(value, Real) or isinstance(value, bool):
            raise _invalid(name, wanted, value)
        number = value if isinstance(value, Fraction | int) else float(value)
        if not low <= number <= high:  # as NaN is not
            raise _invalid(name, wanted, value)
        object.__setattr__(self, name, float(number) if isinstance(number, int) else number)


def _invalid(name: str, wanted: str, value: object) -> InvalidResult:
    return InvalidResult(f"{name} must be {wanted}; got {value!r} ({type(value).__name__})")


class Solver(ABC):
    """Base of all solvers: declare the class variables, implement `_solve`.

    A subclass is a frozen dataclass whose fields are the solver's own options. It never holds a
    problem, a native handle or a result, so one object can solve many problems, in many threads.
    """

    name: ClassVar[str]
    """The name on the command line and in tables."""
    kind: ClassVar[Kind]
    """What sort of solver it is."""
    summary: ClassVar[str]
    """One line for lists: what it does."""
    choose_when: ClassVar[str]
    """One line for the guide to choosing a solver."""
    handles: ClassVar[tuple[str, ...]]
    """The families of problems it takes, as `Problem.family` names them."""
    takes: ClassVar[frozenset[str]] = frozenset()
    """The kinds of constraints that it keeps, of `subsetopt.models.CONSTRAINT_KINDS`.

    Every solver takes `include`, `exclude` and a range of sizes: what they fix is taken out of the
    problem before, and what is left of MMD selection has nothing but its `quadratic_form`.
    """
    requires: ClassVar[tuple[OptionalDependency, ...]] = ()
    """The distributions it stands on, beyond the base install's numpy."""
    exact: ClassVar[bool] = False
    """Whether it sets out to prove optimality."""
    concurrent: ClassVar[bool] = False
    """Whether several problems may be solved at once in threads, with profit."""

    @abstractmethod
    def _solve(self, problem: Any, limits: Limits) -> RawResult:
        """Solve `problem`, whose family is one of `handles`, within `limits`.

        Ctrl-C and time-outs are answers, with the best selection so far, not exceptions. The
        constraints, of the kinds in `takes`, are in `problem.side`, or in the `side` of its
        quadratic form; a feasible selection to begin with may be in ``limits.start``. It always
        is where any of these but "quotas" have to be kept, except for backends.
        """

    def prepare(self, problem: Any, limits: Limits) -> None:
        """Load what `_solve` needs for such a problem, before the time limit begins.

        It is called before every solve, so it must cost nothing where all is loaded. What it takes
        is in `Stats.warmup_seconds`. Kernels need not be compiled here: the
        clock of the limits stands still while they are.
        """
        for requirement in self.requires:
            if requirement.module not in sys.modules:
                requirement.load()

    def in_units(self, factor: Fraction) -> "Solver":
        """Return the solver for a problem whose objective is `factor` times what it was.

        Itself, unless an option is in units of the objective.
        """
        return self

    @classmethod
    def availability(cls) -> Availability:
        """Whether all that it requires is there; looks, but imports nothing."""
        versions = []
        for requirement in cls.requires:
            found = requirement.availability()
            if not found:
                return found
            versions.append(found.version)
        own = cls.kind is not Kind.BACKEND
        return Availability(version_of("subsetopt") if own or not versions else versions[0])

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Return the names of the solver's own options."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
