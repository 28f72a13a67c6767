"""How true the store is to Debitura, and who did what."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.store import Store, activity
from services.store.bookkeeping import Scope, ScopeState

__all__ = ["Freshness", "Scope", "ScopeState", "ScopeStatus"]


@dataclass(frozen=True)
class ScopeStatus:
    """How true one scope is: since when, and what stands in the way."""

    scope: Scope
    state: ScopeState
    true_at: datetime | None = None
    attempted_at: datetime | None = None
    rows_done: int = 0
    rows_total: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Freshness:
    """The state of all scopes together."""

    scopes: tuple[ScopeStatus, ...]

    @property
    def true_at(self) -> datetime | None:
        """The moment up to which everything is known; None while a scope was never read."""
        moments = [status.true_at for status in self.scopes]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None

    def never_read(self, scopes: Collection[Scope]) -> tuple[ScopeStatus, ...]:
        """Those of ``scopes`` that were never read whole."""
        return tuple(s for s in self.scopes if s.scope in scopes and s.true_at is None)

    def is_old(self, now: datetime, limit: timedelta) -> bool:
        """Whether nothing was found true for longer than ``limit``, as when no worker runs."""
        return self.true_at is not None and now - self.true_at > limit

    @property
    def failed(self) -> tuple[ScopeStatus, ...]:
        """The scopes that are not true to the source, also while they are being tried again."""
        return tuple(status for status in self.scopes if status.error is not None)

    @property
    def reason(self) -> str | None:
        """Why the data is older than it should be; one sentence, or None when all is well."""
        return next((status.error for status in self.failed), None)

    @property
    def first_scan_running(self) -> bool:
        return self.true_at is None and not self.failed

    @property
    def progress(self) -> tuple[int, int]:
        """Rows read and rows there are, of the scopes that told their size."""
        told = [status for status in self.scopes if status.rows_total is not None]
        return sum(s.rows_done for s in told), sum(s.rows_total or 0 for s in told)


def freshness(store: Store) -> Freshness:
    """How old the data is, per scope and in all."""
    with store.read() as session:
        rows = {row.scope: row for row in activity.scopes(session)}
    statuses = []
    for scope in Scope:
        row = rows.get(scope)
        statuses.append(
            ScopeStatus(scope, ScopeState.NEVER)
            if row is None
            else ScopeStatus(
                scope,
                ScopeState(row.state),
                row.true_at,
                row.attempted_at,
                row.rows_done,
                row.rows_total,
                row.error,
            )
        )
    return Freshness(tuple(statuses))


@dataclass(frozen=True)
class Change:
    """A change noted in the history; ``before`` and ``after`` are the stored texts."""

    field: str
    before: str | None
    after: str | None
    at: datetime
    learnt_by: str


def history_of(store: Store, kind: str, subject_id: str) -> list[Change]:
    """Everything noted about one client, case or transaction, newest first."""
    with store.read() as session:
        return [
            Change(row.field, row.before, row.after, row.at, row.learnt_by)
            for row in activity.history_of(session, kind, subject_id)
        ]
