"""How often requests are sent: retries, waits, the limit of a key."""

import threading

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_fakes import (
    CASE,
    CLIENT,
    KYC,
    NEW_CASE,
    NEW_CLIENT,
    FakeTime,
    customer,
    html,
    referral,
    reply,
)

from services.debitura import (
    ApiUnavailable,
    Forbidden,
    RateLimited,
    RateLimiter,
    RateLimits,
    RetryPolicy,
)
from services.debitura.limits import LONGEST_PAUSE_S, pause_from


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), reply(503), html(502)]
)
def test_a_read_is_tried_again_with_growing_waits(failure: object) -> None:
    time = FakeTime()
    api, wire = referral(failure, failure, failure, reply(200, CLIENT), time=time)
    assert api.client("acme").tenant_id == "acme"
    assert len(wire.requests) == 4
    assert time.slept == [0.5, 1.0, 2.0]


def test_a_read_is_given_up_after_its_attempts() -> None:
    api, wire = referral(reply(503), retries=RetryPolicy(attempts=2))
    with pytest.raises(ApiUnavailable, match="503"):
        api.me()
    assert len(wire.requests) == 2


def test_what_is_refused_is_not_tried_again() -> None:
    api, wire = referral(reply(403))
    with pytest.raises(Forbidden):
        api.client_deletability("acme")
    assert len(wire.requests) == 1


def test_all_attempts_together_are_bounded() -> None:
    time = FakeTime()

    def slow(_: httpx.Request) -> httpx.Response:
        time.now += 25
        return reply(503)

    api, wire = referral(slow, time=time)
    with pytest.raises(ApiUnavailable):
        api.me()
    assert len(wire.requests) == 3


def test_a_write_is_sent_once() -> None:
    api, wire = referral(reply(503))
    for write in (
        lambda: api.create_client(NEW_CLIENT),
        lambda: api.withdraw_client("acme"),
        lambda: api.delete_client("acme"),
        lambda: api.submit_kyc("acme", KYC),
        lambda: api.upload_file("c1", "a.pdf", b"x"),
        lambda: api.delete_webhook("w1"),
    ):
        sent = len(wire.requests)
        with pytest.raises(ApiUnavailable):
            write()
        assert len(wire.requests) == sent + 1


def test_a_write_with_a_key_is_tried_again_with_the_same_key_and_body() -> None:
    client, wire = customer(reply(503), reply(200, CASE))
    client.create_case(NEW_CASE, idempotency_key="k1")
    first, second = wire.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "k1"
    assert first.content == second.content


def test_an_upload_with_a_key_is_tried_again_whole() -> None:
    api, wire = referral(reply(503), reply(200))
    api.upload_file("c1", "a.pdf", b"x" * 100_000, idempotency_key="k1")
    first, second = wire.requests
    assert first.read() == second.read()
    assert len(second.content) > 100_000


def test_minting_is_tried_again() -> None:
    api, wire = referral(reply(503), reply(200, {"accessToken": "jwt"}))
    assert api.create_token("acme").access_token.get_secret_value() == "jwt"
    assert len(wire.requests) == 2


def test_a_read_waits_as_long_as_a_429_says() -> None:
    time = FakeTime()
    api, wire = referral(reply(429, {"retryAfter": 7}), reply(200, CLIENT), time=time)
    api.client("acme")
    assert sum(time.slept) == 7
    assert len(wire.requests) == 2


def test_a_long_pause_is_told_and_holds_every_request_back() -> None:
    time = FakeTime()
    api, wire = referral(reply(429, {"retryAfter": 900}), reply(200, CLIENT), time=time)
    with pytest.raises(RateLimited) as raised:
        api.client("acme")
    assert raised.value.retry_after == pytest.approx(900)
    with pytest.raises(RateLimited):
        api.me()
    assert len(wire.requests) == 1
    time.now += 900
    api.client("acme")
    assert len(wire.requests) == 2


