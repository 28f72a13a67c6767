"""Clients on their way: the funnel, who is stuck, and what support reads out."""

from datetime import timedelta
from typing import Any

import pytest

from services import onboarding
from services.domain.onboarding_stage import OnboardingStage
from services.onboarding import ClientFilter, ClientSummary, Contact
from services.store import Store, Window
from tests.filling import NOW, SIGN, Json, case, client, fill, transaction

UPGRADE = "https://app.debitura.com/ContractUpgrade/Sign/1"


def created(tenant_id: str, **changes: Any) -> Json:
    return client(tenant_id, onboardingDone=False, onboardingLinks={"url": SIGN}, **changes)


@pytest.fixture
def road(store: Store) -> Store:
    """Two created, one signed, one back for new terms, one with a case, one with a recovery."""
    fill(
        store,
        clients=[
            created("c-1"),
            created("c-2"),
            client("signed"),
            client("back", onboardingDone=False, onboardingLinks={"url": UPGRADE}),
            client("case"),
            client("paid"),
        ],
        cases=[case("1", tenant_id="case"), case("2", tenant_id="paid")],
        transactions=[transaction("x", tenant_id="paid")],
    )
    return store


def summary(store: Store, tenant_id: str) -> ClientSummary:
    found = onboarding.client(store, tenant_id)
    assert found is not None
    return found


def test_the_funnel_counts_how_far_each_client_ever_came(road: Store) -> None:
    steps = onboarding.funnel(road, ClientFilter())
    assert [(step.milestone.value, step.clients) for step in steps] == [
        ("created", 6),
        ("contract_signed", 4),
        ("first_case", 2),
        ("first_recovery", 1),
    ]


def test_the_funnel_narrows_with_the_filter(road: Store) -> None:
    assert [step.clients for step in onboarding.funnel(road, ClientFilter(text="paid"))] == [1] * 4
    nobody = ClientFilter(countries=("Nowhere",))
    assert [step.clients for step in onboarding.funnel(road, nobody)] == [0] * 4


def test_every_client_is_counted_in_one_stage(road: Store) -> None:
    counts = onboarding.stage_counts(road, ClientFilter())
    assert {stage.value: count for stage, count in counts.items() if count} == {
        "created": 2,
        "contract_signed": 1,
        "contract_upgrade": 1,
        "first_case": 1,
        "first_recovery": 1,
    }
    assert set(counts) == set(OnboardingStage)


def test_a_client_is_stuck_only_when_longer_than_the_limit(store: Store) -> None:
    limit = timedelta(days=14)
    for tenant_id, since in (
        ("over", NOW - limit - timedelta(seconds=1)),
        ("at", NOW - limit),
        ("ages", NOW - timedelta(days=90)),
    ):
        fill(store, clients=[created(tenant_id, dateLinked=since.isoformat())])
    stuck = onboarding.stuck_clients(store, now=NOW, limit=limit)
    assert [each.tenant_id for each in stuck] == ["ages", "over"]


def test_who_waits_since_nobody_knows_when_comes_last(store: Store) -> None:
    fill(
        store,
        clients=[
            client("unknown", onboardingDone=False, onboardingLinks={"url": UPGRADE}),
            created("known"),
        ],
    )
    stuck = onboarding.stuck_clients(store, now=NOW, limit=timedelta(days=14))
    assert [each.tenant_id for each in stuck] == ["known", "unknown"]
    assert stuck[1].stage_since is None


def test_who_has_nothing_to_sign_is_never_stuck(road: Store) -> None:
    stuck = onboarding.stuck_clients(road, now=NOW + timedelta(days=900), limit=timedelta(days=1))
    assert {each.tenant_id for each in stuck} == {"c-1", "c-2", "back"}


def test_a_step_into_waiting_that_we_saw_counts_from_then(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    back = client("t-1", onboardingDone=False, onboardingLinks={"url": UPGRADE})
    fill(store, clients=[back], now=NOW + timedelta(days=1))
    assert summary(store, "t-1").stage_since == NOW + timedelta(days=1)
    soon = NOW + timedelta(days=3)
    assert onboarding.stuck_clients(store, now=soon, limit=timedelta(days=14)) == []


@pytest.mark.parametrize(
    ("tenant_id", "words"),
    [
        ("c-1", ("Company c-1", "not been signed for 74 days", "onboarding link")),
        ("back", ("Company back", "new terms", "signing link")),
        ("signed", ("Company signed", "first case")),
        ("case", ("Company case", "nothing has been recovered yet")),
        ("paid", ("Company paid", "money has been recovered")),
    ],
)
def test_support_can_read_out_where_a_client_is_and_what_comes_next(
    road: Store, tenant_id: str, words: tuple[str, ...]
) -> None:
    told = onboarding.sentence(summary(road, tenant_id), now=NOW)
    for word in words:
        assert word in told


@pytest.mark.parametrize("stage", OnboardingStage)
def test_every_stage_can_be_read_out(road: Store, stage: OnboardingStage) -> None:
    from dataclasses import replace  # noqa: PLC0415

    client = replace(summary(road, "c-1"), stage=stage, name="{0} {name} %s")
    assert "{0} {name} %s" in onboarding.sentence(client, now=NOW)


def test_a_summary_says_what_is_told_and_stands_in_for_what_is_not(store: Store) -> None:
    user = {"firstName": "Ünal", "lastName": None, "email": "u@company.example"}
    fill(
        store,
        clients=[
            client("t-1", users=[user], onboardingLinks={"url": SIGN}),
            {"externalTenantId": "bare"},
        ],
    )
    told = summary(store, "t-1")
    assert told.contacts == (Contact("Ünal", "u@company.example"),)
    assert told.link_to_hand_over == SIGN
    bare = summary(store, "bare")
    assert (bare.name, bare.contacts, bare.country) == ("bare", (), None)
    assert onboarding.client(store, "never seen") is None


def test_lists_narrow_by_stage_and_country(road: Store) -> None:
    wanted = ClientFilter(stages=("created", "contract_upgrade"), countries=("Denmark",))
    page = onboarding.list_clients(road, wanted, Window(size=2))
    assert (len(page.rows), page.total) == (2, 3)
    assert onboarding.countries(road) == ["Denmark"]
