"""Transactions and the seven revenue buckets."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from services.debitura.enums import (
    CommissionPaymentStatus,
    PlatformInvoicingStatus,
    ReferralInvoicingStatus,
    RevenueBucket,
)
from services.debitura.schemas.base import (
    Amount,
    Count,
    Flag,
    Identity,
    Mirrored,
    Model,
    Moment,
    Text,
)
from services.debitura.schemas.pages import ListPage

CommissionOrText = Annotated[
    CommissionPaymentStatus | str | None, Field(union_mode="left_to_right")
]
PlatformInvoicingOrText = Annotated[
    PlatformInvoicingStatus | str | None, Field(union_mode="left_to_right")
]
ReferralInvoicingOrText = Annotated[
    ReferralInvoicingStatus | str | None, Field(union_mode="left_to_right")
]


class TransactionClient(Model):
    tenant_id: Text = Field(default=None, alias="externalTenantId")
    creditor_id: Text = None
    company_name: Text = None


class TransactionCase(Model):
    invoice_id: Text = None
    case_reference: Text = None
    debtor_name: Text = None
    original_amount: Amount = None
    currency: Text = None


class TransactionPayment(Model):
    """What the debtor paid, in ``currency``."""

    amount: Amount = None
    currency: Text = None
    payment_date: Moment = None


class Earnings(Model):
    """In ``currency`` of the payment, and in USD where the name says so; the fee in percent.

    ``is_estimate`` is true while amounts still move with the exchange rate.
    """

    currency: Text = None
    debitura_revenue: Amount = None
    debitura_revenue_usd: Amount = None
    referral_fee_percentage: Amount = None
    referral_fee_amount: Amount = None
    referral_fee_amount_usd: Amount = None
    is_estimate: Flag = None


class Recognition(Model):
    is_recognized: Flag = None
    referral_fee_recognized_usd: Amount = None


class TransactionStatus(Model):
    """The three states that make the bucket; ``referral_invoicing_status`` None is Pending."""

    commission_payment_status: CommissionOrText = None
    platform_invoicing_status: PlatformInvoicingOrText = None
    referral_invoicing_status: ReferralInvoicingOrText = None


class Transaction(Mirrored):
    transaction_id: Identity
    date: Moment = None
    client: TransactionClient = TransactionClient()
    case: TransactionCase = TransactionCase()
    payment: TransactionPayment = TransactionPayment()
    earnings: Earnings = Earnings()
    recognition: Recognition = Recognition()
    status: TransactionStatus = TransactionStatus()


@dataclass(frozen=True, slots=True)
class BucketTotal:
    referral_fee_usd: Decimal | None
    count: int | None


class RevenueBreakdown(Model):
    """All seven buckets, whatever stages were asked for; disputed is in none of the others."""

    pending_referral_fee_usd: Amount = None
    pending_count: Count = None
    confirmed_pending_invoice_referral_fee_usd: Amount = None
    confirmed_pending_invoice_count: Count = None
    awaiting_collection_partner_payment_referral_fee_usd: Amount = None
    awaiting_collection_partner_payment_count: Count = None
    ready_to_invoice_debitura_referral_fee_usd: Amount = None
    ready_to_invoice_debitura_count: Count = None
    awaiting_debitura_payment_referral_fee_usd: Amount = None
    awaiting_debitura_payment_count: Count = None
    paid_referral_fee_usd: Amount = None
    paid_count: Count = None
    disputed_referral_fee_usd: Amount = None
    disputed_count: Count = None

    def bucket(self, bucket: RevenueBucket) -> BucketTotal:
        prefix = bucket.name.lower()
        return BucketTotal(
            getattr(self, f"{prefix}_referral_fee_usd"), getattr(self, f"{prefix}_count")
        )


class TransactionsSummary(Model):
    revenue: RevenueBreakdown = RevenueBreakdown()
    total_debitura_revenue_usd: Amount = None


@dataclass(frozen=True, slots=True)
class TransactionsPage(ListPage[Transaction]):
    summary: TransactionsSummary
