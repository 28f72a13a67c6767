"""The audit log: who asked for what, when, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.store import Page, Store, Window, audit
from services.store.audit import AuditFilter
from services.store.tables import AuditRow

__all__ = ["AuditFilter"]


@dataclass(frozen=True)
class AuditEntry:
    """One thing that was asked for."""

    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    tenant_id: str | None
    """The subject, where it is a client or was asked to become one."""
    client_name: str | None


@dataclass(frozen=True)
class Choices:
    """What the log can be narrowed by."""

    actors: tuple[str, ...]
    actions: tuple[str, ...]


def list_entries(store: Store, wanted: AuditFilter, window: Window) -> Page[AuditEntry]:
    """A page of the log."""
    with store.read() as session:
        page = audit.page_of(session, wanted, window)
        clients = audit.clients_among(session, (row.subject for row in page.rows))
    return Page([_entry(row, clients) for row in page.rows], page.total)


def choices(store: Store) -> Choices:
    """Who and what occurs in the log."""
    with store.read() as session:
        return Choices(
            actors=tuple(audit.values_of(session, "actor")),
            actions=tuple(audit.values_of(session, "action")),
        )


def _entry(row: AuditRow, clients: Mapping[str, str | None]) -> AuditEntry:
    return AuditEntry(
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        outcome=row.outcome,
        tenant_id=row.subject if row.subject in clients else None,
        client_name=clients.get(row.subject),
    )
