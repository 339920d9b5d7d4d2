"""Training steps under quotas: where labels come from, and what is chosen of each class."""

from dataclasses import dataclass
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.torch.distributed import DistributedRule  # noqa: E402
from subsetopt.torch.recorded import RecordedLosses  # noqa: E402
from subsetopt.torch.rules import Rule, rule  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    CLASSES,
    ENTROPY,
    N,
    backward,
    batches,
    everything,
    network,
)


def shares(labels: Any) -> Any:
    return torch.bincount(torch.as_tensor(labels), minlength=CLASSES)


def assert_kept(result: Any, labels: Any) -> None:
    """Hold the counts of the chosen against their shares."""
    wanted = result.size * shares(labels) / result.batch_size
    assert ((shares(labels[result.indices]) - wanted).abs() < 1).all()


def embedded(model: Any, batch: Any) -> Tensor:
    found: Tensor = batch[0][:, :2]
    return found


@pytest.mark.parametrize("name", ["uniform", "obftf", "stride", "max_loss", "vector", "prob"])
def test_a_training_by_classes(name: str) -> None:
    model, n = network(), 30
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    given: Any = {"features": embedded} if name == "vector" else {}
    step = SubsetStep(model, ENTROPY, name, 0.3, quotas="proportional", **given)
    before = everything(model)
    loader = [*batches(3, n), *batches(1, 7)]  # the last one is a part of a batch
    for batch in 2 * loader:
        result = step(batch)
        assert result.size == max(1, int(0.3 * len(batch[1])))
        assert_kept(result, batch[1])
        assert torch.equal(result.batch[1], batch[1][result.indices])
        optimizer.zero_grad()
        backward(result.loss)
        optimizer.step()
    assert all(not torch.equal(now, before[name]) for name, now in model.state_dict().items())


def test_every_class_that_there_is_is_chosen_from() -> None:
    step = SubsetStep(network(), ENTROPY, "max_loss", 4, quotas=1)
    x = batches(1)[0][0]
    y = torch.zeros(N, dtype=torch.int64)
    y[5], y[9] = 1, 2
    result = step((x, y))
    assert {5, 9} < set(result.indices.tolist())
    assert result.size == 4
    alone = step((x, torch.zeros(N, dtype=torch.int64)))  # a batch without the others
    assert alone.size == 4
    small = step((x[:2], y[:2]))  # fewer than k: whole
    assert small.whole


@dataclass
class Fields:
    x: Any
    y: Any


def read(batch: Any) -> Any:
    return (batch["x"], batch["y"]) if isinstance(batch, dict) else (batch.x, batch.y)


@pytest.mark.parametrize(
    ("build", "labels"),
    [
        (lambda x, y: {"x": x, "y": y, "labels": y}, None),
        (lambda x, y: {"x": x, "y": y, "kind": y}, "kind"),
        (lambda x, y: {"x": x, "y": y, "kind": y.numpy()}, "kind"),
        (lambda x, y: {"x": x, "y": y, "kind": y.tolist()}, "kind"),
        (lambda x, y: {"x": x, "y": y}, lambda batch: batch["y"].to(torch.int32)),
        (Fields, lambda batch: batch.y),
    ],
)
def test_where_labels_come_from(build: Any, labels: Any) -> None:
    x, y = batches(1)[0]
    wanted = SubsetStep(network(), ENTROPY, "max_loss", 6, quotas=1)((x, y)).indices

    def losses(model: Any, batch: Any) -> Tensor:
        return ENTROPY(model, read(batch))  # type: ignore[no-any-return]

    step = SubsetStep(network(), losses, "max_loss", 6, quotas=1, labels=labels)
    assert torch.equal(step(build(x, y)).indices, wanted)


def test_the_place_of_labels_in_a_tuple() -> None:
    x, y = batches(1)[0]
    group = torch.arange(N) % 2
    step = SubsetStep(
        network(),
        lambda model, batch: ENTROPY(model, batch[:2]),
        "max_loss",
        6,
        quotas="proportional",
        labels=2,
    )
    result = step((x, y, group))
    assert shares(group[result.indices]).tolist() == [3, 3, 0]


