"""Draw the picture of the page on splits of tables: ``python docs/scripts/split.py``."""

from pathlib import Path

import subsetopt
from subsetopt.tables import split_rows

TABLE = Path(subsetopt.__file__).parent / "examples" / "earthquakes.csv"
FIGURE = Path(__file__).parents[1] / "figures" / "split.svg"


def main() -> None:
    """Write docs/figures/split.svg."""
    split_rows(TABLE, [70, 15, 15], by="network").plot(FIGURE)


if __name__ == "__main__":
    main()
