"""The partner itself, coverage, filter options and previews in the Referral Partner API."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import PreviewBody, read_body
from services.sandbox.context import sandbox_of
from services.sandbox.customer_views import coverage_views, derived_id
from services.sandbox.intake import state_code
from services.sandbox.money import percent_to_wire
from services.sandbox.previews import (
    age_surcharge_bps,
    check_preview,
    jurisdiction_view,
    pricing_view,
)
from services.sandbox.vocabulary import COUNTRIES
from services.sandbox.wire import answer

router = APIRouter()


@router.get("/me")
async def get_partner(request: Request) -> Response:
    """The partner and its branding."""
    world = sandbox_of(request).world
    return answer(
        {
            "id": derived_id("partner", str(world.state.seed)),
            "companyName": "Ledgerleaf Software ApS",
            "shortName": "Ledgerleaf",
            "contactEmail": "partners@ledgerleaf.example",
            "externalSystemId": "ledgerleaf",
            "referralFeePercentage": percent_to_wire(world.referral_fee_bps),
            "isActive": True,
            "isPublicDemo": False,
            "logoUrl": None,
            "backgroundColorCode": "#1F4E5F",
            "fontColor": "#FFFFFF",
            "fontFamily": "Inter, sans-serif",
            "invoicingTriggerMode": world.mode,
        }
    )


@router.get("/coverage")
async def get_coverage(request: Request) -> Response:
    """Every jurisdiction and who works there."""
    return answer(coverage_views(sandbox_of(request), None))


@router.get("/referral-partner/filter-options")
async def get_filter_options(request: Request) -> Response:
    """The ids that CountryIds and CollectionPartnerIds take."""
    agencies = sandbox_of(request).world.state.agencies
    countries = sorted(COUNTRIES, key=lambda country: country.name)
    return answer(
        {
            "countries": [{"id": country.id, "name": country.name} for country in countries],
            "carveoutPartners": [{"id": agency.id, "name": agency.name} for agency in agencies],
        }
    )


@router.post("/cases/preview")
async def preview_case(request: Request) -> Response:
    """What a claim would cost and need, for no client in particular."""
    world = sandbox_of(request).world
    body = await read_body(request, PreviewBody)
    check_preview(world, body)
    place = world.jurisdiction(body.debtor.country_alpha2, state_code(body.debtor.state_alpha2))
    agency = next(iter(world.agencies_at(place)), None)
    view: dict[str, Any] = {
        "isEligible": agency is not None,
        "ineligibilityReason": None if agency else "NoPartnerAvailable",
        "requiresKycVerification": bool(agency and agency.needs_kyc),
        "pendingActions": [],
        "combinedSigningUrl": None,
    }
    if place:
        view["jurisdiction"] = jurisdiction_view(place)
    if agency:
        surcharge = age_surcharge_bps(world, body)
        view["pricingPreview"] = pricing_view(agency, body.currency_code, surcharge)
        wanted = (("PoA", agency.needs_poa, agency.id), ("Kyc", agency.needs_kyc, None))
        view["pendingActions"] = [
            {"type": type_, "collectionPartnerId": agency_id, "dueDate": None}
            for type_, needed, agency_id in wanted
            if needed
        ]
    return answer(view)
