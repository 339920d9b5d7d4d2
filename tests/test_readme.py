"""What the README shows runs as it stands."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def command(marker: str) -> str:
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)\n```", README, flags=re.DOTALL)
    assert found is not None, marker
    return found[1]


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


def test_the_command_line_example_runs(tmp_path: Path) -> None:
    (example,) = [b for b in blocks("sh") if b.startswith("python -c")]
    interpreter = Path(sys.executable).parent
    program = shutil.which("subsetopt", path=str(interpreter))
    if program is None:
        pytest.skip("the console script is not installed")
    done = subprocess.run(
        ["bash", "-euc", example],
        cwd=tmp_path,
        env={"PATH": f"{interpreter}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len(answer["indices"]) == answer["k"] == 5
    assert answer["certificate"]["kind"] == "exact"


@pytest.mark.parametrize("marker", ["bench-command", "test-command"])
def test_both_commands_start_from_nothing(marker: str) -> None:
    steps = command(marker).split(" && ")
    assert steps[0] == "python -m venv .venv"
    assert steps[1].startswith(".venv/bin/pip install")


def test_torch_is_installed_with_the_constraints_only() -> None:
    for step in (part for block in blocks("sh") for part in block.split(" && ")):
        if "pip install" in step and ("torch" in step or "train" in step):
            assert "-c constraints.txt" in step
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("place", "family"), [(0, "mean-matching"), (1, "mmd")])
def test_the_tables_show_every_solver(place: int, family: str) -> None:
    import subsetopt
    from subsetopt.solvers import catalogue

    tables = blocks("text")
    assert len(tables) == 2
    able = {row.name for row in subsetopt.available_solvers() if family in row.handles}
    shown = set(re.findall(r"^  ([a-z-]+) +\S+ +\S+ ", tables[place], flags=re.MULTILINE))
    assert shown - {"solver"} == able & set(catalogue.BUILT_IN)


def test_every_solver_is_in_one_of_the_tables() -> None:
    from subsetopt.solvers import catalogue

    for name in catalogue.BUILT_IN:
        assert re.search(rf"^  {name} ", "\n".join(blocks("text")), flags=re.MULTILINE), name


def test_continuous_integration_runs_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "<!-- test-command -->" in script
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
