"""What the experiments of the paper have in common."""

from collections.abc import Mapping, Sequence

from subsetopt.training.naming import Named
from subsetopt.training.reproduce.experiment import Scale
from subsetopt.training.reproduce.parts import ACCURACY, Cell, Part, Quantity, keyed, seeded
from subsetopt.training.reproduce.published import Number
from subsetopt.training.run import Run

PAPER = "How Important is Importance Sampling for Deep Budgeted Training?"
C10, C100, SVHN, MINI = "CIFAR-10", "CIFAR-100", "SVHN", "mini-ImageNet"
SGD, SCAN, UNIF, P, C, SB, OSGD = "SGD", "scan-SGD", "unif-SGD", "p-SGD", "c-SGD", "SB", "OSGD"
RULES: Mapping[str, str] = {
    SGD: "full",
    SCAN: "scan_sgd",
    UNIF: "unif_sgd",
    P: "p_sgd",
    C: "c_sgd",
    SB: "sb",
    OSGD: "osgd",
}
STANDARD, RAND, MIXUP, RICAP = "standard", "RandAugment", "mixup", "RICAP"
AUGMENTATIONS = {STANDARD: "standard", RAND: "randaugment", MIXUP: "mixup", RICAP: "ricap"}
TASKS = {
    C10: "cifar10",
    C100: "cifar100",
    SVHN: "svhn",
    MINI: "imagenet:network=resnet18:size=84:dropout=0:sub=mini-imagenet",
}
SMALL = {"network": "cnn", "resize": 16, "train": 10_000, "test": 1000}
QUICK_EPOCHS = 10
FULL = "1"
"""The column of full training."""


def like(data: str, scale: Scale, augmentation: str = STANDARD, **given: object) -> Run:
    """Return a run of the paper's recipe, or of the quick one."""
    named = Named.parse(TASKS[data])
    quick = scale is Scale.QUICK
    if quick and data != MINI:
        named = Named(named.name, named.options | SMALL)
    epochs = QUICK_EPOCHS if quick else 200
    chosen = AUGMENTATIONS[augmentation]
    return Run.of(
        str(named),
        "full",
        **{
            "epochs": epochs,
            "evaluate_every": epochs,
            "batch_size": 64 if quick else 128,
            "lr": 0.1,
            "momentum": 0.9,
            "weight_decay": 1e-4,
            "schedule": "linear",
            "ema": None,
            "augmentation": "none" if data == MINI and chosen == "standard" else chosen,
            **given,
        },
    )


def part(
    data: str,
    scale: Scale,
    seeds: Sequence[int],
    *,
    rows: Sequence[str],
    budgets: Sequence[str],
    published: Mapping[tuple[str, str], Number],
    label: str = "",
    augmentation: str = STANDARD,
    schedule: str = "linear",
    full: bool = True,
) -> Part:
    """Return the methods at the budgets, and full training beside them."""
    first = like(data, scale, augmentation, schedule=schedule)
    cells = {
        Cell(row, budget): first.but(rule=RULES[row], budget=float(budget))
        for budget in budgets
        for row in rows
    }
    if full:
        cells[Cell(SGD, FULL)] = first
    return Part(
        label=label or data,
        cells=seeded(seeds, cells),
        published=keyed(published),
        baseline=UNIF,
    )


SECONDS = Quantity(
    name="training time (s)", of=lambda result: result.training_seconds, better="lower"
)
QUANTITIES = (ACCURACY, SECONDS)

SMALLER = (
    f"CIFAR-10 and the like: {SMALL['train']:,} training images at half their height and width, a "
    "network of three convolutions in place of ResNet-18, as it learns faster in what a short "
    f"training has; {QUICK_EPOCHS} epochs of 200, batches of 64."
)
OSGD_KEEPS_ALL = (
    "OSGD keeps all samples of a batch until the training accuracy is 80 %, which it is not in so "
    "short a training: its runs are then those of scan-SGD."
)
NOT_STATED = (
    "The weight decay, which the paper does not state, is that of its code, 1e-4.",
    "Hardware and library versions differ from the paper's GeForce GTX 1080Ti.",
)
WHERE = (
    "CIFAR-10 is taken as it is in the folder of data: where that is a subset, so are the runs. "
    "Data sets without files are left out.",
)
MINI_READ = (
    "mini-ImageNet is read from DIR/mini-imagenet/train/CLASS and val/CLASS; crops and mirroring "
    "are those of reading.",
)
