import json
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt.report as package
from subsetopt.report import (
    Column,
    Document,
    Facts,
    Note,
    Notes,
    Section,
    Table,
    console,
    plain,
    show,
)
from subsetopt.report._number_format import duration
from subsetopt.solution import Termination


@dataclass(frozen=True)
class Measured:
    name: str
    seconds: float | None
    gap: float


ROWS = (
    Measured("swap", 0.0012, 0.25),
    Measured("a|b <i>\x1b[31m", None, nan),
    Measured("exact", 2.0, -0.5),
)
COLUMNS: tuple[Column[Measured], ...] = (
    Column("solver", "name"),
    Column("median", "seconds", duration, group="time", dtype="Float64", least=True),
    Column("doubled", lambda row: 2 * row.gap, "+.1f", group="time", unit="%", rank=1),
    Column("words", cell=lambda row: "one\ntwo", rank=2),
)
TABLE = Table(COLUMNS, ROWS, name="what was measured")


def test_every_export_is_there() -> None:
    assert all(hasattr(package, name) for name in package.__all__)


def test_cells_of_values_formats_and_texts() -> None:
    name, median, doubled, words = COLUMNS
    assert [name.text(ROWS[0]), median.text(ROWS[0]), doubled.text(ROWS[0])] == [
        "swap",
        "1.20 ms",
        "+0.5",
    ]
    assert [median.text(ROWS[1]), doubled.text(ROWS[1])] == ["-", "-"]  # None and NaN
    assert [column.is_text for column in COLUMNS] == [True, False, False, True]
    assert (doubled.name, words.name) == ("time doubled %", "words")
    of_mapping: Column[dict[str, int]] = Column("a", "b")
    assert of_mapping.text({"b": 3}) == "3"
    arrays: Column[Any] = Column("a", lambda row: np.arange(row))
    assert [arrays.text(2), Column("a", np.float32).text(nan)] == ["[0 1]", "-"]


@pytest.mark.parametrize("width", [28, 40, 80])
def test_a_terminal_shows_what_there_is_room_for(width: int) -> None:
    lines = TABLE.to_terminal(width).splitlines()
    assert max(map(len, lines)) <= width
    whole, _, note = "\n".join(lines).partition(" no room for ")
    assert ("doubled" in whole, "words" in whole) == (width > 28, width > 40)
    absent = {28: "doubled %, words", 40: "words", 80: ""}[width]
    assert " ".join(note.split()).partition(":")[0] == ("time " * (width == 28) + absent)
    assert r"\x1b[31m" in "".join(lines)
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("width", [20, 40, 60])
def test_nothing_is_cut_off_where_there_is_no_room(width: int) -> None:
    rows = [Measured("a-solver-with-a-long-name", 123.0, 0.123456789012)]
    number: Column[Measured] = Column("gap", "gap", ".12f")
    more: Column[Measured] = Column("more", cell=lambda row: "in other words")
    columns = (COLUMNS[0], COLUMNS[1], number, more)
    lines = Table(columns, rows).to_terminal(width).splitlines()
    assert max(map(len, lines)) <= width
    texts = [column.text(rows[0]) for column in columns]
    assert Counter("".join(texts).replace(" ", "")) <= Counter("".join(lines))
    assert ("0.123456789012" in "".join(lines)) == (width == 60)


@pytest.mark.parametrize("width", range(24, 50))
def test_numbers_of_several_words_are_whole_or_folded(width: int) -> None:
    rows = [Measured("branch-and-bound", 123.0, 0.1)]
    number: Column[Measured] = Column("gap", "gap", lambda _: "> 1,000 %")
    time: Column[Measured] = Column("time", "gap", lambda _: "50.1 ms")
    text = Table((COLUMNS[0], number, time), rows).to_terminal(width)
    assert Counter("branch-and-bound>1,000%50.1ms") <= Counter(text)
    if width >= 39:  # all that it takes
        assert "branch-and-bound  > 1,000 %  50.1 ms" in text


def test_sections_are_apart() -> None:
    table = Table.in_sections(COLUMNS, [ROWS[:1], ROWS[1:]])
    assert list(table.rows) == list(ROWS)
    lines = [line.strip() for line in table.to_terminal(80).splitlines()]
    (first,) = (number for number, line in enumerate(lines) if line.startswith("swap"))
    assert table.to_html().count('<tr class="first">') == 1
    assert [line[:3] for line in lines[first + 1 : first + 4]] == ["two", "", "a|b"][:3]


def test_markdown_is_escaped_and_has_as_many_cells_in_every_line() -> None:
    lines = TABLE.to_markdown().splitlines()
    assert lines[:2] == [
        "| solver | time median | time doubled % | words |",
        "| --- | ---: | ---: | --- |",
    ]
    assert lines[3] == r"| a\|b \<i\>\\x1b\[31m | - | - | one<br>two |"
    assert len(Table(COLUMNS, ROWS, markdown_rank=1).to_markdown().splitlines()[0].split("|")) == 4


