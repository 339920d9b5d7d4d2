"""Who takes part in a comparison."""

import pytest

from subsetopt.benchmarks._contenders import BASELINE, contenders
from subsetopt.benchmarks.cases._sequence_cases import METHODS
from subsetopt.benchmarks.results import Contender
from subsetopt.errors import UnknownSolver, UnsupportedProblem
from subsetopt.solvers import catalogue

EVERY = ("mean-matching", "vector-mean-matching", "mmd", "quadratic", "sequence")


@pytest.mark.parametrize("family", EVERY[:-1])
def test_all_that_handle_a_family_take_part_in_it(family: str) -> None:
    able = {n for n in catalogue.names() if family in catalogue.solver_class(n).handles}
    found = contenders([], [family])
    assert {contender.name for contender in found.chosen} == able
    assert all(contender.families == (family,) for contender in found.chosen)
    assert found.notes == ()


def test_sequences_are_for_few_unless_others_are_named() -> None:
    assert tuple(contender.name for contender in contenders([], ["sequence"]).chosen) == METHODS
    (_, tabu) = contenders(["tabu"], ["sequence"]).chosen
    assert tabu.families == ("sequence",)


def test_each_is_run_on_the_families_that_it_handles() -> None:
    found = {contender.name: contender for contender in contenders([], EVERY).chosen}
    assert found["random"].families == EVERY
    assert found["herding"].families == ("vector-mean-matching", "mmd", "quadratic")
    assert found["running-herding"].families == ("sequence",)
    assert found["running-swap"].families == ("sequence",)
    assert found["exact"].families == ("mean-matching",)
    assert found["tabu"].families == ("vector-mean-matching", "mmd", "quadratic")
    assert found["k-dpp"].families == ("sequence",)
    named = {contender.name: contender for contender in contenders(["tabu"], EVERY).chosen}
    assert named["tabu"].families == (*EVERY[1:],)


def test_the_baseline_always_takes_part() -> None:
    found = contenders(["swap", "swap"], ["mmd", "mmd"])
    assert [contender.name for contender in found.chosen] == [BASELINE, "swap"]
    assert found.notes == ("random was not named; it always takes part",)
    own = Contender(label="other", name="tabu", options={"tenure": 3})
    assert [e.label for e in contenders([own], ["mmd"]).chosen] == [BASELINE, "other"]


@pytest.mark.usefixtures("planted_solvers")
def test_what_cannot_run_is_left_out_with_its_fix() -> None:
    found = contenders([], ["mean-matching"])
    assert "absent" not in {contender.name for contender in found.chosen}
    assert "pip install 'no-such-thing'" in found.left_out["absent"]


def test_unknown_and_unfit_names() -> None:
    with pytest.raises(UnknownSolver, match="gurobi"):
        contenders(["gurobi"], ["mmd"])
    with pytest.raises(UnsupportedProblem, match="exact solves mean-matching, not mmd or quad"):
        contenders(["exact"], ["mmd", "quadratic"])
