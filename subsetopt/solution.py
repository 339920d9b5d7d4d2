"""Solutions: the selection, its objective, its bound and its certificate."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile, InvalidResult
from subsetopt.problems import _validation

from . import _rounding

__all__ = ["Certificate", "CertificateKind", "Solution", "Stats", "Termination"]


class Termination(StrEnum):
    """Why the solver stopped; this says nothing about the worth of what it holds."""

    OPTIMAL = "optimal"
    """It claims an optimum; what stands behind the claim is in the certificate."""
    TIME_LIMIT = "time_limit"
    """The time was up."""
    ITERATION_LIMIT = "iteration_limit"
    """A limit on iterations, nodes or restarts was reached."""
    FINISHED = "finished"
    """A heuristic came to its end."""
    INTERRUPTED = "interrupted"
    """Ctrl-C; the best answer so far is returned."""
    INFEASIBLE = "infeasible"
    """It claims that no selection is feasible."""
    ERROR = "error"
    """The solver failed; the message says how."""
    UNKNOWN = "unknown"
    """A native code that has no translation; never taken for success."""


class CertificateKind(StrEnum):
    """What is known about how far the answer is from the optimum."""

    EXACT = "exact"
    """Optimal, proven with no tolerance: in integer arithmetic, or because a bound, its rounding
    error taken off, leaves no better value that the objective could have."""
    BOUND = "bound"
    """Within `eps` of the optimum: a valid lower bound is known."""
    TOLERANCE = "tolerance"
    """A floating-point solver claims the optimum within its tolerances, which amount to `eps`."""
    INFEASIBLE = "infeasible"
    """Proven that no selection keeps the constraints."""
    NONE = "none"
    """Nothing is known beyond the objective itself."""


@dataclass(frozen=True)
class Certificate:
    """The strongest statement that holds about an answer, and the number behind it.

    Parameters
    ----------
    kind : CertificateKind
    eps : float or None
        The optimum is at most this far below the objective; None if nothing is known.
    reason : str
        What the statement rests on.

    Raises
    ------
    InvalidResult
        If `eps` is negative or not finite, missing where the kind needs it, or not 0 for EXACT.
    """

    kind: CertificateKind
    eps: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        eps = self.eps
        if eps is not None and not 0.0 <= eps < math.inf:
            raise InvalidResult(f"eps must be a finite number >= 0; got {eps!r}")
        if eps is None and self.kind not in (CertificateKind.INFEASIBLE, CertificateKind.NONE):
            raise InvalidResult(f"a certificate of kind {self.kind.value!r} has no eps")
        if eps and self.kind is CertificateKind.EXACT:
            raise InvalidResult(f"eps of an exact certificate must be 0; got {eps!r}")

    def __str__(self) -> str:
        if self.kind in (CertificateKind.BOUND, CertificateKind.TOLERANCE):
            return f"{self.kind} ({self.eps:.2g})"
        return str(self.kind)


@dataclass(frozen=True)
class Stats:
    """Seconds and counts of one solve.

    Parameters
    ----------
    build_seconds : float
        Building the solver's own model.
    solve_seconds : float
        Solving it.
    total_seconds : float
        The whole call, with checking and certification, without the warm-up.
    iterations : int or None
        Nodes, restarts or steps, in the solver's own unit.
    warmup_seconds : float
        What is done once in a process, or once on a machine: importing, and compiling kernels or
        loading them. Neither the time limit nor the other seconds count it, so that the call takes
        `warmup_seconds` and `total_seconds`.
    """

    build_seconds: float
    solve_seconds: float
    total_seconds: float
    iterations: int | None = None
    warmup_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Solution:
    """A selection with its objective, recomputed from the selection, and its certificate.

    Parameters
    ----------
    indices : ndarray of int64 or None
        The chosen indices, sorted and unique; None when nothing feasible was found.
    n, k : int
        Of the problem.
    objective : float or None
        Evaluated by the problem, never the solver's own word.
    bound : float or None
        A valid lower bound on the optimum, rounded down; of an exact answer one unit in the last
        place below the objective where that was rounded up.
    termination : Termination
        Why the solver stopped.
    certificate : Certificate
        What is known about the distance to the optimum.
    stats : Stats
    solver, version : str
        Name of the solver and version of what it stands on.
    message : str
        What the solver wants to add, for people.

    Raises
    ------
    InvalidResult
        If the objective or the bound is not finite, the bound lies above the objective, or the
        certificate rests on a bound or a selection that is not there.
    """

    indices: NDArray[np.int64] | None
    n: int
    k: int
    objective: float | None
    bound: float | None
    termination: Termination
    certificate: Certificate
    stats: Stats
    solver: str
    version: str
    message: str = ""

    def __post_init__(self) -> None:
        for name, value in (("objective", self.objective), ("bound", self.bound)):
            if value is not None and not math.isfinite(value):
                raise InvalidResult(f"{name} of a solution must be finite; got {value!r}")
        if (self.indices is None) != (self.objective is None):
            raise InvalidResult("a solution has either both a selection and its objective or none")
        if self.objective is None:
            refuted = self.termination is Termination.INFEASIBLE
            known = {CertificateKind.NONE, *([CertificateKind.INFEASIBLE] if refuted else [])}
            if self.certificate.kind not in known:
                raise InvalidResult(f"a certificate {self.certificate} needs a selection")
        elif self.certificate.kind is CertificateKind.INFEASIBLE:
            raise InvalidResult("a solution with a selection is called infeasible")
        elif self.bound is not None and self.bound > self.objective:
            raise InvalidResult(
                f"the bound {self.bound!r} is above the objective {self.objective!r}"
            )
        elif self.bound is None and self.certificate.kind is CertificateKind.BOUND:
            raise InvalidResult("a certificate of kind 'bound' needs a bound")

    @property
    def _is_exact(self) -> bool:
        return self.certificate.kind is CertificateKind.EXACT

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The selection as booleans (n,); all False when there is none."""
        mask = np.zeros(self.n, dtype=bool)
        if self.indices is not None:
            mask[self.indices] = True
        return mask

    @property
    def absolute_gap(self) -> float | None:
        """``objective - bound``, in units of the objective, rounded up; 0 for exact answers."""
        if self.objective is None or self.bound is None:
            return None
        return 0.0 if self._is_exact else _rounding.distance(self.objective, self.bound)

    @property
    def gap(self) -> float | None:
        """``(objective - bound) / |objective|``, 0 where they are equal and for exact answers.

        It is 1 whenever the bound is 0 and the objective is not: then look at `absolute_gap`.
        """
        if self.objective is None or self.bound is None:
            return None
        if self._is_exact or self.objective <= self.bound:
            return 0.0
        return (self.objective - self.bound) / abs(self.objective) if self.objective else None

    def plot(
        self,
        problem: Any,
        path: str | os.PathLike[str] | None = None,
        *,
        axes: Any = None,
        seed: int = 0,
    ) -> Any:
        """Draw the chosen among all candidates, and the objective among random selections.

        Parameters
        ----------
        problem : Problem
            The one that was solved. Candidates of a matrix have no place: without features the
            objective alone is drawn.
        path : path, optional
            The file to write: .svg, .pdf or .png; None returns the figure.
        axes : matplotlib Axes, optional
            Draw on these the chosen among all, or else the objective; they are returned.
        seed : int
            Of the random selections.

        Raises
        ------
        InvalidProblem
            If nothing was chosen.
        InvalidOption
            For another suffix, or a path with axes.
        MissingDependency
            If matplotlib is not installed.
        """
        from subsetopt._solution_picture import solution_axes, solution_picture

        if axes is not None:
            return solution_axes(self, problem, seed).on(axes, path)
        return solution_picture(self, problem, seed).shown(path)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; the keys are those of ``--json`` on the command line."""
        certificate = self.certificate
        return {
            "solver": self.solver,
            "version": self.version,
            "n": self.n,
            "k": self.k,
            "indices": None if self.indices is None else self.indices.tolist(),
            "objective": self.objective,
            "bound": self.bound,
            "gap": self.gap,
            "absolute_gap": self.absolute_gap,
            "termination": self.termination.value,
            "certificate": {
                "kind": certificate.kind.value,
                "eps": certificate.eps,
                "reason": certificate.reason,
            },
            "build_seconds": self.stats.build_seconds,
            "solve_seconds": self.stats.solve_seconds,
            "total_seconds": self.stats.total_seconds,
            "warmup_seconds": self.stats.warmup_seconds,
            "iterations": self.stats.iterations,
            "message": self.message,
        }

    def to_json(self, indent: int | None = None) -> str:
        """Return `to_dict` as JSON; floats survive the round trip bit for bit."""
        return json.dumps(self.to_dict(), indent=indent, allow_nan=False)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Solution":
        """Rebuild a solution from `to_dict`.

        Raises
        ------
        InvalidFile
            If a key is missing or holds what it cannot hold.
        """
        try:
            indices, certificate = data["indices"], data["certificate"]
            n, k = _typed(data, "n", int), _validation.subset_size(data["k"], data["n"])
            return cls(
                indices=None if indices is None else _validation.selection(indices, n, 0, k),
                n=n,
                k=k,
                objective=_typed(data, "objective", float, int, NoneType),
                bound=_typed(data, "bound", float, int, NoneType),
                termination=Termination(data["termination"]),
                certificate=Certificate(
                    CertificateKind(certificate["kind"]),
                    _typed(certificate, "eps", float, int, NoneType),
                    _typed(certificate, "reason", str),
                ),
                stats=Stats(
                    _typed(data, "build_seconds", float, int),
                    _typed(data, "solve_seconds", float, int),
                    _typed(data, "total_seconds", float, int),
                    _typed(data, "iterations", int, NoneType),
                    _typed({"warmup_seconds": 0.0, **data}, "warmup_seconds", float, int),
                ),
                solver=_typed(data, "solver", str),
                version=_typed(data, "version", str),
                message=_typed(data, "message", str),
            )
        except (KeyError, TypeError, ValueError, OverflowError, InvalidResult) as error:
            raise InvalidFile(f"this is not a solution: {error!r}") from error

    @classmethod
    def from_json(cls, text: str) -> "Solution":
        """Rebuild a solution from `to_json`; raises InvalidFile as `from_dict` does."""
        from subsetopt.formats._documents import parsed_json

        data = parsed_json(text, "the solution", finite=True)
        if not isinstance(data, dict):
            raise InvalidFile(f"this is not a solution but a {type(data).__name__}")
        return cls.from_dict(data)


def _typed(data: Mapping[str, Any], key: str, *types: type) -> Any:
    value = data[key]
    if isinstance(value, bool) or not isinstance(value, types):
        raise TypeError(f"{key} is {value!r}")
    return value
