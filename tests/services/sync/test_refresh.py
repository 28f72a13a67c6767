"""A refresh: it costs what open work costs, and finds what changed."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import simplejson
from sqlmodel import select

from services import activity
from services.debitura import ReferralPartnerApi, RetryPolicy
from services.store import Store
from services.store.bookkeeping import Scope, state_of
from services.store.tables import CaseRow, ClientRow, TransactionRow
from services.sync.passes import Sync
from services.sync.refresh import stretches
from services.sync.report import FULL, REFRESH, ScopeReport, SyncReport
from tests.contract_server import ContractServer, serving
from tests.filling import case, client, transaction

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
Json = dict[str, Any]
MINUTE = timedelta(minutes=1)
CLIENTS, CASES, PAYMENTS = 360, 900, 700


class Passes:
    """Makes passes a few minutes apart."""

    def __init__(self, store: Store, server: ContractServer, api: ReferralPartnerApi) -> None:
        self.now = START
        self._server = server
        self._sync = Sync(store, api, clock=lambda: self.now)

    def __call__(self, *, after: timedelta = 5 * MINUTE) -> SyncReport:
        self.now += after
        self._server.asked.clear()
        return self._sync.run()


def populate(server: ContractServer) -> None:
    """Give the source far more history than open work."""
    server.clients = [
        client(f"t-{n:04}", dateLinked=at(n), onboardingDone=n % 12 != 0) for n in range(CLIENTS)
    ]
    server.cases = [
        case(f"c-{n:05}", tenant_id=f"t-{n % CLIENTS:04}", dateCreated=at(n), **lifecycle(n))
        for n in range(CASES)
    ]
    server.transactions = [
        transaction(f"x-{n:05}", case_id=f"c-{n:05}", tenant_id=f"t-{n % CLIENTS:04}", **paid(n))
        | {"date": at(n)}
        for n in range(PAYMENTS)
    ]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that has just read all of it."""
    file = tmp_path_factory.mktemp("filled") / "store.sqlite"
    store = Store.open(f"sqlite:///{file}", "test")
    with serving(ContractServer()) as server, ReferralPartnerApi(server.url, server.key) as api:
        populate(server)
        assert Sync(store, api, clock=lambda: START).run().is_true
    store.close()
    return file


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Iterator[Store]:
    """A copy of the filled store."""
    copied = Store.open(f"sqlite:///{shutil.copy(filled, tmp_path)}", "test")
    yield copied
    copied.close()


@pytest.fixture
def sync(store: Store, server: ContractServer) -> Iterator[Passes]:
    """Passes over a source that the store is equal to."""
    populate(server)
    with ReferralPartnerApi(server.url, server.key, retries=RetryPolicy(attempts=1)) as api:
        yield Passes(store, server, api)


def at(n: int) -> str:
    return (FIRST + timedelta(hours=6 * n)).isoformat().replace("+00:00", "Z")


def lifecycle(n: int) -> Json:
    if n % 8 == 0:
        return {"lifecycle": ("Active", "Collecting Quotes", "Paused")[n % 3]}
    return {"lifecycle": "Closed", "closeCode": "Paid"}


def paid(n: int) -> Json:
    if n % 7 == 0:
        return {"platform": ("NotInvoiced", "InvoiceIssued", "PaymentReceived")[n % 3]}
    return {"platform": "PaymentReceived", "referral": "Paid"}


def of(report: SyncReport, scope: Scope) -> ScopeReport:
    return next(each for each in report.scopes if each.scope is scope)


def hows(report: SyncReport) -> dict[Scope, str]:
    lists = (Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS)
    return {scope: of(report, scope).how for scope in lists}


def open_rows(server: ContractServer) -> int:
    return (
        sum(not row["onboardingDone"] for row in server.clients)
        + sum(row["lifecycle"] != "Closed" for row in server.cases)
        + sum(row["status"]["referralInvoicingStatus"] != "Paid" for row in server.transactions)
    )


def as_told(row: Json) -> Json:
    told: Json = json.loads(simplejson.dumps(row, use_decimal=True), parse_float=Decimal)
    return told


def assert_equal(store: Store, server: ContractServer) -> None:
    """The store lists what the source lists, row by row and field by field."""
    kinds: tuple[tuple[Any, str, list[Json]], ...] = (
        (ClientRow, "externalTenantId", server.clients),
        (CaseRow, "id", server.cases),
        (TransactionRow, "transactionId", server.transactions),
    )
    with store.read() as session:
        for model, key, rows in kinds:
            stored = session.execute(select(model).where(model.archived_at.is_(None))).scalars()
            ours = [json.loads(row.raw, parse_float=Decimal) for row in stored]
            theirs = {row[key]: as_told(row) for row in rows}
            assert {row[key]: row for row in ours} == theirs


