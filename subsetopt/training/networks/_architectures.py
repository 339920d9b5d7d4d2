"""Networks: linear, perceptron, convolutional, ResNet-18 and U-Net."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from subsetopt.errors import InvalidOption


def linear(inputs: int, outputs: int = 1) -> nn.Sequential:
    """Return ``x -> W x + b``, on flattened inputs."""
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, outputs))


def mlp(
    inputs: int, classes: int, hidden: Sequence[int] = (256, 256), dropout: float = 0.0
) -> nn.Sequential:
    """Return a perceptron with rectified hidden layers, on flattened inputs."""
    if not 0.0 <= dropout < 1.0:
        raise InvalidOption(f"dropout must be a number in [0, 1); got {dropout!r}")
    layers: list[nn.Module] = [nn.Flatten()]
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        layers += [nn.Dropout(dropout)] if dropout else []
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def cnn(channels: int = 3, classes: int = 10, width: int = 16) -> nn.Sequential:
    """Return three 3x3 convolutions, each normalised and halved, and a linear layer."""
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


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, which is a 1x1 convolution where shapes change."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, outputs, height / stride, width / stride)."""
        inner = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(inner + self.shortcut(x))


def resnet18(channels: int = 3, classes: int = 10, width: int = 64) -> nn.Sequential:
    """Return ResNet-18 for 32x32 images: a 3x3 stem without pooling, four stages of two blocks.

    He et al. 2016, https://arxiv.org/abs/1512.03385.
    """
    stem = [
        nn.Conv2d(channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    ]
    blocks, inputs = [], width
    for stage, stride in enumerate((1, 2, 2, 2)):
        outputs = width * 2**stage
        blocks += [BasicBlock(inputs, outputs, stride), BasicBlock(outputs, outputs, 1)]
        inputs = outputs
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*stem, *blocks, *head)


class UNet(nn.Module):
    """U-Net for segmentation (Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597).

    Halves the image `depth` times and doubles it back, each time joined to what was there before.

    Parameters
    ----------
    channels, classes : int
    width : int
        Channels at full size; each halving doubles them.
    depth : int
        Sides of images need not be multiples of ``2 ** depth``.
    """

    def __init__(self, channels: int, classes: int, width: int = 16, depth: int = 3) -> None:
        super().__init__()
        sizes = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(
            _convolutions(*pair) for pair in zip([channels, *sizes[:-1]], sizes, strict=True)
        )
        deeper, upper = sizes[:0:-1], sizes[-2::-1]
        self.narrow = nn.ModuleList(nn.Conv2d(*pair, 1) for pair in zip(deeper, upper, strict=True))
        self.up = nn.ModuleList(_convolutions(2 * size, size) for size in upper)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (n, classes, height, width)."""
        kept = []
        for convolutions in self.down[:-1]:
            x = convolutions(x)
            kept.append(x)
            x = nn.functional.max_pool2d(x, 2)
        x = self.down[-1](x)
        for narrow, convolutions in zip(self.narrow, self.up, strict=True):
            skip = kept.pop()
            x = nn.functional.interpolate(narrow(x), size=skip.shape[-2:])
            x = convolutions(torch.cat([skip, x], dim=1))
        scores: Tensor = self.head(x)
        return scores


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
