"""The client's own account, payments, tasks and coverage in the Customer API."""

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import EligibilityBody, read_body
from services.sandbox.context import sandbox_of
from services.sandbox.customer_cases import case_of, client_of, tasks_of
from services.sandbox.customer_views import (
    coverage_views,
    derived_id,
    payment_views,
    poa_view,
)
from services.sandbox.errors import InvalidRequest, NotFound
from services.sandbox.intake import DEBTOR_TYPES, obstacles_for, state_code
from services.sandbox.listing import page_of
from services.sandbox.query import Query
from services.sandbox.vocabulary import Jurisdiction
from services.sandbox.wire import answer

router = APIRouter()


@router.get("/me")
async def get_creditor(request: Request) -> Response:
    """The client that the token is for."""
    client = client_of(request)
    return answer(
        {
            "id": client.creditor_id,
            "companyName": client.name,
            "companyRegistrationNumber": client.registration_number,
            "address": client.address,
            "zipCode": client.zip_code,
            "city": client.city,
            "state": client.state,
            "country": client.country,
            "officeEmail": client.email,
            "officePhone": client.phone,
        }
    )


@router.get("/users")
async def list_users(request: Request) -> Response:
    """The client's users, 50 a page."""
    client, query = client_of(request), Query(request)
    page = query.page(50)
    query.check()
    users = [
        {"id": derived_id("user", user.email), "name": user.name, "email": user.email}
        for user in client.users
    ]
    shown, page_data = page_of(users, page)
    return answer({"page": page_data, "users": shown})


@router.get("/contracts/debt-collection/status")
async def get_agreement(request: Request) -> Response:
    """Whether the standard agreement is signed."""
    sandbox, client = sandbox_of(request), client_of(request)
    path = next((obstacle.link_path for obstacle in obstacles_for(client, None)), None)
    upgrade = not client.signed and client.signed_before
    return answer(
        {
            "signed": client.signed,
            "requiresResigning": upgrade,
            "invalidationReason": "NewVersion" if upgrade else "None",
            "termsUrl": None,
            "solutionUrl": sandbox.link_url(path) if path else None,
        }
    )


@router.get("/Payments")
async def list_payments(request: Request) -> Response:
    """What was collected for the client, newest first, 10 a page."""
    query = Query(request)
    page = query.page(10)
    query.check()
    payments = sorted(_payments(request), key=lambda payment: payment["date"], reverse=True)
    shown, page_data = page_of(payments, page)
    return answer({"page": page_data, "payments": shown})


@router.get("/Payments/{payment_id}")
async def get_payment(request: Request, payment_id: str) -> Response:
    """One payment."""
    wanted = unquote(payment_id).lower()
    payment = next((p for p in _payments(request) if p["id"] == wanted), None)
    if payment is None:
        raise NotFound("The payment")
    return answer(payment)


def _payments(request: Request) -> list[dict[str, Any]]:
    sandbox = sandbox_of(request)
    cases = sandbox.world.cases_of(client_of(request).tenant_id)
    return [payment for case in cases for payment in payment_views(sandbox, case)]


@router.get("/tasks")
async def list_tasks(request: Request) -> Response:
    """What the client has to do, newest first, 10 a page; solved tasks leave the queue."""
    sandbox, client, query = sandbox_of(request), client_of(request), Query(request)
    page = query.page(10)
    query.check()
    tasks = _filtered(query, tasks_of(sandbox, client, sandbox.world.cases_of(client.tenant_id)))
    shown, page_data = page_of(tasks, page)
    return answer({"page": page_data, "tasks": shown})


@router.get("/cases/{case_id}/tasks")
async def list_case_tasks(request: Request, case_id: str) -> Response:
    """What the client has to do on one case."""
    sandbox, case = sandbox_of(request), case_of(request, case_id)
    return answer(_filtered(Query(request), tasks_of(sandbox, client_of(request), [case])))


def _filtered(query: Query, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    status = (query.text("status") or "Open").casefold()
    if status not in ("open", "solved"):
        raise InvalidRequest("status: must be Open or Solved")
    types = {value.casefold() for value in query.values("type", str)}
    return [
        task
        for task in tasks
        if task["status"].casefold() == status and (not types or task["type"].casefold() in types)
    ]


@router.get("/coverage")
async def list_coverage(request: Request) -> Response:
    """Every jurisdiction, who works there, and what the client has signed."""
    return answer(coverage_views(sandbox_of(request), client_of(request)))


@router.get("/coverage/search")
@router.get("/coverage/:search")
async def search_coverage(request: Request) -> Response:
    """The jurisdiction that best fits a country, state or code."""
    text = (Query(request).text("q") or "").strip().casefold()
    if not text:
        raise InvalidRequest("q: is required")
    places = coverage_views(sandbox_of(request), client_of(request))
    exact = [
        place
        for place in places
        if text in (place["countryAlpha2"].casefold(), f"us-{place['usStateAlpha2']}".casefold())
    ]
    similar = [place for place in places if text in place["jurisdiction"].casefold()]
    if not exact and not similar:
        raise NotFound("The jurisdiction")
    return answer((exact or similar)[0])


@router.post("/coverage/check-eligibility")
async def check_eligibility(request: Request) -> Response:
    """Whether a claim is covered; the standard agreement is not looked at."""
    sandbox, client = sandbox_of(request), client_of(request)
    body = await read_body(request, EligibilityBody)
    if body.debtor_type.casefold() not in DEBTOR_TYPES:
        raise InvalidRequest("debtorType: must be Company or Private")
    if body.country_alpha2.upper() == "US" and not body.state_alpha2:
        raise InvalidRequest("stateAlpha2: is required for the United States")
    place = sandbox.world.jurisdiction(body.country_alpha2, state_code(body.state_alpha2))
    agency = next(iter(sandbox.world.agencies_at(place)), None)
    view: dict[str, Any] = {
        "isEligible": agency is not None,
        "errorMessage": None if agency else "No collection partner covers the debtor.",
    }
    if place:
        view["jurisdiction"] = _place_view(place)
    if agency:
        view["partner"] = {"id": agency.id, "name": agency.name}
        view["powerOfAttorneyStatus"] = poa_view(sandbox, agency, client)
    return answer(view)


@router.get("/coverage/{jurisdiction_id}")
async def get_coverage(request: Request, jurisdiction_id: str) -> Response:
    """One jurisdiction."""
    for place in coverage_views(sandbox_of(request), client_of(request)):
        if str(place["jurisdictionId"]) == jurisdiction_id:
            return answer(place)
    raise NotFound("The jurisdiction")


def _place_view(place: Jurisdiction) -> dict[str, Any]:
    return {
        "id": place.id,
        "name": place.name,
        "country": place.country.name,
        "countryAlpha2": place.country.alpha2,
        "usStateAlpha2": place.state,
    }
