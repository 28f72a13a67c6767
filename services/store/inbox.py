"""The way in for webhook events: many at a time, each on the disk before its sender is answered."""

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

from services.store import webhook_events
from services.store.database import Store, StoreError

log = logging.getLogger(__name__)

MOST_AT_ONCE = 500
MOST_WAITING = 5000


class InboxFull(Exception):
    """More events wait to be stored than the store keeps up with: the sender has to come again."""


@dataclass
class _Group:
    """What one commit stores."""

    events: list[tuple[Mapping[str, Any], Future[None]]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)


class Inbox:
    """Stores events in a thread of its own, all that wait in one commit.

    A commit waits for the disk, and is no slower for a hundred events than for one. Close it
    after use.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[tuple[Mapping[str, Any], Future[None]] | str | None] = (
            SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, daemon=True, name="inbox")
        self._thread.start()

    def put(self, event: Mapping[str, Any]) -> Future[None]:
        """Have an event stored; the future is done once it is, or holds the StoreError.

        Raises InboxFull.
        """
        if self._waiting.qsize() >= MOST_WAITING:
            raise InboxFull
        done: Future[None] = Future()
        self._waiting.put((event, done))
        return done

    def count_refused(self, reason: str) -> None:
        """Count a delivery that was refused; nobody waits for that."""
        if self._waiting.qsize() < MOST_WAITING:
            self._waiting.put(reason)

    def close(self) -> None:
        """Store what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            self._store_group(group)

    def _next_group(self) -> tuple[_Group, bool]:
        """All that waits, at least one; and whether more may come."""
        group = _Group()
        item = self._waiting.get()
        while True:
            if item is None:
                return group, False
            if isinstance(item, str):
                group.refused[item] += 1
            else:
                group.events.append(item)
            if len(group.events) >= MOST_AT_ONCE:
                return group, True
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return group, True

    def _store_group(self, group: _Group) -> None:
        try:
            with self._store.write(quiet=True) as session:
                webhook_events.add(session, [event for event, _ in group.events])
                webhook_events.count_refused(session, group.refused, now=datetime.now(UTC))
        except Exception as error:
            # Whatever it was, who waits has to hear of it, and the next group is to be stored.
            if not isinstance(error, StoreError):
                log.exception("Webhook events could not be stored.")
            for _, done in group.events:
                done.set_exception(error)
        else:
            for _, done in group.events:
                done.set_result(None)
