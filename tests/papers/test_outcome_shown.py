"""Outcomes in every medium, whole ones and those of which much is missing or has diverged."""

from collections.abc import Iterator, Sequence
from math import isnan, nan

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from subsetopt.papers import Part, Scale, experiment  # noqa: E402
from subsetopt.papers._outcome import ExperimentResult, document, outcome, to_dict  # noqa: E402
from subsetopt.papers._outcome_figure import figure_of  # noqa: E402
from subsetopt.training.run_result import Passes, Result  # noqa: E402

METRICS = ("accuracy", "loss", "rmse", "pixel_error")


def results(parts: Sequence[Part], lost: str = "", missing: str = "") -> Iterator[Result]:
    """Yield results; those of one method diverged, those of another are not there."""
    for part in parts:
        for run, cell in part.cells.items():
            if cell.row != missing:
                value = nan if cell.row == lost else 0.5 + 0.01 * run.seed + 0.1 * run.budget
                final = dict.fromkeys(METRICS, value)
                yield Result(
                    run=run,
                    metric="loss",
                    better="lower",
                    final=final,
                    history=[
                        {"epoch": epoch} | {f"test_{name}": x for name, x in final.items()}
                        for epoch in (1.0, 2.0)
                    ],
                    steps=1,
                    passes=Passes(),
                    full=1,
                    seconds={"forward": 1.5 if isnan(value) else 1 + value},
                    selected={"entropy": 5 + value},
                )


def made(name: str, lost: str = "", missing: str = "") -> ExperimentResult:
    own = experiment(name)
    parts = own.runs("smoke", (0, 1, 2))
    return outcome(own, Scale.SMOKE, parts, results(parts, lost, missing))


def test_an_outcome_in_every_medium() -> None:
    shown = made("budgeted-table2", lost="SB", missing="p-SGD")
    page = document(shown)
    text = page.to_markdown("{}.svg")
    assert text.startswith("# budgeted-table2: Methods and schedules under budgets\n\nTable 2 of ")
    assert "![Methods and schedules under budgets](budgeted-table2.svg)" in text
    head = "## CIFAR-10, step schedule: accuracy, higher is better\n\n| method | budget | published"
    assert head in text
    assert "| unif-SGD \\* | 0.2 | 91.82 ± 0.05 | 53.00 ± 1.00 | 3 | - | baseline |" in text
    assert "| p-SGD | 0.2 | 92.28 ± 0.05 | not run | - | - | - |" in text
    assert "| SB | 0.2 | 93.37 ± 0.11 | -, 3 diverged | 3 | - | " in text
    assert "- **not measured:** p-SGD is not more accurate than unif-SGD" in text
    assert "- **does not hold here:** With steps on CIFAR-10, SB is more accurate" in text
    verdict = "holds here: 1; does not hold here: 1; undecided: 6; not measured: 3"
    assert f"- **verdict:** {verdict}\n" in text
    assert "- **run time:** 120 runs, 3 min of training in all" in text
    screen = page.to_terminal(120)
    assert "Methods and schedules under budgets: Table 2 of How Important is" in screen
    assert "does not hold here: With steps on CIFAR-10, SB is more accurate" in screen
    found = to_dict(shown)
    assert found["scale"] == "smoke"
    cell = next(c for c in found["parts"][0]["cells"] if c["row"] == "SB")
    assert cell["values"] == {"0": None, "1": None, "2": None}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("obftf-fig1", {"without outliers", "sampling ratio", "excess test loss", "OBFTF", "0.02"}),
        ("budgeted-table2", {"CIFAR-10, step schedule", "budget", "accuracy", "OSGD", "0.5"}),
        ("budgeted-fig1", {"entropy of sample counts", "linear, smoothing", "RICAP"}),
        ("budgeted-table5", {"augmentation", "RandAugment", "SB"}),
        ("mmd-fig3", {"test error", "epochs", "Polynomial 2", "2"}),
    ],
)
def test_what_figures_show(name: str, wanted: set[str]) -> None:
    svg = figure_of(made(name)).to_svg()
    assert {text for text in wanted if f">{text}<" not in svg} == set()


@pytest.mark.parametrize("name", ["obftf-fig1", "budgeted-fig1", "mmd-fig3"])
def test_figures_of_what_diverged_or_was_not_run(name: str) -> None:
    own = experiment(name)
    row = own.runs("smoke")[0].rows[-1]
    for shown in (made(name, lost=row), made(name, missing=row), made(name, lost=row, missing=row)):
        assert "<svg" in figure_of(shown).to_svg()
    parts = own.runs("smoke", (0,))
    assert "<svg" in figure_of(outcome(own, Scale.SMOKE, parts, [])).to_svg()
