"""Bringing a list up to date at a cost that follows its open work, and not its history.

There is no way to ask the source for what changed. What may change is what has not come to its
end: open rows are read again, and the newest ones. A row that we know as open and that was not
among them has come to its end, or is gone: it is looked up by its place in time.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count
from typing import Any

from services.debitura.schemas import PAGE_SIZE, ListPage
from services.store import Store, open_work
from services.sync.ahead import work_ahead
from services.sync.mapping import as_json
from services.sync.scan import Window, page_size_of
from services.sync.source_lists import SourceList
from services.sync.writer import Writer

CLOCKS_DIFFER_BY = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass
class Refreshed:
    """What a refresh found: the page of the newest rows, which tells the source's totals, rows
    that could not be understood, and open rows that were not found again."""

    newest_page: ListPage[Any]
    rejected: list[tuple[str, str]]
    lost: set[str]


Pages = Iterable[ListPage[Any]]


class Refresh:
    """One refresh of one list."""

    def __init__(
        self, store: Store, source: SourceList, writer: Writer, *, started: datetime
    ) -> None:
        self._store, self._source, self._writer = store, source, writer
        self._started = started
        self._rejected: list[tuple[str, str]] = []

    def run(self, *, last_true: datetime, keys: Sequence[str] = ()) -> Refreshed:
        """Read what may have changed since ``last_true``, and the rows with ``keys``.

        Raises what the source raises.
        """
        with self._store.read() as session:
            known_open = open_work.open_rows(
                session, self._source.target, known_before=self._started
            )
        seen = self._keep(self._whole(self._source.still_open))
        missed = {key: moment for key, moment in known_open.items() if key not in seen}
        found = self._look_up(missed) if missed else set()
        self._keep(work_ahead(self._source.single, keys))
        first, *more = self._newest_since(last_true - CLOCKS_DIFFER_BY)
        self._keep([first, *more])
        return Refreshed(first, self._rejected, set(missed) - found)

    def _whole(self, fetch: Callable[[Window], ListPage[Any]]) -> Pages:
        first = fetch(Window(1, PAGE_SIZE))
        yield first
        size = page_size_of(first)
        last = -(-first.page.total_results // size)
        for page in work_ahead(fetch, (Window(number, size) for number in range(2, last + 1))):
            yield page
            if not page.lean_rows and not page.rejected:
                break  # the list ends here, whatever it said of its length

    def _newest_since(self, moment: datetime) -> Pages:
        """The newest pages, up to the first that reaches back before ``moment``."""
        seen: set[str] = set()
        for number in count(1):
            page = self._source.newest(Window(number, PAGE_SIZE))
            yield page
            rows = self._source.rows_of(page)
            moments = [each for row in rows if (each := row[self._source.target.moment])]
            reaches_back = bool(moments) and min(moments) < moment
            news = {row[self._source.target.key] for row in rows} - seen
            if len(rows) < PAGE_SIZE or reaches_back or not news:
                break
            seen |= news

    def _look_up(self, missed: dict[str, datetime | None]) -> set[str]:
        with self._store.read() as session:
            all_moments = open_work.moments(session, self._source.target)
        places = sorted(moment for moment in missed.values() if moment is not None)

        def read(stretch: tuple[datetime, datetime]) -> list[ListPage[Any]]:
            begin, end = stretch
            # A source may round the moments that it is asked for.
            return list(
                self._whole(lambda w: self._source.between(begin - SECOND, end + SECOND, w))
            )

        pages = work_ahead(read, stretches(places, all_moments))
        return self._keep(chain.from_iterable(pages))

    def _keep(self, pages: Pages) -> set[str]:
        """Store the rows and return their keys."""
        keys: set[str] = set()
        for page in pages:
            rows = self._source.rows_of(page)
            keys.update(row[self._source.target.key] for row in rows)
            self._rejected += [(as_json(row.raw), row.reason) for row in page.rejected]
            self._writer.add(rows)
        self._writer.save()
        return keys


def stretches(
    wanted: Sequence[datetime], all_moments: Sequence[datetime]
) -> list[tuple[datetime, datetime]]:
    """Stretches of time that hold all ``wanted`` moments (in order), each a page long where they
    lie close together."""
    found: list[tuple[datetime, datetime]] = []
    for moment in wanted:
        begin = found[-1][0] if found else moment
        together = bisect_right(all_moments, moment) - bisect_left(all_moments, begin)
        if found and together <= PAGE_SIZE:
            found[-1] = (begin, moment)
        else:
            found.append((moment, moment))
    return found
