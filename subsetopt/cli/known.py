"""``subsetopt known``: best known values of public instances, and checks of answers."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

import subsetopt
from subsetopt import benchmarks, report
from subsetopt._options import option
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions

from . import exits
from .derived_options import json_flag
from .standard_streams import say, say_json

if TYPE_CHECKING:
    from subsetopt.benchmarks._best_known import BestKnown
    from subsetopt.benchmarks._checking import CheckedRow


def list_known(
    patterns: tuple[str, ...] = option(
        "Names of instances, * for any letters.",
        (),
        argument=True,
        repeatable=True,
        metavar="[PATTERN]...",
        unset="all",
    ),
    as_json: bool = json_flag(),
) -> None:
    """List instances with their best known values and sources.

    Example: subsetopt known list 'MDG-*'
    """
    rows = benchmarks._checking.matching(patterns)
    if as_json:
        say_json({"instances": rows}, indent=2)
    else:
        _show_known(rows)


def _show_known(rows: "Sequence[BestKnown]") -> None:
    columns: tuple[report.Column[BestKnown], ...] = (
        report.Column("instance", "instance"),
        report.Column("k", lambda x: "any" if x.k is None else x.k, str),
        report.Column("value", "value", benchmarks._checking.plain),
        report.Column("sense", "sense"),
        report.Column("proven", lambda x: "yes" if x.proven else "no"),
        report.Column("who", "source"),
        report.Column("year", lambda x: x.year or None),
    )
    report.console().print(report.Table(columns, rows))


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What is checked, and against what."""

    answer: str = option(
        "Indices as 'subsetopt solve' writes them (.npy, .csv, .txt, or what --json prints), - for "
        "standard input; or a folder of 'subsetopt bench --out'.",
        argument=True,
        metavar="ANSWER",
    )
    instance: str | None = option(
        "File of the instance.", None, metavar="FILE", unset="searched in the data folder"
    )
    name: str | None = option(
        "Name of the instance in its library.", None, unset="as its file is called"
    )
    k: int | None = option("Number of nodes to choose.", None, flags=("--k", "-k"), metavar="K")
    data: Path | None = option(
        "Folder of mdplib/, kcluster/ and bqp/.", None, unset="SUBSETOPT_DATA"
    )
    by: str | None = option(
        "Finder of the answer, for the registry.", None, metavar="TEXT", unset="the solver"
    )
    as_json: bool = json_flag()

    @property
    def folder(self) -> Path | None:
        """The data folder, if there is one."""
        named = os.environ.get("SUBSETOPT_DATA")
        return self.data or (Path(named) if named else None)


def check(options: CheckOptions, table: TableOptions) -> None:
    """Evaluate an answer anew and compare it with the best known value.

    Exit codes: 0 reached, or a new best; 1 worse; 2 bad input, such as an infeasible answer. Of a
    folder: by the best answer to each instance, 2 if any answer is infeasible.

    Example: subsetopt known check chosen.npy --instance MDG-a_1_n500_m50.txt.xz
    """
    if not Path(options.answer).is_dir():
        _check_answer(options, table)
        return
    for name in ("instance", "name", "k"):
        if getattr(options, name) is not None:
            raise InvalidOption(f"--{name} is for a single answer; {options.answer} is a folder")
    _check_folder(options)


def _check_answer(options: CheckOptions, table: TableOptions) -> None:
    from subsetopt.benchmarks.cases._instance_files import stem

    file, name = options.instance, options.name
    if name is None and file is None:
        raise InvalidOption(
            "which instance is it an answer to? Give its file by --instance, or its name by --name"
        )
    called = stem(file or "")
    instance = name or called
    benchmarks._checking.matching([instance])  # a wrong name is told before anything is read
    if instance != called and called in {row.instance for row in benchmarks._checking.matching(())}:
        raise InvalidOption(f"--name is {instance}, but {file} is called as {called} is")
    found = benchmarks._checking.read_answer(options.answer, table)
    checked = benchmarks._checking.check(
        instance, found.indices, file=file, folder=options.folder, k=options.k
    )
    line = None
    if checked.standing == "new best":
        solver = f"subsetopt {subsetopt.__version__}, {found.solver}" if found.solver else "unknown"
        line = checked.registry_line(options.by or solver)
    sentence = checked.known.judge(checked.objective)
    if options.as_json:
        say_json({**checked.to_dict(), "sentence": sentence, "registry_line": line})
    else:
        say(f"{sentence}\nvalue {benchmarks._checking.plain(checked.value)} with k = {checked.k}")
        _echo_lines([line] if line else [])
    raise typer.Exit(exits.NO_ANSWER if checked.standing == "worse" else exits.ANSWER)


def _echo_lines(lines: Sequence[str]) -> None:
    if lines:
        say("for the registry, benchmarks/best_known.csv:")
        for line in lines:
            say(line)


# -- the answers of a comparison ------------------------------------------------------------------


def _check_folder(options: CheckOptions) -> None:
    rows = list(
        benchmarks._checking.check_results(
            benchmarks.load_results(Path(options.answer)), options.folder
        )
    )
    if not rows:
        raise InvalidFile(
            f"{options.answer} holds no answer to an instance that the registry knows"
        )
    best = _best(rows)
    lines = [
        row.checked.registry_line(options.by or row.by)
        for row in best
        if row.checked is not None and row.checked.standing == "new best"
    ]
    if options.as_json:
        answers, best_rows = ([_plain(row) for row in some] for some in (rows, best))
        say_json({"answers": answers, "best": best_rows, "registry_lines": lines})
    else:
        _show_rows(rows, best)
        _echo_lines(lines)
    if any(row.fault for row in rows):
        raise typer.Exit(exits.BAD_INPUT)
    if any(row.checked is not None and row.checked.standing == "worse" for row in best):
        raise typer.Exit(exits.NO_ANSWER)


def _best(rows: "Sequence[CheckedRow]") -> "list[CheckedRow]":
    """Return the best row of each case that has a feasible one, in their order."""
    best: dict[str, CheckedRow] = {}
    for row in rows:
        before = best.get(row.row.case)
        if row.checked is not None and (
            before is None
            or before.checked is None
            or row.checked.objective < before.checked.objective
        ):
            best[row.row.case] = row
    return list(best.values())


def _plain(row: "CheckedRow") -> dict[str, object]:
    own = row.row
    return {
        "case": own.case,
        "solver": own.solver,
        "repeat": own.repeat,
        "time_limit": own.time_limit,
        "fault": row.fault,
        "answer": None if row.checked is None else row.checked.to_dict(),
    }


def _show_rows(rows: "Sequence[CheckedRow]", best: "Sequence[CheckedRow]") -> None:
    def answers(one: "CheckedRow") -> "list[CheckedRow]":
        return [row for row in rows if row.row.case == one.row.case]

    def good(one: "CheckedRow") -> int:
        return sum(x.checked is not None and x.checked.standing != "worse" for x in answers(one))

    def judged(one: "CheckedRow") -> str:
        return "" if one.checked is None else one.known.judge(one.checked.objective)

    columns: tuple[report.Column[CheckedRow], ...] = (
        report.Column("answers", lambda one: len(answers(one)), "d"),
        report.Column("not worse", good, "d"),
        report.Column("the best of them", judged),
        report.Column("solver", lambda one: one.row.solver),
    )
    report.console().print(report.Table(columns, best))
    for row in rows:
        if row.fault:
            say(f"{row.row.case}, {row.row.solver}, repeat {row.row.repeat}: {row.fault}")


SUBCOMMANDS = {"list": list_known, "check": check}
