"""What changed of clients, cases and transactions."""

import streamlit as st

from dashboard import navigation
from dashboard.components import changes, filters, table
from services import activity
from services.activity import ChangeFilter, SubjectChange

SUBJECTS = {"All": None, "Clients": "client", "Cases": "case", "Transactions": "transaction"}
NO_CHANGE = (
    "No change was seen yet. The first sync only takes stock; what differs in a later one is "
    "noted here."
)
COLUMNS: tuple[table.Column[SubjectChange], ...] = (
    table.moment("When", lambda c: c.change.at, sort="at"),
    table.text("Of", lambda c: c.kind.capitalize()),
    table.text("Client", lambda c: c.client_name),
    table.text("Case", lambda c: c.reference),
    table.text("What", lambda c: changes.field_label(c.change.field)),
    table.text("From", lambda c: changes.words(c.change.field, c.change.before, c.currency)),
    table.text("To", lambda c: changes.words(c.change.field, c.change.after, c.currency)),
    table.text("Learnt by", lambda c: c.change.learnt_by),
    table.text("Id", lambda c: c.subject_id, shown=False),
)


def show() -> None:
    """Draw the filters and the list."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Id, name or reference", key="change_q")
        kind = filters.one("Of", SUBJECTS, key="change_kind")
        labels = {label: field for field, label in changes.FIELDS.items()}
        fields = filters.several_of("What", labels, key="change_field")
    wanted = ChangeFilter(text=text, kind=kind, fields=fields)
    table.show(
        activity.list_changes,
        wanted,
        COLUMNS,
        key="changes",
        what="changes",
        sort="at",
        descending=True,
        actions=[table.RowAction("Open", _open_subject, offered=_can_be_opened)],
        empty=NO_CHANGE
        if wanted == ChangeFilter()
        else "No change fits these filters. Clear one to see more.",
    )


def _can_be_opened(change: SubjectChange) -> bool:
    return change.case_id is not None or change.tenant_id is not None


def _open_subject(change: SubjectChange) -> None:
    """Leave for the case that changed, or whose payment did; for the client where there is none."""
    if change.case_id is not None:
        navigation.open_case(change.case_id)
    navigation.open_client(change.tenant_id or "")
