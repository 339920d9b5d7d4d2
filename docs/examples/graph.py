"""
My graph: the group with the most ties
======================================

Which ten characters of *Les Misérables* appear together most often? The graph that comes with
networkx has 77 characters; the weight of an edge says how often both appear together. Choosing k
nodes with the largest total weight among them is the densest-subgraph problem with k fixed. It is
NP-hard, and at this size it is still solved with a proof.

It needs ``pip install subsetopt networkx matplotlib``.
"""

# %%
# State the problem
# -----------------
# `from_graph` takes networkx graphs, sparse adjacency matrices and lists of edges. The value of a
# selection is the weight of the edges among the chosen nodes.
import networkx as nx
import numpy as np

import subsetopt as so

graph = nx.les_miserables_graph()
problem = so.QuadraticSelection.from_graph(graph, k=10)
print(problem.n, "characters,", graph.number_of_edges(), "edges")

# %%
# A quick answer, and a random one to compare with
# ------------------------------------------------
# ``auto`` stands for tabu search here. The random baseline says what the number is worth.
quick = so.solve(problem, time_limit=0.5)
rng = np.random.default_rng(0)
random = [problem.stated(problem.objective(problem.draw(rng))) for _ in range(1000)]
print("chosen:", problem.stated(quick.objective))
print("random, median:", np.median(random), " best of 1,000:", max(random))
print(problem.names_of(quick.indices))

# %%
# Prove it
# --------
# The quick answer carries a bound only if you ask for one. Branch and bound divides until no better
# selection is possible; the weights are integers, so the proof is exact.
proven = so.solve(problem, "branch-and-bound", time_limit=20)
print(proven.termination, proven.certificate.kind, problem.stated(proven.objective))
assert proven.certificate.kind is so.CertificateKind.EXACT
assert proven.objective == quick.objective

# %%
# Draw it
# -------
import matplotlib.pyplot as plt

chosen = problem.names_of(proven.indices)
others = [name for name in graph if name not in chosen]
place = nx.shell_layout(graph, [chosen, others])
place |= {name: 0.6 * xy / np.linalg.norm(xy) for name, xy in place.items() if name in chosen}
inside = [edge for edge in graph.edges if {*chosen}.issuperset(edge)]
figure, axes = plt.subplots(figsize=(5.6, 5.6), layout="constrained")
nx.draw_networkx_edges(graph, place, ax=axes, edge_color="#e3e5e8", width=0.6)
nx.draw_networkx_edges(graph, place, inside, ax=axes, edge_color="#0072b2", width=1.2)
nx.draw_networkx_nodes(graph, place, others, ax=axes, node_size=20, node_color="#aeb4bc")
nx.draw_networkx_nodes(graph, place, chosen, ax=axes, node_size=90, node_color="#0072b2")
white = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
for name in chosen:
    x, y = 1.15 * place[name]
    side = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
    axes.text(x, y, name, ha=side, va="center", fontsize=10, bbox=white)
axes.set_title("Ten characters who appear together most often", loc="left", fontsize=11)
axes.axis("off")
plt.show()

# %%
# With conditions
# ---------------
# Javert must be in it, Valjean and Marius must not both be: constraints are part of the problem,
# and the proof holds with them.
index = {name: number for number, name in enumerate(graph)}
rules = so.Constraints(include=[index["Javert"]], conflicts=[(index["Valjean"], index["Marius"])])
limited = so.QuadraticSelection.from_graph(graph, k=10, constraints=rules)
answer = so.solve(limited, "branch-and-bound", time_limit=20)
print(limited.stated(answer.objective), answer.certificate.kind)
print(limited.names_of(answer.indices))

# %%
# On the command line a list of edges is a file: ``subsetopt solve quadratic edges.csv --k 10``.
#
# Next: `file formats and large sparse graphs <../formats.html>`_,
# `constraints <../constraints.html>`_, `which solver <../choosing.html>`_.
#
# The notebook below has the cells without their outputs, which stand on this page; they come back
# when it is run.
