"""On tensors that only claim to be on a GPU: are all on one device, and is none of them waited for?

The machine needs no GPU. Shapes, types and devices are computed as there, values are not, so that
whatever needs a value on the host raises.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest

torch: Any = pytest.importorskip("torch")
_fakes = pytest.importorskip("torch._subclasses.fake_tensor")
_overrides = pytest.importorskip("torch.overrides")
base = pytest.importorskip("subsetopt.torch.rules.base")
torch_rules = pytest.importorskip("subsetopt.torch.rules")

from subsetopt.torch import (  # noqa: E402
    PSGD,
    DistributedRule,
    RecordedLosses,
    SubsetStep,
    Watcher,
    supervised,
)
from subsetopt.torch import features as of  # noqa: E402
from subsetopt.torch.search import _mean  # noqa: E402
from subsetopt.torch.search._joint import exchange_jointly  # noqa: E402

RULES = tuple(name for name in torch_rules.RULES if name != "obftf_exact")
SIZES = ((1, 1), (128, 13), (128, 128), (4096, 1024))


_BY_DISPATCH = {  # bindings that look for CUDA themselves
    torch.Tensor.contiguous: torch.ops.aten.contiguous,
    torch.Tensor.__invert__: torch.ops.aten.bitwise_not,
    torch.Tensor.copy_: torch.ops.aten.copy_,
}


class Waited(AssertionError):
    """Something was copied between host and device."""


class Emulated(_overrides.TorchFunctionMode):  # type: ignore[misc, name-defined]
    """Does the indexing that needs CUDA in torch; refuses copies that wait, where it is strict."""

    strict = False

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        options = kwargs or {}
        if func is torch.Tensor.__getitem__:
            return indexed(*args)
        if func is torch.Tensor.__setitem__:
            set_at(*args)
            return None
        result = _BY_DISPATCH.get(func, func)(*args, **options)
        if not self.strict:
            return result
        if func in (torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.cuda, torch.Tensor.copy_):
            sources = [one.device.type for one in args if isinstance(one, torch.Tensor)]
            moved = {*sources, result.device.type} == {"cpu", "cuda"}
            if moved and not options.get("non_blocking"):
                raise Waited(f"{func.__name__} from {sources} to {result.device}")
        if func is torch.tensor and result.device.type != "cpu":
            raise Waited(f"{result!r} was made on the host")
        return result


def parts(tensor: Any, key: Any) -> tuple[Any, list[Any]]:
    """Return the view that the plain parts of a key stand for, and the index of each dimension."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if any(one is Ellipsis for one in keys):
        at = next(place for place, one in enumerate(keys) if one is Ellipsis)
        missing = tensor.ndim - sum(one is not None and one is not Ellipsis for one in keys)
        keys[at : at + 1] = [slice(None)] * missing
    dim = 0
    places: list[Any] = []
    for one in keys:
        if isinstance(one, int):
            tensor = tensor.select(dim, one)
            continue
        if one is None:
            tensor = tensor.unsqueeze(dim)
        elif isinstance(one, slice):
            tensor = torch.ops.aten.slice(tensor, dim, one.start, one.stop, one.step or 1)
        elif not one.ndim:
            raise Waited("a scalar on a device as an index")
        else:
            places += [None] * (dim - len(places)) + [one]
        dim += 1
    return tensor, places


def indexed(tensor: Any, key: Any) -> Any:
    view, places = parts(tensor, key)
    return torch.ops.aten.index(view, places) if places else view


def set_at(tensor: Any, key: Any, value: Any) -> None:
    view, places = parts(tensor, key)
    if places:
        torch.ops.aten.index_put_(view, places, torch.as_tensor(value, device=view.device))
    else:
        torch.ops.aten.copy_(view, torch.as_tensor(value, device=view.device))


@contextmanager
def waiting_refused() -> Iterator[None]:
    with mock.patch.object(Emulated, "strict", True):
        yield


