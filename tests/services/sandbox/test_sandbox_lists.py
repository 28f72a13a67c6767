"""Paging, filters, sorting and summaries of the Referral Partner API's lists."""

from collections.abc import Callable
from typing import Any

import pytest
from sandbox_running import Running, StartSandbox

from services.sandbox.listing import page_of
from services.sandbox.query import PageRequest
from services.sandbox.revenue import BUCKETS, bucket_of

LISTS = {
    "/clients": ("clients", "externalTenantId"),
    "/cases": ("cases", "id"),
    "/reporting/transactions": ("data", "transactionId"),
}


def get(running: Running, path: str, **query: Any) -> dict[str, Any]:
    answer = running.referral("GET", path, params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def every_row(running: Running, path: str, **query: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = 1
    while True:
        body = get(running, path, PageSize=100, Page=page, **query)
        rows += body[LISTS[path][0]]
        assert body["page"]["responseCount"] == len(body[LISTS[path][0]])
        if page >= body["page"]["totalPages"]:
            assert body["page"]["totalResults"] == len(rows)
            return rows
        page += 1


@pytest.mark.parametrize("path", LISTS)
def test_pages_hold_every_row_once(shared: Running, path: str) -> None:
    ids = [row[LISTS[path][1]] for row in every_row(shared, path)]
    sizes = {"/clients": 180, "/cases": 1200, "/reporting/transactions": 2000}
    assert len(ids) == len(set(ids)) == sizes[path]


@pytest.mark.parametrize(("path", "size"), [("/clients", 50), ("/cases", 10)])
def test_default_page(shared: Running, path: str, size: int) -> None:
    page = get(shared, path)["page"]
    assert (page["currentPage"], page["pageSize"], page["responseCount"]) == (1, size, size)


@pytest.mark.parametrize("path", LISTS)
def test_page_past_the_end_is_empty(shared: Running, path: str) -> None:
    body = get(shared, path, Page=500, PageSize=100)
    assert body[LISTS[path][0]] == []
    assert body["page"]["currentPage"] == 500
    assert body["page"]["responseCount"] == 0
    assert body["page"]["totalResults"] > 0


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query", ["Page=0", "Page=-1", "Page=one", "PageSize=0", "PageSize=101", "Sort=colour",
              "Sort=dateCreated:up"]
)  # fmt: skip
def test_wrong_paging_and_sorting_is_refused(shared: Running, path: str, query: str) -> None:
    answer = shared.referral("GET", f"{path}?{query}")
    assert answer.status_code == 400
    body = answer.json()
    assert body["businessErrors"][0]["type"] == "ValidationError"
    assert query.partition("=")[0] in body["businessErrors"][0]["message"]


def test_page_arithmetic() -> None:
    rows, page = page_of(list(range(21)), PageRequest(3, 10))
    assert rows == [20]
    assert page["totalPages"] == 3
    assert page_of([], PageRequest(1, 10))[1]["totalPages"] == 0


Read = Callable[[dict[str, Any]], Any]
SORTS: list[tuple[str, str, Read]] = [
    ("/clients", "dateCreated", lambda row: row["dateLinked"]),
    ("/clients", "name", lambda row: row["client"]["companyName"].casefold()),
    ("/cases", "DateCreated", lambda row: row["dateCreated"]),
    ("/cases", "GrossAmount", lambda row: row["grossAmount"]),
    ("/cases", "DueDate", lambda row: row["dueDate"]),
    ("/reporting/transactions", "collectionDate", lambda row: row["date"]),
    ("/reporting/transactions", "amount", lambda row: row["payment"]["amount"]),
]


@pytest.mark.parametrize(("path", "field", "read"), SORTS)
def test_sorting(shared: Running, path: str, field: str, read: Read) -> None:
    rising = [read(row) for row in every_row(shared, path, Sort=field)]
    assert rising == sorted(rising)
    falling = [read(row) for row in every_row(shared, path, Sort=f"{field.upper()}:desc")]
    assert falling == rising[::-1]


@pytest.mark.parametrize("path", LISTS)
def test_newest_comes_first_by_default(shared: Running, path: str) -> None:
    read = {"/clients": SORTS[0], "/cases": SORTS[2], "/reporting/transactions": SORTS[5]}[path][2]
    values = [read(row) for row in get(shared, path, PageSize=100)[LISTS[path][0]]]
    assert values == sorted(values, reverse=True)


