"""Every answer, of every endpoint, is one that the contracts declare."""

from typing import Any
from urllib.parse import quote

import httpx
import pytest
import sandbox_contract
from sandbox_bodies import case_body, client_body
from sandbox_running import Running, StartSandbox

pytestmark = pytest.mark.skipif(
    not sandbox_contract.AVAILABLE, reason="the contract files are not at hand"
)

LEFT_OUT = ("/divisions", "/webhooks", "/test/webhooks")


class Checked:
    """Asks a sandbox and checks each answer by the contract."""

    def __init__(self, running: Running, seen: set[tuple[str, str]]) -> None:
        self.running = running
        self._seen = seen
        self.tenant = next(
            client
            for client in running.world.clients
            if client.signed
            and not client.pending_poa
            and not client.blocked
            and running.world.totals(client.tenant_id).cases > 3
        )

    def referral(self, method: str, path: str, status: int, **more: Any) -> Any:
        answer = self.running.referral(method, path, **more)
        return self._check("referral", method, path, status, answer)

    def customer(self, method: str, path: str, status: int, **more: Any) -> Any:
        answer = self.running.customer(self.tenant, method, path, **more)
        return self._check("customer", method, path, status, answer)

    def _check(self, api: str, method: str, path: str, status: int, answer: httpx.Response) -> Any:
        assert answer.status_code == status, f"{method} {path}: {answer.text}"
        body = answer.json() if answer.content else None
        template = sandbox_contract.template_of(api, method, path.partition("?")[0])
        sandbox_contract.check(api, method, template, status, body)
        if status < 300:
            self._seen.add((method, template))
        return body


@pytest.fixture(scope="module")
def seen() -> set[tuple[str, str]]:
    return set()


@pytest.fixture
def api(running: Running, seen: set[tuple[str, str]]) -> Checked:
    return Checked(running, seen)


def test_reading_the_referral_api(api: Checked) -> None:
    for path in ("/me", "/coverage", "/referral-partner/filter-options", "/v1/Webhooks"):
        api.referral("GET", path, 200)
    for page in (1, 2, 3):
        cases = api.referral("GET", f"/cases?PageSize=100&Page={page}", 200)["cases"]
        api.referral("GET", f"/reporting/transactions?PageSize=100&Page={page}", 200)
    api.referral("GET", "/clients?PageSize=100", 200)
    for case in cases[:30]:
        api.referral("GET", f"/cases/{case['id']}", 200)
    for client in api.running.world.clients[:12]:
        path = f"/clients/{quote(client.tenant_id, safe='')}"
        api.referral("GET", path, 200)
        api.referral("GET", f"{path}/is-deletable", 200)


@pytest.mark.parametrize(
    "path",
    [
        "/clients?Page=0",
        "/cases?PageSize=101",
        "/cases?Statuses=Nonsense",
        "/reporting/transactions?FromDate=soon",
        "/reporting/transactions?Search=x",
    ],
)
def test_refused_lists(api: Checked, path: str) -> None:
    api.referral("GET", path, 400)


def test_unknown_things(api: Checked) -> None:
    unknown = "00000000-0000-4000-8000-000000000000"
    api.referral("GET", "/clients/nobody", 404)
    api.referral("GET", f"/cases/{unknown}", 404)
    api.referral("GET", f"/v1/Webhooks/{unknown}", 404)
    api.referral("POST", "/oauth/token", 404, json={"externalTenantId": "nobody"})
    for path in (f"/cases/{unknown}", f"/Payments/{unknown}", "/coverage/7"):
        api.customer("GET", path, 404)
    api.customer("GET", "/cases/no-uuid", 400)


def test_making_clients(api: Checked) -> None:
    cases = [case_body(), case_body(country="IS", reference="R-2")]
    made = api.referral("POST", "/clients", 202, json=client_body("c-1", cases=cases))
    assert made["caseResults"]["failedCases"][0]["errorType"] == "NoPartnerAvailable"
    link = made["onboardingLinks"]["url"].rpartition("/")[2]
    api.running.world.sign_agreement(link)
    api.referral("POST", "/clients", 201, json=client_body("c-1"))
    api.referral("POST", "/clients", 400, json={"client": {}})
    for domain, status in (("existing", 409), ("taken", 409), ("blocked", 422)):
        body = client_body(f"c-{domain}", email=f"a@{domain}.example")
        api.referral("POST", "/clients", status, json=body)


def test_ending_clients(api: Checked) -> None:
    api.referral("POST", "/clients", 202, json=client_body("c-2"))
    api.referral("POST", "/clients/c-2/withdraw", 204)
    api.referral("POST", "/clients/c-2/withdraw", 404)
    tenant = quote(api.tenant.tenant_id, safe="")
    api.referral("POST", f"/clients/{tenant}/withdraw", 409)
    api.referral("DELETE", f"/clients/{tenant}", 204)


def test_production_refuses_what_is_for_tests(
    start: StartSandbox, seen: set[tuple[str, str]]
) -> None:
    api = Checked(start(production=True), seen)
    tenant = quote(api.tenant.tenant_id, safe="")
    api.referral("DELETE", f"/clients/{tenant}", 403)
    api.referral("GET", f"/clients/{tenant}/is-deletable", 403)
    api.referral("POST", "/v1/Webhooks/test", 403, json={"eventType": "case.created"})


