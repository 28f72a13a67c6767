"""How many requests may be on their way at once."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator

CEILING = 6
GOOD_ANSWERS_TO_RAISE = 20


class Concurrency:
    """Places for requests on their way, given in the order of asking; for several threads.

    Being told "too many" halves their number, down to one; each run of 20 good answers adds one,
    up to ``ceiling``.
    """

    def __init__(self, ceiling: int = CEILING) -> None:
        if ceiling < 1:
            raise ValueError("at least one request has to be allowed at once")
        self._ceiling = ceiling
        self._limit = ceiling
        self._halvings = 0
        self._good_answers = 0
        self._taken = 0
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """How many may be on their way at present."""
        return self._limit

    @property
    def halvings(self) -> int:
        """How often it was halved so far; a request keeps it for ``halve`` when it sets out."""
        return self._halvings

    @contextlib.contextmanager
    def place(self, patience_s: float) -> Iterator[bool]:
        """Hold a place for the block, waiting for one; False when ``patience_s`` did not do."""
        got = self._enter(patience_s)
        try:
            yield got
        finally:
            if got:
                self._leave()

    def halve(self, halvings: int) -> None:
        """A request that set out after ``halvings`` was answered that there are too many.

        Requests that were on their way together are told so together, which counts once.
        """
        with self._lock:
            self._good_answers = 0
            if halvings == self._halvings:
                self._limit = max(1, self._limit // 2)
                self._halvings += 1

    def good_answer(self) -> None:
        """A request was answered well."""
        with self._lock:
            self._good_answers += 1
            if self._good_answers >= GOOD_ANSWERS_TO_RAISE:
                self._good_answers = 0
                self._limit = min(self._limit + 1, self._ceiling)
                self._hand_out()

    def _enter(self, patience_s: float) -> bool:
        given = threading.Event()
        with self._lock:
            self._queue.append(given)
            self._hand_out()
        got = False
        try:
            got = given.wait(min(max(patience_s, 0.0), threading.TIMEOUT_MAX))
        finally:
            if not got:
                self._give_up(given)
        return got

    def _give_up(self, given: threading.Event) -> None:
        with self._lock:
            if given in self._queue:
                self._queue.remove(given)
                return
        self._leave()  # it was given in the last moment

    def _leave(self) -> None:
        with self._lock:
            self._taken -= 1
            self._hand_out()

    def _hand_out(self) -> None:
        while self._queue and self._taken < self._limit:
            self._taken += 1
            self._queue.popleft().set()
