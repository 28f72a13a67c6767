"""What keeps webhooks from bringing what happens."""

from datetime import datetime, timedelta

from services.store import Store, webhook_events
from services.store.mirror import history_note, note_history
from services.store.tables import WebhookSubscriptionRow
from services.store.webhook_events import EventState
from services.webhook_health import QUIET_FOR, troubles
from tests.filling import NOW

LONG_AGO = NOW - timedelta(days=30)


def subscribe(store: Store, *, active: bool = True, reason: str | None = None) -> None:
    with store.write() as session:
        session.add(
            WebhookSubscriptionRow(
                id="s-1",
                url="https://dashboard.example/webhooks/debitura",
                events=["case.updated"],
                is_active=active,
                disabled_reason=reason,
                is_test_mode=False,
                created_at=LONG_AGO,
                updated_at=LONG_AGO,
                seen_at=NOW,
            )
        )


def find_changes(store: Store, count: int, at: datetime, learnt_by: str = "sync") -> None:
    notes = [
        history_note(
            "case", f"c-{number}", "lifecycle", "Active", "Paused", at=at, learnt_by=learnt_by
        )
        for number in range(count)
    ]
    with store.write() as session:
        note_history(session, notes)


def receive(store: Store, at: datetime, state: EventState = EventState.APPLIED) -> None:
    row = {
        "id": str(at),
        "event": "case.updated",
        "state": state,
        "received_at": at,
        "body": "{}",
        "attempts": 0,
    }
    with store.write() as session:
        webhook_events.add(session, [row])


def test_where_events_come_all_is_well(store: Store) -> None:
    subscribe(store)
    receive(store, NOW - timedelta(minutes=5))
    find_changes(store, 50, NOW - timedelta(hours=2))
    assert troubles(store, now=NOW) == []


def test_a_disabled_subscription_is_told_with_its_reason(store: Store) -> None:
    subscribe(store, active=False, reason="Disabled after 8 failed deliveries")
    [told] = troubles(store, now=NOW)
    assert "dashboard.example" in told
    assert "any more: Disabled after 8 failed deliveries. What happens" in told
    assert "Settings" in told


def test_silence_is_told_where_the_sync_found_what_an_event_would_have_told(store: Store) -> None:
    subscribe(store)
    receive(store, NOW - timedelta(hours=5))
    find_changes(store, 3, NOW - timedelta(hours=2))
    [told] = troubles(store, now=NOW)
    assert "No webhook event came in 5 hours, but the sync found 3 changes" in told


def test_silence_is_no_trouble_where_nothing_happened_or_it_is_short(store: Store) -> None:
    subscribe(store)
    receive(store, NOW - timedelta(hours=5))
    find_changes(store, 2, NOW - timedelta(hours=2))
    find_changes(store, 9, NOW - timedelta(hours=2), learnt_by="webhook")
    find_changes(store, 9, NOW - timedelta(hours=6))
    assert troubles(store, now=NOW) == []
    recently = NOW - QUIET_FOR + timedelta(seconds=1)
    receive(store, recently)
    find_changes(store, 9, recently + timedelta(minutes=1))
    assert troubles(store, now=NOW) == []


def test_without_a_subscription_silence_is_expected(store: Store) -> None:
    find_changes(store, 9, NOW - timedelta(hours=2))
    assert troubles(store, now=NOW) == []


def test_events_that_failed_are_told(store: Store) -> None:
    receive(store, NOW, EventState.FAILED)
    [told] = troubles(store, now=NOW)
    assert told.startswith("1 webhook event could not be applied.")
