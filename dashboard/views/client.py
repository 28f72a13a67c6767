"""Client: everything support needs on one screen."""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import changes, formats, hand_over, page, table
from services import activity, cases, hand_overs, link_requests, onboarding, revenue
from services.activity import Change, Scope
from services.cases import CaseFilter, CaseSummary
from services.domain.onboarding_stage import OnboardingStage
from services.hand_overs import HandOver
from services.link_requests import LinkRequest, LinkRequestFilter, LinkRequestStatus
from services.onboarding import ClientSummary
from services.revenue import TransactionFilter, TransactionSummary
from services.store import Window
from services.store.paging import ALL_ROWS

moment = data.this_minute()

CASE_COLUMNS: tuple[table.Column[CaseSummary], ...] = (
    table.text("Reference", lambda c: c.reference, sort="reference"),
    table.text("Debtor", lambda c: c.debtor_name, sort="debtor_name"),
    table.text("Lifecycle", lambda c: c.lifecycle, sort="lifecycle"),
    table.text("Next", lambda c: c.next_actor),
    table.amount("Claim", lambda c: c.gross, sort="gross"),
    table.amount("Outstanding", lambda c: c.remainder, sort="remainder"),
    table.moment("Created", lambda c: c.created_at, sort="created_at"),
    table.text("Close code", lambda c: c.close_code),
)
FEE_COLUMNS: tuple[table.Column[TransactionSummary], ...] = (
    table.moment("Collected", lambda t: t.collected_at, sort="collected_at"),
    table.text("Case", lambda t: t.case_reference, sort="case_reference"),
    table.amount("Paid by debtor", lambda t: t.payment, sort="payment"),
    table.amount("Fee", lambda t: t.fee_usd, sort="fee_usd"),
    table.text("Estimate", lambda t: "estimate" if t.is_estimate else ""),
    table.text("Bucket", lambda t: t.bucket.label, sort="bucket"),
)


def choose_client() -> None:
    """What the page is without a client."""
    st.info(
        "Find the client in the search above: by name, email, tenant id or registration number.",
        title="Which client?",
        icon=":material/person_search:",
    )
    st.stop()


def show_unknown(requests: list[LinkRequest]) -> None:
    """A client that Debitura does not list: perhaps it has a link request."""
    if not requests:
        st.title("Unknown client", anchor=False)
        st.warning(
            "No client and no link request with this tenant id is known. Check the id: capital "
            "and small letters differ.",
            icon=":material/search_off:",
        )
        st.stop()
    newest = requests[0]
    sentence = onboarding.request_sentence(newest, now=moment)
    st.title(formats.plain(newest.company_name), anchor=False)
    st.markdown(formats.plain(sentence))
    if newest.approval_url and newest.status is LinkRequestStatus.PENDING:
        st.caption("Approval link to hand over")
        show_link(newest.company_name, newest.approval_url, sentence)
    show_ids({"Tenant id": newest.tenant_id})
    show_requests(requests)
    show_history()