def test_rules_with_quotas_of_their_own() -> None:
    class Lowest(Rule):
        name, needs = "lowest", "losses"

        def _choose(self, given: Any, k: Any, generator: Any) -> Tensor:
            found: Tensor = given.losses.argsort(1)[:, :k].sort(1).values
            return found

    batch = batches(1)[0]
    for made in (
        Lowest(quotas="proportional"),
        rule("uniform", quotas="proportional"),
        DistributedRule(rule("obftf", quotas="proportional")),
    ):
        assert_kept(SubsetStep(network(), ENTROPY, made, 6)(batch), batch[1])


def test_recorded_losses_and_a_state() -> None:
    recorded = RecordedLosses(N)
    recorded.update(torch.arange(N), torch.rand(N))
    step = SubsetStep(network(), ENTROPY, "prob", 6, recorded=recorded, quotas="proportional")
    batch, ids = batches(1)[0], torch.arange(N)
    state = step.state_dict()
    first = step(batch, ids=ids)
    assert_kept(first, batch[1])
    step.load_state_dict(state)
    assert torch.equal(step(batch, ids=ids).indices, first.indices)


def test_proportions_keep_the_gradient_unbiased() -> None:
    batch = batches(1)[0]
    step = SubsetStep(network(), ENTROPY, "uniform", 4, reweight=True, quotas="proportional")
    result = step(batch)
    torch.testing.assert_close(result.weights, torch.full((4,), 0.25))
    with pytest.raises(InvalidOption, match=r"'max_loss' with quotas=1 .*also with quotas"):
        SubsetStep(network(), ENTROPY, "max_loss", 4, reweight=True, quotas=1)
    x, y = batch
    rare = (y == 0).long() * (torch.arange(N) < 4)
    step = SubsetStep(
        network(), ENTROPY, "uniform", 4, reweight=True, quotas=2, labels=lambda batch: rare
    )
    result = step((x, y))
    chances = step.rule.probabilities(k=4, n=N, labels=rare)
    assert result.weights is not None
    torch.testing.assert_close(result.weights, 1 / (N * chances[result.indices]))
    assert len(set(result.weights.tolist())) == 2
    distributed = SubsetStep(
        network(), ENTROPY, DistributedRule(step.rule), 4, reweight=True, labels=lambda batch: rare
    )
    assert distributed((x, y)).weights is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule": "obftf", "k": 4, "quotas": "equal"}, "quotas must be 'proportional', .*'equal'"),
        ({"rule": "obftf", "k": 4, "quotas": 0}, "quotas must be .*got 0"),
        ({"rule": "obftf", "k": 4, "labels": "y"}, "has no quotas that would look at them"),
        ({"rule": "prob", "quotas": 1}, "rule 'prob' with quotas=1 needs k"),
        ({"rule": rule("obftf"), "k": 4, "quotas": 1}, r"rule\('obftf', quotas=1\)"),
    ],
)
def test_options_that_do_not_fit(options: Any, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        SubsetStep(network(), ENTROPY, **options)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, r"got float32 of shape \(16, 3\): convert with labels.argmax\(-1\); say where"),
        ("kind", "labels must be a key of the batch, a tuple, .*; got 'kind'"),
        (7, "labels must be a key of the batch, a tuple, .*; got 7"),
        (lambda batch: None, r"needs labels, .*\(16,\).*none are given; say where"),
        (lambda batch: batch[0], r"got float32 of shape \(16, 6\).*say where"),
        (lambda batch: ["cat"] * N, "got a list"),
        (lambda batch: torch.zeros(4, dtype=torch.int64), r"got int64 of shape \(4,\); say where"),
    ],
)
def test_labels_that_are_no_classes(labels: Any, words: str) -> None:
    x, y = batches(1)[0]
    soft = nn.functional.one_hot(y, CLASSES).float()
    step = SubsetStep(network(), ENTROPY, "max_loss", 4, quotas=1, labels=labels)
    with pytest.raises(InvalidProblem, match=words):
        step((x, soft))


def test_keys_are_named() -> None:
    x, y = batches(1)[0]

    def losses(model: Any, batch: Any) -> Tensor:
        return ENTROPY(model, read(batch))  # type: ignore[no-any-return]

    with pytest.raises(InvalidProblem, match=r"a dict with 'x', 'y', or .*got 'kind'"):
        SubsetStep(network(), losses, "max_loss", 4, quotas=1, labels="kind")({"x": x, "y": y})
    with pytest.raises(InvalidProblem, match="none are given; say where"):
        SubsetStep(network(), losses, "max_loss", 4, quotas=1)({"x": x, "y": y})
