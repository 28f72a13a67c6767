"""Each transaction lands in exactly one bucket: that of Debitura's table."""

from itertools import product

import pytest

from services.domain.revenue_stage import API_BUCKETS, Bucket, RevenueStage, bucket_of
from tests.contract_server import BUCKETS, bucket_number

COMMISSIONS = ("Unpaid", "Paid", "Credited", None, "SomethingNew")
PLATFORMS = (
    "NotInvoiced",
    "InvoiceIssued",
    "PaymentReceived",
    "InvoiceCredited",
    None,
    "SomethingNew",
)
REFERRALS = ("Pending", "Invoiced", "Paid", "Disputed", None, "SomethingNew")
MODES = ("PayWhenPaid", "ConfirmedPipeline")
ALL = list(product(COMMISSIONS, PLATFORMS, REFERRALS, MODES))


@pytest.mark.parametrize(("commission", "platform", "referral", "mode"), ALL)
def test_every_combination_lands_where_the_table_puts_it(
    commission: str | None, platform: str | None, referral: str | None, mode: str
) -> None:
    number = bucket_number(commission, platform, referral, mode)
    expected = "credited" if number is None else BUCKETS[number]
    assert bucket_of(commission, platform, referral, mode) == expected


@pytest.mark.parametrize("mode", [None, "SomethingNew"])
def test_an_unknown_mode_counts_as_the_stricter_one(mode: str | None) -> None:
    for commission, platform, referral in product(COMMISSIONS, PLATFORMS, REFERRALS):
        strict = bucket_of(commission, platform, referral, "PayWhenPaid")
        assert bucket_of(commission, platform, referral, mode) is strict


def test_the_modes_differ_only_in_paid_commissions_that_wait_for_the_platform() -> None:
    differing = {
        (commission, platform, referral)
        for commission, platform, referral in product(COMMISSIONS, PLATFORMS, REFERRALS)
        if len({bucket_of(commission, platform, referral, mode) for mode in MODES}) == 2
    }
    open_referrals = ("Pending", None, "SomethingNew")
    assert differing == set(product(("Paid",), ("NotInvoiced", "InvoiceIssued"), open_referrals))


def test_the_buckets_are_the_apis_own_in_its_order() -> None:
    assert API_BUCKETS == BUCKETS


@pytest.mark.parametrize(
    ("bucket", "stage"),
    [
        (Bucket.PENDING, RevenueStage.UNRECOGNIZED),
        (Bucket.CONFIRMED_PENDING_INVOICE, RevenueStage.UNRECOGNIZED),
        (Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT, RevenueStage.UNRECOGNIZED),
        (Bucket.READY_TO_INVOICE_DEBITURA, RevenueStage.UNINVOICED),
        (Bucket.AWAITING_DEBITURA_PAYMENT, RevenueStage.INVOICED),
        (Bucket.PAID, RevenueStage.PAID),
        (Bucket.DISPUTED, None),
        (Bucket.CREDITED, None),
    ],
)
def test_seven_buckets_make_four_stages_and_the_rest_is_in_no_total(
    bucket: Bucket, stage: RevenueStage | None
) -> None:
    assert bucket.stage is stage


@pytest.mark.parametrize("named", [*Bucket, *RevenueStage])
def test_each_bucket_and_stage_has_words(named: Bucket | RevenueStage) -> None:
    assert named.label
