#!/usr/bin/python3
"""The rules of disclosure (core/benchmark) against an attacker, over random small worlds with twelve periods of cubes.

With the rules as they are nothing may be found; with each of them weakened, something must be. An attacker who finds
nothing may be a weak one: so there is a proof beside it. For every group that was dropped two other worlds are made, in
which it has nobody and in which it has more than ten, and all that is published is the same.

usage: attack.py disclosure_cli [--seed N] [--count N]
"""
import argparse
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from model.attacker import Attacker  # noqa: E402

PERIODS = 12
RULES = {"small": 10, "organisations": 5, "top_percent": 85, "withheld": 2, "withholds_amount": 1, "drops_whole": 1,
         "hides_tenants": 1}
WEAKER = [{"small": 4}, {"small": 0}, {"organisations": 1}, {"top_percent": 100}, {"withheld": 1},
          {"withholds_amount": 0}, {"drops_whole": 0}, {"hides_tenants": 0}]
NONE, SHARE, RANK = range(3)
# name, kind, numerator: tickets and their times are the same tickets, of which rated_fast is about some
METRICS = [("tickets", 0, NONE), ("fast", 0, SHARE), ("time", 0, RANK), ("late", 0, SHARE), ("csat", 1, SHARE)]
SAME, WITHIN = [("fast", "tickets"), ("time", "tickets")], [("late", "tickets")]


