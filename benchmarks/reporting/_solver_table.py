"""Tables of a comparison: solvers, instances, failures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from subsetopt.benchmarks._best_known import TOLERANCE, relative_gap
from subsetopt.benchmarks.analysis._row_groups import grouped
from subsetopt.benchmarks.analysis._summary import SolverSummary
from subsetopt.benchmarks.analysis._verdicts import best_rows
from subsetopt.benchmarks.results import CaseInfo, Row, SkippedCase
from subsetopt.report import Column, Table
from subsetopt.report._number_format import (
    NOTHING,
    counts,
    duration,
    error,
    factor,
    gap,
    percent,
    share,
    size,
)

from ._comparison_report import FamilyReport

_MARKDOWN_RANK = 4  # columns from this rank on are left to the page
Summaries = tuple[Column[SolverSummary], ...]


def solver_table(family: FamilyReport) -> Table[SolverSummary]:
    """Return one row for each solver of a family."""
    return Table(
        columns(family),
        family.summaries,
        name=f"Solvers on {family.family.name}",
        markdown_rank=_MARKDOWN_RANK,
    )


def columns(report: FamilyReport) -> Summaries:
    """Return the columns of a family, from left to right."""
    family = report.family
    quality = _ERRORS if family.absolute else _GAPS
    skipped = (_SKIPPED,) if report.skipped else ()
    faster = _faster(family.reference)
    return (_SOLVER, *quality, *_ENDS, *skipped, *_TIMES, faster, *_COSTS)


def _lines(found: Mapping[str, int]) -> str:
    return "\n".join(counts(found)) or NOTHING


def _certificates(summary: SolverSummary) -> str:
    text = _lines(summary.certificates)
    most = summary.tolerance_max
    return text if most is None else f"{text}\n(within {most:.0e})"


def _runs(summary: SolverSummary) -> str:
    answered = f"{summary.answered}/" if summary.answered != summary.runs else ""
    return f"{answered}{summary.runs}"


# fmt: off
_SOLVER: Column[SolverSummary] = Column(
    "solver", "solver", meaning="its name in `subsetopt solvers`, or the label in its suite")
_ERRORS: Summaries = (
    Column("median", "error_median", error, group="error", least=True,
           meaning="the objective, which is an error: of a case the median of its repeats, then "
           "the median of all cases"),
    Column("max", "error_max", error, group="error", least=True,
           meaning="the largest error of any run"),
)
_GAPS: Summaries = (
    Column("median", "gap_median", gap, group="gap %", least=True,
           meaning="(objective - best) / |best|, the best being the best known value, else the "
           "best answer of any run; negative is a new best; > 1,000 where the best is next to 0, "
           "- where it is 0"),
    Column("max", "gap_max", gap, group="gap %", least=True, meaning="the largest gap of any run"),
    Column("in", lambda s: (s.best_reached or 0) / s.runs, group="best",
           cell=lambda s: f"{s.best_reached or 0}/{s.runs}",
           meaning="runs whose gap is nothing but rounding (2e-8, relative), of all runs"),
    Column("gap %", "bound_gap_median", gap, group="bound",
           meaning="(objective - bound) / |objective|: how much at most a better answer can gain"),
)
_ENDS: Summaries = (
    Column("as good", "rank_median", share, group="random", rank=1,
           meaning="share of random choices, the same for all, that are at least as good"),
    Column("ended", cell=lambda s: _lines(s.terminations),
           meaning="why the runs ended; optimal is a claim of the solver's"),
    Column("certificate", cell=_certificates, rank=1,
           meaning="what is known about the distance to the optimum, and the largest tolerance "
           "within which an optimum is claimed"),
)
_SKIPPED: Column[SolverSummary] = Column(
    "skipped", lambda s: s.skipped or None, "d", rank=1,
    meaning="instances that it is not run on, as it does not take their constraints")
_TIMES: Summaries = (
    Column("median", "seconds_median", duration, group="time",
           meaning="a call from outside: of a case the median of its repeats, then the median of "
           "all cases"),
    Column("p95", "seconds_p95", duration, group="time", rank=2,
           meaning="95 % of all timed calls took at most that; every case weighs the same"),
    Column("spread", "seconds_spread", percent, group="time", rank=3,
           meaning="interquartile range of the calls on one case over their median; the median "
           "of all cases"),
)
_COSTS: Summaries = (
    Column("overhead", "overhead_seconds", duration, rank=3,
           meaning="what a call takes besides building and solving: checking the data, recomputing "
           "the objective, the certificate"),
    Column("build", "build_seconds", duration, rank=4,
           meaning="putting the problem into the solver's form, per call"),
    Column("solve", "solve_seconds", duration, rank=4, meaning="the search alone, per call"),
    Column("warm-up", "warm_up_seconds", duration, rank=5,
           meaning="the first call of a process, untimed: importing, compiling, loading"),
    Column("busy", "cpu_ratio", lambda ratio: f"{ratio:.1f}" if ratio > 1.2 else NOTHING,
           group="cores", rank=5, meaning="processor time over time, where it is above 1.2"),
    Column("memory", "peak_bytes", size, rank=3,
           meaning="the most memory that the process of any run held"),
    Column("runs", "answered", cell=_runs, rank=2,
           meaning="one for each case and repeat, in a process of its own; with an answer / all"),
)
# fmt: on


def _faster(reference: str) -> Column[SolverSummary]:
    meaning = "times faster than the reference solver on the same case; the median of all cases"
    return Column(f"x {reference}", "times_faster", factor, group="faster", meaning=meaning)


# -- instances and failures ------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A case and the best that came out."""

    case: CaseInfo
    value: str
    """The best one, in the sense of the case; empty without an answer."""
    solvers: tuple[str, ...]
    """Those that reach it, the one that was first in time first."""
    seconds: float | None
    """Of that one."""
    bound_gap: float | None
    """(objective - bound) / |objective|, of the best bound that anybody has."""
    known: str
    standing: str
    """What is known of the case, and how the best answer compares."""


