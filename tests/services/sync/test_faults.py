"""A source that fails, or tells nonsense: what is known stays, and no pass goes on for ever."""

import copy
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from services.debitura import ReferralPartnerApi, RetryPolicy
from services.debitura.concurrency import CEILING
from services.sandbox import SandboxOptions, World
from services.sandbox import serving as serving_sandbox
from services.store import Store
from services.store.bookkeeping import Scope
from services.sync.passes import Sync
from services.sync.report import ScopeReport, SyncReport
from tests.contract_server import ContractServer, Json, serving
from tests.faulty_front import PAUSE_S, SLOW_S, Fault, Front, now_and_then, standing_before
from tests.filling import case, client, transaction
from tests.truth import Source, differing, in_source, source_at, stored

QUICK = RetryPolicy(first_wait_s=0.01, longest_wait_s=0.05, total_s=20)
ONCE = RetryPolicy(attempts=1)
ON_THEIR_WAY_S = 0.2
"""A request sent before the 429 was read may be noted so much later where cores are busy."""
LISTS = {
    "/clients": (Scope.CLIENTS, "clients"),
    "/cases": (Scope.CASES, "cases"),
    "/reporting/transactions": (Scope.TRANSACTIONS, "data"),
}
Bend = Callable[[str, Any], Any]


@dataclass
class BentServer(ContractServer):
    """``bend`` may alter the body of any good answer, and ``largest`` is the largest page.

    After ``patience`` requests the key is refused, so that a reader without end is seen.
    """

    bend: Bend = lambda _path, body: body
    largest: int = 100
    patience: int = 200
    refused: bool = False

    def answer(self, path: str, query: dict[str, list[str]], key: str | None) -> tuple[int, Any]:
        if len(self.asked) > self.patience:
            self.refused = True
            return 401, None
        if "PageSize" in query:
            size = min(int(query["PageSize"][0]), self.largest)
            query = {**query, "PageSize": [str(size)]}
        status, body = super().answer(path, query, key)
        return status, self.bend(path, copy.copy(body)) if status == 200 else body


@pytest.fixture
def bent() -> Iterator[BentServer]:
    """A server with a few hundred rows a list, most of them at their end."""
    server = BentServer()
    fill(server, 350)
    with serving(server):
        yield server


