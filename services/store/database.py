"""Opening the store, and the two ways to use it: reading and writing."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError, SQLAlchemyError
from sqlmodel import Session, col, insert, select, update

from services.store import sqlite
from services.store.migrations import upgrade
from services.store.tables import StoreInfo


class StoreError(Exception):
    """Something about the store; the message says what to do."""


class StoreUnwritable(StoreError):
    """The store cannot be made or written."""


class StoreUnreadable(StoreError):
    """The store cannot be reached, or is not a store."""


class StoreOfAnotherEnvironment(StoreError):
    """The store belongs to another environment than the one asked for."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(
            f"This store belongs to the {found} environment, not to {wanted}. "
            "Point DATABASE_URL or PARTNER_DASHBOARD_DATA at another place; nothing was changed."
        )


class StoreOfAnotherPartner(StoreError):
    """The key belongs to another partner than the one whose data the store holds."""

    def __init__(self) -> None:
        super().__init__(
            "The API key belongs to another partner than the data in this store. "
            "Check DEBITURA_API_KEY, or point PARTNER_DASHBOARD_DATA at an empty folder; "
            "nothing was changed."
        )


class StoreOfAnotherProgram(StoreUnreadable):
    """The database holds tables that are not a store's."""

    def __init__(self, location: str) -> None:
        super().__init__(
            f"{location} holds another program's tables. "
            "Point DATABASE_URL at a database of the dashboard's own; nothing was changed."
        )


class Store:
    """One environment's store. Safe to share between threads."""

    def __init__(self, engine: Engine, location: str) -> None:
        self._engine = engine
        self.location = location

    @classmethod
    def open(cls, url: str, environment: str) -> "Store":
        """Open the store, making and migrating it as needed.

        Raises StoreUnwritable, StoreUnreadable or StoreOfAnotherEnvironment.
        """
        path = sqlite.file_of(url)
        location = str(path) if path else "the database in DATABASE_URL"
        if path:
            _prepare_file(path)
        store = cls(_engine(url), location)
        with ExitStack() as unless_opened:
            unless_opened.callback(store.close)
            try:
                store._claim(environment)
            except OperationalError as error:
                raise _as_store_error(error, location) from error
            except SQLAlchemyError as error:
                raise StoreUnreadable(
                    f"{location} cannot be read as a store of this dashboard. "
                    "Move it away to start a new one; nothing was changed."
                ) from error
            unless_opened.pop_all()
        return store

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the store and changes nothing."""
        with self._guarded(), Session(self._engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self, *, quiet: bool = False) -> Iterator[Session]:
        """A session that holds off other writers and is committed whole, or not at all.

        The revision rises by one. With ``quiet`` it does so only where ``announce`` is called.
        """
        with self._guarded(), self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with Session(connection, expire_on_commit=False) as session, session.begin():
                yield session
                if not quiet:
                    announce(session)

    def revision(self) -> int:
        """A number that rises with every change that readers should see."""
        with self.read() as session:
            revision: int = session.execute(select(col(StoreInfo.revision))).scalar_one()
        return revision

    def claim_for_partner(self, partner_id: str) -> None:
        """Remember whose data the store holds.

        Raises StoreOfAnotherPartner where it already holds somebody else's.
        """
        with self.read() as session:
            known = session.get_one(StoreInfo, 1).partner_id
        if known == partner_id:
            return
        if known is not None:
            raise StoreOfAnotherPartner
        with self.write() as session:
            session.get_one(StoreInfo, 1).partner_id = partner_id

    def _claim(self, environment: str) -> None:
        with self._engine.connect() as plain:
            connection = plain.execution_options(writes=True)
            with connection.begin():
                found = self._environment_of(connection)
                if found not in (None, environment):
                    raise StoreOfAnotherEnvironment(found, environment)
                upgrade(connection)
                if found is None:
                    connection.execute(
                        insert(StoreInfo).values(
                            id=1, environment=environment, revision=0, created_at=datetime.now(UTC)
                        )
                    )

    def _environment_of(self, connection: Connection) -> str | None:
        """Whose store it is; None for an empty database, which may become one."""
        tables = inspect(connection).get_table_names()
        if not tables:
            return None
        if StoreInfo.__tablename__ not in tables:
            raise StoreOfAnotherProgram(self.location)
        return connection.execute(select(col(StoreInfo.environment))).scalar()

    @contextmanager
    def one_at_a_time(self, what: str) -> Iterator[None]:
        """Wait for other processes that do ``what`` with this store, and hold off later ones.

        Only a store in a file is guarded; the lock goes with the process that holds it.
        """
        path = sqlite.file_of(str(self._engine.url))
        if path is None:
            yield
            return
        with FileLock(f"{path}-{what}.lock", mode=sqlite.PRIVATE_FILE):
            yield

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except DatabaseError as error:
            raise _as_store_error(error, self.location) from error


def announce(session: Session) -> None:
    """Let the revision rise with this change, so that open pages show it."""
    session.execute(update(StoreInfo).values(revision=StoreInfo.revision + 1))


def _engine(url: str) -> Engine:
    try:
        # Values may be personal, and errors are logged.
        engine = create_engine(url, hide_parameters=True)
    except (ImportError, SQLAlchemyError) as error:
        raise StoreUnreadable(
            "There is no driver for the kind of database that DATABASE_URL names. "
            "Install it beside the dashboard, or leave DATABASE_URL out."
        ) from error
    if sqlite.is_sqlite(url):
        sqlite.configure(engine)
    return engine


def _prepare_file(path: Path) -> None:
    try:
        sqlite.create_private_file(path)
    except OSError as error:
        raise StoreUnwritable(
            f"The data folder {path.parent} cannot be written ({error.strerror}). "
            "Set PARTNER_DASHBOARD_DATA to a folder of yours."
        ) from error


_UNWRITABLE_SIGNS = ("readonly", "read-only", "disk is full", "disk full", "unable to open")


def _as_store_error(error: DatabaseError, location: str) -> StoreError:
    reason = str(error.orig)
    if "locked" in reason.lower():
        return StoreUnreadable(f"{location} is busy with another change. Try again in a moment.")
    if any(sign in reason.lower() for sign in _UNWRITABLE_SIGNS):
        return StoreUnwritable(
            f"{location} cannot be written ({reason}). "
            "Free space or mend its permissions; what was stored before is kept."
        )
    return StoreUnreadable(
        f"{location} cannot be used ({reason}). Try again; if it stays so, restore a backup."
    )
