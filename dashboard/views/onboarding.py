"""Client onboarding: how many are in each stage, where do they stop, who is stuck?"""

from datetime import timedelta

import streamlit as st

from dashboard import data, navigation
from dashboard.components import charts, filters, formats, page, table
from services import onboarding
from services.domain.onboarding_stage import OnboardingStage
from services.onboarding import ClientFilter, ClientSummary, Milestone
from services.store import Page, Window

STAGE_LABELS = {stage.value: stage.label for stage in OnboardingStage}
ATTRIBUTION = {"All": None, "Attributed": True, "Not attributed": False}
ATTRIBUTION_LABELS = {True: "Attributed", False: "Not attributed", None: "Not told"}

moment = data.this_minute()

COLUMNS: tuple[table.Column[ClientSummary], ...] = (
    table.text("Client", lambda c: c.name, sort="name"),
    table.text("Stage", lambda c: c.stage.label, sort="stage"),
    table.moment("Since", lambda c: c.stage_since, sort="stage_since"),
    table.number("Days", lambda c: formats.days_since(c.stage_since, moment)),
    table.text("Next step", lambda c: c.next_step),
    table.text("Attribution", lambda c: ATTRIBUTION_LABELS[c.attributed]),
    table.text("Country", lambda c: c.country, sort="country"),
    table.number("Cases", lambda c: c.cases_total, sort="cases_total"),
    table.amount("Earned", lambda c: c.earnings_usd, sort="earnings_usd"),
    table.text("Link to hand over", lambda c: c.link_to_hand_over),
    table.text("Tenant id", lambda c: c.tenant_id, shown=False),
    table.text("Email", lambda c: c.email, shown=False),
    table.moment("Linked", lambda c: c.linked_at, sort="linked_at", shown=False),
)


def wanted_clients() -> ClientFilter:
    """What the filter row asks for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        return ClientFilter(
            text=filters.text("Name, email or id", key="client_q"),
            stages=filters.several(
                "Stage", list(STAGE_LABELS), key="client_stage", names=STAGE_LABELS
            ),
            countries=filters.several(
                "Country", data.ask(onboarding.countries), key="client_country"
            ),
            attributed=filters.one("Attribution", ATTRIBUTION, key="client_attribution"),
            archived=st.toggle("Archived too", key="client_archived", bind="query-params"),
        )


def show_stages(wanted: ClientFilter) -> None:
    """Clients by present stage; a click narrows the table."""
    counts = data.ask(onboarding.stage_counts, wanted)
    stuck_after = timedelta(days=data.backend().settings.stuck_after_days)
    stuck = data.ask(onboarding.stuck_clients, now=moment, limit=stuck_after)
    with st.grid(4, min_column_width=130):
        for stage in onboarding.SIDE_ROADS:
            st.metric(stage.label, formats.count(counts[stage]), border=True, help=stage.next_step)
        st.metric(
            "Stuck",
            formats.count(len(stuck)),
            border=True,
            help=f"Waiting for the client for more than {stuck_after.days} days.",
        )


def pick_milestone(wanted: ClientFilter) -> tuple[str, ...]:
    """The funnel; the milestones of the clicked part, or none."""
    steps = data.ask(onboarding.funnel, wanted)
    st.subheader("How far clients come")
    picked = charts.show_to_pick(
        charts.onboarding_funnel(steps),
        key="client_funnel",
        alt="; ".join(f"{step.milestone.label}: {step.clients} clients" for step in steps),
    )
    if picked is None:
        st.caption("Click a part to see its clients.")
        return ()
    st.caption(f"Clients that came at least as far as: {Milestone(picked).label}.")
    return Milestone(picked).and_beyond


def rows(window: Window) -> Page[ClientSummary]:
    return data.ask(onboarding.list_clients, narrowed, window)


page.begin("Client onboarding", "How many clients are in each stage, and where do they stop?")
chart_place = st.container()
wanted = wanted_clients()
with chart_place:
    show_stages(ClientFilter())
    milestones = pick_milestone(ClientFilter(archived=wanted.archived))
narrowed = ClientFilter(**{**vars(wanted), "milestones": milestones})

table.show(
    rows,
    COLUMNS,
    key="clients",
    what="clients",
    sort="name",
    action=table.RowAction("Open", lambda client: navigation.open_client(client.tenant_id)),
    empty="No client fits these filters. Clear one to see more.",
)
