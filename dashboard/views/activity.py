"""Activity: how true is the data, how did syncs go, what changed?"""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from dashboard import data, navigation
from dashboard.components import changes, filters, formats, freshness, page, table
from services import activity
from services.activity import (
    ChangeFilter,
    Freshness,
    RunChoice,
    Scope,
    ScopeRun,
    SetAside,
    SubjectChange,
    SyncRun,
)
from services.store import Store

RUNS, CHANGES, ASIDE = "Sync runs", "What changed", "Rows set aside"
RUN_CHOICES = {
    "All": RunChoice.ALL,
    "Failed": RunChoice.FAILED,
    "With changes": RunChoice.CHANGING,
}
RUN_KINDS = {"full": "Full scan", "refresh": "Refresh"}
SUBJECTS = {"All": None, "Clients": "client", "Cases": "case", "Transactions": "transaction"}
LOCALIZED = (("format", "localized"),)
NEWEST_RUN = "newest_run_drawn"
WANTED_ROW = "wanted_row"
NO_CHANGE = (
    "No change was seen yet. The first sync only takes stock; what differs in a later one is "
    "noted here."
)


def outcome(run: SyncRun) -> str:
    if run.is_true:
        return "True to Debitura"
    return f"Failed: {formats.listed(run.failed)}" if run.failed else "Failed"


RUN_COLUMNS: tuple[table.Column[SyncRun], ...] = (
    table.moment("Started", lambda r: r.started_at, sort="started_at"),
    table.text("Took", lambda r: formats.span(r.took)),
    table.text("Kind", lambda r: RUN_KINDS.get(r.kind, r.kind)),
    table.text("Outcome", outcome),
    table.number("Requests", lambda r: r.requests, options=LOCALIZED),
    table.number("Rows changed", lambda r: r.changed, options=LOCALIZED),
    table.number("Archived", lambda r: r.archived, options=LOCALIZED),
    table.number("Set aside", lambda r: r.rejected, options=LOCALIZED),
)
CHANGE_COLUMNS: tuple[table.Column[SubjectChange], ...] = (
    table.moment("When", lambda c: c.change.at, sort="at"),
    table.text("Of", lambda c: c.kind.capitalize()),
    table.text("Client", lambda c: c.client_name),
    table.text("Case", lambda c: c.reference),
    table.text("What", lambda c: changes.field_label(c.change.field)),
    table.text("From", lambda c: changes.words(c.change.field, c.change.before, c.currency)),
    table.text("To", lambda c: changes.words(c.change.field, c.change.after, c.currency)),
    table.text("Learnt by", lambda c: c.change.learnt_by),
    table.text("Id", lambda c: c.subject_id, shown=False),
)
ASIDE_COLUMNS: tuple[table.Column[SetAside], ...] = (
    table.text("Scope", lambda r: r.scope.capitalize(), sort="scope"),
    table.text("Reason", lambda r: r.reason),
    table.moment("When", lambda r: r.seen_at, sort="seen_at"),
)


@st.fragment(run_every=data.POLL_EVERY_S)
def show_state() -> None:
    """How true the data is, now; a run that has ended since draws the whole page anew."""
    navigation.undo_late_return()
    if data.ask_now(activity.newest_run) != st.session_state[NEWEST_RUN]:
        st.rerun()
    state = data.ask_now(activity.freshness)
    say_how_true(state)
    show_scopes(state)


def say_how_true(state: Freshness) -> None:
    limit = data.backend().settings.expected_freshness
    told = freshness.sentence(state, now=data.now(), limit=limit)
    if state.failed or state.is_old(data.now(), limit):
        st.warning(told, icon=":material/sync_problem:")
    elif state.true_at is None:
        st.info(told, icon=":material/hourglass_top:")
    else:
        st.success(told, icon=":material/task_alt:")


def show_scopes(state: Freshness) -> None:
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


def say_errors(errors: Mapping[str, str | None]) -> None:
    for scope, error in errors.items():
        st.caption(f":material/error: {formats.plain(f'{scope.capitalize()}: {error}')}")


def show_runs() -> None:
    run_id = st.query_params.get(navigation.RUN)
    if run_id:
        show_run(data.ask_now(activity.run, run_id))
    choice = filters.one_in_sight(
        "Runs", RUN_CHOICES, key="run_choice", told="A run is kept until 500 newer ones have ended."
    )
    table.show(
        activity.list_runs,
        choice,
        RUN_COLUMNS,
        key="runs",
        what="sync runs",
        sort="started_at",
        descending=True,
        actions=[table.RowAction("Open", open_run)],
        empty="No such run is kept."
        if choice is not RunChoice.ALL
        else "No sync has ended yet. The first one is listed here once it has.",
        kept=False,
    )


