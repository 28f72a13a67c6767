"""The activity page: how true the data is, what came in, what changed, and who did what."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from dashboard_reader import (
    Product,
    Source,
    assert_lists,
    column,
    everything_told,
    run,
    sql_time,
    table,
    text_of,
)
from streamlit.testing.v1 import AppTest

from dashboard.activity.webhooks import event_in_words
from services.activity import SetAside
from services.debitura.enums import WebhookEvent

NOWHERE = Source("http://127.0.0.1:9")
NOW = datetime.now(UTC)
CHANGED = {"activity_part": "What changed"}
ASIDE = {"activity_part": "Rows set aside"}
WEBHOOKS = {"activity_part": "Webhooks"}
AUDIT = {"activity_part": "Audit log"}
ODD = "**odd** <b>amount</b> [x](https://evil.example)"


def add_run(product: Product, *scopes: dict[str, Any], failed: bool = False) -> None:
    product.change(
        "INSERT INTO sync_runs (started_at, finished_at, requests, kind, outcome, scopes) "
        "VALUES (?, ?, 7, 'refresh', ?, ?)",
        sql_time(NOW),
        sql_time(NOW + timedelta(seconds=90)),
        "failed" if failed else "true",
        json.dumps(scopes),
    )


def add_changes(product: Product, *changes: tuple[str, str, str, Any, Any]) -> None:
    """Notes of kind, subject, field, before and after, each a minute later than the last."""
    for minute, change in enumerate(changes):
        product.change(
            "INSERT INTO history (kind, subject_id, field, before, after, at, learnt_by) "
            "VALUES (?, ?, ?, ?, ?, ?, 'webhook')",
            *change,
            sql_time(NOW + timedelta(days=1, minutes=minute)),
        )


def set_aside(product: Product, scope: str, *rows: str) -> None:
    for minute, raw in enumerate(rows):
        product.change(
            "INSERT INTO rejected_rows (scope, reason, raw, seen_at) VALUES (?, ?, ?, ?)",
            scope,
            ODD,
            raw,
            sql_time(NOW + timedelta(minutes=minute)),
        )


def add_event(product: Product, event_id: str, **changes: Any) -> None:
    row = {
        "id": event_id,
        "event": "client.linked",
        "state": "received",
        "received_at": sql_time(NOW),
        "body": json.dumps({"id": event_id, "amount": ODD}),
        "attempts": 0,
        **changes,
    }
    marks = ", ".join("?" * len(row))
    product.change(f"INSERT INTO webhook_events ({', '.join(row)}) VALUES ({marks})", *row.values())


def refuse(product: Product, reason: str, count: int) -> None:
    product.change(
        "INSERT INTO refused_deliveries (reason, count, last_at) VALUES (?, ?, ?)",
        reason,
        count,
        sql_time(NOW),
    )


def note_action(product: Product, actor: str, action: str, subject: str) -> None:
    product.change(
        "INSERT INTO audit_log (at, actor, action, subject, outcome) VALUES (?, ?, ?, ?, 'done')",
        sql_time(NOW + timedelta(days=1)),
        actor,
        action,
        subject,
    )


def scopes(app: AppTest) -> dict[str, dict[str, Any]]:
    frame = app.dataframe[0].value
    return {row["Scope"]: row for row in frame.to_dict("records")}


def test_all_true_is_one_calm_sentence_and_a_row_for_each_scope(product: Product) -> None:
    app = product.open("activity")
    (told,) = [each.value for each in app.success]
    assert re.fullmatch(r"All data was true to Debitura (just now|\d+ minutes? ago)\.", told)
    stored = dict(product.sql("SELECT scope, rows_done FROM sync_scopes"))
    assert {name.lower(): row["Rows"] for name, row in scopes(app).items()} == stored
    assert {row["State"] for row in scopes(app).values()} == {"True"}


def test_every_state_of_a_scope_is_told_in_words(product: Product) -> None:
    product.change("UPDATE sync_scopes SET state = 'running', rows_done = 1200, rows_total = 10000")
    product.change("UPDATE sync_scopes SET rows_total = NULL WHERE scope = 'clients'")
    product.change("UPDATE sync_scopes SET state = 'failed', error = ? WHERE scope = 'cases'", ODD)
    product.change("DELETE FROM sync_scopes WHERE scope = 'coverage'")
    app = product.open("activity")
    assert {name: row["State"] for name, row in scopes(app).items()} == {
        "Partner": "Being read, 1,200 of 10,000 rows",
        "Clients": "Being read",
        "Cases": "Failed",
        "Transactions": "Being read, 1,200 of 10,000 rows",
        "Coverage": "Never read",
    }
    assert [each.value for each in app.warning] == [
        "Not true to Debitura: cases. What was read before is shown."
    ]
    (why,) = [each.value for each in app.caption if "Cases" in each.value]
    assert text_of(why.removeprefix(":material/error: ")) == f"Cases: {ODD}"


def test_when_all_was_last_scanned_is_told_for_each_scope(product: Product) -> None:
    day = datetime(2026, 3, 20, 12, tzinfo=UTC)
    product.change("UPDATE sync_scopes SET full_at = ? WHERE scope = 'cases'", sql_time(day))
    product.change("UPDATE sync_scopes SET full_at = NULL WHERE scope <> 'cases'")
    told = {name: row["Last full scan"] for name, row in scopes(product.open("activity")).items()}
    assert told.pop("Cases") == day
    assert all(pd.isna(value) for value in told.values())


def test_without_a_worker_the_page_asks_for_it(product: Product) -> None:
    product.change("UPDATE sync_scopes SET true_at = ?", sql_time(NOW - timedelta(hours=9)))
    (warning,) = product.open("activity").warning
    assert "9 hours ago" in warning.value
    assert "worker" in warning.value


def test_before_the_first_sync_the_page_is_there_and_says_what_it_waits_for(
    product_in: Callable[[Path], Product], tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    product.make_empty()
    app = product.open("activity")
    assert {row["State"] for row in scopes(app).values()} == {"Never read"}
    told = everything_told(app)
    assert "The first sync has not begun. It starts with the worker." in told
    assert "No sync has ended yet" in told
    assert not app.error


def test_runs_are_listed_newest_first_with_what_they_did(product: Product) -> None:
    add_run(product, {"scope": "cases", "changed": 3, "archived": 2, "rejected": 1})
    app = product.open("activity")
    newest = table(app).iloc[0]
    assert (newest["Kind"], newest["Took"]) == ("Refresh", "2 minutes")
    assert (newest["Rows changed"], newest["Archived"], newest["Set aside"]) == (3, 2, 1)
    assert (newest["Requests"], newest["Outcome"]) == (7, "True to Debitura")
    assert_lists(app, "runs", product.sql("SELECT COUNT(*) FROM sync_runs")[0])


def test_runs_are_narrowed_to_the_failed_and_to_those_that_changed_something(
    product: Product,
) -> None:
    add_run(product, {"scope": "cases", "error": "It failed."}, failed=True)
    add_run(product, {"scope": "cases", "changed": 0})
    app = product.open("activity")
    app.segmented_control(key="run_choice").set_value("Failed")
    assert list(table(run(app))["Outcome"]) == ["Failed: cases"]
    again = product.open("activity", run_choice="With changes")
    assert list(table(again)["Kind"]) == ["Full scan"], "the first scan"


def test_a_run_ends_and_is_listed_though_nothing_changed(
    product_in: Callable[[Path], Product], tiny: Source, tmp_path: Path
) -> None:
    assert tiny.sync(tmp_path).is_true
    product = product_in(tmp_path)
    app = product.open("activity")
    before = product.sql("SELECT revision FROM store_info")
    assert_lists(app, "runs", 1)
    assert tiny.sync(tmp_path).is_true
    assert product.sql("SELECT revision FROM store_info") == before
    assert_lists(run(app), "runs", 2)


def test_a_failed_sync_is_listed_as_failed(
    product_in: Callable[[Path], Product], tiny: Source, tmp_path: Path
) -> None:
    assert tiny.sync(tmp_path).is_true
    assert not NOWHERE.sync(tmp_path).is_true
    app = product_in(tmp_path).open("activity")
    assert table(app).iloc[0]["Outcome"].startswith("Failed: partner")
    assert len(app.warning) == 1


def test_an_opened_run_shows_its_scopes_and_can_be_closed(product: Product) -> None:
    add_run(
        product,
        {"scope": "clients", "rows": 90, "changed": 1, "requests": 2, "how": "open work"},
        {"scope": "cases", "rows": 420, "error": ODD},
        failed=True,
    )
    number = product.sql("SELECT MAX(id) FROM sync_runs")[0]
    app = product.open("activity", run=str(number))
    shown = app.dataframe[1].value
    assert list(shown["Scope"]) == ["Clients", "Cases"]
    assert list(shown["Outcome"]) == ["True", "Failed"]
    assert list(shown["Rows"]) == [90, 420]
    assert shown["How"][0] == "open work"
    assert shown["Requests"][0] == 2
    (why,) = [each.value for each in app.caption if "Cases" in each.value]
    assert text_of(why.removeprefix(":material/error: ")) == f"Cases: {ODD}"
    app.button(key="close_run").click()
    assert len(run(app).dataframe) == 2, "scopes and runs"
    assert "run" not in app.query_params


@pytest.mark.parametrize("number", ["0", "99999", "x", "-1", "<b>"])
def test_a_run_that_is_not_kept_is_said_not_to_be(product: Product, number: str) -> None:
    app = product.open("activity", run=number)
    assert [each.value for each in app.warning] == ["This run is not kept any more."]
    assert len(app.dataframe) == 2


def test_without_a_change_the_page_says_what_will_be_noted(product: Product) -> None:
    product.change("DELETE FROM history")
    (told,) = product.open("activity", **CHANGED).info
    assert "No change was seen yet" in told.value


@pytest.fixture
def yen_case(product: Product) -> str:
    """A case in a currency without decimals."""
    found: str = product.sql("SELECT id FROM cases WHERE currency = 'JPY' LIMIT 1")[0]
    return found


def test_changes_are_told_in_the_words_of_the_business(product: Product, yen_case: str) -> None:
    transaction_id, currency = product.sql(
        "SELECT transaction_id, fee_currency FROM transactions WHERE fee_currency = 'KWD' LIMIT 1"
    )[0]
    add_changes(
        product,
        ("client", "acme/eu/42", "archived", None, "archived"),
        ("client", "acme/eu/42", "stage", "created", "contract_signed"),
        ("transaction", transaction_id, "bucket", "pending", "readyToInvoiceDebitura"),
        ("transaction", transaction_id, "fee_usd", 123456, None),
        ("transaction", transaction_id, "fee", 123456, 7),
        ("case", yen_case, "remainder", 123456, 0),
        ("case", yen_case, "newly_watched", "<b>1</b>", "2"),
    )
    app = product.open("activity", **CHANGED)
    rows = table(app).head(7)
    assert list(zip(rows["What"], rows["From"], rows["To"], strict=True)) == [
        ("newly_watched", "<b>1</b>", "2"),
        ("Outstanding", "123,456 JPY", "0 JPY"),
        ("Fee", "123.456 KWD", "0.007 KWD"),
        ("Fee in USD", "1,234.56 USD", "\u2013"),
        ("Bucket", "Pending", "Ready to invoice"),
        ("Stage", "Created", "Contract signed"),
        ("Listed by Debitura", "yes", "no"),
    ]
    assert currency == "KWD"
    assert_lists(app, "changes", product.sql("SELECT COUNT(*) FROM history")[0])


def test_a_change_names_its_client_and_its_case(product: Product, yen_case: str) -> None:
    reference, client_name = product.sql(
        "SELECT reference, client_name FROM cases WHERE id = ?", yen_case
    )[0]
    add_changes(product, ("case", yen_case, "lifecycle", "Active", "Paused"))
    newest = table(product.open("activity", **CHANGED)).iloc[0]
    assert (newest["Of"], newest["Case"]) == ("Case", reference)
    assert (newest["Client"], newest["Learnt by"]) == (client_name, "webhook")


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"change_kind": "Cases"}, "kind = 'case'"),
        ({"change_field": ["Stage", "Fee"]}, "field IN ('stage', 'fee')"),
        ({"change_q": "ACME/eu"}, "subject_id = 'acme/eu/42'"),
        ({"change_q": "acme/eu", "change_kind": "Cases"}, "FALSE"),
    ],
)
def test_the_address_narrows_the_changes(
    product: Product, yen_case: str, asked: dict[str, str], where: str
) -> None:
    add_changes(
        product,
        *[("client", "acme/eu/42", "stage", "created", "first_case")] * 30,
        *[("case", yen_case, "remainder", 2, 1)] * 3,
    )
    app = product.open("activity", **CHANGED, **asked)
    expected = product.sql(f"SELECT COUNT(*) FROM history WHERE {where}")[0]
    if expected:
        assert_lists(app, "changes", expected)
    else:
        assert "filter" in app.info[-1].value


def test_changes_come_in_pages(product: Product) -> None:
    add_changes(product, *[("client", f"gone-{number}", "stage", "a", "b") for number in range(30)])
    app = product.open("activity", **CHANGED, changes_page="2")
    app.pills(key="changes_columns").set_value(["When", "Id"])
    run(app)
    ids = product.sql("SELECT subject_id FROM history ORDER BY at DESC LIMIT 25 OFFSET 25")
    assert column(table(app), ids)


def test_with_nothing_set_aside_the_page_says_so_calmly(product: Product) -> None:
    app = product.open("activity", **ASIDE)
    assert "No row is set aside" in app.success[-1].value
    assert not app.dataframe


def test_rows_set_aside_are_counted_whatever_the_page_shows(product: Product) -> None:
    set_aside(product, "cases", "{}", "{}")
    for part in ({}, CHANGED, ASIDE, WEBHOOKS, AUDIT):
        assert "2 rows are set aside." in everything_told(product.open("activity", **part))


def test_rows_set_aside_are_listed_with_scope_and_reason(product: Product) -> None:
    set_aside(product, "cases", "{}")
    set_aside(product, "clients", *["{}"] * 30)
    app = product.open("activity", **ASIDE)
    assert_lists(app, "aside", 31)
    assert set(table(app)["Reason"]) == {ODD}
    app.multiselect(key="aside_scope").set_value(["Cases"])
    assert list(table(run(app))["Scope"]) == ["Cases"]


def opened(product: Product, raw: str) -> AppTest:
    """The page with one row set aside, and that row opened."""
    set_aside(product, "cases", raw)
    app = product.open("activity", **ASIDE)
    assert list(table(app)["actions"]) == ["Show"]
    # AppTest cannot click in a table; the click does no more than this.
    number = product.sql("SELECT id FROM rejected_rows")[0]
    app.session_state["wanted_row"] = SetAside(number, "cases", ODD, NOW)
    return run(app)


def test_an_opened_row_is_shown_as_it_came(product: Product) -> None:
    app = opened(product, '{"amount":1.10,"name":"**x** <b>"}')
    assert [code.value for code in app.code] == ['{\n  "amount": 1.10,\n  "name": "**x** <b>"\n}']
    assert ODD in [text_of(each.value) for each in app.caption if "evil" in each.value]


def test_a_huge_row_is_drawn_in_part_and_says_so(product: Product) -> None:
    app = opened(product, "x" * 70_000)
    assert [len(code.value) for code in app.code] == [20_000]
    assert "The first 20,000 of 70,000 characters." in everything_told(app)


def test_a_row_that_a_sync_read_again_meanwhile_is_not_taken_for_another(product: Product) -> None:
    app = opened(product, '"first"')
    product.change("UPDATE rejected_rows SET raw = '\"second\"', seen_at = datetime('now')")
    run(app)
    assert not app.code
    assert "read this row again" in everything_told(app)


def test_all_rows_set_aside_can_be_downloaded(product: Product) -> None:
    set_aside(product, "cases", '{"a":1}', "{not json")
    labels = [each.label for each in product.open("activity", **ASIDE).download_button]
    assert "All as JSON lines" in labels


def test_totals_that_disagree_with_the_rows_are_told(product: Product) -> None:
    product.change(
        "UPDATE sync_scopes SET unexplained = ? WHERE scope = 'cases'",
        json.dumps({"active": -1, "total": 1200}),
    )
    (told,) = [each.value for each in product.open("activity").caption if "totals" in each.value]
    assert text_of(told.removeprefix(":material/balance: ")) == (
        "Debitura's own totals of cases differ from the rows that it lists: active by -1 and "
        "total by +1,200. The rows are shown as listed."
    )


@pytest.mark.parametrize("part", [{}, WEBHOOKS, CHANGED, AUDIT, ASIDE])
def test_every_part_says_first_how_true_the_data_is(product: Product, part: dict[str, str]) -> None:
    app = product.open("activity", **part)
    assert app.success[0].value.startswith("All data was true to Debitura")


def test_before_the_first_event_the_page_says_how_to_have_some_delivered(product: Product) -> None:
    app = product.open("activity", **WEBHOOKS)
    (told,) = app.info
    assert "Create a subscription on Settings" in told.value
    assert "settings" in [link.proto.page for link in app.page_link]
    assert not app.dataframe
    assert not app.metric


def test_events_are_counted_by_what_became_of_them(product: Product) -> None:
    settled = sql_time(NOW + timedelta(seconds=3))
    for number, state in enumerate(["applied", "applied", "ignored", "failed", "received"]):
        add_event(product, f"e-{number}", state=state, settled_at=settled)
    app = product.open("activity", **WEBHOOKS)
    told = {metric.label: metric.value for metric in app.metric}
    assert told.pop("Last received") in ("just now", "1 minute ago", "2 minutes ago")
    assert told == {
        "Waiting": "1",
        "Applied": "2",
        "Ignored": "1",
        "Failed": "1",
        "Median time to apply": "3 seconds",
    }


def test_a_failed_event_is_told_of_whatever_the_page_shows(product: Product) -> None:
    add_event(product, "e-1", state="failed")
    for part in ({}, CHANGED, ASIDE, WEBHOOKS, AUDIT):
        assert "1 webhook event has failed." in everything_told(product.open("activity", **part))


def test_events_are_told_in_words_with_client_case_and_reason(product: Product) -> None:
    case_id, reference, client_name = product.sql(
        "SELECT k.id, k.reference, c.name FROM cases k JOIN clients c USING (external_tenant_id) "
        "ORDER BY k.id LIMIT 1"
    )[0]
    add_event(
        product,
        "e-1",
        event="case.updated",
        state="failed",
        reason=ODD,
        case_id=case_id,
        happened_at=sql_time(NOW - timedelta(hours=1)),
        attempts=5,
    )
    row = table(product.open("activity", **WEBHOOKS)).iloc[0]
    assert (row["What"], row["Event"]) == ("Case changed", "case.updated")
    assert (row["State"], row["Why"], row["Failed attempts"]) == ("Failed", ODD, 5)
    assert (row["Client"], row["Case"]) == (client_name, reference)
    assert row["Received"] - row["Happened"] == timedelta(hours=1)
    assert list(row["actions"]) == ["Show", "Replay", "Open case", "Open client"]


def test_an_event_that_waits_says_when_it_is_tried_again(product: Product) -> None:
    again = NOW + timedelta(minutes=10)
    add_event(product, "e-1", attempts=3, reason=ODD, next_try_at=sql_time(again))
    row = table(product.open("activity", **WEBHOOKS)).iloc[0]
    assert (row["State"], row["Failed attempts"]) == ("Waiting", 3)
    assert abs(row["Tried again"] - again) < timedelta(milliseconds=1)


def test_an_unknown_event_about_nothing_is_listed_and_can_only_be_looked_at(
    product: Product,
) -> None:
    add_event(product, "e-1", event="<b>new</b>.event", state="ignored")
    row = table(product.open("activity", **WEBHOOKS)).iloc[0]
    assert (row["What"], row["Event"]) == ("Unknown event", "<b>new</b>.event")
    assert row["actions"] == "Show"


@pytest.mark.parametrize("event", WebhookEvent)
def test_every_event_of_the_contract_has_words(event: WebhookEvent) -> None:
    assert event_in_words(event) != event_in_words("new.event")


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"event_state": ["Failed", "Waiting"]}, "state IN ('failed', 'received')"),
        ({"event_name": "Case created"}, "event = 'case.created'"),
        ({"event_q": "ACME/eu"}, "external_tenant_id = 'acme/eu/42'"),
        ({"event_q": "case-7"}, "case_id = 'case-7'"),
        ({"event_q": "case-7", "event_state": "Failed"}, "FALSE"),
    ],
)
def test_the_address_narrows_the_events(
    product: Product, asked: dict[str, str], where: str
) -> None:
    for number in range(27):
        add_event(product, f"f-{number}", state="failed", external_tenant_id="acme/eu/42")
    for number in range(3):
        add_event(product, f"r-{number}", event="case.created", case_id="case-7")
    add_event(product, "i-1", state="ignored")
    app = product.open("activity", **WEBHOOKS, **asked)
    expected = product.sql(f"SELECT COUNT(*) FROM webhook_events WHERE {where}")[0]
    if expected:
        assert_lists(app, "events", expected)
    else:
        assert "filter" in app.info[-1].value


def test_refused_deliveries_are_counted_by_reason(product: Product) -> None:
    refuse(product, "not signed", 1200)
    refuse(product, "no webhook event", 3)
    app = product.open("activity", **WEBHOOKS)
    (shown,) = [each.value for each in app.dataframe]
    assert dict(zip(shown["Reason"], shown["Deliveries"], strict=True)) == {
        "Not signed": 1200,
        "No webhook event": 3,
    }
    assert "Nothing of a refused delivery is kept." in everything_told(app)


def test_an_event_is_shown_as_it_stands_though_no_reader_was_told(product: Product) -> None:
    add_event(product, "e-1", external_tenant_id="acme/eu/42")
    app = product.open("activity", **WEBHOOKS)
    before = product.sql("SELECT revision FROM store_info")
    assert list(table(app)["State"]) == ["Waiting"]
    product.change("UPDATE webhook_events SET state = 'applied', settled_at = received_at")
    assert list(table(run(app))["State"]) == ["Applied"]
    assert product.sql("SELECT revision FROM store_info") == before


def test_all_failed_events_are_replayed_with_one_click(product: Product) -> None:
    for number in range(2):
        add_event(product, f"e-{number}", state="failed", reason=ODD, attempts=5)
    app = product.open("activity", **WEBHOOKS)
    button = app.button(key="replay_all")
    assert button.label == "Replay all failed (2)"
    button.click()
    assert set(table(run(app))["State"]) == {"Waiting"}
    assert [toast.value for toast in app.toast] == [
        "2 events are applied anew. The worker does that within seconds."
    ]
    assert "replay_all" not in [each.key for each in app.button]
    assert product.sql("SELECT DISTINCT state, attempts, reason FROM webhook_events") == [
        ("received", 0, None)
    ]
    noted = product.sql("SELECT actor, subject FROM audit_log ORDER BY id DESC LIMIT 1")
    assert noted == [("dashboard", "all failed events")]
    assert not run(app).toast, "once"


def test_one_failed_event_is_replayed(product: Product) -> None:
    for number in range(2):
        add_event(product, f"e-{number}", state="failed")
    app = product.open("activity", **WEBHOOKS)
    # AppTest cannot click in a table; the click does no more than this.
    app.session_state["wanted_replay"] = ("e-1",)
    run(app)
    assert product.sql("SELECT id FROM webhook_events WHERE state = 'received'") == ["e-1"]
    assert [toast.value for toast in app.toast] == [
        "1 event is applied anew. The worker does that within seconds."
    ]


def shown_event(product: Product, event_id: str) -> AppTest:
    """The page with an event opened."""
    app = product.open("activity", **WEBHOOKS)
    # AppTest cannot click in a table; the click does no more than this.
    app.session_state["wanted_event"] = event_id
    return run(app)


def test_an_opened_event_is_shown_as_it_was_sent_with_what_became_of_it(product: Product) -> None:
    add_event(product, "e-1", state="failed", reason=ODD, body='{"amount":1.10,"name":"**x**"}')
    app = shown_event(product, "e-1")
    assert [code.value for code in app.code] == ['{\n  "amount": 1.10,\n  "name": "**x**"\n}']
    assert f"Failed: {ODD}" in [text_of(m.value) for m in app.markdown if "evil" in m.value]


def test_a_huge_event_is_drawn_in_part_and_says_so(product: Product) -> None:
    add_event(product, "e-1", body=json.dumps("x" * 70_000))
    app = shown_event(product, "e-1")
    assert [len(code.value) for code in app.code] == [20_000]
    assert "The first 20,000 of 70,002 characters." in everything_told(app)


def test_an_event_that_is_not_kept_is_said_not_to_be(product: Product) -> None:
    add_event(product, "e-1")
    app = shown_event(product, "e-2")
    assert not app.code
    assert "This event is not kept any more." in everything_told(app)


def test_the_audit_log_tells_who_did_what_to_whom(product: Product) -> None:
    note_action(product, "anna", "rotate webhook secret", ODD)
    note_action(product, "anna", "ask for link", "acme/eu/42")
    app = product.open("activity", **AUDIT)
    name = product.sql("SELECT name FROM clients WHERE external_tenant_id = 'acme/eu/42'")[0]
    rows = table(app)
    assert list(rows["Who"])[:2] == ["anna", "anna"]
    assert list(rows["What"])[:2] == ["Ask for link", "Rotate webhook secret"]
    assert list(rows["Subject"])[:2] == ["acme/eu/42", ODD]
    assert list(rows["Client"].fillna("not one"))[:2] == [name, "not one"]
    assert list(rows["Outcome"])[:2] == ["Done", "Done"]
    assert list(rows["actions"].fillna("nothing"))[:2] == ["Open", "nothing"]
    assert_lists(app, "audit", product.sql("SELECT COUNT(*) FROM audit_log")[0])


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"audit_actor": "anna"}, "actor = 'anna'"),
        ({"audit_action": "Rotate webhook secret"}, "action = 'rotate webhook secret'"),
        ({"audit_q": "SUB-"}, "subject LIKE 'sub-%'"),
        ({"audit_q": "sub-", "audit_actor": "tests"}, "FALSE"),
    ],
)
def test_the_address_narrows_the_audit_log(
    product: Product, asked: dict[str, str], where: str
) -> None:
    for number in range(28):
        note_action(product, "anna", "rotate webhook secret", f"sub-{number}")
    app = product.open("activity", **AUDIT, **asked)
    expected = product.sql(f"SELECT COUNT(*) FROM audit_log WHERE {where}")[0]
    if expected:
        assert_lists(app, "audit", expected)
    else:
        assert "filter" in app.info[-1].value


def test_before_anything_was_done_the_audit_log_says_what_will_be_noted(product: Product) -> None:
    product.change("DELETE FROM audit_log")
    (told,) = product.open("activity", **AUDIT).info
    assert "Nothing was done from here yet." in told.value
