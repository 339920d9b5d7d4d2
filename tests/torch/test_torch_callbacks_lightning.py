"""The callback in Lightning's own Trainer: epochs, checkpoints in mid-epoch, logs."""

import itertools
import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from subsetopt.errors import InvalidOption

torch = pytest.importorskip("torch")

from subsetopt.torch._epochs import sampler  # noqa: E402
from subsetopt.torch._watching import CSVWriter, Watcher  # noqa: E402
from subsetopt.torch.budgets import LinearBudget  # noqa: E402

from .later import Later  # type: ignore[import-not-found]  # noqa: E402
from .loops import SAMPLERS, plain  # type: ignore[import-not-found]  # noqa: E402
from .loops import loader as plain_loader  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # Lightning's, of small data and few workers
    pytest.mark.skipif(not find_spec("lightning"), reason="Lightning is not installed"),
]
models = Later(f"{__package__}.lightning_models")
pl, fabric = Later("lightning.pytorch"), Later("lightning.fabric")
callbacks = Later("subsetopt.torch.callbacks.lightning")

N = 40
IDS = torch.arange(N)
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


def trainer(folder: Path, *used: Any, epochs: int = 3, **options: Any) -> Any:
    plain: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": any(isinstance(c, pl.callbacks.ModelCheckpoint) for c in used),
    }
    options = plain | options
    return pl.Trainer(max_epochs=epochs, default_root_dir=folder, callbacks=list(used), **options)


def loader(chosen: Any, workers: int = 0) -> Any:
    options = {"multiprocessing_context": "fork", "persistent_workers": True} if workers else {}
    data = torch.utils.data.TensorDataset(IDS, X, Y)
    return torch.utils.data.DataLoader(data, batch_sampler=chosen, num_workers=workers, **options)


def made(name: str, budget: Any = 0.5, **options: Any) -> Any:
    return sampler(name, N, 5, budget, **options)


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_counts_and_logs(workers: int, tmp_path: Path) -> None:
    chosen, watcher, model = made("unif_sgd"), Watcher(N, Y), models.Model()
    written: list[tuple[int, dict[str, float]]] = []
    writer: Any = SimpleNamespace(write=lambda step, values: written.append((step, values)))
    callback = callbacks.SelectionCallback(chosen, watcher=watcher, writer=writer)
    run = trainer(tmp_path, callback)
    run.fit(model, loader(chosen, workers))
    expected = made("unif_sgd")
    assert model.seen == [batch for _ in range(3) for batch in expected]
    counts = torch.bincount(torch.tensor(list(itertools.chain(*model.seen))), minlength=N)
    assert torch.equal(watcher.counts, counts)
    assert [step for step, _ in written] == [4, 8, 12]
    logged = {f"selection/{name}": value for name, value in written[-1][1].items()}
    assert {name: run.callback_metrics[name].item() for name in logged} == pytest.approx(logged)
    assert logged["selection/loss_all"] < 0.693  # it has learned something


def test_the_epoch_of_a_second_fit(tmp_path: Path) -> None:
    chosen, model = made("unif_sgd"), models.Model()
    next(iter(chosen))
    chosen.set_epoch(5)  # left over from something else
    trainer(tmp_path, callbacks.SelectionCallback(chosen), epochs=1).fit(model, loader(chosen))
    assert model.seen == list(made("unif_sgd"))


@pytest.mark.parametrize(("workers", "steps"), [(0, 2), (0, 4), (0, 11), (2, 6)])
def test_a_resumed_run_is_the_same_run(workers: int, steps: int, tmp_path: Path) -> None:
    def run(folder: Path, path: str | None = None, save: bool = False) -> tuple[Any, Any]:
        chosen, model, watcher = made("p_sgd"), models.Choosing(), Watcher(N)
        saving = pl.callbacks.ModelCheckpoint(
            folder, "{step}", every_n_train_steps=steps, save_top_k=-1
        )
        callback = callbacks.SelectionCallback(chosen, model.step, watcher)
        used = [callback, saving] if save else [callback]
        trainer(folder, *used).fit(model, loader(chosen, workers), ckpt_path=path)
        return model, watcher

    whole, watched = run(tmp_path, save=True)
    again, rewatched = run(tmp_path / "again", str(tmp_path / f"step={steps}.ckpt"))
    assert again.seen == whole.seen[steps:]
    assert len(whole.seen) == 12
    assert torch.equal(again.net.weight, whole.net.weight)
    assert torch.equal(rewatched.counts, watched.counts)


