import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pyarrow")

from torch import Tensor  # noqa: E402

from subsetopt.benchmarks.drift import streams, sweep  # noqa: E402
from subsetopt.benchmarks.drift.__main__ import main  # noqa: E402
from subsetopt.benchmarks.drift.loop import (  # noqa: E402
    Course,
    InFolder,
    InMemory,
    deployed,
    followed,
)
from subsetopt.benchmarks.drift.methods import DEFAULT, Method  # noqa: E402
from subsetopt.benchmarks.drift.report import Outcome, lines_of, to_markdown  # noqa: E402
from subsetopt.benchmarks.drift.streams import (  # noqa: E402
    HousesNorthwards,
    Stream,
    Task,
    TurningDigits,
    in_order,
    turned,
    turning,
)
from subsetopt.errors import InvalidOption  # noqa: E402
from subsetopt.training.analysis import holm  # noqa: E402

WINDOWS, SIZE, START = 5, 40, 60
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 784), dtype=np.uint8)
LABELS = np.repeat(np.arange(10), 30)
ROWS = RNG.standard_normal((400, 13)).astype(np.float32)
NUMBERS = (ROWS[:, 0] - ROWS[:, 1] ** 2).astype(np.float32)


def digits(seed: int = 0, turn: float = 120.0) -> Stream:
    sizes = {"windows": WINDOWS, "size": SIZE, "start": START}
    return turning(IMAGES, LABELS, seed=seed, turn=turn, **sizes)


def houses(seed: int = 0, noise: float = 0.5) -> Stream:
    return in_order(ROWS, NUMBERS, seed=seed, noise=noise, windows=WINDOWS, size=SIZE, start=START)


SETTINGS: tuple[tuple[Task, Callable[..., Stream]], ...] = (
    (TurningDigits(WINDOWS, SIZE), digits),
    (HousesNorthwards(WINDOWS, SIZE), houses),
)
both = pytest.mark.parametrize(("task", "made"), SETTINGS, ids=["digits", "houses"])


def follow(text: str, budget: float = 0.25, lr: float = 0.05, **more: object) -> Course:
    task, made = SETTINGS[0]
    stream = made(0)
    model = deployed(task, stream, 0)
    return followed(task, stream, model, Method.of(text), budget=budget, lr=lr, **more)  # type: ignore[arg-type]


def alike(one: Course, other: Course) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.chosen, other.chosen, strict=True))


# -- streams ---------------------------------------------------------------------------------------


@both
def test_a_stream_is_that_of_its_seed(task: Task, made: Callable[..., Stream]) -> None:
    first, again, other = made(3), made(3), made(4)
    for one, same in zip((first.start, *first.windows), (again.start, *again.windows), strict=True):
        assert torch.equal(one.inputs, same.inputs)
        assert torch.equal(one.targets, same.targets)
    assert not torch.equal(first.windows[1].inputs, other.windows[1].inputs)
    assert [len(w) for w in first.windows] == [SIZE] * WINDOWS
    ids = torch.cat([first.start.ids, *(w.ids for w in first.windows)])
    assert ids.tolist() == list(range(START + WINDOWS * SIZE))


def test_pictures_turn_and_the_mix_moves() -> None:
    still, moving = digits(turn=0.0), digits()
    assert torch.equal(still.start.inputs, moving.start.inputs)
    assert torch.equal(still.windows[0].inputs, moving.windows[0].inputs)
    for t in range(1, WINDOWS):
        assert torch.equal(still.windows[t].targets, moving.windows[t].targets)
        assert not torch.allclose(still.windows[t].inputs, moving.windows[t].inputs, atol=0.1)
    counts = [torch.bincount(w.targets, minlength=10) for w in moving.windows]
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
    windows = (stream.start, *stream.windows)
    shown = torch.cat([w.inputs for w in windows])
    rows = (255 * (shown[:, 0] + 256 * shown[:, 1])).round().long().numpy()
    targets = torch.cat([w.targets for w in windows]).numpy()
    assert np.array_equal(LABELS[rows], targets)
    for c in range(10):
        own = rows[targets == c]
        assert len(set(own[:30])) == min(30, len(own))


def test_houses_go_north() -> None:
    means = [float(w.inputs[:, streams.SORTED_BY].mean()) for w in houses().windows]
    assert means == sorted(means)
    assert means[-1] - means[0] > 1
    sorted_ = houses(noise=0.0)
    column = torch.cat([w.inputs[:, streams.SORTED_BY] for w in sorted_.windows])
    assert (column.diff() >= 0).all()


def test_a_table_that_is_too_short_is_refused() -> None:
    with pytest.raises(InvalidOption, match="need 440 rows; the table has 400"):
        in_order(ROWS, NUMBERS, seed=0, windows=10, size=40, start=40)
    with pytest.raises(InvalidOption, match="windows is 0"):
        TurningDigits(0)


