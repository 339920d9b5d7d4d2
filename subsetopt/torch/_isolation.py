"""Forward passes without side effects on buffers and random state."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor, nn

Mode = Literal["train", "eval"]
State = tuple[Callable[[Tensor], object], Tensor]
Place = tuple[dict[str, Tensor | None], str, Tensor]


class Isolation:
    """Calls a function without gradients that changes neither buffers nor generators of the model.

    Meanwhile every buffer is a copy: BatchNorm in training mode normalises by the statistics of the
    batch as it always does, and what it adds to the running ones is thrown away with the copy. The
    same goes for ``num_batches_tracked``, SyncBatchNorm, the vectors of a spectral norm and buffers
    of modules unknown here. The global generators of torch, on the CPU and on the devices of the
    model, are put back to where they were, which on CUDA does not wait for the device. The copies
    are kept for the next time, so that compiled graphs find them at the same address.

    Parameters
    ----------
    mode : {"train", "eval"}
        Leave the modules in the mode they are in, or put all of them into evaluation meanwhile.
    autocast : torch.dtype, optional
        Compute in this type where autocast does so.
    """

    def __init__(self, mode: Mode = "train", autocast: torch.dtype | None = None) -> None:
        self.mode = mode
        self.autocast = autocast
        self._copies: list[Tensor] = []
        self._accelerated = torch.accelerator.is_available()

    def __call__(
        self, function: Callable[[Any, Any], Tensor], model: Any, batch: Any, *, called: bool = True
    ) -> Tensor:
        """Return ``function(model, batch)``, and leave the model as it was.

        A function that does not call the model, `called` says, leaves its buffers and modes alone
        by itself, so that only generators are put back.
        """
        modules = _modules(model) if called or self._accelerated else []
        touched = modules if called else []
        places = [
            (module._buffers, name, buffer)
            for module in touched
            if module._buffers
            for name, buffer in module._buffers.items()
            if buffer is not None
        ]
        modes = [module.training for module in touched] if self.mode == "eval" else []
        states = _random_states(modules if self._accelerated else [])
        cached = torch.is_autocast_cache_enabled()
        try:
            # torch before 2.10 would hand weights that are cast here, without a graph, to the
            # training pass inside the same autocast
            torch.set_autocast_cache_enabled(False)
            if modes:
                model.eval()
            with torch.no_grad():
                self._swap(places)
                if self.autocast is None:
                    return function(model, batch)
                with torch.autocast(device_of(model).type, self.autocast, cache_enabled=False):
                    return function(model, batch)
        finally:
            torch.set_autocast_cache_enabled(cached)
            for buffers, name, buffer in places:
                buffers[name] = buffer
            for put_back, state in states:
                put_back(state)
            for module, training in zip(modules, modes, strict=False):
                module.training = training

    def _swap(self, places: list[Place]) -> None:
        # Swapped, not restored in place: writing into a buffer would spoil the graph of an earlier
        # forward pass that is still to be differentiated.
        if not places:
            return
        own = {id(buffer): buffer for _, _, buffer in places}  # tied ones are one
        copies = dict(zip(own, self._filled(list(own.values())), strict=True))
        for buffers, name, buffer in places:
            buffers[name] = copies[id(buffer)]

    def _filled(self, sources: list[Tensor]) -> list[Tensor]:
        """Return the copies, brought up to date."""
        if [_looks(copy) for copy in self._copies] != [_looks(source) for source in sources]:
            self._copies = [source.clone() for source in sources]
        else:
            torch._foreach_copy_(self._copies, sources)
        return self._copies


def plain_model(model: Any) -> Any:
    """Return what a DistributedDataParallel wraps, else the model: its hooks are for training."""
    return model.module if isinstance(model, nn.parallel.DistributedDataParallel) else model


def device_of(model: nn.Module) -> torch.device:
    """Return where the first parameter or buffer is; the CPU where there is none."""
    first: Tensor | None = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if first is None else first.device


def _modules(model: nn.Module) -> list[nn.Module]:
    """Return what ``model.modules()`` yields, in a third of the time."""
    found, seen = [model], {id(model)}
    for module in found:
        if module._modules:
            for part in module._modules.values():
                if part is not None and id(part) not in seen:
                    seen.add(id(part))
                    found.append(part)
    return found


def _looks(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.shape, tensor.dtype, tensor.device, tensor.stride()


def _random_states(modules: list[nn.Module]) -> list[State]:
    """Return the states of the generators on the CPU and on the devices of these modules."""
    own = torch.default_generator
    states: list[State] = [(own.set_state, own.get_state())]
    if not modules:
        return states
    devices = {
        tensor.device
        for module in modules
        for tensors in (module._parameters, module._buffers)
        for tensor in tensors.values()
        if tensor is not None and tensor.device.type not in ("cpu", "meta")
    }
    for device in devices:
        there = torch.get_device_module(device)
        states.append((partial(there.set_rng_state, device=device), there.get_rng_state(device)))
    return states
