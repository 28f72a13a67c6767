"""Link requests: who has not answered, when does it run out, what came of the others?"""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import formats, page, table
from services import link_requests
from services.debitura import DebituraError
from services.link_requests import LinkRequest, LinkRequestFilter, LinkRequestStatus
from services.settings import SettingsError
from services.store.paging import ALL_ROWS

LABELS = {
    LinkRequestStatus.PENDING: "Pending",
    LinkRequestStatus.APPROVED: "Approved",
    LinkRequestStatus.DECLINED: "Declined",
    LinkRequestStatus.EXPIRED: "Expired",
}
ASKABLE = (LinkRequestStatus.PENDING, LinkRequestStatus.EXPIRED)
WANTED_LINK = "wanted_link"
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
    soon = data.ask(link_requests.running_out, now=moment, within=link_requests.SOON)
    with st.grid(4, min_column_width=150):
        st.metric("Waiting", formats.count(counts[LinkRequestStatus.PENDING]), border=True)
        st.metric(
            "Running out within 48 hours",
            formats.count(len(soon)),
            border=True,
        )
        st.metric(
            "Approval rate",
            formats.percent(link_requests.approval_rate(counts)),
            border=True,
            help="Approved among those that were answered or ran out.",
        )
        st.metric(
            "Median time to approval",
            formats.span(link_requests.median_time_to_approval(approvals)),
            border=True,
        )


def ask_about(request: LinkRequest) -> None:
    """Remember which request's link is wanted: dialogs open in the run, not in a click."""
    st.session_state[WANTED_LINK] = request


@st.dialog("Approval link", width="medium")
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
            link_requests.ask_again(
                backend.store,
                api,
                request.id,
                actor="dashboard",
                now=data.now(),
                ttl=backend.settings.approval_ttl,
            )
    except (DebituraError, SettingsError, LookupError) as error:
        st.error(formats.plain(f"{error} Nothing was changed here."), icon=":material/error:")
        return
    st.rerun()


page.begin("Link requests", "Who has not answered, when does it run out, what came of the others?")
counts = data.ask(link_requests.count_by_status, LinkRequestFilter())
show_answer(counts)
status = st.segmented_control(
    "Status",
    list(LinkRequestStatus),
    default=LinkRequestStatus.PENDING,
    required=True,
    format_func=lambda each: f"{LABELS[each]} ({counts[each]:,})",
    key="request_status",
    bind="query-params",
    label_visibility="collapsed",
)
status = LinkRequestStatus(status)
table.show(
    link_requests.list_requests,
    LinkRequestFilter(status=status),
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
wanted_link = st.session_state.pop(WANTED_LINK, None)
if wanted_link is not None:
    show_link(wanted_link)
