"""What stands above every page: environment, age of the data, search."""

from typing import Literal

import streamlit as st

from dashboard import data, live, navigation
from dashboard.components import formats, freshness
from dashboard.data import Backend
from services import activity, lookup
from services.activity import Freshness, ScopeState, ScopeStatus
from services.lookup import Hit, HitKind
from services.settings import Environment

SEARCH = "search"
_ENVIRONMENT_COLORS: dict[Environment, Literal["blue", "orange", "red"]] = {
    Environment.SANDBOX: "blue",
    Environment.TEST: "orange",
    Environment.PRODUCTION: "red",
}
_HIT_ICONS = {
    HitKind.CLIENT: ":material/person:",
    HitKind.CASE: ":material/folder_open:",
    HitKind.LINK_REQUEST: ":material/link:",
}


def show(backend: Backend, page: st.Page) -> None:
    """Draw the header and keep it, and the page below, up to date."""
    live.begin()
    formats.note_zone()
    navigation.note_arrival(page)
    st.session_state["revision_shown"] = backend.store.revision()
    left, right = st.columns([3, 2], vertical_alignment="top")
    with right:
        _search()
    with left:
        _status(backend)


@st.fragment(run_every=data.POLL_EVERY_S)
def _status(backend: Backend) -> None:
    navigation.undo_late_return()
    if backend.store.revision() != st.session_state["revision_shown"]:
        live.redraw()
    environment = backend.settings.environment
    state = activity.freshness(backend.store)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(
            environment.capitalize(),
            icon=":material/science:" if environment is not Environment.PRODUCTION else None,
            color=_ENVIRONMENT_COLORS[environment],
        )
        _age(state)
        reason = _why_out_of_date(backend, state)
        if reason:
            st.badge("Out of date", icon=":material/sync_problem:", color="orange")
            st.page_link(navigation.ACTIVITY, label="See the syncs", icon=":material/history:")
    if reason:
        st.caption(formats.plain(f"{reason} What was read before is shown."))
    elif state.first_scan_running:
        _progress(state)


def _why_out_of_date(backend: Backend, state: Freshness) -> str | None:
    if state.reason:
        return state.reason
    if state.is_old(data.now(), backend.settings.expected_freshness):
        return "No sync has ended for a while: is the worker running?"
    return None


def _age(state: Freshness) -> None:
    if state.true_at is None:
        told = "No data yet"
        st.caption(told, help=_scopes_told(state), width="content")
    else:
        told = f"Data as of {formats.ago(state.true_at, data.now())}"
        st.caption(
            told, help=f"{formats.exact(state.true_at)}\n\n{_scopes_told(state)}", width="content"
        )


def _progress(state: Freshness) -> None:
    done, total = state.progress
    if total:
        st.progress(min(done / total, 1.0), text=freshness.first_scan(state))
    else:
        st.caption(freshness.first_scan(state))


def _scopes_told(state: Freshness) -> str:
    scopes = "\n".join(f"- {_scope_told(status)}" for status in state.scopes)
    full = formats.ago(state.full_at, data.now()) if state.full_at else "not noted yet"
    return f"{scopes}\n\nLast full scan: {full}"


def _scope_told(status: ScopeStatus) -> str:
    told = f"{status.scope.capitalize()}: {freshness.state_of(status)}"
    if status.true_at is not None:
        age = formats.ago(status.true_at, data.now())
        told += f" as of {age}" if status.state is ScopeState.TRUE else f"; read whole {age}"
    return f"{told}. {formats.plain(status.error)}" if status.error else told


@st.fragment
def _search() -> None:
    navigation.undo_late_return()
    text = st.text_input(
        "Search clients and cases",
        key=SEARCH,
        type="search",
        live=True,
        placeholder="Search client, email, tenant id, case reference, debtor",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    if not text or len(text.strip()) < lookup.MIN_CHARACTERS:
        return
    hits = data.ask(lookup.search, text)
    with st.container(border=True, gap="xsmall"):
        if not hits:
            st.caption("Nothing found. Try fewer letters, or another field.")
        for hit in hits:
            st.button(
                f"{formats.plain(hit.title)}  :gray[{formats.plain(hit.detail)}]",
                key=f"hit-{hit.kind}-{hit.id}",
                icon=_HIT_ICONS[hit.kind],
                type="tertiary",
                wrap=False,
                on_click=_open,
                args=(hit,),
            )


def _open(hit: Hit) -> None:
    st.session_state[SEARCH] = ""
    if hit.kind is HitKind.CASE:
        navigation.open_case(hit.id)
    navigation.open_client(hit.id)
