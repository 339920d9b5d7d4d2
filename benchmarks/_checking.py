"""Checks of answers to public instances against the best known values."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt._csv_cells import csv_text
from subsetopt.errors import InvalidFile, InvalidOption, InvalidSelection
from subsetopt.formats import TableOptions, read_problem
from subsetopt.formats._documents import parsed_json
from subsetopt.formats._sources import content
from subsetopt.formats._value_files import indices_from

from ._best_known import TOLERANCE, BestKnown, Standing, best_known, registry, relative_gap
from .cases import _quadratic_cases
from .cases._instance_files import PACKED

if TYPE_CHECKING:
    from subsetopt.problems import QuadraticSelection

    from .results import CaseInfo, Results, Row


@dataclass(frozen=True, kw_only=True)
class Checked:
    """An answer that is feasible."""

    known: BestKnown
    k: int
    """The number chosen."""
    objective: float
    """What is minimised, summed without rounding."""

    @property
    def value(self) -> float:
        """The objective in the sense of the instance."""
        return -self.objective if self.known.sense == "maximise" else self.objective

    @property
    def standing(self) -> Standing:
        """How it compares with the best value known."""
        return self.known.standing(self.objective)

    def registry_line(self, by: str) -> str:
        """Return the line of ``best_known.csv`` that says so, found by somebody this year."""
        known, value = self.known, plain(self.value)
        k = "" if known.k is None else known.k
        year = date.today().year
        row = [known.instance, k, known.sense, value, "no", value, by, year]
        return csv_text([row]).removesuffix("\n")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        known = self.known
        return {
            "instance": known.instance,
            "k": self.k,
            "sense": known.sense,
            "value": self.value,
            "objective": self.objective,
            "best_known": known.value,
            "by": known.by,
            "proven": known.proven,
            "gap": relative_gap(self.objective, known.objective),
            "standing": self.standing,
        }


def plain(value: float) -> str:
    """Return a number as the registry has it: without a point where it is whole."""
    return str(int(value)) if value.is_integer() else repr(value)


def matching(patterns: Iterable[str]) -> list[BestKnown]:
    """Return what is known of the instances that a pattern matches, or of all.

    Raises InvalidOption if a pattern matches none; the message names some that are near.
    """
    wanted, everything = list(patterns), list(registry().values())
    if not wanted:
        return everything
    names = list(dict.fromkeys(row.instance for row in everything))
    found = set(_quadratic_cases.matching(wanted, names))
    return [row for row in everything if row.instance in found]


def known_of(instance: str, k: int) -> BestKnown:
    """Return what is known of an instance for this k; InvalidOption if nothing is."""
    found = best_known(instance, k) or best_known(instance, None)
    if found is None:
        others = [str(row.k) for row in registry().values() if row.instance == instance]
        if not others:
            matching([instance])  # says which names are near
        raise InvalidOption(
            f"of {instance} no best value is known for k = {k}, but for k = {', '.join(others)}"
        )
    return found


def check(
    instance: str,
    indices: ArrayLike,
    *,
    file: str | None = None,
    folder: Path | None = None,
    k: int | None = None,
) -> Checked:
    """Read an instance and evaluate a selection.

    `instance` is a name in the registry, `file` the instance as `read_problem` takes it; without
    one it is looked for in the data folder. Without a `k`, it is the number of indices where the
    registry has that, else what the instance says.

    Raises InvalidSelection if the indices are none of the instance's selections; InvalidFile if the
    instance cannot be read, or its sense is not that of the registered one; InvalidOption if
    nothing is known of the instance for this k, or it is not said where it lies.
    """
    given = np.asarray(indices)
    if k is None and (best_known(instance, given.size) or best_known(instance, None)):
        k = given.size
    problem = _read(instance, file or _place(folder, instance), k)
    return _checked(instance, problem, given)


def _read(instance: str, file: str, k: int | None) -> "QuadraticSelection":
    number = instance.partition(".")[2]
    # bqp50.3 is the third of the file bqp50.
    several = int(number) if instance.startswith("bqp") and number.isdigit() else None
    return read_problem(file, k=k, instance=several)


def _checked(instance: str, problem: "QuadraticSelection", indices: NDArray[Any]) -> Checked:
    known = known_of(instance, problem.k)
    if problem.sense != known.sense:
        raise InvalidFile(
            f"{instance} is to {known.sense}; the file given for it is to {problem.sense}"
        )
    return Checked(known=known, k=problem.k, objective=float(problem.exact_objective(indices)))


def _place(folder: Path | None, instance: str) -> str:
    """Return where an instance lies in a data folder."""
    if folder is None:
        raise InvalidOption(
            f"where is {instance}? Give its file by --instance, or the data folder by --data or "
            "SUBSETOPT_DATA"
        )
    if not instance.startswith("bqp"):
        return _quadratic_cases.locate(folder, instance)
    file = folder / "bqp" / f"{instance.partition('.')[0]}.txt"
    for path in (file.with_name(f"{file.name}{end}") for end in (*PACKED, "")):
        if path.is_file():
            return str(path)
    raise InvalidFile(f"no {file}, packed or not, for the instance {instance}")


# -- answers in files -----------------------------------------------------------------------------


class Answer(NamedTuple):
    """Indices, and the solver that found them where the file says it."""

    indices: NDArray[np.int64]
    solver: str = ""


def read_answer(path: str | os.PathLike[str], table: TableOptions | None = None) -> Answer:
    """Read the indices of a selection; InvalidFile if there are none.

    They are what ``subsetopt solve`` writes: .npy, .csv or .txt of ``--out``, the object of
    ``--json``; or a JSON array. ``-`` is standard input.
    """
    found, name = content(path)
    if found.lstrip()[:1] in (b"{", b"["):
        return _of_json(found, name)
    return Answer(indices_from(found, name, table))


def _of_json(content: bytes, name: str) -> Answer:
    data = parsed_json(content, name)
    solver = ""
    if isinstance(data, dict):
        if data.get("indices") is None:
            raise InvalidFile(f"{name}: holds no answer: its key 'indices' is missing or null")
        solver, data = str(data.get("solver", "")), data["indices"]
    if not isinstance(data, list) or any(type(index) is not int for index in data):
        raise InvalidFile(f"{name}: must hold an array of integers, the indices")
    return Answer(np.array(data, dtype=np.int64), solver)


# -- answers of a comparison ----------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CheckedRow:
    """A row of results on a registered instance."""

    row: "Row"
    by: str
    """Who found it, for the registry."""
    known: BestKnown
    checked: Checked | None
    """None if the selection is not feasible."""
    fault: str = ""
    """What is wrong with the row: its selection, or the objective that it states."""


def check_results(results: "Results", folder: Path | None) -> Iterator[CheckedRow]:
    """Evaluate all selections on registered instances anew; what a row states is not trusted.

    Raises InvalidFile if an instance is missing or cannot be read; InvalidOption if there is one
    and no data folder.
    """
    cases = {info.name: info for info in results.plan.cases if _registered(info)}

    @cache
    def problem(name: str) -> "QuadraticSelection":
        instance = _instance(cases[name])
        return _read(instance, _place(folder, instance), cases[name].k)

    for row in results.rows:
        if row.case in cases and row.indices is not None:
            version = results.sessions[row.session].machine.subsetopt
            by = f"subsetopt {version}, {row.solver}"
            yield _checked_row(row, by, _instance(cases[row.case]), problem(row.case))


def _checked_row(row: "Row", by: str, instance: str, problem: "QuadraticSelection") -> CheckedRow:
    known, fault = known_of(instance, problem.k), ""
    try:
        checked = _checked(instance, problem, np.array(row.indices))
    except InvalidSelection as error:
        return CheckedRow(row=row, by=by, known=known, checked=None, fault=str(error))
    gap = None if row.objective is None else relative_gap(row.objective, checked.objective)
    if gap is None or abs(gap) > TOLERANCE:
        fault = f"states the objective {row.objective}; it is {checked.objective!r}"
    return CheckedRow(row=row, by=by, known=known, checked=checked, fault=fault)


def _instance(info: "CaseInfo") -> str:
    return info.known.instance if info.known else info.name.rpartition("-k")[0]


def _registered(info: "CaseInfo") -> bool:
    instance = _instance(info)
    return not info.constraints and any(best_known(instance, k) is not None for k in (info.k, None))
