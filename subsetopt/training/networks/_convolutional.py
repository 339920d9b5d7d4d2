"""A small convolutional network, for what has to be quick."""

from torch import nn


def cnn(channels: int = 3, classes: int = 10, width: int = 16) -> nn.Sequential:
    """Return three 3x3 convolutions, each normalised and halved, and a linear layer.

    Parameters
    ----------
    width : int
        Channels of the first convolution; each further one doubles them.
    """
    layers: list[nn.Module] = []
    for stage in range(3):
        outputs = width * 2**stage
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        channels = outputs
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)
    )
