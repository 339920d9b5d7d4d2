"""Check subsetopt proof files with Python's standard library alone.

    python verify.py PROOF.jsonl.gz [PROOF.jsonl.gz ...]

This file needs nothing but Python 3.8. It shares no code with the package: what it reads is told in
its comments, so that whoever distrusts the solver has these lines to read and no others. It prints
what the proof is of, the digest of the problem and what was proven, and ends with 0, or with 1 and
the reason.

A file is gzip of JSON lines. The first holds the problem's sizes, the selection, its objective and
the bound that is claimed for all selections; then come the data; then what proves the bound.
Numbers are integers, and rational numbers texts "p/q".
"""

import functools
import gzip
import hashlib
import json
import math
import sys
from fractions import Fraction

__all__ = ["main"]


class Rejected(Exception):
    """The proof does not prove what it claims."""


def need(condition, reason):
    """Reject unless a condition holds."""
    if not condition:
        raise Rejected(reason)


def no_float(text):
    """Refuse numbers that are no integers, NaN and Infinity too."""
    raise Rejected("numbers must be integers, not " + text)


def lines_of(path):
    """Yield the objects of a file, one a line."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        for text in file:
            need(text.endswith("\n"), "the file was cut off")
            line = json.loads(text, parse_float=no_float, parse_constant=no_float)
            need(isinstance(line, dict), "a line must be an object")
            yield line


def integers(values, length=None):
    """Return a list of integers, which True and False are not."""
    need(type(values) is list and all(type(v) is int for v in values), "no list of integers")
    need(length is None or len(values) == length, "a list has the wrong length")
    return values


def rational(text):
    """Return the number that a text "p/q" or "p" is."""
    need(type(text) is str and set(text) <= set("-/0123456789"), "no rational number")
    return Fraction(text)


def subset(values, n):
    """Return candidates of 0..n-1, ascending, none twice."""
    integers(values)
    need(all(a < b for a, b in zip([-1, *values], [*values, n])), "no ascending candidates")
    return values


def common_divisor(numbers):
    """Return the greatest common divisor; 0 if all are 0."""
    return functools.reduce(math.gcd, numbers, 0)


class Proof:
    """The head of a file and the data of its problem; what is left in `lines` proves the bound."""

    def __init__(self, path):
        self.lines = lines_of(path)
        head = next(self.lines, {})
        need(head.get("format") == "subsetopt-proof", "no proof")
        need(integers([head["version"]]) == [1], "not of version 1")
        about = head["problem"]
        self.n, (self.low, self.k) = about["n"], integers(about["sizes"], 2)
        integers([self.n, about["exponent"]])
        need(0 <= self.low <= self.k <= self.n and self.k >= 1, "sizes that cannot be")
        need(abs(about["exponent"]) <= 4000, "an exponent out of range")
        self.include, self.exclude = (subset(about[x], self.n) for x in ("include", "exclude"))
        fixed = set(self.include) | set(self.exclude)
        need(len(fixed) == len(self.include) + len(self.exclude), "both included and excluded")
        self.free = [v for v in range(self.n) if v not in fixed]
        self.unit = Fraction(2) ** about["exponent"]
        # The digest is over the lines as canonical JSON.
        self.hash = hashlib.sha256()
        self._hashed(about)
        self.family, self.method = about["family"], head["method"]
        if self.family == "mean-matching":
            self.values = integers(self._data("values"), self.n)
            self.target = rational(about["target"])
        else:
            need(self.family == "quadratic" and self.low == self.k, "an unknown kind of problem")
            self.linear = integers(self._data("linear"), self.n)
            self.pairs = [[0] * self.n for _ in range(self.n)]
            for i in range(self.n - 1):
                row = integers(self._data("pairs"), self.n - 1 - i)
                for j, value in enumerate(row, i + 1):
                    self.pairs[i][j] = self.pairs[j][i] = value
            self.scale, self.constant, self.error = (
                rational(about[x]) for x in ("scale", "constant", "error")
            )
            need(self.scale > 0 and self.error >= 0, "scale or error out of range")
        self.digest = "sha256:" + self.hash.hexdigest()
        need(self.digest == head["digest"], "the digest is of another problem")
        self.selection = subset(head["selection"], self.n)
        self.objective, self.bound = rational(head["objective"]), rational(head["bound"])

    def _hashed(self, line):
        self.hash.update((json.dumps(line, separators=(",", ":"), sort_keys=True) + "\n").encode())

    def _data(self, key):
        line = next(self.lines, {})
        need(set(line) == {key}, f"a line of {key!r} is missing")
        self._hashed(line)
        return line[key]

    def value(self, chosen):
        """Return the objective of a selection, exactly."""
        if self.family == "mean-matching":
            return abs(self.target - sum(self.values[i] for i in chosen) * self.unit / self.k)
        total = sum(self.linear[i] for i in chosen)
        total += sum(self.pairs[i][j] for i in chosen for j in chosen if i < j)
        return self.scale * self.unit * total + self.constant

    def check(self):
        """Reject unless the selection is one, worth what is said, and the bound is proven."""
        chosen = self.selection
        need(self.low <= len(chosen) <= self.k, "the selection has the wrong size")
        need(set(self.include) <= set(chosen), "an included candidate is not chosen")
        need(not set(self.exclude) & set(chosen), "an excluded candidate is chosen")
        need(self.value(chosen) == self.objective, "the objective is not that of the selection")
        need(self.bound <= self.objective, "the bound is above the objective")
        if self.family == "mean-matching":
            nodes = 0
            no_nearer_sum(self)
        else:
            need(self.method == "tree", "an unknown method")
            nodes = ProofTree(self).check()
        need(next(self.lines, None) == {"end": nodes}, "the end of the proof is missing")
        need(next(self.lines, None) is None, "there is something after the end")
        return nodes


# -- quadratics: a tree of parts of all selections -------------------------------------------------


class ProofTree:
    """Branches in preorder: v >= 0 is "with v, then without v", -1 and -2 are leaves."""

    def __init__(self, proof):
        self.proof, self.pairs = proof, proof.pairs
        # Values of selections are integers, all multiples of `grid`; those that are not above
        # `below` are those under the bound.
        p = proof
        least = math.ceil((p.bound + p.error - p.constant) / (p.scale * p.unit))
        grid = common_divisor(p.linear + [x for row in p.pairs for x in row])
        self.below = (math.ceil(Fraction(least, grid)) - 1) * grid if grid else least - 1
        self.kept = {}

    def check(self):
        """Go through the tree; returns the number of its nodes."""
        parts, nodes = [(frozenset(self.proof.include), tuple(self.proof.free))], 0
        while parts:
            line = next(self.proof.lines, {})
            need(set(line) == {"tree"} and line["tree"], "leaves are missing")
            codes = integers(line["tree"])
            for place, code in enumerate(codes):
                need(parts, "the tree goes on where no part is open")
                chosen, free = parts.pop()
                m = self.proof.k - len(chosen)
                possible = 0 <= m <= len(free)
                nodes += 1
                if code >= 0:
                    need(possible and code in free, "a branch on what is not free")
                    rest = tuple(v for v in free if v != code)
                    parts += [(chosen, rest), (chosen | {code}, rest)]
                elif code == -1:
                    need(not possible or self.bounded(chosen, free, m), "a leaf is not closed")
                else:
                    need(code == -2 and place == len(codes) - 1, "an unknown leaf")
                    dual = next(self.proof.lines, {})
                    need(set(dual) == {"dual"}, "a leaf's multipliers are missing")
                    closed = not possible or self.dual(chosen, free, m, **dual["dual"])
                    need(closed, "a semidefinite leaf is not closed")
        return nodes

    def costs(self, chosen, free, m, left_out):
        """Return a constant, a cost of each free candidate, and how many are taken at it.

        Stated for those that are chosen of the free ones, or for those that are left out.
        """
        base = chosen | set(free) if left_out else chosen
        pull = {v: self.proof.linear[v] + sum(self.pairs[v][s] for s in base) for v in free}
        constant = sum(self.proof.linear[v] for v in base)
        constant += sum(self.pairs[v][s] for v in base for s in base if v < s)
        if left_out:
            return constant, [-pull[v] for v in free], len(free) - m
        return constant, [pull[v] for v in free], m

    def bounded(self, chosen, free, m):
        """Whether each taken candidate with half of its m - 1 cheapest pairs costs enough."""
        for left_out in (2 * m > len(free), 2 * m <= len(free)):
            constant, costs, taken = self.costs(chosen, free, m, left_out)
            both = zip(costs, self.halves(free, taken))
            cheapest = sorted(2 * a + b for a, b in both)[:taken]
            if 2 * constant + sum(cheapest) > 2 * self.below:
                return True
        return False

    def halves(self, free, m):
        """Return the sums of the m - 1 cheapest pairs of each free candidate with other ones."""
        if m <= 1:
            return [0] * len(free)
        if (free, m) not in self.kept:
            if len(self.kept) > 20_000:
                self.kept.clear()
            self.kept[free, m] = [
                sum(sorted(self.pairs[v][u] for u in free if u != v)[: m - 1]) for v in free
            ]
        return self.kept[free, m]

    def dual(self, chosen, free, m, power, complement, shift, u, entries, triangles):
        """Whether multipliers prove it: H - U - N + sum z T - shift I has no eigenvalue below 0.

        With x the indicator of m of the free, 4 (value - constant) = x'Hx; x'Ux = 0, x'Nx >= 0 and
        x'Tx <= r; so that 4 (value - constant) >= shift * m - sum z r.
        """
        size = len(free)
        integers([power, complement, shift])
        need(abs(power) <= 4000 and complement in (0, 1), "multipliers out of range")
        integers(u, size)
        constant, costs, m = self.costs(chosen, free, m, bool(complement))
        # In the finer of the units of the costs and of the multipliers.
        fine, coarse = 1 << max(-power, 0), 1 << max(power, 0)
        rest = [
            [2 * fine * self.pairs[free[i]][free[j]] - coarse * (u[i] + u[j]) for j in range(size)]
            for i in range(size)
        ]
        for i in range(size):
            rest[i][i] = fine * 4 * costs[i] - coarse * (2 * u[i] * (1 - m) + shift)
        for i, j, amount in (integers(row, 3) for row in entries):
            need(0 <= i <= j < size and amount >= 0, "a multiplier of an entry is below 0")
            for a, b in {(i, j), (j, i)}:
                rest[a][b] -= coarse * amount
        sides = 0
        for kind, i, j, l, z in (integers(row, 5) for row in triangles):
            need(z >= 0 and all(0 <= a < size for a in (i, j, l)), "a triangle out of range")
            if kind == 0 and j < l and i not in (j, l):  # x_i (x_j + x_l - 1) <= x_j x_l
                terms = [(i, j, 1), (i, l, 1), (j, l, -1), (i, i, -2)]
            elif kind == 1 and i < j < l:  # s - s (s - 1) / 2 <= 1
                terms = [(a, a, 2) for a in (i, j, l)] + [(i, j, -1), (i, l, -1), (j, l, -1)]
            elif kind == 2 and i != j and j == l:  # x_i x_j <= x_i
                terms = [(i, j, 1), (i, i, -2)]
            else:  # x_i + x_j - x_i x_j <= 1
                need(kind == 3 and i < j and j == l, "an unknown triangle inequality")
                terms = [(i, i, 2), (j, j, 2), (i, j, -1)]
            sides += 2 * z * (kind in (1, 3))
            for a, b, twice in terms:
                for c, d in {(a, b), (b, a)}:
                    rest[c][d] += coarse * z * twice
        proven = coarse * (shift * m - sides) - m * below_zero(rest)
        return constant + proven / (4 * fine) > self.below


def below_zero(matrix):
    """Return e such that no eigenvalue is below -e, by a Cholesky factor in floating point.

    One that comes to its end is that of a matrix within c / (1 - c) sqrt(a_ii a_jj) in each entry,
    c = (n + 4) u / (1 - (n + 4) u), u = 2**-53 (Rump, BIT 46, 2006); the trace bounds the norm.
    """
    size, u = len(matrix), Fraction(1, 2**53)
    largest = max(abs(x) for row in matrix for x in row)
    unit = Fraction(2) ** (largest.bit_length() - 53)
    rounded = [[float(x / unit) for x in row] for row in matrix]
    factor = []
    for i in range(size):
        row = []
        for j in range(i):
            inner = sum(a * b for a, b in zip(row, factor[j]))
            row.append((rounded[i][j] - inner) / factor[j][j])
        pivot = rounded[i][i] - sum(a * a for a in row)
        need(0.0 < pivot < math.inf, "a semidefinite leaf's matrix is not positive definite")
        factor.append([*row, math.sqrt(pivot)])
    c = (size + 4) * u / (1 - (size + 4) * u)
    trace = sum(Fraction(rounded[i][i]) for i in range(size))
    widest = max(sum(abs(x) for x in row) for row in matrix) / unit
    return (c / (1 - c) * trace + u * widest + Fraction(1, 2**900)) * unit


# -- mean matching: no sum of so many values is nearer to what is wanted ---------------------------


def no_nearer_sum(proof):
    """Reject unless no selection is nearer to the target than the bound."""
    need(proof.method in ("closed", "halves", "table"), "an unknown method")
    values = [proof.values[i] for i in proof.free]
    taken = sum(proof.values[i] for i in proof.include)
    wanted = proof.target * proof.k / proof.unit - taken
    distance = proof.bound * proof.k / proof.unit
    low, high = math.floor(wanted - distance) + 1, math.ceil(wanted + distance) - 1
    ascending = sorted(values)
    for count in range(proof.low, proof.k + 1):
        m = count - len(proof.include)
        if not 0 <= m <= len(values) or low > high:
            continue
        # Beyond the least and the greatest sum there is nothing.
        if sum(ascending[:m]) > high or sum(ascending[len(values) - m :]) < low:
            continue
        if proof.method == "closed":
            need(not residue_within(values, m, low, high), "a nearer sum is not ruled out")
        elif proof.method == "table":
            need(not table_within(ascending, m, low, high), "a selection is nearer")
        else:
            need(not halves_within(values, m, low, high), "a selection is nearer")


def residue_within(values, m, low, high):
    """Whether an integer of low..high has a residue modulo 2**16 that m values can sum to."""
    size = 1 << 16
    least = min(values)
    step = common_divisor(value - least for value in values) or 1
    reduced = [(value - least) // step for value in values]  # a sum is m least + step times theirs
    low, high = -((m * least - low) // step), (high - m * least) // step
    pivot = max(reduced, key=lambda v: min(16, (v & -v).bit_length() - 1) if v else 16)
    reached = 1  # the residues of sums of differences from the pivot, as bits
    for turn in ((value - pivot) % size for value in reduced):
        reached |= ((reached << turn) | (reached >> (size - turn))) & ((1 << size) - 1)
    totals = range(low - m * pivot, high - m * pivot + 1)
    return len(totals) >= size or any(reached >> (total % size) & 1 for total in totals)


def table_within(values, m, low, high):
    """Whether m values sum to low..high: by the sums of 0, 1, ... of them as bits."""
    low, high = max(0, low - m * values[0]), high - m * values[0]
    mask = (1 << (high + 1)) - 1
    reached = [1] + [0] * m
    for value in (v - values[0] for v in values):
        if value <= high:
            for count in range(m, 0, -1):
                reached[count] |= (reached[count - 1] << value) & mask
    return reached[m] >> low != 0


def halves_within(values, m, low, high):
    """Whether m values sum to low..high: by the sorted sums of two halves."""
    half = len(values) // 2
    first, second = sums_of(values[:half], m), sums_of(values[half:], m)
    for count in range(m + 1):
        ones, others = sorted(first.get(count, [])), sorted(second.get(m - count, []))
        at = len(others)
        for one in ones:  # as these rise, the others that are wanted fall
            while at and one + others[at - 1] > high:
                at -= 1
            if at and one + others[at - 1] >= low:
                return True
    return False


def sums_of(values, most):
    """Return the sums of 0, 1, ... `most` of the values, by their number."""
    sums = {0: [0]}
    for value in values:
        for count in sorted(sums, reverse=True):
            if count < most:
                sums.setdefault(count + 1, []).extend([one + value for one in sums[count]])
    return sums


def main(paths):
    """Check files; returns the exit code."""
    need(paths, "name a proof file")
    for path in paths:
        try:
            proof = Proof(path)
            nodes = proof.check()
        except Exception as error:  # whatever goes wrong, nothing is proven
            print(f"{path}: REJECTED: {type(error).__name__}: {error}")
            return 1
        exact = not getattr(proof, "error", 0) and proof.bound == proof.objective
        print(f"{path}: problem {proof.digest}, {proof.k} of {proof.n}")
        print(f"  selection {proof.selection}, objective {proof.objective}")
        print(f"  no selection is below {proof.bound} ({proof.method}, {nodes} nodes)")
        print("  VERIFIED:", "optimal" if exact else "a lower bound")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
