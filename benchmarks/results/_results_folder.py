"""Folder of results: never half-written, and never written by two processes."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Self

from subsetopt._files import LOCK, locked_folder, replacing
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats._declared import declared
from subsetopt.formats._documents import parsed_json, read_json
from subsetopt.formats._sources import content

from ._plan import Bound, Plan, Results, Session, complete
from ._rows import Row

PLAN, ROWS, BOUNDS, SESSIONS = "plan.json", "rows.jsonl", "bounds.jsonl", "sessions.jsonl"
_MOST_RUNS = 10**7  # years of measuring


class Folder:
    """A folder to which rows are added as they are measured; a context manager.

    Rows are appended to ``rows.jsonl``, one line each, and are on disk when `keep` returns. A line
    that was being written when the process was killed is cut off by the next session. A lock of the
    operating system, which ends with the process, keeps others out. `session` is the one that
    begins; with `resume` it goes on with what is there.

    Raises InvalidOption if the folder holds results and `resume` is False, or results of another
    plan, or is being written by another process; InvalidFile if it cannot be written, or what it
    holds cannot be read.
    """

    def __init__(self, path: Path, plan: Plan, session: Session, *, resume: bool = False) -> None:
        self.path = path
        with ExitStack() as opened:
            opened.enter_context(locked_folder(path))
            self._begin(plan, resume)
            self.session = len(load_results(path).sessions)
            with _appending(path / SESSIONS) as sessions:
                _append(sessions, asdict(session))
            self.results = load_results(path)
            self._rows = opened.enter_context(_appending(path / ROWS))
            self._bounds = opened.enter_context(_appending(path / BOUNDS))
            self._opened = opened.pop_all()

    def _begin(self, plan: Plan, resume: bool) -> None:
        path = self.path / PLAN
        if path.exists():
            if not resume:
                raise InvalidOption(
                    f"{self.path} holds results; --resume goes on with them, or name another folder"
                )
            _require_same(plan, _plan(path), self.path)
            return
        own = (LOCK, f".{PLAN}.part")  # the latter where a process was killed right here
        foreign = sorted(p.name for p in self.path.iterdir() if p.name not in own)
        if foreign:
            raise InvalidOption(
                f"{self.path} holds no results, but {foreign[0]}; name a new or an empty folder"
            )
        with replacing(path) as file:
            file.write(json.dumps(plan.to_dict(), indent=2, allow_nan=False).encode() + b"\n")

    def keep(self, found: Row | Bound) -> None:
        """Add a row or a bound; it is on disk when this returns."""
        try:
            if isinstance(found, Row):
                data = replace(found, session=self.session).to_dict()
                del data["gap_to_best"]  # depends on the other rows
                _append(self._rows, data)
            else:
                _append(self._bounds, asdict(found))
        except OSError as error:
            raise InvalidFile(f"{self.path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()


def load_results(path: Path) -> Results:
    """Return the results in a folder, finished or not; also while they are being measured.

    Raises
    ------
    InvalidFile
        If it holds none, or damaged ones. A last line without an end is left out.
    """
    plan = _plan(path / PLAN)
    rows = tuple(Row.from_dict(data) for data in _lines(path / ROWS))
    sessions = tuple(
        declared(Session, data, "session of a comparison") for data in _lines(path / SESSIONS)
    )
    bounds = tuple(declared(Bound, data, "bound") for data in _lines(path / BOUNDS))
    _require_consistent(path, plan, rows, len(sessions))
    return Results(
        plan=plan, sessions=sessions, rows=rows, bounds=bounds, complete=complete(plan, rows)
    )


def _require_consistent(path: Path, plan: Plan, rows: tuple[Row, ...], sessions: int) -> None:
    """Raise InvalidFile for a plan without end, and for rows that are not of it."""
    settings = plan.settings
    runs = len(plan.cases) * len(plan.contenders) * len(settings.time_limits) * settings.repeats
    if runs > _MOST_RUNS:
        raise InvalidFile(f"{path / PLAN}: plans {runs:,} runs; the limit is {_MOST_RUNS:,}")
    families = {case.name: case.family for case in plan.cases}
    solvers = {one.label for one in plan.contenders}
    for number, row in enumerate(rows, start=1):
        where = f"{path / ROWS}, line {number}"
        for what, value, known in (("case", row.case, families), ("solver", row.solver, solvers)):
            if value not in known:
                raise InvalidFile(f"{where}: the {what} {value!r} is not in {PLAN}")
        if row.family != families[row.case]:
            raise InvalidFile(f"{where}: {row.case} is of family {families[row.case]!r}")
        if not 0 <= row.session < max(sessions, 1):
            raise InvalidFile(f"{where}: of session {row.session}; there are {sessions}")


def _require_same(asked: Plan, there: Plan, path: Path) -> None:
    new, old = asked.to_dict(), there.to_dict()
    for key in ("suite", "settings", "contenders", "cases"):
        if _plain(new[key]) != _plain(old[key]):
            raise InvalidOption(f"{path} holds results with {_difference(key, new, old)}")


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _difference(key: str, new: Mapping[str, Any], old: Mapping[str, Any]) -> str:
    match key:
        case "suite":
            return f"suite {old[key]}, not {new[key]}"
        case "settings":
            name = next(n for n in new[key] if _plain(new[key][n]) != _plain(old[key].get(n)))
            return f"{name} {_plain(old[key].get(name))}, not {_plain(new[key][name])}"
        case _:
            label = "label" if key == "contenders" else "name"
            names = [{entry[label] for entry in plan[key]} for plan in (new, old)]
            odd = sorted(names[0] ^ names[1])
            return f"other {key}" + (f": {', '.join(odd[:3])}" if odd else "")


def _plan(path: Path) -> Plan:
    if not os.path.lexists(path):
        raise InvalidFile(f"{path.parent} holds no results: there is no {path.name}")
    data = read_json(path, finite=True)
    if not isinstance(data, dict):
        raise InvalidFile(f"{path} holds no plan but a {type(data).__name__}")
    return Plan.from_dict(data)


def _lines(path: Path) -> list[dict[str, Any]]:
    return list(_parsed(path)) if path.exists() else []


def _parsed(path: Path) -> Iterator[dict[str, Any]]:
    whole = content(path)[0].rpartition(b"\n")[0]
    for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
        data = parsed_json(line, f"{path}, line {number}", finite=True)
        if not isinstance(data, dict):
            raise InvalidFile(f"{path}, line {number}: no object but {line[:40]!r}")
        yield data


def _appending(path: Path) -> IO[bytes]:
    """Open a file to append to, without what was being written when a process was killed."""
    try:
        file = path.open("a+b")
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
    except OSError as error:
        raise InvalidFile(f"{path} cannot be written: {error.strerror}") from error
    return file


def _append(file: IO[bytes], data: Mapping[str, Any]) -> None:
    file.write(json.dumps(data, allow_nan=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())
