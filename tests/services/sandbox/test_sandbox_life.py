"""A world that changes by itself: often enough, never wrongly, and the same way every time."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import httpx
import pytest
from sandbox_running import URL, Clock, InProcess, Running, options

from services.sandbox import World, create_app, serving
from services.sandbox.life import Life
from services.sandbox.model import Case, Transaction
from services.sandbox.money import cents_to_wire
from services.sandbox.records import NEVER_STARTED, WorldEvent
from services.sandbox.revenue import BUCKETS, bucket_of
from services.sandbox.vocabulary import (
    COUNTRY_BY_ALPHA2,
    LIFECYCLE_LABELS,
    OLDER_LABELS,
    PHASES,
    WEBHOOK_EVENTS,
    lifecycle_group,
    lifecycle_name,
)

DAYS = 60
STEP = timedelta(minutes=30)
AT_720 = timedelta(seconds=720)
"""The simulated time of one real second at a speed of 720."""
SMALL: dict[str, Any] = {"clients": 60, "cases": 240, "transactions": 300}

BEFORE_COLLECTION = {
    "PendingContractSigning": {"PendingVerificationInternal"},
    "PendingVerificationInternal": {
        "PendingVerification", "NeedsAdditionalDetails", "Leads", "PendingContractSigning",
    },
    "PendingVerification": {
        "Active", "NeedsAdditionalDetails", "Leads", "PendingContractSigning",
    },
    "NeedsAdditionalDetails": {"PendingVerification", "PendingContractSigning"},
    "Leads": {"LeadsQuoteGiven"},
    "LeadsQuoteGiven": {"Active", "PendingContractSigning"},
}  # fmt: skip
STEPS = {**BEFORE_COLLECTION, "Active": {"Paused"}, "Paused": {"Active"}}
CLOSABLE = set(STEPS) - {"PendingContractSigning"}
MONEY_STEPS = {
    ("Unpaid", "Paid"),
    ("NotInvoiced", "InvoiceIssued"),
    ("InvoiceIssued", "PaymentReceived"),
    ("Pending", "Invoiced"),
    (None, "Invoiced"),
    ("Invoiced", "Paid"),
    ("Invoiced", "Disputed"),
    ("Disputed", "Invoiced"),
}


Statuses = tuple[str, str, str | None]


def _statuses(row: Transaction) -> Statuses:
    return row.commission_status, row.platform_status, row.referral_status


@dataclass
class Lived:
    """A world after a while, and all that was seen to change."""

    world: World
    clock: Clock
    born: datetime
    events: list[WorldEvent] = field(default_factory=list)
    money: list[tuple[Statuses, Statuses]] = field(default_factory=list)
    phases: Counter[tuple[str | None, str | None]] = field(default_factory=Counter)

    def told(self, name: str) -> list[WorldEvent]:
        return [event for event in self.events if event.name == name]


@pytest.fixture(scope="module")
def lived() -> Lived:
    """Sixty simulated days in sixty hours of the world's own clock."""
    clock, wanted = Clock(), options(**SMALL)
    world = World.generate(wanted, clock)
    lived, life = Lived(world, clock, clock.time), Life(world, wanted)
    world.listeners.append(lived.events.append)
    for _ in range(DAYS * (timedelta(days=1) // STEP)):
        money = {row.id: _statuses(row) for row in world.transactions}
        phases = {case.id: case.phase for case in world.cases}
        clock.advance(minutes=1.25)
        life.advance(STEP)
        lived.money += [
            (money[row.id], _statuses(row))
            for row in world.transactions
            if row.id in money and money[row.id] != _statuses(row)
        ]
        lived.phases.update(
            (phases[case.id], case.phase)
            for case in world.cases
            if case.id in phases and phases[case.id] != case.phase
        )
    return lived


@pytest.fixture(scope="module")
def asked(lived: Lived) -> Iterator[Running]:
    """The lived world behind its API."""
    app = create_app(lived.world, options=options(requests_per_minute=None))
    with httpx.Client(transport=InProcess(app)) as http:
        yield Running(lived.world, lived.clock, URL, http)


def _rows(asked: Running, path: str, name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = 1
    while True:
        query = {"Page": page, "PageSize": 100}
        body = asked.referral("GET", path, params=query).json()
        rows += body[name]
        if page >= body["page"]["totalPages"]:
            assert len(rows) == body["page"]["totalResults"]
            return rows, body["summary"]
        page += 1


def test_a_world_stands_still_unless_asked_to_live() -> None:
    assert options().speed == 0
    still, living = (World.generate(options(**SMALL), Clock()) for _ in range(2))
    told = Event()
    living.listeners.append(lambda _: told.set())
    with (
        serving(still, options(**SMALL)),
        serving(living, options(**SMALL, speed=86_400)),
    ):
        assert told.wait(20)
    assert still.revision == 0 < living.revision


def test_all_events_but_the_unlikely_are_told(lived: Lived) -> None:
    assert {event.name for event in lived.events} == set(WEBHOOK_EVENTS)


def test_cases_take_allowed_steps_only(lived: Lived) -> None:
    steps = set()
    for event in lived.told("case.updated"):
        before = lifecycle_name(event.details["oldLifecycle"])
        after = lifecycle_name(event.details["newLifecycle"])
        if before != after:
            steps.add((before, after))
    allowed = {(before, after) for before, afters in STEPS.items() for after in afters}
    assert steps <= allowed
    assert {after for _, after in steps} == set(STEPS)
    closed = lived.told("case.closed")
    assert {lifecycle_name(event.details["oldLifecycle"]) for event in closed} <= CLOSABLE
    codes = {event.details["closeCode"] for event in closed}
    assert {"Paid", "Partially paid"} < codes
    assert len(codes) > 8


def test_money_takes_allowed_steps_only(lived: Lived) -> None:
    seen = set()
    for before, after in lived.money:
        (step,) = {pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]}
        seen.add(step)
        commission, platform, referral = after
        assert commission == "Paid"
        if before[2] != referral:
            assert platform == "PaymentReceived"
    assert seen <= MONEY_STEPS
    assert {after for _, after in seen} == {after for _, after in MONEY_STEPS}


def test_moved_money_shows_at_once() -> None:
    wanted = options(**SMALL)
    world = World.generate(wanted, Clock())
    row = next(row for row in world.transactions if row.referral_status == "Invoiced")
    with httpx.Client(transport=InProcess(create_app(world, options=wanted))) as http:
        asked = Running(world, Clock(), URL, http)

        def paid() -> int:
            body = asked.referral("GET", "/reporting/transactions").json()
            return int(body["summary"]["revenue"]["paidCount"])

        before = paid()
        world.move_transaction(row, referral="Paid")
        assert paid() == before + 1


def test_phases_go_forward_and_sometimes_back(lived: Lived) -> None:
    back = sum(
        count
        for (before, after), count in lived.phases.items()
        if before in PHASES and after in PHASES and PHASES.index(before) > PHASES.index(after)
    )
    assert 0 < back < lived.phases.total() / 2
    assert all(
        before is None or abs(PHASES.index(before) - PHASES.index(after or "")) == 1
        for before, after in lived.phases
    )


def test_clients_come_and_sign(lived: Lived) -> None:
    newcomers = [client for client in lived.world.clients if client.linked > lived.born]
    assert any(client.attributed and client.signed for client in newcomers)
    assert any(not client.attributed for client in newcomers)
    signed = lived.told("client.onboarding.contract_signed")
    again = Counter(event.tenant_id for event in signed)
    assert max(again.values()) > 1
    assert lived.told("client.onboarding.poa_signed")
    verified = [
        client
        for client in lived.world.clients
        if client.kyc and client.kyc.status_updated and client.kyc.status_updated > lived.born
    ]
    assert verified
    assert all(client.kyc_status == "verified" for client in verified)


def test_newcomers_can_be_told_apart(lived: Lived) -> None:
    world = lived.world
    for ids in (
        [client.tenant_id for client in world.clients],
        [client.creditor_id for client in world.clients],
        [client.link_id for client in world.clients],
        [case.id for case in world.cases],
        [case.reference for case in world.cases],
        [row.id for row in world.transactions],
        [request.token for request in world.link_requests],
        [account.email for account in world.state.accounts],
    ):
        assert len(set(ids)) == len(ids)
    assert [case.reference for case in world.cases] == sorted(c.reference for c in world.cases)


def test_nothing_carries_a_time_that_is_yet_to_come(lived: Lived) -> None:
    world, now = lived.world, lived.world.now()
    times: list[datetime | None] = [row.date for row in world.transactions]
    for case in world.cases:
        times += [case.created, case.started, case.finished, case.responded, case.invoice_date]
    for client in world.clients:
        times.append(client.linked)
        if client.kyc:
            times += [client.kyc.created, client.kyc.status_updated]
    for request in world.link_requests:
        times += [request.requested, request.decided]
        if request.outcome == "expired":
            times.append(request.expires)
    assert all(time <= now for time in times if time is not None)


def test_cases_stay_in_agreement_with_themselves(lived: Lived) -> None:
    for case in lived.world.cases:
        closed = case.lifecycle in ("Closed", "Merged")
        assert (case.finished is not None) == closed
        assert (case.close_code is not None) == (case.lifecycle == "Closed")
        assert (case.phase is not None) == (case.started is not None)
        assert case.agency_id is not None or case.started is None
        assert bool(case.missing_info) == (case.lifecycle == "NeedsAdditionalDetails")
        assert case.label in (
            LIFECYCLE_LABELS[case.lifecycle], OLDER_LABELS.get(case.lifecycle),
        )  # fmt: skip
        known = [time for time in (case.created, case.started, case.finished) if time]
        assert known == sorted(known)
        assert case.invoice_date <= case.due < case.created
        client = lived.world.client(case.tenant_id)
        assert client is not None
        assert client.linked <= case.created
        if case.lifecycle == "PendingContractSigning":
            assert not client.signed or client.pending_poa


def test_cases_that_never_started_say_so(lived: Lived) -> None:
    ended = [case for case in lived.world.cases if case.finished and case.finished > lived.born]
    never = [case for case in ended if case.close_code in NEVER_STARTED]
    assert never
    assert all(case.started is None for case in never)
    assert all(case.started for case in ended if case not in never)


def _paid(world: World, case: Case) -> int:
    paid = sum(row.amount for row in world.transactions_of(case.id))
    return paid + sum(payment.amount for payment in case.other_payments)


def test_remainders_are_what_is_left_to_pay(lived: Lived) -> None:
    for case in lived.world.cases:
        assert case.remainder == case.gross - _paid(lived.world, case) >= 0
        if case.close_code == "Paid":
            assert case.remainder == 0
        elif case.close_code == "Partially paid":
            assert 0 < case.remainder < case.gross
        elif case.lifecycle == "Closed":
            assert case.remainder == case.gross
    part = [c for c in lived.world.cases if c.lifecycle == "Active" and 0 < c.remainder < c.gross]
    assert any(
        row.date > lived.born for case in part for row in lived.world.transactions_of(case.id)
    )


def test_lists_agree_with_their_summaries(asked: Running) -> None:
    clients, summary = _rows(asked, "/clients", "clients")
    assert summary["totalClients"] == len(clients)
    assert summary["onboardingComplete"] == sum(row["onboardingDone"] for row in clients)
    cases, case_summary = _rows(asked, "/cases", "cases")
    assert summary["totalCases"] == len(cases) == case_summary["totalCases"]
    groups = Counter(lifecycle_group(lifecycle_name(row["lifecycle"]) or "") for row in cases)
    assert case_summary["byLifecycle"] == {
        name: groups[name] for name in ("active", "pending", "closed", "paused")
    }
    mine = Counter(row["client"]["externalTenantId"] for row in cases)
    assert all(row["caseStats"]["casesTotal"] == mine[row["externalTenantId"]] for row in clients)


def test_money_agrees_with_its_summaries(asked: Running) -> None:
    rows, summary = _rows(asked, "/reporting/transactions", "data")
    cents: dict[int | None, int] = defaultdict(int)
    counts: Counter[int | None] = Counter()
    earned: Counter[str] = Counter()
    by_id = {row.id: row for row in asked.world.transactions}
    for row in rows:
        bucket = bucket_of(by_id[row["transactionId"]], asked.world.mode)
        fee = round(row["earnings"]["referralFeeAmountUsd"] * 100)
        cents[bucket] += fee
        counts[bucket] += 1
        if bucket not in (None, BUCKETS.index("disputed")):
            earned[row["client"]["externalTenantId"]] += fee
    for number, name in enumerate(BUCKETS):
        assert summary["revenue"][f"{name}Count"] == counts[number] > 0
        assert summary["revenue"][f"{name}ReferralFeeUsd"] == cents_to_wire(cents[number])
    clients, _ = _rows(asked, "/clients", "clients")
    for client in clients:
        wanted = cents_to_wire(earned[client["externalTenantId"]])
        assert client["caseStats"]["earningsUsd"] == wanted


def _state_after(*steps: timedelta, seed: int = 7) -> object:
    wanted = options(**SMALL, seed=seed)
    world = World.generate(wanted, Clock())
    life = Life(world, wanted)
    for step in steps:
        life.advance(step)
    return world.state


def test_the_same_seed_lives_the_same_life() -> None:
    once = _state_after(timedelta(days=10))
    assert once == _state_after(timedelta(days=10))
    assert once == _state_after(*[timedelta(hours=1)] * 240)
    assert once != _state_after(timedelta(days=9))


def test_requests_expire_by_the_simulated_clock() -> None:
    wanted = options(**SMALL)
    world = World.generate(wanted, Clock())
    life = Life(world, wanted)
    world.ask("tenant-new", world.existing_accounts[-1], {})
    open_then = [r for r in world.link_requests if r.outcome == "pending"]
    life.advance(timedelta(days=wanted.link_ttl_days + 0.1))
    assert all(request.outcome != "pending" for request in open_then)
    expired = [request for request in open_then if request.outcome == "expired"]
    assert expired
    assert all(request.decided == request.expires == world.now() for request in expired)


def test_requests_expire_by_the_real_clock_too() -> None:
    wanted, clock = options(**SMALL), Clock()
    world = World.generate(wanted, clock)
    made = world.ask("tenant-new", world.existing_accounts[-1], {})
    clock.advance(days=8)
    Life(world, wanted).advance(timedelta())
    assert made.outcome == "expired"


def _onboarding(world: World) -> object:
    clients = [
        (client.signed, client.pending_poa, client.kyc_status, client.kyc and client.kyc.status)
        for client in world.clients
    ]
    return clients, [request.outcome for request in world.link_requests]


def test_at_720_there_is_always_something_to_see() -> None:
    wanted = options()
    world = World.generate(wanted, Clock())
    life = Life(world, wanted)
    minutes = []
    for _ in range(60):
        before, changed = _onboarding(world), 0
        for _ in range(6):
            revision = world.revision
            life.advance(10 * AT_720)
            changed += world.revision > revision
        minutes.append((changed, before != _onboarding(world)))
    assert min(changed for changed, _ in minutes) >= 3
    assert sum(changed for changed, _ in minutes) > 0.8 * 6 * 60
    assert sum(seen for _, seen in minutes) >= 58
    assert 20 < len(world.cases) - 1200 < 120
    assert 5 < len(world.clients) - 180 < 50


def test_every_size_of_world_lives() -> None:
    for clients, cases, transactions in ((0, 0, 0), (1, 0, 0), (1, 3, 40)):
        wanted = options(clients=clients, cases=cases, transactions=transactions)
        world = World.generate(wanted, Clock())
        Life(world, wanted).advance(timedelta(days=20))
        assert len(world.clients) > clients
        assert len(world.cases) > cases


def test_claims_of_newcomers_are_in_places_that_exist(lived: Lived) -> None:
    new = [case for case in lived.world.cases if case.created > lived.born]
    assert len({case.country_id for case in new}) > 3
    for case in new:
        assert case.debtor is not None
        country = COUNTRY_BY_ALPHA2[case.debtor["countryAlpha2"]]
        assert case.country_id == country.id
        assert (case.state is not None) == (country.alpha2 == "US")


def test_a_served_world_lives_and_outlives_a_failing_step(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wanted = options(**SMALL, speed=86_400)
    world = World.generate(wanted, Clock())
    failed, went_on = Event(), Event()

    def fail_once(_: WorldEvent) -> None:
        if failed.is_set():
            went_on.set()
        else:
            failed.set()
            raise RuntimeError("a listener that fails")

    world.listeners.append(fail_once)
    with caplog.at_level(logging.ERROR), serving(world, wanted):
        assert went_on.wait(20)
    assert "A step of the sandbox's life failed" in caplog.text
    assert world.listeners == [fail_once]
