"""Native code in a process of its own: it is ended in time, and what it has told is kept."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt._dependencies import OptionalDependency
from subsetopt.errors import TooLarge
from subsetopt.limits import Limits
from subsetopt.solvers.backends import _adapter, _contained, _worker_pool, _worker_process
from subsetopt.solvers.base import RawResult
from subsetopt.solvers.heuristics import _start

SOON = 30.0
"""Seconds that are enough on the busiest machine."""


def twice(report: Any, number: int) -> int:
    return 2 * number


def for_ever(report: Any, *reported: object) -> None:
    for value in reported:
        report(value)
    while True:
        time.sleep(0.01)


def until_asked(report: Any) -> str:
    from subsetopt.solvers.backends._interrupts import FROM_PARENT

    assert FROM_PARENT is not None
    os.kill(os.getppid(), signal.SIGINT)
    return "asked" if FROM_PARENT.wait(SOON) else "never asked"


def never_stops(report: Any) -> None:
    os.kill(os.getppid(), signal.SIGINT)
    for_ever(report)


def slow_to_clear(report: Any) -> int:
    report(7, final=True)
    time.sleep(SOON)
    return 8


def dies(report: Any, code: int) -> None:
    report("last words")
    time.sleep(0.05)
    os._exit(code)


def fails(report: Any) -> None:
    raise TooLarge("too much", seconds=3.0, bytes=5.0)


class Local(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one + two)


def fails_strangely(report: Any) -> None:
    raise Local(1, 2)


def process_of(report: Any) -> int:
    return os.getpid()


def objective(report: Any, problem: Any, selection: Any) -> Any:
    return problem.objective(selection), problem.quadratic_form().matrix


HERE = (__name__,)


@pytest.fixture(autouse=True, scope="module")
def this_module_can_be_imported() -> Iterator[None]:
    _worker_pool.POOL.close()  # those that are kept were started with another path
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        yield


@pytest.fixture
def worker() -> Iterator[_worker_process.Worker]:
    with _contained.worker(HERE) as process:
        process.wait()
        yield process


def test_one_that_was_ended_is_not_kept_for_the_next_call() -> None:
    pool = _worker_pool._WorkerPool()
    process = _worker_process.Worker()
    process.close()  # it lives on for as long as the system takes to end it
    pool.give(process)
    another = pool.take(log=False)
    another.close()
    assert another is not process


def ended(process: _worker_process.Worker) -> bool:
    until = monotonic() + SOON
    while process._process.poll() is None and monotonic() < until:
        time.sleep(0.01)
    return process._process.poll() is not None


def test_a_call_returns(worker: _worker_process.Worker) -> None:
    assert worker.run(twice, 21) == _worker_process.CallEnd("returned", 42)
    assert worker.is_ready(SOON)
    assert worker.run(twice, 4).value == 8


def test_past_its_end_it_is_ended_and_the_last_report_kept(worker: _worker_process.Worker) -> None:
    found = worker.run(for_ever, "first", "second", end=monotonic() + 1.0)
    assert found.how == "time"
    assert str(found.value) == "second"
    assert found.termination is so.Termination.TIME_LIMIT
    assert ended(worker)


@pytest.mark.skipif(os.name != "posix", reason="raises SIGINT")
@pytest.mark.parametrize(
    ("call", "outcome"),
    [(until_asked, ("returned", "asked")), (never_stops, ("interrupted", None))],
)
def test_after_ctrl_c_it_is_asked_and_then_ended(
    worker: _worker_process.Worker, call: Any, outcome: tuple[str, object]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    found = worker.run(call)
    assert (found.how, found.value) == outcome
    assert signal.getsignal(signal.SIGINT) is before


def test_what_is_final_is_not_waited_for(worker: _worker_process.Worker) -> None:
    assert worker.run(slow_to_clear).value == 7
    assert not worker.is_ready()


def test_a_process_that_dies_is_an_outcome(worker: _worker_process.Worker) -> None:
    found = worker.run(dies, 5)
    assert (found.how, found.words) == ("died", "ended with code 5")
    assert str(found.value) == "last words"
    assert found.termination is so.Termination.ERROR


def test_exceptions_come_through() -> None:
    with pytest.raises(TooLarge, match="too much") as raised:
        _contained.call(fails, modules=HERE, limits=Limits())
    assert (raised.value.seconds, raised.value.bytes) == (3.0, 5.0)
    with pytest.raises(RuntimeError, match="Local: 3"):
        _contained.call(fails_strangely, modules=HERE, limits=Limits())
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _contained.call(twice, 1, modules=("no_such_module",), limits=Limits())


def test_a_process_is_used_again_unless_it_had_to_be_ended() -> None:
    first = _contained.call(process_of, modules=HERE, limits=Limits())
    assert first.value != os.getpid()
    assert _contained.call(process_of, modules=HERE, limits=Limits()) == first
    _contained.call(for_ever, modules=HERE, limits=Limits(time_limit=0.05))
    second = _contained.call(process_of, modules=HERE, limits=Limits())
    assert second.how == "returned"
    assert second.value != first.value


def test_a_start_that_is_no_first_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    _contained.call(process_of, modules=HERE, limits=Limits())
    _worker_pool.POOL.close()
    late = _contained.call(process_of, modules=HERE, limits=Limits(time_limit=1e-6))
    assert late == _worker_process.CallEnd("time", None)
    _worker_pool.POOL.close()
    monkeypatch.setattr(_worker_process, "_KNOWN", set())
    first = _contained.call(process_of, modules=HERE, limits=Limits(time_limit=SOON))
    assert first.how == "returned"


def test_threads_have_processes_of_their_own_and_none_is_left() -> None:
    meeting = threading.Barrier(3, timeout=SOON)

    def one(_: int) -> _worker_process.Worker:
        with _contained.worker(HERE) as process:
            process.wait()
            meeting.wait()
            assert process.run(twice, 3).value == 6
            return process

    with ThreadPoolExecutor(3) as pool:
        processes = list(pool.map(one, range(3)))
    assert len({process.process_id for process in processes}) == 3
    _worker_pool.POOL.close()
    assert all(ended(process) for process in processes)


def test_problems_travel_as_they_are() -> None:
    points = np.random.default_rng(0).normal(size=(8, 2))
    evaluated = []

    def kernel(a: Any, b: Any) -> Any:  # which no other process can import
        evaluated.append(1)
        return np.asarray(a) @ np.asarray(b).T

    problem = so.MMDSelection(points, k=3, kernel=kernel)
    chosen, calls = [0, 2, 5], len(evaluated)
    found = _contained.call(objective, problem, chosen, modules=HERE, limits=Limits())
    assert found.value is not None
    assert found.value[0] == problem.objective(chosen)
    np.testing.assert_array_equal(found.value[1], problem.quadratic_form().matrix)
    assert len(evaluated) == calls


KILLED = """
import os, signal
from subsetopt.solvers.backends import _contained
with _contained.worker(()) as process:
    process.wait()
    print(process.process_id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
ENDED = """
from subsetopt.solvers.backends import _contained
with _contained.worker(()) as process:
    process.wait()
print(process.process_id, flush=True)
"""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="looks at /proc")
@pytest.mark.parametrize("program", [KILLED, ENDED], ids=["killed", "ended"])
def test_it_ends_with_its_parent(program: str) -> None:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    number, until = int(result.stdout), monotonic() + SOON
    while os.path.exists(f"/proc/{number}") and monotonic() < until:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{number}")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_process_leaves_the_processes_of_its_parent_alone() -> None:
    mine = _contained.call(process_of, modules=HERE, limits=Limits()).value
    program = (
        "import os\n"
        "from subsetopt.solvers.backends import _contained\n"
        "from subsetopt.limits import Limits\n"
        "with _contained.worker(()) as process:\n"
        "    process.wait()\n"
        "if os.fork() == 0:\n"
        "    with _contained.worker(()) as other:\n"
        "        other.wait()\n"
        "        assert other.process_id != process.process_id\n"
        "        other.close()\n"
        "    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.wait()[1]) == 7\n"
        "assert process.is_ready(60)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
    assert _contained.call(process_of, modules=HERE, limits=Limits()).value == mine


# -- adapters -------------------------------------------------------------------------------------


class Stub(_adapter.Adapter):
    """An adapter without a backend; a name says what it does."""

    name = "stub"
    summary = choose_when = "never"
    handles = ("mean-matching",)
    requires = (OptionalDependency("numpy", "numpy"),)
    stoppable = False
    does = "answers"

    def search(self, problem: Any, limits: Limits, watch: _adapter.Watch) -> RawResult:
        worse = np.argsort(problem.values)[: problem.k]
        answer = RawResult(indices=worse, termination=so.Termination.TIME_LIMIT, bound=0.0)
        if self.does == "nothing":
            return RawResult(indices=None, termination=so.Termination.OPTIMAL)
        watch.report(answer)
        if self.does == "dies":
            time.sleep(0.05)
            os._exit(9)
        while self.does == "overstays":
            time.sleep(0.01)
        return answer


class Overstays(Stub):
    does = "overstays"


class Dies(Stub):
    does = "dies"


class Nothing(Stub):
    does = "nothing"


VALUES = np.random.default_rng(3).exponential(size=40)
MATCHING = so.MeanMatching(VALUES, k=6)
WORST = sorted(np.argsort(VALUES)[:6].tolist())


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    ("stub", "termination", "said"),
    [
        (Stub, so.Termination.TIME_LIMIT, ""),
        (Overstays, so.Termination.TIME_LIMIT, "went on past the time limit"),
        (Dies, so.Termination.ERROR, "ended with code 9"),
    ],
)
def test_there_is_an_answer_in_any_case(
    stub: type[Stub],
    termination: so.Termination,
    said: str,
    warm: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_worker_process, "_KNOWN", set())  # the start takes nothing of the second
    answer = stub(warm_start=warm)._solve(MATCHING, Limits(time_limit=1.0))
    assert answer.termination is termination
    assert said in answer.message
    assert answer.indices is not None
    best = sorted(answer.indices.tolist())
    if warm:
        assert MATCHING.objective(best) < MATCHING.objective(WORST)
        assert "the selection is the start, by swap" in answer.message
    else:
        assert best == WORST


