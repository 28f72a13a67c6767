"""Finding, narrowing, opening and exporting, as a reader does it."""

import csv
import io
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect
from running import Command, Reader, free_port, product, wait_until_ready


@pytest.fixture
def store(served: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[tuple]]:
    """Ask the served store with SQL."""
    files = list(tmp_path_factory.getbasetemp().glob("served*/sandbox.sqlite"))

    def ask(statement: str, *values: object) -> list[tuple]:
        with closing(sqlite3.connect(files[-1])) as connection:
            return connection.execute(statement, values).fetchall()

    return ask


def asked_for(reader: Reader, name: str) -> list[str]:
    return parse_qs(urlsplit(reader.page.url).query).get(name, [])


@pytest.mark.parametrize("page", ["", "cases"])
def test_typing_in_the_search_finds_a_client_and_a_click_opens_it(
    reader: Reader, store: Callable[..., list[tuple]], page: str
) -> None:
    tenant_id, name = store(
        "SELECT external_tenant_id, name FROM clients WHERE name LIKE '%GmbH' "
        "GROUP BY name HAVING COUNT(*) = 1 ORDER BY LENGTH(name) DESC LIMIT 1"
    )[0]
    reader.open(page)
    reader.keyed("search").get_by_role("searchbox").or_(
        reader.keyed("search").locator("input")
    ).first.press_sequentially(name[:-2])
    hit = reader.page.locator(".stButton").get_by_role("button", name=name).first
    hit.click()
    reader.page.wait_for_url(re.compile("/client\\?"))
    assert asked_for(reader, "tenant") == [tenant_id]
    reader.settle()
    expect(reader.page.get_by_role("heading", name=name).first).to_be_visible()


def test_a_click_on_the_funnel_narrows_the_list_of_clients(
    reader: Reader, store: Callable[..., list[tuple]]
) -> None:
    reader.open("onboarding")
    reader.expect_total("clients", store("SELECT COUNT(*) FROM clients")[0][0])
    reader.keyed("client_funnel").locator(".point path").last.click(force=True)
    reached = store("SELECT COUNT(*) FROM clients WHERE furthest = 'first_recovery'")[0][0]
    reader.expect_total("clients", reached)


def test_a_click_on_the_pipeline_narrows_the_list_of_cases(
    reader: Reader, store: Callable[..., list[tuple]]
) -> None:
    reader.open("cases")
    reader.keyed("case_pipeline").locator(".point path").last.click(force=True)
    counts = {
        number
        for (number,) in store(
            "SELECT COUNT(*) FROM cases WHERE archived_at IS NULL GROUP BY lifecycle"
        )
    }
    all_of_them = store("SELECT COUNT(*) FROM cases")[0][0]
    expect(reader.page.get_by_text(f"{all_of_them:,} cases", exact=True)).to_have_count(0)
    assert reader.total("cases") in counts


def test_the_address_of_a_filtered_list_shows_a_colleague_the_same(
    reader: Reader, reader_at: Callable[..., Reader], store: Callable[..., list[tuple]]
) -> None:
    reader.open("cases")
    field = reader.keyed("case_q").locator("input")
    field.press_sequentially("gmbh")
    number = store(
        "SELECT COUNT(*) FROM cases WHERE archived_at IS NULL AND search_text LIKE '%gmbh%'"
    )[0][0]
    reader.expect_total("cases", number)
    assert asked_for(reader, "case_q") == ["gmbh"]
    address = reader.page.url.removeprefix(f"{reader.url}/")
    colleague = reader_at(reader.url)
    colleague.open(address)
    colleague.expect_total("cases", number)
    expect(colleague.keyed("case_q").locator("input")).to_have_value("gmbh")


def choose_order(reader: Reader) -> None:
    reader.keyed("cases_sort").get_by_role("combobox").click()
    reader.page.get_by_role("option", name=re.compile("Claim")).last.click()


def choose_page(reader: Reader) -> None:
    reader.keyed("cases_page").get_by_role("button", name="3").first.click()


def choose_actor(reader: Reader) -> None:
    reader.keyed("case_actor").get_by_text("Debitura", exact=True).click()


def choose_stage(reader: Reader) -> None:
    reader.keyed("client_stage").get_by_text("Created", exact=True).click()


CHOICES: dict[str, tuple[str, Callable[[Reader], None], str]] = {
    "order": ("cases", choose_order, "cases_sort"),
    "page": ("cases", choose_page, "cases_page"),
    "who acts next": ("cases", choose_actor, "case_actor"),
    "stage": ("onboarding", choose_stage, "client_stage"),
}


