"""A U-Net for segmentation (Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597)."""

import torch
from torch import Tensor, nn


class UNet(nn.Module):
    """Halve the image `depth` times, double it back, each time beside what was there before.

    Parameters
    ----------
    channels, classes : int
    width : int
        Channels at full size; each halving doubles them.
    depth : int
        Sides of images need not be multiples of ``2 ** depth``.
    """

    def __init__(self, channels: int, classes: int, width: int, depth: int) -> None:
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
            beside = kept.pop()
            x = nn.functional.interpolate(narrow(x), size=beside.shape[-2:])
            x = convolutions(torch.cat([beside, x], dim=1))
        scores: Tensor = self.head(x)
        return scores


def unet(channels: int, classes: int, width: int = 16, depth: int = 3) -> UNet:
    """Return a U-Net, which gives each pixel its classes' scores."""
    return UNet(channels, classes, width, depth)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)
