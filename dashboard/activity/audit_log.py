"""Who asked for what, and what came of it."""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import filters, table
from services import audit
from services.audit import AuditEntry, AuditFilter

NOTHING_DONE = (
    "Nothing was done from here yet. Asking for a link, changing a webhook subscription or "
    "replaying an event is noted here, with who did it and what came of it."
)
COLUMNS: tuple[table.Column[AuditEntry], ...] = (
    table.moment("When", lambda e: e.at, sort="at"),
    table.text("Who", lambda e: e.actor, sort="actor"),
    table.text("What", lambda e: in_words(e.action), sort="action"),
    table.text("Subject", lambda e: e.subject),
    table.text("Client", lambda e: e.client_name),
    table.text("Outcome", lambda e: in_words(e.outcome)),
)


def in_words(noted: str) -> str:
    return noted[:1].upper() + noted[1:]


def show() -> None:
    """Draw the filters and the list."""
    known = data.ask(audit.choices)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Subject", key="audit_q")
        actors = filters.several("Who", known.actors, key="audit_actor")
        labels = {in_words(action): action for action in known.actions}
        actions = filters.several_of("What", labels, key="audit_action")
    wanted = AuditFilter(text=text, actors=actors, actions=actions)
    table.show(
        audit.list_entries,
        wanted,
        COLUMNS,
        key="audit",
        what="audit entries",
        sort="at",
        descending=True,
        actions=[table.RowAction("Open", _open, offered=lambda entry: bool(entry.tenant_id))],
        empty=NOTHING_DONE
        if wanted == AuditFilter()
        else "No entry fits these filters. Clear one to see more.",
    )


def _open(entry: AuditEntry) -> None:
    navigation.open_client(entry.tenant_id or "")
