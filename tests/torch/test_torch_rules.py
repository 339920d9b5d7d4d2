import subprocess
import sys
from itertools import combinations
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subsetopt as so
from subsetopt.errors import InvalidOption, InvalidProblem, MissingDependency, UnsupportedProblem

torch: Any = pytest.importorskip("torch")
base = pytest.importorskip("subsetopt.torch.rules.base")
torch_rules = pytest.importorskip("subsetopt.torch.rules")
candidates = pytest.importorskip("subsetopt.torch.rules._candidates")
rule, subset_size = torch_rules.rule, torch_rules.subset_size

cuda = pytest.mark.cuda

DETERMINISTIC: tuple[tuple[str, dict[str, Any]], ...] = (
    ("obftf", {}),
    ("obftf_exact", {"solver": "swap"}),
    ("stride", {}),
    ("mink", {}),
    ("max_loss", {}),
    ("ordered_sgd", {}),
)
RANDOM: tuple[tuple[str, dict[str, Any]], ...] = (
    ("uniform", {}),
    ("obftf", {"start": "uniform"}),
    ("mink", {"reading": "drawn"}),
    ("prob", {}),
    ("selective_backprop", {"history": 32}),
)
ALL = (*DETERMINISTIC, *RANDOM)
RANDOM_NUMBER = [case for case in RANDOM if case[0] in ("prob", "selective_backprop")]
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def named(case: Any) -> str:
    return "-".join([case[0], *map(str, case[1].values())]) if isinstance(case, tuple) else ""


every = pytest.mark.parametrize("case", ALL, ids=named)
deterministic = pytest.mark.parametrize("case", DETERMINISTIC, ids=named)


def seeded(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def drawn(*shape: int, seed: int = 0, dtype: Any = None) -> Any:
    return torch.empty(shape, dtype=dtype).exponential_(generator=seeded(seed))


def size_of(case: Any, k: int) -> int:
    return 1 if case[1].get("reading") == "drawn" else k


VALUES = st.one_of(st.floats(0, 100, width=16), st.sampled_from([0.0, 1.0, 2.5]))
LOSSES = hnp.arrays(
    np.float32,
    st.one_of(st.tuples(st.integers(1, 30)), st.tuples(st.integers(1, 3), st.integers(2, 30))),
    elements=VALUES,
)


# -- what holds for every rule --------------------------------------------------------------------


@every
@settings(max_examples=20, deadline=None)
@given(
    losses=LOSSES,
    share=st.floats(0, 1, exclude_min=True),
    whole=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 99),
)
@example(losses=np.zeros(8, np.float32), share=0.5, whole=True, dtype=DTYPES[0], seed=0)
@example(losses=np.ones((2, 3), np.float32), share=1.0, whole=False, dtype=DTYPES[1], seed=0)
@example(
    losses=np.array([5.0] * 9 + [6e4], np.float32), share=0.3, whole=False, dtype=DTYPES[0], seed=0
)
def test_a_selection(
    case: Any, losses: Any, share: float, whole: bool, dtype: Any, seed: int
) -> None:
    name, options = case
    values = torch.from_numpy(losses).to(dtype).requires_grad_()
    before = values.detach().clone()
    n = values.shape[-1]
    k = max(1, int(share * n))
    untouched = torch.get_rng_state()
    chosen = rule(name, **options)(values, k if whole else share, generator=seeded(seed))
    size = size_of(case, k)
    assert chosen.shape == (*values.shape[:-1], size)
    assert chosen.dtype == torch.int64
    assert chosen.device == values.device
    assert not chosen.requires_grad
    assert torch.equal(chosen, chosen.sort(-1).values)
    assert all(len(set(row)) == size for row in chosen.view(-1, size).tolist())
    assert chosen.min() >= 0
    assert chosen.max() < n
    again = rule(name, **options)(values, k, generator=seeded(seed))
    assert torch.equal(chosen, again)
    assert torch.equal(torch.get_rng_state(), untouched)
    assert torch.equal(values.detach(), before)
    assert values.grad is None


