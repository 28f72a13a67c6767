"""How true the data is, now."""

from collections.abc import Mapping

import streamlit as st

from dashboard import data, live, navigation
from dashboard.components import formats, freshness, table
from services import activity
from services.activity import Freshness

NEWEST_RUN = "newest_run_drawn"


def show(*, scope_by_scope: bool) -> None:
    """Draw one sentence, and a table of the scopes where ``scope_by_scope``; both stay current."""
    st.session_state[NEWEST_RUN] = data.ask_now(activity.newest_run)
    _show_state(scope_by_scope)


def say_errors(errors: Mapping[str, str | None]) -> None:
    """Draw why scopes failed, a line each."""
    for scope, error in errors.items():
        st.caption(f":material/error: {formats.plain(f'{scope.capitalize()}: {error}')}")


@st.fragment(run_every=data.POLL_EVERY_S)
def _show_state(scope_by_scope: bool) -> None:
    """The state of this moment; a run that has ended since draws the whole page anew."""
    navigation.undo_late_return()
    if data.ask_now(activity.newest_run) != st.session_state[NEWEST_RUN]:
        live.redraw()
    state = data.ask_now(activity.freshness)
    _say_how_true(state)
    if scope_by_scope:
        _show_scopes(state)


def _say_how_true(state: Freshness) -> None:
    limit = data.backend().settings.expected_freshness
    told = freshness.sentence(state, now=data.now(), limit=limit)
    if state.failed or state.is_old(data.now(), limit):
        st.warning(told, icon=":material/sync_problem:")
    elif state.true_at is None:
        st.info(told, icon=":material/hourglass_top:")
    else:
        st.success(told, icon=":material/task_alt:")


def _show_scopes(state: Freshness) -> None:
    scopes = state.scopes
    st.dataframe(
        {
            "Scope": [status.scope.capitalize() for status in scopes],
            "State": [freshness.state_of(status).capitalize() for status in scopes],
            "True as of": [table.cell(status.true_at) for status in scopes],
            "Rows": [freshness.rows_of(status) for status in scopes],
            "Last full scan": [table.cell(status.full_at) for status in scopes],
        },
        column_config={
            "True as of": st.column_config.DatetimeColumn(format=table.MOMENT),
            "Rows": st.column_config.NumberColumn(format="localized"),
            "Last full scan": st.column_config.DatetimeColumn(format=table.MOMENT),
        },
        hide_index=True,
        height="content",
        placeholder=formats.NOTHING,
        alt="How true each scope is, and since when",
    )
    say_errors({status.scope: status.error for status in state.failed})
    for status in scopes:
        if status.unexplained and not status.error:
            st.caption(f":material/balance: {formats.plain(freshness.disagreement(status))}")
