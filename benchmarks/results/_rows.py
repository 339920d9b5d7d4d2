"""What is measured: one row for each solver, case, repeat and time limit."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from statistics import median
from typing import Any

from subsetopt.formats._declared import declared
from subsetopt.solution import CertificateKind, Solution, Termination

__all__ = ["SCHEMA", "Key", "Row"]

SCHEMA = 1
"""Version of the keys of a row."""

KILLED = "killed: "
"""What failures begin with where a limit was enforced from outside."""

Key = tuple[str, str, int, float | None]
"""Case, solver, repeat, time limit: what is measured once in a comparison."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One solver on one case, in a process of its own.

    Parameters
    ----------
    case, family, source : str
        Of the case.
    n, k : int
    sense : str
        "maximise" where the objective is the negative of the value that is wanted.
    best_known : float or None
        The least objective that anybody has found, where the instance is a public one.
    proven : bool
        Whether that is said to be optimal.
    solver : str
        The label of the contender.
    options : dict
        The solver's own options, where they are not its defaults.
    version : str
        Of what the solver stands on.
    repeat, seed : int
        The seed is that of the comparison plus the number of the repeat, from 0.
    time_limit : float or None
        Seconds per solve.
    threads : int or None
        None is the solver's own default.
    objective : float or None
        Recomputed by the problem; None if there is no answer.
    bound : float or None
    termination : Termination or None
        None if the solver refused or failed, or its process was ended.
    certificate : CertificateKind or None
    eps : float or None
        Of the certificate.
    seconds : tuple of float
        Each timed call, from outside. Short ones are repeated within one process.
    build_seconds, solve_seconds : float or None
        As the solver gives them: medians over the timed calls.
    overhead_seconds : float or None
        What a call takes beside them: checking, recomputing, the certificate.
    warm_up_seconds : float or None
        The first call of the process, untimed.
    cpu_seconds : float or None
        Processor time of one call, all threads: the mean over the timed calls.
    peak_bytes : int or None
        The most memory that the process held, beyond what it began with.
    indices : tuple of int or None
        The selection; the order of a sequence.
    random_rank : float or None
        The share of random subsets that are at least as good.
    gap_to_best : float or None
        ``(objective - best) / |best|``, the best being the best known, else of all rows; None
        where objectives are errors. Worked out when results are read, and in no file but tables.
    message : str
        What the solver adds.
    failure : str
        Why there is no answer: the error's name and words, or what ended the process.
    session : int
        Which session of the comparison measured it, from 0; see `Session`.
    """

    case: str
    family: str
    source: str
    n: int
    k: int
    sense: str = "minimise"
    best_known: float | None = None
    proven: bool = False
    solver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""
    repeat: int = 0
    seed: int = 0
    time_limit: float | None = None
    threads: int | None = None
    objective: float | None = None
    bound: float | None = None
    termination: Termination | None = None
    certificate: CertificateKind | None = None
    eps: float | None = None
    seconds: tuple[float, ...] = ()
    build_seconds: float | None = None
    solve_seconds: float | None = None
    overhead_seconds: float | None = None
    warm_up_seconds: float | None = None
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    indices: tuple[int, ...] | None = None
    random_rank: float | None = None
    gap_to_best: float | None = None
    message: str = ""
    failure: str = ""
    session: int = 0

    @classmethod
    def of(cls, *parts: Any, **more: Any) -> "Row":
        """Return a row of what these objects have under the names of its fields, and of more."""
        return cls(**{name: value for part in parts for name, value in _shared(part)} | more)

    def with_solution(self, solution: Solution, **measured: Any) -> "Row":
        """Return the row with what a solution and its stats say, and with what was measured."""
        said = {**dict(_shared(solution)), **dict(_shared(solution.stats))}
        said["certificate"], said["eps"] = solution.certificate.kind, solution.certificate.eps
        said["indices"] = None if solution.indices is None else tuple(solution.indices.tolist())
        return replace(self, **said | {"solver": self.solver} | measured)  # a label stays

    @property
    def key(self) -> Key:
        """What no other row of the comparison shares."""
        return (self.case, self.solver, self.repeat, self.time_limit)

    @property
    def typical_seconds(self) -> float | None:
        """The median of `seconds`."""
        return median(self.seconds) if self.seconds else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Row":
        """Rebuild a row; keys that are not known are ignored.

        Raises
        ------
        InvalidFile
            If a key is missing or holds what it cannot hold.
        """
        return declared(cls, data, "row of results", ignore=True)


def _shared(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a dataclass that rows have too."""
    names = {one.name for one in fields(Row)}
    return ((one.name, getattr(part, one.name)) for one in fields(part) if one.name in names)