def test_an_optimum_without_a_selection_is_no_optimum() -> None:
    answer = Nothing()._solve(MATCHING, Limits())
    assert answer.termination is so.Termination.ERROR
    assert answer.indices is not None
    assert "disproven" in answer.message


def test_without_a_process_it_is_solved_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    _worker_pool.POOL.close()
    answer = Stub(warm_start=False)._solve(MATCHING, Limits())
    assert "no process of its own" in answer.message
    assert answer.indices is not None
    assert sorted(answer.indices) == WORST


def test_small_problems_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(_contained, "worker", no)
    assert Stub()._solve(so.MeanMatching(VALUES[:12], k=3), Limits()).indices is not None
    for name in ("scip", "highs", "cpsat"):
        if so.solver(name).availability():
            so.solve(so.MeanMatching(np.ones(128), k=13), name)


def test_ctrl_c_before_the_search_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> Any:
        return _start.Start(np.arange(6), "swap", interrupted=True)

    monkeypatch.setattr(_start, "quick", interrupted)
    answer = Stub()._solve(MATCHING, Limits())
    assert answer.termination is so.Termination.INTERRUPTED
    np.testing.assert_array_equal(answer.indices, np.arange(6))


@pytest.mark.parametrize(
    ("indices", "bound", "eps", "expected"),
    [
        # objectives 1 and 0.5; the tolerance is eps less the distance to the bound
        ([0, 3], 1.0, 0.6, (so.Termination.OPTIMAL, 0.6)),
        ([0, 3], 0.25, 0.8, (so.Termination.OPTIMAL, 0.3)),
        ([0, 3], 1.0, 0.25, (so.Termination.ERROR, None)),
        ([0, 2], 0.25, 0.3, (so.Termination.OPTIMAL, 0.3)),
    ],
)
def test_claims_with_a_better_start(
    indices: list[int], bound: float, eps: float, expected: tuple[so.Termination, float | None]
) -> None:
    problem = so.MeanMatching([0.0, 3.0, 1.0, 2.0], k=2, target=0.0)
    start = _start.Start(np.array([0, 2]), "swap")
    optimal = so.Termination.OPTIMAL
    answer = RawResult(
        indices=np.array(indices), termination=optimal, bound=bound, eps=eps, proven=True
    )
    found = _start.not_below(problem, start, answer)
    np.testing.assert_array_equal(found.indices, [0, 2])
    assert found.termination is expected[0]
    assert found.eps == (None if expected[1] is None else pytest.approx(expected[1]))
    assert "the start, by swap" in found.message
    assert found.proven == (indices == [0, 2])
