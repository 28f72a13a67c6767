"""The page of the web flow where the owner of an existing account answers a link request."""

from datetime import datetime

from babel.dates import format_datetime
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.sandbox.context import sandbox_of
from services.sandbox.flow_forms import read_form
from services.sandbox.flow_pages import go, show
from services.sandbox.model import LinkRequest
from services.sandbox.screens import Screen

LINKED_BY_NOW = (
    "This company or its customer number is linked already. Please ask who sent you the link."
)

router = APIRouter()


@router.get("/ReferralPartner/Approve")
async def get_link_request(request: Request) -> Response:
    """The question to the owner of an existing account, or what became of it."""
    link_request = _link_request(request)
    if link_request.outcome != "pending":
        return await _show_outcome(request, link_request)
    return await _ask(request, link_request, None)


@router.post("/ReferralPartner/Approve")
async def decide_link_request(request: Request) -> Response:
    """Approve or decline; what was decided before stays."""
    typed, link_request = await read_form(request), _link_request(request)
    if link_request.outcome != "pending":
        return await _show_outcome(request, link_request)
    world, decision = sandbox_of(request).world, typed.get("decision")
    if decision == "decline":
        world.decline(link_request.token)
    elif decision != "approve":
        return await _ask(request, link_request, "Choose whether to approve or to decline.")
    elif world.approve(link_request.token) is None:
        return await _ask(request, link_request, LINKED_BY_NOW)
    return go(request, "ReferralPartner/Approve", token=link_request.token)


def _link_request(request: Request) -> LinkRequest:
    token = request.query_params.get("token", "")
    found = sandbox_of(request).world.link_request(token)
    if found is None:
        raise HTTPException(404)
    return found


def _company(link_request: LinkRequest) -> str:
    details = link_request.request.get("client") or {}
    return str(details.get("name") or "Your company")


async def _ask(request: Request, link_request: LinkRequest, error: str | None) -> Response:
    return await show(
        request,
        Screen.LINK_REQUEST,
        409 if error else 200,
        company=_company(link_request),
        expires=_moment(link_request.expires),
        cases=len(link_request.request.get("cases") or []),
        error=error,
    )


async def _show_outcome(request: Request, link_request: LinkRequest) -> Response:
    return await show(
        request,
        Screen.DECIDED,
        company=_company(link_request),
        outcome=link_request.outcome,
        decided=_moment(link_request.decided or link_request.expires),
    )


def _moment(time: datetime) -> str:
    return f"{format_datetime(time, 'd MMMM y, HH:mm', locale='en')} UTC"
