"""Check subsetopt proof files with Python's standard library alone.

    python verify.py PROOF.jsonl.gz [PROOF.jsonl.gz ...]

Needs nothing but Python 3.8, and shares no code with the package: whoever distrusts the solver has
these lines to read and no others. Ends with 0, or with 1 and the reason. A file is gzip of JSON
lines: sizes, selection, objective and the bound that is claimed; then the data; then what proves
the bound. Numbers are integers, and rational numbers texts "p/q".
"""

import bisect
import functools
import gzip
import hashlib
import json
import math
import operator
import sys
from fractions import Fraction

__all__ = ["main"]


def need(condition, reason):
    """Reject unless a condition holds."""
    if not condition:
        raise ValueError(reason)


def lines_of(path):
    """Yield the objects of a file, one a line; no number may be a float, NaN or infinite."""
    refused = functools.partial(need, False)
    with gzip.open(path, "rt", encoding="ascii") as file:
        for text in file:
            need(text.endswith("\n"), "the file was cut off")
            yield json.loads(text, parse_float=refused, parse_constant=refused)


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


class Proof:
    """The head of a file and the data of its problem; what is left in `lines` proves the bound."""

    def __init__(self, path):
        self.lines = lines_of(path)
        head = next(self.lines, {})
        need(head.get("format") == "subsetopt-proof", "no proof")
        need(integers([head["version"]])[0] in (1, 2), "not of version 1 or 2")
        about = head["problem"]
        self.n, (self.low, self.k) = about["n"], integers(about["sizes"], 2)
        integers([self.n, about["exponent"]])
        sizes = 0 <= self.low <= self.k <= self.n and self.k >= 1
        need(sizes and abs(about["exponent"]) <= 4000, "sizes or an exponent out of range")
        self.include, exclude = (subset(about[x], self.n) for x in ("include", "exclude"))
        fixed = set(self.include + exclude)
        need(len(fixed) == len(self.include + exclude), "both included and excluded")
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
            need(self.family == "quadratic" and self.low >= len(self.include), "an unknown kind")
            more = self.k - self.low  # so many items of no cost make up for smaller selections
            self.free += range(self.n, self.n + more)
            self.linear = integers(self._data("linear"), self.n) + [0] * more
            self.pairs = [[0] * (self.n + more) for _ in range(self.n + more)]
            for i in range(self.n - 1):
                row = integers(self._data("pairs"), self.n - 1 - i)
                for j, value in enumerate(row, i + 1):
                    self.pairs[i][j] = self.pairs[j][i] = value
            self.scale, self.constant = rational(about["scale"]), rational(about["constant"])
            self.error = rational(about["error"])
            need(self.scale > 0 and self.error >= 0, "scale or error out of range")
        self.rows = []  # of the least, the most, and the weights that have a sum within these
        for low, high, entries in about.get("rows", []):
            subset([integers(entry, 2)[0] for entry in entries], self.n)
            need(all(weight > 0 for _, weight in entries), "a weight is not above 0")
            self.rows.append((*integers([low, high]), dict(entries)))
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
        need(set(self.include) <= set(chosen) <= set(self.include + self.free), "it breaks rules")
        sums = [(low, sum(w.get(i, 0) for i in chosen), high) for low, high, w in self.rows]
        need(all(low <= total <= high for low, total, high in sums), "it breaks a row")
        need(self.value(chosen) == self.objective, "the objective is not that of the selection")
        need(self.bound <= self.objective, "the bound is above the objective")
        if self.family == "mean-matching":
            nodes = no_nearer_sum(self)
        else:
            need(self.method == "tree", "an unknown method")
            nodes = ProofTree(self).check()
        need(list(self.lines) == [{"end": nodes}], "no end of the proof, or something after it")
        return nodes


