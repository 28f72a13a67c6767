"""Credentials, tokens, request limits and idempotency keys."""

from typing import Any

import jwt
import pytest
from sandbox_bodies import case_body
from sandbox_running import Running, StartSandbox

from services.sandbox import SandboxOptions
from services.sandbox.model import Client
from services.sandbox.rate_limit import RateLimiter


@pytest.fixture
def client(running: Running) -> Client:
    return next(
        client
        for client in running.world.clients
        if client.signed and not client.pending_poa and not client.blocked
    )


@pytest.mark.parametrize("headers", [{}, {"XApiKey": "wrong"}, {"Authorization": "Bearer x"}])
@pytest.mark.parametrize("path", ["/referral/me", "/referral/nothing", "/customer/me"])
def test_wrong_credentials(shared: Running, headers: dict[str, str], path: str) -> None:
    answer = shared.http.get(shared.url + path, headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")


def test_unknown_paths_and_methods(shared: Running) -> None:
    assert shared.referral("GET", "/nothing").status_code == 404
    assert shared.referral("DELETE", "/me").status_code == 405
    assert shared.http.get(f"{shared.url}/flow/companydetails/1").status_code == 404
    assert shared.referral("GET", "/nothing").json()["businessErrors"]


def test_token_describes_itself(running: Running, client: Client) -> None:
    wanted = {"externalTenantId": client.tenant_id}
    body = running.referral("POST", "/oauth/token", json=wanted).json()
    assert body["tokenType"] == "Bearer"
    assert body["expiresIn"] == 1800
    assert body["creditorId"] == client.creditor_id
    claims = jwt.decode(body["accessToken"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 1800


def test_token_ends(running: Running, client: Client) -> None:
    headers = {"Authorization": f"Bearer {running.token(client)}"}

    def status() -> int:
        return running.http.get(f"{running.url}/customer/me", headers=headers).status_code

    running.clock.advance(minutes=29, seconds=59)
    assert status() == 200
    running.clock.advance(seconds=1)
    assert status() == 401
    assert running.customer(client, "GET", "/me").status_code == 200


def test_token_dies_with_the_link(running: Running, client: Client) -> None:
    headers = {"Authorization": f"Bearer {running.token(client)}"}
    running.world.archive_client(client)
    answer = running.http.get(f"{running.url}/customer/me", headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")


def test_no_token_before_onboarding(running: Running) -> None:
    waiting = next(client for client in running.world.clients if not client.signed)
    for tenant_id, status in ((waiting.tenant_id, 400), ("nobody", 404), ("", 400)):
        answer = running.referral("POST", "/oauth/token", json={"externalTenantId": tenant_id})
        assert answer.status_code == status


def test_over_the_limit(start: StartSandbox) -> None:
    running = start(requests_per_minute=3)
    answers = [running.referral("GET", "/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    body = answers[-1].json()
    assert set(body) == {"error", "message", "retryAfter"}
    assert 1 <= body["retryAfter"] <= 60
    assert "retry-after" not in answers[-1].headers


def test_the_window_slides() -> None:
    seconds = 0.0
    limiter = RateLimiter(
        SandboxOptions(requests_per_minute=2, requests_per_hour=3, requests_per_day=None),
        lambda: seconds,
    )
    assert limiter.retry_after("k") is None
    seconds = 30
    assert limiter.retry_after("k") is None
    assert limiter.retry_after("k") == 30
    assert limiter.retry_after("other") is None
    seconds = 60
    assert limiter.retry_after("k") is None
    seconds = 120
    assert limiter.retry_after("k") == 3480
    seconds = 3600
    assert limiter.retry_after("k") is None


def test_limits_can_be_off() -> None:
    options = SandboxOptions(
        requests_per_minute=None, requests_per_hour=None, requests_per_day=None
    )
    limiter = RateLimiter(options, lambda: 0.0)
    assert {limiter.retry_after("k") for _ in range(5000)} == {None}


def keyed(running: Running, client: Client, key: str, **more: Any) -> Any:
    return running.customer(
        client, "POST", "/cases", json=case_body(**more), headers={"Idempotency-Key": key}
    )


def test_a_key_files_a_case_once(running: Running, client: Client) -> None:
    first, second = (keyed(running, client, "k") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    other = keyed(running, client, "k", reference="R-2")
    assert other.status_code == 422
    assert other.json()["businessErrors"][0]["type"] == "IdempotencyConflict"
    assert keyed(running, client, "k2", reference="R-2").status_code == 200


def test_a_key_replays_a_refusal(running: Running, client: Client) -> None:
    first, second = (keyed(running, client, "k", country="IS") for _ in range(2))
    assert first.status_code == 422
    assert first.content == second.content


def test_field_errors_do_not_use_up_a_key(running: Running, client: Client) -> None:
    assert keyed(running, client, "k", amountToRecover=0).status_code == 400
    assert keyed(running, client, "k").status_code == 200


def test_a_key_may_not_be_too_long(running: Running, client: Client) -> None:
    assert keyed(running, client, "k" * 256).status_code == 400
    assert keyed(running, client, "k" * 255).status_code == 200


def test_keys_of_uploads_and_identities(running: Running, client: Client) -> None:
    case = running.world.cases_of(client.tenant_id)[0]
    headers = {"Idempotency-Key": "k"}
    path = f"/cases/{case.id}/files"
    for content, status in ((b"x", 200), (b"x", 200), (b"y", 422)):
        files = {"file": ("a.pdf", content)}
        assert running.referral("POST", path, files=files, headers=headers).status_code == status
    assert len(running.world.state.files) == 1
    identity = {
        "directorFullName": "Ada Holm",
        "directorHomeAddress": "Mill Lane 1",
        "directorDateOfBirth": "1980-02-29",
    }
    path = f"/clients/{client.tenant_id}/kyc-verification"
    answers = [running.referral("POST", path, json=identity, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    identity["directorFullName"] = "Ben Oak"
    answer = running.referral("POST", path, json=identity, headers=headers)
    assert answer.status_code == 422
