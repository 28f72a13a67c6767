"""The ledger of link requests: what was asked, what was answered, and what time did to it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import select

from services import link_requests, onboarding
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
from services.link_requests import LinkRequest, LinkRequestFilter, LinkRequestStatus
from services.store import Store
from services.store.paging import ALL_ROWS
from services.store.tables import AuditRow, LinkRequestRow
from services.store.text import search_text
from tests.filling import NOW

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


def test_half_of_the_approvals_came_within_the_median(store: Store) -> None:
    for number, hours in enumerate((1, 5, 9)):
        resolved = NOW + timedelta(hours=hours)
        note(store, f"t-{number}", status="approved", resolved_at=resolved)
    note(store, "x", status="declined", resolved_at=NOW)
    assert link_requests.median_time_to_approval(ledger(store)) == timedelta(hours=5)
    assert link_requests.median_time_to_approval([]) is None


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
        ("pending", timedelta(days=3, hours=1), " 3 days left"),
        ("pending", timedelta(days=1, hours=1), " a day left"),
        ("pending", timedelta(hours=1), " less than a day left"),
        ("pending", timedelta(hours=-1), " less than a day left"),
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
