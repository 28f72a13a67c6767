"""The link-request ledger: no API lists link requests, so what is noted here is all there is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

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
from services.debitura.enums import WebhookEvent
from services.domain.link_request import LearntBy, LinkRequestStatus
from services.hand_overs import HandOver, hand_over
from services.store import Page, Store, Window, hand_overs, ledger, webhook_events
from services.store import link_requests as stored
from services.store.link_requests import LinkRequestFilter
from services.store.paging import ALL_ROWS
from services.store.tables import AuditRow, HandOverRow, LinkRequestRow

__all__ = ["LearntBy", "LinkRequest", "LinkRequestFilter", "LinkRequestStatus"]


DAY = timedelta(days=1)
SOON = 2 * DAY
"""What runs out within this is work for today."""
LAST_DAY = 8
"""Approvals are counted by the day after the asking; from this day on they are taken together."""


class Urgency(StrEnum):
    """How soon a request that waits runs out, the most urgent first."""

    OVER = "Time is over"
    URGENT = "Within a day"
    SOON = "Within two days"
    CALM = "In time"


class CannotAskAgain(LookupError):
    """What was asked cannot be sent once more; the message says why, and what to do."""


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
    learnt_by: LearntBy | None
    """Who told how it stands."""
    superseded_at: datetime | None
    handed_over: HandOver | None
    """The last time that its link was given to the client."""
    can_ask_again: bool
    """Whether what was asked is still kept, so that one click asks again."""

    @property
    def made_elsewhere(self) -> bool:
        """Whether only a webhook told of it."""
        return self.requested_by == ledger.ELSEWHERE

    @property
    def time_taken(self) -> timedelta | None:
        """From the asking to the end; None while it waits."""
        return None if self.resolved_at is None else self.resolved_at - self.requested_at

    def urgency(self, now: datetime) -> Urgency:
        """How soon it runs out, by the clock of ``only_soon``."""
        if self.expires_at <= now:
            return Urgency.OVER
        left = self.expires_at - _begun_hour(now)
        return Urgency.URGENT if left < DAY else Urgency.SOON if left < SOON else Urgency.CALM

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
        handed = hand_overs.last_of(session, [row.external_tenant_id for row in page.rows])
        requests = [_request(row, handed.get(row.external_tenant_id)) for row in page.rows]
        return Page(requests, page.total)


def of_client(store: Store, tenant_id: str) -> list[LinkRequest]:
    """Every request that was ever made to a client, the superseded ones too, newest first."""
    asked = LinkRequestFilter(tenant_id=tenant_id, superseded=True)
    newest_first = Window(size=None, sort="requested_at", descending=True)
    return list(list_requests(store, asked, newest_first).rows)


def countries(store: Store) -> list[str]:
    """The countries of the companies that were asked."""
    with store.read() as session:
        return stored.countries(session)


def askers(store: Store) -> list[str]:
    """Who asked."""
    with store.read() as session:
        return stored.askers(session)


def count_by_status(store: Store, wanted: LinkRequestFilter) -> dict[LinkRequestStatus, int]:
    """How many requests ended, or wait, in each way."""
    with store.read() as session:
        found = stored.count_by_status(session, wanted)
    return {status: found.get(status, 0) for status in LinkRequestStatus}


def only_soon(wanted: LinkRequestFilter, *, now: datetime) -> LinkRequestFilter:
    """``wanted`` narrowed to what waits and runs out within 48 hours of ``now``.

    They are told from the hour that has begun: so every page counts the same, and a list that is
    looked at stays the same list for a while.
    """
    soon = _begun_hour(now) + SOON
    return replace(wanted, status=LinkRequestStatus.PENDING, expires_before=soon)


def running_out(store: Store, *, now: datetime) -> list[LinkRequest]:
    """Pending requests that run out within 48 hours, the most urgent first."""
    soon = only_soon(LinkRequestFilter(), now=now)
    return list(list_requests(store, soon, ALL_ROWS).rows)


def run_out(store: Store, *, since: datetime) -> list[LinkRequest]:
    """Requests that ran out without an answer since a moment, the latest first."""
    expired = LinkRequestFilter(status=LinkRequestStatus.EXPIRED, ended_from=since)
    latest_first = Window(size=ALL_ROWS.size, sort="resolved_at", descending=True)
    return list(list_requests(store, expired, latest_first).rows)


def ended(counts: dict[LinkRequestStatus, int]) -> int:
    """How many were approved, declined or ran out."""
    return sum(count for status, count in counts.items() if status != LinkRequestStatus.PENDING)


def approval_rate(counts: dict[LinkRequestStatus, int]) -> float | None:
    """Approved among the answered and expired, 0 to 1; None while none has ended."""
    return counts[LinkRequestStatus.APPROVED] / ended(counts) if ended(counts) else None


def times_to_approval(store: Store, wanted: LinkRequestFilter) -> list[timedelta]:
    """How long each approval took, the fastest first."""
    approved = replace(wanted, status=LinkRequestStatus.APPROVED)
    with store.read() as session:
        return stored.times_taken(session, approved)


def median_time(times: Sequence[timedelta]) -> timedelta | None:
    """Half of the approvals came faster; None where there is none."""
    return timedelta(seconds=median(time.total_seconds() for time in times)) if times else None


def approvals_by_day(times: Sequence[timedelta]) -> list[int]:
    """How many approvals came on the first day after the asking, the second and so on.

    The last number is of all that came on ``LAST_DAY`` or later.
    """
    days = Counter(min(max(time // DAY + 1, 1), LAST_DAY) for time in times)
    return [days[day] for day in range(1, LAST_DAY + 1)]


def only_approved_on(wanted: LinkRequestFilter, day: int) -> LinkRequestFilter:
    """``wanted`` narrowed to the approvals that ``approvals_by_day`` counts for ``day``."""
    return replace(
        wanted,
        status=LinkRequestStatus.APPROVED,
        took_from=(day - 1) * DAY if day > 1 else None,
        took_before=day * DAY if day < LAST_DAY else None,
    )


def why_not_again(request: LinkRequest) -> str | None:
    """Why this request cannot be asked again here, and what to do; None where it can."""
    if request.superseded_at is not None:
        return "The client was asked again since: this request is history."
    if request.can_ask_again:
        return None
    if request.made_elsewhere:
        return (
            "This request was not made through the dashboard, so what was asked is not known "
            "here. Ask again from where it was made, with the same tenant id."
        )
    return (
        "What was asked is no longer kept: it holds names and addresses. Create the client anew "
        "from your platform, with the same tenant id."
    )


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
        _note(session, new_client, result, actor=actor, now=now, ttl=ttl)
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

    Raises DebituraError as ``ask_for_link``, and CannotAskAgain where what was asked is not kept
    or was asked again since.
    """
    with store.read() as session:
        row = stored.get(session, request_id)
    if row is None:
        raise CannotAskAgain("This request is no longer kept.")
    if reason := why_not_again(_request(row)):
        raise CannotAskAgain(reason)
    new_client = NewClient.model_validate(row.payload)
    return ask_for_link(store, api, new_client, actor=actor, now=now, ttl=ttl)