def test_client_filters(shared: Running) -> None:
    rows = every_row(shared, "/clients")
    done = every_row(shared, "/clients", OnboardingDone="true")
    assert done == [row for row in rows if row["onboardingDone"]]
    brought = every_row(shared, "/clients", isattributedclient="False")
    assert brought == [row for row in rows if not row["isAttributedClient"]]
    one = rows[40]
    for wanted in (
        {"ExternalTenantId": one["externalTenantId"]},
        {"Query": one["client"]["companyRegistrationNumber"].lower()},
        {"Query": one["client"]["officeEmail"].upper()},
        {"Query": one["client"]["companyName"][1:].upper()},
    ):
        assert one in every_row(shared, "/clients", **wanted)
    assert every_row(shared, "/clients", ExternalTenantId=one["externalTenantId"].upper()) == []
    day = one["dateLinked"][:10]
    found = every_row(shared, "/clients", DateCreatedFrom=day, DateCreatedTo=day)
    assert found == [row for row in rows if row["dateLinked"][:10] == day]


def test_client_summary_is_that_of_the_filter(shared: Running) -> None:
    rows = every_row(shared, "/clients", IsAttributedClient="true")
    summary = get(shared, "/clients", IsAttributedClient="true")["summary"]
    done = sum(row["onboardingDone"] for row in rows)
    assert summary == {
        "totalClients": len(rows),
        "attributedClients": len(rows),
        "onboardingComplete": done,
        "onboardingPending": len(rows) - done,
        "totalCases": sum(row["caseStats"]["casesTotal"] for row in rows),
    }


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ({"Statuses": "Active"}, {"Active"}),
        ({"Statuses": "needsadditionaldetails"}, {"More Info Required"}),
        ({"Statuses": "More Info Required"}, {"More Info Required"}),
        ({"Statuses": "Collecting Quotes"}, {"Collecting Quotes", "Pending quote by partner"}),
        ({"Statuses": ["Paused", "Merged"]}, {"Paused", "Merged"}),
        ({"Statuses": "Paused, Merged"}, {"Paused", "Merged"}),
    ],
)
def test_case_statuses(shared: Running, given: dict[str, Any], labels: set[str]) -> None:
    rows = every_row(shared, "/cases", **given)
    assert {row["lifecycle"] for row in rows} == labels
    summary = get(shared, "/cases", **given)["summary"]
    assert summary["totalCases"] == sum(summary["byLifecycle"].values()) == len(rows)


def test_case_filters(shared: Running) -> None:
    rows = every_row(shared, "/cases")
    options = shared.referral("GET", "/referral-partner/filter-options").json()
    assert len(options["countries"]) == 12
    for country in options["countries"]:
        found = every_row(shared, "/cases", CountryIds=country["id"])
        assert found
        assert found == [row for row in rows if row["debtor"]["country"] == country["name"]]
    two = options["carveoutPartners"][:2]
    found = every_row(shared, "/cases", CollectionPartnerIds=",".join(p["id"] for p in two))
    names = {partner["name"] for partner in two}
    assert found == [row for row in rows if row["collectionPartner"] in names]
    one = rows[77]
    tenant = one["client"]["externalTenantId"]
    found = every_row(shared, "/cases", ExternalTenantId=tenant)
    assert found == [row for row in rows if row["client"]["externalTenantId"] == tenant]
    for wanted in (one["reference"].lower(), one["debtor"]["name"][2:].upper()):
        assert one in every_row(shared, "/cases", Query=wanted)


def test_date_bounds_are_inclusive(shared: Running) -> None:
    rows = every_row(shared, "/cases")
    exact = rows[500]["dateCreated"]
    found = every_row(shared, "/cases", FromDate=exact, ToDate=exact)
    assert rows[500] in found
    day = exact[:10]
    found = every_row(shared, "/cases", FromDate=day, ToDate=day)
    assert found == [row for row in rows if row["dateCreated"][:10] == day]


def test_cases_this_month(shared: Running) -> None:
    month = shared.clock().strftime("%Y-%m")
    rows = every_row(shared, "/cases")
    expected = sum(row["dateCreated"].startswith(month) for row in rows)
    assert get(shared, "/cases")["summary"]["casesThisMonth"] == expected


STATUS_FILTERS = [
    ("CommissionPaymentStatuses", "commissionPaymentStatus", 2, "Credited"),
    ("PlatformInvoicingStatuses", "platformInvoicingStatus", 1, "InvoiceIssued"),
    ("ReferralInvoicingStatuses", "referralInvoicingStatus", 3, "Disputed"),
]


@pytest.mark.parametrize(("name", "field", "number", "word"), STATUS_FILTERS)
def test_transaction_statuses(
    shared: Running, name: str, field: str, number: int, word: str
) -> None:
    rows = every_row(shared, "/reporting/transactions", **{name: number})
    assert {row["status"][field] for row in rows} == {word}
    assert rows == every_row(shared, "/reporting/transactions", **{name: word})


