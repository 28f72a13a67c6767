"""Client onboarding: how many are in each stage, where do they stop, who is stuck?"""

from dataclasses import replace
from datetime import timedelta
from math import ceil

import streamlit as st

from dashboard import data, navigation
from dashboard.components import (
    charts,
    cohort,
    filters,
    formats,
    hand_over,
    new_client,
    page,
    table,
)
from services import link_requests, onboarding
from services.activity import Scope
from services.domain.onboarding_stage import OnboardingStage
from services.link_requests import LinkRequestFilter, LinkRequestStatus
from services.onboarding import ClientFilter, ClientSummary, FunnelStep, Milestone, StageNow

ATTRIBUTION = {"All": None, "Attributed": True, "Not attributed": False}
ATTRIBUTION_LABELS = {True: "Attributed", False: "Not attributed", None: "Not told"}
GONE = (OnboardingStage.WITHDRAWN, OnboardingStage.ARCHIVED)
DAY = timedelta(days=1)

moment = data.this_minute()
hour = data.this_hour()
limits = data.backend().settings.stuck_limits


def days_over(client: ClientSummary) -> int | None:
    over = onboarding.over_limit(client, now=hour, limits=limits)
    return None if over is None else ceil(over / DAY)


COLUMNS: tuple[table.Column[ClientSummary], ...] = (
    table.text("Client", lambda c: c.name, sort="name"),
    table.text("Stage", lambda c: c.stage.label, sort="stage", options=(("width", 180),)),
    table.moment("Since", lambda c: c.stage_since, sort="stage_since"),
    table.number("Days", lambda c: formats.days_since(c.stage_since, moment)),
    table.number("Days over", days_over, sort="over"),
    table.text("Attribution", lambda c: ATTRIBUTION_LABELS[c.attributed]),
    table.text("Next step", lambda c: c.next_step),
    table.text("Link to hand over", lambda c: c.link_to_hand_over),
    table.text("Last handed over", lambda c: hand_over.told(c.last_hand_over)),
    table.text("Country", lambda c: c.country, sort="country"),
    table.number("Cases", lambda c: c.cases_total, sort="cases_total"),
    table.amount("Earned", lambda c: c.earnings_usd, sort="earnings_usd"),
    table.text("Tenant id", lambda c: c.tenant_id, shown=False),
    table.text("Email", lambda c: c.email, shown=False),
    table.moment("Linked", lambda c: c.linked_at, sort="linked_at", shown=False),
)