# -- methods ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*DEFAULT.split(","), "none", "all", "max_loss+pass"])
def test_methods_are_read_as_they_are_written(text: str) -> None:
    assert str(Method.of(text)) == text


@pytest.mark.parametrize("text", ["obftf@", "obftf@1+pass", "guessing", "uniform@3", "all+pass"])
def test_other_methods_are_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="method is"):
        Method.of(text)


# -- the loop --------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("budget", [0.1, 0.25])
@pytest.mark.parametrize("text", ["uniform", "obftf", "obftf@2", "obftf+pass", "max_loss"])
def test_budgets_are_kept_exactly(
    task: Task, made: Callable[..., Stream], budget: float, text: str
) -> None:
    stream = made(0)
    model = deployed(task, stream, 0)
    course = followed(task, stream, model, Method.of(text), budget=budget, lr=0.001)
    k = int(budget * SIZE)
    assert [len(ids) for ids in course.chosen] == [k] * WINDOWS
    for ids, window in zip(course.chosen, stream.windows, strict=True):
        assert len(set(ids)) == k
        assert set(ids) <= set(window.ids.tolist())
    assert course.steps == WINDOWS * -(-k // task.batch_size)
    assert course.passes.forward == course.passes.backward == WINDOWS * k
    assert course.passes.selection == (WINDOWS * SIZE if text.endswith("+pass") else 0)
    assert len(course.scores) == WINDOWS


def test_the_references_train_on_nothing_and_on_all() -> None:
    none, all_ = follow("none"), follow("all")
    assert none.steps == none.passes.forward == 0
    assert all_.passes.forward == WINDOWS * SIZE
    assert none.scores[0] == all_.scores[0]
    assert none.training == 0.0


def test_the_model_given_is_left_as_it_was() -> None:
    task, made = SETTINGS[0]
    stream = made(0)
    model = deployed(task, stream, 0)
    before = [p.clone() for p in model.parameters()]
    one = followed(task, stream, model, Method.of("obftf"), budget=0.25, lr=0.1)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    two = followed(task, stream, model, Method.of("obftf"), budget=0.25, lr=0.1)
    assert one.scores == two.scores
    assert alike(one, two)


def test_metrics_are_taken_before_training() -> None:
    assert follow("uniform", lr=1e-12).scores == follow("none").scores
    assert follow("uniform").scores[0] == follow("none").scores[0]


@pytest.mark.parametrize("rule", ["obftf", "max_loss"])
def test_while_the_model_stays_records_of_any_age_choose_as_a_pass_does(rule: str) -> None:
    # One part for each window, so that both pass the same rows at once.
    courses = [
        follow(f"{rule}{where}", lr=1e-30, budget=0.25) for where in ("", "@1", "@3", "+pass")
    ]
    assert courses[0].steps == WINDOWS
    assert all(alike(courses[0], course) for course in courses[1:])


class Spy(InMemory):
    def __init__(self) -> None:
        super().__init__(START + WINDOWS * SIZE)
        self.seen: list[tuple[str, list[float]]] = []

    def record(self, ids: Tensor, losses: Tensor, model: str) -> None:
        self.seen.append((model, losses.tolist()))
        super().record(ids, losses, model)


def test_a_copy_that_lags_is_the_older_model() -> None:
    now, late = Spy(), Spy()
    # A rule that chooses the same whatever the losses: then both train the same models.
    one = follow("obftf", budget=1.0, records=now)
    two = follow("obftf@2", budget=1.0, records=late)
    assert one.scores == two.scores
    assert [name for name, _ in now.seen] == [f"window {t}" for t in range(WINDOWS)]
    assert [name for name, _ in late.seen] == [f"window {max(0, t - 2)}" for t in range(WINDOWS)]
    assert now.seen[0] == late.seen[0]
    assert now.seen[1][1] != late.seen[1][1]
    task, made = SETTINGS[0]
    stream = made(0)
    model = deployed(task, stream, 0)
    for t in range(3):  # these were served by the model as it was deployed
        window = stream.windows[t]
        with torch.no_grad():
            losses = task.losses(model(window.inputs), window.targets)
        assert late.seen[t][1] == losses.tolist()


@pytest.mark.parametrize("text", ["obftf", "selective_backprop", "max_loss@2"])
def test_records_in_a_folder_choose_as_those_in_memory(text: str, tmp_path: Path) -> None:
    records = InFolder(tmp_path)
    try:
        written = follow(text, records=records)
    finally:
        records.close()
    kept = follow(text)
    assert alike(written, kept)
    assert written.scores == kept.scores


def test_losses_that_are_no_numbers_end_a_stream() -> None:
    task, made = SETTINGS[1]
    stream = made(0)
    course = followed(
        task, stream, deployed(task, stream, 0), Method.of("obftf+pass"), budget=0.25, lr=1e30
    )
    assert len(course.scores) == WINDOWS
    assert np.isfinite(course.scores[0])
    assert np.isnan(course.scores[-1])


# -- what is reported ------------------------------------------------------------------------------


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_digits", lambda folder: (IMAGES, LABELS))
    monkeypatch.setattr(TurningDigits, "_START", START)
    monkeypatch.setattr(TurningDigits, "factors", (0.5, 1.0))
    monkeypatch.setattr(sweep, "TUNING_SEEDS", (1000,))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # of all other tests too


ARGUMENTS = ["--task=mnist", "--windows=5", "--size=40", "--budget=0.1,0.25", "--seeds=0,1,2"]
ARGUMENTS += ["--data=."]


@pytest.mark.usefixtures("planted")
def test_the_whole_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    out, plot = tmp_path / "found.json", tmp_path / "figure.svg"
    files = ["--out", str(out), "--plot", str(plot), "--markdown"]
    methods = ["--methods", "obftf,obftf@1,obftf+pass"]
    assert main([*ARGUMENTS, *methods, *files, "--tune-lr"]) == 0
    text = capsys.readouterr().out
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if line.startswith("|")]
    own = ["uniform", "obftf", "obftf@1", "obftf+pass"]
    assert rows[2:] == ["none", "all", *own, *own]
    found = json.loads(out.read_text())
    assert len(found["outcomes"]) == 10 * 3
    assert len(found["tuning"]) == 9
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {
        f"figure-{what}.svg"
        for what in ("time-0.1", "time-0.25", "gain-0.1", "gain-0.25", "seconds")
    }
    assert main(["--read", str(out), "--markdown"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.usefixtures("planted")
def test_what_is_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ARGUMENTS, "--methods", "guessing"]) == 2
    assert "method is 'guessing'" in capsys.readouterr().err
    assert main([*ARGUMENTS, "--out", str(tmp_path / "no" / "found.json")]) == 2
    (tmp_path / "other.json").write_text("{}")
    assert main(["--read", str(tmp_path / "other.json")]) == 2
    assert "holds no results" in capsys.readouterr().err


