"""The Streamlit script: opens the store, draws the header, and runs the page."""

from pathlib import Path

import streamlit as st

from dashboard import header, navigation
from dashboard.components import failures
from dashboard.data import backend
from services.settings import SettingsError
from services.store import StoreError

# A named icon would be fetched from outside.
ICON = Path(__file__).parent / "assets" / "icon.png"
st.set_page_config(page_title="Partner dashboard", page_icon=ICON, layout="wide")

PAGES = [
    st.Page(
        navigation.OVERVIEW,
        title="Overview",
        icon=":material/today:",
        default=True,
        help="What needs you today, and the headline numbers.",
    ),
    st.Page(
        navigation.ONBOARDING,
        title="Client onboarding",
        icon=":material/how_to_reg:",
        help="How many clients are in each stage, and who is stuck.",
    ),
    st.Page(
        navigation.LINK_REQUESTS,
        title="Link requests",
        icon=":material/link:",
        help="Who has not answered yet, and when it runs out.",
    ),
    st.Page(
        navigation.CASES,
        title="Cases",
        icon=":material/folder_open:",
        help="Where the cases are, and what waits on whom.",
    ),
    st.Page(
        navigation.REVENUE,
        title="Revenue",
        icon=":material/payments:",
        help="At which stage the referral fees are, and whether they agree with Debitura.",
    ),
    st.Page(
        navigation.WHITE_LABEL,
        title="White label",
        icon=":material/palette:",
        help="What clients see when they sign, and whether they can read it.",
    ),
    st.Page(
        navigation.ACTIVITY,
        title="Activity",
        icon=":material/history:",
        help="How true the data is, which webhooks came, what changed, and who did what.",
    ),
    st.Page(
        navigation.SETTINGS,
        title="Settings",
        icon=":material/settings:",
        help="Whether it is wired up, and what Debitura delivers here.",
    ),
    st.Page(navigation.CLIENT, title="Client", icon=":material/person:", visibility="hidden"),
]

page = st.navigation(PAGES)
try:
    header.show(backend(), page)
    page.run()
except (SettingsError, StoreError) as error:
    failures.show(error)
