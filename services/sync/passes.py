"""One pass of the sync: every scope is read, stored and judged on its own."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from services.debitura import DebituraError, ReferralPartnerApi, Unauthorized
from services.debitura.enums import RevenueBucket
from services.debitura.schemas import PAGE_SIZE, RejectedRow, TransactionsPage
from services.domain.money import to_minor
from services.store import Store, StoreOfAnotherPartner, activity, announce, bookkeeping, mirror
from services.store.bookkeeping import Scope
from services.store.mirror import CASES, CLIENTS, TRANSACTIONS, Mirror
from services.store.tables import CoverageRow, PartnerRow, SyncRunRow
from services.sync import mapping
from services.sync.mapping import Row
from services.sync.scan import FetchPage, Scan, read_all
from services.sync.stages import refresh_stages, settle_link_requests

ROWS_A_COMMIT = 1000

Progress = Callable[[Scope, int, int | None], None]
"""Told the scope, the rows read so far, and how many there are (None while unknown)."""


@dataclass(frozen=True)
class ScopeReport:
    """How one scope came out; ``error`` is a sentence for a person, None when it is true."""

    scope: Scope
    rows: int = 0
    changed: int = 0
    archived: int = 0
    rejected: int = 0
    error: str | None = None

    @property
    def is_true(self) -> bool:
        return self.error is None

    @property
    def requests(self) -> int:
        """Pages that were read; the single answers count as one."""
        listed = self.scope not in (Scope.PARTNER, Scope.COVERAGE)
        return max(1, -(-self.rows // PAGE_SIZE)) if listed else 1


@dataclass(frozen=True)
class SyncReport:
    """How a pass came out."""

    started_at: datetime
    finished_at: datetime
    scopes: tuple[ScopeReport, ...]

    @property
    def requests(self) -> int:
        """How many requests such a pass takes."""
        return sum(report.requests for report in self.scopes)

    @property
    def is_true(self) -> bool:
        """Whether every scope is true to the source."""
        return all(report.is_true for report in self.scopes)

    def as_json(self) -> dict[str, Any]:
        return {
            "startedAt": self.started_at.isoformat(),
            "finishedAt": self.finished_at.isoformat(),
            "true": self.is_true,
            "scopes": [{**asdict(report), "true": report.is_true} for report in self.scopes],
        }


class PartnerUnknown(Exception):
    """It is not known whose data the key gives, so none of it can be taken over."""


class Sync:
    """Keeps a store true to Debitura."""

    def __init__(
        self,
        store: Store,
        api: ReferralPartnerApi,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Progress = lambda _scope, _done, _total: None,
    ) -> None:
        self._store = store
        self._api = api
        self._clock = clock
        self._progress = progress
        self._partner_confirmed = False

    def run(self) -> SyncReport:
        """Read everything once. A scope that fails leaves the others and all old data in place.

        Raises StoreError where the store itself cannot be used.
        """
        with self._store.one_at_a_time("sync"):
            started = self._clock()
            reports: list[ScopeReport] = []
            try:
                for scope in Scope:
                    reports.append(self._attempt(scope))
            except (Unauthorized, StoreOfAnotherPartner, PartnerUnknown) as refusal:
                # Asking on with a key that is not ours would fail alike, or mix two partners.
                rest = list(Scope)[len(reports) :]
                reports += [self._fail(scope, str(refusal)) for scope in rest]
            self._derive()
            report = SyncReport(started, self._clock(), tuple(reports))
            self._remember(report)
        return report

    def _attempt(self, scope: Scope) -> ScopeReport:
        with self._store.write(quiet=True) as session:
            bookkeeping.begin(session, scope, now=self._clock())
        self._progress(scope, 0, None)
        read: Mapping[Scope, Callable[[], ScopeReport]] = {
            Scope.PARTNER: self._read_partner,
            Scope.CLIENTS: self._read_clients,
            Scope.CASES: self._read_cases,
            Scope.TRANSACTIONS: self._read_transactions,
            Scope.COVERAGE: self._read_coverage,
        }
        try:
            return read[scope]()
        except Unauthorized:
            raise
        except DebituraError as error:
            if scope is Scope.PARTNER and not self._partner_confirmed:
                raise PartnerUnknown(str(error)) from error
            return self._fail(scope, str(error))

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
            news = bookkeeping.succeed(session, Scope.PARTNER, true_at=started, rows=1)
            _tell(session, changed or news)
        return ScopeReport(Scope.PARTNER, rows=1, changed=int(changed))

    def _read_coverage(self) -> ScopeReport:
        started = self._clock()
        rows = [CoverageRow(**mapping.coverage_row(item)) for item in self._api.coverage()]
        with self._store.write(quiet=True) as session:
            changed = bookkeeping.replace_coverage(session, rows)
            news = bookkeeping.succeed(session, Scope.COVERAGE, true_at=started, rows=len(rows))
            _tell(session, changed or news)
        return ScopeReport(Scope.COVERAGE, rows=len(rows), changed=len(rows) if changed else 0)

    def _read_clients(self) -> ScopeReport:
        return self._read_list(
            Scope.CLIENTS,
            CLIENTS,
            lambda page: self._api.clients(page=page, sort="dateCreated:asc"),
            mapping.client_row,
        )

    def _read_cases(self) -> ScopeReport:
        return self._read_list(
            Scope.CASES,
            CASES,
            lambda page: self._api.cases(page=page, sort="DateCreated:asc"),
            mapping.case_row,
        )

    def _read_transactions(self) -> ScopeReport:
        with self._store.read() as session:
            partner = activity.partner(session)
        mode = partner.invoicing_mode if partner else None
        return self._read_list(
            Scope.TRANSACTIONS,
            TRANSACTIONS,
            lambda page: self._api.transactions(page=page, sort="collectionDate:asc"),
            lambda transaction: mapping.transaction_row(transaction, mode),
        )

    def _read_list(
        self,
        scope: Scope,
        target: Mirror,
        fetch: FetchPage,
        to_row: Callable[[Any], Row],
    ) -> ScopeReport:
        started = self._clock()
        writer = _Writer(self._store, scope, target, self._clock, self._progress)
        scan = _scan(fetch, to_row, target, writer)
        if not scan.complete:
            return self._fail(
                scope,
                f"The list of {scope} kept changing while it was read; {len(scan.seen):,} of "
                f"{scan.total:,} rows were seen. The next pass tries again.",
                rows=len(scan.seen),
                changed=writer.changed,
            )
        gone = self._gone(target, scan, started, lambda: _scan(fetch, to_row, target, writer))
        error = _set_aside(scope, scan.rejected)
        with self._store.write(quiet=True) as session:
            now = self._clock()
            mirror.archive(session, target, gone, now=now)
            bookkeeping.replace_rejected(session, scope, _as_text(scan.rejected), now=now)
            news = bookkeeping.succeed(
                session,
                scope,
                true_at=started,
                rows=len(scan.seen),
                summary=_summary(scan),
                error=error,
            )
            _tell(session, bool(gone) or news)
        return ScopeReport(
            scope, len(scan.seen), writer.changed, len(gone), len(scan.rejected), error
        )

    def _gone(
        self, target: Mirror, scan: Scan, started: datetime, look_again: Callable[[], Scan]
    ) -> set[str]:
        """What two complete scans in a row did not see.

        One scan alone may miss a row that slid from one page to another while others came and
        went, or be an answer of a source that has just lost its own. A row that could not be
        understood may be any of the missing, so then nothing is gone.
        """
        with self._store.read() as session:
            missing = mirror.missing(session, target, scan.seen, scan_started=started)
        if not missing or scan.rejected:
            return set()
        second = look_again()
        return missing - second.seen if second.complete and not second.rejected else set()

    def _fail(self, scope: Scope, error: str, **counts: int) -> ScopeReport:
        with self._store.write(quiet=True) as session:
            _tell(session, bookkeeping.fail(session, scope, error=error, now=self._clock()))
        return ScopeReport(scope, error=error, **counts)

    def _derive(self) -> None:
        with self._store.write(quiet=True) as session:
            now = self._clock()
            settled = settle_link_requests(session, now=now)
            # Stages come from three scopes: with one of them missing they would be too low.
            whole = bookkeeping.all_read(session, (Scope.CLIENTS, Scope.CASES, Scope.TRANSACTIONS))
            moved = refresh_stages(session, now=now) if whole else 0
            _tell(session, bool(settled + moved))

    def _remember(self, report: SyncReport) -> None:
        run = SyncRunRow(
            started_at=report.started_at,
            finished_at=report.finished_at,
            requests=report.requests,
            outcome="true" if report.is_true else "failed",
            scopes=report.as_json()["scopes"],
        )
        with self._store.write(quiet=True) as session:
            bookkeeping.add_run(session, run)


class _Writer:
    """Collects rows and commits them in batches, telling how far the scan is."""

    def __init__(
        self,
        store: Store,
        scope: Scope,
        target: Mirror,
        clock: Callable[[], datetime],
        progress: Progress,
    ) -> None:
        self._store, self._scope, self._target = store, scope, target
        self._clock, self._progress = clock, progress
        self._waiting: list[Row] = []
        self.changed = 0

    def add(self, rows: list[Row], scan: Scan) -> None:
        self._waiting += rows
        self._progress(self._scope, len(scan.seen), scan.total)
        if len(self._waiting) >= ROWS_A_COMMIT:
            self.flush(scan)

    def flush(self, scan: Scan) -> None:
        with self._store.write(quiet=True) as session:
            changed = mirror.save(
                session, self._target, self._waiting, now=self._clock(), learnt_by="sync"
            )
            _tell(session, bool(changed))
            bookkeeping.progress(session, self._scope, done=len(scan.seen), total=scan.total)
        self.changed += changed
        self._waiting = []


def _scan(
    fetch: FetchPage, to_row: Callable[[Any], Row], target: Mirror, writer: "_Writer"
) -> Scan:
    """Read the whole list and store all of it."""
    scan = read_all(fetch, to_row=to_row, key=target.key, store_rows=writer.add)
    writer.flush(scan)
    return scan


def _tell(session: Session, news: bool) -> None:
    if news:
        announce(session)


def _set_aside(scope: Scope, rejected: list[RejectedRow]) -> str | None:
    """What to tell of the rows that could not be understood; None where there are none."""
    if not rejected:
        return None
    count = len(rejected)
    return (
        f"{count:,} of the rows of {scope} could not be understood and "
        f"{'was' if count == 1 else 'were'} set aside ({rejected[0].reason})."
    )


def _as_text(rejected: list[RejectedRow]) -> list[tuple[str, str]]:
    return [(mapping.as_json(row.raw), row.reason) for row in rejected]


def _summary(scan: Scan) -> dict[str, Any] | None:
    """The source's own count and fees (US cents) per bucket, where the list tells them."""
    page = scan.first_page
    if not isinstance(page, TransactionsPage):
        return None
    told = {bucket: page.summary.revenue.bucket(bucket) for bucket in RevenueBucket}
    return {
        bucket: {"transactions": total.count, "fee_usd": to_minor(total.referral_fee_usd, "USD")}
        for bucket, total in told.items()
        if total.count is not None and total.referral_fee_usd is not None
    }
