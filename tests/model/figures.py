"""Figures: samples, and what is said of them."""

import math
from fractions import Fraction

Z = 1.959963984540054
STATISTICS = ["avg", "min", "max", "sum", "count", "p50", "p90", "p99.9"]


def wilson(x, n):
    if n == 0:
        return None, None
    z2 = Z * Z
    centre = (x + z2 / 2) / (n + z2)
    half = Z / (n + z2) * math.sqrt(x * (n - x) / n + z2 / 4)
    return (0.0 if x == 0 else centre - half), (1.0 if x == n else centre + half)


class Figure:
    """samples: whole ms, trials (0 or 1) or shares of votes; kind: count, duration, mean or ratio.

    beside: what is counted next to the value; left_out: rows that gave no sample, by reason; excluded: tickets, by
    reason; excluded_sources: {namespace: {reason: tickets}}.
    """

    def __init__(self):
        self.samples, self.beside, self.left_out = [], {}, {}
        self.excluded, self.excluded_sources = {}, {}
        self.n = self.value = self.x = self.low = self.high = self.sum = None

    def count(self, where, name):
        where[name] = where.get(name, 0) + 1

    def percentile(self, p):
        """Nearest rank: the value at max(1, ⌈p·n/100⌉)."""
        ranked = sorted(self.samples)
        if not ranked:
            return None
        return ranked[max(1, math.ceil(Fraction(str(p)) * len(ranked) / 100)) - 1]

    def statistic(self, name):
        """By name; None: what the metric gives of itself."""
        if name is None:
            return self.value
        if name == "avg":
            return Fraction(self.sum) / self.n if self.n else None
        if name == "sum":
            return self.sum if self.n else None
        if name == "count":
            return self.n
        if name in ("min", "max"):
            return {"min": min, "max": max}[name](self.samples, default=None)
        return self.percentile(name[1:])

    def finish(self, kind, n=None):
        """n: what is said to be counted, where that is not the samples."""
        self.n, self.sum = len(self.samples), sum(self.samples)
        self.value = self.n if kind == "count" else Fraction(self.sum) / self.n if self.n else None
        if n is not None:
            self.n = n
        if kind == "ratio":
            self.x = self.sum
            self.low, self.high = wilson(float(self.x), self.n)
