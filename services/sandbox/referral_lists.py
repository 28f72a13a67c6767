"""The lists of the Referral Partner API: clients, cases, transactions."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.errors import NotFound
from services.sandbox.filters import CaseFilter, ClientFilter, TransactionFilter
from services.sandbox.listing import Listing, page_of
from services.sandbox.model import Case, Client, Transaction
from services.sandbox.money import to_wire
from services.sandbox.query import Query
from services.sandbox.referral_views import (
    case_detail_view,
    case_view,
    client_view,
    transaction_view,
)
from services.sandbox.revenue import bucket_of, transactions_summary
from services.sandbox.vocabulary import (
    LIFECYCLE_LABELS,
    lifecycle_group,
)
from services.sandbox.wire import answer

router = APIRouter()


@router.get("/clients")
async def list_clients(request: Request) -> Response:
    """Active links, 50 a page, newest link first unless sorted."""
    sandbox, query = sandbox_of(request), Query(request)
    page, wanted = query.page(50), ClientFilter.read(query)
    field, descending = query.sort(("dateCreated", "name"), "dateCreated:desc")
    query.check()

    def build() -> Listing[Client]:
        rows = [client for client in sandbox.world.clients if wanted.matches(client)]
        rows.sort(key=_by_name if field == "name" else _by_link, reverse=descending)
        return Listing(rows, _clients_summary(sandbox, rows))

    key, revision = (wanted, field, descending), sandbox.world.revisions["clients"]
    listing = sandbox.client_lists.get(key, revision, build)
    rows, page_data = page_of(listing.rows, page)
    clients = [client_view(sandbox, client) for client in rows]
    return answer({"page": page_data, "summary": listing.summary, "clients": clients})


def _by_name(client: Client) -> tuple[str, str]:
    return client.name.casefold(), client.tenant_id


def _by_link(client: Client) -> tuple[object, str]:
    return client.linked, client.tenant_id


def _clients_summary(sandbox: Sandbox, rows: list[Client]) -> dict[str, Any]:
    complete = sum(client.signed for client in rows)
    return {
        "totalClients": len(rows),
        "attributedClients": sum(client.attributed for client in rows),
        "onboardingComplete": complete,
        "onboardingPending": len(rows) - complete,
        "totalCases": sum(sandbox.world.totals(client.tenant_id).cases for client in rows),
    }


@router.get("/clients/{tenant_id}")
async def get_client(request: Request, tenant_id: str) -> Response:
    """One active link."""
    sandbox = sandbox_of(request)
    client = sandbox.world.client(unquote(tenant_id))
    if client is None:
        raise NotFound("The client")
    return answer(client_view(sandbox, client))


@router.get("/cases")
async def list_cases(request: Request) -> Response:
    """Cases of all clients, 10 a page, newest first unless sorted."""
    sandbox, query = sandbox_of(request), Query(request)
    page, wanted = query.page(10), CaseFilter.read(query)
    field, descending = query.sort(tuple(_CASE_SORTS.values()), "DateCreated:desc")
    query.check()

    def build() -> Listing[Case]:
        rows = [case for case in sandbox.world.cases if wanted.matches(case)]
        rows.sort(key=_CASE_KEYS[field], reverse=descending)
        return Listing(rows, cases_summary(sandbox, rows))

    # The summary counts this month's cases, so a new month makes it old.
    revision = (sandbox.world.revisions["cases"], sandbox.world.now().month)
    listing = sandbox.case_lists.get((wanted, field, descending), revision, build)
    rows, page_data = page_of(listing.rows, page)
    cases = [case_view(sandbox, case) for case in rows]
    return answer({"page": page_data, "cases": cases, "summary": listing.summary})


_CASE_SORTS = {"datecreated": "DateCreated", "grossamount": "GrossAmount", "duedate": "DueDate"}
_CASE_KEYS: dict[str, Callable[[Case], Any]] = {
    "datecreated": lambda case: (case.created, case.reference),
    "grossamount": lambda case: (to_wire(case.gross, case.currency), case.reference),
    "duedate": lambda case: (case.due, case.reference),
}


def cases_summary(sandbox: Sandbox, rows: list[Case]) -> dict[str, Any]:
    """CasesSummary of the rows of a filter; Merged counts as closed."""
    now = sandbox.world.now()
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    counts = Counter(case.lifecycle for case in rows)
    groups: Counter[str] = Counter()
    for lifecycle in LIFECYCLE_LABELS:
        groups[lifecycle_group(lifecycle)] += counts[lifecycle]
    return {
        "totalCases": len(rows),
        "casesThisMonth": sum(case.created >= month for case in rows),
        "byLifecycle": {name: groups[name] for name in ("active", "pending", "closed", "paused")},
    }


@router.get("/cases/{case_id}")
async def get_case(request: Request, case_id: str) -> Response:
    """One case and what it may earn."""
    sandbox = sandbox_of(request)
    case = sandbox.world.case(unquote(case_id))
    if case is None:
        raise NotFound("The case")
    return answer(case_detail_view(sandbox, case))


@router.get("/reporting/transactions")
async def list_transactions(request: Request) -> Response:
    """Earning payments, 10 a page, newest first unless sorted.

    RevenueStages narrows the rows only; the summary is that of all other filters.
    """
    sandbox, query = sandbox_of(request), Query(request)
    world, mode = sandbox.world, sandbox.world.mode
    page, wanted = query.page(10), TransactionFilter.read(query)
    field, descending = query.sort(("collectionDate", "amount"), "collectionDate:desc")
    query.check()

    def build() -> Listing[Transaction]:
        rows = [row for row in world.transactions if wanted.matches(row, world)]
        summary = transactions_summary(rows, mode)
        if wanted.stages:
            rows = [row for row in rows if bucket_of(row, mode) in wanted.stages]
        rows.sort(key=_by_amount if field == "amount" else _by_date, reverse=descending)
        return Listing(rows, summary)

    key, revision = (wanted, field, descending), world.revisions["transactions"]
    listing = sandbox.transaction_lists.get(key, revision, build)
    rows, page_data = page_of(listing.rows, page)
    data = [transaction_view(sandbox, row) for row in rows]
    return answer({"data": data, "page": page_data, "summary": listing.summary})


def _by_date(row: Transaction) -> tuple[object, str]:
    return row.date, row.id


def _by_amount(row: Transaction) -> tuple[float, str]:
    return to_wire(row.amount, row.currency), row.id
