"""Other networks."""

from collections.abc import Sequence

from subsetopt.training.reproduce.checks import exceeds
from subsetopt.training.reproduce.experiment import Claim, Experiment, Figure, Scale
from subsetopt.training.reproduce.parts import Part

from .setting import (
    ERRORS,
    FINAL_ERROR,
    FULLY,
    LP,
    MAIN,
    MEAN_ERROR,
    PAPER,
    PROPOSED,
    QUICKLY,
    chosen,
    few,
    part,
    recipe,
    than_random,
)

FIRST, SECOND = "AlexNet, or CNN", "GoogLeNet, or MLP"
NETWORKS = {FIRST: "alexnet:resize=224", SECOND: "googlenet:resize=224"}
SMALL = {FIRST: "cnn:resize=16", SECOND: "mlp:resize=16"}


def make(scale: Scale, seeds: Sequence[int]) -> list[Part]:
    """Return a part for each network."""
    quick = scale is Scale.QUICK
    found = []
    for label, network in (SMALL if quick else NETWORKS).items():
        task = f"cifar10:network={network}"
        first = recipe(few(task) if quick else task, scale, quick_lr=0.02)
        found.append(part(label, first, seeds, chosen(MAIN, scale), ERRORS))
    return found


EXPERIMENT = Experiment(
    name="mmd-fig4",
    title="Other networks",
    paper=PAPER,
    item="Figure 4",
    did="As Table 1 on CIFAR-10 with AlexNet and GoogLeNet, pre-trained. The figure prints no "
    "numbers.",
    make=make,
    claims=tuple(
        Claim(
            text=f"{row} has lower mean and final errors than random order with {label}.",
            check=exceeds(than_random(label, row, (FINAL_ERROR, MEAN_ERROR))),
        )
        for label in NETWORKS
        for row in (PROPOSED, LP)
    ),
    differs={
        Scale.QUICK: (
            "A small convolutional network and a perceptron in place of AlexNet and GoogLeNet, "
            "learning rate 0.02.",
            *QUICKLY,
        ),
        Scale.PAPER: (
            "AlexNet and GoogLeNet are those of torchvision, which has to be installed; images are "
            "brought to 224x224; GoogLeNet is without its side outputs.",
            *FULLY,
        ),
    },
    figure=Figure(over="epochs", metric="accuracy"),
)
