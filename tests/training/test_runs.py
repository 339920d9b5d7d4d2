import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from subsetopt.errors import InvalidFile, InvalidOption
from subsetopt.training.run import Run
from subsetopt.training.run_result import Passes, Result

PLAIN = Run(task="digits", epochs=2, batch_size=64, lr=0.1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("batch_size", True),
        ("seed", -1),
        ("budget", 0.0),
        ("budget", 1.1),
        ("lr", 0.0),
        ("lr", float("nan")),
        ("momentum", 1.0),
        ("weight_decay", -1e-4),
        ("ema", 1.0),
        ("schedule", "never"),
        ("augmentation", "blur"),
        ("select_from", "all"),
        ("precision", "float8"),
        ("evaluate_every", 0),
    ],
)
def test_bad_fields_are_named(field: str, value: object) -> None:
    with pytest.raises(InvalidOption, match=field):
        PLAIN.but(**{field: value})


def test_recipes_are_overridden_by_what_is_given() -> None:
    run = Run.of("mnist", "obftf", budget=0.1, lr=0.5, momentum=None)
    assert (run.epochs, run.batch_size, run.lr, run.momentum) == (500, 128, 0.5, 0.0)
    with pytest.raises(InvalidOption, match="speed"):
        Run.of("mnist", speed=3)


def test_keys_tell_runs_apart() -> None:
    runs = [
        PLAIN,
        PLAIN.but(lr=0.2),
        PLAIN.but(seed=1),
        PLAIN.but(rule="vector:features=labels"),
        PLAIN.but(tuning=True),
    ]
    keys = {run.key for run in runs}
    assert len(keys) == len(runs)
    assert not any(set(key) & set("/:* ") for key in keys)
    assert PLAIN.key == replace(PLAIN).key
    assert Run.from_dict(json.loads(json.dumps(PLAIN.to_dict()))) == PLAIN


def test_effective_budgets_of_the_paper() -> None:
    # Selective-Backprop with B = 0.2 costs about what the others cost with 0.5 (section 3).
    assert Passes(selection=1000, forward=200, backward=200).budget(1000) == pytest.approx(
        0.2 + 1 / 3
    )
    assert Passes(forward=300, backward=300).budget(1000) == pytest.approx(0.3)


def made(**changes: object) -> Result:
    values: dict[str, object] = {
        "run": PLAIN,
        "metric": "accuracy",
        "better": "higher",
        "final": {"accuracy": 0.5, "loss": float("nan")},
        "history": [{"epoch": 1.0, "test_accuracy": 0.5}],
        "steps": 4,
        "passes": Passes(selection=1, forward=2, backward=3),
        "full": 100,
        "seconds": {"data": 1.0, "selection": 2.0, "evaluation": 8.0},
    }
    return Result(**{**values, **changes})  # type: ignore[arg-type]


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    result = made()
    result.save(tmp_path / "result.json")
    found = Result.load(tmp_path / "result.json")
    assert found.final["loss"] != found.final["loss"]
    assert replace(found, final={}) == replace(result, final={})
    assert found.training_seconds == 3.0
    assert found.row()["test_accuracy"] == found.value == 0.5


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"run": {"task": "x"}}'])
def test_damaged_results(tmp_path: Path, content: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InvalidFile, match=r"result\.json"):
        Result.load(tmp_path / "result.json")
    with pytest.raises(InvalidFile, match=r"missing\.json"):
        Result.load(tmp_path / "missing.json")


def test_rows_are_flat() -> None:
    row = made().row()
    assert not any(isinstance(value, dict | list) for value in row.values())
    assert set(asdict(PLAIN)) <= set(row)
