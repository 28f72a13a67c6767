"""How true the store is to Debitura, how that came about, and what changed."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NoReturn

import simplejson

from services.store import Page, Store, Window, activity
from services.store.activity import ChangeFilter
from services.store.bookkeeping import LISTS, RUNS_KEPT, Scope, ScopeState
from services.store.tables import RejectedRowRow, SyncRunRow

__all__ = ["ChangeFilter", "Freshness", "Scope", "ScopeState", "ScopeStatus"]

LONGEST_SHOWN = 20_000  # signs of one row that was set aside; a browser grows slow beyond


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
    full_at: datetime | None = None
    unexplained: Mapping[str, int] = field(default_factory=dict)
    """By how much the source's own totals are above what it lists; empty when they agree."""


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
    def full_at(self) -> datetime | None:
        """When all lists were last read from end to end; None where one never was."""
        moments = [status.full_at for status in self.scopes if status.scope in LISTS]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(LISTS) else None

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
                row.full_at,
                row.unexplained or {},
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


@dataclass(frozen=True)
class SubjectChange:
    """A change with what it happened to."""

    change: Change
    kind: str
    subject_id: str
    tenant_id: str | None
    client_name: str | None
    case_id: str | None
    reference: str | None
    """Of the case; None where a client changed."""
    currency: str | None
    """That of ``before`` and ``after`` where they are amounts, in its minor units."""


def list_changes(store: Store, wanted: ChangeFilter, window: Window) -> Page[SubjectChange]:
    """A page of what changed, over all clients, cases and transactions."""
    with store.read() as session:
        page = activity.changes(session, wanted, window)
    return Page([_subject_change(row) for row in page.rows], page.total)


def _subject_change(row: Any) -> SubjectChange:
    currencies = {
        "remainder": row.case_currency,
        "payment": row.payment_currency,
        "fee": row.fee_currency,
        "fee_usd": "USD",
    }
    return SubjectChange(
        change=Change(row.field, row.before, row.after, row.at, row.learnt_by),
        kind=row.kind,
        subject_id=row.subject_id,
        tenant_id=row.tenant_id,
        client_name=row.client_name or row.tenant_id,
        case_id=row.case_id,
        reference=row.reference or row.case_id,
        currency=currencies.get(row.field),
    )


@dataclass(frozen=True)
class ScopeRun:
    """How one scope came out of a run; ``requests`` and ``how`` are not told by old runs."""

    scope: str
    rows: int
    changed: int
    archived: int
    rejected: int
    requests: int | None
    how: str | None
    error: str | None


@dataclass(frozen=True)
class SyncRun:
    """One pass of the sync."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    kind: str
    requests: int
    is_true: bool
    scopes: tuple[ScopeRun, ...]

    @property
    def took(self) -> timedelta | None:
        return None if self.finished_at is None else self.finished_at - self.started_at

    @property
    def changed(self) -> int:
        return sum(scope.changed for scope in self.scopes)

    @property
    def archived(self) -> int:
        return sum(scope.archived for scope in self.scopes)

    @property
    def rejected(self) -> int:
        return sum(scope.rejected for scope in self.scopes)

    @property
    def failed(self) -> tuple[str, ...]:
        """The scopes that the run left not true."""
        return tuple(scope.scope for scope in self.scopes if scope.error is not None)


class RunChoice(StrEnum):
    """Which runs are wanted."""

    ALL = "all"
    FAILED = "failed"
    CHANGING = "changing"
    """Those that changed or archived a row."""


def list_runs(store: Store, wanted: RunChoice, window: Window) -> Page[SyncRun]:
    """A page of the sync's runs, by when they started."""
    # What a run changed is in its scopes, which SQL cannot look into; few runs are kept.
    fitting = [run for run in _runs(store) if _is_wanted(run, wanted)]
    if not window.descending:
        fitting.reverse()
    end = None if window.size is None else window.offset + window.size
    return Page(fitting[window.offset : end], len(fitting))


def run(store: Store, run_id: str) -> SyncRun | None:
    """One run; None where there is none of this id, or it is too old to be kept."""
    return next((each for each in _runs(store) if str(each.id) == run_id), None)