@pytest.mark.usefixtures("planted")
def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> Course:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "followed", interrupted)
    assert main([*ARGUMENTS, "--out", str(tmp_path / "found.json")]) == 130
    assert not list(tmp_path.iterdir())


def outcome(method: str, seed: int, value: float, budget: float | None = 0.1) -> Outcome:
    course = follow_once()
    what = {"task": "mnist", "method": method, "budget": budget, "seed": seed, "lr": 0.1}
    made = Outcome.of(course, WINDOWS * SIZE, **what)
    return replace(made, scores=(value,) * WINDOWS)


_COURSE: list[Course] = []


def follow_once() -> Course:
    if not _COURSE:
        _COURSE.append(follow("uniform", budget=0.1))
    return _COURSE[0]


def test_lines_are_judged_all_together() -> None:
    outcomes = []
    for seed, noise in enumerate((0.0, 0.01, -0.01, 0.005, -0.004)):
        for budget in (0.1, 0.25):
            outcomes.append(outcome("uniform", seed, 0.8 + noise, budget))
            outcomes.append(outcome("obftf", seed, 0.8 + noise + 0.001 * (-1) ** seed, budget))
            outcomes.append(outcome("max_loss", seed, 0.9 + 1.1 * noise, budget))
        outcomes.append(outcome("none", seed, 0.1, None))
    lines = lines_of(outcomes)
    assert [line.method for line in lines][:3] == ["none", "uniform", "obftf"]
    compared = [line.comparison for line in lines if line.comparison is not None]
    assert len(compared) == 4
    assert [c.adjusted for c in compared] == holm([c.p or 0.0 for c in compared])
    verdicts = {line.method: str(line.comparison.verdict) for line in lines if line.comparison}
    assert verdicts == {"obftf": "no difference shown", "max_loss": "better"}
    assert lines[1].outcomes[0].cost == pytest.approx(0.3)
    assert "| none | - | 10.00 ± 0.00 | - | reference |" in to_markdown("mnist", lines)


def test_an_outcome_survives_its_file() -> None:
    one = replace(outcome("obftf", 1, 0.5), scores=(0.25, float("nan")))
    again = Outcome.from_dict(json.loads(json.dumps(one.to_dict())))
    assert again.scores[0] == 0.25
    assert np.isnan(again.scores[1])
    assert replace(again, scores=()) == replace(one, scores=())
