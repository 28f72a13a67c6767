"""Insert-or-update in the dialect at hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

# SQLite allows 32,766 bound values in a statement; the widest table has under 40 columns.
ROWS_A_STATEMENT = 500


def upsert(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write ``rows``, each holding the same columns; a row with the same key is overwritten."""
    keys = [column.name for column in table.primary_key]
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for start in range(0, len(rows), ROWS_A_STATEMENT):
        batch = rows[start : start + ROWS_A_STATEMENT]
        insert = dialect.insert(table).values(list(batch))
        changed = {name: insert.excluded[name] for name in batch[0] if name not in keys}
        session.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed))
