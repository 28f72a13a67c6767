"""The link-request ledger: every way in which a request comes to be, or to its end.

No API lists link requests. What is known of them comes from the answers to our own requests, from
webhooks, from clients that turn up in the list, and from the clock.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from services.domain.link_request import (
    CLOCKS_DIFFER_BY,
    LearntBy,
    LinkRequestStatus,
    Standing,
    concerned,
)
from services.store import link_requests
from services.store.tables import ClientRow, LinkRequestRow
from services.store.text import search_text

ELSEWHERE = "elsewhere"
"""Who asked, where a webhook told of a request that nobody made through the dashboard."""
ASKING_TAKES = timedelta(minutes=10)
"""The longest that a request may take from being sent to being made."""
PAYLOADS_KEPT = timedelta(days=30)
"""How long what was asked is kept after a request was declined or ran out, to ask it again."""


def settle(session: Session, *, now: datetime) -> int:
    """Mark requests as approved whose client turned up, and as expired whose time ran out.

    Returns how many changed. What was asked is forgotten where it is needed no longer.
    """
    listed = link_requests.not_approved_but_listed(session)
    approved = sum(_approve_if_linked(request, client, now) for request, client in listed)
    session.flush()
    expired = expire_due(session, now=now)
    session.flush()
    link_requests.forget_payloads(session, ended_before=now - PAYLOADS_KEPT)
    return approved + expired


def expire_due(session: Session, *, now: datetime) -> int:
    """Mark as expired whose time ran out by our own clock, and return how many."""
    return sum(
        _take(row, Standing(LinkRequestStatus.EXPIRED, row.expires_at, LearntBy.CLOCK))
        for row in link_requests.due(session, now)
    )


def note_end(
    session: Session, tenant_id: str, status: LinkRequestStatus, *, at: datetime, by: LearntBy
) -> LinkRequestRow | None:
    """Note that a client's request ended ``at`` some moment; None where no request is known.

    What outweighs this already stays.
    """
    requests = link_requests.all_of(session, tenant_id)
    number = concerned([request.requested_at for request in requests], at)
    if number is None:
        return None
    _take(requests[number], Standing(status, at, by))
    session.flush()
    return requests[number]


def note_asked_elsewhere(
    session: Session,
    tenant_id: str,
    *,
    company_name: str | None,
    at: datetime,
    ttl: timedelta,
) -> LinkRequestRow:
    """Note a request that a webhook tells of; one that is known already is left as it is."""
    last = next(reversed(link_requests.all_of(session, tenant_id)), None)
    if last is not None and _is_the_same(last, at):
        return last
    row = _add(session, _asked(tenant_id, at, ttl, LearntBy.WEBHOOK))
    row.company_name = company_name
    if last is not None and last.payload is not None:
        # The same client: what was asked before can be asked again.
        row.company_name, row.country, row.payload = last.company_name, last.country, last.payload
    row.search_text = search_text((row.company_name, tenant_id))
    return row


def _is_the_same(known: LinkRequestRow, at: datetime) -> bool:
    """Whether what was told of a request made ``at`` is a request that is known.

    One of our own is known by when it was sent, and may have taken long to be made.
    """
    ours = known.learnt_by == LearntBy.ANSWER
    return known.requested_at >= at - (ASKING_TAKES if ours else CLOCKS_DIFFER_BY)


def note_asked(
    session: Session,
    tenant_id: str,
    *,
    company_name: str,
    country: str,
    approval_url: str | None,
    payload: dict[str, Any],
    by: str,
    at: datetime,
    ttl: timedelta,
) -> LinkRequestRow:
    """Note a request that was just made here, with what was asked, so that it can be asked again.

    ``at`` is when it was sent. A webhook may have told of it, and even of its end, before its
    answer arrived: then what only the answer tells is added to that note.
    """
    row = _told_before(session, tenant_id, at) or _add(
        session, _asked(tenant_id, at, ttl, LearntBy.ANSWER)
    )
    row.company_name, row.country = company_name, country
    row.approval_url, row.payload = approval_url, payload
    row.requested_by, row.search_text = by, search_text((company_name, tenant_id))
    if row.status == LinkRequestStatus.PENDING:
        row.learnt_by = LearntBy.ANSWER
    return row


def _told_before(session: Session, tenant_id: str, at: datetime) -> LinkRequestRow | None:
    """What a webhook told of a request that was sent ``at``."""
    current = link_requests.current_of(session, tenant_id)
    told = (
        row
        for row in current
        if row.requested_by == ELSEWHERE
        and row.requested_at >= at - CLOCKS_DIFFER_BY
        and (row.resolved_at is None or row.resolved_at >= at)
    )
    return next(told, None)


def _asked(tenant_id: str, at: datetime, ttl: timedelta, learnt_by: LearntBy) -> LinkRequestRow:
    """A request of which nothing is known but that it was made."""
    return LinkRequestRow(
        external_tenant_id=tenant_id,
        status=LinkRequestStatus.PENDING,
        requested_at=at,
        requested_by=ELSEWHERE,
        expires_at=at + ttl,
        learnt_by=learnt_by,
        search_text=search_text((tenant_id,)),
    )


def _add(session: Session, request: LinkRequestRow) -> LinkRequestRow:
    """Earlier requests of the client become history: their approval URLs are void now."""
    for earlier in link_requests.current_of(session, request.external_tenant_id):
        earlier.superseded_at = request.requested_at
        if _ended_after(earlier, request.requested_at):
            # It was told before its own request was, and laid to the one before.
            _take(request, _standing(earlier))
            earlier.status, earlier.resolved_at = LinkRequestStatus.PENDING, None
    session.add(request)
    session.flush()
    return request


def _approve_if_linked(request: LinkRequestRow, client: ClientRow, now: datetime) -> bool:
    if not _turned_up_since(client, request.requested_at):
        return False
    linked_at = client.linked_at
    told = linked_at is not None and linked_at >= request.requested_at
    at = linked_at if told else now
    return _take(request, Standing(LinkRequestStatus.APPROVED, at, LearntBy.SYNC))


def _turned_up_since(client: ClientRow, moment: datetime) -> bool:
    """Whether the client is listed because of what was asked at ``moment``, not of old."""
    linked_at = client.linked_at
    linked_since = linked_at is not None and linked_at >= moment - CLOCKS_DIFFER_BY
    return linked_since or client.first_seen_at > moment


def _ended_after(request: LinkRequestRow, moment: datetime) -> bool:
    by_clock = request.learnt_by == LearntBy.CLOCK
    return request.resolved_at is not None and request.resolved_at > moment and not by_clock


def _standing(request: LinkRequestRow) -> Standing:
    return Standing(
        LinkRequestStatus(request.status),
        request.resolved_at,
        LearntBy(request.learnt_by) if request.learnt_by else LearntBy.ANSWER,
    )


def _take(request: LinkRequestRow, told: Standing) -> bool:
    """Let a request stand as ``told`` where that outweighs what is known; return whether."""
    if not told.outweighs(_standing(request)):
        return False
    request.status, request.resolved_at = told.status, told.since
    request.learnt_by = told.learnt_by
    return True
