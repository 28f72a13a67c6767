"""The tables. Amounts are whole minor units of the currency beside them; times are UTC."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text
from sqlmodel import Field, SQLModel

from services.store.columns import UtcDateTime


def _moment(*, nullable: bool = True, index: bool = False) -> Any:
    return Field(
        default=None,
        sa_type=UtcDateTime,
        nullable=nullable,
        index=index,
    )


def _minor(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=BigInteger, nullable=True, index=index)


class StoreInfo(SQLModel, table=True):
    """One row: whose store this is, and the counter that rises with every change."""

    __tablename__ = "store_info"
    id: int = Field(default=1, primary_key=True)
    environment: str
    partner_id: str | None = None
    revision: int = 0
    created_at: datetime = _moment(nullable=False)


class PartnerRow(SQLModel, table=True):
    """The referral partner itself, as ``GET /me`` gave it last."""

    __tablename__ = "partner"
    id: str = Field(primary_key=True)
    company_name: str | None = None
    invoicing_mode: str | None = None
    raw: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    updated_at: datetime = _moment(nullable=False)


class Mirrored(SQLModel):
    """What every mirrored row carries besides its own columns."""

    raw: str = Field(sa_type=Text)
    fingerprint: str
    first_seen_at: datetime = _moment(nullable=False)
    archived_at: datetime | None = _moment()
    read_at: datetime | None = _moment()
    """When the source was asked for what stands here: an older answer must not replace it."""


class ClientRow(Mirrored, table=True):
    """A client link, listed by Debitura or archived."""

    __tablename__ = "clients"
    external_tenant_id: str = Field(primary_key=True)
    creditor_id: str | None = Field(default=None, index=True)
    name: str | None = None
    email: str | None = None
    country: str | None = Field(default=None, index=True)
    registration_number: str | None = None
    onboarding_done: bool = False
    onboarding_url: str | None = None
    is_attributed: bool | None = None
    linked_at: datetime | None = _moment(index=True)
    cases_total: int = 0
    cases_closed: int = 0
    earnings_usd: int | None = _minor()
    kyc_status: str | None = None
    users: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))
    stage: str = Field(index=True)
    furthest: str = Field(index=True)
    stage_since: datetime | None = _moment()
    stage_derived_at: datetime | None = _moment()
    """When the stage was first derived from everything; until then it is the client row's own."""
    poa_signed_at: datetime | None = _moment()
    signed_at: datetime | None = _moment()
    """When the agreement was first signed, as an event told it or as it was first seen."""
    first_case_at: datetime | None = _moment()
    first_recovery_at: datetime | None = _moment()
    withdrawn_at: datetime | None = _moment()
    search_text: str = Field(sa_type=Text)


class CaseRow(Mirrored, table=True):
    """A collection case of any client."""

    __tablename__ = "cases"
    id: str = Field(primary_key=True)
    reference: str | None = Field(default=None, index=True)
    creditor_reference: str | None = None
    external_tenant_id: str | None = Field(default=None, index=True)
    client_name: str | None = None
    debtor_name: str | None = None
    debtor_country: str | None = None
    currency: str | None = None
    gross: int | None = _minor()
    remainder: int | None = _minor()
    lifecycle: str | None = Field(default=None, index=True)
    close_code: str | None = None
    engagement_phase: str | None = None
    created_at: datetime | None = _moment(index=True)
    due_at: datetime | None = _moment()
    collection_started_at: datetime | None = _moment()
    finished_at: datetime | None = _moment()
    needs_info: bool = False
    creditor_responded_at: datetime | None = _moment()
    collection_partner: str | None = None
    lifecycle_since: datetime | None = _moment()
    last_activity_at: datetime | None = _moment(index=True)
    """When something about the case last moved; no field of the API tells it."""
    search_text: str = Field(sa_type=Text)


class TransactionRow(Mirrored, table=True):
    """A debtor's payment and the partner's share of it."""

    __tablename__ = "transactions"
    __table_args__ = (Index("ix_transactions_bucket_collected", "bucket", "collected_at"),)
    transaction_id: str = Field(primary_key=True)
    collected_at: datetime | None = _moment(index=True)
    paid_at: datetime | None = _moment()
    external_tenant_id: str | None = Field(default=None, index=True)
    client_name: str | None = None
    case_id: str | None = Field(default=None, index=True)
    case_reference: str | None = None
    debtor_name: str | None = None
    payment: int | None = _minor()
    payment_currency: str | None = None
    fee: int | None = _minor()
    fee_currency: str | None = None
    fee_usd: int | None = _minor()
    is_estimate: bool = False
    commission_status: str | None = None
    platform_status: str | None = None
    referral_status: str | None = None
    bucket: str
    bucket_since: datetime | None = _moment()
    search_text: str = Field(sa_type=Text)


