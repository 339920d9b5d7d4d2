"""Valid files, and what becomes of them on a bad disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import subsetopt as so
from subsetopt.benchmarks._suite_file import read_suite
from subsetopt.formats import read_values
from subsetopt.formats._array_files import read_idx
from subsetopt.solution import Solution

RNG = np.random.default_rng(0)
MDPLIB = b"4 2\n0 1 1.5\n0 2 2\n0 3 3\n1 2 4\n1 3 5\n2 3 7\n"
KCLUSTER = b"4 3 4\n1 2 0.5\n1 3 0.5\n2 3 0.5\n3 4 0.5\n"
BQP = b"1\n3 2\n1 1 5\n2 3 -2\n"
OPB = b"* #variable= 3 #constraint= 1\nmin: +5 x1 -3 x2 +4 x1 x3 ;\n+1 x1 +1 x2 +1 x3 = 2 ;\n"
SUITE = b"""\
name: own
seed: 3
time_limits: [0.5, 1]
instances:
  - {suite: mean-matching, sizes: 100, k: 10, instances: 1}
solvers:
  - swap
  - {name: swap, label: t, options: {restarts: 1}}
"""


def saved(write: Callable[..., None], *arguments: Any, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    write(stream, *arguments, **arrays)
    return stream.getvalue()


def archived(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo("graph.dat")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def checkpoint() -> bytes:
    """Return a checkpoint as an interrupted sequence leaves it."""

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.npz")
        try:
            so.sequence(POINTS, 4, checkpoint=path, progress=stop)
        except KeyboardInterrupt:
            return path.read_bytes()
    raise AssertionError("it was not interrupted")


POINTS = RNG.normal(size=(20, 2)).astype(np.float32)


def resumed(path: Path) -> object:
    return so.sequence(POINTS, 4, checkpoint=path)


def solution() -> bytes:
    return so.solve(so.MeanMatching([1.0, 2.0, 3.0, 10.0], k=2), "stride").to_json().encode()


def read_problem(path: Path) -> object:
    return so.read_problem(path, k=2)


READERS: dict[str, tuple[str, Callable[[], bytes], Callable[[Path], object]]] = {
    "npy": ("a.npy", lambda: saved(np.save, RNG.random((6, 2))), read_values),
    "npz": ("a.npz", lambda: saved(np.savez, a=RNG.random(9)), read_values),
    "npz, packed": ("a.npz", lambda: saved(np.savez_compressed, a=RNG.random(99)), read_values),
    "csv": ("a.csv", lambda: b"x,y\n1,2\n3.5,4e1\n-1,nan\n", read_values),
    "mdplib": ("a.txt", lambda: MDPLIB, read_problem),
    "kcluster": ("a.dat", lambda: KCLUSTER, read_problem),
    "bqp": ("a.txt", lambda: BQP, read_problem),
    "opb": ("a.opb", lambda: OPB, read_problem),
    "matrix": ("a.txt", lambda: b"0 1 2 5\n1 0 3 6\n2 3 0 0.5\n5 6 0.5 0\n", read_problem),
    "gz": ("a.gz", lambda: gzip.compress(MDPLIB, mtime=0), read_problem),
    "xz": ("a.xz", lambda: lzma.compress(MDPLIB), read_problem),
    "bz2": ("a.bz2", lambda: bz2.compress(MDPLIB), read_problem),
    "tar": ("a.tar", lambda: archived(MDPLIB), read_problem),
    "idx": ("a", lambda: bytes([0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3]), lambda p: read_idx(p, 1)),
    "suite": ("a.yaml", lambda: SUITE, read_suite),
    "solution": ("a.json", solution, lambda path: Solution.from_json(path.read_text("latin-1"))),
    "checkpoint": ("state.npz", checkpoint, resumed),
}


def corrupted(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """Yield what is cut short, has bits flipped, bytes lost, parts repeated or zeros in it."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        data = bytearray(content)
        at = int(rng.integers(len(data)))
        match number % 6:
            case 0:
                del data[at:]
            case 1:
                for place in rng.integers(len(data), size=1 + number % 4):
                    data[place] ^= 1 << int(rng.integers(8))
            case 2:
                del data[at : at + 1 + int(rng.integers(8))]
            case 3:
                data[at:at] = data[at : at + int(rng.integers(1, 40))]
            case 4:
                data[at : at + 8] = bytes(len(data[at : at + 8]))
            case 5:
                data[at : at + 4] = rng.bytes(4)
        yield bytes(data)
