import json
from math import nan

import pytest

from subsetopt.training.analysis import Spread, analyse, at_cost, at_seconds, compared
from subsetopt.training.reporting import document, to_dict
from subsetopt.training.reporting._rule_table import Format, findings, remarks
from subsetopt.training.run_result import Result

from ..analysis.made_up import (  # type: ignore[misc, import-not-found]  # noqa: TID252
    made,
    made_one,
)


def printed(results: list[Result], width: int = 100, baseline: str | None = None) -> str:
    return document(analyse(results, baseline)).to_terminal(width)


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("accuracy", 0.91234, "91.23 %"),
        ("accuracy", 1.0, "100.00 %"),
        ("loss", 0.151234, "0.1512"),
        ("loss", 9.99996, "10.00"),
        ("loss", 1234.56, "1,235"),
        ("loss", 1.23456e-7, "1.235e-07"),
        ("loss", 0.0, "0.000"),
        ("loss", nan, "nan"),
        ("loss", None, "-"),
        ("accuracy", None, "-"),
    ],
)
def test_numbers(metric: str, value: float | None, text: str) -> None:
    assert Format(metric).value(value) == text


def test_spreads_and_differences() -> None:
    assert Format("accuracy").spread(Spread.of([0.9, 0.92])) == "91.00 ± 1.41"
    assert Format("accuracy").spread(Spread.of([0.9])) == "90.00"
    assert Format("loss").spread(Spread.of([0.15, 0.16])) == "0.1550 ± 0.0071"
    own, base = {0: 0.2, 1: 0.4, 2: 0.6}, {0: 0.1, 1: 0.2, 2: 0.3}
    found = compared(own, base, "higher")
    assert Format("accuracy").difference(found, 0.2) == "+20.00 (-4.84 to +44.84)"
    assert Format("loss").difference(found, 0.2) == "+0.2000 (-0.0484 to +0.4484)"
    assert Format("loss").difference(compared({0: 0.2}, {0: 0.1}, "higher"), 0.1) == "+0.1000"


def test_the_table_fits_the_terminal() -> None:
    text = printed(made())
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert "mnist: accuracy after training, higher is better" in text
    first = next(line for line in lines if "uniform *" in line)
    assert first.split()[:5] == ["uniform", "*", "5", "%", "5"]
    assert "baseline" in first
    worst = next(line for line in lines if line.startswith("  obftf "))
    assert "worse" in worst
    assert "not significant" in text
    assert "30 tests by Holm's method" in " ".join(text.split())
    assert "selection" not in next(line for line in lines if "budget" in line)
    narrow = printed(made(), 80)
    assert max(map(len, narrow.splitlines())) <= 80
    for group in analyse(made()).tasks[0].groups:
        for line in group.lines:
            if found := line.comparison:
                assert Format("accuracy").difference(found, None) in narrow
    wide = printed(made(), 180)
    heading = next(line for line in wide.splitlines() if "budget" in line)
    assert {"data", "selection", "forward", "backward", "entropy", "lr"} <= set(heading.split())
    for rule in {r.run.rule for r in made()}:
        assert f" {rule} " in wide


def test_what_is_amiss_is_said() -> None:
    own = [made_one("uniform", seed, 0.9 + seed / 100) for seed in range(4)]
    own += [made_one("mink", seed, nan if seed == 2 else 0.8, lr=0.3) for seed in range(4)]
    own += [made_one("obftf", 7, 0.8)]
    text = " ".join(printed(own).split())
    assert "diverged 1 of 4" in text
    assert "1 run of 9 diverged" in text
    assert "0/1" in text
    assert "too few" in text
    assert "1 comparison with fewer than 3 pairs" in text
    assert "Learning rates differ" in text
    assert "Groups without the baseline are not compared." in printed(own, baseline="stride")
    assert list(remarks(analyse([]))) == ["There are no results."]


def test_conclusions() -> None:
    (result,) = analyse(made(rules=("uniform", "obftf", "stride"))).tasks
    found = list(findings(result))
    assert found[0] == "At a budget of 5 %, stride and obftf are worse than uniform."
    assert len(found) == 3
    same = made(rules=("uniform",)) + made(rules=("unif_sgd",))
    (even,) = analyse(same).tasks
    assert "no rule is shown to be better or worse" in next(iter(findings(even)))


def test_markdown() -> None:
    text = document(analyse(made())).to_markdown({"budget-0-mnist": "a b.svg"})
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 34
    assert {row.count("|") for row in rows} == {15}
    assert "obftf\\_exact" in text
    assert "![accuracy against budget: mnist](<a b.svg>)" in text
    assert "**verdict:**" in text


def test_plain_values_are_json() -> None:
    for analysis in (
        analyse(made()),
        at_cost(made(), 0.5),
        at_seconds(made(), 0.01),
        analyse([made_one("uniform", 0, nan), made_one("mink", 0, 0.5)]),
        analyse([]),
    ):
        assert json.loads(json.dumps(to_dict(analysis), allow_nan=False)) == to_dict(analysis)
    found = to_dict(analyse(made()))["tasks"][0]["groups"][0]
    assert found["baseline"] == "uniform"
    assert found["rules"][-1]["comparison"]["verdict"] == "worse"
    assert len(found["rules"][-1]["values"]) == 5
