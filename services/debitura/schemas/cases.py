"""Cases as the Referral Partner API lists them, and as both APIs take and answer new ones."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from services.debitura.enums import (
    CaseFailure,
    CloseCode,
    EngagementPhase,
    Lifecycle,
    PendingActionType,
)
from services.debitura.schemas.base import (
    Amount,
    Count,
    Flag,
    Identity,
    Mirrored,
    Model,
    Moment,
    Request,
    SentMoment,
    Text,
)
from services.debitura.schemas.pages import ListPage

# left_to_right, because by default pydantic would keep a known text as plain str.
LifecycleOrText = Annotated[Lifecycle | str | None, Field(union_mode="left_to_right")]
CloseCodeOrText = Annotated[CloseCode | str | None, Field(union_mode="left_to_right")]
PhaseOrText = Annotated[EngagementPhase | str | None, Field(union_mode="left_to_right")]
CaseFailureOrText = Annotated[CaseFailure | str | None, Field(union_mode="left_to_right")]
PendingActionOrText = Annotated[PendingActionType | str | None, Field(union_mode="left_to_right")]


class Contact(Model):
    email: Text = None
    name: Text = None


class CaseContacts(Model):
    onboarding_user: Contact | None = None
    office_email: Text = None
    other_users: list[Contact] = Field(default_factory=list)


class CaseClient(Model):
    tenant_id: Text = Field(default=None, alias="externalTenantId")
    creditor_id: Text = None
    company_name: Text = None
    contacts: CaseContacts = CaseContacts()


class CaseDebtor(Model):
    name: Text = None
    country: Text = None


class CaseValidationItem(Model):
    resolution_area: Text = None
    description: Text = None


class CaseValidation(Model):
    needs_info: Flag = None
    creditor_responded_at: Moment = None
    items: list[CaseValidationItem] = Field(default_factory=list)


class Case(Mirrored):
    """A case of any client. Amounts are in ``currency``; rates are percent (70 = 70 %).

    ``current_engagement_phase`` None means no engagement yet, and ``collection_partner`` None
    that none is assigned.
    """

    id: Identity
    reference: Text = None
    creditor_reference: Text = None
    client: CaseClient = CaseClient()
    debtor: CaseDebtor = CaseDebtor()
    gross_amount: Amount = None
    remainder: Amount = None
    currency: Text = None
    lifecycle: LifecycleOrText = None
    close_code: CloseCodeOrText = None
    current_engagement_phase: PhaseOrText = None
    date_created: Moment = None
    due_date: Moment = None
    date_collection_started: Moment = None
    date_finished: Moment = None
    validation: CaseValidation = CaseValidation()
    collection_partner: Text = None
    expected_referral_rate_percentage: Amount = None


class PotentialRevenue(Model):
    """What a case may earn: gross by success fee by platform share by
    referral share, in USD."""

    gross_amount_usd: Amount = None
    success_fee_percentage: Amount = None
    collection_partner_revenue_usd: Amount = None
    platform_revenue_share_percentage: Amount = None
    platform_revenue_usd: Amount = None
    referral_fee_percentage: Amount = None
    referral_revenue_usd: Amount = None


class CaseDetail(Case):
    potential_revenue: PotentialRevenue | None = None


class LifecycleCounts(Model):
    active: Count = None
    pending: Count = None
    closed: Count = None
    paused: Count = None


class CasesSummary(Model):
    total_cases: Count = None
    cases_this_month: Count = None
    by_lifecycle: LifecycleCounts = LifecycleCounts()


@dataclass(frozen=True, slots=True)
class CasesPage(ListPage[Case]):
    summary: CasesSummary


class Debtor(Request):
    """Who owes. ``type`` is Company or Private (elsewhere also written Person)."""

    type: Annotated[str, StringConstraints(min_length=1)]
    name: Annotated[str, StringConstraints(min_length=1)]
    contact_person: str | None = None
    company_registration_number: str | None = None
    address: str | None = None
    zip_code: str | None = None
    city: str | None = None
    state: str | None = None
    state_alpha2: str | None = Field(default=None, alias="stateAlpha2")
    country_alpha2: str | None = Field(default=None, alias="countryAlpha2")
    country: str | None = None
    email: str | None = None
    phone: str | None = None


class AgedAmounts(Request):
    """How much of the amount is older than 6, 12 and 24 months.

    12 and 24 go together; 6 needs both; each is at most the one before and the total.
    """

    amount_to_recover: Decimal
    amount_to_recover_over6_months: Decimal | None = Field(
        default=None, alias="amountToRecoverOver6Months"
    )
    amount_to_recover_over12_months: Decimal | None = Field(
        default=None, alias="amountToRecoverOver12Months"
    )
    amount_to_recover_over24_months: Decimal | None = Field(
        default=None, alias="amountToRecoverOver24Months"
    )

    @model_validator(mode="after")
    def _ages_fit(self) -> Self:
        over6 = self.amount_to_recover_over6_months
        over12 = self.amount_to_recover_over12_months
        over24 = self.amount_to_recover_over24_months
        if (over12 is None) != (over24 is None) or (over6 is not None and over12 is None):
            raise ValueError("amounts over 12 and 24 months go together, over 6 needs both")
        given = [
            each for each in (self.amount_to_recover, over6, over12, over24) if each is not None
        ]
        if given != sorted(given, reverse=True):
            raise ValueError("an older part cannot be more than the newer part that holds it")
        return self


class NewCase(AgedAmounts):
    """A case to create. ``allow_pending_contracts`` accepts it before everything is signed."""

    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    date: SentMoment | None = None
    due_date: SentMoment | None = None
    comments: str | None = Field(default=None, max_length=4000)
    claim_description: str | None = Field(default=None, max_length=4000)
    creditor_reference: str | None = Field(default=None, max_length=50)
    debtor: Debtor
    creditor_division_id: str | None = None
    skip_debitura_verification: bool | None = None
    skip_creation_emails: bool | None = None
    allow_pending_contracts: bool | None = None
    is_test: bool | None = None
    tag: str | None = Field(default=None, max_length=100)
    collection_partner_id: str | None = None
    assigned_user_email: str | None = Field(default=None, max_length=320)
    return_url: str | None = Field(default=None, max_length=2048)


class PreviewDebtor(Request):
    """``type`` is Company or Private; ``state_alpha2`` is needed for the US."""

    type: Annotated[str, StringConstraints(min_length=1)]
    country_alpha2: str = Field(min_length=2, max_length=2, alias="countryAlpha2")
    state_alpha2: str | None = Field(default=None, min_length=2, max_length=2, alias="stateAlpha2")


class CasePreviewRequest(AgedAmounts):
    """``due_date`` is not in the future and excludes the aged amounts."""

    currency_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    debtor: PreviewDebtor
    due_date: SentMoment | None = None
    return_url: str | None = Field(default=None, max_length=2048)


class Jurisdiction(Model):
    id: Count = None
    name: Text = None
    country_alpha2: Text = Field(default=None, alias="countryAlpha2")
    state_alpha2: Text = Field(default=None, alias="stateAlpha2")


class PricingPreview(Model):
    """Success fees in percent; the surcharge for age in percentage points."""

    base_success_fee_percentage: Amount = None
    age_surcharge_percentage: Amount = None
    total_success_fee_percentage: Amount = None
    currency_code: Text = None
    pricing_source: Text = None
    pricing_source_description: Text = None


class PendingAction(Model):
    type: PendingActionOrText = None
    collection_partner_id: Text = None
    due_date: Moment = None


class CasePreview(Model):
    """Whether a case could be submitted, at what price, and what is still to be signed."""

    is_eligible: Flag = None
    ineligibility_reason: Text = None
    jurisdiction: Jurisdiction | None = None
    pricing_preview: PricingPreview | None = None
    requires_kyc_verification: Flag = None
    pending_actions: list[PendingAction] = Field(default_factory=list)
    combined_signing_url: Text = None


class SigningHandoff(Model):
    combined_signing_url: Text = None


class CaseCreationFailure(Model):
    """``case_index`` counts from 0 in the cases that were sent."""

    case_index: Count = None
    creditor_reference: Text = None
    error_type: CaseFailureOrText = None
    error_message: Text = None
    validation_errors: dict[str, list[str]] = Field(default_factory=dict)
    signing_handoff: SigningHandoff | None = None
