"""What is compiled for a first answer: few functions, so that nobody waits long for it."""

from typing import Any

import pytest

from subsetopt.benchmarks.scripts import first_answer

MOST = {
    "tabu, quadratic": 8,
    "swap, quadratic": 4,
    "swap, mmd": 4,
    "swap, vectors": 6,
    "herding, mmd": 5,
    "greedy, quadratic": 1,
    "frank-wolfe, scalars": 8,
    "frank-wolfe, vectors": 10,
    "frank-wolfe, quadratic": 10,
    "exact, scalars": 6,
    "branch-and-bound, quadratic": 4,
    "sequence, running-swap": 9,
    "sequence, running-herding": 4,
    "baseline, FacilityLocation": 9,
    "baseline, Submodular": 9,
}
"""How many functions each job compiles; one more costs as much as compiling three lines does."""


def _compiled(name: str, folder: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("NUMBA_OPT", "1")  # as many functions, in less time
    return int(first_answer.first(name, str(folder))["functions"])


def test_the_search_compiles_few_functions_and_only_once(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "exact, scalars"  # which no limit of time ends before all has been called
    assert 0 < _compiled(name, tmp_path, monkeypatch) <= MOST[name]
    assert _compiled(name, tmp_path, monkeypatch) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", MOST)
def test_every_job_compiles_few_functions(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _compiled(name, tmp_path, monkeypatch) <= MOST[name]


def test_small_first_jobs_compile_nothing(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _compiled("select", tmp_path, monkeypatch) == 0


def test_jobs_are_those_of_all_own_solvers_and_can_be_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = [name for name, _ in first_answer.jobs()]
    assert len(names) == len(set(names))
    assert set(MOST) | {"select"} <= set(names)
    with pytest.raises(SystemExit):
        first_answer.main(["tabu, scalars"])
    assert "JOB must be one of " in capsys.readouterr().err


def test_the_table_fits_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"reference": 0.5, "answer": 1.0, "functions": 7}
    monkeypatch.setattr(first_answer, "first", lambda name, folder: row)
    monkeypatch.setenv("COLUMNS", "80")
    name = max((name for name, _ in first_answer.jobs()), key=len)
    first_answer.main([name])
    table = capsys.readouterr().out
    assert name in table
    assert max(map(len, table.splitlines())) <= 80
    first_answer.main([name, "--json"])
    assert '"cold x": 2.0' in capsys.readouterr().out
