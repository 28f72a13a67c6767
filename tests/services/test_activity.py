"""How true the store is to Debitura, and since when."""

from datetime import timedelta

from sqlmodel import select

from services import activity
from services.activity import Scope, ScopeState
from services.store import Store, bookkeeping
from services.store.tables import SyncRunRow
from tests.filling import NOW

LATER = NOW + timedelta(hours=1)


def test_a_new_store_knows_nothing_and_says_so(store: Store) -> None:
    state = activity.freshness(store)
    assert [status.scope for status in state.scopes] == list(Scope)
    assert {status.state for status in state.scopes} == {ScopeState.NEVER}
    assert (state.true_at, state.failed, state.reason) == (None, (), None)
    assert state.first_scan_running
    assert state.progress == (0, 0)


def test_the_data_are_as_old_as_their_oldest_scope(store: Store) -> None:
    with store.write() as session:
        for number, scope in enumerate(Scope):
            moment = NOW + timedelta(minutes=number)
            bookkeeping.succeed(session, scope, true_at=moment, rows=1)
    assert activity.freshness(store).true_at == NOW


def test_one_scope_that_was_never_read_leaves_the_whole_unknown(store: Store) -> None:
    with store.write() as session:
        for scope in list(Scope)[:-1]:
            bookkeeping.succeed(session, scope, true_at=NOW, rows=1)
    assert activity.freshness(store).true_at is None


def test_progress_counts_only_what_told_its_size(store: Store) -> None:
    with store.write() as session:
        bookkeeping.begin(session, Scope.CLIENTS, now=NOW)
        bookkeeping.begin(session, Scope.CASES, now=NOW)
        bookkeeping.progress(session, Scope.CASES, done=20, total=50)
    assert activity.freshness(store).progress == (20, 50)


def test_a_failure_keeps_the_moment_the_scope_was_true_at(store: Store) -> None:
    with store.write() as session:
        assert bookkeeping.succeed(session, Scope.CASES, true_at=NOW, rows=1)
        assert not bookkeeping.succeed(session, Scope.CASES, true_at=NOW, rows=1)
        assert bookkeeping.fail(session, Scope.CASES, error="It failed.", now=LATER)
        assert not bookkeeping.fail(session, Scope.CASES, error="It failed.", now=LATER)
    (failed,) = activity.freshness(store).failed
    assert (failed.true_at, failed.attempted_at, failed.error) == (NOW, LATER, "It failed.")


def test_a_reason_stays_while_the_scope_is_tried_again(store: Store) -> None:
    with store.write() as session:
        bookkeeping.fail(session, Scope.CASES, error="It failed.", now=NOW)
        bookkeeping.begin(session, Scope.CASES, now=LATER)
    assert activity.freshness(store).reason == "It failed."


def test_only_the_latest_runs_are_kept(store: Store) -> None:
    with store.write() as session:
        for _ in range(bookkeeping.RUNS_KEPT + 3):
            bookkeeping.add_run(session, SyncRunRow(started_at=NOW, outcome="true"))
    with store.read() as session:
        numbers = session.execute(select(SyncRunRow.id)).scalars().all()
    assert sorted(filter(None, numbers)) == list(range(4, bookkeeping.RUNS_KEPT + 4))
