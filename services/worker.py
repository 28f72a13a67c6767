"""The worker: keeps the store true, pass after pass, until told to stop."""

import logging
from collections.abc import Callable
from threading import Event

from services.debitura import RateLimits
from services.settings import Settings
from services.store import StoreError
from services.sync.passes import Sync
from services.sync.report import SyncReport
from services.wiring import open_api, open_store

SECONDS_A_DAY = 86_400

log = logging.getLogger(__name__)


def shortest_pause(requests: int) -> float:
    """Seconds between passes of so many requests that do not use up the key's day."""
    return requests / RateLimits().per_day * SECONDS_A_DAY


def run(settings: Settings, stop: Event, *, on_pass: Callable[[SyncReport], None]) -> None:
    """Run a pass at once and then every ``sync_interval_seconds``, until ``stop`` is set.

    Passes that take many requests come less often, so that the key's day is not used up. A pass
    that finds the store locked or full is told and tried again at the next interval. Raises
    SettingsError, or StoreError where the store cannot be opened at all.
    """
    store = open_store(settings)
    try:
        with open_api(settings) as api:
            sync = Sync(store, api, full_every=settings.full_scan_every)
            while not stop.is_set():
                pause = settings.sync_interval_seconds
                try:
                    report = sync.run()
                    pause = max(pause, shortest_pause(report.requests))
                    on_pass(report)
                except StoreError as error:
                    log.error("The pass was given up: %s", error)
                stop.wait(pause)
    finally:
        store.close()
