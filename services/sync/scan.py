"""Reading one whole list of the source although it changes while it is read.

Lists are paged by offset, so a row that comes or goes shifts the others, and a row may slip past
between two pages. Two things together make a scan complete:

- **Overlap.** Each window shares rows with the one before it. A row that existed all the while lies
  between two rows that some window showed side by side, so it was in that window too. Where two
  windows share nothing, rows went missing in between, and both are read again.
- **Count.** As many different rows were seen as the list has at the end, and that number never
  fell: a row that went while we read is not taken for one that is there.

Overlapping windows out of a paging by number: page 2 of size 98 begins with the last two rows of
page 1 of size 100. ``next_window`` picks the size that reaches furthest; that costs one
window in seven more than pages side by side.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from services.debitura import UnexpectedAnswer
from services.debitura.schemas import PAGE_SIZE, ListPage
from services.store.checkpoints import ReadWindow
from services.sync.ahead import IN_MEMORY, work_ahead
from services.sync.mapping import Row, as_json

PASSES = 3
OVERLAP = 2
READS_OF_A_JOINT = 3
READS_OF_A_PAGE = 3
SMALLEST_OVERLAPPING = 13
"""Smaller pages cannot be made to overlap: they are read side by side, and twice alike."""


@dataclass(frozen=True, order=True)
class Window:
    """A page of some size: the rows from ``start`` up to, but not with, ``end``."""

    page: int
    size: int

    @property
    def start(self) -> int:
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        return self.page * self.size


FetchWindow = Callable[[Window], ListPage[Any]]
"""Gets a page of the list, oldest rows first."""


def next_window(end: int, largest: int) -> Window:
    """The window that reaches furthest among those that begin ``OVERLAP`` rows before ``end``."""
    if largest < SMALLEST_OVERLAPPING:
        return Window(end // largest + 1, largest)
    sizes = range(largest, largest // 2, -1)
    return max((Window((end - OVERLAP) // size + 1, size) for size in sizes), key=_reach)


def _reach(window: Window) -> int:
    return window.end


@dataclass
class Part:
    """What one window showed."""

    window: Window
    models: list[Any]
    keys: list[str]
    rejected: list[tuple[str, str]]
    total: int
    largest: int = PAGE_SIZE
    page: ListPage[Any] | None = None
    """The answer itself; None where it was read by an earlier process."""

    @property
    def count(self) -> int:
        return len(self.keys) + len(self.rejected)

    @property
    def named_rejected(self) -> dict[str, tuple[str, str]]:
        """What was rejected, by a name made of its text; rows that look alike are several."""
        seen: Counter[str] = Counter()
        named = {}
        for raw, reason in self.rejected:
            named[f"{_digest(raw)}-{seen[raw]}"] = (raw, reason)
            seen[raw] += 1
        return named

    @property
    def all_keys(self) -> set[str]:
        """Keys of the rows; one that was rejected goes by its name."""
        return {*self.keys, *self.named_rejected}

    @property
    def reaches_the_end(self) -> bool:
        return self.window.start + self.count >= self.total

    def as_read(self) -> ReadWindow:
        return ReadWindow(self.window.start, self.window.size, self.total, self.keys, self.rejected)


def _digest(raw: str) -> str:
    return hashlib.blake2b(raw.encode(errors="surrogatepass"), digest_size=16).hexdigest()


@dataclass
class Scan:
    """What a scan has seen so far."""

    seen: set[str] = field(default_factory=set)
    rejected: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Raw text and reason of the rows that could not be understood."""
    total: int = 0
    last_page: ListPage[Any] | None = None
    complete: bool = False
    total_fell: bool = False
    chained: bool = True
    overlapping: bool = True
    past_the_end: bool = False
    ended: bool = False

    def take(self, part: Part) -> None:
        self.total_fell |= part.total < self.total
        self.total = part.total
        self.last_page = part.page or self.last_page
        self.seen.update(part.keys)
        self.rejected |= part.named_rejected
        self.overlapping &= part.largest >= SMALLEST_OVERLAPPING
        self.past_the_end |= part.count == 0

    def judge(self) -> None:
        counted = len(self.seen) + len(self.rejected) == self.total
        self.complete = self.chained and self.ended and counted and not self.total_fell


TakePart = Callable[[Part, list[Row], Scan], None]
"""Stores those rows of a part that no part before it showed."""


