"""Experiments from files: what fits, and what is refused with the file, the place and the fix."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from subsetopt.errors import InvalidFile
from subsetopt.papers import Experiment, Number, TableCell
from subsetopt.papers._experiment_files import read_experiment

yaml: Any = pytest.importorskip("yaml")

PAPER = {
    "paper": "A paper",
    "methods": {"All": "full", "Some": {"rule": "uniform", "lr": 0.1}},
    "conditions": {"noisy": {"task": "linreg:outliers=20"}},
    "settings": {"task": "linreg", "epochs": {"quick": 1, "paper": 9}},
    "quantities": {
        "loss": {"value": "final.loss", "better": "lower"},
        "time": {"value": "seconds", "better": "lower", "against": {"row": "All", "column": "1"}},
    },
    "each_part": {"baseline": "All", "quantities": ["loss", "time"]},
}
OWN: dict[str, Any] = {
    "title": "Lines",
    "item": "Table 1",
    "did": "Fitted lines.",
    "parts": [
        {
            "label": "lines",
            "runs": [{"rows": ["All", "Some"], "columns": ["0.50", "1", "noisy"]}],
        }
    ],
    "published": [
        {
            "part": "lines",
            "quantity": "loss",
            "columns": ["0.50"],
            "table": "All | 50 ± 1\nSome | -",
        },
        {
            "part": "lines",
            "quantity": "time",
            "columns": ["1"],
            "relative": True,
            "unit": 60,
            "table": "All | 4\nSome | 2",
        },
    ],
    "claims": [
        {
            "text": "More is better.",
            "check": "exceeds",
            "pairs": {
                "part": "lines",
                "row": "All",
                "than": "Some",
                "column": "1",
                "quantity": "loss",
            },
        }
    ],
    "differs": ["Everything."],
}


def read(folder: Path, own: Any, paper: Any = PAPER) -> Experiment:
    for name, document in (("paper", paper), ("table1", own)):
        text = document if isinstance(document, str) else yaml.safe_dump(document)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return read_experiment(folder / "table1.yaml", "mine-table1")


def changed(*path: Any, to: Any) -> dict[str, Any]:
    document = deepcopy(OWN)
    place: Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return document


def test_what_fits(tmp_path: Path) -> None:
    found = read(tmp_path, OWN)
    (part,) = found.runs("paper", (0, 7))
    cells = {(cell, run.seed): run for run, cell in part.cells.items()}
    assert len(cells) == 12
    half, noisy = cells[TableCell("Some", "0.50"), 7], cells[TableCell("All", "noisy"), 0]
    assert (half.rule, half.budget, half.lr, half.epochs) == ("uniform", 0.5, 0.1, 9)
    assert (noisy.task, noisy.rule, noisy.budget) == ("linreg:outliers=20", "full", 1.0)
    assert found.published == {
        ("lines", "loss", TableCell("All", "0.50")): Number(50.0, 1.0),
        ("lines", "time", TableCell("All", "1")): Number(1.0),
        ("lines", "time", TableCell("Some", "1")): Number(0.5),
    }
    assert found.runs("quick", (0,))[0].runs[0].epochs == 1


RUNS = ("parts", 0, "runs", 0)
CLAIM = ("claims", 0)
PAIRS = (*CLAIM, "pairs")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ("title: [", "table1.yaml is not YAML"),
        ("- title", "table1.yaml: must be a mapping of names"),
        (changed("titel", to="x"), "this is no experiment: 'titel' is unknown"),
        ({"title": "Lines"}, "item is missing"),
        (changed("parts", 0, "label", to=3), "parts: entry 1: label: must be a string; got 3"),
        (
            changed("parts", 0, "baseline", to="Al"),
            "lines: baseline must be one of All.*; got 'Al'",
        ),
        (changed("parts", to=[*OWN["parts"], *OWN["parts"]]), "label 'lines' must stand once"),
        (changed("parts", to=3), "parts must be a list of mappings"),
        (changed(*RUNS, "columns", to=[0.5]), "columns: entry 1: must be a string; got 0.5"),
        (
            changed(*RUNS, "columns", to=["x"]),
            "column 'x' must be a budget or a condition; .* noisy",
        ),
        (changed(*RUNS, "rows", to=["Al"]), "methods must be one of All, Some; got 'Al'"),
        (
            changed(*RUNS, "rows", to={"All": {"rule": "full"}, "B": {"rule": "full"}}),
            "B 0.50 must be another run than those above",
        ),
        (changed("settings", to={"lr": -1}), "runs: All 0.50: lr must be a number in .*; got -1"),
        (changed("settings", to={"rate": 1}), "Run has no rate"),
        (changed("settings", to={"task": "linrag"}), "runs: All 0.50: .*linrag"),
        (
            changed("quantities", to={"loss": {"value": "final", "better": "lower"}}),
            "quantities: loss: value is 'final'; terms must be numbers, final.METRIC",
        ),
        (
            changed("published", 0, "table", to="All | x"),
            "published: entry 1: table: 'x' must be MEAN",
        ),
        (changed("published", 0, "table", to="All | 1 | 2"), "has 2 numbers for 1 columns"),
        (
            changed("published", 0, "table", to="Al | 1"),
            "entry 1: table: method must be one of .*; got 'Al'",
        ),
        (
            changed("published", 0, "part", to="line"),
            "entry 1: part must be one of .*lines; got 'line'",
        ),
        (
            changed("published", 0, "quantity", to="lost"),
            "quantity must be one of .*loss, time; got 'lost'",
        ),
        (changed("published", 0, "relative", to=True), "relative needs the number of the cell"),
        (
            changed(*CLAIM, "check", to="beats"),
            "claims: entry 1: check: must be one of .exceeds",
        ),
        (changed(*CLAIM, "text", to={"quick": "a", "paper": "b"}), "the same at both scales"),
        (changed(*CLAIM, "pairs", to=[]), "claims: entry 1: pairs must not be empty"),
        (changed(*CLAIM, "pairs", to=[{"part": "lines"}]), "pairs: entry 1: row is missing"),
        (changed(*CLAIM, "check", to="more_so"), "than must be given where check is more_so"),
        (
            changed(*PAIRS, "row", to="Al"),
            "claims: entry 1: method must be one of .*All, Some; got 'Al'",
        ),
        (changed(*PAIRS, "column", to="0.5"), "column of All must be one of 0.50, 1.*; got '0.5'"),
        (changed(*PAIRS, "part", to="line"), "claims: entry 1: part must be one of .*; got 'line'"),
        (
            changed(*PAIRS, "quantity", to="error"),
            "claims: entry 1: quantity must be one of .*; got 'error'",
        ),
        (changed("did", to="{what}"), r"did: \{what\} is not defined"),
    ],
)
def test_what_is_refused(tmp_path: Path, own: Any, message: str) -> None:
    with pytest.raises(InvalidFile, match=message) as caught:
        read(tmp_path, own)
    assert "table1.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_code_is_run(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"is not YAML: .*python/object"):
        read(tmp_path, "title: !!python/object/apply:os.system [echo]")
