"""How many requests are on their way at once, and that no wait lasts longer than it may."""

import contextlib
import threading
import time as real_time
from collections.abc import Callable

import httpx
import pytest
from wire_fakes import CLIENT, FakeTime, referral, reply

from services.debitura import ApiUnavailable, Clock, RateLimited, RateLimits, RetryPolicy
from services.debitura.concurrency import GOOD_ANSWERS_TO_RAISE, Concurrency

ONCE = RetryPolicy(attempts=1)
SOON_S = 10.0  # nothing here takes as long, unless it hangs


def free_places(concurrency: Concurrency) -> int:
    with contextlib.ExitStack() as held:
        return next(n for n in range(100) if not held.enter_context(concurrency.place(0)))


def at_once(*calls: Callable[[], object]) -> None:
    def quietly(call: Callable[[], object]) -> None:
        with contextlib.suppress(ApiUnavailable):
            call()

    threads = [threading.Thread(target=quietly, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
        assert not thread.is_alive()


def test_as_many_as_the_ceiling_and_not_one_more() -> None:
    six_are_there = threading.Barrier(6)
    lock = threading.Lock()
    under_way: list[int] = [0]

    def answer(_: httpx.Request) -> httpx.Response:
        with lock:
            under_way.append(under_way[-1] + 1)
        six_are_there.wait(SOON_S)
        with lock:
            under_way.append(under_way[-1] - 1)
        return reply(200, CLIENT)

    api, wire = referral(answer)
    at_once(*[lambda: api.client("acme")] * 12)
    assert len(wire.requests) == 12
    assert max(under_way) == 6


def test_a_place_is_free_again_however_its_request_ended() -> None:
    concurrency = Concurrency(2)
    with pytest.raises(KeyboardInterrupt), concurrency.place(0):
        raise KeyboardInterrupt
    assert free_places(concurrency) == 2
    with concurrency.place(0), concurrency.place(0), concurrency.place(0) as got:
        assert not got
    assert free_places(concurrency) == 2


def test_those_that_wait_are_let_in_as_places_come_free() -> None:
    concurrency = Concurrency(1)
    entered = threading.Event()

    def enter() -> None:
        with concurrency.place(SOON_S) as got:
            assert got
            entered.set()

    waiting = threading.Thread(target=enter)
    with concurrency.place(0):
        waiting.start()
        assert not entered.wait(0.05)
    assert entered.wait(SOON_S)
    waiting.join()
    assert free_places(concurrency) == 1


def test_too_many_halves_and_good_answers_raise() -> None:
    concurrency = Concurrency(6)
    for left in (3, 1, 1):
        concurrency.halve(concurrency.halvings)
        assert concurrency.limit == free_places(concurrency) == left
    for limit in (2, 3, 4, 5, 6, 6):
        for _ in range(GOOD_ANSWERS_TO_RAISE - 1):
            concurrency.good_answer()
        assert concurrency.limit == max(1, min(limit - 1, 6)) or limit == 6
        concurrency.good_answer()
        assert concurrency.limit == free_places(concurrency) == limit


def test_being_told_too_many_ends_a_run_of_good_answers() -> None:
    concurrency = Concurrency(6)
    concurrency.halve(0)
    for _ in range(5):
        for _ in range(GOOD_ANSWERS_TO_RAISE - 1):
            concurrency.good_answer()
        concurrency.halve(0)  # told to one that set out before the halving
    assert concurrency.limit == 3


def test_those_over_a_lowered_limit_are_waited_for() -> None:
    concurrency = Concurrency(4)
    with contextlib.ExitStack() as held:
        for _ in range(4):
            held.enter_context(concurrency.place(0))
        concurrency.halve(0)
        assert free_places(concurrency) == 0
    assert free_places(concurrency) == 2


def test_requests_told_so_together_halve_once() -> None:
    three_are_there = threading.Barrier(3)

    def too_many(_: httpx.Request) -> httpx.Response:
        three_are_there.wait(SOON_S)
        return reply(429, {"retryAfter": 5})

    concurrency = Concurrency(6)
    time = FakeTime()
    api, wire = referral(
        *[too_many] * 3, reply(429), time=time, retries=ONCE, concurrency=concurrency
    )
    at_once(api.me, api.me, api.me)
    assert (len(wire.requests), concurrency.limit) == (3, 3)
    with pytest.raises(RateLimited):
        api.me()
    assert concurrency.limit == 1
    assert time.now == 1_005


def test_good_answers_of_the_api_raise_again() -> None:
    concurrency = Concurrency(6)
    api, _ = referral(reply(429), reply(200, CLIENT), concurrency=concurrency)
    for _ in range(GOOD_ANSWERS_TO_RAISE):
        assert concurrency.limit in {3, 6}
        api.client("acme")
    assert concurrency.limit == 4


def test_a_pause_that_began_during_the_wait_for_a_place_is_kept() -> None:
    time = FakeTime()
    first_is_there, second_waits = threading.Event(), threading.Event()
    arrived_at: list[float] = []

    def too_many(_: httpx.Request) -> httpx.Response:
        first_is_there.set()
        second_waits.wait(SOON_S)
        return reply(429, {"retryAfter": 7})

    def answer(_: httpx.Request) -> httpx.Response:
        arrived_at.append(time.now)
        return reply(200, CLIENT)

    api, _ = referral(too_many, answer, time=time, retries=ONCE, concurrency=Concurrency(1))

    def second() -> None:
        first_is_there.wait(SOON_S)
        threading.Timer(0.05, second_waits.set).start()
        api.client("acme")

    at_once(api.me, second)
    assert arrived_at == [1_007]


def test_the_wait_for_a_place_is_part_of_a_requests_time() -> None:
    release = threading.Event()
    is_there = threading.Event()

    def hang(_: httpx.Request) -> httpx.Response:
        is_there.set()
        release.wait(SOON_S)
        return reply(200, CLIENT)

    # In real time, because that is what a thread waits for a place in.
    api, wire = referral(
        hang, clock=Clock(), concurrency=Concurrency(1), retries=RetryPolicy(total_s=0.1)
    )
    holder = threading.Thread(target=lambda: api.client("acme"))
    holder.start()
    assert is_there.wait(SOON_S)
    began = real_time.monotonic()
    with pytest.raises(ApiUnavailable, match="earlier requests") as raised:
        api.withdraw_client("acme")
    took = real_time.monotonic() - began
    release.set()
    holder.join(SOON_S)
    assert 0.1 <= took < 1
    assert not raised.value.outcome_unknown
    assert len(wire.requests) == 1
    assert api.client("acme").tenant_id == "acme"


@pytest.mark.parametrize("pause_s", [1, 5, 20, 40])
@pytest.mark.parametrize("answer_s", [0, 3, 20])
def test_attempts_pauses_and_waits_together_stay_within_the_total(
    pause_s: int, answer_s: int
) -> None:
    time = FakeTime()

    def answer(request: httpx.Request) -> httpx.Response:
        assert time.now <= 1_000 + 62  # no attempt begins later
        time.now += answer_s
        turn = len(wire.requests) % 2
        return reply(429, {"retryAfter": pause_s}) if turn else reply(503)

    api, wire = referral(
        answer, time=time, retries=RetryPolicy(attempts=1_000), limits=RateLimits(per_minute=5)
    )
    with pytest.raises(ApiUnavailable):
        api.me()
    assert time.now <= 1_000 + 62 + answer_s
    assert len(wire.requests) > 1


def test_a_limit_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Concurrency(0)
