"""One client's account on the Customer API: its contract, its people, where cases are covered."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from services.debitura.schemas.base import (
    Count,
    Flag,
    Identity,
    Mirrored,
    Model,
    Request,
    Text,
)
from services.debitura.schemas.pages import ListPage


class CollectionContractStatus(Model):
    """Whether the SDCA is signed; ``invalidation_reason`` is None, NewVersion, AdminInvalidated…"""

    signed: Flag = None
    requires_resigning: Flag = None
    invalidation_reason: Text = None
    terms_url: Text = None
    solution_url: Text = None


class CustomerPartnerCoverage(Model):
    """A collection partner of a jurisdiction, and whether this client has signed its PoA."""

    partner_id: Text = None
    partner_name: Text = None
    conditions: Text = None
    signed: Flag = None
    terms_url: Text = None
    solution_url: Text = None
    requires_resigning: Flag = None
    invalidation_reason: Text = None


class CustomerCoverage(Mirrored):
    jurisdiction_id: int
    jurisdiction: Text = None
    country: Text = None
    country_id: Count = None
    country_alpha2: Text = Field(default=None, alias="countryAlpha2")
    us_state_alpha2: Text = Field(default=None, alias="usStateAlpha2")
    partners: list[CustomerPartnerCoverage] = Field(default_factory=list)


class EligibilityRequest(Request):
    """``debtor_type`` is Company or Private; ``state_alpha2`` is needed for the US."""

    country_alpha2: Annotated[str, StringConstraints(min_length=1)] = Field(alias="countryAlpha2")
    state_alpha2: str | None = Field(default=None, alias="stateAlpha2")
    debtor_type: Annotated[str, StringConstraints(min_length=1)]
    amount: Decimal = Field(ge=Decimal("0.01"))
    currency_code: Annotated[str, StringConstraints(min_length=1)]


class EligibilityJurisdiction(Model):
    id: Count = None
    name: Text = None
    country: Text = None
    country_alpha2: Text = Field(default=None, alias="countryAlpha2")
    us_state_alpha2: Text = Field(default=None, alias="usStateAlpha2")


class EligibilityPartner(Model):
    id: Text = None
    name: Text = None


class Eligibility(Model):
    """Whether a case could be worked. It does not look at the SDCA."""

    is_eligible: Flag = None
    jurisdiction: EligibilityJurisdiction | None = None
    partner: EligibilityPartner | None = None
    power_of_attorney_status: CollectionContractStatus | None = None
    error_message: Text = None


class CreditorAccount(Mirrored):
    id: Identity
    company_name: Text = None
    company_registration_number: Text = None
    address: Text = None
    zip_code: Text = None
    city: Text = None
    state: Text = None
    country: Text = None
    office_email: Text = None
    office_phone: Text = None


class CreditorUser(Mirrored):
    id: Identity
    name: Text = None
    email: Text = None


@dataclass(frozen=True, slots=True)
class CreditorUsersPage(ListPage[CreditorUser]):
    pass
