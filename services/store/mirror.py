"""Writing what the source says: only real changes are written, and each leaves a trace."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Row, Table, func
from sqlmodel import Session, SQLModel, insert, select, update

from services.store.tables import CaseRow, ClientRow, HistoryRow, TransactionRow
from services.store.upsert import upsert

# SQLite takes 32,766 bound values in a statement; a batch stays far below.
KEYS_A_QUERY = 500


@dataclass(frozen=True)
class Mirror:
    """A mirrored table: its name in the history, its key, and which changes are remembered."""

    kind: str
    model: type[SQLModel]
    key: str
    moment: str
    """The column by which the source orders the list: when a row came to be."""
    ended: tuple[str, tuple[Any, ...]]
    """A column and its values in which a row is at its end; every other may still move."""
    watched: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """Columns that are ours and not the source's: written once, then left to their owner."""
    since: tuple[tuple[str, str], ...] = ()
    """Pairs of a watched field and the column that says since when it has its value."""
    last_moved: str | None = None
    """The column that says when a watched field changed last."""

    @property
    def table(self) -> Table:
        return self.model.__table__  # type: ignore[attr-defined,no-any-return]


CLIENTS = Mirror(
    kind="client",
    model=ClientRow,
    key="external_tenant_id",
    moment="linked_at",
    ended=("onboarding_done", (True,)),
    watched=("onboarding_done", "kyc_status"),
    kept=(
        "stage",
        "stage_since",
        "stage_derived_at",
        "furthest",
        "poa_signed_at",
        "signed_at",
        "first_case_at",
        "first_recovery_at",
        "withdrawn_at",
    ),
)
CASES = Mirror(
    kind="case",
    model=CaseRow,
    key="id",
    moment="created_at",
    ended=("lifecycle", ("Closed", "Merged")),
    watched=("lifecycle", "engagement_phase", "close_code", "remainder", "collection_partner"),
    since=(("lifecycle", "lifecycle_since"),),
    last_moved="last_activity_at",
)
TRANSACTIONS = Mirror(
    kind="transaction",
    model=TransactionRow,
    key="transaction_id",
    moment="collected_at",
    ended=("bucket", ("paid", "credited")),
    watched=(
        "bucket",
        "commission_status",
        "platform_status",
        "referral_status",
        "payment",
        "fee",
        "fee_usd",
    ),
    since=(("bucket", "bucket_since"),),
)


def save(
    session: Session,
    mirror: Mirror,
    rows: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    learnt_by: str,
    all_new: bool = False,
) -> int:
    """Store ``rows`` and return how many were new or different.

    ``all_new`` promises that none of them is stored yet.

    A row equal to what is stored is not written, nor one that was asked for before what is
    stored. A watched field that changed is noted in the history; a row that had been archived
    comes back.
    """
    changed: list[dict[str, Any]] = []
    history: list[dict[str, Any]] = []
    for batch in batches({row[mirror.key]: row for row in rows}.values(), KEYS_A_QUERY):
        keys = [row[mirror.key] for row in batch]
        stored = {} if all_new else _stored(session, mirror, keys)
        for row in batch:
            before = stored.get(row[mirror.key])
            if before is None:
                changed.append({**row, "first_seen_at": now, "archived_at": None})
            elif _is_news(before, row):
                differences = _differences(mirror, before, row)
                history += _notes(mirror, row[mirror.key], differences, now, learnt_by)
                changed.append(_merged(mirror, before, row, differences, now))
    if changed:
        upsert(session, mirror.table, changed)
    note_history(session, history)
    return len(changed)


def _is_news(before: Row[Any], row: Mapping[str, Any]) -> bool:
    differs = before.fingerprint != row["fingerprint"] or before.archived_at is not None
    asked, asked_before = row["read_at"], before.read_at
    # A webhook may have had the object read again while a page of the sync was under way.
    is_older = asked is not None and asked_before is not None and asked < asked_before
    return differs and not is_older


def is_empty(session: Session, mirror: Mirror) -> bool:
    """Whether no row is stored, archived ones included."""
    return session.execute(select(mirror.table.c[mirror.key]).limit(1)).first() is None


