"""Overhead of selection in a training step, relative to the forward pass that it needs.

``python -m benchmarks.scripts.training_overhead`` trains small models on random data. On the CPU:
the seconds that OBFTF adds to a step of uniform selection at equal k, over those that a bare
forward pass of the batch adds to it, without gradients; all steps interleaved, medians of the
differences between neighbours. Both passes come after an update of the weights and before the same
training pass, so that they find the caches alike. On CUDA, where there is a device: steps a second
at several ratios compared with plain training and the ceilings, 3 / (1 + 3r) with a selection pass
and 1 / r without; and the seconds of one selection compared with those of one ``torch.sort``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from statistics import median
from time import perf_counter, process_time
from typing import Any

from subsetopt._dependencies import OptionalDependency
from subsetopt.torch.features import labels
from subsetopt.torch.rules import rule
from subsetopt.torch.step import SubsetStep, supervised

from .script import Row, parser, report, report_machine

Turn = Callable[[], object]

RATIOS = (0.1, 0.25, 0.5)
TOLERANCE = 1.05
"""What OBFTF may add to a step of uniform selection, in forward passes."""


def perceptron(torch: Any) -> Any:
    """Return 784-256-256-10."""
    nn = torch.nn
    sizes = (784, 256, 256)
    hidden = [part for a, b in pairwise(sizes) for part in _dense(nn, a, b)]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(256, 10))


def residual(torch: Any, width: int) -> Any:
    """Return a small residual net for 28 x 28 images: three stages, two blocks in each."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int, after: int, stride: int) -> None:
            super().__init__()
            self.short = nn.Conv2d(before, after, 1, stride, bias=False)
            self.long = nn.Sequential(
                nn.Conv2d(before, after, 3, stride, 1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
                nn.Conv2d(after, after, 3, 1, 1, bias=False),
                nn.BatchNorm2d(after),
            )

        def forward(self, x: Any) -> Any:
            return torch.relu(self.short(x) + self.long(x))

    widths = (width, width, 2 * width, 2 * width, 4 * width, 4 * width)
    strides = (1, 1, 2, 1, 2, 1)
    before = (1, *widths[:-1])
    blocks = [Block(*given) for given in zip(before, widths, strides, strict=True)]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 10))


class TimedTraining:
    """One model, its data on the device, and the turns that are timed."""

    def __init__(self, torch: Any, model: Any, batch_size: int, device: str) -> None:
        self.torch, self.device = torch, device
        self.model = model.to(device)
        drawn = torch.Generator(device).manual_seed(0)
        shape = (batch_size, 1, 28, 28)
        x = torch.randn(shape, generator=drawn, device=device)
        y = torch.randint(10, (batch_size,), generator=drawn, device=device)
        self.batch = x, y
        self.losses = supervised(torch.nn.CrossEntropyLoss(reduction="none"))
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=1e-3)

    def forward(self) -> None:
        """Pass the whole batch, without gradients."""
        with self.torch.no_grad():
            self.losses(self.model, self.batch)

    def plain(self) -> None:
        """Train on the whole batch."""
        self._trained(self.losses(self.model, self.batch).mean())

    def selecting(self, rule: str, k: int | float, **options: Any) -> Turn:
        """Return a training step on k samples."""
        step = SubsetStep(self.model, self.losses, rule, k, **options)
        return lambda: self._trained(step(self.batch).loss)

    def _trained(self, loss: Any) -> None:
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()


def interleaved(
    turns: Mapping[str, Turn], rounds: int, repeats: int, wait: Turn | None = None
) -> dict[str, list[float]]:
    """Return the seconds of each turn in each round; in every other round the order is reversed.

    Without `wait`, which is for devices, they are seconds of the processor: others may use it too.
    """
    clock = process_time if wait is None else perf_counter
    wait = wait or (lambda: None)
    for turn in turns.values():
        for _ in range(5):  # after three of them rules record a graph on a GPU
            turn()
    wait()
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    names = list(turns)
    for number in range(rounds):
        for name in names if number % 2 else reversed(names):
            start = clock()
            for _ in range(repeats):
                turns[name]()
            wait()
            seconds[name].append((clock() - start) / repeats)
    return seconds