def change(rows: list[Json], number: int, **fields: Any) -> None:
    rows[number] = {**rows[number], **fields}


def settle(server: ContractServer, number: int) -> None:
    status = {**server.transactions[number]["status"], "referralInvoicingStatus": "Paid"}
    change(server.transactions, number, status=status)


def test_a_refresh_of_what_did_not_change_costs_its_open_work(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    before = store.revision()
    report = sync()
    assert report.is_true
    assert report.kind == REFRESH
    assert set(hows(report).values()) == {"open work"}
    assert report.requests == len(server.asked) <= 12 + open_rows(server) / 100
    assert [each.changed for each in report.scopes] == [0] * 5
    assert store.revision() == before


Change = Callable[[ContractServer], None]


def case_closed(server: ContractServer) -> None:
    change(server.cases, 800, lifecycle="Closed", closeCode="Partially paid", remainder=0)


def case_paid_in_part(server: ContractServer) -> None:
    change(server.cases, 16, remainder=Decimal("799.95"))


def case_reopened(server: ContractServer) -> None:
    change(server.cases, 3, lifecycle="Active", closeCode=None)


def case_of_an_unknown_kind(server: ContractServer) -> None:
    change(server.cases, 8, lifecycle="Pondering")


def case_created(server: ContractServer) -> None:
    server.cases.append(case("c-new", tenant_id="t-0001", dateCreated="2026-03-20T12:01:00Z"))


def case_created_and_closed(server: ContractServer) -> None:
    server.cases.append(
        case("c-quick", dateCreated="2026-03-20T12:01:00Z", lifecycle="Closed", closeCode="Other")
    )


def case_gone(server: ContractServer) -> None:
    del server.cases[600]


def payment_settled(server: ContractServer) -> None:
    settle(server, 77)


def payment_credited(server: ContractServer) -> None:
    status = {**server.transactions[77]["status"], "platformInvoicingStatus": "InvoiceCredited"}
    change(server.transactions, 77, status=status)


def payment_disputed_long_after(server: ContractServer) -> None:
    status = {**server.transactions[5]["status"], "referralInvoicingStatus": "Disputed"}
    change(server.transactions, 5, status=status)


def payment_collected(server: ContractServer) -> None:
    server.transactions.append(transaction("x-new") | {"date": "2026-03-20T12:02:00Z"})


def payment_booked_late(server: ContractServer) -> None:
    new = transaction("x-late", platform="PaymentReceived", referral="Paid") | {"date": at(500)}
    server.transactions.insert(501, new)


def client_onboarded(server: ContractServer) -> None:
    change(server.clients, 24, onboardingDone=True)


def client_asked_to_sign_again(server: ContractServer) -> None:
    change(server.clients, 25, onboardingDone=False)


def client_linked(server: ContractServer) -> None:
    server.clients.append(client("t-new", dateLinked="2026-03-20T12:03:00Z"))


def client_archived(server: ContractServer) -> None:
    del server.clients[77]


CHANGES = [
    case_closed,
    case_paid_in_part,
    case_reopened,
    case_of_an_unknown_kind,
    case_created,
    case_created_and_closed,
    case_gone,
    payment_settled,
    payment_credited,
    payment_disputed_long_after,
    payment_collected,
    payment_booked_late,
    client_onboarded,
    client_asked_to_sign_again,
    client_linked,
    client_archived,
]


@pytest.mark.parametrize("happened", CHANGES)
def test_a_refresh_finds_what_happened(
    sync: Passes, store: Store, server: ContractServer, happened: Change
) -> None:
    happened(server)
    assert sync().is_true
    assert_equal(store, server)
    assert sync().is_true
    assert_equal(store, server)


def test_everything_at_once_is_found_too(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    for happened in CHANGES[1:6] + CHANGES[7:-1]:
        happened(server)
    assert sync().is_true
    assert_equal(store, server)


@pytest.mark.parametrize("seed", range(8))
def test_one_row_in_a_hundred_changed_costs_little_more_than_none(
    sync: Passes, store: Store, server: ContractServer, seed: int
) -> None:
    chance = random.Random(seed)
    whole = sum(-(-len(rows) // 100) for rows in (server.clients, server.cases)) + 12
    touched = chance.sample(range(0, CASES, 8), 15)
    for number in touched:
        if chance.random() < 0.5:
            change(server.cases, number, lifecycle="Closed", closeCode="Paid", remainder=0)
        else:
            change(server.cases, number, remainder=chance.randrange(1000))
        tenant = int(server.cases[number]["client"]["externalTenantId"][2:])
        stats = {"casesTotal": 3, "casesClosed": chance.randrange(3), "earningsUsd": 1}
        change(server.clients, tenant, caseStats=stats)
    for number in chance.sample(range(0, PAYMENTS, 7), 12):
        settle(server, number)
    report = sync()
    assert report.is_true
    assert of(report, Scope.CASES).how == of(report, Scope.TRANSACTIONS).how == "open work"
    assert_equal(store, server)
    assert report.requests < 2 * whole


def test_totals_that_differ_lead_to_a_scan_of_exactly_the_list_that_differs(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    del server.transactions[600]
    assert hows(sync()) == {
        Scope.CLIENTS: "open work",
        Scope.CASES: "open work",
        Scope.TRANSACTIONS: "full scan, because the totals differed",
    }
    assert_equal(store, server)


def test_totals_that_never_agree_are_not_a_reason_to_scan_again_and_again(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    honest = server._summary
    server._summary = lambda path, rows: (  # type: ignore[method-assign]
        {"totalClients": 1, "onboardingComplete": 7} if path == "/clients" else honest(path, rows)
    )
    assert of(sync(), Scope.CLIENTS).how == "full scan, because the totals differed"
    with store.read() as session:
        state = state_of(session, Scope.CLIENTS)
    assert state is not None
    assert state.unexplained == {"onboarded": 7 - 330}
    assert of(sync(), Scope.CLIENTS).how == "open work"


def test_a_source_that_tells_no_totals_is_refreshed_by_what_it_lists(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    server.tells_totals = False
    case_closed(server)
    case_created(server)
    report = sync()
    assert report.is_true
    assert of(report, Scope.CASES).how == "open work"
    assert_equal(store, server)


def test_a_source_that_refuses_the_question_for_open_work_is_read_whole(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    honest = server.answer
    server.answer = lambda path, query, key: (  # type: ignore[method-assign]
        (400, {"errors": {"Statuses": ["unknown"]}})
        if "Statuses" in query
        else honest(path, query, key)
    )
    case_closed(server)
    report = sync()
    assert report.is_true
    assert of(report, Scope.CASES).how == "full scan, because open work could not be asked for"
    assert_equal(store, server)


def test_what_changes_in_history_unnoticed_is_found_when_everything_is_due(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    change(server.cases, 1, debtor={"name": "Another Name", "country": "Germany"})
    assert sync().kind == REFRESH
    report = sync(after=timedelta(hours=24))
    assert report.kind == FULL
    assert of(report, Scope.CASES).changed == 1
    assert_equal(store, server)


def test_a_clock_that_was_ahead_does_not_put_off_the_next_scan(
    sync: Passes, server: ContractServer
) -> None:
    sync.now -= timedelta(days=400)
    assert sync().kind == FULL


def test_a_list_that_fits_a_page_is_always_read_whole(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    del server.cases[100:]
    sync()
    change(server.cases, 51, debtor={"name": "Another Name", "country": "Germany"})
    assert of(sync(), Scope.CASES).how == "full scan, cheaper than its open work"
    assert_equal(store, server)


def test_a_row_of_open_work_that_cannot_be_understood_is_set_aside_and_keeps_the_scope_untrue(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    server.cases.append({"reference": "DEB-?", "lifecycle": "Active", "dateCreated": at(1600)})
    report = of(sync(), Scope.CASES)
    assert (report.rejected, report.is_true) == (1, False)
    again = of(sync(), Scope.CASES)
    assert (again.rejected, again.is_true) == (1, False)


def test_a_failed_refresh_leaves_the_old_rows_and_their_age(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    true_at = activity.freshness(store).true_at
    server.failing = {"/cases": 500}
    assert not of(sync(), Scope.CASES).is_true
    state = activity.freshness(store)
    assert state.true_at == true_at
    server.failing = {}
    case_closed(server)
    assert sync().is_true
    assert_equal(store, server)


def test_moments_close_together_are_read_as_one_stretch_and_others_apart() -> None:
    hours = [FIRST + timedelta(hours=n) for n in range(1000)]
    wanted = [hours[3], hours[90], hours[103], hours[900]]
    assert stretches(wanted, hours) == [
        (hours[3], hours[90]),
        (hours[103], hours[103]),
        (hours[900], hours[900]),
    ]


def test_clients_of_what_changed_are_read_again_also_after_a_pass_that_failed_half_way(
    sync: Passes, store: Store, server: ContractServer
) -> None:
    """The change is stored by a pass that cannot read the clients; the next one sees no change."""
    tenant = int(server.cases[16]["client"]["externalTenantId"][2:])
    change(server.cases, 16, lifecycle="Closed", closeCode="Paid", remainder=0)
    stats = {"casesTotal": 3, "casesClosed": 3, "earningsUsd": 1}
    change(server.clients, tenant, caseStats=stats)
    server.failing = {"/clients": 500}
    assert not sync().is_true
    server.failing = {}
    report = sync()
    assert of(report, Scope.CASES).changed == 0
    assert of(report, Scope.CLIENTS).how == "open work"
    assert_equal(store, server)
