"""What quotas by class cost the rules of `subsetopt.torch`, and the match, on one CPU thread.

``python -m benchmarks.scripts.quota_cost`` chooses of batches of 10 classes: without quotas, with
``quotas="proportional"`` and ``quotas=1``, and, for rules that match a mean over the whole choice,
in proportion but within each class alone. Each row holds the median microseconds of process time of
one choice, and for rules that match a mean the median distance of the chosen mean from that of all,
over what k at random are expected to have. Losses and features rise with the class.
"""

from collections.abc import Sequence
from itertools import product
from statistics import median
from time import process_time
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.torch import RULES, Rule, rule

from .script import Row, parser, report
from .vector_selection import quality

CLASSES, FEATURES = 10, 10
MATCHING = {"obftf": "losses", "vector": "features", "frank_wolfe": "features"}
QUOTAS = (None, "proportional", 1, "class by class")


def pick(name: str, quotas: Any) -> Rule:
    """Return a rule with quotas; with "class by class" one that never looks at the whole."""
    if quotas != "class by class":
        return rule(name, quotas=quotas)
    whole = type(rule(name))
    split: Any = type(whole.__name__, (whole,), {"_choose_by_quota": Rule._choose_by_quota})
    made: Rule = split(quotas="proportional")
    return made


def drawn(torch: Any, n: int, seed: int) -> tuple[Any, Any, Any]:
    """Return losses (n,), features (n, d) and labels (n,) of a batch."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(CLASSES, (n,), generator=generator)
    height = 1.0 + labels / CLASSES
    losses = torch.empty(n).exponential_(generator=generator) * height
    features = torch.randn((n, FEATURES), generator=generator) + height[:, None]
    return losses, features, labels


def measured(torch: Any, name: str, quotas: Any, n: int, k: int, repeats: int) -> Row:
    """Return one row of the table; every repetition has a batch of its own."""
    ready, seconds, distances = pick(name, quotas), [], []
    for seed in range(-5, repeats):  # the first compile, and fill the caches
        losses, features, labels = drawn(torch, n, seed + 5)
        given = {"features": features} if MATCHING.get(name) == "features" else {}
        start = process_time()
        chosen = ready(losses, k, labels=labels, **given)
        if seed >= 0:
            seconds.append(process_time() - start)
            distances.append(quality(features if given else losses[:, None], chosen)[0])
    return {
        "rule": name,
        "quotas": "none" if quotas is None else str(quotas),
        "n": n,
        "k": k,
        "us": 1e6 * median(seconds),
        "distance": median(distances) if name in MATCHING else float("nan"),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    known = [name for name in RULES if name != "obftf_exact"]
    options = parser(__doc__)
    options.add_argument("-n", type=int, nargs="+", default=[128, 512, 1024])
    options.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.25])
    options.add_argument("--rules", nargs="+", choices=known, default=known)
    options.add_argument("--repeats", type=int, default=50)
    given = options.parse_args(arguments)
    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    torch.set_num_threads(1)
    report(
        given,
        (
            measured(torch, name, quotas, n, max(1, int(share * n)), given.repeats)
            for name, n, share, quotas in product(given.rules, given.n, given.shares, QUOTAS)
            if quotas != "class by class" or name in MATCHING
        ),
    )


if __name__ == "__main__":
    main()
