"""What is told of webhook events: which came, what became of them, and what was refused."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from services import webhooks
from services.exports import ExportKind, records
from services.store import Store, Window, webhook_events
from services.store.tables import AuditRow, WebhookEventRow
from services.webhooks import EventFilter, EventState, RefusedCount
from tests.filling import NOW, case, client, fill

NEWEST_FIRST = Window(size=None, sort="received_at", descending=True)
LATER = NOW + timedelta(minutes=1)


def add(store: Store, event_id: str, **changes: Any) -> None:
    row = {
        "event": "client.linked",
        "state": "received",
        "received_at": NOW,
        "body": json.dumps({"id": event_id, "event": "client.linked"}),
        **changes,
    }
    with store.write() as session:
        session.add(WebhookEventRow(id=event_id, **row))


@pytest.fixture
def came(store: Store) -> Store:
    """Events of every state, about a client, its case, and what is not known."""
    fill(
        store,
        clients=[client("t-1", name="Ünal & Söhne")],
        cases=[case("c-1", tenant_id="t-1", reference="DEB-7")],
    )
    minute = timedelta(minutes=1)
    add(store, "e-1", state="applied", external_tenant_id="t-1", settled_at=NOW + minute)
    add(
        store,
        "e-2",
        event="case.updated",
        state="failed",
        case_id="c-1",
        reason="It failed.",
        received_at=NOW + minute,
        attempts=5,
    )
    add(
        store,
        "e-3",
        state="failed",
        external_tenant_id="gone_1",
        reason="It failed.",
        received_at=NOW + 2 * minute,
        settled_at=NOW + 3 * minute,
    )
    add(
        store,
        "e-4",
        event="case.created",
        case_id="c-gone",
        received_at=NOW + 3 * minute,
        attempts=2,
        next_try_at=NOW + 9 * minute,
    )
    add(store, "e-5", event="new.event", state="ignored", received_at=NOW + 4 * minute)
    return store


def ids(store: Store, wanted: EventFilter, window: Window = NEWEST_FIRST) -> Sequence[str]:
    return [each.id for each in webhooks.list_events(store, wanted, window).rows]


def test_events_are_told_as_they_stand(came: Store) -> None:
    page = webhooks.list_events(came, EventFilter(states=("received",)), NEWEST_FIRST)
    (waiting,) = page.rows
    assert (waiting.id, waiting.event, waiting.state) == ("e-4", "case.created", "received")
    assert (waiting.case_id, waiting.tenant_id) == ("c-gone", None)
    assert (waiting.attempts, waiting.next_try_at) == (2, NOW + timedelta(minutes=9))


def test_events_name_the_client_and_the_case_they_are_about(came: Store) -> None:
    page = webhooks.list_events(came, EventFilter(), Window(size=None, sort="received_at"))
    told = [(each.tenant_id, each.client_name, each.reference) for each in page.rows]
    assert told == [
        ("t-1", "Ünal & Söhne", None),
        ("t-1", "Ünal & Söhne", "DEB-7"),
        ("gone_1", "gone_1", None),
        (None, None, "c-gone"),
        (None, None, None),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(), ["e-5", "e-4", "e-3", "e-2", "e-1"]),
        (EventFilter(states=("failed", "applied")), ["e-3", "e-2", "e-1"]),
        (EventFilter(events=("client.linked",)), ["e-3", "e-1"]),
        (EventFilter(text=" T-1"), ["e-1"]),
        (EventFilter(text="c-"), ["e-4", "e-2"]),
        (EventFilter(text="e-5"), ["e-5"]),
        (EventFilter(text="_"), ["e-3"]),
        (EventFilter(text="c-", states=("failed",)), ["e-2"]),
        (EventFilter(text="y" * 100_000), []),
    ],
)
def test_events_are_narrowed(came: Store, wanted: EventFilter, found: list[str]) -> None:
    assert ids(came, wanted) == found


def test_events_come_in_pages(came: Store) -> None:
    second = webhooks.list_events(came, EventFilter(), Window(2, 2, "received_at", True))
    assert [each.id for each in second.rows] == ["e-3", "e-2"]
    assert second.total == 5


def test_events_are_counted_by_state(came: Store) -> None:
    assert webhooks.count_by_state(came) == {
        EventState.RECEIVED: 1,
        EventState.APPLIED: 1,
        EventState.IGNORED: 1,
        EventState.FAILED: 2,
    }
    assert webhooks.last_received_at(came) == NOW + timedelta(minutes=4)


def test_before_the_first_event_there_is_nothing_to_tell(store: Store) -> None:
    assert set(webhooks.count_by_state(store).values()) == {0}
    assert webhooks.last_received_at(store) is None
    assert webhooks.median_time_to_apply(store) is None
    assert webhooks.refused(store) == []
    assert webhooks.open_event(store, "e-1") is None


def test_the_time_to_apply_is_that_of_the_middle_one_of_those_applied(came: Store) -> None:
    for number, seconds in enumerate((2, 4)):
        settled_at = NOW + timedelta(seconds=seconds)
        add(came, f"applied-{number}", state="applied", settled_at=settled_at)
    assert webhooks.median_time_to_apply(came) == timedelta(seconds=4)


def test_only_the_last_hundred_count_for_the_time_to_apply(came: Store) -> None:
    with came.write() as session:
        for number in range(100):
            row = WebhookEventRow(
                id=f"quick-{number}",
                event="client.linked",
                state="applied",
                received_at=LATER,
                settled_at=LATER + timedelta(seconds=1 if number < 51 else 9),
                body="{}",
            )
            session.add(row)
    assert webhooks.median_time_to_apply(came) == timedelta(seconds=1)


def test_refusals_are_told_by_reason_the_latest_first(store: Store) -> None:
    for reasons, now in (
        ({"not signed": 2, "no webhook event": 1}, NOW),
        ({"not signed": 3}, LATER),
    ):
        with store.write() as session:
            webhook_events.count_refused(session, reasons, now=now)
    assert webhooks.refused(store) == [
        RefusedCount("not signed", 5, LATER),
        RefusedCount("no webhook event", 1, NOW),
    ]


def replayed(store: Store, event_ids: tuple[str, ...] | None) -> tuple[int, AuditRow]:
    """How many were to be applied anew, and what the audit log says of it."""
    count = webhooks.replay(store, event_ids, actor="anna", now=LATER)
    with store.read() as session:
        return count, session.execute(select(AuditRow)).scalar_one()


def test_one_failed_event_is_replayed(came: Store) -> None:
    count, noted = replayed(came, ("e-2",))
    assert count == 1
    assert (noted.at, noted.actor, noted.subject) == (LATER, "anna", "e-2")
    assert noted.outcome == "1 to be applied anew"
    (event,) = webhooks.list_events(came, EventFilter(events=("case.updated",)), NEWEST_FIRST).rows
    assert (event.state, event.reason, event.attempts) == (EventState.RECEIVED, None, 0)
    assert webhooks.count_by_state(came)[EventState.FAILED] == 1


def test_all_failed_events_are_replayed_and_no_others(came: Store) -> None:
    count, noted = replayed(came, None)
    assert (count, noted.subject) == (2, "all failed events")
    assert ids(came, EventFilter(states=("received",))) == ["e-4", "e-3", "e-2"]
    assert ids(came, EventFilter(states=("applied", "ignored"))) == ["e-5", "e-1"]


def test_what_has_not_failed_is_not_replayed(came: Store) -> None:
    count, _ = replayed(came, ("e-1", "e-5", "unknown"))
    assert count == 0
    assert webhooks.count_by_state(came)[EventState.APPLIED] == 1


def test_readers_learn_of_a_replay(came: Store) -> None:
    before = came.revision()
    webhooks.replay(came, None, actor="anna", now=LATER)
    assert came.revision() > before


def opened(store: Store, body: str) -> str:
    add(store, "e-1", body=body)
    found = webhooks.open_event(store, "e-1")
    assert found is not None
    assert found.event.id == "e-1"
    return found.text


def test_an_opened_event_is_laid_out_with_the_digits_it_came_with(store: Store) -> None:
    text = opened(store, '{"id":"e-1","amount":1.10,"name":"Ünal"}')
    assert text == '{\n  "id": "e-1",\n  "amount": 1.10,\n  "name": "Ünal"\n}'


@pytest.mark.parametrize("depth", [100, 400, 900])
def test_an_event_nested_deeply_is_shown_all_the_same(store: Store, depth: int) -> None:
    body = '{"id":"e-1","event":"x","data":{"x":' + "[" * depth + "]" * depth + "}}"
    assert "".join(opened(store, body).split()) == body


def test_an_exported_event_tells_what_became_of_it(came: Store) -> None:
    exported = {row["id"]: row for row in records(came, ExportKind.WEBHOOK_EVENTS)}
    assert {row["state"] for row in exported.values()} == set(EventState)
    failed, settled = exported["e-2"], exported["e-3"]
    assert (failed["caseId"], failed["attempts"], failed["settledAt"]) == ("c-1", 5, None)
    assert (settled["externalTenantId"], settled["happenedAt"]) == ("gone_1", None)
    assert settled["settledAt"] == "2026-03-20T12:03:00+00:00"
