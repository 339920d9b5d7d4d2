"""What a solver is: a small frozen object whose fields are its options."""

import importlib
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from enum import StrEnum
from fractions import Fraction
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import MissingBackend
from subsetopt.limits import Limits
from subsetopt.solution import Termination


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


@dataclass(frozen=True)
class Availability:
    """Whether a solver can run here; truthy when it can, else with the reason and the mend."""

    version: str | None
    reason: str = ""

    def __bool__(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Requirement:
    """A distribution that a solver stands on.

    Parameters
    ----------
    distribution : str
        Its name for pip.
    module : str
        The top-level module to look for.
    specifier : str
        What to ask pip for.
    clash : tuple of (version, name of another distribution) or None
        From this version on it cannot share a process with the other one.
    extra : str
        The extra of subsetopt that brings it, where one does.
    """

    distribution: str
    module: str
    specifier: str = ""
    clash: tuple[tuple[int, ...], str] | None = None
    extra: str = ""

    @property
    def mend(self) -> str:
        """The command that installs it."""
        if self.extra:
            return f"pip install 'subsetopt[{self.extra}]'"
        return f"pip install '{self.distribution}{self.specifier}'"

    def availability(self) -> Availability:
        """Look for the distribution without importing it."""
        if not _findable(self.module):
            return Availability(None, f"{self.distribution} is not installed: {self.mend}")
        version = _version_of(self.distribution)
        if self.clash is not None and version is not None:
            since, other = self.clash
            if _release(version) >= since and _findable(other):
                return Availability(
                    version,
                    f"{self.distribution} {version} and {other} load two libraries of one name "
                    f"and cannot share a process: {self.mend}",
                )
        return Availability(version)

    def module_name(self, submodule: str = "") -> str:
        """Return the full name of the module, or of ``module.submodule``."""
        return f"{self.module}.{submodule}" if submodule else self.module

    def load(self, submodule: str = "") -> ModuleType:
        """Import the module, or ``module.submodule``.

        Raises
        ------
        MissingBackend
            If it is not installed, or installed and broken.
        """
        availability = self.availability()
        if not availability:
            raise MissingBackend(availability.reason)
        try:
            return importlib.import_module(self.module_name(submodule))
        except ImportError as error:
            raise MissingBackend(
                f"{self.distribution} {availability.version} is installed but cannot be loaded "
                f"({error}); try {self.mend}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a solver says, before anything of it is believed.

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


class Solver(ABC):
    """Base of all solvers: declare the class variables, implement `answer`.

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
    requires: ClassVar[tuple[Requirement, ...]] = ()
    """The distributions it stands on, beyond the base install's numpy."""
    exact: ClassVar[bool] = False
    """Whether it sets out to prove optimality."""
    concurrent: ClassVar[bool] = False
    """Whether several problems may be solved at once in threads, with profit."""

    @abstractmethod
    def answer(self, problem: Any, limits: Limits) -> Answer:
        """Solve `problem`, whose family is one of `handles`, within `limits`.

        Ctrl-C and time-outs are answers, with the best selection so far, not exceptions.
        """

    def prepare(self, problem: Any, limits: Limits) -> None:
        """Load what `answer` needs for such a problem, before the time limit begins.

        It is called before every solve, so it must cost nothing where all is loaded. What it takes
        is in `Stats.warmup_seconds`. Kernels of `subsetopt.compiled.njit` need not be compiled
        here: the clock of the limits stands still while they are.
        """
        for requirement in self.requires:
            if requirement.module not in sys.modules:
                requirement.load()

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
        return Availability(_version_of("subsetopt") if own or not versions else versions[0])

    @classmethod
    def options(cls) -> tuple[str, ...]:
        """Return the names of the solver's own options."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]


NUMBA = Requirement("numba", "numba")


def is_number(value: object) -> bool:
    """Return whether an option holds a real number, which a truth value is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def _findable(module: str) -> bool:
    return find_spec(module) is not None


@cache
def _version_of(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
