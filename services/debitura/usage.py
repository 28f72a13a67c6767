"""What a key was used for lately, in a file that all processes with this key share."""

import logging
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, Field, FiniteFloat, NonNegativeInt, ValidationError

from services.debitura.limits import LONGEST_PAUSE_S, Clock, RateLimits

log = logging.getLogger(__name__)

BUCKETS = 60  # in a window: a second, a minute and 24 minutes
LOCK_WITHIN_S = 1.0  # others hold the lock for less than a millisecond, unless they are stopped
REST_S = 10.0  # after a failure, so that a lock that stays held does not slow every request
PRIVATE_FILE = 0o600
FILE_BYTES = 4096  # more than is ever needed, and written in one go


class _Ledger(BaseModel):
    """The file's JSON. All times are seconds since 1970.

    ``requests`` counts them by the seconds of the window and by the bucket's number, which is the
    time divided by the bucket's length.
    """

    paused_until: FiniteFloat = 0.0
    requests: dict[int, dict[int, NonNegativeInt]] = Field(default_factory=dict)

    def forget_the_impossible(self, now: float) -> None:
        if self.paused_until > now + LONGEST_PAUSE_S:  # the clock was set back
            self.paused_until = 0.0

    def forget_the_past(self, windows: dict[int, int], now: float) -> None:
        self.requests = {
            seconds: _still_counting(self.requests.get(seconds, {}), seconds, now)
            for seconds in windows
        }

    def wait_s(self, windows: dict[int, int], now: float) -> float:
        waits = (
            _wait_s(self.requests[seconds], seconds, limit, now)
            for seconds, limit in windows.items()
        )
        return max(self.paused_until - now, *waits)

    def count_one(self, now: float) -> None:
        for seconds, buckets in self.requests.items():
            bucket = _bucket(seconds, now)
            buckets[bucket] = buckets.get(bucket, 0) + 1


class UsageFile:
    """Counts requests and keeps pauses across processes and restarts; for several threads.

    A bucket counts in full until it has left the window, so a request counts for up to one bucket
    longer than the API counts it. A file that cannot be read is begun anew. One that cannot be
    used at all forbids nothing: each process then has only its own count. It holds no secret, is
    readable by its owner alone, and is not made before its folder is there.
    """

    def __init__(self, path: Path, *, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or Clock()
        self._lock = FileLock(
            f"{path}.lock", timeout=LOCK_WITHIN_S, poll_interval=0.002, mode=PRIVATE_FILE
        )
        self._resting_until = float("-inf")

    def take(self, limits: RateLimits) -> float:
        """Count a request, when it may be sent now: returns 0.

        Else counts nothing and returns the seconds until it may be sent.
        """
        windows = limits.by_window()

        def take(ledger: _Ledger, now: float) -> float:
            ledger.forget_the_past(windows, now)
            wait = ledger.wait_s(windows, now)
            if wait <= 0:
                ledger.count_one(now)
            # Also when refused, or what a clock set back left behind would count as new each time.
            self._write(ledger)
            return max(wait, 0.0)

        return self._with_ledger(take)

    def pause(self, seconds: float) -> None:
        """Hold back the requests of all processes for so long; a longer pause in force stays."""

        def pause(ledger: _Ledger, now: float) -> float:
            ledger.paused_until = max(ledger.paused_until, now + seconds)
            self._write(ledger)
            return 0.0

        self._with_ledger(pause)

    def _with_ledger(self, use: Callable[[_Ledger, float], float]) -> float:
        """What ``use`` returns, or 0 where the file cannot be used."""
        # The lock would make the folder, readable for all.
        if self._clock.monotonic() < self._resting_until or not self._path.parent.is_dir():
            return 0.0
        try:
            with self._lock:
                # The time is taken within the lock, or it could lie before what is in the file.
                ledger, now = self._read(), self._clock.wall()
                ledger.forget_the_impossible(now)
                return use(ledger, now)
        except (OSError, RuntimeError, ValueError) as error:
            self._resting_until = self._clock.monotonic() + REST_S
            log.warning(
                "Requests are counted in this process alone, because %s cannot be used: %s.",
                self._path,
                type(error).__name__,
            )
            return 0.0

    def _read(self) -> _Ledger:
        try:
            return _Ledger.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Ledger()
        except ValidationError:
            log.warning("The count of requests in %s was not readable; it begins anew.", self._path)
            return _Ledger()

    def _write(self, ledger: _Ledger) -> None:
        # In place and padded: one write of one block leaves no half of it when the process is
        # killed, and takes a tenth of the time of a second file and a rename.
        content = ledger.model_dump_json().encode().ljust(FILE_BYTES)
        self._path.touch(mode=PRIVATE_FILE)
        with self._path.open("r+b", buffering=0) as file:
            file.truncate(file.write(content))


def _bucket(seconds: int, now: float) -> int:
    return int(now // (seconds / BUCKETS))


def _still_counting(buckets: dict[int, int], seconds: int, now: float) -> dict[int, int]:
    """The buckets that have not left the window.

    Those of the future count as the present one: the clock was set back, and what was sent before
    that may not hold requests back for longer than a window.
    """
    present = _bucket(seconds, now)
    kept: dict[int, int] = {}
    for bucket, requests in buckets.items():
        if bucket >= present - BUCKETS:
            bucket_now = min(bucket, present)
            kept[bucket_now] = kept.get(bucket_now, 0) + requests
    return kept


def _wait_s(buckets: dict[int, int], seconds: int, limit: int, now: float) -> float:
    """The seconds until enough buckets have left the window for one more request."""
    taken = sum(buckets.values())
    wait = 0.0
    for bucket in sorted(buckets):
        if taken < limit:
            break
        taken -= buckets[bucket]
        wait = (bucket + 1 + BUCKETS) * (seconds / BUCKETS) - now
    return wait
