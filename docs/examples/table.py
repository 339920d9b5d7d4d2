"""
My table: rows that represent the whole
=======================================

Of the 1,707 earthquakes of a week, choose 100 that represent all of them, to look at by hand, to
label or to show; then divide the table into parts for training and testing. The table comes with
the package and has what tables have: ids, dates, categories, text and missing values.

It needs ``pip install 'subsetopt[plot]'``. On the command line the first half of this page is
``subsetopt select example:earthquakes --k 100 --out chosen.csv --plot chosen.html``.
"""

# %%
# Choose
# ------
# A path of a CSV, Parquet or Excel file stands for the table, and so does a data frame. Numbers
# and dates are scaled, categories compared by their shares; the column that looks like an id
# names the rows.
from subsetopt.tables import select_rows, split_rows

chosen = select_rows("example:earthquakes", 100, time_limit=1)
print(chosen)
for column in chosen.found:
    print(f"{column.name:15} {column.kind}")

# %%
# Are they like all rows?
# -----------------------
# For each column, how far its distribution in the chosen rows is from that in all rows, with the
# median random selection of 100 rows as baseline.
print(f"{'column':15} {'chosen':>7} {'random':>7}")
for column in chosen.columns:
    print(f"{column.name:15} {column.distance:7.3f} {column.random_distance:7.3f}")

# %%
# The picture shows all rows in two dimensions (principal components), and the columns where the
# chosen rows are furthest off.
chosen.plot()

# %%
# What was done about missing values is said, not hidden:
for note in chosen.notes:
    print(note)

# %%
# Rows out
# --------
# The chosen rows have all their columns. ``chosen.save("chosen.csv")`` writes them.
rows = chosen.rows().to_pandas()
print(rows[["id", "time", "magnitude", "network", "place"]].head().to_string(index=False))

# %%
# Ask for more
# ------------
# At least one row of each network, even of the one with a single earthquake, and always the
# strongest earthquake.
strongest = "us1000chhc"
quotas = select_rows(
    "example:earthquakes", 100, at_least={"network": 1}, include=[strongest], time_limit=1
)
print(quotas.rows().to_pandas()["network"].value_counts().to_string())
print("MMD", round(quotas.mmd, 4), "instead of", round(chosen.mmd, 4))

# %%
# Divide
# ------
# Parts for training, validation and test that resemble each other and the whole, with the
# networks in equal shares.
split = split_rows("example:earthquakes", [70, 15, 15], by="network")
print(split)
split.plot()

# %%
# On the command line: ``subsetopt split example:earthquakes --parts 70,15,15 --by network --out
# parts.csv``.
#
# Next: `constraints <../constraints.html>`_, `another population as target <../targets.html>`_,
# `parts that resemble each other <../partition.html>`_, `very large tables <../coresets.html>`_,
# `which kernel and scale <../choosing.html>`_.
#
# The notebook below has the cells without their outputs, which stand on this page; they come back
# when it is run.
