"""The events of a run, encoded once each and kept in one folder until the end."""
import os
import shutil

from harness.common import BATCH_EVENTS, CLIENTS, check_json, fail, say

SEED = 1
TENANTS = 100
ACK_EVENTS = 2000
CHURN_EVENTS = 10_000_000  # of which a fifth is used
BESIDE_EVENTS = 10_000_000  # the clients of all loads of a part have them in memory at once


class Loads:
    def __init__(self, base, build, events):
        self.folder = os.path.join(base, "load")
        self.build = build
        self.events = events
        small = max(events // 100, 1000)
        beside = min(events, BESIDE_EVENTS)
        # name: events, clients, events a batch, seed, order
        self.plans = {
            "main": (events, CLIENTS, BATCH_EVENTS, SEED, "time"),
            "small": (small, 1, BATCH_EVENTS, SEED, "time"),
            "sorted": (events, CLIENTS, BATCH_EVENTS, SEED, "sorted"),
            "late": (events, CLIENTS, BATCH_EVENTS, SEED, "late"),
            "dense": (events, CLIENTS, BATCH_EVENTS, SEED, "dense"),
            "tenants": (small, 1, 100, SEED, "time"),
            "churn": (min(events, CHURN_EVENTS), CLIENTS, 100, SEED, "time"),
            "ack": (ACK_EVENTS, 1, 1, SEED, "time"),
            "quiet": (beside, CLIENTS, BATCH_EVENTS, SEED + 1, "time"),
            "busy": (beside, CLIENTS, BATCH_EVENTS, SEED + 2, "time"),
        }
        self.made = {}
        os.makedirs(self.folder)

    def path(self, name, *entry):
        return os.path.join(self.folder, name, *entry)

    def get(self, name):
        """What the load of that name holds: events, tickets, bytes, clients; makes it the first time."""
        if name not in self.made:
            events, clients, batch, seed, order = self.plans[name]
            say(f"encoding {events:,} events: {name}")
            os.makedirs(self.path(name))
            made = check_json([self.build.bench("load"), "make", self.path(name), str(events), str(clients), str(batch),
                               str(seed), order])
            if made["events"] != events:
                fail(f"the load {name} has {made['events']} events instead of {events}")
            if name == "tenants":  # each tenant is sent the same
                for index in range(1, TENANTS):
                    os.symlink("client-0", self.path(name, f"client-{index}"))
            self.made[name] = made
        return self.made[name]

    def table(self, name):
        """The path of the same events as a plain table."""
        events, clients, _, seed, _ = self.plans[name]
        path = self.path(name, "events.csv")
        self.get(name)
        if not os.path.exists(path):
            say(f"writing {events:,} events as a table: {name}")
            written = check_json([self.build.bench("load"), "table", self.path(name), str(events), str(clients), str(seed)])
            if written["events"] != events:
                fail(f"the table {name} has {written['events']} events instead of {events}")
        return path

    def forget(self, name):
        """What the clients of an earlier part left; the load stays."""
        for entry in os.listdir(self.path(name)):
            if entry == "go" or entry.startswith(("ready-", "result-")):
                os.unlink(self.path(name, entry))

    def drop(self, name):
        """The load too: it is large and will not be sent again."""
        if self.made.pop(name, None):
            shutil.rmtree(self.path(name))
