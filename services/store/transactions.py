"""Queries about transactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, extract, func, select
from sqlmodel import Session, col

from services.store.paging import Page, Window
from services.store.selecting import cut, mentions, one_of
from services.store.tables import TransactionRow


@dataclass(frozen=True)
class TransactionFilter:
    """Which transactions are wanted; what is left empty does not narrow."""

    text: str = ""
    tenant_id: str | None = None
    buckets: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    collected_from: datetime | None = None
    collected_before: datetime | None = None
    archived: bool = False


SORTABLE = {
    "collected_at": col(TransactionRow.collected_at),
    "client_name": col(TransactionRow.client_name),
    "case_reference": col(TransactionRow.case_reference),
    "payment": (col(TransactionRow.payment_currency), col(TransactionRow.payment)),
    "fee": (col(TransactionRow.fee_currency), col(TransactionRow.fee)),
    "fee_usd": col(TransactionRow.fee_usd),
    "bucket": col(TransactionRow.bucket),
}


def _where(wanted: TransactionFilter) -> list[Any]:
    conditions = mentions(col(TransactionRow.search_text), wanted.text)
    conditions += one_of(col(TransactionRow.bucket), wanted.buckets)
    conditions += one_of(col(TransactionRow.payment_currency), wanted.currencies)
    if wanted.tenant_id is not None:
        conditions.append(col(TransactionRow.external_tenant_id) == wanted.tenant_id)
    if wanted.collected_from is not None:
        conditions.append(col(TransactionRow.collected_at) >= wanted.collected_from)
    if wanted.collected_before is not None:
        conditions.append(col(TransactionRow.collected_at) < wanted.collected_before)
    if not wanted.archived:
        conditions.append(col(TransactionRow.archived_at).is_(None))
    return conditions


def page_of(session: Session, wanted: TransactionFilter, window: Window) -> Page[TransactionRow]:
    return cut(
        session,
        select(TransactionRow).where(*_where(wanted)),
        window,
        sortable=SORTABLE,
        default="collected_at",
        key=col(TransactionRow.transaction_id),
    )


def totals_by_bucket(session: Session, wanted: TransactionFilter) -> Sequence[Row[Any]]:
    """Per bucket: how many transactions and their referral fees in US cents."""
    return session.execute(
        select(
            col(TransactionRow.bucket),
            func.count().label("transactions"),
            func.coalesce(func.sum(TransactionRow.fee_usd), 0).label("fee_usd"),
        )
        .where(*_where(wanted))
        .group_by(TransactionRow.bucket)
    ).all()


def totals_by_month(session: Session, wanted: TransactionFilter) -> Sequence[Row[Any]]:
    """Per month of collection (``YYYY-MM``, UTC) and bucket: referral fees in US cents."""
    year = extract("year", col(TransactionRow.collected_at))
    month = extract("month", col(TransactionRow.collected_at))
    return session.execute(
        select(
            year.label("year"),
            month.label("month"),
            col(TransactionRow.bucket),
            func.coalesce(func.sum(TransactionRow.fee_usd), 0).label("fee_usd"),
        )
        .where(*_where(wanted), col(TransactionRow.collected_at).is_not(None))
        .group_by(year, month, TransactionRow.bucket)
        .order_by(year, month)
    ).all()


def currencies(session: Session) -> list[str]:
    column = col(TransactionRow.payment_currency)
    found = session.execute(select(column).where(column.is_not(None)).distinct())
    return sorted(found.scalars())