@pytest.fixture(autouse=True)
def fakes() -> Iterator[Any]:
    """Make tensors fakes, generators none, and forget what was kept of them."""
    kept = of._kept_signs.cache_clear, _mean._PLANS.clear
    with (
        mock.patch.object(base.Rule, "_own_generator", return_value=None),
        mock.patch.object(DistributedRule, "_own_generator", return_value=None),
        mock.patch.object(torch.cuda, "is_current_stream_capturing", return_value=False),
    ):
        for clear in kept:
            clear()
        with _fakes.FakeTensorMode(), Emulated():
            yield
        for clear in kept:
            clear()


def features_of(name: str, *shape: int) -> Any:
    return torch.rand(*shape, 5, device="cuda") if name in ("vector", "frank_wolfe") else None


def in_turn(name: str, size: tuple[int, int]) -> Any:
    """Return the type of losses: each rule and each size has both, each with half of the others."""
    odd = (RULES.index(name) + SIZES.index(size)) % 2
    return torch.float16 if odd else torch.float32


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", RULES)
def test_rules_stay_on_the_device(name: str, size: tuple[int, int]) -> None:
    n, k = size
    losses = torch.rand(n, device="cuda", dtype=in_turn(name, size))
    made = torch_rules.rule(name)
    for _ in range(2):  # with and without what is remembered
        with waiting_refused():
            chosen = made(losses, k, features=features_of(name, n))
        assert chosen.device == losses.device
        assert chosen.dtype == torch.int64
        assert chosen.shape == (k,)


OTHERS = [("obftf", {"start": "uniform"}), ("vector", {"start": "greedy"}), ("frank_wolfe", {})]


@pytest.mark.parametrize(("name", "options"), [*((name, {}) for name in RULES), *OTHERS])
def test_rules_stay_on_the_device_with_rows(name: str, options: dict[str, Any]) -> None:
    losses = torch.rand(3, 64, device="cuda").T.contiguous().T  # not contiguous
    with waiting_refused():
        chosen = torch_rules.rule(name, **options)(losses, 7, features=features_of(name, 3, 64))
    assert chosen.device == losses.device
    assert chosen.shape == (3, 7)


@pytest.mark.parametrize("name", ["prob", "selective_backprop"])
def test_a_number_left_to_chance_is_waited_for(name: str) -> None:
    with pytest.raises((Waited, _fakes.DynamicOutputShapeException)), waiting_refused():
        torch_rules.rule(name)(torch.rand(8, device="cuda"))


@pytest.mark.parametrize("name", ["max_loss", "vector"])
def test_checks_are_waited_for(name: str) -> None:
    losses = torch.rand(8, device="cuda")
    with pytest.raises(_fakes.DataDependentOutputException), waiting_refused():
        torch_rules.rule(name, check=True)(losses, 2, features=features_of(name, 8))


def test_mixed_devices_are_noticed() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.rand(8, device="cuda") + torch.rand(8)
    with pytest.raises(Waited), waiting_refused():
        torch.rand(8, device="cuda").cpu()
    with pytest.raises((Waited, RuntimeError)), waiting_refused():  # the latter without CUDA
        torch.rand(8).to("cuda")
    with pytest.raises(Waited), waiting_refused():
        torch.tensor([1, 2], device="cuda")
    with pytest.raises(Waited), waiting_refused():
        torch.rand(8, device="cuda")[torch.rand(8, device="cuda").argmax()]


def of_labels(y: Any, x: Any) -> Any:
    return of.labels(y, 10)


def of_inputs(y: Any, x: Any) -> Any:
    return of.projected(x)


def of_residuals(y: Any, x: Any) -> Any:
    return of.residuals(x[:, :10], y)


def of_gradients(y: Any, x: Any) -> Any:
    return of.last_layer_gradients(x[:, :10], y, x)


def of_all(y: Any, x: Any) -> Any:
    return of.joined(of.labels(y, 10), of.projected(x))


