"""Fashion-MNIST, clothes in MNIST's place."""

from dataclasses import dataclass

from ._mnist import MNIST


@dataclass(kw_only=True, eq=False)
class FashionMNIST(MNIST):
    """60,000 training and 10,000 test images of 28 x 28 pixels; otherwise as `MNIST`."""

    name = "fashion-mnist"
    sub = "fashion"
    flips = True
