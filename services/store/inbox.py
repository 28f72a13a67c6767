"""The way in for webhook events: many at a time, each on the disk before its sender is answered."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

from services.store import webhook_events
from services.store.database import Store, StoreError, StoreUnwritable

log = logging.getLogger(__name__)

MOST_AT_ONCE = 500
MOST_WAITING = 5000
COUNT_REFUSED_EVERY_S = 1.0


class InboxFull(Exception):
    """More events wait to be stored than the store keeps up with: the sender has to come again."""


Event = tuple[Mapping[str, Any], Future[None]]


class Inbox:
    """Stores events in a thread of its own, all that wait in one commit.

    A commit waits for the disk, and is no slower for a hundred events than for one. Refusals are
    counted apart: they cost a commit a second at most, and take no event's place. Close it after
    use.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[Event | None] = SimpleQueue()
        self._refused: Counter[str] = Counter()
        self._refusing = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True, name="inbox")
        self._thread.start()

    def put(self, event: Mapping[str, Any]) -> Future[None]:
        """Have an event stored; the future is done once it is, or holds the StoreError.

        Raises InboxFull.
        """
        if self._waiting.qsize() >= MOST_WAITING:
            raise InboxFull
        done: Future[None] = Future()
        # Who gives up waiting must not cancel what is being stored for others too.
        done.set_running_or_notify_cancel()
        self._waiting.put((event, done))
        return done

    def count_refused(self, reason: str) -> None:
        """Count a delivery that was refused; nobody waits for that."""
        with self._refusing:
            self._refused[reason] += 1

    def close(self) -> None:
        """Store what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            events, open_for_more = self._next_group()
            refused = self._taken_refusals()
            if events or refused:
                self._store_group(events, refused)

    def _next_group(self) -> tuple[list[Event], bool]:
        """All that waits, none where nothing came for a second; and whether more may come."""
        events: list[Event] = []
        with suppress(Empty):
            item = self._waiting.get(timeout=COUNT_REFUSED_EVERY_S)
            while item is not None and len(events) < MOST_AT_ONCE:
                events.append(item)
                item = self._waiting.get_nowait()
            if item is None:
                return events, False
            events.append(item)
        return events, True

    def _taken_refusals(self) -> Counter[str]:
        with self._refusing:
            taken, self._refused = self._refused, Counter()
        return taken

    def _store_group(self, events: Sequence[Event], refused: Mapping[str, int]) -> None:
        failure: StoreError | None = None
        try:
            with self._store.write(quiet=True) as session:
                webhook_events.add(session, [event for event, _ in events])
                webhook_events.count_refused(session, refused, now=datetime.now(UTC))
        except StoreError as error:
            failure = error
        except Exception:
            # Whatever it was: who waits has to hear of it, and the next group is to be stored.
            log.exception("Webhook events could not be stored.")
            failure = StoreUnwritable("The events could not be stored; the log tells why.")
        for _, done in events:
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(failure)