class ProofTree:
    """Quadratics: a tree in preorder; v >= 0 is "with v, then without v", others are leaves."""

    def __init__(self, proof):
        self.proof, self.pairs = proof, proof.pairs
        p = proof  # values are integers, multiples of `grid`; up to `below` they are too low
        least = math.ceil((p.bound + p.error - p.constant) / (p.scale * p.unit))
        grid = functools.reduce(math.gcd, p.linear + [x for row in p.pairs for x in row], 0)
        self.below = (math.ceil(Fraction(least, grid)) - 1) * grid if grid else least - 1
        self.shape, self.cuts, self.partners = [], [], functools.lru_cache(20_000)(self.halves)

    def check(self):
        """Go through the tree; returns the number of its nodes."""
        parts, nodes = [(frozenset(self.proof.include), tuple(self.proof.free))], 0
        while parts:
            line = next(self.proof.lines, {})
            if set(line) in ({"convex"}, {"cut"}):
                for kind, fields in line.items():
                    getattr(self, kind)(**fields)
                continue
            need(set(line) == {"tree"} and integers(line["tree"]), "leaves are missing")
            for place, code in enumerate(line["tree"]):
                chosen, free = parts.pop() if parts else need(False, "no part is open")
                m, nodes = self.proof.k - len(chosen), nodes + 1
                possible = 0 <= m <= len(free)
                if code >= 0:
                    need(possible and code in free, "a branch on what is not free")
                    rest = tuple(v for v in free if v != code)
                    parts += [(chosen, rest), (chosen | {code}, rest)]
                elif code == -2:
                    dual = next(self.proof.lines, {})
                    need(place == len(line["tree"]) - 1 and set(dual) == {"dual"}, "no multipliers")
                    closed = not possible or self.dual((chosen, free, m), **dual["dual"])
                else:
                    need(-3 - code < len(self.cuts), "an unknown leaf")
                    leaf = self.bounded if code == -1 else self.cuts[-3 - code]
                    closed = not possible or leaf(chosen, free, m)
                need(code >= 0 or closed, "a leaf is not closed")
        return nodes

    def costs(self, chosen, free, m, left_out):
        """Return a constant, a cost of each free candidate, and how many are taken (left out)."""
        base = chosen | set(free) if left_out else chosen
        pull = {v: self.proof.linear[v] + sum(self.pairs[v][s] for s in base) for v in free}
        constant = sum(self.proof.linear[v] for v in base)
        constant += sum(self.pairs[v][s] for v in base for s in base if v < s)
        sign, taken = (-1, len(free) - m) if left_out else (1, m)
        return constant, [sign * pull[v] for v in free], taken

    def bounded(self, chosen, free, m):
        """Whether m candidates, each with half of m - 1 pairs, cost enough, or break a row."""
        for low, high, weights in self.proof.rows:
            load = sum(weights.get(v, 0) for v in chosen)
            ascending = sorted(weights.get(v, 0) for v in free)
            if load + sum(ascending[:m]) > high or load + sum(ascending[len(free) - m :]) < low:
                return True
        for left_out in (2 * m > len(free), 2 * m <= len(free)):
            constant, costs, taken = self.costs(chosen, free, m, left_out)
            cheapest = sorted(2 * a + b for a, b in zip(costs, self.partners(free, taken)))[:taken]
            if 2 * constant + sum(cheapest) > 2 * self.below:
                return True
        return False

    def halves(self, free, m):
        """Return the sums of the m - 1 cheapest pairs of each free candidate with other ones."""
        few = max(0, m - 1)
        return [sum(sorted(self.pairs[v][u] for u in free if u != v)[:few]) for v in free]

    def dual(self, part, power, complement, shift, u, entries, triangles, rows=(), apart=()):
        """Whether x'Hx >= shift m - sides for x of m ones: H - U - N + z T ... - shift I >= 0."""
        (chosen, free, m), size = part, len(part[1])
        integers([power, complement, shift, *integers(u, size)])
        need(abs(power) <= 4000 and complement in (0, 1), "multipliers out of range")
        constant, costs, m = self.costs(chosen, free, m, bool(complement))
        # In the finer of the units of the costs and of the multipliers.
        fine, coarse = 1 << max(-power, 0), 1 << max(power, 0)
        rest = [
            [2 * fine * self.pairs[v][w] - coarse * (a + b) for w, b in zip(free, u)]
            for v, a in zip(free, u)
        ]
        for i in range(size):
            rest[i][i] = fine * 4 * costs[i] - coarse * (2 * u[i] * (1 - m) + shift)
        sides, terms = 0, [(i, j, -amount) for i, j, amount in (integers(r, 3) for r in entries)]
        need(all(0 <= i <= j < size and a <= 0 for i, j, a in terms), "an entry out of range")
        for kind, i, j, l, z in (integers(row, 5) for row in triangles):
            kinds = (j < l and i not in (j, l), i < j < l, i != j == l, i < j == l)
            need(0 <= kind < 4 and kinds[kind] and z >= 0, "no triangle inequality")
            need(min(i, j, l) >= 0 and max(i, j, l) < size, "a triangle out of range")
            sides += 2 * z * (kind in (1, 3))
            terms += [
                [
                    (i, j, z),
                    (i, l, z),
                    (j, l, -z),
                    (i, i, -2 * z),
                ],  # x_i (x_j + x_l - 1) <= x_j x_l
                [(a, a, 2 * z) for a in (i, j, l)]
                + [(a, b, -z) for a, b in ((i, j), (i, l), (j, l))],
                [(i, j, z), (i, i, -2 * z)],  # x_i x_j <= x_i; above: s - s (s - 1) / 2 <= 1
                [(i, i, 2 * z), (j, j, 2 * z), (i, j, -z)],  # x_i + x_j - x_i x_j <= 1
            ][kind]
        for i, j, amount in (integers(row, 3) for row in apart):  # x_i x_j = 0
            pair = chosen | {free[i], free[j]}
            most = [high - sum(w.get(v, 0) for v in pair) for _, high, w in self.proof.rows]
            need(0 <= i < j and min(most, default=0) < 0, "a pair that may be chosen together")
            terms.append((i, j, amount))
            if complement:  # (1 - x_i) (1 - x_j) = 0
                terms += [(i, i, -2 * amount), (j, j, -2 * amount)]
                sides -= 2 * amount
        for number, price, multipliers in rows:  # low <= a'x <= high
            need(integers([number, price])[0] >= 0, "an unknown row")
            low, high, weights = self.proof.rows[number]
            load, a = sum(weights.get(v, 0) for v in chosen), [weights.get(v, 0) for v in free]
            low, high = max(0, low - load), min(high - load, sum(a))
            if complement:
                low, high = sum(a) - high, sum(a) - low
            sides += price * (high if price > 0 else low)
            terms += [(i, i, price * weight) for i, weight in enumerate(a)]
            if integers(multipliers, len(multipliers) and size):  # (m a - low)'x = 0
                need(low == high, "a row must be an equation")
                c, v = [m * weight - low for weight in a], multipliers
                every = ((i, j) for i in range(size) for j in range(i + 1))
                terms += [(i, j, c[i] * v[j] + c[j] * v[i]) for i, j in every]
        for a, b, amount in terms:
            for c, d in {(a, b), (b, a)}:
                rest[c][d] += coarse * amount
        least = coarse * (shift * m - sides) - m * below_zero(rest)
        return constant + least / (4 * fine) > self.below

    def convex(self, power, diagonal, ones):
        """Take M = 2^power pairs + diag(d) + t 11': no eigenvalue is below -error."""
        free, m = self.proof.free, self.proof.k - len(self.proof.include)
        need(not self.shape and 0 <= integers([power, ones])[0] <= 4000, "no convexity")
        extra = dict(zip(free, integers(diagonal, len(free))))
        self.shape = [power, extra, ones, m, self.costs(set(self.proof.include), free, m, False)]
        self.error = below_zero(
            [(self.pairs[v][w] << power) + ones + extra[v] * (v == w) for w in free] for v in free
        )

    def cut(self, power, point):
        """Add a cut at y = point / 2^power: x'Mx >= 2 y'Mx - y'My - error (m + |y|^2)."""
        # 2^shift 2 value = 2^shift 2 constant + x'Mx + (2^shift 2 pull - d)'x - t m^2 for 1'x = m.
        need(self.shape and 0 <= integers([power])[0] <= 4000, "a cut out of range")
        (shift, extra, ones, m, (constant, pull, _)), free = self.shape, self.proof.free
        places = subset([integers(entry, 2)[0] for entry in point], len(free))
        y = {free[place]: entry[1] for place, entry in zip(places, point)}
        need(all(amount >= 0 for amount in y.values()), "an amount is below 0")
        total, costs, own = ones * sum(y.values()), dict.fromkeys(self.proof.include, 0), 0
        for v, linear in zip(free, pull):
            image = sum(amount * self.pairs[v][w] for w, amount in y.items()) << shift
            image += total + extra[v] * y.get(v, 0)
            own += image * y.get(v, 0)
            costs[v] = (2 * image << power) + (((2 * linear << shift) - extra[v]) << 2 * power)
        fixed = ((2 * constant << shift) - ones * m * m) << 2 * power
        norm = (m << 2 * power) + sum(amount * amount for amount in y.values())
        of, below = costs.__getitem__, (2 * self.below << shift + 2 * power) - fixed + own

        def closes(chosen, free, m):
            return sum(map(of, chosen)) + sum(sorted(map(of, free))[:m]) > below + self.error * norm

        self.cuts.append(closes)


