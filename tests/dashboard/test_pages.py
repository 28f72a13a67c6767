"""Every page draws, and its figures are those of the store."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from dashboard_reader import (
    LISTS,
    PAGES,
    Product,
    Source,
    assert_lists,
    chart_values,
    column,
    everything_told,
    metrics,
    run,
    shows,
    sql_time,
    table,
    text_of,
    this_hour,
    this_minute,
    usd,
)
from streamlit.testing.v1 import AppTest

from services.domain.onboarding_stage import OnboardingStage
from services.sandbox import World

OPEN_BUCKETS = "('confirmedPendingInvoice', 'awaitingCollectionPartnerPayment')"
STAGES = {
    "unrecognized": (
        "pending",
        "confirmedPendingInvoice",
        "awaitingCollectionPartnerPayment",
    ),
    "uninvoiced": ("readyToInvoiceDebitura",),
    "invoiced": ("awaitingDebituraPayment",),
    "paid": ("paid",),
}
STUCK_DAYS = {
    "created": 7,
    "poa_signed": 7,
    "contract_upgrade": 7,
    "power_of_attorney": 7,
    "kyc_pending": 10,
    "contract_signed": 30,
}


def fees(product: Product, where: str = "TRUE", *values: object) -> int:
    statement = f"SELECT SUM(fee_usd) FROM transactions WHERE archived_at IS NULL AND ({where})"
    return int(product.sql(statement, *values)[0] or 0)


def count(product: Product, rows: str, where: str = "TRUE", *values: object) -> int:
    statement = f"SELECT COUNT(*) FROM {rows} WHERE archived_at IS NULL AND ({where})"
    return int(product.sql(statement, *values)[0])


def in_buckets(names: tuple[str, ...]) -> str:
    return "bucket IN ({})".format(", ".join(f"'{name}'" for name in names))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_draws_its_title_and_no_alarm(product: Product, page: str) -> None:
    app = product.open(page)
    assert len(app.title) == 1
    assert not app.error
    assert not [each for each in app.warning if page != "white_label"]


def test_the_overview_counts_the_last_thirty_days(product: Product) -> None:
    app = product.open()
    first = datetime.combine(this_minute().date(), datetime.min.time(), UTC) - timedelta(days=29)
    since = sql_time(first)
    in_a_stage = " OR ".join(in_buckets(buckets) for buckets in STAGES.values())
    told = metrics(app)
    assert f"{count(product, 'clients', 'linked_at >= ?', since):,}" in told
    assert f"{count(product, 'cases', 'created_at >= ?', since):,}" in told
    assert usd(fees(product, f"collected_at >= ? AND ({in_a_stage})", since)) in told
    assert usd(fees(product, in_buckets(STAGES["uninvoiced"]))) in told


def test_every_number_of_the_overview_leads_to_the_rows_that_make_it(product: Product) -> None:
    app = product.open()
    lists = [link for link in app.page_link if link.proto.page in LISTS and link.proto.query_string]
    assert len(lists) >= 3
    for link in lists:
        asked = f"{link.proto.page}?{link.proto.query_string}"
        there = product.follow(link)
        narrowed = {name for name, _ in parse_qsl(link.proto.query_string)}
        assert narrowed <= set(there.query_params), f"{asked} was not understood"
        assert there.dataframe, f"{asked} shows no rows"


def test_the_overview_links_cases_that_need_information_with_their_number(
    product: Product,
) -> None:
    number = count(
        product,
        "cases",
        "needs_info AND creditor_responded_at IS NULL AND lifecycle NOT IN ('Closed', 'Merged')",
    )
    assert number
    links = [link for link in product.open().page_link if link.label.startswith(f"{number:,} ")]
    assert [link.proto.page for link in links] == ["cases"]
    assert_lists(product.follow(links[0]), "cases", number)


def test_the_overview_names_requests_that_run_out_soon(product: Product) -> None:
    soon = product.sql(
        "SELECT external_tenant_id FROM link_requests WHERE status = 'pending' "
        "AND superseded_at IS NULL AND expires_at <= ?",
        sql_time(datetime.now(UTC) + timedelta(hours=48)),
    )
    assert soon == ["soon-over"]
    linked = [link.proto.query_string for link in product.open().page_link]
    assert "tenant=soon-over" in linked


def test_a_thing_to_do_leads_to_its_client(product: Product) -> None:
    links = [link for link in product.open().page_link if link.proto.page == "client"]
    assert links
    for link in links[:3]:
        there = product.follow(link)
        assert not there.warning
        assert text_of(there.title[0].value) == text_of(link.label)


def test_an_overview_with_nothing_to_do_says_so(product: Product) -> None:
    product.change("UPDATE clients SET stage = 'first_case'")
    product.change("UPDATE cases SET needs_info = FALSE")
    product.change("UPDATE transactions SET bucket = 'paid'")
    product.change("DELETE FROM link_requests")
    app = product.open()
    assert len(app.success) == 1
    assert not [link for link in app.page_link if link.proto.page == "client"]


def test_onboarding_draws_how_far_clients_came(product: Product) -> None:
    app = product.open("onboarding")
    road = ["created", "contract_signed", "first_case", "first_recovery"]
    furthest = dict(
        product.sql("SELECT furthest, COUNT(*) FROM clients WHERE archived_at IS NULL GROUP BY 1")
    )
    assert chart_values(app) == [
        sum(furthest.get(each, 0) for each in road[number:]) for number in range(len(road))
    ]
    assert_lists(app, "clients", sum(furthest.values()))


def test_onboarding_counts_who_waits_and_who_is_stuck(product: Product) -> None:
    app = product.open("onboarding")
    told = " ".join(
        [
            *metrics(app),
            *(caption.value for caption in app.caption),
            *(toggle.label for toggle in app.toggle),
            *(option for group in app.pills for option in group.options),
        ]
    )
    for stage in ("contract_upgrade", "power_of_attorney"):
        number = count(product, "clients", "stage = ?", stage)
        assert number
        assert re.search(rf"\b{number:,}\b", told)
    stuck = sum(
        count(
            product,
            "clients",
            "stage = ? AND (stage_since < ? OR "
            "(stage_since IS NULL AND stage <> 'contract_signed'))",
            stage,
            sql_time(this_hour() - timedelta(days=days)),
        )
        for stage, days in STUCK_DAYS.items()
    )
    assert stuck
    assert re.search(rf"\b{stuck:,}\b", told)


def test_link_requests_tell_how_many_wait_and_what_came_of_the_others(product: Product) -> None:
    app = product.open("link_requests")
    counts = dict(
        product.sql(
            "SELECT status, COUNT(*) FROM link_requests WHERE superseded_at IS NULL GROUP BY 1"
        )
    )
    assert counts == {"pending": 13, "approved": 1, "expired": 1}
    told = metrics(app)
    assert "13" in told
    assert "1" in told, "one runs out within two days"
    assert "50 %" in told, "one of the two that ended was approved"
    assert_lists(app, "requests_pending", 13)


@pytest.mark.parametrize("status", ["pending", "approved", "declined", "expired"])
def test_link_requests_list_each_outcome(product: Product, status: str) -> None:
    product.change(
        "UPDATE link_requests SET status = 'declined', resolved_at = requested_at "
        "WHERE external_tenant_id = 'platform-4201'"
    )
    names = product.sql(
        "SELECT company_name FROM link_requests WHERE status = ? AND superseded_at IS NULL "
        "ORDER BY CASE status WHEN 'pending' THEN expires_at END, resolved_at DESC, id",
        status,
    )
    assert names
    app = product.open("link_requests")
    app.segmented_control(key="request_status").set_value(status.capitalize())
    assert shows(run(app), names)


def test_cases_draw_the_pipeline_of_the_store(product: Product) -> None:
    app = product.open("cases")
    expected = dict(
        product.sql("SELECT lifecycle, COUNT(*) FROM cases WHERE archived_at IS NULL GROUP BY 1")
    )
    assert sorted(chart_values(app)) == sorted(expected.values())
    assert_lists(app, "cases", sum(expected.values()))


def test_cases_add_amounts_up_currency_by_currency(product: Product) -> None:
    app = product.open("cases")
    digits = {"JPY": 0, "KWD": 3}
    rows = product.sql(
        "SELECT currency, COUNT(*), SUM(gross), SUM(remainder) FROM cases "
        "WHERE archived_at IS NULL GROUP BY currency ORDER BY COUNT(*) DESC"
    )
    assert {"JPY", "KWD", "EUR"} <= {row[0] for row in rows}

    def told(minor: int, currency: str) -> str:
        places = digits.get(currency, 2)
        whole, rest = divmod(minor, 10**places)
        return f"{whole:,}" + (f".{rest:0{places}}" if places else "") + f" {currency}"

    assert shows(app, [row[1] for row in rows])
    assert shows(app, [told(row[2], row[0]) for row in rows])
    assert shows(app, [told(row[3], row[0]) for row in rows])


def test_revenue_tells_the_four_stages_to_the_cent(product: Product) -> None:
    app = product.open("revenue")
    expected = [usd(fees(product, in_buckets(buckets))) for buckets in STAGES.values()]
    assert metrics(app)[:4] == expected
    assert_lists(app, "revenue", count(product, "transactions"))


def test_revenue_tells_every_bucket_with_its_rows(product: Product) -> None:
    app = product.open("revenue")
    rows = dict(
        product.sql(
            "SELECT bucket, COUNT(*) FROM transactions WHERE archived_at IS NULL GROUP BY 1"
        )
    )
    frame = app.dataframe[0].value
    numbers = next(frame[name] for name in frame.columns if frame[name].dtype.kind == "i")
    assert sorted(number for number in numbers if number) == sorted(rows.values())
    assert shows(
        app,
        [usd(fees(product, "bucket = ?", name)) for buckets in STAGES.values() for name in buckets]
        + [usd(fees(product, "bucket = ?", name)) for name in ("disputed", "credited")],
    )


def test_the_bars_of_the_revenue_chart_are_the_buckets_of_the_stages(product: Product) -> None:
    assert chart_values(product.open("revenue")) == pytest.approx(
        [fees(product, "bucket = ?", name) / 100 for buckets in STAGES.values() for name in buckets]
    )


def test_revenue_agrees_with_debituras_own_summary_after_a_sync(product: Product) -> None:
    app = product.open("revenue")
    assert len(app.success) == 1
    assert not app.warning


def test_revenue_names_the_buckets_that_differ_from_debituras_summary(product: Product) -> None:
    product.change(
        "UPDATE transactions SET fee_usd = fee_usd + 1 WHERE transaction_id = "
        "(SELECT MIN(transaction_id) FROM transactions WHERE bucket = 'paid')"
    )
    app = product.open("revenue")
    assert not app.success
    assert len(app.warning) == 1
    ours = fees(product, "bucket = 'paid'")
    assert shows(app, [usd(ours)])
    assert shows(app, [usd(ours - 1)])


def test_white_label_judges_what_the_reader_tries(product: Product) -> None:
    app = product.open("white_label")
    assert not [each for each in app.warning if "1.0 : 1" in text_of(each.value)]
    app.color_picker(key="try_background").set_value("#777777")
    app.color_picker(key="try_font_color").set_value("#777777")
    run(app)
    assert [each for each in app.warning if "1.0 : 1" in text_of(each.value)]


def test_white_label_draws_its_screens_at_the_width_of_a_phone(product: Product) -> None:
    wide = product.open("white_label").html[0].value
    narrow = product.open("white_label", screen="Phone").html[0].value
    assert "max-width:720px" in wide
    assert "max-width:340px" in narrow


def test_a_page_shows_what_a_later_sync_brought(
    product_in: Callable[[Path], Product],
    changing: tuple[Source, World],
    tmp_path: Path,
) -> None:
    source, world = changing
    assert source.sync(tmp_path).is_true
    product = product_in(tmp_path)
    app = product.open("onboarding")
    app.pills(key="client_stage").set_value([OnboardingStage.CONTRACT_UPGRADE.label])
    run(app)
    before = count(product, "clients", "stage = 'contract_upgrade'")
    signed = next(client for client in world.clients if client.signed and not client.pending_poa)
    world.require_contract_upgrade(signed)
    assert source.sync(tmp_path).is_true
    run(app)
    assert count(product, "clients", "stage = 'contract_upgrade'") == before + 1
    assert_lists(app, "clients", before + 1)
    assert signed.name in set(table(app).astype(str).to_numpy().flatten())


def test_figures_without_a_word_of_the_program(product: Product) -> None:
    for page in PAGES:
        told = everything_told(product.open(page))
        for word in ("Traceback", "None", "NaN", "sqlite", "{", "object at"):
            assert word not in told, f"{word} on {page}"


def test_the_list_of_onboarding_begins_with_the_first_names(product: Product) -> None:
    names = product.sql(
        "SELECT name FROM clients WHERE archived_at IS NULL "
        "ORDER BY name, external_tenant_id LIMIT 25"
    )
    app: AppTest = product.open("onboarding")
    assert column(table(app), names)
