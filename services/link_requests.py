"""The link-request ledger: no API lists link requests, so what is noted here is all there is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from services.debitura import (
    ClientOnboarding,
    ClientReady,
    CreateClientResult,
    DebituraError,
    LinkRefused,
    LinkRequested,
    NewClient,
    ReferralPartnerApi,
)
from services.store import Page, Store, Window
from services.store import link_requests as stored
from services.store.link_requests import LinkRequestFilter, LinkRequestStatus
from services.store.paging import ALL_ROWS
from services.store.tables import AuditRow, LinkRequestRow
from services.store.text import search_text

__all__ = ["LinkRequest", "LinkRequestFilter", "LinkRequestStatus"]


SOON = timedelta(hours=48)
"""What runs out within this is work for today."""


@dataclass(frozen=True)
class LinkRequest:
    """A request that a company with a Debitura account approves the link to the partner."""

    id: int
    tenant_id: str
    company_name: str
    country: str | None
    status: LinkRequestStatus
    requested_at: datetime
    requested_by: str
    approval_url: str | None
    expires_at: datetime
    resolved_at: datetime | None
    superseded_at: datetime | None
    can_ask_again: bool
    """Whether what was asked is still kept, so that one click asks again."""

    def time_left(self, now: datetime) -> timedelta:
        """Until it runs out; never negative."""
        return max(self.expires_at - now, timedelta())

    def share_left(self, now: datetime) -> float:
        """The part of the whole window that is left, 0 to 1."""
        window = self.expires_at - self.requested_at
        return min(self.time_left(now) / window, 1.0) if window else 0.0


def list_requests(store: Store, wanted: LinkRequestFilter, window: Window) -> Page[LinkRequest]:
    """A page of requests."""
    with store.read() as session:
        page = stored.page_of(session, wanted, window)
        return Page([_request(row) for row in page.rows], page.total)


def count_by_status(store: Store, wanted: LinkRequestFilter) -> dict[LinkRequestStatus, int]:
    """How many requests ended, or wait, in each way."""
    with store.read() as session:
        found = stored.count_by_status(session, wanted)
    return {status: found.get(status, 0) for status in LinkRequestStatus}


def only_soon(wanted: LinkRequestFilter, *, now: datetime) -> LinkRequestFilter:
    """``wanted`` narrowed to what waits and runs out within 48 hours of ``now``."""
    return replace(wanted, status=LinkRequestStatus.PENDING, expires_before=now + SOON)


def running_out(store: Store, *, now: datetime) -> list[LinkRequest]:
    """Pending requests that run out within 48 hours, the most urgent first."""
    soon = only_soon(LinkRequestFilter(), now=now)
    return list(list_requests(store, soon, ALL_ROWS).rows)


def approval_rate(counts: dict[LinkRequestStatus, int]) -> float | None:
    """Approved among the answered and expired, 0 to 1; None while none has ended."""
    ended = sum(count for status, count in counts.items() if status != LinkRequestStatus.PENDING)
    return counts[LinkRequestStatus.APPROVED] / ended if ended else None


def median_time_to_approval(requests: Sequence[LinkRequest]) -> timedelta | None:
    """Half of the approvals came faster; None where there is none."""
    times = sorted(
        request.resolved_at - request.requested_at
        for request in requests
        if request.status is LinkRequestStatus.APPROVED and request.resolved_at
    )
    return times[len(times) // 2] if times else None


def ask_for_link(
    store: Store,
    api: ReferralPartnerApi,
    new_client: NewClient,
    *,
    actor: str,
    now: datetime,
    ttl: timedelta,
) -> CreateClientResult:
    """Send the client to Debitura and note the link request where its answer makes one.

    Earlier requests of the same client are superseded and become history: Debitura made their
    approval URLs void, and the latest tells how the client stands. Raises DebituraError where
    the client was not accepted; the attempt is audited anyway.
    """
    try:
        result = api.create_client(new_client)
    except DebituraError as error:
        _audit(store, actor, new_client.tenant_id, f"failed: {type(error).__name__}", now)
        raise
    with store.write() as session:
        if isinstance(result, LinkRequested):
            _note_request(session, new_client, result, actor=actor, now=now, ttl=ttl)
        session.add(_audit_row(actor, new_client.tenant_id, _outcome(result), now))
    return result


def ask_again(
    store: Store,
    api: ReferralPartnerApi,
    request_id: int,
    *,
    actor: str,
    now: datetime,
    ttl: timedelta,
) -> CreateClientResult:
    """Send an earlier request once more, which gives a fresh approval URL and window.

    Raises DebituraError as ``ask_for_link``, and LookupError where what was asked is not kept.
    """
    with store.read() as session:
        row = stored.get(session, request_id)
    if row is None or row.payload is None:
        raise LookupError("What was asked is no longer kept. Create the client anew.")
    new_client = NewClient.model_validate(row.payload)
    return ask_for_link(store, api, new_client, actor=actor, now=now, ttl=ttl)


def outcome_sentence(result: CreateClientResult) -> str:
    """What came of asking, and what to do next."""
    match result:
        case LinkRequested():
            return "A fresh link request was made. Hand the new approval link over."
        case LinkRefused(type=refusal):
            return (
                f"Debitura refused the link ({refusal}): the company cannot be linked this way. "
                "Contact Debitura; the earlier request is left as it was."
            )
        case ClientReady():
            return "The company is linked already and has signed. The next sync brings it."
        case ClientOnboarding():
            return (
                "The company is linked already and has to sign. The next sync brings it with the "
                "onboarding link to hand over."
            )


def is_empty(store: Store) -> bool:
    """Whether nothing was ever asked."""
    with store.read() as session:
        return not stored.any_at_all(session)


def _note_request(
    session: Session,
    new_client: NewClient,
    result: LinkRequested,
    *,
    actor: str,
    now: datetime,
    ttl: timedelta,
) -> None:
    for earlier in stored.current_of(session, new_client.tenant_id):
        earlier.superseded_at = now
    session.add(
        LinkRequestRow(
            external_tenant_id=new_client.tenant_id,
            company_name=new_client.client.name,
            country=new_client.client.country,
            status=LinkRequestStatus.PENDING,
            requested_at=now,
            requested_by=actor,
            approval_url=result.url,
            expires_at=now + ttl,
            learnt_by="answer",
            payload=new_client.body(),
            search_text=search_text((new_client.client.name, new_client.tenant_id)),
        )
    )


def _outcome(result: CreateClientResult) -> str:
    match result:
        case LinkRequested():
            return "link requested"
        case LinkRefused(type=refusal):
            return f"refused: {refusal}"
        case ClientReady():
            return "linked, ready"
        case ClientOnboarding():
            return "linked, onboarding"


def _audit(store: Store, actor: str, subject: str, outcome: str, now: datetime) -> None:
    with store.write() as session:
        session.add(_audit_row(actor, subject, outcome, now))


def _audit_row(actor: str, subject: str, outcome: str, now: datetime) -> AuditRow:
    return AuditRow(at=now, actor=actor, action="ask for link", subject=subject, outcome=outcome)


def _request(row: LinkRequestRow) -> LinkRequest:
    return LinkRequest(
        id=row.id or 0,
        tenant_id=row.external_tenant_id,
        company_name=row.company_name or row.external_tenant_id,
        country=row.country,
        status=LinkRequestStatus(row.status),
        requested_at=row.requested_at,
        requested_by=row.requested_by,
        approval_url=row.approval_url,
        expires_at=row.expires_at,
        resolved_at=row.resolved_at,
        superseded_at=row.superseded_at,
        can_ask_again=row.payload is not None,
    )
