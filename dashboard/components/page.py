"""What every page begins with."""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import formats, freshness
from services import activity
from services.activity import Freshness, Scope

_PAGE = "page_drawn"


def begin(title: str, question: str, *, needs: tuple[Scope, ...], keys: tuple[str, ...]) -> None:
    """Draw the title; where a needed scope was never read whole, say why and end the page.

    ``keys`` are the beginnings of the keys of the page's filters.
    """
    arrive(title, keys)
    st.title(title, anchor=False)
    st.caption(question)
    require(needs)


def arrive(page: str, keys: tuple[str, ...]) -> None:
    """On coming from another page, let the address alone say what the filters are.

    Filters left behind on an earlier visit would narrow what a link promised to show.
    """
    if st.session_state.get(_PAGE) == page:
        return
    st.session_state[_PAGE] = page
    left_behind = [
        key
        for key in st.session_state
        if isinstance(key, str) and key.startswith(keys) and key not in st.query_params
    ]
    for key in left_behind:
        del st.session_state[key]


def require(needs: tuple[Scope, ...]) -> None:
    """Where a needed scope was never read whole, say why and end the page.

    Part of the data, or none of it, must not look like all there is.
    """
    if data.ask_now(activity.freshness).never_read(needs):
        _wait_for(needs)
        st.stop()


@st.fragment(run_every=data.POLL_EVERY_S)
def _wait_for(needs: tuple[Scope, ...]) -> None:
    """Say what is missing and how far it is; the page itself is drawn anew once it is there."""
    navigation.undo_late_return()
    state = data.ask_now(activity.freshness)
    _say_why(state, needs)
    freshness.show_progress(state, needs)


def _say_why(state: Freshness, needs: tuple[Scope, ...]) -> None:
    missing = state.never_read(needs)
    failed = next((status.error for status in missing if status.error), None)
    if failed is not None:
        st.error(
            formats.plain(f"{failed} This page fills by itself once that is mended."),
            title="Debitura could not be read yet",
            icon=":material/cloud_off:",
        )
    else:
        st.info(
            "The first sync is reading everything from Debitura. This page fills by itself.",
            title="Getting the data",
            icon=":material/hourglass_top:",
        )
