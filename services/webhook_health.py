"""Do webhooks bring what happens? What stands in the way, from what the store remembers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from services import subscriptions
from services.store import Store, activity, webhook_events
from services.store.webhook_events import EventState

QUIET_FOR = timedelta(hours=1)
"""How long no event may come while things change, before that is told."""
CHANGES_MISSED = 3
LOOK_BACK = timedelta(days=1)


def troubles(store: Store, *, now: datetime) -> list[str]:
    """One sentence for each thing that keeps events from being applied as they happen."""
    return [*_disabled(store), *_silence(store, now), *_failed(store)]


def _disabled(store: Store) -> Iterator[str]:
    known = subscriptions.last_known(store)
    some_come = any(each.is_active and each.comes_here for each in known)
    meanwhile = "" if some_come else " What happens shows with the next sync only."
    for each in known:
        if not each.is_active:
            why = (each.disabled_reason or "no reason told").rstrip(".")
            yield (
                f"Debitura delivers nothing to {each.place} any more: {why}.{meanwhile} Mend the "
                "receiver, then enable the subscription again on Settings, or delete it there."
            )


def _silence(store: Store, now: datetime) -> Iterator[str]:
    """Events that should have come: the sync found changes that a webhook would have told."""
    active = [each for each in subscriptions.last_known(store) if each.is_active]
    begun = [each.updated_at or each.created_at or each.seen_at for each in active]
    if not begun:
        return
    with store.read() as session:
        last = webhook_events.last_received_at(session)
        quiet_since = max(*begun, *([last] if last else []), now - LOOK_BACK)
        missed = activity.count_found_by_sync(session, since=quiet_since)
    if now - quiet_since >= QUIET_FOR and missed >= CHANGES_MISSED:
        yield (
            f"No webhook event came in {_hours(now - quiet_since)}, but the sync found "
            f"{missed:,} changes that one would have told. Check on Settings that the "
            "subscription's address leads here, and send a test event."
        )


def _failed(store: Store) -> Iterator[str]:
    with store.read() as session:
        failed = webhook_events.count_by_state(session).get(EventState.FAILED, 0)
    if failed:
        yield (
            f"{failed:,} webhook {'event' if failed == 1 else 'events'} could not be applied. "
            "Look at the reasons on Activity, and replay them there."
        )


def _hours(span: timedelta) -> str:
    hours = int(span / timedelta(hours=1))
    return "an hour" if hours == 1 else f"{hours} hours"