def newest_run(store: Store) -> int | None:
    """The id of the last run that ended."""
    with store.read() as session:
        return activity.newest_run_id(session)


def _runs(store: Store) -> list[SyncRun]:
    """All runs that are kept, newest first."""
    with store.read() as session:
        return [_run(row) for row in activity.latest_runs(session, RUNS_KEPT)]


def _is_wanted(run: SyncRun, wanted: RunChoice) -> bool:
    if wanted is RunChoice.FAILED:
        return not run.is_true
    return wanted is RunChoice.ALL or bool(run.changed or run.archived)


def _run(row: SyncRunRow) -> SyncRun:
    return SyncRun(
        id=row.id or 0,
        started_at=row.started_at,
        finished_at=row.finished_at,
        kind=row.kind,
        requests=row.requests,
        is_true=row.outcome == "true",
        scopes=tuple(_scope_run(told) for told in row.scopes),
    )


def _scope_run(told: Mapping[str, Any]) -> ScopeRun:
    return ScopeRun(
        scope=told.get("scope") or "",
        rows=told.get("rows") or 0,
        changed=told.get("changed") or 0,
        archived=told.get("archived") or 0,
        rejected=told.get("rejected") or 0,
        requests=told.get("requests"),
        how=told.get("how"),
        error=told.get("error"),
    )


@dataclass(frozen=True)
class SetAside:
    """A row of the source that could not be understood, without its text."""

    id: int
    scope: str
    reason: str
    seen_at: datetime


@dataclass(frozen=True)
class RowText:
    """The text of a row that was set aside: its beginning, and how long it is in all."""

    shown: str
    length: int

    @property
    def is_whole(self) -> bool:
        return self.length <= LONGEST_SHOWN


def list_set_aside(store: Store, scopes: tuple[str, ...], window: Window) -> Page[SetAside]:
    """A page of the rows that were set aside, of ``scopes`` or of all."""
    with store.read() as session:
        page = activity.rejected_page(session, scopes, window)
    rows = [SetAside(row.id or 0, row.scope, row.reason, row.seen_at) for row in page.rows]
    return Page(rows, page.total)


def count_set_aside(store: Store) -> int:
    """How many rows are set aside now."""
    with store.read() as session:
        return activity.count_rejected(session)


def text_of(store: Store, row: SetAside) -> RowText | None:
    """What Debitura sent, laid out for reading where it is JSON; None where ``row`` is gone."""
    with store.read() as session:
        found = activity.rejected_text(session, row.id, row.seen_at, longest=LONGEST_SHOWN)
    if found is None:
        return None
    text, length = found
    shown = text if length > LONGEST_SHOWN else laid_out(text)
    return RowText(shown if len(shown) <= LONGEST_SHOWN else text, length)


def set_aside_as_lines(store: Store) -> Iterator[str]:
    """Every row that is set aside, as one JSON object a line.

    ``row`` holds what came with the digits it came with; where that is no JSON, as a text.
    """
    with store.read() as session:
        for row in activity.every_rejected(session):
            yield _as_line(row)


def _as_line(row: RejectedRowRow) -> str:
    told = {"scope": row.scope, "reason": row.reason, "seenAt": row.seen_at.isoformat()}
    head = json.dumps(told, ensure_ascii=False)
    # JSON holds line breaks between its values only, where a space means the same.
    raw = (
        row.raw.replace("\n", " ").replace("\r", " ") if _is_json(row.raw) else json.dumps(row.raw)
    )
    return f'{head[:-1]}, "row": {raw}}}\n'


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_number, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _no_number(name: str) -> NoReturn:
    """``NaN`` and its like are read by Python, but are no JSON."""
    raise ValueError(name)


def laid_out(text: str) -> str:
    """JSON text laid out for reading, with its own digits; what is no JSON as it is."""
    try:
        return simplejson.dumps(
            simplejson.loads(text, use_decimal=True), use_decimal=True, ensure_ascii=False, indent=2
        )
    except (ValueError, ArithmeticError, RecursionError):
        return text
