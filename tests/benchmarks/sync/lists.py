"""The three lists that everybody downloads, and how."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

API_KEY = "sandbox"
HEADERS = {"XApiKey": API_KEY}
PAGE_SIZE = 100


@dataclass(frozen=True)
class SourceList:
    """A list of the API: where it is, oldest first, and under which name its rows come."""

    name: str
    path: str
    sort: str
    rows: str

    def query(self, page: int) -> dict[str, str | int]:
        return {"Page": page, "PageSize": PAGE_SIZE, "Sort": self.sort}


LISTS = (
    SourceList("clients", "/clients", "dateCreated:asc", "clients"),
    SourceList("cases", "/cases", "DateCreated:asc", "cases"),
    SourceList("transactions", "/reporting/transactions", "collectionDate:asc", "data"),
)


def pages(totals: Mapping[str, int]) -> Iterator[tuple[SourceList, int]]:
    """Every page of every list, in order."""
    for each in LISTS:
        for page in range(1, -(-totals[each.name] // PAGE_SIZE) + 1):
            yield each, page
