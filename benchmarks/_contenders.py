"""The solvers of a comparison: those that take part, and why others do not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from subsetopt._spec import Spec
from subsetopt.errors import UnsupportedProblem
from subsetopt.models import CONSTRAINT_KINDS
from subsetopt.solvers import catalogue
from subsetopt.solvers.catalogue import available_solvers

from .cases import Case
from .cases._sequence_cases import METHODS
from .results import CaseInfo, Contender, MeasurementOptions, Plan, SkippedCase

SEQUENCE = "sequence"

BASELINE = "random"
"""Always takes part: an error alone means little."""


@dataclass(frozen=True)
class Contenders:
    """The solvers of a comparison."""

    chosen: tuple[Contender, ...]
    """Those that take part, each with the families that it is run on."""
    left_out: Mapping[str, str]
    """Those that could take part but cannot run here, with the reason and the fix."""
    notes: tuple[str, ...]
    """What was added unasked."""


def contenders(solvers: Iterable[str | Contender], families: Iterable[str]) -> Contenders:
    """Return the solvers given, or all that can run when none is given, and always the baseline.

    Names may have options: ``tabu:iterations=1000``. A backend is compared on its own: without a
    start from one of the heuristics that it competes with, unless its options say
    ``warm_start=True``.

    Raises UnknownSolver if a name is not in the catalogue; UnsupportedProblem if a solver handles
    none of the families; InvalidOption if it has no such option, or its value is outside its
    domain.
    """
    wanted = tuple(dict.fromkeys(families))
    given = (named_contender(one) if isinstance(one, str) else one for one in solvers)
    named = list({one.label: one for one in given}.values())
    if named:
        placed = [replace(one, families=_handled(one, wanted)) for one in named]
        for contender in placed:  # options are refused now, not run by run
            if contender.families != (SEQUENCE,):
                catalogue.create(contender.name, **contender.options)
        left_out: dict[str, str] = {}
    else:
        placed, left_out = _all(wanted)
    placed = [_on_its_own(contender) for contender in placed]
    if any(contender.name == BASELINE and not contender.options for contender in placed):
        return Contenders(tuple(placed), left_out, ())
    baseline = Contender(label=BASELINE, name=BASELINE, families=wanted)
    note = f"{BASELINE} was not named; it always takes part"
    return Contenders((baseline, *placed), left_out, (note,))


def named_contender(name: str) -> Contender:
    """Return a solver by its name, which may have options: ``tabu:iterations=1000``."""
    spec = Spec.parse(name)
    return Contender(label=name, name=spec.name, options=spec.options)


def make_plan(
    suite: str,
    cases: Iterable[Case],
    solvers: Iterable[str | Contender] = (),
    settings: MeasurementOptions | None = None,
) -> Plan:
    """Return the plan of a comparison, for `measure`.

    Parameters
    ----------
    suite : str
        What it is called.
    cases : iterable of Case
    solvers : iterable of str or Contender
        Names, which may have options; none is all that can run here. ``random`` always takes part.
    settings : MeasurementOptions, optional

    Raises
    ------
    UnknownSolver, UnsupportedProblem, InvalidOption
        Where a solver, an option of it or its value is none that there is.
    """
    cases = tuple(cases)
    infos = tuple(CaseInfo.of(case) for case in cases)
    named = tuple(solvers)
    chosen = contenders(named, (info.family for info in infos))
    skipped = tuple(_skipped(chosen.chosen, cases))
    if named:
        _require_used(chosen.chosen, infos, skipped)
    return Plan(
        suite=suite,
        settings=settings or MeasurementOptions(),
        contenders=chosen.chosen,
        cases=infos,
        left_out=chosen.left_out,
        notes=chosen.notes,
        skipped=skipped,
    )


def _skipped(chosen: Iterable[Contender], cases: Iterable[Case]) -> Iterator[SkippedCase]:
    """Yield the cases that solvers are not run on, as these do not take their constraints."""
    taken = {
        one.label: catalogue.solver_class(one.name).takes
        for one in chosen
        if one.name in catalogue.names()
    }
    for case in cases:
        for one in chosen if case.kinds else ():
            if case.family in one.families and not case.kinds <= taken[one.label]:
                lacking = case.kinds - taken[one.label]
                kinds = tuple(kind for kind in CONSTRAINT_KINDS if kind in lacking)
                yield SkippedCase(case=case.name, solver=one.label, does_not_take=kinds)


def _require_used(
    chosen: Iterable[Contender], cases: Sequence[CaseInfo], skipped: Sequence[SkippedCase]
) -> None:
    """Raise UnsupportedProblem for a solver that was named and takes the constraints of no case."""
    for contender in chosen:
        own = {case.name for case in cases if case.family in contender.families}
        without = [one for one in skipped if one.solver == contender.label]
        if own and len(without) == len(own):
            kinds = dict.fromkeys(kind for one in without for kind in one.does_not_take)
            raise UnsupportedProblem(
                f"{contender.label} cannot be run on any instance: it does not take "
                f"{', '.join(kinds)}; name another solver"
            )


def _on_its_own(contender: Contender) -> Contender:
    """Return a backend without the start from one of our heuristics, unless options ask for it."""
    if contender.name in catalogue.names():
        known = catalogue.solver_class(contender.name).options()
        if "warm_start" in known and "warm_start" not in contender.options:
            return replace(contender, options={"warm_start": False, **contender.options})
    return contender


def _all(families: Sequence[str]) -> tuple[list[Contender], dict[str, str]]:
    """Return all that can run, and why the others cannot."""
    listed = {row.name: row for row in available_solvers()}
    able: dict[str, list[str]] = {}
    for family in families:
        for name in METHODS if family == SEQUENCE else listed:
            if family == SEQUENCE or family in listed[name].handles:
                able.setdefault(name, []).append(family)
    missing = {name: listed[name].availability for name in able if name in listed}
    left_out = {name: reason.reason for name, reason in missing.items() if not reason}
    chosen = [
        Contender(label=name, name=name, families=tuple(own))
        for name, own in able.items()
        if name not in left_out
    ]
    return chosen, left_out


def _handled(contender: Contender, families: Sequence[str]) -> tuple[str, ...]:
    """Return the families that a named contender is run on; raise where there are none."""
    if contender.name in METHODS and contender.name not in catalogue.names():
        handles: tuple[str, ...] = (SEQUENCE,)
    else:
        handles = catalogue.solver_class(contender.name).handles
        if "mmd" in handles:
            handles = (*handles, SEQUENCE)
    able = tuple(family for family in families if family in handles)
    if not able:
        raise UnsupportedProblem(
            f"{contender.name} solves {' and '.join(handles)}, not {' or '.join(families)}"
        )
    return able