class CoverageRow(SQLModel, table=True):
    """A jurisdiction in which cases can be collected, and by whom."""

    __tablename__ = "coverage"
    jurisdiction_id: int = Field(primary_key=True)
    jurisdiction: str | None = None
    country: str | None = None
    country_code: str | None = None
    raw: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class LinkRequestRow(SQLModel, table=True):
    """A request that a client with a Debitura account approves the link to the partner."""

    __tablename__ = "link_requests"
    id: int | None = Field(default=None, primary_key=True)
    external_tenant_id: str = Field(index=True)
    company_name: str | None = None
    country: str | None = None
    status: str = Field(index=True)
    requested_at: datetime = _moment(nullable=False)
    requested_by: str
    approval_url: str | None = None
    expires_at: datetime = _moment(nullable=False, index=True)
    resolved_at: datetime | None = _moment()
    learnt_by: str | None = None
    superseded_at: datetime | None = _moment(index=True)
    payload: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    search_text: str = Field(sa_type=Text)


class HandOverRow(SQLModel, table=True):
    """A link that somebody of the partner's team gave to a client: when, to whom and how."""

    __tablename__ = "hand_overs"
    id: int | None = Field(default=None, primary_key=True)
    external_tenant_id: str = Field(index=True)
    url: str | None = None
    handed_over_at: datetime = _moment(nullable=False)
    to_whom: str
    how: str
    noted_by: str
    noted_at: datetime = _moment(nullable=False)


class HistoryRow(SQLModel, table=True):
    """A change of something that no Debitura API keeps the past of."""

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_subject", "kind", "subject_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    subject_id: str
    field: str
    before: str | None = None
    after: str | None = None
    at: datetime = _moment(nullable=False, index=True)
    learnt_by: str


class WebhookEventRow(SQLModel, table=True):
    """A webhook event as received; ``id`` is the sender's, so that none is kept twice."""

    __tablename__ = "webhook_events"
    __table_args__ = (Index("ix_webhook_events_event", "event", "received_at"),)
    id: str = Field(primary_key=True)
    event: str | None = None
    state: str = Field(index=True)
    received_at: datetime = _moment(nullable=False, index=True)
    body: str = Field(sa_type=Text)
    reason: str | None = None
    happened_at: datetime | None = _moment()
    """When it happened at the source, as the event tells."""
    external_tenant_id: str | None = Field(default=None, index=True)
    case_id: str | None = None
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_try_at: datetime | None = _moment()
    settled_at: datetime | None = _moment()


class RefusedDeliveryRow(SQLModel, table=True):
    """How often a delivery was refused for one reason; nothing of it is kept."""

    __tablename__ = "refused_deliveries"
    reason: str = Field(primary_key=True)
    count: int
    last_at: datetime = _moment(nullable=False)


class WebhookSubscriptionRow(SQLModel, table=True):
    """A webhook subscription as Debitura listed it last; never its secret."""

    __tablename__ = "webhook_subscriptions"
    id: str = Field(primary_key=True)
    url: str | None = None
    events: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    is_active: bool
    disabled_reason: str | None = None
    is_test_mode: bool
    created_at: datetime | None = _moment()
    updated_at: datetime | None = _moment()
    seen_at: datetime = _moment(nullable=False)


class SyncScopeRow(SQLModel, table=True):
    """How true one part of the store is to the source."""

    __tablename__ = "sync_scopes"
    scope: str = Field(primary_key=True)
    state: str
    true_at: datetime | None = _moment()
    attempted_at: datetime | None = _moment()
    rows_done: int = 0
    rows_total: int | None = None
    error: str | None = None
    source_summary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    full_at: datetime | None = _moment()
    """When the last scan of everything began that was accepted."""
    unexplained: dict[str, int] | None = Field(default=None, sa_column=Column(JSON))
    """By how much the source's own totals differ from its rows; empty when they agree."""


class ScanWindowRow(SQLModel, table=True):
    """A part of a running scan that was read and stored, so that a killed scan goes on there."""

    __tablename__ = "scan_windows"
    id: int | None = Field(default=None, primary_key=True)
    scope: str = Field(index=True)
    scan_started_at: datetime = _moment(nullable=False)
    start: int
    size: int
    total: int
    keys: list[str] = Field(sa_column=Column(JSON, nullable=False))
    rejected: list[list[str]] = Field(default_factory=list, sa_column=Column(JSON))


class SyncRunRow(SQLModel, table=True):
    """One pass of the sync, kept for Activity."""

    __tablename__ = "sync_runs"
    id: int | None = Field(default=None, primary_key=True)
    started_at: datetime = _moment(nullable=False, index=True)
    finished_at: datetime | None = _moment()
    requests: int = 0
    kind: str = Field(default="full", sa_column_kwargs={"server_default": "full"})
    outcome: str
    scopes: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON))


class RejectedRowRow(SQLModel, table=True):
    """A row of the source that could not be understood, kept as it came."""

    __tablename__ = "rejected_rows"
    id: int | None = Field(default=None, primary_key=True)
    scope: str = Field(index=True)
    reason: str
    raw: str = Field(sa_type=Text)
    seen_at: datetime = _moment(nullable=False)


class AuditRow(SQLModel, table=True):
    """Who asked for what, and what came of it; never personal data itself."""

    __tablename__ = "audit_log"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _moment(nullable=False, index=True)
    actor: str
    action: str
    subject: str
    outcome: str
