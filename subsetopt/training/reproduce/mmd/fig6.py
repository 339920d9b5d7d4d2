"""Semantic segmentation."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import within
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Part

from .setting import COMMON, LP, MAIN, PAPER, PROPOSED, RULES, both, part, recipe, than_random

ROADS, DIGITS = "CamVid", "composed digits"
QUANTITIES = both("pixel_error")
BATCH = 8
MARGIN = 0.01


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return the digits; at the scale of the paper CamVid as well."""
    quick = scale is Scale.QUICK
    rules = {row: RULES[row] for row in MAIN}
    digits = "segmentation:train=200:test=60" if quick else "segmentation"
    tasks = {DIGITS: digits} if quick else {ROADS: "camvid", DIGITS: digits}
    return [
        part(
            label,
            recipe(task, scale, lr=0.05, quick_lr=0.05).but(batch_size=BATCH),
            seeds,
            rules,
            QUANTITIES,
        )
        for label, task in tasks.items()
    ]


_NETWORK = (
    "A U-Net trained from scratch in place of DeepLab v3+ on a pre-trained ResNet-18; batches of "
    f"{BATCH}, learning rate 0.05: neither is stated in the paper."
)

EXPERIMENT = Experiment(
    name="mmd-fig6",
    title="Semantic segmentation",
    paper=PAPER,
    item="Figure 6",
    did="CamVid in 11 classes, 421 images for training and 140 for testing, DeepLab v3+ on "
    "ResNet-18, judged by the share of wrong pixels. The figure prints no numbers.",
    make=make,
    claims=tuple(
        Claim(
            text=f"{row} is competitive with random order on {label} (final pixel errors less than "
            f"{100 * MARGIN:g} percentage point apart).",
            check=within(than_random(label, row, QUANTITIES[:1]), MARGIN),
        )
        for label in (ROADS, DIGITS)
        for row in (PROPOSED, LP)
    ),
    differs={
        Scale.QUICK: (
            "Composed digits in place of CamVid: 200 images of 64x64, 7 epochs.",
            _NETWORK,
            *COMMON,
        ),
        Scale.PAPER: (
            "CamVid where its folder is there; composed digits beside it.",
            "The division of CamVid into training and test images is that of the folder.",
            _NETWORK,
            *COMMON,
        ),
    },
    figure=Figure(over="epochs", metric="pixel_error"),
)