_INSTANCE: tuple[Column[Instance], ...] = (
    Column("instance", lambda x: x.case.name),
    Column("family", lambda x: x.case.family),
    Column("n", lambda x: x.case.n, "d"),
    Column("k", lambda x: x.case.k, "d"),
    Column("best value", lambda x: x.value or None, str),
    Column("bound gap %", "bound_gap", gap),
    Column("best known", lambda x: x.known or None, str),
    Column(
        "standing",
        lambda x: x.standing or None,
        style=lambda x: "new" if x.standing == "new best" else "",
    ),
    Column("soonest", "seconds", duration),
    Column("found by", lambda x: ", ".join(x.solvers) or None),
)
_CONSTRAINTS: Column[Instance] = Column(
    "constraints", lambda x: ", ".join(x.case.constraints) or None
)
SKIPPED_TABLE: tuple[Column[SkippedCase], ...] = (
    Column("solver", "solver"),
    Column("instance", "case"),
    Column("reason", lambda one: f"does not take {', '.join(one.does_not_take)}"),
)
FAILURE_TABLE: tuple[Column[Row], ...] = (
    Column("solver", "solver"),
    Column("instance", "case"),
    Column("repeat", "repeat", "d"),
    Column("limit", "time_limit", lambda seconds: f"{seconds:g} s"),
    Column("reason", "failure"),
)


def instance_table(families: Sequence[FamilyReport]) -> Table[Instance]:
    """Return one row for each case, with its constraints if any has some."""
    rows = [one for family in families for one in instances(family)]
    stated = any(one.case.constraints for one in rows)
    columns = (*_INSTANCE[:4], *([_CONSTRAINTS] if stated else []), *_INSTANCE[4:])
    return Table(columns, rows, name="Instances")


def instances(family: FamilyReport) -> Iterator[Instance]:
    """Yield the cases of a family in their order."""
    best = best_rows(family.rows)
    rows = grouped(family.rows, attrgetter("case"))
    for case in family.cases:
        yield _instance(case, best.get(case.name), rows.get(case.name, []), family.family.absolute)


def _instance(case: CaseInfo, best: Row | None, rows: list[Row], absolute: bool) -> Instance:
    objective = None if best is None else best.objective
    reaching = [row for row in rows if objective is not None and _reaches(row, objective)]
    reaching.sort(key=lambda row: row.typical_seconds or 0.0)
    known = case.known
    return Instance(
        case=case,
        value="" if objective is None else _value(objective, case, absolute),
        solvers=tuple(dict.fromkeys(row.solver for row in reaching)),
        seconds=reaching[0].typical_seconds if reaching else None,
        bound_gap=None if objective is None else _bound_gap(objective, rows),
        known="" if known is None else known.published,
        standing="" if known is None or objective is None else known.standing(objective),
    )


def _reaches(row: Row, best: float) -> bool:
    return row.objective is not None and row.objective <= best + TOLERANCE * abs(best)


def _value(objective: float, case: CaseInfo, absolute: bool) -> str:
    value = -objective if case.sense == "maximise" else objective
    return error(value) if absolute else f"{value:.10g}"


def _bound_gap(objective: float, rows: list[Row]) -> float | None:
    bounds = [row.bound for row in rows if row.bound is not None]
    if not bounds:
        return None
    found = relative_gap(min(max(bounds), objective), objective)
    return None if found is None else -found
