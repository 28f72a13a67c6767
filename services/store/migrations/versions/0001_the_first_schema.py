"""The first schema."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_at"), ["at"], unique=False)

    op.create_table(
        "cases",
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("creditor_reference", sa.String(), nullable=True),
        sa.Column("external_tenant_id", sa.String(), nullable=True),
        sa.Column("client_name", sa.String(), nullable=True),
        sa.Column("debtor_name", sa.String(), nullable=True),
        sa.Column("debtor_country", sa.String(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("gross", sa.BigInteger(), nullable=True),
        sa.Column("remainder", sa.BigInteger(), nullable=True),
        sa.Column("lifecycle", sa.String(), nullable=True),
        sa.Column("close_code", sa.String(), nullable=True),
        sa.Column("engagement_phase", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("due_at", sa.DateTime(), nullable=True),
        sa.Column("collection_started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("needs_info", sa.Boolean(), nullable=False),
        sa.Column("creditor_responded_at", sa.DateTime(), nullable=True),
        sa.Column("collection_partner", sa.String(), nullable=True),
        sa.Column("lifecycle_since", sa.DateTime(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_archived_at"), ["archived_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_cases_external_tenant_id"), ["external_tenant_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_cases_lifecycle"), ["lifecycle"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_reference"), ["reference"], unique=False)

    op.create_table(
        "clients",
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.Column("external_tenant_id", sa.String(), nullable=False),
        sa.Column("creditor_id", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("registration_number", sa.String(), nullable=True),
        sa.Column("onboarding_done", sa.Boolean(), nullable=False),
        sa.Column("onboarding_url", sa.String(), nullable=True),
        sa.Column("is_attributed", sa.Boolean(), nullable=True),
        sa.Column("linked_at", sa.DateTime(), nullable=True),
        sa.Column("cases_total", sa.Integer(), nullable=False),
        sa.Column("cases_closed", sa.Integer(), nullable=False),
        sa.Column("earnings_usd", sa.BigInteger(), nullable=True),
        sa.Column("kyc_status", sa.String(), nullable=True),
        sa.Column("users", sa.JSON(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("furthest", sa.String(), nullable=False),
        sa.Column("stage_since", sa.DateTime(), nullable=True),
        sa.Column("stage_derived_at", sa.DateTime(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("external_tenant_id"),
    )
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_clients_archived_at"), ["archived_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_clients_country"), ["country"], unique=False)
        batch_op.create_index(batch_op.f("ix_clients_creditor_id"), ["creditor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_clients_furthest"), ["furthest"], unique=False)
        batch_op.create_index(batch_op.f("ix_clients_linked_at"), ["linked_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_clients_stage"), ["stage"], unique=False)

    op.create_table(
        "coverage",
        sa.Column("jurisdiction_id", sa.Integer(), nullable=False),
        sa.Column("jurisdiction", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("country_code", sa.String(), nullable=True),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("jurisdiction_id"),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("learnt_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_history_at"), ["at"], unique=False)
        batch_op.create_index("ix_history_subject", ["kind", "subject_id", "at"], unique=False)

    op.create_table(
        "link_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_tenant_id", sa.String(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("approval_url", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(), nullable=True),
        sa.Column("learnt_by", sa.String(), nullable=True),
        sa.Column("superseded_at", sa.DateTime(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("link_requests", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_link_requests_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_link_requests_external_tenant_id"), ["external_tenant_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_link_requests_status"), ["status"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_link_requests_superseded_at"), ["superseded_at"], unique=False
        )

    op.create_table(
        "partner",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("company_name", sa.String(), nullable=True),
        sa.Column("invoicing_mode", sa.String(), nullable=True),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "rejected_rows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("rejected_rows", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rejected_rows_scope"), ["scope"], unique=False)

    op.create_table(
        "store_info",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment", sa.String(), nullable=False),
        sa.Column("partner_id", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sync_runs_started_at"), ["started_at"], unique=False)

    op.create_table(
        "sync_scopes",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("true_at", sa.DateTime(), nullable=True),
        sa.Column("attempted_at", sa.DateTime(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("source_summary", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "transactions",
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(), nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.Column("transaction_id", sa.String(), nullable=False),
        sa.Column("collected_at", sa.DateTime(), nullable=True),
        sa.Column("paid_at", sa.DateTime(), nullable=True),
        sa.Column("external_tenant_id", sa.String(), nullable=True),
        sa.Column("client_name", sa.String(), nullable=True),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("case_reference", sa.String(), nullable=True),
        sa.Column("debtor_name", sa.String(), nullable=True),
        sa.Column("payment", sa.BigInteger(), nullable=True),
        sa.Column("payment_currency", sa.String(), nullable=True),
        sa.Column("fee", sa.BigInteger(), nullable=True),
        sa.Column("fee_currency", sa.String(), nullable=True),
        sa.Column("fee_usd", sa.BigInteger(), nullable=True),
        sa.Column("is_estimate", sa.Boolean(), nullable=False),
        sa.Column("commission_status", sa.String(), nullable=True),
        sa.Column("platform_status", sa.String(), nullable=True),
        sa.Column("referral_status", sa.String(), nullable=True),
        sa.Column("bucket", sa.String(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id"),
    )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transactions_archived_at"), ["archived_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_transactions_bucket"), ["bucket"], unique=False)
        batch_op.create_index(
            "ix_transactions_bucket_collected", ["bucket", "collected_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_transactions_case_id"), ["case_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_transactions_collected_at"), ["collected_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_transactions_external_tenant_id"), ["external_tenant_id"], unique=False
        )

    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("received_at", sa.DateTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_events_received_at"), ["received_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_webhook_events_state"), ["state"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_events_state"))
        batch_op.drop_index(batch_op.f("ix_webhook_events_received_at"))

    op.drop_table("webhook_events")
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_transactions_external_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_transactions_collected_at"))
        batch_op.drop_index(batch_op.f("ix_transactions_case_id"))
        batch_op.drop_index("ix_transactions_bucket_collected")
        batch_op.drop_index(batch_op.f("ix_transactions_bucket"))
        batch_op.drop_index(batch_op.f("ix_transactions_archived_at"))

    op.drop_table("transactions")
    op.drop_table("sync_scopes")
    with op.batch_alter_table("sync_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sync_runs_started_at"))

    op.drop_table("sync_runs")
    op.drop_table("store_info")
    with op.batch_alter_table("rejected_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rejected_rows_scope"))

    op.drop_table("rejected_rows")
    op.drop_table("partner")
    with op.batch_alter_table("link_requests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_link_requests_superseded_at"))
        batch_op.drop_index(batch_op.f("ix_link_requests_status"))
        batch_op.drop_index(batch_op.f("ix_link_requests_external_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_link_requests_expires_at"))

    op.drop_table("link_requests")
    with op.batch_alter_table("history", schema=None) as batch_op:
        batch_op.drop_index("ix_history_subject")
        batch_op.drop_index(batch_op.f("ix_history_at"))

    op.drop_table("history")
    op.drop_table("coverage")
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clients_stage"))
        batch_op.drop_index(batch_op.f("ix_clients_linked_at"))
        batch_op.drop_index(batch_op.f("ix_clients_furthest"))
        batch_op.drop_index(batch_op.f("ix_clients_creditor_id"))
        batch_op.drop_index(batch_op.f("ix_clients_country"))
        batch_op.drop_index(batch_op.f("ix_clients_archived_at"))

    op.drop_table("clients")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_reference"))
        batch_op.drop_index(batch_op.f("ix_cases_lifecycle"))
        batch_op.drop_index(batch_op.f("ix_cases_external_tenant_id"))
        batch_op.drop_index(batch_op.f("ix_cases_created_at"))
        batch_op.drop_index(batch_op.f("ix_cases_archived_at"))

    op.drop_table("cases")
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_at"))

    op.drop_table("audit_log")
