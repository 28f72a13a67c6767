"""The partner's referral fees: at which stage they are, and whether they agree with Debitura."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from services.domain.money import Money, told, usd
from services.domain.revenue_stage import API_BUCKETS, Bucket, RevenueStage
from services.store import Page, Store, Window, activity, transactions
from services.store.selecting import NOTHING_FITS
from services.store.tables import TransactionRow
from services.store.transactions import TransactionFilter

__all__ = ["Bucket", "RevenueStage", "TransactionFilter", "TransactionSummary"]


BILLING_DAY = 8
PARTNER_PAYS_WITHIN = timedelta(days=30)
OPEN_AT_COLLECTION_PARTNER = (
    Bucket.CONFIRMED_PENDING_INVOICE,
    Bucket.AWAITING_COLLECTION_PARTNER_PAYMENT,
)
"""Buckets in which the collection partner's payment to Debitura is outstanding."""


@dataclass(frozen=True)
class TransactionSummary:
    """A debtor's payment and the fee it earned; amounts None when not told."""

    id: str
    collected_at: datetime | None
    paid_at: datetime | None
    tenant_id: str | None
    client_name: str
    case_id: str | None
    case_reference: str | None
    debtor_name: str | None
    payment: Money | None
    fee: Money | None
    fee_usd: Money | None
    is_estimate: bool
    bucket_since: datetime | None
    """Since when it is in its bucket; None where it was so when first seen."""
    bucket: Bucket
    archived_at: datetime | None


@dataclass(frozen=True)
class BucketTotal:
    """The transactions in one bucket and their fees in US dollars."""

    bucket: Bucket
    transactions: int
    fee: Money


@dataclass(frozen=True)
class StageTotal:
    """One of the four stages with the buckets that make it."""

    stage: RevenueStage
    buckets: tuple[BucketTotal, ...]

    @property
    def transactions(self) -> int:
        return sum(total.transactions for total in self.buckets)

    @property
    def fee(self) -> Money:
        return usd(sum(total.fee.minor for total in self.buckets))


@dataclass(frozen=True)
class Difference:
    """A bucket in which our rows and the API's own summary do not agree."""

    bucket: Bucket
    ours: BucketTotal
    theirs: BucketTotal


def list_transactions(
    store: Store, wanted: TransactionFilter, window: Window
) -> Page[TransactionSummary]:
    """A page of transactions."""
    with store.read() as session:
        page = transactions.page_of(session, wanted, window)
        return Page([_summary(row) for row in page.rows], page.total)


def bucket_totals(store: Store, wanted: TransactionFilter) -> dict[Bucket, BucketTotal]:
    """Counts and fees of every bucket, empty ones included."""
    with store.read() as session:
        found = {row.bucket: row for row in transactions.totals_by_bucket(session, wanted)}
    return {
        bucket: BucketTotal(
            bucket,
            found[bucket].transactions if bucket in found else 0,
            usd(int(found[bucket].fee_usd) if bucket in found else 0),
        )
        for bucket in Bucket
    }


def stage_totals(totals: dict[Bucket, BucketTotal]) -> list[StageTotal]:
    """The four stages with their buckets; disputed and credited are in none of them."""
    return [
        StageTotal(stage, tuple(totals[b] for b in Bucket if b.stage is stage))
        for stage in RevenueStage
    ]


def monthly_fees(store: Store, wanted: TransactionFilter) -> dict[date, dict[RevenueStage, Money]]:
    """Fees per month of collection (its first day) and stage, in US dollars."""
    with store.read() as session:
        rows = transactions.totals_by_month(session, wanted)
    months: dict[date, dict[RevenueStage, Money]] = {}
    for row in rows:
        stage = Bucket(row.bucket).stage
        if stage is not None:
            month = months.setdefault(date(int(row.year), int(row.month), 1), {})
            month[stage] = month.get(stage, usd(0)) + usd(int(row.fee_usd))
    return months


def currencies(store: Store) -> list[str]:
    """The currencies that debtors paid in."""
    with store.read() as session:
        return transactions.currencies(session)


def invoicing_mode(store: Store) -> str | None:
    """When a fee may be invoiced, as Debitura says of the partner; None before the first sync."""
    with store.read() as session:
        partner = activity.partner(session)
    return partner.invoicing_mode if partner else None


@dataclass(frozen=True)
class Reconciliation:
    """Our sums against the summary that Debitura gave with the last complete scan."""

    as_of: datetime
    differences: tuple[Difference, ...]
    not_told: tuple[Bucket, ...]
    """Buckets that the summary left out, so that nothing can be said of them."""

    @property
    def compared(self) -> int:
        return len(API_BUCKETS) - len(self.not_told)


def reconciliation(store: Store) -> Reconciliation | None:
    """Where our buckets differ from the API's, to the cent; None before the first full scan."""
    with store.read() as session:
        scope = next((s for s in activity.scopes(session) if s.scope == "transactions"), None)
    if scope is None or scope.true_at is None:
        return None
    ours = bucket_totals(store, TransactionFilter())
    summary = scope.source_summary or {}
    theirs = {
        bucket: BucketTotal(bucket, total["transactions"], usd(total["fee_usd"]))
        for bucket in API_BUCKETS
        if (total := summary.get(bucket))
    }
    return Reconciliation(
        as_of=scope.true_at,
        differences=tuple(
            Difference(bucket, ours[bucket], total)
            for bucket, total in theirs.items()
            if ours[bucket] != total
        ),
        not_told=tuple(bucket for bucket in API_BUCKETS if bucket not in theirs),
    )


def late_before(now: datetime) -> datetime:
    """Collected before this, a fee should have been paid by the collection partner by now.

    Debitura bills collection partners on the 8th of the month after collection; they have 30
    days (the clock of the money in Debitura's partner documentation).
    """
    due = now - PARTNER_PAYS_WITHIN
    first = datetime(due.year, due.month, 1, tzinfo=UTC)
    if due.day < BILLING_DAY:
        first = (first - timedelta(days=1)).replace(day=1)
    return first


def only_late(wanted: TransactionFilter, *, now: datetime) -> TransactionFilter:
    """``wanted`` narrowed to what the collection partner should have paid by ``now``."""
    late = late_before(now)
    before = min(late, wanted.collected_before) if wanted.collected_before else late
    return replace(only_buckets(wanted, OPEN_AT_COLLECTION_PARTNER), collected_before=before)


def only_buckets(wanted: TransactionFilter, chosen: Sequence[Bucket]) -> TransactionFilter:
    """``wanted`` narrowed to the chosen buckets; none chosen leaves it as it is."""
    if not chosen:
        return wanted
    both = tuple(bucket for bucket in chosen if not wanted.buckets or bucket in wanted.buckets)
    return replace(wanted, buckets=both or NOTHING_FITS)


def _summary(row: TransactionRow) -> TransactionSummary:
    return TransactionSummary(
        id=row.transaction_id,
        collected_at=row.collected_at,
        paid_at=row.paid_at,
        tenant_id=row.external_tenant_id,
        client_name=row.client_name or row.external_tenant_id or "Not told",
        case_id=row.case_id,
        case_reference=row.case_reference,
        debtor_name=row.debtor_name,
        payment=told(row.payment, row.payment_currency),
        fee=told(row.fee, row.fee_currency),
        fee_usd=told(row.fee_usd, "USD"),
        is_estimate=row.is_estimate,
        bucket_since=row.bucket_since,
        bucket=Bucket(row.bucket),
        archived_at=row.archived_at,
    )
