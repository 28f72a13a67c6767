"""Webhook events: what came, what became of it, and having it applied anew."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_high
from typing import Any

from services.activity import laid_out
from services.store import Page, Store, Window, webhook_events
from services.store.tables import AuditRow
from services.store.webhook_events import EventFilter, EventState

__all__ = ["EventFilter", "EventState"]

APPLIED_LOOKED_AT = 100
NO_LONGER_KEPT = "What was sent is no longer kept."


@dataclass(frozen=True)
class StoredEvent:
    """An event that was let in, what became of it, and what it is about as far as it is known."""

    id: str
    event: str
    state: EventState
    reason: str | None
    tenant_id: str | None
    """Also that of the case, where the event names no client."""
    client_name: str | None
    case_id: str | None
    reference: str | None
    """Of the case."""
    happened_at: datetime | None
    received_at: datetime
    settled_at: datetime | None
    next_try_at: datetime | None
    attempts: int


@dataclass(frozen=True)
class OpenedEvent:
    """One event as it stands now, and what was sent, laid out for reading."""

    event: StoredEvent
    text: str


@dataclass(frozen=True)
class RefusedCount:
    """How often deliveries were refused for one reason, and when last."""

    reason: str
    count: int
    last_at: datetime


def list_events(store: Store, wanted: EventFilter, window: Window) -> Page[StoredEvent]:
    """A page of the events that were let in."""
    with store.read() as session:
        page = webhook_events.page_of(session, wanted, window)
    return Page([_stored(row) for row in page.rows], page.total)


def open_event(store: Store, event_id: str) -> OpenedEvent | None:
    """One event with its text; None where there is none of this id."""
    with store.read() as session:
        found = webhook_events.one(session, event_id)
    return (
        None
        if found is None
        else OpenedEvent(_stored(found), laid_out(found.body) or NO_LONGER_KEPT)
    )


def count_by_state(store: Store) -> dict[EventState, int]:
    """How many events stand how."""
    with store.read() as session:
        found = webhook_events.count_by_state(session)
    return {state: found.get(state, 0) for state in EventState}


def last_received_at(store: Store) -> datetime | None:
    """When the last event came; None while none has."""
    with store.read() as session:
        return webhook_events.last_received_at(session)


def median_time_to_apply(store: Store) -> timedelta | None:
    """How long the last 100 applied events took from receipt; half of them were no slower.

    None while none was applied.
    """
    applied = EventFilter(states=(EventState.APPLIED,))
    latest = list_events(store, applied, Window(1, APPLIED_LOOKED_AT, "received_at", True))
    times = [each.settled_at - each.received_at for each in latest.rows if each.settled_at]
    return median_high(times) if times else None


def refused(store: Store) -> list[RefusedCount]:
    """How often deliveries were refused, the latest reason first."""
    with store.read() as session:
        return [
            RefusedCount(row.reason, row.count, row.last_at)
            for row in webhook_events.refused(session)
        ]


def replay(store: Store, event_ids: Collection[str] | None, *, actor: str, now: datetime) -> int:
    """Have failed events, all or those with ``event_ids``, applied anew; return how many."""
    with store.write() as session:
        count = webhook_events.replay(session, event_ids)
        subject = "all failed events" if event_ids is None else ", ".join(sorted(event_ids))
        session.add(
            AuditRow(
                at=now,
                actor=actor,
                action="replay webhook events",
                subject=subject,
                outcome=f"{count} to be applied anew",
            )
        )
    return count


def _stored(row: Any) -> StoredEvent:
    return StoredEvent(
        id=row.id,
        event=row.event or "",
        state=EventState(row.state),
        reason=row.reason,
        tenant_id=row.tenant_id,
        client_name=row.client_name or row.tenant_id,
        case_id=row.case_id,
        reference=row.reference or row.case_id,
        happened_at=row.happened_at,
        received_at=row.received_at,
        settled_at=row.settled_at,
        next_try_at=row.next_try_at,
        attempts=row.attempts,
    )
