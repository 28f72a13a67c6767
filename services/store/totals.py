"""Our own counts and sums of what is listed."""

from typing import Any

from sqlalchemy import ColumnElement, Integer, cast, select
from sqlmodel import Session, col, func

from services.store.tables import CaseRow, ClientRow, TransactionRow


def of_clients(session: Session) -> dict[str, int]:
    """``total``, ``attributed``, ``onboarded`` clients, and the ``cases`` that they tell of."""
    found = session.execute(
        select(
            func.count().label("total"),
            _count_true(col(ClientRow.is_attributed)).label("attributed"),
            _count_true(col(ClientRow.onboarding_done)).label("onboarded"),
            func.coalesce(func.sum(col(ClientRow.cases_total)), 0).label("cases"),
        ).where(col(ClientRow.archived_at).is_(None))
    ).one()
    return dict(found._mapping)


def of_cases(session: Session) -> dict[str | None, int]:
    """How many cases each lifecycle has."""
    found = session.execute(
        select(col(CaseRow.lifecycle), func.count())
        .where(col(CaseRow.archived_at).is_(None))
        .group_by(col(CaseRow.lifecycle))
    )
    return dict(found.all())


def of_transactions(session: Session) -> dict[str, tuple[int, int]]:
    """Per bucket how many transactions, and their fees in US cents."""
    found = session.execute(
        select(
            col(TransactionRow.bucket),
            func.count(),
            func.coalesce(func.sum(col(TransactionRow.fee_usd)), 0),
        )
        .where(col(TransactionRow.archived_at).is_(None))
        .group_by(col(TransactionRow.bucket))
    )
    return {bucket: (count, int(fees)) for bucket, count, fees in found}


def _count_true(column: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(cast(column, Integer)), 0)
