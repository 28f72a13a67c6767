"""Only real changes are written, and each leaves a trace."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from services.debitura import Case
from services.store import Store, mirror
from services.store.activity import history_of
from services.store.mirror import CASES
from services.store.tables import CaseRow
from services.sync import mapping
from tests.filling import NOW, Json, case, client, fill

LATER = NOW + timedelta(hours=1)


def save(store: Store, *rows: Json, now: datetime = NOW) -> int:
    with store.write(quiet=True) as session:
        listed = [mapping.case_row(Case.received(row)) for row in rows]
        return mirror.save(session, CASES, listed, now=now, learnt_by="sync")


def archive(store: Store, *seen: str, started: datetime, now: datetime = LATER) -> int:
    with store.write(quiet=True) as session:
        gone = mirror.missing(session, CASES, set(seen), scan_started=started)
        mirror.archive(session, CASES, gone, now=now)
        return len(gone)


def stored(store: Store) -> dict[str, CaseRow]:
    with store.read() as session:
        return {row.id: row for row in session.execute(select(CaseRow)).scalars()}


def history(store: Store, case_id: str) -> list[tuple[str, Any, Any]]:
    with store.read() as session:
        return [(row.field, row.before, row.after) for row in history_of(session, "case", case_id)]


def test_a_row_that_is_as_stored_is_not_written(store: Store) -> None:
    assert save(store, case("1"), case("2")) == 2
    before = stored(store)
    assert save(store, case("1"), case("2"), now=LATER) == 0
    assert stored(store) == before
    assert history(store, "1") == []


def test_a_new_row_has_no_history(store: Store) -> None:
    save(store, case("1"))
    assert history(store, "1") == []
    assert stored(store)["1"].first_seen_at == NOW


def test_a_watched_field_that_changed_is_noted_from_and_to(store: Store) -> None:
    save(store, case("1"))
    changed = case("1", lifecycle="Closed", closeCode="Paid", remainder=0, reference="DEB-x")
    assert save(store, changed, now=LATER) == 1
    assert sorted(history(store, "1")) == [
        ("close_code", None, "Paid"),
        ("lifecycle", "Active", "Closed"),
        ("remainder", "80000", "0"),
    ]
    row = stored(store)["1"]
    assert (row.reference, row.first_seen_at, row.lifecycle_since) == ("DEB-x", NOW, LATER)


def test_a_change_of_what_is_not_watched_is_stored_without_a_note(store: Store) -> None:
    save(store, case("1"))
    assert save(store, case("1", aNewField={"deep": [1, None]}), now=LATER) == 1
    assert history(store, "1") == []
    assert "aNewField" in stored(store)["1"].raw


def test_since_when_a_case_rests_stays_while_its_lifecycle_does(store: Store) -> None:
    save(store, case("1", dateCollectionStarted="2026-02-03T00:00:00Z"))
    since = stored(store)["1"].lifecycle_since
    save(store, case("1", dateCollectionStarted="2026-02-09T00:00:00Z", remainder=1), now=LATER)
    assert stored(store)["1"].lifecycle_since == since


def test_the_same_row_twice_in_a_batch_is_stored_once_as_it_came_last(store: Store) -> None:
    assert save(store, case("1", remainder=5), case("1", remainder=4)) == 1
    assert stored(store)["1"].remainder == 400


def test_a_scan_archives_only_what_it_did_not_see(store: Store) -> None:
    save(store, case("1"), case("2"), case("3"))
    assert archive(store, "1", "3", started=NOW + timedelta(minutes=1)) == 1
    archived = {key: row.archived_at for key, row in stored(store).items()}
    assert archived == {"1": None, "2": LATER, "3": None}
    assert history(store, "2") == [("archived", None, "archived")]


def test_a_row_first_seen_after_the_scan_began_is_not_archived(store: Store) -> None:
    started = NOW + timedelta(minutes=1)
    save(store, case("old"))
    save(store, case("new"), now=started)
    assert archive(store, started=started) == 1
    assert stored(store)["new"].archived_at is None


def test_an_archived_row_is_not_archived_again(store: Store) -> None:
    save(store, case("1"))
    archive(store, started=LATER)
    assert archive(store, started=LATER, now=LATER + timedelta(days=1)) == 0
    assert stored(store)["1"].archived_at == LATER


def test_an_archived_row_comes_back_unchanged_as_it_was(store: Store) -> None:
    save(store, case("1"))
    archive(store, started=LATER)
    assert save(store, case("1"), now=LATER) == 1
    row = stored(store)["1"]
    assert (row.archived_at, row.first_seen_at) == (None, NOW)
    assert history(store, "1")[0] == ("archived", "archived", None)


def test_what_we_derived_of_a_client_is_not_overwritten_by_its_row(store: Store) -> None:
    fill(store, clients=[client("t-1")], cases=[case("1")])
    fill(store, clients=[client("t-1", name="Renamed")], now=LATER)
    with store.read() as session:
        row = session.get_one(mirror.CLIENTS.model, "t-1")
    assert (row.name, row.stage) == ("Renamed", "first_case")  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [499, 500, 501, 1300])
def test_any_number_of_rows_is_stored_and_archived(store: Store, count: int) -> None:
    rows = [case(str(number)) for number in range(count)]
    assert save(store, *rows) == count
    assert save(store, *rows) == 0
    assert archive(store, "0", started=LATER) == count - 1
    assert sum(row.archived_at is None for row in stored(store).values()) == 1
