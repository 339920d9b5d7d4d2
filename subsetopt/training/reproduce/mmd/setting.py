"""What the experiments of the paper have in common."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from subsetopt.training.reproduce.checks import Pair, Term
from subsetopt.training.reproduce.experiment import Scale
from subsetopt.training.reproduce.parts import Cell, Part, Quantity, seeded
from subsetopt.training.reproduce.published import Number
from subsetopt.training.result import Result
from subsetopt.training.run import Run

PAPER = "Deterministic Mini-batch Sequencing for Training Deep Neural Networks"
MNIST, C10, SVHN = "MNIST", "CIFAR-10", "SVHN"
RANDOM, DPP, SUBMOD = "Random", "DPP", "Submod"
PROPOSED, LP = "Proposed", "Proposed (LP)"
SIZES = {"train": 3000, "test": 1000}
QUICK_EPOCHS = 10
TASKS = {MNIST: "mnist:network=resnet18", C10: "cifar10", SVHN: "svhn"}
QUICK_TASKS = {
    MNIST: "mnist:network=cnn:resize=14",
    C10: "cifar10:network=cnn:resize=16",
    SVHN: "svhn:network=cnn:resize=16",
}
_GAUSSIAN = "mmd:features=scaled:scale=1"
RULES = {
    RANDOM: "full",
    DPP: "k-dpp",
    SUBMOD: "submodular",
    PROPOSED: _GAUSSIAN,
    LP: f"{_GAUSSIAN}:solver=lp-rounding",
}
MAIN = (RANDOM, PROPOSED, LP)


def few(task: str) -> str:
    """Return the task with few samples."""
    return ":".join([task, *(f"{name}={count}" for name, count in SIZES.items())])


def like(data: str, scale: Scale) -> Run:
    """Return a run of the paper's recipe, or of the quick one."""
    quick = scale is Scale.QUICK
    return recipe(few(QUICK_TASKS[data]) if quick else TASKS[data], scale)


def recipe(task: str, scale: Scale, lr: float = 0.001, quick_lr: float = 0.05) -> Run:
    """Return a run of a task, whichever, by the recipe."""
    quick = scale is Scale.QUICK
    return Run.of(
        task,
        "full",
        epochs=QUICK_EPOCHS if quick else 35,
        batch_size=50,
        lr=quick_lr if quick else lr,
        momentum=0.9,
        weight_decay=5e-4,
        schedule="three_steps",
        augmentation="none",
        select_from="batch",
    )


def feasible(rows: Sequence[str], scale: Scale) -> list[str]:
    """Return the methods that can be run: the LP holds a matrix of all pairs for each batch."""
    return [row for row in rows if row != LP or scale is Scale.QUICK]


def part(
    label: str,
    first: Run,
    seeds: Sequence[int],
    rules: Mapping[str, str],
    quantities: tuple[Quantity, ...],
    published: Mapping[tuple[str, Cell], Number] | None = None,
) -> Part:
    """Return the methods on one task, random order their baseline."""
    cells = {Cell(row): first.but(rule=rule) for row, rule in rules.items()}
    return Part(
        label=label,
        cells=seeded(seeds, cells),
        quantities=quantities,
        published=published or {},
        baseline=RANDOM,
        x="",
    )


def chosen(rows: Sequence[str], scale: Scale) -> dict[str, str]:
    """Return the rules of the methods that can be run."""
    return {row: RULES[row] for row in feasible(rows, scale)}


# -- quantities -----------------------------------------------------------------------------------


def _error(result: Result) -> float:
    return 1.0 - result.final["accuracy"]


def _mean(metric: str) -> "Quantity":
    name = {"accuracy": "mean error", "loss": "mean loss"}.get(metric, f"mean {metric}")

    def of(result: Result) -> float:
        found = fmean(row[f"test_{metric}"] for row in result.history if f"test_{metric}" in row)
        return 1.0 - found if metric == "accuracy" else found

    return Quantity(
        name=name, of=of, better="lower", is_share=metric in ("accuracy", "pixel_error")
    )


def _final(metric: str) -> Quantity:
    def of(result: Result) -> float:
        return result.final[metric]

    name = f"final {metric}".replace("_", " ")
    return Quantity(name=name, of=of, better="lower", is_share=metric == "pixel_error")


FINAL_ERROR = Quantity(name="final error", of=_error, better="lower", is_share=True)
MEAN_ERROR, MEAN_LOSS, FINAL_LOSS = _mean("accuracy"), _mean("loss"), _final("loss")
ERRORS = (FINAL_ERROR, MEAN_ERROR, FINAL_LOSS, MEAN_LOSS)


def both(metric: str) -> tuple[Quantity, Quantity]:
    """Return a metric after training, and its mean over the epochs."""
    return _final(metric), _mean(metric)


def than_random(part: str, row: str, quantities: Sequence[Quantity]) -> list[Pair]:
    """Return a method beside random order."""
    return [
        Pair(Term(part, Cell(row), one.name), Term(part, Cell(RANDOM), one.name))
        for one in quantities
    ]


# -- limits ---------------------------------------------------------------------------------------

SMALLER = (
    f"{SIZES['train']:,} training and {SIZES['test']:,} test images at half their height and "
    f"width, a network of three convolutions in place of ResNet-18, {QUICK_EPOCHS} epochs of 35, "
    "learning rate 0.05: with so few steps 0.001 leads nowhere.",
)
COMMON = (
    "The paper's ResNet-18 is pre-trained, and its weights are not to be had: all training is from "
    "scratch.",
    "On which features the kernel of the paper works is not stated. Here it is a random projection "
    "of the inputs, scaled so that a Gaussian of parameter 1 is that of the median distance.",
    '"Proposed" minimises the true objective, by herding and exchanges; "Proposed (LP)" is the '
    "paper's relaxation, rounded, of the true objective too: as printed, it lacks a factor of 2.",
)
AT_SIZE = (
    "The LP is left out: for each batch it takes a matrix of all pairs of samples that are left.",
    "The kernel matrix of all pairs is held where there is memory for it: of 50,000 samples 10 GB "
    "in each process, so that --jobs 1 may be needed.",
    "DPP draws each batch from a pool of 1,000, Submod from one of 4,096.",
    "Random order is run with as many seeds as the others, which the paper ran once.",
)
WHERE = (
    "CIFAR-10 is taken as it is in the folder of data: where that is a subset, so are the runs. "
    "Data sets without files are left out.",
)
QUICKLY = (*SMALLER, *COMMON, *WHERE)
FULLY = (*COMMON, *AT_SIZE, *WHERE)
