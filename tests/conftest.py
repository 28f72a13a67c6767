"""What all tests share: a clean environment, an empty store, and a contract server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from services.store import Store
from tests.contract_server import ContractServer, serving

# Two cores shared with others make any deadline a gamble; the same examples come every time.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

THOROUGH = "--thorough"
SEEDS = {"fault_seed": (1, 6), "kill_seed": (5, 30), "churn_seed": (4, 50)}
"""The seeds of a test by its parameter: how many as a rule, and how many when thorough."""
OURS = ("DEBITURA_", "PARTNER_DASHBOARD_", "DATABASE_URL")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        THOROUGH,
        action="store_true",
        help="Make every seeded run of the sync's tests: 30 kills and 50 churns, not a few.",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Seeds of runs too slow to make them all every time."""
    for name, (few, all_of_them) in SEEDS.items():
        if name in metafunc.fixturenames:
            count = all_of_them if metafunc.config.getoption(THOROUGH) else few
            metafunc.parametrize(name, range(count))


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """No setting of the person who runs the tests reaches them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(OURS)]:
            patch.delenv(name)
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store of the test environment."""
    opened = Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}", "test")
    yield opened
    opened.close()


@pytest.fixture
def server() -> Iterator[ContractServer]:
    """A running server without any rows."""
    with serving(ContractServer()) as running:
        yield running
