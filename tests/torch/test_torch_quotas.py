"""Rules under quotas: counts by class, what is chosen within them, and what is refused."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import subsetopt as so
from subsetopt.errors import InvalidOption, InvalidProblem, InvalidResult, UnsupportedProblem

torch: Any = pytest.importorskip("torch")
base = pytest.importorskip("subsetopt.torch.rules.base")
torch_rules = pytest.importorskip("subsetopt.torch.rules")
quotas_module = pytest.importorskip("subsetopt.torch.rules._class_quotas")
within_module = pytest.importorskip("subsetopt.torch.search._class_counts")
rule = torch_rules.rule

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in torch_rules.RULES},
    "obftf_exact": ("obftf_exact", {"solver": "swap"}),
    "obftf-uniform": ("obftf", {"start": "uniform"}),
    "vector-greedy": ("vector", {"start": "greedy"}),
    "vector-start": ("vector", {"rounds": 0}),
    "vector-thorough": ("vector", {"thorough": True}),
    "frank_wolfe-features": ("frank_wolfe", {}),
}
FEATURES = ("vector", "frank_wolfe-")
every = pytest.mark.parametrize("case", CASES)


def seeded(seed: int) -> Any:
    return torch.Generator().manual_seed(seed)


def drawn(*shape: int, seed: int = 0) -> Any:
    return torch.empty(shape).exponential_(generator=seeded(seed))


def classes(n: int, seed: int = 0) -> Any:
    """Return labels of classes of very different sizes, one of a single sample among them."""
    labels = (torch.rand(n, generator=seeded(seed)) ** 2 * 7).long()
    labels[0] = 40
    return labels


def made(case: str, **options: Any) -> Any:
    name, own = CASES[case]
    return rule(name, **own, **options)


def choose(pick: Any, case: str, losses: Any, k: Any, labels: Any, **given: Any) -> Any:
    if case.startswith(FEATURES):
        given["features"] = torch.stack([losses, losses.square(), losses.sin()], -1)
    return pick(losses, k, labels=labels, **given)


def assert_proportional(chosen: Any, labels: Any, k: int) -> None:
    """Hold each count against its share: it is that rounded up or down."""
    for name in labels.unique().tolist():
        share = k * int((labels == name).sum()) / len(labels)
        count = int((labels[chosen] == name).sum())
        assert abs(count - share) < 1, (name, count, share)


def assert_at_least(chosen: Any, labels: Any, m: int, k: int) -> None:
    names = [name for name in labels.unique().tolist() if name >= 0]
    wanted = {name: min(m, int((labels == name).sum())) for name in names}
    counts = {name: int((labels[chosen] == name).sum()) for name in names}
    if sum(wanted.values()) <= k:
        assert all(counts[name] >= wanted[name] for name in names), counts
    else:  # as even as can be
        level = min((counts[name] for name in names if counts[name] < wanted[name]), default=m)
        assert all(counts[name] <= min(wanted[name], level + 1) for name in names), counts


# -- what holds for every rule -------------------------------------------------------------------


@every
@pytest.mark.parametrize("quotas", ["proportional", 1, 3])
@pytest.mark.parametrize(("n", "k"), [(64, 16), (61, 20), (23, 3), (20, 20), (9, 1), (1, 1)])
def test_counts_are_kept(case: str, quotas: Any, n: int, k: int) -> None:
    labels, losses = classes(n), drawn(n)
    untouched = torch.get_rng_state()
    pick = made(case, quotas=quotas)
    for _ in range(3):
        chosen = choose(pick, case, losses, k, labels)
        assert chosen.dtype == torch.int64
        assert chosen.tolist() == sorted(set(chosen.tolist()))
        assert len(chosen) == k
        if quotas == "proportional":
            assert_proportional(chosen, labels, k)
        else:
            assert_at_least(chosen, labels, quotas, k)
    assert torch.equal(torch.get_rng_state(), untouched)


@every
def test_rows_are_independent(case: str) -> None:
    labels = torch.stack([classes(32, seed) for seed in range(3)])
    chosen = choose(made(case, quotas="proportional"), case, drawn(3, 32), 9, labels)
    assert chosen.shape == (3, 9)
    for row, own in zip(chosen, labels, strict=True):
        assert_proportional(row, own, 9)


@every
@pytest.mark.parametrize("quotas", ["proportional", 2])
def test_a_generator_decides_and_a_state_is_gone_on_from(case: str, quotas: Any) -> None:
    labels, losses = classes(48), drawn(48)
    first, again = made(case, quotas=quotas, seed=3), made(case, quotas=quotas, seed=3)
    found = [choose(first, case, losses, 10, labels) for _ in range(3)]
    assert all(torch.equal(choose(again, case, losses, 10, labels), one) for one in found)
    again.load_state_dict(first.state_dict())
    assert torch.equal(*(choose(pick, case, losses, 10, labels) for pick in (first, again)))
    both = [
        choose(made(case, quotas=quotas), case, losses, 10, labels, generator=seeded(5))
        for _ in range(2)
    ]
    assert torch.equal(*both)


def test_rules_that_draw_choose_anew_in_each_call() -> None:
    labels = classes(64)
    for name in ("uniform", "vector", "prob"):
        pick = rule(name, quotas="proportional")
        found = {tuple(choose(pick, name, drawn(64), 16, labels).tolist()) for _ in range(4)}
        assert len(found) > 1


# -- what is chosen --------------------------------------------------------------------------------


def best_of(losses: Any, labels: Any, k: int, keeps: Any) -> float:
    """Return the least error of the mean of all selections that keep something."""
    mean = losses.mean()
    found = (losses[list(s)].mean() - mean for s in combinations(range(len(losses)), k) if keeps(s))
    return min(abs(float(error)) for error in found)


@pytest.mark.parametrize("case", ["obftf", "obftf-uniform", "obftf_exact", "frank_wolfe"])
@pytest.mark.parametrize("quotas", ["proportional", 2])
def test_means_are_matched_over_the_whole_choice(case: str, quotas: Any) -> None:
    errors, best = [], []
    for seed in range(6):
        losses = drawn(12, seed=seed).double()
        labels = torch.tensor([0] * 6 + [1] * 4 + [5] * 2)
        proven = {"solver": "cbc"} if case == "obftf_exact" else CASES[case][1]
        pick = rule(CASES[case][0], **proven, quotas=quotas, seed=seed)
        chosen = choose(pick, case, losses, 6, labels)
        counts = torch.bincount(labels, minlength=6)

        def keeps(places: Any, counts: Any = counts, labels: Any = labels) -> bool:
            own = torch.bincount(labels[list(places)], minlength=6)
            if quotas == "proportional":
                return bool((own == counts // 2).all())
            return bool((own >= counts.clamp(max=2)).all())

        assert keeps(chosen.tolist())
        errors.append(abs(float(losses[chosen].mean() - losses.mean())))
        best.append(best_of(losses, labels, 6, keeps))
        assert errors[-1] >= best[-1] - 1e-12
    factor = {"frank_wolfe": 60.0, "obftf_exact": 1.0}.get(case, 8.0)
    assert np.mean(errors) <= factor * np.mean(best) + 1e-6


@pytest.mark.parametrize("case", ["obftf", "vector"])
def test_matching_the_whole_is_closer_than_class_by_class(case: str) -> None:
    class ByClass(type(rule(case))):  # type: ignore[misc]
        _choose_by_quota = base.Rule._choose_by_quota

    labels = torch.arange(120) % 8
    far = []
    for pick in (made(case, quotas="proportional"), ByClass(quotas="proportional")):
        found = []
        for seed in range(5):
            losses = drawn(120, seed=seed)
            points = torch.stack([losses, losses.square(), losses.sin()], -1)
            points = points if case == "vector" else losses[:, None]
            given = {"features": points} if case == "vector" else {}
            chosen = pick(losses, 24, labels=labels, **given)
            off = (points[chosen].mean(0) - points.mean(0)) / points.std(0)
            found.append(float(off.square().sum().sqrt()))
        far.append(np.mean(found))
    assert far[0] < 0.5 * far[1]


@pytest.mark.parametrize(("case", "sign"), [("max_loss", 1), ("mink", -1), ("ordered_sgd", 1)])
def test_ranking_rules_choose_the_best_that_keep_the_quota(case: str, sign: int) -> None:
    for seed in range(4):
        losses, labels = drawn(12, seed=seed), classes(12, seed)
        names = labels.unique().tolist()
        k = 6
        for quotas in (1, 2):
            chosen = made(case, quotas=quotas)(losses, k, labels=labels)
            wanted = {one: min(quotas, int((labels == one).sum())) for one in names}
            if sum(wanted.values()) > k:
                continue
            best = max(
                float(sign * losses[list(s)].sum())
                for s in combinations(range(12), k)
                if all(int((labels[list(s)] == one).sum()) >= low for one, low in wanted.items())
            )
            assert float(sign * losses[chosen].sum()) == pytest.approx(best, rel=1e-6)
        for one in names:  # proportional: the best of each class
            own = (labels == one).nonzero()[:, 0]
            chosen = made(case, quotas="proportional")(losses, k, labels=labels)
            taken = [i for i in chosen.tolist() if labels[i] == one]
            order = own[(sign * losses[own]).argsort(descending=True)].tolist()
            assert sorted(taken) == sorted(order[: len(taken)])


def test_a_choice_that_keeps_the_minima_is_the_one_without_quotas() -> None:
    losses, labels = drawn(128), torch.arange(128) % 4
    assert torch.equal(
        rule("obftf", quotas=1)(losses, 32, labels=labels), rule("obftf")(losses, 32)
    )
    assert torch.equal(
        rule("max_loss", quotas=1)(losses, 120, labels=labels), rule("max_loss")(losses, 120)
    )


def test_labels_say_how_many_there_are() -> None:
    labels = classes(40)
    pick, alike = (rule("uniform", quotas="proportional") for _ in range(2))
    assert torch.equal(pick(k=9, labels=labels), alike(k=9, n=40, labels=labels))
    with pytest.raises(InvalidProblem, match="n must be an integer >= 1; got None"):
        rule("uniform")(k=9, labels=labels)
    with pytest.raises(InvalidProblem, match=r"shape \(30,\), .*got int64 of shape \(40,\)"):
        pick(k=9, n=30, labels=labels)


def test_within_one_class_a_rule_chooses_as_without_quotas() -> None:
    losses, labels = drawn(64), torch.zeros(64, dtype=torch.int8)
    for name in ("stride", "max_loss", "mink"):
        assert torch.equal(
            rule(name, quotas="proportional")(losses, 9, labels=labels), rule(name)(losses, 9)
        )


# -- how counts are drawn --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    labels=hnp.arrays(np.int64, st.integers(1, 40), elements=st.integers(-2, 5)),
    share=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 2**20),
)
def test_proportions_are_rounded_up_or_down(labels: Any, share: float, seed: int) -> None:
    k = max(1, int(share * len(labels)))
    quota = quotas_module.quota_of(labels, k, "proportional", seeded(seed))
    sizes = np.bincount(quota.codes)
    assert quota.lower.sum() == k
    assert (quota.lower >= 0).all()
    assert (quota.lower <= sizes).all()
    assert (abs(quota.lower - k * sizes / len(labels)) < 1).all()


def test_every_sample_keeps_its_chance_on_average() -> None:
    labels = np.repeat([0, 1, 2, 3], [19, 5, 2, 1])
    generator = seeded(0)
    counts = np.mean(
        [quotas_module.quota_of(labels, 4, "proportional", generator).lower for _ in range(2000)],
        axis=0,
    )
    np.testing.assert_allclose(counts, 4 * np.array([19, 5, 2, 1]) / 27, atol=0.03)
    pick = rule("uniform", quotas="proportional")
    chances = pick.probabilities(k=4, n=27)
    hits = torch.zeros(27)
    for _ in range(1500):
        hits[pick(k=4, n=27, labels=torch.from_numpy(labels))] += 1
    torch.testing.assert_close(hits / 1500, chances, atol=0.04, rtol=0.0)


@pytest.mark.parametrize(("least", "k"), [(1, 6), (2, 6), (3, 6), (2, 9), (9, 8), (1, 1), (1, 12)])
def test_chances_under_minima(least: int, k: int) -> None:
    labels = torch.tensor([0] * 5 + [1] * 3 + [2] + [-1] * 3)
    pick, often = rule("uniform", quotas=least), 1000
    chances = pick.probabilities(k=k, labels=labels, n=12)
    assert float(chances.sum()) == pytest.approx(k, abs=1e-5)
    hits = torch.zeros(12)
    for _ in range(often):
        hits[pick(k=k, labels=labels)] += 1
    spread = (chances * (1 - chances) / often).sqrt()
    assert ((hits / often - chances).abs() <= 4.5 * spread + 1e-6).all()
    both = pick.probabilities(torch.zeros(2, 12).double(), k, labels=labels.expand(2, -1))
    torch.testing.assert_close(both[1].float(), chances)


def test_where_k_is_too_small_no_class_is_left_out_always() -> None:
    labels = torch.arange(10).repeat_interleave(3)
    seen: set[int] = set()
    pick = rule("max_loss", quotas=1)
    for _ in range(30):
        chosen = pick(drawn(30), 4, labels=labels)
        assert len(set(labels[chosen].tolist())) == 4  # one of each of four
        seen |= set(labels[chosen].tolist())
    assert seen == set(range(10))
    counts = torch.bincount(labels[rule("uniform", quotas=3)(k=14, n=30, labels=labels)])
    assert sorted(counts.tolist()) == [1] * 6 + [2] * 4


def test_samples_without_a_class_have_no_minimum() -> None:
    losses = torch.arange(12.0)
    labels = torch.tensor([0] * 3 + [1] * 3 + [-100] * 3 + [-1] * 3)
    chosen = rule("mink", quotas=1)(losses, 2, labels=labels)
    assert labels[chosen].tolist() == [0, 1]
    parted = rule("max_loss", quotas="proportional")(losses, 4, labels=labels)
    assert labels[parted].tolist() == [0, 1, -1, -1]  # half of them are of none


def test_losses_are_remembered_once_under_quotas() -> None:
    labels, losses = classes(24), drawn(24)
    with_quotas, without = (
        rule("selective_backprop", history=64, quotas=quotas) for quotas in (1, None)
    )
    for pick in (with_quotas, without):
        pick(losses, 6, labels=labels)
        pick(2 * losses, 6, labels=labels)
    assert torch.equal(with_quotas.state_dict()["last"], without.state_dict()["last"])
    assert with_quotas.state_dict()["seen"] == 48


def test_labels_of_any_integers_and_of_rules_without_quotas() -> None:
    losses, labels = drawn(20), torch.arange(20) % 2
    expected = rule("max_loss", quotas="proportional")(losses, 6, labels=labels)
    for dtype in (torch.uint8, torch.int16, torch.bool):
        own = rule("max_loss", quotas="proportional")(losses, 6, labels=labels.to(dtype))
        assert torch.equal(own, expected)
    huge = labels * 2**62 - 1
    assert torch.equal(rule("max_loss", quotas="proportional")(losses, 6, labels=huge), expected)
    assert torch.equal(rule("max_loss")(losses, 6, labels=labels), rule("max_loss")(losses, 6))
    selected = pytest.importorskip("subsetopt.torch.functional").select
    assert torch.equal(
        selected(losses, 6, "max_loss", labels=labels, quotas="proportional"), expected
    )


@pytest.mark.parametrize("case", ["obftf"])
def test_compiled_code_leaves_it_out(case: str) -> None:
    losses, labels = drawn(40), torch.arange(40) % 3
    pick, alone = (made(case, quotas="proportional") for _ in range(2))
    compiled = torch.compile(lambda x: 2 * choose(pick, case, x, 9, labels), backend="eager")
    assert torch.equal(compiled(losses), 2 * choose(alone, case, losses, 9, labels))


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6),
    share=st.floats(0, 1, exclude_min=True),
    seed=st.integers(0, 99),
)
def test_the_search_keeps_any_counts(sizes: list[int], share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    codes = generator.permutation(np.repeat(np.arange(len(sizes)), sizes))
    counts = generator.integers(0, np.array(sizes) + 1)
    counts[0] = max(1, counts[0])
    within = within_module.ClassCounts(codes, counts)
    losses = generator.exponential(size=len(codes)).astype(np.float32)
    for shuffled in (False, True):
        chosen = within_module.match_mean_within(losses, within, seed, shuffled=shuffled)
        np.testing.assert_array_equal(np.bincount(codes[chosen], minlength=len(sizes)), counts)
        assert len(set(chosen.tolist())) == counts.sum()


# -- rules of one's own ----------------------------------------------------------------------------


class Nearest(base.Rule):  # type: ignore[misc,name-defined]
    """The k features nearest to zero."""

    name, needs = "nearest", "features"

    def _choose(self, given: Any, k: Any, generator: Any) -> Any:
        return given.features.square().sum(2).topk(k, largest=False).indices.sort(1).values


class Favourite(Nearest):
    """Has probabilities that quotas would change."""

    name, needs, has_probabilities = "favourite", "losses", True

    def _probabilities(self, losses: Any, k: Any, shape: Any, device: Any) -> Any:
        return torch.ones(shape, device=device)


def test_rules_of_ones_own_need_nothing_for_it() -> None:
    labels, points = classes(40), drawn(40, 3)
    chosen = Nearest(quotas="proportional")(features=points, k=10, labels=labels)
    assert_proportional(chosen, labels, 10)
    for one in labels.unique().tolist():
        own = (labels == one).nonzero()[:, 0]
        nearest = own[points[own].square().sum(1).argsort()].tolist()
        taken = [i for i in chosen.tolist() if labels[i] == one]
        assert sorted(nearest[: len(taken)]) == taken


def test_a_rule_that_chooses_another_number_is_told_so() -> None:
    class Two(Nearest):
        def _choose(self, given: Any, k: Any, generator: Any) -> Any:
            return super()._choose(given, 2, generator)

    with pytest.raises(InvalidResult, match=r"rule 'nearest' chose .* \(1, 2\) where \(1, 5\)"):
        Two(quotas="proportional")(features=drawn(20, 2), k=10, labels=torch.arange(20) % 2)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "balanced", [1], np.array([1, 2])])
def test_quotas_that_are_none(bad: Any) -> None:
    with pytest.raises(
        InvalidOption, match=r"quotas must be 'proportional', an integer >= 1 .*got"
    ):
        rule("max_loss", quotas=bad)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, r"rule 'max_loss' with quotas=1 needs labels, .*\(8,\).*none are given"),
        ([0] * 8, r"got a list: number the classes, and .*torch.as_tensor\(labels\)"),
        (torch.zeros(8), r"float32 of shape \(8,\): convert with labels.long\(\)"),
        (torch.zeros(8, 3), r"float32 of shape \(8, 3\): convert with labels.argmax\(-1\)"),
        (
            torch.zeros(8, 1, dtype=torch.int64),
            r"integers of shape \(8,\).*int64 of shape \(8, 1\)",
        ),
        (torch.zeros(7, dtype=torch.int64), r"shape \(8,\), .*got int64 of shape \(7,\)"),
    ],
)
def test_labels_that_are_none(labels: Any, words: str) -> None:
    with pytest.raises(InvalidProblem, match=words):
        rule("max_loss", quotas=1)(torch.ones(8), 3, labels=labels)


def test_what_quotas_do_not_go_with() -> None:
    losses, labels = drawn(8), torch.zeros(8, dtype=torch.int64)
    with pytest.raises(InvalidOption, match="rule 'prob' with quotas='proportional' needs k"):
        rule("prob", quotas="proportional")(losses, labels=labels)
    with pytest.raises(InvalidOption, match="reading='drawn' chooses one index"):
        rule("mink", reading="drawn", quotas=1)
    with pytest.raises(InvalidProblem, match="rule 'uniform' with quotas=1 needs labels"):
        rule("uniform", quotas=1).probabilities(losses, 3)
    with pytest.raises(UnsupportedProblem, match="rule 'favourite' with quotas=1 defines no prob"):
        Favourite(quotas=1).probabilities(losses, 3)
    assert Favourite().probabilities(losses, 3).tolist() == [1.0] * 8
    losses[2] = torch.nan
    with pytest.raises(InvalidProblem, match=r"losses\[2\] is nan"):
        rule("max_loss", quotas=1)(losses, 3, labels=labels)
    stream = pytest.importorskip("subsetopt.torch._streaming")
    with pytest.raises(InvalidOption, match="quotas=1, but records hold no labels"):
        stream.by_rule(rule("obftf", quotas=1))


def test_a_solver_that_takes_no_quotas_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(so.solvers.Swap, "takes", frozenset({"budget"}))
    with pytest.raises(InvalidOption, match=r"solver 'swap' takes no quotas, .*=1; 'cbc' does"):
        rule("obftf_exact", solver="swap", quotas=1)
    rule("obftf_exact", solver="swap")


@pytest.mark.cuda
@every
def test_labels_and_losses_on_a_gpu(case: str) -> None:
    labels, losses = classes(64), drawn(64)
    for quotas in ("proportional", 2):
        on_cpu = choose(made(case, quotas=quotas), case, losses, 16, labels)
        for own in (labels, labels.cuda()):
            chosen = choose(made(case, quotas=quotas), case, losses.cuda(), 16, own)
            assert chosen.is_cuda
            assert torch.equal(chosen.cpu(), on_cpu)
        mine = torch.Generator("cuda").manual_seed(1)
        chosen = choose(
            made(case, quotas=quotas), case, losses.cuda(), 16, labels, generator=mine
        ).cpu()
        if quotas == "proportional":
            assert_proportional(chosen, labels, 16)
        else:
            assert_at_least(chosen, labels, 2, 16)
