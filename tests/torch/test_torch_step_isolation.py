"""The selection pass leaves no trace, in wrapped models neither."""

import copy
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from subsetopt.torch._isolation import Isolation  # noqa: E402
from subsetopt.torch.recorded import RecordedLosses  # noqa: E402
from subsetopt.torch.step import SubsetStep  # noqa: E402

from .steps import (  # type: ignore[import-not-found]  # noqa: E402
    ENTROPY,
    N,
    assert_same,
    backward,
    batches,
    everything,
    gradients,
    network,
    restless,
)


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


@pytest.mark.cuda
@pytest.mark.parametrize("records", [False, True])
def test_a_step_on_a_gpu_does_not_wait_for_it(records: bool, no_waiting: Any) -> None:
    model = restless().cuda()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d):
            layer.momentum = 0.1  # for the cumulative average torch reads the count
    recorded = RecordedLosses(N, device="cuda") if records else None
    step = SubsetStep(model, ENTROPY, "obftf", 4, recorded=recorded)
    given: Any = {"ids": torch.arange(N, device="cuda")} if records else {}
    x, y = batches(1)[0]
    batch = x.cuda(), y.cuda()
    backward(step(batch, **given).loss)
    before, state = everything(model), torch.cuda.get_rng_state()
    with no_waiting():
        step._isolated(ENTROPY, model, batch)
        step._choose(batch, 4, N, given.get("ids"))
    assert torch.equal(state, torch.cuda.get_rng_state())
    assert_same(before, everything(model))


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

        def watched(model: Any, batch: Any) -> Any:
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
