"""Queries about the audit log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from services.store.mirror import KEYS_A_QUERY, batches
from services.store.paging import Page, Window
from services.store.selecting import cut, one_of
from services.store.tables import AuditRow, ClientRow, LinkRequestRow
from services.store.text import LONGEST_WORD, like_pattern


@dataclass(frozen=True)
class AuditFilter:
    """Which entries are wanted; what is left empty does not narrow."""

    text: str = ""
    """A part of the subject, capital or small."""
    actors: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


SORTABLE = {
    "at": (col(AuditRow.at), col(AuditRow.id)),
    "actor": col(AuditRow.actor),
    "action": col(AuditRow.action),
}


def page_of(session: Session, wanted: AuditFilter, window: Window) -> Page[AuditRow]:
    return cut(
        session,
        select(AuditRow).where(*_where(wanted)),
        window,
        sortable=SORTABLE,
        default="at",
        key=col(AuditRow.id),
    )


def values_of(session: Session, column: str) -> Sequence[str]:
    """The distinct values of a filterable column, sorted."""
    values = getattr(AuditRow, column)
    return session.execute(select(values).distinct().order_by(values)).scalars().all()


def clients_among(session: Session, subjects: Iterable[str]) -> dict[str, str | None]:
    """The names, by tenant id, of those subjects that are clients or were asked to be."""
    found: dict[str, str | None] = {}
    for some in batches(set(subjects), KEYS_A_QUERY):
        for tenant, name in (
            (col(LinkRequestRow.external_tenant_id), col(LinkRequestRow.company_name)),
            (col(ClientRow.external_tenant_id), col(ClientRow.name)),
        ):
            found.update(session.execute(select(tenant, name).where(tenant.in_(some))).all())
    return found


def _where(wanted: AuditFilter) -> list[Any]:
    conditions: list[Any] = one_of(col(AuditRow.actor), wanted.actors)
    conditions += one_of(col(AuditRow.action), wanted.actions)
    text = wanted.text.strip()
    if text:
        pattern = like_pattern(text[:LONGEST_WORD])
        conditions.append(col(AuditRow.subject).ilike(pattern, escape="\\"))
    return conditions
