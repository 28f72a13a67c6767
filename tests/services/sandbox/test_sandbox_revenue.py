"""The bucket rules, in both invoicing modes."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sandbox.model import Transaction
from services.sandbox.options import InvoicingMode
from services.sandbox.revenue import BUCKETS, bucket_of, revenue_bucket, transactions_summary
from services.sandbox.vocabulary import (
    COMMISSION_STATUSES,
    PLATFORM_STATUSES,
    REFERRAL_STATUSES,
)

MODES: tuple[InvoicingMode, ...] = ("PayWhenPaid", "ConfirmedPipeline")
# How long an example takes says nothing about the rules.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVERY_COMBINATION = list(
    product(
        (None, *COMMISSION_STATUSES),
        (None, *PLATFORM_STATUSES),
        (None, *REFERRAL_STATUSES),
        MODES,
    )
)
_ROW = Transaction(
    id="t",
    case_id="c",
    tenant_id="x",
    date=datetime(2026, 1, 1, tzinfo=UTC),
    amount=100,
    currency="EUR",
    debitura_revenue=10,
    debitura_revenue_cents=11,
    referral_fee_bps=5000,
    referral_fee=5,
    referral_fee_cents=6,
)


def _rules(
    commission: str | None, platform: str | None, referral: str | None, mode: str
) -> list[bool]:
    """The table of the rules, row by row, highest bucket first."""
    early = mode == "ConfirmedPipeline" and commission == "Paid"
    return [
        referral == "Disputed",
        referral == "Paid",
        referral == "Invoiced",
        platform == "PaymentReceived" or (early and platform in ("NotInvoiced", "InvoiceIssued")),
        platform == "InvoiceIssued",
        platform == "NotInvoiced" and commission == "Paid",
        platform == "NotInvoiced",
    ]


@UNHURRIED
@given(st.sampled_from(EVERY_COMBINATION))
def test_first_matching_row_wins(
    combination: tuple[str | None, str | None, str | None, InvoicingMode],
) -> None:
    rules = _rules(*combination)
    expected = 6 - rules.index(True) if any(rules) else None
    assert revenue_bucket(*combination) == expected


@pytest.mark.parametrize(
    ("statuses", "pay_when_paid", "confirmed_pipeline"),
    [
        (("Unpaid", "NotInvoiced", None), 0, 0),
        (("Credited", "NotInvoiced", "Pending"), 0, 0),
        (("Paid", "NotInvoiced", "Pending"), 1, 3),
        (("Paid", "InvoiceIssued", "Pending"), 2, 3),
        (("Unpaid", "InvoiceIssued", "Pending"), 2, 2),
        (("Paid", "PaymentReceived", None), 3, 3),
        (("Paid", "PaymentReceived", "Invoiced"), 4, 4),
        (("Paid", "PaymentReceived", "Paid"), 5, 5),
        (("Unpaid", "NotInvoiced", "Disputed"), 6, 6),
        (("Credited", "InvoiceCredited", "Pending"), None, None),
    ],
)
def test_examples(
    statuses: tuple[str, str, str | None], pay_when_paid: int, confirmed_pipeline: int
) -> None:
    assert revenue_bucket(*statuses, "PayWhenPaid") == pay_when_paid
    assert revenue_bucket(*statuses, "ConfirmedPipeline") == confirmed_pipeline


def _row(statuses: tuple[str, str, str | None], cents: int) -> Transaction:
    return replace(
        _ROW,
        commission_status=statuses[0],
        platform_status=statuses[1],
        referral_status=statuses[2],
        referral_fee_cents=cents,
    )


_ROWS = st.lists(
    st.builds(
        _row,
        st.tuples(
            st.sampled_from(COMMISSION_STATUSES),
            st.sampled_from(PLATFORM_STATUSES),
            st.sampled_from((None, *REFERRAL_STATUSES)),
        ),
        st.integers(0, 10**9),
    )
)


@UNHURRIED
@given(_ROWS, st.sampled_from(MODES))
def test_summary_is_the_sum_of_its_rows(rows: list[Transaction], mode: InvoicingMode) -> None:
    revenue = transactions_summary(rows, mode)["revenue"]
    for number, name in enumerate(BUCKETS):
        mine = [row for row in rows if bucket_of(row, mode) == number]
        assert revenue[f"{name}Count"] == len(mine)
        cents = sum(row.referral_fee_cents for row in mine)
        assert round(revenue[f"{name}ReferralFeeUsd"] * 100) == cents
