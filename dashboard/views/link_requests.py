"""Link requests: who has not answered, when does it run out, what came of the others?"""

from dataclasses import replace
from datetime import datetime

import streamlit as st

from dashboard import data, live, navigation
from dashboard.components import (
    approval_chart,
    asking,
    charts,
    filters,
    formats,
    hand_over,
    new_client,
    page,
    request_facts,
    table,
)
from services import hand_overs, link_requests, onboarding
from services.link_requests import (
    LAST_DAY,
    LinkRequest,
    LinkRequestFilter,
    LinkRequestStatus,
    Urgency,
)

LOOK_AT_THE_CLOCK_EVERY_S = 30
LABELS = {
    LinkRequestStatus.PENDING: "Pending",
    LinkRequestStatus.APPROVED: "Approved",
    LinkRequestStatus.DECLINED: "Declined",
    LinkRequestStatus.EXPIRED: "Expired",
}
DAYS = {f"Day {day}": day for day in range(1, LAST_DAY)} | {"Later": LAST_DAY}
# Each is dark enough for the white word on it.
URGENCY_COLORS = {
    Urgency.OVER: "#5f6876",
    Urgency.URGENT: "#b83a3a",
    Urgency.SOON: "#a85b12",
    Urgency.CALM: "#2f7d46",
}
ASKING = "request_asking"
FAILURE = "request_failure"
OUTCOME = "request_outcome"
NOTHING_FITS = "No request fits these filters. Clear one to see more."
EMPTY = {
    LinkRequestStatus.PENDING: (
        "Nobody has a request open. One begins when a client that you add has a Debitura account "
        "already."
    ),
    LinkRequestStatus.APPROVED: "No request has been approved yet.",
    LinkRequestStatus.DECLINED: "No request has been declined.",
    LinkRequestStatus.EXPIRED: "No request has run out.",
}
ASK_AGAIN = {
    LinkRequestStatus.PENDING: (
        "The link above stops working at once, and a fresh one begins with {days} to answer. Hand "
        "the fresh one over then."
    ),
    LinkRequestStatus.EXPIRED: (
        "The old link stays void. A fresh one begins with {days} to answer: hand it over then."
    ),
    LinkRequestStatus.DECLINED: (
        "Asking again rarely helps after a decline: contact the client first, and ask again once "
        "they want it. A fresh link begins then, with {days} to answer."
    ),
}

moment = data.this_minute()


PENDING_COLUMNS: tuple[table.Column[LinkRequest], ...] = (
    table.text("Client", lambda r: r.company_name, sort="company_name"),
    table.Column(
        "Urgency",
        lambda r: r.urgency(moment),
        config=st.column_config.MultiselectColumn,
        options=(("options", list(Urgency)), ("color", list(URGENCY_COLORS.values()))),
    ),
    table.Column(
        "Time left",
        lambda r: round(100 * r.share_left(moment)),
        config=st.column_config.ProgressColumn,
        options=(("min_value", 0), ("max_value", 100), ("format", "%d %%")),
    ),
    table.text("Runs out", lambda r: request_facts.countdown(r, moment)),
    table.moment("Runs out at", lambda r: r.expires_at, sort="expires_at"),
    table.text("Handed over", lambda r: hand_over.told(r.handed_over) or "not noted"),
    table.moment("Asked", lambda r: r.requested_at, sort="requested_at"),
    table.text("Asked by", lambda r: r.requested_by, sort="requested_by"),
    table.text("Country", lambda r: r.country, sort="country"),
    table.text("Tenant id", lambda r: r.tenant_id),
    table.text("Approval link", lambda r: r.approval_url, shown=False),
)
ENDED_COLUMNS: tuple[table.Column[LinkRequest], ...] = (
    table.text("Client", lambda r: r.company_name, sort="company_name"),
    table.moment("Ended", lambda r: r.resolved_at, sort="resolved_at"),
    table.text("Took", lambda r: request_facts.precisely(r.time_taken)),
    table.text("Told by", request_facts.told_by),
    table.moment("Asked", lambda r: r.requested_at, sort="requested_at"),
    table.text("Asked by", lambda r: r.requested_by, sort="requested_by"),
    table.text("Country", lambda r: r.country, sort="country"),
    table.text("Tenant id", lambda r: r.tenant_id),
)


@st.fragment(run_every=LOOK_AT_THE_CLOCK_EVERY_S)
def follow_the_clock(drawn: datetime) -> None:
    """Draw the page anew with each minute: time runs out though nothing happens."""
    navigation.undo_late_return()
    if data.this_minute() != drawn:
        live.redraw()


def number(
    label: str, value: str, behind: str, status: LinkRequestStatus, *, soon: bool = False
) -> None:
    """A number with what it is made of, and the way to its rows."""
    with st.container(border=True, height="stretch", gap="small"):
        st.metric(label, value, behind, delta_color="off", delta_arrow="off")
        st.button(
            "Show them",
            key=f"request_show_{label}",
            type="tertiary",
            on_click=lead_to,
            args=(status, soon),
        )


