"""Pages of filtered and sorted lists, remembered until the list changes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.sandbox.query import PageRequest

Row = TypeVar("Row")
REMEMBERED_LISTS = 24


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """All rows that pass a filter, in order, and the summary that goes with them."""

    rows: Sequence[Row]
    summary: dict[str, Any]


class ListCache(Generic[Row]):
    """The latest listings by filter and order, dropped when the revision moves on."""

    def __init__(self) -> None:
        self._revision: Hashable = None
        self._listings: OrderedDict[Hashable, Listing[Row]] = OrderedDict()

    def get(
        self, key: Hashable, revision: Hashable, build: Callable[[], Listing[Row]]
    ) -> Listing[Row]:
        """The listing of a key, built when it is not at hand for this revision."""
        if revision != self._revision:
            self._listings.clear()
            self._revision = revision
        if key not in self._listings:
            self._listings[key] = build()
            if len(self._listings) > REMEMBERED_LISTS:
                self._listings.popitem(last=False)
        self._listings.move_to_end(key)
        return self._listings[key]


def page_of(rows: Sequence[Row], wanted: PageRequest) -> tuple[Sequence[Row], dict[str, int]]:
    """The rows of a page (none past the end) and the wire's PageData."""
    start = (wanted.page - 1) * wanted.size
    part = rows[start : start + wanted.size]
    return part, {
        "totalResults": len(rows),
        "pageSize": wanted.size,
        "currentPage": wanted.page,
        "responseCount": len(part),
        "totalPages": -(-len(rows) // wanted.size),
    }
