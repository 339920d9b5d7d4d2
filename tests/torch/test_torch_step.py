"""Training steps on a part of the batch: what they leave alone, and what they must equal."""

import copy
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.errors import InvalidOption, InvalidProblem  # noqa: E402
from subsetopt.torch.budgets import During, Linear  # noqa: E402
from subsetopt.torch.functional import select  # noqa: E402
from subsetopt.torch.isolation import Isolation  # noqa: E402
from subsetopt.torch.recorded import RecordedLosses  # noqa: E402
from subsetopt.torch.rules import Rule, rule  # noqa: E402
from subsetopt.torch.step import StepResult, SubsetStep, supervised  # noqa: E402

N, D, CLASSES = 16, 6, 3
ENTROPY = supervised(nn.CrossEntropyLoss(reduction="none"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # more of them take longer for so little
    yield
    torch.set_num_threads(before)


def batches(count: int, n: int = N) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(7)
    made = []
    for _ in range(count):
        x = torch.randn(n, D, generator=generator)
        made.append((x, torch.randint(CLASSES, (n,), generator=generator)))
    return made


def network(*layers: nn.Module, seed: int = 1) -> Any:
    with torch.random.fork_rng(()):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(D, 8), *layers, nn.ReLU(), nn.Linear(8, CLASSES))


def restless() -> Any:
    """Return a network with everything that a forward pass could change."""
    hidden = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 8))
    averaged = nn.BatchNorm1d(8, momentum=None)  # the cumulative average
    return network(nn.BatchNorm1d(8), hidden, averaged, nn.Dropout(0.5))


def everything(model: Any) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(a: dict[str, Tensor], b: dict[str, Tensor]) -> None:
    assert list(a) == list(b)
    for name, value in a.items():
        assert torch.equal(value, b[name]), name


def backward(loss: Any) -> None:
    loss.backward()


def gradients(model: Any) -> list[Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters()]


def assert_right(result: StepResult, losses: Tensor, k: int) -> None:
    """Hold what ``max_loss`` chose against a sort: the k highest, in the order of the batch."""
    assert result.indices.tolist() == losses.argsort(descending=True)[:k].sort().values.tolist()


# -- the selection pass leaves no trace ------------------------------------------------------------


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("training", [True, False])
def test_the_selection_pass_leaves_no_trace(mode: Any, training: bool) -> None:
    model = restless().train(training)
    model[1].eval()  # a frozen BatchNorm
    modes = [module.training for module in model.modules()]
    before, state = everything(model), torch.get_rng_state()
    addresses = [buffer.data_ptr() for buffer in model.buffers()]
    ((x, _),) = batches(1)
    isolated = Isolation(mode)
    changed: dict[str, Tensor] = {}

    def forward(model: Any, x: Tensor) -> Any:
        out = model(x)
        changed.update(everything(model))
        return out

    for _ in range(2):
        out = isolated(forward, model, x)
        assert not out.requires_grad
        assert_same(before, everything(model))
        assert torch.equal(state, torch.get_rng_state())
    assert (str(before) == str(changed)) == (mode == "eval" or not training)
    assert [module.training for module in model.modules()] == modes
    assert [buffer.data_ptr() for buffer in model.buffers()] == addresses
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_selection_pass_sees_the_buffers_as_they_are() -> None:
    model = network(nn.BatchNorm1d(8)).eval()
    ((x, _),) = batches(1)
    isolated = Isolation()
    for mean in (0.0, 5.0):
        model[1].running_mean.fill_(mean)
        assert torch.equal(isolated(lambda model, x: model(x), model, x), model(x))


def test_a_pass_that_fails_leaves_no_trace_either() -> None:
    model = restless()
    before, state = everything(model), torch.get_rng_state()

    def failing(model: Any, batch: Any) -> Tensor:
        model(batch[0])
        raise RuntimeError("out of memory")

    step = SubsetStep(model, failing, "max_loss", 4, selection_mode="eval")
    with pytest.raises(RuntimeError, match="out of memory"):
        step(batches(1)[0])
    assert_same(before, everything(model))
    assert torch.equal(state, torch.get_rng_state())
    assert model[3].training
    assert torch.is_grad_enabled()


