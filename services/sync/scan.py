"""Reading one whole list of the source, page by page, several pages at a time.

Lists are paged by offset, so a row that comes or goes while we read shifts the others. Rows are
read oldest first, where new ones land at the end, and what was read counts as complete only when
as many different ids were seen as the source says there are, and that number stood still.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from services.debitura.schemas import PAGE_SIZE, ListPage, RejectedRow
from services.sync.mapping import Row

PAGES_AT_ONCE = 6
PAGES_IN_MEMORY = 24
PASSES = 3

FetchPage = Callable[[int], ListPage[Any]]
"""Gets one page of the list, oldest rows first; pages count from 1."""


@dataclass
class Scan:
    """What a scan has seen so far."""

    seen: set[str] = field(default_factory=set)
    rejected: list[RejectedRow] = field(default_factory=list)
    total: int = 0
    complete: bool = False
    first_page: ListPage[Any] | None = None


def read_all(
    fetch: FetchPage,
    *,
    to_row: Callable[[Any], Row],
    key: str,
    store_rows: Callable[[list[Row], Scan], None],
) -> Scan:
    """Read the whole list and hand each page's rows to ``store_rows`` as they arrive.

    The scan it returns is ``complete`` when everything was seen; otherwise the rows handed on
    are true, but some may be missing. Raises what ``fetch`` raises.
    """
    scan = Scan()
    for _ in range(PASSES):
        scan = Scan(total=scan.total)
        totals = set()
        for page in _pages(fetch):
            scan.first_page = scan.first_page or page
            scan.total = page.page.total_results
            totals.add(scan.total)
            scan.rejected += page.rejected
            rows = [to_row(row) for row in page.rows]
            scan.seen.update(row[key] for row in rows)
            store_rows(rows, scan)
        if len(totals) == 1 and len(scan.seen) + len(scan.rejected) == scan.total:
            scan.complete = True
            break
    return scan


def _pages(fetch: FetchPage) -> Iterator[ListPage[Any]]:
    first = fetch(1)
    yield first
    size = first.page.page_size or PAGE_SIZE
    numbers = iter(range(2, -(-first.page.total_results // size) + 1))
    with ThreadPoolExecutor(PAGES_AT_ONCE) as pool:
        while wanted := list(islice(numbers, PAGES_IN_MEMORY)):
            yield from pool.map(fetch, wanted)