def below_zero(matrix):
    """Return e, no eigenvalue is below -e: by a Cholesky factor in float64 (Rump, BIT 46, 2006)."""
    rows, factor, u = list(matrix), [], Fraction(1, 2**53)
    power = max(abs(x) for row in rows for x in row).bit_length() - 53
    unit, size = Fraction(2) ** power, len(rows)
    rounded = [[float(x / unit) if power > 900 else math.ldexp(x, -power) for x in r] for r in rows]
    widest = max(sum(map(abs, row)) for row in rows) / unit
    for i in range(size):
        row = []
        for j in range(i):
            row.append((rounded[i][j] - sum(map(operator.mul, row, factor[j]))) / factor[j][j])
        pivot = rounded[i][i] - sum(a * a for a in row)
        need(0.0 < pivot < math.inf, "a matrix is not positive definite")
        factor.append([*row, math.sqrt(pivot)])
    c = (size + 4) * u / (1 - (size + 4) * u)
    trace = sum(Fraction(rounded[i][i]) for i in range(size))
    return (c / (1 - c) * trace + u * widest + Fraction(1, 2**900)) * unit


def no_nearer_sum(proof):
    """Mean matching: reject unless no selection is nearer to the target than the bound."""
    need(proof.method in ("closed", "halves", "table"), "an unknown method")
    v = sorted(proof.values[i] for i in proof.free)
    taken = sum(proof.values[i] for i in proof.include)
    wanted = proof.target * proof.k / proof.unit - taken
    distance = proof.bound * proof.k / proof.unit
    low, high = math.floor(wanted - distance) + 1, math.ceil(wanted + distance) - 1
    for count in range(proof.low, proof.k + 1):
        m = count - len(proof.include)
        within = {"closed": residue_within, "table": table_within, "halves": halves_within}
        # Beyond the least and the greatest sum there is nothing.
        if 0 <= m <= len(v) and low <= high and sum(v[:m]) <= high and sum(v[len(v) - m :]) >= low:
            need(not within[proof.method](v, m, low, high), "a nearer sum is not ruled out")
    return 0


