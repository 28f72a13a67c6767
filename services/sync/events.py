"""Applying webhook events: an event says what to look at, the API says how it is.

Events come in any order, late and twice. So nothing is taken from them that the API can tell: the
client and the cases that they name are read again, and stored together with the note that the
event was applied. Only link requests, of which no API tells, are taken from the events themselves.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from services.debitura import DebituraError, NotFound, ReferralPartnerApi
from services.debitura.enums import WebhookEvent
from services.debitura.webhooks import Envelope, read_envelope
from services.domain.link_request import LearntBy, LinkRequestStatus
from services.store import (
    Store,
    announce,
    bookkeeping,
    cases,
    clients,
    ledger,
    mirror,
    webhook_events,
)
from services.store.bookkeeping import LISTS
from services.store.mirror import CASES, CLIENTS
from services.store.tables import WebhookEventRow
from services.store.webhook_events import EventState
from services.sync import mapping, source_lists
from services.sync.ahead import work_ahead
from services.sync.mapping import Row
from services.sync.stages import refresh_stages

log = logging.getLogger(__name__)

EVENTS_AT_ONCE = 200
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
"""How long an event that could not be applied waits before each further attempt."""

WEBHOOK = "webhook"
_ENDS = {
    WebhookEvent.CLIENT_LINKED: LinkRequestStatus.APPROVED,
    WebhookEvent.LINK_DECLINED: LinkRequestStatus.DECLINED,
    WebhookEvent.LINK_EXPIRED: LinkRequestStatus.EXPIRED,
}
_LEDGER_ONLY = (
    WebhookEvent.LINK_REQUESTED,
    WebhookEvent.LINK_DECLINED,
    WebhookEvent.LINK_EXPIRED,
)
"""Events of clients that are not linked: no API has anything to tell of them."""
_CASE_EVENTS = (
    WebhookEvent.CASE_CREATED,
    WebhookEvent.CASE_UPDATED,
    WebhookEvent.CASE_CLOSED,
)
_SIGNED = {
    WebhookEvent.POA_SIGNED: "poa_signed_at",
    WebhookEvent.CONTRACT_SIGNED: "signed_at",
}

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Received:
    """A stored event, read."""

    id: str
    attempts: int
    received_at: datetime
    envelope: Envelope

    @property
    def event(self) -> WebhookEvent | str:
        return self.envelope.event

    @property
    def at(self) -> datetime:
        """When it happened, as far as the event tells."""
        return self.envelope.timestamp or self.received_at


@dataclass
class Subject:
    """A client and its cases, and all waiting events about them."""

    tenant_id: str | None
    events: list[Received] = field(default_factory=list)

    @property
    def case_ids(self) -> list[str]:
        named = (each.envelope.data.case_id for each in self.events)
        return list(dict.fromkeys(case_id for case_id in named if case_id))

    @property
    def is_listed_somewhere(self) -> bool:
        """Whether the API has something to tell of the subject."""
        return any(each.event not in _LEDGER_ONLY for each in self.events)


@dataclass
class Present:
    """How the API says that a subject is now; what it does not know is missing."""

    tenant_id: str | None = None
    client: Row | None = None
    cases: dict[str, Row] = field(default_factory=dict)


class RowSetAside(Exception):
    """What the API told of a client could not be understood."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Debitura's answer about the client could not be understood ({reason}).")