def test_training_equals_a_run_without_a_selection_pass() -> None:
    """Choose by losses, then train on the same samples with nothing in between."""
    chosen: list[Tensor] = []
    parameters = []
    for selecting in (True, False):
        torch.manual_seed(3)
        model = restless()
        step = SubsetStep(model, ENTROPY, "max_loss", 8)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        for number, batch in enumerate(batches(4)):
            if selecting:
                result = step(batch)
                chosen.append(result.indices)
                loss = result.loss
            else:
                few = batch[0][chosen[number]], batch[1][chosen[number]]
                loss = ENTROPY(model, few).mean()
            optimiser.zero_grad()
            backward(loss)
            optimiser.step()
        parameters.append(everything(model))
    assert_same(*parameters)


def test_batchnorm_in_the_selection_pass_normalises_by_the_batch() -> None:
    model = network(nn.BatchNorm1d(8))
    model[1].running_mean += 100.0
    ((x, y),) = batches(1)
    wanted = ENTROPY(copy.deepcopy(model), (x, y)).detach()
    result = SubsetStep(model, ENTROPY, "max_loss", 4)((x, y))
    assert result.losses is not None
    torch.testing.assert_close(result.losses, wanted)
    other = SubsetStep(model, ENTROPY, "max_loss", 4, selection_mode="eval")((x, y))
    assert other.losses is not None
    assert (other.losses - wanted).abs().max() > 1.0


def test_an_earlier_graph_can_still_be_differentiated() -> None:
    model = network(nn.BatchNorm1d(8)).eval()  # its backward pass reads the running statistics
    step = SubsetStep(model, ENTROPY, "max_loss", 4)
    losses = [step(batch).loss for batch in batches(3)]
    backward(torch.stack(losses).sum())
    assert all(gradient.abs().sum() > 0 for gradient in gradients(model))