def wanted_clients() -> ClientFilter:
    """What the filter row asks for, but for stage and progress."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Name, email or id", key="client_q")
        linked = cohort.choose(data.ask(onboarding.first_linked_at), key="client_linked")
        countries = filters.several("Country", data.ask(onboarding.countries), key="client_country")
        attributed = filters.one("Attribution", ATTRIBUTION, key="client_attribution")
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
    """The main road; the chosen milestone and all beyond, or none for everybody."""
    steps = data.ask(onboarding.funnel, wanted)
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
    show_steps(steps)
    return () if reached is Milestone.CREATED else reached.and_beyond


def show_steps(steps: list[FunnelStep]) -> None:
    """The same steps in figures, with how long each took."""
    st.dataframe(
        {
            "Step": [step.milestone.label for step in steps],
            "Clients": [step.clients for step in steps],
            "Of all": [formats.percent(step.share) for step in steps],
            "Of the step before": [formats.percent(step.conversion) for step in steps],
            "Median days": [step.took.days for step in steps],
            "Known of": [None, *(step.took.known_of for step in steps[1:])],
        },
        column_config={
            "Of all": st.column_config.TextColumn(alignment="right"),
            "Of the step before": st.column_config.TextColumn(alignment="right"),
            "Median days": st.column_config.NumberColumn(
                format="%.1f", help="From the step before, half of the clients were faster."
            ),
            "Known of": st.column_config.NumberColumn(
                help="Clients of whom it is known when they came to both steps."
            ),
        },
        hide_index=True,
        placeholder=formats.NOTHING,
        alt="The steps of the funnel: clients, shares and median days",
    )


def pick_stages(wanted: ClientFilter) -> tuple[str, ...]:
    """The present stages, side roads too, with their counts; the chosen ones."""
    stages = [now for now in data.ask(onboarding.stages_now, wanted, now=hour) if now.clients]
    if stages:
        charts.show_to_pick(
            charts.stages_now(stages),
            key="client_stages",
            alt="; ".join(map(stage_told, stages)),
            into="client_stage",
            several=True,
        )
    occurring = {now.stage.label: now.stage for now in stages}
    chosen = st.pills(
        "Stage now",
        list(occurring),
        selection_mode="multi",
        key="client_stage",
        bind="query-params",
        wrap=True,
        help="Choose stages to see their clients in the table. A click on a bar chooses too.",
    )
    for road, on_it in (("Main road", True), ("Side roads", False)):
        told = [stage_told(now) for now in stages if now.is_on_main_road is on_it]
        st.caption(f"{road}: {' · '.join(told) or 'nobody'}")
    return tuple(occurring[label] for label in chosen if label in occurring)


def stage_told(now: StageNow) -> str:
    """``Created 12 (median 8.5 days, known of 11)``."""
    number = f"{now.stage.label} {formats.count(now.clients)}"
    days = now.lasted.days
    return (
        number
        if days is None
        else (f"{number} (median {days:,.1f} days, known of {now.lasted.known_of:,})")
    )


def narrow_to_stuck(wanted: ClientFilter) -> ClientFilter:
    stuck = onboarding.only_stuck(wanted, now=hour, limits=limits)
    number = sum(data.ask(onboarding.stage_counts, stuck).values())
    told = ", ".join(f"{stage.label} {limit.days}" for stage, limit in limits.items())
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = filters.switch(
            "Only stuck",
            key="client_stuck",
            told=(
                f"In a stage for more days than its limit ({told}), or since before the client "
                "was first seen here."
            ),
        )
        st.caption(f"{formats.count(number)} stuck")
    return stuck if chosen else onboarding.with_limits(wanted, now=hour, limits=limits)


def show_link_requests() -> None:
    """What lies before the road: companies that are no clients yet."""
    counts = data.ask(link_requests.count_by_status, LinkRequestFilter())
    waiting = counts[LinkRequestStatus.PENDING]
    st.page_link(
        navigation.LINK_REQUESTS,
        label=f"Link requested: {formats.count(waiting)} wait for an answer",
        icon=":material/link:",
        help="Companies that are not linked yet, so none of the filters leaves them out.",
    )


def ask_to_hand_over(client: ClientSummary) -> None:
    hand_over.ask(
        client.tenant_id,
        name=client.name,
        url=client.link_to_hand_over,
        sentence=onboarding.sentence(client, now=moment),
    )


page.begin(
    "Client onboarding",
    "How many clients are in each stage, and where do they stop?",
    needs=(Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS),
    keys=("client_", "clients_", hand_over.KEYS, new_client.KEYS),
)
new_client.button()
wanted = wanted_clients()
left, right = st.columns(2, gap="large")
with left:
    st.subheader("How far clients came")
    show_link_requests()
    reached = replace(wanted, milestones=pick_milestone(wanted))
with right:
    st.subheader("Where they are now")
    stages = pick_stages(reached)
in_stages = replace(
    reached, stages=stages, archived=wanted.archived or any(stage in GONE for stage in stages)
)
narrowed = narrow_to_stuck(in_stages)
table.show(
    onboarding.list_clients,
    narrowed,
    COLUMNS,
    # Who is stuck is listed in an order of its own.
    key="clients_stuck" if narrowed.stuck else "clients",
    what="stuck clients" if narrowed.stuck else "clients",
    sort="over" if narrowed.stuck else "name",
    descending=narrowed.stuck,
    actions=[
        table.RowAction("Open", lambda client: navigation.open_client(client.tenant_id)),
        table.RowAction(
            "Hand over", ask_to_hand_over, offered=lambda client: bool(client.link_to_hand_over)
        ),
    ],
    empty="No client fits these filters. Clear one to see more.",
)
hand_over.show_asked()
new_client.show_asked()
