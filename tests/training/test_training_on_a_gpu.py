"""The harness on a GPU: every method trains there, and the seconds are those of the device."""

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from .test_loop import PASSES  # type: ignore[import-not-found]  # noqa: E402
from .toy import run, trained  # type: ignore[import-not-found]  # noqa: E402

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("rule", [*PASSES, "sb:history=48", "osgd"])
def test_methods_train_on_a_gpu(rule: str) -> None:
    result, made = trained(rule, device="cuda")
    assert next(made.model.parameters()).is_cuda
    assert math.isfinite(result.final["loss"])
    if rule in PASSES:
        selection, chosen = PASSES[rule]
        assert (result.passes.selection, result.passes.backward) == (selection, chosen)
    assert result.peak_bytes > 0
    assert result.facts["device"] == torch.cuda.get_device_name()


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_precisions_come_to_about_the_same(precision: str) -> None:
    given: dict[str, Any] = {"epochs": 10, "budget": 1.0, "lr": 0.02}
    result, _ = trained("uniform", device="cuda", precision=precision, **given)
    reference, _ = trained("uniform", **given)
    # Half precision skips the first steps, until its scale of the gradients fits.
    assert result.final["loss"] == pytest.approx(reference.final["loss"], rel=0.2)


def test_seconds_are_read_without_waiting_in_between() -> None:
    result, _ = trained("obftf", device="cuda")
    assert all(value >= 0 for value in result.seconds.values())
    assert result.seconds["backward"] > 0
    assert result.seconds["selection"] > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # the compiler's
def test_compiled_models_train() -> None:
    result, _ = trained("obftf", device="cuda", compile=True, epochs=2)
    assert math.isfinite(result.final["loss"])


def test_runs_say_where_they_ran() -> None:
    assert run(device="cuda").key != run().key