def test_gradients_accumulate() -> None:
    model = network()
    step = SubsetStep(model, ENTROPY, "max_loss", 4)
    first, second = batches(2)
    backward(step(first).loss)
    before = gradients(model)
    result = step(second)
    assert all(torch.equal(a, b) for a, b in zip(before, gradients(model), strict=True))
    backward(result.loss)
    assert not torch.equal(before[0], gradients(model)[0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("records", [False, True])
def test_a_step_on_a_gpu_does_not_wait_for_it(records: bool) -> None:
    model = restless().cuda()
    recorded = RecordedLosses(N, device="cuda") if records else None
    step = SubsetStep(model, ENTROPY, "obftf", 4, recorded=recorded)
    given: Any = {"ids": torch.arange(N, device="cuda")} if records else {}
    x, y = batches(1)[0]
    batch = x.cuda(), y.cuda()
    backward(step(batch, **given).loss)
    before, state = everything(model), torch.cuda.get_rng_state()
    torch.cuda.set_sync_debug_mode("error")
    try:
        step._isolated(ENTROPY, model, batch)
        step._choose(batch, 4, N, given.get("ids"))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(state, torch.cuda.get_rng_state())
    assert_same(before, everything(model))


# -- what is trained on ----------------------------------------------------------------------------


@pytest.mark.parametrize("k", [N, 1.0, 10 * N])
@pytest.mark.parametrize("name", ["uniform", "obftf", "max_loss", "prob"])
def test_the_whole_batch_is_plain_training_bit_for_bit(name: str, k: Any) -> None:
    model, calls = restless(), []

    def counted(model: Any, batch: Any) -> Tensor:
        calls.append(batch)
        return ENTROPY(model, batch)

    twin = copy.deepcopy(model)
    ((x, y),) = batches(1)
    torch.manual_seed(5)
    result = SubsetStep(model, counted, name, k)((x, y))
    backward(result.loss)
    torch.manual_seed(5)
    backward(ENTROPY(twin, (x, y)).mean())
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert_same(everything(model), everything(twin))
    assert [seen[0] is x for seen in calls] == [True]  # one pass, and no copy
    assert result.whole
    assert (result.size, result.losses) == (N, None)


def test_the_gradient_is_that_of_the_chosen() -> None:
    model = network()
    twin = copy.deepcopy(model)
    ((x, y),) = batches(1)
    result = SubsetStep(model, ENTROPY, "max_loss", 0.25)((x, y))
    assert result.losses is not None
    assert_right(result, ENTROPY(twin, (x, y)), 4)
    backward(result.loss)
    few = x[result.indices], y[result.indices]
    trained = ENTROPY(twin, few)
    backward(trained.mean())
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert torch.equal(result.trained, trained.detach())
    torch.testing.assert_close(result.losses[result.indices], result.trained)
    assert torch.equal(result.batch[0], few[0])
    assert (result.size, result.batch_size, result.whole, result.weights) == (4, N, False, None)
    assert not result.losses.requires_grad
    assert not result.trained.requires_grad


def test_a_rule_that_picks_wrongly_is_found_out() -> None:
    class Lowest(Rule):
        name, needs = "lowest", "losses"

        def _choose(self, losses: Tensor, k: Any, **_: Any) -> Tensor:
            found: Tensor = losses.argsort(1)[:, :k].sort(1).values
            return found

    model = network()
    batch = batches(1)[0]
    with pytest.raises(AssertionError):
        assert_right(SubsetStep(model, ENTROPY, Lowest(), 4)(batch), ENTROPY(model, batch), 4)


@pytest.mark.parametrize("name", ["uniform", "stride", "obftf", "selective_backprop", "mink"])
def test_rules_by_name(name: str) -> None:
    step = SubsetStep(network(), ENTROPY, name, 5)
    for batch in batches(3):
        result = step(batch)
        assert len(set(result.indices.tolist())) == result.size == 5
        assert (result.losses is None) == (name == "uniform")
        assert torch.isfinite(result.loss)


def test_a_rule_that_needs_nothing_makes_no_selection_pass() -> None:
    sizes: list[int] = []

    def counted(model: Any, batch: Any) -> Tensor:
        sizes.append(len(batch[0]))
        return ENTROPY(model, batch)

    step = SubsetStep(network(), counted, "uniform", 4)
    step(batches(1)[0])
    assert sizes == [4]
    SubsetStep(network(), counted, "max_loss", 4)(batches(1)[0])
    assert sizes == [4, N, 4]


def test_a_rule_that_chooses_the_number_itself() -> None:
    step = SubsetStep(network(), ENTROPY, rule("prob", gamma=0.5))
    sizes = {step(batch).size for batch in batches(8)}
    assert len(sizes) > 1
    assert min(sizes) >= 1


def test_a_generator_decides() -> None:
    batch = batches(1)[0]
    made = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
    first, again, other = (
        SubsetStep(network(), ENTROPY, "uniform", 5, generator=own)(batch).indices for own in made
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_last_batch_may_be_smaller_than_k() -> None:
    step = SubsetStep(network(), ENTROPY, "obftf", 10)
    sizes = [step(batch).size for batch in [*batches(2), *batches(1, n=7)]]
    assert sizes == [10, 10, 7]


def test_a_schedule() -> None:
    warm = During(Linear(0.5, 0.25), start=2)
    step = SubsetStep(network(), ENTROPY, "max_loss", warm, total_steps=5)
    assert [step(batch).size for batch in batches(5)] == [16, 16, 6, 5, 4]
    with pytest.raises(InvalidOption, match="total_steps="):
        SubsetStep(network(), ENTROPY, "max_loss", warm)


# -- batches and losses of any build ---------------------------------------------------------------


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Record:
    x: Any
    y: Any


READERS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], tuple[Any, Any]]]] = {
    "tuple": (lambda x, y: (x, y), lambda b: b),
    "list": (lambda x, y: [x, y], lambda b: b),
    "dict": (lambda x, y: {"pixels": x, "labels": y}, lambda b: (b["pixels"], b["labels"])),
    "named": (Point, lambda b: (b.x, b.y)),
    "dataclass": (Record, lambda b: (b.x, b.y)),
    "nested": (lambda x, y: {"in": [x, {"id": ["a"] * N}], "y": y}, lambda b: (b["in"][0], b["y"])),
}


