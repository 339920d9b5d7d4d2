"""The Trainer of transformers with small models made on the spot: selecting, resuming, logging."""

import itertools
import math
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from subsetopt.errors import InvalidOption, InvalidProblem, UnsupportedProblem

torch = pytest.importorskip("torch")

from subsetopt.torch._epochs import sampler  # noqa: E402
from subsetopt.torch._watching import CSVWriter, Watcher  # noqa: E402
from subsetopt.torch.budgets import LinearBudget  # noqa: E402
from subsetopt.torch.callbacks._selection import Selection  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

from .later import Later  # type: ignore[import-not-found]  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of transformers and accelerate
    pytest.mark.skipif(
        not (find_spec("transformers") and find_spec("accelerate")),
        reason="transformers or accelerate is not installed",
    ),
]
transformers = Later("transformers")
huggingface = Later("subsetopt.torch.callbacks.huggingface")

N = 32
TOKENS = torch.randint(1, 20, (N, 6), generator=torch.Generator().manual_seed(0))
DATA = [{"input_ids": row, "labels": row} for row in TOKENS]


def language_model() -> Any:
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=20, n_positions=8, n_embd=8, n_layer=1, n_head=2, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def classifier() -> Any:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=8, num_labels=3,
    )  # fmt: skip
    return transformers.BertForSequenceClassification(config)


