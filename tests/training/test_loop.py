import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("kornia")

from subsetopt.errors import InvalidFile, InvalidOption  # noqa: E402
from subsetopt.training._run_grid import train_one  # noqa: E402
from subsetopt.training.data._splits import Data, TensorSplit  # noqa: E402
from subsetopt.training.loop import Training  # noqa: E402
from subsetopt.training.methods import METHODS, method  # noqa: E402
from subsetopt.training.run import Settings  # noqa: E402
from subsetopt.training.run_result import Result  # noqa: E402

from .toy import BATCH, SIZE, data, run, trained, weights  # type: ignore[import-not-found]  # noqa: E402

CHOSEN = 3 * 6 * 4  # a quarter of six batches of 16 in three epochs
WHOLE = 3 * SIZE
PASSES = {
    "uniform": (0, CHOSEN),
    "obftf": (WHOLE, CHOSEN),
    "stride": (WHOLE, CHOSEN),
    "uniform:quotas=proportional": (0, CHOSEN),
    "max_loss:quotas=1": (WHOLE, CHOSEN),
    "vector:features=inputs:quotas=1": (0, CHOSEN),
    "prob": (WHOLE, CHOSEN),
    "mink": (WHOLE, CHOSEN),
    "mink:reading=drawn": (WHOLE, 3 * 6),
    "obftf:target=noisy": (WHOLE, CHOSEN),
    "selective_backprop:by=loss": (WHOLE, CHOSEN),
    "max_loss": (WHOLE, CHOSEN),
    "selective_backprop": (WHOLE, CHOSEN),
    "vector": (0, CHOSEN),
    "vector:features=both": (0, CHOSEN),
    "vector:features=hidden": (WHOLE, CHOSEN),
    "vector:features=residuals": (WHOLE, CHOSEN),
    "vector:features=gradients": (WHOLE, CHOSEN),
    "frank_wolfe": (WHOLE, CHOSEN),
    "frank_wolfe:features=inputs": (0, CHOSEN),
    "unif_sgd": (0, WHOLE // 4),
    "p_sgd": (0, WHOLE // 4),
    "c_sgd": (0, WHOLE // 4),
    "scan_sgd": (0, WHOLE // 4),
    "coreset": (0, WHOLE // 4),
    "coreset:features=labels": (0, WHOLE // 4),
    "stratified": (0, WHOLE // 4),
    "stratified:features=constant:without_repeats=false": (0, WHOLE // 4),
    "matched": (0, WHOLE // 4),
    "random_order": (0, 3 * 2 * BATCH),  # whole batches: 2 of 6
    "mmd": (0, 3 * 2 * BATCH),
    "facility": (0, 3 * 2 * BATCH),
    "submodular": (0, 3 * 2 * BATCH),
    "k-dpp": (0, 3 * 2 * BATCH),
    "poisson-disk": (0, 3 * 2 * BATCH),
    "full": (0, WHOLE),
}


def outcome(result: Result) -> Any:
    """Return what has to be the same, whenever it was computed."""
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in result.history]
    selected = {name: repr(value) for name, value in result.selected.items()}  # NaN as well
    return result.final, history, result.steps, result.passes, selected


@pytest.mark.parametrize("rule", PASSES)
def test_passes_are_counted(rule: str) -> None:
    result, _ = trained(rule)
    selection, chosen = PASSES[rule]
    assert (result.passes.selection, result.passes.backward) == (selection, chosen)
    assert result.passes.forward == chosen
    assert result.effective_budget == pytest.approx((selection + 3 * chosen) / (3 * WHOLE))
    assert result.history[-1]["passes"] == pytest.approx(3 * result.effective_budget)
    assert result.selected["trained"] == chosen
    assert len(result.history) == (1 if rule == "scan_sgd" else 3)
    assert math.isfinite(result.final["loss"])
    assert result.training_seconds > 0


def test_independent_draws_train_on_as_many_as_chance_says() -> None:
    for rule, selection in (("uniform", 0), ("selective_backprop", 12 * SIZE)):
        result, _ = trained(f"{rule}:draws=independent", epochs=12)
        assert result.passes.selection == selection
        # The deviation of a sum of 1,152 draws with a chance of a quarter is 15.
        assert result.passes.backward == pytest.approx(12 * SIZE / 4, abs=100)
        assert result.passes.backward != 12 * SIZE // 4
    few, _ = trained("prob:draws=independent:gamma=1e-9")
    assert few.passes.backward == few.steps  # for want of others


def test_importances_are_not_read_off_the_loss_of_a_regression() -> None:
    samples = data()
    numbers = Data(samples.train, samples.test, classes=None)
    for rule in ("p_sgd", "c_sgd"):
        with pytest.raises(InvalidOption, match="targets of task 'digits' are numbers"):
            Training(run(rule), numbers)


def test_every_method_is_tried() -> None:
    untried = set(METHODS) - {rule.partition(":")[0] for rule in PASSES}
    assert untried == {"obftf_exact", "ordered_sgd", "sb", "osgd"}  # below, or as another


@pytest.mark.parametrize("rule", ["obftf_exact:solver=exact", "ordered_sgd"])
def test_the_same_budget_by_other_rules(rule: str) -> None:
    result, _ = trained(rule, epochs=1)
    assert result.passes.backward == CHOSEN // 3


@pytest.mark.parametrize("budget", [0.25, 0.5])
def test_selective_backprop_keeps_its_share_and_fills_batches(budget: float) -> None:
    # Losses fall, so that the last ones rank low among earlier ones: a short memory is closer.
    result, made = trained("sb:history=48", budget=budget, epochs=20)
    assert result.passes.selection == 20 * SIZE
    assert result.passes.backward == BATCH * result.steps
    assert result.passes.backward / (20 * SIZE) == pytest.approx(budget, rel=0.15)
    assert len(made.step.state_dict()["waiting"][0]) < BATCH


def test_ordered_sgd_trains_on_fewer_as_the_accuracy_rises() -> None:
    result, _ = trained("osgd:thresholds=(0.01,0.02)", budget=1.0)
    assert len(result.history) == 3
    assert result.passes.backward == SIZE + 2 * SIZE // 4  # whole in the first epoch only
    assert result.passes.selection == 2 * SIZE
    half, _ = trained("osgd", budget=0.5)
    assert len(half.history) == 2  # T * B = 1.5 epochs
    assert half.passes.backward == 1.5 * SIZE


def test_without_a_budget_all_are_plain_training() -> None:
    plain, first = trained("full")
    for rule in ("uniform", "obftf", "unif_sgd", "scan_sgd"):
        result, second = trained(rule, budget=1.0)
        assert torch.equal(weights(first.model), weights(second.model)), rule
        assert outcome(result) == outcome(plain)


def test_pools_give_steps_of_whole_batches() -> None:
    result, made = trained("obftf", select_from="pool")
    assert len(next(iter(made.sampler))) == 4 * BATCH
    assert result.passes.backward == 3 * (SIZE // 4)
    assert result.steps == 3 * 2  # 64 and 32 of 96
    assert trained("unif_sgd")[0].steps == 3 * 2


def test_seeds_decide_and_nothing_else_does() -> None:
    before = torch.get_rng_state()
    results = []
    for mess in (1, 2):
        torch.manual_seed(mess)
        results.append(trained("prob", seed=5))
    assert outcome(results[0][0]) == outcome(results[1][0])
    assert torch.equal(weights(results[0][1].model), weights(results[1][1].model))
    other, _ = trained("prob", seed=6)
    assert outcome(other) != outcome(results[0][0])
    torch.set_rng_state(before)
    trained("prob", seed=5)
    assert torch.equal(torch.get_rng_state(), before)


def test_rules_begin_with_the_same_weights() -> None:
    made = [Training(run(rule, seed=3), data()) for rule in ("uniform", "obftf", "sb", "p_sgd")]
    assert all(torch.equal(weights(made[0].model), weights(one.model)) for one in made)


# -- going on ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", ["uniform", "obftf", "prob", "sb", "p_sgd", "osgd", "selective_backprop", "mmd"]
)
def test_a_run_goes_on_to_the_last_bit(tmp_path: Path, rule: str) -> None:
    settings = {"epochs": 4, "ema": 0.9, "schedule": "linear", "budget": 0.5}
    whole, first = trained(rule, **settings)
    part = Training(run(rule, **settings), data(), tmp_path)
    with part._own_random_numbers():
        part.train_epoch(0)
        part.history.append(part._row(1))
        part.checkpoint.write()
        part.train_epoch(1)  # lost
    rest = Training(run(rule, **settings), data(), tmp_path)
    result = rest.fit()
    assert outcome(result) == outcome(whole)
    assert torch.equal(weights(rest.model), weights(first.model))
    assert rest.average is not None
    assert first.average is not None
    assert torch.equal(weights(rest.average.model), weights(first.average.model))


KILLED = """
import os, signal, sys, time
import sklearn.datasets, torch._dynamo  # which the first training asks for
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import subsetopt.training._process_group as checkpoint
checkpoint.EVERY = 0.0
from subsetopt.training._run_grid import train_one
from subsetopt.training.run import Settings
from toy import run

def train():
    train_one(run("sb", epochs=6, budget=0.5), Settings(out=Path(sys.argv[1])), 1)

def written():
    paths = Path(sys.argv[1]).glob("runs/*/checkpoint.pt")
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}

kills = 0
for _ in range(2):
    before = written()
    child = os.fork()  # imports once for all; no thread of torch has begun yet
    if not child:
        train()
        os._exit(0)
    while not (ended := os.waitpid(child, os.WNOHANG)[0]):
        if written() not in ({}, before):
            os.kill(child, signal.SIGKILL)
            kills += os.waitpid(child, 0)[1] == signal.SIGKILL
            break
        time.sleep(0.005)
train()
print(kills)
"""


def test_killed_runs_go_on_to_the_last_bit(tmp_path: Path) -> None:
    whole = train_one(run("sb", epochs=6, budget=0.5), Settings(), 1)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed"), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1
    found = Result.load(next((tmp_path / "killed" / "runs").glob("*/result.json")))
    assert outcome(found) == outcome(whole)
    assert not list((tmp_path / "killed" / "runs").glob("*/*.p*t"))


def test_checkpoints_of_others_are_refused(tmp_path: Path) -> None:
    made = Training(run("uniform"), data(), tmp_path)
    made.fit()
    made.checkpoint.write()
    with pytest.raises(InvalidFile, match="another run"):
        Training(run("uniform", lr=0.2), data(), tmp_path).fit()
    (tmp_path / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(InvalidFile, match="not a checkpoint"):
        Training(run("uniform"), data(), tmp_path).fit()


@pytest.mark.parametrize(
    "changes", [{"model": {}}, {"optimizer": 3}, {"generator": torch.zeros(1)}, {"ledger": None}]
)
def test_checkpoints_that_do_not_fit(changes: dict[str, Any], tmp_path: Path) -> None:
    made = Training(run("uniform"), data(), tmp_path)
    made.fit()
    made.checkpoint.write()
    path = tmp_path / "checkpoint.pt"
    saved = torch.load(path, weights_only=True)
    saved["states"][0].update(changes)
    torch.save(saved, path)
    with pytest.raises(InvalidFile, match=r"checkpoint\.pt does not fit this run"):
        Training(run("uniform"), data(), tmp_path).fit()


# -- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["uniform", "obftf", "sb"])
def test_a_run_that_diverges_ends_and_says_so(rule: str) -> None:
    samples = data()
    huge = TensorSplit(samples.train.inputs * 1e30, samples.train.targets)
    made = Training(run(rule, lr=1e30, epochs=4), Data(huge, samples.test, classes=10))
    result = made.fit()
    assert result.facts["diverged"] >= 1
    assert len(result.history) == result.facts["diverged"] < 4
    assert "test_loss" in result.history[-1]
    assert json.dumps(result.row())


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("nothing", "nothing"),
        ("uniform:speed=3", "speed"),
        ("vector:features=smell", "smell"),
        ("obftf:features=labels", "features"),
        ("p_sgd:features=labels", "features"),
        ("sb:gamma=1", "gamma"),
        ("mmd:pool=3", "pool"),
        ("mmd:kernel=linear:scale=2", "linear"),
        ("facility:color=red", "color"),
        ("full:x=1", "x"),
        ("max_loss:quotas=many", "quotas must be 'proportional'"),
        ("prob:quotas=0", "quotas must be .*got 0"),
    ],
)
def test_bad_rules(rule: str, words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        Training(run(rule), data())


def test_tuning_never_sees_the_test_samples() -> None:
    made = Training(run("uniform", tuning=True), data())
    assert len(made.train) + len(made.test) == SIZE
    rows = {tuple(row) for row in data().test.inputs.tolist()}
    assert not rows & {tuple(row) for row in made.test.inputs.tolist()}
    assert not rows & {tuple(row) for row in made.train.inputs.tolist()}


def test_names_lead_to_methods() -> None:
    assert {type(method(name)).__name__ for name in METHODS} == {
        "FullTraining",
        "BatchRuleMethod",
        "OrderedSGDMethod",
        "SelectiveBackpropMethod",
        "EpochSamplerMethod",
        "StratifiedMethod",
        "MatchedMethod",
        "SequenceMethod",
        "BaselineMethod",
        "UniformMethod",
    }


def test_rules_make_as_many_steps_as_their_baseline() -> None:
    steps = {rule: trained(rule)[0].steps for rule in ("uniform", "unif_sgd")}
    assert steps == {"uniform": 3 * 6, "unif_sgd": 3 * 2}
    for rule in set(METHODS) - {"full", "obftf_exact"}:
        # What `sb` keeps is left to chance; more epochs even it out.
        epochs = 12 if rule == "sb" else 3
        result, _ = trained(f"{rule}:history=48" if rule == "sb" else rule, epochs=epochs)
        base = steps["unif_sgd" if result.run.in_whole_batches else "uniform"]
        wanted = base * epochs / 3
        assert abs(result.steps - wanted) <= max(1, 0.3 * wanted), rule
        pooled = run(rule, select_from="pool")
        assert pooled.in_whole_batches
        assert run(rule, budget=1.0).in_whole_batches is False


def test_the_stratified_sampler_makes_the_steps_of_rules_within_batches() -> None:
    for budget in (0.1, 0.2, 0.9):  # 1, 3 and 14 of 16
        rules = ("uniform", "max_loss", "stratified")
        first, *others = (trained(rule, budget=budget, epochs=1)[0] for rule in rules)
        for other in others:
            assert (other.steps, other.passes.backward) == (first.steps, first.passes.backward)


def test_uniform_draws_before_anything_is_loaded() -> None:
    made = Training(run("uniform", seed=3), data())
    whole = Training(run("obftf", seed=3), data())
    parts = list(made.sampler)
    assert [len(part) for part in parts] == [4] * 6
    assert parts == [batch[:4] for batch in whole.sampler]  # the same batches, in the same order
    pool = Training(run("uniform", select_from="pool"), data())
    assert [len(batch) for batch in pool.sampler] == [16, 8]
    for other in ({"rule": "uniform:quotas=proportional"}, {"augmentation": "mixup"}):
        late = Training(run(**{"rule": "uniform", **other}), data())
        assert [len(batch) for batch in late.sampler] == [16] * 6


def test_an_order_belongs_to_a_seed_and_its_making_to_the_clock() -> None:
    from subsetopt.training.methods import _fixed_orders

    def made(seed: int, rule: str = "mmd") -> Training:
        return Training(run(rule, seed=seed, epochs=1), data())

    _fixed_orders._KEPT.clear()
    first, again, other = made(0), made(0), made(1)
    making = [getattr(one.sampler, "preparation_seconds", 0.0) for one in (first, again)]
    assert list(first.sampler) == list(again.sampler) != list(other.sampler)
    assert list(made(0, "mmd:first=chosen").sampler) == list(made(1, "mmd:first=chosen").sampler)
    with pytest.raises(InvalidOption, match="first must be 'drawn' or 'chosen'"):
        made(0, "mmd:first=best")
    # Whoever made it: the second run has it from the first.
    assert making[0] == making[1] > 0
    for one in (first, again):
        result = one.fit()
        prepared = result.facts["preparation_seconds"]
        assert prepared >= making[0]
        assert result.seconds["selection"] >= prepared
        assert result.history[0]["seconds"] >= prepared


def test_evaluation_where_it_is_due() -> None:
    result, made = trained("uniform", epochs=5, evaluate_every=2)
    assert ["test_loss" in row for row in result.history] == [False, True, False, True, True]
    assert made.model.training


def test_mixed_precision_and_compilation_are_passed_on() -> None:
    result, made = trained("obftf", precision="bfloat16", epochs=1)
    assert result.final["loss"] > 0
    assert all(parameter.dtype == torch.float32 for parameter in made.model.parameters())


def test_orders_go_on_from_epoch_to_epoch() -> None:
    from subsetopt.training.methods._fixed_orders import SequenceShare

    batches = SequenceShare(torch.arange(12).numpy(), 2, 0.34)
    epochs = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        epochs.append([i for batch in batches for i in batch])
    assert epochs == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert replace(run("mmd"), seed=1).rule == "mmd"
