"""Referral fees by bucket, stage and month, and whether they agree with Debitura's."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services import revenue
from services.domain.money import Money, usd
from services.domain.revenue_stage import Bucket, RevenueStage
from services.revenue import TransactionFilter
from services.store import Store, Window
from tests.filling import NOW, fill, tell_partner, tell_summary, transaction

ONE_EACH = {
    Bucket.PENDING: {},
    Bucket.CONFIRMED_PENDING_INVOICE: {"commission": "Paid"},
    Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT: {"platform": "InvoiceIssued"},
    Bucket.READY_TO_INVOICE_DEBITURA: {"platform": "PaymentReceived"},
    Bucket.AWAITING_DEBITURA_PAYMENT: {"referral": "Invoiced"},
    Bucket.PAID: {"referral": "Paid"},
    Bucket.DISPUTED: {"referral": "Disputed"},
    Bucket.CREDITED: {"platform": "InvoiceCredited"},
}


@pytest.fixture
def one_each(store: Store) -> Store:
    """A transaction in each bucket, worth 1, 2, 4, 8 … dollars and a cent."""
    rows = [
        transaction(bucket.value, fee_usd=Decimal(2**number) + Decimal("0.01"), **statuses)
        for number, (bucket, statuses) in enumerate(ONE_EACH.items())
    ]
    fill(store, transactions=rows)
    return store


def test_each_bucket_has_its_own_fees_to_the_cent(one_each: Store) -> None:
    totals = revenue.bucket_totals(one_each, TransactionFilter())
    assert {bucket: total.fee.minor for bucket, total in totals.items()} == {
        bucket: 100 * 2**number + 1 for number, bucket in enumerate(ONE_EACH)
    }
    assert {total.transactions for total in totals.values()} == {1}


def test_the_four_stages_leave_out_disputed_and_credited(one_each: Store) -> None:
    stages = revenue.stage_totals(revenue.bucket_totals(one_each, TransactionFilter()))
    assert [(stage.stage, stage.transactions, stage.fee.minor) for stage in stages] == [
        (RevenueStage.UNRECOGNIZED, 3, 703),
        (RevenueStage.UNINVOICED, 1, 801),
        (RevenueStage.INVOICED, 1, 1601),
        (RevenueStage.PAID, 1, 3201),
    ]


def test_empty_buckets_are_there_with_nothing(store: Store) -> None:
    totals = revenue.bucket_totals(store, TransactionFilter())
    assert set(totals) == set(Bucket)
    assert {total.fee for total in totals.values()} == {usd(0)}


def test_fees_that_were_not_told_count_as_nothing_and_still_as_transactions(store: Store) -> None:
    fill(store, transactions=[transaction("1", fee_usd=None), transaction("2", fee_usd=1)])
    total = revenue.bucket_totals(store, TransactionFilter())[Bucket.PENDING]
    assert (total.transactions, total.fee) == (2, usd(100))


def test_months_are_those_of_collection_in_utc(store: Store) -> None:
    fill(
        store,
        transactions=[
            transaction("1", date="2026-01-31T23:59:59.9999999Z", fee_usd=1),
            transaction("2", date="2026-02-01T00:30:00+01:00", fee_usd=2),
            transaction("3", date="2026-02-01T00:00:00Z", fee_usd=4),
            transaction("4", date="2026-02-05T00:00:00Z", fee_usd=8, referral="Paid"),
            transaction("5", date="2026-02-05T00:00:00Z", fee_usd=16, referral="Disputed"),
            transaction("6", date=None, fee_usd=32),
        ],
    )
    assert revenue.monthly_fees(store, TransactionFilter()) == {
        date(2026, 1, 1): {RevenueStage.UNRECOGNIZED: usd(300)},
        date(2026, 2, 1): {RevenueStage.UNRECOGNIZED: usd(400), RevenueStage.PAID: usd(800)},
    }


def summary(**changes: tuple[int, int]) -> dict[str, Any]:
    """What Debitura would tell of ``one_each``, with some buckets told otherwise."""
    told = {
        bucket.value: (1, 100 * 2**number + 1)
        for number, bucket in enumerate(ONE_EACH)
        if bucket is not Bucket.CREDITED
    }
    return {
        bucket: {"transactions": count, "fee_usd": cents}
        for bucket, (count, cents) in {**told, **changes}.items()
    }


def test_what_agrees_to_the_cent_has_no_difference(one_each: Store) -> None:
    tell_summary(one_each, summary())
    found = revenue.reconciliation(one_each)
    assert found is not None
    assert (found.as_of, found.differences) == (NOW, ())


@pytest.mark.parametrize(("count", "cents"), [(1, 102), (1, 100), (2, 101), (0, 0)])
def test_a_planted_difference_is_found_in_its_bucket(
    one_each: Store, count: int, cents: int
) -> None:
    tell_summary(one_each, summary(pending=(count, cents)))
    found = revenue.reconciliation(one_each)
    assert found is not None
    (difference,) = found.differences
    assert difference.bucket is Bucket.PENDING
    assert (difference.ours.transactions, difference.ours.fee) == (1, usd(101))
    assert (difference.theirs.transactions, difference.theirs.fee) == (count, usd(cents))


def test_a_bucket_that_was_not_told_is_no_difference(one_each: Store) -> None:
    told = summary()
    del told["paid"]
    tell_summary(one_each, told)
    found = revenue.reconciliation(one_each)
    assert found is not None
    assert (found.differences, found.not_told, found.compared) == ((), (Bucket.PAID,), 6)


def test_before_the_first_scan_there_is_nothing_to_compare(store: Store) -> None:
    assert revenue.reconciliation(store) is None
    assert revenue.invoicing_mode(store) is None


def test_the_mode_is_the_partners(store: Store) -> None:
    tell_partner(store, invoicingTriggerMode="ConfirmedPipeline")
    assert revenue.invoicing_mode(store) == "ConfirmedPipeline"


LATE = [
    # Collected in January: billed on 8 February, to be paid by 10 March.
    ("2026-03-09T23:59:59", "2026-01-01"),
    ("2026-03-10T00:00:00", "2026-02-01"),
    ("2026-03-20T12:00:00", "2026-02-01"),
    ("2026-04-07T00:00:00", "2026-03-01"),
    ("2026-04-06T23:59:59", "2026-02-01"),
    # Over the turn of the year, and in a leap year.
    ("2026-01-07T00:00:00", "2025-12-01"),
    ("2026-01-06T23:59:59", "2025-11-01"),
    ("2026-02-06T23:59:59", "2025-12-01"),
    ("2026-02-07T00:00:00", "2026-01-01"),
    ("2028-03-08T23:59:59", "2028-01-01"),
    ("2028-03-09T00:00:00", "2028-02-01"),
]


@pytest.mark.parametrize(("now", "before"), LATE)
def test_what_was_collected_before_this_should_be_paid_by_now(now: str, before: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert revenue.late_before(moment) == datetime.fromisoformat(before).replace(tzinfo=UTC)


@given(st.timedeltas(timedelta(), timedelta(days=36_500)))
def test_late_is_always_billed_and_thirty_days_old(age: timedelta) -> None:
    now = datetime(2000, 1, 1, tzinfo=UTC) + age
    before = revenue.late_before(now)
    assert before.day == 1
    assert 37 <= (now - before).days <= 68


def test_only_open_payments_of_the_collection_partner_are_late(one_each: Store) -> None:
    late = revenue.only_late(TransactionFilter(), now=datetime(2026, 5, 1, tzinfo=UTC))
    found = revenue.list_transactions(one_each, late, Window(size=None))
    assert {row.bucket for row in found.rows} == {
        Bucket.CONFIRMED_PENDING_INVOICE,
        Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT,
    }
    early = revenue.only_late(TransactionFilter(), now=datetime(2026, 3, 20, tzinfo=UTC))
    assert revenue.list_transactions(one_each, early, Window()).total == 0


def test_narrowing_to_late_keeps_an_earlier_end(one_each: Store) -> None:
    end = datetime(2026, 1, 15, tzinfo=UTC)
    late = revenue.only_late(TransactionFilter(collected_before=end), now=NOW)
    assert late.collected_before == end


def test_a_row_shows_amounts_in_their_own_currencies(store: Store) -> None:
    payment = {"amount": 12345, "currency": "JPY"}
    earnings = {"currency": "KWD", "referralFeeAmount": Decimal("1.234"), "isEstimate": None}
    fill(store, transactions=[transaction("1", payment=payment, earnings=earnings)])
    (row,) = revenue.list_transactions(store, TransactionFilter(), Window()).rows
    assert row.payment == Money("JPY", 12345)
    assert row.fee == Money("KWD", 1234)
    assert row.fee_usd is None
    assert not row.is_estimate
    assert revenue.currencies(store) == ["JPY"]


def test_a_row_of_which_nothing_is_told_stands_in_for_itself(store: Store) -> None:
    fill(store, transactions=[{"transactionId": "bare"}])
    (row,) = revenue.list_transactions(store, TransactionFilter(), Window()).rows
    assert (row.id, row.client_name, row.payment, row.bucket) == (
        "bare",
        "Not told",
        None,
        Bucket.CREDITED,
    )
