"""What the sync notes about itself: the state of each scope, its runs, rows it set aside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from services.store.tables import (
    CoverageRow,
    PartnerRow,
    RejectedRowRow,
    SyncRunRow,
    SyncScopeRow,
)

RUNS_KEPT = 500


class Scope(StrEnum):
    """The parts of the source that are kept true on their own, in the order they are read."""

    PARTNER = "partner"
    CLIENTS = "clients"
    CASES = "cases"
    TRANSACTIONS = "transactions"
    COVERAGE = "coverage"


LISTS = (Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS)
"""The scopes that are lists, from which onboarding stages are derived together."""


class ScopeState(StrEnum):
    """How a scope stands: never read, being read, true to the source, or failed."""

    NEVER = "never"
    RUNNING = "running"
    TRUE = "true"
    FAILED = "failed"


def begin(session: Session, scope: Scope, *, now: datetime) -> None:
    row = _scope(session, scope)
    row.state, row.attempted_at = ScopeState.RUNNING, now
    row.rows_done, row.rows_total = 0, None


def progress(session: Session, scope: Scope, *, done: int, total: int | None) -> None:
    row = _scope(session, scope)
    row.rows_done, row.rows_total = done, total


def succeed(
    session: Session,
    scope: Scope,
    *,
    true_at: datetime,
    rows: int,
    full: bool = False,
    summary: Mapping[str, Any] | None = None,
    unexplained: Mapping[str, int] | None = None,
    error: str | None = None,
) -> bool:
    """Note that a scope was found true as of ``true_at``; return whether that is news.

    It is true to the source then, unless ``error`` tells of rows that were set aside. ``full``
    says that all of it was read, ``unexplained`` by how much the source's totals differ from its
    own rows.
    """
    row = _scope(session, scope)
    news = row.true_at is None or row.error != error
    if full:
        row.full_at = true_at
    row.unexplained = dict(unexplained) if unexplained is not None else None
    row.state = ScopeState.TRUE if error is None else ScopeState.FAILED
    row.true_at, row.error = true_at, error
    row.rows_done = row.rows_total = rows
    row.source_summary = dict(summary) if summary is not None else None
    return news


def fail(session: Session, scope: Scope, *, error: str, now: datetime) -> bool:
    """Note why a scope is not true; return whether that is news."""
    row = _scope(session, scope)
    news = row.error != error
    row.state, row.error, row.attempted_at = ScopeState.FAILED, error, now
    return news


def replace_rejected(
    session: Session, scope: Scope, rows: Sequence[tuple[str, str]], *, now: datetime
) -> None:
    """Keep ``rows`` (raw text and reason) as what is set aside of a scope."""
    session.execute(delete(RejectedRowRow).where(col(RejectedRowRow.scope) == scope))
    session.add_all(
        RejectedRowRow(scope=scope, raw=raw, reason=reason, seen_at=now) for raw, reason in rows
    )


def add_rejected(
    session: Session, scope: Scope, rows: Sequence[tuple[str, str]], *, now: datetime
) -> None:
    """Set aside those of ``rows`` (raw text and reason) that are not set aside already."""
    known = {raw for raw, _ in rejected_of(session, scope)}
    session.add_all(
        RejectedRowRow(scope=scope, raw=raw, reason=reason, seen_at=now)
        for raw, reason in dict(rows).items()
        if raw not in known
    )
    session.flush()


def rejected_of(session: Session, scope: Scope) -> list[tuple[str, str]]:
    """Raw text and reason of what is set aside of a scope."""
    found = session.execute(
        select(col(RejectedRowRow.raw), col(RejectedRowRow.reason))
        .where(col(RejectedRowRow.scope) == scope)
        .order_by(col(RejectedRowRow.id))
    )
    return [(raw, reason) for raw, reason in found]


def state_of(session: Session, scope: Scope) -> SyncScopeRow | None:
    """How a scope stands; None before it was first tried."""
    return session.get(SyncScopeRow, scope)


def add_run(session: Session, run: SyncRunRow) -> None:
    """Keep a run, and only the latest of them."""
    session.add(run)
    session.flush()
    session.execute(delete(SyncRunRow).where(col(SyncRunRow.id) <= (run.id or 0) - RUNS_KEPT))


def save_partner(session: Session, partner: PartnerRow) -> bool:
    """Store the partner; return whether anything about it changed."""
    before = session.get(PartnerRow, partner.id)
    if before is not None and before.raw == partner.raw:
        return False
    session.merge(partner)
    return True


def replace_coverage(session: Session, rows: Sequence[CoverageRow]) -> bool:
    """Make the coverage what ``rows`` say; return whether anything changed."""
    before = {
        row.jurisdiction_id: row.raw for row in session.execute(select(CoverageRow)).scalars()
    }
    after = {row.jurisdiction_id: row for row in rows}
    if before == {key: row.raw for key, row in after.items()}:
        return False
    session.execute(delete(CoverageRow))
    session.add_all(after.values())
    return True


def coverage_count(session: Session) -> int:
    """How many jurisdictions are stored."""
    count: int = session.execute(select(func.count()).select_from(CoverageRow)).scalar_one()
    return count


def all_read(session: Session, scopes: Collection[Scope]) -> bool:
    """Whether each of ``scopes`` was read whole at least once."""
    found = session.execute(
        select(col(SyncScopeRow.scope)).where(
            col(SyncScopeRow.scope).in_(scopes), col(SyncScopeRow.true_at).is_not(None)
        )
    ).scalars()
    return set(found) == set(scopes)


def _scope(session: Session, scope: Scope) -> SyncScopeRow:
    row = session.get(SyncScopeRow, scope)
    if row is None:
        row = SyncScopeRow(scope=scope, state=ScopeState.NEVER)
        session.add(row)
    return row
