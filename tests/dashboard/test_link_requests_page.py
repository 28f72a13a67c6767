"""The link requests page: who has not answered, when it runs out, what came of the others."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dashboard_reader import (
    Product,
    Source,
    assert_lists,
    everything_told,
    run,
    sql_time,
    table,
    text_of,
)
from streamlit.testing.v1 import AppTest

from services.sandbox import World
from services.sandbox.sample_requests import SAMPLE_REQUESTS

PAGE = "link_requests"
NOW = datetime.now(UTC)
SAMPLE = SAMPLE_REQUESTS[0]["externalTenantId"]
TABS = ("Pending", "Approved", "Declined", "Expired")


def numbers(app: AppTest) -> dict[str, tuple[str, str]]:
    """The headline numbers and what stands behind each."""
    return {metric.label: (metric.value, metric.delta) for metric in app.metric}


def tab_counts(app: AppTest) -> list[int]:
    (told,) = [each.value for each in app.caption if each.value.startswith("Pending ")]
    return [int(number) for number in re.findall(r"\d+", told)]


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return run(app)


def approve(product: Product, tenant_id: str, took: timedelta) -> None:
    product.change(
        "UPDATE link_requests SET status = 'approved', learnt_by = 'webhook', requested_at = ?, "
        "resolved_at = ? WHERE external_tenant_id = ?",
        sql_time(NOW - timedelta(days=20)),
        sql_time(NOW - timedelta(days=20) + took),
        tenant_id,
    )


def test_the_answer_comes_first_with_the_numbers_behind_it(product: Product) -> None:
    approve(product, "approved-one", timedelta(hours=30))
    assert numbers(product.open(PAGE)) == {
        "Waiting": ("13", "for an answer"),
        "Running out": ("1", "within 48 hours"),
        "Approval rate": ("50 %", "1 of 2 that ended"),
        "Median time to approval": ("1 day 6 h", "of 1 approvals"),
    }


def test_without_an_end_the_numbers_say_so(product: Product) -> None:
    product.change("DELETE FROM link_requests WHERE status <> 'pending'")
    told = numbers(product.open(PAGE))
    assert told["Approval rate"] == ("\u2013", "none has ended")
    assert told["Median time to approval"] == ("\u2013", "no approval yet")


def test_the_numbers_obey_the_period_in_the_address(product: Product) -> None:
    product.change(
        "UPDATE link_requests SET requested_at = ? WHERE status = 'expired'",
        sql_time(NOW - timedelta(days=80)),
    )
    assert numbers(product.open(PAGE))["Approval rate"] == ("50 %", "1 of 2 that ended")
    app = product.open(PAGE, request_asked="Last 30 days")
    assert numbers(app)["Approval rate"] == ("100 %", "1 of 1 that ended")
    assert tab_counts(app) == [13, 1, 0, 0]
    assert numbers(product.open(PAGE, request_asked="Last year"))["Waiting"][0] == "0"


@pytest.mark.parametrize(
    ("number", "key", "total"),
    [
        ("Waiting", "requests_pending", 13),
        ("Running out", "requests_pending", 1),
        ("Approval rate", "requests_approved", 1),
        ("Median time to approval", "requests_approved", 1),
    ],
)
def test_a_number_leads_to_its_rows_whatever_the_list_was_narrowed_to(
    product: Product, number: str, key: str, total: int
) -> None:
    app = product.open(PAGE, request_status="Expired", request_q="nobody", request_country="Spain")
    app = press(app, f"request_show_{number}")
    assert_lists(app, key, total)
    assert len(table(app)) == total


@pytest.mark.parametrize("tab", TABS)
def test_the_tabs_tell_their_counts_and_an_address_opens_each(product: Product, tab: str) -> None:
    app = product.open(PAGE, request_status=tab)
    assert app.segmented_control(key="request_status").value == tab
    assert list(app.segmented_control(key="request_status").options) == list(TABS)
    assert tab_counts(app) == [13, 1, 0, 1]


def test_a_request_that_waits_shows_how_long_it_still_has(product: Product) -> None:
    product.change(
        "UPDATE link_requests SET requested_at = ?, expires_at = ? WHERE external_tenant_id = ?",
        sql_time(NOW - timedelta(days=6, hours=21)),
        sql_time(NOW + timedelta(hours=3, minutes=30)),
        SAMPLE,
    )
    first = table(product.open(PAGE)).iloc[0]
    assert first["Tenant id"] == SAMPLE
    assert first["Urgency"] == "Within a day"
    assert re.fullmatch(r"in 3 h 2\d min|in 3 h 30 min", first["Runs out"])
    assert first["Time left"] == 2
    assert first["Handed over"] == "not noted"


def test_a_request_whose_time_is_over_says_so_until_the_worker_has_looked(
    product: Product,
) -> None:
    over = sql_time(NOW - timedelta(hours=2, minutes=5))
    product.change(
        "UPDATE link_requests SET expires_at = ? WHERE external_tenant_id = ?", over, SAMPLE
    )
    first = table(product.open(PAGE)).iloc[0]
    assert (first["Urgency"], first["Time left"]) == ("Time is over", 0)
    assert re.fullmatch(r"2 h \d+ min ago", first["Runs out"])


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({"request_q": "grossmann"}, 1),
        ({"request_q": "platform-42"}, 12),
        ({"request_country": "Denmark"}, 2),
        ({"request_country": ["Denmark", "Spain"]}, 3),
        ({"request_asker": "tests"}, 13),
        ({"request_soon": "true"}, 1),
    ],
)
def test_requests_are_searched_and_narrowed(
    product: Product, asked: dict[str, Any], total: int
) -> None:
    assert_lists(product.open(PAGE, **asked), "requests_pending", total)


def test_what_no_filter_leaves_is_said_to_be_filtered(product: Product) -> None:
    told = everything_told(product.open(PAGE, request_q="nobody"))
    assert "No request fits these filters" in told
    assert "No request has been declined" in everything_told(
        product.open(PAGE, request_status="Declined")
    )


def test_before_the_first_request_the_page_says_when_one_begins(
    product_in: Callable[[Path], Product], tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    product.make_empty()
    app = product.open(PAGE)
    assert "Nobody has a request open" in everything_told(app)
    assert tab_counts(app) == [0, 0, 0, 0]


def test_approvals_are_drawn_by_day_and_a_day_narrows_the_list(product: Product) -> None:
    for tenant_id, hours in (("approved-one", 5), (SAMPLE, 20), ("platform-4202", 30)):
        approve(product, tenant_id, timedelta(hours=hours))
    app = product.open(PAGE, request_status="Approved")
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.startswith("Day 1: 2 approvals; Day 2: 1 approvals; Day 3: 0")
    assert_lists(app, "requests_approved", 3)
    app = product.open(PAGE, request_status="Approved", request_day="Day 1")
    assert_lists(app, "requests_approved", 2)
    assert set(table(app)["Took"]) == {"5 h", "20 h"}
    assert set(table(app)["Told by"]) == {"a webhook"}


def opened(product: Product, tenant_id: str, **more: str) -> AppTest:
    return product.open(PAGE, tenant=tenant_id, **more)


def links(app: AppTest) -> list[str]:
    return [code.value for code in app.code]


def approval_url(product: Product, tenant_id: str) -> str:
    found: str = product.sql(
        "SELECT approval_url FROM link_requests WHERE external_tenant_id = ? "
        "AND superseded_at IS NULL",
        tenant_id,
    )[0]
    return found


def test_an_open_request_shows_its_link_and_leads_to_the_client(product: Product) -> None:
    app = opened(product, SAMPLE)
    assert links(app) == [approval_url(product, SAMPLE)]
    told = everything_told(app)
    assert "Runs out **in 6 days" in told
    assert "Asking again" not in told
    assert "The link above stops working at once" in told
    assert "with 7 days to answer" in told
    (link,) = [link for link in app.page_link if link.proto.query_string]
    assert link.proto.page == "client"
    assert link.proto.query_string == f"tenant={SAMPLE}"


def test_a_request_that_is_not_known_is_said_not_to_be(product: Product) -> None:
    (warning,) = opened(product, "nobody").warning
    assert "No link request of this tenant id is known" in warning.value


def test_an_opened_request_with_markup_in_its_name_shows_it_as_text(product: Product) -> None:
    told = [each.value for each in opened(product, "expired/one").markdown]
    assert "**Expired** <i>one</i>" in [text_of(each[2:-2]) for each in told if each[:2] == "**"]


def test_every_earlier_request_is_told_with_who_ended_it(product: Product) -> None:
    for day, status, teller in ((3, "expired", "clock"), (2, "pending", "answer")):
        product.change(
            "INSERT INTO link_requests (external_tenant_id, status, requested_at, requested_by, "
            "approval_url, expires_at, resolved_at, learnt_by, superseded_at, search_text) "
            "VALUES (?, ?, ?, '*bo*', 'https://old.example', ?, ?, ?, ?, '')",
            SAMPLE,
            status,
            f"2026-01-0{day} 08:00:00.000000",
            f"2026-01-1{day} 08:00:00.000000",
            f"2026-01-1{day} 08:00:00.000000" if status != "pending" else None,
            teller,
            f"2026-01-2{day} 08:00:00.000000",
        )
    app = opened(product, SAMPLE)
    told = [each.value for each in app.markdown if each.value.startswith("- ")]
    current, expired, unanswered = (
        [text_of(line.strip()) for line in each[2:].split("\n")] for each in told
    )
    assert current[1].startswith("Waits for an answer until ")
    assert expired == [
        "Asked 3 Jan 2026, 08:00 by *bo*.",
        "Ran out 13 Jan 2026, 08:00, as told by our own clock. "
        "Asked again 23 Jan 2026, 08:00: its link is void.",
    ]
    assert unanswered[1] == "No answer came. Asked again 22 Jan 2026, 08:00: its link is void."
    assert links(app) == [approval_url(product, SAMPLE)]


def test_a_hand_over_is_noted_in_the_opened_request_and_told_in_the_list(product: Product) -> None:
    app = opened(product, SAMPLE)
    (field,) = [each for each in app.text_input if each.label == "Handed over to"]
    field.input("Petra")
    (button,) = [each for each in app.button if each.label == "Note the hand-over"]
    button.click()
    run(app)
    told = {row["Tenant id"]: row["Handed over"] for _, row in table(product.open(PAGE)).iterrows()}
    assert told.pop(SAMPLE).endswith("to Petra")
    assert set(told.values()) == {"not noted"}


@pytest.fixture
def live(
    product_in: Callable[[Path], Product],
    changing: tuple[Source, World],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Product:
    """The product over a sandbox that answers, with a request that ran out."""
    source, _ = changing
    product = product_in(tmp_path)
    monkeypatch.setenv("DEBITURA_REFERRAL_URL", source.settings(tmp_path).referral_url)
    product.make_empty()
    add_request(product)
    return product


def add_request(product: Product, **changes: Any) -> None:
    past = NOW - timedelta(days=9)
    row = {
        "external_tenant_id": SAMPLE,
        "company_name": "Asked",
        "country": "Denmark",
        "status": "expired",
        "requested_at": sql_time(past),
        "requested_by": "anna",
        "approval_url": "https://old.example",
        "expires_at": sql_time(past + timedelta(days=7)),
        "resolved_at": sql_time(past + timedelta(days=7)),
        "learnt_by": "clock",
        "payload": json.dumps(SAMPLE_REQUESTS[0]),
        "search_text": "asked",
        **changes,
    }
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    product.change(f"INSERT INTO link_requests ({names}) VALUES ({marks})", *row.values())


def test_an_expired_request_is_asked_again_and_its_fresh_link_is_there_to_hand_over(
    live: Product,
) -> None:
    app = opened(live, SAMPLE, request_status="Expired")
    assert links(app) == []
    app = press(app, "request_ask")
    (outcome,) = [text_of(each.value) for each in app.info if "was made" in each.value]
    assert outcome.startswith("A link request was made: hand its approval link over.")
    assert links(app) == [approval_url(live, SAMPLE)]
    assert links(app) != ["https://old.example"]
    assert tab_counts(app) == [1, 0, 0, 0]
    assert live.sql("SELECT actor, outcome FROM audit_log") == [("dashboard", "link requested")]
    assert not app.error


def test_asking_again_that_fails_says_why_and_loses_nothing(
    live: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBITURA_API_KEY", "not-the-key")
    before = live.sql("SELECT * FROM link_requests")
    app = press(opened(live, SAMPLE), "request_ask")
    (error,) = app.error
    assert text_of(error.value).endswith("Nothing was changed.")
    assert not app.button(key="request_ask").disabled
    assert live.sql("SELECT * FROM link_requests") == before
    assert live.sql("SELECT outcome FROM audit_log") == ["failed: Unauthorized"]


def test_after_a_decline_it_is_said_to_contact_the_client_first(live: Product) -> None:
    live.change("UPDATE link_requests SET status = 'declined', learnt_by = 'webhook'")
    app = opened(live, SAMPLE)
    assert "rarely helps after a decline: contact the client first" in everything_told(app)
    assert not app.button(key="request_ask").disabled


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("payload = NULL", "What was asked is no longer kept"),
        ("payload = NULL, requested_by = 'elsewhere'", "not made through the dashboard"),
    ],
)
def test_what_cannot_be_asked_again_says_why_and_offers_no_button(
    live: Product, change: str, told: str
) -> None:
    live.change(f"UPDATE link_requests SET {change}")
    app = opened(live, SAMPLE)
    assert told in everything_told(app).replace("\\", "")
    assert "request_ask" not in [button.key for button in app.button]


def test_a_waiting_request_from_elsewhere_says_that_its_link_is_not_known(live: Product) -> None:
    live.change(
        "UPDATE link_requests SET payload = NULL, requested_by = 'elsewhere', learnt_by = "
        "'webhook', approval_url = NULL, status = 'pending', resolved_at = NULL, expires_at = ?",
        sql_time(NOW + timedelta(days=3)),
    )
    app = opened(live, SAMPLE)
    (warning,) = app.warning
    assert "told no approval link here" in warning.value
    assert "not made through the dashboard" in warning.value
    assert "by somebody outside the dashboard" in everything_told(app)
    assert links(app) == []