def lead_to(status: LinkRequestStatus, soon: bool) -> None:
    """Set the list to the rows of a number, whatever it was narrowed to."""
    st.session_state["request_status"] = LABELS[status]
    if soon and "request_soon" not in st.session_state:
        # A switch that was not on the page does not put itself into the address.
        st.query_params["request_soon"] = "true"
    st.session_state["request_soon"] = soon
    for key, everything in (("q", ""), ("country", []), ("asker", []), ("day", "Any day")):
        st.session_state[f"request_{key}"] = everything


def show_answer(asked: LinkRequestFilter) -> None:
    """The numbers: how many wait, how many are approved, how long that takes."""
    counts = data.ask(link_requests.count_by_status, asked)
    soon = data.ask(
        link_requests.count_by_status, link_requests.only_soon(asked, now=data.this_hour())
    )
    times = data.ask(link_requests.times_to_approval, asked)
    approved, ended = counts[LinkRequestStatus.APPROVED], link_requests.ended(counts)
    with st.grid(4, min_column_width=150):
        number(
            "Waiting",
            formats.count(counts[LinkRequestStatus.PENDING]),
            "for an answer",
            LinkRequestStatus.PENDING,
        )
        number(
            "Running out",
            formats.count(soon[LinkRequestStatus.PENDING]),
            "within 48 hours",
            LinkRequestStatus.PENDING,
            soon=True,
        )
        number(
            "Approval rate",
            formats.percent(link_requests.approval_rate(counts)),
            f"{approved:,} of {ended:,} that ended" if ended else "none has ended",
            LinkRequestStatus.APPROVED,
        )
        number(
            "Median time to approval",
            request_facts.precisely(link_requests.median_time(times)),
            f"of {len(times):,} approvals" if times else "no approval yet",
            LinkRequestStatus.APPROVED,
        )


