"""Somebody who reads published cubes and wants to know what was dropped from them.

It knows every cube of every period, the groups that each declares, and more than can be known in truth: that the groups
of a cube are all there are, so that cubes of one metric by different dimensions have one total; which metrics count the
same things, or a part of them; which periods and groups are made of which others. Every count is a variable with bounds;
what is known of them are sums, and the bounds are drawn in until nothing moves any more. Where one sum is part of
another, their difference is a sum, too.

A cube is a dict: metric, dimension, period, share (whether it is one), groups {value: None if it was dropped, else n or
(n, x)}.
"""

NONE, MANY = 0, float("inf")


class Attacker:
    def __init__(self, cubes, same=(), within=(), parts=(), exhaustive=True):
        """same and within: pairs of metrics of which the first counts what the second does, or a part of it. parts:
        (whole, [part, …]) of keys as bounds() takes them."""
        self.bounds_of, self.sums = {}, []
        self.cubes = cubes
        for cube in cubes:
            self._read(cube, exhaustive)
        keys = [(c["dimension"], c["period"], g, c["metric"]) for c in cubes for g in c["groups"]]
        known = {key[3] for key in keys}
        for pairs, is_same in ((same, True), (within, False)):
            for first, second in pairs:
                for dimension, period, group, metric in keys:
                    if metric == first and second in known and ("n", second, dimension, period, group) in self.bounds_of:
                        a, b = ("n", first, dimension, period, group), ("n", second, dimension, period, group)
                        self._sum([a], b) if is_same else self._sum([a, ("rest", *a)], b)
        for whole, of in parts:
            self._sum(of, whole)
        self._subtract()
        self._draw_in()

    def _variable(self, key, low=NONE, high=MANY):
        before = self.bounds_of.get(key, (NONE, MANY))
        self.bounds_of[key] = max(low, before[0]), min(high, before[1])
        return key

    def _sum(self, parts, whole):
        """parts together are the whole."""
        for key in (*parts, whole):
            self._variable(key)
        self.sums.append((frozenset(parts), whole))

    def _read(self, cube, exhaustive):
        at = cube["metric"], cube["dimension"], cube["period"]
        for group, figures in cube["groups"].items():
            n, x = figures if isinstance(figures, tuple) else (figures, None)
            self._variable(("n", *at, group), *((n, n) if figures is not None else ()))
            if cube["share"]:
                self._variable(("x", *at, group), *((x, x) if figures is not None else ()))
                self._sum([("x", *at, group), ("y", *at, group)], ("n", *at, group))
        for what in "nxy" if cube["share"] else "n":
            some = [(what, *at, group) for group in cube["groups"]]
            if exhaustive:
                self._sum(some, ("total", what, cube["metric"], cube["period"]))
        if cube["share"] and exhaustive:
            self._sum([("total", what, cube["metric"], cube["period"]) for what in "xy"],
                      ("total", "n", cube["metric"], cube["period"]))

    def _subtract(self):
        """Sums that are part of other sums, known groups taken out of both, leave sums."""
        equal = {next(iter(parts)): whole for parts, whole in self.sums if len(parts) == 1}

        def name(key):
            while key in equal:
                key = equal[key]
            return key
        for one, other in equal.items():
            both = [self.bounds_of[one], self.bounds_of[name(other)]]
            self.bounds_of[one] = self.bounds_of[name(other)] = max(b[0] for b in both), min(b[1] for b in both)
        # the unknown part of every sum is an amount of its own
        amounts = []
        for parts, whole in self.sums:
            if len(parts) < 2:
                continue
            unknown = frozenset(name(k) for k in parts if self.bounds_of[k][0] != self.bounds_of[k][1])
            known = sum(self.bounds_of[k][0] for k in parts if self.bounds_of[k][0] == self.bounds_of[k][1])
            if unknown:
                amounts.append((unknown, whole, known))
        self.differences = []
        for small, whole_s, known_s in amounts:
            for large, whole_l, known_l in amounts:
                if small < large:
                    self.differences.append((large - small, whole_l, known_l, whole_s, known_s))

    def _narrow(self, key, low, high):
        before = self.bounds_of[key]
        after = max(before[0], low), min(before[1], high)
        if after == before:
            return False
        if after[0] > after[1]:
            raise AssertionError(f"what was published cannot be: {key} {before} {low} {high}")
        self.bounds_of[key] = after
        return True

    def _draw_in(self):
        moved, rounds = True, 0
        while moved and rounds < 200:
            moved, rounds = False, rounds + 1
            for parts, whole in self.sums:
                lows = sum(self.bounds_of[k][0] for k in parts)
                highs = [self.bounds_of[k][1] for k in parts]
                endless, finite = sum(h == MANY for h in highs), sum(h for h in highs if h != MANY)
                moved |= self._narrow(whole, lows, MANY if endless else finite)
                low, high = self.bounds_of[whole]
                for key in parts:
                    own = self.bounds_of[key]
                    others = MANY if endless - (own[1] == MANY) else finite - (own[1] if own[1] != MANY else 0)
                    moved |= self._narrow(key, NONE if others == MANY else low - others,
                                          MANY if high == MANY else high - (lows - own[0]))
                    lows += self.bounds_of[key][0] - own[0]
                    if own[1] != self.bounds_of[key][1]:
                        endless -= own[1] == MANY
                        finite += self.bounds_of[key][1] - (own[1] if own[1] != MANY else 0)
            for rest, whole_l, known_l, whole_s, known_s in self.differences:
                large, small = self.bounds_of[whole_l], self.bounds_of[whole_s]
                high = large[1] - known_l - (small[0] - known_s)
                for key in rest:
                    moved |= self._narrow(key, NONE, high)
                if len(rest) == 1 and small[1] != MANY:
                    moved |= self._narrow(next(iter(rest)), large[0] - known_l - (small[1] - known_s), MANY)

    def bounds(self, what, cube, group):
        return self.bounds_of[(what, cube["metric"], cube["dimension"], cube["period"], group)]

    def finds(self, small=10):
        """What it found out: of each dropped group of which some count must be more than 0, or less than small."""
        found = []
        for cube in self.cubes:
            for group, figures in cube["groups"].items():
                for what in ("nxy" if cube["share"] else "n") if figures is None else "":
                    low, high = self.bounds(what, cube, group)
                    if low > 0 or high < small:
                        found.append((cube["metric"], cube["dimension"], cube["period"], group, what, low, high))
        return found
