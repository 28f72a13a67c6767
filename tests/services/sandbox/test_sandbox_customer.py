"""One client's cases through the Customer API."""

from typing import Any

import pytest
from sandbox_bodies import case_body
from sandbox_running import Running

from services.sandbox.model import Client


@pytest.fixture
def client(running: Running) -> Client:
    """An onboarded client with nothing signed but the standard agreement, and no identity."""
    client = next(
        client
        for client in running.world.clients
        if client.signed and not client.pending_poa and not client.blocked
    )
    client.poa_agencies.clear()
    client.kyc = None
    return client


def file_case(running: Running, client: Client, status: int, **more: Any) -> dict[str, Any]:
    answer = running.customer(client, "POST", "/cases", json=case_body(**more))
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def error_type(body: dict[str, Any]) -> str:
    return str(body["businessErrors"][0]["type"])


def test_only_the_clients_own_cases_are_seen(running: Running, client: Client) -> None:
    answer = running.customer(client, "GET", "/cases", params={"PageSize": 100})
    mine = {case.id for case in running.world.cases_of(client.tenant_id)}
    assert {case["id"] for case in answer.json()["cases"]} == mine
    other = next(c for c in running.world.cases if c.tenant_id != client.tenant_id)
    for path in ("", "/timeline", "/payments", "/chats", "/files"):
        assert running.customer(client, "GET", f"/cases/{other.id}{path}").status_code == 404
    path = f"/cases/case-reference/{other.reference}"
    assert running.customer(client, "GET", path).status_code == 404


def test_a_filed_case_shows_everywhere(running: Running, client: Client) -> None:
    before = running.referral("GET", "/cases").json()["summary"]
    made = file_case(running, client, 200, currencyCode="kwd", amountToRecover=10.125)
    assert made["lifecycle"] == "Pending Verification Internal"
    assert made["grossAmount"] == made["remainder"] == 10.125
    assert "signingHandoff" not in made
    body = running.referral("GET", "/cases").json()
    assert body["cases"][0]["id"] == made["id"]
    assert body["cases"][0]["reference"] == made["reference"]
    assert body["cases"][0]["collectionPartner"] is None
    assert body["summary"]["totalCases"] == before["totalCases"] + 1
    assert body["summary"]["casesThisMonth"] == before["casesThisMonth"] + 1
    read = running.customer(client, "GET", "/cases/by-creditor-reference/R-1").json()
    assert read == made


def test_field_errors(running: Running, client: Client) -> None:
    for change, named in (
        ({"currencyCode": "XXX"}, "currencyCode"),
        ({"amountToRecover": -1}, "amountToRecover"),
        ({"creditorReference": "r" * 51}, "creditorReference"),
        ({"tag": "t"}, "tag"),
        ({"debtor": None}, "debtor"),
        ({"assignedUserEmail": "stranger@x.example"}, "assignedUserEmail"),
        ({"collectionPartnerId": "x"}, "collectionPartnerId"),
    ):
        assert named in file_case(running, client, 400, **change)["message"]
    endless = b'{"currencyCode":"DKK","amountToRecover":Infinity}'
    assert running.customer(client, "POST", "/cases", content=endless).status_code == 400
    file_case(running, client, 200)
    assert "creditorReference" in file_case(running, client, 400)["message"]


def test_nobody_covers_the_country(running: Running, client: Client) -> None:
    body = file_case(running, client, 422, country="KE", allowPendingContracts=True)
    assert error_type(body) == "NoPartnerAvailable"
    assert "signingHandoff" not in body


