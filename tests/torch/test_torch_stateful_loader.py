"""Batches through torchdata's StatefulDataLoader, which keeps the state of the sampler itself."""

from typing import Any

import pytest

pytest.importorskip("torch")
stateful: Any = pytest.importorskip(
    "torchdata.stateful_dataloader", reason="torchdata is not installed"
)

from .loops import (  # type: ignore[import-not-found]  # noqa: E402
    SAMPLERS,
    epoch,
    loader,
    plain,
    teach,
)

pytestmark = pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # of torch, by 0.11


def ready(name: str, workers: int, state: Any = None) -> tuple[Any, Any]:
    chosen = SAMPLERS[name]()
    made = loader(chosen, workers, stateful.StatefulDataLoader)
    if state is not None:
        made.load_state_dict(state)
    return chosen, made


def state_after(name: str, workers: int, epochs: int, done: int) -> Any:
    chosen, made = ready(name, workers)
    for _ in range(epochs):
        for batch in made:
            teach(chosen, batch)
    for number, batch in enumerate(made, start=1):
        teach(chosen, batch)
        if number == done:
            return made.state_dict()
    raise AssertionError("there are fewer batches")


@pytest.mark.parametrize(
    ("name", "workers"), [*((name, 0) for name in SAMPLERS if name != "c_sgd"), ("shuffled", 2)]
)
def test_exactly_the_remaining_batches_follow(name: str, workers: int) -> None:
    expected = plain(name, 5)
    for epochs, done in ((0, 2), (2, 3), (1, 5)):
        state = state_after(name, workers, epochs, done)
        _, made = ready(name, workers, state)
        if done == 5:  # the epoch has ended
            assert [epoch(made), epoch(made)] == expected[epochs + 1 : epochs + 3]
        else:
            assert [epoch(made), epoch(made)] == [expected[epochs][done:], expected[epochs + 1]]


def test_importances_are_kept_too() -> None:
    chosen, made = ready("c_sgd", 0)
    whole = []
    for _ in range(3):
        for batch in made:
            whole.append(batch.tolist())
            teach(chosen, batch)
    chosen, made = ready("c_sgd", 0, state_after("c_sgd", 0, 1, 2))
    rest = []
    for _ in range(2):
        for batch in made:
            rest.append(batch.tolist())
            teach(chosen, batch)
    assert rest == whole[7:]


def test_a_loop_that_counts_goes_on_from_the_state_of_the_sampler() -> None:
    expected = plain("shuffled", 3)
    chosen, made = ready("shuffled", 2)
    epoch(chosen.track(made))
    for number, _ in enumerate(chosen.track(made), start=1):
        if number == 3:
            break
    again, made = ready("shuffled", 2)
    again.load_state_dict(chosen.state_dict())
    assert [epoch(again.track(made)), epoch(made)] == [expected[1][3:], expected[2]]
