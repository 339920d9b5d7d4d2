"""``subsetopt known``: the best values known of public instances, and answers held against them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.formats import TableOptions

from . import exits
from .options import command
from .streams import say

if TYPE_CHECKING:
    from subsetopt.benchmarks.best_known import BestKnown
    from subsetopt.benchmarks.checking import CheckedRow

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    group = typer.Typer()
    group.callback(help="The best values known of public instances.")(lambda: None)
    group.command("list")(list_known)
    group.command("check")(command(check))
    app.add_typer(group, name="known")


def list_known(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATTERN]...",
            help="Names of instances, * for any letters; else all.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List instances with their best known values, and who says so.

    Example: subsetopt known list 'MDG-*'
    """
    from subsetopt.benchmarks.checking import matching

    rows = matching(patterns or ())
    if as_json:
        document = {"instances": [asdict(row) for row in rows]}
        say(json.dumps(document, indent=2))
    else:
        _show_known(rows)


def _show_known(rows: "Sequence[BestKnown]") -> None:
    from subsetopt.benchmarks.checking import plain
    from subsetopt.report import Column, Table, console

    columns: tuple[Column[BestKnown], ...] = (
        Column("instance", "instance"),
        Column("k", lambda x: "any" if x.k is None else x.k, str),
        Column("value", "value", plain),
        Column("sense", "sense"),
        Column("proven", lambda x: "yes" if x.proven else "no"),
        Column("who", "source"),
        Column("year", lambda x: x.year or None),
    )
    console().print(Table(columns, rows))


def check(
    answer: Annotated[
        str,
        typer.Argument(
            metavar="ANSWER",
            help="Indices as 'subsetopt solve' writes them (.npy, .csv, .txt, or what --json "
            "prints), - for standard input; or a folder of 'subsetopt bench --out'.",
            show_default=False,
        ),
    ],
    table: TableOptions,
    instance: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The instance; else looked for in the data folder."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What its library calls it; else as its file is called."),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("--k", "-k", metavar="K", help="How many are to be chosen."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="SUBSETOPT_DATA", help="Folder of mdplib/, kcluster/, bqp/."
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Who found it, for the registry; else the solver."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate an answer anew and hold it against the best value known.

    Exit codes: 0 reached, or a new best; 1 worse; 2 bad input, such as an answer that is not
    feasible. Of a folder: by the best answer to each instance, 2 if any answer is not feasible.

    Example: subsetopt known check chosen.npy --instance MDG-a_1_n500_m50.txt.xz
    """
    if Path(answer).is_dir():
        for option, value in (("--instance", instance), ("--name", name), ("--k", k)):
            if value is not None:
                raise InvalidOption(f"{option} is for a single answer; {answer} is a folder")
        _check_folder(Path(answer), data, by, as_json)
    else:
        _check_answer(answer, table, instance, name, k, data, by, as_json)


def _check_answer(
    answer: str,
    table: TableOptions,
    file: str | None,
    name: str | None,
    k: int | None,
    data: Path | None,
    by: str | None,
    as_json: bool,
) -> None:
    import subsetopt
    from subsetopt.benchmarks import checking

    if name is None and file is None:
        raise InvalidOption(
            "which instance is it an answer to? Give its file by --instance, or its name by --name"
        )
    called = checking.name_of(file or "")
    instance = name or called
    checking.matching([instance])  # a wrong name is told before anything is read
    if instance != called and called in {row.instance for row in checking.matching(())}:
        raise InvalidOption(f"--name is {instance}, but {file} is called as {called} is")
    found = checking.read_answer(answer, table)
    checked = checking.check(instance, found.indices, file=file, folder=data, k=k)
    line = None
    if checked.standing == "new best":
        solver = f"subsetopt {subsetopt.__version__}, {found.solver}" if found.solver else "unknown"
        line = checked.registry_line(by or solver)
    sentence = checked.known.judge(checked.objective)
    if as_json:
        document = {**checked.to_dict(), "sentence": sentence, "registry_line": line}
        say(json.dumps(document, allow_nan=False))
    else:
        say(f"{sentence}\nvalue {checking.plain(checked.value)} with k = {checked.k}")
        _echo_lines([line] if line else [])
    raise typer.Exit(exits.NO_ANSWER if checked.standing == "worse" else exits.ANSWER)


def _echo_lines(lines: Sequence[str]) -> None:
    if lines:
        say("for the registry, benchmarks/best_known.csv:")
        for line in lines:
            say(line)


# -- the answers of a comparison ------------------------------------------------------------------


def _check_folder(folder: Path, data: Path | None, by: str | None, as_json: bool) -> None:
    from subsetopt.benchmarks.checking import check_results
    from subsetopt.benchmarks.results.folder import load

    rows = list(check_results(load(folder), data))
    if not rows:
        raise InvalidFile(f"{folder} holds no answer to an instance that the registry knows")
    best = _best(rows)
    lines = [
        row.checked.registry_line(by or row.by)
        for row in best
        if row.checked is not None and row.checked.standing == "new best"
    ]
    if as_json:
        document = {
            "answers": [_plain(row) for row in rows],
            "best": [_plain(row) for row in best],
            "registry_lines": lines,
        }
        say(json.dumps(document, allow_nan=False))
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
    from subsetopt.report import Column, Table, console

    def answers(one: "CheckedRow") -> "list[CheckedRow]":
        return [row for row in rows if row.row.case == one.row.case]

    def good(one: "CheckedRow") -> int:
        return sum(x.checked is not None and x.checked.standing != "worse" for x in answers(one))

    def judged(one: "CheckedRow") -> str:
        return "" if one.checked is None else one.known.judge(one.checked.objective)

    columns: tuple[Column[CheckedRow], ...] = (
        Column("answers", lambda one: len(answers(one)), "d"),
        Column("not worse", good, "d"),
        Column("the best of them", judged),
        Column("found by", lambda one: one.row.solver),
    )
    console().print(Table(columns, best))
    for row in rows:
        if row.fault:
            say(f"{row.row.case}, {row.row.solver}, repeat {row.row.repeat}: {row.fault}")
