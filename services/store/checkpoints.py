"""How far a running scan is, so that one that was killed goes on where it was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlmodel import Session, col, insert

from services.store.bookkeeping import Scope
from services.store.tables import ScanWindowRow


@dataclass(frozen=True)
class ReadWindow:
    """A stretch of a list that was read: rows from ``start`` on, ``size`` of them asked for.

    ``keys`` name the rows; ``rejected`` are the raw text and the reason of those that could not
    be understood; ``total`` is how many rows the list had at that moment.
    """

    start: int
    size: int
    total: int
    keys: Sequence[str]
    rejected: Sequence[tuple[str, str]] = ()


def add(
    session: Session, scope: Scope, windows: Sequence[ReadWindow], *, scan_started_at: datetime
) -> None:
    """Note windows whose rows are written in the same transaction."""
    if windows:
        session.connection().execute(
            insert(ScanWindowRow.__table__),  # type: ignore[attr-defined]
            [
                {
                    "scope": scope,
                    "scan_started_at": scan_started_at,
                    "start": window.start,
                    "size": window.size,
                    "total": window.total,
                    "keys": list(window.keys),
                    "rejected": [list(each) for each in window.rejected],
                }
                for window in windows
            ],
        )


def load(session: Session, scope: Scope) -> tuple[datetime | None, list[ReadWindow]]:
    """When the scan that was killed began (None: there is none), and what it had read."""
    rows = session.execute(
        select(ScanWindowRow)
        .where(col(ScanWindowRow.scope) == scope)
        .order_by(col(ScanWindowRow.id))
    ).scalars()
    started_at: datetime | None = None
    windows = []
    for row in rows:
        started_at = started_at or row.scan_started_at
        rejected = [(raw, reason) for raw, reason in row.rejected or []]
        windows.append(ReadWindow(row.start, row.size, row.total, row.keys, rejected))
    return started_at, windows


def exist(session: Session, scope: Scope) -> bool:
    """Whether a scan of the scope was begun and is not over."""
    found = session.execute(
        select(col(ScanWindowRow.id)).where(col(ScanWindowRow.scope) == scope).limit(1)
    )
    return found.first() is not None


def clear(session: Session, scope: Scope) -> None:
    """Forget the windows of a scope: its scan is over, or begins anew."""
    session.execute(delete(ScanWindowRow).where(col(ScanWindowRow.scope) == scope))
