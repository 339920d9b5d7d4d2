"""Limits of a solve: time, gaps, threads, seed."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ._options import check, documented, option, options_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from subsetopt.solvers._proof_log import ProofLog

__all__ = ["Limits"]


@documented
@dataclass(frozen=True, kw_only=True)
class Limits:
    """When to stop, and with what means; None, but for the seed, leaves the solver's default.

    `start` is for solvers: a feasible selection that `solve` has checked, or None. What a solver
    returns is never worse. `proof` takes what is to stand in a proof file, if one is wanted.
    """

    time_limit: float | None = option("Wall-clock seconds.", None, gt=0, metavar="S", unset="none")
    gap: float | None = option(
        "Relative gap between objective and bound at which the solver may stop.", None, ge=0
    )
    absolute_gap: float | None = option(
        "Gap in units of the objective at which the solver may stop.", None, ge=0
    )
    threads: int | None = option("Number of threads.", None, ge=1, le=4096)
    seed: int = option("Seed of whatever is random.", 0, ge=0, le=2**31 - 1)
    log: bool = option("Print the solver's own log, on stderr.", False)
    start: "NDArray[np.int64] | None" = field(default=None, repr=False, compare=False)
    proof: "ProofLog | None" = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all limits."""
        return tuple(one.name for one, _ in options_of(cls))