@pytest.mark.parametrize("kind", READERS)
def test_batches_of_every_build_give_the_same_step(kind: str) -> None:
    build, read = READERS[kind]
    x, y = batches(1)[0]
    wanted = SubsetStep(network(), ENTROPY, "max_loss", 4)((x, y))
    result = SubsetStep(network(), lambda model, b: ENTROPY(model, read(b)), "max_loss", 4)(
        build(x, y)
    )
    assert torch.equal(result.indices, wanted.indices)
    assert torch.equal(result.loss, wanted.loss)


def test_a_scalar_loss_is_refused_with_the_mend() -> None:
    def scalar(model: Any, batch: Any) -> Tensor:
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    for name in ("obftf", "uniform"):
        with pytest.raises(InvalidProblem, match="reduction='none'"):
            SubsetStep(network(), scalar, name, 4)(batches(1)[0])
    with pytest.raises(InvalidOption, match="reduction of the criterion is 'mean'; 'none'"):
        supervised(nn.CrossEntropyLoss())


def test_losses_that_are_not_one_per_sample_are_refused() -> None:
    x, y = batches(1)[0]
    for name in ("obftf", "uniform"):
        step = SubsetStep(network(), lambda model, b: model(b[0]), name, 4)
        with pytest.raises(InvalidProblem, match="average over tokens"):
            step((x, y))
    step = SubsetStep(network(), ENTROPY, "obftf", 4)
    with pytest.raises(InvalidProblem, match=r"not \(\*inputs, target\)"):
        step({"x": x, "y": y})
    with pytest.raises(InvalidProblem, match=r"batch\[1\] has 5 rows, but batch\[0\] has 16"):
        step((x, y[:5]))
    with pytest.raises(InvalidProblem, match="batch_size= where 4 is wrong"):
        step((x, y), batch_size=4)


def test_the_batch_size_can_be_said() -> None:
    x, y = batches(1)[0]
    table = torch.ones(CLASSES)

    def weighted(model: Any, batch: Any) -> Tensor:
        found: Tensor = ENTROPY(model, batch[:2]) * batch[2][batch[1]]
        return found

    result = SubsetStep(network(), weighted, "max_loss", 4)((x, y, table), batch_size=N)
    assert result.batch[2] is table
    assert_right(result, ENTROPY(network(), (x, y)), 4)


def test_losses_of_pixels_are_averaged() -> None:
    model = nn.Conv2d(1, 2, 1)
    x = torch.randn(6, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    y = torch.zeros(6, 3, 3, dtype=torch.int64)
    result = SubsetStep(model, ENTROPY, "max_loss", 2)((x, y))
    per_pixel = nn.functional.cross_entropy(model(x), y, reduction="none")
    assert_right(result, per_pixel.mean((1, 2)), 2)


def test_losses_that_are_not_finite_are_named() -> None:
    x, y = batches(1)[0]
    x[3] = torch.nan
    with pytest.raises(InvalidProblem, match=r"losses\[3\] is nan"):
        SubsetStep(network(), ENTROPY, "obftf", 4)((x, y))


# -- options that do not fit each other ------------------------------------------------------------


def embedded(model: Any, batch: Any) -> Tensor:
    found: Tensor = batch[0][:, :2]
    return found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "obtf", "k": 4}, "rule is 'obtf'"),
        ({"rule": "obftf"}, "needs k"),
        ({"rule": "obftf", "k": 0}, "k is 0"),
        ({"rule": "obftf", "k": 1.5}, "k is 1.5"),
        ({"rule": "obftf", "k": True}, "k is True"),
        ({"rule": "obftf", "k": 4, "features": embedded}, "does not take features="),
        ({"rule": "uniform", "k": 4, "recorded": RecordedLosses()}, "leave out recorded="),
        ({"rule": "obftf", "k": 4, "reweight": True}, "'uniform' does"),
        ({"rule": "prob", "k": 4, "reweight": True}, "'uniform' does"),
        ({"rule": "obftf", "k": 4, "selection_mode": "test"}, "selection_mode is 'test'"),
    ],
)
def test_mistakes_are_found_at_once(options: Any, message: str) -> None:
    with pytest.raises(InvalidOption, match=message):
        SubsetStep(network(), ENTROPY, **options)


