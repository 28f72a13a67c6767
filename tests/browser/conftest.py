"""Chromium, one product for all tests, and readers of it."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from running import Reader, product

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "No Chromium on this machine; get it with: apt-get install chromium"
FLAGS = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
WAIT_MS = 60_000

OpenReader = Callable[..., Reader]


def chromium() -> str | None:
    """The Chromium of this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for item in ours:
        item.add_marker(pytest.mark.browser)
    if ours and chromium() is None and os.environ.get("CI") != "true":
        # One skipped test says it for all; the others would only repeat the line.
        ours[0].add_marker(pytest.mark.skip(MISSING))
        config.hook.pytest_deselected(items=ours[1:])
        items[:] = [item for item in items if item not in ours[1:]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser to open contexts in."""
    found = chromium()
    if found is None:
        pytest.fail(MISSING)
    expect.set_options(timeout=WAIT_MS)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=[*FLAGS, *as_root])
        yield started
        started.close()


@pytest.fixture(scope="session")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the product, served as a user does; ended with Ctrl-C after the tests."""
    # Fewer syncs than a demonstration makes leave the processors to the pages.
    often_enough = {"PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS": "120"}
    with product(tmp_path_factory.mktemp("served"), **often_enough) as url:
        yield url


@pytest.fixture(scope="session")
def context_of(browser: Browser) -> Iterator[Callable[[str], BrowserContext]]:
    """One browser context per size of window."""
    made: dict[str, BrowserContext] = {}

    def context(size: str) -> BrowserContext:
        if size not in made:
            width, height = SIZES[size]
            made[size] = browser.new_context(
                viewport={"width": width, "height": height},
                accept_downloads=True,
                reduced_motion="reduce",
            )
            made[size].set_default_timeout(WAIT_MS)
        return made[size]

    yield context
    for each in made.values():
        each.close()


@pytest.fixture
def reader_at(context_of: Callable[[str], BrowserContext]) -> Iterator[OpenReader]:
    """Readers of the product at an address, each in a tab of its own; none may see an alarm."""
    readers: list[Reader] = []

    def open_reader(url: str, size: str = "wide") -> Reader:
        readers.append(Reader(context_of(size).new_page(), url))
        return readers[-1]

    yield open_reader
    for reader in readers:
        reader.page.close()
    assert not [wrong for reader in readers for wrong in reader.wrong]


@pytest.fixture
def reader(reader_at: OpenReader, served: str) -> Reader:
    """A reader with a wide window."""
    return reader_at(served)
