"""What compiles or records on a GPU is said, in one line on standard error for each process."""

import logging
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
replaying = pytest.importorskip("subsetopt.torch.rules._replaying")
Candidates = pytest.importorskip("subsetopt.torch.rules._candidates").Candidates

from subsetopt._announcing import LOGGER, Announcement  # noqa: E402

Said = Callable[[], str]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """Return what reads standard error, where all that is announced takes long enough."""

    class Timer:
        def __init__(self, seconds: float, call: Any, arguments: list[str]) -> None:
            self.start = lambda: call(*arguments)
            self.cancel = lambda: None

    monkeypatch.setattr("subsetopt._announcing.threading.Timer", Timer)
    # What Python does where logging is not set up; under pytest it is.
    monkeypatch.setattr(LOGGER, "handlers", [logging.lastResort])
    return lambda: capsys.readouterr().err


def test_recording_is_announced_once(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    lines: list[str] = []

    class Planted:
        def __init__(self, *arguments: Any) -> None:
            lines.append(said())

        def __call__(self, given: Any) -> str:
            return "replayed"

    class Stream:
        cuda_stream = 0

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream)
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())
    monkeypatch.setattr(replaying, "_Recorded", Planted)
    monkeypatch.setattr(replaying, "_RECORDING", Announcement(replaying._RECORDING.message))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chooser = SimpleNamespace(
        graph=True,
        waits=False,
        _chosen=lambda *_: "chosen",
        _own_generator=lambda device: torch.Generator(),
    )
    replays = replaying.Replays()
    for n in (20, 21):
        answers = [
            replays(chooser, Candidates((1, n), torch.device("cuda")), 3, None) for _ in range(6)
        ]
        assert answers == ["chosen"] * 3 + ["replayed"] * 3
    assert said() == ""
    assert lines == [
        "subsetopt: recording choices as CUDA graphs, once for each shape of the batches\n",
        "",
    ]


@pytest.fixture
def triton_mean(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield the module as it is with a Triton that compiles nothing."""
    triton, language = (ModuleType(name) for name in ("triton", "triton.language"))
    for module in (triton, language):
        module.__spec__ = ModuleSpec(module.__name__, None)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    triton.__path__ = []
    faked: Any = triton
    faked.jit = lambda function=None, **_: function or (lambda function: function)
    faked.next_power_of_2 = lambda n: 1 << (n - 1).bit_length()
    monkeypatch.setattr(language, "constexpr", lambda value: value, raising=False)
    name = "subsetopt.torch.search._triton_mean"
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield pytest.importorskip(name)
    monkeypatch.delitem(sys.modules, name, raising=False)


def test_triton_is_announced_once(
    monkeypatch: pytest.MonkeyPatch, triton_mean: Any, said: Said
) -> None:
    lines: list[str] = []

    def launch(*arguments: Any, **constants: Any) -> None:
        lines.append(said())

    class Kernel:
        def __getitem__(self, grid: tuple[int, ...]) -> Any:
            assert grid == (2,)
            return launch

    monkeypatch.setattr(triton_mean, "_kernel", Kernel())
    monkeypatch.setattr(triton_mean, "_COMPILED", set())
    for n in (64, 64, 300):
        assert triton_mean.match_mean(torch.ones(2, n), 8).shape == (2, 8)
    assert said() == ""
    assert lines == [
        "subsetopt: compiling a kernel in Triton, once per machine for each size of batches\n",
        "",
        "",
    ]
