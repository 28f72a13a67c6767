"""Where the pages are, and how one leads to another."""

from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

OVERVIEW = "views/overview.py"
ONBOARDING = "views/onboarding.py"
LINK_REQUESTS = "views/link_requests.py"
CASES = "views/cases.py"
CLIENT = "views/client.py"
REVENUE = "views/revenue.py"
WHITE_LABEL = "views/white_label.py"
ACTIVITY = "views/activity.py"
SETTINGS = "views/settings.py"

TENANT = "tenant"
"""Query parameter that names the client of the client page."""
CASE = "case"
"""Query parameter that names the open case of the cases page."""
RUN = "run"
"""Query parameter that names the open sync run of the activity page."""
_ARRIVAL = "arrival"


def open_client(tenant_id: str) -> NoReturn:
    """Leave for the client's page."""
    st.switch_page(CLIENT, query_params={TENANT: tenant_id})


def open_case(case_id: str) -> NoReturn:
    """Leave for the cases page with the case open."""
    st.switch_page(CASES, query_params={CASE: case_id})


def note_arrival(page: st.Page) -> None:
    """Remember the page that this run of the whole script draws, and what it was asked for."""
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    st.session_state[_ARRIVAL] = (_running_page(), page, query)


def undo_late_return() -> None:
    """In a fragment of every page: where the browser believes to be on the page left, go on again.

    A fragment that a browser asks for between a switch of pages and the drawing of the new one
    names the old page. Streamlit's browser part then takes the new page's elements for the old
    page's, and removes them: without this, the reader would be left with a blank page.
    """
    arrived_at, page, query = st.session_state[_ARRIVAL]
    if _running_page() != arrived_at:
        st.switch_page(page, query_params=query)


def _running_page() -> str:
    context = get_script_run_ctx()
    return context.page_script_hash if context else ""
