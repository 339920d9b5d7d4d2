"""Proofs that were tampered with: both readers reject every kind of it."""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import subsetopt as so
from subsetopt.verify._statements import digest, read

from .proof_files import (  # type: ignore[import-not-found]
    Lines,
    accepted,
    lines_of,
    rejection,
    rejections,
    write,
    write_text,
)
from .test_proofs import (  # type: ignore[import-not-found]
    CONVEX,
    SEMIDEFINITE,
    dispersion,
    diversity,
    ruled,
    values,
)

PROBLEMS: dict[str, tuple[Any, Any]] = {
    "tree": (diversity(1, 12), "branch-and-bound"),  # so few that they are enumerated
    "dual": (diversity(2, 20, 7), SEMIDEFINITE),
    "sums": (so.MeanMatching(values(1), 5), "exact"),
    "small dual": (diversity(3, 13, 6), SEMIDEFINITE),
    "cuts": (diversity(3, 13, 6), CONVEX),
    "points": (dispersion(1, 16, 4), CONVEX),
    "quotas": (ruled(0, "exactly", n=20, k=8), "branch-and-bound"),
    "limits": (ruled(1, "limits", n=20, k=8), "branch-and-bound"),
    "conflicts": (ruled(1, "conflicts", n=20, k=8), "branch-and-bound"),
    "few": (ruled(4, "limits", "budget", n=9, k=4), "branch-and-bound"),
    "table": (so.MeanMatching([0, 7, 21, 35, 63, 70, 84, 98] * 2, 5, target=3.0), "exact"),
}


@pytest.fixture(scope="session")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Lines]:
    made = {}
    for name, (problem, solver) in PROBLEMS.items():
        path = tmp_path_factory.mktemp("proofs") / "proof.jsonl.gz"
        so.solve(problem, solver, proof=path)
        assert accepted(path).optimal or name == "points"  # whose distances are no integers
        made[name] = lines_of(path)
    return made


def trees(lines: Lines) -> list[int]:
    """Return the codes of the first line of a tree, to be changed."""
    codes: list[int] = next(line["tree"] for line in lines if "tree" in line)
    return codes


def head(**fields: Any) -> Callable[[Lines], None]:
    return lambda lines: lines[0].update(fields)


def stated(**fields: Any) -> Callable[[Lines], None]:
    return lambda lines: lines[0]["problem"].update(fields)


def better(lines: Lines) -> None:
    """Claim a bound above the optimum, by one step of the objective, and an objective to match."""
    claimed = str(Fraction(lines[0]["objective"]) + 1)
    lines[0].update(objective=claimed, bound=claimed)


def raised(lines: Lines) -> None:
    lines[0]["bound"] = str(Fraction(lines[0]["bound"]) + 1)


def other_selection(lines: Lines) -> None:
    """Claim the optimum of a selection that is worse, with its own objective."""
    n = lines[0]["problem"]["n"]
    chosen = lines[0]["selection"]
    lines[0]["selection"] = sorted({*range(n)} - {*chosen})[: len(chosen)]


def without_leaf(lines: Lines) -> None:
    trees(lines).remove(-1)


def last_leaf_cut(lines: Lines) -> None:
    trees(lines).pop()


def doubled_leaf(lines: Lines) -> None:
    trees(lines).append(-1)


def early_leaf(lines: Lines) -> None:
    """Close the root at once."""
    trees(lines)[:] = [-1]


def swapped_branch(lines: Lines) -> None:
    """Branch on the candidates of the first two nodes the other way round, the leaves as before."""
    codes = trees(lines)
    first = codes.index(next(code for code in codes if code >= 0))
    codes[first] = next(v for v in range(12) if v not in codes[: first + 2])


def branch_twice(lines: Lines) -> None:
    codes = trees(lines)
    codes[1] = codes[0]


def branch_outside(lines: Lines) -> None:
    trees(lines)[0] = 99


def unknown_code(lines: Lines) -> None:
    trees(lines)[-1] = -3


def dual_without_multipliers(lines: Lines) -> None:
    trees(lines)[-1] = -2


def turned_tree(lines: Lines) -> None:
    trees(lines).reverse()


def no_tree(lines: Lines) -> None:
    lines[:] = [line for line in lines if "tree" not in line]


def no_end(lines: Lines) -> None:
    lines.pop()


def wrong_end(lines: Lines) -> None:
    lines[-1]["end"] += 1


