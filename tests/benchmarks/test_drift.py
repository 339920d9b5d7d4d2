"""Serving and training under drift: streams, methods, the loop, and the command."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from torch import Tensor  # noqa: E402

from subsetopt.benchmarks.drift import __main__ as command  # noqa: E402
from subsetopt.benchmarks.drift import following, streams  # noqa: E402
from subsetopt.benchmarks.drift.following import deployed, followed  # noqa: E402
from subsetopt.benchmarks.drift.methods import DEFAULT, WindowMethod  # noqa: E402
from subsetopt.benchmarks.drift.streams import (  # noqa: E402
    DRIFTS,
    Stream,
    in_order,
    turned,
    turning,
)
from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.records import RecordWriter  # noqa: E402
from subsetopt.training._run_grid import load  # noqa: E402
from subsetopt.training.run import Run  # noqa: E402
from subsetopt.training.run_result import Result  # noqa: E402

WINDOWS, SIZE, START = 5, 40, 60
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 784), dtype=np.uint8)
LABELS = np.repeat(np.arange(10), 30)
ROWS = RNG.standard_normal((400, 13)).astype(np.float32)
NUMBERS = (ROWS[:, 0] - ROWS[:, 1] ** 2).astype(np.float32)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Let torch's threads wait for no busy processor: the models are tiny."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def digits(seed: int = 0, turn: float = 120.0) -> Stream:
    sizes = {"windows": WINDOWS, "size": SIZE, "start": START}
    return turning(IMAGES, LABELS, seed=seed, turn=turn, **sizes)


def houses(seed: int = 0, noise: float = 0.5) -> Stream:
    return in_order(ROWS, NUMBERS, seed=seed, noise=noise, windows=WINDOWS, size=SIZE, start=START)


MADE: dict[str, Callable[..., Stream]] = {"mnist": digits, "california": houses}
both = pytest.mark.parametrize("name", MADE)


def inputs(stream: Stream) -> list[Tensor]:
    return [stream.split.inputs[stream.window(t)] for t in range(stream.windows)]


def targets(stream: Stream) -> list[Tensor]:
    return [stream.split.targets[stream.window(t)] for t in range(stream.windows)]


class Course:
    """A stream that was followed: its result, what each step trained on, what was recorded."""

    def __init__(self, name: str, rule: str, budget: float, lr: float) -> None:
        stream = MADE[name](0)
        model = deployed(DRIFTS[name], stream, 0)
        before = [p.clone() for p in model.parameters()]
        self.ids: list[Tensor] = []
        run = Run(
            task=f"{name}:size={SIZE}",
            rule=rule,
            budget=budget,
            epochs=WINDOWS,
            batch_size=DRIFTS[name].batch_size,
            lr=lr,
        )
        self.result: Result = followed(run, stream, model, self.ids.append)
        self.untouched = all(map(torch.equal, before, model.parameters()))
        self.stream, self.model = stream, model

    @property
    def scores(self) -> list[dict[str, float]]:
        """The metrics of each window."""
        return [
            {key: value for key, value in row.items() if key.startswith("test_")}
            for row in self.result.history
        ]

    def alike(self, other: "Course") -> bool:
        """Whether both trained on the same, step by step."""
        return len(self.ids) == len(other.ids) and all(map(torch.equal, self.ids, other.ids))


def follow(rule: str, budget: float = 0.25, lr: float = 0.05, name: str = "mnist") -> Course:
    return Course(name, rule, budget, lr)


# -- streams ---------------------------------------------------------------------------------------


@both
def test_a_stream_is_that_of_its_seed(name: str) -> None:
    first, again, other = (MADE[name](seed) for seed in (3, 3, 4))
    assert torch.equal(first.split.inputs, again.split.inputs)
    assert torch.equal(first.split.targets, again.split.targets)
    assert not torch.equal(inputs(first)[1], inputs(other)[1])
    assert first.windows == WINDOWS
    ids = torch.cat([first.window(t) for t in range(WINDOWS)])
    assert ids.tolist() == list(range(START, START + WINDOWS * SIZE))


def test_pictures_turn_and_the_mix_moves() -> None:
    still, moving = digits(turn=0.0), digits()
    assert torch.equal(still.split.inputs[:START], moving.split.inputs[:START])
    assert torch.equal(inputs(still)[0], inputs(moving)[0])
    assert torch.equal(still.split.targets, moving.split.targets)
    for t in range(1, WINDOWS):
        assert not torch.allclose(inputs(still)[t], inputs(moving)[t], atol=0.1)
    counts = [torch.bincount(t, minlength=10) for t in targets(moving)]
    assert (counts[0] - counts[-1]).abs().sum() > SIZE / 2


def test_a_quarter_turn_is_exact() -> None:
    pictures = torch.from_numpy(IMAGES[:3].astype(np.float32) / 255)
    images = pictures.view(3, 28, 28)
    found = turned(pictures, 90.0).view(3, 28, 28)
    turns = [torch.rot90(images, k, (1, 2)) for k in (1, 3)]
    assert any(torch.allclose(found, one, atol=1e-4) for one in turns)


def test_images_come_back_only_when_all_of_their_class_have_been_seen() -> None:
    marked = np.zeros((300, 784), np.uint8)
    marked[:, 0], marked[:, 1] = np.arange(300) % 256, np.arange(300) // 256
    stream = turning(marked, LABELS, seed=1, windows=WINDOWS, size=SIZE, start=START, turn=0.0)
    shown = stream.split.inputs
    rows = (255 * (shown[:, 0] + 256 * shown[:, 1])).round().long().numpy()
    labels = stream.split.targets.numpy()
    assert np.array_equal(LABELS[rows], labels)
    for c in range(10):
        own = rows[labels == c]
        assert len(set(own[:30])) == min(30, len(own))


def test_houses_go_north() -> None:
    means = [float(own[:, streams.SORTED_BY].mean()) for own in inputs(houses())]
    assert means == sorted(means)
    assert means[-1] - means[0] > 1
    column = torch.cat(inputs(houses(noise=0.0)))[:, streams.SORTED_BY]
    assert (column.diff() >= 0).all()


def test_a_table_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidOption, match="need 440 rows; the table has 400"):
        in_order(ROWS, NUMBERS, seed=0, windows=10, size=40, start=40)
    with pytest.raises(InvalidOption, match="windows must be an integer >= 1; got 0"):
        DRIFTS["mnist"].stream(None, 0, 0, 1)


# -- methods ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*DEFAULT.split(","), "none", "full", "max_loss+pass"])
def test_methods_are_read_as_they_are_written(text: str) -> None:
    assert str(WindowMethod.of(text)) == text


@pytest.mark.parametrize("text", ["obftf@", "obftf@1+pass", "guessing", "uniform@3", "full+pass"])
def test_other_methods_are_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match=r"method (is|must be)"):
        WindowMethod.of(text)


# -- the loop --------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize(
    ("rule", "budget"),
    [("uniform", 0.1), ("obftf@2", 0.25), ("obftf+pass", 0.1), ("max_loss", 0.25)],
)
def test_budgets_are_kept_exactly(name: str, budget: float, rule: str) -> None:
    course = follow(rule, budget, lr=0.001, name=name)
    k, result = int(budget * SIZE), course.result
    steps = -(-k // result.run.batch_size)
    assert [len(ids) for ids in course.ids] == [k // steps] * steps * WINDOWS
    for t in range(WINDOWS):
        ids = torch.cat(course.ids[t * steps : (t + 1) * steps]).tolist()
        assert len(set(ids)) == k
        assert set(ids) <= set(course.stream.window(t).tolist())
    assert result.steps == WINDOWS * steps
    assert result.passes.forward == result.passes.backward == WINDOWS * k
    assert result.passes.selection == (WINDOWS * SIZE if rule.endswith("+pass") else 0)
    assert len(course.scores) == WINDOWS


def test_the_references_train_on_nothing_and_on_all() -> None:
    none, full = follow("none", 1.0), follow("full", 1.0)
    assert not none.ids
    assert none.result.effective_budget == 0
    assert full.result.effective_budget == 1
    assert torch.equal(torch.cat(full.ids).sort().values, torch.arange(START, START + 5 * SIZE))
    assert none.scores[0] == full.scores[0] != full.scores[-1]


def test_the_model_given_is_left_as_it_was() -> None:
    one, two = follow("obftf", lr=0.1), follow("obftf", lr=0.1)
    assert one.untouched
    assert one.scores == two.scores
    assert one.alike(two)


def test_metrics_are_taken_before_training() -> None:
    none = follow("none", 1.0)
    assert follow("uniform", lr=1e-12).scores == none.scores
    first = none.result.history[0]["test_accuracy"]
    assert follow("uniform").result.history[0]["test_accuracy"] == first
    with torch.no_grad():
        outputs = none.model(inputs(none.stream)[0])
    assert first == float((outputs.argmax(1) == targets(none.stream)[0]).double().mean())
    means = [row["test_accuracy"] for row in none.result.history]
    assert none.result.final["accuracy"] == pytest.approx(sum(means) / len(means))


@pytest.mark.parametrize("rule", ["obftf", "max_loss"])
def test_while_the_model_stays_records_of_any_age_choose_as_a_pass_does(rule: str) -> None:
    # One part for each window, so that both pass the same rows at once.
    courses = [follow(f"{rule}{where}", lr=1e-30) for where in ("", "@1", "@3", "+pass")]
    assert courses[0].result.steps == WINDOWS
    assert all(courses[0].alike(course) for course in courses[1:])


def test_a_copy_that_lags_is_the_older_model(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[float]]] = []

    class Spy(RecordWriter):
        def append(self, ids: Any, losses: Any = None, **more: Any) -> int:
            seen.append((more["model"], losses.tolist()))
            return super().append(ids, losses, **more)

    monkeypatch.setattr(following, "RecordWriter", Spy)
    # A rule that chooses the same whatever the losses: then both train the same models.
    one = follow("obftf", budget=1.0)
    now, seen = seen, []
    two = follow("obftf@2", budget=1.0)
    assert one.scores == two.scores
    assert [name for name, _ in now] == [f"window {t}" for t in range(WINDOWS)]
    assert [name for name, _ in seen] == [f"window {max(0, t - 2)}" for t in range(WINDOWS)]
    assert now[0] == seen[0]
    assert now[1][1] != seen[1][1]
    for t in range(3):  # these were served by the model as it was deployed
        with torch.no_grad():
            outputs = two.model(inputs(two.stream)[t])
        losses = torch.nn.functional.cross_entropy(
            outputs, targets(two.stream)[t], reduction="none"
        )
        assert seen[t][1] == losses.tolist()


@pytest.mark.parametrize("rule", ["obftf", "obftf+pass"])
def test_losses_that_are_nan_or_infinite_end_a_stream(rule: str) -> None:
    course = follow(rule, lr=1e30, name="california")
    assert 1 <= len(course.scores) < WINDOWS
    assert np.isfinite(course.scores[0]["test_loss"])
    assert np.isnan(course.result.value)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    small = replace(
        DRIFTS["mnist"], read=lambda folder: (IMAGES, LABELS), start=START, factors=(0.5, 1.0)
    )
    monkeypatch.setitem(DRIFTS, "mnist", small)
    monkeypatch.setattr(command, "REPEATS", 1)
    monkeypatch.setattr("subsetopt.training._tuning.EXTENSIONS", 0)  # so that a best one is last
    following._begun.cache_clear()


ARGUMENTS = ["--task=mnist", "--windows=5", "--size=40", "--budget=0.25", "--seeds=0,1,2"]


@pytest.mark.usefixtures("planted")
def test_the_whole_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    words = [*ARGUMENTS, "--methods", "obftf@1", "--out", str(out), "--markdown"]
    assert command.main([*words, "--tune-lr"]) == 0
    text = capsys.readouterr().out
    assert "| obftf@1 | 25 % | 3 |" in text
    assert "best learning rate at the edge of those tried: " in text
    results = load(out)
    lines = [(one.run.rule, one.run.budget) for one in results]
    own = [("uniform", 0.25), ("obftf@1", 0.25), ("none", 1.0), ("full", 1.0)]
    assert sorted(lines) == sorted(3 * own)
    assert {one.run.lr for one in results} <= {0.05, 0.1}
    assert command.main(words) == 2
    assert "holds runs already" in capsys.readouterr().err


@pytest.mark.usefixtures("planted")
def test_what_is_wrong_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main([*ARGUMENTS, "--methods", "guessing"]) == 2
    assert "got 'guessing'" in capsys.readouterr().err
    assert command.main([*ARGUMENTS, "--size=0"]) == 2
    assert "size must be an integer >= 1; got 0" in capsys.readouterr().err


@pytest.mark.usefixtures("planted")
def test_ctrl_c_keeps_what_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Run] = []

    def interrupted(run: Run, *given: Any) -> Result:
        made.append(run)
        if len(made) == 3:
            raise KeyboardInterrupt
        return following.follow_run(run, *given)

    monkeypatch.setattr(command, "follow_run", interrupted)
    words = [*ARGUMENTS, "--methods", "uniform", "--out", str(tmp_path / "out")]
    assert command.main(words) == 130
    assert "--resume goes on" in capsys.readouterr().err
    assert len(load(tmp_path / "out")) == 2
    assert command.main([*words, "--resume"]) == 0
    assert len(load(tmp_path / "out")) == 3 * 3
