"""Batches through the loaders of Hugging Face Accelerate: those of a plain loop, or an error."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
accelerate: Any = pytest.importorskip("accelerate", reason="Accelerate is not installed")

from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.torch import SequenceBatchSampler  # noqa: E402
from subsetopt.torch._prepared import Prepared, prepared  # noqa: E402

from .accelerate_ranks import (  # type: ignore[import-not-found]  # noqa: E402
    CHECKS,
    accelerator,
    ready,
)
from .loops import (  # type: ignore[import-not-found]  # noqa: E402
    ORDER,
    SAMPLERS,
    epoch,
    loader,
    plain,
    stopped,
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    accelerate.state.GradientState._reset_state()


@pytest.mark.parametrize(("name", "workers"), [*((name, 0) for name in SAMPLERS), ("shuffled", 2)])
def test_a_resumed_run_goes_on_where_it_was(name: str, workers: int) -> None:
    expected = plain(name, 5)
    made = ready(SAMPLERS[name](), workers)
    assert [epoch(made) for _ in range(5)] == expected
    chosen = SAMPLERS[name]()
    chosen.load_state_dict(stopped(name, 2, 3))
    made = ready(chosen, workers)
    assert [epoch(made) for _ in range(3)] == [expected[2][3:], *expected[3:]]


@pytest.mark.parametrize("done", [1, 4, 5])
def test_what_the_loop_has_received_is_what_a_state_counts(done: int) -> None:
    expected = plain("shuffled", 3)
    chosen = SAMPLERS["shuffled"]()
    made = ready(chosen)
    epoch(chosen.track(made))
    for number, batch in enumerate(chosen.track(made), start=1):
        assert batch.tolist() == expected[1][number - 1]
        if number == done:
            break
    again = SAMPLERS["shuffled"]()
    again.load_state_dict(chosen.state_dict())
    rest = epoch(again.track(ready(again)))
    assert rest == (expected[1][done:] or expected[2])


def test_a_state_that_would_be_a_batch_ahead_is_refused() -> None:
    chosen = SAMPLERS["sequence"]()
    made = ready(chosen)
    for _ in made:
        with pytest.raises(InvalidOption, match=r"loop over sampler\.track\(loader\)"):
            chosen.state_dict()
        break
    for number, _ in enumerate(ready(chosen)):
        chosen.mark(number + 1)  # as callbacks of trainers do
        assert chosen.state_dict()["batches_done"] == (number + 1) % 5


def test_epochs_that_the_loop_sets() -> None:
    expected = plain("unif_sgd", 6)
    chosen = SAMPLERS["unif_sgd"]()
    made = ready(chosen)
    chosen.set_epoch(2)  # and nothing more
    assert [epoch(made), epoch(made)] == expected[2:4]
    for number in (3, 4):  # each epoch
        chosen.set_epoch(number)
        assert epoch(made) == expected[number]
    made.set_epoch(1)  # back, on request
    assert epoch(made) == expected[1]
    assert epoch(loader(chosen)) == expected[2]  # a plain loop between
    assert epoch(ready(chosen)) == expected[3]


def test_a_loaded_state_is_not_undone_by_set_epoch() -> None:
    expected = plain("shuffled", 4)
    chosen = SAMPLERS["shuffled"]()
    chosen.load_state_dict(stopped("shuffled", 2, 3))
    for number in (0, 2):
        chosen.set_epoch(number)
        assert chosen.state_dict()["batches_done"] == 3
    assert epoch(loader(chosen)) == expected[2][3:]
    chosen.set_epoch(3)
    assert epoch(loader(chosen)) == expected[3]
    chosen.set_epoch(0)
    assert chosen.epoch == 4
    chosen.set_epoch(0, rewind=True)
    assert epoch(loader(chosen)) == expected[0]
    chosen.set_epoch(0)  # nothing is loaded any more
    assert epoch(loader(chosen)) == expected[0]


def test_skipping_once_is_enough() -> None:
    expected = plain("shuffled", 3)
    chosen = SAMPLERS["shuffled"]()
    made = ready(chosen)
    made.set_epoch(2)
    assert epoch(accelerate.skip_first_batches(made, 3)) == expected[2][3:]
    chosen.load_state_dict(stopped("shuffled", 2, 3))
    with pytest.raises(InvalidOption, match="comes on top of a loaded state"):
        epoch(accelerate.skip_first_batches(made, 3))


def test_gathered_metrics_are_of_all_samples_of_a_budget() -> None:
    own = accelerator()
    batches = SequenceBatchSampler(ORDER[:18], 6)  # a batch of 6 is no remainder of 40 samples
    made = own.prepare(loader(batches))
    seen = [own.gather_for_metrics(batch).tolist() for batch in made]
    assert [sample for batch in seen for sample in batch] == ORDER[:18].tolist()


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # of torch, by torchdata 0.11
@pytest.mark.parametrize("done", [2, 5])
def test_loaders_of_accelerate_that_keep_the_state(done: int) -> None:
    pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")
    expected = plain("shuffled", 4)
    made = ready(SAMPLERS["shuffled"](), use_stateful_dataloader=True)
    assert epoch(made) == expected[0]
    for number, _ in enumerate(made, start=1):
        if number == done:
            break
    state = made.state_dict()
    again = ready(SAMPLERS["shuffled"](), use_stateful_dataloader=True)
    again.load_state_dict(state)
    rest = [epoch(again), epoch(again)]
    assert rest == ([expected[1][done:], expected[2]] if done < 5 else expected[2:])
    learning = ready(SAMPLERS["c_sgd"](), use_stateful_dataloader=True)
    with pytest.raises(InvalidOption, match="use_stateful_dataloader is True"):
        epoch(learning)


def test_the_reasons_to_refuse() -> None:
    made = Prepared(processes=2, padded=True, skipped=0, dispatched=True, stateful=False)
    made.require_usable(1, 3)
    with pytest.raises(InvalidOption, match=r"world_size=2, .* over 2 processes once more"):
        made.require_usable(2, 0)
    assert prepared(SAMPLERS["sequence"](), loader(SAMPLERS["sequence"]())) is None  # of another


# -- two processes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    place = tmp_path_factory.mktemp("ranks") / "store"
    script = Path(__file__).with_name("accelerate_ranks.py")
    command = [sys.executable, str(script), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    found: list[dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_on_all_ranks(check: str, outcome: list[dict[str, str]]) -> None:
    for rank, results in enumerate(outcome):
        assert results[check] == "passed", f"rank {rank}: {results[check]}"
