"""The engine that keeps everything on a torch device, and chooses there too."""

from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from subsetopt.errors import InvalidOption
from subsetopt.problems import Kernel
from subsetopt.problems._kernel_choice import KernelFunction, kernel_of
from subsetopt.problems._memory import in_units, memory_limit, require_memory
from subsetopt.problems._points import points

from ._kernel_rows import DTYPES, Points, Tensor, load, whole_products

Mode = Literal["matrix", "rows"]
_TILE = {"cpu": 1024, "cuda": 8192}  # rows and columns that are evaluated at a time
_SPARE = 5  # tiles that evaluation takes besides its result


class TorchEngine:
    """Rows of a kernel matrix on a torch device, held there or recomputed from the features.

    Parameters
    ----------
    X : array_like (n, d) or (n,)
    kernel : str or Kernel
        gaussian, laplace, polynomial or linear.
    device : str
        ``"cpu"``, ``"cuda"`` or ``"cuda:1"``.
    dtype : {"float32", "bfloat16", "float16"}
        Of what is held: the matrix, or the features. 16 bits are half of the memory and of the
        time, and change the sequence a little.
    mode : {"matrix", "rows"}, optional
        Hold K, O(n^2) memory, or recompute rows from the features, O(n d) each. None is "matrix"
        where it fits.
    memory : int, optional
        Bytes; None is what the device has free, of the machine's own three quarters.

    Raises
    ------
    MissingDependency
        Without torch.
    InvalidOption
        For a device that is not there, a kernel it cannot evaluate, a dtype that cannot hold it,
        or another dtype or mode.
    TooLarge
        If it does not fit.
    """

    matrix: NDArray[Any] | None = None  # none that the host holds

    def __init__(
        self,
        X: ArrayLike,
        kernel: Kernel | KernelFunction | str = "gaussian",
        *,
        device: str = "cpu",
        dtype: str = "float32",
        mode: Mode | None = None,
        memory: int | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise InvalidOption(
                f"dtype must be one of {', '.join(map(repr, DTYPES))}; got {dtype!r}"
            )
        if mode not in (None, "matrix", "rows"):
            raise InvalidOption(f"mode must be 'matrix', 'rows' or None; got {mode!r}")
        self.torch = torch = load()
        self.device = _device(torch, device)
        self.data = points("X", X)
        self.kernel: Kernel = kernel_of(kernel).fitted(self.data)
        self.n = len(self.data)
        self.storage = getattr(torch, dtype)
        self._tile = min(self.n, _TILE[self.device.type])
        self.mode = self._fitting(mode, self.free() if memory is None else memory)
        self.name = f"torch-{self.device}-{dtype}-{self.mode}"
        self.bytes = self._estimate(self.mode)
        rounded = self.mode == "matrix" and dtype != "float32"
        self.semidefinite = self.kernel.semidefinite and not rounded
        with whole_products(torch):
            held = self.storage if self.mode == "rows" else torch.float32
            self._points = Points(torch, self.kernel, self.data, self.device, held)
            self._matrix = self._evaluated() if self.mode == "matrix" else None
        if not bool(torch.isfinite(self.device_sums).all()):
            raise InvalidOption(
                f"dtype is {dtype}, whose range the kernel {self.kernel!r} exceeds; take float32, "
                "or scale the features down"
            )
        self.dtype = np.dtype(str(self._points.dtype).removeprefix("torch."))

    def _estimate(self, mode: Mode) -> int:
        features = self.data.size * (4 if mode == "matrix" else 4 + self.storage.itemsize)
        held = self.storage.itemsize * self.n**2 if mode == "matrix" else 0
        return held + features + _SPARE * 4 * self._tile**2 + 8 * 8 * self.n

    def _fitting(self, mode: Mode | None, limit: int) -> Mode:
        if mode is None:
            mode = "matrix" if self._estimate("matrix") <= limit else "rows"
        require_memory(
            f"the torch engine on {self.device} with mode {mode!r}",
            self._estimate(mode),
            "take mode='rows', dtype='float16', or fewer points",
            limit,
        )
        return mode

    def _evaluated(self) -> Tensor:
        """Return K in the dtype of the storage, symmetric to the last bit."""
        K = self.torch.empty(self.n, self.n, dtype=self.storage, device=self.device)
        for rows, columns in self._tiles():
            block = self._points.block(rows, columns).to(self.storage)
            if rows == columns:
                block = block.triu() + block.triu(1).T
            K[rows, columns] = block
            K[columns, rows] = block.T
        K.diagonal().copy_(self._points.diagonal())
        return K

    def _tiles(self) -> list[tuple[slice, slice]]:
        """Return the blocks on and above the diagonal."""
        bands = [slice(i, min(i + self._tile, self.n)) for i in range(0, self.n, self._tile)]
        return [(rows, columns) for i, rows in enumerate(bands) for columns in bands[i:]]

    @cached_property
    def device_diagonal(self) -> Tensor:
        """The diagonal of K (n,) on the device, in float64."""
        if self._matrix is not None:
            return self._matrix.diagonal().double()
        return self._points.diagonal()

    @cached_property
    def device_sums(self) -> Tensor:
        """The row sums of K (n,) on the device, in float64; O(n^2 d) once if it is not held."""
        float64 = self.torch.float64
        if self._matrix is not None:
            bands = self._matrix.split(self._tile)  # some devices copy what they sum
            return self.torch.cat([band.sum(dim=1, dtype=float64) for band in bands])
        sums = self.torch.zeros(self.n, dtype=float64, device=self.device)
        with whole_products(self.torch):
            for rows, columns in self._tiles():
                block = self._points.block(rows, columns)
                sums[rows] += block.sum(dim=1, dtype=float64)
                if rows != columns:
                    sums[columns] += block.sum(dim=0, dtype=float64)
        return sums

    def device_rows(self, indices: Tensor) -> Tensor:
        """Return rows of K (len(indices), n), for indices on the device, without waiting for it."""
        if self._matrix is not None:
            return self._matrix.index_select(0, indices)
        block = self._points.block(indices)
        own = self.device_diagonal.index_select(0, indices).to(block.dtype)
        return block.scatter_(1, indices[:, None], own[:, None])

    def diagonal(self) -> NDArray[np.float64]:
        """Return the diagonal of K (n,)."""
        return np.asarray(self.device_diagonal.cpu().numpy())

    def row_sums(self) -> NDArray[np.float64]:
        """Return the row sums of K (n,)."""
        return np.asarray(self.device_sums.cpu().numpy())

    def rows(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return rows of K (len(indices), n), copied from the device."""
        wanted = self.torch.from_numpy(np.array(indices, dtype=np.int64)).to(self.device)
        with whole_products(self.torch):
            block = self.device_rows(wanted)
        return np.asarray(block.to(self._points.dtype).cpu().numpy())

    def synchronise(self) -> None:
        """Wait until the device has done all that it was asked for."""
        if self.device.type == "cuda":
            self.torch.cuda.synchronize(self.device)

    def free(self) -> int:
        """Return the bytes that the device has free, or three quarters of the machine's memory."""
        if self.device.type == "cuda":
            return int(self.torch.cuda.mem_get_info(self.device)[0])
        return memory_limit()

    def own_selector(self, selector: Any) -> Any:
        """Return what does on the device what a selector of the host does, or that one itself."""
        from subsetopt.sequencing._selectors import RunningHerding, RunningSwap

        from ._batch_search import TorchHerding, TorchSwap

        match selector:
            case RunningHerding():
                return TorchHerding(self)
            case RunningSwap():
                return TorchSwap(self, sweeps=selector.sweeps)
        return selector

    def describe(self) -> str:
        """Return one line: what it is, and its memory."""
        if self.mode == "matrix":
            what = f"the {self.n} x {self.n} kernel matrix"
        else:
            what = f"rows recomputed from {' x '.join(map(str, self.data.shape))} features"
        return f"{self.name}: {what}, {in_units(self.bytes)} on the device"


def torch_engine(
    X: NDArray[Any], kernel: Kernel, *, memory: int | None, threads: int | None, seed: int
) -> TorchEngine:
    """Take the first GPU where there is one, in float32, and K itself where that fits."""
    return TorchEngine(X, kernel, device=default_device(), memory=memory)


def default_device() -> str:
    """Return ``"cuda"`` where torch sees a GPU, else ``"cpu"``."""
    return "cuda" if load().cuda.is_available() else "cpu"


def _device(torch: Any, name: str) -> Any:
    kind, _, number = name.partition(":")
    if kind not in _TILE or (number and not (kind == "cuda" and number.isdigit())):
        raise InvalidOption(
            f"device must be 'cpu', 'cuda' or 'cuda:0', 'cuda:1', ...; got {name!r}"
        )
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise InvalidOption(f"device is {name!r}, but torch sees {count} GPUs; take 'cpu'")
    return torch.device(name)