def test_a_power_of_attorney_is_missing(running: Running, client: Client) -> None:
    back = "https://partner.example/back?a=1"
    body = file_case(running, client, 422, country="DE", returnUrl=back)
    assert error_type(body) == "MissingPowerOfAttorney"
    url = body["signingHandoff"]["combinedSigningUrl"]
    assert "/flow/PowerOfAttorney/Sign/" in url
    assert "collectionPartnerId=" in url
    assert url.endswith("&returnUrl=https%3A%2F%2Fpartner.example%2Fback%3Fa%3D1")
    made = file_case(running, client, 200, country="DE", allowPendingContracts=True)
    assert made["lifecycle"] == "Pending contract signing"
    assert made["signingHandoff"]["combinedSigningUrl"]
    listed = running.referral("GET", f"/clients/{client.tenant_id}").json()
    assert "/PowerOfAttorney/Sign/" in listed["onboardingLinks"]["url"]
    running.world.sign_agreement(client.link_id)
    case = running.customer(client, "GET", f"/cases/{made['id']}").json()
    assert case["lifecycle"] == "Pending Verification Internal"
    file_case(running, client, 200, country="DE", reference="R-2")


def test_powers_of_attorney_are_asked_for_one_by_one(running: Running, client: Client) -> None:
    for country in ("DE", "FR"):
        reference = f"R-{country}"
        file_case(
            running, client, 200, country=country, reference=reference, allowPendingContracts=True
        )
    waiting = {"Statuses": "PendingContractSigning", "ExternalTenantId": client.tenant_id}
    for left in (1, 0):
        running.world.sign_agreement(client.link_id)
        cases = running.referral("GET", "/cases", params=waiting).json()
        assert cases["page"]["totalResults"] == left
    assert client.pending_poa is None


def test_an_identity_is_missing(running: Running, client: Client) -> None:
    agency = running.world.agencies_at(running.world.jurisdiction("KW", None))[0]
    client.poa_agencies.append(agency.id)
    body = file_case(running, client, 422, country="KW", allowPendingContracts=True)
    assert error_type(body) == "MissingKycVerification"


def test_the_agreement_is_missing(running: Running, client: Client) -> None:
    token = {"Authorization": f"Bearer {running.token(client)}"}
    running.world.require_contract_upgrade(client)
    answer = running.http.post(f"{running.url}/customer/cases", json=case_body(), headers=token)
    assert answer.status_code == 422
    assert error_type(answer.json()) == "MissingDebtCollectionContract"
    assert "/ContractUpgrade/Sign/" in answer.json()["signingHandoff"]["combinedSigningUrl"]
    url = f"{running.url}/customer/contracts/debt-collection/status"
    status = running.http.get(url, headers=token).json()
    assert (status["signed"], status["invalidationReason"]) == (False, "NewVersion")


def test_a_blocked_creditor(running: Running, client: Client) -> None:
    client.blocked = True
    assert error_type(file_case(running, client, 422)) == "CreditorBlocked"


def test_preview_names_what_is_missing(running: Running, client: Client) -> None:
    preview = {
        "amountToRecover": 100,
        "currencyCode": "KWD",
        "debtor": {"type": "Company", "countryAlpha2": "KW"},
        "dueDate": "2024-01-01",
    }
    result = running.customer(client, "POST", "/cases/preview", json=preview).json()["result"]
    assert result["isEligible"] is True
    assert [action["type"] for action in result["requiredActions"]] == [
        "MissingPowerOfAttorney",
        "MissingKycVerification",
    ]
    pricing = result["pricingPreview"]
    base, extra = pricing["baseSuccessFeePercentage"], pricing["ageSurchargePercentage"]
    assert extra > 0
    assert pricing["totalSuccessFeePercentage"] == base + extra
    preview["debtor"] = {"type": "Company", "countryAlpha2": "IS"}
    result = running.customer(client, "POST", "/cases/preview", json=preview).json()["result"]
    assert (result["isEligible"], result["ineligibilityReason"]) == (False, "NoPartnerAvailable")
    preview["dueDate"] = "2036-01-01"
    assert running.customer(client, "POST", "/cases/preview", json=preview).status_code == 400


