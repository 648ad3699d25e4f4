"""What every system test may ask for."""
import os
import random
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import collector as collector_module  # noqa: E402  (needs the path above)


def pytest_configure(config):
    config.addinivalue_line("markers", "rounds: repeats at random what another test does once")


@pytest.fixture
def seed(request):
    """The seed of this run, a different one a test; printed when the test fails."""
    value = f"{os.environ.get('TENDON_TEST_SEED', '1')}/{request.node.nodeid}"
    print(f"seed {value}")
    return value


@pytest.fixture
def chance(seed):
    return random.Random(seed)


@pytest.fixture
def long():
    return os.environ.get("TENDON_TEST_LONG") == "1"


@pytest.fixture
def make_collector():
    """Makes collectors that are not started yet; what is left of them is removed at the end."""
    made = []

    def make(**options):
        made.append(collector_module.Collector(**options))
        return made[-1]

    yield make
    for each in made:
        each.remove()


@pytest.fixture(scope="module")
def shared_collector():
    """One collector for all tests of a file, with a listening socket."""
    with collector_module.Collector(listen=True) as running:
        yield running
