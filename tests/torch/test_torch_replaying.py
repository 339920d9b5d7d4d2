"""Which choices are recorded; what the recording does is tested on a GPU, with the rules."""

import copy
import pickle
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
replaying = pytest.importorskip("subsetopt.torch.rules._replaying")
rule = pytest.importorskip("subsetopt.torch.rules").rule
Candidates = pytest.importorskip("subsetopt.torch.rules._candidates").Candidates

from subsetopt.errors import InvalidOption  # noqa: E402


class Planted:
    """Stands for a graph: says so in place of choosing."""

    def __init__(self, rule: Any, given: Any, k: int, generator: Any) -> None:
        if k == 13:
            raise RuntimeError("operation not permitted when stream is capturing")

    def __call__(self, given: Any) -> str:
        return "replayed"


class Chooser:
    """Stands for a rule."""

    graph, waits = True, False

    def _chosen(self, given: Any, k: int, generator: Any) -> str:
        return "chosen"

    def _own_generator(self, device: Any) -> Any:
        return torch.Generator()


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Stream:
        cuda_stream = 0

    monkeypatch.setattr(replaying, "_Recorded", Planted)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())
    return replaying.Replays()


def asked(replays: Any, n: int = 20, k: int = 3, features: Any = None) -> Any:
    given = Candidates((1, n), torch.device("cuda"), torch.ones(1, n), features)
    return replays(Chooser(), given, k, None)


def test_what_comes_a_fourth_time_is_recorded(replays: Any) -> None:
    assert [asked(replays) for _ in range(5)] == ["chosen"] * 3 + ["replayed"] * 2
    assert asked(replays, n=21) == asked(replays, k=4) == "chosen"
    assert asked(replays, features=torch.ones(1, 20, 2)) == "chosen"
    replays.clear()
    assert asked(replays) == "chosen"


def test_what_cannot_be_recorded_goes_on_as_before(replays: Any) -> None:
    assert {asked(replays, k=13) for _ in range(6)} == {"chosen"}


def test_a_graph_of_the_caller_s_records_the_choice_itself(
    replays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    assert {asked(replays) for _ in range(6)} == {"chosen"}


def test_few_shapes_are_recorded(replays: Any) -> None:
    found = [[asked(replays, n=n) for _ in range(4)][-1] for n in range(20, 30)]
    assert found == ["replayed"] * 8 + ["chosen"] * 2


def test_copies_have_recorded_nothing(replays: Any) -> None:
    for _ in range(4):
        asked(replays)
    for twin in (copy.deepcopy(replays), pickle.loads(pickle.dumps(replays))):
        assert asked(twin) == "chosen"


def test_what_is_not_recorded(replays: Any) -> None:
    given = Candidates((1, 20), torch.device("cuda"))
    plain, waiting = Chooser(), Chooser()
    plain.graph, waiting.waits = False, True
    for rule, k, generator in (
        (plain, 3, None),
        (waiting, 3, None),
        (Chooser(), None, None),
        (Chooser(), 3, torch.Generator()),
    ):
        assert {replays(rule, given, k, generator) for _ in range(6)} == {"chosen"}
    on_the_cpu = given._replace(device=torch.device("cpu"))
    assert {replays(Chooser(), on_the_cpu, 3, None) for _ in range(6)} == {"chosen"}
    assert [replays(Chooser(), given, 3, None) for _ in range(4)][-1] == "replayed"


def test_it_is_an_option() -> None:
    assert rule("obftf").graph
    with pytest.raises(InvalidOption, match=r"graph must .*got 1"):
        rule("obftf", graph=1)