def test_importances_are_learned(tmp_path: Path) -> None:
    for model in (models.Model(), models.Choosing()):
        chosen = made("c_sgd")
        step = getattr(model, "step", None)
        trainer(tmp_path, callbacks.SelectionCallback(chosen, step)).fit(model, loader(chosen))
        assert float(chosen._past[1].sum()) == 40  # two epochs have been taken in
        assert chosen.probabilities.std() > 0


def test_mistakes_are_told(tmp_path: Path) -> None:
    chosen = made("p_sgd")
    with pytest.raises(InvalidOption, match="the training step returned none"):
        trainer(tmp_path, callbacks.SelectionCallback(chosen)).fit(models.Silent(), loader(chosen))
    chosen = made("unif_sgd", rank=1, world_size=2)
    with pytest.raises(InvalidOption, match="rank 1 of 2, but the trainer 0 of 1"):
        trainer(tmp_path, callbacks.SelectionCallback(chosen)).fit(models.Model(), loader(chosen))
    with pytest.raises(InvalidOption, match="nothing says which samples a batch holds"):
        callbacks.SelectionCallback(watcher=Watcher(N))
    with pytest.raises(InvalidOption, match="no watcher"):
        callbacks.SelectionCallback(made("unif_sgd"), writer=CSVWriter("none.csv"))
    saved = callbacks.SelectionCallback(made("unif_sgd")).selection.state_dict()
    with pytest.raises(InvalidOption, match="holds sampler of a selection, but the callback has n"):
        callbacks.SelectionCallback().selection.load_state_dict(saved, 1)


def test_growing_epochs(tmp_path: Path) -> None:
    growing = LinearBudget(0.25, 1.0)
    chosen = made("unif_sgd", growing, epochs=4)
    with pytest.raises(InvalidOption, match="epoch 1 has 4 batches, but the trainer stops after 2"):
        trainer(tmp_path, callbacks.SelectionCallback(chosen)).fit(models.Model(), loader(chosen))
    chosen, model = made("unif_sgd", growing, epochs=4), models.Model()
    run = trainer(
        tmp_path, callbacks.SelectionCallback(chosen), epochs=4, reload_dataloaders_every_n_epochs=1
    )
    run.fit(model, loader(chosen))
    expected = made("unif_sgd", growing, epochs=4)
    assert model.seen == [batch for _ in range(4) for batch in expected]


def test_ids_of_the_batch(tmp_path: Path) -> None:
    watcher, model = Watcher(N), models.Choosing()
    data = torch.utils.data.TensorDataset(IDS, X, Y)
    shuffled = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    callback = callbacks.SelectionCallback(watcher=watcher, ids=lambda batch: batch[0])
    trainer(tmp_path, callback).fit(model, shuffled)
    counts = torch.bincount(torch.tensor(list(itertools.chain(*model.seen))), minlength=N)
    assert torch.equal(watcher.counts, counts)


# -- loaders that Lightning builds anew ------------------------------------------------------------


@pytest.mark.parametrize("name", ["sequence", "unif_sgd"])
@pytest.mark.parametrize("ranks", [{}, {"rank": 1, "world_size": 2}])
def test_predictions_are_of_the_batches_of_a_plain_loop(
    name: str, ranks: dict[str, int], tmp_path: Path
) -> None:
    expected = plain(name, 1, **ranks)
    found = trainer(tmp_path).predict(models.Answering(), plain_loader(SAMPLERS[name](**ranks)))
    assert [batch.tolist() for batch in found] == expected[0]


def test_sampling_that_lightning_would_distribute_is_refused_by_it(tmp_path: Path) -> None:
    chosen = SAMPLERS["sequence"](rank=0, world_size=2)
    with patch.dict(os.environ):  # which Lightning writes to
        try:
            with pytest.raises(TypeError, match=r"Trainer\(use_distributed_sampler=False\)"):
                trainer(tmp_path, strategy="ddp").fit(models.Model(), loader(chosen))
        finally:
            torch.distributed.destroy_process_group()


def test_loaders_of_fabric(tmp_path: Path) -> None:
    made: Any = fabric.Fabric(accelerator="cpu", devices=1).setup_dataloaders(
        plain_loader(SAMPLERS["shuffled"]())
    )
    assert [[batch.tolist() for batch in made] for _ in range(3)] == plain("shuffled", 3)
