"""Feasibility of selections, from the attributes of a problem's constraints."""

from collections import Counter
from fractions import Fraction
from typing import Any

from ._failure import failed
from ._stating import decimal


def require_feasible(problem: Any, chosen: list[int]) -> None:
    """Fail unless ascending indices are a selection of the problem, its constraints kept."""
    low, high = int(problem.smallest_count), int(problem.k)
    if not low <= len(chosen) <= high:
        wanted = str(high) if low == high else f"{low} to {high}"
        failed(f"the selection must have {wanted} candidates; got {len(chosen)}")
    rules = getattr(problem, "constraints", None)
    if rules is None:
        return
    inside = {*chosen}
    for i in rules.include.tolist():
        if i not in inside:
            failed(f"candidate {i} is to be included; it is not chosen")
    for i in rules.exclude.tolist():
        if i in inside:
            failed(f"candidate {i} is excluded; it is chosen")
    for i, j in rules.conflicts.tolist():
        if i in inside and j in inside:
            failed(f"candidates {i} and {j} conflict; both are chosen")
    for quota in rules.quotas:
        _require_quota(quota, chosen)
    if rules.costs is not None:
        _require_budget(rules, chosen)


def _require_quota(quota: Any, chosen: list[int]) -> None:
    codes = quota.codes.tolist()
    counts = Counter(codes[i] for i in chosen)
    limits = zip(quota.groups, quota.lower.tolist(), quota.upper.tolist(), strict=True)
    for code, (group, low, high) in enumerate(limits):
        if not low <= counts[code] <= high:
            failed(f"group {group!r} has {counts[code]} chosen; its quota is [{low}, {high}]")


def _require_budget(rules: Any, chosen: list[int]) -> None:
    # Numbers stand for the decimals that they print as.
    costs = rules.costs.tolist()
    total = sum((decimal(costs[i]) for i in chosen), Fraction(0))
    if total > decimal(rules.budget):
        failed(f"the selection costs {float(total)!r}, above the budget {rules.budget!r}")
