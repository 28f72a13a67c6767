"""How often a key may be used, and how failures are waited out."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.debitura.usage import UsageFile

DEFAULT_PAUSE_S = 10.0  # a 429 that does not say how long
LONGEST_PAUSE_S = 3600.0  # a slip in the body must not stop the service for a day


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as this package sees it: seconds that only go forward, sleeping, and chance (0 to 1).

    ``wall`` is what processes can compare: seconds since 1970, which may be set back.
    """

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    wall: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Requests allowed per sliding minute, hour and day.

    Debitura allows a key 2,000, 20,000 and 100,000; a tenth is left to others who share the key.
    """

    per_minute: int = 1_800
    per_hour: int = 18_000
    per_day: int = 90_000

    def by_window(self) -> dict[int, int]:
        """The requests allowed, by the seconds of the window."""
        return {60: self.per_minute, 3_600: self.per_hour, 86_400: self.per_day}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long a request that may be repeated is tried; times in seconds.

    ``total_s`` bounds all attempts and waits together, and the waits of a request that may not be
    repeated.
    """

    attempts: int = 4
    first_wait_s: float = 0.5
    longest_wait_s: float = 8.0
    total_s: float = 62.0  # the ceiling of a minute, counted in whole seconds, holds back for 61

    def wait_s(self, attempt: int, chance: float) -> float:
        """The wait after the given attempt (from 1): doubling, and anything from half of it up."""
        whole = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 30))
        return whole * (0.5 + chance / 2)


class _Window:
    def __init__(self, limit: int, seconds: float) -> None:
        self._seconds = seconds
        # Only the newest ``limit`` requests matter: the oldest of them frees the next place.
        self._taken: deque[float] = deque(maxlen=limit)

    def wait_s(self, now: float) -> float:
        if len(self._taken) < (self._taken.maxlen or 0):
            return 0.0
        return self._taken[0] + self._seconds - now

    def take(self, now: float) -> None:
        self._taken.append(now)


class RateLimiter:
    """Holds back the threads that share a key; share one instance wherever the key is used.

    With ``shared`` the ceilings and pauses hold for all processes that use the same file, and
    outlive a restart. This process's own count goes on beside it, should the file fail.
    """

    def __init__(
        self,
        limits: RateLimits | None = None,
        *,
        clock: Clock | None = None,
        shared: "UsageFile | None" = None,
    ) -> None:
        self._limits = limits or RateLimits()
        by_window = self._limits.by_window()
        if min(by_window.values()) < 1:
            raise ValueError("a rate limit allows at least one request")
        self._clock = clock or Clock()
        self._shared = shared
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._windows = [_Window(limit, seconds) for seconds, limit in by_window.items()]

    def take(self, patience_s: float) -> float:
        """Take a place, sleeping until there is one.

        Returns 0 when taken; else, without sleeping, the seconds to wait that are more than
        ``patience_s``.
        """
        deadline = self._clock.monotonic() + patience_s
        while True:
            wait = self._try_to_take()
            if wait <= 0:
                return 0.0
            if self._clock.monotonic() + wait > deadline:
                return wait
            self._clock.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Send nothing new for so long, from any thread; a longer pause in force stays."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
        if self._shared is not None:
            self._shared.pause(seconds)

    def _try_to_take(self) -> float:
        """Take a place if there is one; else returns the seconds until there may be one."""
        with self._lock:
            now = self._clock.monotonic()
            wait = max(self._paused_until - now, *(w.wait_s(now) for w in self._windows))
            if wait <= 0 and self._shared is not None:
                wait = self._shared.take(self._limits)  # last, because it counts what it allows
            if wait <= 0:
                for window in self._windows:
                    window.take(now)
            return wait


def pause_from(body: Any) -> float:
    """The seconds a 429's JSON body asks to wait, between 1 and an hour.

    There is no Retry-After header; ``retryAfter`` may be missing, a text or nonsense.
    """
    told = body.get("retryAfter") if isinstance(body, dict) else None
    seconds = _seconds(told)
    if seconds is None:
        return DEFAULT_PAUSE_S
    return min(max(seconds, 1.0), LONGEST_PAUSE_S)


def _seconds(told: Any) -> float | None:
    if isinstance(told, bool) or not isinstance(told, int | Decimal | str):
        return None
    try:
        seconds = float(told)
    except (ValueError, OverflowError):
        return None
    return seconds if seconds == seconds else None  # noqa: PLR0124 - NaN is no number of seconds
