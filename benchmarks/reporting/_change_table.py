"""Document of the changes between two results."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from subsetopt.benchmarks.analysis._changes import TimeChange, WorthChange
from subsetopt.benchmarks.analysis._comparison import Comparison
from subsetopt.report import Column, Document, Note, Notes, Section, Table

_BAD, _GOOD = ("slower", "worse", "broken", "fewer answers"), ("faster", "better", "more answers")
_SHORT = {"no difference seen": "none seen", "too few pairs": "too few", "too few cases": "too few"}


class Change(NamedTuple):
    """The changes of one solver on one family, or on all."""

    time: TimeChange
    overhead: TimeChange | None
    worth: WorthChange | None


def change_document(found: Comparison) -> Document:
    """Return the conclusion, what is not the same in the two, and the changes of each solver."""
    conclusion = Note(found.conclusion, "alarm" if found.regressed else "strong")
    notes = [conclusion, *map(Note, _conditions(found))]
    answers = [Note(str(one), _style(one.verdict)) for one in found.answers]
    table = [_table(found)] if found.times else []
    return Document("Changes", [Section("", [Notes(notes), *table, Notes(answers)])])


def _conditions(found: Comparison) -> Iterator[str]:
    if not found.same_machine:
        yield "Not the same machine: times may differ for that alone."
    yield from map(str, found.differences)
    yield from (f"only in A: {name}" for name in found.only_before)
    yield from (f"only in B: {name}" for name in found.only_after)


def _table(found: Comparison) -> Table[Change]:
    overheads = {(change.solver, change.family): change for change in found.overheads}
    worths = {(change.solver, change.family): change for change in found.worths}
    rows = [
        Change(change, overheads.get(key), worths.get(key))
        for change in found.times
        for key in [(change.solver, change.family)]
    ]
    families = any(change.family for change in found.times)
    return Table(_columns(families), rows, name="Changes")


def _columns(families: bool) -> Sequence[Column[Change]]:
    family: Column[Change] = Column("family", lambda c: c.time.family or "all")
    return [
        Column("solver", _solver, style=lambda _: "strong"),
        *([family] if families else []),
        Column("%", lambda c: c.time.ratio, _signed, group="time"),
        Column("interval", lambda c: c.time.ratio, cell=_interval, group="time"),
        _verdict("time", lambda c: c.time.verdict),
        Column("paired", lambda c: c.time.pairs, "d", group="runs", rank=3),
        Column("%", lambda c: c.overhead.ratio if c.overhead else None, _signed, group="overhead",
               rank=2),
        _verdict("overhead", lambda c: c.overhead.verdict if c.overhead else None, rank=2),
        Column(
            "better / worse",
            lambda c: c.worth,
            lambda worth: f"{worth.better} / {worth.worse} of {worth.cases}",
            group="answers",
        ),
        _verdict("answers", lambda c: c.worth.verdict if c.worth else None, rank=1),
    ]  # fmt: skip


def _solver(change: Change) -> str:
    return "" if change.time.family else change.time.solver


def _verdict(group: str, of: Callable[[Change], str | None], rank: int = 0) -> Column[Change]:
    return Column(
        "",
        cell=lambda change: _SHORT.get(of(change) or "", of(change) or ""),
        group=group,
        rank=rank,
        style=lambda change: _style(of(change) or "") or "dim",
    )


def _style(verdict: str) -> str:
    return "bad" if verdict in _BAD else "good" if verdict in _GOOD else ""


def _interval(change: Change) -> str:
    time = change.time
    if time.ratio is None or time.low is None or time.high is None:
        return "-"
    return f"{_signed(time.low)} to {_signed(time.high)}"


def _signed(ratio: float) -> str:
    return f"{100 * (ratio - 1):+,.0f}"
