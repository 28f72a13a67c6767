"""The worker: keeps the store true, pass after pass, until told to stop."""

import logging
from collections.abc import Callable
from threading import Event

from services.settings import Settings
from services.store import StoreError
from services.sync.passes import Sync, SyncReport
from services.wiring import open_api, open_store

log = logging.getLogger(__name__)


def run(settings: Settings, stop: Event, *, on_pass: Callable[[SyncReport], None]) -> None:
    """Run a pass at once and then every ``sync_interval_seconds``, until ``stop`` is set.

    A pass that finds the store locked or full is told and tried again at the next interval.
    Raises SettingsError, or StoreError where the store cannot be opened at all.
    """
    store = open_store(settings)
    try:
        with open_api(settings) as api:
            sync = Sync(store, api)
            while not stop.is_set():
                try:
                    on_pass(sync.run())
                except StoreError as error:
                    log.error("The pass was given up: %s", error)
                stop.wait(settings.sync_interval_seconds)
    finally:
        store.close()
