"""Queries about cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, exists, func, not_, or_, select, update
from sqlmodel import Session, col

from services.store.mirror import CASES
from services.store.paging import Page, Window
from services.store.selecting import begins, cut, mentions, one_of
from services.store.tables import CaseRow, ClientRow, TransactionRow, WebhookEventRow


@dataclass(frozen=True)
class CaseFilter:
    """Which cases are wanted; what is left empty does not narrow."""

    text: str = ""
    first_in_text: bool = False
    """Only what begins with ``text``, instead of all that mentions it."""
    tenant_id: str | None = None
    lifecycles: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    debtor_countries: tuple[str, ...] = ()
    collection_partners: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    needs_info: bool | None = None
    """Whether an open case waits for information that the client has not given yet."""
    created_from: datetime | None = None
    created_before: datetime | None = None
    archived: bool = False


SORTABLE = {
    "reference": col(CaseRow.reference),
    "client_name": col(CaseRow.client_name),
    "debtor_name": col(CaseRow.debtor_name),
    "lifecycle": col(CaseRow.lifecycle),
    "lifecycle_since": col(CaseRow.lifecycle_since),
    "gross": (col(CaseRow.currency), col(CaseRow.gross)),
    "remainder": (col(CaseRow.currency), col(CaseRow.remainder)),
    "created_at": col(CaseRow.created_at),
    "due_at": col(CaseRow.due_at),
    "last_activity_at": col(CaseRow.last_activity_at),
}


def _where(wanted: CaseFilter) -> list[Any]:
    conditions = mentions(col(CaseRow.search_text), wanted.text)
    if wanted.first_in_text:
        conditions.append(begins(col(CaseRow.search_text), wanted.text))
    conditions += one_of(col(CaseRow.lifecycle), wanted.lifecycles)
    conditions += one_of(col(CaseRow.engagement_phase), wanted.phases)
    conditions += one_of(col(CaseRow.debtor_country), wanted.debtor_countries)
    conditions += one_of(col(CaseRow.collection_partner), wanted.collection_partners)
    conditions += one_of(col(CaseRow.currency), wanted.currencies)
    if wanted.tenant_id is not None:
        conditions.append(col(CaseRow.external_tenant_id) == wanted.tenant_id)
    if wanted.needs_info is not None:
        waits = and_(
            col(CaseRow.needs_info),
            col(CaseRow.creditor_responded_at).is_(None),
            col(CaseRow.lifecycle).not_in(CASES.ended[1]) | col(CaseRow.lifecycle).is_(None),
        )
        conditions.append(waits if wanted.needs_info else not_(waits))
    if wanted.created_from is not None:
        conditions.append(col(CaseRow.created_at) >= wanted.created_from)
    if wanted.created_before is not None:
        conditions.append(col(CaseRow.created_at) < wanted.created_before)
    if not wanted.archived:
        conditions.append(col(CaseRow.archived_at).is_(None))
    return conditions


def page_of(session: Session, wanted: CaseFilter, window: Window) -> Page[CaseRow]:
    return cut(
        session,
        select(CaseRow).where(*_where(wanted)),
        window,
        sortable=SORTABLE,
        default="created_at",
        key=col(CaseRow.id),
    )


def get(session: Session, case_id: str) -> CaseRow | None:
    return session.get(CaseRow, case_id)


def count_by_lifecycle(session: Session, wanted: CaseFilter) -> dict[str | None, int]:
    found = session.execute(
        select(col(CaseRow.lifecycle), func.count())
        .where(*_where(wanted))
        .group_by(CaseRow.lifecycle)
    )
    return dict(found.all())


def amounts_by_currency(session: Session, wanted: CaseFilter) -> Sequence[Row[Any]]:
    """Per currency: how many cases, and the sums of ``gross`` and ``remainder`` in minor units."""
    return session.execute(
        select(
            col(CaseRow.currency),
            func.count().label("cases"),
            func.coalesce(func.sum(CaseRow.gross), 0).label("gross"),
            func.coalesce(func.sum(CaseRow.remainder), 0).label("remainder"),
        )
        .where(*_where(wanted))
        .group_by(CaseRow.currency)
        .order_by(func.count().desc())
    ).all()


def values_of(session: Session, column: str) -> list[str]:
    """The distinct values of a filterable column, sorted."""
    values = getattr(CaseRow, column)
    found = session.execute(select(values).where(values.is_not(None)).distinct())
    return sorted(found.scalars())


def count(session: Session, wanted: CaseFilter) -> int:
    counted = select(func.count()).select_from(CaseRow).where(*_where(wanted))
    number: int = session.execute(counted).scalar_one()
    return number


def none_made_after(session: Session, event: str, *, since: datetime) -> Sequence[Row[Any]]:
    """Clients for whom a webhook event of this name came ``since``, and no case was made after it.

    A row has ``tenant_id``, ``name`` and ``at``, the moment of the last such event; the latest
    comes first. Cases of the very moment of the event do not count as made after it.
    """
    tenant = col(WebhookEventRow.external_tenant_id)
    moment = func.coalesce(col(WebhookEventRow.happened_at), col(WebhookEventRow.received_at))
    last = (
        select(tenant.label("tenant_id"), func.max(moment).label("at"))
        .where(col(WebhookEventRow.event) == event, col(WebhookEventRow.received_at) >= since)
        .group_by(tenant)
        .subquery()
    )
    made_after = exists().where(
        col(CaseRow.external_tenant_id) == last.c.tenant_id,
        col(CaseRow.created_at) > last.c.at,
    )
    return session.execute(
        select(last.c.tenant_id, col(ClientRow.name), last.c.at)
        .join(ClientRow, col(ClientRow.external_tenant_id) == last.c.tenant_id)
        .where(~made_after)
        .order_by(last.c.at.desc())
    ).all()


def tenant_of(session: Session, case_id: str) -> str | None:
    """Whose case it is, where the case is known."""
    row = session.get(CaseRow, case_id)
    return row.external_tenant_id if row else None


def note_payments(session: Session) -> int:
    """Let a payment count as the last activity of its case; return how many cases it moved."""
    latest = (
        select(
            col(TransactionRow.case_id).label("case_id"),
            func.max(TransactionRow.collected_at).label("at"),
        )
        .where(col(TransactionRow.archived_at).is_(None))
        .group_by(TransactionRow.case_id)
        .subquery()
    )
    known = col(CaseRow.last_activity_at)
    noted = session.execute(
        update(CaseRow)
        .where(col(CaseRow.id) == latest.c.case_id, or_(known.is_(None), known < latest.c.at))
        .values(last_activity_at=latest.c.at)
        .execution_options(synchronize_session=False)
    )
    return int(noted.rowcount)  # type: ignore[attr-defined]