def test_html_can_be_sorted_and_nothing_in_it_acts() -> None:
    text = TABLE.to_html()
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: seen.append(tag)  # type: ignore[method-assign]
    parser.feed(text)
    assert seen.count("tr") == 2 + 3
    assert (seen.count("i"), "\x1b" in text) == (0, False)
    assert '<th scope="colgroup" colspan="2" class="group">time</th>' in text
    assert '<td data-value="0.0012" class="least">1.20\N{NO-BREAK SPACE}ms</td>' in text
    assert '<td data-value="2.0">2.00\N{NO-BREAK SPACE}s</td>' in text
    empty = Table((COLUMNS[0], Column("nothing", lambda row: None, "d")), ROWS)
    assert "nothing" not in empty.to_html()


def test_json_holds_no_number_that_is_none() -> None:
    found = json.loads(TABLE.to_json())
    assert found[1] == {
        "name": ROWS[1].name,
        "seconds": None,
        "time doubled %": None,
        "words": "one\ntwo",
    }


def test_plain_values() -> None:
    value = {1: Termination.OPTIMAL, "x": (inf, np.float64(0.5), np.arange(2)), "p": Path("a")}
    found = plain({"value": value, "row": ROWS[1]})
    assert found["value"] == {"1": "optimal", "x": [None, 0.5, [0, 1]], "p": "a"}
    assert found["row"] == {"name": ROWS[1].name, "seconds": None, "gap": None}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_files_give_the_rows_back(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    batches = Column[Measured]("batches", lambda row: [1, 2], key="batches", dtype="list[Int64]")
    table = Table((*COLUMNS[:2], batches), ROWS)
    table.to_parquet(tmp_path / "a.parquet", {"made": "here"})
    read = pd.read_parquet(tmp_path / "a.parquet")
    assert read["seconds"].tolist()[::2] == [0.0012, 2.0]
    assert read["seconds"].isna().tolist() == [False, True, False]
    assert [list(x) for x in read["batches"]] == [[1, 2]] * 3
    table.to_csv(tmp_path / "a.csv")
    read = pd.read_csv(tmp_path / "a.csv")
    assert read["batches"].tolist() == ["[1, 2]"] * 3
    declared = [column for column in table.columns if column.dtype]
    none, full = (Table(declared, rows).to_frame().dtypes for rows in ((), ROWS))
    assert none.equals(full)
    rows: list[dict[str, Any]] = [
        {"n": 1, "x": 0.5, "is": True, "name": "a"},
        {"n": None, "x": 2, "is": None},
    ]
    dtypes = Table.of_records(rows).to_frame().dtypes
    assert [str(x) for x in dtypes] == ["Int64", "Float64", "boolean", "string"]


# -- documents ------------------------------------------------------------------------------------

DOCUMENT = Document(
    "<suite>",
    [
        Section("Findings", [Notes([Note("is fast", "new", name="swap")], is_main=True)],
                titled=("html",)),
        Section("Only here", ["a page says more"], media=("html",), link="more"),
        Section("Solvers", [Facts({"machine": "one\ntwo"}), TABLE], lead="what they take"),
    ],
    kind="Comparison",
    badge="not complete",
)  # fmt: skip


def test_a_document_says_the_same_in_every_medium() -> None:
    shown = DOCUMENT.to_terminal(80)
    assert shown.startswith(" swap: is fast\n\n Solvers: what they take\n machine")
    text = DOCUMENT.to_markdown()
    assert text.startswith(
        "# Comparison: \\<suite\\>\n\n- **swap:** is fast\n\n## Solvers\n\nwhat they"
    )
    assert "- **machine:** one; two\n\n| solver |" in text
    page = DOCUMENT.to_html()
    assert "<title>&lt;suite&gt;: comparison</title>" in page
    assert '<li class="new"><b>swap</b>: is fast</li>' in page
    assert '<section id="more"><h2>Only here</h2><p class="note">a page says more</p>' in page
    assert page.count("a page says more") == 1 > shown.count("a page says more")


def test_every_section_of_a_page_has_a_name_of_its_own() -> None:
    page = Document("Two tasks", [Section("mnist", ["one"]), Section("mnist", ["two"])]).to_html()
    assert '<section id="mnist">' in page
    assert '<section id="mnist-2"><h2>mnist</h2><p class="note">two</p>' in page
    assert '<a href="#mnist">mnist</a><a href="#mnist-2">mnist</a>' in page


def test_a_console_prints_documents_and_tables(capsys: pytest.CaptureFixture[str]) -> None:
    console().print(DOCUMENT)
    console().print(TABLE)
    assert capsys.readouterr().out.count("swap") == 3


def test_mappings_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"name": "swap", "seconds": 0.123456}, {"name": "tabu", "seconds": 2.0, "n": 5}], "Times")
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[:2] == [["Times"], ["name", "seconds", "n"]]
    assert lines[3:] == [["swap", "0.123", "-"], ["tabu", "2", "5"]]