def test_no_referral_status_counts_as_pending(shared: Running) -> None:
    rows = every_row(shared, "/reporting/transactions", ReferralInvoicingStatuses=0)
    assert {row["status"]["referralInvoicingStatus"] for row in rows} == {None, "Pending"}


def test_transaction_filters(shared: Running) -> None:
    path = "/reporting/transactions"
    rows = every_row(shared, path)
    recognized = every_row(shared, path, HasRecognizedRevenue="true")
    assert recognized == [row for row in rows if row["recognition"]["isRecognized"]]
    one = rows[321]
    reference = one["case"]["caseReference"]
    found = every_row(shared, path, Search=reference.lower())
    assert found == [row for row in rows if row["case"]["caseReference"] == reference]
    assert one in every_row(shared, path, Search=one["client"]["companyName"].upper())
    tenant = one["client"]["externalTenantId"]
    found = every_row(shared, path, ExternalTenantId=tenant)
    assert found == [row for row in rows if row["client"]["externalTenantId"] == tenant]
    japan = every_row(shared, path, CountryIds=81)
    agency = shared.world.agencies_at(shared.world.jurisdiction("JP", None))[0]
    assert japan
    assert japan == every_row(shared, path, CollectionPartnerIds=agency.id)
    day = one["date"][:10]
    found = every_row(shared, path, FromDate=day, ToDate=day)
    assert found == [row for row in rows if row["date"][:10] == day]


@pytest.mark.parametrize("stage", range(7))
def test_stages_narrow_rows_but_not_the_summary(shared: Running, stage: int) -> None:
    path = "/reporting/transactions"
    whole = get(shared, path)["summary"]
    body = get(shared, path, RevenueStages=stage)
    assert body["summary"] == whole
    assert body["page"]["totalResults"] == whole["revenue"][f"{BUCKETS[stage]}Count"] > 0


@pytest.mark.parametrize("mode", ["PayWhenPaid", "ConfirmedPipeline"])
def test_summary_equals_the_rows(start: StartSandbox, mode: str) -> None:
    running = start(invoicing_mode=mode)
    assert running.referral("GET", "/me").json()["invoicingTriggerMode"] == mode
    summary = get(running, "/reporting/transactions")["summary"]
    rows = {row["transactionId"]: row for row in every_row(running, "/reporting/transactions")}
    for number, name in enumerate(BUCKETS):
        mine = [
            rows[row.id]["earnings"]["referralFeeAmountUsd"]
            for row in running.world.transactions
            if bucket_of(row, running.world.mode) == number
        ]
        assert summary["revenue"][f"{name}Count"] == len(mine)
        assert summary["revenue"][f"{name}ReferralFeeUsd"] == round(sum(mine), 2)


def test_estimates_and_recognition(shared: Running) -> None:
    for row in every_row(shared, "/reporting/transactions"):
        status = row["status"]
        estimate = status["commissionPaymentStatus"] != "Paid"
        recognized = status["platformInvoicingStatus"] == "PaymentReceived"
        fee = row["earnings"]["referralFeeAmountUsd"]
        assert row["earnings"]["isEstimate"] is estimate
        assert row["recognition"]["isRecognized"] is recognized
        assert row["recognition"]["referralFeeRecognizedUsd"] == (fee if recognized else 0)


def test_amounts_have_their_currencys_decimals(shared: Running) -> None:
    digits = {"JPY": 0, "KWD": 3}
    three = False
    for row in every_row(shared, "/cases"):
        places = digits.get(row["currency"], 2)
        assert round(row["grossAmount"], places) == row["grossAmount"]
        three |= places == 3 and round(row["grossAmount"], 2) != row["grossAmount"]
    assert three


def test_a_change_shows_in_lists_and_summaries(running: Running) -> None:
    before = get(running, "/reporting/transactions")
    case = next(c for c in running.world.cases if c.lifecycle == "Active" and c.earns)
    paid = get(running, "/cases", Query=case.reference)["cases"][0]["remainder"]
    running.clock.advance(hours=1)
    transaction = running.world.collect(case, 500)
    assert transaction is not None
    after = get(running, "/reporting/transactions")
    assert after["data"][0]["transactionId"] == transaction.id
    assert after["page"]["totalResults"] == before["page"]["totalResults"] + 1
    count = before["summary"]["revenue"]["pendingCount"]
    assert after["summary"]["revenue"]["pendingCount"] == count + 1
    left = get(running, "/cases", Query=case.reference)["cases"][0]["remainder"]
    assert left < paid


def test_a_new_month_is_noticed(running: Running) -> None:
    assert get(running, "/cases")["summary"]["casesThisMonth"] > 0
    running.clock.advance(days=20)
    assert get(running, "/cases")["summary"]["casesThisMonth"] == 0