def test_ids_belong_to_records() -> None:
    batch = batches(1)[0]
    with pytest.raises(InvalidOption, match="ids are missing"):
        SubsetStep(network(), ENTROPY, "obftf", 4, recorded=RecordedLosses(N))(batch)
    with pytest.raises(InvalidOption, match="no recorded="):
        SubsetStep(network(), ENTROPY, "obftf", 4)(batch, ids=torch.arange(N))


# -- features, a cheaper selection pass ------------------------------------------------------------


class Nearest(Rule):
    """Stands in for a rule with features: the k rows that are nearest to the origin."""

    name, needs = "nearest", "features"

    def _choose(self, losses: Tensor, k: Any, *, features: Any, **_: Any) -> Tensor:
        found: Tensor = features.norm(dim=2).topk(k, largest=False).indices.sort(1).values
        return found


def test_frank_wolfe_chooses_by_losses_or_by_features() -> None:
    model, batch = nn.Linear(3, 1), (torch.randn(16, 3), torch.randn(16, 1))
    loss_fn = supervised(nn.MSELoss(reduction="none"))
    by_losses = SubsetStep(model, loss_fn, "frank_wolfe", 4)(batch)
    assert by_losses.losses is not None
    by_features = SubsetStep(model, loss_fn, "frank_wolfe", 4, features=lambda _, b: b[0])(batch)
    assert by_features.losses is None
    assert by_losses.size == by_features.size == 4


def test_features() -> None:
    x, y = batches(1)[0]
    step = SubsetStep(network(), ENTROPY, Nearest(), 4, features=lambda _, batch: batch[0])
    result = step((x, y))
    assert (
        result.indices.tolist() == x.norm(dim=1).topk(4, largest=False).indices.sort()[0].tolist()
    )
    assert result.losses is None
    model = restless()
    before, state = everything(model), torch.get_rng_state()
    step = SubsetStep(model, ENTROPY, Nearest(), 4, features=lambda m, batch: m(batch[0]))
    with torch.random.fork_rng(()):
        step((x, y))
    model.load_state_dict(before)
    step._choose((x, y), 4, N, None)
    assert_same(before, everything(model))
    assert torch.equal(state, torch.get_rng_state())
    with pytest.raises(InvalidOption, match="needs features="):
        SubsetStep(model, ENTROPY, Nearest(), 4)


def test_a_transform_is_for_the_selection_pass_alone() -> None:
    x, y = batches(1)[0]
    model = network()
    step = SubsetStep(model, ENTROPY, "max_loss", 4, transform=lambda b: (-3 * b[0], b[1]))
    result = step((x, y))
    assert_right(result, ENTROPY(model, (-3 * x, y)), 4)
    assert not torch.equal(
        result.indices, SubsetStep(model, ENTROPY, "max_loss", 4)((x, y)).indices
    )
    torch.testing.assert_close(result.trained, ENTROPY(model, (x, y))[result.indices].detach())


