"""The client page: everything about one client, whatever it is called."""

import pytest
from dashboard_reader import AWKWARD, Product, assert_lists, everything_told, shows, text_of, usd


@pytest.mark.parametrize("tenant_id", AWKWARD)
def test_a_client_of_any_id_and_name_is_shown_as_text(product: Product, tenant_id: str) -> None:
    app = product.open("client", tenant=tenant_id)
    assert text_of(app.title[0].value) == AWKWARD[tenant_id]
    assert tenant_id in [code.value for code in app.code]
    assert not app.warning
    assert AWKWARD[tenant_id] in text_of(app.info[0].value)


def test_a_client_is_shown_with_the_store_s_facts(product: Product) -> None:
    tenant_id = product.sql(
        "SELECT external_tenant_id FROM clients WHERE stage = 'first_recovery' "
        "ORDER BY cases_total DESC LIMIT 1"
    )[0]
    creditor_id, country, number, email = product.sql(
        "SELECT creditor_id, country, registration_number, email FROM clients "
        "WHERE external_tenant_id = ?",
        tenant_id,
    )[0]
    app = product.open("client", tenant=tenant_id)
    assert creditor_id in [code.value for code in app.code]
    told = "\n".join(str(value) for each in app.table for value in each.value.to_numpy().flatten())
    for fact in (country, number, email):
        assert fact in told.replace("\\", "")
    earned = int(
        product.sql("SELECT earnings_usd FROM clients WHERE external_tenant_id = ?", tenant_id)[0]
    )
    assert usd(earned).removeprefix("$") in told.replace("\\", "")


def test_a_client_is_shown_with_its_cases_and_payments(product: Product) -> None:
    tenant_id = product.sql(
        "SELECT external_tenant_id FROM transactions GROUP BY 1 ORDER BY COUNT(*) DESC LIMIT 1"
    )[0]
    cases = product.sql(
        "SELECT reference FROM cases WHERE external_tenant_id = ? AND archived_at IS NULL "
        "ORDER BY created_at DESC, id",
        tenant_id,
    )
    payments = product.sql(
        "SELECT case_reference FROM transactions WHERE external_tenant_id = ? "
        "AND archived_at IS NULL ORDER BY collected_at DESC, transaction_id",
        tenant_id,
    )
    app = product.open("client", tenant=tenant_id)
    assert shows(app, cases[:25])
    assert shows(app, payments[:25])
    assert_lists(app, "client_cases", len(cases))
    assert_lists(app, "client_fees", len(payments))


def test_a_link_to_hand_over_is_there_to_copy(product: Product) -> None:
    tenant_id, link = product.sql(
        "SELECT external_tenant_id, onboarding_url FROM clients WHERE onboarding_url <> '' LIMIT 1"
    )[0]
    assert link in [code.value for code in product.open("client", tenant=tenant_id).code]


def test_a_client_without_cases_says_so(product: Product) -> None:
    tenant_id = product.sql(
        "SELECT external_tenant_id FROM clients WHERE stage = 'created' LIMIT 1"
    )
    product.change("DELETE FROM cases WHERE external_tenant_id = ?", tenant_id[0])
    app = product.open("client", tenant=tenant_id[0])
    assert not app.dataframe
    assert not app.error


@pytest.mark.parametrize("tenant_id", ["nobody", "ACME/EU/42", "<script>alert(1)</script>", "%00"])
def test_an_unknown_client_is_said_to_be_unknown(product: Product, tenant_id: str) -> None:
    app = product.open("client", tenant=tenant_id)
    assert len(app.warning) == 1
    assert not app.dataframe


def test_without_a_client_the_page_says_how_to_find_one(product: Product) -> None:
    app = product.open("client")
    assert len(app.info) == 1
    assert "search" in app.info[0].value.lower()


def test_a_client_known_by_a_link_request_alone_is_shown_with_its_link(product: Product) -> None:
    tenant_id, name, url = product.sql(
        "SELECT external_tenant_id, company_name, approval_url FROM link_requests "
        "WHERE status = 'pending' AND external_tenant_id LIKE 'platform-%' LIMIT 1"
    )[0]
    app = product.open("client", tenant=tenant_id)
    assert not app.warning
    assert text_of(app.title[0].value) == name
    assert {tenant_id, url} <= {code.value for code in app.code}


@pytest.mark.parametrize("tenant_id", ["expired/one", "soon-over"])
def test_the_name_in_a_link_request_is_shown_as_text(product: Product, tenant_id: str) -> None:
    name = product.sql(
        "SELECT company_name FROM link_requests WHERE external_tenant_id = ?", tenant_id
    )[0]
    app = product.open("client", tenant=tenant_id)
    assert text_of(app.title[0].value) == name
    assert name in everything_told(app).replace("\\", "")


def test_an_archived_client_can_still_be_opened(product: Product) -> None:
    product.change(
        "UPDATE clients SET stage = 'archived', archived_at = first_seen_at "
        "WHERE external_tenant_id = 'acme/eu/42'"
    )
    app = product.open("client", tenant="acme/eu/42")
    assert not app.warning
    assert text_of(app.title[0].value) == AWKWARD["acme/eu/42"]


def test_a_change_of_stage_is_in_the_client_s_history(product: Product) -> None:
    product.change(
        "INSERT INTO history (kind, subject_id, field, before, after, at, learnt_by) "
        "SELECT 'client', 'acme/eu/42', 'stage', 'created', 'contract_signed', first_seen_at, "
        "'sync' FROM clients WHERE external_tenant_id = 'acme/eu/42'"
    )
    app = product.open("client", tenant="acme/eu/42")
    cells = {str(cell) for each in app.table for cell in each.value.to_numpy().flatten()}
    assert {"Created", "Contract signed"} <= cells


def test_an_open_case_is_shown_above_the_list(product: Product) -> None:
    case_id, reference = product.sql("SELECT id, reference FROM cases LIMIT 1")[0]
    app = product.open("cases", case=case_id)
    assert any(text_of(each.value).endswith(reference) for each in app.subheader)
    told = {
        str(cell).replace("\\", "") for each in app.table for cell in each.value.to_numpy()[:, -1]
    }
    assert case_id in told
    assert app.dataframe, "the list stays below"


def test_an_open_case_can_be_closed_again(product: Product) -> None:
    case_id = product.sql("SELECT id FROM cases LIMIT 1")[0]
    app = product.open("cases", case=case_id)
    app.button(key="close_case").click().run()
    assert "case" not in app.query_params
    assert "close_case" not in [button.key for button in app.button]


def test_an_unknown_case_is_said_to_be_unknown(product: Product) -> None:
    app = product.open("cases", case="no-such-case")
    assert len(app.warning) == 1
    assert app.dataframe, "the list stays below"


def test_a_case_of_an_awkward_client_shows_its_name_as_text(product: Product) -> None:
    name = AWKWARD["acme/eu/42"]
    case_id = product.sql("SELECT id FROM cases LIMIT 1")[0]
    product.change(
        "UPDATE cases SET external_tenant_id = 'acme/eu/42', client_name = ? WHERE id = ?",
        name,
        case_id,
    )
    links = [
        link
        for link in product.open("cases", case=case_id).page_link
        if "tenant=" in link.proto.query_string
    ]
    assert len(links) == 1
    assert text_of(links[0].label.split(": ", 1)[-1]) == name
    assert text_of(product.follow(links[0]).title[0].value) == AWKWARD["acme/eu/42"]