def overhead(name: str, training: TimedTraining, k: int, rounds: int, repeats: int) -> Row:
    """Return what OBFTF adds to a step of uniform selection, in forward passes.

    A step is choosing, taking k rows, forward and backward of these and the update. What is added
    is the selection pass, keeping the model as it was, and what choosing takes more or less than k
    at random; the caches are cold for it, as training leaves them.
    """
    uniform = training.selecting("uniform", k)

    def both() -> None:
        training.forward()
        uniform()

    turns: dict[str, Turn] = {
        "uniform": uniform,
        "forward_and_uniform": both,
        "obftf": training.selecting("obftf", k),
    }
    found = interleaved(turns, rounds, repeats)
    of = {turn: 1e6 * median(seconds) for turn, seconds in found.items()}
    forward = _added(found, "forward_and_uniform")
    added = _added(found, "obftf")
    return {
        "model": name,
        "n": len(training.batch[1]),
        "k": k,
        "uniform_us": of["uniform"],
        "obftf_us": of["obftf"],
        "forward_us": forward,
        "added_us": added,
        "added_over_forward": added / forward,
        "within": added / forward <= TOLERANCE,
    }


def _added(found: Mapping[str, Sequence[float]], turn: str) -> float:
    """Return the median microseconds that a turn takes more than uniform selection."""
    pairs = zip(found[turn], found["uniform"], strict=True)
    return 1e6 * median(longer - shorter for longer, shorter in pairs)


def over_a_slice(torch: Any, training: TimedTraining, k: int, rounds: int) -> list[Row]:
    """Return what steps take more than training on the first k of the batch, by rule.

    Of rules that choose by losses without the forward pass that gives them; "by hand" are k at
    random, drawn and gathered by lines of torch.
    """
    x, y = training.batch

    def cut() -> None:
        training._trained(training.losses(training.model, (x[:k], y[:k])).mean())

    def passed() -> None:
        training.forward()
        cut()

    drawn = torch.Generator().manual_seed(0)

    def written() -> None:
        """Train on k at random, as one would write it."""
        places = torch.randperm(len(y), generator=drawn)[:k].sort().values
        training._trained(training.losses(training.model, (x[places], y[places])).mean())

    label = partial(labels, classes=10)
    turns: dict[str, Turn] = {
        "slice": cut,
        "pass and slice": passed,
        "by hand": written,
        "uniform": training.selecting("uniform", k),
        "uniform, quotas": training.selecting("uniform", k, quotas="proportional"),
        "vector, labels": training.selecting("vector", k, features=lambda b: label(b[1])),
        "max_loss": training.selecting("max_loss", k),
        "obftf": training.selecting("obftf", k),
        "selective_backprop": training.selecting("selective_backprop", k),
        "prob": training.selecting("prob", k),
    }
    found = interleaved(turns, rounds, 1)
    rows = []
    for turn in list(turns)[2:]:
        base = "slice" if turn in _NO_PASS else "pass and slice"
        pairs = zip(found[turn], found[base], strict=True)
        added = 1e3 * median(longer - shorter for longer, shorter in pairs)
        most = _MOST_MS[turn in _NO_PASS]
        rows.append(
            {"n": len(y), "k": k, "rule": turn, "over": base, "added_ms": added, "at_most": most}
        )
    return rows


_NO_PASS = ("by hand", "uniform", "uniform, quotas", "vector, labels")
_MOST_MS = {True: 0.05, False: 0.10}
"""What a step may take more than a slice, or a pass and a slice: milliseconds."""


