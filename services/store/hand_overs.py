"""Queries about links that were handed over to clients."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from services.store.mirror import KEYS_A_QUERY
from services.store.tables import HandOverRow

_NEWEST_FIRST = (col(HandOverRow.handed_over_at).desc(), col(HandOverRow.id).desc())


def all_of(session: Session, tenant_id: str) -> Sequence[HandOverRow]:
    """Every hand-over to a client, newest first."""
    handed = select(HandOverRow).where(col(HandOverRow.external_tenant_id) == tenant_id)
    return session.execute(handed.order_by(*_NEWEST_FIRST)).scalars().all()


def last_of(session: Session, tenant_ids: Sequence[str]) -> dict[str, HandOverRow]:
    """The newest hand-over to each of the clients that ever had one."""
    last: dict[str, HandOverRow] = {}
    for start in range(0, len(tenant_ids), KEYS_A_QUERY):
        some = tenant_ids[start : start + KEYS_A_QUERY]
        handed = select(HandOverRow).where(col(HandOverRow.external_tenant_id).in_(some))
        for row in session.execute(handed.order_by(*_NEWEST_FIRST)).scalars():
            last.setdefault(row.external_tenant_id, row)
    return last
