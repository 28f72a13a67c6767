"""What is SQLite's own: pragmas, the file's mode, and how it begins a transaction."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 30000",
    "PRAGMA foreign_keys = ON",
)
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"


def file_of(url: str) -> Path | None:
    """The file behind a SQLite URL; None for one that lives in memory or is no SQLite."""
    name = make_url(url).database if is_sqlite(url) else None
    return None if name in (None, "", ":memory:") else Path(str(name))


def create_private_file(path: Path) -> None:
    """Make the store's file, readable by its owner alone; what an existing one holds stays.

    Raises OSError where the folder cannot be made or written, or the path is a folder itself.
    """
    # A folder would take the file's mode, and then nobody but root could enter it.
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    path.touch(mode=PRIVATE_FILE, exist_ok=True)
    path.chmod(PRIVATE_FILE)


def remove_file(url: str) -> None:
    """Remove a SQLite store with its side files. Raises OSError where that is not allowed."""
    path = file_of(url)
    if path is not None:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def configure(engine: Engine) -> None:
    """Apply the pragmas to every connection and let us say how a transaction begins."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver would begin transactions itself, and too late to hold off other writers.
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
