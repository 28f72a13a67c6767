"""One pass of the sync: what is true is stored and kept, and what is not is told."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlmodel import select

from services import activity, revenue
from services.debitura import ReferralPartnerApi, RetryPolicy
from services.domain.money import from_minor
from services.sandbox import SandboxOptions, World
from services.sandbox import serving as serving_sandbox
from services.store import Store
from services.store.activity import latest_runs, rejected
from services.store.bookkeeping import Scope, ScopeState
from services.store.tables import CaseRow, ClientRow, TransactionRow
from services.sync.passes import Sync
from services.sync.report import ScopeReport, SyncReport
from tests import odd_rows
from tests.contract_server import ContractServer
from tests.filling import case, client, transaction

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
Pass = Callable[[], SyncReport]


@pytest.fixture
def sync(store: Store, server: ContractServer) -> Iterator[Pass]:
    """Make a pass over everything; each is an hour after the one before."""
    hours = (START + timedelta(hours=number) for number in itertools.count())
    with ReferralPartnerApi(server.url, server.key, retries=RetryPolicy(attempts=1)) as api:

        def make_pass() -> SyncReport:
            now = next(hours)
            moments = (now + timedelta(milliseconds=number) for number in itertools.count())
            return Sync(store, api, clock=lambda: next(moments)).run(full=True)

        yield make_pass


def of(report: SyncReport, scope: Scope) -> ScopeReport:
    return next(each for each in report.scopes if each.scope is scope)


def listed(store: Store, model: type, key: str) -> set[str]:
    """The keys of the rows that are not archived."""
    with store.read() as session:
        rows = session.execute(select(model)).scalars()
        return {getattr(row, key) for row in rows if row.archived_at is None}


def case_ids(store: Store) -> set[str]:
    return listed(store, CaseRow, "id")


def many(count: int) -> list[dict[str, object]]:
    return [case(f"c-{number:05}") for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 1234])
def test_lists_of_any_length_are_read_whole(
    sync: Pass, store: Store, server: ContractServer, count: int
) -> None:
    server.cases = many(count)
    assert sync().is_true
    assert case_ids(store) == {row["id"] for row in server.cases}
    asked = [query for path, query in server.asked if path == "/cases"]
    assert len(asked) <= 1 + 1.2 * count / 100


def test_a_second_pass_over_the_same_rows_changes_nothing(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.clients, server.cases = odd_rows.clients(), odd_rows.cases()
    server.transactions, server.coverage = odd_rows.transactions(), odd_rows.coverage()
    assert sync().is_true
    before = store.revision()
    again = sync()
    assert again.is_true
    assert [scope.changed for scope in again.scopes] == [0] * 5
    assert store.revision() == before


def test_a_row_set_aside_again_and_again_is_news_only_once(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = [case("1"), {"reference": "DEB-2"}]
    sync()
    before = store.revision()
    sync()
    assert store.revision() == before


def test_rows_inserted_at_the_end_while_reading_are_in_or_the_scope_is_not_true(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = many(250)
    late = iter(range(3))

    def insert(path: str, page: int) -> None:
        if path == "/cases" and page == 2 and next(late, None) is not None:
            server.cases = [*server.cases, case(f"late-{len(server.cases)}")]

    server.before_answer = insert
    report = sync()
    if report.is_true:
        assert case_ids(store) == {row["id"] for row in server.cases}
    else:
        assert "kept changing" in (of(report, Scope.CASES).error or "")


def test_rows_inserted_once_while_reading_are_read_again_and_complete(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = many(250)
    once = iter([True])

    def insert(path: str, page: int) -> None:
        if path == "/cases" and page == 2 and next(once, False):
            server.cases = [case("in front"), *server.cases, case("behind")]

    server.before_answer = insert
    assert sync().is_true
    assert case_ids(store) == {row["id"] for row in server.cases}


def test_a_list_that_grows_with_every_answer_is_complete_as_of_its_last_one(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = many(150)
    sync()
    server.before_answer = lambda path, page: (
        server.cases.append(case(f"n-{len(server.cases)}")) if path == "/cases" else None
    )
    server.cases = server.cases[10:]
    assert of(sync(), Scope.CASES).archived == 10
    assert {row["id"] for row in server.cases} == case_ids(store)


def test_a_list_that_shrinks_with_every_answer_is_not_called_true_and_archives_nothing(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = many(350)
    sync()
    server.before_answer = lambda path, page: server.cases.pop(0) if path == "/cases" else None
    report = sync()
    assert "kept changing" in (of(report, Scope.CASES).error or "")
    assert {row["id"] for row in many(350)} == case_ids(store)
    assert of(report, Scope.TRANSACTIONS).is_true


def test_a_scope_that_fails_leaves_the_others_true_and_its_rows_in_place(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases, server.clients = [case("1")], [client("t-1")]
    sync()
    server.failing = {"/cases": 500}
    server.clients = [client("t-1"), client("t-2")]
    report = sync()
    assert [each.scope for each in report.scopes if not each.is_true] == [Scope.CASES]
    assert case_ids(store) == {"1"}
    assert listed(store, ClientRow, "external_tenant_id") == {"t-1", "t-2"}
    state = activity.freshness(store)
    assert [each.scope for each in state.failed] == [Scope.CASES]
    assert state.failed[0].true_at is not None
    assert state.failed[0].true_at < START + timedelta(minutes=1)
    assert state.reason is not None
    assert "status 500" in state.reason
    server.failing = {}
    assert sync().is_true
    assert activity.freshness(store).reason is None


def test_a_key_that_is_refused_half_way_fails_the_rest_and_asks_no_more(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = [case("1")]
    sync()
    server.failing = {"/clients": 401}
    before = len(server.asked)
    report = sync()
    assert [each.is_true for each in report.scopes] == [True, False, True, True, False]
    assert [path for path, _ in server.asked[before:]][-1] == "/clients"
    assert case_ids(store) == {"1"}


def test_another_partners_key_writes_none_of_its_rows(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = [case("1")]
    sync()
    server.partner = {**server.partner, "id": "somebody-else"}
    server.cases = [case("theirs")]
    assert not any(each.is_true for each in sync().scopes)
    assert case_ids(store) == {"1"}


def test_a_row_that_cannot_be_understood_is_set_aside_and_told(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = [case("1"), {"reference": "DEB-2", "debtor": {"name": "A Person"}}, case("3")]
    report = of(sync(), Scope.CASES)
    assert (report.rows, report.rejected) == (2, 1)
    assert report.error is not None
    assert "set aside (id: missing)" in report.error
    assert "A Person" not in report.error
    assert case_ids(store) == {"1", "3"}
    with store.read() as session:
        (aside,) = rejected(session)
    assert (aside.scope, aside.reason) == ("cases", "id: missing")
    assert "DEB-2" in aside.raw
    server.cases = [case("1"), case("3")]
    assert sync().is_true
    with store.read() as session:
        assert rejected(session) == []


def test_a_row_that_vanishes_is_archived_and_one_that_returns_comes_back(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.clients = [client("t-1"), client("t-2")]
    sync()
    server.clients = [client("t-1")]
    assert of(sync(), Scope.CLIENTS).archived == 1
    assert listed(store, ClientRow, "external_tenant_id") == {"t-1"}
    notes = activity.history_of(store, "client", "t-2")
    assert {(note.field, note.after) for note in notes} == {
        ("archived", "archived"),
        ("stage", "archived"),
    }
    server.clients = [client("t-1"), client("t-2")]
    sync()
    assert listed(store, ClientRow, "external_tenant_id") == {"t-1", "t-2"}


def test_a_row_that_slid_to_another_page_while_we_read_is_not_taken_for_gone(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    """One row goes and one comes, so the number stands still and every later row moves up."""
    server.cases = many(250)
    sync()
    once = iter([True])

    def slide(path: str, page: int) -> None:
        if path == "/cases" and page == 2 and next(once, False):
            server.cases = [*server.cases[1:], case("new")]

    server.before_answer = slide
    sync()
    assert {row["id"] for row in server.cases} <= case_ids(store)


def test_a_source_that_lost_its_rows_for_a_moment_archives_none(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    everything = server.cases = many(120)
    sync()
    answers = itertools.count()

    def lose(path: str, _page: int) -> None:
        if path == "/cases":
            server.cases = [] if next(answers) == 0 else everything

    server.before_answer = lose
    sync()
    assert case_ids(store) == {row["id"] for row in everything}


def test_a_row_that_cannot_be_understood_may_be_any_of_the_missing(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = many(3)
    sync()
    server.cases = [*many(2), {"reference": "DEB-c-00002"}]
    sync()
    assert case_ids(store) == {row["id"] for row in many(3)}


def test_without_knowing_the_partner_nothing_is_read(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases, server.failing = many(3), {"/me": 500}
    assert not any(each.is_true for each in sync().scopes)
    assert case_ids(store) == set()
    assert {path for path, _ in server.asked} == {"/me"}


def test_two_passes_at_once_follow_each_other(store: Store, server: ContractServer) -> None:
    begun = threading.Event()

    def pass_once() -> None:
        with ReferralPartnerApi(server.url, server.key) as api:
            assert Sync(store, api).run(full=True).is_true

    second = threading.Thread(target=pass_once)

    def begin_second(path: str, _page: int) -> None:
        if path == "/clients" and not begun.is_set():
            begun.set()
            second.start()

    server.before_answer = begin_second
    pass_once()
    second.join(30)
    order = [path for path, _ in server.asked if path in {"/me", "/coverage"}]
    assert order == ["/me", "/coverage", "/me", "/coverage"]


def test_ids_that_differ_only_in_case_are_two_clients(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.clients = [client("Acme"), client("acme"), client("acme "), client("äcme")]
    assert sync().is_true
    assert listed(store, ClientRow, "external_tenant_id") == {"Acme", "acme", "acme ", "äcme"}


def test_a_switch_of_the_invoicing_mode_puts_transactions_into_their_new_buckets(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.transactions = [
        transaction("early", commission="Paid"),
        transaction("issued", commission="Paid", platform="InvoiceIssued"),
        transaction("open"),
    ]
    sync()
    assert buckets(store) == {
        "early": "confirmedPendingInvoice",
        "issued": "awaitingCollectionPartnerPayment",
        "open": "pending",
    }
    server.partner = {**server.partner, "invoicingTriggerMode": "ConfirmedPipeline"}
    assert of(sync(), Scope.TRANSACTIONS).changed == 3
    assert buckets(store) == {
        "early": "readyToInvoiceDebitura",
        "issued": "readyToInvoiceDebitura",
        "open": "pending",
    }
    (note,) = activity.history_of(store, "transaction", "early")
    assert (note.before, note.after) == ("confirmedPendingInvoice", "readyToInvoiceDebitura")
    assert activity.history_of(store, "transaction", "open") == []
    reconciled = revenue.reconciliation(store)
    assert reconciled is not None
    assert reconciled.differences == ()


def buckets(store: Store) -> dict[str, str]:
    with store.read() as session:
        rows = session.execute(select(TransactionRow)).scalars()
        return {row.transaction_id: row.bucket for row in rows}


def test_an_absurd_amount_does_not_stop_the_pass(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.cases = [case("1", grossAmount=Decimal("1E+40"), remainder=Decimal("-1E+400"))]
    assert sync().is_true
    with store.read() as session:
        row = session.get_one(CaseRow, "1")
    assert (row.gross, row.remainder) == (None, None)
    assert "1E+40" in row.raw


def test_sums_of_the_store_are_the_exact_sums_of_the_source(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    amounts = {
        "JPY": [Decimal(123457), Decimal(1), Decimal(999999999)],
        "KWD": [Decimal("0.001"), Decimal("1234.567"), Decimal("0.1")],
        "EUR": [Decimal("0.1"), Decimal("0.2"), Decimal("0.30"), Decimal("1e2")],
    }
    server.cases = [
        case(f"{currency}-{number}", currency=currency, grossAmount=amount)
        for currency, listed in amounts.items()
        for number, amount in enumerate(listed)
    ]
    sync()
    with store.read() as session:
        rows = session.execute(select(CaseRow)).scalars().all()
    for currency, told in amounts.items():
        total = sum(row.gross or 0 for row in rows if row.currency == currency)
        assert from_minor(total, currency) == sum(told)


def test_a_pass_is_remembered_with_how_each_scope_came_out(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    sync()
    server.failing = {"/coverage": 503}
    sync()
    with store.read() as session:
        latest, first = latest_runs(session, 5)
    assert (first.outcome, latest.outcome) == ("true", "failed")
    assert [each["scope"] for each in latest.scopes if not each["true"]] == ["coverage"]


def test_the_moment_a_scope_is_true_at_is_when_its_reading_began(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    sync()
    state = activity.freshness(store)
    assert {each.state for each in state.scopes} == {ScopeState.TRUE}
    assert state.true_at is not None
    assert START <= state.true_at < START + timedelta(seconds=1)


def test_progress_is_told_up_to_the_total(store: Store, server: ContractServer) -> None:
    server.cases = many(230)
    told: list[tuple[Scope, int, int | None]] = []
    with ReferralPartnerApi(server.url, server.key) as api:
        Sync(store, api, progress=lambda *step: told.append(step)).run()
    steps = [(done, total) for scope, done, total in told if scope is Scope.CASES]
    assert steps == [(0, None), (100, 230), (196, 230), (230, 230)]


def test_changed_coverage_replaces_what_was_known(
    sync: Pass, store: Store, server: ContractServer
) -> None:
    server.coverage = [{"jurisdictionId": 1, "country": "Denmark"}, {"jurisdictionId": 2}]
    assert of(sync(), Scope.COVERAGE).changed == 2
    server.coverage = [{"jurisdictionId": 1, "country": "Sweden"}]
    assert of(sync(), Scope.COVERAGE).changed == 1
    assert of(sync(), Scope.COVERAGE).changed == 0


@pytest.mark.parametrize("mode", ["PayWhenPaid", "ConfirmedPipeline"])
def test_our_bucket_sums_are_the_sandboxs_own(tmp_path: Path, mode: str) -> None:
    options = SandboxOptions(clients=40, cases=200, transactions=400, invoicing_mode=mode)  # type: ignore[arg-type]
    store = Store.open(f"sqlite:///{tmp_path / 's.sqlite'}", "sandbox")
    with (
        serving_sandbox(World.generate(options), options) as url,
        ReferralPartnerApi(f"{url}/referral", options.api_key) as api,
    ):
        assert Sync(store, api).run().is_true
        told = api.transactions().summary.revenue
    ours = revenue.bucket_totals(store, revenue.TransactionFilter())
    theirs = told.model_dump()
    for bucket in revenue.API_BUCKETS:
        name = bucket.name.lower()
        assert ours[bucket].transactions == theirs[f"{name}_count"]
        assert ours[bucket].fee.amount == theirs[f"{name}_referral_fee_usd"]
    assert sum(total.transactions > 0 for total in ours.values()) >= 6
    reconciled = revenue.reconciliation(store)
    assert reconciled is not None
    assert reconciled.differences == ()
    store.close()
