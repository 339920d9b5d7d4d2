"""Names that a terminal or a page would obey are shown instead."""

import io
import logging

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from subsetopt.cli import standard_streams
from subsetopt.report._markup import escaped, visible
from subsetopt.report._progress import Lines
from subsetopt.report._terminal import console

RED = "\x1b[31mred\x9b0m\u202e"
SHOWN = r"\x1b[31mred\x9b0m\u202e"


def test_what_is_visible() -> None:
    assert visible(RED) == SHOWN
    assert visible("a\rb\x00\x7f\u2028") == r"a\rb\x00\x7f\u2028"
    assert visible("caf\udce9") == r"caf\xe9"  # as Python keeps a byte of a file's name
    assert visible("\ud800\u2066\U000e0041") == r"\ud800\u2066\U000e0041"
    plain = "naïve 選択 اختيار 👩‍🔬\n\tz"
    assert visible(plain) == plain


def test_the_console() -> None:
    screen = console()
    screen.file = io.StringIO()
    table = Table(RED, title=RED)
    table.add_row(RED)
    table.add_row(Text(RED))
    screen.print(RED, Text(RED), Panel(RED, title=Text(RED)), table)
    text = screen.file.getvalue()
    assert text.count(SHOWN) == 8
    assert text.replace("\n", "").isprintable()
    assert "\x1b" not in text


def test_lines_of_progress_and_of_logs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subsetopt.report._progress.EVERY", 0.01)
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    with Lines(RED) as lines:
        while "\n" not in written.getvalue():
            lines.update(1)
    assert written.getvalue().startswith(f"{SHOWN}: ")
    record = logging.LogRecord("subsetopt", logging.WARNING, "", 0, "of %s\n%s", ("a", RED), None)
    assert standard_streams._Visible("%(message)s").format(record) == f"of a {SHOWN}"
    standard_streams._show_warning(UserWarning(f"{RED}\nb"))
    assert written.getvalue().endswith(f"warning: {SHOWN} b\n")


def test_markdown() -> None:
    assert escaped(f"<b>&amp; {RED}") == r"\<b\>\&amp; " + escaped(SHOWN)
    assert "\x1b" not in escaped(RED)
