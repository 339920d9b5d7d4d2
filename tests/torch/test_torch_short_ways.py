"""Short ways of steps and rules on the CPU: each does what the long way does."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from subsetopt.torch import SubsetStep, features, rule, supervised  # noqa: E402
from subsetopt.torch._batches import batch_size, device_of_batch, take  # noqa: E402
from subsetopt.torch.rules import _loss_rules, _weighted  # noqa: E402

X, Y = torch.randn(40, 3), torch.arange(40) % 4
LOSSES = supervised(torch.nn.CrossEntropyLoss(reduction="none"))


@pytest.mark.parametrize("build", [tuple, list, lambda parts: dict(zip("xy", parts, strict=True))])
@pytest.mark.parametrize("rows", [2, 40])
def test_flat_batches_are_cut_as_nested_ones(build: Any, rows: int) -> None:
    flat = build((X[:rows], Y[:rows]))
    nested = {"inside": flat, "more": (flat,)}
    assert batch_size(flat) == batch_size(nested) == rows
    assert device_of_batch(flat) == torch.device("cpu")
    places = torch.tensor([1, 0])
    found, expected = take(flat, places, rows), take(nested, places, rows)["inside"]
    assert type(found) is type(flat) is type(expected)
    for key in found if isinstance(found, dict) else range(2):
        assert torch.equal(found[key], expected[key])


def test_uniform_looks_at_no_sample_that_it_drops() -> None:
    class Watched(list[str]):
        def __getitem__(self, place: Any) -> Any:
            seen.append(place)
            return super().__getitem__(place)

    seen: list[int] = []
    kept: list[Any] = []

    def losses(model: Any, batch: Any) -> Any:
        kept.append(batch["text"])
        return model(batch["x"])[:, 0]

    step = SubsetStep(torch.nn.Linear(3, 1), losses, "uniform", 5)
    result = step({"x": X, "text": Watched(map(str, range(40)))})
    assert sorted(seen) == result.indices.tolist()
    assert list(kept[0]) == [str(place) for place in seen]


def test_uniform_draws_the_same_with_a_generator_of_the_callers() -> None:
    short, long = rule("uniform", seed=3), rule("uniform")
    generator = torch.Generator().manual_seed(3)
    for k in (5, 0.25, 40):
        expected = long(k=k, n=40, generator=generator)
        assert torch.equal(short(k=k, n=40), expected)


@pytest.mark.parametrize("name", ["max_loss", "mink", "prob", "selective_backprop"])
def test_loops_of_numpy_choose_what_torch_does(name: str, monkeypatch: Any) -> None:
    drawn = torch.Generator().manual_seed(1)
    batches = [torch.rand(60, generator=drawn) for _ in range(5)] + [torch.rand(2, 30)]
    options = {"history": 128} if name == "selective_backprop" else {}
    short = rule(name, **options)
    chosen = [short(losses, 7) for losses in batches]
    for module in (_loss_rules, _weighted):
        monkeypatch.setattr(module, "by_numpy", lambda values: False)
    long = rule(name, **options)
    assert all(torch.equal(a, long(b, 7)) for a, b in zip(chosen, batches, strict=True))
    state, other = short.state_dict(), long.state_dict()
    assert state.keys() == other.keys()
    if name == "selective_backprop":
        assert state["seen"] == other["seen"] == 360
        assert torch.equal(state["last"], other["last"])


def test_features_of_the_batch_alone_leave_the_random_numbers_and_the_model() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    before = torch.random.get_rng_state()
    buffers: list[Any] = []

    def found(batch: Any, *, classes: int = 4) -> Any:
        buffers.append(model[1].running_mean)
        assert not torch.is_grad_enabled()
        return features.labels(batch[1], classes) + torch.rand(40, 1)

    step = SubsetStep(model, LOSSES, "vector", 8, features=found, selection_mode="eval")
    own = model[1].running_mean
    assert step((X, Y)).size == 8
    assert buffers[0] is own  # not a copy: nothing is swapped where nothing is passed
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), before)
    two = SubsetStep(model, LOSSES, "vector", 8, features=lambda _, batch: found(batch))
    two((X, Y))
    assert buffers[1] is not own


@pytest.mark.parametrize("shift", [0, 10**6, -7])
def test_classes_are_the_same_by_whatever_numbers(shift: int) -> None:
    labels = Y.clone()
    labels[labels == 0] = -1  # of no class
    moved = torch.where(labels < 0, labels, labels + max(shift, 0))
    moved[labels < 0] += min(shift, 0)
    chosen = [rule("uniform", quotas=2)(k=9, labels=given) for given in (labels, moved)]
    assert torch.equal(*chosen)
    counts = torch.bincount(Y[chosen[0]], minlength=4)
    assert (counts[1:] >= 2).all()
