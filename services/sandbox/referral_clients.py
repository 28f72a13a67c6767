"""Making and ending of client links, and what a client hands in, in the Referral Partner API."""

from typing import Any
from urllib.parse import unquote

from babel import Locale
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import CreateClientBody, KycBody, TokenBody, parse_body, read_body
from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.customer_views import invoice_view
from services.sandbox.errors import (
    ApiError,
    BusinessError,
    Conflict,
    InvalidRequest,
    NotFound,
    TestEnvironmentOnly,
)
from services.sandbox.intake import CaseFailure, check_case, file_case
from services.sandbox.model import Case, CaseFile, Client, KycRecord, User
from services.sandbox.query import Query
from services.sandbox.referral_views import approval_url, client_view, kyc_view
from services.sandbox.seed_clients import new_id
from services.sandbox.uploads import read_upload
from services.sandbox.wire import answer

TAKEN_DOMAIN = "taken.example"
BLOCKED_DOMAIN = "blocked.example"
_COUNTRY_NAMES = {
    text.casefold(): name
    for code, name in Locale("en").territories.items()
    if len(code) == 2 and code.isalpha()
    for text in (code, name)
}

router = APIRouter()


@router.post("/clients")
async def create_client(request: Request) -> Response:
    """Link a client: 201 when it has signed, 202 while it has not, 409 when it must ask first.

    Repeating a request gives the same client; its cases are filed each time, so a repeated
    creditor reference is refused (400), and nothing is changed then.
    """
    sandbox = sandbox_of(request)
    world = sandbox.world
    body = await read_body(request, CreateClientBody)
    _check_client(body)
    client = world.client(body.external_tenant_id)
    candidate = client or _new_client(sandbox, body)
    cases = body.cases or []
    _check_cases(sandbox, candidate, cases)
    if client is None:
        _refuse_conflicts(sandbox, body, await request.body())
        world.add_client(candidate)
    results = None
    if body.cases is not None:
        results = _file_cases(sandbox, candidate, cases)
    status = 201 if candidate.signed else 202
    return answer(client_view(sandbox, candidate, results), status)


def _check_client(body: CreateClientBody) -> None:
    faults = []
    if body.client.country.casefold() not in _COUNTRY_NAMES:
        faults.append(f"client.country: '{body.client.country}' is not a country")
    onboarding = sum(user.is_onboarding_user for user in body.users)
    if len(body.users) > 1 and onboarding != 1:
        faults.append("users: exactly one must have isOnboardingUser")
    emails = [user.email.casefold() for user in body.users]
    if len(set(emails)) < len(emails):
        faults.append("users: each e-mail address may be used once")
    if faults:
        raise InvalidRequest(*faults)


def _new_client(sandbox: Sandbox, body: CreateClientBody) -> Client:
    random, details = sandbox.world.random(), body.client
    users = sorted(body.users, key=lambda user: not user.is_onboarding_user)
    return Client(
        tenant_id=body.external_tenant_id,
        creditor_id=new_id(random),
        link_id=new_id(random),
        name=details.name,
        email=details.support_email,
        country=_COUNTRY_NAMES[details.country.casefold()],
        linked=sandbox.world.now(),
        users=[User(random.randrange(10**6, 10**9), user.name, user.email) for user in users],
        attributed=True,
        signed=False,
        signed_before=False,
        referral_fee_bps=sandbox.world.referral_fee_bps,
        kyc_status="not_required",
        address=details.address,
        city=details.city,
        zip_code=details.zip_code,
        state=details.state,
        phone=details.support_phone,
        registration_number=details.registration_number,
    )


def _refuse_conflicts(sandbox: Sandbox, body: CreateClientBody, raw: bytes) -> None:
    emails = [body.client.support_email, *(user.email for user in body.users)]
    domains = {email.rpartition("@")[2].casefold() for email in emails}
    if BLOCKED_DOMAIN in domains:
        raise BusinessError("CreditorBlocked", "The creditor is blocked.")
    if TAKEN_DOMAIN in domains:
        raise Conflict(
            "ClientAlreadyLinkedToAnotherPartner",
            "The client is linked to another partner.",
            {"externalTenantId": body.external_tenant_id},
        )
    number = body.client.registration_number
    linked = sandbox.world.client_like(body.client.support_email, number)
    if linked is not None:
        raise Conflict(
            "AlreadyLinkedDifferentTenant",
            "The client is linked under another externalTenantId.",
            {"externalTenantId": linked.tenant_id},
        )
    account = sandbox.world.account_for(emails, number)
    if account is not None:
        kept = CreateClientBody.model_validate_json(raw).model_dump(by_alias=True, mode="json")
        link_request = sandbox.world.ask(body.external_tenant_id, account, kept)
        raise Conflict(
            "ClientExistsNeedsLinking",
            "The client has a Debitura account; its owner has to approve the link.",
            {
                "externalTenantId": body.external_tenant_id,
                "onboardingLinks": {"url": approval_url(sandbox, link_request)},
            },
        )


def _check_cases(sandbox: Sandbox, client: Client, cases: list[dict[str, Any]]) -> None:
    faults = []
    references: set[str] = set()
    for number, raw in enumerate(cases):
        outcome = check_case(sandbox.world, client, raw, number)
        if isinstance(outcome, CaseFailure):
            reference = outcome.creditor_reference
            if outcome.type != "NoPartnerAvailable":
                faults.append(f"cases.{number}: {outcome.type}: {outcome.message}")
        else:
            reference = outcome[0].creditor_reference
        if reference in references:
            faults.append(f"cases.{number}: DuplicateReference: creditorReference: is used twice")
        if reference:
            references.add(reference)
    if faults:
        raise InvalidRequest(*faults)