def throughput(name: str, training: TimedTraining, rounds: int, repeats: int) -> list[Row]:
    """Return steps a second at each ratio, compared with plain training and the ceilings."""
    rules = ("uniform", "obftf", "selective_backprop")
    turns: dict[str, Turn] = {"plain": training.plain}
    for ratio in RATIOS:
        turns |= {f"{chosen} {ratio}": training.selecting(chosen, ratio) for chosen in rules}
    found = interleaved(turns, rounds, repeats, training.torch.cuda.synchronize)
    rows = []
    for ratio in RATIOS:
        for chosen in rules:
            seconds = found[f"{chosen} {ratio}"]
            pairs = zip(found["plain"], seconds, strict=True)
            ceiling = 1 / ratio if chosen == "uniform" else 3 / (1 + 3 * ratio)
            speedup = median(plain / other for plain, other in pairs)
            rows.append(
                {
                    "model": name,
                    "n": len(training.batch[1]),
                    "rule": chosen,
                    "ratio": ratio,
                    "steps_per_second": 1 / median(seconds),
                    "over_plain": speedup,
                    "ceiling": ceiling,
                    "of_ceiling": speedup / ceiling,
                }
            )
    return rows


def selections(torch: Any, device: str, rounds: int, repeats: int) -> list[Row]:
    """Return the seconds of one selection of a quarter, compared with one ``torch.sort``."""
    wait = torch.cuda.synchronize if device == "cuda" else None
    rows = []
    for n in (128, 4096):
        drawn = torch.Generator(device).manual_seed(0)
        losses = torch.rand(n, generator=drawn, device=device)
        turns: dict[str, Turn] = {"sort": partial(torch.sort, losses)}
        features = torch.randn((n, 10), generator=drawn, device=device)
        names = ("uniform", "obftf", "selective_backprop", "vector", "frank_wolfe")
        for name in names:
            turns[name] = partial(rule(name), losses, n // 4, features=features)
        if device == "cuda":
            turns["obftf, triton"] = partial(rule("obftf", kernel="triton"), losses, n // 4)
            for name in names:
                plain = rule(name, graph=False)
                turns[f"{name}, no graph"] = partial(plain, losses, n // 4, features=features)
        found = {
            turn: 1e6 * median(s) for turn, s in interleaved(turns, rounds, repeats, wait).items()
        }
        rows += [
            {"n": n, "rule": turn, "us": us, "over_sort": us / found["sort"]}
            for turn, us in found.items()
        ]
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--repeats", type=int, default=5, help="steps of each kind in a round")
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--k", type=int, default=32)
    given = options.parse_args(arguments)
    torch: Any = OptionalDependency("torch", "torch", extra="torch").load()
    torch.set_num_threads(1)
    often = given.rounds, given.repeats

    card = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    report_machine(given, torch=torch.__version__, threads=1, card=card)
    models = {"mlp": perceptron(torch), "residual": residual(torch, 8)}
    rows = [
        overhead(
            name,
            TimedTraining(torch, model, given.batch_size, "cpu"),
            given.k,
            given.rounds * given.repeats,  # one step a turn: neighbours see the machine alike
            1,
        )
        for name, model in models.items()
    ]
    report(given, rows, "added to a step, CPU")
    small = TimedTraining(torch, perceptron(torch), 128, "cpu")
    slices = over_a_slice(torch, small, 12, 10 * given.rounds)
    report(given, slices, "added to a slice of 12 of 128, CPU")
    report(given, selections(torch, "cpu", *often), "one selection, CPU")
    if torch.cuda.is_available():
        report(given, selections(torch, "cuda", *often), "one selection, CUDA")
        for name, model, times in (
            ("mlp", perceptron(torch), 4),
            ("residual", residual(torch, 64), 4),
            ("residual", residual(torch, 64), 16),  # the host launches faster than the card works
        ):
            training = TimedTraining(torch, model, times * given.batch_size, "cuda")
            report(given, throughput(name, training, *often), "steps, CUDA")


def _dense(nn: Any, before: int, after: int) -> tuple[Any, Any]:
    return nn.Linear(before, after), nn.ReLU()


if __name__ == "__main__":
    main()
