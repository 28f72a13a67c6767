"""Filing and previewing of cases, and moving of test cases, in the Customer API."""

from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import AdvanceBody, CaseBody, PreviewBody, parse_body, read_body
from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.customer_cases import case_of, client_of
from services.sandbox.customer_views import invoice_view
from services.sandbox.errors import BusinessError, InvalidRequest, TestEnvironmentOnly
from services.sandbox.intake import (
    Assessment,
    Obstacle,
    assess,
    case_faults,
    has_reference,
    make_case,
)
from services.sandbox.model import Case, Client
from services.sandbox.money import from_wire
from services.sandbox.previews import (
    age_surcharge_bps,
    check_preview,
    jurisdiction_view,
    pricing_view,
)
from services.sandbox.query import Query
from services.sandbox.vocabulary import COUNTRY_BY_ID, PRE_LEGAL_EXHAUSTED
from services.sandbox.wire import answer

router = APIRouter()


@router.post("/cases")
async def create_case(request: Request) -> Response:
    """File a case. 422 names what is missing, unless allowPendingContracts lets it wait."""
    sandbox, client = sandbox_of(request), client_of(request)
    raw = await request.body()

    async def create() -> Response:
        return _create(sandbox, client, parse_body(raw, CaseBody))

    return await sandbox.idempotency.once(request, f"case:{client.creditor_id}", create)


def _create(sandbox: Sandbox, client: Client, body: CaseBody) -> Response:
    world = sandbox.world
    faults = case_faults(world, client, body)
    if has_reference(world, client, body.creditor_reference):
        faults.append("creditorReference: is already in use")
    if faults or body.debtor is None:
        raise InvalidRequest(*faults)
    if client.blocked:
        raise BusinessError("CreditorBlocked", "The creditor is blocked.")
    assessment = assess(
        world,
        client,
        body.debtor.country_alpha2 or "",
        body.debtor.state_alpha2,
        partner_id=body.collection_partner_id,
    )
    if assessment.agency is None:
        raise BusinessError("NoPartnerAvailable", "No collection partner covers the debtor.")
    refused = [
        o for o in assessment.obstacles if not (o.link_path and body.allow_pending_contracts)
    ]
    if refused:
        url = _signing_url(sandbox, assessment.obstacles, body.return_url)
        raise BusinessError(
            refused[0].type, refused[0].message, solution_url=url, sign=url is not None
        )
    case = make_case(world, client, body, assessment)
    url = _signing_url(sandbox, assessment.obstacles, body.return_url)
    return answer(invoice_view(sandbox, case, url))


def _signing_url(sandbox: Sandbox, obstacles: list[Obstacle], return_url: str | None) -> str | None:
    path = next((obstacle.link_path for obstacle in obstacles if obstacle.link_path), None)
    if path is None:
        return None
    url = sandbox.link_url(path)
    # Debitura drops a return address it cannot use without a word.
    if return_url and urlsplit(return_url).scheme in ("http", "https") and len(return_url) <= 2048:
        url += f"{'&' if '?' in url else '?'}returnUrl={quote(return_url, safe='')}"
    return url


@router.post("/cases/preview")
async def preview_case(request: Request) -> Response:
    """What a claim would cost and what stands in its way."""
    sandbox, client = sandbox_of(request), client_of(request)
    body = await read_body(request, PreviewBody)
    check_preview(sandbox.world, body)
    found = assess(sandbox.world, client, body.debtor.country_alpha2, body.debtor.state_alpha2)
    url = _signing_url(sandbox, found.obstacles, body.return_url)
    result = {
        "isEligible": found.agency is not None,
        "ineligibilityReason": None if found.agency else "NoPartnerAvailable",
        "requiredActions": [
            {
                "type": obstacle.type,
                "message": obstacle.message,
                "solutionUrl": sandbox.link_url(obstacle.link_path) if obstacle.link_path else None,
                "isBlocking": True,
            }
            for obstacle in found.obstacles
        ]
        if found.agency
        else [],
        "requiresKycVerification": bool(found.agency and found.agency.needs_kyc),
        "hasKycOnFile": client.kyc is not None,
        **_preview_places(found, body, age_surcharge_bps(sandbox.world, body)),
    }
    if url and found.agency:
        result["signingHandoff"] = {"combinedSigningUrl": url}
    return answer({"result": result})


def _preview_places(found: Assessment, body: PreviewBody, surcharge: int) -> dict[str, object]:
    parts: dict[str, object] = {}
    if found.jurisdiction:
        parts["jurisdiction"] = jurisdiction_view(found.jurisdiction)
    if found.agency:
        parts["partnerAssignment"] = {
            "collectionPartnerId": found.agency.id,
            "partnerName": found.agency.name,
            "partnerCountry": COUNTRY_BY_ID[found.agency.country_id].name,
        }
        parts["pricingPreview"] = pricing_view(found.agency, body.currency_code, surcharge)
    return parts


@router.post("/test/cases/{case_id}/advance")
async def advance_case(request: Request, case_id: str) -> Response:
    """Move a test case to Active, Closed:Paid or Closed:NoPayment."""
    sandbox, case = sandbox_of(request), _test_case(request, case_id)
    body = await read_body(request, AdvanceBody)
    state = _state(case)
    if body.to not in ("Active", "Closed:Paid", "Closed:NoPayment"):
        raise InvalidRequest("to: must be Active, Closed:Paid or Closed:NoPayment")
    if body.to == "Closed:Paid" and (body.amount is None or body.amount <= 0):
        raise InvalidRequest("amount: is required and positive for Closed:Paid")
    if state == body.to:
        return answer({"advanced": False, "state": state})
    if case.lifecycle == "Closed":
        raise InvalidRequest("to: the case is closed")
    world = sandbox.world
    if body.to == "Active":
        world.move_case(case, "Active")
    elif body.to == "Closed:NoPayment":
        world.move_case(case, "Closed", close_code=PRE_LEGAL_EXHAUSTED)
    else:
        if case.lifecycle != "Active":
            world.move_case(case, "Active")
        world.collect(case, from_wire(body.amount or 0, case.currency))
        code = "Partially paid" if case.remainder else "Paid"
        world.move_case(case, "Closed", close_code=code)
    return answer({"advanced": True, "state": _state(case)})


def _state(case: Case) -> str:
    if case.lifecycle != "Closed":
        return case.lifecycle
    paid = case.close_code in ("Paid", "Partially paid")
    return "Closed:Paid" if paid else "Closed:NoPayment"


def _test_case(request: Request, case_id: str) -> Case:
    if sandbox_of(request).options.production:
        raise TestEnvironmentOnly
    case = case_of(request, case_id)
    if not case.is_test:
        raise InvalidRequest("id: is not a test case")
    return case


@router.delete("/test/cases/{case_id}")
async def delete_test_case(request: Request, case_id: str) -> Response:
    """Delete a test case; 204 also when it is gone already."""
    sandbox = sandbox_of(request)
    if sandbox.world.case(case_id):
        sandbox.world.remove_case(_test_case(request, case_id))
    return Response(status_code=204)


@router.delete("/test/cases")
async def delete_test_cases(request: Request) -> Response:
    """Delete the client's test cases of a tag."""
    sandbox, client = sandbox_of(request), client_of(request)
    tag = (Query(request).text("tag") or "").strip()
    if not tag:
        raise InvalidRequest("tag: is required")
    for case in sandbox.world.cases_of(client.tenant_id):
        if case.is_test and case.tag == tag:
            sandbox.world.remove_case(case)
    return Response(status_code=204)