def test_lower_precision_is_for_the_selection_pass_alone() -> None:
    types: list[Any] = []

    def typed(model: Any, batch: Any) -> Tensor:
        out = model(batch[0])
        types.append(out.dtype)
        return nn.functional.cross_entropy(out.float(), batch[1], reduction="none")

    SubsetStep(network(), typed, "obftf", 4, autocast=torch.bfloat16)(batches(1)[0])
    assert types == [torch.bfloat16, torch.float32]


def test_inside_autocast_and_with_a_scaler() -> None:
    model = network(nn.BatchNorm1d(8))
    twin = copy.deepcopy(model)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    x, y = batches(1)[0]
    step = SubsetStep(model, ENTROPY, "max_loss", 4)
    with torch.autocast("cpu", torch.bfloat16):
        result = step((x, y))
    backward(scaler.scale(result.loss))
    with torch.autocast("cpu", torch.bfloat16):
        loss = ENTROPY(twin, (x[result.indices], y[result.indices])).mean()
    backward(scaler.scale(loss))
    assert all(map(torch.equal, gradients(model), gradients(twin)))
    assert gradients(model)[0].abs().sum() > 0


# -- wrapped models --------------------------------------------------------------------------------


def test_a_compiled_model() -> None:
    torch.compiler.reset()
    model = network(nn.BatchNorm1d(8))
    twin = copy.deepcopy(model)
    compiled = torch.compile(model, backend="aot_eager")
    ours, plain = (
        SubsetStep(compiled, ENTROPY, "max_loss", 4),
        SubsetStep(twin, ENTROPY, "max_loss", 4),
    )
    for number, batch in enumerate(batches(6)):
        with torch._dynamo.config.patch(error_on_recompile=number >= 3):  # it settles
            a, b = ours(batch), plain(batch)
        assert torch.equal(a.indices, b.indices)
        backward(a.loss)
        backward(b.loss)
    for mine, other in zip(gradients(model), gradients(twin), strict=True):
        torch.testing.assert_close(mine, other)
    for name, value in everything(model).items():
        torch.testing.assert_close(value, everything(twin)[name])


def test_a_distributed_model(tmp_path: Path) -> None:
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1
    )
    try:
        model = network(nn.BatchNorm1d(8))
        twin = copy.deepcopy(model)
        wrapped = nn.parallel.DistributedDataParallel(model)
        seen: list[bool] = []

        def watched(model: Any, batch: Any) -> Tensor:
            seen.append(model is wrapped)
            return ENTROPY(model, batch)

        step, plain = (
            SubsetStep(wrapped, watched, "max_loss", 4),
            SubsetStep(twin, ENTROPY, "max_loss", 4),
        )
        for batch in batches(2):
            backward(step(batch).loss)
            backward(plain(batch).loss)
        assert seen == [False, True] * 2
        assert all(map(torch.equal, gradients(model), gradients(twin)))
        assert_same(everything(model), everything(twin))
    finally:
        torch.distributed.destroy_process_group()


# -- weights ---------------------------------------------------------------------------------------


def test_uniform_weights_give_the_mean_of_the_chosen() -> None:
    batch = batches(1)[0]
    result = SubsetStep(network(), ENTROPY, "uniform", 4, reweight=True)(batch)
    assert result.weights is not None
    torch.testing.assert_close(result.weights, torch.full((4,), 0.25))
    torch.testing.assert_close(result.loss, result.trained.mean())


def linear() -> tuple[Any, tuple[Tensor, Tensor], Callable[[Tensor], Tensor]]:
    """Return a model, a batch, and a function from losses to the flat gradient."""
    model = nn.Linear(D, CLASSES, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.linspace(-1, 1, D * CLASSES).reshape(CLASSES, D))
    x, y = batches(1, n=8)[0]

    def gradient(loss: Tensor) -> Tensor:
        found: Tensor = torch.autograd.grad(loss, [model.weight])[0].flatten()
        return found

    return model, (x.double(), y), gradient


