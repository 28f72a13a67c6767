"""What needs somebody today, most costly to miss first, and the headline numbers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services import cases, link_requests, onboarding, revenue
from services.domain.money import Money, usd
from services.domain.revenue_stage import Bucket
from services.onboarding import StuckLimits
from services.periods import Period, before, last_days
from services.store import Store
from services.store.cases import CaseFilter
from services.store.clients import ClientFilter
from services.store.transactions import TransactionFilter

HEADLINE_DAYS = 30
RUN_OUT_FOR = timedelta(days=30)
NOT_REPLAYED_FOR = timedelta(days=14)


class WorkKind(StrEnum):
    """Kinds of work, the most costly to miss first."""

    LINK_REQUEST = "link request"
    EXPIRED_REQUEST = "expired request"
    NOT_REPLAYED = "cases not accepted"
    STUCK_CLIENT = "stuck client"
    NEEDS_INFO = "needs info"
    LATE_PAYMENT = "late payment"
    READY_TO_INVOICE = "ready to invoice"


@dataclass(frozen=True)
class WorkItem:
    """Something to do; ``subject`` is a tenant id where one client is meant, else None."""

    kind: WorkKind
    title: str
    detail: str
    since: datetime | None
    """When it began, or for a link request when it runs out."""
    subject: str | None = None
    amount: Money | None = None
    request_id: int | None = None
    """The link request that can be asked again."""


@dataclass(frozen=True)
class Headline:
    """A number of the last thirty days against the thirty before."""

    now: int
    before: int


@dataclass(frozen=True)
class Headlines:
    """The numbers that the overview begins with; ``collected_fees`` in US cents."""

    new_clients: Headline
    new_cases: Headline
    collected_fees: Headline
    ready_to_invoice: Money


def work_list(store: Store, *, now: datetime, stuck_after: StuckLimits) -> list[WorkItem]:
    """Everything that waits for the partner's team, what costs most to miss first.

    A company whose link request runs out is lost to the partner, then follow those that may still
    be won back, cases that nobody collects, clients that do not get on, and money that is late.
    """
    return [
        *_running_out(store, now),
        *_run_out(store, now),
        *_not_replayed(store, now),
        *_stuck(store, now, stuck_after),
        *_needing_info(store),
        *_late(store, now),
        *_ready_to_invoice(store),
    ]


def headlines(store: Store, *, now: datetime) -> Headlines:
    """The last thirty days against the thirty before."""
    this = last_days(HEADLINE_DAYS, now.date())
    last = before(this)
    return Headlines(
        new_clients=Headline(_new_clients(store, this), _new_clients(store, last)),
        new_cases=Headline(_new_cases(store, this), _new_cases(store, last)),
        collected_fees=Headline(_fees(store, this), _fees(store, last)),
        ready_to_invoice=_bucket_fee(store, Bucket.READY_TO_INVOICE_DEBITURA),
    )


def _running_out(store: Store, now: datetime) -> list[WorkItem]:
    return [
        WorkItem(
            WorkKind.LINK_REQUEST,
            request.company_name,
            "Link request runs out; remind the client or ask again.",
            request.expires_at,
            request.tenant_id,
        )
        for request in link_requests.running_out(store, now=now)
    ]


def _run_out(store: Store, now: datetime) -> list[WorkItem]:
    """Requests that ran out without an answer: those that can be asked again, the latest first."""
    run_out = link_requests.run_out(store, since=now - RUN_OUT_FOR)
    return [
        WorkItem(
            WorkKind.EXPIRED_REQUEST,
            request.company_name,
            "Link request ran out without an answer; ask again."
            if request.can_ask_again
            else "Link request ran out without an answer; create the client anew.",
            request.resolved_at,
            request.tenant_id,
            request_id=request.id if request.can_ask_again else None,
        )
        for request in sorted(run_out, key=lambda each: not each.can_ask_again)
    ]


def _not_replayed(store: Store, now: datetime) -> list[WorkItem]:
    return [
        WorkItem(
            WorkKind.NOT_REPLAYED,
            client.name,
            "Cases sent with the link request were not accepted; submit them again.",
            client.at,
            client.tenant_id,
        )
        for client in cases.not_replayed(store, since=now - NOT_REPLAYED_FOR)
    ]


def _stuck(store: Store, now: datetime, limits: StuckLimits) -> list[WorkItem]:
    return [
        WorkItem(
            WorkKind.STUCK_CLIENT,
            client.name,
            f"{client.stage.label}. {client.next_step}",
            client.stage_since,
            client.tenant_id,
        )
        for client in onboarding.stuck_clients(store, now=now, limits=limits)
    ]


def _needing_info(store: Store) -> list[WorkItem]:
    number = cases.count(store, CaseFilter(needs_info=True))
    if not number:
        return []
    title = f"{number:,} {'case needs' if number == 1 else 'cases need'} information"
    return [WorkItem(WorkKind.NEEDS_INFO, title, "The client has to answer.", None)]


def _late(store: Store, now: datetime) -> list[WorkItem]:
    late = revenue.only_late(TransactionFilter(), now=now)
    totals = revenue.bucket_totals(store, late).values()
    number = sum(total.transactions for total in totals)
    if not number:
        return []
    amount = usd(sum(total.fee.minor for total in totals))
    title = f"{number:,} {'payment is' if number == 1 else 'payments are'} late"
    detail = "The collection partner should have paid Debitura by now."
    return [WorkItem(WorkKind.LATE_PAYMENT, title, detail, None, amount=amount)]


def _ready_to_invoice(store: Store) -> list[WorkItem]:
    amount = _bucket_fee(store, Bucket.READY_TO_INVOICE_DEBITURA)
    if not amount.minor:
        return []
    title = "Fees are ready to invoice"
    return [WorkItem(WorkKind.READY_TO_INVOICE, title, "Invoice Debitura.", None, amount=amount)]


def _new_clients(store: Store, period: Period) -> int:
    wanted = ClientFilter(linked_from=period.start, linked_before=period.end)
    return sum(onboarding.stage_counts(store, wanted).values())


def _new_cases(store: Store, period: Period) -> int:
    return cases.count(store, CaseFilter(created_from=period.start, created_before=period.end))


def _fees(store: Store, period: Period) -> int:
    wanted = TransactionFilter(collected_from=period.start, collected_before=period.end)
    stages = revenue.stage_totals(revenue.bucket_totals(store, wanted))
    return sum(total.fee.minor for total in stages)


def _bucket_fee(store: Store, bucket: Bucket) -> Money:
    return revenue.bucket_totals(store, TransactionFilter(buckets=(bucket,)))[bucket].fee
