"""``subsetopt select``: what it prints and writes, and what it refuses."""

import csv
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from subsetopt._dependencies import OptionalDependency
from subsetopt.cli import app
from subsetopt.tables import _choosing_rows, _row_sheets

rng = np.random.default_rng(0)
REGIONS = ["North ", "Süd", "East"]
ROWS = [
    [
        f"{i:03d}",
        "" if i % 9 == 0 else str(int(rng.integers(18, 90))),
        f"{rng.lognormal(6):.2f}".replace(".", ",") + " ",
        REGIONS[i % 3],
        f"{1 + i % 28:02d}.0{1 + i % 9}.2020",
        'line 1\nhe says ""no""; end',
    ]
    for i in range(90)
]
TEXT = "Kunde;Alter;Umsatz ;Region; Seit;Notiz\n" + "".join(
    ";".join([*row[:-1], f'"{row[-1]}"']) + "\n" for row in ROWS
)
QUICK = ("--time-limit", 0.05)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("table.csv").write_text(TEXT)
    return Path("table.csv")


def run(*arguments: Any, **more: Any) -> Any:
    return CliRunner().invoke(app, ["select", *map(str, arguments), *map(str, QUICK)], **more)


def answer(*arguments: Any, **more: Any) -> Any:
    result = run(*arguments, "--json", **more)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return json.loads(result.stdout)


def test_rows_of_a_messy_table_are_chosen_and_written(table: Path) -> None:
    result = run(table, "--k", 12, "--exactly", "Region=4", "--include", "007", "--out", "few.csv")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    with open("few.csv", newline="") as stream:
        header, *rows = csv.reader(stream, delimiter=";")
    assert header == ["Kunde", "Alter", "Umsatz", "Region", "Seit", "Notiz"]
    known = {row[0]: [*row[:-1], 'line 1\nhe says "no"; end'] for row in ROWS}
    assert all(row == known[row[0]] for row in rows)
    assert Counter(row[3] for row in rows) == dict.fromkeys(REGIONS, 4)
    assert "007" in {row[0] for row in rows}
    said = " ".join(result.stdout.split())
    for words in (
        "table.csv: 90 rows, 6 columns, semicolons between",
        "2 numbers, 1 date and 1 category: Alter, Umsatz, Region, Seit",
        "names of rows Kunde",
        "left out Notiz (one value in all rows)",
        "missing Alter 10: taken as the median; whether a value is missing is compared too",
        "missing in Alter: 11.1 % of all rows",
        "few.csv holds the chosen rows",
    ):
        assert words in said