@pytest.mark.parametrize(("name", "k"), [("uniform", 3), ("prob", None)])
def test_over_all_subsets_the_weighted_gradient_is_that_of_the_batch(name: str, k: Any) -> None:
    model, batch, gradient = linear()
    step = SubsetStep(model, ENTROPY, name, k, reweight=True)
    losses = ENTROPY(model, batch)
    keep = None if k else losses.detach().tanh()
    expected = torch.zeros(D * CLASSES, dtype=torch.float64)
    masses = []
    for size in range(1, 9) if k is None else [k]:
        for subset in itertools.combinations(range(8), size):
            indices = torch.tensor(subset)
            kept = torch.zeros(8, dtype=torch.bool).index_fill(0, indices, True)
            if keep is None:
                masses.append(1.0 / math.comb(8, k))
            else:  # one that is kept may be so for want of any
                mass = torch.where(kept, keep, 1.0 - keep).prod()
                masses.append(float(mass + (size == 1) * (1.0 - keep).prod() / 8))
            step.rule._choose = lambda *_, found=indices, **__: found[None]  # type: ignore[method-assign]
            expected += masses[-1] * gradient(step(batch).loss)
    assert sum(masses) == pytest.approx(1.0, rel=1e-12)
    torch.testing.assert_close(expected, gradient(losses.mean()), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "k"), [("uniform", 3), ("prob", None)])
def test_over_many_draws_the_weighted_gradient_is_that_of_the_batch(name: str, k: Any) -> None:
    model, batch, gradient = linear()
    step = SubsetStep(model, ENTROPY, rule(name, seed=1), k, reweight=True)
    wanted = gradient(ENTROPY(model, batch).mean())
    drawn = torch.stack([gradient(step(batch).loss) for _ in range(1000)])
    spread = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - wanted) / spread).abs().max() < 4.0
    biased = gradient(SubsetStep(model, ENTROPY, "max_loss", 3)(batch).loss)
    assert ((biased - wanted) / spread).abs().max() > 8.0  # it would be seen


# -- records ---------------------------------------------------------------------------------------


def test_recorded_losses_take_the_place_of_the_selection_pass() -> None:
    sizes: list[int] = []

    def counted(model: Any, batch: Any) -> Tensor:
        sizes.append(len(batch[0]))
        return ENTROPY(model, batch)

    recorded = RecordedLosses(100)
    ids = torch.arange(40, 40 + N)
    stored = torch.linspace(5.0, 1.0, N)
    recorded.update(ids, stored)
    step = SubsetStep(network(), counted, "max_loss", 4, recorded=recorded)
    result = step(batches(1)[0], ids=ids)
    assert sizes == [4]
    assert_right(result, stored, 4)
    fresh = recorded.lookup(ids)
    assert torch.equal(fresh[:4], result.trained)  # refreshed by the training pass
    assert torch.equal(fresh[4:], stored[4:])


def test_unknown_losses() -> None:
    ids = torch.arange(4)
    cases: Any = (("mean", 2.0), (7.5, 7.5))
    for unknown, wanted in cases:
        recorded = RecordedLosses(4, unknown=unknown)
        recorded.update(ids[:2], torch.tensor([1.0, 3.0]))
        assert recorded.lookup(ids).tolist() == [1.0, 3.0, wanted, wanted]
        assert recorded.known(ids).tolist() == [True, True, False, False]
    assert RecordedLosses(4).lookup(ids).tolist() == [0.0] * 4


def test_batches_with_unknown_losses_are_kept_whole() -> None:
    recorded = RecordedLosses(2 * N, unknown="keep")
    step = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=recorded)
    epoch = list(zip(batches(2), torch.arange(2 * N).split(N), strict=True))
    sizes = [step(batch, ids=ids).size for _ in range(2) for batch, ids in epoch]
    assert sizes == [N, N, 4, 4]


def test_records_by_any_name() -> None:
    recorded = RecordedLosses(decay=0.75)
    names = [f"image {i}.png" for i in range(1500)]
    recorded.update(names, torch.ones(1500))
    recorded.update(names[:2], torch.tensor([5.0, torch.inf]))
    found = recorded.lookup([names[0], names[1], names[-1], "new"])
    assert found.tolist() == pytest.approx([2.0, 1.0, 1.0, 4 / 3])
    step = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=recorded)
    assert step(batches(1)[0], ids=names[:N]).size == 4