def count(session: Session, mirror: Mirror) -> int:
    """How many rows are stored, archived ones included."""
    number: int = session.execute(select(func.count()).select_from(mirror.table)).scalar_one()
    return number


def missing(
    session: Session, mirror: Mirror, seen: Collection[str], *, scan_started: datetime
) -> set[str]:
    """The keys of rows that are stored as listed but that a complete scan did not see.

    Rows first seen after the scan began are left out: the scan may have passed their place.
    """
    table = mirror.table
    known = session.execute(
        select(table.c[mirror.key]).where(
            table.c.archived_at.is_(None), table.c.first_seen_at < scan_started
        )
    ).scalars()
    return {value for value in known if value not in seen}


def archive(session: Session, mirror: Mirror, keys: Collection[str], *, now: datetime) -> None:
    """Mark rows as no longer listed, and note it in the history."""
    column = mirror.table.c[mirror.key]
    for batch in batches(sorted(keys), KEYS_A_QUERY):
        session.execute(update(mirror.model).where(column.in_(batch)).values(archived_at=now))
    gone = {"archived": (None, "archived")}
    note_history(session, [note for key in keys for note in _notes(mirror, key, gone, now, "sync")])


def note_history(session: Session, notes: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to the history."""
    if notes:
        session.connection().execute(insert(HistoryRow.__table__), list(notes))  # type: ignore[attr-defined]


def history_note(  # the shape of one row of the history
    kind: str,
    subject_id: str,
    field: str,
    before: Any,
    after: Any,
    *,
    at: datetime,
    learnt_by: str,
) -> dict[str, Any]:
    return {
        "kind": kind,
        "subject_id": subject_id,
        "field": field,
        "before": _as_text(before),
        "after": _as_text(after),
        "at": at,
        "learnt_by": learnt_by,
    }


def _stored(session: Session, mirror: Mirror, keys: Sequence[str]) -> dict[str, Row[Any]]:
    names = {
        mirror.key,
        "fingerprint",
        "first_seen_at",
        "archived_at",
        "read_at",
        *mirror.watched,
        *mirror.kept,
        *(column for _, column in mirror.since),
        *([mirror.last_moved] if mirror.last_moved else []),
    }
    table = mirror.table
    found = session.execute(
        select(*(table.c[name] for name in sorted(names))).where(table.c[mirror.key].in_(keys))
    )
    return {getattr(row, mirror.key): row for row in found}


def _differences(
    mirror: Mirror, before: Row[Any], row: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    found = {
        name: (getattr(before, name), row[name])
        for name in mirror.watched
        if getattr(before, name) != row[name]
    }
    if before.archived_at is not None:
        found["archived"] = ("archived", None)
    return found


def _merged(
    mirror: Mirror,
    before: Row[Any],
    row: Mapping[str, Any],
    differences: Mapping[str, Any],
    now: datetime,
) -> dict[str, Any]:
    ours = {name: getattr(before, name) for name in ("first_seen_at", *mirror.kept)}
    since = {
        column: now if field in differences else getattr(before, column) or row[column]
        for field, column in mirror.since
    }
    merged = {**row, **ours, **since, "archived_at": None}
    if mirror.last_moved:
        known = getattr(before, mirror.last_moved)
        merged[mirror.last_moved] = now if differences else latest(known, row[mirror.last_moved])
    return merged


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of the moments that are known."""
    return max((moment for moment in moments if moment is not None), default=None)


def _notes(
    mirror: Mirror,
    subject_id: str,
    differences: Mapping[str, tuple[Any, Any]],
    now: datetime,
    learnt_by: str,
) -> list[dict[str, Any]]:
    return [
        history_note(mirror.kind, subject_id, field, before, after, at=now, learnt_by=learnt_by)
        for field, (before, after) in differences.items()
    ]


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def batches(items: Any, size: int) -> Iterator[list[Any]]:
    """``items`` in lists of at most ``size``: a database takes so many values at once."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
