"""Constraints on the command line: columns of the table, files, ids; and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.cli.commands import application

N = 60
REGIONS = np.array(["north", "south", "east"])[np.arange(N) % 3]
FEATURES = np.random.default_rng(4).normal(size=(N, 2)).round(3)
COSTS = (np.arange(N) % 7 + 1) / 10


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    rows = [f"p{i},{REGIONS[i]},{FEATURES[i, 0]},{FEATURES[i, 1]},{COSTS[i]}" for i in range(N)]
    path.write_text("\n".join(["name,region,age,income,price", *rows]) + "\n")
    return path


def run(*arguments: Any) -> Any:
    words = ["solve", *map(str, arguments)]
    return CliRunner().invoke(application(words), words)


def answer(*arguments: Any) -> Any:
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def test_columns_of_the_table_are_quotas_and_costs(table: Path, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("one,other\np1,p2\np4,p9\n")
    found = answer(
        *("mmd", table, "--id", "name", "-k", 9, "--at-least", "region=2"),
        *("--at-most", "region=4", "--include", "p3,p10", "--exclude", "p0", "--cost", "price"),
        *("--budget", 3.1, "--conflicts", tmp_path / "pairs.csv", "--solver", "swap"),
    )
    rules = so.Constraints(
        include=[3, 10],
        exclude=[0],
        quotas=[so.Quota(REGIONS, at_least=2), so.Quota(REGIONS, at_most=4)],
        costs=COSTS,
        budget=3.1,
        conflicts=[(1, 2), (4, 9)],
    )
    problem = so.MMDSelection(FEATURES, 9, scale_columns="std", constraints=rules)
    problem.check(found["indices"])
    assert found["objective"] == so.solve(problem, "swap").objective
    assert found["ids"] == [f"p{i}" for i in found["indices"]]
    assert found["table"]["columns"] == ["age", "income"]
    assert sum(found["quotas"][0].values()) == 9
    assert found["cost"] == pytest.approx(COSTS[found["indices"]].sum())
    shown = run("mmd", table, "--id", "name", "-k", 9, "--at-least", "region=2", "--solver", "swap")
    assert "chosen of groups" in shown.stdout


def test_numbers_by_group_and_labels_come_from_files(table: Path, tmp_path: Path) -> None:
    (tmp_path / "numbers.csv").write_text("region,number\nnorth,5\nsouth,1\n")
    found = answer(
        *("mmd", table, "--id", "name", "-k", 8, "--solver", "swap"),
        *("--exactly", f"region={tmp_path / 'numbers.csv'}"),
    )
    chosen = REGIONS[found["indices"]]
    assert [int((chosen == name).sum()) for name in ("north", "south", "east")] == [5, 1, 2]
    np.save(tmp_path / "values.npy", FEATURES[:, 0])
    (tmp_path / "labels.txt").write_text("\n".join(REGIONS) + "\n")
    values = tmp_path / "values.npy"
    quota = ("--exactly", f"{tmp_path / 'labels.txt'}=3")
    found = answer("mean-matching", values, "-k", 9, *quota)
    assert set(np.unique(REGIONS[found["indices"]], return_counts=True)[1].tolist()) == {3}


def test_shares_of_all_rows(table: Path, tmp_path: Path) -> None:
    quota = ("--id", "name", "-k", 7, "--exactly", "region=proportional")
    found = answer("mmd", table, *quota, "--solver", "swap")
    assert found["quotas"] == [{"north": 3, "south": 2, "east": 2}]
    model = tmp_path / "model.lp"
    words = ["export", "mmd", *map(str, (table, *quota, "--out", model))]
    assert CliRunner().invoke(application(words), words).exit_code == 0
    ends = re.findall(r" = ([0-9.]+)$", model.read_text(), re.MULTILINE)
    assert sorted(map(float, ends)) == [2, 2, 3, 7]


def test_a_first_pair_of_names_is_no_header(table: Path, tmp_path: Path) -> None:
    pairs = [f"p{i},p{j}" for i in range(N) for j in range(i + 1, N) if (i, j) != (0, 1)]
    for header in ([], ["one,other"]):
        (tmp_path / "pairs.csv").write_text("\n".join([*header, *reversed(pairs)]))
        found = answer(
            *("mmd", table, "--id", "name", "--columns", "age,income", "-k", 2),
            *("--conflicts", tmp_path / "pairs.csv", "--solver", "swap"),
        )
        assert found["ids"] == ["p0", "p1"]


def test_a_start_is_read_as_it_was_written(table: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.csv"
    one = answer(
        "mmd", table, "--columns", "age,income", "-k", 9, "--solver", "swap", "--out", first
    )
    again = answer(
        *("mmd", table, "--columns", "age,income", "-k", 9, "--solver", "random"),
        *("--start", first),
    )
    assert again["indices"] == one["indices"]
    assert "start" in again["message"]


def test_graphs_name_their_nodes(tmp_path: Path) -> None:
    edges = tmp_path / "edges.csv"
    edges.write_text("a,b,1\na,c,2\nb,c,5\nc,d,4\na,d,1\n")
    found = answer("quadratic", edges, "-k", 2, "--include", "a", "--solver", "tabu")
    assert found["names"] == ["a", "c"]


def test_what_nothing_keeps_ends_with_1(tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.arange(4.0))
    (tmp_path / "pairs.csv").write_text("0,1\n0,2\n0,3\n1,2\n1,3\n2,3\n")
    result = run(
        "mean-matching", tmp_path / "values.npy", "-k", 2, "--conflicts", tmp_path / "pairs.csv"
    )
    assert result.exit_code == 1
    assert "no selection keeps all constraints" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--at-least", "region"), "--at-least must be LABELS=N, such as region=5; got 'region'"),
        (("--at-least", "land=2"), "must name a column of"),
        (("--at-least", "region=two"), "must end with an integer or a .csv file"),
        (("--at-least", "region=proportional"), "must end with an integer or a .csv file"),
        (("--exactly", "region=all"), "must end with an integer, 'proportional' or a .csv file"),
        (
            ("--at-least", "region=21"),
            "--at-least on 'region': at_least asks for 21 of 'north', which has 20 candidates; "
            "give numbers by group, for 'north' at most 20, as in region=NUMBERS.csv",
        ),
        (("--at-least", "region=9"), "at least 27 of k = 9"),
        (("--include", "p99"), "--include must name one of the rows of"),
        (("--cost", "region", "--budget", "3"), "costs must be numbers; 'p0' has 'north': "),
        (("--include", "p1", "--exclude", "p1"), "--include and --exclude both name 'p1'; drop"),
        (
            ("--exactly", "age=proportional"),
            "quotas of 'age' cannot be proportional: it has 58 different values in 60 rows, more "
            "than the 9 rows",
        ),
        (
            ("--exactly", "region=proportional", "--at-most", "region=2"),
            "quotas of 'region' contradict in 3 of its 3 groups: of 'north' --exactly asks for 3 "
            "rows, and --at-most allows 2",
        ),
        (("--budget", "3"), "--cost"),
    ],
)
def test_refused(table: Path, options: tuple[str, ...], message: str) -> None:
    result = run("mmd", table, "--id", "name", "--columns", "age,income", "-k", 9, *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_labels_of_standard_input_lie_in_files(table: Path) -> None:
    words = ["solve", "mmd", "-", "--id", "name", "-k", "9", "--at-least", "region=2"]
    result = CliRunner().invoke(application(words), words, input=table.read_text())
    assert result.exit_code == 2
    assert "--at-least must name a file where the table is standard" in result.stderr


def test_a_column_that_is_not_there_is_named_before_the_table_is_read(table: Path) -> None:
    result = run("mmd", table, "--id", "name", "-k", 9, "--at-least", "land=2")
    assert result.exit_code == 2
    assert "which has name, region, age, income, price" in " ".join(result.stderr.split())
