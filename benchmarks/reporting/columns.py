"""The columns of the table of solvers, wherever it is shown."""

from collections.abc import Mapping

from subsetopt.benchmarks.analysis.summary import SolverSummary
from subsetopt.benchmarks.families import Family
from subsetopt.report.columns import Column
from subsetopt.report.number_format import NOTHING, duration, percent, share, size

from .words import counts, error, factor, gap


def columns(family: Family) -> tuple[Column[SolverSummary], ...]:
    """Return the columns of a family, from left to right."""
    return (_SOLVER, *(_ERRORS if family.absolute else _GAPS), *_ENDS, *_times(family), *_COSTS)


def _certificates(summary: SolverSummary) -> str:
    text = _lines(summary.certificates)
    return (
        text if summary.tolerance_max is None else f"{text}\n(within {summary.tolerance_max:.0e})"
    )


def _lines(found: Mapping[str, int]) -> str:
    return "\n".join(counts(found)) or NOTHING


def _runs(summary: SolverSummary) -> str:
    if summary.answered == summary.runs:
        return str(summary.runs)
    return f"{summary.answered}/{summary.runs}"


def _reached(summary: SolverSummary) -> str:
    return f"{summary.best_reached or 0}/{summary.runs}"


_SOLVER: Column[SolverSummary] = Column(
    heading="solver",
    meaning="its name in `subsetopt solvers`, or the label that the suite gives it",
    cell=lambda s: s.solver,
)

_ERRORS: tuple[Column[SolverSummary], ...] = (
    Column(
        group="error",
        heading="median",
        meaning="the objective, which is an error: of a case the median of its repeats, then the "
        "median of all cases",
        cell=lambda s: error(s.error_median),
        value=lambda s: s.error_median,
    ),
    Column(
        group="error",
        heading="max",
        meaning="the largest error of any run",
        cell=lambda s: error(s.error_max),
        value=lambda s: s.error_max,
    ),
)

_GAPS: tuple[Column[SolverSummary], ...] = (
    Column(
        group="gap %",
        heading="median",
        meaning="(objective - best) / |best|, the best being the best known value, else the best "
        "answer of any run; negative is a new best; > 1,000 where the best is next to 0, - where "
        "it is 0",
        cell=lambda s: gap(s.gap_median),
        value=lambda s: s.gap_median,
    ),
    Column(
        group="gap %",
        heading="max",
        meaning="the largest gap of any run",
        cell=lambda s: gap(s.gap_max),
        value=lambda s: s.gap_max,
    ),
    Column(
        group="best",
        heading="in",
        meaning="runs whose gap is nothing but rounding (2e-8, relative), of all runs",
        cell=_reached,
        value=lambda s: (s.best_reached or 0) / s.runs,
    ),
    Column(
        group="bound",
        heading="gap %",
        meaning="(objective - bound) / |objective|: how much at most a better answer can gain",
        cell=lambda s: gap(s.bound_gap_median),
        value=lambda s: s.bound_gap_median,
    ),
)

_ENDS: tuple[Column[SolverSummary], ...] = (
    Column(
        group="random",
        heading="as good",
        meaning="share of random choices, the same for all, that are at least as good",
        cell=lambda s: share(s.rank_median),
        value=lambda s: s.rank_median,
        rank=1,
    ),
    Column(
        heading="ended",
        meaning="why the runs ended; optimal is a claim of the solver's",
        cell=lambda s: _lines(s.terminations),
    ),
    Column(
        heading="certificate",
        meaning="what is known about the distance to the optimum, and the largest tolerance "
        "within which an optimum is claimed",
        cell=_certificates,
        rank=1,
    ),
)


def _times(family: Family) -> tuple[Column[SolverSummary], ...]:
    return (
        Column(
            group="time",
            heading="median",
            meaning="a call from outside: of a case the median of its repeats, then the median of "
            "all cases",
            cell=lambda s: duration(s.seconds_median),
            value=lambda s: s.seconds_median,
        ),
        Column(
            group="time",
            heading="p95",
            meaning="95 % of all timed calls took at most that; every case weighs the same",
            cell=lambda s: duration(s.seconds_p95),
            value=lambda s: s.seconds_p95,
            rank=2,
        ),
        Column(
            group="time",
            heading="spread",
            meaning="interquartile range of the calls on one case over their median; the median "
            "of all cases",
            cell=lambda s: percent(s.seconds_spread),
            value=lambda s: s.seconds_spread,
            rank=3,
        ),
        Column(
            group="faster",
            heading=f"x {family.reference}",
            meaning="times faster than the reference solver on the same case; the median of all "
            "cases",
            cell=lambda s: factor(s.times_faster),
            value=lambda s: s.times_faster,
        ),
    )


_COSTS: tuple[Column[SolverSummary], ...] = (
    Column(
        heading="overhead",
        meaning="what a call takes beside building and solving: checking the data, recomputing "
        "the objective, the certificate",
        cell=lambda s: duration(s.overhead_seconds),
        value=lambda s: s.overhead_seconds,
        rank=3,
    ),
    Column(
        heading="build",
        meaning="putting the problem into the solver's form, per call",
        cell=lambda s: duration(s.build_seconds),
        value=lambda s: s.build_seconds,
        rank=4,
    ),
    Column(
        heading="solve",
        meaning="the search alone, per call",
        cell=lambda s: duration(s.solve_seconds),
        value=lambda s: s.solve_seconds,
        rank=4,
    ),
    Column(
        heading="warm-up",
        meaning="the first call of a process, untimed: importing, compiling, loading",
        cell=lambda s: duration(s.warm_up_seconds),
        value=lambda s: s.warm_up_seconds,
        rank=5,
    ),
    Column(
        group="cores",
        heading="busy",
        meaning="processor time over time, where it is above 1.2",
        cell=lambda s: NOTHING if (s.cpu_ratio or 0.0) <= 1.2 else f"{s.cpu_ratio:.1f}",
        value=lambda s: s.cpu_ratio,
        rank=5,
    ),
    Column(
        heading="memory",
        meaning="the most memory that the process of any run held",
        cell=lambda s: size(s.peak_bytes),
        value=lambda s: s.peak_bytes,
        rank=3,
    ),
    Column(
        heading="runs",
        meaning="one for each case and repeat, in a process of its own; with an answer / all",
        cell=_runs,
        value=lambda s: s.answered,
        rank=2,
    ),
)
