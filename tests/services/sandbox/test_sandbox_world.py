"""A fresh world: repeatable, complete, and in agreement with itself."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from sandbox_running import TODAY, options

from services.sandbox import SandboxOptions, World
from services.sandbox.model import WorldState
from services.sandbox.money import PLATFORM_SHARE_BPS, share, usd_cents
from services.sandbox.revenue import bucket_of, is_counted
from services.sandbox.seed import generate
from services.sandbox.seed_clients import moment
from services.sandbox.vocabulary import (
    COUNTRIES,
    LIFECYCLE_LABELS,
    OLDER_LABELS,
    PHASES,
    UNCOVERED_COUNTRIES,
    UNRECOVERED_CLOSE_CODES,
)


def _without_times(state: WorldState) -> dict[str, list[tuple[object, ...]]]:
    return {
        "clients": [(c.tenant_id, c.creditor_id, c.name) for c in state.clients],
        "cases": [(c.id, c.reference, c.gross, c.label) for c in state.cases],
        "transactions": [(t.id, t.amount, t.referral_fee_cents) for t in state.transactions],
        "requests": [(r.token, r.outcome) for r in state.link_requests],
    }


def test_same_seed_makes_the_same_world(world: World) -> None:
    again = generate(options())
    assert again == world.state


def test_another_day_changes_dates_only(world: World) -> None:
    later = generate(options(today=TODAY + timedelta(days=100)))
    assert _without_times(later) == _without_times(world.state)
    shift = later.cases[0].created - world.cases[0].created
    assert shift == timedelta(days=100)


def test_another_seed_makes_another_world(world: World) -> None:
    assert _without_times(generate(options(seed=8))) != _without_times(world.state)


def test_default_sizes(world: World) -> None:
    assert (len(world.clients), len(world.cases), len(world.transactions)) == (180, 1200, 2000)


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (1, 3, 40), (5, 0, 0), (0, 0, 0), (30, 40, 5), (200, 30, 900)]
)
def test_odd_sizes_are_met(sizes: tuple[int, int, int]) -> None:
    clients, cases, transactions = sizes
    made = World.generate(options(clients=clients, cases=cases, transactions=transactions))
    assert (len(made.clients), len(made.cases), len(made.transactions)) == sizes


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="transactions need cases"):
        generate(SandboxOptions(clients=5, cases=0, transactions=3))


def test_everything_has_its_own_id(world: World) -> None:
    for ids in (
        [client.tenant_id for client in world.clients],
        [client.creditor_id for client in world.clients],
        [case.id for case in world.cases],
        [case.reference for case in world.cases],
        [transaction.id for transaction in world.transactions],
        [request.token for request in world.link_requests],
    ):
        assert len(set(ids)) == len(ids)


def test_every_value_of_every_axis_is_present(world: World) -> None:
    assert {case.lifecycle for case in world.cases} == set(LIFECYCLE_LABELS)
    assert {case.label for case in world.cases} >= set(OLDER_LABELS.values())
    assert {case.close_code for case in world.cases} == {
        None, "Paid", "Partially paid", *UNRECOVERED_CLOSE_CODES,
    }  # fmt: skip
    assert {case.phase for case in world.cases} == {None, *PHASES}
    assert {case.country_id for case in world.cases} == {country.id for country in COUNTRIES}
    currencies = {"EUR", "USD", "GBP", "DKK", "SEK", "JPY", "KWD"}
    assert {case.currency for case in world.cases} == currencies
    assert {row.currency for row in world.transactions} == currencies
    assert {bucket_of(row, "PayWhenPaid") for row in world.transactions} == {None, *range(7)}
    assert None in {row.referral_status for row in world.transactions}
    assert {r.outcome for r in world.link_requests} == {
        "pending", "approved", "declined", "expired",
    }  # fmt: skip


def test_every_onboarding_stage_is_present(world: World) -> None:
    with_cases = {case.tenant_id for case in world.cases}
    stages = Counter(
        (client.signed, client.signed_before, client.pending_poa is not None,
         client.tenant_id in with_cases)
        for client in world.clients
    )  # fmt: skip
    assert stages[True, True, False, True] > 60
    assert stages[True, True, False, False] > 10
    assert stages[True, True, True, True] > 3
    assert stages[False, True, False, True] > 3
    assert stages[False, False, False, False] + stages[False, False, False, True] > 10
    assert {client.kyc_status for client in world.clients} == {
        None, "not_required", "pending", "verified",
    }  # fmt: skip
    waiting = [c for c in world.clients if not c.signed_before]
    assert min(c.linked for c in waiting) < moment(TODAY, 90)
    assert max(c.linked for c in waiting) > moment(TODAY, 10)


def test_awkward_text_is_present(world: World) -> None:
    names = " ".join(client.name for client in world.clients)
    assert all(part in names for part in ("<b>Bold</b>", "&", "'", "🌱", "شركة"))
    tenant_ids = " ".join(client.tenant_id for client in world.clients)
    assert all(part in tenant_ids for part in ("/", " ", "?", "%", "客户"))


def test_cases_fit_their_clients(world: World) -> None:
    for case in world.cases:
        client = world.client(case.tenant_id)
        assert client is not None
        assert client.linked <= case.created
        if not client.signed_before:
            assert case.lifecycle == "PendingContractSigning"
        if case.lifecycle == "PendingContractSigning":
            assert not client.signed or client.pending_poa


def test_case_dates_are_in_order(world: World) -> None:
    end = moment(TODAY, 0)
    for case in world.cases:
        known = [case.created, case.started, case.finished, end]
        times = [time for time in known if time is not None]
        assert times == sorted(times)
        assert case.invoice_date <= case.due < case.created
        last = case.finished or end
        assert all(
            (case.started or end) <= row.date <= last for row in world.transactions_of(case.id)
        )


def test_case_fields_fit_the_lifecycle(world: World) -> None:
    for case in world.cases:
        closed = case.lifecycle in ("Closed", "Merged")
        assert (case.finished is not None) == closed
        assert (case.close_code is not None) == (case.lifecycle == "Closed")
        assert (case.phase is not None) == (case.started is not None)
        assert case.agency_id is not None or case.started is None
        assert bool(case.missing_info) == (case.lifecycle == "NeedsAdditionalDetails")


def test_remainder_is_gross_less_payments(world: World) -> None:
    for case in world.cases:
        paid = sum(row.amount for row in world.transactions_of(case.id))
        paid += sum(payment.amount for payment in case.other_payments)
        assert case.remainder == case.gross - paid >= 0
        if case.close_code == "Paid":
            assert case.remainder == 0
        elif case.close_code == "Partially paid":
            assert 0 < case.remainder < case.gross
        elif case.lifecycle == "Closed":
            assert case.remainder == case.gross


def test_only_cases_that_earn_have_transactions(world: World) -> None:
    elsewhere = [case for case in world.cases if not case.earns]
    assert elsewhere
    for case in elsewhere:
        client = world.client(case.tenant_id)
        assert client is not None
        assert not client.attributed
        assert not world.transactions_of(case.id)


def test_fee_chain_is_exact(world: World) -> None:
    cases = {case.id: case for case in world.cases}
    for row in world.transactions:
        case, client = cases[row.case_id], world.client(row.tenant_id)
        assert client is not None
        assert row.currency == case.currency
        assert row.amount > 0
        assert 1200 <= case.success_fee_bps <= 2800
        revenue = share(share(row.amount, case.success_fee_bps), PLATFORM_SHARE_BPS)
        assert row.debitura_revenue == revenue
        assert row.referral_fee_bps == client.referral_fee_bps
        assert row.referral_fee == share(revenue, client.referral_fee_bps)
        assert row.referral_fee_cents == usd_cents(row.referral_fee, row.currency)


def test_client_totals_are_those_of_their_cases(world: World) -> None:
    cases = Counter(case.tenant_id for case in world.cases)
    closed = Counter(
        case.tenant_id for case in world.cases if case.lifecycle in ("Closed", "Merged")
    )
    earned: dict[str, int] = defaultdict(int)
    for row in world.transactions:
        if is_counted(row, "PayWhenPaid"):
            earned[row.tenant_id] += row.referral_fee_cents
    for client in world.clients:
        totals = world.totals(client.tenant_id)
        found = (totals.cases, totals.closed, totals.earnings_cents)
        tenant = client.tenant_id
        assert found == (cases[tenant], closed[tenant], earned[tenant])


def test_old_money_is_mostly_paid_and_new_money_pending(world: World) -> None:
    old = [r for r in world.transactions if r.date < moment(TODAY, 200)]
    new = [r for r in world.transactions if r.date > moment(TODAY, 10)]
    paid = sum(row.referral_status == "Paid" for row in old)
    assert 0.85 < paid / len(old) < 1
    assert all(row.platform_status == "NotInvoiced" for row in new)


def test_accounts_and_coverage(world: World) -> None:
    assert len(world.existing_accounts) >= 40
    for country in UNCOVERED_COUNTRIES:
        assert not world.agencies_at(world.jurisdiction(country.alpha2, None))
    for country in COUNTRIES:
        state = "CA" if country.alpha2 == "US" else None
        assert world.agencies_at(world.jurisdiction(country.alpha2, state))


def test_approved_requests_point_at_clients_that_were_not_brought(world: World) -> None:
    approved = [r for r in world.link_requests if r.outcome == "approved"]
    assert approved
    for request in approved:
        client = world.client(request.tenant_id)
        assert client is not None
        assert not client.attributed
        assert request.requested < client.linked <= request.expires
