"""Chosen samples of a stream of records, as batches for training; each window once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, default_collate, get_worker_info

from subsetopt._checks import is_integer, require
from subsetopt.errors import InvalidOption, InvalidProblem

from .rules import Rule, RuleFunction, rule

if TYPE_CHECKING:
    from subsetopt.records import RecordStream, Window

Fetch = Callable[[Any], Any]
"""Makes the batch of ids: int64 (m,), or a list of str."""
Places = Mapping[Any, int] | Callable[[Any], int]


@dataclass(frozen=True)
class StreamedBatch:
    """Samples to train on, of one window."""

    batch: Any
    """The samples fetched for the ids."""
    ids: Any
    """Tensor of int64, (m,), or a list of str."""
    losses: Tensor
    """float32, (m,): as recorded, NaN where unknown, which `Staleness` may have let be chosen."""
    window: int
    """The number of the window; after a crash it comes again with the same samples."""
    last: bool
    """Whether the window ends here."""


class StreamedSamples(IterableDataset[StreamedBatch]):
    """The chosen samples of a `RecordStream`, fetched: ``for part in StreamedSamples(...): ...``.

    A window is finished when the batch after its last one is asked for, so that a loop which takes
    a step for each batch trains on each window once: after a crash the window at hand comes again,
    from its first batch on, with the same choice. With checkpoints it is exact to the batch: save
    `state_dict` with the model, after the step on the batch that came last, and the next one
    follows. A loop that fetches a batch ahead of its step finishes windows a batch too early.

    Parameters
    ----------
    stream : RecordStream
        It is let choose by `rule`.
    source : callable or map-style dataset
        ``source(ids)`` returns the batch of ids, int64 (m,) or a list of str. Or a dataset, whose
        samples are collated.
    rule : Rule or str or None
        As `by_rule` takes it; None leaves the choice to the stream.
    batch_size : int, optional
        Cuts a window's samples into batches of at most so many; None makes one batch of them.
    places : mapping or callable, optional
        The index in the dataset of each id; None is the id itself.
    collate : callable, optional
        Makes a batch of a list of the dataset's samples.

    Raises
    ------
    InvalidOption
        For an option outside its domain, a rule that needs features which the stream does not
        read, or when iterated in a worker of a DataLoader: workers fetch ahead, so that windows
        would be finished that nobody has trained on.

    Notes
    -----
    For a DataLoader give ``batch_size=None``: batches are made here.
    """

    def __init__(
        self,
        stream: "RecordStream",
        source: Any,
        *,
        rule: Rule | str | RuleFunction | None = "obftf",
        batch_size: int | None = None,
        places: Places | None = None,
        collate: Callable[[list[Any]], Any] = default_collate,
    ) -> None:
        good = batch_size is None or (is_integer(batch_size) and batch_size >= 1)
        require("batch_size", batch_size, good, "an integer >= 1, or None")
        self.stream, self.batch_size = stream, batch_size
        self.rule: Rule | None = None
        if rule is not None:
            chosen = by_rule(rule)
            self.rule = chosen.rule
            if self.rule.needs == "features" and not stream.features:
                raise InvalidOption(
                    f"rule {self.rule.name!r} needs features; make the stream with features=True"
                )
            stream.choose = chosen
        self._fetch = _fetching(source, places, collate)
        self._reached = (-1, 0)
        """A window, and how many of its batches have been handed out."""

    def __iter__(self) -> Iterator[StreamedBatch]:
        worker = get_worker_info()
        if worker is not None:
            raise InvalidOption(
                f"num_workers must be 0; got {worker.num_workers}: workers fetch ahead, so that "
                "windows would be finished that nobody has trained on. Load samples in parallel "
                "within source(ids) instead"
            )
        for window in self.stream:
            parts = self._parts(window)
            # A state was loaded, or the loop broken off: what was handed out is not repeated.
            first = self._reached[1] if self._reached[0] == window.number else 0
            self._reached = (window.number, first)
            for done in range(first, len(parts)):
                made = self._made(window, parts[done], done + 1 == len(parts))
                self._reached = (window.number, done + 1)
                yield made

    def state_dict(self) -> dict[str, Any]:
        """Return where the stream stands, the batches handed out, and the rule's state."""
        window, done = self._reached
        return {
            "stream": self.stream.state_dict(),
            "rule": None if self.rule is None else self.rule.state_dict(),
            "batch_size": self.batch_size,
            "window": window,
            "batches_done": done,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Let the next iteration go on after the batch that came last before `state_dict`.

        Raises
        ------
        InvalidOption
            If the state is of another rule or batch size.
        InvalidFile
            If it holds no state of a stream.
        """
        if state["batch_size"] != self.batch_size:
            raise InvalidOption(
                f"the state has batch_size {state['batch_size']!r}, but here it is "
                f"{self.batch_size!r}"
            )
        if (state["rule"] is None) != (self.rule is None):
            raise InvalidOption("rule is part of only one: the state or these samples")
        if self.rule is not None:
            self.rule.load_state_dict(state["rule"])
        self.stream.load_state_dict(state["stream"])
        self._reached = (state["window"], state["batches_done"])

    # -- in between -------------------------------------------------------------------------------

    def _parts(self, window: "Window") -> list[NDArray[np.intp]]:
        """Return the chosen rows of a window, batch by batch."""
        chosen = window.chosen
        size = self.batch_size or max(len(chosen), 1)
        return [chosen[start : start + size] for start in range(0, len(chosen), size)]

    def _made(self, window: "Window", rows: NDArray[np.intp], last: bool) -> StreamedBatch:
        ids: Any = window.ids
        ids = [ids[p] for p in rows] if isinstance(ids, list) else ids[rows]
        return StreamedBatch(
            self._fetch(ids),
            ids if isinstance(ids, list) else torch.from_numpy(ids),
            torch.from_numpy(window.losses[rows]),
            window.number,
            last,
        )


class ByRule:
    """A torch rule as a `RecordStream` calls it."""

    def __init__(self, rule: Rule, device: torch.device | str) -> None:
        if rule.quotas is not None:
            raise InvalidOption(
                f"rule {rule.name!r} has quotas={rule.quotas!r}, but records hold no labels to "
                "count; leave quotas out"
            )
        self.rule, self.device = rule, torch.device(device)

    def __call__(
        self, losses: NDArray[np.float32], k: int, features: NDArray[np.float32] | None = None
    ) -> NDArray[np.int64]:
        """Return the k rows chosen of losses (n,), with features (n, d) if there are any."""
        described = None if features is None else torch.tensor(features, device=self.device)
        chosen = self.rule(torch.tensor(losses, device=self.device), k, features=described)
        found: NDArray[np.int64] = chosen.cpu().numpy()
        return found


def by_rule(given: Rule | str | RuleFunction, *, device: torch.device | str = "cpu") -> ByRule:
    """Return a torch rule as a stream calls it: ``RecordStream(..., choose=by_rule(r))``.

    Parameters
    ----------
    given : Rule, str or function
        What `rule` takes, or a rule.
    device : torch.device or str
        Where it chooses.

    Raises
    ------
    InvalidOption
        If no rule is called so, or it has quotas: records hold no labels.

    Examples
    --------
    >>> import numpy as np
    >>> by_rule("max_loss")(np.array([0.5, 2.0, 0.1, 3.0], np.float32), 2)
    array([1, 3])
    """
    return ByRule(given if isinstance(given, Rule) else rule(given), device)


def _fetching(source: Any, places: Places | None, collate: Callable[[list[Any]], Any]) -> Fetch:
    """Return what makes batches of ids."""
    if not hasattr(source, "__getitem__"):
        if not callable(source):
            raise InvalidOption(
                f"source must be a callable source(ids), or a dataset with source[index]; got a "
                f"{type(source).__name__}"
            )
        if places is not None:
            raise InvalidOption("places are given, but source(ids) gets the ids themselves")
        fetch: Fetch = source
        return fetch

    def fetched(ids: Any) -> Any:
        indices = [_place(one, places) for one in (ids if isinstance(ids, list) else ids.tolist())]
        if hasattr(source, "__getitems__"):
            return collate(source.__getitems__(indices))
        return collate([source[index] for index in indices])

    return fetched


def _place(one: Any, places: Places | None) -> Any:
    if places is None:
        return one
    try:
        return places[one] if isinstance(places, Mapping) else places(one)
    except LookupError:
        raise InvalidProblem(
            f"places know no index of id {one!r}; samples that are recorded have to be kept as "
            "long as their records wait"
        ) from None
