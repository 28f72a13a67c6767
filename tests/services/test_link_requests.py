"""The ledger of link requests: what was asked, what was answered, and what time did to it."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import insert
from sqlmodel import select

from services import hand_overs, link_requests, onboarding
from services.debitura import (
    ClientOnboarding,
    ClientReady,
    CreateClientResult,
    DebituraError,
    LinkRefused,
    LinkRequested,
    NewClient,
    ReferralPartnerApi,
    RetryPolicy,
)
from services.hand_overs import Way
from services.link_requests import (
    LAST_DAY,
    CannotAskAgain,
    LearntBy,
    LinkRequest,
    LinkRequestFilter,
    LinkRequestStatus,
    Urgency,
)
from services.sandbox import SandboxOptions, World, serving
from services.sandbox.sample_requests import SAMPLE_REQUESTS
from services.store import Store
from services.store import ledger as the_ledger
from services.store.paging import ALL_ROWS
from services.store.tables import AuditRow, LinkRequestRow
from services.store.text import search_text
from services.sync.passes import Sync
from tests.filling import NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TTL = timedelta(days=7)
APPROVAL = "https://app.debitura.com/ReferralPartner/Approve?token="
PERSON = "Petra Person"
EMAIL = "petra.person@company.example"

Reply = tuple[int, Any]


def new_client(tenant_id: str = "t-1") -> NewClient:
    return NewClient.model_validate(
        {
            "externalTenantId": tenant_id,
            "client": {"name": "Ünal & Co", "country": "Denmark", "supportEmail": EMAIL},
            "users": [{"name": PERSON, "email": EMAIL, "isOnboardingUser": True}],
        }
    )


def needs_linking(page: str = "one") -> Reply:
    links = {"externalTenantId": "t-1", "onboardingLinks": {"url": f"{APPROVAL}{page}"}}
    return 409, {"type": "ClientExistsNeedsLinking", "message": "Exists.", "data": links}


def linked(status: int) -> Reply:
    body = {"externalTenantId": "t-1", "onboardingLinks": {"url": "https://x.example/y"}}
    return status, body


REFUSED: Reply = (409, {"type": "ClientAlreadyLinkedToAnotherPartner", "message": PERSON})

Ask = Callable[..., CreateClientResult]


@pytest.fixture
def asked() -> list[Any]:
    """The bodies that were sent."""
    return []


@pytest.fixture
def ask(store: Store, asked: list[Any]) -> Ask:
    """Ask for a link and let the wire give the reply."""

    def _ask(reply: Reply, *, again: int | None = None, now: Any = NOW) -> CreateClientResult:
        def answer(request: httpx.Request) -> httpx.Response:
            asked.append(json.loads(request.content))
            return httpx.Response(reply[0], json=reply[1])

        with ReferralPartnerApi(
            "http://127.0.0.1:1",
            "key",
            transport=httpx.MockTransport(answer),
            retries=RetryPolicy(attempts=1),
        ) as api:
            if again is not None:
                return link_requests.ask_again(store, api, again, actor="bo", now=now, ttl=TTL)
            return link_requests.ask_for_link(
                store, api, new_client(), actor="anna", now=now, ttl=TTL
            )

    return _ask


def ledger(store: Store, **wanted: Any) -> list[LinkRequest]:
    found = link_requests.list_requests(store, LinkRequestFilter(**wanted), ALL_ROWS)
    assert found.total == len(found.rows)
    return list(found.rows)


def audit(store: Store) -> list[tuple[str, str, str, str]]:
    with store.read() as session:
        rows = session.execute(select(AuditRow).order_by(AuditRow.id)).scalars()  # type: ignore[arg-type]
        return [(row.actor, row.action, row.subject, row.outcome) for row in rows]


def test_an_existing_account_makes_a_request_that_waits(store: Store, ask: Ask) -> None:
    assert isinstance(ask(needs_linking()), LinkRequested)
    (request,) = ledger(store)
    assert request.status is LinkRequestStatus.PENDING
    assert (request.tenant_id, request.company_name) == ("t-1", "Ünal & Co")
    assert request.approval_url == f"{APPROVAL}one"
    assert (request.requested_by, request.requested_at) == ("anna", NOW)
    assert request.expires_at == NOW + TTL
    assert request.can_ask_again


@pytest.mark.parametrize(
    ("reply", "kind", "outcome"),
    [
        (needs_linking(), LinkRequested, "link requested"),
        (linked(201), ClientReady, "linked, ready"),
        (linked(202), ClientOnboarding, "linked, onboarding"),
        (REFUSED, LinkRefused, "refused: ClientAlreadyLinkedToAnotherPartner"),
    ],
)
def test_each_answer_is_given_back_and_audited(
    store: Store, ask: Ask, reply: Reply, kind: type, outcome: str
) -> None:
    assert isinstance(ask(reply), kind)
    assert audit(store) == [("anna", "ask for link", "t-1", outcome)]
    assert len(ledger(store)) == (kind is LinkRequested)


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ((400, {"errors": {"client.supportEmail": [EMAIL]}}), "failed: ValidationFailed"),
        ((422, {"businessErrors": [{"type": "CreditorBlocked"}]}), "failed: BusinessRuleRefused"),
        ((500, None), "failed: ApiUnavailable"),
        ((401, None), "failed: Unauthorized"),
    ],
)
def test_a_failed_attempt_is_audited_and_asks_for_nothing(
    store: Store, ask: Ask, reply: Reply, outcome: str
) -> None:
    with pytest.raises(DebituraError):
        ask(reply)
    assert audit(store) == [("anna", "ask for link", "t-1", outcome)]
    assert ledger(store) == []


def test_the_audit_holds_no_personal_data(store: Store, ask: Ask) -> None:
    for reply in (needs_linking(), linked(201), REFUSED):
        ask(reply)
    with pytest.raises(DebituraError):
        ask((400, {"message": PERSON, "errors": {EMAIL: [PERSON]}}))
    told = repr(audit(store))
    for personal in (PERSON, EMAIL, "Ünal", APPROVAL):
        assert personal not in told


def test_asking_again_sends_the_same_and_supersedes_the_earlier_request(
    store: Store, ask: Ask, asked: list[Any]
) -> None:
    ask(needs_linking("one"))
    (first,) = ledger(store)
    later = NOW + timedelta(days=2)
    ask(needs_linking("two"), again=first.id, now=later)
    assert asked[0] == asked[1]
    (current,) = ledger(store)
    assert current.approval_url == f"{APPROVAL}two"
    assert (current.requested_by, current.expires_at) == ("bo", later + TTL)
    old, _ = sorted(ledger(store, superseded=True), key=lambda request: request.id)
    assert (old.id, old.superseded_at) == (first.id, later)


def test_superseding_leaves_other_clients_requests_alone(store: Store, ask: Ask) -> None:
    note(store, "t-2")
    ask(needs_linking())
    ask(needs_linking("two"))
    assert sorted(request.tenant_id for request in ledger(store)) == ["t-1", "t-2"]


@pytest.mark.parametrize("kept", [True, False])
def test_what_is_not_kept_cannot_be_asked_again(
    store: Store, ask: Ask, asked: list[Any], kept: bool
) -> None:
    number = note(store, "t-1") if kept else 99
    with pytest.raises(LookupError, match="no longer kept"):
        ask(needs_linking(), again=number)
    assert asked == []


def note(store: Store, tenant_id: str, **changes: Any) -> int:
    usual: dict[str, Any] = {
        "external_tenant_id": tenant_id,
        "company_name": f"Company {tenant_id}",
        "status": "pending",
        "requested_at": NOW,
        "requested_by": "anna",
        "expires_at": NOW + TTL,
    }
    with store.write() as session:
        told = {**usual, **changes}
        told["search_text"] = search_text((told["company_name"], tenant_id))
        row = LinkRequestRow(**told)
        session.add(row)
        session.flush()
        assert row.id is not None
        return row.id


def test_requests_that_run_out_soon_come_most_urgent_first(store: Store) -> None:
    for tenant_id, hours in (("late", 47), ("calm", 49), ("first", 1), ("over", -1)):
        note(store, tenant_id, expires_at=NOW + timedelta(hours=hours))
    note(store, "answered", status="declined", expires_at=NOW)
    soon = link_requests.running_out(store, now=NOW)
    assert [request.tenant_id for request in soon] == ["over", "first", "late"]


def test_counts_and_rate_tell_how_requests_ended(store: Store) -> None:
    assert link_requests.is_empty(store)
    for number, status in enumerate(["approved"] * 3 + ["declined", "expired", "pending"]):
        note(store, f"t-{number}", status=status)
    note(store, "old", status="declined", superseded_at=NOW)
    counts = link_requests.count_by_status(store, LinkRequestFilter())
    assert [counts[status] for status in LinkRequestStatus] == [1, 3, 1, 1]
    assert link_requests.approval_rate(counts) == 0.6
    assert not link_requests.is_empty(store)


def test_without_an_end_there_is_no_rate(store: Store) -> None:
    note(store, "t-1")
    counts = link_requests.count_by_status(store, LinkRequestFilter())
    assert link_requests.approval_rate(counts) is None


def took(store: Store, *lengths: timedelta, **changes: Any) -> None:
    """Note approvals that took so long."""
    for number, length in enumerate(lengths):
        note(store, f"t-{number}", status="approved", resolved_at=NOW + length, **changes)


def times(store: Store, **wanted: Any) -> list[timedelta]:
    return link_requests.times_to_approval(store, LinkRequestFilter(**wanted))


def test_half_of_the_approvals_came_within_the_median(store: Store) -> None:
    took(store, 9 * HOUR, HOUR, 5 * HOUR)
    note(store, "x", status="declined", resolved_at=NOW)
    note(store, "y", status="approved", resolved_at=NOW, superseded_at=NOW)
    note(store, "z")
    assert times(store) == [HOUR, 5 * HOUR, 9 * HOUR]
    assert link_requests.median_time(times(store)) == 5 * HOUR
    assert link_requests.median_time([HOUR, 2 * HOUR]) == 1.5 * HOUR
    assert link_requests.median_time([]) is None


def test_numbers_are_of_the_period_in_which_was_asked(store: Store) -> None:
    for number, days in enumerate((0, 1, 2)):
        at = NOW + timedelta(days=days)
        note(store, f"t-{number}", requested_at=at, status="approved", resolved_at=at + HOUR * days)
    wanted = {"asked_from": NOW + DAY, "asked_before": NOW + 2 * DAY}
    assert times(store, **wanted) == [HOUR]
    assert [request.tenant_id for request in ledger(store, **wanted)] == ["t-1"]
    assert [request.tenant_id for request in ledger(store, asked_before=NOW + DAY)] == ["t-0"]


LENGTHS = [
    timedelta(seconds=-30),
    timedelta(),
    DAY - timedelta(seconds=1),
    DAY,
    2 * DAY,
    7 * DAY - timedelta(seconds=1),
    7 * DAY,
    40 * DAY,
]


def test_approvals_are_counted_by_the_day_after_the_asking(store: Store) -> None:
    took(store, *LENGTHS)
    assert link_requests.approvals_by_day(times(store)) == [3, 1, 1, 0, 0, 0, 1, 2]
    assert link_requests.approvals_by_day([]) == [0] * LAST_DAY


@pytest.mark.parametrize("odd", [timedelta(), timedelta(microseconds=600_000)])
def test_the_rows_of_a_day_are_as_many_as_its_number(store: Store, odd: timedelta) -> None:
    took(store, *LENGTHS, requested_at=NOW + odd)
    note(store, "x", status="declined", resolved_at=NOW)
    by_day = link_requests.approvals_by_day(times(store))
    for day, number in enumerate(by_day, start=1):
        rows = link_requests.list_requests(
            store, link_requests.only_approved_on(LinkRequestFilter(), day), ALL_ROWS
        )
        assert rows.total == number


@pytest.mark.parametrize(
    ("left", "urgency"),
    [
        (timedelta(), Urgency.OVER),
        (-HOUR, Urgency.OVER),
        (timedelta(seconds=1), Urgency.URGENT),
        (23 * HOUR, Urgency.URGENT),
        (24 * HOUR, Urgency.SOON),
        (47 * HOUR, Urgency.SOON),
        (48 * HOUR, Urgency.CALM),
    ],
)
def test_urgency_and_the_list_of_the_urgent_agree(
    store: Store, left: timedelta, urgency: Urgency
) -> None:
    note(store, "t-1", expires_at=NOW + left)
    (request,) = ledger(store)
    assert request.urgency(NOW) is urgency
    assert bool(link_requests.running_out(store, now=NOW)) is (urgency is not Urgency.CALM)


def test_what_runs_out_soon_stays_the_same_list_within_the_hour(store: Store) -> None:
    note(store, "t-1", expires_at=NOW + 48 * HOUR)
    assert link_requests.running_out(store, now=NOW + timedelta(minutes=59)) == []
    assert len(link_requests.running_out(store, now=NOW + HOUR)) == 1


def test_requests_are_narrowed_by_country_and_by_who_asked(store: Store) -> None:
    note(store, "t-1", country="Denmark", requested_by="anna")
    note(store, "t-2", country="France", requested_by="bo")
    note(store, "t-3", requested_by="bo", superseded_at=NOW)
    assert link_requests.countries(store) == ["Denmark", "France"]
    assert link_requests.askers(store) == ["anna", "bo"]
    assert [r.tenant_id for r in ledger(store, countries=("France", "Spain"))] == ["t-2"]
    assert [r.tenant_id for r in ledger(store, askers=("anna",))] == ["t-1"]
    assert ledger(store, countries=("France",), askers=("anna",)) == []


def test_every_request_of_a_client_is_told_newest_first(store: Store, ask: Ask) -> None:
    note(store, "t-2")
    ask(needs_linking("one"))
    ask(needs_linking("two"), now=NOW + DAY)
    newest, oldest = link_requests.of_client(store, "t-1")
    assert (newest.approval_url, newest.superseded_at) == (f"{APPROVAL}two", None)
    assert (oldest.approval_url, oldest.superseded_at) == (f"{APPROVAL}one", NOW + DAY)
    assert link_requests.of_client(store, "nobody") == []


def hand_over(store: Store, url: str) -> None:
    hand_overs.note(
        store, "t-1", url=url, at=NOW, to_whom="Petra", how=Way.PHONE, actor="bo", now=NOW
    )


def test_a_request_tells_who_was_handed_its_own_link_last(store: Store, ask: Ask) -> None:
    ask(needs_linking("one"))
    hand_over(store, f"{APPROVAL}one")
    (request,) = ledger(store)
    assert request.handed_over is not None
    assert (request.handed_over.to_whom, request.handed_over.how) == ("Petra", "Phone")
    ask(needs_linking("two"), now=NOW + DAY)
    (request,) = ledger(store)
    assert request.handed_over is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"payload": {"any": "thing"}}, None),
        ({"status": "declined"}, "no longer kept"),
        ({"requested_by": "elsewhere"}, "not made through the dashboard"),
        ({"payload": {"any": "thing"}, "superseded_at": NOW}, "asked again since"),
    ],
)
def test_why_a_request_cannot_be_asked_again_is_said(
    store: Store, ask: Ask, asked: list[Any], changes: dict[str, Any], why: str | None
) -> None:
    number = note(store, "t-1", **changes)
    (request,) = link_requests.of_client(store, "t-1")
    told = link_requests.why_not_again(request)
    if why is None:
        assert told is None
        return
    assert told is not None
    assert why in told
    with pytest.raises(CannotAskAgain, match=why):
        ask(needs_linking(), again=number)
    assert asked == []


def test_a_request_of_which_a_webhook_told_can_be_asked_again_once_it_was_asked_here(
    store: Store, ask: Ask
) -> None:
    with store.write() as session:
        the_ledger.note_asked_elsewhere(session, "t-1", company_name=None, at=NOW, ttl=TTL)
    (told,) = ledger(store)
    assert (told.made_elsewhere, told.can_ask_again, told.learnt_by) == (True, False, "webhook")
    ask(needs_linking(), now=NOW + DAY)
    (request,) = ledger(store)
    assert (request.made_elsewhere, request.can_ask_again) == (False, True)
    ask(needs_linking("again"), again=request.id, now=NOW + 2 * DAY)
    assert len(link_requests.of_client(store, "t-1")) == 3


def test_a_failed_attempt_to_ask_again_loses_nothing(store: Store, ask: Ask) -> None:
    ask(needs_linking())
    (before,) = ledger(store)
    with pytest.raises(DebituraError):
        ask((500, None), again=before.id, now=NOW + DAY)
    assert link_requests.of_client(store, "t-1") == [before]


OPTIONS = SandboxOptions(clients=10, cases=10, transactions=10, requests_per_minute=None)


def test_a_declined_request_is_asked_again_and_approved_from_end_to_end(store: Store) -> None:
    """Against the sandbox: the old link is void, the fresh one links, the sync finds out."""
    world = World.generate(OPTIONS)
    sample = NewClient.model_validate(SAMPLE_REQUESTS[0])
    now = datetime.now(UTC)
    with serving(world, OPTIONS) as url, ReferralPartnerApi(f"{url}/referral", "sandbox") as api:
        link_requests.ask_for_link(store, api, sample, actor="anna", now=now, ttl=TTL)
        (first,) = ledger(store)
        assert world.decline(token_of(first))
        with store.write() as session:
            the_ledger.note_end(
                session,
                sample.tenant_id,
                LinkRequestStatus.DECLINED,
                at=now + HOUR,
                by=LearntBy.WEBHOOK,
            )
        again = link_requests.ask_again(
            store, api, first.id, actor="bo", now=now + 2 * HOUR, ttl=TTL
        )
        assert isinstance(again, LinkRequested)
        (second,) = ledger(store)
        assert second.status is LinkRequestStatus.PENDING
        assert world.approve(token_of(first)) is None
        assert world.approve(token_of(second))
        assert Sync(store, api, clock=lambda: now + 3 * HOUR).run().is_true
    newest, oldest = link_requests.of_client(store, sample.tenant_id)
    assert (newest.status, newest.learnt_by) == ("approved", "sync")
    assert newest.resolved_at is not None
    assert (oldest.status, oldest.superseded_at) == ("declined", now + 2 * HOUR)


def token_of(request: LinkRequest) -> str:
    assert request.approval_url is not None
    return parse_qs(urlsplit(request.approval_url).query)["token"][0]


def test_the_numbers_of_many_requests_come_in_a_blink(store: Store) -> None:
    """20,000 of them: what a page asks is added up by the store, or is one column."""
    usual = {"requested_by": "anna", "requested_at": NOW, "expires_at": NOW + TTL}
    rows = [
        {
            **usual,
            "external_tenant_id": f"t-{number}",
            "status": "approved" if number % 2 else "pending",
            "resolved_at": NOW + timedelta(minutes=number) if number % 2 else None,
            "search_text": f"t-{number}",
        }
        for number in range(20_000)
    ]
    with store.write() as session:
        session.execute(insert(LinkRequestRow), rows)
    begun = time.perf_counter()
    counts = link_requests.count_by_status(store, LinkRequestFilter())
    median = link_requests.median_time(times(store))
    took_s = time.perf_counter() - begun
    assert (counts[LinkRequestStatus.APPROVED], median) == (10_000, timedelta(minutes=10_000))
    assert took_s < 2, "about a tenth of a second on an idle machine"


def test_time_left_ends_at_nothing(store: Store) -> None:
    note(store, "t-1")
    (request,) = ledger(store)
    assert request.time_left(NOW + timedelta(days=5)) == timedelta(days=2)
    assert request.time_left(NOW + timedelta(days=50)) == timedelta()
    assert request.share_left(NOW) == 1.0
    assert request.share_left(NOW + TTL / 2) == 0.5
    assert request.share_left(NOW + TTL * 2) == 0.0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("unal", {"1"}),
        ("ÜNAL", {"1"}),
        ("co ünal", {"1"}),
        ("100%", {"2"}),
        ("_", {"2"}),
        ("tenant-3", {"tenant-3"}),
        ("nobody", set()),
    ],
)
def test_a_request_is_found_by_its_company_or_id_as_everything_else(
    store: Store, text: str, found: set[str]
) -> None:
    for tenant_id, name in (("1", "Ünal & Co"), ("2", "100% Natur_Food"), ("tenant-3", "Else")):
        note(store, tenant_id, company_name=name)
    assert {request.tenant_id for request in ledger(store, text=text)} == found


@pytest.mark.parametrize(
    ("status", "left", "words"),
    [
        ("pending", timedelta(days=3, hours=1), " 3 days are left"),
        ("pending", timedelta(days=1, hours=1), " a day is left"),
        ("pending", timedelta(hours=1), " less than a day is left"),
        ("pending", timedelta(hours=-1), " less than a day is left"),
        ("approved", TTL, "approved"),
        ("declined", TTL, "declined"),
        ("expired", TTL, "ran out"),
    ],
)
def test_a_request_can_be_read_out_in_a_sentence(
    store: Store, status: str, left: timedelta, words: str
) -> None:
    note(store, "t-1", company_name="{0} {name} %s", status=status, expires_at=NOW + left)
    (request,) = ledger(store)
    told = onboarding.request_sentence(request, now=NOW)
    assert "{0} {name} %s" in told
    assert words in told