def open_run(run: SyncRun) -> None:
    st.query_params[navigation.RUN] = str(run.id)


def close_run() -> None:
    st.query_params.pop(navigation.RUN, None)


def show_run(run: SyncRun | None) -> None:
    """One run with its scopes, and a way to close it."""
    with st.container(border=True):
        if run is None:
            st.warning("This run is not kept any more.", icon=":material/search_off:")
            st.button("Close", on_click=close_run, key="close_run")
            return
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.subheader(f"Run of {formats.exact(run.started_at)}")
            st.button("Close", icon=":material/close:", on_click=close_run, key="close_run")
        kind = RUN_KINDS.get(run.kind, run.kind)
        st.caption(
            formats.plain(
                f"{kind}, {formats.span(run.took)}, {formats.count(run.requests)} requests"
            )
        )
        show_scopes_of(run.scopes)


def show_scopes_of(scopes: tuple[ScopeRun, ...]) -> None:
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
    say_errors({scope.scope: scope.error for scope in scopes if scope.error})


def show_changes() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Id, name or reference", key="change_q")
        kind = filters.one("Of", SUBJECTS, key="change_kind")
        labels = {label: field for field, label in changes.FIELDS.items()}
        fields = filters.several_of("What", labels, key="change_field")
    wanted = ChangeFilter(text=text, kind=kind, fields=fields)
    table.show(
        activity.list_changes,
        wanted,
        CHANGE_COLUMNS,
        key="changes",
        what="changes",
        sort="at",
        descending=True,
        actions=[table.RowAction("Open", open_subject, offered=can_be_opened)],
        empty=NO_CHANGE
        if wanted == ChangeFilter()
        else "No change fits these filters. Clear one to see more.",
    )


def can_be_opened(change: SubjectChange) -> bool:
    return change.case_id is not None or change.tenant_id is not None


def open_subject(change: SubjectChange) -> None:
    """Leave for the case that changed, or whose payment did; for the client where there is none."""
    if change.case_id is not None:
        navigation.open_case(change.case_id)
    navigation.open_client(change.tenant_id or "")


def show_set_aside(number: int) -> None:
    if not number:
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
        st.download_button(
            "All as JSON lines",
            data=partial(lines, data.backend().store),
            file_name="rows-set-aside.jsonl",
            mime="application/jsonl",
            on_click="ignore",
            icon=":material/download:",
            help="Every row that is set aside, as it came, with scope, reason and time.",
        )
    table.show(
        activity.list_set_aside,
        scopes,
        ASIDE_COLUMNS,
        key="aside",
        what="rows set aside",
        sort="seen_at",
        descending=True,
        actions=[table.RowAction("Show", ask_for_row)],
        empty="No row of these scopes is set aside.",
        kept=False,
    )
    wanted = st.session_state.get(WANTED_ROW)
    if wanted is not None:
        show_row(wanted)


def lines(store: Store) -> bytes:
    text = "".join(activity.set_aside_as_lines(store))
    return text.encode(errors="backslashreplace")


def ask_for_row(row: SetAside) -> None:
    """Remember which row is wanted: dialogs open in the run, not in a click."""
    st.session_state[WANTED_ROW] = row


def forget_row() -> None:
    st.session_state.pop(WANTED_ROW, None)


@st.dialog("Row set aside", width="large", on_dismiss=forget_row)
def show_row(row: SetAside) -> None:
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


def pick_part(set_aside: int) -> str:
    part = filters.one_in_sight(
        "Show",
        {part: part for part in (RUNS, CHANGES, ASIDE)},
        key="activity_part",
        told="Sync runs, the changes that they found, and rows that could not be understood.",
    )
    if set_aside:
        verb = "row is" if set_aside == 1 else "rows are"
        st.caption(f"{formats.count(set_aside)} {verb} set aside.")
    return part


page.begin(
    "Activity",
    "How true is the data, how did syncs go, and what changed?",
    needs=(),
    keys=("activity_", "run_", "runs_", "change_", "changes_", "aside_"),
)
st.session_state[NEWEST_RUN] = data.ask_now(activity.newest_run)
show_state()
set_aside = data.ask_now(activity.count_set_aside)
part = pick_part(set_aside)
if part == RUNS:
    show_runs()
elif part == CHANGES:
    show_changes()
else:
    show_set_aside(set_aside)
