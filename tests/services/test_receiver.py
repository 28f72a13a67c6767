"""Which deliveries are let in, and that each is stored once before its sender is answered."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlmodel import select

from services import webhooks
from services.receiver import LARGEST_BODY, DeliveryRefused, Receiver, Refusal
from services.store import Store, StoreError, Window, webhook_events
from services.store.tables import WebhookEventRow
from services.webhooks import EventFilter, EventState
from tests.deliveries import SECRET, body_of, event, signature

OTHER_SECRET = "b3RoZXIgc2VjcmV0IG9mIG91cnM="
PATIENCE_S = 20
BODY = body_of(event("case.created", "t-1", case_id="c-1", event_id="e-1"))


@pytest.fixture
def receiver(store: Store) -> Iterator[Receiver]:
    opened = Receiver(store, lambda: [SecretStr(OTHER_SECRET), SecretStr(SECRET)])
    yield opened
    opened.close()


def stored(store: Store) -> list[tuple[str, EventState]]:
    return [(e.id, e.state) for e in webhooks.list_events(store, EventFilter(), Window()).rows]


def sent(store: Store) -> bytes:
    """What the one event was sent as."""
    with store.read() as session:
        return session.execute(select(WebhookEventRow)).scalar_one().body.encode()


def take(receiver: Receiver, body: bytes, header: str | None) -> None:
    receiver.take(header, body).result(PATIENCE_S)


def refusal_of(receiver: Receiver, body: bytes, header: str | None) -> Refusal:
    with pytest.raises(DeliveryRefused) as refused:
        receiver.take(header, body)
    return refused.value.refusal


def test_a_signed_event_is_stored_with_what_it_is_about(store: Store, receiver: Receiver) -> None:
    take(receiver, BODY, signature(BODY))
    [found] = webhooks.list_events(store, EventFilter(), Window()).rows
    assert (found.id, found.event, found.state) == ("e-1", "case.created", EventState.RECEIVED)
    assert (found.tenant_id, found.case_id) == ("t-1", "c-1")
    assert found.happened_at == datetime(2026, 3, 20, 12, tzinfo=UTC)
    assert sent(store) == BODY


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_any_of_several_secrets_lets_it_in(store: Store, receiver: Receiver, secret: str) -> None:
    take(receiver, BODY, signature(BODY, secret=secret))
    assert stored(store) == [("e-1", EventState.RECEIVED)]


def test_an_event_that_comes_twice_is_stored_once_and_taken_both_times(
    store: Store, receiver: Receiver
) -> None:
    again = body_of(event("case.closed", "t-2", event_id="e-1"))
    for body in (BODY, BODY, again):
        take(receiver, body, signature(body))
    assert sent(store) == BODY
    assert len(stored(store)) == 1


def signed(body: bytes, *, away: float = 0, secret: str = SECRET) -> tuple[bytes, str]:
    return body, signature(body, secret=secret, at=time.time() + away)


# Made when they are needed: a signature is good for five minutes.
REFUSED: dict[str, tuple[Callable[[], tuple[bytes, str | None]], Refusal]] = {
    "unsigned": (lambda: (BODY, None), Refusal.UNSIGNED),
    "empty signature": (lambda: (BODY, ""), Refusal.UNSIGNED),
    "no signature": (lambda: (BODY, "t=now,v1=abc"), Refusal.MALFORMED),
    "tampered": (lambda: (BODY + b" ", signature(BODY)), Refusal.MISMATCH),
    "another secret": (lambda: signed(BODY, secret="bm90IG91cnM="), Refusal.MISMATCH),
    "stale": (lambda: signed(BODY, away=-400), Refusal.TOO_OLD),
    "future": (lambda: signed(BODY, away=400), Refusal.FROM_THE_FUTURE),
    "oversized": (lambda: (b" " * (LARGEST_BODY + 1), None), Refusal.TOO_LARGE),
    "not JSON": (lambda: signed(b"<xml/>"), Refusal.NOT_AN_EVENT),
    "not text": (lambda: signed(b"\xff\xfe"), Refusal.NOT_AN_EVENT),
    "nested": (lambda: signed(b"[" * 200_000), Refusal.NOT_AN_EVENT),
    "no envelope": (lambda: signed(b"[1, 2]"), Refusal.NOT_AN_EVENT),
    "no id": (lambda: signed(b'{"event": "x"}'), Refusal.NOT_AN_EVENT),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_a_signed_event_is_refused_counted_and_not_kept(
    store: Store, receiver: Receiver, name: str
) -> None:
    make, refusal = REFUSED[name]
    body, header = make()
    for _ in range(2):
        assert refusal_of(receiver, body, header) is refusal
    receiver.close()
    assert stored(store) == []
    assert [(each.reason, each.count) for each in webhooks.refused(store)] == [(refusal, 2)]


def test_without_a_secret_nothing_is_let_in(store: Store) -> None:
    receiver = Receiver(store, list)
    assert refusal_of(receiver, BODY, signature(BODY)) is Refusal.NO_SECRET
    receiver.close()


def test_an_unknown_event_with_odd_data_is_stored(store: Store, receiver: Receiver) -> None:
    odd = body_of({"id": "e-9", "event": "moon.landed", "data": "none", "timestamp": "never"})
    take(receiver, odd, signature(odd))
    assert stored(store) == [("e-9", EventState.RECEIVED)]


def test_who_waits_hears_that_the_event_could_not_be_stored(
    store: Store, receiver: Receiver
) -> None:
    with store.write() as session:
        session.connection().exec_driver_sql("DROP TABLE webhook_events")
    waiting = receiver.take(signature(BODY), BODY)
    assert isinstance(waiting.exception(PATIENCE_S), StoreError)
    assert isinstance(receiver.take(signature(BODY), BODY).exception(PATIENCE_S), StoreError)


def test_a_sender_that_gives_up_stops_neither_its_event_nor_those_after_it(
    store: Store, receiver: Receiver
) -> None:
    later = body_of(event("case.closed", "t-1", case_id="c-1", event_id="e-2"))
    with store.write():  # the store is busy
        impatient = receiver.take(signature(BODY), BODY)
        assert not impatient.cancel()
        waiting = receiver.take(signature(later), later)
    assert impatient.result(PATIENCE_S) is None
    assert waiting.result(PATIENCE_S) is None
    assert {event_id for event_id, _ in stored(store)} == {"e-1", "e-2"}


def test_refusals_take_no_events_place(store: Store, receiver: Receiver) -> None:
    with store.write():
        for _ in range(6000):
            refusal_of(receiver, BODY, None)
        waiting = receiver.take(signature(BODY), BODY)
    assert waiting.result(PATIENCE_S) is None
    receiver.close()
    assert [(each.reason, each.count) for each in webhooks.refused(store)] == [
        (Refusal.UNSIGNED, 6000)
    ]


def test_failed_events_are_replayed_one_or_all(store: Store, receiver: Receiver) -> None:
    for number in range(3):
        body = body_of(event("case.created", "t-1", event_id=f"e-{number}"))
        take(receiver, body, signature(body))
    with store.write() as session:
        for number in range(2):
            webhook_events.settle(
                session, [f"e-{number}"], EventState.FAILED, reason="No.", now=datetime.now(UTC)
            )
    later = datetime.now(UTC) + timedelta(hours=1)
    assert webhooks.replay(store, ["e-0", "e-2"], actor="anna", now=later) == 1
    assert webhooks.count_by_state(store)[EventState.FAILED] == 1
    assert webhooks.replay(store, None, actor="anna", now=later) == 1
    assert webhooks.count_by_state(store)[EventState.RECEIVED] == 3