@pytest.mark.parametrize("made", [of_labels, of_inputs, of_residuals, of_gradients, of_all])
def test_features_stay_on_the_device(made: Callable[[Any, Any], Any]) -> None:
    y = torch.randint(10, (32,), device="cuda")
    x = torch.rand(32, 64, device="cuda", dtype=torch.bfloat16)
    made(y, x)  # now the signs are there
    with waiting_refused():
        found = made(y, x)
    assert found.device == x.device
    assert found.dtype == torch.float32


@pytest.mark.parametrize("d", [1, 4])
def test_joint_exchanges_stay_on_the_device(d: int) -> None:
    chosen = torch.arange(5, device="cuda").expand(2, 5).contiguous()
    with waiting_refused():
        found = exchange_jointly(torch.rand(2, 32, d, device="cuda"), chosen)
    assert found.device == chosen.device
    assert found.shape == (2, 5)


@pytest.mark.parametrize("name", ["obftf", "vector", "frank_wolfe"])
def test_choices_from_all_ranks_stay_on_the_device(name: str) -> None:
    made = DistributedRule(name, scope="global")
    made._agreed = True  # the first call asks the others how many they have
    losses = torch.rand(32, device="cuda")
    with (
        mock.patch("subsetopt.torch.distributed.world_of", return_value=(1, 2)),
        mock.patch("subsetopt.torch._balancing.world_of", return_value=(1, 2)),
        mock.patch("subsetopt.torch._balancing.gathered", lambda own, *_: torch.cat([own, own])),
        waiting_refused(),
    ):
        found = made.choose(losses, 5, features=features_of(name, 32))
    assert found.indices.device == found.weights.device == losses.device
    assert found.indices.shape == (5,)


def test_records_stay_on_the_device() -> None:
    recorded = RecordedLosses(32, decay=0.5, device="cuda")
    ids = torch.arange(8, device="cuda")
    with waiting_refused():
        recorded.update(ids, torch.rand(8, device="cuda", dtype=torch.float16))
        found = recorded.lookup(ids)
        assert recorded.known(ids).device == found.device == ids.device


def test_watchers_stay_on_the_device() -> None:
    watcher = Watcher(32)
    ids, losses = torch.arange(8, device="cuda"), torch.rand(8, device="cuda")
    watcher.update(ids)  # now the counts are there
    with waiting_refused():
        watcher.update(ids, torch.arange(3, device="cuda"), losses=losses)
        watcher.update(ids, torch.arange(3, device="cuda"), trained=losses[:3])
    assert watcher.counts.device == ids.device


def test_importances_are_told_without_waiting() -> None:
    sampler = PSGD(32, 8)
    ids, losses = torch.arange(8, device="cuda"), torch.rand(8, device="cuda")
    sampler.update(ids, losses=losses)  # now the sums are there
    with waiting_refused():
        sampler.update(ids, losses=losses.half())
        sampler.update(ids, probabilities=losses)
    assert sampler._fresh.device == ids.device


class Counting(torch.nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.rand(6, 3, device="cuda"))  # a graph would need CUDA
        self.register_buffer("calls", torch.zeros(1, device="cuda"))

    def forward(self, x: Any) -> Any:
        self.calls.add_(1)
        return x @ self.weight


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_steps_stay_on_the_device(name: str, recorded: bool) -> None:
    looks = torch_rules.rule(name).needs
    if recorded and looks != "losses":
        pytest.skip("chooses by no losses")
    step = SubsetStep(
        Counting(),
        supervised(torch.nn.CrossEntropyLoss(reduction="none")),
        name,
        k=4,
        features=(lambda _, batch: of.labels(batch[1], 3)) if looks == "features" else None,
        recorded=RecordedLosses(16, device="cuda") if recorded else None,
    )
    batch = torch.rand(16, 6, device="cuda"), torch.randint(3, (16,), device="cuda")
    given = {"ids": torch.arange(16, device="cuda")} if recorded else {}
    for _ in range(2):
        with waiting_refused():
            result = step(batch, **given)
        assert result.indices.shape == (4,)
        assert result.loss.device == result.indices.device == batch[0].device