def _file_cases(sandbox: Sandbox, client: Client, cases: list[dict[str, Any]]) -> dict[str, Any]:
    filed = [file_case(sandbox.world, client, raw, number) for number, raw in enumerate(cases)]
    return {
        "successfulCases": [
            invoice_view(sandbox, result) for result in filed if isinstance(result, Case)
        ],
        "failedCases": [
            _failure_view(result) for result in filed if isinstance(result, CaseFailure)
        ],
    }


def _failure_view(failure: CaseFailure) -> dict[str, Any]:
    view: dict[str, Any] = {
        "caseIndex": failure.index,
        "creditorReference": failure.creditor_reference,
        "errorType": failure.type,
        "errorMessage": failure.message,
        "validationErrors": failure.fields,
    }
    return view


def _client(request: Request, tenant_id: str) -> Client:
    client = sandbox_of(request).world.client(unquote(tenant_id))
    if client is None:
        raise NotFound("The client")
    return client


@router.post("/clients/{tenant_id}/withdraw")
async def withdraw_client(request: Request, tenant_id: str) -> Response:
    """End the link of a client that was brought and whose cases all wait for signing."""
    world, client = sandbox_of(request).world, _client(request, tenant_id)
    if not client.attributed:
        raise ApiError(409, "ClientNotAttributed", "Only attributed clients can be withdrawn.")
    cases = world.cases_of(client.tenant_id)
    if any(case.lifecycle != "PendingContractSigning" for case in cases):
        raise ApiError(409, "ClientHasActiveCases", "A case has left pending contract signing.")
    world.archive_client(client)
    return Response(status_code=204)


@router.delete("/clients/{tenant_id}")
async def delete_client(request: Request, tenant_id: str) -> Response:
    """Reset a client; the test environment only."""
    sandbox = sandbox_of(request)
    if sandbox.options.production:
        raise TestEnvironmentOnly
    sandbox.world.archive_client(_client(request, tenant_id))
    return Response(status_code=204)


@router.get("/clients/{tenant_id}/is-deletable")
async def is_deletable(request: Request, tenant_id: str) -> Response:
    """Whether a client can be reset, and what stands against it; the test environment only."""
    sandbox = sandbox_of(request)
    if sandbox.options.production:
        raise TestEnvironmentOnly
    client = _client(request, tenant_id)
    totals = sandbox.world.totals(client.tenant_id)
    blockers = ["The client has earned a referral fee."] if totals.earnings_cents else []
    return answer({"isDeletable": not blockers, "blockers": blockers})


@router.post("/clients/{tenant_id}/kyc-verification")
async def submit_kyc(request: Request, tenant_id: str) -> Response:
    """Hand in a director's identity; the latest counts."""
    sandbox, client = sandbox_of(request), _client(request, tenant_id)
    query = Query(request)
    notify = query.boolean("sendChatNotification") is not False
    query.check()
    raw = await request.body()

    async def submit() -> Response:
        body = parse_body(raw, KycBody)
        client.kyc = KycRecord(
            full_name=body.director_full_name,
            home_address=body.director_home_address,
            birth_date=body.director_date_of_birth,
            created=sandbox.world.now(),
            status="Processing",
        )
        client.kyc_status = "pending"
        sandbox.world.touched("clients")
        if notify:
            for case in sandbox.world.cases_of(client.tenant_id):
                if case.lifecycle == "Active":
                    sandbox.world.say(case, 2, ("System", ""), "A director's identity was sent.")
        return answer(kyc_view(client.kyc), 201)

    return await sandbox.idempotency.once(request, f"kyc:{client.creditor_id}", submit)


@router.post("/cases/{case_id}/files")
async def upload_file(request: Request, case_id: str) -> Response:
    """Add a file to a case; the answer has no body."""
    sandbox = sandbox_of(request)
    world, case = sandbox.world, sandbox.world.case(unquote(case_id))
    if case is None:
        raise NotFound("The case")
    query = Query(request)
    notify = query.boolean("sendChatNotification") is not False
    query.check()
    upload = await read_upload(request)

    async def store() -> Response:
        world.state.files.append(
            CaseFile(new_id(world.random()), case.id, world.now(), upload.name, "OriginalInvoice")
        )
        world.touched()
        if notify:
            world.say(case, 2, ("System", ""), f"The file {upload.name} was added.")
        return Response(status_code=200)

    return await sandbox.idempotency.once(
        request, f"file:{case.id}", store, fingerprint=upload.fingerprint
    )


@router.post("/oauth/token")
async def mint_token(request: Request) -> Response:
    """A Customer API token for one client; 404 without an active link, 400 before it signed."""
    sandbox = sandbox_of(request)
    body = await read_body(request, TokenBody)
    client = sandbox.world.client(body.external_tenant_id)
    if client is None:
        raise NotFound("The client")
    if not client.signed:
        raise ApiError(400, "OnboardingNotCompleted", "The client has not finished onboarding.")
    return answer(
        {
            "accessToken": sandbox.tokens.mint(client.creditor_id, client.tenant_id),
            "expiresIn": sandbox.tokens.lifetime_seconds,
            "creditorId": client.creditor_id,
            "externalTenantId": client.tenant_id,
            "tokenType": "Bearer",
        }
    )
