"""What needs somebody today, and the headline numbers."""

from datetime import datetime, timedelta

from services.domain.money import usd
from services.settings import STUCK_LIMITS
from services.store import Store
from services.store.tables import LinkRequestRow, WebhookEventRow
from services.worklist import Headline, WorkItem, WorkKind, headlines, work_list
from tests.filling import NOW, SIGN, case, client, fill, transaction

INFO = {"needsInfo": True, "creditorRespondedAt": None, "items": [{"description": "More"}]}


def today(store: Store) -> list[WorkItem]:
    return work_list(store, now=NOW, stuck_after=STUCK_LIMITS)


def request(
    store: Store,
    tenant_id: str,
    hours_left: float,
    status: str = "pending",
    ended_at: datetime | None = None,
) -> None:
    with store.write() as session:
        session.add(
            LinkRequestRow(
                external_tenant_id=tenant_id,
                company_name=f"Company {tenant_id}",
                status=status,
                requested_at=NOW - timedelta(days=6),
                requested_by="anna",
                expires_at=NOW + timedelta(hours=hours_left),
                resolved_at=ended_at,
                search_text=tenant_id,
            )
        )


def tell_replay_failed(store: Store, tenant_id: str, at: datetime) -> None:
    with store.write() as session:
        session.add(
            WebhookEventRow(
                id=f"{tenant_id} {at}",
                event="cases.replay_failed",
                state="applied",
                received_at=at,
                happened_at=at,
                external_tenant_id=tenant_id,
                body="{}",
            )
        )


def test_with_nothing_to_do_the_list_is_empty(store: Store) -> None:
    fill(store, clients=[client("t-1")], cases=[case("1")], transactions=[transaction("x")])
    assert today(store) == []


def test_the_most_costly_to_miss_comes_first(store: Store) -> None:
    request(store, "asked", 5)
    request(store, "silent", -5, status="expired", ended_at=NOW - timedelta(hours=5))
    tell_replay_failed(store, "t-2", NOW - timedelta(days=1))
    fill(
        store,
        clients=[
            client("t-1", onboardingDone=False, onboardingLinks={"url": SIGN}),
            client("t-2"),
        ],
        cases=[
            case("1", validation=INFO, lifecycle="More Info Required"),
            case("2", tenant_id="t-2"),
        ],
        transactions=[
            transaction("late", commission="Paid", date="2025-11-10T00:00:00Z", fee_usd=7),
            transaction("ready", platform="PaymentReceived", fee_usd=5),
        ],
    )
    items = today(store)
    assert [item.kind for item in items] == list(WorkKind)
    assert [item.subject for item in items] == ["asked", "silent", "t-2", "t-1", None, None, None]
    assert [item.amount for item in items[5:]] == [usd(700), usd(500)]
    assert items[0].since == NOW + timedelta(hours=5)


def test_a_request_that_ran_out_is_work_for_thirty_days(store: Store) -> None:
    for days in (29, 31):
        ended = NOW - timedelta(days=days)
        request(store, f"{days}", -24 * days, status="expired", ended_at=ended)
    request(store, "declined", -1, status="declined", ended_at=NOW - timedelta(days=1))
    assert [(item.kind, item.subject) for item in today(store)] == [
        (WorkKind.EXPIRED_REQUEST, "29")
    ]


def test_cases_that_were_not_accepted_are_work_until_one_is_made(store: Store) -> None:
    at = NOW - timedelta(days=2)
    fill(
        store,
        clients=[client("t-1")],
        # As old as the event: it was accepted with the request.
        cases=[case("1", dateCreated=at.isoformat())],
        transactions=[transaction("x")],
    )
    tell_replay_failed(store, "t-1", at)
    tell_replay_failed(store, "gone", at)
    assert [(item.kind, item.subject) for item in today(store)] == [(WorkKind.NOT_REPLAYED, "t-1")]
    made_later = case("2", dateCreated=(at + timedelta(hours=1)).isoformat())
    fill(store, cases=[made_later])
    assert today(store) == []


def test_requests_come_most_urgent_first_and_only_those_that_run_out_soon(store: Store) -> None:
    for tenant_id, hours in (("second", 40), ("calm", 49), ("first", 2)):
        request(store, tenant_id, hours)
    request(store, "answered", 1, status="approved")
    assert [item.subject for item in today(store)] == ["first", "second"]


def test_counts_are_said_in_whole_words(store: Store) -> None:
    fill(store, cases=[case("1", validation=INFO, lifecycle="More Info Required")])
    assert today(store)[0].title == "1 case needs information"
    fill(store, cases=[case("2", validation=INFO, lifecycle="More Info Required")])
    assert today(store)[0].title == "2 cases need information"


def test_a_closed_case_needs_no_information_any_more(store: Store) -> None:
    fill(store, cases=[case("1", validation=INFO, lifecycle="Closed")])
    assert today(store) == []


def test_a_case_whose_client_answered_waits_for_nobody_here(store: Store) -> None:
    answered = {**INFO, "creditorRespondedAt": "2026-03-19T10:00:00Z"}
    fill(store, cases=[case("1", validation=answered, lifecycle="More Info Required")])
    assert today(store) == []


def test_what_is_not_late_yet_is_no_work(store: Store) -> None:
    fill(store, transactions=[transaction("x", commission="Paid", date="2026-02-01T00:00:00Z")])
    assert today(store) == []


def test_headlines_compare_thirty_days_with_the_thirty_before(store: Store) -> None:
    fill(
        store,
        clients=[
            client("new", dateLinked="2026-03-20T11:00:00Z"),
            client("edge", dateLinked="2026-02-19T00:00:00Z"),
            client("before", dateLinked="2026-02-18T23:59:59Z"),
            client("older", dateLinked="2026-01-19T23:59:59Z"),
        ],
        cases=[case("1", dateCreated="2026-03-01T00:00:00Z"), case("2", dateCreated=None)],
        transactions=[
            transaction("1", date="2026-03-02T00:00:00Z", fee_usd=3),
            transaction("2", date="2026-03-02T00:00:00Z", fee_usd=5, referral="Disputed"),
            transaction("3", date="2026-02-01T00:00:00Z", fee_usd=9, platform="PaymentReceived"),
        ],
    )
    told = headlines(store, now=NOW)
    assert told.new_clients == Headline(2, 1)
    assert told.new_cases == Headline(1, 0)
    assert told.collected_fees == Headline(300, 900)
    assert told.ready_to_invoice == usd(900)
