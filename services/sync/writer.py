"""Writing what was read: in batches, each committed whole together with how far the scan is."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlmodel import Session

from services.store import Store, announce, bookkeeping, checkpoints, mirror
from services.store.bookkeeping import Scope
from services.store.checkpoints import ReadWindow
from services.store.mirror import Mirror
from services.sync.mapping import Row
from services.sync.scan import Part, Scan

ROWS_A_COMMIT = 2000

Clock = Callable[[], datetime]
Progress = Callable[[Scope, int, int | None], None]
"""Told the scope, the rows read so far, and how many there are (None while unknown)."""


class Writer:
    """Stores the rows of one list, and counts them."""

    def __init__(
        self, store: Store, scope: Scope, target: Mirror, clock: Clock, progress: Progress
    ) -> None:
        self._store, self._scope, self._target = store, scope, target
        self._clock, self._progress = clock, progress
        self._rows: list[Row] = []
        self._read_windows: list[ReadWindow] = []
        with store.read() as session:
            self._all_new = mirror.is_empty(session, target)
        self._stored = 0
        self.changed = 0
        self.read = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take rows that belong to no scan; ``save`` commits the last of them."""
        self._all_new = False  # a scan shows each row once, and nothing else does
        self._rows += rows
        if len(self._rows) >= ROWS_A_COMMIT:
            self.save()

    def save(self) -> None:
        """Commit the rows that wait."""
        if self._rows:
            with self._store.write(quiet=True) as session:
                self._save(session)
            self._rows = []

    def take(
        self, part: Part, rows: Sequence[Row], scan: Scan, *, scan_started_at: datetime
    ) -> None:
        """Take a part of a scan and its new rows; ``save_scan`` commits the last of them."""
        self._rows += rows
        self._read_windows.append(part.as_read())
        self._progress(self._scope, len(scan.seen), scan.total)
        if len(self._rows) >= ROWS_A_COMMIT:
            self.save_scan(scan, scan_started_at=scan_started_at)

    def save_scan(self, scan: Scan, *, scan_started_at: datetime) -> None:
        """Commit the parts that wait, together with the note that they were read."""
        with self._store.write(quiet=True) as session:
            self._save(session)
            checkpoints.add(
                session, self._scope, self._read_windows, scan_started_at=scan_started_at
            )
            bookkeeping.progress(session, self._scope, done=len(scan.seen), total=scan.total)
        self._rows, self._read_windows = [], []

    def start_again(self, scan: Scan, *, scan_started_at: datetime) -> None:
        """The scan begins anew: keep the rows, forget how far it was."""
        self.save_scan(scan, scan_started_at=scan_started_at)
        self._all_new = False
        with self._store.write(quiet=True) as session:
            checkpoints.clear(session, self._scope)

    def _save(self, session: Session) -> None:
        # A webhook may have brought a row since.
        self._all_new = self._all_new and mirror.count(session, self._target) == self._stored
        saved = mirror.save(
            session,
            self._target,
            self._rows,
            now=self._clock(),
            learnt_by="sync",
            all_new=self._all_new,
        )
        self._stored += saved
        if saved:
            announce(session)
        self.changed += saved
        self.read += len(self._rows)
