"""Applying webhook events: an event says what to look at, the API says how it is.

Events come in any order, late and twice. So nothing is taken from them that the API can tell: the
client and the cases that they name are read again, and stored together with the note that the
event was applied. Only link requests, of which no API tells, are taken from the events themselves.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from services.debitura import DebituraError, NotFound, ReferralPartnerApi
from services.debitura.enums import WebhookEvent
from services.debitura.webhooks import Envelope, read_envelope
from services.domain.link_request import LearntBy, LinkRequestStatus
from services.store import (
    Store,
    StoreError,
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
from services.sync.ahead import AT_ONCE
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
    timedelta(hours=2),
    timedelta(hours=6),
)
"""How long an event that could not be applied waits before each further attempt."""
MAY_LAG = 1
"""How often a case or client that the API does not know yet is asked for again."""
CLOCKS_DIFFER_BY = timedelta(days=1)

WEBHOOK = "webhook"
ENDS = {
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
    def tenant_id(self) -> str | None:
        return self.envelope.data.tenant_id or None

    @property
    def case_id(self) -> str | None:
        """The case of a case event."""
        return (self.envelope.data.case_id or None) if self.event in _CASE_EVENTS else None

    @property
    def at(self) -> datetime:
        """When it happened, as far as the event tells."""
        return self.plausible(self.envelope.timestamp)

    @property
    def signed_at(self) -> datetime:
        return self.plausible(self.envelope.data.signed_at or self.envelope.timestamp)

    def plausible(self, told: datetime | None) -> datetime:
        """``told``, but for a moment that cannot have been: then when the event came."""
        if told is None or told > self.received_at + CLOCKS_DIFFER_BY or told.year < _FIRST_YEAR:
            return self.received_at
        return told


_FIRST_YEAR = 2000


@dataclass
class Subject:
    """A client and its cases, and all waiting events about them."""

    tenant_id: str | None
    events: list[Received] = field(default_factory=list)

    @property
    def objects(self) -> list[tuple[str, str]]:
        """What the API is to be asked for: the kind and id of each."""
        named = dict.fromkeys(("case", each.case_id) for each in self.events if each.case_id)
        found = [(kind, case_id) for kind, case_id in named if case_id]
        if self.tenant_id and any(each.event not in _LEDGER_ONLY for each in self.events):
            found.append(("client", self.tenant_id))
        return found

    @property
    def in_order(self) -> list[Received]:
        """A request before its end, as far as the events tell when each was."""
        requested = WebhookEvent.LINK_REQUESTED
        return sorted(self.events, key=lambda each: (each.at, each.event is not requested))


@dataclass(frozen=True)
class Unread:
    """Why something could not be read."""

    reason: str


Found = Row | Unread | None
"""A row as it is stored; None where the API knows none."""


@dataclass
class Present:
    """How the API says that a subject is now."""

    found: dict[tuple[str, str], Found] = field(default_factory=dict)

    def rows(self, kind: str) -> list[Row]:
        return [row for (of, _), row in self.found.items() if of == kind and isinstance(row, dict)]


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
        self._partner_confirmed = False

    def run(self) -> int:
        """Take the events that are due one step on, and return how many those were.

        Each ends as applied, as ignored with a reason, or is put off, and after the last pause
        has failed with a reason. Raises StoreError where the store cannot be used or holds another
        partner's data, and DebituraError while it is not known whose data the key gives; what was
        not stored by then is still due.
        """
        with self._store.read() as session:
            rows = webhook_events.due(session, now=self._clock(), limit=EVENTS_AT_ONCE)
        if not rows:
            return 0
        self._make_sure_of_the_partner()
        readable = self._readable(rows)
        with self._store.read() as session:
            subjects = _by_subject(session, readable)
        for subject, present in self._looked_at(subjects):
            self._take_on(subject, present)
        return len(rows)

    def _make_sure_of_the_partner(self) -> None:
        if not self._partner_confirmed:
            self._store.claim_for_partner(self._api.me().id)
            self._partner_confirmed = True

    def _readable(self, rows: Iterable[WebhookEventRow]) -> list[Received]:
        found = []
        for row in rows:
            try:
                envelope = read_envelope(row.body.encode())
            except Exception as error:
                # It was read when it came in; whatever it is now must not hold up all others.
                log.exception("A stored webhook event could not be read.")
                self._settle([row.id], EventState.FAILED, _stumbled(error))
            else:
                found.append(Received(row.id, row.attempts, row.received_at, envelope))
        return found

    def _looked_at(self, subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Present]]:
        """Each subject as soon as all about it is read; a slow answer holds up its own only."""
        present = [Present() for _ in subjects]
        missing = [len(subject.objects) for subject in subjects]
        yield from (
            (subject, each)
            for subject, each, count in zip(subjects, present, missing, strict=True)
            if not count
        )
        with ThreadPoolExecutor(AT_ONCE) as pool:
            asked: dict[Future[Found], tuple[int, tuple[str, str]]] = {
                pool.submit(self._read, *wanted): (number, wanted)
                for number, subject in enumerate(subjects)
                for wanted in subject.objects
            }
            for done in as_completed(asked):
                number, wanted = asked[done]
                present[number].found[wanted] = done.result()
                missing[number] -= 1
                if not missing[number]:
                    yield subjects[number], present[number]

    def _read(self, kind: str, key: str) -> Found:
        try:
            return self._case(key) if kind == "case" else self._client(key)
        except (DebituraError, RowSetAside) as error:
            return Unread(str(error))
        except Exception as error:
            # One answer that our own code stumbles over must not hold up all others.
            log.exception("What a webhook event is about could not be read.")
            return Unread(_stumbled(error))

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

    def _take_on(self, subject: Subject, present: Present) -> None:
        try:
            self._apply(subject, present)
        except StoreError:
            raise
        except Exception as error:
            log.exception("Webhook events could not be applied.")
            with self._store.write(quiet=True) as session:
                for event in subject.events:
                    self._put_off(session, event, _stumbled(error))

    def _apply(self, subject: Subject, present: Present) -> None:
        now = self._clock()
        with self._store.write(quiet=True) as session:
            changed = _save(session, present, now)
            for event in subject.in_order:
                changed += self._apply_one(session, event, present, now)
            # With a list that was never read whole, stages would be too low.
            if subject.tenant_id and bookkeeping.all_read(session, LISTS):
                changed += refresh_stages(
                    session, now=now, tenant_ids=[subject.tenant_id], learnt_by=WEBHOOK
                )
            if changed:
                announce(session)

    def _apply_one(self, session: Session, event: Received, present: Present, now: datetime) -> int:
        """Settle one event, or put it off; return how much it changed beside what was read."""
        in_ledger = self._note_in_ledger(session, event)
        signed = _note_signed(session, event, present)
        about = _about(event, present)
        if isinstance(about, Unread):
            self._put_off(session, event, about.reason)
        elif about is not None and not in_ledger and _may_lag(event):
            self._put_off(session, event, about)
        else:
            state = EventState.APPLIED if about is None or in_ledger else EventState.IGNORED
            reason = about if state is EventState.IGNORED else None
            webhook_events.settle(session, [event.id], state, reason=reason, now=now)
        return int(in_ledger) + int(signed)

    def _note_in_ledger(self, session: Session, event: Received) -> bool:
        """Tell the ledger; return whether it knows of such a request now."""
        tenant_id = event.tenant_id
        if tenant_id is None or not isinstance(event.event, WebhookEvent):
            return False
        if event.event in ENDS:
            end = ENDS[event.event]
            noted = ledger.note_end(session, tenant_id, end, at=event.at, by=LearntBy.WEBHOOK)
            return noted is not None
        if event.event is not WebhookEvent.LINK_REQUESTED:
            return False
        creditor = event.envelope.data.creditor
        ledger.note_asked_elsewhere(
            session,
            tenant_id,
            company_name=creditor.company_name if creditor else None,
            at=event.at,
            ttl=self._ttl,
        )
        # An end that was told before its request had nothing to end.
        webhook_events.reopen(session, tenant_id, ENDS)
        return True

    def _put_off(self, session: Session, event: Received, reason: str) -> None:
        now = self._clock()
        if event.attempts >= len(PAUSES):
            webhook_events.settle(session, [event.id], EventState.FAILED, reason=reason, now=now)
            announce(session)
            return
        webhook_events.put_off(
            session,
            event.id,
            attempts=event.attempts + 1,
            reason=reason,
            next_try_at=now + PAUSES[event.attempts],
        )

    def _settle(self, ids: Sequence[str], state: EventState, reason: str) -> None:
        with self._store.write() as session:
            webhook_events.settle(session, ids, state, reason=reason, now=self._clock())


def _stumbled(error: Exception) -> str:
    return f"The dashboard could not make sense of it ({type(error).__name__})."


def _by_subject(session: Session, events: Iterable[Received]) -> list[Subject]:
    """The events by the client they are about: one look at it serves them all."""
    subjects: dict[str, Subject] = {}
    for event in events:
        tenant_id = event.tenant_id or (event.case_id and cases.tenant_of(session, event.case_id))
        key = tenant_id or event.case_id or event.id
        subjects.setdefault(key, Subject(tenant_id or None)).events.append(event)
    return list(subjects.values())


def _save(session: Session, present: Present, now: datetime) -> int:
    return sum(
        mirror.save(session, target, rows, now=now, learnt_by=WEBHOOK)
        for target, rows in ((CASES, present.rows("case")), (CLIENTS, present.rows("client")))
        if rows
    )


def _note_signed(session: Session, event: Received, present: Present) -> bool:
    if not isinstance(event.event, WebhookEvent) or event.event not in _SIGNED:
        return False
    client = present.found.get(("client", event.tenant_id or ""))
    if not isinstance(client, dict):
        return False
    tenant_id = client["external_tenant_id"]
    return clients.note_signed(session, tenant_id, _SIGNED[event.event], event.signed_at)


def _about(event: Received, present: Present) -> str | Unread | None:
    """Why an event changes nothing here, or what it is about is unread; None where it was read."""
    if not isinstance(event.event, WebhookEvent):
        return "The dashboard knows no event of this name."
    if event.event in _CASE_EVENTS:
        if not event.case_id:
            return "It names no case."
        case = present.found[("case", event.case_id)]
        return _unless_read(case, "Debitura knows no such case.")
    if not event.tenant_id:
        return "It names no client."
    if event.event in _LEDGER_ONLY:
        return "No link request of this client is known."
    client = present.found[("client", event.tenant_id)]
    return _unless_read(client, "Debitura lists no client with this tenant id.")


def _unless_read(found: Found, unknown: str) -> str | Unread | None:
    if found is None:
        return unknown
    return found if isinstance(found, Unread) else None


def _may_lag(event: Received) -> bool:
    """Whether what the event is about may only be on its way to where the API reads it."""
    names_something = event.case_id or (event.tenant_id and event.event not in _LEDGER_ONLY)
    return (
        isinstance(event.event, WebhookEvent) and bool(names_something) and event.attempts < MAY_LAG
    )
