"""The things a world is made of. Amounts are whole minor units, times are aware UTC."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

LinkOutcome = Literal["pending", "approved", "declined", "expired", "superseded"]
KycStatus = Literal["not_required", "pending", "verified"]


@dataclass(slots=True)
class User:
    """A person at a client; the first of a client's users does the onboarding."""

    id: int
    name: str
    email: str


@dataclass(slots=True)
class KycRecord:
    """A director's identity as handed in; ``status`` None is not reviewed yet."""

    full_name: str
    home_address: str
    birth_date: date
    created: datetime
    status: Literal["Processing", "Completed"] | None = None
    status_updated: datetime | None = None


@dataclass(slots=True)
class Client:
    """An active link between the partner and a creditor.

    ``referral_fee_bps`` is frozen at linking. ``signed`` is the state of the standard agreement;
    ``signed_before`` tells a contract upgrade from a first signing. ``pending_poa`` names the
    agency whose power of attorney the client is asked for.
    """

    tenant_id: str
    creditor_id: str
    link_id: str
    name: str
    email: str
    country: str
    linked: datetime
    users: list[User]
    attributed: bool
    signed: bool
    signed_before: bool
    referral_fee_bps: int
    kyc_status: KycStatus | None
    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    state: str | None = None
    phone: str | None = None
    registration_number: str | None = None
    kyc: KycRecord | None = None
    poa_agencies: list[str] = field(default_factory=list)
    pending_poa: str | None = None
    blocked: bool = False


@dataclass(slots=True)
class Payment:
    """Money collected on a case that earns the partner nothing."""

    amount: int
    date: datetime


@dataclass(slots=True)
class Case:
    """A claim. ``label`` is the lifecycle as the wire says it; ``earns`` is False for a case of a
    client that was not brought by the partner and that was submitted elsewhere."""

    id: str
    reference: str
    creditor_reference: str | None
    tenant_id: str
    debtor_name: str
    debtor_type: str
    country_id: int
    currency: str
    gross: int
    remainder: int
    lifecycle: str
    label: str
    created: datetime
    invoice_date: datetime
    due: datetime
    success_fee_bps: int
    state: str | None = None
    close_code: str | None = None
    phase: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    agency_id: str | None = None
    missing_info: tuple[str, ...] = ()
    responded: datetime | None = None
    earns: bool = True
    other_payments: tuple[Payment, ...] = ()
    dispute_status: str | None = None
    is_test: bool = False
    tag: str | None = None
    comments: str | None = None
    claim_description: str | None = None
    assigned_user: str | None = None
    debtor: dict[str, Any] | None = None


@dataclass(slots=True)
class Transaction:
    """One payment on a case and what it earns; fees in the payment's currency and in US cents."""

    id: str
    case_id: str
    tenant_id: str
    date: datetime
    amount: int
    currency: str
    debitura_revenue: int
    debitura_revenue_cents: int
    referral_fee_bps: int
    referral_fee: int
    referral_fee_cents: int
    commission_status: str = "Unpaid"
    platform_status: str = "NotInvoiced"
    referral_status: str | None = "Pending"


@dataclass(slots=True)
class Agency:
    """A collection partner; ``jurisdiction_ids`` is where it works."""

    id: str
    name: str
    country_id: int
    jurisdiction_ids: tuple[int, ...]
    success_fee_bps: int
    needs_poa: bool = False
    needs_kyc: bool = False


@dataclass(slots=True)
class ExistingAccount:
    """A Debitura account that no partner is linked to: creating it asks for a link instead."""

    creditor_id: str
    name: str
    email: str
    registration_number: str
    country: str


@dataclass(slots=True)
class LinkRequest:
    """An existing account asked to approve the link; ``request`` is the body that asked."""

    token: str
    tenant_id: str
    creditor_id: str
    requested: datetime
    expires: datetime
    request: dict[str, Any]
    outcome: LinkOutcome = "pending"
    decided: datetime | None = None


@dataclass(slots=True)
class Subscription:
    """A webhook subscription; ``secret`` is Base64 of 32 bytes."""

    id: str
    url: str
    events: list[str]
    secret: str
    created: datetime
    updated: datetime
    is_active: bool = True
    is_test_mode: bool = False
    disabled_reason: str | None = None


@dataclass(slots=True)
class ChatMessage:
    """A message on a case; ``role`` 0 is the partner, 1 the creditor, 2 the system."""

    id: str
    case_id: str
    created: datetime
    role: int
    message: str
    author_name: str
    author_email: str


@dataclass(slots=True)
class CaseFile:
    """What is known of an uploaded file; its bytes are not kept."""

    id: str
    case_id: str
    created: datetime
    file_name: str
    document_type: str
    description: str | None = None


@dataclass(slots=True)
class WorldState:
    """All that a world remembers, in the order it was made."""

    seed: int
    today: date
    agencies: list[Agency] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    accounts: list[ExistingAccount] = field(default_factory=list)
    link_requests: list[LinkRequest] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    messages: list[ChatMessage] = field(default_factory=list)
    files: list[CaseFile] = field(default_factory=list)
    sequence: int = 0
