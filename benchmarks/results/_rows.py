"""Rows of results: one for each solver, case, repeat and time limit."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
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


def _column(meaning: str, default: Any = MISSING, **more: Any) -> Any:
    """Return a field with what it means, for the tables too."""
    return field(default=default, metadata={"meaning": meaning}, **more)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One solver on one case, in a process of its own.

    Its fields are the columns of the tables of results, but for those that are worked out of them;
    their metadata say what each means. Times are in seconds.
    """

    case: str = _column("The instance, with the number to choose.")
    family: str = _column("The kind of problem.")
    source: str = _column("Where the numbers come from.")
    n: int = _column("The number of candidates.")
    k: int = _column("The number to choose; of a sequence, the size of a batch.")
    constraints: tuple[str, ...] = _column(
        "What else is stated: include, exclude, quotas, overlapping-quotas, budget, conflicts, "
        "k-range, target, start.",
        (),
    )
    sense: str = _column(
        "minimise; or maximise, where objectives are the negatives of what is wanted.", "minimise"
    )
    best_known: float | None = _column("The least objective published for a public instance.", None)
    proven: bool = _column("Whether that is claimed to be optimal.", False)
    solver: str = _column("The label of the solver in this comparison.")
    options: Mapping[str, Any] = _column(
        "The solver's options that are not its defaults: a JSON object.", default_factory=dict
    )
    version: str = _column("Of what the solver stands on.", "")
    repeat: int = _column("Number of the repeat, from 0.", 0)
    seed: int = _column("That of the comparison plus the number of the repeat.", 0)
    time_limit: float | None = _column("Seconds per solve.", None)
    threads: int | None = _column("Of the solver; missing is its own default.", None)
    objective: float | None = _column("Recomputed from the answer; missing if there is none.", None)
    bound: float | None = _column("A lower bound on the optimum that came with the answer.", None)
    termination: Termination | None = _column(  # noqa: RUF009 - a field
        "Why the solver stopped; missing if it refused, failed or had to be ended.", None
    )
    certificate: CertificateKind | None = _column(  # noqa: RUF009 - a field
        "What is proven of the answer.", None
    )
    eps: float | None = _column(
        "How far at most the answer is from the optimum, as certified.", None
    )
    seconds: tuple[float, ...] = _column(
        "Each timed call, from outside; short ones are repeated within one process.", ()
    )
    build_seconds: float | None = _column(
        "Stating the problem to the solver, by its own account; the median of the calls.", None
    )
    solve_seconds: float | None = _column(
        "Solving it, by its own account; the median of the calls.", None
    )
    overhead_seconds: float | None = _column("What a call takes besides these two.", None)
    warm_up_seconds: float | None = _column(
        "The first call of the process, which is not timed.", None
    )
    cpu_seconds: float | None = _column(
        "Processor time of one call, of all threads; the mean of the calls.", None
    )
    peak_bytes: int | None = _column(
        "The most memory held beyond what the process began with.", None
    )
    indices: tuple[int, ...] | None = _column(
        "The selection, or the order of a sequence, from 0.", None
    )
    random_rank: float | None = _column(
        "The share of random subsets that are at least as good.", None
    )
    gap_to_best: float | None = _column(
        "(objective - best) / |best|, the best being the best known, else that of all rows of the "
        "case; missing where objectives are errors. Worked out when results are read.",
        None,
    )
    message: str = _column("What the solver adds.", "")
    failure: str = _column("Why there is no answer; empty if there is one.", "")
    session: int = _column("Which session of the comparison measured it, from 0.", 0)

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

        Raises InvalidFile if a key is missing or holds what it cannot hold.
        """
        return declared(cls, data, "row of results", ignore=True)


def _shared(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a dataclass that rows have too."""
    names = {one.name for one in fields(Row)}
    return ((one.name, getattr(part, one.name)) for one in fields(part) if one.name in names)
