"""ImageNet, ResNet-50 and MobileNetV2."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import Pair, exceeds, more_so, pairs
from subsetopt.training.reproduce.experiment import Claim, Experiment, Scale
from subsetopt.training.reproduce.parts import Cell, Part, keyed, seeded
from subsetopt.training.reproduce.published import table
from subsetopt.training.run import Run

from .methods import MAX, OBFTF, PAPER, RULES, UNIFORM

RATIOS = ("0.10", "0.15", "0.20", "0.25", "0.30", "0.45")
NETWORKS = {"ResNet50": "resnet50", "MobileNetV2": "mobilenet_v2"}
PUBLISHED = {
    "ResNet50": """
        Uniform | 0.7074 | 0.7086 | 0.7316 | 0.7391 | 0.7313 | 0.7430
        Max prob. | 0.2551 | 0.2986 | 0.3699 | 0.3939 | 0.4431 | 0.4770
        OBFTF | 0.7096 | 0.7113 | 0.7355 | 0.7439 | 0.7303 | 0.7452
    """,
    "MobileNetV2": """
        Uniform | 0.6922 | 0.7065 | 0.7143 | 0.7196 | 0.7242 | 0.7279
        Max prob. | 0.6164 | 0.6572 | 0.6654 | 0.6700 | 0.6795 | 0.6916
        OBFTF | 0.6956 | 0.7102 | 0.7167 | 0.7198 | 0.7242 | 0.7283
    """,
}
ROWS = (UNIFORM, MAX, OBFTF)


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each network."""
    return [_part(label, scale, seeds) for label in NETWORKS]


def _part(label: str, scale: Scale, seeds: Sequence[int]) -> Part:
    quick = scale is Scale.QUICK
    if quick:
        small = f"imagenet:network={NETWORKS[label]}:size=64"
        like = Run.of(small, epochs=2, batch_size=64, lr=0.05)
    else:
        like = Run.of(f"imagenet:network={NETWORKS[label]}")
    cells = {
        Cell(row, ratio): like.but(rule=RULES[row], budget=float(ratio))
        for ratio in (RATIOS[:1] if quick else RATIOS)
        for row in ROWS
    }
    return Part(
        label=label,
        cells=seeded(seeds, cells),
        published=keyed(table(" | ".join(RATIOS), PUBLISHED[label])),
        baseline=UNIFORM,
        x="sampling ratio",
    )


_LOW, _HIGH = ("0.10", "0.15", "0.20", "0.25"), ("0.30", "0.45")


def _all(row: str, than: str, ratios: Sequence[str]) -> list[Pair]:
    return [pair for label in NETWORKS for pair in pairs(label, [row], than, ratios)]


EXPERIMENT = Experiment(
    name="obftf-table3",
    title="ImageNet under sampling ratios",
    paper=PAPER,
    item="Table 3",
    did="ResNet-50 for 150 epochs and MobileNetV2 for 350, batches of 4,096 on 32 GPUs, with the "
    "schedule of MNasNet and averaged weights; top-1 accuracy on the validation set, one run each.",
    make=make,
    claims=(
        Claim(
            text="OBFTF is more accurate than uniform sampling at ratios of 0.1 to 0.25.",
            check=exceeds(_all(OBFTF, UNIFORM, _LOW)),
        ),
        Claim(
            text="The margin over uniform sampling shrinks as the ratio grows to 0.3 and 0.45.",
            check=more_so(_all(OBFTF, UNIFORM, _LOW), _all(OBFTF, UNIFORM, _HIGH)),
        ),
        Claim(
            text="Training on the highest losses is far worse than uniform sampling.",
            check=exceeds(_all(UNIFORM, MAX, RATIOS)),
        ),
    ),
    differs={
        Scale.QUICK: (
            "ImageNet has to be brought along: --data DIR with imagenet/train/CLASS/ and "
            "imagenet/val/CLASS/, or any pictures arranged so. A smoke test of the recipe: "
            "pictures of 64x64, 2 epochs, the lowest ratio; its numbers say little.",
        ),
        Scale.PAPER: (
            "ImageNet has to be brought along: --data DIR with imagenet/train/CLASS/ and "
            "imagenet/val/CLASS/.",
            "Batches of 4,096 in one process need as much memory; under torchrun they are divided.",
            "The paper does not name its optimiser: SGD with momentum 0.9 here, and 3 seeds for 1.",
        ),
    },
)