@pytest.fixture(scope="module")
def true_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that is true to the server of ``bent``."""
    path = tmp_path_factory.mktemp("true") / "store.sqlite"
    server = BentServer()
    fill(server, 350)
    store = Store.open(f"sqlite:///{path}", "test")
    with serving(server):
        assert make_pass(store, server).is_true
    store.close()
    return path


@pytest.fixture
def true_store(true_file: Path, tmp_path: Path) -> Iterator[Store]:
    """A store that is true to the server of ``bent``."""
    path = shutil.copy(true_file, tmp_path / "true.sqlite")
    opened = Store.open(f"sqlite:///{path}", "test")
    yield opened
    opened.close()


def fill(server: ContractServer, count: int) -> None:
    minutes = [
        f"2026-02-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z" for n in range(count)
    ]
    server.clients = [
        client(f"t-{n:05}", onboardingDone=n % 40 != 0, dateLinked=moment)
        for n, moment in enumerate(minutes)
    ]
    server.cases = [
        case(f"c-{n:05}", lifecycle="Closed" if n % 40 else "Active", dateCreated=moment)
        for n, moment in enumerate(minutes)
    ]
    server.transactions = [
        transaction(f"p-{n:05}", referral="Paid" if n % 40 else "Pending", date=moment)
        for n, moment in enumerate(minutes)
    ]
    server.coverage = [{"jurisdictionId": 1, "country": "Denmark"}]


def make_pass(store: Store, server: ContractServer, *, full: bool = True) -> SyncReport:
    with ReferralPartnerApi(server.url, server.key, retries=ONCE) as api:
        return Sync(store, api).run(full=full)


def of(report: SyncReport, scope: Scope) -> ScopeReport:
    return next(each for each in report.scopes if each.scope is scope)


@dataclass
class Behind:
    """An API, and what it holds."""

    url: str
    key: str
    rows: Source
    path: str = ""
    kinds_of_fault: int = len(Fault)
    """So many there are at least in a pass, by the number of its requests."""


@contextmanager
def sandbox() -> Iterator[Behind]:
    options = SandboxOptions(clients=120, cases=2500, transactions=3500, requests_per_minute=None)
    with serving_sandbox(World.generate(options), options) as url:
        rows = source_at(f"{url}/referral", options.api_key)
        yield Behind(url, options.api_key, rows, "/referral", kinds_of_fault=2)


@contextmanager
def many_small_pages() -> Iterator[Behind]:
    server = BentServer(largest=10, patience=100_000)
    fill(server, 750)
    with serving(server):
        yield Behind(
            server.url, server.key, Source(server.clients, server.cases, server.transactions)
        )


@pytest.fixture(scope="module", params=[sandbox, many_small_pages], ids=lambda make: make.__name__)
def behind(request: pytest.FixtureRequest) -> Iterator[Behind]:
    with request.param() as made:
        yield made


@pytest.mark.parametrize("timeout_s", [SLOW_S - 0.5, SLOW_S + 5], ids=["impatient", "patient"])
def test_a_store_is_true_after_two_passes_through_a_gateway_that_fails_now_and_then(
    store: Store, behind: Behind, fault_seed: int, timeout_s: float
) -> None:
    front = Front(behind.url, now_and_then(fault_seed))
    with (
        standing_before(front),
        ReferralPartnerApi(
            front.url + behind.path, behind.key, retries=QUICK, timeout=timeout_s
        ) as api,
    ):
        passes = [Sync(store, api).run(full=True)]
        if not passes[0].is_true:
            passes.append(Sync(store, api).run(full=True))
    assert passes[-1].is_true, passes[-1]
    assert differing(store, behind.rows) == {}
    assert len(set(front.happened)) >= behind.kinds_of_fault
    assert_pauses_were_kept(front)


def assert_pauses_were_kept(front: Front) -> None:
    assert len(front.paused_at) == front.happened.count(Fault.TOO_MANY)
    for paused in front.paused_at:
        after = [at - paused for at in front.arrivals if 0 < at - paused < PAUSE_S]
        assert len(after) < CEILING
        assert [seconds for seconds in after if seconds > ON_THEIR_WAY_S] == []


def no_list(_path: str, body: Json) -> Any:
    return {name: value for name, value in body.items() if name in {"page", "summary"}}


def no_page(_path: str, body: Json) -> Any:
    return {name: value for name, value in body.items() if name != "page"}


def an_array(path: str, body: Json) -> Any:
    return body[LISTS[path][1]]


def a_list_of_another_kind(path: str, body: Json) -> Any:
    return {**body, LISTS[path][1]: {"rows": body[LISTS[path][1]]}}


def null(_path: str, _body: Json) -> Any:
    return None


def a_text(_path: str, _body: Json) -> Any:
    return "Service is being maintained"


WRONG_SHAPES = [no_list, no_page, an_array, a_list_of_another_kind, null, a_text]
wrong_shapes = pytest.mark.parametrize("shape", WRONG_SHAPES, ids=lambda shape: shape.__name__)
whole_or_not = pytest.mark.parametrize("full", [True, False], ids=["full", "refresh"])


@wrong_shapes
@pytest.mark.parametrize("answer", [1, 3], ids="answer {}".format)
def test_an_answer_of_the_wrong_shape_once_is_asked_for_again(
    store: Store, bent: BentServer, shape: Bend, answer: int
) -> None:
    answers = {path: itertools.count(1) for path in LISTS}

    def bend(path: str, body: Any) -> Any:
        return shape(path, body) if path in LISTS and next(answers[path]) == answer else body

    bent.bend = bend
    assert make_pass(store, bent).is_true
    assert differing(store, bent) == {}


@wrong_shapes
@whole_or_not
def test_answers_of_the_wrong_shape_for_ever_fail_their_scope_alone_and_lose_no_row(
    true_store: Store, bent: BentServer, shape: Bend, full: bool
) -> None:
    for broken, (scope, _) in LISTS.items():
        bent.asked.clear()
        bent.bend = lambda path, body, broken=broken: shape(path, body) if path == broken else body
        report = make_pass(true_store, bent, full=full)
        assert [each.scope for each in report.scopes if not each.is_true] == [scope]
        assert not bent.refused
        assert differing(true_store, bent) == {}


def test_coverage_of_the_wrong_shape_fails_alone_and_stays_known(
    true_store: Store, bent: BentServer
) -> None:
    bent.bend = lambda path, body: {"rows": body} if path == "/coverage" else body
    report = make_pass(true_store, bent)
    assert [each.scope for each in report.scopes if not each.is_true] == [Scope.COVERAGE]


def paged(**told: Any) -> Bend:
    """Tell something else of the pages of cases; a function is given what is true."""

    def bend(path: str, body: Json) -> Json:
        if path != "/cases":
            return body
        page = body["page"]
        wrong = {
            name: value(page[name]) if callable(value) else value for name, value in told.items()
        }
        return {**body, "page": {**page, **wrong}}

    return bend


def from_the(answer: int, bend: Bend) -> Bend:
    """Bend the answers about cases from a certain one on."""
    answers = itertools.count(1)
    return lambda path, body: (
        bend(path, body) if path == "/cases" and next(answers) >= answer else body
    )


def growing_totals() -> Bend:
    more = itertools.count(1000, 1000)
    return paged(totalResults=lambda total: total + next(more))


WRONG_TOTALS: dict[str, Callable[[], Bend]] = {
    "smaller": lambda: paged(totalResults=lambda total: total - 120),
    "a little smaller": lambda: paged(totalResults=lambda total: total - 1),
    "larger": lambda: paged(totalResults=lambda total: total + 250),
    "a little larger": lambda: paged(totalResults=lambda total: total + 1),
    "nothing": lambda: paged(totalResults=0),
    "falling to nothing": lambda: from_the(2, paged(totalResults=0)),
    "falling to nothing at the end": lambda: from_the(4, paged(totalResults=0)),
    "falling to one": lambda: from_the(2, paged(totalResults=1)),
    "negative": lambda: paged(totalResults=-350),
    "negative later": lambda: from_the(3, paged(totalResults=-1)),
    "huge": lambda: paged(totalResults=10_000_000),
    "huge later": lambda: from_the(3, paged(totalResults=10_000_000)),
    "null": lambda: paged(totalResults=None),
    "a text": lambda: paged(totalResults="many"),
    "half a row": lambda: paged(totalResults=350.5),
    "growing with every answer": growing_totals,
}
WRONG_SIZES: dict[str, Callable[[], Bend]] = {
    name: lambda size=size: paged(pageSize=size)
    for name, size in {
        "none": 0,
        "negative": -5,
        "one": 1,
        "ten": 10,
        "sixty": 60,
        "a thousand": 1000,
        "huge": 10**12,
        "null": None,
        "a text": "many",
    }.items()
}


def assert_true_or_told(store: Store, server: BentServer, report: SyncReport) -> None:
    """Cases are true, or said not to be; nothing is lost and everything else is true."""
    assert not server.refused, f"it was still asking after {server.patience} requests"
    assert [each.error for each in report.scopes if each.scope is not Scope.CASES] == [None] * 4
    assert stored(store, "cases") == in_source("cases", server.cases)


@whole_or_not
@pytest.mark.parametrize("told", WRONG_TOTALS)
def test_a_wrong_number_of_rows_loses_none_and_is_not_followed_for_ever(
    true_store: Store, bent: BentServer, told: str, full: bool
) -> None:
    bent.bend = WRONG_TOTALS[told]()
    assert_true_or_told(true_store, bent, make_pass(true_store, bent, full=full))


@pytest.mark.parametrize("told", WRONG_TOTALS)
def test_a_first_pass_over_a_wrong_number_of_rows_is_not_true_unless_it_has_them_all(
    store: Store, bent: BentServer, told: str
) -> None:
    bent.bend = WRONG_TOTALS[told]()
    report = make_pass(store, bent)
    assert not bent.refused, f"it was still asking after {bent.patience} requests"
    if of(report, Scope.CASES).is_true:
        assert differing(store, bent) == {}


@whole_or_not
@pytest.mark.parametrize("told", WRONG_SIZES)
def test_a_wrong_size_of_page_loses_no_row_and_ends(
    true_store: Store, bent: BentServer, told: str, full: bool
) -> None:
    bent.patience = 800
    bent.bend = WRONG_SIZES[told]()
    assert_true_or_told(true_store, bent, make_pass(true_store, bent, full=full))


@whole_or_not
@pytest.mark.parametrize(
    ("largest", "honest"),
    [(60, True), (49, True), (10, True), (60, False), (10, False)],
)
def test_a_source_that_gives_smaller_pages_than_asked_for_is_read_rightly_or_not_called_true(
    store: Store, bent: BentServer, largest: int, honest: bool, full: bool
) -> None:
    bent.patience = 2 * 3 * 3 * (350 // largest + 30)
    bent.largest = largest
    if not honest:
        bent.bend = lambda path, body: (
            {**body, "page": {**body["page"], "pageSize": 100}} if path in LISTS else body
        )
    for _ in range(2):
        report = make_pass(store, bent, full=full)
        assert not bent.refused, f"it was still asking after {bent.patience} requests"
        told_true = {LISTS[path][0] for path in LISTS if of(report, LISTS[path][0]).is_true}
        assert not told_true & set(differing(store, bent))
        if honest:
            assert report.is_true


@whole_or_not
@pytest.mark.parametrize("largest", [60, 10])
def test_pages_that_become_smaller_lose_no_row(
    true_store: Store, bent: BentServer, largest: int, full: bool
) -> None:
    bent.largest, bent.patience = largest, 400
    assert make_pass(true_store, bent, full=full).is_true
    assert differing(true_store, bent) == {}


@dataclass
class ClampingServer(BentServer):
    """Gives the last page again for pages past the end."""

    def answer(self, path: str, query: dict[str, list[str]], key: str | None) -> tuple[int, Any]:
        if "Page" in query and path in LISTS:
            rows = {"/clients": self.clients, "/cases": self.cases}.get(path, self.transactions)
            last = max(1, -(-len(rows) // int(query["PageSize"][0])))
            query = {**query, "Page": [str(min(int(query["Page"][0]), last))]}
        return super().answer(path, query, key)


@dataclass
class DeafServer(BentServer):
    """Gives the first page whatever page is asked for."""

    def answer(self, path: str, query: dict[str, list[str]], key: str | None) -> tuple[int, Any]:
        return super().answer(path, {**query, "Page": ["1"]} if "Page" in query else query, key)


@whole_or_not
@pytest.mark.parametrize("count", [99, 100, 200])
def test_a_source_that_repeats_its_last_page_past_the_end_is_read_rightly(
    store: Store, count: int, full: bool
) -> None:
    server = ClampingServer(patience=200)
    with serving(server):
        fill(server, count)
        for _ in range(2):
            assert make_pass(store, server, full=full).is_true
            assert differing(store, server) == {}
    assert not server.refused


@whole_or_not
def test_a_source_that_repeats_its_last_page_is_not_read_for_ever_when_all_rows_are_new(
    store: Store, full: bool
) -> None:
    server = ClampingServer(patience=200)
    with serving(server):
        fill(server, 300)
        make_pass(store, server)
        server.cases = [{**row, "dateCreated": "2099-01-01T00:00:00Z"} for row in server.cases]
        report = make_pass(store, server, full=full)
    assert_true_or_told(store, server, report)


@pytest.mark.parametrize("dated", ["2099-01-01T00:00:00Z", None], ids=["future", "undated"])
@whole_or_not
def test_a_source_that_gives_one_page_whatever_is_asked_is_not_read_for_ever(
    store: Store, dated: str | None, full: bool
) -> None:
    healthy = BentServer()
    fill(healthy, 350)
    healthy.cases = [{**row, "dateCreated": dated} for row in healthy.cases]
    with serving(healthy):
        make_pass(store, healthy)
    server = DeafServer(
        patience=200,
        clients=healthy.clients,
        cases=healthy.cases,
        transactions=healthy.transactions,
        coverage=healthy.coverage,
    )
    with serving(server):
        report = make_pass(store, server, full=full)
    assert not server.refused, f"it was still asking after {server.patience} requests"
    # A refresh asks for one page of open work and one of the newest rows, and these are right.
    assert of(report, Scope.CASES).is_true is not full
    assert differing(store, server) == {}


def test_a_refused_page_past_the_end_of_a_list_that_became_shorter_loses_no_row(
    true_store: Store, bent: BentServer
) -> None:
    asked_of_cases = itertools.count(1)

    def shorten(path: str, _page: int) -> None:
        if path == "/cases" and next(asked_of_cases) == 2:
            bent.cases = bent.cases[:140]

    bent.before_answer = shorten
    bent.bend = lambda path, body: body if path not in LISTS or body[LISTS[path][1]] else None
    make_pass(true_store, bent)
    bent.before_answer = lambda _path, _page: None
    bent.bend = lambda _path, body: body
    assert make_pass(true_store, bent).is_true
    assert differing(true_store, bent) == {}


@pytest.mark.parametrize("unreadable", [1, 2, 3])
def test_rows_that_cannot_be_understood_and_are_all_alike_are_counted_each(
    store: Store, bent: BentServer, unreadable: int
) -> None:
    bent.cases = [*bent.cases, *[{"reference": "the same"}] * unreadable]
    report = of(make_pass(store, bent), Scope.CASES)
    assert report.error is not None
    assert "set aside" in report.error
    assert "listed" not in report.error


CONTRACTS = Path(
    os.environ.get("DEBITURA_CONTRACTS", Path(__file__).parents[4] / "shared" / "contracts")
)
REFERRAL = CONTRACTS / "referral-partner-api.json"
ITEMS = {
    "clients": ("ClientCreatedResponse", "externalTenantId"),
    "cases": ("CaseItem", "id"),
    "transactions": ("TransactionItem", "transactionId"),
}
EXAMPLES: dict[str, Any] = {"string": "some text", "number": 12.5, "integer": 1, "boolean": True}
UNKNOWN: dict[str, Any] = {
    "null": None,
    "a value of no list": "SomethingOfTomorrow",
    "a number of no list": 99,
}
Place = tuple[str | int, ...]


def read_schemas() -> Json:
    schemas: Json = json.loads(REFERRAL.read_text())["components"]["schemas"]
    return schemas


@dataclass
class Contract:
    """What the published document allows in a row."""

    schemas: Json = field(default_factory=read_schemas)

    def example(self, schema: Json) -> Any:
        """A value with every field that the schema knows."""
        schema = self._resolved(schema)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("format") == "date-time":
            return "2026-02-03T04:05:06Z"
        if schema["type"] == "array":
            return [self.example(schema["items"])]
        if schema["type"] == "object":
            return {name: self.example(part) for name, part in schema.get("properties", {}).items()}
        return EXAMPLES[schema["type"]]

    def places(self, schema: Json, at: Place = ()) -> Iterator[tuple[Place, Json]]:
        """Every field at any depth, with its schema."""
        schema = self._resolved(schema)
        if schema.get("type") == "array":
            yield from self.places(schema["items"], (*at, 0))
        for name, part in schema.get("properties", {}).items():
            yield (*at, name), self._resolved(part)
            yield from self.places(part, (*at, name))

    def variants(self, name: str, key: str) -> Iterator[Json]:
        """A row for each field: without it, with null, with a value of no list, with new fields."""
        whole = self.example(self.schemas[name])
        yield whole
        for place, schema in self.places(self.schemas[name]):
            if place == (key,):
                continue
            yield changed(whole, place, lambda parent, last: parent.pop(last))
            values = UNKNOWN.values() if "enum" in schema or is_open_list(place) else [None]
            for value in values:
                yield changed(whole, place, setting(value))
            if schema.get("type") == "object":
                yield changed([whole], (0, *place), setting({"ofTomorrow": [1, None]}))[0]

    def _resolved(self, schema: Json) -> Json:
        named = schema.get("$ref") or next((each["$ref"] for each in schema.get("allOf", [])), None)
        return self._resolved(self.schemas[named.rpartition("/")[2]]) if named else schema


def is_open_list(place: Place) -> bool:
    """Fields that the document types as text, but that have the values of a list."""
    return place[-1] in {"lifecycle", "closeCode", "currentEngagementPhase", "kycStatus"}


def changed(whole: Any, place: Place, change: Callable[[Any, Any], object]) -> Any:
    row = copy.deepcopy(whole)
    *way, last = place
    parent = row
    for step in way:
        parent = parent[step]
    change(parent, last)
    return row


def setting(value: Any) -> Callable[[Any, Any], object]:
    return lambda parent, last: parent.__setitem__(last, value)


@pytest.mark.skipif(not REFERRAL.is_file(), reason="the contract is not at hand")
def test_whatever_the_contract_leaves_open_is_kept_as_it_came(
    store: Store, server: ContractServer
) -> None:
    contract = Contract()
    for name, (schema, key) in ITEMS.items():
        rows = contract.variants(schema, key)
        numbered = [{**row, key: f"{name}-{n}"} for n, row in enumerate(rows)]
        setattr(server, name, [*numbered, {key: f"{name}-alone", "aFieldOfTomorrow": {"x": None}}])
    report = make_pass(store, server)
    assert report.is_true, [each.error for each in report.scopes]
    assert differing(store, server) == {}
    again = make_pass(store, server)
    assert [each.changed for each in again.scopes] == [0] * 5
