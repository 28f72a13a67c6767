"""How a page says that it cannot work at all."""

import streamlit as st

from dashboard.components import formats


def show(error: Exception) -> None:
    """Draw an error whose message is a sentence for the reader."""
    st.error(
        formats.plain(str(error)),
        title="The dashboard cannot read its data",
        icon=":material/error:",
    )
