"""The link-request ledger: how requests come to be, and to their end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import delete

from services.domain.link_request import LearntBy, LinkRequestStatus
from services.store import Store, ledger, link_requests, mirror
from services.store.ledger import ELSEWHERE, PAYLOADS_KEPT
from services.store.tables import LinkRequestRow
from tests.filling import NOW, client, fill

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TTL = timedelta(days=7)
LATER = NOW + DAY
ASKED = {"client": {"name": "Company"}}
APPROVED = LinkRequestStatus.APPROVED
DECLINED = LinkRequestStatus.DECLINED
EXPIRED = LinkRequestStatus.EXPIRED


def ask(store: Store, **changes: Any) -> int:
    usual = {
        "external_tenant_id": "t-1",
        "status": "pending",
        "requested_at": NOW,
        "requested_by": "anna",
        "expires_at": NOW + timedelta(days=7),
        "search_text": "t-1",
    }
    with store.write() as session:
        row = LinkRequestRow(**{**usual, **changes})
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def settle(store: Store, now: datetime) -> int:
    with store.write() as session:
        return ledger.settle(session, now=now)


def status(store: Store, request_id: int) -> tuple[str, datetime | None, str | None]:
    with store.read() as session:
        row = session.get_one(LinkRequestRow, request_id)
        return row.status, row.resolved_at, row.learnt_by


def test_a_request_runs_out_at_its_own_moment_and_not_before(store: Store) -> None:
    request = ask(store)
    out = NOW + timedelta(days=7)
    assert settle(store, out - timedelta(microseconds=1)) == 0
    assert status(store, request)[0] == "pending"
    assert settle(store, out) == 1
    assert status(store, request) == ("expired", out, "clock")
    assert settle(store, out + timedelta(days=1)) == 0


def test_a_request_whose_client_turns_up_was_approved_when_it_was_linked(store: Store) -> None:
    request = ask(store)
    fill(store, clients=[client("t-1", dateLinked="2026-03-22T08:00:00Z")], now=LATER)
    assert settle(store, LATER) == 1
    linked = datetime.fromisoformat("2026-03-22T08:00:00Z")
    assert status(store, request) == ("approved", linked, "sync")


def test_a_client_that_turns_up_late_was_approved_and_not_expired(store: Store) -> None:
    request = ask(store)
    fill(store, clients=[client("t-1", dateLinked="2026-03-22T08:00:00Z")], now=LATER)
    assert settle(store, NOW + timedelta(days=30)) == 1
    assert status(store, request)[0] == "approved"


def test_an_approval_that_our_clock_had_given_up_on_is_still_one(store: Store) -> None:
    request = ask(store)
    settle(store, NOW + timedelta(days=8))
    assert status(store, request)[0] == "expired"
    fill(store, clients=[client("t-1", dateLinked="2026-03-27T11:59:00Z")], now=LATER)
    assert settle(store, NOW + timedelta(days=9)) == 1
    assert status(store, request)[0] == "approved"


def test_an_archived_client_approves_nothing(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    with store.write() as session:
        mirror.archive(session, mirror.CLIENTS, {"t-1"}, now=LATER)
    request = ask(store)
    assert settle(store, LATER) == 0
    assert status(store, request)[0] == "pending"


def test_a_superseded_request_is_left_as_it_was(store: Store) -> None:
    request = ask(store, superseded_at=LATER)
    assert settle(store, NOW + timedelta(days=30)) == 0
    assert status(store, request)[0] == "pending"


def ask_here(store: Store, at: datetime = NOW, *, tenant_id: str = "t-1", url: str = "u") -> int:
    """Note a request as the answer to our own tells it."""
    with store.write() as session:
        row = ledger.note_asked(
            session,
            tenant_id,
            company_name="Company",
            country="Denmark",
            approval_url=url,
            payload=ASKED,
            by="anna",
            at=at,
            ttl=TTL,
        )
        assert row.id is not None
        return row.id


def hear_of(store: Store, at: datetime = NOW, *, name: str | None = "Company") -> int:
    """Note a request as a webhook tells it."""
    with store.write() as session:
        row = ledger.note_asked_elsewhere(session, "t-1", company_name=name, at=at, ttl=TTL)
        assert row.id is not None
        return row.id


def end(
    store: Store, how: LinkRequestStatus, at: datetime, by: LearntBy = LearntBy.WEBHOOK
) -> int | None:
    with store.write() as session:
        row = ledger.note_end(session, "t-1", how, at=at, by=by)
        return row.id if row else None


def rows(store: Store) -> list[LinkRequestRow]:
    """The client's requests in the order in which they were asked."""
    with store.read() as session:
        return list(link_requests.all_of(session, "t-1"))


@pytest.mark.parametrize("how", [APPROVED, DECLINED, EXPIRED])
@pytest.mark.parametrize("by", [LearntBy.ANSWER, LearntBy.WEBHOOK])
def test_an_end_is_noted_with_its_moment_and_its_teller(
    store: Store, how: LinkRequestStatus, by: LearntBy
) -> None:
    request = ask_here(store)
    assert end(store, how, LATER, by) == request
    assert status(store, request) == (how, LATER, by)


