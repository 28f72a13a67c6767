"""How syncs went, and what each of them did."""

import streamlit as st

from dashboard import data, navigation
from dashboard.activity import how_true
from dashboard.components import filters, formats, table
from services import activity
from services.activity import RunChoice, ScopeRun, SyncRun

CHOICES = {
    "All": RunChoice.ALL,
    "Failed": RunChoice.FAILED,
    "With changes": RunChoice.CHANGING,
}
KINDS = {"full": "Full scan", "refresh": "Refresh"}
LOCALIZED = (("format", "localized"),)


def outcome(run: SyncRun) -> str:
    if run.is_true:
        return "True to Debitura"
    return f"Failed: {formats.listed(run.failed)}" if run.failed else "Failed"


COLUMNS: tuple[table.Column[SyncRun], ...] = (
    table.moment("Started", lambda r: r.started_at, sort="started_at"),
    table.text("Took", lambda r: formats.span(r.took)),
    table.text("Kind", lambda r: KINDS.get(r.kind, r.kind)),
    table.text("Outcome", outcome),
    table.number("Requests", lambda r: r.requests, options=LOCALIZED),
    table.number("Rows changed", lambda r: r.changed, options=LOCALIZED),
    table.number("Archived", lambda r: r.archived, options=LOCALIZED),
    table.number("Set aside", lambda r: r.rejected, options=LOCALIZED),
)


def show() -> None:
    """Draw the open run where the address names one, and the list."""
    run_id = st.query_params.get(navigation.RUN)
    if run_id:
        _show_run(data.ask_now(activity.run, run_id))
    choice = filters.one_in_sight(
        "Runs", CHOICES, key="run_choice", told="A run is kept until 500 newer ones have ended."
    )
    table.show(
        activity.list_runs,
        choice,
        COLUMNS,
        key="runs",
        what="sync runs",
        sort="started_at",
        descending=True,
        actions=[table.RowAction("Open", _open_run)],
        empty="No such run is kept."
        if choice is not RunChoice.ALL
        else "No sync has ended yet. The first one is listed here once it has.",
        kept=False,
    )


def _open_run(run: SyncRun) -> None:
    st.query_params[navigation.RUN] = str(run.id)


def _close_run() -> None:
    st.query_params.pop(navigation.RUN, None)


def _show_run(run: SyncRun | None) -> None:
    """One run with its scopes, and a way to close it."""
    with st.container(border=True):
        if run is None:
            st.warning("This run is not kept any more.", icon=":material/search_off:")
            st.button("Close", on_click=_close_run, key="close_run")
            return
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.subheader(f"Run of {formats.exact(run.started_at)}")
            st.button("Close", icon=":material/close:", on_click=_close_run, key="close_run")
        kind = KINDS.get(run.kind, run.kind)
        st.caption(
            formats.plain(
                f"{kind}, {formats.span(run.took)}, {formats.count(run.requests)} requests"
            )
        )
        _show_scopes_of(run.scopes)


def _show_scopes_of(scopes: tuple[ScopeRun, ...]) -> None:
    numbers = {
        "Rows": [scope.rows for scope in scopes],
        "Changed": [scope.changed for scope in scopes],
        "Archived": [scope.archived for scope in scopes],
        "Set aside": [scope.rejected for scope in scopes],
        "Requests": [scope.requests for scope in scopes],
    }
    st.dataframe(
        {
            "Scope": [scope.scope.capitalize() for scope in scopes],
            "Outcome": ["Failed" if scope.error else "True" for scope in scopes],
            "How": [scope.how for scope in scopes],
            **numbers,
        },
        column_config={name: st.column_config.NumberColumn(format="localized") for name in numbers},
        hide_index=True,
        height="content",
        placeholder=formats.NOTHING,
        alt="What this run did, by scope",
    )
    how_true.say_errors({scope.scope: scope.error for scope in scopes if scope.error})
