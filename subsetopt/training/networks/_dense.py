"""Linear models and multilayer perceptrons, on inputs of any shape."""

from collections.abc import Sequence

from torch import nn

from subsetopt.errors import InvalidOption


def linear(inputs: int, outputs: int = 1) -> nn.Sequential:
    """Return ``x -> W x + b``, on flattened inputs."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def mlp(
    inputs: int, classes: int, hidden: Sequence[int] = (256, 256), dropout: float = 0.0
) -> nn.Sequential:
    """Return a perceptron with rectified hidden layers, on flattened inputs.

    Parameters
    ----------
    inputs : int
        Numbers in one sample.
    dropout : float
        Share of each hidden layer that is left out in training.
    """
    if not 0.0 <= dropout < 1.0:
        raise InvalidOption(f"dropout must be a number in [0, 1); got {dropout!r}")
    layers: list[nn.Module] = [nn.Flatten()]
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, classes))
