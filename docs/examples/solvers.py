"""
Compare solvers: the same problem, several solvers, one time limit
==================================================================

Choose 12 of 80 handwritten digits whose distribution is as close as possible to that of the others,
by several solvers with the same time limit: which one is best, by how much, and what is proven?

It needs ``pip install 'subsetopt[bench]'``.
"""

# %%
# The problem
# -----------
import numpy as np
from sklearn.datasets import load_digits

import subsetopt as so

images = load_digits().data[:80]
problem = so.MMDSelection(images, k=12, kernel=so.Gaussian(scale="median"))

# %%
# The solvers
# -----------
# A solver is a name. All take the same limits; each result is recomputed by the problem itself, so
# that no solver is taken at its word. ``random`` is the baseline. SCIP and HiGHS usually begin with
# the selection of a heuristic; ``warm_start=False`` shows what they do alone. On a busy machine one
# of them may have no selection by then.
names = ["random", "greedy", "herding", "swap", "tabu", "branch-and-bound", "highs", "scip"]
solvers = {name: so.solver(name) for name in names}
for name in ("highs", "scip"):
    solvers[name] = so.solver(name, warm_start=False)
results = {
    name: so.solve(problem, solver, time_limit=0.5, seed=0) for name, solver in solvers.items()
}

print(f"{'solver':17} {'MMD':>8} {'seconds':>9}  why it stopped")
found = {name: result for name, result in results.items() if result.objective is not None}
for name, result in sorted(found.items(), key=lambda item: item[1].objective):
    mmd = np.sqrt(result.objective)
    print(f"{name:17} {mmd:8.4f} {result.stats.solve_seconds:9.4f}  {result.termination}")

# %%
# How far from the optimum?
# -------------------------
# A bound says how much better any selection could be. Here the semidefinite relaxation gives one.
best = min(found.values(), key=lambda result: result.objective)
bounded = so.solve(problem, best.solver, time_limit=0.5, bound="sdp")
print(bounded.certificate)
gap = 1 - bounded.bound / bounded.objective
print(f"no selection is more than {100 * gap:.1f} % better than that of {best.solver}")

# %%
# Draw it
# -------
# The distance of each answer from the best, on a logarithmic axis; the baseline is orange.
import matplotlib.pyplot as plt

order = sorted(found, key=lambda name: found[name].objective)
excess = [100 * (found[name].objective / best.objective - 1) for name in order]
figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
colours = ["#d55e00" if name == "random" else "#0072b2" for name in order]
axes.barh(order[::-1], excess[::-1], color=colours[::-1], height=0.6)
axes.set_xscale("symlog", linthresh=1)
axes.set_xticks([0, 1, 10, 100], ["0 %", "1 %", "10 %", "100 %"])
axes.set_title("Squared MMD above the best, half a second each", loc="left", fontsize=11)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# On many instances
# -----------------
# One instance proves little. ``subsetopt bench quick --out results`` runs every solver on
# instances of every family, each run in a process of its own, in about a minute; ``subsetopt
# report results`` makes a page with performance profiles and time to target, and ``subsetopt
# bench FILE.yaml`` takes your own instances and solvers.
#
# Next: `benchmarks <../benchmarks.html>`_, `measured results <../results.html>`_,
# `which solver <../choosing.html>`_, `how to add a solver <../adding.html>`_.
#
# The notebook below has the cells without their outputs, which stand on this page; they come back
# when it is run.
