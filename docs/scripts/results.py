"""The page of results, from a folder that ``subsetopt bench`` has written.

``python docs/scripts/results.py DIR`` writes ``docs/results.md`` and its figures.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from subsetopt._files import replacing
from subsetopt.benchmarks.reporting._comparison_document import document, write_report
from subsetopt.benchmarks.reporting._comparison_report import ComparisonReport
from subsetopt.benchmarks.results._results_folder import load_results

DOCS = Path(__file__).parents[1]
FIGURES = Path("figures", "results")
PREFACE = """# Results

What the commands below printed, as they printed it: all solvers on the reference suite, public
instances and real losses among them, and whatever speaks against them. `DIR` holds the data. How
it is measured, and what the columns mean: [](benchmarks.md).

```console
$ subsetopt bench docs/scripts/reference.yaml --data DIR --out results
$ python docs/scripts/results.py results
```
"""


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what bench --out has written")
    report = ComparisonReport(load_results(parser.parse_args().folder))
    with tempfile.TemporaryDirectory() as made:
        write_report(report, Path(made), Path(made))
        (DOCS / FIGURES).mkdir(parents=True, exist_ok=True)
        for picture in document(report).pictures:
            shutil.copyfile(Path(made, f"{picture.name}.svg"), _place(picture.name))
    text = document(report).to_markdown(f"{FIGURES.as_posix()}/{{}}.svg")
    with replacing(DOCS / "results.md") as file:
        file.write((PREFACE + text.partition("\n")[2]).encode())


def _place(name: str) -> Path:
    return DOCS / FIGURES / f"{name}.svg"


if __name__ == "__main__":
    main()