def test_an_end_of_a_client_that_was_never_asked_is_nobodys(store: Store) -> None:
    ask_here(store, tenant_id="t-2")
    assert end(store, DECLINED, LATER) is None
    assert end(store, DECLINED, NOW - DAY) is None
    assert rows(store) == []


def test_an_end_from_before_the_first_request_concerns_none(store: Store) -> None:
    request = ask_here(store)
    assert end(store, DECLINED, NOW - HOUR) is None
    assert status(store, request)[0] == "pending"


def test_asking_again_supersedes_and_keeps_what_was_before(store: Store) -> None:
    first = ask_here(store, url="one")
    end(store, DECLINED, LATER)
    second = ask_here(store, NOW + 2 * DAY, url="two")
    old, new = rows(store)
    assert (old.id, old.status, old.superseded_at) == (first, "declined", NOW + 2 * DAY)
    assert (new.id, new.status, new.superseded_at) == (second, "pending", None)
    assert (new.approval_url, new.expires_at) == ("two", NOW + 2 * DAY + TTL)


def test_a_late_event_ends_the_request_that_it_is_about(store: Store) -> None:
    first = ask_here(store)
    second = ask_here(store, NOW + 2 * DAY)
    assert end(store, DECLINED, LATER) == first
    assert status(store, first) == ("declined", LATER, "webhook")
    assert status(store, second)[0] == "pending"


@pytest.mark.parametrize("apart", [timedelta(seconds=each) for each in (0, 5, -5, 600)])
def test_our_own_answer_takes_over_what_a_webhook_told_before(
    store: Store, apart: timedelta
) -> None:
    hear_of(store, NOW + apart, name=None)
    ask_here(store)
    (row,) = rows(store)
    assert (row.requested_by, row.company_name, row.approval_url) == ("anna", "Company", "u")
    assert (row.payload, row.superseded_at, row.learnt_by) == (ASKED, None, "answer")


def test_an_end_that_is_told_before_our_own_answer_is_not_lost(store: Store) -> None:
    hear_of(store, NOW, name=None)
    end(store, DECLINED, NOW + timedelta(seconds=30))
    ask_here(store)
    (row,) = rows(store)
    assert (row.status, row.learnt_by, row.requested_by) == ("declined", "webhook", "anna")


def test_a_webhook_after_our_own_answer_adds_nothing(store: Store) -> None:
    request = ask_here(store)
    for seconds in (-60, 0, 5, 60):
        assert hear_of(store, NOW + timedelta(seconds=seconds)) == request
    (row,) = rows(store)
    assert row.requested_by == "anna"


def test_the_same_webhook_twice_is_one_request(store: Store) -> None:
    assert hear_of(store) == hear_of(store)
    (row,) = rows(store)
    assert (row.requested_by, row.payload, row.approval_url) == (ELSEWHERE, None, None)
    assert row.expires_at == NOW + TTL


def test_a_late_webhook_of_an_earlier_request_supersedes_nothing(store: Store) -> None:
    request = ask_here(store, LATER)
    assert hear_of(store, NOW) == request
    assert [row.superseded_at for row in rows(store)] == [None]


def test_a_request_made_elsewhere_later_is_one_of_its_own(store: Store) -> None:
    first = ask_here(store)
    second = hear_of(store, LATER)
    old, new = rows(store)
    assert (old.id, old.superseded_at) == (first, LATER)
    assert (new.id, new.requested_by) == (second, ELSEWHERE)


def test_asking_here_supersedes_an_older_request_from_elsewhere(store: Store) -> None:
    first = hear_of(store)
    second = ask_here(store, LATER)
    assert [(row.id, row.superseded_at) for row in rows(store)] == [(first, LATER), (second, None)]


def test_our_clock_gives_way_to_what_is_told_and_not_the_other_way_round(store: Store) -> None:
    request = ask_here(store)
    settle(store, NOW + TTL)
    assert status(store, request) == ("expired", NOW + TTL, "clock")
    end(store, DECLINED, NOW + DAY)
    assert status(store, request) == ("declined", NOW + DAY, "webhook")
    settle(store, NOW + 2 * TTL)
    assert status(store, request) == ("declined", NOW + DAY, "webhook")


def test_an_expiry_that_is_told_says_more_than_our_clock(store: Store) -> None:
    request = ask_here(store)
    settle(store, NOW + TTL)
    end(store, EXPIRED, NOW + TTL + HOUR)
    assert status(store, request) == ("expired", NOW + TTL + HOUR, "webhook")


def payloads(store: Store) -> list[Any]:
    return [row.payload for row in rows(store)]


def test_what_was_asked_is_forgotten_once_it_is_approved(store: Store) -> None:
    ask_here(store)
    settle(store, NOW)
    assert payloads(store) == [ASKED]
    end(store, APPROVED, LATER)
    settle(store, LATER)
    assert payloads(store) == [None]


def test_what_was_asked_is_forgotten_of_superseded_requests_and_kept_of_the_latest(
    store: Store,
) -> None:
    ask_here(store)
    ask_here(store, LATER)
    settle(store, LATER)
    assert payloads(store) == [None, ASKED]