@deterministic
@settings(max_examples=20, deadline=None)
@given(losses=LOSSES, share=st.floats(0.01, 1))
def test_rows_are_independent(case: Any, losses: Any, share: float) -> None:
    assume(losses.ndim == 2)
    values = torch.from_numpy(losses)
    pick = rule(case[0], **case[1])
    assert torch.equal(pick(values, share), torch.stack([pick(row, share) for row in values]))


@deterministic
@settings(max_examples=20, deadline=None)
@given(n=st.integers(2, 40), share=st.floats(0.01, 1), seed=st.integers(0, 99))
def test_the_losses_are_chosen_and_not_their_places(
    case: Any, n: int, share: float, seed: int
) -> None:
    losses = torch.randperm(n, generator=seeded(seed)).double() / 7  # no ties
    shuffled = torch.randperm(n, generator=seeded(seed + 1))
    pick = rule(case[0], **case[1])
    chosen, other = pick(losses, share), pick(losses[shuffled], share)
    assert torch.equal(losses[chosen].sort().values, losses[shuffled][other].sort().values)


@pytest.mark.parametrize("case", RANDOM, ids=named)
def test_own_generators_are_seeded_and_resumed(case: Any) -> None:
    losses = drawn(200)
    first, same, other = (rule(case[0], **case[1], seed=seed) for seed in (1, 1, 2))
    runs = [[pick(losses, 20).tolist() for _ in range(4)] for pick in (first, same, other)]
    assert runs[0] == runs[1] != runs[2]
    assert runs[0][0] != runs[0][1]
    resumed = rule(case[0], **case[1], seed=7)
    resumed.load_state_dict(first.state_dict())
    assert [resumed(losses, 20).tolist() for _ in range(3)] == [
        first(losses, 20).tolist() for _ in range(3)
    ]


@every
def test_declared_and_made_by_name(case: Any) -> None:
    made = rule(case[0], **case[1])
    assert made.name == case[0]
    assert made.needs == ("nothing" if case[0] == "uniform" else "losses")
    assert made.fixed_size == (case not in RANDOM_NUMBER)
    assert case[0] in torch_rules.RULES
    with pytest.raises(InvalidOption, match="no option 'surely_not'"):
        rule(case[0], surely_not=1)
    with pytest.raises(InvalidOption, match=r"seed must .*got -1"):
        rule(case[0], seed=-1)
    with pytest.raises(InvalidOption, match="state is of rule 'else'"):
        made.load_state_dict({"rule": "else"})


@pytest.mark.parametrize("name", sorted(torch_rules.RULES))
def test_the_table_leads_to_classes(name: str) -> None:
    assert rule(name).name == name


@every
def test_without_a_value_there_is_no_branch_on_values(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Fake tensors raise where a number is read. What only the CPU does is left out.
    if case in (("obftf", {}), ("obftf_exact", {"solver": "swap"})):
        pytest.skip("solved on the CPU by other means")
    from torch._subclasses.fake_tensor import FakeTensorMode

    monkeypatch.setattr(candidates, "require_finite", lambda name, values: None)
    with FakeTensorMode():
        pick = rule(case[0], **case[1])
        losses = torch.empty((2, 64))
        for _ in range(2):
            assert pick(losses, 7, generator=seeded(0)).shape == (2, size_of(case, 7))
        with pytest.raises(RuntimeError):
            bool(losses.sum() > 0)


@deterministic
def test_compiled_without_breaks(case: Any) -> None:
    if case[0] == "obftf_exact":
        pytest.skip("leaves torch on purpose")
    pick = rule(case[0], **case[1])
    compiled = torch.compile(lambda losses: pick(losses, 13), fullgraph=True, backend="eager")
    losses = drawn(2, 128)
    chosen = compiled(losses)
    if case[0] == "obftf":
        exact = losses.double()
        gap = (exact.gather(1, chosen).mean(1) - exact.mean(1)).abs()
        assert gap.max() < 1e-5
    else:
        assert torch.equal(chosen, pick(losses, 13))


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (torch.tensor(1.0), "reduction='none'"),
        (torch.ones(2, 3, 4), "flatten"),
        (torch.ones(0), r"at least one; got shape \(0,\)"),
        (torch.ones(5, 1), "squeeze"),
        (torch.ones(5, dtype=torch.int64), "losses.float"),
        (np.ones(5), "torch.Tensor"),
        (torch.tensor([1.0, float("nan"), float("inf")]), r"losses\[1\] is nan and 2 of 3"),
        (torch.tensor([[1.0, 2.0], [3.0, -float("inf")]]), r"losses\[1, 1\] is -inf"),
    ],
)
def test_losses_that_are_refused(losses: Any, message: str) -> None:
    with pytest.raises(InvalidProblem, match=message):
        rule("max_loss")(losses, 1)


