"""One search over clients, cases and link requests."""

import pytest

from services.lookup import Hit, HitKind, search
from services.store import Store
from services.store.tables import LinkRequestRow
from services.store.text import search_text
from tests.filling import NOW, case, client, fill


def found(store: Store, text: str, **options: int) -> list[tuple[HitKind, str]]:
    return [(hit.kind, hit.id) for hit in search(store, text, **options)]


def request(store: Store, tenant_id: str, name: str) -> None:
    with store.write() as session:
        session.add(
            LinkRequestRow(
                external_tenant_id=tenant_id,
                company_name=name,
                status="pending",
                requested_at=NOW,
                requested_by="anna",
                expires_at=NOW,
                search_text=search_text((name, tenant_id)),
            )
        )


@pytest.fixture
def filled(store: Store) -> Store:
    fill(
        store,
        clients=[client("acme/1", name="Señor Ünal ApS"), client("t-2", name="Nordic Ünal")],
        cases=[case("c-1", reference="DEB-000042", tenant_id="acme/1", creditorReference="INV 7")],
    )
    request(store, "asked", "Ünal Existing")
    request(store, "t-2", "Nordic Ünal")
    return store


def test_a_client_is_found_by_name_id_and_address(filled: Store) -> None:
    for text in ("senor", "UNAL señor", "acme/1"):
        assert found(filled, text)[0] == (HitKind.CLIENT, "acme/1")
    assert (HitKind.CLIENT, "acme/1") in found(filled, "office@company.example")


def test_a_case_is_found_by_its_references_and_debtor(filled: Store) -> None:
    for text in ("deb-000042", "000042", "inv 7", "a debtor"):
        assert (HitKind.CASE, "c-1") in found(filled, text)


def test_a_request_is_found_without_accents_unless_its_client_is_there(filled: Store) -> None:
    assert (HitKind.LINK_REQUEST, "asked") in found(filled, "unal existing")
    assert (HitKind.LINK_REQUEST, "t-2") not in found(filled, "nordic")


@pytest.mark.parametrize("text", ["", " ", "a", " ü "])
def test_fewer_than_two_characters_find_nothing(filled: Store, text: str) -> None:
    assert search(filled, text) == []


@pytest.mark.parametrize("text", ["%%", "__", "' OR 1=1 --", "nobody at all", "\x00\x00"])
def test_what_is_in_no_row_finds_nothing(filled: Store, text: str) -> None:
    assert search(filled, text) == []


def test_a_pasted_page_of_text_finds_nothing_and_breaks_nothing(filled: Store) -> None:
    assert search(filled, "word " * 5000) == []
    assert search(filled, "x" * 100_000) == []


def test_what_begins_with_the_text_comes_first_however_many_only_hold_it(store: Store) -> None:
    many = [client(f"a-{number}", name=f"Agro {number}") for number in range(30)]
    fill(store, clients=[*many, client("z", name="Rodeo")])
    hits = search(store, "ro")
    assert hits[0].id == "z"
    assert len(hits) == 8


def test_an_exact_reference_is_found_among_many_clients_that_mention_it(store: Store) -> None:
    many = [client(f"deb-1-{number}", name=f"Company {number}") for number in range(20)]
    fill(store, clients=many, cases=[case("c", reference="DEB-1")])
    assert found(store, "DEB-1")[0] == (HitKind.CASE, "c")


def test_no_more_hits_than_asked_for(store: Store) -> None:
    fill(store, clients=[client(f"t-{number}") for number in range(20)])
    assert len(search(store, "company", limit=3)) == 3


def test_archived_clients_are_still_found(store: Store) -> None:
    from services.store import mirror  # noqa: PLC0415

    fill(store, clients=[client("t-1", name="Gone Ltd")])
    with store.write() as session:
        row = session.get_one(mirror.CLIENTS.model, "t-1")
        row.archived_at = NOW  # type: ignore[attr-defined]
    assert search(store, "gone") == [
        Hit(HitKind.CLIENT, "t-1", "Gone Ltd", "office@company.example · Denmark")
    ]