def arguments(folder: Path, **options: Any) -> Any:
    plain: dict[str, Any] = {
        "num_train_epochs": 3,
        "per_device_train_batch_size": 4,
        "learning_rate": 0.05,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    return transformers.TrainingArguments(output_dir=str(folder), **(plain | options))


@cache
def remembering() -> Any:
    """Return a trainer that remembers the batches of tokens that it trained on."""

    class Remembering(huggingface.SubsetTrainer):  # type: ignore[misc, name-defined]
        def __init__(self, *positional: Any, **options: Any) -> None:
            super().__init__(*positional, **options)
            self.seen: list[Any] = []

        def training_step(self, model: Any, inputs: Any, *rest: Any, **others: Any) -> Any:
            self.seen.append(inputs["input_ids"].clone())
            return super().training_step(model, inputs, *rest, **others)

    return Remembering


def samples(seen: list[Any]) -> list[list[int]]:
    """Return which samples batches hold; no two are alike."""
    names = {tuple(row.tolist()): i for i, row in enumerate(TOKENS)}
    return [[names[tuple(row.tolist())] for row in batch] for batch in seen]


# -- losses of samples --------------------------------------------------------------------------


def test_losses_are_those_of_the_model_sample_by_sample() -> None:
    model = language_model().eval()
    labels = TOKENS.clone()
    labels[0, 3:] = -100
    labels[1] = -100
    found = huggingface.model_losses(model, {"input_ids": TOKENS, "labels": labels})
    for i in (0, 2, 31):
        alone = model(input_ids=TOKENS[i : i + 1], labels=labels[i : i + 1]).loss
        assert found[i].item() == pytest.approx(alone.item(), rel=1e-5)
    assert found[1].item() == 0.0
    model = classifier().eval()
    classes = torch.arange(N) % 3
    found = huggingface.model_losses(model, {"input_ids": TOKENS, "labels": classes})
    whole = model(input_ids=TOKENS, labels=classes).loss
    assert found.shape == (N,)
    assert found.mean().item() == pytest.approx(whole.item(), rel=1e-5)


def test_losses_without_a_shift() -> None:
    torch.manual_seed(0)
    config = classifier().config
    model = transformers.BertForMaskedLM(config).eval()
    found = partial(huggingface.model_losses, shift=False)(
        model, {"input_ids": TOKENS, "labels": TOKENS}
    )
    assert found.mean().item() == pytest.approx(
        model(input_ids=TOKENS, labels=TOKENS).loss.item(), rel=1e-5
    )


def test_labels_that_are_no_classes() -> None:
    with pytest.raises(InvalidProblem, match="the batch has input_ids, but no labels"):
        huggingface.model_losses(language_model(), {"input_ids": TOKENS})
    numbers = torch.zeros(N)
    with pytest.raises(UnsupportedProblem, match=r"write losses\(model, batch\)"):
        huggingface.model_losses(classifier(), {"input_ids": TOKENS, "labels": numbers})


# -- training -----------------------------------------------------------------------------------


def test_selecting_within_batches(tmp_path: Path) -> None:
    model = language_model()
    step = SubsetStep(model, huggingface.model_losses, "obftf", 0.5)
    sizes: list[int] = []
    model.register_forward_pre_hook(
        lambda module, args, kwargs: sizes.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    run = huggingface.SubsetTrainer(
        model, arguments(tmp_path), train_dataset=DATA, eval_dataset=DATA, step=step
    )
    before = run.evaluate()["eval_loss"]
    evaluated = len(sizes)
    run.train()
    assert sizes[evaluated:] == [4, 2] * 24  # the batch is passed, then half of it trained on
    assert run.evaluate()["eval_loss"] < before
    assert step.steps == 24


def test_without_selection_it_trains_as_the_trainer_does(tmp_path: Path) -> None:
    options = {"gradient_accumulation_steps": 3, "optim": "sgd", "num_train_epochs": 1}
    plain, ours, own = language_model(), language_model(), language_model()
    settings = arguments(tmp_path, **options)
    transformers.Trainer(plain, settings, train_dataset=DATA).train()
    huggingface.SubsetTrainer(ours, settings, train_dataset=DATA).train()
    # The Trainer divides by all 6 labels of a text, though the first of them is never foretold.
    settings = arguments(tmp_path, **options | {"learning_rate": 0.05 * 5 / 6})
    huggingface.SubsetTrainer(
        own, settings, train_dataset=DATA, losses=huggingface.model_losses
    ).train()
    for a, b, c in zip(plain.parameters(), ours.parameters(), own.parameters(), strict=True):
        assert torch.equal(a, b)
        assert torch.allclose(a, c, atol=1e-6)


def test_epochs_counts_and_logs(tmp_path: Path) -> None:
    chosen, watcher = sampler("unif_sgd", N, 4, 0.5), Watcher(N)
    run = remembering()(
        language_model(),
        arguments(tmp_path),
        train_dataset=DATA,
        sampler=chosen,
        watcher=watcher,
        writer=CSVWriter(tmp_path / "selection.csv"),
    )
    run.train()
    expected = sampler("unif_sgd", N, 4, 0.5)
    assert samples(run.seen) == [batch for _ in range(3) for batch in expected]
    counts = torch.bincount(torch.tensor(list(itertools.chain(*samples(run.seen)))), minlength=N)
    assert torch.equal(watcher.counts, counts)
    logged = [entry for entry in run.state.log_history if "loss" in entry]
    assert len(logged) == 12
    assert logged[-1]["selection_trained"] == 48
    assert all(value == value for entry in logged for value in entry.values())
    rows = (tmp_path / "selection.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", "4", "8", "12"]


@pytest.mark.parametrize(
    ("workers", "accumulate", "steps"),
    [(0, 1, 3), (0, 1, 4), (2, 2, 3)],  # within an epoch, at its end, where steps take two batches
)
def test_a_resumed_run_is_the_same_run(
    workers: int, accumulate: int, steps: int, tmp_path: Path
) -> None:
    def made(folder: Path, **options: Any) -> tuple[Any, Any]:
        model, watcher = language_model(), Watcher(N)
        step = SubsetStep(model, huggingface.model_losses, "prob")
        settings = arguments(
            folder,
            gradient_accumulation_steps=accumulate,
            num_train_epochs=2,
            dataloader_num_workers=workers,
            **options,
        )
        chosen = sampler("p_sgd", N, 4, 0.5)
        parts: dict[str, Any] = {"step": step, "sampler": chosen, "watcher": watcher}
        return remembering()(model, settings, train_dataset=DATA, **parts), watcher

    whole, watched = made(tmp_path, save_strategy="steps", save_steps=steps)
    whole.train()
    again, rewatched = made(tmp_path / "again")
    again.train(resume_from_checkpoint=str(tmp_path / f"checkpoint-{steps}"))
    assert len(whole.seen) == 8
    assert samples(again.seen) == samples(whole.seen[steps * accumulate :])
    assert torch.equal(again.model.lm_head.weight, whole.model.lm_head.weight)
    assert torch.equal(rewatched.counts, watched.counts)


def test_going_on_without_skipping_repeats_the_epoch(tmp_path: Path) -> None:
    def made(**options: Any) -> Any:
        settings = arguments(tmp_path, save_strategy="steps", save_steps=6, **options)
        chosen = sampler("unif_sgd", N, 4, 0.5)
        return remembering()(language_model(), settings, train_dataset=DATA, sampler=chosen)

    whole = made()
    whole.train()
    again = made(ignore_data_skip=True)
    again.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert samples(again.seen[:4]) == samples(whole.seen[4:8])


def test_an_importance_sampler_learns(tmp_path: Path) -> None:
    chosen = sampler("p_sgd", N, 4, 0.5)
    run = huggingface.SubsetTrainer(
        language_model(), arguments(tmp_path), train_dataset=DATA, sampler=chosen
    )
    run.train()
    assert float(chosen._past[1].sum()) == 32  # two epochs have been taken in
    assert chosen.probabilities.std() > 0


def test_the_callback_in_a_plain_trainer(tmp_path: Path) -> None:
    watcher = Watcher(N)
    selection = Selection(watcher=watcher, ids=lambda batch: [0])
    callback = huggingface.SelectionTrainerCallback(selection)
    options = {"save_strategy": "steps", "save_steps": 5, "num_train_epochs": 1}
    run = transformers.Trainer(
        language_model(), arguments(tmp_path, **options), train_dataset=DATA, callbacks=[callback]
    )
    run.train()
    assert watcher.summary()["trained"] == 8
    held = torch.load(tmp_path / "checkpoint-5" / "subsetopt-0.pt", weights_only=True)
    assert int(held["watcher"]["counts"].sum()) == 5


def test_mistakes_are_told(tmp_path: Path) -> None:
    def run(chosen: Any, model: Any = None, **options: Any) -> None:
        huggingface.SubsetTrainer(
            model or language_model(),
            arguments(tmp_path),
            train_dataset=DATA,
            sampler=chosen,
            **options,
        ).train()

    with pytest.raises(InvalidOption, match="rank 1 of 2, but the trainer 0 of 1"):
        run(sampler("unif_sgd", N, 4, 0.5, rank=1, world_size=2))
    with pytest.raises(InvalidOption, match="epoch 1 has 5 batches, but the trainer stops after 2"):
        run(sampler("unif_sgd", N, 4, LinearBudget(0.25, 1.0), epochs=3))
    with pytest.raises(InvalidOption, match="epoch 1 has 5 batches, but the trainer counts on 8"):
        run(sampler("unif_sgd", N, 4, LinearBudget(1.0, 0.25), epochs=3))
    model = language_model()
    step = SubsetStep(model, huggingface.model_losses, "obftf", 0.5)
    with pytest.raises(InvalidOption, match="either losses or step"):
        run(None, model, step=step, losses=huggingface.model_losses)


def test_a_checkpoint_without_a_selection_is_told(tmp_path: Path) -> None:
    options = {"save_strategy": "steps", "save_steps": 5, "num_train_epochs": 1}
    settings = arguments(tmp_path, **options)
    transformers.Trainer(language_model(), settings, train_dataset=DATA).train()
    folder = str(tmp_path / "checkpoint-5")
    parts = {"train_dataset": DATA, "sampler": sampler("unif_sgd", N, 4)}
    run = huggingface.SubsetTrainer(language_model(), settings, **parts)
    with pytest.raises(InvalidOption, match="restore=False to begin anew"):
        run.train(resume_from_checkpoint=folder)
    run = huggingface.SubsetTrainer(language_model(), settings, **parts)
    run.carried.restore = False
    run.train(resume_from_checkpoint=True)
    assert run.state.global_step == 8


def test_the_last_epoch_of_a_scan_may_be_shorter(tmp_path: Path) -> None:
    chosen = sampler("scan_sgd", N, 4, 0.25, epochs=6)
    settings = arguments(tmp_path, num_train_epochs=chosen.planned_epochs)
    run = huggingface.SubsetTrainer(language_model(), settings, train_dataset=DATA, sampler=chosen)
    run.train()
    assert chosen.planned_epochs == 2
    assert run.state.global_step == math.ceil(0.25 * 6 * N / 4)
