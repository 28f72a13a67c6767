"""What changed is remembered: from what, to what, when and how it was learnt."""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from services import activity, cases, revenue
from services.debitura import ReferralPartnerApi
from services.store import Store
from services.store.paging import ALL_ROWS
from services.store.tables import TransactionRow
from services.sync.passes import Sync
from tests.contract_server import ContractServer
from tests.filling import case, transaction

START = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def sync(store: Store, server: ContractServer) -> Iterator[Callable[[], datetime]]:
    """Make a pass and return its moment; each is an hour after the one before."""
    hours = (START + timedelta(hours=number) for number in itertools.count())
    with ReferralPartnerApi(server.url, server.key) as api:

        def make_pass() -> datetime:
            now = next(hours)
            assert Sync(store, api, clock=lambda: now).run().is_true
            return now

        yield make_pass


@pytest.mark.parametrize(
    ("field", "noted", "before", "after"),
    [
        ("lifecycle", "lifecycle", "Active", "Closed"),
        ("currentEngagementPhase", "engagement_phase", "Pre-legal", "Legal"),
        ("currentEngagementPhase", "engagement_phase", "Pre-legal", None),
        ("closeCode", "close_code", None, "Paid"),
        ("remainder", "remainder", "80000", "12345"),
        ("collectionPartner", "collection_partner", None, "Agency A/S"),
    ],
)
def test_a_change_of_a_case_is_noted(
    sync: Callable[[], datetime],
    store: Store,
    server: ContractServer,
    field: str,
    noted: str,
    before: str | None,
    after: str | None,
) -> None:
    server.cases = [case("1")]
    sync()
    told = "123.45" if field == "remainder" else after
    server.cases = [case("1", **{field: told})]
    learnt = sync()
    (change,) = activity.history_of(store, "case", "1")
    assert (change.field, change.before, change.after) == (noted, before, after)
    assert (change.at, change.learnt_by) == (learnt, "sync")
    shown = cases.case(store, "1")
    assert shown is not None
    assert shown.last_activity_at == learnt
    assert shown.lifecycle_since == (learnt if noted == "lifecycle" else None)


def test_changes_of_a_payment_are_noted_and_it_is_in_its_bucket_since_then(
    sync: Callable[[], datetime], store: Store, server: ContractServer
) -> None:
    server.transactions = [transaction("1")]
    sync()
    with store.read() as session:
        assert session.get_one(TransactionRow, "1").bucket_since == datetime(
            2026, 2, 10, 8, tzinfo=UTC
        )
    server.transactions = [transaction("1", commission="Paid", fee_usd=4)]
    learnt = sync()
    noted = {each.field: each.after for each in activity.history_of(store, "transaction", "1")}
    assert noted == {
        "bucket": "confirmedPendingInvoice",
        "commission_status": "Paid",
        "fee_usd": "400",
    }
    (shown,) = revenue.list_transactions(store, revenue.TransactionFilter(), ALL_ROWS).rows
    assert shown.bucket_since == learnt


def test_the_last_activity_of_a_case_is_the_latest_that_is_known_of_it(
    sync: Callable[[], datetime], store: Store, server: ContractServer
) -> None:
    server.cases = [
        case("created"),
        case("answered", validation={"creditorRespondedAt": "2026-02-05T10:00:00Z"}),
        case("paid"),
    ]
    server.transactions = [
        transaction("1", case={"invoiceId": "paid"}),
        transaction("2", case={"invoiceId": "paid"}) | {"date": "2026-02-20T08:00:00Z"},
    ]
    sync()
    known = {
        each.id: each.last_activity_at
        for each in cases.list_cases(store, cases.CaseFilter(), ALL_ROWS).rows
    }
    assert known == {
        "created": datetime(2026, 2, 1, 10, tzinfo=UTC),
        "answered": datetime(2026, 2, 5, 10, tzinfo=UTC),
        "paid": datetime(2026, 2, 20, 8, tzinfo=UTC),
    }
    sync()
    unchanged = cases.case(store, "paid")
    assert unchanged is not None
    assert unchanged.last_activity_at == known["paid"]
