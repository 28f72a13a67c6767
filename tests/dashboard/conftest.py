"""Stores that the real sync filled from a real sandbox, and the product over them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import streamlit as st
from dashboard_reader import AWKWARD, PAST_REQUESTS, Product, Source

from dashboard import data
from services import link_requests
from services.debitura import NewClient
from services.sandbox import SandboxOptions, World, serving
from services.sandbox.sample_requests import SAMPLE_REQUESTS
from services.settings import SettingsError
from services.store import StoreError
from services.wiring import open_api, open_store

SMALL = SandboxOptions(clients=90, cases=420, transactions=640, requests_per_minute=None)
TINY = SandboxOptions(clients=20, cases=60, transactions=80, requests_per_minute=None)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything in its store; for copying only."""
    folder = tmp_path_factory.mktemp("filled")
    world = World.generate(SMALL)
    for tenant_id, name in AWKWARD.items():
        client = world.client(tenant_id)
        assert client is not None
        client.name = name
    with serving(world, SMALL) as url:
        source = Source(url)
        _ask_for_links(source, world, folder)
        assert source.sync(folder).is_true
    return folder


def _ask_for_links(source: Source, world: World, folder: Path) -> None:
    """Requests that are pending, and one each that ran out and that was approved."""
    now = datetime.now(UTC)
    asked = [(NewClient.model_validate(body), now) for body in SAMPLE_REQUESTS]
    asked += [
        (NewClient.model_validate(body), now - timedelta(days=age)) for body, age in PAST_REQUESTS
    ]
    settings = source.settings(folder)
    store = open_store(settings)
    with open_api(settings) as api:
        for new_client, moment in asked:
            link_requests.ask_for_link(
                store, api, new_client, actor="tests", now=moment, ttl=settings.approval_ttl
            )
    store.close()
    approved = next(r for r in world.link_requests if r.tenant_id == "approved-one")
    assert world.approve(approved.token)


@pytest.fixture(scope="session")
def tiny() -> Iterator[Source]:
    """A small sandbox that answers."""
    with serving(World.generate(TINY), TINY) as url:
        yield Source(url)


@pytest.fixture
def changing() -> Iterator[tuple[Source, World]]:
    """A small sandbox with its world, for a test that changes it between two requests."""
    world = World.generate(TINY)
    with serving(world, TINY) as url:
        yield Source(url), world


@pytest.fixture
def product_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Product]]:
    """The product over a data folder, with nothing kept from any other."""

    def start(folder: Path) -> Product:
        for name in ("DEBITURA_API_KEY", "DATABASE_URL", "DEBITURA_REFERRAL_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("DEBITURA_ENVIRONMENT", "sandbox")
        monkeypatch.setenv("PARTNER_DASHBOARD_DATA", str(folder))
        return Product(folder)

    _forget()
    yield start
    with suppress(StoreError, SettingsError):
        data.backend().store.close()
    _forget()


def _forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def product(product_in: Callable[[Path], Product], filled: Path, tmp_path: Path) -> Product:
    """The product over a copy of the filled store."""
    folder = tmp_path / "data"
    shutil.copytree(filled, folder)
    return product_in(folder)
