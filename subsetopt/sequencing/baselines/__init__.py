"""Ways to choose mini-batches that sequences are compared with.

Each is a small frozen object: ``order(X, batch_size)`` cuts all points into batches,
``select(X, k)`` chooses once. What a batch is made by is a function of its own:
`Submodular.greedy`, `kdpp.sample` and `kdpp.sample_dual`,
`facility_location.greedy`.
"""

from typing import Any

from subsetopt._registry import Registry

from . import facility_location, kdpp, poisson_disk, submodular
from .base import Baseline, RandomBatches
from .facility_location import FacilityLocation
from .kdpp import KDPP
from .poisson_disk import PoissonDisk
from .submodular import Submodular

BASELINES = Registry(
    "baseline",
    __package__,
    {
        "random": "base:RandomBatches",
        "submodular": "submodular:Submodular",
        "k-dpp": "kdpp:KDPP",
        "facility": "facility_location:FacilityLocation",
        "poisson-disk": "poisson_disk:PoissonDisk",
    },
)
"""Every baseline by its name."""


def unscored(name: str, **options: Any) -> Baseline:
    """Return a baseline for points without scores; its options are checked.

    Raises
    ------
    InvalidOption
        If there is none of that name, it has no such option, or the value is outside its domain.
    """
    if name == Submodular.name:
        options = {"uncertainty": 0.0, **options}
    made: Baseline = BASELINES.create(name, **options)
    return made


__all__ = [
    "BASELINES",
    "KDPP",
    "Baseline",
    "FacilityLocation",
    "PoissonDisk",
    "RandomBatches",
    "Submodular",
    "facility_location",
    "kdpp",
    "poisson_disk",
    "submodular",
    "unscored",
]