def read_all(
    fetch: FetchWindow,
    *,
    to_row: Callable[[Any], Row],
    key_of: Callable[[Any], str],
    take: TakePart,
    start_again: Callable[[Scan], None] = lambda _scan: None,
    resumed: Sequence[ReadWindow] = (),
) -> Scan:
    """Read the whole list and hand every part to ``take`` as it arrives.

    The scan it returns is ``complete`` when everything was seen; otherwise the rows handed on are
    true, but some may be missing. ``resumed`` are the parts that an earlier process had stored;
    ``start_again`` is told when they, and all that was read since, no longer count. Raises what
    ``fetch`` raises.
    """
    reader = _Reader(fetch, to_row, key_of, take)
    scan = reader.read({_window_of(each): each for each in resumed})
    confirmed = scan.overlapping
    for _ in range(PASSES - 1):
        if scan.complete and confirmed:
            break
        start_again(scan)
        before, scan = scan, reader.read({})
        confirmed = scan.overlapping or scan.seen == before.seen
    scan.complete &= confirmed
    return scan


def _window_of(read: ReadWindow) -> Window:
    return Window(read.start // read.size + 1, read.size)


@dataclass(frozen=True)
class _Reader:
    """One list, and what to do with its parts."""

    fetch: FetchWindow
    to_row: Callable[[Any], Row]
    key_of: Callable[[Any], str]
    take: TakePart

    def read(self, resumed: Mapping[Window, ReadWindow]) -> Scan:
        scan = Scan()
        before: Part | None = None
        for part in self._parts(scan, resumed):
            if part.window in resumed:
                scan.take(part)
            else:
                self._keep(part, scan)
            if part.count == 0 and before is not None:
                continue  # past the end of a list that has become shorter
            if before is not None and scan.chained:
                scan.chained = _overlap(before, part) or self._bridged(before, part, scan)
            scan.ended = part.reaches_the_end
            before = part
        scan.judge()
        return scan

    def _keep(self, part: Part, scan: Scan) -> None:
        models = zip(part.keys, part.models, strict=True)
        asked_at = part.page.asked_at if part.page else None
        rows = [
            {**self.to_row(model), "read_at": asked_at}
            for key, model in models
            if key not in scan.seen
        ]
        scan.take(part)
        self.take(part, rows, scan)

    def _parts(self, scan: Scan, resumed: Mapping[Window, ReadWindow]) -> Iterator[Part]:
        def get(window: Window) -> tuple[Window, ReadWindow | ListPage[Any]]:
            return window, resumed.get(window) or self._fetch(window)

        first = self._part(*get(Window(1, PAGE_SIZE)))
        yield first
        # A source whose total runs away from us is not followed for ever.
        limit = 2 * first.total + IN_MEMORY * PAGE_SIZE
        windows = _plan(min(first.window.end, first.largest), first.largest, scan, limit)
        for window, answer in work_ahead(get, windows):
            yield self._part(window, answer)

    def _fetch(self, window: Window) -> ListPage[Any]:
        """The page, asked for again where the answer had the wrong shape."""
        for _ in range(READS_OF_A_PAGE - 1):
            with suppress(UnexpectedAnswer):
                return self.fetch(window)
        return self.fetch(window)

    def _part(self, window: Window, answer: ReadWindow | ListPage[Any]) -> Part:
        if isinstance(answer, ReadWindow):
            return _read_before(window, answer)
        return Part(
            window,
            answer.lean_rows,
            keys=[self.key_of(row) for row in answer.lean_rows],
            rejected=[(as_json(row.raw), row.reason) for row in answer.rejected],
            total=answer.page.total_results,
            largest=page_size_of(answer),
            page=answer,
        )

    def _bridged(self, before: Part, after: Part, scan: Scan) -> bool:
        """Read both sides of a gap again until they meet, each with what it was before."""
        for _ in range(READS_OF_A_JOINT):
            again = [self._part(w, self._fetch(w)) for w in (before.window, after.window)]
            for part in again:
                self._keep(part, scan)
            chain = [before, *again, after]
            if all(_overlap(one, other) for one, other in pairwise(chain)):
                return True
        return False


def _read_before(window: Window, read: ReadWindow) -> Part:
    part = Part(window, [], list(read.keys), list(read.rejected), read.total)
    if 0 < part.count < window.size and not part.reaches_the_end:
        part.largest = part.count
    return part


def page_size_of(page: ListPage[Any]) -> int:
    """How many rows the source gives a page; what cannot be so is taken for the most there are."""
    told = page.page.page_size
    return told if 1 <= told <= PAGE_SIZE else PAGE_SIZE


def _overlap(before: Part, after: Part) -> bool:
    if after.largest < SMALLEST_OVERLAPPING:
        return True
    return not before.all_keys.isdisjoint(after.all_keys)


def _plan(end: int, largest: int, scan: Scan, limit: int) -> Iterator[Window]:
    """The windows from ``end`` on, as far as the list is known to reach when each is asked for."""
    while end < min(scan.total, limit) and not scan.past_the_end:
        window = next_window(end, largest)
        yield window
        end = window.end
