"""Queries about the link-request ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session, col

from services.store.paging import Page, Window
from services.store.selecting import cut, mentions
from services.store.tables import LinkRequestRow

BY_CLOCK = "clock"
"""How we learnt of an end that nobody told: the time ran out."""


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
    expires_before: datetime | None = None


SORTABLE = {
    "company_name": col(LinkRequestRow.company_name),
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


def get(session: Session, request_id: int) -> LinkRequestRow | None:
    return session.get(LinkRequestRow, request_id)


def pending(session: Session, tenant_id: str | None = None) -> Sequence[LinkRequestRow]:
    """Requests that wait for an answer, of one client or of all."""
    wanted = LinkRequestFilter(status=LinkRequestStatus.PENDING, tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def open_to_approval(session: Session) -> Sequence[LinkRequestRow]:
    """Requests that may turn out approved: those that wait, or that only our clock gave up."""
    answered_by_nobody = or_(
        col(LinkRequestRow.status) == LinkRequestStatus.PENDING,
        and_(
            col(LinkRequestRow.status) == LinkRequestStatus.EXPIRED,
            col(LinkRequestRow.learnt_by) == BY_CLOCK,
        ),
    )
    current = _where(LinkRequestFilter())
    found = session.execute(select(LinkRequestRow).where(answered_by_nobody, *current))
    return found.scalars().all()


def current_of(session: Session, tenant_id: str) -> Sequence[LinkRequestRow]:
    """The requests of a client that no later one superseded."""
    wanted = LinkRequestFilter(tenant_id=tenant_id)
    return session.execute(select(LinkRequestRow).where(*_where(wanted))).scalars().all()


def due(session: Session, now: datetime) -> Sequence[LinkRequestRow]:
    """Pending requests whose time has run out at ``now``."""
    return [request for request in pending(session) if request.expires_at <= now]


def any_at_all(session: Session) -> bool:
    return session.execute(select(col(LinkRequestRow.id)).limit(1)).first() is not None