class EventApplier:
    """Applies stored events to the store.

    ``ttl`` is how long a link request that was made elsewhere is taken to wait for an answer.
    """

    def __init__(
        self,
        store: Store,
        api: ReferralPartnerApi,
        *,
        ttl: timedelta,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._api = store, api
        self._ttl, self._clock = ttl, clock

    def run(self) -> int:
        """Take the events that are due one step on, and return how many those were.

        Each ends as applied, as ignored with a reason, or is put off, and after the last pause
        has failed with a reason. Raises StoreError where the store cannot be used; what was not
        stored by then is still due.
        """
        with self._store.read() as session:
            rows = webhook_events.due(session, now=self._clock(), limit=EVENTS_AT_ONCE)
            subjects = _by_subject(session, [_received(row) for row in rows])
        for subject, found in work_ahead(self._look, subjects):
            if isinstance(found, Present):
                self._apply(subject, found)
            else:
                self._put_off(subject, found)
        return len(rows)

    def _look(self, subject: Subject) -> tuple[Subject, Present | str]:
        """How the subject is now, or why that could not be learnt."""
        try:
            return subject, self._present(subject)
        except (DebituraError, RowSetAside) as error:
            return subject, str(error)
        except Exception as error:
            # One event that our own code stumbles over must not hold up all others.
            log.exception("A webhook event could not be read.")
            return subject, f"The dashboard could not make sense of it ({type(error).__name__})."

    def _present(self, subject: Subject) -> Present:
        present = Present(subject.tenant_id)
        for case_id in subject.case_ids:
            if row := self._case(case_id):
                present.cases[case_id] = row
                present.tenant_id = present.tenant_id or row["external_tenant_id"]
        if present.tenant_id and subject.is_listed_somewhere:
            present.client = self._client(present.tenant_id)
        return present

    def _case(self, case_id: str) -> Row | None:
        asked_at = self._clock()
        try:
            case = self._api.case(case_id)
        except NotFound:
            return None
        return {**mapping.case_row(mapping.as_listed(case)), "read_at": asked_at}

    def _client(self, tenant_id: str) -> Row | None:
        source = source_lists.clients(self._api)
        page = source.single(tenant_id)
        if page.rejected:
            raise RowSetAside(page.rejected[0].reason)
        rows = (row for row in source.rows_of(page) if row["external_tenant_id"] == tenant_id)
        return next(rows, None)

    def _apply(self, subject: Subject, present: Present) -> None:
        now = self._clock()
        with self._store.write(quiet=True) as session:
            changed = _save(session, present, now)
            for event in subject.events:
                changed += self._apply_one(session, event, present, now)
            # With a list that was never read whole, stages would be too low.
            if present.tenant_id and bookkeeping.all_read(session, LISTS):
                changed += refresh_stages(
                    session, now=now, tenant_ids=[present.tenant_id], learnt_by=WEBHOOK
                )
            if changed:
                announce(session)

    def _apply_one(self, session: Session, event: Received, present: Present, now: datetime) -> int:
        """Settle one event; return how much it changed beside the rows that were read again."""
        reason = _why_nothing_to_apply(event, present)
        changed = 0
        if event.event in _ENDS or event.event is WebhookEvent.LINK_REQUESTED:
            known = self._note_in_ledger(session, event)
            changed, reason = int(known), None if known else reason
        if present.client is not None:
            changed += _note_signed(session, str(present.tenant_id), event)
        state = EventState.APPLIED if reason is None else EventState.IGNORED
        webhook_events.settle(session, event.id, state, reason=reason, now=now)
        return changed

    def _note_in_ledger(self, session: Session, event: Received) -> bool:
        """Tell the ledger; return whether it knows of such a request now."""
        tenant_id = event.envelope.data.tenant_id
        if tenant_id is None:
            return False
        if isinstance(event.event, WebhookEvent) and event.event in _ENDS:
            end = _ENDS[event.event]
            noted = ledger.note_end(session, tenant_id, end, at=event.at, by=LearntBy.WEBHOOK)
            return noted is not None
        creditor = event.envelope.data.creditor
        ledger.note_asked_elsewhere(
            session,
            tenant_id,
            company_name=creditor.company_name if creditor else None,
            at=event.at,
            ttl=self._ttl,
        )
        return True

    def _put_off(self, subject: Subject, reason: str) -> None:
        now = self._clock()
        with self._store.write(quiet=True) as session:
            for event in subject.events:
                if event.attempts < len(PAUSES):
                    webhook_events.put_off(
                        session,
                        event.id,
                        attempts=event.attempts + 1,
                        reason=reason,
                        next_try_at=now + PAUSES[event.attempts],
                    )
                else:
                    webhook_events.settle(
                        session, event.id, EventState.FAILED, reason=reason, now=now
                    )
                    announce(session)


def _received(row: WebhookEventRow) -> Received:
    return Received(row.id, row.attempts, row.received_at, read_envelope(row.body.encode()))


def _by_subject(session: Session, events: Iterable[Received]) -> list[Subject]:
    """The events by the client they are about: one look at it serves them all."""
    subjects: dict[str, Subject] = {}
    for event in events:
        told = event.envelope.data
        tenant_id = told.tenant_id or (cases.tenant_of(session, told.case_id or ""))
        key = tenant_id or told.case_id or event.id
        subjects.setdefault(key, Subject(tenant_id)).events.append(event)
    return list(subjects.values())


def _save(session: Session, present: Present, now: datetime) -> int:
    listed = [present.client] if present.client else []
    return sum(
        mirror.save(session, target, rows, now=now, learnt_by=WEBHOOK)
        for target, rows in ((CASES, list(present.cases.values())), (CLIENTS, listed))
        if rows
    )


def _note_signed(session: Session, tenant_id: str, event: Received) -> bool:
    if not isinstance(event.event, WebhookEvent) or event.event not in _SIGNED:
        return False
    signed_at = event.envelope.data.signed_at or event.at
    return clients.note_signed(session, tenant_id, _SIGNED[event.event], signed_at)


def _why_nothing_to_apply(event: Received, present: Present) -> str | None:
    """Why an event changes nothing here; None where there is something to go by."""
    told = event.envelope.data
    if not isinstance(event.event, WebhookEvent):
        return "The dashboard knows no event of this name."
    if event.event in _CASE_EVENTS:
        if not told.case_id:
            return "It names no case."
        return None if told.case_id in present.cases else "Debitura knows no such case."
    if not told.tenant_id:
        return "It names no client."
    if event.event in _LEDGER_ONLY:
        return "No link request of this client is known."
    return None if present.client else "Debitura lists no client with this tenant id."
