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

OURS = ("DEBITURA_", "PARTNER_DASHBOARD_", "DATABASE_URL")


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
