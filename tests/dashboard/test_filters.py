"""What the filters, the order and the pages of a list leave of it, and the address of that."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dashboard_reader import (
    Product,
    assert_lists,
    chart_values,
    column,
    metrics,
    run,
    shows,
    sql_time,
    table,
    this_minute,
    usd,
)
from streamlit.testing.v1 import AppTest

from services.debitura.enums import Lifecycle
from services.domain.onboarding_stage import Milestone, OnboardingStage
from services.domain.revenue_stage import Bucket

Choose = Callable[[AppTest], Any]
CREATED = OnboardingStage.CREATED.label
NEEDS_INFO = (
    "needs_info AND creditor_responded_at IS NULL AND lifecycle NOT IN ('Closed', 'Merged')"
)

FILTERS: dict[str, tuple[str, Choose, str]] = {
    # what it is: page, the choice, and the same in the store's words
    "clients by name": (
        "onboarding",
        lambda app: app.text_input(key="client_q").set_value("GMBH"),
        "search_text LIKE '%gmbh%'",
    ),
    "clients by stage": (
        "onboarding",
        lambda app: app.pills(key="client_stage").set_value(
            [CREATED, OnboardingStage.CONTRACT_UPGRADE.label]
        ),
        "stage IN ('created', 'contract_upgrade')",
    ),
    "clients by country": (
        "onboarding",
        lambda app: app.multiselect(key="client_country").set_value(["Germany", "Japan"]),
        "country IN ('Germany', 'Japan')",
    ),
    "clients not attributed": (
        "onboarding",
        lambda app: app.selectbox(key="client_attribution").select_index(2),
        "NOT is_attributed",
    ),
    "clients that came at least as far as the first case": (
        "onboarding",
        lambda app: app.segmented_control(key="client_reached").set_value(
            Milestone.FIRST_CASE.label
        ),
        "furthest IN ('first_case', 'first_recovery')",
    ),
    "cases by lifecycle": (
        "cases",
        lambda app: app.multiselect(key="case_lifecycle").set_value(
            [Lifecycle.PAUSED.label, Lifecycle.LEADS.label]
        ),
        "lifecycle IN ('Paused', 'Leads')",
    ),
    "cases by debtor": (
        "cases",
        lambda app: app.text_input(key="case_q").set_value("au"),
        "search_text LIKE '%au%'",
    ),
    "cases by two words in any order": (
        "cases",
        lambda app: app.text_input(key="case_q").set_value("ltd a"),
        "search_text LIKE '%ltd%' AND search_text LIKE '%a%'",
    ),
    "cases by currency": (
        "cases",
        lambda app: app.multiselect(key="case_currency").set_value(["JPY", "KWD"]),
        "currency IN ('JPY', 'KWD')",
    ),
    "cases that need information": (
        "cases",
        lambda app: app.selectbox(key="case_info").select_index(1),
        NEEDS_INFO,
    ),
    "cases that need none": (
        "cases",
        lambda app: app.selectbox(key="case_info").select_index(2),
        f"NOT ({NEEDS_INFO})",
    ),
    "transactions by client": (
        "revenue",
        lambda app: app.text_input(key="revenue_q").set_value("GMBH"),
        "search_text LIKE '%gmbh%'",
    ),
    "transactions by currency": (
        "revenue",
        lambda app: app.multiselect(key="revenue_currency").set_value(["USD"]),
        "payment_currency = 'USD'",
    ),
    "transactions by bucket": (
        "revenue",
        lambda app: app.multiselect(key="revenue_bucket").set_value(
            [Bucket.PAID.label, Bucket.DISPUTED.label]
        ),
        "bucket IN ('paid', 'disputed')",
    ),
}
ROWS = {"onboarding": "clients", "cases": "cases", "revenue": "transactions"}
KEYS = {"onboarding": "clients", "cases": "cases", "revenue": "revenue"}
NOTHING_FITS: dict[str, Choose] = {
    "onboarding": lambda app: app.text_input(key="client_q").set_value("zzzz-no-such"),
    "cases": lambda app: app.text_input(key="case_q").set_value("zzzz-no-such"),
    "revenue": lambda app: app.text_input(key="revenue_q").set_value("zzzz-no-such"),
}


def total(product: Product, page: str, where: str = "TRUE", *values: Any) -> int:
    statement = f"SELECT COUNT(*) FROM {ROWS[page]} WHERE archived_at IS NULL AND ({where})"
    return int(product.sql(statement, *values)[0])


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_narrows_the_list_to_what_it_says(product: Product, name: str) -> None:
    page, choose, where = FILTERS[name]
    app = product.open(page)
    choose(app)
    run(app)
    expected = total(product, page, where)
    assert 0 < expected < total(product, page)
    assert_lists(app, KEYS[page], expected)
    assert len(table(app)) == min(expected, 25)


def address_of(app: AppTest) -> dict[str, Any]:
    """What the browser writes into the address: bound widgets, by what they show.

    AppTest has no browser; tests/browser proves that one does write it so.
    """
    address: dict[str, Any] = {}
    for widget in (*app.text_input, *app.toggle):
        if widget.proto.query_param_key and widget.value:
            address[widget.key] = str(widget.value)
    for widget in app.selectbox:
        if widget.proto.query_param_key and widget.index != widget.proto.default:
            address[widget.key] = widget.options[widget.index]
    for widget in app.multiselect:
        if widget.proto.query_param_key and widget.value:
            address[widget.key] = [widget.options[index] for index in widget.indices]
    for widget in app.get("button_group"):
        if widget.proto.query_param_key and widget.value:
            address[widget.key] = list(widget.formatted_values)
    return address


@pytest.mark.parametrize("name", FILTERS)
def test_the_address_of_a_filtered_list_restores_it(product: Product, name: str) -> None:
    page, choose, where = FILTERS[name]
    app = product.open(page)
    choose(app)
    address = address_of(run(app))
    assert address
    assert_lists(product.open(page, **address), KEYS[page], total(product, page, where))


def test_the_address_of_a_filter_means_the_same_after_the_counts_changed(product: Product) -> None:
    app = product.open("onboarding")
    app.pills(key="client_stage").set_value([CREATED])
    address = address_of(run(app))
    product.change(
        "UPDATE clients SET stage = 'created' WHERE external_tenant_id IN "
        "(SELECT external_tenant_id FROM clients WHERE stage = 'first_recovery' LIMIT 3)"
    )
    product.change("UPDATE store_info SET revision = revision + 1")
    again = product.open("onboarding", **address)
    assert_lists(again, "clients", total(product, "onboarding", "stage = 'created'"))


def test_a_choice_stays_when_a_sync_changes_the_counts(product: Product) -> None:
    app = product.open("onboarding")
    app.pills(key="client_stage").set_value([CREATED])
    run(app)
    product.change(
        "UPDATE clients SET stage = 'created' WHERE external_tenant_id IN "
        "(SELECT external_tenant_id FROM clients WHERE stage = 'first_recovery' LIMIT 3)"
    )
    product.change("UPDATE store_info SET revision = revision + 1")
    assert_lists(run(app), "clients", total(product, "onboarding", "stage = 'created'"))


def test_the_address_of_an_outcome_means_the_same_after_the_counts_changed(
    product: Product,
) -> None:
    app = product.open("link_requests")
    app.segmented_control(key="request_status").set_value("Expired")
    address = address_of(run(app))
    assert address
    product.change(
        "UPDATE link_requests SET status = 'expired', resolved_at = expires_at "
        "WHERE external_tenant_id LIKE 'platform-%'"
    )
    product.change("UPDATE store_info SET revision = revision + 1")
    again = product.open("link_requests", **address)
    assert_lists(again, "requests_expired", 13)


@pytest.mark.parametrize(
    ("label", "days"), [("Last 30 days", 30), ("Last 90 days", 90)], ids=["30", "90"]
)
def test_a_period_counts_whole_days_up_to_today(product: Product, label: str, days: int) -> None:
    app = product.open("cases")
    app.selectbox(key="case_created").set_value(label)
    run(app)
    midnight = datetime.combine(this_minute().date(), datetime.min.time(), UTC)
    since = sql_time(midnight - timedelta(days=days - 1))
    assert_lists(app, "cases", total(product, "cases", "created_at >= ?", since))


def test_the_filters_of_cases_narrow_its_figures_too(product: Product) -> None:
    app = product.open("cases")
    app.multiselect(key="case_currency").set_value(["KWD"])
    run(app)
    expected = dict(
        product.sql(
            "SELECT lifecycle, COUNT(*) FROM cases "
            "WHERE archived_at IS NULL AND currency = 'KWD' GROUP BY 1"
        )
    )
    assert sorted(chart_values(app)) == sorted(expected.values())
    assert shows(app, [sum(expected.values())])


def test_the_filters_of_revenue_narrow_its_figures_too(product: Product) -> None:
    app = product.open("revenue")
    app.multiselect(key="revenue_currency").set_value(["EUR"])
    run(app)
    paid = product.sql(
        "SELECT SUM(fee_usd) FROM transactions "
        "WHERE archived_at IS NULL AND payment_currency = 'EUR' AND bucket = 'paid'"
    )
    assert metrics(app)[3] == usd(int(paid[0]))


def test_who_acts_next_narrows_the_cases_to_what_waits_on_them(product: Product) -> None:
    app = product.open("cases")
    app.pills(key="case_actor").set_value("Debitura")
    run(app)
    where = "lifecycle = 'PendingVerificationInternal'"
    assert_lists(app, "cases", total(product, "cases", where))


def test_two_filters_narrow_together(product: Product) -> None:
    app = product.open("cases")
    app.multiselect(key="case_currency").set_value(["EUR"])
    app.selectbox(key="case_info").select_index(1)
    run(app)
    where = f"currency = 'EUR' AND {NEEDS_INFO}"
    assert_lists(app, "cases", total(product, "cases", where))


def test_only_late_shows_what_should_have_been_paid(product: Product) -> None:
    app = product.open("revenue")
    app.toggle(key="revenue_late").set_value(True)
    run(app)
    due = this_minute() - timedelta(days=30)
    first = due.replace(day=1, hour=0, minute=0)
    if due.day < 8:
        first = (first - timedelta(days=1)).replace(day=1)
    where = (
        "bucket IN ('confirmedPendingInvoice', 'awaitingCollectionPartnerPayment') "
        "AND collected_at < ?"
    )
    expected = total(product, "revenue", where, sql_time(first))
    assert 0 < expected < total(product, "revenue")
    assert_lists(app, "revenue", expected)


def test_archived_clients_are_listed_only_on_demand(product: Product) -> None:
    product.change(
        "UPDATE clients SET stage = 'archived', archived_at = first_seen_at "
        "WHERE external_tenant_id = 'acme/eu/42'"
    )
    app = product.open("onboarding")
    present = total(product, "onboarding")
    assert_lists(app, "clients", present)
    app.toggle(key="client_archived").set_value(True)
    run(app)
    assert_lists(app, "clients", present + 1)


@pytest.mark.parametrize("page", NOTHING_FITS)
def test_a_list_that_nothing_fits_says_so_and_what_to_do(product: Product, page: str) -> None:
    app = product.open(page)
    frames = len(app.dataframe)
    NOTHING_FITS[page](app)
    run(app)
    assert len(app.dataframe) == frames - 1, "the list itself is not drawn empty"
    assert len(app.info) == 1
    assert "filter" in app.info[0].value
    assert f"{KEYS[page]}_page" not in [each.key for each in app.pagination]
    assert not app.error


def test_the_second_page_shows_the_rows_after_the_first(product: Product) -> None:
    references = product.sql(
        "SELECT reference FROM cases WHERE archived_at IS NULL "
        "ORDER BY created_at DESC, id LIMIT 25 OFFSET 25"
    )
    app = product.open("cases")
    assert not column(table(app), references)
    app.pagination(key="cases_page").set_value(2)
    run(app)
    assert column(table(app), references)


def test_a_page_in_the_address_is_opened(product: Product) -> None:
    references = product.sql(
        "SELECT reference FROM cases WHERE archived_at IS NULL "
        "ORDER BY created_at DESC, id LIMIT 25 OFFSET 50"
    )
    assert column(table(product.open("cases", cases_page="3")), references)


@pytest.mark.parametrize("number", ["0", "-3", "x", "99999", "2.5", ""])
def test_a_page_in_the_address_that_is_none_shows_rows_anyway(
    product: Product, number: str
) -> None:
    assert len(table(product.open("cases", cases_page=number))) > 0


def test_another_order_begins_at_the_first_page_again(product: Product) -> None:
    app = product.open("cases", cases_page="4")
    app.selectbox(key="cases_sort").set_value("Reference ↑")
    run(app)
    references = product.sql(
        "SELECT reference FROM cases WHERE archived_at IS NULL ORDER BY reference, id LIMIT 25"
    )
    assert column(table(app), references)


def test_narrowing_on_a_late_page_does_not_leave_an_empty_list(product: Product) -> None:
    app = product.open("cases", cases_page="9")
    app.multiselect(key="case_currency").set_value(["JPY"])
    run(app)
    assert 0 < len(table(app)) <= 25


def test_no_row_is_on_two_pages_and_none_is_missing(product: Product) -> None:
    app = product.open("onboarding")
    seen = list(table(app)["Client"])
    for number in range(2, app.pagination(key="clients_page").num_pages + 1):
        app.pagination(key="clients_page").set_value(number)
        seen += list(table(run(app))["Client"])
    names = product.sql("SELECT name FROM clients WHERE archived_at IS NULL")
    assert sorted(seen) == sorted(names)


@pytest.mark.parametrize(
    ("order", "by"),
    [("Claim ↑", "gross"), ("Claim ↓", "gross DESC"), ("Reference ↑", "reference")],
)
def test_the_order_of_a_list_is_the_stores(product: Product, order: str, by: str) -> None:
    references = product.sql(
        "SELECT reference FROM cases WHERE archived_at IS NULL AND currency = 'EUR' "
        f"ORDER BY {by}, id LIMIT 25"
    )
    app = product.open("cases", case_currency="EUR")
    assert not column(table(app), references)
    app.selectbox(key="cases_sort").set_value(order)
    run(app)
    assert column(table(app), references)
    again = product.open("cases", **address_of(app))
    assert column(table(again), references), "the order is in the address"


def test_the_reader_chooses_the_columns(product: Product) -> None:
    app = product.open("cases")
    before = list(table(app).columns)
    tenants = product.sql(
        "SELECT external_tenant_id FROM cases WHERE archived_at IS NULL "
        "ORDER BY created_at DESC, id LIMIT 25"
    )
    assert not column(table(app), tenants)
    app.pills(key="cases_columns").set_value(["Reference", "Tenant id"])
    run(app)
    assert column(table(app), tenants)
    assert len(table(app).columns) < len(before)


def test_no_chosen_column_still_leaves_a_table(product: Product) -> None:
    app = product.open("cases")
    app.pills(key="cases_columns").set_value([])
    assert len(table(run(app))) == 25
