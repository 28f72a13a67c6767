"""Client onboarding: how many are in each stage, where do they stop, who is stuck?"""

from dataclasses import replace
from datetime import timedelta

import streamlit as st

from dashboard import data, navigation
from dashboard.components import charts, filters, formats, page, table
from services import link_requests, onboarding
from services.activity import Scope
from services.domain.onboarding_stage import OnboardingStage
from services.link_requests import LinkRequestFilter, LinkRequestStatus
from services.onboarding import ClientFilter, ClientSummary, Milestone

ATTRIBUTION = {"All": None, "Attributed": True, "Not attributed": False}
ATTRIBUTION_LABELS = {True: "Attributed", False: "Not attributed", None: "Not told"}

moment = data.this_minute()
stuck_after = timedelta(days=data.backend().settings.stuck_after_days)

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
    """What the filter row asks for, but for stage and progress."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Name, email or id", key="client_q")
        countries = filters.several("Country", data.ask(onboarding.countries), key="client_country")
        attributed = filters.one("Attribution", ATTRIBUTION, key="client_attribution")
        linked = filters.period("Linked", key="client_linked")
        archived = filters.switch("Archived too", key="client_archived")
    return ClientFilter(
        text=text,
        countries=countries,
        attributed=attributed,
        linked_from=linked.start,
        linked_before=linked.end,
        archived=archived,
    )


def pick_milestone(wanted: ClientFilter) -> tuple[str, ...]:
    """The funnel; the chosen milestone and all beyond, or none for everybody."""
    steps = data.ask(onboarding.funnel, wanted)
    st.subheader("How far clients came")
    charts.show_to_pick(
        charts.onboarding_funnel(steps),
        key="client_funnel",
        alt="; ".join(f"{step.milestone.label}: {step.clients} clients" for step in steps),
        into="client_reached",
        several=False,
    )
    reached = filters.one_in_sight(
        "Came at least as far as",
        {milestone.label: milestone for milestone in Milestone},
        key="client_reached",
        told="A click on the funnel chooses too.",
    )
    return () if reached is Milestone.CREATED else reached.and_beyond


def pick_stages(wanted: ClientFilter) -> tuple[str, ...]:
    """The present stages with their counts; the chosen ones."""
    counts = data.ask(onboarding.stage_counts, wanted)
    occurring = {stage.label: stage for stage in OnboardingStage if counts[stage]}
    chosen = st.pills(
        "Stage now",
        list(occurring),
        selection_mode="multi",
        key="client_stage",
        bind="query-params",
        help="Choose stages to see their clients in the table.",
    )
    numbers = (f"{label} {formats.count(counts[stage])}" for label, stage in occurring.items())
    st.caption(" · ".join(numbers))
    return tuple(occurring[label].value for label in chosen if label in occurring)


def narrow_to_stuck(wanted: ClientFilter) -> ClientFilter:
    stuck = onboarding.only_stuck(wanted, now=data.this_hour(), limit=stuck_after)
    number = sum(data.ask(onboarding.stage_counts, stuck).values())
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = filters.switch(
            "Only stuck",
            key="client_stuck",
            told=(
                f"Something to sign or prove for more than {stuck_after.days} days, or since "
                "before the client was first seen here."
            ),
        )
        st.caption(f"{formats.count(number)} stuck")
    return stuck if chosen else wanted


def show_link_requests() -> None:
    """The side road: companies that are no clients yet."""
    counts = data.ask(link_requests.count_by_status, LinkRequestFilter())
    waiting = counts[LinkRequestStatus.PENDING]
    st.page_link(
        navigation.LINK_REQUESTS,
        label=f"Link requests that wait for an answer: {formats.count(waiting)}",
        icon=":material/link:",
    )


page.begin(
    "Client onboarding",
    "How many clients are in each stage, and where do they stop?",
    needs=(Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS),
    keys=("client_", "clients_"),
)
wanted = wanted_clients()
reached = replace(wanted, milestones=pick_milestone(wanted))
narrowed = narrow_to_stuck(replace(reached, stages=pick_stages(reached)))
show_link_requests()
table.show(
    onboarding.list_clients,
    narrowed,
    COLUMNS,
    key="clients",
    what="clients",
    sort="name",
    actions=[table.RowAction("Open", lambda client: navigation.open_client(client.tenant_id))],
    empty="No client fits these filters. Clear one to see more.",
)
