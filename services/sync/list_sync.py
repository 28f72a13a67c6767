"""Keeping one list true: a scan of all of it, or a refresh of its open work, and the proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.debitura import ValidationFailed
from services.debitura.schemas import PAGE_SIZE, ListPage, TransactionsPage
from services.store import Store, announce, bookkeeping, checkpoints, mirror, open_work
from services.store.bookkeeping import Scope
from services.store.checkpoints import ReadWindow
from services.store.tables import SyncScopeRow
from services.sync.refresh import Refresh, Refreshed
from services.sync.report import ScopeReport
from services.sync.scan import Scan, Window, read_all
from services.sync.source_lists import SourceList, Totals, bucket_summary
from services.sync.writer import Clock, Progress, Writer

FULL_SCAN = "full scan"
OPEN_WORK = "open work"

RESUMED_WITHIN = timedelta(hours=6)
"""A scan that was killed longer ago begins anew: what it read is too old to be called a scan."""
REFRESHES_BEFORE_A_SCAN = 2
FEW_GONE = 20
FEW_GONE_OF = 20
"""More gone than ``FEW_GONE`` rows and one in ``FEW_GONE_OF`` are looked for a second time."""


@dataclass(frozen=True)
class Proof:
    """What a list was found to be: the page that its totals are from, and how ours differ."""

    page: ListPage[Any]
    differences: Totals


class ListSync:
    """One list in one pass."""

    def __init__(
        self, store: Store, source: SourceList, *, clock: Clock, progress: Progress
    ) -> None:
        self._store, self._source, self._clock = store, source, clock
        self._scope = source.scope
        self._writer = Writer(store, source.scope, source.target, clock, progress)

    def run(self, *, whole: bool, keys: Sequence[str] = ()) -> ScopeReport:
        """Make the list true: all of it where ``whole`` asks for it, or where that costs no more.

        ``keys`` name rows to be read again whatever their state. Raises what the source raises.
        """
        with self._store.read() as session:
            state = bookkeeping.state_of(session, self._scope)
        if whole or state is None or state.true_at is None:
            return self._scan(FULL_SCAN)
        if self._a_scan_costs_no_more(len(keys)):
            return self._scan(f"{FULL_SCAN}, cheaper than its open work")
        try:
            return self._refresh(state, state.true_at, keys)
        except ValidationFailed:
            return self._scan(f"{FULL_SCAN}, because open work could not be asked for")

    def _a_scan_costs_no_more(self, single_rows: int) -> bool:
        with self._store.read() as session:
            listed, still_open = open_work.counts(session, self._source.target)
        pages, open_pages = -(-listed // PAGE_SIZE), -(-still_open // PAGE_SIZE)
        return pages <= open_pages + 1 + single_rows

    def _refresh(
        self, state: SyncScopeRow, last_true: datetime, keys: Sequence[str]
    ) -> ScopeReport:
        """Read open work, again if need be, until the totals agree as they did after the scan."""
        for _ in range(REFRESHES_BEFORE_A_SCAN):
            started = self._clock()
            found = self._refreshed(started, last_true, keys)
            differences = self._differences(found.newest_page)
            if not found.lost and differences == (state.unexplained or {}):
                return self._succeed(started, Proof(found.newest_page, differences), OPEN_WORK)
        return self._scan(f"{FULL_SCAN}, because the totals differed")

    def _refreshed(
        self, started: datetime, last_true: datetime, keys: Sequence[str] = ()
    ) -> Refreshed:
        refresh = Refresh(self._store, self._source, self._writer, started=started)
        found = refresh.run(last_true=last_true, keys=keys)
        if found.rejected:
            with self._store.write(quiet=True) as session:
                bookkeeping.add_rejected(session, self._scope, found.rejected, now=self._clock())
        return found

    def _scan(self, how: str) -> ScopeReport:
        started, read = self._begun_earlier()
        scan = read_all(
            self._source.everything,
            to_row=self._source.to_row,
            key_of=self._source.key_of,
            take=lambda part, rows, scan: self._writer.take(
                part, rows, scan, scan_started_at=started
            ),
            start_again=lambda scan: self._writer.start_again(scan, scan_started_at=started),
            resumed=read,
        )
        self._writer.save_scan(scan, scan_started_at=started)
        if not scan.complete:
            return self._give_up(scan, how)
        gone = self._gone(scan, started)
        self._accept(scan, gone)
        return self._succeed(started, self._proof(scan, started), how, archived=len(gone))

    def _begun_earlier(self) -> tuple[datetime, Sequence[ReadWindow]]:
        """When the scan began, and what an earlier process had read of it before it was killed."""
        now = self._clock()
        with self._store.write(quiet=True) as session:
            began, windows = checkpoints.load(session, self._scope)
            if began is not None and timedelta() <= now - began < RESUMED_WITHIN:
                return began, windows
            checkpoints.clear(session, self._scope)
        return now, ()

    def _give_up(self, scan: Scan, how: str) -> ScopeReport:
        error = (
            f"The list of {self._scope} kept changing while it was read; {len(scan.seen):,} of "
            f"{scan.total:,} rows were seen. The next pass tries again."
            if scan.total_fell or not scan.chained
            else f"Debitura says that it has {scan.total:,} {self._scope}, but listed "
            f"{len(scan.seen) + len(scan.rejected):,}. What it listed is kept; the next pass "
            "looks again."
        )
        with self._store.write(quiet=True) as session:
            checkpoints.clear(session, self._scope)
            if bookkeeping.fail(session, self._scope, error=error, now=self._clock()):
                announce(session)
        return ScopeReport(
            self._scope, read=self._writer.read, changed=self._writer.changed, how=how, error=error
        )

    def _gone(self, scan: Scan, started: datetime) -> set[str]:
        """The rows that are stored as listed and that a complete scan did not see.

        A row that could not be understood may be any of the missing, so then nothing is gone.
        Many at once may be the slip of a source that has lost its own for a moment: they are gone
        only if a second scan misses them too.
        """
        with self._store.read() as session:
            missing = mirror.missing(session, self._source.target, scan.seen, scan_started=started)
        if scan.rejected:
            return set()
        if len(missing) <= max(FEW_GONE, len(scan.seen) // FEW_GONE_OF):
            return missing
        second = read_all(
            self._source.everything,
            to_row=self._source.to_row,
            key_of=self._source.key_of,
            take=lambda _part, rows, _scan: self._writer.add(rows),
        )
        self._writer.save()
        return missing - second.seen if second.complete and not second.rejected else set()

    def _accept(self, scan: Scan, gone: set[str]) -> None:
        rejected = list(scan.rejected.values())
        with self._store.write(quiet=True) as session:
            now = self._clock()
            mirror.archive(session, self._source.target, gone, now=now)
            bookkeeping.replace_rejected(session, self._scope, rejected, now=now)
            checkpoints.clear(session, self._scope)
            if gone:
                announce(session)

    def _proof(self, scan: Scan, started: datetime) -> Proof:
        """The source's totals beside ours; what changed behind the scan's back is fetched first."""
        page = scan.last_page or self._source.newest(Window(1, PAGE_SIZE))
        differences = self._differences(page)
        if differences:
            page = self._refreshed(started, started).newest_page
            differences = self._differences(page)
        return Proof(page, differences)

    def _differences(self, page: ListPage[Any]) -> Totals:
        """By how much the source's totals are above ours; what it does not tell is left out."""
        with self._store.read() as session:
            ours = self._source.our_totals(session)
        told = self._source.their_totals(page)
        return {name: value - ours[name] for name, value in told.items() if value != ours[name]}

    def _succeed(
        self, started: datetime, proof: Proof, how: str, *, archived: int = 0
    ) -> ScopeReport:
        page = proof.page
        with self._store.write(quiet=True) as session:
            rejected = bookkeeping.rejected_of(session, self._scope)
            listed, _ = open_work.counts(session, self._source.target)
            error = _set_aside(self._scope, rejected)
            news = bookkeeping.succeed(
                session,
                self._scope,
                true_at=started,
                rows=listed,
                full=how.startswith(FULL_SCAN),
                summary=bucket_summary(page) if isinstance(page, TransactionsPage) else None,
                unexplained=proof.differences,
                error=error,
            )
            if news:
                announce(session)
        writer = self._writer
        return ScopeReport(
            self._scope,
            rows=listed,
            read=writer.read,
            changed=writer.changed,
            archived=archived,
            rejected=len(rejected),
            how=how,
            error=error,
        )


def _set_aside(scope: Scope, rejected: Sequence[tuple[str, str]]) -> str | None:
    """What to tell of the rows that could not be understood; None where there are none."""
    if not rejected:
        return None
    count = len(rejected)
    return (
        f"{count:,} of the rows of {scope} could not be understood and "
        f"{'was' if count == 1 else 'were'} set aside ({rejected[0][1]})."
    )
