"""What of a mirrored list may still move, and where in time its rows lie."""

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session, func

from services.store.mirror import Mirror


def is_open(mirror: Mirror) -> ColumnElement[bool]:
    """The condition of rows that are listed and not at their end; unknown states count as open."""
    column = mirror.table.c[mirror.ended[0]]
    not_ended = or_(column.is_(None), column.not_in(mirror.ended[1]))
    return mirror.table.c.archived_at.is_(None) & not_ended


def open_rows(
    session: Session, mirror: Mirror, *, known_before: datetime
) -> dict[str, datetime | None]:
    """Keys of the open rows that were seen before a moment, and each one's place in time."""
    table = mirror.table
    found = session.execute(
        select(table.c[mirror.key], table.c[mirror.moment]).where(
            is_open(mirror), table.c.first_seen_at < known_before
        )
    )
    return dict(found.all())


def counts(session: Session, mirror: Mirror) -> tuple[int, int]:
    """How many rows are listed, and how many of them are open."""
    table = mirror.table
    listed = select(func.count()).select_from(table).where(table.c.archived_at.is_(None))
    still_open = select(func.count()).select_from(table).where(is_open(mirror))
    return session.execute(listed).scalar_one(), session.execute(still_open).scalar_one()


def moments(session: Session, mirror: Mirror) -> list[datetime]:
    """The places in time of all listed rows, in order."""
    table = mirror.table
    column = table.c[mirror.moment]
    found = session.execute(
        select(column).where(table.c.archived_at.is_(None), column.is_not(None)).order_by(column)
    )
    return list(found.scalars())
