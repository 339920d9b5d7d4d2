"""The help of every command: it fits a narrow terminal, in full sentences."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from rich.cells import cell_len
from typer.testing import CliRunner

from subsetopt.cli import app
from subsetopt.cli.commands import COMMANDS, application

ROOT: Any = typer.main.get_command(app)


def walked(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield words, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from walked(sub, (*words, *name.split()))


ALL = dict(walked(ROOT))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_it_fits_80_columns_and_is_whole(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "80"})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80
    shown = "".join(result.stdout.split()).replace("│", "")
    assert "…" not in shown
    for parameter in ALL[words].params:
        assert all(flag in shown for flag in parameter.opts if flag.startswith("-"))
        assert "".join((parameter.help or "").split()) in shown


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_it_is_in_full_sentences(words: tuple[str, ...]) -> None:
    command = ALL[words]
    texts = [command.help, *(one.help for one in command.params)]
    for text in filter(None, texts):
        assert text[0].isupper(), text
        assert text.split("\n\n")[0].rstrip().endswith("."), text
        assert len(text.split()) > 1, text


def test_the_help_of_all_is_that_of_each() -> None:
    for name, text in COMMANDS.items():
        command = ROOT.commands[name]
        assert (command.help or "").split("\n\n")[0] == text
    assert set(COMMANDS) == set(ROOT.commands)
    shown = CliRunner().invoke(application(["--help"]), ["--help"], env={"COLUMNS": "80"}).stdout
    assert all(f"│ {name} " in shown for name in COMMANDS)
