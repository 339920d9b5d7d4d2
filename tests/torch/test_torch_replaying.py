"""Which choices are recorded; what the recording does is tested on a GPU, with the rules."""

import copy
import pickle
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
replaying = pytest.importorskip("subsetopt.torch.rules.replaying")
rule = pytest.importorskip("subsetopt.torch.rules").rule

from subsetopt.errors import InvalidOption  # noqa: E402


class Planted:
    """Stands for a graph: says so in place of choosing."""

    def __init__(self, choose: Any, losses: Any, k: int, features: Any, generator: Any) -> None:
        if k == 13:
            raise RuntimeError("operation not permitted when stream is capturing")

    def __call__(self, losses: Any, features: Any) -> str:
        return "replayed"


def choose(losses: Any, k: int, *, generator: Any, features: Any) -> str:
    return "chosen"


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Stream:
        cuda_stream = 0

    monkeypatch.setattr(replaying, "_Recorded", Planted)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())
    return replaying.Replays()


def asked(replays: Any, n: int = 20, k: int = 3, features: Any = None) -> Any:
    return replays(choose, torch.ones(1, n), k, features, torch.Generator())


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


def test_it_is_an_option() -> None:
    assert rule("obftf").graph
    with pytest.raises(InvalidOption, match=r"graph must .*got 1"):
        rule("obftf", graph=1)
