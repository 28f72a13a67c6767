"""What is remembered of the webhook subscriptions."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlmodel import Session, col

from services.store.tables import WebhookSubscriptionRow


def replace_all(session: Session, rows: Sequence[WebhookSubscriptionRow]) -> None:
    """Remember these subscriptions and no other."""
    session.execute(delete(WebhookSubscriptionRow))
    session.add_all(rows)


def all_of(session: Session) -> Sequence[WebhookSubscriptionRow]:
    """The subscriptions as they were last listed, oldest first."""
    oldest_first = select(WebhookSubscriptionRow).order_by(
        col(WebhookSubscriptionRow.created_at), col(WebhookSubscriptionRow.id)
    )
    return session.execute(oldest_first).scalars().all()
