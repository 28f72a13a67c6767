"""Clients on their way: the funnel, who is stuck, and what support reads out."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from services import hand_overs, onboarding
from services.domain.onboarding_stage import Milestone, OnboardingStage
from services.hand_overs import Way
from services.onboarding import ClientFilter, ClientSummary, Contact, FunnelStep, StageNow
from services.settings import STUCK_LIMITS
from services.store import Store, Window
from services.store.tables import ClientRow
from tests.filling import NOW, SIGN, Json, case, client, fill, transaction

DAY = timedelta(days=1)
FORTNIGHT = dict.fromkeys(STUCK_LIMITS, 14 * DAY)
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


@pytest.fixture
def seven(store: Store) -> Store:
    """Seven clients, named by their number."""
    fill(store, clients=[client(str(number)) for number in range(7)])
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


def step(store: Store, milestone: Milestone, wanted: ClientFilter | None = None) -> FunnelStep:
    steps = onboarding.funnel(store, wanted or ClientFilter())
    return next(each for each in steps if each.milestone is milestone)


def stage_now(store: Store, stage: OnboardingStage, **wanted: Any) -> StageNow:
    stages = onboarding.stages_now(store, ClientFilter(**wanted), now=NOW)
    return next(each for each in stages if each.stage is stage)


def set_times(store: Store, tenant_id: str, **times: Any) -> None:
    """Store when a client reached what, whatever its rows tell."""
    set_all_times(store, {tenant_id: times})


def set_all_times(store: Store, told: Mapping[str, Mapping[str, Any]]) -> None:
    with store.write() as session:
        for tenant_id, times in told.items():
            client = update(ClientRow).where(ClientRow.external_tenant_id == tenant_id)
            session.execute(client.values(**times))


def test_the_funnel_tells_shares_of_all_and_of_the_step_before(road: Store) -> None:
    told = [(each.share, each.conversion) for each in onboarding.funnel(road, ClientFilter())]
    assert told == [(1, None), (4 / 6, 4 / 6), (2 / 6, 2 / 4), (1 / 6, 1 / 2)]


def test_a_funnel_of_nobody_has_no_shares(store: Store) -> None:
    told = [(each.share, each.conversion) for each in onboarding.funnel(store, ClientFilter())]
    assert told == [(None, None)] * 4


moments = st.datetimes(datetime(2024, 1, 1), datetime(2026, 3, 20), timezones=st.just(UTC))  # noqa: DTZ001
dates = st.tuples(moments | st.none(), moments | st.none())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(dates, min_size=7, max_size=7))
def test_the_median_is_that_of_the_clients_of_whom_both_dates_are_known(
    seven: Store, told: list[tuple[datetime | None, datetime | None]]
) -> None:
    set_all_times(
        seven,
        {
            str(number): {"signed_at": signed, "first_case_at": first_case}
            for number, (signed, first_case) in enumerate(told)
        },
    )
    took = step(seven, Milestone.FIRST_CASE).took
    seconds = [max((end - start).total_seconds(), 0) for start, end in told if start and end]
    assert took.known_of == len(seconds)
    assert took.median == (timedelta(seconds=median(seconds)) if seconds else None)


def test_the_median_of_an_even_number_lies_between_the_middle_two(store: Store) -> None:
    fill(store, clients=[client("a"), client("b"), client("c")])
    for tenant_id, days in (("a", 4), ("b", 1)):
        set_times(store, tenant_id, linked_at=NOW - 90 * DAY, signed_at=NOW - (90 - days) * DAY)
    took = step(store, Milestone.CONTRACT_SIGNED).took
    assert (took.median, took.days, took.known_of) == (2.5 * DAY, 2.5, 2)


def test_a_case_older_than_the_signature_took_no_days(store: Store) -> None:
    fill(store, clients=[client("a")])
    set_times(store, "a", signed_at=NOW, first_case_at=NOW - 400 * DAY)
    assert step(store, Milestone.FIRST_CASE).took.median == timedelta()


def test_the_first_step_took_nothing_from_anywhere(road: Store) -> None:
    assert step(road, Milestone.CREATED).took.known_of == 0


def test_a_stage_tells_for_how_long_its_clients_have_been_there(store: Store) -> None:
    linked = {name: NOW - age * DAY for name, age in (("a", 10), ("b", 20), ("c", 60))}
    fill(
        store,
        clients=[
            *(created(name, dateLinked=at.isoformat()) for name, at in linked.items()),
            client("back", onboardingDone=False, onboardingLinks={"url": UPGRADE}),
        ],
    )
    waiting = stage_now(store, OnboardingStage.CREATED)
    assert (waiting.clients, waiting.lasted.median, waiting.lasted.known_of) == (3, 20 * DAY, 3)
    unknown = stage_now(store, OnboardingStage.CONTRACT_UPGRADE)
    assert (unknown.clients, unknown.lasted.median, unknown.lasted.known_of) == (1, None, 0)


def test_stages_tell_the_main_road_first_and_leave_none_out(road: Store) -> None:
    stages = onboarding.stages_now(road, ClientFilter(), now=NOW)
    assert [each.stage.value for each in stages[:4]] == list(Milestone)
    assert [each.is_on_main_road for each in stages] == [True] * 4 + [False] * (len(stages) - 4)
    assert {each.stage for each in stages} == set(OnboardingStage)
    assert sum(each.clients for each in stages) == 6


def test_who_is_gone_is_counted_in_its_stage_and_not_in_the_funnel(store: Store) -> None:
    fill(store, clients=[client("a"), client("gone")])
    set_times(store, "gone", archived_at=NOW, stage="archived")
    assert stage_now(store, OnboardingStage.ARCHIVED).clients == 1
    assert step(store, Milestone.CREATED).clients == 1


def test_a_cohort_is_who_was_linked_in_its_days(store: Store) -> None:
    linked = ("2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-02-28T23:59:59Z")
    fill(store, clients=[client(moment, dateLinked=moment) for moment in linked])
    fill(store, clients=[client("untold", dateLinked=None), client("2026-03-01T00:00:00Z")])
    february = {
        "linked_from": datetime(2026, 2, 1, tzinfo=UTC),
        "linked_before": datetime(2026, 3, 1, tzinfo=UTC),
    }
    assert step(store, Milestone.CREATED, ClientFilter(**february)).clients == 2
    assert stage_now(store, OnboardingStage.CONTRACT_SIGNED, **february).clients == 2
    assert onboarding.first_linked_at(store) == datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_without_clients_nobody_was_linked_first(store: Store) -> None:
    assert onboarding.first_linked_at(store) is None


def test_a_client_is_stuck_only_when_longer_than_the_limit(store: Store) -> None:
    for tenant_id, since in (
        ("over", NOW - 14 * DAY - timedelta(seconds=1)),
        ("at", NOW - 14 * DAY),
        ("ages", NOW - 90 * DAY),
    ):
        fill(store, clients=[created(tenant_id, dateLinked=since.isoformat())])
    stuck = onboarding.stuck_clients(store, now=NOW, limits=FORTNIGHT)
    assert [each.tenant_id for each in stuck] == ["ages", "over"]


def test_every_stage_has_a_limit_of_its_own(store: Store) -> None:
    fill(store, clients=[created("new"), created("upgrade"), client("signed"), client("case")])
    for tenant_id, stage in (
        ("new", "created"),
        ("upgrade", "contract_upgrade"),
        ("signed", "contract_signed"),
        ("case", "first_case"),
    ):
        set_times(store, tenant_id, stage=stage, stage_since=NOW - 10 * DAY)

    def stuck(**days: int) -> list[str]:
        limits = {OnboardingStage(stage): number * DAY for stage, number in days.items()}
        found = onboarding.stuck_clients(store, now=NOW, limits=limits)
        return [each.tenant_id for each in found]

    assert stuck(created=9, contract_upgrade=11, contract_signed=30) == ["new"]
    assert stuck(created=9, contract_upgrade=7, contract_signed=8) == ["upgrade", "signed", "new"]
    assert stuck(kyc_pending=1) == []


def test_the_most_over_its_limit_comes_first_and_not_the_longest_waiting(store: Store) -> None:
    fill(store, clients=[created("patient"), created("urgent"), created("fresh")])
    for tenant_id, stage, age in (
        ("patient", "kyc_pending", 40),
        ("urgent", "created", 20),
        ("fresh", "created", 1),
    ):
        set_times(store, tenant_id, stage=stage, stage_since=NOW - age * DAY)
    limits = {OnboardingStage.KYC_PENDING: 35 * DAY, OnboardingStage.CREATED: 7 * DAY}
    stuck = onboarding.stuck_clients(store, now=NOW, limits=limits)
    over = [onboarding.over_limit(each, now=NOW, limits=limits) for each in stuck]
    assert [each.tenant_id for each in stuck] == ["urgent", "patient"]
    assert over == [13 * DAY, 5 * DAY]
    fresh = summary(store, "fresh")
    assert onboarding.over_limit(fresh, now=NOW, limits=limits) is None


def test_all_clients_sort_by_how_much_they_are_over_their_limit(road: Store) -> None:
    wanted = onboarding.with_limits(ClientFilter(), now=NOW, limits=STUCK_LIMITS)
    page = onboarding.list_clients(road, wanted, Window(sort="over", descending=True))
    assert page.total == 6
    assert {each.tenant_id for each in page.rows[:2]} == {"c-1", "c-2"}


def test_who_waits_since_nobody_knows_when_comes_last(store: Store) -> None:
    fill(
        store,
        clients=[
            client("unknown", onboardingDone=False, onboardingLinks={"url": UPGRADE}),
            created("known"),
        ],
    )
    stuck = onboarding.stuck_clients(store, now=NOW, limits=FORTNIGHT)
    assert [each.tenant_id for each in stuck] == ["known", "unknown"]
    assert stuck[1].stage_since is None
    assert onboarding.over_limit(stuck[1], now=NOW, limits=FORTNIGHT) is None


def test_a_client_without_a_case_is_counted_from_when_it_was_first_seen(store: Store) -> None:
    fill(store, clients=[client("signed")])
    assert onboarding.stuck_clients(store, now=NOW + 14 * DAY, limits=FORTNIGHT) == []
    stuck = onboarding.stuck_clients(store, now=NOW + 15 * DAY, limits=FORTNIGHT)
    assert [each.tenant_id for each in stuck] == ["signed"]


def test_whose_cases_are_worked_is_never_stuck(road: Store) -> None:
    limits = dict.fromkeys(STUCK_LIMITS, DAY)
    stuck = onboarding.stuck_clients(road, now=NOW + 900 * DAY, limits=limits)
    assert {each.tenant_id for each in stuck} == {"c-1", "c-2", "back", "signed"}


def test_only_stuck_narrows_what_was_wanted(road: Store) -> None:
    wanted = ClientFilter(stages=("contract_upgrade", "first_case"))
    stuck = onboarding.only_stuck(wanted, now=NOW, limits=FORTNIGHT)
    page = onboarding.list_clients(road, stuck, Window())
    assert [each.tenant_id for each in page.rows] == ["back"]


def test_a_step_into_waiting_that_we_saw_counts_from_then(store: Store) -> None:
    fill(store, clients=[client("t-1")])
    back = client("t-1", onboardingDone=False, onboardingLinks={"url": UPGRADE})
    fill(store, clients=[back], now=NOW + DAY)
    assert summary(store, "t-1").stage_since == NOW + DAY
    assert onboarding.stuck_clients(store, now=NOW + 3 * DAY, limits=FORTNIGHT) == []


def test_a_client_tells_its_last_hand_over(road: Store) -> None:
    for to_whom, age in (("Anna", 3), ("Bo", 1), ("Carl", 2)):
        hand_overs.note(
            road,
            "c-1",
            url=SIGN,
            at=NOW - age * DAY,
            to_whom=to_whom,
            how=Way.PHONE,
            actor="dora",
            now=NOW,
        )
    page = onboarding.list_clients(road, ClientFilter(), Window())
    told = {each.tenant_id: each.last_hand_over for each in page.rows}
    last = told.pop("c-1")
    assert last is not None
    assert (last.to_whom, last.handed_over_at) == ("Bo", NOW - DAY)
    assert set(told.values()) == {None}
    assert summary(road, "c-1").last_hand_over == last


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
