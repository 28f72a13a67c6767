"""The lists of the Referral Partner API: clients, cases, transactions."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.errors import InvalidRequest, NotFound
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
from services.sandbox.revenue import BUCKETS, bucket_of, is_recognized, transactions_summary
from services.sandbox.vocabulary import (
    COMMISSION_STATUSES,
    LIFECYCLE_LABELS,
    PLATFORM_STATUSES,
    REFERRAL_STATUSES,
    lifecycle_group,
    lifecycle_name,
)
from services.sandbox.wire import answer

router = APIRouter()


@router.get("/clients")
async def list_clients(request: Request) -> Response:
    """Active links, 50 a page, newest link first unless sorted."""
    sandbox, query = sandbox_of(request), Query(request)
    page = query.page(50)
    text = (query.text("Query") or "").casefold()
    tenant_id = query.text("ExternalTenantId")
    attributed = query.boolean("IsAttributedClient")
    done = query.boolean("OnboardingDone")
    earliest, latest = query.earliest("DateCreatedFrom"), query.latest("DateCreatedTo")
    field, descending = query.sort(("dateCreated", "name"), "dateCreated:desc")
    query.check()

    def matches(client: Client) -> bool:
        return (
            (tenant_id is None or client.tenant_id == tenant_id)
            and (attributed is None or client.attributed is attributed)
            and (done is None or client.signed is done)
            and (earliest is None or client.linked >= earliest)
            and (latest is None or client.linked <= latest)
            and (not text or _client_holds(client, text))
        )

    def build() -> Listing[Client]:
        rows = [client for client in sandbox.world.clients if matches(client)]
        key = _by_name if field == "name" else _by_link
        rows.sort(key=key, reverse=descending)
        return Listing(rows, _clients_summary(sandbox, rows))

    listing = sandbox.client_lists.get(
        (text, tenant_id, attributed, done, earliest, latest, field, descending),
        sandbox.world.revisions["clients"],
        build,
    )
    rows, page_data = page_of(listing.rows, page)
    clients = [client_view(sandbox, client) for client in rows]
    return answer({"page": page_data, "summary": listing.summary, "clients": clients})


def _by_name(client: Client) -> tuple[str, str]:
    return client.name.casefold(), client.tenant_id


def _by_link(client: Client) -> tuple[object, str]:
    return client.linked, client.tenant_id


def _client_holds(client: Client, text: str) -> bool:
    fields = (client.name, client.email, client.registration_number or "")
    return any(text in field.casefold() for field in fields)


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
    page = query.page(10)
    text = (query.text("Query") or "").casefold()
    tenant_id = query.text("ExternalTenantId")
    statuses = frozenset(query.values("Statuses", lifecycle_name))
    countries = frozenset(query.integers("CountryIds"))
    agencies = frozenset(query.ids("CollectionPartnerIds"))
    earliest, latest = query.earliest("FromDate"), query.latest("ToDate")
    field, descending = query.sort(tuple(_CASE_SORTS.values()), "DateCreated:desc")
    query.check()

    def matches(case: Case) -> bool:
        return (
            (tenant_id is None or case.tenant_id == tenant_id)
            and (not statuses or case.lifecycle in statuses)
            and (not countries or case.country_id in countries)
            and (not agencies or case.agency_id in agencies)
            and (earliest is None or case.created >= earliest)
            and (latest is None or case.created <= latest)
            and (not text or _case_holds(case, text))
        )

    def build() -> Listing[Case]:
        rows = [case for case in sandbox.world.cases if matches(case)]
        rows.sort(key=_CASE_KEYS[field], reverse=descending)
        return Listing(rows, cases_summary(sandbox, rows))

    listing = sandbox.case_lists.get(
        (text, tenant_id, statuses, countries, agencies, earliest, latest, field, descending),
        (sandbox.world.revisions["cases"], sandbox.world.now().month),
        build,
    )
    rows, page_data = page_of(listing.rows, page)
    cases = [case_view(sandbox, case) for case in rows]
    return answer({"page": page_data, "cases": cases, "summary": listing.summary})


_CASE_SORTS = {"datecreated": "DateCreated", "grossamount": "GrossAmount", "duedate": "DueDate"}
_CASE_KEYS: dict[str, Callable[[Case], Any]] = {
    "datecreated": lambda case: (case.created, case.reference),
    "grossamount": lambda case: (to_wire(case.gross, case.currency), case.reference),
    "duedate": lambda case: (case.due, case.reference),
}


def _case_holds(case: Case, text: str) -> bool:
    fields = (case.reference, case.creditor_reference or "", case.debtor_name)
    return any(text in field.casefold() for field in fields)


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
    page = query.page(10)
    text = (query.text("Search") or "").casefold()
    if len(text) == 1:
        raise InvalidRequest("Search: needs at least 2 characters")
    tenant_id = query.text("ExternalTenantId")
    recognized = query.boolean("HasRecognizedRevenue")
    commission = _names(query, "CommissionPaymentStatuses", COMMISSION_STATUSES)
    platform = _names(query, "PlatformInvoicingStatuses", PLATFORM_STATUSES)
    referral = _names(query, "ReferralInvoicingStatuses", REFERRAL_STATUSES)
    stages = frozenset(query.enums("RevenueStages", BUCKETS))
    countries = frozenset(query.integers("CountryIds"))
    agencies = frozenset(query.ids("CollectionPartnerIds"))
    earliest, latest = query.earliest("FromDate"), query.latest("ToDate")
    field, descending = query.sort(("collectionDate", "amount"), "collectionDate:desc")
    query.check()

    def matches(row: Transaction) -> bool:
        return (
            (tenant_id is None or row.tenant_id == tenant_id)
            and (recognized is None or is_recognized(row) is recognized)
            and (not commission or row.commission_status in commission)
            and (not platform or row.platform_status in platform)
            and (not referral or (row.referral_status or "Pending") in referral)
            and (earliest is None or row.date >= earliest)
            and (latest is None or row.date <= latest)
            and _case_matches(row)
        )

    def _case_matches(row: Transaction) -> bool:
        if not (countries or agencies or text):
            return True
        case, client = world.case(row.case_id), world.client(row.tenant_id)
        if case is None or client is None:
            return False
        return (
            (not countries or case.country_id in countries)
            and (not agencies or case.agency_id in agencies)
            and (not text or text in case.reference.casefold() or text in client.name.casefold())
        )

    def build() -> Listing[Transaction]:
        rows = [row for row in world.transactions if matches(row)]
        summary = transactions_summary(rows, mode)
        if stages:
            rows = [row for row in rows if bucket_of(row, mode) in stages]
        rows.sort(key=_by_amount if field == "amount" else _by_date, reverse=descending)
        return Listing(rows, summary)

    listing = sandbox.transaction_lists.get(
        (
            text,
            tenant_id,
            recognized,
            commission,
            platform,
            referral,
            stages,
            countries,
            agencies,
            earliest,
            latest,
            field,
            descending,
        ),
        world.revisions["transactions"],
        build,
    )
    rows, page_data = page_of(listing.rows, page)
    data = [transaction_view(sandbox, row) for row in rows]
    return answer({"data": data, "page": page_data, "summary": listing.summary})


def _names(query: Query, name: str, names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names[number] for number in query.enums(name, names))


def _by_date(row: Transaction) -> tuple[object, str]:
    return row.date, row.id


def _by_amount(row: Transaction) -> tuple[float, str]:
    return to_wire(row.amount, row.currency), row.id