def test_a_write_answered_429_is_not_sent_again() -> None:
    api, wire = referral(reply(429, {"retryAfter": 3}), reply(201, CLIENT))
    with pytest.raises(RateLimited) as raised:
        api.create_client(NEW_CLIENT)
    assert (raised.value.retry_after, raised.value.outcome_unknown) == (3, False)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (7, 7),
        ("12", 12),
        ("1.5", 1.5),
        (None, 10),
        ("soon", 10),
        (True, 10),
        ("NaN", 10),
        ([], 10),
        (-5, 1),
        (0, 1),
        (10**400, 10),
        (10**12, LONGEST_PAUSE_S),
        ("Infinity", LONGEST_PAUSE_S),
    ],
)
def test_any_retry_after_is_a_sensible_pause(told: object, seconds: float) -> None:
    assert pause_from({"retryAfter": told}) == seconds
    assert pause_from([told]) == 10


@given(st.integers(1, 50), st.floats(0, 1))
def test_waits_stay_between_half_and_the_whole(attempt: int, chance: float) -> None:
    policy = RetryPolicy()
    whole = min(policy.longest_wait_s, policy.first_wait_s * 2 ** (attempt - 1))
    assert whole / 2 <= policy.wait_s(attempt, chance) <= whole


def test_the_limit_slides() -> None:
    time = FakeTime()
    limiter = RateLimiter(RateLimits(per_minute=3), clock=time.clock())
    for _ in range(3):
        assert limiter.take(0) == 0
        time.now += 10
    assert limiter.take(5) == pytest.approx(30)
    assert time.slept == []
    assert limiter.take(60) == 0
    assert time.slept == [30]
    assert limiter.take(0) == pytest.approx(10)


def test_hours_and_days_have_ceilings_too() -> None:
    time = FakeTime()
    limits = RateLimits(per_minute=10, per_hour=2, per_day=3)
    limiter = RateLimiter(limits, clock=time.clock())
    assert [limiter.take(0), limiter.take(0)] == [0, 0]
    assert limiter.take(0) == pytest.approx(3_600)
    time.now += 3_600
    assert limiter.take(0) == 0
    assert limiter.take(0) == pytest.approx(86_400 - 3_600)


def test_a_limit_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        RateLimiter(RateLimits(per_minute=0))


def test_threads_share_one_limit() -> None:
    time = FakeTime()
    api, wire = referral(
        reply(200, CLIENT), time=time, limits=RateLimits(per_minute=20), retries=RetryPolicy()
    )
    sent_at: list[float] = []

    def ask() -> None:
        for _ in range(5):
            api.client("acme")
            sent_at.append(time.now)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wire.requests) == 40
    assert len([moment for moment in sent_at if moment < 1_060]) <= 20


def test_objects_of_one_key_can_share_a_limiter() -> None:
    time = FakeTime()
    limiter = RateLimiter(RateLimits(per_minute=1), clock=time.clock())
    one, _ = referral(reply(200, CLIENT), time=time, limiter=limiter)
    other, _ = referral(reply(200, CLIENT), time=time, limiter=limiter)
    one.client("acme")
    other.client("acme")
    assert sum(time.slept) == pytest.approx(60)


def test_every_attempt_is_counted_as_sent() -> None:
    api, wire = referral(reply(503), reply(503), reply(200, CLIENT), reply(403))
    assert api.requests_sent == 0
    api.client("acme")
    assert api.requests_sent == len(wire.requests) == 3
    with pytest.raises(Forbidden):
        api.client_deletability("acme")
    assert api.requests_sent == 4


def test_what_is_held_back_is_not_counted_as_sent() -> None:
    api, _ = referral(reply(200, CLIENT), limits=RateLimits(per_hour=1))
    api.client("acme")
    with pytest.raises(RateLimited):
        api.client("acme")
    assert api.requests_sent == 1
