"""The folder of a comparison: killed, resumed, damaged, wanted by two."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from subsetopt._machine import Machine, commit, packages
from subsetopt.benchmarks.cases import Case, MeanMatchingCase
from subsetopt.benchmarks.cases._value_batches import losses
from subsetopt.benchmarks.measuring._runner import MeasurementObserver, measure
from subsetopt.benchmarks.results import (
    Bound,
    CaseInfo,
    Contender,
    MeasurementOptions,
    Plan,
    Row,
    Session,
)
from subsetopt.benchmarks.results._plan import complete, todo, total
from subsetopt.benchmarks.results._results_folder import Folder, load_results
from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.solution import CertificateKind, Termination

CASES: list[Case] = [MeanMatchingCase.of(batch, 4) for batch in losses(n=24, count=2, seed=0)]
PLAN = Plan(
    suite="planted",
    settings=MeasurementOptions(time_limits=(0.1, 0.2), repeats=2),
    contenders=tuple(
        Contender(label=name, name=name, families=("mean-matching",))
        for name in ("random", "stride")
    ),
    cases=tuple(CaseInfo.of(case) for case in CASES),
    left_out={"cbc": "not installed"},
    notes=("a note",),
)
SESSION = Session(machine=Machine.here(), packages={"numpy": "2"}, commit="", started="", jobs=1)


def row(case: int = 0, solver: str = "random", repeat: int = 0, limit: float = 0.1) -> Row:
    return Row(
        case=CASES[case].name,
        family="mean-matching",
        source="planted",
        n=24,
        k=4,
        solver=solver,
        options={"tenure": 3},
        repeat=repeat,
        time_limit=limit,
        objective=1 / 3,
        bound=0.0,
        termination=Termination.FINISHED,
        certificate=CertificateKind.BOUND,
        eps=1 / 3,
        seconds=(0.1, 0.2, 1e-7),
        indices=(1, 2, 3, 4),
        random_rank=0.25,
    )


ALL = [
    row(case, name, repeat) for repeat in (0, 1) for case in (0, 1) for name in ("random", "stride")
]


def test_what_was_kept_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    out = tmp_path / "new" / "results"
    bound = Bound(case=CASES[0].name, method="fw", value=-1 / 3, seconds=0.5)
    with Folder(out, PLAN, SESSION) as folder:
        for found in ALL[:3]:
            folder.keep(found)
        folder.keep(bound)
        assert load_results(out).rows == tuple(ALL[:3])  # while it is being written
    results = load_results(out)
    assert results.plan == PLAN
    assert results.sessions == (SESSION,)
    assert results.rows == tuple(ALL[:3])
    assert results.bounds == (bound,)
    assert not results.complete


def test_sessions_are_told_apart(tmp_path: Path) -> None:
    with Folder(tmp_path, PLAN, SESSION) as folder:
        folder.keep(ALL[0])
    second = replace(SESSION, commit="abc")
    with Folder(tmp_path, PLAN, second, resume=True) as folder:
        assert folder.results.rows == (ALL[0],)
        for found in ALL[1:]:
            folder.keep(found)
    results = load_results(tmp_path)
    assert results.sessions == (SESSION, second)
    assert [found.session for found in results.rows] == [0] + [1] * 7
    assert results.complete


@pytest.mark.parametrize("torn", [b'{"case": "exp', b'{"case": "exponential-b0"}', b"\x00\xff"])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with Folder(tmp_path, PLAN, SESSION) as folder:
        folder.keep(ALL[0])
    with (tmp_path / "rows.jsonl").open("ab") as file:
        file.write(torn)
    assert load_results(tmp_path).rows == (ALL[0],)
    with Folder(tmp_path, PLAN, SESSION, resume=True) as folder:
        folder.keep(ALL[1])
    assert [found.key for found in load_results(tmp_path).rows] == [ALL[0].key, ALL[1].key]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("rows.jsonl", "nonsense\n", "rows.jsonl, line 2: "),
        ("rows.jsonl", "[1]\n", "line 2: no object but"),
        ("rows.jsonl", '{"case": "a"}\n', "no row of results"),
        ("rows.jsonl", '{"case": 1, "termination": "bored"}\n', "no row of results"),
        ("sessions.jsonl", '{"jobs": 1}\n', "no session"),
        ("bounds.jsonl", '{"jobs": 1}\n', "no bound"),
    ],
)
def test_damaged_results(tmp_path: Path, file: str, text: str, message: str) -> None:
    with Folder(tmp_path, PLAN, SESSION) as folder:
        folder.keep(ALL[0])
        folder.keep(Bound(case="a", method="fw"))
    with (tmp_path / file).open("a") as damaged:
        damaged.write(text)
    with pytest.raises(InvalidFile, match=message):
        load_results(tmp_path)
    with pytest.raises(InvalidFile, match=message):
        Folder(tmp_path, PLAN, SESSION, resume=True)
    assert (tmp_path / file).read_text().endswith(text)


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"holds no results: there is no plan\.json"):
        load_results(tmp_path)
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(InvalidFile, match="no plan but a list"):
        load_results(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 99}')
    with pytest.raises(InvalidFile, match="schema of the results must be 1; got 99"):
        load_results(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": 1, "settings": {"time_limits": [1]}}')
    with pytest.raises(InvalidFile, match="no plan of a comparison"):
        load_results(tmp_path)
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(InvalidFile, match="this is not JSON"):
        load_results(tmp_path)


def test_results_are_not_overwritten_or_mixed(tmp_path: Path) -> None:
    with Folder(tmp_path, PLAN, SESSION):
        pass
    with pytest.raises(InvalidOption, match="holds results; --resume goes on"):
        Folder(tmp_path, PLAN, SESSION)
    settings = replace(PLAN.settings, repeats=5)
    for other, message in (
        (replace(PLAN, suite="mmd"), "suite planted, not mmd"),
        (replace(PLAN, settings=settings), "repeats 2, not 5"),
        (replace(PLAN, contenders=PLAN.contenders[:1]), "other contenders: stride"),
        (replace(PLAN, cases=PLAN.cases[1:]), "other cases: exponential"),
        (replace(PLAN, cases=PLAN.cases[::-1]), "other cases$"),
    ):
        with pytest.raises(InvalidOption, match=message):
            Folder(tmp_path, other, SESSION, resume=True)
    with Folder(tmp_path, replace(PLAN, notes=()), SESSION, resume=True):
        pass  # notes may differ


def test_foreign_folders_and_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    for resume in (False, True):
        with pytest.raises(InvalidOption, match=r"holds no results, but thesis\.tex"):
            Folder(tmp_path, PLAN, SESSION, resume=resume)
    with pytest.raises(InvalidOption, match="must be a folder; got a file"):
        Folder(tmp_path / "thesis.tex", PLAN, SESSION)
    with pytest.raises(InvalidFile, match="cannot be made"):
        Folder(tmp_path / "thesis.tex" / "results", PLAN, SESSION)


def test_a_process_that_was_killed_at_its_beginning_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".plan.json.part").write_text("half of a pl")
    with Folder(tmp_path, PLAN, SESSION, resume=True):
        pass
    assert load_results(tmp_path).plan == PLAN
    assert not (tmp_path / ".plan.json.part").exists()


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with Folder(tmp_path, PLAN, SESSION):
        with pytest.raises(InvalidOption, match="is being written by another run"):
            Folder(tmp_path, PLAN, SESSION, resume=True)
        code = (
            "import sys; from pathlib import Path; import tests_folder as t; "
            "t.Folder(Path(sys.argv[1]), t.PLAN, t.SESSION, resume=True)"
        )
        done = _python(code, str(tmp_path))
        assert done.returncode != 0
        assert "is being written by another run" in done.stderr
    assert _python(code, str(tmp_path)).returncode == 0


def _python(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run code to which this module is known as tests_folder."""
    load_this = (
        "import importlib.util as u, sys; "
        f"s = u.spec_from_file_location('tests_folder', {__file__!r}); "
        "m = u.module_from_spec(s); sys.modules['tests_folder'] = m; s.loader.exec_module(m); "
    )
    command = [sys.executable, "-c", load_this + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_what_is_to_do() -> None:
    assert total(PLAN) == 16
    keys = todo(PLAN, [], 0.1)
    assert keys == [
        (CASES[case].name, name, repeat, 0.1)
        for repeat, names in ((0, ("random", "stride")), (1, ("stride", "random")))
        for case in (0, 1)
        for name in names
    ]
    assert todo(PLAN, ALL, 0.1) == []
    assert todo(PLAN, ALL, 0.2) == []
    assert complete(PLAN, ALL)
    stopped = [replace(ALL[0], termination=Termination.TIME_LIMIT), *ALL[1:]]
    assert todo(PLAN, stopped, 0.2) == [(*ALL[0].key[:3], 0.2)]
    killed = [replace(ALL[0], termination=None, failure="killed: it held 9 GiB"), *ALL[1:]]
    assert complete(PLAN, killed)
    refused = [replace(ALL[0], termination=None, failure="TooLarge: 1 s is needed"), *ALL[1:]]
    assert todo(PLAN, refused, 0.2) == [(*ALL[0].key[:3], 0.2)]


# -- killed and resumed ---------------------------------------------------------------------------

COMPARE = """
import sys
from pathlib import Path
import tests_folder as t
t.measure(t.PLAN, t.CASES, out=Path(sys.argv[1]), resume=True)
"""


def test_kill_9_at_any_point_loses_nothing_that_was_finished(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    seen: dict[Any, str] = {}
    kills = 0
    load_this = (
        "import importlib.util as u, sys; "
        f"s = u.spec_from_file_location('tests_folder', {__file__!r}); "
        "m = u.module_from_spec(s); sys.modules['tests_folder'] = m; s.loader.exec_module(m)\n"
    )
    rows = tmp_path / "rows.jsonl"
    for wanted in (1, 4, 99):
        process = subprocess.Popen(
            [sys.executable, "-c", load_this + COMPARE, str(tmp_path)], env=env
        )
        while process.poll() is None and len(_lines(rows)) < wanted:
            time.sleep(0.005)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        for line in _lines(rows):
            data = json.loads(line)
            key = (data["case"], data["solver"], data["repeat"], data["time_limit"])
            assert seen.setdefault(key, line) == line, "a finished run was measured again"
    assert kills == 2
    results = load_results(tmp_path)
    assert results.complete
    assert len(results.rows) == len(seen) == 8
    assert len({found.key for found in results.rows}) == 8
    assert 2 <= len(results.sessions) <= 3
    whole = measure(PLAN, CASES).results
    assert sorted((r.key, r.objective, r.indices) for r in whole.rows) == sorted(
        (r.key, r.objective, r.indices) for r in results.rows
    )


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return path.read_text().rpartition("\n")[0].splitlines()


def test_a_plan_of_before_is_read() -> None:
    former = PLAN.to_dict()
    former["entrants"] = former.pop("contenders")
    assert Plan.from_dict(former).contenders == PLAN.contenders


def test_measured_in_memory_and_in_a_folder(tmp_path: Path) -> None:
    class Counting(MeasurementObserver):
        rows = 0

        def row(self, row: Row) -> None:
            self.rows += 1

    watcher = Counting()
    kept = measure(PLAN, CASES, out=tmp_path, watcher=watcher)
    assert not kept.interrupted
    assert kept.results.complete
    assert watcher.rows == len(kept.results.rows) == 8
    assert load_results(tmp_path).rows == kept.results.rows
    again = measure(PLAN, CASES, out=tmp_path, resume=True, watcher=watcher)
    assert watcher.rows == 8  # nothing is measured twice
    assert again.results.rows == kept.results.rows
    with pytest.raises(InvalidOption, match="nothing to resume"):
        measure(PLAN, CASES, resume=True)


def test_the_machine_and_the_commit(tmp_path: Path) -> None:
    here = Machine.here()
    assert here.cpu
    assert here.cores >= 1
    assert packages(["random", "stride"]) == {}
    if (Path(__file__).parents[2] / ".git").exists():
        assert len(commit()) >= 12
