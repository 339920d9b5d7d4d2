"""What the README shows runs as it stands."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def steps(marker: str) -> list[str]:
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```", README, flags=re.DOTALL)
    assert found is not None, marker
    return re.split(r"\s*&&\s*", found[1].replace("\\\n", ""))


def columns_shown() -> list[tuple[str, str]]:
    """Return the columns of the result that the README shows, and how far random rows are."""
    table = README.partition("<!-- select-result -->\n")[2].partition("─\n")[2].partition("```")[0]
    cells = [line.split() for line in table.splitlines()]
    return [(line[0], line[-1]) for line in cells]


def test_the_python_example_runs_and_keeps_what_it_claims(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 10
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert names["solution"].indices.size == names["chosen"].size == 13
    assert names["solution"].objective < 1e-6
    assert np.unique(names["chosen"]).size == 13
    assert str(names["solution"].termination) in capsys.readouterr().out


def test_the_first_command_selects_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    from subsetopt.cli import app

    program, *arguments = shlex.split(steps("select-command")[2])
    assert program == ".venv/bin/subsetopt"
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, "--time-limit", "0.2", "--json"])
    assert done.exit_code == 0, done.output
    columns = json.loads(done.stdout)["columns"]
    assert columns_shown() == [(one["name"], f"{one['random_distance']:.3f}") for one in columns]
    assert len((tmp_path / "chosen.csv").read_text().splitlines()) == 41
    assert (tmp_path / "chosen.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("marker", ["select-command", "test-command"])
def test_both_commands_start_from_nothing(marker: str) -> None:
    made, installed, _ = steps(marker)
    assert made == "python -m venv .venv"
    assert installed.startswith(".venv/bin/pip install")


def test_the_training_example_trains_on_what_it_says() -> None:
    torch = pytest.importorskip("torch")
    from subsetopt.torch import SubsetStep, features, supervised

    (example,) = blocks("py")
    loader = [(torch.randn(50, 4), torch.arange(50) % 10) for _ in range(2)]
    names = {"nn": torch.nn, "model": torch.nn.Linear(4, 10), "loader": loader}
    names |= {"SubsetStep": SubsetStep, "features": features, "supervised": supervised}
    exec(compile(example, "README.md", "exec"), names)
    _, labels = loader[-1]
    assert labels[names["result"].indices].sort().values.tolist() == list(range(10))


def test_torch_is_installed_with_the_constraints_only() -> None:
    for step in (part for block in blocks("sh") for part in block.split(" && ")):
        if "pip install" in step and ("torch" in step or "train" in step):
            assert "-c constraints.txt" in step
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


_PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
TABLES = dict(
    zip(
        ("mean-matching", "mmd"),
        (block for block in blocks("text", _PAGE) if "solver  " in block),
        strict=True,
    )
)
"""What the quick comparison printed of two families of problems."""


@pytest.mark.parametrize("family", TABLES)
def test_a_table_shows_every_solver(family: str) -> None:
    import subsetopt
    from subsetopt.solvers import catalogue

    able = {row.name for row in subsetopt.available_solvers() if family in row.handles}
    shown = set(re.findall(r"^  ([a-z-]+) +\S+ +\S+ ", TABLES[family], flags=re.MULTILINE))
    assert shown - {"solver"} == able & set(catalogue.BUILT_IN)


def test_every_solver_is_in_one_of_the_tables() -> None:
    from subsetopt.solvers import catalogue

    for name in catalogue.BUILT_IN:
        assert re.search(rf"^  {name} ", "\n".join(TABLES.values()), flags=re.MULTILINE), name


def test_continuous_integration_runs_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test-command -->" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
