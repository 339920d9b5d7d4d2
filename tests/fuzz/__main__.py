"""``python -m tests.fuzz``: try random problems until the time is up; exit code 1 on a fault."""

import argparse
import sys
import time
from collections import Counter
from itertools import count

from .instances import instance
from .trials import Verdict, verdict
from .watching import verdicts


def main() -> int:
    """Run the command."""
    options = _options()
    if options.case is not None:
        print(instance(options.case).describe())
        found = verdict(options.case, lambda stage: print(f"  {stage}", flush=True))
        _show(found)
        return bool(found.faults)
    first = options.seed * 10**9
    seeds = iter(range(first, first + options.cases)) if options.cases else count(first)
    end = time.monotonic() + options.seconds
    tally = _Tally()
    for found in verdicts(seeds, options.jobs, lambda: time.monotonic() < end):
        tally.add(found)
    print(tally.line())
    for reason, times in tally.refused.most_common(5):
        print(f"  refused {times} times: {reason}")
    return bool(tally.failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="begin no case after these")
    parser.add_argument("--cases", type=int, default=0, help="at most so many; 0 is no limit")
    parser.add_argument("--seed", type=int, default=0, help="which billion of cases to begin with")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--case", type=int, help="try this one only, in this process, aloud")
    return parser.parse_args()


class _Tally:
    """Counts, and a line about them every 30 seconds."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()
        self.cases = self.solves = self.failed = 0
        self.refused: Counter[str] = Counter()

    def add(self, found: Verdict) -> None:
        self.cases += 1
        self.solves += found.solves
        if found.refused:
            self.refused[found.refused.split(";")[0][:100]] += 1
        if found.faults:
            self.failed += 1
            _show(found)
        if time.monotonic() - self.last > 30:
            self.last = time.monotonic()
            print(self.line(), flush=True)

    def line(self) -> str:
        seconds = time.monotonic() - self.start
        refused = sum(self.refused.values())
        return (
            f"{self.cases} problems ({refused} refused), {self.solves} solves, "
            f"{self.failed} problems with faults, {seconds:.0f} s"
        )


def _show(found: Verdict) -> None:
    for fault in found.faults:
        print(f"case {found.seed}: {fault}")
    if found.faults:
        print(f"  again: python -m tests.fuzz --case {found.seed}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
