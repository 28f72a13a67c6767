"""The white-label pages that a partner's clients open to sign, under /flow.

Where a client stands is in its record and in the path, so that a page may be opened again, sent
twice or left at any time. ``returnUrl`` goes along from page to page and is offered at the end.
"""

from hashlib import sha256
from typing import Any
from urllib.parse import quote, unquote

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.sandbox import flow_link_requests
from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.flow_forms import (
    COUNTRY_NAMES,
    Errors,
    Form,
    company_errors,
    company_values,
    read_form,
    signing_errors,
    user_errors,
    user_fields,
)
from services.sandbox.flow_pages import go, page_url, refuse, show
from services.sandbox.model import Agency, Client
from services.sandbox.screens import Screen

router = APIRouter()


def flow_app(sandbox: Sandbox) -> FastAPI:
    """The pages for one sandbox, to be mounted where its options say that the flow is."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.sandbox = sandbox
    app.include_router(router)
    app.include_router(flow_link_requests.router)
    app.add_exception_handler(HTTPException, refuse)
    return app


def signing_code(link_id: str) -> str:
    """The six digits that sign what a link asks for."""
    return f"{int(sha256(link_id.encode()).hexdigest(), 16) % 10**6:06}"


def _client(request: Request, link_id: str) -> Client:
    client = sandbox_of(request).world.client_of_link(unquote(link_id))
    if client is None:
        raise HTTPException(404)
    return client


def _path(client: Client, page: str) -> str:
    return f"{page}/{quote(client.link_id, safe='')}"


def _first_path(client: Client) -> str:
    """Where a client begins who has still to sign the agreement; the last page once it has."""
    if client.signed:
        return _path(client, "done")
    return _path(client, "ContractUpgrade/Sign" if client.signed_before else "companydetails")


def _is_new(client: Client) -> bool:
    return not (client.signed or client.signed_before)


@router.get("/companydetails/{link_id}")
async def get_company_details(request: Request, link_id: str) -> Response:
    """Step 1: the company as the partner knows it, to be corrected."""
    client = _client(request, link_id)
    if not _is_new(client):
        return go(request, _first_path(client))
    return await _show_company(request, client, company_values(client), {})


@router.post("/companydetails/{link_id}")
async def save_company_details(request: Request, link_id: str) -> Response:
    """Keep the corrected company details and go on to the users."""
    typed, client = await read_form(request), _client(request, link_id)
    if not _is_new(client):
        return go(request, _first_path(client))
    errors = company_errors(typed, _countries(client))
    if errors:
        shown = {name: typed.get(name, "") for name in company_values(client)}
        return await _show_company(request, client, shown, errors)
    changed = {name: typed[name] for name, old in company_values(client).items()}
    if changed != company_values(client):
        for name, value in changed.items():
            setattr(client, name, value)
        # Transactions are searched by the client's name.
        sandbox_of(request).world.touched("clients", "transactions")
    return go(request, _path(client, "users"))


async def _show_company(request: Request, client: Client, values: Form, errors: Errors) -> Response:
    return await show(
        request,
        Screen.COMPANY_DETAILS,
        422 if errors else 200,
        values=values,
        errors=errors,
        countries=_countries(client),
    )


def _countries(client: Client) -> list[str]:
    return sorted({*COUNTRY_NAMES, client.country})


@router.get("/users/{link_id}")
async def get_users(request: Request, link_id: str) -> Response:
    """Step 2: the people at the client."""
    client = _client(request, link_id)
    if not _is_new(client):
        return go(request, _first_path(client))
    names = {field: user.name for field, user in user_fields(client.users).items()}
    return await _show_users(request, client, names, {})


@router.post("/users/{link_id}")
async def save_users(request: Request, link_id: str) -> Response:
    """Keep the corrected names and go on to the agreement."""
    typed, client = await read_form(request), _client(request, link_id)
    if not _is_new(client):
        return go(request, _first_path(client))
    errors = user_errors(typed, client.users)
    if errors:
        return await _show_users(request, client, typed, errors)
    for field, user in user_fields(client.users).items():
        user.name = typed[field]
    sandbox_of(request).world.touched("clients")
    return go(request, _path(client, "sign"))


async def _show_users(request: Request, client: Client, names: Form, errors: Errors) -> Response:
    users = [
        {"field": field, "name": names.get(field, ""), "email": user.email}
        for field, user in user_fields(client.users).items()
    ]
    return await show(
        request,
        Screen.USERS,
        422 if errors else 200,
        users=users,
        errors=errors,
        back_url=page_url(request, _path(client, "companydetails")),
    )


@router.get("/sign/{link_id}")
async def get_agreement(request: Request, link_id: str) -> Response:
    """Step 3: the agreement, once the company it is made with is complete."""
    client = _client(request, link_id)
    if not _may_sign_first(client):
        return go(request, _first_path(client))
    return await _show_agreement(request, client, {}, {})


@router.post("/sign/{link_id}")
async def sign_agreement(request: Request, link_id: str) -> Response:
    """Sign the agreement for the first time."""
    typed, client = await read_form(request), _client(request, link_id)
    if not _may_sign_first(client):
        return go(request, _first_path(client))
    errors = signing_errors(typed, signing_code(client.link_id))
    if errors:
        return await _show_agreement(request, client, typed, errors)
    sandbox_of(request).world.sign_agreement(client.link_id)
    return go(request, _path(client, "done"))


def _may_sign_first(client: Client) -> bool:
    return _is_new(client) and not company_errors(company_values(client), _countries(client))


async def _show_agreement(
    request: Request, client: Client, typed: Form, errors: Errors
) -> Response:
    back_url = page_url(request, _path(client, "users"))
    return await _show_signing(request, Screen.AGREEMENT, client, typed, errors, back_url=back_url)


async def _show_signing(
    request: Request, screen: Screen, client: Client, typed: Form, errors: Errors, **facts: Any
) -> Response:
    return await show(
        request,
        screen,
        422 if errors else 200,
        company=client.name,
        signer=client.users[0].name if client.users else client.name,
        code=signing_code(client.link_id),
        typed={name: typed.get(name, "") for name in ("agreed", "code")},
        errors=errors,
        **facts,
    )


@router.get("/ContractUpgrade/Sign/{link_id}")
async def get_contract_upgrade(request: Request, link_id: str) -> Response:
    """The new version of an agreement that was signed before."""
    client = _client(request, link_id)
    if client.signed or not client.signed_before:
        return go(request, _first_path(client))
    return await _show_signing(request, Screen.CONTRACT_UPGRADE, client, {}, {})


@router.post("/ContractUpgrade/Sign/{link_id}")
async def sign_contract_upgrade(request: Request, link_id: str) -> Response:
    """Sign the new version."""
    typed, client = await read_form(request), _client(request, link_id)
    if client.signed or not client.signed_before:
        return go(request, _first_path(client))
    errors = signing_errors(typed, signing_code(client.link_id))
    if errors:
        return await _show_signing(request, Screen.CONTRACT_UPGRADE, client, typed, errors)
    sandbox_of(request).world.sign_agreement(client.link_id)
    return go(request, _path(client, "done"))


@router.get("/PowerOfAttorney/Sign/{link_id}")
async def get_power_of_attorney(request: Request, link_id: str) -> Response:
    """The power of attorney for one collection partner, after the agreement."""
    client = _client(request, link_id)
    agency = _agency(request, client)
    if agency is None:
        raise HTTPException(404)
    if not client.signed or not _lacks_authority(client, agency):
        return go(request, _first_path(client))
    return await _show_power_of_attorney(request, client, agency, {}, {})


@router.post("/PowerOfAttorney/Sign/{link_id}")
async def sign_power_of_attorney(request: Request, link_id: str) -> Response:
    """Give the collection partner the power of attorney."""
    typed, client = await read_form(request), _client(request, link_id)
    agency = _agency(request, client)
    if agency is None:
        raise HTTPException(404)
    if not client.signed or not _lacks_authority(client, agency):
        return go(request, _first_path(client))
    errors = signing_errors(typed, signing_code(client.link_id))
    if errors:
        return await _show_power_of_attorney(request, client, agency, typed, errors)
    sandbox_of(request).world.sign_power_of_attorney(client, agency)
    return go(request, _path(client, "done"))


def _agency(request: Request, client: Client) -> Agency | None:
    """The collection partner that the address names, or else the one waiting for a signature."""
    wanted = request.query_params.get("collectionPartnerId") or client.pending_poa
    return sandbox_of(request).world.agencies.get(wanted or "")


def _lacks_authority(client: Client, agency: Agency) -> bool:
    return agency.needs_poa and agency.id not in client.poa_agencies


async def _show_power_of_attorney(
    request: Request, client: Client, agency: Agency, typed: Form, errors: Errors
) -> Response:
    return await _show_signing(
        request, Screen.POWER_OF_ATTORNEY, client, typed, errors, agency=agency.name
    )


@router.get("/done/{link_id}")
async def get_done(request: Request, link_id: str) -> Response:
    """The end, or the power of attorney that is still to be signed."""
    client = _client(request, link_id)
    if not client.signed:
        return go(request, _first_path(client))
    agencies = sandbox_of(request).world.agencies
    wanted = (_agency(request, client), agencies.get(client.pending_poa or ""))
    waiting = next((a for a in wanted if a and _lacks_authority(client, a)), None)
    return await show(
        request,
        Screen.DONE,
        company=client.name,
        next_agency=waiting.name if waiting else None,
        next_url=_poa_url(request, client, waiting) if waiting else None,
    )


def _poa_url(request: Request, client: Client, agency: Agency) -> str:
    return page_url(request, _path(client, "PowerOfAttorney/Sign"), collectionPartnerId=agency.id)
