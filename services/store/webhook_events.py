"""Webhook events as received, and what became of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, Table, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from services.store.paging import Page, Window
from services.store.selecting import one_of
from services.store.tables import CaseRow, ClientRow, RefusedDeliveryRow, WebhookEventRow
from services.store.text import LONGEST_WORD, like_pattern


class EventState(StrEnum):
    """What became of an event; the values are what exports carry."""

    RECEIVED = "received"
    APPLIED = "applied"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True)
class EventFilter:
    """Which events are wanted; what is left empty does not narrow."""

    states: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    text: str = ""
    """A part of the event's own id, or of the id of the client or case that it names."""


SORTABLE = ("received_at", "event", "state")


def add(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep events; one whose id is kept already is left as it is."""
    if not rows:
        return
    dialect = postgresql if session.connection().dialect.name == "postgresql" else sqlite
    table: Table = WebhookEventRow.__table__  # type: ignore[attr-defined]
    session.connection().execute(
        dialect.insert(table).on_conflict_do_nothing(index_elements=["id"]), list(rows)
    )


def count_refused(session: Session, reasons: Mapping[str, int], *, now: datetime) -> None:
    """Count deliveries that were refused, by reason."""
    for reason, count in reasons.items():
        row = session.get(RefusedDeliveryRow, reason)
        if row is None:
            session.add(RefusedDeliveryRow(reason=reason, count=count, last_at=now))
        else:
            row.count, row.last_at = row.count + count, now


def refused(session: Session) -> Sequence[RefusedDeliveryRow]:
    """How often deliveries were refused, the latest reason first."""
    latest_first = select(RefusedDeliveryRow).order_by(col(RefusedDeliveryRow.last_at).desc())
    return session.execute(latest_first).scalars().all()


def due(session: Session, *, now: datetime, limit: int) -> Sequence[WebhookEventRow]:
    """Events that wait to be applied, the oldest first; those put off come when it is time."""
    waiting = select(WebhookEventRow).where(
        col(WebhookEventRow.state) == EventState.RECEIVED,
        or_(col(WebhookEventRow.next_try_at).is_(None), col(WebhookEventRow.next_try_at) <= now),
    )
    oldest_first = waiting.order_by(col(WebhookEventRow.received_at)).limit(limit)
    return session.execute(oldest_first).scalars().all()


def settle(
    session: Session,
    ids: Collection[str],
    state: EventState,
    *,
    reason: str | None = None,
    now: datetime,
) -> None:
    """Note the end of events that wait: applied, ignored, or failed after one more attempt."""
    attempts = col(WebhookEventRow.attempts) + (1 if state is EventState.FAILED else 0)
    session.execute(
        update(WebhookEventRow)
        .where(col(WebhookEventRow.id).in_(ids), _waits())
        .values(state=state, reason=reason, settled_at=now, next_try_at=None, attempts=attempts)
    )


def put_off(
    session: Session, event_id: str, *, attempts: int, reason: str, next_try_at: datetime
) -> None:
    """Note that an event could not be applied yet, and when it is tried again."""
    session.execute(
        update(WebhookEventRow)
        .where(col(WebhookEventRow.id) == event_id, _waits())
        .values(attempts=attempts, reason=reason, next_try_at=next_try_at)
    )


def reopen(session: Session, tenant_id: str, events: Iterable[str]) -> None:
    """Let events of a client that were ignored be looked at once more."""
    session.execute(
        update(WebhookEventRow)
        .where(
            col(WebhookEventRow.external_tenant_id) == tenant_id,
            col(WebhookEventRow.event).in_(list(events)),
            col(WebhookEventRow.state) == EventState.IGNORED,
        )
        .values(_as_received())
    )


def forget(session: Session, *, texts_before: datetime, rows_before: datetime) -> None:
    """Drop the texts of settled events received before a moment, and whole events before another.

    Texts hold names and numbers of companies; those of failed events are kept to be replayed.
    """
    settled = col(WebhookEventRow.state).in_([EventState.APPLIED, EventState.IGNORED])
    received_at = col(WebhookEventRow.received_at)
    session.execute(delete(WebhookEventRow).where(received_at < rows_before))
    session.execute(
        update(WebhookEventRow).where(received_at < texts_before, settled).values(body="")
    )


def _waits() -> Any:
    """Another worker may have settled it meanwhile."""
    return col(WebhookEventRow.state) == EventState.RECEIVED


def _as_received() -> dict[str, Any]:
    return {
        "state": EventState.RECEIVED,
        "attempts": 0,
        "reason": None,
        "next_try_at": None,
        "settled_at": None,
    }


def replay(session: Session, ids: Collection[str] | None = None) -> int:
    """Let failed events, all or those with ``ids``, be tried anew; return how many there were."""
    wanted = [] if ids is None else [col(WebhookEventRow.id).in_(ids)]
    result = session.execute(
        update(WebhookEventRow)
        .where(col(WebhookEventRow.state) == EventState.FAILED, *wanted)
        .values(_as_received())
    )
    count: int = result.rowcount  # type: ignore[attr-defined]
    return count


def page_of(session: Session, wanted: EventFilter, window: Window) -> Page[Row[Any]]:
    """Events without their texts, each with what it is about.

    A row has the event's columns, and its ``tenant_id`` (of the case where the event names no
    client), ``client_name`` and ``reference``, None where they are not known.
    """
    table = WebhookEventRow.__table__  # type: ignore[attr-defined]
    total: int = session.execute(
        select(func.count()).select_from(table).where(*_where(wanted))
    ).scalar_one()
    by = window.sort if window.sort in SORTABLE else SORTABLE[0]
    # The page is cut first, so that only its own rows are looked up, however deep it lies.
    page = select(*(column for column in table.c if column.name != "body"))
    page = page.where(*_where(wanted)).offset(window.offset)
    page = page.order_by(_ordered(table.c[by], window), table.c.id)
    if window.size is not None:
        page = page.limit(window.size)
    event = page.subquery().c
    rows = session.execute(_with_subject(event).order_by(_ordered(event[by], window), event.id))
    return Page(rows.all(), total)


def _ordered(column: Any, window: Window) -> Any:
    return column.desc() if window.descending else column.asc()


def one(session: Session, event_id: str) -> Row[Any] | None:
    """One event as ``page_of`` tells it, and its ``body``; None where there is none."""
    table = WebhookEventRow.__table__  # type: ignore[attr-defined]
    event = select(table).where(table.c.id == event_id).subquery().c
    return session.execute(_with_subject(event)).one_or_none()


def _with_subject(event: Any) -> Any:
    tenant_id = func.coalesce(event.external_tenant_id, col(CaseRow.external_tenant_id))
    return (
        select(
            *event,
            tenant_id.label("tenant_id"),
            col(ClientRow.name).label("client_name"),
            col(CaseRow.reference),
        )
        .outerjoin(CaseRow, col(CaseRow.id) == event.case_id)
        .outerjoin(ClientRow, col(ClientRow.external_tenant_id) == tenant_id)
    )


def count_by_state(session: Session) -> dict[str, int]:
    found = session.execute(
        select(col(WebhookEventRow.state), func.count()).group_by(WebhookEventRow.state)
    )
    return dict(found.all())


def last_received_at(session: Session) -> datetime | None:
    """When the last event came; None while none has."""
    latest: datetime | None = session.execute(
        select(func.max(WebhookEventRow.received_at))
    ).scalar_one()
    return latest


def _where(wanted: EventFilter) -> list[Any]:
    conditions: list[Any] = one_of(col(WebhookEventRow.state), wanted.states)
    conditions += one_of(col(WebhookEventRow.event), wanted.events)
    text = wanted.text.strip()
    if text:
        pattern = like_pattern(text[:LONGEST_WORD])
        found_by = (
            col(WebhookEventRow.external_tenant_id),
            col(WebhookEventRow.case_id),
            col(WebhookEventRow.id),
        )
        conditions.append(or_(*(each.ilike(pattern, escape="\\") for each in found_by)))
    return conditions
