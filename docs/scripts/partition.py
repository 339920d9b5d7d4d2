"""Draw the picture of the page on partitions: ``python docs/scripts/partition.py``."""

from pathlib import Path

from sklearn.datasets import load_digits

import subsetopt as so

FIGURE = Path(__file__).parents[1] / "figures" / "partition" / "digits.svg"


def main() -> None:
    """Write docs/figures/partition/digits.svg."""
    digits = load_digits()
    result = so.partition(
        digits.data / 16, [0.7, 0.15, 0.15], balance=digits.target, full_output=True, draws=100
    )
    FIGURE.parent.mkdir(exist_ok=True)
    result.plot(FIGURE)


if __name__ == "__main__":
    main()