@pytest.mark.parametrize("width", [80, 120])
def test_no_column_gives_way(table: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("example:earthquakes", "--k", 5).stdout.splitlines()
    assert max(map(len, lines)) <= width
    head = next(i for i, line in enumerate(lines) if line.split()[:1] == ["column"])
    assert lines[head].split() == ["column", *["all", "chosen"] * 2, "chosen", "random"]
    assert "U.S. Geological" in " ".join(lines)
    assert "02-03 14:37" in " ".join(lines)  # a date, not days since 1970


def test_all_ways_of_naming_a_table_read_the_same(table: Path) -> None:
    def read(*arguments: Any) -> Any:
        found = answer(*arguments, "--k", 6)
        return found["n"], found["read"], [column["mean"] for column in found["columns"]]

    first = read(table)
    Path("table.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    Path("table.cp1252.csv").write_bytes(TEXT.encode("cp1252"))
    assert read("table.csv.gz") == first
    assert read("table.cp1252.csv", "--encoding", "cp1252") == first
    piped = answer("-", "--k", 6, "--exactly", "Region=2", input=TEXT)
    counts = next(column for column in piped["columns"] if column["name"] == "Region")
    assert set(counts["chosen_shares"].values()) == {1 / 3}


def test_costs_are_numbers_as_the_table_writes_them(table: Path) -> None:
    cheap = sorted(float(row[2].replace(",", ".")) for row in ROWS)
    flags = ("--k", 3, "--cost", "Umsatz", "--budget", sum(cheap[:3]) * 1.001)
    found = answer(table, *flags)
    assert found["read"]["Umsatz"] == "number"
    costs = {row[0]: float(row[2].replace(",", ".")) for row in ROWS}
    assert sorted(costs[name] for name in found["ids"]) == cheap[:3]
    assert answer(table, *flags, "--ignore", "Umsatz")["ids"] == found["ids"]


def test_parquet_keeps_its_types(table: Path) -> None:
    groups = pa.array(["a", "b"] * 45).dictionary_encode()
    data = pa.table(
        {"x": np.arange(90.0), "group": groups, "when": pa.array(range(90), pa.date32())}
    )
    pa.parquet.write_table(data, "table.parquet")
    found = answer("table.parquet", "--k", 6, "--at-least", "group=3", "--out", "few.parquet")
    assert found["read"] == {"x": "number", "group": "category", "when": "date"}
    few = pa.parquet.read_table("few.parquet")
    assert few.equals(data.take(found["indices"]))


def test_large_tables_are_chosen_from_by_coreset(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_choosing_rows, "_MANY", 50)
    found = answer(table, "--k", 6, "--objective", "both", "--target", table)
    assert found["solver"] == "coreset"
    assert len(set(found["ids"])) == 6
    assert found["mmd"] < found["random_mmd"]
    found = answer(table, "--k", 6, "--exactly", "Region=2", "--include", "007")
    counts = next(column for column in found["columns"] if column["name"] == "Region")
    assert set(counts["chosen_shares"].values()) == {1 / 3}
    assert "007" in found["ids"]


def test_ctrl_c_keeps_the_best_so_far(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subsetopt.solvers.heuristics.tabu as module

    solve = module.Tabu._solve

    def interrupted(self: Any, problem: Any, limits: Any) -> Any:
        from dataclasses import replace

        from subsetopt.solution import Termination

        return replace(solve(self, problem, limits), termination=Termination.INTERRUPTED)

    monkeypatch.setattr(module.Tabu, "_solve", interrupted)
    for most in (10_000, 50):  # rows that are all searched
        monkeypatch.setattr(_choosing_rows, "_MANY", most)
        result = run(table, "--k", 6, "--out", f"few{most}.csv")
        assert result.exit_code == 130
        assert "the best so far" in " ".join(result.stdout.split())
        assert len(Path(f"few{most}.csv").read_text().split("\n00")) > 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--k", 90], "--k must be an integer in [1, 89]; got 90"),
        (["--k", 5, "--columns", "Alter,Umsats"], "no column 'Umsats'; there are 'Kunde', "),
        (["--k", 5, "--include", "7"], "'7', but they are named like '000'"),
        (["--k", 5, "--at-most", "Regoin=2"], "(did you mean 'Region'?)"),
        (["--k", 5, "--at-least", "Region=3"], "quotas ask for at least 9 of k = 5"),
        (["--k", 5, "--exactly", "Umsatz=proportional"], "'Umsatz' cannot be proportional"),
        (
            ["--k", 5, "--cost", "Alter", "--budget", 9],
            "Alter: costs must be numbers; '000' has none",
        ),
        (["--k", 5, "--exactly", "Region=few"], "must end with an integer, 'proportional' or"),
        (["--k", 5, "--out", "table.csv"], "--out must name another file than table.csv"),
        (["--k", 5, "--out", "few.xlsx"], "known are .csv, .parquet"),
        (["--k", 5, "--plot", "none/few.html"], "none: there is no such folder"),
        (["--k", 5, "--missing", "refuse"], "column 'Alter' has 10 missing values"),
        (["--k", 5, "--id", "Region"], "line 2 and line 8 are both called 'North'"),
        (["--k", 5, "--columns", "Notiz"], "the same value in all rows; leave it out"),
        (["--k", 5, "--sheet", "one"], "sheet is for .xlsx"),
        (["--k", 5, "--target", "other.csv"], "other.csv: there is no column 'Alter'"),
    ],
)
def test_wrong_uses_are_refused_before_any_work(
    table: Path, arguments: list[Any], says: str
) -> None:
    Path("other.csv").write_text("x,y\n1,2\n2,3\n")
    result = run(table, *arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("error: ")
    assert says in result.stderr
    assert sorted(path.name for path in Path().iterdir()) == ["other.csv", "table.csv"]


def test_a_spreadsheet_without_its_reader_says_what_to_install(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("table.xlsx").write_bytes(b"PK")
    missing = OptionalDependency("python-calamine", "no_such", extra="excel")
    monkeypatch.setattr(_row_sheets, "CALAMINE", missing)
    result = run("table.xlsx", "--k", 2)
    assert result.exit_code == 3
    assert "excel" in result.stderr
