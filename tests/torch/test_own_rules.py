"""Rules of one's own: functions, classes, and those that other packages register."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Generator, Tensor

import subsetopt as so
from subsetopt import _entry_points
from subsetopt.errors import InvalidOption, InvalidResult, MissingDependency
from subsetopt.torch import RULES, Rule, SubsetStep, assert_rule_contract, rule, select
from subsetopt.torch.rules._candidates import Candidates

LOSSES = torch.tensor([0.5, 2.0, 0.1, 3.0])


def middle(losses: Tensor, k: int) -> Tensor:
    return (losses - losses.mean()).abs().argsort()[:k]


def drawn(losses: Tensor, k: int, *, generator: Generator) -> Tensor:
    return torch.randperm(len(losses), generator=generator)[:k]


def nearest(losses: Tensor, k: int, features: Tensor) -> list[int]:
    found: list[int] = features.norm(dim=1).argsort()[:k].tolist()
    return found


@dataclass(kw_only=True, eq=False)
class Least(Rule):
    """Choose the k least losses."""

    name: ClassVar[str] = "least"

    def _choose(self, given: Candidates, k: int, generator: Generator | None) -> Tensor:
        return given.needed.argsort(1)[:, :k].sort(1).values


@pytest.mark.parametrize("given", [*RULES, middle, drawn, nearest, Least()])
def test_the_contract_holds(given: Any) -> None:
    assert_rule_contract(given)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (lambda losses, k: losses.argsort()[: k + 1], "must return 1 integers of shape"),
        (lambda losses, k: torch.zeros(k, dtype=torch.int64), "4 distinct indices in"),
        (lambda losses, k: torch.full((k,), len(losses)), "1 distinct indices in"),
        (lambda losses, k: "none", "must return indices; got str"),
        (lambda losses, k: losses[:k], "got torch.float32 of shape"),
        (lambda losses, k: torch.randperm(len(losses))[:k], "equal generators must give equal"),
        (lambda losses, k: losses.neg_().argsort()[:k], "it changed the losses"),
    ],
)
def test_broken_functions_are_found(broken: Any, says: str) -> None:
    with pytest.raises((AssertionError, InvalidResult), match=says):
        assert_rule_contract(broken)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda losses: losses, r"must take losses and k, .*; got \(losses\)"),
        (lambda losses, k, epoch: losses, "without 'epoch'"),
    ],
)
def test_functions_that_ask_for_more(function: Any, says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        rule(function)


def test_functions_stand_where_rules_do() -> None:
    assert rule(middle)(LOSSES, 2).tolist() == [0, 1]
    assert select(LOSSES, 2, rule=middle).tolist() == [0, 1]
    assert rule(middle)(torch.stack([LOSSES, -LOSSES]), 0.5).tolist() == [[0, 1], [0, 1]]
    step = SubsetStep(torch.nn.Identity(), lambda model, batch: model(batch), middle, 2)
    assert step(LOSSES).indices.tolist() == [0, 1]
    with pytest.raises(so.InvalidProblem, match="rule 'nearest' needs features"):
        rule(nearest)(LOSSES, 2)
    with pytest.raises(InvalidOption, match="has no option 'p'; it has check, quotas, seed"):
        rule(middle, p=3)


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "other_rules.py").write_text(
        "import torch\n"
        "def last(losses, k):\n    return torch.arange(len(losses) - k, len(losses))\n"
        "number = 3\n"
    )
    info = tmp_path / "other_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[subsetopt.rules]\nlast = other_rules:last\nnumber = other_rules:number\n"
        "absent = other_rules_of_nobody:f\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    _entry_points.registered.cache_clear()
    yield
    _entry_points.registered.cache_clear()


@pytest.mark.usefixtures("registered")
def test_rules_of_other_packages_have_names() -> None:
    last = rule("last")
    assert (last.name, last(LOSSES, 2).tolist()) == ("last", [2, 3])
    with pytest.raises(MissingDependency, match="'absent', registered by other-rules as"):
        rule("absent")
    with pytest.raises(InvalidResult, match=r"registered by other-rules, must be .*; got 3"):
        rule("number")
    with pytest.raises(InvalidOption, match=r"an entry point in the group 'subsetopt\.rules'"):
        rule("first")


@pytest.mark.usefixtures("registered")
def test_training_knows_them() -> None:
    pytest.importorskip("kornia")
    from subsetopt.training.methods import method
    from subsetopt.training.methods._batch_rules import BatchRuleMethod

    made = method("last:seed=3")
    assert isinstance(made, BatchRuleMethod)
    with pytest.raises(InvalidOption, match="last"):
        method("last:p=3")