def after_the_end(lines: Lines) -> None:
    lines.append({"tree": [-1]})


def data_line_missing(lines: Lines) -> None:
    del lines[1]


def pair_changed(lines: Lines) -> None:
    line = next(line for line in lines if "pairs" in line)
    line["pairs"][0] += 2


def pair_changed_with_its_digest(lines: Lines) -> None:
    """Make the best pair worse, and the file consistent but for what it proves."""
    for line in (line for line in lines if "pairs" in line):
        line["pairs"] = [pair // 2 for pair in line["pairs"]]
    lines[0]["digest"] = digest(read(lines[0]["problem"], iter(lines[1:])))


def sizes_widened(lines: Lines) -> None:
    """Claim as much of larger selections, the digest made to fit."""
    lines[0]["problem"]["sizes"][1] += 1
    with_digest(lines)


def with_digest(lines: Lines) -> None:
    lines[0]["digest"] = digest(read(lines[0]["problem"], iter(lines[1:])))


def rows_dropped(lines: Lines) -> None:
    """Claim as much without constraints, the digest made to fit."""
    del lines[0]["problem"]["rows"]
    with_digest(lines)


def rows_widened(lines: Lines) -> None:
    for row in lines[0]["problem"]["rows"]:
        row[:2] = max(0, row[0] - 1), row[1] + 1
    with_digest(lines)


def row(change: Callable[[list[Any]], None]) -> Callable[[Lines], None]:
    return lambda lines: change(lines[0]["problem"]["rows"][0])


def of_rows(change: Callable[[list[Any]], None]) -> Callable[[Lines], None]:
    """Change the rows of the first leaf that has some."""
    return lambda lines: change(
        next(line["dual"]["rows"] for line in lines if line.get("dual", {}).get("rows"))
    )


def price_turned(rows: list[Any]) -> None:
    for entry in rows:
        entry[1] = -10 * entry[1]


def multipliers_changed(rows: list[Any]) -> None:
    rows[0][2][0] += 10**9


def prices_missing(rows: list[Any]) -> None:
    rows.clear()


def pair_that_may_be_chosen(lines: Lines) -> None:
    """Move a multiplier of a conflict to a pair that is none."""
    leaf = next(line["dual"] for line in lines if line.get("dual", {}).get("apart"))
    pairs = [entry[:2] for entry in leaf["apart"]]
    leaf["apart"][0][:2] = next(list(p) for p in combinations(range(20), 2) if list(p) not in pairs)


def conflict_dropped(lines: Lines) -> None:
    """Claim as much with one conflict less, the digest made to fit."""
    lines[0]["problem"]["rows"].pop()
    with_digest(lines)


def no_selection_left(lines: Lines) -> None:
    """Say of the root that constraints leave nothing of it."""
    place = next(i for i, line in enumerate(lines) if "tree" in line)
    lines[place:] = [{"tree": [-1]}, {"end": 1}]


def value_changed(lines: Lines) -> None:
    lines[1]["values"][0] += 1


def target_changed(lines: Lines) -> None:
    lines[0]["problem"]["target"] = "1/3"


def true_for_one(lines: Lines) -> None:
    lines[1]["linear"][0] = False


def text_for_number(lines: Lines) -> None:
    lines[1]["linear"][0] = "0"


def float_for_integer(lines: Lines) -> None:
    lines[1]["linear"][0] = 0.0


def not_a_number(lines: Lines) -> None:
    lines[1]["linear"][0] = float("nan")


def infinite(lines: Lines) -> None:
    lines[0]["objective"] = float("-inf")


def overflow(lines: Lines) -> None:
    """An integer past all floats, in the data."""
    lines[1]["linear"][0] = 10**400


def dual(change: Callable[[dict[str, Any]], None]) -> Callable[[Lines], None]:
    return lambda lines: change(next(line["dual"] for line in lines if "dual" in line))


def of_dual(**fields: Any) -> Callable[[Lines], None]:
    return dual(lambda leaf: leaf.update(fields))


def shift_raised(leaf: dict[str, Any]) -> None:
    leaf["shift"] += abs(leaf["shift"]) + 2**20


def entry_raised(leaf: dict[str, Any]) -> None:
    leaf["entries"][0][2] += 2**40


def entry_below_zero(leaf: dict[str, Any]) -> None:
    leaf["entries"][0][2] = -(2**40)


def entry_turned(leaf: dict[str, Any]) -> None:
    i, j, amount = next(row for row in leaf["entries"] if row[0] < row[1])
    leaf["entries"][0] = [j, i, amount]


def triangle_below_zero(leaf: dict[str, Any]) -> None:
    leaf["triangles"] = [[2, 0, 1, 1, -(2**40)]]


def no_such_triangle(leaf: dict[str, Any]) -> None:
    leaf["triangles"].append([0, 1, 1, 2, 1])


def triangle_outside(leaf: dict[str, Any]) -> None:
    leaf["triangles"].append([2, 0, 20, 20, 1])


def triangle_of_another_kind(leaf: dict[str, Any]) -> None:
    """Take the inequalities whose right side is 1 for such of 0."""
    leaf["triangles"] = [[2, 0, 1, 1, 2**40]]


def multiplier_missing(leaf: dict[str, Any]) -> None:
    leaf["u"].pop()


def multipliers_of_zero(leaf: dict[str, Any]) -> None:
    leaf["u"] = [0] * len(leaf["u"])


def dual_dropped(lines: Lines) -> None:
    lines.remove(next(line for line in lines if "dual" in line))


def dual_for_bounded(lines: Lines) -> None:
    codes = trees(lines)
    codes[codes.index(-2)] = -1
    dual_dropped(lines)


def in_another_unit(leaf: dict[str, Any]) -> None:
    leaf["power"] += 1


def convex(**fields: Any) -> Callable[[Lines], None]:
    return lambda lines: next(x["convex"] for x in lines if "convex" in x).update(fields)


def cut(**fields: Any) -> Callable[[Lines], None]:
    return lambda lines: next(line["cut"] for line in lines if "cut" in line).update(fields)


def not_convex(lines: Lines) -> None:
    """Take the diagonal for larger than what is positive semidefinite."""
    stated = next(line["convex"] for line in lines if "convex" in line)
    stated["diagonal"] = [-abs(entry) for entry in stated["diagonal"]]


def convex_missing(lines: Lines) -> None:
    lines.remove(next(line for line in lines if "convex" in line))


def convex_twice(lines: Lines) -> None:
    place = next(i for i, line in enumerate(lines) if "convex" in line)
    lines.insert(place, deepcopy(lines[place]))


def cut_missing(lines: Lines) -> None:
    """Take the last cut away: its number is one that there is none of."""
    lines.remove([line for line in lines if "cut" in line][-1])


def no_such_cut(lines: Lines) -> None:
    for line in lines:
        if "tree" in line:
            line["tree"] = [code - 1000 if code < -2 else code for code in line["tree"]]


def cut_elsewhere(lines: Lines) -> None:
    """Move the point of every cut to one entry."""
    for line in lines:
        if "cut" in line:
            line["cut"]["point"] = [[0, 1]]


def point_below_zero(lines: Lines) -> None:
    next(line["cut"] for line in lines if "cut" in line)["point"][0][1] *= -1


def leaf_of_a_cut_missing(lines: Lines) -> None:
    line = next(x for x in lines if "tree" in x and any(code < -2 for code in x["tree"]))
    line["tree"].remove(next(code for code in line["tree"] if code < -2))


FORGERIES: dict[str, tuple[str, Callable[[Lines], None], str]] = {
    "another format": ("tree", head(format="other"), "first line"),
    "a later version": ("tree", head(version=3), "version 3"),
    "a version that is true": ("tree", head(version=True), "must be an integer"),
    "wrong digest": ("tree", head(digest="sha256:00"), "digest"),
    "wrong instance": ("tree", pair_changed, "digest"),
    "wrong instance, consistent": ("tree", pair_changed_with_its_digest, "objective"),
    "wrong k": ("tree", stated(sizes=[6, 6]), "digest"),
    "k above n": ("tree", stated(sizes=[13, 13]), "sizes"),
    "an empty range of sizes": ("sums", stated(sizes=[6, 5]), "sizes"),
    "a range of sizes, consistent": ("tree", sizes_widened, "node"),
    "sizes below what is included": ("tree", stated(sizes=[0, 5], include=[1]), "included"),
    "wrong sense": ("tree", stated(scale="-1"), "scale"),
    "scale of zero": ("tree", stated(scale="0"), "scale"),
    "division by zero": ("tree", stated(scale="1/0"), "scale"),
    "exponent without end": ("tree", stated(exponent=10**9), "exponent"),
    "included and excluded": ("tree", stated(include=[1], exclude=[1]), "both"),
    "unknown family": ("tree", stated(family="linear"), "family"),
    "changed bound": ("tree", raised, "bound"),
    "changed objective and bound": ("tree", better, "objective"),
    "bound past the optimum of sums": ("sums", raised, "bound"),
    "another selection": ("tree", other_selection, "objective"),
    "one too few": ("tree", head(selection=[0, 1, 2, 3]), "5 candidates"),
    "one twice": ("tree", head(selection=[0, 1, 2, 3, 3]), "ascending"),
    "one outside": ("tree", head(selection=[0, 1, 2, 3, 12]), "candidates in"),
    "one below zero": ("tree", head(selection=[-1, 0, 1, 2, 3]), "candidates in"),
    "missing leaf": ("tree", without_leaf, "node|missing"),
    "last leaf cut off": ("tree", last_leaf_cut, "missing"),
    "duplicated leaf": ("tree", doubled_leaf, "no part is open"),
    "leaf too early": ("tree", early_leaf, "does not reach"),
    "swapped branch": ("tree", swapped_branch, "node"),
    "branch twice": ("tree", branch_twice, "not free"),
    "branch outside": ("tree", branch_outside, "not free"),
    "unknown code": ("tree", unknown_code, "code"),
    "leaf without multipliers": ("tree", dual_without_multipliers, "multipliers"),
    "tree from its end": ("tree", turned_tree, "node|tree"),
    "no tree": ("tree", no_tree, "missing"),
    "no end": ("tree", no_end, "ends it"),
    "wrong count of nodes": ("tree", wrong_end, "ends it"),
    "lines after the end": ("tree", after_the_end, "after the end"),
    "a line of data missing": ("tree", data_line_missing, "go on"),
    "a value changed": ("sums", value_changed, "digest"),
    "target changed": ("sums", target_changed, "digest"),
    "a tree for sums": ("sums", head(method="tree"), "method"),
    "sums for a tree": ("tree", head(method="closed"), "method"),
    "a search that was needed": ("sums", head(method="closed"), "reach and residues"),
    "true for a number": ("tree", true_for_one, "integers"),
    "text for a number": ("tree", text_for_number, "integers"),
    "float for an integer": ("tree", float_for_integer, "integers"),
    "NaN": ("tree", not_a_number, "NaN"),
    "infinity": ("tree", infinite, "Infinity"),
    "overflow": ("tree", overflow, "digest"),
    "bound past what duals prove": ("dual", raised, "bound"),
    "a dual's shift": ("dual", dual(shift_raised), "definite"),
    "a dual's entry": ("dual", dual(entry_raised), "node"),
    "an entry below zero": ("dual", dual(entry_below_zero), "N >= 0"),
    "an entry turned": ("dual", dual(entry_turned), "i <= j"),
    "a triangle below zero": ("dual", dual(triangle_below_zero), "triangle"),
    "no such triangle": ("dual", dual(no_such_triangle), "triangle"),
    "a triangle outside": ("dual", dual(triangle_outside), "triangle"),
    "other triangles": ("dual", dual(triangle_of_another_kind), "node"),
    "a multiplier missing": ("dual", dual(multiplier_missing), "entries"),
    "multipliers of zero": ("dual", dual(multipliers_of_zero), "node"),
    "multipliers in another unit": ("dual", dual(in_another_unit), "node"),
    "power without end": ("dual", of_dual(power=10**9), "power"),
    "a side that is none": ("dual", of_dual(complement=2), "complement"),
    "the other side": ("dual", of_dual(complement=1), "node"),
    "more in a dual": ("dual", of_dual(more=1), "object of"),
    "a dual without a leaf": ("dual", dual_for_bounded, "node"),
    "a leaf without its dual": ("dual", dual_dropped, "multipliers"),
    "the bound of a table": ("table", raised, "bound"),
    "no rows, consistent": ("quotas", rows_dropped, "none of|node"),
    "wider quotas, consistent": ("quotas", rows_widened, "equation|node"),
    "wider limits, consistent": ("limits", rows_widened, "node"),
    "limits of another problem": ("limits", stated(rows=[]), "digest"),
    "a selection that breaks a row": ("quotas", other_selection, "breaks"),
    "a row of two parts": ("quotas", row(lambda row: row.pop()), "row"),
    "a weight below zero": ("quotas", row(lambda row: row[2].__setitem__(0, [0, -1])), "weight"),
    "a candidate twice in a row": ("quotas", row(lambda row: row[2].insert(0, row[2][0])), "twice"),
    "a row of a candidate outside": ("quotas", row(lambda row: row[2].append([99, 1])), "row"),
    "a limit of a float": ("quotas", row(lambda row: row.__setitem__(0, 0.5)), "integers|number"),
    "rows that are no list": ("quotas", stated(rows=3), "list"),
    "multipliers of an equation": ("quotas", of_rows(multipliers_changed), "node"),
    "an equation that is none": (
        "limits",
        of_rows(lambda r: r[0].__setitem__(2, [1] * 20)),
        "node",
    ),
    "multipliers of no equation": ("quotas", of_rows(prices_missing), "node"),
    "a price turned": ("limits", of_rows(price_turned), "node"),
    "no prices": ("limits", of_rows(prices_missing), "node"),
    "a price of text": ("limits", of_rows(lambda r: r[0].__setitem__(1, "1")), "price"),
    "a row below zero": ("limits", of_rows(lambda r: r[0].__setitem__(0, -1)), "number of a row"),
    "a row that there is none of": ("limits", of_rows(lambda r: r[0].__setitem__(0, 9)), "none of"),
    "a pair that may be chosen": ("conflicts", pair_that_may_be_chosen, "chosen together"),
    "a conflict less, consistent": ("conflicts", conflict_dropped, "together|node"),
    "a part that is not empty": ("few", no_selection_left, "does not reach"),
    "bound past what cuts prove": ("points", raised, "objective|node"),
    "bound past what cuts prove, of integers": ("cuts", better, "objective"),
    "a matrix that is not convex": ("points", not_convex, "definite"),
    "no convexity": ("points", convex_missing, "must come after"),
    "convexity twice": ("points", convex_twice, "twice"),
    "convexity of fewer": ("points", convex(diagonal=[1]), "entries"),
    "overflow in the diagonal": ("points", convex(diagonal=[10**4000] * 16), "node"),
    "ones below zero": ("points", convex(ones=-(10**30)), "definite"),
    "NaN in the diagonal": ("points", convex(diagonal=[float("nan")] * 16), "NaN"),
    "a convex power without end": ("points", convex(power=10**9), "power"),
    "more in what is convex": ("points", convex(more=1), "object of"),
    "a cut that is missing": ("points", cut_missing, "cut"),
    "a cut that there is none of": ("points", no_such_cut, "cut"),
    "cuts of another point": ("points", cut_elsewhere, "node"),
    "a cut in another unit": ("points", cut(power=0), "node"),
    "a cut's power without end": ("points", cut(power=10**9), "power"),
    "a point below zero": ("points", point_below_zero, "amounts"),
    "a point of floats": ("points", cut(point=[[0, 0.5]]), "integers"),
    "a point outside": ("points", cut(point=[[16, 1]]), "places"),
    "a place twice": ("points", cut(point=[[0, 1], [0, 1]]), "places"),
    "a point that is no list": ("points", cut(point=3), "list"),
    "more in a cut": ("points", cut(more=1), "object of"),
    "a missing leaf of a cut": ("points", leaf_of_a_cut_missing, "node|missing"),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forgeries_are_rejected(kind: str, proofs: dict[str, Lines], tmp_path: Path) -> None:
    base, forge, message = FORGERIES[kind]
    lines = deepcopy(proofs[base])
    forge(lines)
    reason = rejection(write(lines, tmp_path / "proof.jsonl.gz"))
    assert any(part in reason for part in message.split("|")), reason


def test_there_are_enough_kinds() -> None:
    assert len(FORGERIES) >= 30


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda packed: packed[:-9], "incomplete"),
        (lambda packed: packed[: len(packed) // 2], "incomplete"),
        (lambda packed: packed[:40] + bytes([packed[40] ^ 255]) + packed[41:], "line"),
        (lambda packed: b"", "first line"),
        (lambda packed: b"not gzip at all", "incomplete"),
        (lambda packed: gzip.compress(gzip.decompress(packed)[:-1]), "cut off"),
        (lambda packed: gzip.compress(b"[" * 100_000 + b"\n"), "line"),
        (lambda packed: gzip.compress(b'{"end": ' + b"9" * 5000 + b"}\n"), "line"),
        (lambda packed: gzip.compress(b"\xff\xfe\n"), "line"),
        (lambda packed: gzip.compress(b"[1]\n"), "must be an object"),
    ],
)
def test_broken_files_are_rejected(
    spoil: Callable[[bytes], bytes], message: str, proofs: dict[str, Lines], tmp_path: Path
) -> None:
    path = write(proofs["tree"], tmp_path / "proof.jsonl.gz")
    path.write_bytes(spoil(path.read_bytes()))
    reason = rejection(path)
    assert message in reason


def test_a_key_that_is_given_twice_is_rejected(proofs: dict[str, Lines], tmp_path: Path) -> None:
    text = "".join(json.dumps(line) + "\n" for line in proofs["tree"])
    path = tmp_path / "proof.jsonl.gz"
    write_text(text.replace('"bound":', '"bound": "0", "bound":', 1), path)
    with pytest.raises(so.VerificationFailed, match="twice"):
        so.verify_proof(path)


def test_every_single_code_of_a_tree_counts(proofs: dict[str, Lines], tmp_path: Path) -> None:
    """Whatever leaf is made a branch, or branch a leaf: the rest of the tree does not fit."""
    codes = trees(proofs["tree"])
    for place in np.linspace(0, len(codes) - 1, 12).astype(int).tolist():
        lines = deepcopy(proofs["tree"])
        trees(lines)[place] = -1 if codes[place] >= 0 else 0
        rejection(write(lines, tmp_path / "proof.jsonl.gz"))


# -- at random ---------------------------------------------------------------------------------


def integers_in(part: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where integers stand in a line."""
    if isinstance(part, int):
        yield place
    elif isinstance(part, list | dict):
        for key, value in part.items() if isinstance(part, dict) else enumerate(part):
            yield from integers_in(value, (*place, key))


def mutated(lines: Lines, generator: np.random.Generator) -> Lines:
    """Change some integers, and perhaps the bound; digest and objective are made to fit."""
    lines = deepcopy(lines)
    places = [(i, *place) for i, line in enumerate(lines) for place in integers_in(line)]
    for choice in generator.integers(len(places), size=generator.integers(1, 4)):
        *way, last = places[choice]
        part: Any = lines
        for key in way:
            part = part[key]
        part[last] += int(generator.choice([-1, 1, 2, -3, 10**6, -part[last]]))
    if generator.random() < 0.5:
        lines[0]["bound"] = str(Fraction(lines[0]["bound"]) + generator.choice([1, -1]))
    with suppress(so.VerificationFailed, IndexError):
        statement = read(lines[0]["problem"], iter(lines[1:]))
        lines[0]["digest"] = digest(statement)
        lines[0]["objective"] = str(statement.objective(lines[0]["selection"]))
    return lines


def holds(lines: Lines) -> bool:
    """Whether no selection of the problem in a file is below the bound there."""
    statement = read(lines[0]["problem"], iter(lines[1:]))
    sizes = range(statement.smallest, statement.k + 1)
    candidates = [v for v in statement.free if v < statement.n]

    def kept(chosen: list[int]) -> bool:
        rows = getattr(statement, "rows", ())
        return all(row.lower <= row.sum(chosen) <= row.upper for row in rows)

    every = (
        statement.objective(sorted([*one, *statement.include]))
        for size in sizes
        for one in combinations(candidates, size - len(statement.include))
        if size >= len(statement.include) and kept([*one, *statement.include])
    )
    return min(every) >= Fraction(lines[0]["bound"])


def check_mutations(proofs: dict[str, Lines], path: Path, seed: int, times: int) -> None:
    generator = np.random.default_rng(seed)
    for name in ("tree", "small dual", "table", "cuts", "few"):
        for _ in range(times):
            lines = mutated(proofs[name], generator)
            write(lines, path)
            package, script = rejections(path)
            assert (package is None) is (script is None), (package, script)
            assert package is not None or holds(lines)


def test_nothing_false_is_accepted(proofs: dict[str, Lines], tmp_path: Path) -> None:
    check_mutations(proofs, tmp_path / "proof.jsonl.gz", 0, 8)


@pytest.mark.slow
def test_nothing_false_is_accepted_500_times(proofs: dict[str, Lines], tmp_path: Path) -> None:
    check_mutations(proofs, tmp_path / "proof.jsonl.gz", 1, 500)