def outcome_sentence(result: CreateClientResult) -> str:
    """What came of asking, and what to do next."""
    match result:
        case LinkRequested():
            return "A link request was made: hand its approval link over. Earlier links are void."
        case LinkRefused(type=refusal):
            return (
                f"Debitura refused the link ({refusal}): the company cannot be linked this way. "
                "Contact Debitura; the earlier request is left as it was."
            )
        case ClientReady():
            return "The company is linked and has signed. It is listed here with the next sync."
        case ClientOnboarding():
            return (
                "The company is linked and has to sign: hand its onboarding link over. It is "
                "listed here with the next sync."
            )


def is_empty(store: Store) -> bool:
    """Whether nothing was ever asked."""
    with store.read() as session:
        return not stored.any_at_all(session)


def _note(
    session: Session,
    new_client: NewClient,
    result: CreateClientResult,
    *,
    actor: str,
    now: datetime,
    ttl: timedelta,
) -> None:
    if isinstance(result, LinkRequested):
        ledger.note_asked(
            session,
            new_client.tenant_id,
            company_name=new_client.client.name,
            country=new_client.client.country,
            approval_url=result.url,
            payload=new_client.body(),
            by=actor,
            at=now,
            ttl=ttl,
        )
        webhook_events.reopen(session, new_client.tenant_id, _ENDS)
    elif isinstance(result, ClientReady | ClientOnboarding):
        _note_approved(session, new_client.tenant_id, result.client.date_linked, now=now)


_ENDS = (WebhookEvent.CLIENT_LINKED, WebhookEvent.LINK_DECLINED, WebhookEvent.LINK_EXPIRED)
"""Events that may have been told before the answer that made their request known."""


def _note_approved(
    session: Session, tenant_id: str, linked_at: datetime | None, *, now: datetime
) -> None:
    """The client is linked: whatever it was asked before is approved, at the latest now."""
    for at in (linked_at, now):
        if at is not None and ledger.note_end(
            session, tenant_id, LinkRequestStatus.APPROVED, at=at, by=LearntBy.ANSWER
        ):
            return


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


def _begun_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _request(row: LinkRequestRow, last: HandOverRow | None = None) -> LinkRequest:
    """``last`` is the client's newest hand-over, which may have been of an earlier link."""
    of_this_link = last is not None and last.url is not None and last.url == row.approval_url
    handed = hand_over(last) if last is not None and of_this_link else None
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
        learnt_by=LearntBy(row.learnt_by) if row.learnt_by else None,
        superseded_at=row.superseded_at,
        handed_over=handed,
        can_ask_again=row.payload is not None,
    )