def test_payments_agree_with_the_case(running: Running) -> None:
    world = running.world
    case = next(
        case
        for case in world.cases
        if len(world.transactions_of(case.id)) > 1
        and (client := world.client(case.tenant_id))
        and client.signed
    )
    client = world.client(case.tenant_id)
    assert client is not None
    payments = running.customer(client, "GET", f"/cases/{case.id}/payments").json()
    view = running.customer(client, "GET", f"/cases/{case.id}").json()
    paid = round(sum(payment["grossAmount"] for payment in payments), 3)
    assert paid == round(view["grossAmount"] - view["remainder"], 3)
    timeline = running.customer(client, "GET", f"/cases/{case.id}/timeline").json()["items"]
    assert sum(item["type"] == "PaymentRegistered" for item in timeline) == len(payments)
    dates = [item["date"] for item in timeline]
    assert dates == sorted(dates, reverse=True)


def test_an_answer_in_the_chat_closes_the_task(running: Running) -> None:
    world = running.world
    case = next(
        case
        for case in world.cases
        if case.missing_info
        and not case.responded
        and (client := world.client(case.tenant_id))
        and client.signed
    )
    client = world.client(case.tenant_id)
    assert client is not None
    tasks = running.customer(client, "GET", f"/cases/{case.id}/tasks").json()
    assert [task["type"] for task in tasks] == ["ReplyToChat"]
    message = {"message": "Here it is", "userEmail": client.users[0].email}
    sent = running.customer(client, "POST", f"/cases/{case.id}/chats", json=message).json()
    chats = running.customer(client, "GET", f"/cases/{case.id}/chats").json()
    assert chats[-1] == sent
    assert running.customer(client, "GET", f"/cases/{case.id}/tasks").json() == []
    read = running.referral("GET", f"/cases/{case.id}").json()
    assert read["validation"]["creditorRespondedAt"] is not None


def test_a_test_case_can_be_moved(running: Running, client: Client) -> None:
    made = file_case(running, client, 200, isTest=True, amountToRecover=100)
    path = f"/test/cases/{made['id']}/advance"

    def advance(**body: Any) -> Any:
        return running.customer(client, "POST", path, json=body).json()

    assert advance(to="Active") == {"advanced": True, "state": "Active"}
    assert advance(to="Active") == {"advanced": False, "state": "Active"}
    assert running.customer(client, "POST", path, json={"to": "Closed:Paid"}).status_code == 400
    assert advance(to="Closed:Paid", amount=100)["state"] == "Closed:Paid"
    query = {"Search": made["reference"]}
    found = running.referral("GET", "/reporting/transactions", params=query).json()
    assert found["data"][0]["payment"]["amount"] == 100
    case = running.referral("GET", f"/cases/{made['id']}").json()
    assert (case["closeCode"], case["remainder"]) == ("Paid", 0)
    ordinary = file_case(running, client, 200, reference="R-9")
    answer = running.customer(client, "POST", f"/test/cases/{ordinary['id']}/advance", json={})
    assert answer.status_code == 400


def test_case_list_is_filtered_and_sorted(running: Running) -> None:
    world = running.world
    client = max(
        (client for client in world.clients if client.signed),
        key=lambda client: world.totals(client.tenant_id).cases,
    )
    rows = running.customer(
        client, "GET", "/cases", params={"PageSize": 100, "Sort": "Lifecycle,GrossAmount:desc,no"}
    ).json()["cases"]
    keys = [(row["lifecycle"], -row["grossAmount"]) for row in rows]
    assert keys == sorted(keys)
    wanted = [row for row in rows if row["lifecycle"] == "Closed"]
    query = {"PageSize": "100", "Statuses": "closed"}
    found = running.customer(client, "GET", "/cases", params=query).json()["cases"]
    assert {row["id"] for row in found} == {row["id"] for row in wanted}
    ids = ",".join(row["id"] for row in rows[:2])
    found = running.customer(client, "GET", "/cases", params={"Ids": ids}).json()
    assert found["page"]["totalResults"] == 2
