"""Onboarding stages as a pass derives them, and since when."""

from datetime import datetime, timedelta

import pytest

from services import activity, onboarding
from services.debitura.schemas import Case
from services.domain.onboarding_stage import OnboardingStage
from services.store import Store, mirror
from services.store.tables import ClientRow
from services.sync import mapping
from services.sync.stages import refresh_stages
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


def test_a_signature_that_no_event_told_is_dated_by_the_pass_that_saw_it(store: Store) -> None:
    fill(store, clients=[client("t-1", onboardingDone=False, onboardingLinks={"url": SIGN})])
    assert milestones(store) == (None, None, None)
    fill(store, clients=[client("t-1")], now=LATER)
    assert milestones(store) == (LATER, None, None)
    fill(store, clients=[client("t-1")], now=LATER + timedelta(days=1))
    assert milestones(store) == (LATER, None, None)


def test_when_a_client_signed_that_had_signed_when_first_seen_is_not_known(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    fill(store, clients=[client("t-1")], cases=[case("1")], now=LATER)
    assert milestones(store)[0] is None


def test_the_first_case_and_recovery_have_the_sources_dates(store: Store) -> None:
    fill(store, clients=[client("t-1")], cases=[case("1")], transactions=[transaction("x")])
    assert milestones(store)[1:] == (
        datetime.fromisoformat("2026-02-01T10:00:00Z"),
        datetime.fromisoformat("2026-02-10T08:00:00Z"),
    )


@pytest.mark.parametrize(
    ("column", "archived", "stage"),
    [
        ("poa_signed_at", False, OnboardingStage.POA_SIGNED),
        ("withdrawn_at", True, OnboardingStage.WITHDRAWN),
        ("withdrawn_at", False, OnboardingStage.CREATED),
    ],
)
def test_what_was_learnt_beside_the_list_counts(
    store: Store, column: str, archived: bool, stage: OnboardingStage
) -> None:
    fill(store, clients=[client("t-1", onboardingDone=False, onboardingLinks={"url": SIGN})])
    with store.write() as session:
        setattr(session.get_one(ClientRow, "t-1"), column, LATER)
        if archived:
            mirror.archive(session, mirror.CLIENTS, {"t-1"}, now=LATER)
        session.flush()
        refresh_stages(session, now=LATER)
    assert stage_of(store)[0] is stage


def test_only_the_stages_of_those_asked_for_are_derived(store: Store) -> None:
    fill(store, clients=[client("t-1"), client("t-2")])
    added = [mapping.case_row(Case.received(case(t, tenant_id=t))) for t in ("t-1", "t-2")]
    with store.write() as session:
        mirror.save(session, mirror.CASES, added, now=LATER, learnt_by="webhook")
        assert refresh_stages(session, now=LATER, tenant_ids=["t-2"], learnt_by="webhook") == 1
    assert stage_of(store)[0] is OnboardingStage.CONTRACT_SIGNED
    assert stage_of(store, "t-2")[0] is OnboardingStage.FIRST_CASE
    (note,) = activity.history_of(store, "client", "t-2")
    assert note.learnt_by == "webhook"


def milestones(store: Store) -> tuple[datetime | None, datetime | None, datetime | None]:
    with store.read() as session:
        row = session.get_one(ClientRow, "t-1")
        return row.signed_at, row.first_case_at, row.first_recovery_at