@pytest.mark.parametrize("how", [DECLINED, EXPIRED])
def test_what_was_asked_is_kept_for_thirty_days_to_ask_it_again(
    store: Store, how: LinkRequestStatus
) -> None:
    ask_here(store)
    end(store, how, LATER)
    settle(store, LATER + PAYLOADS_KEPT)
    assert payloads(store) == [ASKED]
    settle(store, LATER + PAYLOADS_KEPT + timedelta(microseconds=1))
    assert payloads(store) == [None]


def test_what_ran_out_by_our_clock_is_kept_as_long(store: Store) -> None:
    ask_here(store)
    settle(store, NOW + TTL + PAYLOADS_KEPT)
    assert payloads(store) == [ASKED]
    settle(store, NOW + TTL + PAYLOADS_KEPT + timedelta(microseconds=1))
    assert payloads(store) == [None]


@dataclass(frozen=True)
class End:
    """An end as somebody tells it, ``hours`` after the first asking."""

    how: LinkRequestStatus
    hours: int

    @property
    def at(self) -> datetime:
        return NOW + timedelta(hours=self.hours)


RANK = [EXPIRED, DECLINED, APPROVED]
HORIZON_H = 400
ends = st.builds(End, st.sampled_from(RANK), st.integers(0, HORIZON_H - 1))
askings = st.lists(st.integers(0, 300), min_size=1, max_size=3, unique=True).map(sorted)
clocks = st.lists(st.integers(0, HORIZON_H), max_size=3)


def expected(asked: list[int], told: list[End]) -> list[tuple[str, datetime | None]]:
    """How the requests have to stand at the horizon, worked out without the ledger."""
    standings: list[tuple[str, datetime | None]] = []
    for number, hours in enumerate(asked):
        following = asked[number + 1] if number + 1 < len(asked) else None
        about = [e for e in told if hours <= e.hours and (not following or e.hours < following)]
        runs_out = NOW + timedelta(hours=hours) + TTL
        if about:
            approvals = [each for each in about if each.how is RANK[-1]]
            last = max(approvals or about, key=lambda e: (e.hours, RANK.index(e.how)))
            standings.append((last.how, last.at))
        elif following is None and runs_out <= NOW + timedelta(hours=HORIZON_H):
            standings.append(("expired", runs_out))
        else:
            standings.append(("pending", None))
    return standings


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_requests_end_alike_in_whatever_order_their_ends_are_told(
    store: Store, data: st.DataObject
) -> None:
    """Ends, repeated and late, with our clock looking in between them at any time."""
    asked, told = data.draw(askings), data.draw(st.lists(ends, max_size=6))
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=3)) if told else []
    looks = data.draw(clocks)
    with store.write() as session:
        session.execute(delete(LinkRequestRow))
    for hours in asked:
        ask_here(store, NOW + timedelta(hours=hours))
    for happens in data.draw(st.permutations([*told, *repeated, *looks])):
        if isinstance(happens, End):
            end(store, happens.how, happens.at)
        else:
            settle(store, NOW + timedelta(hours=happens))
    settle(store, NOW + timedelta(hours=HORIZON_H))
    found = [(row.status, row.resolved_at) for row in rows(store)]
    assert found == expected(asked, told)
    assert [row.superseded_at is None for row in rows(store)][-1:] == [True]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(["answer", "webhook", "webhook again", "look", "late end"]))
def test_an_answer_and_its_webhooks_are_one_request_in_any_order(
    store: Store, order: list[str]
) -> None:
    with store.write() as session:
        session.execute(delete(LinkRequestRow))
    happens = {
        "answer": lambda: ask_here(store),
        "webhook": lambda: hear_of(store, NOW + timedelta(seconds=3)),
        "webhook again": lambda: hear_of(store, NOW + timedelta(seconds=3)),
        "look": lambda: settle(store, NOW + HOUR),
        "late end": lambda: end(store, DECLINED, NOW - DAY),
    }
    for name in order:
        happens[name]()
    (row,) = rows(store)
    assert (row.requested_by, row.payload, row.status) == ("anna", ASKED, "pending")


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(["turns up", "webhook", "clock"]))
def test_an_approval_is_one_whoever_tells_it_first(store: Store, order: list[str]) -> None:
    """The client is linked after our clock gave up, and list and webhook tell of it."""
    linked = NOW + TTL + HOUR
    for model in (LinkRequestRow, mirror.CLIENTS.model):
        with store.write() as session:
            session.execute(delete(model))
    ask_here(store)
    wire = linked.isoformat().replace("+00:00", "Z")
    happens = {
        "turns up": lambda: fill(store, clients=[client("t-1", dateLinked=wire)], now=linked),
        "webhook": lambda: end(store, APPROVED, linked),
        "clock": lambda: settle(store, NOW + TTL),
    }
    for name in order:
        happens[name]()
    settle(store, linked + HOUR)
    (row,) = rows(store)
    assert (row.status, row.resolved_at, row.payload) == ("approved", linked, None)
