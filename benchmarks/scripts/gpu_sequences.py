"""Sequences on a GPU: seconds, and the bandwidth relative to a plain copy on the same card.

``python -m benchmarks.scripts.gpu_sequences --data DIR`` prints the
card and its copy bandwidth; MNIST, 60,000 x 784, with its kernel matrix in float16, herded with and
without a CUDA graph and with exchanges; and 1,000,000 x 512 random features in float16, whose rows
are recomputed. Of the latter some batches are measured and the whole is extrapolated. The bytes of
a pick are those that it cannot do without: one row of the matrix, or all features, once.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subsetopt.errors import InvalidFile
from subsetopt.formats._array_files import read_mnist
from subsetopt.sequencing._state import State
from subsetopt.torch.sequencing._batch_search import TorchHerding, TorchSwap
from subsetopt.torch.sequencing._engine import TorchEngine
from subsetopt.torch.sequencing._kernel_rows import load

from .script import Row, parser, report

_TURNS = 10


def copy_bandwidth(device: str, size: int) -> float:
    """Return the bytes read and written a second when `size` bytes are copied on the device."""
    torch = load()
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    _wait(device)
    start = perf_counter()
    for _ in range(_TURNS):
        target.copy_(source)
    _wait(device)
    return 2 * size * _TURNS / (perf_counter() - start)


def measured(
    name: str, engine: TorchEngine, batch_size: int, batches: int | None, bandwidth: float
) -> Iterator[Row]:
    """Yield one row for each way of choosing; of `batches` batches, all where it is None."""
    ways: dict[str, Callable[[], TorchHerding]] = {"running-herding": lambda: TorchHerding(engine)}
    if engine.device.type == "cuda":
        ways["running-herding, graph"] = lambda: TorchHerding(engine, graph=True)
    ways["running-swap"] = lambda: TorchSwap(engine)
    held = engine.storage.itemsize
    per_pick = held * (engine.n if engine.mode == "matrix" else engine.data.size)
    whole = (engine.n - 1) // batch_size
    for way, made in ways.items():
        state, select = State(engine), made()
        select(state, batch_size)  # compiles, allocates, and is not counted
        state.close(0.0)
        count = whole - 1 if batches is None else min(batches, whole - 1)
        seconds = _seconds(state, select, batch_size, count)
        picks = batch_size * count
        yield {
            "case": name,
            "solver": way,
            "engine": engine.describe(),
            "batch_size": batch_size,
            "batches": count,
            "seconds": seconds,
            "microseconds_per_pick": 1e6 * seconds / picks,
            "extrapolated_seconds": seconds / count * whole,
            "bandwidth": per_pick * picks / seconds,
            "of_copy_bandwidth": per_pick * picks / seconds / bandwidth,
            "mean_root_mmd_to_whole": float(np.sqrt(state.mmd2_to_whole).mean()),
        }


def _seconds(state: State, select: TorchHerding, batch_size: int, count: int) -> float:
    select.engine.synchronise()
    start = perf_counter()
    for _ in range(count):
        select(state, batch_size)
        state.close(0.0)
    select.engine.synchronise()
    return perf_counter() - start


def case(
    name: str, X: NDArray[Any], bandwidth: float, options: dict[str, Any], size: int, batches: Any
) -> Iterator[Row]:
    """Yield the rows of one data set, the first of them for the engine itself."""
    start = perf_counter()
    engine = TorchEngine(X, dtype="float16", **options)
    engine.synchronise()
    build = perf_counter() - start
    yield {"case": name, "engine": engine.describe(), "build_and_row_sums_seconds": build}
    yield from measured(name, engine, size, batches, bandwidth)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        load().cuda.synchronize(device)


def _card(device: str) -> str:
    return str(load().cuda.get_device_name(device)) if device.startswith("cuda") else "cpu"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured, row by row."""
    options = parser(__doc__, data=True)
    options.add_argument("--device", default="cuda")
    options.add_argument("--batch-size", type=int, default=50)
    options.add_argument("--batches", type=int, default=20, help="measured of the random features")
    options.add_argument("--points", type=int, default=1_000_000, help="random ones")
    options.add_argument("--features", type=int, default=512, help="of the random ones")
    options.add_argument("--copy", type=int, default=2**30, help="bytes that are copied")
    given = options.parse_args(arguments)
    bandwidth = copy_bandwidth(given.device, given.copy)
    report(given, [{"card": _card(given.device), "copy_bandwidth": bandwidth}], "card")
    on = {"device": given.device}
    try:
        images = read_mnist(given.data or Path("nowhere"))[0].astype(np.float32) / 255
    except InvalidFile as error:
        report(given, [{"left_out": str(error)}], "mnist")
    else:
        matrix = {**on, "mode": "matrix"}
        report(given, case("mnist", images, bandwidth, matrix, given.batch_size, None), "mnist")
    shape = (given.points, given.features)
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    rows = {**on, "mode": "rows"}
    report(given, case("random", X, bandwidth, rows, given.batch_size, given.batches), "random")


if __name__ == "__main__":
    main()
