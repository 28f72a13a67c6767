"""One pass of the sync: every scope is read, stored and judged on its own."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from services.debitura import DebituraError, ReferralPartnerApi, Unauthorized
from services.store import (
    Store,
    StoreOfAnotherPartner,
    activity,
    announce,
    bookkeeping,
    cases,
    checkpoints,
    clients,
    ledger,
)
from services.store.bookkeeping import LISTS, Scope
from services.store.mirror import batches
from services.store.tables import CoverageRow, PartnerRow, SyncRunRow
from services.sync import mapping, source_lists
from services.sync.list_sync import FULL_SCAN, ListSync
from services.sync.report import FULL, REFRESH, ScopeReport, SyncReport
from services.sync.source_lists import SourceList
from services.sync.stages import out_of_date, refresh_stages
from services.sync.writer import Clock, Progress

DAY = timedelta(days=1)
CLIENTS_AT_ONCE = 500
ORDER = (Scope.PARTNER, Scope.CASES, Scope.TRANSACTIONS, Scope.CLIENTS, Scope.COVERAGE)
"""Clients come after what their own sums are made of."""


class PartnerUnknown(Exception):
    """It is not known whose data the key gives, so none of it can be taken over."""


class Sync:
    """Keeps a store true to Debitura.

    ``full_every`` is how often every list is read whole; in between, a pass reads open work.
    """

    def __init__(
        self,
        store: Store,
        api: ReferralPartnerApi,
        *,
        full_every: timedelta = DAY,
        clock: Clock = lambda: datetime.now(UTC),
        progress: Progress = lambda _scope, _done, _total: None,
    ) -> None:
        self._store = store
        self._api = api
        self._full_every = full_every
        self._clock = clock
        self._progress = progress
        self._partner_confirmed = False
        self._full = False

    def run(self, *, full: bool = False) -> SyncReport:
        """Make every scope true once. A scope that fails leaves the others and all old data.

        ``full`` reads every list whole, whenever that was done last. Raises StoreError where the
        store itself cannot be used.
        """
        with self._store.one_at_a_time("sync"), _fewer_collections():
            self._full = full
            started = self._clock()
            reports = self._attempt_all()
            self._derive()
            report = SyncReport(
                started,
                self._clock(),
                FULL if all(reports[each].how.startswith(FULL_SCAN) for each in LISTS) else REFRESH,
                tuple(reports[scope] for scope in Scope),
            )
            self._remember(report)
        return report

    def _attempt_all(self) -> dict[Scope, ScopeReport]:
        reports: dict[Scope, ScopeReport] = {}
        try:
            for scope in ORDER:
                reports[scope] = self._attempt(scope)
        except (Unauthorized, StoreOfAnotherPartner, PartnerUnknown) as refusal:
            # Asking on with a key that is not ours would fail alike, or mix two partners.
            rest = [scope for scope in ORDER if scope not in reports]
            reports |= {scope: self._fail(scope, str(refusal)) for scope in rest}
        return reports

    def _attempt(self, scope: Scope) -> ScopeReport:
        with self._store.write(quiet=True) as session:
            bookkeeping.begin(session, scope, now=self._clock())
        self._progress(scope, 0, None)
        read: Mapping[Scope, Callable[[], ScopeReport]] = {
            Scope.PARTNER: self._read_partner,
            Scope.CLIENTS: self._read_clients,
            Scope.CASES: lambda: self._read_list(source_lists.cases(self._api)),
            Scope.TRANSACTIONS: self._read_transactions,
            Scope.COVERAGE: self._read_coverage,
        }
        sent = self._api.requests_sent
        try:
            report = read[scope]()
        except Unauthorized:
            raise
        except DebituraError as error:
            if scope is Scope.PARTNER and not self._partner_confirmed:
                raise PartnerUnknown(str(error)) from error
            report = self._fail(scope, str(error))
        return replace(report, requests=self._api.requests_sent - sent)

    def _read_partner(self) -> ScopeReport:
        started = self._clock()
        partner = self._api.me()
        self._store.claim_for_partner(partner.id)
        self._partner_confirmed = True
        row = PartnerRow(
            id=partner.id,
            company_name=partner.company_name,
            invoicing_mode=partner.invoicing_trigger_mode,
            raw=mapping.plain(partner.raw),
            updated_at=started,
        )
        with self._store.write(quiet=True) as session:
            changed = bookkeeping.save_partner(session, row)
            news = bookkeeping.succeed(session, Scope.PARTNER, true_at=started, rows=1, full=True)
            _tell(session, changed or news)
        return ScopeReport(Scope.PARTNER, rows=1, read=1, changed=int(changed))

    def _read_coverage(self) -> ScopeReport:
        """Coverage changes rarely and comes in one answer: it is read when everything is."""
        started = self._clock()
        if not self._is_due(Scope.COVERAGE, started):
            with self._store.write(quiet=True) as session:
                count = bookkeeping.coverage_count(session)
                bookkeeping.succeed(session, Scope.COVERAGE, true_at=started, rows=count)
            return ScopeReport(Scope.COVERAGE, rows=count, how="not due")
        rows = [CoverageRow(**mapping.coverage_row(item)) for item in self._api.coverage()]
        count = len(rows)
        with self._store.write(quiet=True) as session:
            changed = bookkeeping.replace_coverage(session, rows)
            news = bookkeeping.succeed(
                session, Scope.COVERAGE, true_at=started, rows=count, full=True
            )
            _tell(session, changed or news)
        return ScopeReport(Scope.COVERAGE, rows=count, read=count, changed=count if changed else 0)

    def _read_transactions(self) -> ScopeReport:
        with self._store.read() as session:
            partner = activity.partner(session)
        mode = partner.invoicing_mode if partner else None
        return self._read_list(source_lists.transactions(self._api, mode))

    def _read_clients(self) -> ScopeReport:
        with self._store.read() as session:
            state = bookkeeping.state_of(session, Scope.CLIENTS)
            true_at = state.true_at if state else None
            touched = clients.touched_since(session, true_at) if true_at else []
        return self._read_list(source_lists.clients(self._api), touched)

    def _read_list(self, source: SourceList, keys: Sequence[str] = ()) -> ScopeReport:
        one = ListSync(self._store, source, clock=self._clock, progress=self._progress)
        whole = self._full or self._is_due(source.scope, self._clock())
        return one.run(whole=whole, keys=keys)

    def _is_due(self, scope: Scope, now: datetime) -> bool:
        """Whether all of a scope has to be read: it is time, or a scan of it was killed.

        A last time that is still to come was told by a clock that was wrong.
        """
        with self._store.read() as session:
            state = bookkeeping.state_of(session, scope)
            unfinished = checkpoints.exist(session, scope)
        if self._full or unfinished or state is None or state.full_at is None:
            return True
        return not timedelta() <= now - state.full_at < self._full_every

    def _fail(self, scope: Scope, error: str) -> ScopeReport:
        with self._store.write(quiet=True) as session:
            _tell(session, bookkeeping.fail(session, scope, error=error, now=self._clock()))
        return ScopeReport(scope, error=error)

    def _derive(self) -> None:
        """What follows from several scopes at once, whichever pass stored them."""
        now = self._clock()
        with self._store.read() as session:
            # Stages come from three scopes: with one of them missing they would be too low.
            all_read = bookkeeping.all_read(session, LISTS)
            stale = out_of_date(session, now=now) if all_read else []
        with self._store.write(quiet=True) as session:
            news = ledger.settle(session, now=now) + cases.note_payments(session)
            for some in batches(stale, CLIENTS_AT_ONCE):
                news += refresh_stages(session, now=now, tenant_ids=some)
            _tell(session, bool(news))

    def _remember(self, report: SyncReport) -> None:
        run = SyncRunRow(
            started_at=report.started_at,
            finished_at=report.finished_at,
            requests=report.requests,
            kind=report.kind,
            outcome="true" if report.is_true else "failed",
            scopes=report.as_json()["scopes"],
        )
        with self._store.write(quiet=True) as session:
            bookkeeping.add_run(session, run)


@contextmanager
def _fewer_collections() -> Iterator[None]:
    """Rows by the thousand and none in a cycle: Python would look for cycles half of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _tell(session: Session, news: bool) -> None:
    if news:
        announce(session)
