"""What is declared: numbers as printed, runs that can be made, claims about what is run."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from subsetopt.errors import InvalidFile, InvalidOption

torch = pytest.importorskip("torch")

from subsetopt import papers  # noqa: E402
from subsetopt._spec import Spec  # noqa: E402
from subsetopt.papers import (  # noqa: E402
    EXPERIMENTS,
    Number,
    Part,
    Scale,
    Standing,
    TableCell,
    experiment,
    measured,
)
from subsetopt.papers._parts import require_rows  # noqa: E402
from subsetopt.papers._planning import left_out, ready  # noqa: E402
from subsetopt.papers._sheets import PublishedTable  # noqa: E402
from subsetopt.training.methods import method  # noqa: E402
from subsetopt.training.run import Run  # noqa: E402
from subsetopt.training.run_result import Passes, Result  # noqa: E402
from subsetopt.training.tasks import task  # noqa: E402

ALL = {
    "obftf-fig1": (10, 0, 480, 1120),
    "obftf-fig2": (3, 0, 72, 280),
    "obftf-table3": (3, 36, 18, 108),
    "budgeted-table1": (5, 28, 30, 30),
    "budgeted-table2": (11, 76, 156, 228),
    "budgeted-table3": (7, 80, 168, 240),
    "budgeted-table4": (5, 80, 168, 240),
    "budgeted-table5": (5, 24, 36, 36),
    "budgeted-table6": (5, 72, 216, 216),
    "budgeted-fig1": (11, 0, 66, 102),
    "mmd-table1": (10, 48, 45, 36),
    "mmd-fig2": (4, 0, 27, 18),
    "mmd-fig3": (4, 0, 15, 15),
    "mmd-fig4": (4, 0, 18, 12),
    "mmd-fig5": (4, 0, 15, 10),
    "mmd-fig6": (4, 0, 9, 18),
}
"""Claims, published numbers, runs at the scales "quick" and "paper"."""
METRICS = {"accuracy": 0.5, "loss": 1.0, "excess": 1.0, "rmse": 1.0, "pixel_error": 0.5}


def test_every_experiment_is_there() -> None:
    assert list(EXPERIMENTS) == list(ALL)
    files = Path(papers.__file__).parent.glob("*/*.yaml")
    assert {f"{file.parent.name}-{file.stem}" for file in files if file.stem != "paper"} == {*ALL}
    with pytest.raises(InvalidOption, match=r"experiment must be 'obftf-fig1', .*; got 'fig1'"):
        experiment("fig1")


@pytest.mark.parametrize(
    ("name", "part", "quantity", "cell", "number"),
    [
        ("obftf-table3", "ResNet50", "accuracy", TableCell("OBFTF", "0.25"), Number(0.7439)),
        ("obftf-table3", "MobileNetV2", "accuracy", TableCell("Max prob.", "0.10"), Number(0.6164)),
        ("budgeted-table1", "CIFAR-10", "accuracy", TableCell("SB"), Number(0.939, 0.0016)),
        ("budgeted-table1", "CIFAR-10", "training time (s)", TableCell("c-SGD"), Number(6000)),
        (
            "budgeted-table1",
            "CIFAR-100",
            "time, as a share of SGD's",
            TableCell("SB"),
            Number(0.844),
        ),
        (
            *("budgeted-table2", "CIFAR-100, step schedule", "accuracy"),
            *(TableCell("SB", "0.3"), Number(0.7225, 0.0068)),
        ),
        (
            *("budgeted-table3", "CIFAR-10, RICAP", "accuracy"),
            *(TableCell("unif-SGD", "0.3"), Number(0.9493, 0.0029)),
        ),
        (
            *("budgeted-table3", "CIFAR-100, mixup", "accuracy"),
            *(TableCell("SGD", "1"), Number(0.7762, 0.004)),
        ),
        (
            *("budgeted-table4", "mini-ImageNet, RandAugment", "accuracy"),
            *(TableCell("SB", "0.2"), Number(0.6717, 0.0251)),
        ),
        (
            *("budgeted-table5", "times", "training time (s)"),
            *(TableCell("SB", "RICAP"), Number(5700)),
        ),
        (
            *("budgeted-table6", "CIFAR-10, RandAugment", "accuracy"),
            *(TableCell("SB", "0.1"), Number(0.3386, 0.0502)),
        ),
        ("mmd-table1", "SVHN", "final error", TableCell("Submod"), Number(0.0448)),
        ("mmd-table1", "MNIST", "mean loss", TableCell("DPP"), Number(0.41)),
    ],
)
def test_published_numbers(
    name: str, part: str, quantity: str, cell: TableCell, number: Number
) -> None:
    found = experiment(name).published[part, quantity, cell]
    assert found.mean == pytest.approx(number.mean, abs=1e-12)
    assert found.std == (None if number.std is None else pytest.approx(number.std))


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_lost(name: str) -> None:
    own = experiment(name)
    runs = [sum(len(part.cells) for part in own.runs(scale)) for scale in ("quick", "paper")]
    assert (len(own.sheet.claims), len(own.published), *runs) == ALL[name]


def test_tables_as_they_are_printed() -> None:
    printed = PublishedTable(
        part="p", quantity="q", columns=("a", "b"), table="x | 1 ± 0.5 | -\n y z | 2 | 3"
    )
    assert printed.numbers() == {
        ("q", TableCell("x", "a")): Number(1.0, 0.5),
        ("q", TableCell("y z", "a")): Number(2.0),
        ("q", TableCell("y z", "b")): Number(3.0),
    }


@pytest.mark.parametrize("scale", Scale)
@pytest.mark.parametrize("name", ALL)
def test_runs_can_be_made(name: str, scale: Scale) -> None:
    parts = experiment(name).runs(scale)
    assert len({part.label for part in parts}) == len(parts)
    assert experiment(name).limits(scale)
    for part in parts:
        assert part.baseline in part.rows
        assert {quantity for quantity, _ in part.published} <= {q.name for q in part.quantities}
    runs = [run for part in parts for run in part.runs]
    for rule in {run.rule for run in runs}:
        method(rule)
    for one in {run.task for run in runs}:
        assert task(one).name == Spec.parse(one).name
    seeds = {run.seed for run in runs}
    assert len(seeds) >= 3
    again = [run for part in experiment(name).runs(scale, (7, 8)) for run in part.runs]
    assert {run.seed for run in again} == {7, 8}


def test_the_published_setting() -> None:
    (run, *_) = experiment("budgeted-table2").runs("paper")[0].runs
    assert (run.epochs, run.batch_size, run.lr, run.momentum) == (200, 128, 0.1, 0.9)
    assert (run.schedule, run.augmentation, run.task) == ("step", "standard", "cifar10")
    (run, *_) = experiment("mmd-table1").runs("paper")[1].runs
    assert (run.epochs, run.batch_size, run.lr, run.weight_decay) == (35, 50, 0.001, 5e-4)
    (run, *_) = experiment("obftf-fig2").runs("paper")[0].runs
    assert (run.task, run.epochs, run.batch_size, run.lr) == ("mnist", 500, 128, 0.1)
    for part in experiment("obftf-fig1").runs("paper"):
        assert len({run.seed for run in part.runs}) >= 10
        assert {"0.01", "0.15"} <= {cell.column for cell in part.cells.values()}


@pytest.mark.parametrize("name", ALL)
def test_claims_are_about_what_is_run(name: str) -> None:
    own = experiment(name)
    nothing = measured(own.runs("paper"), [])
    assert {claim.judged(nothing).standing for claim in own.sheet.claims} == {Standing.NOT_MEASURED}
    parts = own.runs("paper")
    found = measured(parts, _results(parts))
    for claim in own.sheet.claims:
        missing = claim.judged(found).standing is Standing.NOT_MEASURED
        assert not missing or claim.text.startswith("Proposed (LP)")


def _results(parts: Sequence[Part]) -> Iterable[Result]:
    for run in dict.fromkeys(run for part in parts for run in part.runs):
        drawn = torch.Generator().manual_seed(abs(hash(run)) % 2**31)
        noise = torch.rand(3, generator=drawn).tolist()
        final = {name: value + 0.1 * noise[0] for name, value in METRICS.items()}
        yield _result(run, final, noise)


def _result(run: Run, final: dict[str, float], noise: list[float]) -> Result:
    return Result(
        run=run,
        metric="loss",
        better="lower",
        final=final,
        history=[{"epoch": 1.0} | {f"test_{name}": value for name, value in final.items()}],
        steps=1,
        passes=Passes(),
        full=1,
        seconds={"forward": 1 + noise[1]},
        selected={"entropy": 5 + noise[2]},
    )


def test_some_methods_only() -> None:
    parts = experiment("budgeted-table2").runs("quick")
    require_rows(parts, ["sb", "p_sgd"])
    assert parts[0].only(["sb", "p_sgd"]).rows == ["unif-SGD", "p-SGD", "SB"]
    with pytest.raises(
        InvalidOption, match=r"method must be one of scan-SGD, unif-SGD.*; got 'sbb'"
    ):
        require_rows(parts, ["sbb"])


def test_missing_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBSETOPT_DATA", raising=False)
    parts = experiment("mmd-fig3").runs("quick", (0,))
    with pytest.raises(InvalidFile, match=r"no CIFAR-10 .* --download fetches what is missing"):
        ready(parts, tmp_path)
    with pytest.raises(InvalidFile, match="--data DIR"):
        ready(parts)
    free = experiment("obftf-fig1").runs("smoke", (0,))
    found = ready([*free, *parts], tmp_path)
    assert [bool(part.cells) for part in found] == [True, True, False]
    (sentence,) = left_out(found)
    assert sentence.startswith("Left out: kernels. No CIFAR-10")
