"""Batches through the loaders of Ray Train: those of a plain loop, or an error."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from subsetopt.errors import InvalidOption

torch: Any = pytest.importorskip("torch")

from torch.utils.data import DataLoader, DistributedSampler  # noqa: E402

from .loops import SAMPLERS, loader, plain  # type: ignore[import-not-found]  # noqa: E402


def test_a_loader_whose_batches_are_of_another_sampler_is_told() -> None:
    chosen = SAMPLERS["sequence"]()
    given = loader(chosen)
    # What ray.train.torch.prepare_data_loader (2.60) makes of it where there are several workers.
    made: Any = DataLoader(
        dataset=given.dataset,
        batch_size=given.batch_size,
        shuffle=False,
        num_workers=given.num_workers,
        collate_fn=torch.as_tensor,
        drop_last=given.drop_last,
        sampler=DistributedSampler(given.dataset, num_replicas=2, rank=0, shuffle=False),
    )
    with pytest.raises(InvalidOption, match="add_dist_sampler=False"):
        list(chosen.track(made))
    assert next(iter(chosen.track(given))).tolist() == plain("sequence", 1)[0][0]


def train(options: dict[str, str]) -> None:
    """On each worker: write down whether the batches are those of a plain loop with ranks."""
    import sys

    sys.path.insert(0, options["tests"])
    import ray.train.torch as framework
    from loops import SAMPLERS, epoch, loader, plain
    from ray.train import get_context

    from subsetopt.errors import InvalidOption

    ranks = {"rank": get_context().get_world_rank(), "world_size": get_context().get_world_size()}
    told = {}
    for name, make in SAMPLERS.items():
        made = framework.prepare_data_loader(loader(make(**ranks)), add_dist_sampler=False)
        told[name] = [epoch(made), epoch(made)] == plain(name, 2, **ranks)
    chosen = SAMPLERS["sequence"](**ranks)
    given = loader(chosen)
    given.collate_fn = int  # Ray takes samples one by one, and collates each
    try:
        list(chosen.track(framework.prepare_data_loader(given, move_to_device=False)))
    except InvalidOption as error:
        told["replaced"] = "add_dist_sampler=False" in str(error)
    Path(options["out"], f"{ranks['rank']}.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.mark.filterwarnings("ignore")  # of Ray
@pytest.mark.slow  # two minutes on a busy machine: Ray starts a cluster
def test_two_workers_of_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ray: Any = pytest.importorskip("ray", reason="Ray is not installed")
    pytest.importorskip("ray.train.torch", reason="Ray Train is not installed")
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    monkeypatch.setitem(os.environ, "RAY_USAGE_STATS_ENABLED", "0")
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20)
    try:
        TorchTrainer(
            train,
            train_loop_config={"tests": str(Path(__file__).parent), "out": str(tmp_path)},
            scaling_config=ScalingConfig(num_workers=2),
            run_config=RunConfig(storage_path=str(tmp_path / "runs")),
        ).fit()
    finally:
        ray.shutdown()
    for rank in range(2):
        told = json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8"))
        assert told == dict.fromkeys([*SAMPLERS, "replaced"], True)
