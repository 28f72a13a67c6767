"""Cutting pages and finding text: nothing twice, nothing missed, everything literal."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.store import Store, Window, cases, clients
from services.store.cases import CaseFilter
from services.store.clients import ClientFilter
from services.store.text import fold, like_pattern, search_text
from tests.filling import case, client, fill

AMOUNTS = [None, 5, 1, 1, None, 3, 1, 9, None, 2, 2, 7, 0]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Thirteen cases, some with the same amount and some with none; for reading only."""
    path = tmp_path_factory.mktemp("many") / "store.sqlite"
    store = Store.open(f"sqlite:///{path}", "test")
    rows = [case(f"c-{number:02}", grossAmount=amount) for number, amount in enumerate(AMOUNTS)]
    fill(store, cases=rows)
    yield store
    store.close()


def page(store: Store, window: Window) -> tuple[list[str], int]:
    with store.read() as session:
        found = cases.page_of(session, CaseFilter(), window)
        return [row.id for row in found.rows], found.total


@given(
    size=st.integers(1, 20),
    sort=st.sampled_from([*cases.SORTABLE, None, "no such column", "id; DROP TABLE cases"]),
    descending=st.booleans(),
)
def test_pages_of_any_size_show_every_row_once_in_one_order(
    many: Store, size: int, sort: str | None, descending: bool
) -> None:
    whole, total = page(many, Window(size=None, sort=sort, descending=descending))
    assert len(whole) == total == len(AMOUNTS)
    pages = -(-total // size)
    shown = [
        page(many, Window(number, size, sort, descending))[0] for number in range(1, pages + 1)
    ]
    assert [row for rows in shown for row in rows] == whole
    assert len(set(whole)) == total


@pytest.mark.parametrize("descending", [False, True])
def test_empty_values_come_last_whichever_way_the_rest_is_sorted(
    many: Store, descending: bool
) -> None:
    shown, _ = page(many, Window(size=None, sort="gross", descending=descending))
    amounts = [AMOUNTS[int(row[2:])] for row in shown]
    told = sorted((a for a in AMOUNTS if a is not None), reverse=descending)
    assert amounts == [*told, None, None, None]


def test_an_unknown_sort_falls_back_to_the_usual_one(many: Store) -> None:
    usual = page(many, Window(size=None))
    assert page(many, Window(size=None, sort="nonsense")) == usual
    assert page(many, Window(size=None, sort="created_at")) == usual


@pytest.mark.parametrize("number", [0, -3])
def test_a_page_before_the_first_is_the_first(many: Store, number: int) -> None:
    assert page(many, Window(number, 5)) == page(many, Window(1, 5))


def test_a_page_behind_the_last_is_empty_and_still_tells_the_total(many: Store) -> None:
    assert page(many, Window(99, 5)) == ([], len(AMOUNTS))


NAMES = {
    "1": "Señor Ünal Ørsted & Søn",
    "2": "100% Natural_Food (50%)",
    "3": "He said \"yes\" and it's O'Brien \\ Co",
    "4": "شركة الواحة 客户",
    "5": "Straße und Müller",
    "6": "natural food",
    "7": "'; DROP TABLE clients; --",
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Clients with awkward names; for reading only."""
    path = tmp_path_factory.mktemp("named") / "store.sqlite"
    store = Store.open(f"sqlite:///{path}", "test")
    fill(store, clients=[client(key, name=name, email=None) for key, name in NAMES.items()])
    yield store
    store.close()


def found(store: Store, text: str) -> set[str]:
    with store.read() as session:
        page = clients.page_of(session, ClientFilter(text=text), Window(size=None))
        return {row.external_tenant_id for row in page.rows}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("senor", {"1"}),
        ("SEÑOR", {"1"}),
        ("unal señ", {"1"}),
        ("  Ünal \t señor ", {"1"}),
        ("u\u0308nal", {"1"}),
        ("strasse", {"5"}),
        ("STRASSE muller", {"5"}),
        ("100%", {"2"}),
        ("%", {"2"}),
        ("_", {"2"}),
        ("natural_food", {"2"}),
        ("natural food", {"2", "6"}),
        ('"yes"', {"3"}),
        ("o'brien", {"3"}),
        ("\\", {"3"}),
        ("客户", {"4"}),
        ("الواحة", {"4"}),
        ("DROP TABLE", {"7"}),
        ("natural senor", set()),
        ("", set(NAMES)),
        ("   ", set(NAMES)),
    ],
)
def test_text_is_found_without_accents_and_case_in_any_order_and_literally(
    named: Store, text: str, expected: set[str]
) -> None:
    assert found(named, text) == expected


@given(st.sampled_from(sorted(NAMES.items())), st.data())
def test_any_word_of_a_name_finds_it(
    named: Store, chosen: tuple[str, str], data: st.DataObject
) -> None:
    key, name = chosen
    words = data.draw(st.lists(st.sampled_from(name.split()), min_size=1, max_size=3))
    assert key in found(named, " ".join(words))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_search_text_leaves_out_what_is_not_told() -> None:
    assert search_text(("Ünal", None, "", "DEB-1")) == "unal | deb-1"


def test_a_like_pattern_takes_its_own_signs_literally() -> None:
    assert like_pattern("50%_\\") == "%50\\%\\_\\\\%"
