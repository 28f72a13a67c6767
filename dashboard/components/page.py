"""What every page begins with."""

import streamlit as st

from dashboard.components import formats
from dashboard.data import backend
from services.activity import freshness


def begin(title: str, question: str) -> None:
    """Draw the title; where nothing was ever read, say why and end the page there."""
    st.title(title, anchor=False)
    st.caption(question)
    require_data()


def require_data() -> None:
    """Where nothing was ever read, say why and end the page."""
    state = freshness(backend().store)
    if state.any_data:
        return
    if state.failed:
        st.error(
            formats.plain(f"{state.reason} This page fills by itself once that is mended."),
            title="Debitura could not be read yet",
            icon=":material/cloud_off:",
        )
    else:
        st.info(
            "The first sync is reading everything from Debitura. This page fills by itself.",
            title="Getting the data",
            icon=":material/hourglass_top:",
        )
    st.stop()
