"""Overview: what needs me today, and is the data fresh?"""

from collections.abc import Callable

import streamlit as st

from dashboard import data, navigation
from dashboard.components import asking, formats, page
from services import webhook_health, worklist
from services.activity import Scope
from services.domain.money import usd
from services.domain.revenue_stage import Bucket
from services.worklist import Headline, WorkItem, WorkKind

SHOWN_OF_A_KIND = 5
ICONS = {
    WorkKind.LINK_REQUEST: ":material/timer:",
    WorkKind.EXPIRED_REQUEST: ":material/timer_off:",
    WorkKind.NOT_REPLAYED: ":material/assignment_late:",
    WorkKind.STUCK_CLIENT: ":material/person_alert:",
    WorkKind.NEEDS_INFO: ":material/help:",
    WorkKind.LATE_PAYMENT: ":material/schedule:",
    WorkKind.READY_TO_INVOICE: ":material/request_quote:",
}
# What opens its link request, with the link to hand over and the way to ask again.
ABOUT_REQUESTS = (WorkKind.LINK_REQUEST, WorkKind.EXPIRED_REQUEST)
ASKED = "overview_asked"
LAST_30_DAYS = "Last 30 days"
READY = (navigation.REVENUE, {"revenue_bucket": Bucket.READY_TO_INVOICE_DEBITURA.label})
COUNTED = [bucket.label for bucket in Bucket if bucket.stage is not None]
LISTS = {
    WorkKind.LINK_REQUEST: (navigation.LINK_REQUESTS, {"request_soon": "true"}, "All that run out"),
    WorkKind.EXPIRED_REQUEST: (
        navigation.LINK_REQUESTS,
        {"request_status": "Expired"},
        "All that ran out",
    ),
    WorkKind.NOT_REPLAYED: (navigation.ACTIVITY, {}, "Show the events"),
    WorkKind.STUCK_CLIENT: (
        navigation.ONBOARDING,
        {"client_stuck": "true", "clients_sort": "Since ↑"},
        "All stuck clients",
    ),
    WorkKind.NEEDS_INFO: (navigation.CASES, {"case_info": "Needs info"}, "Show the cases"),
    WorkKind.LATE_PAYMENT: (navigation.REVENUE, {"revenue_late": "true"}, "Show the payments"),
    WorkKind.READY_TO_INVOICE: (*READY, "Show the fees"),
}


def headline(
    label: str,
    numbers: Headline,
    shown: Callable[[int], str],
    rows: tuple[str, dict[str, str | list[str]]],
) -> None:
    """A number of the last 30 days, its change, and the way to its rows."""
    difference = numbers.now - numbers.before
    sign = "-" if difference < 0 else "+"
    with st.container(border=True, height="stretch"):
        st.metric(
            label,
            shown(numbers.now),
            f"{sign}{shown(abs(difference))}" if difference else 0,
            delta_description="on the 30 days before",
        )
        st.page_link(rows[0], label="Show them", query_params=rows[1])


def dollars(cents: int) -> str:
    return formats.usd(usd(cents))


def when(item: WorkItem) -> str:
    if item.amount is not None:
        return formats.usd(item.amount)
    if item.since is None:
        return "Since before it was first seen here." if item.subject else ""
    if item.kind is WorkKind.LINK_REQUEST:
        return f"Runs out {formats.ago(item.since, moment)}."
    if item.kind in (WorkKind.EXPIRED_REQUEST, WorkKind.NOT_REPLAYED):
        return f"{formats.ago(item.since, moment).capitalize()}."
    return f"For {formats.span(moment - item.since)}."


def show_item(item: WorkItem) -> None:
    """One thing to do, a click away from its subject."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if item.subject is None:
            st.page_link(
                LISTS[item.kind][0],
                label=item.title,
                icon=ICONS[item.kind],
                query_params=LISTS[item.kind][1],
            )
        else:
            st.page_link(
                navigation.LINK_REQUESTS if item.kind in ABOUT_REQUESTS else navigation.CLIENT,
                label=formats.plain(item.title),
                icon=ICONS[item.kind],
                query_params={navigation.TENANT: item.subject},
            )
        st.caption(f"{item.detail} :gray[{when(item)}]", width="content")
        if item.request_id is not None:
            st.button(
                "Ask again",
                key=f"ask_{item.request_id}",
                icon=":material/refresh:",
                type="tertiary",
                on_click=ask_again,
                args=(item.request_id, item.subject),
            )


def ask_again(request_id: int, tenant_id: str) -> None:
    try:
        st.session_state[ASKED] = (asking.ask_again(request_id), tenant_id)
    except asking.NotAsked as failure:
        st.session_state[ASKED] = (str(failure), tenant_id)


def show_asked() -> None:
    """What came of asking again, until the page is left, and the way to the link to hand over."""
    told, tenant_id = st.session_state.get(ASKED, (None, None))
    if told is not None:
        st.info(formats.plain(told), icon=":material/mark_email_read:")
        st.page_link(
            navigation.LINK_REQUESTS,
            label="Open the link request",
            icon=":material/link:",
            query_params={navigation.TENANT: tenant_id},
        )


moment = data.this_minute()
page.begin(
    "Overview",
    "What needs you today, and how the last 30 days went.",
    needs=(Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS),
    keys=(ASKED,),
)

numbers = data.ask(worklist.headlines, now=data.this_hour())
with st.grid(4, min_column_width=190):
    headline(
        "New clients",
        numbers.new_clients,
        formats.count,
        (navigation.ONBOARDING, {"client_linked": LAST_30_DAYS}),
    )
    headline(
        "New cases",
        numbers.new_cases,
        formats.count,
        (navigation.CASES, {"case_created": LAST_30_DAYS}),
    )
    headline(
        "Fees from collections",
        numbers.collected_fees,
        dollars,
        (navigation.REVENUE, {"revenue_period": LAST_30_DAYS, "revenue_bucket": COUNTED}),
    )
    with st.container(border=True, height="stretch"):
        st.metric("Ready to invoice", formats.usd(numbers.ready_to_invoice))
        st.caption("recognized, not invoiced yet")
        st.page_link(READY[0], label="Show them", query_params=READY[1])

st.header("To do")
show_asked()
for trouble in data.ask_now(webhook_health.troubles, now=moment):
    st.warning(formats.plain(trouble), icon=":material/sync_problem:")
    st.page_link(navigation.SETTINGS, label="Open Settings", icon=":material/settings:")
stuck_after = data.backend().settings.stuck_limits
work = data.ask(worklist.work_list, now=data.this_hour(), stuck_after=stuck_after)
if not work:
    st.success("Nothing waits for you.", icon=":material/task_alt:")
for kind in WorkKind:
    items = [item for item in work if item.kind is kind]
    for item in items[:SHOWN_OF_A_KIND]:
        show_item(item)
    if len(items) > SHOWN_OF_A_KIND:
        target, parameters, label = LISTS[kind]
        more = f"{label} ({len(items) - SHOWN_OF_A_KIND:,} more of this kind)"
        st.page_link(target, label=more, icon=":material/more_horiz:", query_params=parameters)
