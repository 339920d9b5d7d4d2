"""On each of two ranks: batches through the loaders of Hugging Face Accelerate, by gloo."""

import json
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
import torch

from subsetopt.errors import InvalidOption

loops: Any = import_module("loops" if __name__ == "__main__" else ".loops", __package__)
accelerate: Any = import_module("accelerate")
states: Any = import_module("accelerate.state")

SAMPLERS, epoch, loader, plain = loops.SAMPLERS, loops.epoch, loops.loader, loops.plain
Check = Callable[[int], None]
CHECKS: dict[str, Check] = {}


def accelerator(**options: Any) -> Any:
    config = accelerate.DataLoaderConfiguration(**options)
    return accelerate.Accelerator(cpu=True, dataloader_config=config)


def ready(chosen: Any, workers: int = 0, **options: Any) -> Any:
    return accelerator(**options).prepare(loader(chosen, workers))


def unsharded(chosen: Any) -> Any:
    """Return the loader that the documentation advises for several processes."""
    return accelerate.data_loader.prepare_data_loader(
        loader(chosen), accelerator().device, num_processes=1, process_index=0, put_on_device=True
    )


def on_all_ranks(check: Check) -> Check:
    CHECKS[check.__name__] = check
    return check


@on_all_ranks
def sharded_batches_are_those_of_a_plain_loop_with_ranks(rank: int) -> None:
    for name in ("sequence", "shuffled"):
        for drop in (False, True):
            made = ready(SAMPLERS[name](drop_last=drop))
            assert made.batch_sampler.num_processes == 2  # as prepare() does it
            expected = plain(name, 2, rank=rank, world_size=2, drop_last=drop)
            assert [epoch(made), epoch(made)] == expected


@on_all_ranks
def sharded_batches_are_together_those_of_one_process(rank: int) -> None:
    for name in ("unif_sgd", "coreset", "c_sgd"):
        made = ready(SAMPLERS[name]())
        (expected,) = plain(name, 1)
        assert epoch(made) == (expected + expected[:1])[rank::2]
        uneven = ready(SAMPLERS[name](), even_batches=False)
        assert epoch(uneven) == expected[rank::2]


@on_all_ranks
def batches_are_not_sharded_twice(rank: int) -> None:
    for name in SAMPLERS:
        with pytest.raises(InvalidOption, match="over 2 processes once more; keep rank"):
            epoch(ready(SAMPLERS[name](rank=rank, world_size=2)))


@on_all_ranks
def loaders_prepared_without_sharding_give_each_rank_its_own(rank: int) -> None:
    ranks = {"rank": rank, "world_size": 2}
    for name in SAMPLERS:
        expected = plain(name, 4, **ranks)
        made = unsharded(SAMPLERS[name](**ranks))
        assert [epoch(made) for _ in range(4)] == expected
        chosen = SAMPLERS[name](**ranks)
        chosen.load_state_dict(loops.stopped(name, 2, 1, **ranks))
        made = unsharded(chosen)
        assert [epoch(chosen.track(made)), epoch(made)] == [expected[2][1:], expected[3]]


@on_all_ranks
def sharded_runs_are_resumed(rank: int) -> None:
    for name in ("shuffled", "unif_sgd"):
        made = ready(SAMPLERS[name]())
        expected = [epoch(made) for _ in range(3)]
        for done in (1, 2, 3):
            chosen = SAMPLERS[name]()
            made = ready(chosen)
            epoch(chosen.track(made))
            for number, _ in enumerate(chosen.track(made), start=1):
                if number == done:
                    break
            state = chosen.state_dict()
            again = SAMPLERS[name]()
            again.load_state_dict(state)
            made = ready(again)
            rest = epoch(again.track(made))
            assert rest == (expected[1][done:] or expected[2])
            if done < 3:
                assert epoch(again.track(made)) == expected[2]


@on_all_ranks
def what_one_rank_has_learned_is_known_to_all(rank: int) -> None:
    chosen = SAMPLERS["c_sgd"]()
    made = ready(chosen)
    for batch in made:
        loops.teach(chosen, batch)
    with pytest.raises(InvalidOption, match=r"there are 2 ranks, .* call sampler\.exchange"):
        epoch(made)
    chosen.exchange()
    own = epoch(made)
    parts: list[Any] = [None, None]
    torch.distributed.all_gather_object(parts, own)
    turns = [batch for turn in zip(*parts, strict=True) for batch in turn]
    alone = SAMPLERS["c_sgd"]()  # what one process with all of it would draw
    (first,) = plain("c_sgd", 1)
    for batch in first + first[:1]:
        loops.teach(alone, torch.tensor(batch))
    alone.set_epoch(1)
    expected = list(alone)
    assert turns == expected + expected[:1]


@on_all_ranks
def dispatched_batches_are_not_counted(rank: int) -> None:
    chosen = SAMPLERS["sequence"]()
    with pytest.raises(InvalidOption, match="dispatch_batches is True"):
        epoch(chosen.track(ready(chosen, dispatch_batches=True)))


def run_rank(rank: int, place: str) -> dict[str, str]:
    """Run all checks that the rank gets to; a failure ends them, for the other rank would wait."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"LOCAL_WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", f"file://{place}", timedelta(seconds=30), rank=rank, world_size=2
    )
    results = dict.fromkeys(CHECKS, "not reached")
    for name, check in CHECKS.items():
        for state in (states.AcceleratorState, states.PartialState, states.GradientState):
            state._reset_state()
        try:
            assert accelerator().num_processes == 2
            check(rank)
            results[name] = "passed"
        except BaseException:
            results[name] = traceback.format_exc()
            break
    torch.distributed.destroy_process_group()
    return results


def run_all(place: str) -> None:
    """Print the results of both ranks, as JSON; where it can, fork what has been imported once."""
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    with ProcessPoolExecutor(2, context) as pool:
        ends = [pool.submit(run_rank, rank, place) for rank in range(2)]
        print(json.dumps([end.result() for end in ends]), flush=True)


if __name__ == "__main__":
    run_all(*sys.argv[1:])
