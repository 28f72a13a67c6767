"""Cases: where are they, what waits on whom, what is ageing?"""

from dataclasses import replace

import streamlit as st

from dashboard import data, navigation
from dashboard.components import case_facts, charts, filters, formats, page, table
from services import cases
from services.activity import Scope
from services.cases import CaseFilter, CaseSummary, FilterChoices, LifecycleCount

INFO = {"All": None, "Needs info": True, "Needs none": False}

moment = data.this_minute()

COLUMNS: tuple[table.Column[CaseSummary], ...] = (
    table.text("Reference", lambda c: c.reference, sort="reference"),
    table.text("Client", lambda c: c.client_name, sort="client_name"),
    table.text("Debtor", lambda c: c.debtor_name, sort="debtor_name"),
    table.text("Lifecycle", lambda c: c.lifecycle, sort="lifecycle"),
    table.text("Next", lambda c: c.next_actor),
    table.amount("Claim", lambda c: c.gross, sort="gross"),
    table.amount("Outstanding", lambda c: c.remainder, sort="remainder"),
    table.moment("Created", lambda c: c.created_at, sort="created_at"),
    table.number("Days", lambda c: formats.days_since(c.created_at, moment)),
    table.moment("Last activity", lambda c: c.last_activity_at, sort="last_activity_at"),
    table.text("Phase", lambda c: c.engagement_phase),
    table.text("Close code", lambda c: c.close_code),
    table.moment(
        "Lifecycle since", lambda c: c.lifecycle_since, sort="lifecycle_since", shown=False
    ),
    table.text("Country", lambda c: c.debtor_country, shown=False),
    table.text("Collection partner", lambda c: c.collection_partner, shown=False),
    table.day("Due", lambda c: c.due_at, sort="due_at", shown=False),
    table.text("Creditor reference", lambda c: c.creditor_reference, shown=False),
    table.text("Tenant id", lambda c: c.tenant_id, shown=False),
)


def wanted_cases(choices: FilterChoices) -> CaseFilter:
    """What the filter row asks for, but for the lifecycle."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Reference, debtor or client", key="case_q")
        created = filters.period("Created", key="case_created")
        needs_info = filters.one("Information", INFO, key="case_info")
        with st.popover("More filters", icon=":material/tune:"):
            phases = filters.several("Phase", choices.phases, key="case_phase")
            countries = filters.several(
                "Debtor's country", choices.debtor_countries, key="case_country"
            )
            partners = filters.several(
                "Collection partner", choices.collection_partners, key="case_partner"
            )
            currencies = filters.several("Currency", choices.currencies, key="case_currency")
    chosen = [value for group in (phases, countries, partners, currencies) for value in group]
    if chosen:
        st.caption(f"Only: {formats.plain(', '.join(chosen))}")
    return CaseFilter(
        text=text,
        phases=phases,
        debtor_countries=countries,
        collection_partners=partners,
        currencies=currencies,
        needs_info=needs_info,
        created_from=created.start,
        created_before=created.end,
    )


def show_pipeline(pipeline: list[LifecycleCount]) -> None:
    st.subheader("Cases by lifecycle")
    charts.show_to_pick(
        charts.case_pipeline(pipeline),
        key="case_pipeline",
        alt="; ".join(f"{step.label}: {step.cases} cases" for step in pipeline),
        into="case_lifecycle",
        several=True,
    )
    st.caption("A click on a bar chooses its lifecycle.")


def pick_actor(pipeline: list[LifecycleCount]) -> str | None:
    """Who acts next, with their counts; the chosen one."""
    waiting = cases.waiting_on(pipeline)
    chosen = st.pills(
        "Who acts next",
        list(waiting),
        key="case_actor",
        bind="query-params",
        help="Choose one to see in the table what waits on it.",
    )
    st.caption(" · ".join(f"{actor} {formats.count(waiting[actor])}" for actor in waiting))
    return chosen


def pick_lifecycles(pipeline: list[LifecycleCount]) -> tuple[str, ...]:
    names = {step.label: step.name for step in pipeline}
    return filters.several_of("Lifecycle", names, key="case_lifecycle")


def show_amounts(wanted: CaseFilter) -> None:
    st.subheader("Amounts by currency")
    totals = data.ask(cases.totals_by_currency, wanted)
    st.dataframe(
        {
            "Cases": [total.cases for total in totals],
            "Claimed": [formats.money(total.gross) for total in totals],
            "Outstanding": [formats.money(total.remainder) for total in totals],
        },
        column_config={
            "Claimed": st.column_config.TextColumn(alignment="right"),
            "Outstanding": st.column_config.TextColumn(alignment="right"),
        },
        hide_index=True,
        alt="Amounts claimed and still outstanding, by currency",
    )


def open_row(row: CaseSummary) -> None:
    st.query_params[navigation.CASE] = row.id


page.begin(
    "Cases",
    "Where are the cases, and what waits on whom?",
    needs=(Scope.CASES,),
    keys=("case_", "cases_"),
)
open_id = st.query_params.get(navigation.CASE)
if open_id:
    case_facts.show(data.ask(cases.case, open_id))
wanted = wanted_cases(data.ask(cases.filter_choices))
pipeline = data.ask(cases.pipeline, wanted)
left, right = st.columns([3, 2])
with left:
    show_pipeline(pipeline)
with right:
    actor = pick_actor(pipeline)
    lifecycles = pick_lifecycles(pipeline)
    narrowed = replace(wanted, lifecycles=cases.lifecycles_of(pipeline, actor, lifecycles))
    show_amounts(narrowed)
table.show(
    cases.list_cases,
    narrowed,
    COLUMNS,
    key="cases",
    what="cases",
    sort="created_at",
    descending=True,
    actions=[table.RowAction("Open", open_row)],
    empty="No case fits these filters. Clear one to see more.",
)
