"""Rows that Debitura sent and that could not be understood."""

from functools import partial

import streamlit as st

from dashboard import data, live
from dashboard.components import filters, formats, table
from services import activity
from services.activity import Scope, SetAside
from services.store import Store

WANTED_ROW = "wanted_row"
COLUMNS: tuple[table.Column[SetAside], ...] = (
    table.text("Scope", lambda r: r.scope.capitalize(), sort="scope"),
    table.text("Reason", lambda r: r.reason),
    table.moment("When", lambda r: r.seen_at, sort="seen_at"),
)


def show() -> None:
    """Draw the list, and the row that was asked for."""
    if not data.ask_now(activity.count_set_aside):
        st.success(
            "No row is set aside: all that Debitura sent could be understood.",
            icon=":material/task_alt:",
        )
        return
    st.markdown(
        "Debitura sent these rows in a form that could not be understood. Until a sync can read "
        "them, they are missing from every figure, or stand in it as they were before."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scopes = filters.several_of(
            "Scope", {scope.capitalize(): str(scope) for scope in Scope}, key="aside_scope"
        )
        _offer_all()
    table.show(
        activity.list_set_aside,
        scopes,
        COLUMNS,
        key="aside",
        what="rows set aside",
        sort="seen_at",
        descending=True,
        actions=[table.RowAction("Show", _ask_for_row)],
        empty="No row of these scopes is set aside.",
        kept=False,
    )
    wanted = st.session_state.get(WANTED_ROW)
    if wanted is not None:
        _show_row(wanted)


def _offer_all() -> None:
    st.download_button(
        "All as JSON lines",
        data=partial(_lines, data.backend().store),
        file_name="rows-set-aside.jsonl",
        mime="application/jsonl",
        on_click="ignore",
        icon=":material/download:",
        help="Every row that is set aside, as it came, with scope, reason and time.",
    )


def _lines(store: Store) -> bytes:
    text = "".join(activity.set_aside_as_lines(store))
    return text.encode(errors="backslashreplace")


def _ask_for_row(row: SetAside) -> None:
    """Remember which row is wanted: dialogs open in the run, not in a click."""
    st.session_state[WANTED_ROW] = row


def _forget_row() -> None:
    st.session_state.pop(WANTED_ROW, None)


@live.dialog("Row set aside", width="large", on_dismiss=_forget_row)
def _show_row(row: SetAside) -> None:
    """What Debitura sent, as far as a browser draws it."""
    st.markdown(formats.plain(f"{row.scope.capitalize()}, {formats.exact(row.seen_at)}"))
    st.caption(formats.plain(row.reason))
    text = data.ask_now(activity.text_of, row)
    if text is None:
        st.info("A later sync has read this row again. Close this and look at the list.")
        return
    if not text.is_whole:
        st.caption(
            f"The first {activity.LONGEST_SHOWN:,} of {text.length:,} characters. "
            "The download has all of them."
        )
    st.code(text.shown, language="json", wrap_lines=True, height=420)
