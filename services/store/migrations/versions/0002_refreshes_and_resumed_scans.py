"""Refreshes, scans that go on where they were killed, and since when things are as they are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "scan_windows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scan_started_at", sa.DateTime(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_scan_windows_scope", "scan_windows", ["scope"])
    op.add_column("sync_scopes", sa.Column("full_at", sa.DateTime(), nullable=True))
    op.add_column("sync_scopes", sa.Column("unexplained", sa.JSON(), nullable=True))
    op.add_column(
        "sync_runs", sa.Column("kind", sa.String(), server_default="full", nullable=False)
    )
    op.add_column("transactions", sa.Column("bucket_since", sa.DateTime(), nullable=True))
    op.add_column("cases", sa.Column("last_activity_at", sa.DateTime(), nullable=True))
    op.create_index("ix_cases_last_activity_at", "cases", ["last_activity_at"])
    # Nearly all rows are listed, and the bucket leads another index: these only cost time.
    for table in ("clients", "cases", "transactions"):
        op.drop_index(f"ix_{table}_archived_at", table)
    op.drop_index("ix_transactions_bucket", "transactions")
