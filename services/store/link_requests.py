"""Queries about the link-request ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import extract, func, null, or_, select, update
from sqlmodel import Session, col

from services.domain.link_request import LinkRequestStatus
from services.store.paging import Page, Window
from services.store.selecting import cut, mentions, one_of
from services.store.tables import ClientRow, LinkRequestRow


@dataclass(frozen=True)
class LinkRequestFilter:
    """Which requests are wanted; superseded ones are history and left out unless asked for."""

    status: LinkRequestStatus | None = None
    tenant_id: str | None = None
    text: str = ""
    superseded: bool = False
    expires_before: datetime | None = None
    countries: tuple[str, ...] = ()
    askers: tuple[str, ...] = ()
    asked_from: datetime | None = None
    asked_before: datetime | None = None
    took_from: timedelta | None = None
    took_before: timedelta | None = None
    ended_from: datetime | None = None


_seconds_taken = extract("epoch", col(LinkRequestRow.resolved_at)) - extract(
    "epoch", col(LinkRequestRow.requested_at)
)
"""From the asking to the end, in whole seconds."""
SORTABLE = {
    "company_name": col(LinkRequestRow.company_name),
    "country": col(LinkRequestRow.country),
    "requested_by": col(LinkRequestRow.requested_by),
    "requested_at": col(LinkRequestRow.requested_at),
    "expires_at": col(LinkRequestRow.expires_at),
    "resolved_at": col(LinkRequestRow.resolved_at),
}


def _where(wanted: LinkRequestFilter) -> list[Any]:
    conditions = mentions(col(LinkRequestRow.search_text), wanted.text)
    if wanted.status is not None:
        conditions.append(col(LinkRequestRow.status) == wanted.status)
    if wanted.tenant_id is not None:
        conditions.append(col(LinkRequestRow.external_tenant_id) == wanted.tenant_id)
    if wanted.expires_before is not None:
        conditions.append(col(LinkRequestRow.expires_at) < wanted.expires_before)
    if not wanted.superseded:
        conditions.append(col(LinkRequestRow.superseded_at).is_(None))
    if wanted.ended_from is not None:
        conditions.append(col(LinkRequestRow.resolved_at) >= wanted.ended_from)
    conditions += one_of(col(LinkRequestRow.country), wanted.countries)
    conditions += one_of(col(LinkRequestRow.requested_by), wanted.askers)
    return [*conditions, *_asked_within(wanted), *_took(wanted)]


def _asked_within(wanted: LinkRequestFilter) -> list[Any]:
    asked = col(LinkRequestRow.requested_at)
    conditions = []
    if wanted.asked_from is not None:
        conditions.append(asked >= wanted.asked_from)
    if wanted.asked_before is not None:
        conditions.append(asked < wanted.asked_before)
    return conditions


def _took(wanted: LinkRequestFilter) -> list[Any]:
    conditions = []
    if wanted.took_from is not None:
        conditions.append(_seconds_taken >= wanted.took_from.total_seconds())
    if wanted.took_before is not None:
        conditions.append(_seconds_taken < wanted.took_before.total_seconds())
    return conditions


def page_of(session: Session, wanted: LinkRequestFilter, window: Window) -> Page[LinkRequestRow]:
    return cut(
        session,
        select(LinkRequestRow).where(*_where(wanted)),
        window,
        sortable=SORTABLE,
        default="expires_at",
        key=col(LinkRequestRow.id),
    )


def count_by_status(session: Session, wanted: LinkRequestFilter) -> dict[str, int]:
    found = session.execute(
        select(col(LinkRequestRow.status), func.count())
        .where(*_where(wanted))
        .group_by(LinkRequestRow.status)
    )
    return dict(found.all())


def times_taken(session: Session, wanted: LinkRequestFilter) -> list[timedelta]:
    """How long it took from each asking to its end, the shortest first."""
    ended = (*_where(wanted), col(LinkRequestRow.resolved_at).is_not(None))
    found = session.execute(select(_seconds_taken).where(*ended).order_by(_seconds_taken))
    return [timedelta(seconds=float(seconds)) for seconds in found.scalars()]


def countries(session: Session) -> list[str]:
    return _occurring(session, LinkRequestRow.country)


def askers(session: Session) -> list[str]:
    return _occurring(session, LinkRequestRow.requested_by)


def _occurring(session: Session, column: Any) -> list[str]:
    current = col(LinkRequestRow.superseded_at).is_(None)
    found = session.execute(select(col(column)).where(current, col(column).is_not(None)).distinct())
    return sorted(found.scalars())


def get(session: Session, request_id: int) -> LinkRequestRow | None:
    return session.get(LinkRequestRow, request_id)


def pending(session: Session, tenant_id: str | None = None) -> Sequence[LinkRequestRow]:
    """Requests that wait for an answer, of one client or of all."""
    wanted = LinkRequestFilter(status=LinkRequestStatus.PENDING, tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def not_approved_but_listed(
    session: Session,
) -> Sequence[tuple[LinkRequestRow, ClientRow]]:
    """Current requests that may turn out to be approved, with the client that is listed now."""
    found = session.execute(
        select(LinkRequestRow, ClientRow)
        .join(
            ClientRow,
            col(ClientRow.external_tenant_id) == col(LinkRequestRow.external_tenant_id),
        )
        .where(
            col(LinkRequestRow.status) != LinkRequestStatus.APPROVED,
            col(ClientRow.archived_at).is_(None),
            *_where(LinkRequestFilter()),
        )
    )
    return [(request, client) for request, client in found]


def all_of(session: Session, tenant_id: str) -> Sequence[LinkRequestRow]:
    """Every request of a client, the superseded ones too, in the order they were asked."""
    asked = select(LinkRequestRow).where(col(LinkRequestRow.external_tenant_id) == tenant_id)
    in_order = asked.order_by(col(LinkRequestRow.requested_at), col(LinkRequestRow.id))
    return session.execute(in_order).scalars().all()


def current_of(session: Session, tenant_id: str) -> Sequence[LinkRequestRow]:
    """The requests of a client that no later one superseded."""
    wanted = LinkRequestFilter(tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def due(session: Session, now: datetime) -> Sequence[LinkRequestRow]:
    """Pending requests whose time has run out at ``now``."""
    waiting = _where(LinkRequestFilter(status=LinkRequestStatus.PENDING))
    over = col(LinkRequestRow.expires_at) <= now
    return session.execute(select(LinkRequestRow).where(over, *waiting)).scalars().all()


def forget_payloads(session: Session, *, ended_before: datetime) -> None:
    """Drop what was asked where nobody will ask it again: it holds names and addresses.

    That is of approved and superseded requests at once, and of others that ended before
    ``ended_before``.
    """
    done = (
        col(LinkRequestRow.status) == LinkRequestStatus.APPROVED,
        col(LinkRequestRow.superseded_at).is_not(None),
        col(LinkRequestRow.resolved_at) < ended_before,
    )
    kept = col(LinkRequestRow.payload).is_not(None)
    session.execute(update(LinkRequestRow).where(kept, or_(*done)).values(payload=null()))


def any_at_all(session: Session) -> bool:
    return session.execute(select(col(LinkRequestRow.id)).limit(1)).first() is not None
