"""What Debitura delivered, what became of it, and what was refused."""

from datetime import timedelta

import streamlit as st

from dashboard import data, live, navigation
from dashboard.components import filters, formats, table
from services import webhooks
from services.activity import LONGEST_SHOWN
from services.debitura.enums import WebhookEvent
from services.store import StoreError, Window
from services.webhooks import EventFilter, EventState, OpenedEvent, RefusedCount, StoredEvent

DRAWN = "webhooks_drawn"
WANTED_EVENT = "wanted_event"
WANTED_REPLAY = "wanted_replay"
EVENTS: dict[str, str] = {
    WebhookEvent.POA_SIGNED: "Power of attorney signed",
    WebhookEvent.CONTRACT_SIGNED: "Agreement signed",
    WebhookEvent.CLIENT_LINKED: "Client linked",
    WebhookEvent.LINK_DECLINED: "Link declined",
    WebhookEvent.LINK_REQUESTED: "Link requested",
    WebhookEvent.LINK_EXPIRED: "Link request ran out",
    WebhookEvent.CASE_CREATED: "Case created",
    WebhookEvent.CASE_UPDATED: "Case changed",
    WebhookEvent.CASE_CLOSED: "Case closed",
    WebhookEvent.CASES_REPLAY_FAILED: "Case not created after approval",
}
STATES = {
    EventState.RECEIVED: "Waiting",
    EventState.APPLIED: "Applied",
    EventState.IGNORED: "Ignored",
    EventState.FAILED: "Failed",
}
STATES_TOLD = {
    EventState.RECEIVED: "Received, and still to be applied.",
    EventState.APPLIED: "What it is about was read again, and is true.",
    EventState.IGNORED: "There was nothing to apply; each tells why.",
    EventState.FAILED: "Tried again and again without success; each tells why.",
}


def event_in_words(name: str) -> str:
    """What an event is called; an unknown one is said to be that."""
    return EVENTS.get(name, "Unknown event")


COLUMNS: tuple[table.Column[StoredEvent], ...] = (
    table.text("What", lambda e: event_in_words(e.event), sort="event"),
    table.text("State", lambda e: STATES[e.state], sort="state"),
    table.text("Why", lambda e: e.reason),
    table.text("Client", lambda e: e.client_name),
    table.text("Case", lambda e: e.reference, options=(("width", 110),)),
    table.moment("Happened", lambda e: e.happened_at),
    table.moment("Received", lambda e: e.received_at, sort="received_at"),
    table.number("Failed attempts", lambda e: e.attempts),
    table.moment("Tried again", lambda e: e.next_try_at),
    table.text("Event", lambda e: e.event),
    table.moment("Settled", lambda e: e.settled_at, shown=False),
    table.text("Event id", lambda e: e.id, shown=False),
)


def show() -> None:
    """Draw the figures, what was refused, the list, and the event that was asked for."""
    _replay_what_is_wanted()
    st.session_state[DRAWN] = _as_it_stands()
    _show_answer(data.ask_now(webhooks.median_time_to_apply))
    _show_refused(data.ask_now(webhooks.refused))
    if data.ask_now(webhooks.last_received_at) is None:
        _say_how_to_begin()
    else:
        _show_events()
    wanted = st.session_state.get(WANTED_EVENT)
    if wanted is not None:
        _show_event(wanted)


def count_failed() -> int:
    """How many events could not be applied."""
    return data.ask_now(webhooks.count_by_state)[EventState.FAILED]


def _as_it_stands() -> object:
    """What differs once there is something new to draw."""
    newest_waiting = Window(1, table.ROWS_A_PAGE, "received_at", True)
    return (
        data.ask_now(webhooks.count_by_state),
        data.ask_now(webhooks.last_received_at),
        data.ask_now(webhooks.refused),
        data.ask_now(
            webhooks.list_events, EventFilter(states=(EventState.RECEIVED,)), newest_waiting
        ),
    )


@st.fragment(run_every=data.POLL_EVERY_S)
def _show_answer(typical: timedelta | None) -> None:
    """The figures of this moment; whatever came or was settled since draws the page anew."""
    navigation.undo_late_return()
    if _as_it_stands() != st.session_state[DRAWN]:
        live.redraw()
    last_at = data.ask_now(webhooks.last_received_at)
    if last_at is None:
        return
    counts = data.ask_now(webhooks.count_by_state)
    with st.grid(3, min_column_width=150):
        for state, label in STATES.items():
            told = STATES_TOLD[state]
            st.metric(label, formats.count(counts[state]), border=True, help=told)
        st.metric(
            "Median time to apply",
            formats.span(typical),
            border=True,
            help="From receipt, of the last 100 that were applied.",
        )
        st.metric(
            "Last received",
            formats.ago(last_at, data.now()),
            border=True,
            help=formats.exact(last_at),
        )


