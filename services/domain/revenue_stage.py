"""The seven buckets of the API and the four stages that finance speaks of.

Rules: Debitura's revenue reporting; the first matching row wins.
"""

from enum import StrEnum


class InvoicingMode(StrEnum):
    """When a fee may be invoiced to Debitura (``GET /me``, ``invoicingTriggerMode``)."""

    PAY_WHEN_PAID = "PayWhenPaid"
    CONFIRMED_PIPELINE = "ConfirmedPipeline"


class Bucket(StrEnum):
    """A transaction's bucket, named as in the API's own summary; the order is the API's."""

    PENDING = "pending"
    CONFIRMED_PENDING_INVOICE = "confirmedPendingInvoice"
    AWAITING_COLLECTION_PARTNER_PAYMENT = "awaitingCollectionPartnerPayment"
    READY_TO_INVOICE_DEBITURA = "readyToInvoiceDebitura"
    AWAITING_DEBITURA_PAYMENT = "awaitingDebituraPayment"
    PAID = "paid"
    DISPUTED = "disputed"
    CREDITED = "credited"
    """Counted by no bucket of the API, for example when the platform invoice was credited."""

    @property
    def label(self) -> str:
        return _BUCKET_LABELS[self]

    @property
    def stage(self) -> "RevenueStage | None":
        """The four-stage name, or None for what stays outside every total."""
        return _STAGE_OF.get(self)


API_BUCKETS = tuple(bucket for bucket in Bucket if bucket is not Bucket.CREDITED)


class RevenueStage(StrEnum):
    """The four stages of a referral fee."""

    UNRECOGNIZED = "unrecognized"
    UNINVOICED = "uninvoiced"
    INVOICED = "invoiced"
    PAID = "paid"

    @property
    def label(self) -> str:
        return _STAGE_LABELS[self]


_BUCKET_LABELS = {
    Bucket.PENDING: "Pending",
    Bucket.CONFIRMED_PENDING_INVOICE: "Confirmed, invoice pending",
    Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT: "Awaiting collection partner's payment",
    Bucket.READY_TO_INVOICE_DEBITURA: "Ready to invoice",
    Bucket.AWAITING_DEBITURA_PAYMENT: "Awaiting Debitura's payment",
    Bucket.PAID: "Paid",
    Bucket.DISPUTED: "Disputed",
    Bucket.CREDITED: "Credited",
}

_STAGE_LABELS = {
    RevenueStage.UNRECOGNIZED: "Unrecognized",
    RevenueStage.UNINVOICED: "Recognized, uninvoiced",
    RevenueStage.INVOICED: "Recognized, invoiced",
    RevenueStage.PAID: "Recognized, paid",
}

_STAGE_OF = {
    Bucket.PENDING: RevenueStage.UNRECOGNIZED,
    Bucket.CONFIRMED_PENDING_INVOICE: RevenueStage.UNRECOGNIZED,
    Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT: RevenueStage.UNRECOGNIZED,
    Bucket.READY_TO_INVOICE_DEBITURA: RevenueStage.UNINVOICED,
    Bucket.AWAITING_DEBITURA_PAYMENT: RevenueStage.INVOICED,
    Bucket.PAID: RevenueStage.PAID,
}


def bucket_of(
    commission: str | None,
    platform: str | None,
    referral: str | None,
    mode: str | None,
) -> Bucket:
    """The bucket of a transaction from its three statuses and the partner's invoicing mode.

    A referral status of None counts as Pending. An unknown mode counts as ``PayWhenPaid``, the
    stricter one. What no rule fits is ``CREDITED``: shown apart, in no total.
    """
    settled = _by_referral_status(referral)
    if settled is not None:
        return settled
    if platform == "PaymentReceived" or _ready_early(commission, platform, mode):
        return Bucket.READY_TO_INVOICE_DEBITURA
    if platform == "InvoiceIssued":
        return Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT
    if platform == "NotInvoiced":
        return Bucket.CONFIRMED_PENDING_INVOICE if commission == "Paid" else Bucket.PENDING
    return Bucket.CREDITED


def _by_referral_status(referral: str | None) -> Bucket | None:
    if referral == "Disputed":
        return Bucket.DISPUTED
    if referral == "Paid":
        return Bucket.PAID
    if referral == "Invoiced":
        return Bucket.AWAITING_DEBITURA_PAYMENT
    return None


def _ready_early(commission: str | None, platform: str | None, mode: str | None) -> bool:
    return (
        mode == InvoicingMode.CONFIRMED_PIPELINE
        and commission == "Paid"
        and platform in ("NotInvoiced", "InvoiceIssued")
    )
