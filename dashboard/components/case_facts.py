"""One case in full, as far as the store knows it."""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import changes, formats
from services import activity
from services.cases import CaseSummary


def show(case: CaseSummary | None) -> None:
    """Draw the open case, with a way to close it; say so where there is none."""
    with st.container(border=True):
        if case is None:
            st.warning(
                "This case is not in the store. It may be new: the next sync brings it.",
                icon=":material/search_off:",
            )
            st.button("Close", on_click=_close, key="close_case")
            return
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.subheader(f"Case {formats.plain(case.reference)}")
            st.button("Close", icon=":material/close:", on_click=_close, key="close_case")
        st.table(_facts(case), border="horizontal", width="content")
        if case.tenant_id is not None:
            st.page_link(
                navigation.CLIENT,
                label=f"Client: {formats.plain(case.client_name)}",
                icon=":material/person:",
                query_params={navigation.TENANT: case.tenant_id},
            )
        currency = case.gross.currency if case.gross else None
        changes.show(data.ask(activity.history_of, "case", case.id), currency=currency)


def _facts(case: CaseSummary) -> dict[str, str]:
    facts = {
        "Where it stands": f"{case.lifecycle}; next: {case.next_actor.lower()}",
        "Since": formats.exact(case.lifecycle_since),
        "Last activity": formats.exact(case.last_activity_at),
        "Close code": case.close_code,
        "Needs information": "yes, from the client" if case.needs_info else None,
        "Debtor": ", ".join(filter(None, (case.debtor_name, case.debtor_country))),
        "Claim": formats.money(case.gross),
        "Still open": formats.money(case.remainder),
        "Engagement phase": case.engagement_phase or "no engagement yet",
        "Collection partner": case.collection_partner or "none yet",
        "Creditor reference": case.creditor_reference,
        "Created": formats.exact(case.created_at),
        "Due": formats.date_only(case.due_at),
        "Collection started": formats.exact(case.collection_started_at),
        "Finished": formats.exact(case.finished_at),
        "Case id": case.id,
        "No longer listed since": formats.exact(case.archived_at) if case.archived_at else None,
    }
    return {
        name: formats.plain(value)
        for name, value in facts.items()
        if value and value != formats.NOTHING
    }


def _close() -> None:
    st.query_params.pop(navigation.CASE, None)
