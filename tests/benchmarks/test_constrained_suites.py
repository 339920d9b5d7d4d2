"""Constraints in suites: the words of the command line, in YAML."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import subsetopt as so
from subsetopt.benchmarks._suite_file import read_suite
from subsetopt.benchmarks.cases import SelectionCase
from subsetopt.cli.commands import application
from subsetopt.errors import InvalidFile, InvalidOption, InvalidProblem, SubsetOptError

pytest.importorskip("yaml")

N = 30
REGIONS = ["north", "south", "east"] * (N // 3)
FEATURES = np.random.default_rng(4).normal(size=(N, 2)).round(3)
COSTS = (np.arange(N) % 7 + 1) / 10
WHOLE = "file: people.csv, family: mmd, id: name, scale: 1.5, k: 6"
TABLE = f"{WHOLE}, columns: [age, income]"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"p{i},{REGIONS[i]},{FEATURES[i, 0]},{FEATURES[i, 1]},{COSTS[i]}" for i in range(N)]
    (tmp_path / "people.csv").write_text("\n".join(["name,region,age,income,price", *rows]) + "\n")
    (tmp_path / "pairs.csv").write_text("p1,p2\np4,p9\n")
    clique = [f"p{i},p{j}" for i in range(0, N, 3) for j in range(i + 3, N, 3)]
    (tmp_path / "clique.csv").write_text("\n".join(clique))
    (tmp_path / "labels.txt").write_text("\n".join(REGIONS) + "\n")
    (tmp_path / "numbers.csv").write_text("region,number\nnorth,3\nsouth,1\n")
    np.save(tmp_path / "losses.npy", FEATURES[:, 0])
    target = "\n".join(f"{x},{y}" for x, y in FEATURES[::4])
    (tmp_path / "target.csv").write_text(f"age,income\n{target}\n")
    return tmp_path


def cases(folder: Path, *entries: str) -> list[Any]:
    path = folder / "own.yaml"
    path.write_text("instances:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))
    return list(read_suite(path).cases)


def rules_of(folder: Path, *entries: str) -> so.Constraints:
    (case,) = cases(folder, *entries)
    found = case.problem().constraints
    assert isinstance(found, so.Constraints)
    return found


def test_all_words_say_what_they_say_to_solve(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case,) = cases(
        folder,
        f"{WHOLE}, at_least: region=1, at_most: {{region: 3}}, include: 'p3,p10', exclude: [p0],"
        "cost: price, budget: 3.1, conflicts: pairs.csv, start: [p3, p10]",
    )
    assert case.problem().constraints == so.Constraints(
        include=[3, 10],
        exclude=[0],
        quotas=[so.Quota(REGIONS, at_least=1), so.Quota(REGIONS, at_most=3)],
        costs=COSTS,
        budget=3.1,
        conflicts=[(1, 2), (4, 9)],
    )
    assert case.start.tolist() == [3, 10]
    assert case.name == "people-k6-include-exclude-quotas-budget-conflicts-start"
    words = ["include", "exclude", "overlapping-quotas", "budget", "conflicts", "start"]
    assert list(case.constraints) == words
    monkeypatch.chdir(tmp_path)  # files of a command are named from here, those of a suite not
    arguments = ["solve", "mmd", "people.csv", "--id", "name", "--scale", "1.5", "-k", "6"]
    arguments += ["--scale-columns", "none", "--at-least", "region=1", "--at-most", "region=3"]
    arguments += ["--include", "p3,p10", "--exclude", "p0", "--cost", "price", "--budget", "3.1"]
    arguments += ["--conflicts", "pairs.csv", "--start", "p3,p10", "--solver", "swap", "--json"]
    result = CliRunner().invoke(application(arguments), arguments)
    assert result.exit_code == 0, result.stderr
    again = so.solve(case.problem(), "swap", start=case.start)
    assert json.loads(result.stdout)["indices"] == again.indices.tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "quota",
    [
        "exactly: region=2",
        "exactly: [region=2]",
        "exactly: {region: 2}",
        "exactly: {labels.txt: 2}",
        "exactly: [{region: {north: 2, south: 2, east: 2}}]",
        "exactly: region=proportional",
        "exactly: {region: proportional}",
    ],
)
def test_quotas_are_said_in_several_ways(folder: Path, quota: str) -> None:
    assert rules_of(folder, f"{TABLE}, {quota}").quotas == (so.Quota(REGIONS, exactly=2),)


def test_files_and_pairs_lie_next_to_the_suite(folder: Path) -> None:
    rules = rules_of(folder, f"{TABLE}, exactly: region=numbers.csv, conflicts: [[p1, p2]]")
    assert rules.quotas == (so.Quota(REGIONS, exactly={"north": 3, "south": 1}),)
    assert rules.conflicts.tolist() == [[1, 2]]
    by_index = "file: losses.npy, family: mean-matching, k: 6, exactly: labels.txt=2, include: 3"
    assert rules_of(folder, by_index).include.tolist() == [3]


def test_cases_of_built_in_suites_take_them_too(folder: Path) -> None:
    entry = "suite: mmd, source: synthetic, sizes: 30, k: 6, at_least: labels.txt=1, include: [4]"
    (case,) = cases(folder, entry)
    assert case.name == "mixture-n30-b0-k6-include-quotas"
    case.problem().check([4, 0, 1, 2, 3, 5])
    with pytest.raises(so.InvalidSelection):
        case.problem().check([0, 1, 2, 3, 5, 6])
    with pytest.raises(InvalidOption, match="must name a file where there is no table; got 'lab'"):
        cases(folder, "suite: mmd, source: synthetic, sizes: 30, k: 6, at_least: lab=1")


def test_targets(folder: Path) -> None:
    like, mean, few = cases(
        folder,
        "file: people.csv, family: mmd, k: 6, columns: [age, income], scale: 1.5,"
        "target: target.csv",
        "file: losses.npy, family: mean-matching, k: 6, target: 0.25",
        "file: losses.npy, family: mean-matching, k: 6, cardinality: at_most, name: few",
    )
    problem = so.MMDSelection(FEATURES, 6, kernel=so.Gaussian(1.5), target=FEATURES[::4])
    chosen = [0, 4, 7, 11, 20, 29]
    assert like.problem().objective(chosen) == pytest.approx(problem.objective(chosen), rel=1e-9)
    assert (like.name, like.constraints) == ("people-k6-target", ("target",))
    assert mean.problem().target == 0.25
    assert (few.name, few.constraints) == ("few-k6-k-range", ("k-range",))
    for case in (like, mean, few):
        assert pickle.loads(pickle.dumps(case)).constraints == case.constraints


def test_columns_are_scaled_with_those_of_the_target(folder: Path) -> None:
    entry = "file: people.csv, family: mmd, k: 6, columns: [age, price], target: other.csv"
    (folder / "other.csv").write_text("age,price\n0.5,400\n1,90\n-1,250\n")
    scaled, plain = cases(
        folder, f"{entry}, scale_columns: std", f"{entry}, scale_columns: none, name: plain"
    )
    X = np.column_stack([FEATURES[:, 0], COSTS])
    T = np.array([[0.5, 400], [1, 90], [-1, 250]])
    chosen = [0, 4, 7, 11, 20, 29]
    for case, how in ((scaled, "std"), (plain, "none")):
        problem = so.MMDSelection(X, 6, target=T, scale_columns=how)  # type: ignore[arg-type]
        found = case.problem().objective(chosen)
        assert found == pytest.approx(problem.objective(chosen), rel=1e-9, abs=1e-12)
    with pytest.warns(so.UnscaledColumns, match="Give scale_columns: std"):
        cases(folder, entry)
    np.save(folder / "wide.npy", np.ones((3, 4)))
    np.save(folder / "X.npy", X)
    with pytest.raises(InvalidProblem, match="2"):
        cases(folder, "file: X.npy, family: mmd, k: 6, target: wide.npy")
    with pytest.raises(InvalidProblem, match="scale_columns must be "):
        cases(folder, f"{entry}, scale_columns: all")


def test_a_case_is_pickled_with_its_constraints_and_nothing_else(folder: Path) -> None:
    (case,) = cases(folder, f"{TABLE}, exactly: region=2")
    again = pickle.loads(pickle.dumps(case))
    assert set(vars(again)) == {"base", "rules", "start"}
    assert again.problem() == case.problem()


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ("at_leat: region=2", InvalidOption, r"no option 'at_leat' \(did you mean 'at_least'\?\);"),
        ("at_least: region", InvalidOption, "at_least must be LABELS=N, .*; got 'region'"),
        ("at_least: 3", InvalidOption, "at_least must be LABELS=N, a mapping .*; got 3"),
        ("at_least: {region: 1.5}", InvalidOption, "at_least of region must be an integer,.* 1.5"),
        ("at_least: {region: {north: x}}", InvalidOption, "region, north must be an integer; got"),
        ("at_least: region=proportional", InvalidOption, "at_least must end with an integer or"),
        ("at_least: land=2", InvalidOption, "must name a column of .*, which has name, region,"),
        ("at_least: regoin=2", InvalidOption, r"got 'regoin' \(did you mean 'region'\?\)"),
        ("at_least: {region: {suoth: 1}}", InvalidOption, r"'suoth' \(did you mean 'south'\?\)"),
        ("at_least: {region: {xxx: 1}}", InvalidOption, "names the group 'xxx'; labels has only"),
        (
            "exactly: region=11",
            InvalidOption,
            r"exactly on 'region': exactly asks for 11 of 'north', which has 10 candidates; give "
            r"numbers by group, for 'north' at most 10, as in region=NUMBERS\.csv",
        ),
        ("include: p99", InvalidOption, r"include must name one of the rows of .*; got 'p99'"),
        ("include: true", InvalidOption, "include must be ids or indices of rows.*; got True"),
        ("include: p1, exclude: p1", InvalidProblem, "include and exclude both name 'p1'"),
        ("conflicts: [p1]", InvalidOption, "conflicts must be a file, or a list of pairs"),
        ("conflicts: no.csv", InvalidFile, r"no\.csv: there is no such file"),
        ("cost: price", InvalidOption, "cost needs budget"),
        ("budget: much, cost: price", InvalidOption, "budget must be a number >= 0; got 'much'"),
        (
            "at_least: region=3",
            InvalidProblem,
            "people-k6-quotas: quotas ask for at least 9 of k = 6",
        ),
        (
            "exactly: region=2, conflicts: clique.csv",
            InvalidProblem,
            "people-k6-quotas-conflicts: no selection keeps all constraints: drop or loosen",
        ),
        ("start: [p1, p1]", SubsetOptError, "people-k6-start: "),
        ("target: 3", InvalidOption, "target must be a file; got 3"),
        ("target: labels.txt", InvalidOption, "labels.txt: there is no column 'age'"),
    ],
)
def test_refused(folder: Path, words: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        cases(folder, f"{TABLE}, {words}")
    assert "own.yaml: instances, entry 1: " in str(caught.value)


def test_sequences_have_none(folder: Path) -> None:
    with pytest.raises(InvalidOption, match=r"target must be 'mean', a number, .*got 'noisy'"):
        cases(folder, "file: losses.npy, family: mean-matching, k: 5, target: noisy")
    with pytest.raises(InvalidOption, match="a file of sequence has no option 'include'"):
        cases(folder, "file: people.csv, family: sequence, k: 5, include: 3")
    with pytest.raises(InvalidOption, match="constraints must be of selections, of which"):
        cases(folder, "suite: sequence, source: synthetic, sizes: 30, k: 5, include: 3")
    assert not hasattr(SelectionCase, "rules")