class World:
    """Tickets of some tenants and organisations, each with a value of every dimension."""

    def __init__(self, chance):
        self.tenants = chance.choice((2, 2, 3, 4, 5, 8))
        self.organisations = [[f"org {chance.randint(0, 20)}" for _ in range(chance.randint(1, 4))]
                              for _ in range(self.tenants)]
        self.dimensions = [[f"{d}{g}" for g in range(chance.randint(2, 5))] for d in "abc"[:chance.randint(1, 3)]]
        self.weights = [[chance.choice((0, 0.02, 0.1, 0.5, 1, 1)) for _ in d] for d in self.dimensions]
        for weights in self.weights:
            weights[0] = 1
        self.rates = {name: chance.choice((0, 0.03, 0.2, 0.5, 0.8, 0.95, 1)) for name, _, _ in METRICS}
        self.metrics = chance.sample(METRICS, chance.choice((1, 1, 2, 3, 5)))
        self.heavy = chance.choice((1, 1, 30))
        self.chance = chance

    def period(self):
        """The tickets of one period: (tenant, organisation, [value of each dimension, by kind], {metric: success})."""
        chance, tickets = self.chance, []
        weights = [self.heavy if t == 0 else 1 for t in range(self.tenants)]
        for _ in range(chance.choice((30, 200, 500, 1000))):
            tenant = chance.choices(range(self.tenants), weights)[0]
            values = [chance.choices(d, w)[0] for d, w in zip(self.dimensions, self.weights)]
            hits = {name: chance.random() < self.rates[name] for name, _, _ in self.metrics
                    if name not in ("late", "csat") or chance.random() >= 0.3}
            tickets.append((tenant, chance.choice(self.organisations[tenant]), [values, values], hits))
        return tickets

    def cubes(self, tickets):
        """(metric, kind, numerator, dimension, {group: (n, x, organisations, tenants)})."""
        cells, kinds = {}, {name: kind for name, kind, _ in self.metrics}
        for tenant, organisation, values, hits in tickets:
            for name, hit in hits.items():
                for d, value in enumerate(values[kinds[name]]):
                    cell = cells.setdefault((name, d, value), [0, 0, {}, {}])
                    for counts in (cell, cell[2].setdefault(organisation, [0, 0]), cell[3].setdefault(tenant, [0, 0])):
                        counts[0] += 1
                        counts[1] += hit
        cubes = []
        for name, kind, numerator in self.metrics:
            for d, groups in enumerate(self.dimensions):
                some = {g: cells.get((name, d, g), [0, 0, {}, {}]) for g in groups}
                if numerator == RANK:
                    for cell in some.values():
                        cell[1] = max(1, -(-cell[0] // 2)) if cell[0] else 0
                cubes.append((name, kind, numerator, d, some))
        return cubes


class Rules:
    """disclosure_cli, asked period by period."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def judge(self, rules, cubes):
        numbers = [rules[name] for name in RULES] + [len(cubes)]
        for _, kind, numerator, d, groups in cubes:
            numbers += [kind, d, numerator, len(groups)]
            for n, x, organisations, tenants in groups.values():
                numbers += [n, x]
                for parts in (organisations, tenants):
                    numbers += [len(parts)] + [value for part in parts.values() for value in part]
        self.process.stdin.write(" ".join(map(str, numbers)) + "\n")
        self.process.stdin.flush()
        reasons = iter(map(int, self.process.stdout.readline().split()))
        return [{group: next(reasons) for group in groups} for _, _, _, _, groups in cubes]


def seen_by_rule(cubes, verdicts):
    """What is published although it is small, of few or of two: read off the figures, without any arithmetic."""
    found = []
    for (name, _, numerator, d, groups), verdict in zip(cubes, verdicts):
        total = sum(cell[0] for cell in groups.values())
        for group, (n, x, organisations, tenants) in groups.items():
            if verdict[group]:
                continue
            counts = [n, total - n] + ([x, n - x] if numerator else [])
            for part in tenants.values() if len(tenants) == 2 else ():
                counts += [part[0]] + ([part[1], part[0] - part[1]] if numerator == SHARE else [])
            top = sum(sorted(part[0] for part in organisations.values())[-2:])
            if n == 0 or any(1 <= count <= 10 for count in counts) or len(organisations) < 5 or top * 100 > n * 85:
                found.append((name, d, group, n, x))
    return found


def relabelled(tickets, kind, d, groups, to):
    """The tickets, those of some groups given to another one, which one organisation has alone; of one kind and dimension."""
    made = []
    for tenant, organisation, values, hits in tickets:
        if values[kind][d] in groups:
            values = [list(v) for v in values]
            values[kind][d], tenant, organisation = to, 0, "org 0"
        made.append((tenant, organisation, values, hits))
    return made


def figures(cubes, verdicts):
    return [{g: None if verdict[g] else cell[:2] for g, cell in groups.items()}
            for (_, _, _, _, groups), verdict in zip(cubes, verdicts)]


def unproven(rules_of, rules, world, tickets, cubes, verdicts):
    """Dropped groups for which another world would look different. Figures of all cubes are compared; and of the cubes of
    the kind and dimension what the rules say of the other world: they are known."""
    dropped, found = {}, []
    seen = {cube[0] for cube, verdict in zip(cubes, verdicts) if not all(verdict.values())}
    for (name, kind, _, d, _), verdict in zip(cubes, verdicts):
        gone = frozenset(g for g, reason in verdict.items() if reason)
        if dropped.setdefault((kind, d), gone) != gone:
            found.append((name, kind, d, "not dropped whole"))
    for (kind, d), gone in dropped.items():
        for group in gone:
            for empty in (True, False):
                to = next((g for g in sorted(gone) if g != group), None) if empty else group
                other = world.cubes(relabelled(tickets, kind, d, gone, to))
                mine = [i for i, cube in enumerate(cubes) if (cube[1], cube[3]) == (kind, d)]
                counts = [other[i][4][group] for i in mine]
                again = rules_of.judge(rules, [other[i] for i in mine])
                good = to and figures(other, verdicts) == figures(cubes, verdicts) and \
                    all((a[g] > 0) == (g in gone) for a in again for g in a)
                for i, (n, x, _, _) in zip(mine, counts):
                    some = (n, x, n - x) if cubes[i][2] == SHARE else (n,)
                    # of a metric of which nothing at all is published there may be as much as one likes
                    good = good and (n == 0 if empty else min(some) >= 10 or cubes[i][0] not in seen)
                if not good:
                    found.append((kind, d, group, empty, "another world looks different"))
    return found


def attack_world(rules_of, rules, world, proof=False):
    """What is found in twelve periods; and how many groups were seen, and dropped."""
    published, found, seen, dropped = [], [], 0, 0
    for period in range(PERIODS):
        tickets = world.period()
        cubes = world.cubes(tickets)
        verdicts = rules_of.judge(rules, cubes)
        found += seen_by_rule(cubes, verdicts)
        if proof:
            found += unproven(rules_of, rules, world, tickets, cubes, verdicts)
        for (name, _, numerator, d, groups), verdict in zip(cubes, verdicts):
            seen += sum(not v for v in verdict.values())
            dropped += sum(v > 0 for v in verdict.values())
            published.append({"metric": name, "dimension": d, "period": period, "share": numerator == SHARE,
                              "groups": {g: None if verdict[g] else tuple(cell[:2]) if numerator == SHARE else cell[0]
                                         for g, cell in groups.items()}})
    return found + Attacker(published, SAME, WITHIN).finds(), seen, dropped


def cube(dimension, groups, metric="tickets", period=0, share=False):
    return {"metric": metric, "dimension": dimension, "period": period, "share": share, "groups": groups}


def check_attacker():
    """It finds what leaks, and nothing where nothing does."""
    whole = {"x": 100, "y": 50}
    leaks = {
        "one group is missing": [cube("a", whole), cube("b", {"p": 100, "q": 43, "r": None})],
        "two are, with too little": [cube("a", whole), cube("b", {"p": 143, "q": None, "r": None})],
        "one by more than is there": [cube("a", {"x": 100, "y": None}), cube("b", {"p": 120, "q": None, "r": 9})],
        "a share's successes": [cube("a", {"x": (60, 20), "y": (60, 20)}, share=True),
                                cube("b", {"p": (90, 38), "q": None, "r": None}, share=True)],
        "a partner that another cube names": [cube("a", whole), cube("b", {"p": 100, "q": None, "r": None}),
                                              cube("b", {"p": (100, 50), "q": (43, 20), "r": None}, "fast", share=True)],
        "a part of it": [cube("a", {"x": None, "y": None, "z": 80}),
                         cube("a", {"x": (30, 15), "y": None, "z": (70, 30)}, "late", share=True)],
    }
    for what, cubes in leaks.items():
        assert Attacker(cubes, SAME, WITHIN).finds(), f"the attacker does not see: {what}"
    n = lambda *key: ("n", "tickets", *key)  # noqa: E731
    over = [cube("a", {"x": 100, "y": 50, "z": None}, period=p) for p in (0, 1)] + \
        [cube("a", {"x": 200, "y": 100, "z": 25}, period="0 and 1")]
    assert Attacker(over, parts=[(n("a", "0 and 1", "z"), [n("a", 0, "z"), n("a", 1, "z")])]).bounds("n", over[0], "z")[1] == 25
    nested = [cube("country", {"US": 150, "CA": 40}), cube("state", {"TX": 100, "WY": None, "ON": 30, "QC": None})]
    us = (n("country", 0, "US"), [n("state", 0, "TX"), n("state", 0, "WY")])
    assert not Attacker(nested).finds() and Attacker(nested, parts=[us]).bounds("n", nested[1], "WY") == (50, 50)
    tight = [cube("a", whole), cube("b", {"p": 100, "q": None, "r": None})]
    assert Attacker(tight).finds() == [] and Attacker(tight).bounds("n", tight[1], "q") == (0, 50)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("disclosure_cli")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("TENDON_TEST_SEED", "1")))
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    check_attacker()
    rules_of = Rules(options.disclosure_cli)
    seen = dropped = 0
    for i in range(options.count):
        found, n, m = attack_world(rules_of, RULES, World(random.Random(f"{options.seed} {i}")), proof=i % 4 == 0)
        seen, dropped = seen + n, dropped + m
        if found:
            sys.exit(f"seed {options.seed}, world {i}: found {found[:5]}")
    if seen < options.count * 20 or dropped < options.count * 20:
        sys.exit(f"the worlds prove little: {seen} groups seen, {dropped} dropped")
    for weaker in WEAKER:
        rules = {**RULES, **weaker}
        for i in range(options.count * 20):
            if attack_world(rules_of, rules, World(random.Random(f"{options.seed} {i}")))[0]:
                break
        else:
            sys.exit(f"seed {options.seed}: nothing is found although the rules are weaker: {weaker}")
    print(f"seed {options.seed}: {options.count} worlds of {PERIODS} periods, {seen} groups seen, {dropped} dropped, none "
          f"of them narrowed; each of {len(WEAKER)} weaker sets of rules gives something away")


if __name__ == "__main__":
    main()
