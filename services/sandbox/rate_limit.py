"""Sliding request limits for each key."""

import math
from collections import defaultdict, deque
from collections.abc import Callable

from services.sandbox.options import SandboxOptions


class RateLimiter:
    """Counts the requests of each key over the last minute, hour and day.

    ``clock`` gives seconds that only grow. Refused requests do not count.
    """

    def __init__(self, options: SandboxOptions, clock: Callable[[], float]) -> None:
        limits = (
            (options.requests_per_minute, 60),
            (options.requests_per_hour, 3600),
            (options.requests_per_day, 86_400),
        )
        self._limits = [(limit, seconds) for limit, seconds in limits if limit is not None]
        self._clock = clock
        self._seen: dict[str, list[deque[float]]] = defaultdict(
            lambda: [deque() for _ in self._limits]
        )

    def retry_after(self, key: str) -> int | None:
        """Count a request and return None, or the whole seconds to wait when it is over a limit."""
        now = self._clock()
        waits = []
        for (limit, seconds), times in zip(self._limits, self._seen[key], strict=True):
            while times and times[0] <= now - seconds:
                times.popleft()
            if len(times) >= limit:
                # Room appears when the oldest of the last ``limit`` requests leaves the window.
                waits.append(times[-limit] + seconds - now if limit else seconds)
        if waits:
            return max(1, math.ceil(max(waits)))
        for times in self._seen[key]:
            times.append(now)
        return None
