"""Link requests: who has not answered, when does it run out, what came of the others?"""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import filters, formats, page, table
from services import link_requests
from services.debitura import DebituraError
from services.link_requests import LinkRequest, LinkRequestFilter, LinkRequestStatus
from services.settings import SettingsError
from services.store import StoreError
from services.store.paging import ALL_ROWS

LABELS = {
    LinkRequestStatus.PENDING: "Pending",
    LinkRequestStatus.APPROVED: "Approved",
    LinkRequestStatus.DECLINED: "Declined",
    LinkRequestStatus.EXPIRED: "Expired",
}
ASKABLE = (LinkRequestStatus.PENDING, LinkRequestStatus.EXPIRED)
WANTED_LINK = "wanted_link"
OUTCOME = "link_outcome"
EMPTY = {
    LinkRequestStatus.PENDING: (
        "Nobody has a request open. One begins when a client that you add has a Debitura account "
        "already."
    ),
    LinkRequestStatus.APPROVED: "No request has been approved yet.",
    LinkRequestStatus.DECLINED: "No request has been declined.",
    LinkRequestStatus.EXPIRED: "No request has run out.",
}


def time_left(request: LinkRequest) -> float:
    return round(100 * request.share_left(moment))


moment = data.this_minute()

PENDING_COLUMNS: tuple[table.Column[LinkRequest], ...] = (
    table.text("Client", lambda r: r.company_name, sort="company_name"),
    table.Column(
        "Time left",
        time_left,
        config=st.column_config.ProgressColumn,
        options=(("min_value", 0), ("max_value", 100), ("format", "%d %%")),
    ),
    table.text("Runs out", lambda r: formats.ago(r.expires_at, moment)),
    table.moment("Runs out at", lambda r: r.expires_at, sort="expires_at"),
    table.text("Approval link to hand over", lambda r: r.approval_url),
    table.moment("Asked", lambda r: r.requested_at, sort="requested_at"),
    table.text("Asked by", lambda r: r.requested_by),
    table.text("Country", lambda r: r.country, shown=False),
    table.text("Tenant id", lambda r: r.tenant_id, shown=False),
)
ENDED_COLUMNS: tuple[table.Column[LinkRequest], ...] = (
    table.text("Client", lambda r: r.company_name, sort="company_name"),
    table.moment("Ended", lambda r: r.resolved_at, sort="resolved_at"),
    table.moment("Asked", lambda r: r.requested_at, sort="requested_at"),
    table.text("Asked by", lambda r: r.requested_by),
    table.text("Country", lambda r: r.country),
    table.text("Tenant id", lambda r: r.tenant_id),
)


def show_answer(counts: dict[LinkRequestStatus, int]) -> None:
    """The numbers: how many wait, how many are approved, how long that takes."""
    approved = LinkRequestFilter(status=LinkRequestStatus.APPROVED)
    approvals = data.ask(link_requests.list_requests, approved, ALL_ROWS).rows
    with st.grid(4, min_column_width=150):
        st.metric("Waiting", formats.count(counts[LinkRequestStatus.PENDING]), border=True)
        st.metric(
            "Running out within 48 hours",
            formats.count(len(data.ask(link_requests.running_out, now=moment))),
            border=True,
        )
        st.metric(
            "Approval rate",
            formats.percent(link_requests.approval_rate(counts)),
            border=True,
            help="Of the companies that were asked and did answer or let the time run out.",
        )
        st.metric(
            "Median time to approval",
            formats.span(link_requests.median_time_to_approval(approvals)),
            border=True,
        )


def pick_status(counts: dict[LinkRequestStatus, int]) -> LinkRequestStatus:
    status = filters.one_in_sight(
        "Status",
        {LABELS[each]: each for each in LinkRequestStatus},
        key="request_status",
        told="What came of the latest request to each company.",
    )
    st.caption(" · ".join(f"{LABELS[each]} {counts[each]:,}" for each in LinkRequestStatus))
    return status


def wanted_requests(status: LinkRequestStatus) -> LinkRequestFilter:
    wanted = LinkRequestFilter(status=status)
    if status is not LinkRequestStatus.PENDING:
        return wanted
    soon = filters.switch("Only what runs out within 48 hours", key="request_soon")
    return link_requests.only_soon(wanted, now=data.this_hour()) if soon else wanted


def ask_about(request: LinkRequest) -> None:
    """Remember which request's link is wanted: dialogs open in the run, not in a click."""
    st.session_state[WANTED_LINK] = request


def forget_link() -> None:
    st.session_state.pop(WANTED_LINK, None)


@st.dialog("Approval link", width="medium", on_dismiss=forget_link)
def show_link(request: LinkRequest) -> None:
    """The link to copy, and the way to a fresh one."""
    st.markdown(
        f"**{formats.plain(request.company_name)}** has until "
        f"{formats.exact(request.expires_at)} to approve. Debitura sends no email: hand the link "
        "over yourself."
    )
    if request.approval_url:
        st.code(request.approval_url, language=None, wrap_lines=True)
    else:
        st.warning("Debitura's answer held no link. Ask again for one.")
    st.caption(
        "Asking again makes a fresh link and a full window. The link above stops working then."
    )
    if st.button("Ask again", icon=":material/refresh:", disabled=not request.can_ask_again):
        ask_again(request)


def ask_again(request: LinkRequest) -> None:
    backend = data.backend()
    try:
        with data.debitura() as api:
            result = link_requests.ask_again(
                backend.store,
                api,
                request.id,
                actor="dashboard",
                now=data.now(),
                ttl=backend.settings.approval_ttl,
            )
    except (DebituraError, SettingsError, StoreError, LookupError) as error:
        st.error(formats.plain(str(error)), icon=":material/error:")
        return
    forget_link()
    st.session_state[OUTCOME] = link_requests.outcome_sentence(result)
    st.rerun()


def show_outcome() -> None:
    """What came of the request that was asked again, once."""
    outcome = st.session_state.pop(OUTCOME, None)
    if outcome is not None:
        st.info(formats.plain(outcome), icon=":material/mark_email_read:")


page.begin(
    "Link requests",
    "Who has not answered, when does it run out, what came of the others?",
    needs=(),
    keys=("request_", "requests_"),
)
show_outcome()
counts = data.ask(link_requests.count_by_status, LinkRequestFilter())
show_answer(counts)
status = pick_status(counts)
table.show(
    link_requests.list_requests,
    wanted_requests(status),
    PENDING_COLUMNS if status is LinkRequestStatus.PENDING else ENDED_COLUMNS,
    key=f"requests_{status}",
    what=f"{LABELS[status].lower()} link requests",
    sort="expires_at" if status is LinkRequestStatus.PENDING else "resolved_at",
    descending=status is not LinkRequestStatus.PENDING,
    actions=[
        table.RowAction("Link", ask_about, offered=lambda request: request.status in ASKABLE),
        table.RowAction("Open", lambda request: navigation.open_client(request.tenant_id)),
    ],
    empty=EMPTY[status],
)
wanted_link = st.session_state.get(WANTED_LINK)
if wanted_link is not None:
    show_link(wanted_link)
