"""Webhook events and subscriptions, handed-over links, and when clients reached each stage."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for table in ("clients", "cases", "transactions"):
        op.add_column(table, _moment("read_at"))
    for milestone in (
        "poa_signed_at",
        "signed_at",
        "first_case_at",
        "first_recovery_at",
        "withdrawn_at",
    ):
        op.add_column("clients", _moment(milestone))
    op.create_table(
        "hand_overs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("external_tenant_id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(), nullable=False),
        sa.Column("to_whom", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("noted_by", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_hand_overs_external_tenant_id", "hand_overs", ["external_tenant_id"])
    op.add_column("webhook_events", _moment("happened_at"))
    op.add_column("webhook_events", sa.Column("external_tenant_id", sa.String(), nullable=True))
    op.add_column("webhook_events", sa.Column("case_id", sa.String(), nullable=True))
    op.add_column(
        "webhook_events",
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
    )
    op.add_column("webhook_events", _moment("next_try_at"))
    op.add_column("webhook_events", _moment("settled_at"))
    op.create_index(
        "ix_webhook_events_external_tenant_id", "webhook_events", ["external_tenant_id"]
    )
    op.create_index("ix_webhook_events_event", "webhook_events", ["event", "received_at"])
    op.create_table(
        "refused_deliveries",
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("reason"),
    )
    op.create_table(
        "webhook_subscriptions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        sa.Column("is_test_mode", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=True),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _moment(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(), nullable=True)
