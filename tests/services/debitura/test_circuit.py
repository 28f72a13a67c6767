"""A server that does not answer is left alone, and tried again now and then."""

import contextlib

import httpx
import pytest
from wire_fakes import CLIENT, NEW_CLIENT, FakeTime, html, referral, reply

from services.debitura import (
    ApiUnavailable,
    Call,
    DebituraError,
    InvalidConfiguration,
    RateLimited,
    RateLimiter,
    RateLimits,
    RetryPolicy,
)
from services.debitura.circuit import FAILURES_TO_OPEN, Circuit

CALL = Call("GET", "/me")
ONCE = RetryPolicy(attempts=1)


def fail(circuit: Circuit, times: int = FAILURES_TO_OPEN) -> None:
    for _ in range(times):
        with contextlib.suppress(ApiUnavailable), circuit.request(CALL):
            raise ApiUnavailable(CALL, "it is down")


def opened(time: FakeTime) -> Circuit:
    circuit = Circuit(clock=time.clock())
    fail(circuit)
    return circuit


def test_after_eight_failures_in_a_row_nothing_is_sent() -> None:
    time = FakeTime()
    api, wire = referral(reply(503), time=time)
    for _ in range(2):
        with pytest.raises(ApiUnavailable, match="503"):
            api.me()
    assert len(wire.requests) == 8
    waited = list(time.slept)
    with pytest.raises(ApiUnavailable, match=r"not answer 8 times in a row .* in 15 seconds"):
        api.me()
    assert (len(wire.requests), time.slept) == (8, waited)


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), reply(500), html(404)]
)
def test_every_way_of_not_answering_counts(failure: object) -> None:
    api, wire = referral(failure, retries=ONCE)
    for _ in range(10):
        with pytest.raises(ApiUnavailable):
            api.me()
    assert len(wire.requests) == 8


@pytest.mark.parametrize("status", [200, 404, 401, 422, 429])
def test_any_answer_begins_the_count_anew(status: int) -> None:
    time = FakeTime()
    down = [reply(503)] * 7
    api, wire = referral(*down, reply(status, CLIENT), *down, time=time, retries=ONCE)
    for _ in range(7 + 1 + 7):
        with contextlib.suppress(DebituraError):
            api.client("acme")
        time.now += 10  # for the pause of a 429
    assert len(wire.requests) == 15


def test_a_request_that_opens_the_circuit_ends_there() -> None:
    time = FakeTime()
    api, wire = referral(reply(503), time=time, retries=RetryPolicy(attempts=20, total_s=600))
    with pytest.raises(ApiUnavailable, match="503"):
        api.me()
    assert len(wire.requests) == 8
    assert len(time.slept) == 7


def test_a_write_that_was_refused_was_not_carried_out() -> None:
    time = FakeTime()
    api, wire = referral(reply(201, CLIENT), time=time, circuit=opened(time))
    with pytest.raises(ApiUnavailable) as raised:
        api.create_client(NEW_CLIENT)
    assert not raised.value.outcome_unknown
    assert wire.requests == []


def test_a_refusal_does_not_settle_what_an_earlier_attempt_left_open() -> None:
    circuit = Circuit()

    class OpensWhileItSleeps(FakeTime):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            fail(circuit)

    time = OpensWhileItSleeps()
    api, wire = referral(httpx.ReadTimeout("slow"), time=time, circuit=circuit)
    with pytest.raises(ApiUnavailable, match="in a row") as raised:
        api.upload_file("c1", "a.pdf", b"x", idempotency_key="k1")
    assert raised.value.outcome_unknown
    assert len(wire.requests) == len(time.slept) == 1


def test_one_request_tries_while_the_others_are_refused() -> None:
    time = FakeTime()
    circuit = opened(time)

    def answer(_: httpx.Request) -> httpx.Response:
        with pytest.raises(ApiUnavailable, match="being asked again now"):
            api.me()
        return reply(200, CLIENT)

    api, wire = referral(answer, reply(200, CLIENT), time=time, circuit=circuit)
    time.now += 14.9
    with pytest.raises(ApiUnavailable, match="in 1 seconds"):
        api.me()
    time.now += 0.1
    api.client("acme")
    assert len(wire.requests) == 1
    api.client("acme")
    assert len(wire.requests) == 2