def test_records_of_the_wrong_kind() -> None:
    recorded = RecordedLosses(4)
    for ids, message in (
        (["a"], "a list"),
        (torch.tensor([4]), "ids hold 4"),
        (torch.tensor([-1]), "ids hold -1"),
        (torch.tensor([0.5]), "float32"),
    ):
        with pytest.raises(InvalidProblem, match=message):
            recorded.lookup(ids)
    with pytest.raises(InvalidProblem, match="2 ids"):
        recorded.update(torch.arange(2), torch.ones(3))
    for options in ({"size": 0}, {"decay": 1.0}, {"unknown": "zero"}, {"unknown": float("nan")}):
        with pytest.raises(InvalidOption, match=next(iter(options))):
            RecordedLosses(**options)
    with pytest.raises(InvalidOption, match="size"):
        recorded.load_state_dict(RecordedLosses(5).state_dict())


# -- resuming --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["uniform", "selective_backprop", "recorded"])
def test_a_resumed_training_is_the_same(name: str, tmp_path: Path) -> None:
    def fresh() -> tuple[Any, Any, SubsetStep]:
        model = network(nn.BatchNorm1d(8))
        recorded = RecordedLosses(N) if name == "recorded" else None
        chosen = "selective_backprop" if recorded else name
        own = torch.Generator().manual_seed(9) if recorded else None
        budget = During(6, start=2)
        step = SubsetStep(model, ENTROPY, chosen, budget, recorded=recorded, generator=own)
        return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), step

    def train(model: Any, optimiser: Any, step: SubsetStep, part: Any) -> None:
        for batch in part:
            optimiser.zero_grad()
            backward(step(batch, ids=torch.arange(N) if step.recorded else None).loss)
            optimiser.step()

    data = batches(8)
    whole = fresh()
    train(*whole, data)
    half = fresh()
    train(*half, data[:4])
    torch.save([part.state_dict() for part in half], tmp_path / "checkpoint.pt")
    resumed = fresh()
    for part, state in zip(resumed, torch.load(tmp_path / "checkpoint.pt"), strict=True):
        part.load_state_dict(state)
    train(*resumed, data[4:])
    assert_same(everything(whole[0]), everything(resumed[0]))
    assert resumed[2].steps == 8


def test_states_of_another_step_are_refused() -> None:
    state = SubsetStep(network(), ENTROPY, "obftf", 4).state_dict()
    with pytest.raises(InvalidOption, match="rule 'obftf'"):
        SubsetStep(network(), ENTROPY, "max_loss", 4).load_state_dict(state)
    other = SubsetStep(network(), ENTROPY, "obftf", 4, recorded=RecordedLosses(4))
    with pytest.raises(InvalidOption, match="recorded is part of only one"):
        other.load_state_dict(state)


# -- the functional form ---------------------------------------------------------------------------


def test_select() -> None:
    losses = torch.tensor([0.5, 2.0, 0.1, 3.0])
    assert select(losses, 2, "max_loss").tolist() == [1, 3]
    assert select(losses, 0.5, rule("max_loss")).tolist() == [1, 3]
    assert select(losses, 2).tolist() == [0, 3] or len(select(losses, 2)) == 2
    assert select(losses.expand(3, 4), 2, "max_loss").tolist() == [[1, 3]] * 3
    with pytest.raises(InvalidOption, match="no option 'gamma'"):
        select(losses, 2, "max_loss", gamma=2.0)
    with pytest.raises(InvalidOption, match="options gamma are given beside a rule"):
        select(losses, 2, rule("max_loss"), gamma=2.0)
    generator = torch.Generator().manual_seed(0)
    picks = {tuple(select(losses, 2, "uniform", generator).tolist()) for _ in range(30)}
    assert len(picks) > 1