@pytest.mark.parametrize("what", CHOICES)
def test_what_a_reader_chose_is_in_the_address_for_a_colleague(
    reader: Reader, reader_at: Callable[..., Reader], what: str
) -> None:
    page, choose, name = CHOICES[what]
    reader.open(page)
    before = reader.cells()
    choose(reader)
    reader.page.wait_for_url(re.compile(f"{name}="))
    reader.settle()
    reader.wait_for_other_cells(before)
    colleague = reader_at(reader.url)
    colleague.open(reader.page.url.removeprefix(f"{reader.url}/"))
    # How many columns are drawn depends on the moment; the first ones are.
    assert [row[:5] for row in colleague.cells()] == [row[:5] for row in reader.cells()]


def test_back_leads_to_the_page_before(reader: Reader) -> None:
    reader.open("")
    reader.page.get_by_test_id("stSidebarNavLink").filter(has_text="Cases").click()
    reader.page.wait_for_url(re.compile("/cases"))
    reader.settle()
    reader.page.go_back()
    reader.settle()
    assert urlsplit(reader.page.url).path == "/"
    expect(reader.keyed("case_q")).to_have_count(0)


def test_open_in_a_row_opens_its_client(reader: Reader, store: Callable[..., list[tuple]]) -> None:
    reader.open("onboarding")
    tenant_id, name = store(
        "SELECT external_tenant_id, name FROM clients WHERE archived_at IS NULL "
        "ORDER BY name, external_tenant_id LIMIT 1 OFFSET 1"
    )[0]
    grid = reader.page.get_by_test_id("stDataFrame").last
    grid.scroll_into_view_if_needed()
    # A table is a picture to the browser: the button of its second row is a place in it.
    grid.locator("canvas").first.click(position={"x": 40, "y": 35 + 35 + 17}, force=True)
    reader.page.wait_for_url(re.compile("/client\\?"))
    assert asked_for(reader, "tenant") == [tenant_id]
    reader.settle()
    expect(reader.page.get_by_role("heading", name=name).first).to_be_visible()


EXPORTS = {
    "cases": ("cases?case_q=gmbh", "cases", "Reference", "reference", "cases"),
    "clients": ("onboarding?client_q=an", "clients", "Tenant id", "external_tenant_id", "clients"),
    "transactions": (
        "revenue?revenue_q=gmbh",
        "revenue",
        "Transaction id",
        "transaction_id",
        "transactions",
    ),
}


@pytest.mark.parametrize("what", EXPORTS)
def test_the_csv_holds_exactly_the_rows_that_the_filters_leave(
    reader: Reader, store: Callable[..., list[tuple]], what: str
) -> None:
    address, key, column, field, rows = EXPORTS[what]
    reader.open(address)
    with reader.page.expect_download() as download:
        reader.keyed(f"{key}_csv").get_by_role("button").click()
    content = Path(download.value.path()).read_text("utf-8-sig")
    told = [row[column] for row in csv.DictReader(io.StringIO(content, newline=""))]
    expected = store(
        f"SELECT {field} FROM {rows} "
        "WHERE archived_at IS NULL AND search_text LIKE '%' || ? || '%'",
        address.rpartition("=")[2],
    )
    assert len(told) > 25, "more than one page of the list"
    assert sorted(told) == sorted(value.lstrip() for (value,) in expected)


def test_without_the_source_every_page_goes_on_and_says_how_old_its_data_is(
    reader_at: Callable[..., Reader], tmp_path: Path
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    sandbox = Command(
        "sandbox",
        *("--port", str(port), "--clients", "30", "--cases", "120", "--transactions", "160"),
        environment={},
    )
    environment = {
        "DEBITURA_ENVIRONMENT": "test",
        "DEBITURA_API_KEY": "sandbox",
        "DEBITURA_REFERRAL_URL": f"{address}/referral",
        "DEBITURA_CUSTOMER_URL": f"{address}/customer",
        "PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS": "2",
    }
    try:
        with product(tmp_path, **environment) as url:
            wait_until_ready(url)
            reader = reader_at(url)
            reader.open("cases")
            header = reader.page.get_by_test_id("stMain")
            expect(header.get_by_text("Out of date")).to_have_count(0)
            before = reader.total("cases")
            sandbox.kill()
            expect(header.get_by_text("Out of date")).to_be_visible()
            expect(header.get_by_text(re.compile("Data as of"))).to_be_visible()
            reader.expect_total("cases", before)
            for page, sign in (("Revenue", "revenue_q"), ("Client onboarding", "client_q")):
                reader.page.get_by_test_id("stSidebarNavLink").filter(has_text=page).click()
                expect(reader.keyed(sign)).to_be_visible()
                reader.settle()
                expect(header.get_by_text("Out of date")).to_be_visible()
                assert reader.cells()
            reader.look_for_alarms()
            reader.take_picture("offline-wide-light")
            reader.page.close()
    finally:
        if sandbox.process.poll() is None:
            sandbox.kill()
