"""The samples of linear regression have the moments that the paper's formula gives them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from subsetopt.training.tasks import evaluated, task  # noqa: E402


def residuals(split: object) -> np.ndarray:
    x, y = split.inputs[:, 0].double().numpy(), split.targets.double().numpy()  # type: ignore[attr-defined]
    found: np.ndarray = y - 2 * x - 1
    return found


def test_moments() -> None:
    data = task("linreg").load(seed=0)
    assert (len(data.train), len(data.test)) == (1_000, 10_000)
    x, noise = data.test.inputs.double(), residuals(data.test)
    assert abs(float(x.mean())) < 0.2  # U(-10, 10): deviation of the mean 0.06
    assert float(x.var()) == pytest.approx(100 / 3, rel=0.03)
    assert np.abs(noise).max() <= 5 + 1e-5
    assert abs(noise.mean()) < 0.1
    assert noise.var() == pytest.approx(25 / 3, rel=0.03)
    assert abs(np.corrcoef(noise, x[:, 0].numpy())[0, 1]) < 0.03
    assert np.abs(residuals(data.train)).max() <= 5 + 1e-5


def test_outliers_are_all_that_differs() -> None:
    clean, dirty = task("linreg").load(seed=3), task("linreg", outliers=20).load(seed=3)
    assert torch.equal(clean.train.inputs, dirty.train.inputs)
    assert torch.equal(clean.test.targets, dirty.test.targets)
    added = (dirty.train.targets - clean.train.targets).numpy()
    assert (added != 0).sum() == 20
    assert np.abs(added).max() <= 20
    assert np.abs(added).max() > 10
    other = task("linreg", outliers=20).load(seed=4)
    assert not torch.equal(other.train.inputs, dirty.train.inputs)
    narrow = task("linreg", x_range=(0, 1)).load()
    assert float(narrow.train.inputs.min()) >= 0
    assert narrow.facts["x_range"] == [0, 1]


def test_the_line_itself_has_no_excess() -> None:
    made = task("linreg")
    data = made.load(seed=0)
    model = made.model(data)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(2.0 if parameter.ndim == 2 else 1.0)
    metrics = evaluated(made, model, data.test)
    assert abs(metrics["excess"]) < 0.3
    assert metrics["excess"] == pytest.approx(metrics["loss"] - 25 / 3)
    assert metrics["r2"] > 0.9
