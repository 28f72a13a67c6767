"""One client's case as the Customer API answers it, and what hangs on it."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.debitura.schemas.base import (
    Amount,
    Count,
    Flag,
    Identity,
    Mirrored,
    Model,
    Moment,
    Request,
    Text,
)
from services.debitura.schemas.cases import (
    CaseCreationFailure,
    CloseCodeOrText,
    Contact,
    Jurisdiction,
    LifecycleOrText,
    PhaseOrText,
    PricingPreview,
    SigningHandoff,
)
from services.debitura.schemas.pages import ListPage


class CustomerDebtor(Model):
    type: Text = None
    name: Text = None
    contact_person: Text = None
    company_registration_number: Text = None
    address: Text = None
    zip_code: Text = None
    city: Text = None
    state: Text = None
    state_alpha2: Text = Field(default=None, alias="stateAlpha2")
    country_alpha2: Text = Field(default=None, alias="countryAlpha2")
    country: Text = None
    email: Text = None
    phone: Text = None


class CollectionPartner(Model):
    name: Text = None
    office_email: Text = None
    office_phone: Text = None
    public_site: Text = None


class Division(Model):
    id: Text = None
    name: Text = None


class Creditor(Model):
    id: Text = None
    company_name: Text = None
    company_registration_number: Text = None
    office_email: Text = None
    office_phone: Text = None
    address: Text = None
    city: Text = None
    zip_code: Text = None
    state: Text = None
    country: Text = None
    division: Division | None = None


class AllocationOutstanding(Model):
    principal: Amount = None
    interest: Amount = None
    reminder_fees: Amount = None
    collection_fees: Amount = None


class NeedsInfo(Model):
    needs_info: Flag = None


class CustomerCase(Mirrored):
    """A case with its money in full. Amounts are in ``currency``, rates in percent."""

    id: Identity
    date_created: Moment = None
    date_updated: Moment = None
    reference: Text = None
    creditor_reference: Text = None
    creditor_comments: Text = None
    claim_description: Text = None
    gross_amount: Amount = None
    remainder: Amount = None
    interest_fees: Amount = None
    reminder_fees: Amount = None
    collection_fees: Amount = None
    total_added_fees: Amount = None
    currency: Text = None
    is_test_case: Flag = None
    lifecycle: LifecycleOrText = None
    due_date: Moment = None
    date: Moment = None
    date_finished: Moment = None
    date_collection_started: Moment = None
    close_code: CloseCodeOrText = None
    current_engagement_phase: PhaseOrText = None
    claim_type: Text = None
    creditor_division_id: Text = None
    debtor: CustomerDebtor = CustomerDebtor()
    collection_partner: CollectionPartner | None = None
    creditor: Creditor | None = None
    blended_age_uplift_points: Amount = None
    pre_legal_success_fee: Amount = None
    solution_url: Text = None
    signing_handoff: SigningHandoff | None = None
    exclusive_period_end_date: Moment = None
    dispute_status: Text = None
    validation: NeedsInfo = NeedsInfo()
    assigned_user: Contact | None = None
    allocation_outstanding: AllocationOutstanding | None = None


@dataclass(frozen=True, slots=True)
class CustomerCasesPage(ListPage[CustomerCase]):
    pass


class CaseResults(Model):
    """What became of the cases that were sent with their client."""

    successful_cases: list[CustomerCase] = Field(default_factory=list)
    failed_cases: list[CaseCreationFailure] = Field(default_factory=list)


class PartnerAssignment(Model):
    collection_partner_id: Text = None
    partner_name: Text = None
    partner_country: Text = None


class RequiredAction(Model):
    type: Text = None
    message: Text = None
    solution_url: Text = None
    is_blocking: Flag = None


class CustomerCasePreview(Model):
    """Whether this client's case could be submitted, by whom it would be worked, at what price."""

    is_eligible: Flag = None
    ineligibility_reason: Text = None
    partner_assignment: PartnerAssignment | None = None
    required_actions: list[RequiredAction] = Field(default_factory=list)
    jurisdiction: Jurisdiction | None = None
    pricing_preview: PricingPreview | None = None
    requires_kyc_verification: Flag = None
    has_kyc_on_file: Flag = None
    signing_handoff: SigningHandoff | None = None