@pytest.mark.parametrize("k", [0, 5, -1, 0.0, 1.5, float("nan"), True, "2", 2 + 0j])
def test_numbers_that_are_refused(k: Any) -> None:
    with pytest.raises(InvalidProblem, match=r"k (must|as a share must)"):
        rule("uniform")(torch.ones(4), k)


def test_a_share_or_a_number() -> None:
    assert [subset_size(k, 128) for k in (1, 1.0, 0.1, 1e-9, np.int64(7))] == [1, 128, 12, 1, 7]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nothing", {}),
        ("uniform", {"check": 1}),
        ("uniform", {"seed": True}),
        ("obftf", {"start": "greedy"}),
        ("obftf", {"rounds": -1}),
        ("obftf_exact", {"solver": "tabu"}),
        ("obftf_exact", {"time_limit": -1.0}),
        ("mink", {"reading": "middle"}),
        ("prob", {"gamma": 0}),
        ("selective_backprop", {"history": 0}),
        ("selective_backprop", {"beta": -1}),
        ("ordered_sgd", {"thresholds": (0.9, 0.8)}),
        ("ordered_sgd", {"thresholds": (80, 90)}),
    ],
)
def test_options_that_are_refused(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidOption):
        rule(name, **options)


def test_k_may_be_left_out_only_where_chance_decides() -> None:
    with pytest.raises(InvalidOption, match="needs k"):
        rule("max_loss")(drawn(5))
    with pytest.raises(InvalidProblem, match="random number of each row"):
        rule("prob")(drawn(2, 5))


def test_a_generator_of_another_device_is_refused() -> None:
    losses = torch.empty(5, device="meta")
    with pytest.raises(InvalidOption, match="generator is on cpu"):
        rule("uniform")(losses, 2, generator=seeded(0))


@deterministic
def test_no_probabilities_where_none_are_defined(case: Any) -> None:
    made = rule(case[0], **case[1])
    assert not made.has_probabilities
    with pytest.raises(UnsupportedProblem, match=case[0]):
        made.probabilities(drawn(5), 2)


# -- the rules, one by one ------------------------------------------------------------------------


def test_the_highest_are_high_and_the_lowest_low() -> None:
    losses = torch.tensor([[0.3, 5.0, 0.1, 2.0, 4.0], [9.0, 1.0, 8.0, 2.0, 7.0]])
    assert rule("max_loss")(losses, 2).tolist() == [[1, 4], [0, 2]]
    assert rule("ordered_sgd")(losses, 2).tolist() == [[1, 4], [0, 2]]
    assert rule("mink")(losses, 2).tolist() == [[0, 2], [1, 3]]


def test_uniform_is_uniform() -> None:
    pick, losses = rule("uniform"), torch.zeros(5)
    batched = rule("uniform")(torch.zeros(3000, 5), 2)
    single = torch.stack([pick(losses, 2) for _ in range(3000)])
    pairs = {pair: place for place, pair in enumerate(combinations(range(5), 2))}
    for chosen in (batched, single):
        counts = np.bincount([pairs[tuple(pair)] for pair in chosen.tolist()], minlength=10)
        assert ((counts - 300) ** 2 / 300).sum() < 30  # 9 degrees: above once in 2,000 times
    assert pick.probabilities(losses, 2).tolist() == pytest.approx([0.4] * 5)
    assert pick.probabilities(batched, 0.5).shape == batched.shape


def test_uniform_takes_any_tensor() -> None:
    assert rule("uniform")(torch.arange(9), 3).shape == (3,)


