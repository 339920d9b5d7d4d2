"""Collective operations over torch.distributed."""

import os
import zlib
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from subsetopt.errors import InvalidOption


@dataclass(frozen=True, kw_only=True)
class DistributedChoice:
    """Samples that this rank trains on, and their weights."""

    indices: Tensor
    """The places of the chosen samples in the batch of this rank, sorted."""
    weights: Tensor
    """Shaped as `indices`: the loss of this rank is ``(weights * losses_of_the_chosen).sum()``."""
    total: int | None
    """How many were chosen on all ranks; None with scope "local", where nobody counts them."""
    samples: int | None
    """How many samples all ranks had; None with scope "local"."""


def mixed_seed(seed: int, rank: int) -> int:
    """Return a seed for the rank; far from those of nearby seeds, which seed + rank is not."""
    return (seed + 2654435769 * rank) % 2**63


def world_of(group: Any) -> tuple[int, int]:
    """Return the rank and the number of ranks; a world of one needs no process group."""
    if dist.is_available() and dist.is_initialized():
        rank = dist.get_rank(group)
        if rank < 0:
            raise InvalidOption("this process is not in the group; choose on its members only")
        return rank, dist.get_world_size(group)
    expected = os.environ.get("WORLD_SIZE", "1")
    if group is not None or expected != "1":
        raise InvalidOption(
            f"WORLD_SIZE is {expected}, but torch.distributed is not initialised; call "
            "torch.distributed.init_process_group first"
        )
    return 0, 1


def served(own: Tensor, group: Any = None) -> Tensor:
    """Return the tensor where the backend of the group takes it: NCCL does not on the CPU."""
    devices = [part.partition(":")[0] for part in dist.get_backend_config(group).split(",")]
    return own if own.device.type in devices else own.to(devices[0])


def gathered(own: Tensor, sizes: list[int], group: Any) -> Tensor:
    """Return the rows of all ranks, one rank after another, by one collective."""
    if len(sizes) == 1:
        return own
    most = max(sizes)
    # As bytes: not every backend knows every precision.
    sent = own.contiguous().flatten(1) if own.ndim > 1 else own.contiguous()[:, None]
    raw = served(sent.view(torch.uint8), group)
    raw = torch.nn.functional.pad(raw, (0, 0, 0, most - len(raw)))
    found = raw.new_empty((len(sizes) * most, raw.shape[1]))
    dist.all_gather(list(found.view(len(sizes), most, -1)), raw, group=group)
    if len(set(sizes)) > 1:
        parts = found.view(len(sizes), most, -1)
        found = torch.cat([part[:n] for part, n in zip(parts, sizes, strict=True)])
    return found.to(own.device).view(own.dtype).view(-1, *own.shape[1:])


def exchanged_sizes(
    n: int, size: int | None, setting: str, ragged: bool, device: torch.device, group: Any
) -> tuple[list[int], list[int | None]]:
    """Return n and the number to choose of all ranks, by one collective that the host waits for."""
    _, world = world_of(group)
    sent = [n, -1 if size is None else size, zlib.crc32(setting.encode())]
    found = gathered(torch.tensor([sent], device=device), [1] * world, group)
    sizes, wanted, settings = found.T.tolist()
    if len(set(settings)) > 1 or min(wanted) < 0 <= max(wanted):
        raise InvalidOption(
            "ranks differ in the rule, its seed, k=None, or the dtype or width of what it looks "
            f"at; on this one: {setting}"
        )
    if not ragged and len({*zip(sizes, wanted, strict=True)}) > 1:
        raise InvalidOption(
            f"ranks differ: n is {sizes}, k is {wanted}; give the same k on all, and batches of "
            "the same size, or ragged=True with balance=False"
        )
    return sizes, [None if one < 0 else one for one in wanted]


def require_same(chosen: Tensor, world: int, group: Any) -> None:
    """Raise InvalidOption on all ranks unless `chosen` is the same on them."""
    digest = zlib.crc32(chosen.cpu().numpy().tobytes())
    sent = torch.tensor([digest], device=chosen.device)
    if len(set(gathered(sent, [1] * world, group).tolist())) > 1:
        raise InvalidOption(
            "ranks have chosen differently; give generators in the same state, and load the same "
            "state of the rule, on all of them"
        )