class PreviewAnswer(Model):
    result: CustomerCasePreview


class TimelineActor(Model):
    """``type`` is System, Creditor user or Partner user."""

    type: Text = None
    name: Text = None


class TimelineItem(Model):
    date: Moment = None
    type: Text = None
    title: Text = None
    description: Text = None
    actor: TimelineActor | None = None


class Timeline(Model):
    items: list[TimelineItem] = Field(default_factory=list)
    current_engagement_phase: PhaseOrText = None


class PaymentCase(Model):
    invoice_id: Text = None
    reference: Text = None
    status: Text = None


class CasePayment(Mirrored):
    """A debtor's payment, in ``currency``."""

    id: Identity
    date_created: Moment = None
    date_updated: Moment = None
    date: Moment = None
    gross_amount: Amount = None
    recipient: Text = None
    method: Text = None
    currency: Text = None
    invoice: PaymentCase = PaymentCase()


class ChatUser(Model):
    id: Count = None
    date_created: Moment = None
    date_updated: Moment = None
    first_name: Text = None
    last_name: Text = None
    email: Text = None


class Chat(Mirrored):
    """One message. ``role`` is a number without published names: show ``role_label``."""

    id: Identity
    date_created: Moment = None
    date_updated: Moment = None
    role: Count = None
    role_label: Text = None
    message: Text = None
    is_seen: Flag = None
    user: ChatUser | None = None


class NewChat(Request):
    """A message in the name of a client's user: ``user_email`` (better) or ``user_id``."""

    message: Annotated[str, Field(min_length=1, max_length=10_000)]
    user_email: str | None = None
    user_id: str | None = None

    @model_validator(mode="after")
    def _has_a_sender(self) -> Self:
        if not (self.user_email or self.user_id):
            raise ValueError("a chat message needs the sender's userEmail or userId")
        return self


class CaseFile(Mirrored):
    id: Identity
    date_created: Moment = None
    date_updated: Moment = None
    case_id: Text = None
    entity_type: Text = None
    entity_id: Text = None
    file_name: Text = None
    url: Text = None
    description: Text = None
    document_type: Text = None


class ContractItem(Model):
    signed: Flag = None
    requires_resigning: Flag = None
    solution_url: Text = None


class CaseContractStatus(Model):
    """What is signed for one case; None means not needed."""

    sdca: ContractItem | None = None
    poa: ContractItem | None = None
    pricing_appendix: ContractItem | None = None
    collection_partner_name: Text = None
    needs_poa_signing: Flag = None


class ExclusivePeriodExtension(Model):
    """``type`` is PromiseToPay, PaymentAgreement, Payment or Manual."""

    type: Text = None
    event_date: Moment = None
    new_end_date: Moment = None


class ExclusivePeriod(Model):
    """``days_remaining`` is below 0 when expired, 0 when terminated early."""

    engagement_start_date: Moment = None
    current_end_date: Moment = None
    days_remaining: Count = None
    status: Text = None
    extensions: list[ExclusivePeriodExtension] = Field(default_factory=list)


class TaskAction(Model):
    method: Text = None
    path: Text = None


class Task(Mirrored):
    """What the client has to do; ``type`` is an open set of codes."""

    id: Identity
    type: Text = None
    type_label: Text = None
    title: Text = None
    description: Text = None
    status: Text = None
    case_id: Text = None
    case_reference: Text = None
    lead_id: Text = None
    deadline: Moment = None
    date_created: Moment = None
    date_solved: Moment = None
    solution_url: Text = None
    action: TaskAction | None = None