def residue_within(values, m, low, high):
    """Whether an integer of low..high has a residue modulo 2**16 that m values can sum to."""
    least, step = values[0], functools.reduce(math.gcd, [v - values[0] for v in values], 0) or 1
    reduced = [(value - least) // step for value in values]  # a sum is m least + step times theirs
    low, high = -((m * least - low) // step), (high - m * least) // step
    pivot = max(reduced, key=lambda v: min(16, (v & -v).bit_length() - 1) if v else 16)
    size, reached = 1 << 16, 1  # the residues of sums of differences from the pivot, as bits
    for turn in ((value - pivot) % size for value in reduced):
        reached |= ((reached << turn) | (reached >> (size - turn))) & ((1 << size) - 1)
    totals = range(low - m * pivot, high - m * pivot + 1)
    return len(totals) >= size or any(reached >> (total % size) & 1 for total in totals)


def table_within(values, m, low, high):
    """Whether m values sum to low..high: by the sums of 0, 1, ... of them as bits."""
    low, high = max(0, low - m * values[0]), high - m * values[0]
    reached = [1] + [0] * m
    for value in (v - values[0] for v in values if v - values[0] <= high):
        for count in range(m, 0, -1):
            reached[count] |= (reached[count - 1] << value) & ((1 << (high + 1)) - 1)
    return reached[m] >> low != 0


def halves_within(values, m, low, high):
    """Whether m values sum to low..high: by the sums of 0, 1, ... m of each half."""
    halves = []
    for part in (values[: len(values) // 2], values[len(values) // 2 :]):
        halves.append([[0]] + [[] for _ in range(m)])
        for value in part:
            for count in range(m, 0, -1):
                halves[-1][count].extend([one + value for one in halves[-1][count - 1]])
    for count in range(m + 1):
        others = sorted(halves[1][m - count])
        for one in halves[0][count]:
            at = bisect.bisect_left(others, low - one)
            if at < len(others) and one + others[at] <= high:
                return True
    return False


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
        print(f"{path}: problem {proof.digest}, {proof.k} of {proof.n}: {proof.selection}")
        how = f"{proof.method}, {nodes} nodes): VERIFIED: {'optimal' if exact else 'a lower bound'}"
        print(f"  objective {proof.objective}, no selection is below {proof.bound} ({how}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
