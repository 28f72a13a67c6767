"""The search above every page."""

import pytest
from dashboard_reader import AWKWARD, Product, run, text_of
from streamlit.testing.v1 import AppTest


def search(app: AppTest, text: str) -> list[str]:
    """The keys of what is found, best first."""
    app.text_input(key="search").set_value(text)
    return [button.key for button in run(app).button if (button.key or "").startswith("hit-")]


def some_client(product: Product) -> tuple[str, str, str]:
    found: tuple[str, str, str] = product.sql(
        "SELECT external_tenant_id, name, email FROM clients "
        "WHERE external_tenant_id LIKE 'tenant-%' AND name LIKE '%GmbH' LIMIT 1"
    )[0]
    return found


@pytest.mark.parametrize("part", [0, 1, 2], ids=["tenant id", "name", "email"])
def test_a_client_is_found_first_by(product: Product, part: int) -> None:
    client = some_client(product)
    assert search(product.open(), client[part])[0] == f"hit-client-{client[0]}"


@pytest.mark.parametrize("page", ["onboarding", "revenue", "client"])
def test_search_is_on(product: Product, page: str) -> None:
    client = some_client(product)
    assert f"hit-client-{client[0]}" in search(product.open(page), client[1])


def test_a_client_is_found_whatever_the_case_and_the_accents(product: Product) -> None:
    tenant_id, name = product.sql(
        "SELECT external_tenant_id, name FROM clients WHERE name LIKE '%ö%' LIMIT 1"
    )[0]
    assert f"hit-client-{tenant_id}" in search(product.open(), name.replace("ö", "O").upper())


@pytest.mark.parametrize("column", ["reference", "debtor_name", "creditor_reference"])
def test_a_case_is_found_by_its(product: Product, column: str) -> None:
    case_id, value = product.sql(
        f"SELECT id, {column} FROM cases WHERE {column} IS NOT NULL "
        f"GROUP BY {column} HAVING COUNT(*) = 1 ORDER BY LENGTH({column}) DESC LIMIT 1"
    )[0]
    assert f"hit-case-{case_id}" in search(product.open(), value)


def test_a_link_request_is_found_by_its_company(product: Product) -> None:
    assert "hit-link request-soon-over" in search(product.open(), "soon")


def test_what_is_not_there_is_said_not_to_be_found(product: Product) -> None:
    app = product.open()
    captions = len(app.caption)
    assert search(app, "zzzz-no-such") == []
    assert len(app.caption) == captions + 1


@pytest.mark.parametrize("text", ["", " ", "a"])
def test_less_than_two_letters_are_not_searched(product: Product, text: str) -> None:
    app = product.open()
    captions = len(app.caption)
    assert search(app, text) == []
    assert len(app.caption) == captions


@pytest.mark.parametrize("text", ["%%", "__", "' OR 1=1 --", '"; DROP TABLE clients; --', "\\\\"])
def test_signs_of_the_query_language_are_taken_literally(product: Product, text: str) -> None:
    assert search(product.open(), text) == []
    assert product.sql("SELECT COUNT(*) FROM clients")[0]


@pytest.mark.parametrize("tenant_id", AWKWARD)
def test_a_name_is_shown_as_text_where_it_is_found(product: Product, tenant_id: str) -> None:
    app = product.open()
    assert f"hit-client-{tenant_id}" in search(app, tenant_id)
    label = app.button(key=f"hit-client-{tenant_id}").label
    title, _, detail = label.partition("  :gray[")
    assert text_of(title) == AWKWARD[tenant_id]
    text_of(detail.removesuffix("]"))


def test_at_most_a_handful_is_shown(product: Product) -> None:
    assert len(search(product.open(), "DEB")) == 8