@pytest.mark.parametrize(("n", "k"), [(7, 1), (7, 3), (8, 8), (9, 8), (128, 13)])
def test_stride_takes_the_published_places(n: int, k: int) -> None:
    losses = drawn(n)
    order = losses.argsort(descending=True).tolist()
    places = [int(np.floor(i * (n / (k + 1)))) for i in range(1, k + 1)]
    assert rule("stride")(losses, k).tolist() == sorted(order[place] for place in places)


@settings(max_examples=40, deadline=None)
@given(
    losses=hnp.arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 50, width=32)),
    share=st.floats(0.01, 1),
)
def test_exact_obftf_is_optimal(losses: Any, share: float) -> None:
    k = max(1, int(share * len(losses)))
    chosen = rule("obftf_exact", solver="exact")(torch.from_numpy(losses), k).tolist()
    best = min(
        abs(losses[list(c)].mean() - losses.mean()) for c in combinations(range(len(losses)), k)
    )
    assert abs(losses[chosen].mean() - losses.mean()) <= best + 1e-9
    own = rule("obftf")(torch.from_numpy(losses), k).tolist()
    assert abs(losses[own].mean() - losses.mean()) >= best - 1e-9


def test_obftf_matches_the_mean_as_the_compiled_solver_does() -> None:
    for dtype in (torch.float32, torch.float64):
        losses = drawn(30, 128, dtype=dtype)
        chosen = rule("obftf")(losses, 13)
        assert torch.equal(chosen, so.select(losses, 13))
        other = rule("obftf", start="uniform")(losses, 13)
        for picked in (chosen, other):
            gap = losses.double().gather(1, picked).mean(1) - losses.double().mean(1)
            assert gap.abs().median() < 2e-6
            assert gap.abs().max() < 2e-5


def test_obftf_by_the_published_route() -> None:
    losses = drawn(24)
    chosen = rule("obftf_exact", time_limit=20.0)(losses, 6)
    assert abs(losses[chosen].mean() - losses.mean()) < 1e-4


def test_obftf_by_a_solver_that_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from subsetopt._dependencies import Availability
    from subsetopt.solvers.backends.cbc import Cbc

    missing = Availability(None, "it is not installed: pip install it")
    monkeypatch.setattr(Cbc, "availability", classmethod(lambda cls: missing))
    with pytest.raises(MissingDependency, match="pip install it"):
        rule("obftf_exact")
    with pytest.raises(so.UnknownSolver):
        rule("obftf_exact", solver="none such")


def test_the_lowest_of_k_drawn() -> None:
    losses = torch.arange(6.0).flip(0)
    counts = rule("mink", reading="drawn")(losses.expand(6000, 6), 2)[:, 0].bincount(minlength=6)
    pairs = torch.tensor([0.0, 1, 2, 3, 4, 5])  # it is the lowest beside so many others, of 15
    expected = 6000 * pairs / 15
    assert counts[0] == 0
    assert ((counts - expected)[1:] ** 2 / expected[1:]).sum() < 20  # 4 degrees


def test_ordered_sgd_keeps_fewer_as_accuracy_rises() -> None:
    pick, losses = rule("ordered_sgd"), drawn(64)
    sizes = []
    for accuracy in (0.5, 0.8, 0.79, 0.93, 0.95, 0.995, 1.0, 0.2):
        pick.observe(accuracy=accuracy)
        sizes.append(len(pick(losses)))
    assert sizes == [64, 32, 32, 16, 8, 4, 4, 4]
    assert len(pick(losses, 20)) == 1
    assert torch.equal(pick(losses), rule("max_loss")(losses, 4))
    resumed = rule("ordered_sgd")
    resumed.load_state_dict(pick.state_dict())
    assert len(resumed(losses)) == 4
    for accuracy in (80.0, -0.1, float("nan")):
        with pytest.raises(InvalidOption, match="divide percents"):
            pick.observe(accuracy=accuracy)


