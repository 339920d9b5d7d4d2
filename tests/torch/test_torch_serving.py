"""Recording while serving: what is recorded is right, and nothing that goes wrong is noticed."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.records import LabelWriter, Layout, RecordStore, RecordWriter  # noqa: E402
from subsetopt.records._classes import Classes  # noqa: E402
from subsetopt.torch import Recording, recording  # noqa: E402
from subsetopt.torch._served import (  # noqa: E402
    Counters,
    Served,
    cross_entropy_of,
    groups,
)

CLASSES = 5


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., RecordWriter]]:
    """Return what opens the writer of `tmp_path`; it is closed afterwards."""
    made: list[RecordWriter] = []

    def open_writer(**layout: Any) -> RecordWriter:
        made.append(
            RecordWriter(tmp_path, "server", layout=Layout(**layout), full="drop", durable=False)
        )
        return made[-1]

    yield open_writer
    for writer in made:
        writer.close()


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, CLASSES))


def samples(n: int, seed: int = 0) -> Any:
    drawn = torch.Generator().manual_seed(seed)
    return torch.randn(n, 4, generator=drawn), torch.randint(CLASSES, (n,), generator=drawn)


def losses_of(model: Any, x: Any, y: Any) -> Any:
    with torch.no_grad():
        return functional.cross_entropy(model(x), y, reduction="none").numpy()


def recorded(root: Path, ids: Any) -> Any:
    return RecordStore(root).latest(ids).losses


# -- what is recorded ------------------------------------------------------------------------------


def test_losses_are_those_of_the_cross_entropy(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(12)
    ids = np.arange(100, 112)
    expected, plain = losses_of(model, x, y), model(x)
    with recording(model, opened(), model="v7") as hook:
        with torch.inference_mode(), hook.batch(ids, y):
            served = model(x)
        hook.flush()
        assert torch.equal(served, plain)
        assert hook.counts.batches == 1
        assert hook.counts.records == 12
        assert not hook.counts.last_error
    latest = RecordStore(tmp_path).latest(ids)
    np.testing.assert_allclose(latest.losses, expected, rtol=1e-6)
    assert set(latest.models) == {"v7"}


def test_labels_that_come_later(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(12)
    with recording(model, opened(outputs=CLASSES)) as hook, hook.batch(torch.arange(12)):
        model(x)
    ids = np.arange(12)
    assert np.isnan(recorded(tmp_path, ids)).all()
    with LabelWriter(tmp_path, "labels", durable=False) as late:
        late.append(ids[:9], y[:9])
    found = recorded(tmp_path, ids)
    np.testing.assert_allclose(found[:9], losses_of(model, x, y)[:9], rtol=1e-6)
    assert np.isnan(found[9:]).all()


def test_labels_that_are_no_class_have_no_loss(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(4)
    given = torch.tensor([int(y[0]), -100, CLASSES, int(y[3])])
    with recording(model, opened()) as hook, hook.batch(["1", "2"], given):
        pass  # the ids are wrong too, but nothing was passed
    with recording(model, hook._writer) as hook, hook.batch([0, 1, 2, 3], given):
        model(x)
    found = recorded(tmp_path, [0, 1, 2, 3])
    assert np.isnan(found).tolist() == [False, True, True, False]
    np.testing.assert_allclose(found[[0, 3]], losses_of(model, x, y)[[0, 3]], rtol=1e-6)
    assert hook.counts.no_class == 2


def test_labels_that_count_from_one_have_no_loss(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, _ = samples(4)
    with recording(model, opened()) as hook:
        for ids, labels in (([0, 1], [1, CLASSES]), ([2, 3], [1, 2])):
            with hook.batch(ids, torch.tensor(labels)):
                model(x[ids])
            hook.flush()
    assert np.isnan(recorded(tmp_path, [0, 1, 2, 3])).all()
    assert (hook.counts.records, hook.counts.no_class) == (4, 4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_labels_are_checked_where_losses_are_made_on_a_device(dtype: Any) -> None:
    scores = torch.log_softmax(samples(4)[0][:, :3], 1)
    labels = torch.tensor([0.0, 1.5, -0.5, 3.0], dtype=dtype)
    made = cross_entropy_of(scores, labels)
    classes, counters = Classes(3), Counters()
    served = Served(0.0, "", np.arange(4), labels, None, None, made, None, None, None)
    ((_, _, (columns,)),) = groups([served], classes, counters)
    assert columns.losses is not None
    assert np.isnan(columns.losses).tolist() == [False, True, True, True]
    assert columns.losses[0] == -scores[0, 0]
    assert counters.counts.no_class == 3


def test_a_loss_and_logits_of_ones_own(opened: Any, tmp_path: Path) -> None:
    class Regression(nn.Module):
        def forward(self, x: Any) -> dict[str, Any]:
            return {"found": (x.sum(1), x)}

    model = Regression()
    x, _ = samples(6)
    wanted = torch.linspace(0, 1, 6)
    hook = recording(
        model,
        opened(),
        logits=lambda output: output["found"][0],
        loss=nn.MSELoss(reduction="none"),
    )
    with hook, hook.batch(np.arange(6), wanted):
        model(x)
    np.testing.assert_allclose(
        recorded(tmp_path, np.arange(6)), ((x.sum(1) - wanted) ** 2).numpy(), rtol=1e-6
    )


def test_losses_of_pixels_are_averaged(opened: Any, tmp_path: Path) -> None:
    model = nn.Identity()
    drawn = torch.randn(3, CLASSES, 2, 2)
    labels = torch.randint(CLASSES, (3, 2, 2))
    loss = nn.CrossEntropyLoss(reduction="none")
    with recording(model, opened(), loss=loss) as hook, hook.batch([0, 1, 2], labels):
        model(drawn)
    expected = loss(drawn, labels).mean((1, 2)).numpy()
    np.testing.assert_allclose(recorded(tmp_path, [0, 1, 2]), expected, rtol=1e-6)


def test_summaries_and_features(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, _ = samples(6)
    hook = recording(
        model,
        opened(ids="string", outputs=2, outputs_are="vector", features=4),
        summary=lambda logits: logits[:, :2],
        features=lambda inputs, output: inputs[0],
    )
    names = [f"image-{p}" for p in range(6)]
    with hook, hook.batch(names):
        output = model(x)
        output_was = output.detach().clone()
        x_was = x.clone()
        output.detach().zero_()  # whatever serving does with it afterwards
        x.zero_()
    (block,) = RecordStore(tmp_path).blocks(("loss", "outputs", "features"))
    assert block.ids == names
    np.testing.assert_array_equal(block.outputs, output_was[:, :2].numpy())
    np.testing.assert_array_equal(block.features, x_was.numpy())


def test_ids_and_labels_may_be_used_again(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(8)
    ids, labels = np.arange(8), y.clone()
    with recording(model, opened()) as hook:
        with hook.batch(ids, labels):
            model(x)
        ids += 100
        labels.zero_()
    np.testing.assert_allclose(recorded(tmp_path, np.arange(8)), losses_of(model, x, y), rtol=1e-6)


@pytest.mark.parametrize("mode", ["grad", "no_grad", "inference", "autocast"])
def test_modes(opened: Any, tmp_path: Path, mode: str) -> None:
    model = network()
    x, y = samples(8)
    around = {
        "grad": torch.enable_grad,
        "no_grad": torch.no_grad,
        "inference": torch.inference_mode,
        "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    }[mode]
    with recording(model, opened()) as hook, around(), hook.batch(np.arange(8), y):
        output = model(x)
    assert output.requires_grad == (mode in ("grad", "autocast"))
    found = recorded(tmp_path, np.arange(8))
    rtol = 0.05 if mode == "autocast" else 1e-6
    np.testing.assert_allclose(found, losses_of(model, x, y), rtol=rtol)


def test_memory_is_used_again(opened: Any, tmp_path: Path) -> None:
    """Batches of two sizes, in and out of inference mode, in memory of earlier ones."""
    model = network()
    x, y = samples(60)
    expected = losses_of(model, x, y)
    with recording(model, opened()) as hook:
        for number, start in enumerate(range(0, 60, 10)):
            around = torch.inference_mode if number % 2 else torch.enable_grad
            for rows in (slice(start, start + 6), slice(start + 6, start + 10)):
                with around(), hook.batch(np.arange(60)[rows], y[rows]):
                    model(x[rows])
            hook._drain()
        assert not hook.counts.last_error
        assert 0 < len(hook._spare) <= 4
    np.testing.assert_allclose(recorded(tmp_path, np.arange(60)), expected, rtol=1e-5)


def test_compiled_modules(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(8)
    expected = losses_of(model, x, y)
    compiled: Any = torch.compile(model, backend="eager")
    with recording(compiled, opened()) as hook, hook.batch(np.arange(8), y):
        compiled(x)
    np.testing.assert_allclose(recorded(tmp_path, np.arange(8)), expected, rtol=1e-6)
    # A hook that is compiled along is none, and says so.
    with recording(model, hook._writer) as hook:
        again: Any = torch.compile(model, backend="eager")
        with hook.batch(np.arange(8), y):
            again(x)
        assert hook.counts.failures == 1
        assert "the compiled one" in hook.counts.last_error


def test_nested_modules_have_batches_of_their_own(opened: Any, tmp_path: Path) -> None:
    inner, (x, y) = network(), samples(8)
    outer = nn.Sequential(inner, nn.Linear(CLASSES, CLASSES))
    writer = opened()
    with recording(inner, writer) as first, recording(outer, writer) as second:
        with first.batch(np.arange(8), y), second.batch(np.arange(8, 16), y):
            outer(x)
        with first.batch(np.arange(16, 24), y):
            outer(x)
            outer(x)  # of several passes the first counts
        assert second.counts.unnamed == 2
    found = recorded(tmp_path, np.arange(24))
    np.testing.assert_allclose(found[:8], losses_of(inner, x, y), rtol=1e-6)
    np.testing.assert_allclose(found[8:16], losses_of(outer, x, y), rtol=1e-6)
    np.testing.assert_array_equal(found[16:], found[:8])


def test_threads_name_their_own_batches(opened: Any, tmp_path: Path) -> None:
    model = network()
    x, y = samples(400)
    expected = losses_of(model, x, y)
    hook = recording(model, opened(), capacity=1000)
    ready = threading.Barrier(4)

    def serve(first: int) -> None:
        ready.wait()
        with torch.inference_mode():
            for p in range(first, first + 100, 5):
                with hook.batch(np.arange(p, p + 5), y[p : p + 5]):
                    model(x[p : p + 5])

    threads = [threading.Thread(target=serve, args=(100 * t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hook.close()
    assert hook.counts.batches == 80
    np.testing.assert_allclose(recorded(tmp_path, np.arange(400)), expected, rtol=1e-5)


def test_a_version_that_takes_over(opened: Any, tmp_path: Path) -> None:
    model, (x, y) = network(), samples(4)
    with recording(model, opened(), model="v1") as hook:
        with hook.batch([0, 1, 2, 3], y):
            model(x)
        hook.model = "v2"
        with hook.batch([2, 3, 4, 5], y):
            model(x)
    found = RecordStore(tmp_path).latest(range(6)).models
    assert found.tolist() == ["v1", "v1", "v2", "v2", "v2", "v2"]


# -- what goes wrong -------------------------------------------------------------------------------


class Broken:
    """A writer that cannot write."""

    layout = Layout()

    def __init__(self, held: int | None = None) -> None:
        self.held = held

    def append(self, *_: Any, **__: Any) -> int:
        if self.held is None:
            raise OSError(28, "No space left on device")
        return self.held

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def served(hook: Recording, model: Any, x: Any, *named: Any) -> None:
    """Serve a batch, and check that nothing of it is noticed."""
    with torch.no_grad():
        expected = model(x)
        with hook.batch(*named):
            output = model(x)
    assert torch.equal(output, expected)
    hook._drain()


def test_a_full_disk(caplog: pytest.LogCaptureFixture) -> None:
    model, (x, y) = network(), samples(4)
    broken: Any = Broken()
    with caplog.at_level(logging.WARNING, "subsetopt.records"):
        hook = recording(model, broken)
        for _ in range(3):
            served(hook, model, x, np.arange(4), y)
        hook.flush()
        hook.close()
        hook.close()
    assert hook.counts.failures == 5
    assert hook.counts.records == 0
    assert "No space left" in hook.counts.last_error
    assert len(caplog.records) == 1


def test_a_writer_that_drops() -> None:
    model, (x, y) = network(), samples(4)
    broken: Any = Broken(held=0)
    with recording(model, broken) as hook:
        served(hook, model, x, np.arange(4), y)
        assert hook.counts.dropped == 4
        assert hook.counts.batches == 0


def test_a_full_queue(caplog: pytest.LogCaptureFixture) -> None:
    model, (x, y) = network(), samples(4)
    broken: Any = Broken(held=4)
    hook = recording(model, broken, capacity=2)
    with hook._draining, torch.no_grad():
        for _ in range(5):
            with hook.batch(np.arange(4), y):
                model(x)
    hook.close()
    assert hook.counts.dropped == 12
    assert len([one for one in caplog.records if "wait for the writer" in one.message]) == 1


def test_what_callers_get_wrong(opened: Any, tmp_path: Path) -> None:
    model, (x, y) = network(), samples(4)
    hook = recording(model, opened())
    wrong: Any = (
        ((np.arange(4), y[:3]), "labels must have shape (4,), one per row; got (3,)"),
        ((np.arange(5), y), "one for each row of the output; got shape (5,)"),
        ((["a", "b", "c", "d"], y), "int64"),
        ((None, y), "one for each row"),
        ((np.arange(4), object()), "labels"),
        ((np.arange(4),), "stores no outputs"),
    )
    for number, (named, said) in enumerate(wrong):
        served(hook, model, x, *named)
        assert hook.counts.failures == number + 1, said
        assert said in hook.counts.last_error
    # One that is wrong spoils none of those that are written with it.
    with hook._draining, torch.no_grad():
        for p in range(4):
            with hook.batch(np.arange(4 * p, 4 * p + 4) if p != 2 else ["a", "b", "c", "d"], y):
                model(x)
    hook.close()
    assert hook.counts.failures == len(wrong) + 1
    assert np.isnan(recorded(tmp_path, np.arange(16))).tolist() == [8 <= p < 12 for p in range(16)]


def test_outputs_of_another_kind(opened: Any) -> None:
    writer = opened(outputs=CLASSES)
    kinds: Any = (
        (lambda x: (x, x), "say where the logits"),
        (lambda x: x[0], "must have shape (m, C); got (5,)"),
        (lambda x: x[:, :3], "outputs must have shape"),
    )
    for made, said in kinds:

        class Model(nn.Module):
            forward = staticmethod(made)

        model: Any = Model()
        with recording(model, writer) as hook:
            with hook.batch(np.arange(4)):
                model(torch.ones(4, CLASSES))
            hook.flush()
            assert hook.counts.failures == 1
            assert said in hook.counts.last_error


def test_functions_that_raise(opened: Any) -> None:
    def bad(*_: Any) -> Any:
        raise RuntimeError("a mistake in here")

    model, (x, y) = network(), samples(4)
    writer = opened(features=2)
    for name in ("logits", "loss", "features"):
        given: Any = {name: bad}
        with recording(model, writer, **given) as hook:
            served(hook, model, x, np.arange(4), y)
            assert hook.counts.last_error == "RuntimeError: a mistake in here"


def test_a_closed_writer(opened: Any) -> None:
    model, (x, y) = network(), samples(4)
    writer = opened()
    hook = recording(model, writer)
    writer.close()
    served(hook, model, x, np.arange(4), y)
    assert "has been closed" in hook.counts.last_error
    hook.close()


def test_a_closed_hook_is_gone(opened: Any, tmp_path: Path) -> None:
    model, (x, y) = network(), samples(4)
    hook = recording(model, opened())
    hook.close()
    assert not model._forward_hooks
    served(hook, model, x, np.arange(4), y)
    assert hook.counts.failures == 0
    hook._thread.join(10)
    assert not hook._thread.is_alive()


def test_what_the_model_raises_is_the_callers(opened: Any) -> None:
    model, (x, y) = network(), samples(4)
    with recording(model, opened()) as hook:
        with pytest.raises(RuntimeError), hook.batch(np.arange(4), y):
            model(x[:, :2])
        assert hook.counts.failures == 0
        served(hook, model, x, np.arange(4), y)
        assert hook.counts.batches == 1


def test_options(opened: Any, tmp_path: Path) -> None:
    model, writer = network(), opened()
    wrong: Any = (
        ({"capacity": 0}, r"capacity must .*got 0"),
        ({"loss": nn.CrossEntropyLoss()}, r"reduction of the loss must .*got 'mean'"),
        ({"summary": abs}, "stores no outputs"),
        ({"features": max}, "stores none"),
    )
    for given, said in wrong:
        with pytest.raises(InvalidOption, match=said):
            recording(model, writer, **given)
    assert not model._forward_hooks
    broken: Any = Broken()
    broken.layout = Layout(outputs=2, outputs_are="vector")
    with pytest.raises(InvalidOption, match="summary is None"):
        recording(model, broken)


# -- on a GPU --------------------------------------------------------------------------------------


@pytest.mark.cuda
def test_a_gpu_is_not_waited_for(
    opened: Any, tmp_path: Path, no_waiting: Callable[[], AbstractContextManager[None]]
) -> None:
    model = network().cuda()
    x, y = samples(64)
    expected = losses_of(model.cpu(), x, y)
    model.cuda()
    on_card, labels = x.cuda(), y.cuda()
    bad = labels.clone()
    bad[0] = CLASSES
    hook = recording(model, opened(outputs=CLASSES, features=4), features=lambda given, _: given[0])
    with torch.inference_mode():
        model(on_card)  # loads kernels
        with no_waiting():
            with hook.batch(np.arange(64), labels):
                model(on_card)
            with hook.batch(np.arange(64, 128), y):  # labels on the host
                model(on_card)
            with hook.batch(np.arange(128, 192)):
                model(on_card)
            with hook.batch(torch.arange(192, 256, device="cuda"), bad):
                model(on_card)
            hook.flush()
    hook.close()
    assert hook.counts.batches == 4
    found = recorded(tmp_path, np.arange(256))
    np.testing.assert_allclose(found[:64], expected, rtol=1e-4)
    np.testing.assert_allclose(found[64:128], expected, rtol=1e-4)
    assert np.isnan(found[128:192]).all()
    assert np.isnan(found[192])
    np.testing.assert_allclose(found[193:], expected[1:], rtol=1e-4)
