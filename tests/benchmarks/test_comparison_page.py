import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from subsetopt.benchmarks.reporting._comparison_document import document, write_report
from subsetopt.benchmarks.reporting._comparison_report import ComparisonReport
from subsetopt.benchmarks.results import Results
from subsetopt.report._document import write_text

Planted = Callable[..., Results]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Outline(HTMLParser):
    """Elements by name, and what is left open or closed twice."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.odd: list[str] = []
        self.names: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.names += [value or "" for name, value in attrs if name == "id"]
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "xlink:href")
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.odd.append(tag)


def page(report: ComparisonReport) -> str:
    return document(report).to_html()


def outline(text: str) -> Outline:
    found = Outline()
    found.feed(text)
    assert (found.odd, found.open) == ([], [])
    return found


@pytest.fixture
def small(planted_results: Planted) -> ComparisonReport:
    return ComparisonReport(
        planted_results(sizes=(128, 512), families=("mean-matching", "quadratic"))
    )


def test_all_that_has_to_be_there(small: ComparisonReport) -> None:
    text = page(small)
    found = outline(text)
    assert found.seen.count("table") == 3  # two families, instances; nothing fails here
    for heading in ("Findings", "How it was measured", "Instances and their best answers"):
        assert f"<h2>{heading}</h2>" in text
    assert "<b>mean-matching</b>: swap is the fastest to be" in text
    assert "Planted Processor @ 2.50GHz, 2 cores" in text
    assert 'class="new">exact on quadratic-b: NEW BEST 1280.0' in text
    assert re.search(r'class="bad">cbc claims "optimal" on \d of 4 instances; exact', text)
    assert "faster x ..." in text
    assert "not complete" not in text


def test_failures_are_listed_with_their_reasons(planted_results: Planted) -> None:
    report = ComparisonReport(
        planted_results(sizes=(2048,), families=("mmd",), solvers=("swap", "scip"))
    )
    text = page(report)
    assert '<section id="failures">' in text
    assert text.count("killed: it held") == 6 + 1  # each run, and the sentence of the family


def test_solvers_that_do_best_are_set_off_and_cells_can_be_sorted(small: ComparisonReport) -> None:
    text = page(small)
    assert '<td data-value="0.0" class="least">0</td>' in text
    (swap,) = (s for s in small.families[0].summaries if s.solver == "swap")
    assert f'data-value="{swap.seconds_median}"' in text
    assert 'rowspan="2" data-column="0" class="text">solver</th>' in text


def test_nothing_comes_from_elsewhere_and_names_are_unique(small: ComparisonReport) -> None:
    svg = '<svg viewBox="0 0 1 1" id="f1"><path id="f1-a" d="M0 0"/><use href="#f1-a"/></svg>'
    drawn = {"heat-map": svg}
    found = outline(document(small, {"../rows.jsonl": "each run"}).to_html(drawn))
    assert len(set(found.names)) == len(found.names)
    for link in found.links:
        assert link[1:] in found.names or link in ("heat-map.svg", "heat-map.png", "../rows.jsonl")
    text = document(small).to_html(drawn)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|https?:|<link|<img|url\(", text)


def test_what_means_something_in_html_is_escaped(small: ComparisonReport) -> None:
    bad = "<script>alert(1)</script>"
    results = small.results
    first = replace(results.rows[0], objective=None, solver=bad, failure=f"Odd: {bad}")
    plan = replace(results.plan, suite=bad)
    text = page(ComparisonReport(replace(results, plan=plan, rows=(first, *results.rows))))
    assert bad not in text
    assert "&lt;script&gt;alert(1)" in text
    assert outline(text).seen.count("script") == 1


def test_what_acts_on_a_terminal_or_turns_text_around_is_shown(small: ComparisonReport) -> None:
    results = small.results
    first = replace(results.rows[0], objective=None, failure="\x1b[31mred\u202e")
    text = page(ComparisonReport(replace(results, rows=(first, *results.rows[1:]))))
    assert r"\x1b[31mred\u202e" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_results_that_are_not_complete_or_empty(small: ComparisonReport) -> None:
    text = page(ComparisonReport(replace(small.results, rows=(), complete=False)))
    assert '<strong class="badge">not complete</strong>' in text
    assert "Nothing has been measured." in text
    assert outline(text).seen.count("table") == 1


def test_units_stay_with_their_numbers(small: ComparisonReport) -> None:
    assert "at most 0.1\N{NO-BREAK SPACE}s and 1\N{NO-BREAK SPACE}s per solve" in page(small)


def test_a_page_is_written_whole_or_not_at_all(
    small: ComparisonReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index.html"
    path.write_text("before")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_text(path, page(small))
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


# -- with figures, in a browser -------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    return found


def test_figures(planted_results: Planted) -> None:
    report = ComparisonReport(planted_results(families=("mmd", "quadratic")))
    names = [picture.name for picture in document(report).pictures]
    assert [name for name in names if not name.endswith("quadratic")] == [
        "heat-map",
        "profile-mmd",
        "target-mmd",
        "target-best-mmd",
        "time-mmd",
        "scaling-mmd",
    ]
    assert len(names) == 11
    two = ComparisonReport(planted_results(families=("mmd",), sizes=(128, 512)))
    assert "scaling-mmd" not in {picture.name for picture in document(two).pictures}
    assert document(ComparisonReport(replace(report.results, rows=()))).pictures == []


def test_a_browser_shows_it(browser: str, planted_results: Planted, tmp_path: Path) -> None:
    from matplotlib.image import imread

    report = ComparisonReport(planted_results(families=("mmd",), sizes=(128, 512, 2048), repeats=1))
    source = tmp_path / "results"
    source.mkdir()
    (source / "rows.jsonl").touch()
    path = write_report(report, source, source / "report")
    assert sorted(p.name for p in source.iterdir()) == [
        "report",
        "rows.csv",
        "rows.jsonl",
        "rows.parquet",
    ]
    png = tmp_path / "page.png"
    shown = _browse(browser, path, "--dump-dom")
    found = Outline()
    found.feed(shown)
    assert (found.seen.count("table"), found.seen.count("svg")) == (3, 6)
    assert found.seen.count("button") > 20  # headings can be clicked on: the script has run
    assert len(set(found.names)) == len(found.names)
    beside = {"#", *(p.name for p in path.parent.iterdir())}
    beside |= {f"../{p.name}" for p in source.iterdir()}
    assert {link if link[0] != "#" else "#" for link in found.links} <= beside
    assert {"../rows.jsonl", "../rows.parquet", "../rows.csv"} <= set(found.links)
    _browse(browser, path, f"--screenshot={png}", "--window-size=1200,3000")
    image = imread(png)[..., :3]
    assert image.shape[:2] == (3000, 1200)
    inked = np.ptp(image, axis=(1, 2)) > 0.2  # per line of pixels
    assert 0.3 < inked.mean() < 0.95


def _browse(browser: str, page: Path, *arguments: str) -> str:
    plain = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    done = subprocess.run(
        [browser, *plain, f"--user-data-dir={page.parent.parent / 'profile'}", *arguments,
         page.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    return done.stdout