def test_nothing_heavy_is_loaded_before_it_is_asked_for() -> None:
    code = (
        "import sys, subsetopt.torch as t; assert 'torch' not in sys.modules; "
        "assert 'rule' in dir(t); t.rule('uniform'); assert 'torch' in sys.modules; "
        "assert 'subsetopt.torch.rules._weighted' not in sys.modules; "
        "t.rule('vector'); assert 'torch._dynamo' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_names_of_the_package() -> None:
    import subsetopt.torch as package

    assert all(getattr(package, name) is not None for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match="none_such"):
        _ = package.none_such


def test_without_torch_the_error_says_how_to_install_it() -> None:
    import subsetopt.torch as package
    from subsetopt._dependencies import Availability, OptionalDependency

    missing = Availability(None, "torch is not installed: pip install 'subsetopt[torch]'")
    with (
        mock.patch.object(OptionalDependency, "availability", return_value=missing),
        pytest.raises(MissingDependency, match=r"subsetopt\[torch\]"),
    ):
        _ = package.__getattr__("rule")  # as if it had not been asked for yet


def test_a_state_is_gone_on_with_on_another_device_of_its_type() -> None:
    losses = torch.rand(40, generator=seeded(0))
    pick = rule("uniform", seed=3)
    pick(losses, 5)
    held = pick.state_dict()
    (state,) = held["generators"].values()
    fresh, resumed = rule("uniform", seed=3), rule("uniform", seed=3)
    resumed.load_state_dict({**held, "generators": {"cpu:7": state, "cuda:5": state}})
    assert sorted(resumed.state_dict()["generators"]) == ["cpu:7", "cuda:5"]
    expected = pick(losses, 5)
    assert not torch.equal(fresh(losses, 5), expected)
    assert torch.equal(resumed(losses, 5), expected)
    assert sorted(resumed.state_dict()["generators"]) == ["cpu", "cuda:5"]


def test_what_is_drawn_is_chosen_from_even_if_it_is_all() -> None:
    lowest, drawn_ones = rule("mink"), rule("mink", reading="drawn")
    assert lowest.takes_all(8, 8)
    assert not drawn_ones.takes_all(8, 8)
    assert not drawn_ones.takes_all(1.0, 2)
    assert drawn_ones.takes_all(1, 1)
    assert drawn_ones(torch.tensor([3.0, 1.0, 2.0]), 3).tolist() == [1]


# -- on a GPU -------------------------------------------------------------------------------------


@cuda
@every
def test_no_waiting_for_the_gpu(case: Any, no_waiting: Any) -> None:
    if case[0] == "obftf_exact":
        pytest.skip("solved on the CPU")
    pick, losses = rule(case[0], **case[1]), drawn(4, 256).cuda()
    pick(losses, 20)
    with no_waiting():
        chosen = pick(losses, 20)
    assert chosen.device == losses.device
    assert chosen.shape == (4, size_of(case, 20))


@cuda
@every
def test_what_is_not_finite_comes_last_on_a_gpu(case: Any) -> None:
    if case[0] in ("obftf_exact", "uniform"):
        pytest.skip("looks at all losses, or at none")
    losses = drawn(3, 64)
    losses[0, ::2] = float("nan")
    losses[1, :40] = float("inf")
    losses[2, 24:] = -float("inf")
    chosen = rule(case[0], **case[1])(losses.cuda(), 20).cpu()
    if case[1].get("reading") != "drawn":
        assert torch.isfinite(losses.gather(1, chosen)).all()
    with pytest.raises(InvalidProblem, match=r"losses\[0, 0\] is nan"):
        rule(case[0], **case[1], check=True)(losses.cuda(), 20)


@cuda
@every
def test_a_cuda_graph_of_a_rule(case: Any) -> None:
    if case[0] == "obftf_exact":
        pytest.skip("solved on the CPU")
    pick, losses = rule(case[0], **case[1]), drawn(2, 256).cuda()
    generator = torch.Generator("cuda").manual_seed(1)
    pick(losses, 20, generator=generator)
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        chosen = pick(losses, 20, generator=generator)
    fresh = drawn(2, 256, seed=5).cuda()
    losses.copy_(fresh)
    graph.replay()
    size = size_of(case, 20)
    assert all(len(set(row)) == size for row in chosen.tolist())
    if case in DETERMINISTIC:
        assert torch.equal(chosen, rule(case[0], **case[1])(fresh, 20))
    else:
        before = chosen.clone()
        graph.replay()
        assert not torch.equal(chosen, before)


def test_the_kernel_of_obftf_is_for_gpus() -> None:
    losses = torch.rand(64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(rule("obftf", kernel="triton")(losses, 9), rule("obftf")(losses, 9))
    with pytest.raises(InvalidOption, match=r"kernel must .*got 'cuda'"):
        rule("obftf", kernel="cuda")


@cuda
@every
def test_choices_are_replayed(case: Any, no_waiting: Any) -> None:
    if case[0] == "obftf_exact":
        pytest.skip("solved on the CPU")
    recorded, plain = rule(case[0], **case[1]), rule(case[0], **case[1], graph=False)
    several = [drawn(2, 256, seed=seed).cuda() for seed in range(6)]
    found = [recorded(losses, 20) for losses in several]
    expected = [plain(losses, 20) for losses in several]
    assert recorded._replays._recorded
    assert all(recorded._replays._recorded.values())
    assert not plain._replays._recorded
    # The generator is drawn from alike, and no choice is written over by the next one.
    assert all(torch.equal(*both) for both in zip(found, expected, strict=True))
    with no_waiting():
        recorded(several[0], 20)
    recorded.load_state_dict(plain.state_dict())
    assert not recorded._replays._recorded
    plain.load_state_dict(plain.state_dict())
    for losses in several:
        assert torch.equal(recorded(losses, 20), plain(losses, 20))


# -- what is given --------------------------------------------------------------------------------


def test_nothing_is_made_up_for_what_a_rule_does_not_need() -> None:
    losses, features = torch.zeros(64), drawn(64, 3)
    uniform = [
        rule("uniform", seed=2)(losses, 5),
        rule("uniform", seed=2)(k=5, n=64),
        rule("uniform", seed=2)(k=5, features=features),
    ]
    assert all(torch.equal(found, uniform[0]) for found in uniform)
    for name in ("vector", "frank_wolfe"):
        beside = rule(name, seed=2)(losses, 5, features=features)
        assert torch.equal(rule(name, seed=2)(k=5, features=features), beside)
        several = features[None].expand(2, -1, -1)
        assert rule(name)(k=5, features=several).shape == (2, 5)
    assert rule("uniform").probabilities(k=16, n=64).tolist() == [0.25] * 64


def test_rules_look_at_what_they_declare_and_at_nothing_else() -> None:
    seen = []

    class Looks(base.Rule):  # type: ignore[misc,name-defined]
        name, needs = "looks", "nothing"

        def _choose(self, given: Any, k: Any, generator: Any) -> Any:
            seen.append((given.losses is not None, given.features is not None, given.shape))
            return torch.arange(k)[None]

    class AtFeatures(Looks):
        needs = "features"

    class AtLosses(Looks):
        needs = "losses"

    losses, features = torch.zeros(9), torch.ones(9, 2)
    for kind in (Looks, AtFeatures, AtLosses):
        kind()(losses, 3, features=features)
    assert seen == [(False, False, (1, 9)), (False, True, (1, 9)), (True, False, (1, 9))]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("max_loss", {}, "rule 'max_loss' needs losses; none are given"),
        ("max_loss", {"n": 9}, "rule 'max_loss' needs losses; none are given"),
        ("max_loss", {"features": (9, 2)}, "rule 'max_loss' needs losses; none are given"),
        ("frank_wolfe", {}, "rule 'frank_wolfe' needs losses; none are given"),
        ("vector", {"n": 9}, "rule 'vector' needs features; none are given"),
        ("uniform", {}, "n must be an integer >= 1; got None"),
        ("uniform", {"n": 0}, "n must be an integer >= 1; got 0"),
        ("uniform", {"n": True}, "n must be an integer >= 1; got True"),
        ("vector", {"features": (9,)}, r"features must be a tensor .*; got \(9,\)"),
    ],
)
def test_what_is_missing_is_named(name: str, given: dict[str, Any], words: str) -> None:
    made = {key: torch.ones(is_) if key == "features" else is_ for key, is_ in given.items()}
    with pytest.raises(InvalidProblem, match=words):
        rule(name)(k=3, **made)