def show_client(client: ClientSummary) -> None:
    """The answer first, then what it rests on."""
    sentence = onboarding.sentence(client, now=moment)
    st.title(formats.plain(client.name), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(client.stage.label, color="orange" if client.stage.waits_for_client else "green")
        if client.attributed is False:
            st.badge("Not attributed", color="gray", help="Only cases sent by you earn a fee.")
        st.caption(stage_age(client))
    st.info(
        formats.plain(sentence),
        title="To read out",
        icon=":material/record_voice_over:",
    )
    st.caption(f"Next step for us: {client.next_step}")
    if client.link_to_hand_over:
        st.caption("Link to hand over")
        show_link(client.name, client.link_to_hand_over, sentence)
    left, right = st.columns(2)
    with left:
        st.subheader("Client")
        st.table(client_facts(client), border="horizontal", width="content")
    with right:
        st.subheader("Contacts")
        show_contacts(client)
        st.subheader("Ids to quote in a ticket")
        show_ids({"Tenant id": client.tenant_id, "Creditor id": client.creditor_id})


def show_link(name: str, url: str, sentence: str) -> None:
    """The link to copy, and the way to note that it was handed over."""
    st.code(url, language=None, wrap_lines=True)
    st.button(
        "Hand over",
        icon=":material/forward_to_inbox:",
        key="open_hand_over",
        on_click=hand_over.ask,
        args=(tenant_id,),
        kwargs={"name": name, "url": url, "sentence": sentence},
        help="See what was handed over before, and note when, to whom and how it is now.",
    )


def show_history() -> None:
    """What changed and what was handed over, newest first."""
    noted = data.ask(activity.history_of, "client", tenant_id)
    handed = data.ask(hand_overs.of_client, tenant_id)
    st.subheader("History")
    everything = [*noted, *map(as_change, handed)]
    changes.show(sorted(everything, key=lambda change: change.at, reverse=True))


def as_change(handed: HandOver) -> Change:
    return Change(
        field="Link handed over",
        before=None,
        after=f"{handed.to_whom}, {handed.how.lower()}",
        at=handed.handed_over_at,
        learnt_by=handed.noted_by,
    )


def stage_age(client: ClientSummary) -> str:
    if client.stage_since is not None:
        return f"in this stage since {formats.day(client.stage_since)}"
    return f"in this stage since before {formats.day(client.first_seen_at)}, when first seen here"


def client_facts(client: ClientSummary) -> dict[str, str]:
    facts = {
        "Country": client.country,
        "Registration number": client.registration_number,
        "Linked": formats.exact(client.linked_at),
        "Cases": f"{client.cases_total:,}, {client.cases_closed:,} of them closed",
        "Earned": formats.money(client.earnings_usd),
        "KYC": client.kyc_status or "not told",
        "Archived": formats.exact(client.archived_at) if client.archived_at else None,
    }
    return {name: formats.plain(value) for name, value in facts.items() if value}


def show_contacts(client: ClientSummary) -> None:
    people = [(person.name, person.email) for person in client.contacts]
    people += [("Office", client.email)] if client.email else []
    if not people:
        st.caption("Debitura tells no contact.")
        return
    st.table(
        {
            "Name": [formats.plain(name) for name, _ in people],
            "Email": [formats.plain(email) for _, email in people],
        },
        hide_index=True,
        border="horizontal",
        width="content",
    )


def show_ids(ids: dict[str, str | None]) -> None:
    for name, value in ids.items():
        if value:
            st.caption(name)
            st.code(value, language=None, wrap_lines=True)


def show_requests(requests: list[LinkRequest]) -> None:
    st.subheader("Link requests")
    st.table(
        {
            "Asked": [formats.exact(request.requested_at) for request in requests],
            "By": [formats.plain(request.requested_by) for request in requests],
            "Status": [
                f"{request.status}{', superseded' if request.superseded_at else ''}"
                for request in requests
            ],
            "Runs out": [formats.exact(request.expires_at) for request in requests],
        },
        hide_index=True,
        border="horizontal",
        width="content",
    )


tenant_id = st.query_params.get(navigation.TENANT, "")
if not tenant_id:
    page.begin("Client", "Where is this client, and what do I tell them?", needs=(), keys=())
    choose_client()
page.arrive("Client", ("client_cases", "client_fees", hand_over.KEYS))
page.require((Scope.CLIENTS,))
client = data.ask(onboarding.client, tenant_id)
asked = LinkRequestFilter(tenant_id=tenant_id, superseded=True)
newest_first = Window(size=ALL_ROWS.size, sort="requested_at", descending=True)
requests = list(data.ask(link_requests.list_requests, asked, newest_first).rows)
if client is None:
    show_unknown(requests)
    hand_over.show_asked()
    st.stop()
show_client(client)
st.subheader("Cases")
table.show(
    cases.list_cases,
    CaseFilter(tenant_id=tenant_id),
    CASE_COLUMNS,
    key="client_cases",
    what="cases of this client",
    sort="created_at",
    descending=True,
    actions=[table.RowAction("Open", lambda case: navigation.open_case(case.id))],
    empty="No case yet."
    if client.stage is not OnboardingStage.CREATED
    else "No case yet: the client has to sign first.",
)
st.subheader("Earnings")
table.show(
    revenue.list_transactions,
    TransactionFilter(tenant_id=tenant_id),
    FEE_COLUMNS,
    key="client_fees",
    what="payments of this client",
    sort="collected_at",
    descending=True,
    empty="Nothing was collected for this client yet.",
)
if requests:
    show_requests(requests)
show_history()
hand_over.show_asked()
