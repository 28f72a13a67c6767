"""How true the store is to Debitura, how that came about, and what changed."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from services import activity
from services.activity import ChangeFilter, RunChoice, Scope, ScopeState, SubjectChange
from services.store import Store, Window, bookkeeping
from services.store.mirror import history_note, note_history
from services.store.paging import ALL_ROWS
from services.store.tables import RejectedRowRow, SyncRunRow, SyncScopeRow
from tests.filling import NOW, case, client, fill, transaction

LATER = NOW + timedelta(hours=1)
NEWEST_FIRST = Window(size=None, sort="at", descending=True)


def test_a_new_store_knows_nothing_and_says_so(store: Store) -> None:
    state = activity.freshness(store)
    assert [status.scope for status in state.scopes] == list(Scope)
    assert {status.state for status in state.scopes} == {ScopeState.NEVER}
    assert (state.true_at, state.failed, state.reason) == (None, (), None)
    assert state.first_scan_running
    assert state.progress == (0, 0)


def test_the_data_are_as_old_as_their_oldest_scope(store: Store) -> None:
    with store.write() as session:
        for number, scope in enumerate(Scope):
            moment = NOW + timedelta(minutes=number)
            bookkeeping.succeed(session, scope, true_at=moment, rows=1)
    assert activity.freshness(store).true_at == NOW


def test_one_scope_that_was_never_read_leaves_the_whole_unknown(store: Store) -> None:
    with store.write() as session:
        for scope in list(Scope)[:-1]:
            bookkeeping.succeed(session, scope, true_at=NOW, rows=1)
    assert activity.freshness(store).true_at is None


def test_progress_counts_only_what_told_its_size(store: Store) -> None:
    with store.write() as session:
        bookkeeping.begin(session, Scope.CLIENTS, now=NOW)
        bookkeeping.begin(session, Scope.CASES, now=NOW)
        bookkeeping.progress(session, Scope.CASES, done=20, total=50)
    assert activity.freshness(store).progress == (20, 50)


def test_a_failure_keeps_the_moment_the_scope_was_true_at(store: Store) -> None:
    with store.write() as session:
        assert bookkeeping.succeed(session, Scope.CASES, true_at=NOW, rows=1)
        assert not bookkeeping.succeed(session, Scope.CASES, true_at=NOW, rows=1)
        assert bookkeeping.fail(session, Scope.CASES, error="It failed.", now=LATER)
        assert not bookkeeping.fail(session, Scope.CASES, error="It failed.", now=LATER)
    (failed,) = activity.freshness(store).failed
    assert (failed.true_at, failed.attempted_at, failed.error) == (NOW, LATER, "It failed.")


def test_a_reason_stays_while_the_scope_is_tried_again(store: Store) -> None:
    with store.write() as session:
        bookkeeping.fail(session, Scope.CASES, error="It failed.", now=NOW)
        bookkeeping.begin(session, Scope.CASES, now=LATER)
    assert activity.freshness(store).reason == "It failed."


def test_only_the_latest_runs_are_kept(store: Store) -> None:
    with store.write() as session:
        for _ in range(bookkeeping.RUNS_KEPT + 3):
            bookkeeping.add_run(session, SyncRunRow(started_at=NOW, outcome="true"))
    with store.read() as session:
        numbers = session.execute(select(SyncRunRow.id)).scalars().all()
    assert sorted(filter(None, numbers)) == list(range(4, bookkeeping.RUNS_KEPT + 4))


def tell_full_scans(store: Store, moments: dict[Scope, datetime]) -> None:
    with store.write() as session:
        for scope, moment in moments.items():
            session.add(SyncScopeRow(scope=scope, state="true", true_at=LATER, full_at=moment))


def test_the_last_full_scan_is_that_of_the_list_read_longest_ago(store: Store) -> None:
    tell_full_scans(
        store,
        {
            Scope.CLIENTS: LATER,
            Scope.CASES: NOW,
            Scope.TRANSACTIONS: LATER,
            Scope.COVERAGE: NOW - timedelta(days=9),
        },
    )
    assert activity.freshness(store).full_at == NOW


def test_a_list_that_was_never_scanned_leaves_the_last_full_scan_unknown(store: Store) -> None:
    tell_full_scans(store, {Scope.CLIENTS: NOW, Scope.CASES: NOW})
    assert activity.freshness(store).full_at is None


def note(kind: str, subject_id: str, field: str, *values: Any, at: datetime = NOW) -> Any:
    before, after = values or ("a", "b")
    return history_note(kind, subject_id, field, before, after, at=at, learnt_by="sync")


@pytest.fixture
def changed(store: Store) -> Store:
    """A store in which a client, a case of it and a payment on that have changed, in this order."""
    paid_in_yen = {"amount": 900, "currency": "JPY", "paymentDate": "2026-02-10T08:00:00Z"}
    fill(
        store,
        clients=[client("t-1", name="Ünal & Söhne"), client("t-2", name="100% Natur")],
        cases=[case("c-1", client={"externalTenantId": "t-1", "companyName": "Ünal & Söhne"})],
        transactions=[transaction("x-1", payment=paid_in_yen)],
    )
    minutes = [NOW + timedelta(minutes=number) for number in range(4)]
    with store.write() as session:
        note_history(
            session,
            [
                note("client", "t-1", "kyc_status", at=minutes[0]),
                note("case", "c-1", "remainder", 80_000, 0, at=minutes[1]),
                note("transaction", "x-1", "fee_usd", 300, None, at=minutes[2]),
                note("client", "t-2", "stage", at=minutes[3]),
            ],
        )
    return store


def found(store: Store, wanted: ChangeFilter) -> list[str]:
    """The ids of the subjects, newest change first."""
    page = activity.list_changes(store, wanted, NEWEST_FIRST)
    assert page.total == len(page.rows)
    return [row.subject_id for row in page.rows]


def only(store: Store, **wanted: Any) -> SubjectChange:
    (row,) = activity.list_changes(store, ChangeFilter(**wanted), NEWEST_FIRST).rows
    return row


def test_changes_come_by_time_both_ways(changed: Store) -> None:
    assert found(changed, ChangeFilter()) == ["t-2", "x-1", "c-1", "t-1"]
    oldest = activity.list_changes(changed, ChangeFilter(), Window(size=None, sort="at"))
    assert [row.subject_id for row in oldest.rows] == ["t-1", "c-1", "x-1", "t-2"]


def test_changes_of_one_moment_are_on_one_page_only(store: Store) -> None:
    with store.write() as session:
        note_history(session, [note("case", f"c-{number}", "lifecycle") for number in range(7)])
    pages = [
        activity.list_changes(store, ChangeFilter(), Window(page, 3, "at", True))
        for page in (1, 2, 3)
    ]
    assert [len(page.rows) for page in pages] == [3, 3, 1]
    assert {page.total for page in pages} == {7}
    assert len({row.subject_id for page in pages for row in page.rows}) == 7


def test_a_change_names_its_client_and_case(changed: Store) -> None:
    of_client = only(changed, kind="client", fields=("kyc_status",))
    assert (of_client.client_name, of_client.tenant_id) == ("Ünal & Söhne", "t-1")
    assert (of_client.reference, of_client.case_id) == (None, None)
    of_case = only(changed, kind="case")
    assert (of_case.client_name, of_case.tenant_id) == ("Ünal & Söhne", "t-1")
    assert (of_case.reference, of_case.case_id) == ("DEB-c-1", "c-1")
    of_payment = only(changed, kind="transaction")
    assert (of_payment.tenant_id, of_payment.case_id) == ("t-1", "c-1")
    assert of_payment.reference == "DEB-c-1"


def test_a_change_of_something_unknown_is_told_all_the_same(store: Store) -> None:
    with store.write() as session:
        note_history(session, [note("case", "gone", "remainder", 1, 2)])
    row = only(store)
    assert row.subject_id == "gone"
    assert (row.client_name, row.reference, row.case_id, row.currency) == (None,) * 4


@pytest.mark.parametrize(
    ("kind", "subject_id", "field", "currency"),
    [
        ("case", "c-1", "remainder", "EUR"),
        ("transaction", "x-1", "payment", "JPY"),
        ("transaction", "x-1", "fee", "EUR"),
        ("transaction", "x-1", "fee_usd", "USD"),
        ("transaction", "x-1", "bucket", None),
        ("client", "t-1", "stage", None),
    ],
)
def test_a_changed_amount_has_the_currency_of_its_field(
    changed: Store, kind: str, subject_id: str, field: str, currency: str | None
) -> None:
    with changed.write() as session:
        note_history(session, [note(kind, subject_id, field, 1, 2, at=LATER)])
    newest = activity.list_changes(changed, ChangeFilter(), NEWEST_FIRST).rows[0]
    assert (newest.change.field, newest.currency) == (field, currency)


def test_an_id_that_two_kinds_share_does_not_mix_them(changed: Store) -> None:
    fill(changed, clients=[client("c-1", name="Named like a case")])
    assert only(changed, kind="case").client_name == "Ünal & Söhne"
    assert found(changed, ChangeFilter(text="named like")) == []


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("T-2", ["t-2"]),
        ("x-1", ["x-1"]),
        ("unal", ["c-1", "t-1"]),
        ("sohne unal", ["c-1", "t-1"]),
        ("deb-c", ["x-1", "c-1"]),
        ("100%", ["t-2"]),
        ("t_1", []),
        ("%", ["t-2"]),
        ("' OR 1=1 --", []),
        ("   ", ["t-2", "x-1", "c-1", "t-1"]),
        ("z" * 60_000, []),
    ],
)
def test_changes_are_found_by_id_name_and_reference(
    changed: Store, text: str, subjects: list[str]
) -> None:
    assert found(changed, ChangeFilter(text=text)) == subjects


def test_changes_are_narrowed_by_kind_and_field(changed: Store) -> None:
    assert found(changed, ChangeFilter(kind="client")) == ["t-2", "t-1"]
    assert found(changed, ChangeFilter(fields=("stage", "fee_usd"))) == ["t-2", "x-1"]
    assert found(changed, ChangeFilter(kind="client", fields=("fee_usd",))) == []


def add_run(store: Store, *scopes: dict[str, Any], **named: Any) -> None:
    run = {"started_at": NOW, "outcome": "true", "requests": 7, **named}
    with store.write() as session:
        bookkeeping.add_run(session, SyncRunRow(scopes=list(scopes), **run))


def numbers_of(store: Store, wanted: RunChoice, window: Window = ALL_ROWS) -> list[int]:
    return [run.id for run in activity.list_runs(store, wanted, window).rows]


def test_a_run_adds_its_scopes_up(store: Store) -> None:
    add_run(
        store,
        {"scope": "clients", "rows": 5, "changed": 2, "archived": 1, "rejected": 0, "error": None},
        {"scope": "cases", "rows": 9, "changed": 3, "rejected": 4, "error": "It failed."},
        outcome="failed",
        kind="refresh",
        finished_at=NOW + timedelta(seconds=90),
    )
    run = activity.run(store, "1")
    assert run is not None
    assert (run.changed, run.archived, run.rejected, run.failed) == (5, 1, 4, ("cases",))
    assert (run.kind, run.took, run.is_true) == ("refresh", timedelta(seconds=90), False)


def test_a_scope_tells_how_it_was_read_and_what_that_took_unless_the_run_is_old(
    store: Store,
) -> None:
    old = {"scope": "cases", "rows": 9, "changed": 0, "archived": 0, "rejected": 0, "error": None}
    add_run(store, old, {**old, "requests": 3, "how": "open work", "true": True})
    run = activity.run(store, "1")
    assert run is not None
    assert [(scope.requests, scope.how) for scope in run.scopes] == [(None, None), (3, "open work")]


def test_runs_are_narrowed_to_failed_and_to_changing_ones(store: Store) -> None:
    add_run(store, {"scope": "cases", "changed": 0})
    add_run(store, {"scope": "cases", "changed": 2})
    add_run(store, {"scope": "cases", "changed": 0, "error": "It failed."}, outcome="failed")
    add_run(store, {"scope": "cases", "archived": 1})
    assert numbers_of(store, RunChoice.ALL) == [1, 2, 3, 4]
    assert numbers_of(store, RunChoice.FAILED) == [3]
    assert numbers_of(store, RunChoice.CHANGING) == [2, 4]


def test_runs_come_in_pages_newest_first(store: Store) -> None:
    for _ in range(5):
        add_run(store)
    pages = [
        activity.list_runs(store, RunChoice.ALL, Window(number, 2, "started_at", True))
        for number in (1, 2, 3, 4)
    ]
    assert [[run.id for run in page.rows] for page in pages] == [[5, 4], [3, 2], [1], []]
    assert {page.total for page in pages} == {5}


@pytest.mark.parametrize("run_id", ["", "0", "2", "x", "1.0", "9" * 40])
def test_a_run_that_is_not_kept_is_none(store: Store, run_id: str) -> None:
    add_run(store)
    assert activity.run(store, run_id) is None


def test_the_newest_run_is_known_by_its_number(store: Store) -> None:
    assert activity.newest_run(store) is None
    add_run(store)
    add_run(store)
    assert activity.newest_run(store) == 2


def set_aside(store: Store, scope: Scope, *rows: str, at: datetime = NOW) -> None:
    with store.write() as session:
        bookkeeping.replace_rejected(session, scope, [(row, "Odd.") for row in rows], now=at)


def shown(store: Store, raw: str) -> activity.RowText:
    set_aside(store, Scope.CASES, raw)
    (row,) = activity.list_set_aside(store, (), ALL_ROWS).rows
    text = activity.text_of(store, row)
    assert text is not None
    return text


def test_rows_set_aside_are_counted_and_narrowed_by_scope(store: Store) -> None:
    assert activity.count_set_aside(store) == 0
    set_aside(store, Scope.CASES, "{}", "[]")
    set_aside(store, Scope.CLIENTS, "1", at=LATER)
    assert activity.count_set_aside(store) == 3
    newest = activity.list_set_aside(store, (), Window(1, 25, "seen_at", True)).rows
    assert [row.scope for row in newest] == ["clients", "cases", "cases"]
    page = activity.list_set_aside(store, ("cases",), Window(1, 1, "seen_at"))
    assert (len(page.rows), page.total) == (1, 2)
    assert (page.rows[0].reason, page.rows[0].seen_at) == ("Odd.", NOW)


def test_a_row_set_aside_is_laid_out_with_the_digits_it_came_with(store: Store) -> None:
    text = shown(store, '{"amount":1.10,"big":12345678901234567890.5}')
    assert text.shown == '{\n  "amount": 1.10,\n  "big": 12345678901234567890.5\n}'
    assert text.is_whole


@pytest.mark.parametrize("raw", ["{not json", "", "[" * 5_000, '{"a": 1e999999999999999999999}'])
def test_a_row_set_aside_that_is_no_json_is_shown_as_it_came(store: Store, raw: str) -> None:
    assert shown(store, raw).shown == raw


def test_a_huge_row_is_shown_in_part_and_says_so(store: Store) -> None:
    text = shown(store, json.dumps("x" * 70_000))
    assert len(text.shown) == activity.LONGEST_SHOWN
    assert (text.length, text.is_whole) == (70_002, False)


def test_a_row_that_would_grow_huge_when_laid_out_is_shown_as_it_came(store: Store) -> None:
    raw = json.dumps([[[[[0] * 3_000]]]])
    assert shown(store, raw).shown == raw


def test_a_row_that_a_later_scan_replaced_is_not_taken_for_another(store: Store) -> None:
    set_aside(store, Scope.CASES, '"first"')
    (row,) = activity.list_set_aside(store, (), ALL_ROWS).rows
    set_aside(store, Scope.CASES, '"second"', at=LATER)
    with store.read() as session:
        assert session.execute(select(RejectedRowRow.id)).scalars().all() == [row.id]
    assert activity.text_of(store, row) is None


def test_every_row_set_aside_is_one_line_of_json_with_its_digits(store: Store) -> None:
    rows = ['{\n "a": 1.10,\r\n "b": "x\\ny"}', "{not\njson", "[NaN]", '"\u2028 ü"', "[" * 5_000]
    set_aside(store, Scope.CASES, *rows)
    lines = list(activity.set_aside_as_lines(store))
    assert [line.count("\n") for line in lines] == [1] * len(rows)
    told = [json.loads(line, parse_float=str) for line in lines]
    assert [line["row"] for line in told] == [
        {"a": "1.10", "b": "x\ny"},
        "{not\njson",
        "[NaN]",
        "\u2028 ü",
        "[" * 5_000,
    ]
    assert {(line["scope"], line["reason"]) for line in told} == {("cases", "Odd.")}
    assert {line["seenAt"] for line in told} == {NOW.isoformat()}
