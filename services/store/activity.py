"""Queries about what happened: history, sync, rows set aside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import defer
from sqlmodel import Session, col

from services.store.paging import Page, Window
from services.store.selecting import cut, mentions, one_of
from services.store.tables import (
    CaseRow,
    ClientRow,
    HistoryRow,
    PartnerRow,
    RejectedRowRow,
    SyncRunRow,
    SyncScopeRow,
    TransactionRow,
)
from services.store.text import LONGEST_WORD, like_pattern

ROWS_A_FETCH = 100  # a row that was set aside may be large
_SUBJECTS = (
    # The kind, its key, and what it is found by.
    ("client", col(ClientRow.external_tenant_id), col(ClientRow.search_text)),
    ("case", col(CaseRow.id), col(CaseRow.search_text)),
    ("transaction", col(TransactionRow.transaction_id), col(TransactionRow.search_text)),
)
REJECTED_SORTABLE = {
    "scope": col(RejectedRowRow.scope),
    "seen_at": col(RejectedRowRow.seen_at),
}


@dataclass(frozen=True)
class ChangeFilter:
    """Which notes of the history are wanted; what is left empty does not narrow."""

    text: str = ""
    """A part of the subject's id, or words that the subject is found by."""
    kind: str | None = None
    fields: tuple[str, ...] = ()


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


def changes(session: Session, wanted: ChangeFilter, window: Window) -> Page[Row[Any]]:
    """Notes of the history by time, each with what its subject is called.

    A row has the note's columns and its subject's ``tenant_id``, ``client_name``, ``case_id``,
    ``reference``, ``case_currency``, ``payment_currency`` and ``fee_currency``, None where it has
    none.
    """
    conditions = _where(wanted)
    total: int = session.execute(
        select(func.count()).select_from(HistoryRow).where(*conditions)
    ).scalar_one()
    # The page is cut first, so that only its own rows are looked up, however deep it lies.
    page = select(HistoryRow).where(*conditions).order_by(*_by_time(HistoryRow, window))
    page = page.offset(window.offset)
    if window.size is not None:
        page = page.limit(window.size)
    note = page.subquery().c
    rows = session.execute(_with_subject(note).order_by(*_by_time(note, window)))
    return Page(rows.all(), total)


def _by_time(note: Any, window: Window) -> tuple[Any, Any]:
    # Written so that the index on the moment, which ends in the key, gives this order itself.
    if window.descending:
        return note.at.desc(), note.id.desc()
    return note.at.asc(), note.id.asc()


def _with_subject(note: Any) -> Any:
    def is_about(kind: str, key: Any) -> ColumnElement[bool]:
        return and_(note.kind == kind, note.subject_id == key)

    return (
        select(
            *note,
            func.coalesce(
                col(ClientRow.external_tenant_id),
                col(CaseRow.external_tenant_id),
                col(TransactionRow.external_tenant_id),
            ).label("tenant_id"),
            func.coalesce(
                col(ClientRow.name), col(CaseRow.client_name), col(TransactionRow.client_name)
            ).label("client_name"),
            func.coalesce(col(CaseRow.id), col(TransactionRow.case_id)).label("case_id"),
            func.coalesce(col(CaseRow.reference), col(TransactionRow.case_reference)).label(
                "reference"
            ),
            col(CaseRow.currency).label("case_currency"),
            col(TransactionRow.payment_currency),
            col(TransactionRow.fee_currency),
        )
        .outerjoin(ClientRow, is_about("client", col(ClientRow.external_tenant_id)))
        .outerjoin(CaseRow, is_about("case", col(CaseRow.id)))
        .outerjoin(TransactionRow, is_about("transaction", col(TransactionRow.transaction_id)))
    )


def _where(wanted: ChangeFilter) -> list[Any]:
    conditions: list[Any] = one_of(col(HistoryRow.field), wanted.fields)
    if wanted.kind is not None:
        conditions.append(col(HistoryRow.kind) == wanted.kind)
    text = wanted.text.strip()
    if text:
        found = [
            and_(
                col(HistoryRow.kind) == kind,
                col(HistoryRow.subject_id).in_(select(key).where(*mentions(found_by, text))),
            )
            for kind, key, found_by in _SUBJECTS
        ]
        by_id = col(HistoryRow.subject_id).ilike(like_pattern(text[:LONGEST_WORD]), escape="\\")
        conditions.append(or_(by_id, *found))
    return conditions


def count_found_by_sync(session: Session, *, since: datetime) -> int:
    """How many changes the sync found since a moment that Debitura has a webhook event for."""
    has_an_event = or_(
        and_(col(HistoryRow.kind) == "case", col(HistoryRow.field) == "lifecycle"),
        and_(col(HistoryRow.kind) == "client", col(HistoryRow.field) == "onboarding_done"),
    )
    found = select(func.count()).where(
        has_an_event, col(HistoryRow.learnt_by) == "sync", col(HistoryRow.at) > since
    )
    number: int = session.execute(found).scalar_one()
    return number


def latest_runs(session: Session, limit: int) -> Sequence[SyncRunRow]:
    return (
        session.execute(select(SyncRunRow).order_by(col(SyncRunRow.id).desc()).limit(limit))
        .scalars()
        .all()
    )


def newest_run_id(session: Session) -> int | None:
    newest: int | None = session.execute(select(func.max(SyncRunRow.id))).scalar_one()
    return newest


def rejected(session: Session) -> Sequence[RejectedRowRow]:
    return session.execute(select(RejectedRowRow).order_by(col(RejectedRowRow.id))).scalars().all()


def rejected_page(session: Session, scopes: Sequence[str], window: Window) -> Page[RejectedRowRow]:
    """Rows that were set aside, of ``scopes`` or of all, without their texts."""
    statement = select(RejectedRowRow).where(*one_of(col(RejectedRowRow.scope), scopes))
    return cut(
        session,
        statement.options(defer(RejectedRowRow.raw, raiseload=True)),  # type: ignore[arg-type]
        window,
        sortable=REJECTED_SORTABLE,
        default="seen_at",
        key=col(RejectedRowRow.id),
    )


def rejected_text(
    session: Session, row_id: int, seen_at: datetime, *, longest: int
) -> tuple[str, int] | None:
    """The beginning of a row's text, at most ``longest`` signs, and how long it is in all.

    None where a later scan has replaced the row: that may have given its id to another.
    """
    found = session.execute(
        select(func.substr(RejectedRowRow.raw, 1, longest), func.length(RejectedRowRow.raw)).where(
            col(RejectedRowRow.id) == row_id, col(RejectedRowRow.seen_at) == seen_at
        )
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def every_rejected(session: Session) -> Iterator[RejectedRowRow]:
    """The same as ``rejected``, a few rows at a time."""
    statement = select(RejectedRowRow).order_by(col(RejectedRowRow.id))
    return iter(session.execute(statement).scalars().yield_per(ROWS_A_FETCH))


def count_rejected(session: Session) -> int:
    number: int = session.execute(select(func.count()).select_from(RejectedRowRow)).scalar_one()
    return number
