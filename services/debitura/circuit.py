"""Stops asking a server that does not answer, and tries it again now and then."""

import contextlib
import math
import threading
from collections.abc import Iterator

from services.debitura.errors import (
    ApiUnavailable,
    Call,
    DebituraError,
    InvalidConfiguration,
    RateLimited,
)
from services.debitura.limits import Clock

FAILURES_TO_OPEN = 8
FIRST_OPEN_S = 15.0
LONGEST_OPEN_S = 300.0


class Circuit:
    """Refuses requests after 8 in a row, of all threads together, that Debitura did not answer.

    After 15 seconds one request is let through to try; the others are refused until it has ended.
    Its success closes the circuit, its failure opens it for twice as long, up to 5 minutes. Any
    answer of the API's own is a success, also a 429 or another refusal.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._failures = 0
        self._open_s = 0.0  # how long it opened the last time; 0 is a closed circuit
        self._ask_again_at = float("-inf")
        self._trial: object | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request would be refused now."""
        with self._lock:
            return self._refuses()

    def check(self, call: Call) -> None:
        """Raises ``ApiUnavailable`` where the request would be refused now."""
        with self._lock:
            self._check(call)

    @contextlib.contextmanager
    def request(self, call: Call) -> Iterator[None]:
        """Judge the circuit by what the block, the sending of one request, ends in.

        Raises ``ApiUnavailable``, before the block is entered, while the circuit is open.
        """
        ticket = self._enter(call)
        answered: bool | None = None
        try:
            yield
            answered = True
        except DebituraError as error:
            answered = _is_answer(error)
            raise
        finally:
            # In any case, or a trial that was broken off would keep the circuit open for good.
            self._leave(ticket, answered)

    def _enter(self, call: Call) -> object:
        ticket = object()
        with self._lock:
            self._check(call)
            if self._open_s:
                self._trial = ticket
        return ticket

    def _leave(self, ticket: object, answered: bool | None) -> None:
        with self._lock:
            was_trial = self._trial is ticket
            if was_trial or answered:
                self._trial = None
            if answered:
                self._failures, self._open_s = 0, 0.0
            elif answered is False:
                self._failures += 1
                self._open_after_failure(was_trial)

    def _open_after_failure(self, was_trial: bool) -> None:
        if was_trial:
            self._open_s = min(2 * self._open_s, LONGEST_OPEN_S)
        elif self._open_s == 0 and self._failures >= FAILURES_TO_OPEN:
            self._open_s = FIRST_OPEN_S
        else:
            return  # a request that was on its way before it opened says nothing new
        self._ask_again_at = self._clock.monotonic() + self._open_s

    def _check(self, call: Call) -> None:
        if self._refuses():
            raise ApiUnavailable(call, self._reason())

    def _refuses(self) -> bool:
        if self._open_s == 0:
            return False
        return self._trial is not None or self._clock.monotonic() < self._ask_again_at

    def _reason(self) -> str:
        wait = max(1, math.ceil(self._ask_again_at - self._clock.monotonic()))
        again = "is being asked again now" if self._trial else f"is asked again in {wait} seconds"
        return f"it did not answer {self._failures} times in a row and {again}"


def _is_answer(error: DebituraError) -> bool | None:
    """Whether an error is the API's own answer; None when nothing was asked."""
    if isinstance(error, InvalidConfiguration):
        return None
    return isinstance(error, RateLimited) or not isinstance(error, ApiUnavailable)
