"""Where the pages are, and how one leads to another."""

from typing import NoReturn

import streamlit as st

OVERVIEW = "views/overview.py"
ONBOARDING = "views/onboarding.py"
LINK_REQUESTS = "views/link_requests.py"
CASES = "views/cases.py"
CLIENT = "views/client.py"
REVENUE = "views/revenue.py"
WHITE_LABEL = "views/white_label.py"

TENANT = "tenant"
"""Query parameter that names the client of the client page."""
CASE = "case"
"""Query parameter that names the open case of the cases page."""


def open_client(tenant_id: str) -> NoReturn:
    """Leave for the client's page."""
    st.switch_page(CLIENT, query_params={TENANT: tenant_id})


def open_case(case_id: str) -> NoReturn:
    """Leave for the cases page with the case open."""
    st.switch_page(CASES, query_params={CASE: case_id})
