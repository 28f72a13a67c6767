"""Opening, reading and writing the store: private, whole or not at all, and nobody else's."""

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, select

from services.store import (
    Store,
    StoreOfAnotherEnvironment,
    StoreOfAnotherPartner,
    StoreUnreadable,
    StoreUnwritable,
    announce,
)
from services.store.tables import AuditRow, StoreInfo

MOMENT = datetime(2026, 3, 20, 12, tzinfo=UTC)


def line(subject: str = "t-1", at: datetime = MOMENT) -> AuditRow:
    return AuditRow(at=at, actor="a", action="b", subject=subject, outcome="c")


def subjects(store: Store) -> list[str]:
    with store.read() as session:
        return [row.subject for row in session.execute(select(AuditRow)).scalars()]


def file_of(store: Store) -> Path:
    return Path(store.location)


def test_the_file_is_for_its_owner_alone(store: Store) -> None:
    with store.write() as session:
        session.add(line())
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in file_of(store).parent.glob("store.sqlite*")
    }
    assert "store.sqlite" in modes
    assert set(modes.values()) == {0o600}


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    Store.open(f"sqlite:///{folder / 's.sqlite'}", "test").close()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_in_the_files_place_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    mode = folder.stat().st_mode
    with pytest.raises(StoreUnwritable, match="Is a directory"):
        Store.open(f"sqlite:///{folder}", "test")
    assert folder.stat().st_mode == mode


def test_every_connection_has_the_pragmas(store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}
    with store.read() as first, store.read() as second, store.write(quiet=True) as third:
        for session in (first, second, third):
            told = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in wanted}
            assert told == wanted


def test_a_store_of_another_environment_is_refused_and_left_alone(store: Store) -> None:
    with store.write() as session:
        session.add(line())
    store.close()
    before = file_of(store).read_bytes()
    with pytest.raises(StoreOfAnotherEnvironment, match="belongs to the test environment"):
        Store.open(f"sqlite:///{store.location}", "production")
    assert file_of(store).read_bytes() == before
    again = Store.open(f"sqlite:///{store.location}", "test")
    assert subjects(again) == ["t-1"]
    again.close()


def test_another_partners_key_is_refused_and_nothing_changes(store: Store) -> None:
    store.claim_for_partner("partner-1")
    store.claim_for_partner("partner-1")
    revision = store.revision()
    with pytest.raises(StoreOfAnotherPartner):
        store.claim_for_partner("partner-2")
    with store.read() as session:
        assert session.get_one(StoreInfo, 1).partner_id == "partner-1"
    assert store.revision() == revision


def test_the_revision_rises_by_one_for_each_write(store: Store) -> None:
    before = store.revision()
    for number in range(3):
        with store.write() as session:
            session.add(line(str(number)))
    assert store.revision() == before + 3


def test_a_quiet_write_raises_the_revision_only_when_announced(store: Store) -> None:
    before = store.revision()
    with store.write(quiet=True) as session:
        session.add(line())
    assert store.revision() == before
    with store.write(quiet=True) as session:
        announce(session)
    assert store.revision() == before + 1


def test_a_write_that_fails_leaves_nothing_behind(store: Store) -> None:
    before = store.revision()

    def fail() -> None:
        with store.write() as session:
            session.add(line())
            session.flush()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    assert subjects(store) == []
    assert store.revision() == before


def test_a_reader_sees_one_moment_while_others_write(store: Store) -> None:
    with store.read() as session:
        assert session.execute(select(AuditRow)).all() == []
        with store.write() as writer:
            writer.add(line())
        assert session.execute(select(AuditRow)).all() == []
    assert subjects(store) == ["t-1"]


def test_writers_of_many_threads_wait_for_each_other(store: Store) -> None:
    before = store.revision()

    def write(number: int) -> None:
        with store.write() as session:
            session.add(line(str(number)))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(subjects(store)) == [str(number) for number in range(8)]
    assert store.revision() == before + 8


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_bytes(b"These are my notes, and no database at all.\n" * 50)
    before = path.read_bytes()
    with pytest.raises(StoreUnreadable, match="Move it away"):
        Store.open(f"sqlite:///{path}", "test")
    assert path.read_bytes() == before


def test_somebody_elses_database_is_told_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE clients (name TEXT)")
        other.execute("INSERT INTO clients VALUES ('kept')")
        other.commit()
    with pytest.raises(StoreUnreadable):
        Store.open(f"sqlite:///{path}", "test")
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM clients").fetchall() == [("kept",)]
        tables = other.execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == [("clients",)]


def test_a_place_that_cannot_be_written_is_told_with_what_to_set(tmp_path: Path) -> None:
    file = tmp_path / "a-file"
    file.touch()
    with pytest.raises(StoreUnwritable, match="Set PARTNER_DASHBOARD_DATA"):
        Store.open(f"sqlite:///{file / 'data' / 's.sqlite'}", "test")


@pytest.mark.parametrize("name", ["a folder", "ünï-客户", "what?is=this", "100%25", "a#b"])
def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    from services.settings import Settings  # noqa: PLC0415  (the URL is the settings' to make)

    settings = Settings(data_dir=tmp_path / name)
    store = Store.open(settings.database_url, "sandbox")
    store.close()
    assert store.location == str(tmp_path / name / "sandbox.sqlite")
    assert (tmp_path / name / "sandbox.sqlite").exists()


@pytest.mark.parametrize("url", ["postgresql://u:s3cret@127.0.0.1/x", "nosuch://u:s3cret@h/x"])
def test_a_database_without_its_driver_is_told_without_its_password(url: str) -> None:
    with pytest.raises(StoreUnreadable) as refused:
        Store.open(url, "test")
    assert "DATABASE_URL" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_migrations_make_what_the_models_describe(store: Store) -> None:
    engine = create_engine(f"sqlite:///{store.location}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(store: Store) -> None:
    with store.write() as session:
        session.add(line())
    store.close()
    for _ in range(2):
        again = Store.open(f"sqlite:///{store.location}", "test")
        assert subjects(again) == ["t-1"]
        again.close()


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    naive = MOMENT.replace(tzinfo=None)
    with pytest.raises(StatementError, match="without a time zone"), store.write() as session:
        session.add(line(at=naive))
    assert subjects(store) == []


def test_a_moment_comes_back_in_utc_whatever_zone_it_had(store: Store) -> None:
    tokyo = timezone(timedelta(hours=9))
    with store.write() as session:
        session.add(line(at=datetime(2026, 3, 20, 21, 0, 0, 123456, tokyo)))
    with store.read() as session:
        kept = session.execute(select(AuditRow)).scalar_one().at
    assert kept == datetime(2026, 3, 20, 12, 0, 0, 123456, UTC)
    assert kept.utcoffset() == timedelta()