def narrowed(asked: LinkRequestFilter) -> LinkRequestFilter:
    """What the filter row asks for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Company or tenant id", key="request_q")
        countries = filters.several(
            "Country", data.ask(link_requests.countries), key="request_country"
        )
        askers = filters.several("Asked by", data.ask(link_requests.askers), key="request_asker")
    return replace(asked, text=text, countries=countries, askers=askers)


def pick_status(wanted: LinkRequestFilter) -> LinkRequestStatus:
    counts = data.ask(link_requests.count_by_status, wanted)
    status = filters.one_in_sight(
        "What came of it",
        {LABELS[each]: each for each in LinkRequestStatus},
        key="request_status",
        told="What came of the latest request to each company.",
    )
    st.caption(" · ".join(f"{LABELS[each]} {counts[each]:,}" for each in LinkRequestStatus))
    return status


def narrowed_further(wanted: LinkRequestFilter, status: LinkRequestStatus) -> LinkRequestFilter:
    """What only one of the tabs can be narrowed to."""
    if status is LinkRequestStatus.PENDING:
        soon = filters.switch("Only what runs out within 48 hours", key="request_soon")
        if soon:
            return link_requests.only_soon(wanted, now=data.this_hour())
    if status is LinkRequestStatus.APPROVED:
        day = pick_day(wanted)
        if day is not None:
            return link_requests.only_approved_on(wanted, day)
    return replace(wanted, status=status)


def pick_day(wanted: LinkRequestFilter) -> int | None:
    """How long approvals took; the chosen day after the asking, or None for all of them."""
    times = data.ask(link_requests.times_to_approval, wanted)
    by_day = dict(zip(DAYS, link_requests.approvals_by_day(times), strict=True))
    if times:
        st.subheader("How long approval takes")
        charts.show_to_pick(
            approval_chart.approvals(by_day),
            key="request_times",
            alt="; ".join(f"{day}: {count} approvals" for day, count in by_day.items()),
            into="request_day",
            several=False,
        )
    return filters.one("Approved on", {"Any day": None, **DAYS}, key="request_day")


def actions_for(status: LinkRequestStatus) -> list[table.RowAction[LinkRequest]]:
    """What can be done with a row: what is needed most is one click away."""
    if status is LinkRequestStatus.PENDING:
        return [table.RowAction("Hand over", open_request)]
    if status is LinkRequestStatus.EXPIRED:
        return [
            table.RowAction("Ask again", open_request, offered=lambda r: r.can_ask_again),
            table.RowAction("Open", open_request, offered=lambda r: not r.can_ask_again),
        ]
    return [table.RowAction("Open", open_request)]


def open_request(request: LinkRequest) -> None:
    st.query_params[navigation.TENANT] = request.tenant_id


def close_request() -> None:
    st.query_params.pop(navigation.TENANT, None)
    hand_over.forget()
    for key in (ASKING, FAILURE, OUTCOME, "request_again"):
        st.session_state.pop(key, None)


@live.dialog("Link request", width="medium", icon=":material/link:", on_dismiss=close_request)
def show_request(tenant_id: str) -> None:
    """One request in full: the link to hand over, the way to a fresh one, and all before it."""
    requests = data.ask_now(link_requests.of_client, tenant_id)
    if not requests:
        st.warning(
            "No link request of this tenant id is known. Check the id: capital and small letters "
            "differ.",
            icon=":material/search_off:",
        )
        return
    current = next((each for each in requests if each.superseded_at is None), requests[0])
    say_outcome()
    if current.status is LinkRequestStatus.PENDING:
        show_waiting(current)
    else:
        show_ended(current)
    show_past(requests)
    st.page_link(
        navigation.CLIENT,
        label="Open the client's page",
        icon=":material/person:",
        query_params={navigation.TENANT: tenant_id},
    )


def say_outcome() -> None:
    """What came of asking again, until the dialog is closed or it is asked once more."""
    outcome = st.session_state.get(OUTCOME)
    if outcome is not None:
        st.info(formats.plain(outcome), icon=":material/mark_email_read:")


def show_waiting(request: LinkRequest) -> None:
    now = data.now()
    over = request.urgency(now) is Urgency.OVER
    countdown = request_facts.countdown(request, now)
    st.markdown(
        f"{'Ran out' if over else 'Runs out'} **{countdown}**, "
        f"on {formats.exact(request.expires_at)}."
    )
    if request.approval_url is None:
        way_out = link_requests.why_not_again(request) or "Ask again for a fresh one."
        st.warning(
            formats.plain(f"Debitura told no approval link here. {way_out}"),
            icon=":material/link_off:",
        )
    hand_over.show(
        tenant_id=request.tenant_id,
        name=request.company_name,
        url=request.approval_url,
        sentence=onboarding.request_sentence(request, now=now),
        key=f"request_{request.id}",
    )
    if request.can_ask_again:
        # With a key it stays open when the page is drawn anew.
        again = st.expander(
            "Ask again for a fresh link",
            key="request_again",
            icon=":material/refresh:",
            on_change="rerun",
        )
        with again:
            show_ask_again(request)
    elif request.approval_url is not None:
        show_ask_again(request)


def show_ended(request: LinkRequest) -> None:
    st.markdown(f"**{formats.plain(request.company_name)}**")
    if request.status is not LinkRequestStatus.APPROVED:
        st.markdown(formats.plain(onboarding.request_sentence(request, now=moment)))
        with st.container(border=True):
            show_ask_again(request)
    handed = data.ask_now(hand_overs.of_client, request.tenant_id)
    if handed:
        hand_over.show_past(handed)


def show_ask_again(request: LinkRequest) -> None:
    """What asking again does, the button, and why it failed where it did."""
    reason = link_requests.why_not_again(request)
    if reason is not None:
        st.info(formats.plain(reason), icon=":material/info:")
        return
    days = request_facts.precisely(data.backend().settings.approval_ttl)
    st.markdown(ASK_AGAIN[request.status].format(days=days))
    under_way = st.session_state.get(ASKING) == request.id
    st.button(
        "Ask again",
        key="request_ask",
        type="primary",
        icon=":material/refresh:",
        disabled=under_way,
        on_click=begin_asking,
        args=(request,),
    )
    if under_way:
        with st.spinner("Asking Debitura for a fresh link"):
            ask_again(request)
        st.rerun()
    if FAILURE in st.session_state:
        st.error(formats.plain(st.session_state[FAILURE]), icon=":material/error:")


def begin_asking(request: LinkRequest) -> None:
    """Ask in the next run, which draws the button so that it cannot be clicked twice."""
    st.session_state.pop(FAILURE, None)
    st.session_state.pop(OUTCOME, None)
    st.session_state[ASKING] = request.id


def ask_again(request: LinkRequest) -> None:
    del st.session_state[ASKING]
    try:
        st.session_state[OUTCOME] = asking.ask_again(request.id)
    except asking.NotAsked as failure:
        st.session_state[FAILURE] = str(failure)


def show_past(requests: list[LinkRequest]) -> None:
    st.caption("Every request so far" if len(requests) > 1 else "So far")
    request_facts.show_history(requests)


page.begin(
    "Link requests",
    "Who has not answered, when does it run out, what came of the others?",
    needs=(),
    keys=("request_", "requests_", hand_over.KEYS, new_client.KEYS),
)
new_client.button()
follow_the_clock(moment)
period = filters.period("Asked", key="request_asked")
asked = LinkRequestFilter(asked_from=period.start, asked_before=period.end)
show_answer(asked)
wanted = narrowed(asked)
status = pick_status(wanted)
table.show(
    link_requests.list_requests,
    narrowed_further(wanted, status),
    PENDING_COLUMNS if status is LinkRequestStatus.PENDING else ENDED_COLUMNS,
    key=f"requests_{status}",
    what=f"{LABELS[status].lower()} link requests",
    sort="expires_at" if status is LinkRequestStatus.PENDING else "resolved_at",
    descending=status is not LinkRequestStatus.PENDING,
    actions=actions_for(status),
    empty=EMPTY[status] if wanted == LinkRequestFilter() else NOTHING_FITS,
)
opened = st.query_params.get(navigation.TENANT)
if opened:
    show_request(opened)
else:
    new_client.show_asked()
