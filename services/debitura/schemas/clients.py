"""Clients: as listed, as sent, and what may become of a request to link one."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, StringConstraints, model_validator

from services.debitura.enums import ConflictType, KycStatus, KycVerificationStatus
from services.debitura.schemas.base import (
    Amount,
    Count,
    Flag,
    Identity,
    JsonObject,
    Mirrored,
    Model,
    Moment,
    Request,
    SentDate,
    Text,
)
from services.debitura.schemas.cases import NewCase
from services.debitura.schemas.customer_cases import CaseResults
from services.debitura.schemas.pages import ListPage

KycStatusOrText = Annotated[KycStatus | str | None, Field(union_mode="left_to_right")]
KycVerificationStatusOrText = Annotated[
    KycVerificationStatus | str | None, Field(union_mode="left_to_right")
]


class OnboardingLinks(Model):
    url: Text = None


class ClientCompany(Model):
    id: Text = None
    company_name: Text = None
    office_email: Text = None
    country: Text = None
    address: Text = None
    city: Text = None
    zip_code: Text = None
    company_registration_number: Text = None


class ClientUser(Model):
    id: Count = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None


class ClientCaseStats(Model):
    cases_total: Count = None
    cases_closed: Count = None
    earnings_usd: Amount = None


class Client(Mirrored):
    """A client with an active link. ``tenant_id`` is the platform's own id, case-sensitive.

    A director's name, home address and birth date (``kycVerification``) are not taken over, not
    even into ``raw``. ``case_results`` is only told in the answer to ``create_client``.
    """

    tenant_id: Identity = Field(alias="externalTenantId")
    onboarding_done: Flag = None
    onboarding_links: OnboardingLinks = OnboardingLinks()
    client: ClientCompany = ClientCompany()
    users: list[ClientUser] = Field(default_factory=list)
    is_attributed_client: Flag = None
    date_linked: Moment = None
    case_stats: ClientCaseStats = ClientCaseStats()
    kyc_status: KycStatusOrText = None
    case_results: CaseResults | None = None

    @classmethod
    def received(cls, data: Any, text: str | None = None) -> Self:
        cleaned = without_director(data)
        return super().received(cleaned, text if cleaned is data else None)


def without_director(data: Any) -> Any:
    """The client's JSON object without ``kycVerification``, however it is spelled."""
    if not isinstance(data, dict):
        return data
    kept = {name: value for name, value in data.items() if name.casefold() != "kycverification"}
    return data if len(kept) == len(data) else kept


class ClientsSummary(Model):
    total_clients: Count = None
    attributed_clients: Count = None
    onboarding_complete: Count = None
    onboarding_pending: Count = None
    total_cases: Count = None


@dataclass(frozen=True, slots=True)
class ClientsPage(ListPage[Client]):
    summary: ClientsSummary


class NewClientDetails(Request):
    """``country`` is written as its full English name."""

    name: Annotated[str, StringConstraints(min_length=1)]
    registration_number: str | None = None
    address: str | None = Field(default=None, max_length=500)
    zip_code: str | None = Field(default=None, max_length=20)
    city: str | None = Field(default=None, max_length=100)
    state: str | None = Field(default=None, max_length=100)
    country: Annotated[str, StringConstraints(min_length=1)]
    support_email: Annotated[str, StringConstraints(min_length=1)]
    support_phone: str | None = None


class NewClientUser(Request):
    name: Annotated[str, StringConstraints(min_length=1)]
    email: Annotated[str, StringConstraints(min_length=1)]
    is_onboarding_user: bool = False


class NewClient(Request):
    """A client to link; with several users exactly one is the onboarding user."""

    tenant_id: Identity = Field(alias="externalTenantId", max_length=255)
    client: NewClientDetails
    users: list[NewClientUser] = Field(min_length=1)
    cases: list[NewCase] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_onboarding_user(self) -> Self:
        if len(self.users) > 1 and sum(user.is_onboarding_user for user in self.users) != 1:
            raise ValueError("exactly one of several users has to be the onboarding user")
        return self

    def body(self) -> JsonObject:
        body = super().body()
        if not self.cases:
            del body["cases"]
        return body


@dataclass(frozen=True, slots=True)
class ClientReady:
    """201: linked and the SDCA is signed; cases can be submitted."""

    client: Client


@dataclass(frozen=True, slots=True)
class ClientOnboarding:
    """202: linked, but the client still has to sign at ``url`` (hand it over yourself)."""

    client: Client
    url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class LinkRequested:
    """409: the email has a Debitura account; its owner decides on the approval page ``url``."""

    tenant_id: str
    url: str | None = field(repr=False)
    message: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LinkRefused:
    """409: cannot be linked; contact Debitura. ``type`` is an open set."""

    tenant_id: str
    type: ConflictType | str
    message: str | None = field(default=None, repr=False)


CreateClientResult = ClientReady | ClientOnboarding | LinkRequested | LinkRefused


class ConflictLinks(Model):
    tenant_id: Text = Field(default=None, alias="externalTenantId")
    onboarding_links: OnboardingLinks = OnboardingLinks()


class ConflictAnswer(Model):
    """The body of a 409; ``data`` depends on ``type`` and may be absent."""

    type: Annotated[ConflictType | str | None, Field(union_mode="left_to_right")] = None
    message: Text = None
    data: ConflictLinks = ConflictLinks()


class ClientDeletability(Model):
    """Test environment only: whether the client can be reset, and what is in the way."""

    is_deletable: Flag = None
    blockers: list[str] = Field(default_factory=list)


class KycSubmission(Request):
    """A director's identity: sent on, never kept. ``repr`` hides all of it."""

    director_full_name: str = Field(min_length=1, max_length=500, repr=False)
    director_home_address: str = Field(min_length=1, max_length=1000, repr=False)
    director_date_of_birth: SentDate = Field(repr=False)


class KycReceipt(Model):
    """How far a submission is; the director's data that come back with it are not taken over."""

    date_created: Moment = None
    verification_status: KycVerificationStatusOrText = None
    verification_status_updated_at: Moment = None


class AccessToken(Model):
    """A bearer token of one client; ``expires_in`` is in seconds, as a rule 1,800."""

    access_token: SecretStr = Field(min_length=1)
    expires_in: Count = None
    creditor_id: Text = None
    tenant_id: Text = Field(default=None, alias="externalTenantId")
    token_type: Text = None


class TokenRequest(Request):
    tenant_id: Identity = Field(alias="externalTenantId", max_length=255)
