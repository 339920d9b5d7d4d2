"""Write docs/reproduced.md and the pages below it: reproduced.py FOLDER [DATA].

FOLDER holds NAME.md and NAME.svg, what ``subsetopt reproduce NAME --scale quick --markdown --plot
NAME.svg`` printed and drew, for each experiment that was run; DATA is the folder of data sets,
whose name is left out of the pages.
"""

import re
import shutil
import sys
from collections import Counter
from pathlib import Path

DOCS = Path(__file__).parents[1]
PAGES, FIGURES = DOCS / "reproduced", DOCS / "figures" / "reproduced"
TEXT = Path(__file__).with_suffix(".txt")
VERDICTS = ("holds here", "does not hold here", "undecided", "not measured")


def page(text: str, name: str, data: str) -> str:
    """Return what was printed as a page: its figure beside it, tables that are empty left out."""
    text = re.sub(r"!\[(.*?)\]\(.*?\)", rf"![\1](../figures/reproduced/{name}.svg)", text)
    if data:
        text = text.replace(data, "DIR")
    head, *sections = re.split(r"(?m)^(?=## )", text)
    kept, empty = [], []
    for section in sections:
        rows = [line for line in section.splitlines() if re.match(r"\| [^-m]", line)]
        if rows and all("not run" in line for line in rows):
            empty.append(section.splitlines()[0].removeprefix("## "))
        else:
            kept.append(section)
    command = f"\n```sh\nsubsetopt reproduce {name} --scale quick --plot {name}.svg\n```\n\n"
    if empty:
        kept.append("Tables of which nothing was run are left out: " + "; ".join(empty) + ".\n")
    return head.rstrip("\n") + "\n" + command + "".join(kept)


def said(text: str) -> Counter[str]:
    """Return how many statements came out how."""
    return Counter(re.findall(r"(?m)^- \*\*(.*?):\*\*", text))


def decided(text: str) -> list[str]:
    """Return the statements that hold or do not, each as a line."""
    lines = re.findall(r"(?m)^- \*\*(?:holds|does not hold) here:\*\* .*$", text)
    return [re.sub(r"\. \(.*\)$", ".", line) for line in lines]


def main(folder: Path, data: str = "") -> None:
    """Write the pages."""
    for made in (PAGES, FIGURES):
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
    rows, findings, contents = [], [], []
    for source in sorted(folder.glob("*.md")):
        name, text = source.stem, source.read_text(encoding="utf-8")
        if "## What the paper says" not in text:
            continue
        shutil.copy(source.with_suffix(".svg"), FIGURES)
        (PAGES / source.name).write_text(page(text, name, data), encoding="utf-8")
        counts = said(text)
        item = re.search(r"(?m)^((?:Table|Figure).*?) of (.*)\.$", text)
        where = f"{item[2]}, {item[1]}" if item else ""
        cells = " | ".join(str(counts[verdict]) for verdict in VERDICTS)
        rows.append(f"| [{name}](reproduced/{name}.md) | {where} | {cells} |")
        contents.append(f"reproduced/{name}")
        lines = decided(text)
        if lines:
            findings += [f"**{name}**", "", *lines, ""]
    table = [
        f"| experiment | of | {' | '.join(VERDICTS)} |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        *rows,
    ]
    toc = ["```{toctree}", ":hidden:", "", *contents, "```"]
    parts = [*table, "", "## What is decided", "", *findings, *toc]
    text = TEXT.read_text(encoding="utf-8") + "\n".join(parts) + "\n"
    (DOCS / "reproduced.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
