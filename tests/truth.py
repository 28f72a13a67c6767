"""Whether a store holds what its source holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import simplejson
from sqlmodel import SQLModel, select

from services.store import Store
from services.store.tables import CaseRow, ClientRow, TransactionRow

Json = dict[str, Any]
MIRRORED: dict[str, tuple[type[SQLModel], str]] = {
    "clients": (ClientRow, "externalTenantId"),
    "cases": (CaseRow, "id"),
    "transactions": (TransactionRow, "transactionId"),
}
PATHS = {
    "clients": ("/clients", "clients", "dateCreated"),
    "cases": ("/cases", "cases", "DateCreated"),
    "transactions": ("/reporting/transactions", "data", "collectionDate"),
}


@dataclass(frozen=True)
class Source:
    """The rows of the three lists as the source has them."""

    clients: list[Json] = field(default_factory=list)
    cases: list[Json] = field(default_factory=list)
    transactions: list[Json] = field(default_factory=list)


def source_at(url: str, key: str) -> Source:
    """Read an API that nobody changes, page by page."""
    with httpx.Client(base_url=url, headers={"XApiKey": key}, trust_env=False) as api:
        return Source(**{name: _rows(api, *told) for name, told in PATHS.items()})


def _rows(api: httpx.Client, path: str, name: str, order: str) -> list[Json]:
    rows: list[Json] = []
    page, total = 0, 1
    while len(rows) < total:
        page += 1
        asked = {"Page": page, "PageSize": 100, "Sort": f"{order}:asc"}
        answer = simplejson.loads(api.get(path, params=asked).text, use_decimal=True)
        rows += answer[name]
        total = answer["page"]["totalResults"]
    return rows


def stored(store: Store, name: str, *, archived: bool = False) -> dict[str, Json]:
    """The JSON objects of one list by their keys, those that are archived or those that are not."""
    model, key = MIRRORED[name]
    with store.read() as session:
        rows = session.execute(select(model)).scalars().all()
    wanted = [row for row in rows if (row.archived_at is not None) is archived]  # type: ignore[attr-defined]
    texts = [simplejson.loads(row.raw, use_decimal=True) for row in wanted]  # type: ignore[attr-defined]
    return {text[key]: text for text in texts}


def in_source(name: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """The source's rows by their keys, without what is kept nowhere."""
    _, key = MIRRORED[name]
    texts = simplejson.loads(simplejson.dumps(list(rows), use_decimal=True), use_decimal=True)
    return {
        row[key]: {field: value for field, value in row.items() if field != "kycVerification"}
        for row in texts
    }


def differing(store: Store, source: Any) -> dict[str, list[str]]:
    """Keys of the rows that only one of them has, or that differ; empty where they are equal."""
    found = {}
    for name in MIRRORED:
        ours, theirs = stored(store, name), in_source(name, getattr(source, name))
        keys = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
        if keys:
            found[name] = sorted(keys)
    return found
