"""Fingerprints of arrays, for equality and hashes of problems."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def fingerprint(array: NDArray[Any]) -> tuple[str, tuple[int, ...], bytes]:
    """Return dtype, shape and a digest of the bytes; about one second per GiB, no memory."""
    stored = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    return array.dtype.str, array.shape, hashlib.blake2b(stored, digest_size=32).digest()