def test_identity_files_token_and_preview(api: Checked) -> None:
    tenant = quote(api.tenant.tenant_id, safe="")
    identity = {
        "directorFullName": "Ada Holm",
        "directorHomeAddress": "Mill Lane 1",
        "directorDateOfBirth": "1980-02-29",
    }
    api.referral("POST", f"/clients/{tenant}/kyc-verification", 201, json=identity)
    case = api.running.world.cases_of(api.tenant.tenant_id)[0]
    api.referral("POST", f"/cases/{case.id}/files", 200, files={"file": ("a.pdf", b"x")})
    api.referral("POST", f"/cases/{case.id}/files", 415, files={"file": ("a.exe", b"x")})
    too_large = {"file": ("a.pdf", bytes(25 * 1024 * 1024 + 1))}
    api.referral("POST", f"/cases/{case.id}/files", 413, files=too_large)
    api.referral("POST", "/oauth/token", 200, json={"externalTenantId": api.tenant.tenant_id})
    preview = {
        "amountToRecover": 100,
        "currencyCode": "KWD",
        "debtor": {"type": "Company", "countryAlpha2": "KW"},
    }
    api.referral("POST", "/cases/preview", 200, json=preview)
    preview["debtor"] = {"type": "Company", "countryAlpha2": "IS"}
    api.referral("POST", "/cases/preview", 200, json=preview)


def test_webhooks(api: Checked) -> None:
    body = {"url": "https://partner.example/hook", "events": ["case.created", "client.linked"]}
    made = api.referral("POST", "/v1/Webhooks", 200, json=body)
    path = f"/v1/Webhooks/{made['id']}"
    api.referral("GET", path, 200)
    api.referral("PUT", path, 200, json={"regenerateSecret": True})
    api.referral("PUT", path, 400, json={"events": ["no.such"]})
    api.referral("POST", "/v1/Webhooks", 400, json={**body, "url": "http://partner.example"})
    sample = {"eventType": "case.created", "caseId": api.running.world.cases[0].id}
    api.referral("POST", "/v1/Webhooks/test", 200, json=sample)
    api.referral("DELETE", path, 204)


def test_reading_the_customer_api(api: Checked) -> None:
    for path in (
        "/me", "/users", "/Payments", "/tasks", "/coverage", "/coverage/45",
        "/coverage/search?q=Germany", "/coverage/:search?q=california",
        "/contracts/debt-collection/status", "/cases?PageSize=100",
    ):  # fmt: skip
        api.customer("GET", path, 200)
    for case in api.running.world.cases_of(api.tenant.tenant_id)[:4]:
        path = f"/cases/{case.id}"
        for part in (
            "", "/timeline", "/payments", "/chats", "/files", "/contract-status",
            "/validation", "/tasks", "/quote-requests",
        ):  # fmt: skip
            api.customer("GET", path + part, 200)
        api.customer("GET", f"{path}/exclusive-period", 200 if case.started else 404)
        api.customer("GET", f"/cases/case-reference/{case.reference}", 200)
        if case.creditor_reference:
            api.customer("GET", f"/cases/by-creditor-reference/{case.creditor_reference}", 200)
        for payment in api.customer("GET", f"{path}/payments", 200):
            api.customer("GET", f"/Payments/{payment['id']}", 200)


def test_writing_to_the_customer_api(api: Checked) -> None:
    made = api.customer("POST", "/cases", 200, json=case_body(isTest=True, tag="t"))
    path = f"/cases/{made['id']}"
    email = api.tenant.users[0].email
    api.customer("POST", f"{path}/chats", 200, json={"message": "Hello", "userEmail": email})
    api.customer("POST", f"{path}/chats", 400, json={"message": "Hello"})
    api.customer("POST", f"{path}/files", 200, files={"File": ("a.csv", b"a;b")})
    api.customer("GET", f"{path}/files", 200)
    moved = api.customer("POST", f"/test{path}/advance", 200, json={"to": "Active"})
    assert moved == {"advanced": True, "state": "Active"}
    api.customer("DELETE", f"/test{path}", 204)
    api.customer("DELETE", "/test/cases?tag=t", 204)
    api.customer("POST", "/cases", 400, json={})
    api.customer("POST", "/cases", 422, json=case_body(country="IS"))
    preview = {
        "amountToRecover": 100,
        "currencyCode": "USD",
        "debtor": {"type": "Private", "countryAlpha2": "US", "stateAlpha2": "CA"},
    }
    api.customer("POST", "/cases/preview", 200, json=preview)
    eligibility = {
        "countryAlpha2": "KW", "debtorType": "Company", "amount": 5, "currencyCode": "KWD",
    }  # fmt: skip
    api.customer("POST", "/coverage/check-eligibility", 200, json=eligibility)
    api.customer("POST", "/coverage/check-eligibility", 400, json={})


def test_nothing_of_the_contracts_is_left_unasked(seen: set[tuple[str, str]]) -> None:
    wanted = sandbox_contract.operations("referral") | sandbox_contract.operations("customer")
    missing = {
        (method, path)
        for method, path in wanted - seen
        if not path.startswith(LEFT_OUT) and "{quoteRequestId}" not in path
    }
    if not seen:
        pytest.skip("the other tests of this module did not run")
    assert not missing
