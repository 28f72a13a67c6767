"""A list that changes while it is read: what is called complete is complete."""

import itertools
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.debitura import RateLimits, ReferralPartnerApi
from services.debitura.schemas import PAGE_SIZE
from services.store import Store
from services.store.bookkeeping import Scope
from services.sync import source_lists
from services.sync.ahead import IN_MEMORY
from services.sync.passes import Sync
from services.sync.scan import (
    OVERLAP,
    PASSES,
    READS_OF_A_JOINT,
    SMALLEST_OVERLAPPING,
    Scan,
    next_window,
    read_all,
)
from tests.contract_server import ContractServer
from tests.filling import case
from tests.truth import differing, stored

RUNS = 50
UNLIMITED = RateLimits(10**6, 10**6, 10**6)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
Change = tuple[int, list[int]]
"""How many rows come at the end, and the places, from 0 to 1,000,000, of those that go."""


@dataclass
class ChangingList:
    """Rows in the order in which they came; ``changes`` happen before the answers, one each."""

    rows: list[str]
    changes: list[Change]
    largest: int = PAGE_SIZE
    fetches: int = 0
    throughout: set[str] = field(init=False)
    """Rows that were there before the first answer and have not gone since."""

    def __post_init__(self) -> None:
        self._coming = iter(self.changes)
        self._new = (f"new-{number}" for number in itertools.count())
        self._lock = threading.Lock()
        self.throughout = set(self.rows)

    @property
    def has_settled(self) -> bool:
        """Whether no change is still to come."""
        return self.fetches >= len(self.changes)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """A page of the list, as the API gives it."""
        with self._lock:
            self.fetches += 1
            self._change(*next(self._coming, (0, [])))
            size = min(int(request.url.params["PageSize"]), self.largest)
            start = (int(request.url.params["Page"]) - 1) * size
            shown = [{"id": each} for each in self.rows[start : start + size]]
            page = {"totalResults": len(self.rows), "pageSize": size}
        return httpx.Response(200, json={"cases": shown, "page": page})

    def _change(self, come: int, go: list[int]) -> None:
        self.rows += itertools.islice(self._new, come)
        for place in go:
            if self.rows:
                self.throughout.discard(self.rows.pop(place * len(self.rows) // 1_000_001))


@dataclass
class Outcome:
    """One scan of a list that changed."""

    scan: Scan
    settled_before_the_last_pass: bool


def read(source: ChangingList) -> Outcome:
    settled = [source.has_settled]
    transport = httpx.MockTransport(source.answer)
    with ReferralPartnerApi(
        "http://source.example", "key", transport=transport, limits=UNLIMITED
    ) as api:
        cases = source_lists.cases(api)
        scan = read_all(
            cases.everything,
            to_row=cases.to_row,
            key_of=cases.key_of,
            take=lambda _part, _rows, _scan: None,
            start_again=lambda _scan: settled.append(source.has_settled),
        )
    return Outcome(scan, settled[-1])


def assert_complete_where_told(source: ChangingList, reading: Outcome) -> None:
    if not reading.scan.complete:
        return
    assert source.throughout <= reading.scan.seen
    if reading.settled_before_the_last_pass:
        assert reading.scan.seen == set(source.rows)


def churn(chance: random.Random, answers: int) -> list[Change]:
    """Inserts, removals, or both in the same moment, before some of the answers."""
    often = chance.choice([0.05, 0.2, 0.6])
    most = chance.choice([1, 3, 8])

    def change() -> Change:
        come, go = chance.choice([(1, 0), (0, 1), (1, 1)])
        count = chance.randint(1, most)
        return come * count, [chance.randint(0, 1_000_000) for _ in range(go * count)]

    return [change() if chance.random() < often else (0, []) for _ in range(answers)]


def seeded(seed: int) -> tuple[ChangingList, bool]:
    """A list of 5 to 20 pages, and whether it comes to rest within a scan or so."""
    chance = random.Random(seed)
    comes_to_rest = seed % 3 != 0
    largest = chance.choice([SMALLEST_OVERLAPPING, 60, PAGE_SIZE])
    pages = chance.randint(5, 20)
    rows = [f"row-{number}" for number in range(pages * largest - chance.randrange(largest))]
    answers = chance.randint(1, 2 * pages) if comes_to_rest else 10_000
    return ChangingList(rows, churn(chance, answers), largest), comes_to_rest


@pytest.mark.parametrize("seed", range(RUNS))
def test_what_is_called_complete_has_every_row_that_was_there_all_the_while(seed: int) -> None:
    source, _ = seeded(seed)
    assert_complete_where_told(source, read(source))


def test_most_lists_that_come_to_rest_are_complete_after_a_second_reading() -> None:
    complete = []
    for seed in range(RUNS):
        source, comes_to_rest = seeded(seed)
        if comes_to_rest:
            reading = read(source)
            complete.append(reading.scan.complete or read(source).scan.complete)
    assert sum(complete) > 0.9 * len(complete)


@pytest.mark.parametrize("largest", [10, SMALLEST_OVERLAPPING - 1])
def test_small_pages_are_no_reason_to_miss_a_row_when_one_comes_as_another_goes(
    largest: int,
) -> None:
    """The first row goes and one comes at the end, so the rest moves up by one in between."""
    source = ChangingList([f"row-{n}" for n in range(800)], [(0, []), (1, [0])], largest)
    assert_complete_where_told(source, read(source))


changes = st.lists(
    st.tuples(st.integers(0, 12), st.lists(st.integers(0, 1_000_000), max_size=12)), max_size=60
)


@settings(max_examples=60)
@given(
    count=st.integers(0, 1500),
    largest=st.integers(SMALLEST_OVERLAPPING, PAGE_SIZE),
    changes=changes,
)
def test_whatever_comes_and_goes_a_complete_scan_saw_what_stayed(
    count: int, largest: int, changes: list[Change]
) -> None:
    source = ChangingList([f"row-{number}" for number in range(count)], changes, largest)
    assert_complete_where_told(source, read(source))


@settings(max_examples=25)
@given(count=st.integers(0, 1500), largest=st.integers(1, PAGE_SIZE), changes=changes)
def test_a_scan_takes_a_bounded_number_of_answers(
    count: int, largest: int, changes: list[Change]
) -> None:
    source = ChangingList([f"row-{number}" for number in range(count)], changes, largest)
    read(source)
    most = count + sum(come for come, _ in changes)
    # Windows that overlap reach at least half a page further each; joints are read again.
    windows = 2 + -(-most // max(1, largest // 2 - OVERLAP)) + IN_MEMORY
    assert source.fetches <= PASSES * windows * (1 + 2 * READS_OF_A_JOINT)


@given(end=st.integers(OVERLAP, 10_000_000), largest=st.integers(SMALLEST_OVERLAPPING, PAGE_SIZE))
def test_the_next_window_overlaps_the_one_before_and_goes_on(end: int, largest: int) -> None:
    window = next_window(end, largest)
    assert window.start <= end - OVERLAP
    assert window.end >= end + largest // 2 - OVERLAP
    assert largest // 2 < window.size <= largest


@given(pages=st.integers(1, 1_000_000), largest=st.integers(1, SMALLEST_OVERLAPPING - 1))
def test_small_windows_lie_side_by_side(pages: int, largest: int) -> None:
    window = next_window(pages * largest, largest)
    assert (window.start, window.size) == (pages * largest, largest)


@dataclass
class ChangingCases:
    """The cases of a server, which come and go before its answers."""

    server: ContractServer
    changes: list[Change]
    throughout: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self._coming = iter(self.changes)
        self._numbers = itertools.count(len(self.server.cases))
        self._lock = threading.Lock()
        self.throughout = {row["id"] for row in self.server.cases}

    def before_answer(self, path: str, _page: int) -> None:
        if path != "/cases":
            return
        with self._lock:
            come, go = next(self._coming, (0, []))
            rows = [*self.server.cases, *numbered(itertools.islice(self._numbers, come))]
            for place in go:
                self.throughout.discard(rows.pop(place * len(rows) // 1_000_001)["id"])
            self.server.cases = rows


def numbered(numbers: "itertools.islice[int] | range") -> list[dict[str, object]]:
    return [
        case(
            f"c-{number:06}",
            lifecycle="Closed",
            dateCreated=(FIRST + timedelta(minutes=number)).isoformat(),
        )
        for number in numbers
    ]


def test_rows_that_come_and_go_behind_a_pass_are_never_lost_and_never_archived(
    store: Store, server: ContractServer, churn_seed: int
) -> None:
    chance = random.Random(churn_seed)
    server.cases = numbered(range(chance.randint(500, 1200)))
    with ReferralPartnerApi(server.url, server.key) as api:
        assert Sync(store, api).run(full=True).is_true
        changing = ChangingCases(server, churn(chance, chance.choice([8, 30, 10_000])))
        server.before_answer = changing.before_answer
        report = Sync(store, api).run(full=True)
        server.before_answer = lambda _path, _page: None
        cases = next(each for each in report.scopes if each.scope is Scope.CASES)
        if cases.is_true:
            assert changing.throughout <= set(stored(store, "cases"))
        assert not changing.throughout & set(stored(store, "cases", archived=True))
        assert Sync(store, api).run(full=True).is_true
    assert differing(store, server) == {}
