"""Draw the picture of the page on rows of a table: ``python docs/scripts/selected_rows.py``."""

from pathlib import Path

from subsetopt.tables import select_rows

FIGURE = Path(__file__).parents[1] / "figures" / "select.png"


def main() -> None:
    """Write docs/figures/select.png."""
    few = select_rows("example:earthquakes", 40, exactly={"network": "proportional"})
    few.plot(FIGURE)


if __name__ == "__main__":
    main()
