"""Ways to choose mini-batches that sequences are compared with.

Each is a small frozen object: ``order(X, batch_size)`` cuts all points into batches,
``select(X, k)`` chooses once. What a batch is made by is a function of its own:
`random.pick`, `Submodular.greedy`, `kdpp.sample` and `kdpp.sample_dual`, `facility.greedy`.
"""

from . import facility, kdpp, random, submodular
from .base import Baseline
from .facility import FacilityLocation
from .kdpp import KDPP
from .random import Random
from .submodular import Submodular

BASELINES: dict[str, type[Baseline]] = {
    baseline.name: baseline for baseline in (Random, Submodular, KDPP, FacilityLocation)
}
"""Every baseline by its name."""

__all__ = [
    "BASELINES",
    "KDPP",
    "Baseline",
    "FacilityLocation",
    "Random",
    "Submodular",
    "facility",
    "kdpp",
    "random",
    "submodular",
]