def _show_refused(refused: list[RefusedCount]) -> None:
    if not refused:
        st.caption(":material/verified_user: No delivery was refused.")
        return
    st.markdown("**Refused deliveries**")
    st.dataframe(
        {
            "Reason": [each.reason[:1].upper() + each.reason[1:] for each in refused],
            "Deliveries": [each.count for each in refused],
            "Last": [table.cell(each.last_at) for each in refused],
        },
        column_config={
            "Deliveries": st.column_config.NumberColumn(format="localized"),
            "Last": st.column_config.DatetimeColumn(format=table.MOMENT),
        },
        hide_index=True,
        height="content",
        alt="How many deliveries were refused, by reason",
    )
    st.caption("Nothing of a refused delivery is kept.")


def _say_how_to_begin() -> None:
    st.info(
        "No webhook event was let in yet. Create a subscription on Settings: from then on, what "
        "happens at Debitura is delivered here at once.",
        icon=":material/inbox:",
    )
    st.page_link(navigation.SETTINGS, label="Open Settings", icon=":material/settings:")


def _show_events() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Tenant, case or event id", key="event_q")
        states = filters.several_of(
            "State", {label: str(state) for state, label in STATES.items()}, key="event_state"
        )
        labels = {label: event for event, label in EVENTS.items()}
        events = filters.several_of("What", labels, key="event_name")
        _offer_to_replay_all()
    wanted = EventFilter(states=states, events=events, text=text)
    table.show(
        webhooks.list_events,
        wanted,
        COLUMNS,
        key="events",
        what="webhook events",
        sort="received_at",
        descending=True,
        actions=[
            table.RowAction("Show", _ask_for_event),
            table.RowAction("Replay", _ask_to_replay, offered=_has_failed),
            table.RowAction("Open case", _open_case, offered=lambda e: bool(e.case_id)),
            table.RowAction("Open client", _open_client, offered=lambda e: bool(e.tenant_id)),
        ],
        empty="No event fits these filters. Clear one to see more.",
        kept=False,
    )


def _has_failed(event: StoredEvent) -> bool:
    return event.state is EventState.FAILED


def _open_case(event: StoredEvent) -> None:
    navigation.open_case(event.case_id or "")


def _open_client(event: StoredEvent) -> None:
    navigation.open_client(event.tenant_id or "")


def _offer_to_replay_all() -> None:
    failed = count_failed()
    if failed:
        st.button(
            f"Replay all failed ({formats.count(failed)})",
            icon=":material/replay:",
            key="replay_all",
            help="Has them applied anew, whatever the filters are.",
            on_click=_want_replay,
            args=(None,),
        )


def _ask_to_replay(event: StoredEvent) -> None:
    _want_replay((event.id,))


def _want_replay(event_ids: tuple[str, ...] | None) -> None:
    """Remember what is to be replayed, None for all that failed: it is done in the run."""
    st.session_state[WANTED_REPLAY] = event_ids


def _replay_what_is_wanted() -> None:
    if WANTED_REPLAY not in st.session_state:
        return
    event_ids = st.session_state.pop(WANTED_REPLAY)
    try:
        count = data.ask_now(webhooks.replay, event_ids, actor=data.ACTOR, now=data.now())
    except StoreError as error:
        st.error(formats.plain(str(error)), icon=":material/error:")
        return
    events = "1 event is" if count == 1 else f"{formats.count(count)} events are"
    st.toast(
        f"{events} applied anew. The worker does that within seconds.", icon=":material/replay:"
    )


def _ask_for_event(event: StoredEvent) -> None:
    """Remember which event is wanted: dialogs open in the run, not in a click."""
    st.session_state[WANTED_EVENT] = event.id


def _forget_event() -> None:
    st.session_state.pop(WANTED_EVENT, None)


@live.dialog("Webhook event", width="large", on_dismiss=_forget_event)
def _show_event(event_id: str) -> None:
    """What was sent, and what became of it."""
    opened = data.ask_now(webhooks.open_event, event_id)
    if opened is None:
        st.info("This event is not kept any more.", icon=":material/search_off:")
        return
    _say_what_became_of(opened)
    if len(opened.text) > LONGEST_SHOWN:
        st.caption(f"The first {LONGEST_SHOWN:,} of {len(opened.text):,} characters.")
    st.code(opened.text[:LONGEST_SHOWN], language="json", wrap_lines=True, height=420)


def _say_what_became_of(opened: OpenedEvent) -> None:
    event = opened.event
    st.markdown(f"**{event_in_words(event.event)}** {formats.plain(event.event)}")
    state = f"{STATES[event.state]}: {event.reason}" if event.reason else STATES[event.state]
    st.markdown(formats.plain(state))
    times = f"Happened {formats.exact(event.happened_at)}, received "
    st.caption(formats.plain(times + formats.exact(event.received_at)))
