"""Draw the picture of the page on splits of tables: ``python docs/scripts/split.py``."""

from pathlib import Path

from subsetopt.tables import split_rows

FIGURE = Path(__file__).parents[1] / "figures" / "split.svg"


def main() -> None:
    """Write docs/figures/split.svg."""
    split_rows("example:earthquakes", [70, 15, 15], by="network").plot(FIGURE)


if __name__ == "__main__":
    main()
