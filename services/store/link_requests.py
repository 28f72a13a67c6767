"""Queries about the link-request ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session, col

from services.store.paging import Page, Window
from services.store.selecting import cut
from services.store.tables import LinkRequestRow
from services.store.text import like_pattern


class LinkRequestStatus(StrEnum):
    """What became of a link request; the values are what exports carry."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True)
class LinkRequestFilter:
    """Which requests are wanted; superseded ones are history and left out unless asked for."""

    status: LinkRequestStatus | None = None
    tenant_id: str | None = None
    text: str = ""
    superseded: bool = False


SORTABLE = {
    "company_name": col(LinkRequestRow.company_name),
    "requested_at": col(LinkRequestRow.requested_at),
    "expires_at": col(LinkRequestRow.expires_at),
    "resolved_at": col(LinkRequestRow.resolved_at),
}


def _where(wanted: LinkRequestFilter) -> list[Any]:
    conditions: list[Any] = []
    if wanted.status is not None:
        conditions.append(col(LinkRequestRow.status) == wanted.status)
    if wanted.tenant_id is not None:
        conditions.append(col(LinkRequestRow.external_tenant_id) == wanted.tenant_id)
    if not wanted.superseded:
        conditions.append(col(LinkRequestRow.superseded_at).is_(None))
    for word in wanted.text.split():
        either = col(LinkRequestRow.company_name).ilike(like_pattern(word), escape="\\")
        other = col(LinkRequestRow.external_tenant_id).ilike(like_pattern(word), escape="\\")
        conditions.append(either | other)
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
    return dict(found.tuples().all())


def get(session: Session, request_id: int) -> LinkRequestRow | None:
    return session.get(LinkRequestRow, request_id)


def pending(session: Session, tenant_id: str | None = None) -> Sequence[LinkRequestRow]:
    """Requests that wait for an answer, of one client or of all."""
    wanted = LinkRequestFilter(status=LinkRequestStatus.PENDING, tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def current_of(session: Session, tenant_id: str) -> Sequence[LinkRequestRow]:
    """The requests of a client that no later one superseded."""
    wanted = LinkRequestFilter(tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def due(session: Session, now: datetime) -> Sequence[LinkRequestRow]:
    """Pending requests whose time has run out at ``now``."""
    return [request for request in pending(session) if request.expires_at <= now]


def any_at_all(session: Session) -> bool:
    return session.execute(select(col(LinkRequestRow.id)).limit(1)).first() is not None
