from collections.abc import Callable
from dataclasses import replace

from subsetopt.benchmarks.reporting._comparison_document import document
from subsetopt.benchmarks.reporting._comparison_report import ComparisonReport
from subsetopt.benchmarks.results import Results
from subsetopt.report._markup import escaped

Planted = Callable[..., Results]


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table."""
    blocks = (block.splitlines() for block in text.split("\n\n"))
    return [lines for lines in blocks if lines and lines[0].startswith("| ")]


LINKS = {"heat-map": "heat map.png", "profile-mmd": "mmd.png"}


def to_markdown(report: ComparisonReport, links: dict[str, str] | None = None) -> str:
    return document(report).to_markdown(links)


def test_all_that_has_to_be_said(planted_results: Planted) -> None:
    text = to_markdown(ComparisonReport(planted_results()), LINKS)
    assert text.startswith("# Comparison of solvers: planted\n\n- **mean-matching:** swap is the")
    assert "- **machine:** Planted Processor @ 2.50GHz, 2 cores, Linux x86\\_64, Python" in text
    assert "- **commit:** 0123456789abcdef" in text
    for family in ("mean-matching", "mmd", "quadratic"):
        assert f"\n## {family}\n" in text
    assert '- exact claims "optimal" on 4 of 6 instances; no solver here beats it\n' in text
    assert "- scip: failed in 6 of 18 runs: killed: it held " in text
    assert "- exact on quadratic-b: NEW BEST 1280.0" in text
    assert "- not compared: highs: " in text
    assert "\n\n![What each solver is good at](<heat map.png>)\n\n## mean-matching\n" in text
    assert (
        text.index("## mmd")
        < text.index("![Performance profile: mmd](mmd.png)")
        < text.index("## quadratic")
    )


def test_tables_have_as_many_cells_in_every_line(planted_results: Planted) -> None:
    found = tables(to_markdown(ComparisonReport(planted_results())))
    assert [len(lines) for lines in found] == [8, 8, 8]
    for lines in found:
        assert len({line.count(" | ") for line in lines}) == 1
    assert found[0][0].startswith("| solver | error median | error max | random as good | ended |")
    assert "| optimal 12<br>time\\_limit 6 |" in found[0][5]


def test_what_means_something_in_markdown_is_escaped(planted_results: Planted) -> None:
    results = planted_results(sizes=(128,), families=("mmd",), solvers=("swap",), repeats=1)
    rows = tuple(
        replace(row, solver="a|b", objective=None, failure="Odd: <b>*x*</b> [y](z)")
        for row in results.rows
    )
    text = to_markdown(ComparisonReport(replace(results, rows=rows)))
    assert "| a\\|b | - |" in text
    assert "Odd: \\<b\\>\\*x\\*\\</b\\> \\[y\\](z)" in text
    assert escaped("`\\`") == "\\`\\\\\\`"


def test_results_without_rows(planted_results: Planted) -> None:
    text = to_markdown(ComparisonReport(replace(planted_results(), rows=(), complete=False)))
    assert "- Not complete: these are the measurements made until now." in text
    assert tables(text) == []
