"""Which of Debitura's seven revenue buckets a transaction is in, and the totals of each."""

from collections.abc import Iterable
from typing import Any

from services.sandbox.model import Transaction
from services.sandbox.money import cents_to_wire
from services.sandbox.options import InvoicingMode

BUCKETS = (
    "pending",
    "confirmedPendingInvoice",
    "awaitingCollectionPartnerPayment",
    "readyToInvoiceDebitura",
    "awaitingDebituraPayment",
    "paid",
    "disputed",
)
DISPUTED = 6


def revenue_bucket(
    commission: str | None, platform: str | None, referral: str | None, mode: InvoicingMode
) -> int | None:
    """The index into BUCKETS for three statuses; None when no bucket counts them."""
    by_referral = {"Disputed": DISPUTED, "Paid": 5, "Invoiced": 4}.get(referral or "Pending")
    if by_referral is not None:
        return by_referral
    confirmed_early = mode == "ConfirmedPipeline" and commission == "Paid"
    if platform == "PaymentReceived":
        return 3
    if platform == "InvoiceIssued":
        return 3 if confirmed_early else 2
    if platform == "NotInvoiced":
        if confirmed_early:
            return 3
        return 1 if commission == "Paid" else 0
    return None


def bucket_of(transaction: Transaction, mode: InvoicingMode) -> int | None:
    """The bucket of one transaction."""
    return revenue_bucket(
        transaction.commission_status,
        transaction.platform_status,
        transaction.referral_status,
        mode,
    )


def is_counted(transaction: Transaction, mode: InvoicingMode) -> bool:
    """Whether its fee belongs in a total: in a bucket, and not disputed."""
    return bucket_of(transaction, mode) not in (None, DISPUTED)


def is_recognized(transaction: Transaction) -> bool:
    """Debitura has been paid for it."""
    return transaction.platform_status == "PaymentReceived"


def transactions_summary(
    transactions: Iterable[Transaction], mode: InvoicingMode
) -> dict[str, Any]:
    """The wire's TransactionsSummary: fee in USD and count of each bucket, and Debitura's revenue
    on what counts."""
    fees = [0] * len(BUCKETS)
    counts = [0] * len(BUCKETS)
    debitura_cents = 0
    for transaction in transactions:
        bucket = bucket_of(transaction, mode)
        if bucket is None:
            continue
        fees[bucket] += transaction.referral_fee_cents
        counts[bucket] += 1
        if bucket != DISPUTED:
            debitura_cents += transaction.debitura_revenue_cents
    revenue: dict[str, Any] = {}
    for name, fee, count in zip(BUCKETS, fees, counts, strict=True):
        revenue[f"{name}ReferralFeeUsd"] = cents_to_wire(fee)
        revenue[f"{name}Count"] = count
    return {"revenue": revenue, "totalDebituraRevenueUsd": cents_to_wire(debitura_cents)}
