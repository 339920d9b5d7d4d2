"""Cost and quality of the rules that match features, on one CPU thread.

``python -m benchmarks.scripts.vector_selection`` runs them on Gaussian features, or on one-hot
labels with ``--labels``. Each row of the table holds the median microseconds of process time of one
selection; the distance of the chosen mean from that of all, over the one that k at random are
expected to have; and the mean squared length of the chosen, features standardised, over that of
all: below 1 where samples near the mean are preferred.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import mean, median
from time import process_time
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.torch import rule

from .script import Row, parser, report

SHARES = (1 / 32, 1 / 10, 1 / 4, 1 / 2)
CONTENDERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "uniform": ("uniform", {}),
    "vector": ("vector", {}),
    "vector, thorough": ("vector", {"thorough": True}),
    "frank_wolfe": ("frank_wolfe", {}),
}


def drawn(torch: Any, n: int, d: int, seed: int, *, labels: bool) -> Any:
    """Return features (n, d): Gaussian, or one-hot labels of d classes."""
    generator = torch.Generator().manual_seed(seed)
    if labels:
        y = torch.randint(d, (n,), generator=generator)
        return torch.nn.functional.one_hot(y, d).float()
    return torch.randn((n, d), generator=generator)


def quality(features: Any, chosen: Any) -> tuple[float, float]:
    """Return the distance and the squared length, over those of k at random and of all."""
    n, k = len(features), len(chosen)
    exact = features.double()
    rows = ((exact - exact.mean(0)) / exact.std(0, correction=0)).nan_to_num()
    length = rows.square().sum(1).mean()
    expected = length * (n - k) / (k * max(1, n - 1))
    distance = (rows[chosen].mean(0).square().sum() / expected).sqrt()
    return float(distance), float(rows[chosen].square().sum(1).mean() / length)


def measured(
    torch: Any, contender: str, n: int, d: int, k: int, *, repeats: int, labels: bool
) -> Row:
    """Return one row of the table; every repetition has features of its own."""
    name, options = CONTENDERS[contender]
    pick, losses = rule(name, **options), torch.zeros(n)
    seconds, found = [], []
    for seed in range(-3, repeats):  # the first compile, and fill the caches
        features = drawn(torch, n, d, seed + 3, labels=labels)
        start = process_time()
        chosen = pick(losses, k, features=features)
        if seed >= 0:
            seconds.append(process_time() - start)
            found.append(quality(features, chosen))
    distances, lengths = zip(*found, strict=True)
    return {
        "rule": contender,
        "n": n,
        "d": d,
        "k": k,
        "us": 1e6 * median(seconds),
        "distance": mean(distances),
        "length": mean(lengths),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("-n", type=int, nargs="+", default=[128, 1024, 4096])
    options.add_argument("-d", type=int, nargs="+", default=[3, 10, 16, 64])
    options.add_argument("--rules", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    options.add_argument("--repeats", type=int, default=30)
    options.add_argument("--labels", action="store_true", help="one-hot labels of d classes")
    given = options.parse_args(arguments)
    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    torch.set_num_threads(1)
    how = {"repeats": given.repeats, "labels": given.labels}
    report(
        given,
        (
            measured(torch, name, n, d, max(1, int(share * n)), **how)
            for name, n, d, share in product(given.rules, given.n, given.d, SHARES)
        ),
    )


if __name__ == "__main__":
    main()
