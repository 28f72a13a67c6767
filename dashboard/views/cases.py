"""Cases: where are they, what waits on whom, what is ageing?"""

import streamlit as st

from dashboard import data, navigation
from dashboard.components import case_facts, charts, filters, formats, page, table
from services import cases
from services.cases import CaseFilter, CaseSummary, FilterChoices
from services.store import Page, Window

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
    table.text("Phase", lambda c: c.engagement_phase),
    table.text("Close code", lambda c: c.close_code),
    table.text("Country", lambda c: c.debtor_country, shown=False),
    table.text("Collection partner", lambda c: c.collection_partner, shown=False),
    table.moment("Due", lambda c: c.due_at, sort="due_at", shown=False),
    table.text("Creditor reference", lambda c: c.creditor_reference, shown=False),
    table.text("Tenant id", lambda c: c.tenant_id, shown=False),
)


def wanted_cases(choices: FilterChoices) -> CaseFilter:
    """What the filter row asks for."""
    labels = {name: cases.lifecycle_label(name) for name in choices.lifecycles}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = filters.text("Reference, debtor or client", key="case_q")
        lifecycles = filters.several(
            "Lifecycle", choices.lifecycles, key="case_lifecycle", names=labels
        )
        phases = filters.several("Phase", choices.phases, key="case_phase")
        countries = filters.several(
            "Debtor's country", choices.debtor_countries, key="case_country"
        )
        partners = filters.several(
            "Collection partner", choices.collection_partners, key="case_partner"
        )
        currencies = filters.several("Currency", choices.currencies, key="case_currency")
        needs_info = filters.one("Information", INFO, key="case_info")
        created_from, created_before = filters.period("Created", key="case_created")
    return CaseFilter(
        text=text,
        lifecycles=lifecycles,
        phases=phases,
        debtor_countries=countries,
        collection_partners=partners,
        currencies=currencies,
        needs_info=needs_info,
        created_from=created_from,
        created_before=created_before,
    )


def show_pipeline(wanted: CaseFilter) -> None:
    """Where the cases are and who acts next."""
    pipeline = data.ask(cases.pipeline, wanted)
    chart, beside = st.columns([3, 2])
    with chart:
        st.subheader("Cases by lifecycle")
        charts.show(
            charts.case_pipeline(pipeline),
            key="case_pipeline",
            alt="; ".join(f"{step.label}: {step.cases} cases" for step in pipeline),
        )
    with beside:
        st.subheader("Who acts next")
        with st.grid(2, min_column_width=130):
            for actor, number in cases.waiting_on(pipeline).items():
                st.metric(actor, formats.count(number), border=True)
        st.subheader("Amounts by currency")
        totals = data.ask(cases.totals_by_currency, wanted)
        st.dataframe(
            {
                "Cases": [total.cases for total in totals],
                "Claimed": [formats.money(total.gross) for total in totals],
                "Open": [formats.money(total.remainder) for total in totals],
            },
            column_config={
                "Claimed": st.column_config.TextColumn(alignment="right"),
                "Open": st.column_config.TextColumn(alignment="right"),
            },
            hide_index=True,
            alt="Amounts claimed and still open, by currency",
        )


def rows(window: Window) -> Page[CaseSummary]:
    return data.ask(cases.list_cases, wanted, window)


def open_row(row: CaseSummary) -> None:
    st.query_params[navigation.CASE] = row.id


page.begin("Cases", "Where are the cases, and what waits on whom?")
open_id = st.query_params.get(navigation.CASE)
if open_id:
    case_facts.show(data.ask(cases.case, open_id))
chart_place = st.container()
wanted = wanted_cases(data.ask(cases.filter_choices))
with chart_place:
    show_pipeline(wanted)
table.show(
    rows,
    COLUMNS,
    key="cases",
    what="cases",
    sort="created_at",
    descending=True,
    action=table.RowAction("Open", open_row),
    empty="No case fits these filters. Clear one to see more.",
)
