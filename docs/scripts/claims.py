"""What "optimal" is worth: claims of floating-point solvers against answers proven in integers.

    python docs/scripts/claims.py [BATCHES]

Prints one line for each solver and kind of losses, over the instances on which `exact` has a
proof; needs the extra `bench` for the digits.
"""

import sys

import numpy as np

import subsetopt as so
from subsetopt.benchmarks.cases import _classifier

N, KS, SOLVERS, SECONDS = 128, (12, 32, 64), ("cbc", "scip", "highs"), 20.0
HEADER = ("losses", "solver", "claims", "beaten", "25 %", "median", "75 %", "max")


def exponential(count: int) -> list[np.ndarray]:
    """Return batches of float32 losses from Exp(1)."""
    return [
        np.random.default_rng([0, i]).exponential(size=N).astype(np.float32) for i in range(count)
    ]


def main(batches: int) -> None:
    """Compare and print."""
    sources = {
        "exponential": exponential(batches),
        "digits": [batch.values for batch in _classifier.digit_losses(N, batches, seed=0)],
    }
    print("| " + " | ".join(HEADER) + " |")
    print("|" + " --- |" * len(HEADER))
    for source, losses in sources.items():
        excesses: dict[str, list[float]] = {name: [] for name in SOLVERS}
        proofs = 0
        for problem in (so.MeanMatching(values, k) for values in losses for k in KS):
            proven = so.solve(problem, "exact", time_limit=SECONDS)
            if proven.certificate.kind is not so.CertificateKind.EXACT:
                continue
            proofs += 1
            for name in SOLVERS:
                alone = so.solver(name, warm_start=False)
                answer = so.solve(problem, alone, time_limit=SECONDS)
                if answer.termination is so.Termination.OPTIMAL:
                    assert answer.objective is not None
                    assert proven.objective is not None
                    excesses[name].append(answer.objective - proven.objective)
        for name, found in excesses.items():
            if not found:
                continue
            beaten = sum(excess > 0 for excess in found)
            quartiles = " | ".join(f"{q:.1e}" for q in np.quantile(found, (0.25, 0.5, 0.75, 1)))
            print(
                f"| {source} | {name} | {len(found)} of {proofs} | {beaten} "
                f"({beaten / len(found):.0%}) | {quartiles} |",
                flush=True,
            )
        print(f"{source}: {proofs} of {len(losses) * len(KS)} proven", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
