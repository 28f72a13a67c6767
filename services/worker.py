"""The worker: keeps the store true, pass after pass and event by event, until told to stop."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

from services import subscriptions
from services.debitura import DebituraError, RateLimits, ReferralPartnerApi
from services.settings import Settings
from services.store import Store, StoreError, announce, ledger, link_requests, webhook_events
from services.store.bookkeeping import Scope
from services.sync.events import EventApplier
from services.sync.passes import Sync
from services.sync.report import FULL, SyncReport
from services.wiring import open_api, open_store

SECONDS_A_DAY = 86_400
LOOK_FOR_EVENTS_EVERY_S = 0.2
REST_AFTER_TROUBLE_S = 5.0
LOOK_AT_THE_CLOCK_EVERY = timedelta(seconds=5)
EVENT_TEXTS_KEPT = timedelta(days=30)
EVENTS_KEPT = timedelta(days=180)

log = logging.getLogger(__name__)


def shortest_pause(requests: int) -> float:
    """Seconds between passes of so many requests that do not use up the key's day."""
    return requests / RateLimits().per_day * SECONDS_A_DAY


def run(settings: Settings, stop: Event, *, on_pass: Callable[[SyncReport], None]) -> None:
    """Run a pass at once and then every ``sync_interval_seconds``, until ``stop`` is set.

    Beside that, webhook events are applied as they come, and link requests expire in time. Passes
    that take many requests come less often, so that the key's day is not used up. What finds the
    store locked or full is told and tried again. Raises SettingsError, or StoreError where the
    store cannot be opened at all.
    """
    store = open_store(settings)
    try:
        with open_api(settings) as api, open_api(settings, patient=False) as for_events:
            applier = EventApplier(store, for_events, ttl=settings.approval_ttl)
            with _beside(lambda ended: keep_applying(store, applier, ended)):
                _keep_syncing(settings, store, api, stop, on_pass)
    finally:
        store.close()


@contextmanager
def _beside(work: Callable[[Event], None]) -> Iterator[None]:
    """Have ``work`` done in a thread of its own; it is told when the block ends."""
    ended = Event()
    thread = Thread(target=work, args=(ended,), name="events")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_syncing(
    settings: Settings,
    store: Store,
    api: ReferralPartnerApi,
    stop: Event,
    on_pass: Callable[[SyncReport], None],
) -> None:
    sync = Sync(store, api, full_every=settings.full_scan_every)
    while not stop.is_set():
        pause = settings.sync_interval_seconds
        try:
            report = sync.run()
            pause = max(pause, shortest_pause(report.requests))
            on_pass(report)
            if report.kind == FULL:
                forget_events(store, now=report.started_at)
            if any(each.scope is Scope.PARTNER and each.is_true for each in report.scopes):
                _look_at_subscriptions(store, api)
        except StoreError as error:
            log.error("The pass was given up: %s", error)
        stop.wait(pause)


def _look_at_subscriptions(store: Store, api: ReferralPartnerApi) -> None:
    try:
        subscriptions.remember(store, api, now=datetime.now(UTC))
    except DebituraError as error:
        log.warning("The webhook subscriptions could not be read: %s", error)


def forget_events(store: Store, *, now: datetime) -> None:
    """Drop what webhooks brought once nobody needs it."""
    with store.write(quiet=True) as session:
        webhook_events.forget(
            session, texts_before=now - EVENT_TEXTS_KEPT, rows_before=now - EVENTS_KEPT
        )


def keep_applying(store: Store, applier: EventApplier, stop: Event) -> None:
    """Apply webhook events as they come, and let link requests expire, until ``stop`` is set."""
    looked_at = datetime.min.replace(tzinfo=UTC)
    while not stop.is_set():
        rest = LOOK_FOR_EVENTS_EVERY_S
        try:
            now = datetime.now(UTC)
            if now - looked_at >= LOOK_AT_THE_CLOCK_EVERY:
                looked_at = now
                expire_due(store, now=now)
            if applier.run():
                rest = 0
        except (StoreError, DebituraError) as error:
            log.error("Webhook events have to wait: %s", error)
            rest = REST_AFTER_TROUBLE_S
        except Exception:
            # Without this thread no event would be applied and no request run out ever again.
            log.exception("Webhook events have to wait.")
            rest = REST_AFTER_TROUBLE_S
        stop.wait(rest)


def expire_due(store: Store, *, now: datetime) -> None:
    """Let the link requests expire whose time ran out."""
    with store.read() as session:
        if not link_requests.due(session, now):
            return
    with store.write(quiet=True) as session:
        if ledger.expire_due(session, now=now):
            announce(session)