def test_a_failed_trial_opens_for_twice_as_long_up_to_five_minutes() -> None:
    time = FakeTime()
    circuit = opened(time)
    for seconds in (15, 30, 60, 120, 240, 300, 300):
        time.now += seconds - 1
        assert circuit.is_open
        time.now += 1
        assert not circuit.is_open
        fail(circuit, 1)
    time.now += 300
    with circuit.request(CALL):
        pass
    fail(circuit)
    time.now += 15
    assert not circuit.is_open


def test_a_trial_is_one_request_without_repetition() -> None:
    time = FakeTime()
    api, wire = referral(reply(503), time=time, circuit=opened(time))
    time.now += 15
    with pytest.raises(ApiUnavailable, match="503"):
        api.me()
    assert (len(wire.requests), time.slept) == (1, [])


@pytest.mark.parametrize(
    "ending",
    [
        KeyboardInterrupt(),
        ValueError("a mistake"),
        InvalidConfiguration("no address"),
        RateLimited(CALL, 1),
    ],
    ids=lambda ending: type(ending).__name__,
)
def test_a_trial_that_ends_in_another_way_lets_the_next_one_try(ending: BaseException) -> None:
    time = FakeTime()
    circuit = opened(time)
    time.now += 15
    with pytest.raises(type(ending)), circuit.request(CALL):
        raise ending
    assert not circuit.is_open
    fail(circuit, 1)
    assert circuit.is_open == (not isinstance(ending, RateLimited))


def test_an_answer_the_contract_does_not_have_closes_the_circuit() -> None:
    time = FakeTime()
    circuit = opened(time)
    api, _ = referral(reply(302), reply(503), time=time, circuit=circuit, retries=ONCE)
    time.now += 15
    for _ in range(8):
        with pytest.raises(DebituraError):
            api.me()
        assert not circuit.is_open


def test_what_was_under_way_when_it_opened_may_close_it_but_not_lengthen_it() -> None:
    time = FakeTime()
    circuit = Circuit(clock=time.clock())
    with contextlib.suppress(ApiUnavailable), circuit.request(CALL):
        fail(circuit)
        time.now += 10
        raise ApiUnavailable(CALL, "it is down")
    time.now += 5
    assert not circuit.is_open
    with circuit.request(CALL):
        assert circuit.is_open
    circuit = Circuit(clock=time.clock())
    with circuit.request(CALL):
        fail(circuit)
        assert circuit.is_open
    assert not circuit.is_open


def test_a_trial_overtaken_by_an_answer_does_not_end_a_later_trial() -> None:
    time = FakeTime()
    circuit = Circuit(clock=time.clock())
    with contextlib.ExitStack() as early, contextlib.ExitStack() as first:
        early.enter_context(circuit.request(CALL))
        fail(circuit)
        time.now += 15
        first.enter_context(circuit.request(CALL))
        early.close()
        fail(circuit)
        time.now += 15
        with circuit.request(CALL):
            first.close()
            assert not circuit.is_open


def test_a_ceiling_of_our_own_is_no_failure_of_debitura() -> None:
    time = FakeTime()
    api, wire = referral(reply(200, CLIENT), time=time, limits=RateLimits(per_hour=1))
    api.client("acme")
    for _ in range(10):
        with pytest.raises(RateLimited):
            api.client("acme")
    time.now += 3_600
    api.client("acme")
    assert len(wire.requests) == 2


def test_a_refusal_comes_at_once_even_during_a_pause() -> None:
    time = FakeTime()
    limiter = RateLimiter(clock=time.clock())
    limiter.pause(10)
    api, _ = referral(reply(200, CLIENT), time=time, circuit=opened(time), limiter=limiter)
    with pytest.raises(ApiUnavailable, match="in a row"):
        api.me()
    assert time.slept == []


def test_an_early_request_that_fails_late_does_not_end_the_trial() -> None:
    time = FakeTime()
    circuit = Circuit(clock=time.clock())
    with contextlib.ExitStack() as trial:
        with contextlib.suppress(ApiUnavailable), circuit.request(CALL):
            fail(circuit)
            time.now += 15
            trial.enter_context(circuit.request(CALL))
            raise ApiUnavailable(CALL, "it is down")
        time.now += 1_000
        assert circuit.is_open
    assert not circuit.is_open
