"""POST /clients and all that follows from it: links, requests, withdrawal, cases on board."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from sandbox_bodies import case_body, client_body
from sandbox_running import Running, StartSandbox

from services.sandbox.world import WorldEvent


def post(running: Running, status: int, body: dict[str, Any]) -> dict[str, Any]:
    answer = running.referral("POST", "/clients", json=body)
    assert answer.status_code == status, answer.text
    answered: dict[str, Any] = answer.json()
    return answered


def test_a_new_client_is_to_be_onboarded(running: Running) -> None:
    made = post(running, 202, client_body("new/1 ?%", email="a@new.example"))
    assert made["externalTenantId"] == "new/1 ?%"
    assert made["onboardingDone"] is False
    assert made["isAttributedClient"] is True
    assert "/flow/companydetails/" in made["onboardingLinks"]["url"]
    read = running.referral("GET", f"/clients/{quote('new/1 ?%', safe='')}").json()
    assert read == made
    newest = running.referral("GET", "/clients", params={"PageSize": 1}).json()["clients"]
    assert newest == [made]


def test_repeating_gives_the_same_client(running: Running) -> None:
    first = post(running, 202, client_body("again"))
    assert post(running, 202, client_body("again")) == first
    client = running.world.sign_agreement(first["onboardingLinks"]["url"].rpartition("/")[2])
    signed = post(running, 201, client_body("again"))
    assert signed["onboardingDone"] is True
    assert signed["onboardingLinks"]["url"] is None
    assert signed["client"]["id"] == first["client"]["id"]
    assert client is not None
    running.world.require_contract_upgrade(client)
    fallen_back = post(running, 202, client_body("again"))
    assert "/flow/ContractUpgrade/Sign/" in fallen_back["onboardingLinks"]["url"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"externalTenantId": ""}, "externalTenantId"),
        ({"externalTenantId": None}, "externalTenantId"),
        ({"externalTenantId": "x" * 256}, "externalTenantId"),
        ({"client": None}, "client"),
        ({"client.name": " "}, "client.name"),
        ({"client.country": "Atlantis"}, "client.country"),
        ({"client.supportEmail": "nobody"}, "client.supportEmail"),
        ({"client.zipCode": "9" * 21}, "client.zipCode"),
        ({"client.address": "a" * 501}, "client.address"),
        ({"users": []}, "users"),
        ({"users": [{"name": "A", "email": "a@b"}]}, "users.0.email"),
        (
            {"users": [{"name": n, "email": f"{n}@b.example"} for n in "ab"]},
            "isOnboardingUser",
        ),
        (
            {
                "users": [
                    {"name": n, "email": f"{n}@b.example", "isOnboardingUser": True} for n in "ab"
                ]
            },
            "isOnboardingUser",
        ),
    ],
)
def test_field_errors(shared: Running, change: dict[str, Any], named: str) -> None:
    body = client_body("faulty")
    for path, value in change.items():
        *parents, name = path.split(".")
        target = body
        for parent in parents:
            target = target[parent]
        target[name] = value
    errors = post(shared, 400, body)["businessErrors"]
    assert any(named in error["message"] for error in errors)
    assert shared.world.client("faulty") is None


def test_every_field_error_is_named_at_once(shared: Running) -> None:
    body = post(shared, 400, {"externalTenantId": "x", "client": {"name": ""}})
    assert len(body["businessErrors"]) >= 4


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'"text"'])
def test_no_object_is_a_field_error(shared: Running, content: bytes) -> None:
    assert shared.referral("POST", "/clients", content=content).status_code == 400


def test_the_onboarding_user_comes_first(running: Running) -> None:
    body = client_body("team")
    body["users"] = [
        {"name": "Ben Oak", "email": "ben@team.example"},
        {"name": "Ada Elm", "email": "ada@team.example", "isOnboardingUser": True},
    ]
    made = post(running, 202, body)
    assert [user["firstName"] for user in made["users"]] == ["Ada", "Ben"]


def test_an_existing_account_is_asked(running: Running) -> None:
    account = running.world.existing_accounts[-1]
    body = post(running, 409, client_body("asked", email=account.email.upper()))
    assert body["type"] == "ClientExistsNeedsLinking"
    assert body["data"]["externalTenantId"] == "asked"
    url = body["data"]["onboardingLinks"]["url"]
    assert "/flow/ReferralPartner/Approve?token=" in url
    assert running.referral("GET", "/clients/asked").status_code == 404
    token = url.rpartition("=")[2]
    approval = running.world.approve(token)
    assert approval is not None
    assert not approval.client.attributed
    assert approval.client.creditor_id == account.creditor_id
    assert running.referral("GET", "/clients/asked").status_code == 200
    assert post(running, 201, client_body("asked"))["isAttributedClient"] is False
    assert running.world.approve(token) is None


def test_an_account_is_known_by_its_number_too(running: Running) -> None:
    number = running.world.existing_accounts[-2].registration_number
    post(running, 409, client_body("numbered", registrationNumber=number))


def test_asking_again_supersedes(running: Running) -> None:
    body = client_body("twice", email="owner@existing.example")
    first, second = (
        post(running, 409, body)["data"]["onboardingLinks"]["url"].rpartition("=")[2]
        for _ in range(2)
    )
    assert first != second
    assert running.world.approve(first) is None
    assert running.world.decline(second) is not None
    assert running.world.approve(second) is None


def test_a_request_expires(start: StartSandbox) -> None:
    running = start(link_ttl_days=2)
    seen: list[WorldEvent] = []
    running.world.listeners.append(seen.append)
    body = client_body("late", email="late@existing.example")
    token = post(running, 409, body)["data"]["onboardingLinks"]["url"].rpartition("=")[2]
    running.clock.advance(days=2, seconds=-1)
    request = running.world.link_request(token)
    assert request is not None
    assert request.outcome == "pending"
    running.clock.advance(seconds=1)
    assert running.world.approve(token) is None
    assert request.outcome == "expired"
    told = [event.name for event in seen if event.tenant_id == "late"]
    assert told == ["client.link_requested", "client.link_expired"]


def test_cases_of_a_request_are_filed_on_approval(running: Running) -> None:
    seen: list[WorldEvent] = []
    running.world.listeners.append(seen.append)
    cases = [case_body(), case_body(country="KE", reference="R-2")]
    body = client_body("replay", email="replay@existing.example", cases=cases)
    token = post(running, 409, body)["data"]["onboardingLinks"]["url"].rpartition("=")[2]
    approval = running.world.approve(token)
    assert approval is not None
    assert [failure.type for failure in approval.failures] == ["NoPartnerAvailable"]
    filed = running.referral("GET", "/cases", params={"ExternalTenantId": "replay"}).json()
    assert filed["summary"]["totalCases"] == 1
    names = [event.name for event in seen]
    assert names == ["client.link_requested", "client.linked", "case.created",
                     "cases.replay_failed"]  # fmt: skip


def test_refused_accounts(running: Running) -> None:
    taken = post(running, 409, client_body("t", email="a@taken.example"))
    assert taken["type"] == "ClientAlreadyLinkedToAnotherPartner"
    assert taken["data"] == {"externalTenantId": "t"}
    blocked = post(running, 422, client_body("b", email="a@blocked.example"))
    assert blocked["businessErrors"][0]["type"] == "CreditorBlocked"
    known = running.world.clients[0]
    other = post(running, 409, client_body("o", email=known.email))
    assert other["type"] == "AlreadyLinkedDifferentTenant"


def test_cases_come_on_board_with_a_client(running: Running) -> None:
    cases = [case_body(country="IS"), case_body(reference="R-2")]
    made = post(running, 202, client_body("aboard", cases=cases))
    results = made["caseResults"]
    assert [case["lifecycle"] for case in results["successfulCases"]] == [
        "Pending contract signing"
    ]
    assert results["successfulCases"][0]["grossAmount"] == 1234.5
    failure = results["failedCases"][0]
    assert (failure["caseIndex"], failure["errorType"]) == (0, "NoPartnerAvailable")
    assert made["caseStats"]["casesTotal"] == 1
    link = made["onboardingLinks"]["url"].rpartition("/")[2]
    running.world.sign_agreement(link)
    listed = running.referral("GET", "/cases", params={"ExternalTenantId": "aboard"}).json()
    assert [c["lifecycle"] for c in listed["cases"]] == ["Pending Verification Internal"]


@pytest.mark.parametrize(
    ("cases", "named"),
    [
        ([case_body(), case_body()], "DuplicateReference"),
        ([case_body(amountToRecover=0)], "amountToRecover"),
        ([case_body(currencyCode="XYZ")], "currencyCode"),
        ([case_body(debtor={"type": "Robot", "name": "x", "countryAlpha2": "DK"})], "debtor.type"),
        ([case_body(debtor={"type": "Company", "name": "x", "countryAlpha2": "US"})], "state"),
        ([case_body(amountToRecoverOver12Months=5)], "amountToRecoverOver24Months"),
        ([{}], "currencyCode"),
        ([case_body(creditorReference=["R-1"])], "creditorReference"),
    ],
)
def test_bad_cases_abort_the_whole(shared: Running, cases: list[Any], named: str) -> None:
    answer = post(shared, 400, client_body("abort", cases=cases))
    assert named in answer["message"]
    assert shared.world.client("abort") is None


def test_a_repeated_reference_aborts(running: Running) -> None:
    body = client_body("rep", cases=[case_body()])
    post(running, 202, body)
    assert "DuplicateReference" in post(running, 400, body)["message"]


def test_withdrawal(running: Running) -> None:
    post(running, 202, client_body("gone", cases=[case_body()]))
    assert running.referral("POST", "/clients/gone/withdraw").status_code == 204
    assert running.referral("GET", "/clients/gone").status_code == 404
    listed = running.referral("GET", "/cases", params={"ExternalTenantId": "gone"}).json()
    assert listed["page"]["totalResults"] == 0
    post(running, 202, client_body("gone"))


def test_withdrawal_is_refused(running: Running) -> None:
    world = running.world
    not_brought = next(client for client in world.clients if not client.attributed)
    busy = next(
        client
        for client in world.clients
        if client.attributed and world.totals(client.tenant_id).closed
    )
    for client in (not_brought, busy):
        path = f"/clients/{quote(client.tenant_id, safe='')}/withdraw"
        assert running.referral("POST", path).status_code == 409


@pytest.mark.parametrize(
    "tenant_id",
    ["a/b", "a/withdraw", "a/is-deletable", "50% off", "é/客", "a?b=c&d", "a+c#d", " ", "a//b"],
)
def test_any_tenant_id_can_be_addressed(running: Running, tenant_id: str) -> None:
    if tenant_id.strip():
        post(running, 202, client_body(tenant_id, email="office@odd.example"))
    path = f"/clients/{quote(tenant_id, safe='')}"
    status = 200 if tenant_id.strip() else 404
    answer = running.referral("GET", path)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["externalTenantId"] == tenant_id
        assert running.referral("GET", f"{path}/is-deletable").json()["isDeletable"] is True
        assert running.referral("POST", f"{path}/withdraw").status_code == 204
        assert running.referral("GET", path).status_code == 404


def test_a_tenant_id_keeps_its_case(shared: Running) -> None:
    tenant_id = shared.world.clients[0].tenant_id
    assert shared.referral("GET", f"/clients/{quote(tenant_id, safe='')}").status_code == 200
    assert shared.referral("GET", f"/clients/{tenant_id.upper()}").status_code == 404


def test_identity_is_kept_and_the_latest_counts(running: Running) -> None:
    client = next(client for client in running.world.clients if client.kyc is None)
    path = f"/clients/{quote(client.tenant_id, safe='')}"
    for name in ("Ada Holm", "Ben Oak"):
        identity = {
            "directorFullName": name,
            "directorHomeAddress": "Mill Lane 1",
            "directorDateOfBirth": "1980-02-29",
        }
        made = running.referral("POST", f"{path}/kyc-verification", json=identity)
        assert made.status_code == 201
        assert made.json()["verificationStatus"] == "Processing"
    read = running.referral("GET", path).json()
    assert read["kycStatus"] == "pending"
    assert read["kycVerification"]["directorFullName"] == "Ben Oak"


def test_webhook_secret_is_shown_once(running: Running) -> None:
    body = {"url": "https://partner.example/hook", "events": ["client.linked"]}
    made = running.referral("POST", "/v1/Webhooks", json=body).json()
    assert len(base64.b64decode(made["secret"])) == 32
    path = f"/v1/Webhooks/{made['id']}"
    assert running.referral("GET", path).json()["secret"] is None
    assert running.referral("GET", "/v1/Webhooks").json()[0]["secret"] is None
    changed = running.referral("PUT", path, json={"isActive": False}).json()
    assert (changed["secret"], changed["isActive"]) == (None, False)
    rotated = running.referral("PUT", path, json={"regenerateSecret": True}).json()
    assert rotated["secret"] not in (None, made["secret"])


@pytest.mark.parametrize(
    "change",
    [{"url": "http://partner.example"}, {"url": "partner"}, {"events": []}, {"events": ["x"]}],
)
def test_wrong_webhooks_are_refused(shared: Running, change: dict[str, Any]) -> None:
    body = {"url": "https://partner.example/hook", "events": ["client.linked"], **change}
    assert shared.referral("POST", "/v1/Webhooks", json=body).status_code == 400


def test_sample_events_are_counted(running: Running) -> None:
    case_id = running.world.cases[0].id
    sample = {"eventType": "case.closed", "caseId": case_id}
    assert running.referral("POST", "/v1/Webhooks/test", json=sample).json()["enqueuedCount"] == 0
    body = {"url": "https://partner.example/hook", "events": ["case.closed"]}
    running.referral("POST", "/v1/Webhooks", json=body)
    assert running.referral("POST", "/v1/Webhooks/test", json=sample).json()["enqueuedCount"] == 1
    for wrong, status in (
        ({"eventType": "case.closed"}, 400),
        ({"eventType": "cases.replay_failed"}, 400),
        ({"eventType": "client.linked"}, 400),
        ({"eventType": "client.linked", "externalTenantId": "nobody"}, 404),
    ):
        assert running.referral("POST", "/v1/Webhooks/test", json=wrong).status_code == status
