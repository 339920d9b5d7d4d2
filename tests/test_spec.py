"""Names with options: one grammar for rules, tasks, solvers and kernels."""

import pytest

import subsetopt as so
from subsetopt._spec import Spec
from subsetopt.errors import InvalidOption
from subsetopt.problems._kernel_choice import kernel_of


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("uniform", "uniform", {}),
        ("vector:features=labels:rounds=4", "vector", {"features": "labels", "rounds": 4}),
        ("sb:beta=1.5", "sb", {"beta": 1.5}),
        ("p_sgd:replacement=true", "p_sgd", {"replacement": True}),
        ("osgd:thresholds=(0.5,0.9)", "osgd", {"thresholds": (0.5, 0.9)}),
        ("x:y=None:z=off", "x", {"y": None, "z": False}),
        ("cbc:warm-start=no", "cbc", {"warm_start": False}),
        ("x:mode=a=b", "x", {"mode": "a=b"}),
    ],
)
def test_names_with_options(text: str, name: str, options: dict[str, object]) -> None:
    found = Spec.parse(text)
    assert (found.name, found.options) == (name, options)
    assert Spec.parse(str(found)) == found


@pytest.mark.parametrize("text", ["a:b", "a:b=", "a:=1", "a:1b=2", "a:b=1:b=2", ":b=1", "", "a:"])
def test_bad_names(text: str) -> None:
    with pytest.raises(InvalidOption):
        Spec.parse(text)


def test_further_options() -> None:
    assert Spec.parse("a:b=1", ["c = 2", "d=x:y"]).options == {"b": 1, "c": 2, "d": "x:y"}
    with pytest.raises(InvalidOption, match="'b' twice"):
        Spec.parse("a:b=1", ["b=2"])


def test_kernels_take_options() -> None:
    assert kernel_of("gaussian:scale=2") == so.Gaussian(scale=2.0)
    assert kernel_of("polynomial:degree=2:coef0=0.0") == so.Polynomial(degree=2, coef0=0.0)
    problem = so.MMDSelection([[0.0], [1.0], [3.0]], 1, kernel="laplace:scale=2")
    assert problem.kernel == so.Laplace(scale=2.0)
    with pytest.raises(InvalidOption, match="kernel 'linear' has no option 'scale'"):
        kernel_of("linear:scale=2")
    with pytest.raises(so.InvalidProblem, match=r"kernel must be .*; got 'cubic:degree=3'"):
        kernel_of("cubic:degree=3")
