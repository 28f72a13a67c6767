"""The three lists of the source: how each is asked for, and what its own totals say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from services.debitura import ReferralPartnerApi
from services.debitura.enums import Lifecycle, LifecycleGroup, RevenueBucket
from services.debitura.schemas import CasesPage, ClientsPage, ListPage, TransactionsPage
from services.domain.money import to_minor
from services.store import totals
from services.store.bookkeeping import Scope
from services.store.mirror import CASES, CLIENTS, TRANSACTIONS, Mirror
from services.sync import mapping
from services.sync.mapping import Row
from services.sync.scan import Window

OPEN_LIFECYCLES = tuple(
    lifecycle for lifecycle in Lifecycle if lifecycle.group is not LifecycleGroup.CLOSED
)
OPEN_BUCKETS = tuple(bucket for bucket in RevenueBucket if bucket is not RevenueBucket.PAID)

_GROUP_OF: dict[str | None, str] = {each.value: each.group.name.lower() for each in Lifecycle}

Totals = dict[str, int]
"""Counts, and sums in US cents, by name."""


@dataclass(frozen=True)
class SourceList:
    """One list: how it is asked for, stored and summed up.

    ``ask`` gives a page of it, sorted by ``order``; ``open_work`` are the filters for what may
    still change, ``span`` the names of those for a stretch of time, and ``one_by`` that for a
    single row, where there is one. ``their_totals`` reads the source's own totals off a page of
    the unfiltered list, ``our_totals`` tells what the store has under the same names.
    """

    scope: Scope
    target: Mirror
    key_of: Callable[[Any], str]
    to_row: Callable[[Any], Row]
    ask: Callable[..., ListPage[Any]]
    order: str
    open_work: Mapping[str, Any]
    span: tuple[str, str]
    their_totals: Callable[[Any], Totals]
    our_totals: Callable[[Session], Totals]
    one_by: str | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def everything(self, window: Window) -> ListPage[Any]:
        """A page of all rows, oldest first."""
        return self._oldest_first(window)

    def still_open(self, window: Window) -> ListPage[Any]:
        """A page of what may still change, oldest first."""
        return self._oldest_first(window, **self.open_work)

    def between(self, begin: datetime, end: datetime, window: Window) -> ListPage[Any]:
        """A page of a stretch of time, oldest first."""
        return self._oldest_first(window, **dict(zip(self.span, (begin, end), strict=True)))

    def newest(self, window: Window) -> ListPage[Any]:
        """A page of all rows, newest first."""
        return self._asked(window.page, window.size, sort=f"{self.order}:desc")

    def single(self, key: str) -> ListPage[Any]:
        """The list narrowed to the row with a key; only where ``one_by`` names the filter."""
        return self._asked(**{str(self.one_by): key})

    def rows_of(self, page: ListPage[Any]) -> list[Row]:
        """The rows of a page as they are stored."""
        return [{**self.to_row(row), "read_at": page.asked_at} for row in page.lean_rows]

    def _oldest_first(self, window: Window, **filters: Any) -> ListPage[Any]:
        return self._asked(window.page, window.size, sort=f"{self.order}:asc", **filters)

    def _asked(self, *args: Any, **filters: Any) -> ListPage[Any]:
        asked_at = self.clock()
        return replace(self.ask(*args, **filters), asked_at=asked_at)


def clients(api: ReferralPartnerApi) -> SourceList:
    """The active client links."""
    return SourceList(
        Scope.CLIENTS,
        CLIENTS,
        lambda client: str(client.tenant_id),
        mapping.client_row,
        api.clients,
        order="dateCreated",
        open_work={"onboarding_done": False},
        span=("linked_from", "linked_to"),
        their_totals=_clients_told,
        our_totals=totals.of_clients,
        one_by="tenant_id",
    )


def cases(api: ReferralPartnerApi) -> SourceList:
    """The cases of all clients."""
    return SourceList(
        Scope.CASES,
        CASES,
        lambda case: str(case.id),
        mapping.case_row,
        api.cases,
        order="DateCreated",
        open_work={"statuses": OPEN_LIFECYCLES},
        span=("created_from", "created_to"),
        their_totals=_cases_told,
        our_totals=_cases_counted,
    )


def transactions(api: ReferralPartnerApi, invoicing_mode: str | None) -> SourceList:
    """The debtors' payments, put into buckets by the partner's invoicing mode."""
    return SourceList(
        Scope.TRANSACTIONS,
        TRANSACTIONS,
        lambda transaction: str(transaction.transaction_id),
        lambda transaction: mapping.transaction_row(transaction, invoicing_mode),
        api.transactions,
        order="collectionDate",
        open_work={"buckets": OPEN_BUCKETS},
        span=("collected_from", "collected_to"),
        their_totals=_transactions_told,
        our_totals=_transactions_counted,
    )


def bucket_summary(page: TransactionsPage) -> dict[str, dict[str, int]]:
    """The source's own count and fees (US cents) per bucket, where the list tells them."""
    told = {bucket: page.summary.revenue.bucket(bucket) for bucket in RevenueBucket}
    return {
        bucket: {"transactions": total.count, "fee_usd": cents}
        for bucket, total in told.items()
        if total.count is not None
        and (cents := to_minor(total.referral_fee_usd, "USD")) is not None
    }


def _known(told: dict[str, int | None]) -> Totals:
    return {name: value for name, value in told.items() if value is not None}


def _clients_told(page: ClientsPage) -> Totals:
    summary = page.summary
    return _known(
        {
            "total": page.page.total_results,
            "attributed": summary.attributed_clients,
            "onboarded": summary.onboarding_complete,
            "cases": summary.total_cases,
        }
    )


def _cases_told(page: CasesPage) -> Totals:
    groups = page.summary.by_lifecycle
    return _known(
        {
            "total": page.page.total_results,
            "active": groups.active,
            "pending": groups.pending,
            "closed": groups.closed,
            "paused": groups.paused,
        }
    )


def _cases_counted(session: Session) -> Totals:
    counts = totals.of_cases(session)
    counted = {"total": sum(counts.values()), "active": 0, "pending": 0, "closed": 0, "paused": 0}
    for lifecycle, count in counts.items():
        if lifecycle in _GROUP_OF:
            counted[_GROUP_OF[lifecycle]] += count
    return counted


def _transactions_told(page: TransactionsPage) -> Totals:
    told = {"total": page.page.total_results}
    for bucket, total in bucket_summary(page).items():
        told |= {f"{bucket} count": total["transactions"], f"{bucket} cents": total["fee_usd"]}
    return told


def _transactions_counted(session: Session) -> Totals:
    buckets = totals.of_transactions(session)
    counted = {"total": sum(count for count, _ in buckets.values())}
    for bucket in RevenueBucket:
        count, cents = buckets.get(bucket, (0, 0))
        counted |= {f"{bucket} count": count, f"{bucket} cents": cents}
    return counted
