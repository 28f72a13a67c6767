"""Judging a claim before it is filed, the same for both APIs."""

from typing import Any

from services.sandbox.bodies import PreviewBody
from services.sandbox.errors import InvalidRequest
from services.sandbox.intake import DEBTOR_TYPES
from services.sandbox.model import Agency
from services.sandbox.money import CURRENCY_DIGITS, percent_to_wire
from services.sandbox.records import Records
from services.sandbox.vocabulary import Jurisdiction

Json = dict[str, Any]


def check_preview(records: Records, body: PreviewBody) -> None:
    """Raise InvalidRequest for what the shape alone cannot tell."""
    faults = []
    if body.amount_to_recover <= 0:
        faults.append("amountToRecover: must be greater than 0")
    if body.currency_code.upper() not in CURRENCY_DIGITS:
        faults.append("currencyCode: is not supported")
    if body.debtor.type.casefold() not in DEBTOR_TYPES:
        faults.append("debtor.type: must be Company or Private")
    if body.debtor.country_alpha2.upper() == "US" and not body.debtor.state_alpha2:
        faults.append("debtor.stateAlpha2: is required for the United States")
    if body.due_date and body.due_date > records.now():
        faults.append("dueDate: must not be in the future")
    if faults:
        raise InvalidRequest(*faults)


def age_surcharge_bps(records: Records, body: PreviewBody) -> int:
    """What an old claim costs on top, in basis points."""
    if body.due_date is None:
        return 0
    days = (records.now() - body.due_date).days
    return 1000 if days > 730 else 500 if days > 365 else 0


def pricing_view(agency: Agency, currency: str, surcharge_bps: int) -> Json:
    """PricingPreviewDto."""
    return {
        "baseSuccessFeePercentage": percent_to_wire(agency.success_fee_bps),
        "ageSurchargePercentage": percent_to_wire(surcharge_bps),
        "totalSuccessFeePercentage": percent_to_wire(agency.success_fee_bps + surcharge_bps),
        "currencyCode": currency.upper(),
        "pricingSource": "Standard agreement",
        "pricingSourceDescription": "The fee of the standard agreement.",
    }


def jurisdiction_view(place: Jurisdiction) -> Json:
    """JurisdictionDto."""
    return {
        "id": place.id,
        "name": place.name,
        "countryAlpha2": place.country.alpha2,
        "stateAlpha2": place.state,
    }
