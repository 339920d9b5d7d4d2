"""Options are converted as Typer does, and pydantic is not loaded for it."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from subsetopt.cli import commands

TEXTS = ("1", "-3", "0.1", "1e-3", "+2", " 5", "1_0", "", "x", "nan", "1e400", "007", "1.")
pytestmark = pytest.mark.skipif(
    commands._build is None, reason="this Typer converts without pydantic"
)


def given(**options: Any) -> str:
    made = typer.Typer()

    @made.command()
    def command(
        integer: int | None = None,
        number: Annotated[float | None, typer.Option()] = None,
        positive: Annotated[int, typer.Option(min=1)] = 1,
        text: str = "none",
        several: list[str] | None = None,
        path: Path | None = None,
    ) -> None:
        print([integer, number, positive, text, several, path])

    words = [f"--{name}={value}" for name, value in options.items()]
    done = CliRunner().invoke(made, words)
    return f"{done.exit_code} {done.output}"


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("option", ["integer", "number", "positive", "text", "several", "path"])
def test_values_are_those_of_typer(monkeypatch: pytest.MonkeyPatch, option: str, text: str) -> None:
    from typer import core

    monkeypatch.setattr(core, "build_runtime_param", commands._build)
    wanted = given(**{option: text})
    commands.convert_without_pydantic()
    assert given(**{option: text}) == wanted


def test_a_command_loads_no_pydantic(tmp_path: Path) -> None:
    np.save(tmp_path / "values.npy", np.arange(12.0))
    code = (
        "import sys; from subsetopt.cli.commands import application\n"
        "words = ['solve', 'mean-matching', sys.argv[1], '--k', '3', '--time-limit', '0.5']\n"
        "try: application(words)(words + ['--solver', 'random', '--seed', '2'])\n"
        "except SystemExit as ended: assert not ended.code\n"
        "sys.exit('pydantic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "values.npy")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
