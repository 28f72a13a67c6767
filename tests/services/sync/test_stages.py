"""What a pass derives of several scopes: stages, since when, and what became of link requests."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from services import activity, onboarding
from services.domain.onboarding_stage import OnboardingStage
from services.store import Store, mirror
from services.store.tables import LinkRequestRow
from services.sync.stages import refresh_stages, settle_link_requests
from tests.filling import NOW, SIGN, case, client, fill, transaction

LATER = NOW + timedelta(days=1)


def stage_of(store: Store, tenant_id: str = "t-1") -> tuple[OnboardingStage, datetime | None]:
    found = onboarding.client(store, tenant_id)
    assert found is not None
    return found.stage, found.stage_since


def test_a_client_in_its_first_stages_is_there_since_the_sources_own_dates(store: Store) -> None:
    created = client("t-1", onboardingDone=False, onboardingLinks={"url": SIGN})
    fill(store, clients=[created, client("t-2")], cases=[case("1", tenant_id="t-2")])
    assert stage_of(store) == (
        OnboardingStage.CREATED,
        datetime.fromisoformat("2026-01-05T09:00:00Z"),
    )
    assert stage_of(store, "t-2") == (
        OnboardingStage.FIRST_CASE,
        datetime.fromisoformat("2026-02-01T10:00:00Z"),
    )


def test_a_stage_whose_beginning_nobody_told_has_no_date(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    assert stage_of(store) == (OnboardingStage.CONTRACT_SIGNED, None)


def test_a_change_of_stage_is_noted_with_its_moment(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    fill(store, cases=[case("1")], now=LATER)
    assert stage_of(store) == (OnboardingStage.FIRST_CASE, LATER)
    after = LATER + timedelta(days=1)
    fill(store, transactions=[transaction("x")], now=after)
    assert stage_of(store) == (OnboardingStage.FIRST_RECOVERY, after)
    notes = [(n.before, n.after, n.at) for n in activity.history_of(store, "client", "t-1")]
    assert notes == [
        ("first_case", "first_recovery", after),
        ("contract_signed", "first_case", LATER),
    ]


def test_the_stage_of_a_clients_first_pass_is_no_change(store: Store) -> None:
    fill(store, clients=[client("t-1")], cases=[case("1")], transactions=[transaction("x")])
    assert stage_of(store)[0] is OnboardingStage.FIRST_RECOVERY
    assert activity.history_of(store, "client", "t-1") == []


def test_deriving_twice_changes_nothing(store: Store) -> None:
    fill(store, clients=[client("t-1"), client("t-2")], cases=[case("1")])
    with store.write() as session:
        assert refresh_stages(session, now=LATER) == 0


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        ("Pending", OnboardingStage.KYC_PENDING),
        ("pending", OnboardingStage.KYC_PENDING),
        ("not_required", OnboardingStage.CONTRACT_SIGNED),
        ("Verified", OnboardingStage.CONTRACT_SIGNED),
        ("SomethingNew", OnboardingStage.CONTRACT_SIGNED),
        (None, OnboardingStage.CONTRACT_SIGNED),
    ],
)
def test_an_identity_check_is_open_however_it_is_spelled(
    store: Store, word: str | None, stage: OnboardingStage
) -> None:
    fill(store, clients=[client("t-1", kycStatus=word)])
    assert stage_of(store)[0] is stage


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
        return settle_link_requests(session, now=now)


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
