"""Queries about what happened: history, sync, audit log."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from services.store.tables import (
    HistoryRow,
    PartnerRow,
    RejectedRowRow,
    SyncRunRow,
    SyncScopeRow,
)


def partner(session: Session) -> PartnerRow | None:
    return session.execute(select(PartnerRow)).scalars().first()


def scopes(session: Session) -> Sequence[SyncScopeRow]:
    return session.execute(select(SyncScopeRow)).scalars().all()


def history_of(session: Session, kind: str, subject_id: str) -> Sequence[HistoryRow]:
    """All that was noted about one subject, newest first."""
    return (
        session.execute(
            select(HistoryRow)
            .where(col(HistoryRow.kind) == kind, col(HistoryRow.subject_id) == subject_id)
            .order_by(col(HistoryRow.at).desc(), col(HistoryRow.id).desc())
        )
        .scalars()
        .all()
    )


def latest_runs(session: Session, limit: int) -> Sequence[SyncRunRow]:
    return (
        session.execute(select(SyncRunRow).order_by(col(SyncRunRow.id).desc()).limit(limit))
        .scalars()
        .all()
    )


def rejected(session: Session) -> Sequence[RejectedRowRow]:
    return session.execute(select(RejectedRowRow).order_by(col(RejectedRowRow.id))).scalars().all()
