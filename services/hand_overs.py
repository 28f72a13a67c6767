"""Links handed over to clients. Debitura sends no email, so only the team knows of these."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.store import Store
from services.store import hand_overs as stored
from services.store.tables import AuditRow, HandOverRow

LONGEST_NAME = 200
CLOCKS_DIFFER_BY = timedelta(minutes=1)


class Way(StrEnum):
    """How a link was handed over."""

    EMAIL = "email"
    PHONE = "phone"
    CHAT = "chat"
    IN_PRODUCT = "in_product"
    MEETING = "meeting"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Way.EMAIL: "Email",
    Way.PHONE: "Phone",
    Way.CHAT: "Chat",
    Way.IN_PRODUCT: "In the product",
    Way.MEETING: "Meeting",
    Way.OTHER: "Other",
}


@dataclass(frozen=True)
class HandOver:
    """A link that somebody of the team gave to a client."""

    url: str | None
    handed_over_at: datetime
    to_whom: str
    how: str
    """What the way is called; one that is unknown as it was noted."""
    noted_by: str
    noted_at: datetime


class HandOverRefused(Exception):
    """A hand-over cannot be noted as told; the message says what to change."""


def note(
    store: Store,
    tenant_id: str,
    *,
    url: str | None,
    at: datetime,
    to_whom: str,
    how: Way,
    actor: str,
    now: datetime,
) -> None:
    """Note that the client was given the link ``url`` at the moment ``at``, and audit it.

    Raises HandOverRefused where nobody is named, or ``at`` is still to come.
    """
    name = " ".join(to_whom.split())
    _refuse_what_cannot_be(name, at, now)
    row = HandOverRow(
        external_tenant_id=tenant_id,
        url=url,
        handed_over_at=at,
        to_whom=name,
        how=how,
        noted_by=actor,
        noted_at=now,
    )
    with store.write() as session:
        session.add(row)
        session.add(
            AuditRow(
                at=now, actor=actor, action="note hand-over", subject=tenant_id, outcome="noted"
            )
        )


def of_client(store: Store, tenant_id: str) -> list[HandOver]:
    """Every hand-over to a client, newest first."""
    with store.read() as session:
        return [hand_over(row) for row in stored.all_of(session, tenant_id)]


def hand_over(row: HandOverRow) -> HandOver:
    """A stored hand-over as pages show it."""
    return HandOver(
        url=row.url,
        handed_over_at=row.handed_over_at,
        to_whom=row.to_whom,
        how=Way(row.how).label if row.how in list(Way) else row.how,
        noted_by=row.noted_by,
        noted_at=row.noted_at,
    )


def _refuse_what_cannot_be(name: str, at: datetime, now: datetime) -> None:
    if not name:
        raise HandOverRefused("Say to whom the link was handed over.")
    if len(name) > LONGEST_NAME:
        raise HandOverRefused(f"Name the person in at most {LONGEST_NAME} letters.")
    if at > now + CLOCKS_DIFFER_BY:
        raise HandOverRefused("A link cannot have been handed over in the future.")
