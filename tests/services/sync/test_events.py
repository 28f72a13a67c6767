"""Applying webhook events: by reading again what they name, in whatever order they come."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import select

from services import activity, cases, link_requests, onboarding, webhooks
from services.debitura import ReferralPartnerApi, RetryPolicy
from services.domain.link_request import LinkRequestStatus
from services.domain.onboarding_stage import OnboardingStage
from services.link_requests import LinkRequestFilter
from services.store import Store, StoreOfAnotherPartner, Window, webhook_events
from services.store.bookkeeping import LISTS
from services.store.tables import ClientRow, LinkRequestRow, SyncScopeRow
from services.sync.events import PAUSES, EventApplier
from services.sync.passes import Sync
from services.webhooks import EventFilter, EventState, StoredEvent
from tests.contract_server import ContractServer
from tests.deliveries import body_of, event
from tests.filling import NOW, SIGN, case, client, fill

TTL = timedelta(days=7)
PATIENCE_S = 20
UNSIGNED = {"onboardingDone": False, "onboardingLinks": {"url": SIGN}}


class Clock:
    """A time that goes only when told to."""

    def __init__(self) -> None:
        self.now = NOW + timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(server: ContractServer) -> Iterator[ReferralPartnerApi]:
    once = RetryPolicy(attempts=1)
    with ReferralPartnerApi(server.url, SecretStr(server.key), retries=once) as opened:
        yield opened


@pytest.fixture
def applier(store: Store, api: ReferralPartnerApi, clock: Clock) -> EventApplier:
    return EventApplier(store, api, ttl=TTL, clock=clock)


@pytest.fixture(autouse=True)
def lists_were_read(store: Store) -> None:
    with store.write() as session:
        session.add_all(SyncScopeRow(scope=each, state="true", true_at=NOW) for each in LISTS)


def receive(store: Store, *envelopes: dict[str, Any]) -> None:
    """Store events as the receiver does."""
    rows = [
        {
            "id": envelope["id"],
            "event": envelope["event"],
            "state": EventState.RECEIVED,
            "received_at": NOW + timedelta(seconds=number),
            "body": body_of(envelope).decode(),
            "external_tenant_id": envelope.get("data", {}).get("externalTenantId"),
            "attempts": 0,
        }
        for number, envelope in enumerate(envelopes)
    ]
    with store.write() as session:
        webhook_events.add(session, rows)


def ends(store: Store) -> dict[str, tuple[EventState, str | None]]:
    return {each.id: (each.state, each.reason) for each in events(store)}


def events(store: Store) -> list[StoredEvent]:
    return list(webhooks.list_events(store, EventFilter(), Window()).rows)


def stage_of(store: Store, tenant_id: str = "t-1") -> tuple[OnboardingStage, datetime | None]:
    found = onboarding.client(store, tenant_id)
    assert found is not None
    return found.stage, found.stage_since


def test_a_signature_shows_with_the_moment_that_the_event_tells(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    fill(store, clients=[client("t-1", **UNSIGNED)])
    assert stage_of(store)[0] is OnboardingStage.CREATED
    server.clients = [client("t-1")]
    signed = event("client.onboarding.contract_signed", "t-1", signedAt="2026-03-20T11:59:30Z")
    receive(store, signed)
    before = store.revision()
    assert applier.run() == 1
    at = datetime(2026, 3, 20, 11, 59, 30, tzinfo=UTC)
    assert stage_of(store) == (OnboardingStage.CONTRACT_SIGNED, at)
    assert store.revision() > before
    assert ends(store) == {signed["id"]: (EventState.APPLIED, None)}
    learnt = {(n.field, n.after, n.learnt_by) for n in activity.history_of(store, "client", "t-1")}
    assert learnt == {
        ("onboarding_done", "True", "webhook"),
        ("stage", "contract_signed", "webhook"),
    }


def test_a_power_of_attorney_that_is_signed_before_the_agreement_is_a_stage(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    server.clients = [client("t-1", **UNSIGNED)]
    fill(store, clients=server.clients)
    receive(store, event("client.onboarding.poa_signed", "t-1"))
    applier.run()
    assert stage_of(store)[0] is OnboardingStage.POA_SIGNED


def test_the_api_is_believed_and_not_the_event(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    server.clients = [client("t-1")]
    server.cases = [case("c-1", lifecycle="Paused")]
    lie = event("case.closed", "t-1", case_id="c-1", newLifecycle="Closed", closeCode="Paid")
    receive(store, lie)
    applier.run()
    found = cases.case(store, "c-1")
    assert found is not None
    assert found.lifecycle == "Paused"


def test_a_case_is_stored_as_the_list_would_have_it(
    store: Store, server: ContractServer, applier: EventApplier, api: ReferralPartnerApi
) -> None:
    server.clients, server.cases = [client("t-1")], [case("c-1")]
    receive(store, event("case.created", "t-1", case_id="c-1"))
    applier.run()
    report = Sync(store, api, clock=lambda: NOW + timedelta(days=2)).run(full=True)
    changed = {scope.scope: scope.changed for scope in report.scopes}
    assert (changed["cases"], changed["clients"]) == (0, 0)


def test_one_look_serves_all_events_about_a_client(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    server.clients, server.cases = [client("t-1")], [case("c-1"), case("c-2")]
    receive(
        store,
        *(event("case.updated", "t-1", case_id=f"c-{1 + number % 2}") for number in range(50)),
    )
    assert applier.run() == 50
    assert [path for path, _ in server.asked].count("/clients") == 1
    assert [path for path, _ in server.asked].count("/cases/c-1") == 1
    assert {state for state, _ in ends(store).values()} == {EventState.APPLIED}


IGNORED = {
    "unknown event": (event("moon.landed", "t-1", event_id="e"), "knows no event"),
    "unknown client": (event("client.linked", "t-x", event_id="e"), "lists no client"),
    "no client": (event("client.linked", event_id="e"), "names no client"),
    "unknown case": (event("case.updated", "t-1", case_id="c-x", event_id="e"), "no such case"),
    "no case": (event("case.updated", "t-1", event_id="e"), "names no case"),
    "a request never made": (event("client.link_declined", "t-x", event_id="e"), "No link request"),
    "nothing at all": ({"id": "e", "event": "case.closed"}, "names no case"),
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_concerns_nothing_here_is_ignored_with_a_reason(
    store: Store, server: ContractServer, applier: EventApplier, clock: Clock, name: str
) -> None:
    server.clients = [client("t-1")]
    envelope, reason = IGNORED[name]
    receive(store, envelope)
    applier.run()
    clock.now += PAUSES[0]
    applier.run()
    state, told = ends(store)["e"]
    assert state is EventState.IGNORED
    assert reason in str(told)
    assert applier.run() == 0


def test_what_cannot_be_read_is_tried_again_and_failed_in_the_end(
    store: Store, server: ContractServer, applier: EventApplier, clock: Clock
) -> None:
    server.clients = [client("t-1")]
    server.failing = {"/clients": 500}
    receive(store, event("client.linked", "t-1", event_id="e"))
    for pause in PAUSES:
        assert applier.run() == 1
        assert ends(store)["e"][0] is EventState.RECEIVED
        clock.now += pause - timedelta(milliseconds=1)
        assert applier.run() == 0
        clock.now += timedelta(milliseconds=1)
    assert applier.run() == 1
    state, reason = ends(store)["e"]
    assert state is EventState.FAILED
    assert reason
    assert [each.attempts for each in events(store)] == [len(PAUSES) + 1]
    server.failing = {}
    assert webhooks.replay(store, ["e"], actor="anna", now=clock.now) == 1
    # Another connection: the first leaves the server alone for a while.
    with ReferralPartnerApi(server.url, SecretStr(server.key)) as fresh:
        EventApplier(store, fresh, ttl=TTL, clock=clock).run()
    assert ends(store)["e"] == (EventState.APPLIED, None)


def test_a_client_that_cannot_be_understood_holds_up_no_other(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    server.clients = [client("t-1"), {**client("t-2"), "externalTenantId": 7.5}]
    server.clients[1]["externalTenantId"] = {"odd": True}
    receive(store, event("client.linked", "t-2", event_id="bad"))
    receive(store, event("client.linked", "t-1", event_id="good"))
    applier.run()
    assert ends(store)["good"][0] is EventState.APPLIED


def requests_of(store: Store, tenant_id: str) -> list[tuple[LinkRequestStatus, datetime | None]]:
    asked = LinkRequestFilter(tenant_id=tenant_id, superseded=True)
    oldest_first = Window(sort="requested_at")
    found = link_requests.list_requests(store, asked, oldest_first).rows
    return [(each.status, each.resolved_at) for each in found]


ASKED = event("client.link_requested", "t-1", at="2026-03-18T09:00:00Z", event_id="asked")
LATER = {
    "client.linked": LinkRequestStatus.APPROVED,
    "client.link_declined": LinkRequestStatus.DECLINED,
    "client.link_expired": LinkRequestStatus.EXPIRED,
}


@pytest.mark.parametrize("name", LATER)
def test_a_link_request_made_elsewhere_is_followed_to_its_end(
    store: Store, applier: EventApplier, name: str
) -> None:
    receive(store, ASKED)
    applier.run()
    assert requests_of(store, "t-1") == [(LinkRequestStatus.PENDING, None)]
    receive(store, event(name, "t-1", at="2026-03-19T09:00:00Z", event_id="end"))
    applier.run()
    at = datetime(2026, 3, 19, 9, tzinfo=UTC)
    assert requests_of(store, "t-1") == [(LATER[name], at)]
    assert {state for state, _ in ends(store).values()} == {EventState.APPLIED}


STORY = (
    ASKED,
    event("client.link_expired", "t-1", at="2026-03-19T09:00:00Z", event_id="expired"),
    event("client.link_requested", "t-1", at="2026-03-19T10:00:00Z", event_id="again"),
    event("client.link_declined", "t-1", at="2026-03-19T12:00:00Z", event_id="declined"),
)


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
@pytest.mark.parametrize("one_by_one", [True, False])
def test_events_in_any_order_tell_of_the_last_request_alike(
    store: Store, applier: EventApplier, order: tuple[int, ...], one_by_one: bool
) -> None:
    for number in order:
        receive(store, STORY[number])
        if one_by_one:
            settle_all(applier)
    settle_all(applier)
    assert requests_of(store, "t-1")[-1] == (
        LinkRequestStatus.DECLINED,
        datetime(2026, 3, 19, 12, tzinfo=UTC),
    )
    assert EventState.RECEIVED not in {state for state, _ in ends(store).values()}


def settle_all(applier: EventApplier) -> None:
    while applier.run():
        pass


ODD = {
    "far future request": event(
        "client.link_requested", "t-1", at="9999-12-31T23:59:59Z", event_id="odd"
    ),
    "far future end": event(
        "client.link_declined", "t-1", at="9999-12-31T23:59:59Z", event_id="odd"
    ),
    "far past": event("client.link_requested", "t-1", at="0001-01-01T00:00:00Z", event_id="odd"),
    "far future signature": event(
        "client.onboarding.contract_signed", "t-1", signedAt="9999-12-31T23:59:59Z", event_id="odd"
    ),
    "empty tenant": event("client.link_requested", "", event_id="odd"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_event_ends_and_holds_up_no_other(
    store: Store, server: ContractServer, applier: EventApplier, name: str
) -> None:
    server.clients = [client("t-1"), client("t-2")]
    receive(store, ODD[name])
    receive(store, event("client.linked", "t-2", event_id="good"))
    applier.run()
    assert ends(store)["good"] == (EventState.APPLIED, None)
    assert ends(store)["odd"][0] in (EventState.APPLIED, EventState.IGNORED)
    with store.read() as session:
        assert not session.execute(
            select(LinkRequestRow).where(LinkRequestRow.external_tenant_id == "")
        ).all()


def test_a_case_that_cannot_be_read_holds_up_nothing_else_of_its_client(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    fill(store, clients=[client("t-1", **UNSIGNED)])
    server.clients, server.cases = [client("t-1")], [case("c-1", lifecycle="Paused"), case("c-2")]
    server.failing = {"/cases/c-2": 500}
    receive(
        store,
        event("case.updated", "t-1", case_id="c-2", event_id="bad"),
        event("case.updated", "t-1", case_id="c-1", event_id="good case"),
        event("client.onboarding.contract_signed", "t-1", event_id="good client"),
    )
    applier.run()
    told = {each: state for each, (state, _) in ends(store).items()}
    assert told == {
        "bad": EventState.RECEIVED,
        "good case": EventState.APPLIED,
        "good client": EventState.APPLIED,
    }
    assert stage_of(store)[0] is not OnboardingStage.CREATED


def test_a_slow_answer_holds_up_only_what_it_is_about(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    server.clients = [client("slow"), client("quick")]
    server.cases = [case("c-slow", tenant_id="slow"), case("c-quick", tenant_id="quick")]
    quick_is_through = threading.Event()

    def wait_for_the_quick_one(path: str, _page: int) -> None:
        if path == "/cases/c-slow":
            assert quick_is_through.wait(PATIENCE_S)

    server.before_answer = wait_for_the_quick_one
    receive(
        store,
        event("case.updated", "slow", case_id="c-slow", event_id="slow"),
        event("case.updated", "quick", case_id="c-quick", event_id="quick"),
    )
    running = threading.Thread(target=applier.run)
    running.start()
    deadline = time.monotonic() + PATIENCE_S
    while ends(store)["quick"][0] is not EventState.APPLIED:
        assert time.monotonic() < deadline
    quick_is_through.set()
    running.join()
    assert ends(store)["slow"][0] is EventState.APPLIED


def test_what_is_on_its_way_to_the_api_is_asked_for_once_more(
    store: Store, server: ContractServer, applier: EventApplier, clock: Clock
) -> None:
    receive(store, event("client.linked", "t-1", event_id="e"))
    applier.run()
    assert ends(store)["e"][0] is EventState.RECEIVED
    server.clients = [client("t-1")]
    clock.now += PAUSES[0]
    applier.run()
    assert ends(store)["e"] == (EventState.APPLIED, None)


def test_another_partners_key_applies_nothing(
    store: Store, server: ContractServer, applier: EventApplier
) -> None:
    store.claim_for_partner("somebody else")
    server.clients = [client("t-1")]
    receive(store, event("client.linked", "t-1", event_id="e"))
    with pytest.raises(StoreOfAnotherPartner):
        applier.run()
    assert onboarding.client(store, "t-1") is None
    assert ends(store)["e"][0] is EventState.RECEIVED


def test_the_first_scan_leaves_what_an_event_brought(
    store: Store, server: ContractServer, api: ReferralPartnerApi
) -> None:
    server.clients = [client("t-1")]
    live = EventApplier(store, api, ttl=TTL)
    asked: list[str] = []

    def sign_meanwhile(path: str, _page: int) -> None:
        if path == "/clients" and not asked:
            asked.append(path)
            signed_at = "2026-03-20T11:59:30Z"
            receive(store, event("client.onboarding.contract_signed", "t-1", signedAt=signed_at))
            live.run()

    server.before_answer = sign_meanwhile
    Sync(store, api).run(full=True)
    with store.read() as session:
        assert session.get_one(ClientRow, "t-1").signed_at is not None


def test_a_page_asked_for_before_the_event_does_not_undo_it(
    store: Store, server: ContractServer, applier: EventApplier, api: ReferralPartnerApi
) -> None:
    """The sync holds an old page in its hands while an event has the client read again."""
    now = datetime.now(UTC)
    fill(store, clients=[client("t-1", **UNSIGNED)], now=now - timedelta(days=1))
    server.clients = [client("t-1", **UNSIGNED)]
    live = EventApplier(store, api, ttl=TTL)
    old, signed = server.clients, [client("t-1")]
    asked: list[int] = []

    def sign_meanwhile(path: str, _page: int) -> None:
        if path != "/clients":
            return
        asked.append(len(asked))
        server.clients = signed
        if len(asked) == 1:
            receive(store, event("client.onboarding.contract_signed", "t-1"))
            live.run()
            server.clients = old

    server.before_answer = sign_meanwhile
    Sync(store, api).run(full=True)
    assert len(asked) > 2
    notes = [n.after for n in activity.history_of(store, "client", "t-1") if n.field == "stage"]
    assert notes == ["contract_signed"]
    assert stage_of(store)[0] is OnboardingStage.CONTRACT_SIGNED
