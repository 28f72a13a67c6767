"""Webhook deliveries to a real endpoint on this machine."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from queue import Empty, Queue
from threading import Event, Semaphore, Thread
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from sandbox_running import Clock, Running, options

from services.sandbox import World, serving
from services.sandbox.deliveries import WAITS_SECONDS
from services.sandbox.model import Client
from services.sandbox.vocabulary import COUNTRIES, WEBHOOK_EVENTS

SECONDS = 20
"""How long a test waits for what must come."""
AT_ONCE = 100_000.0


@dataclass(frozen=True)
class Delivery:
    """A request as the endpoint got it, and when."""

    path: str
    headers: dict[str, str]
    body: bytes
    arrived: float

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        parts = dict(part.split("=", 1) for part in self.headers["x-debitura-signature"].split(","))
        signed = parts["t"].encode() + b"." + self.body
        wanted = hmac.digest(base64.b64decode(secret), signed, hashlib.sha256).hex()
        near = abs(time.time() - int(parts["t"])) < 60
        return near and parts["v1"] == wanted and parts["t"] == self.headers["x-debitura-timestamp"]


class Endpoint:
    """Keeps each delivery and answers it by ``reply``, 200 unless a test wants otherwise."""

    def __init__(self) -> None:
        self.deliveries: Queue[Delivery] = Queue()
        self.reply: Callable[[Delivery], int] = lambda _: 200
        self.url = ""

    def next(self) -> Delivery:
        return self.deliveries.get(timeout=SECONDS)


@contextmanager
def _listening(endpoint: Endpoint) -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            delivery = Delivery(self.path, headers, body, time.monotonic())
            endpoint.deliveries.put(delivery)
            self.send_response(endpoint.reply(delivery))
            self.send_header("Location", f"{endpoint.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with _listening(Endpoint()) as listening:
        yield listening


Start = Callable[..., Running]


@pytest.fixture
def start() -> Iterator[Start]:
    """Serve a small world, with all retries at once unless told otherwise."""
    with ExitStack() as stack:

        def _start(**more: Any) -> Running:
            sizes = {"clients": 60, "cases": 240, "transactions": 300}
            wanted = options(**{**sizes, "webhook_retry_scale": AT_ONCE, **more})
            clock = Clock()
            world = World.generate(wanted, clock)
            url = stack.enter_context(serving(world, wanted))
            return Running(world, clock, url, stack.enter_context(httpx.Client()))

        yield _start


@pytest.fixture
def running(start: Start) -> Running:
    return start()


def _subscribe(
    running: Running, endpoint: Endpoint, *events: str, path: str = "/hook"
) -> dict[str, Any]:
    body = {"url": endpoint.url + path, "events": list(events or WEBHOOK_EVENTS)}
    answer = running.referral("POST", "/v1/Webhooks", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _read(running: Running, subscription: dict[str, Any]) -> dict[str, Any]:
    return running.referral("GET", f"/v1/Webhooks/{subscription['id']}").json()


def _change(running: Running, subscription: dict[str, Any], **change: Any) -> dict[str, Any]:
    answer = running.referral("PUT", f"/v1/Webhooks/{subscription['id']}", json=change)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _unsigned(running: Running) -> Client:
    return next(client for client in running.world.clients if not client.signed)


def _move(running: Running) -> str:
    """Pause a case, which tells case.updated; the id of the case."""
    case = next(case for case in running.world.cases if case.lifecycle == "Active")
    running.world.move_case(case, "Paused")
    return case.id


def _answers(*statuses: int) -> Callable[[Delivery], int]:
    """These answers one after another, the last one ever after."""
    left = list(statuses)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_delivery_is_signed_and_says_what_happened(running: Running, endpoint: Endpoint) -> None:
    subscription = _subscribe(running, endpoint)
    client = _unsigned(running)
    running.world.sign_agreement(client.link_id)
    delivery = endpoint.next()
    told = delivery.json
    assert delivery.is_signed_with(subscription["secret"])
    assert delivery.headers["x-debitura-event"] == "client.onboarding.contract_signed"
    assert delivery.headers["content-type"].startswith("application/json")
    assert str(UUID(told.pop("id")))
    country_id = next(country.id for country in COUNTRIES if country.name == client.country)
    assert told == {
        "specVersion": "1.0",
        "event": "client.onboarding.contract_signed",
        "timestamp": "2026-03-20T12:00:00Z",
        "data": {
            "externalTenantId": client.tenant_id,
            "creditor": {
                "id": client.creditor_id,
                "companyName": client.name,
                "registrationNumber": client.registration_number,
                "countryId": country_id,
                "isAttributed": client.attributed,
            },
            "signedAt": "2026-03-20T12:00:00Z",
        },
        "links": {"client": f"{running.url}/referral/clients/{quote(client.tenant_id, safe='')}"},
    }


def test_requests_for_a_link_tell_of_the_account(running: Running, endpoint: Endpoint) -> None:
    _subscribe(running, endpoint)
    account = running.world.existing_accounts[-1]
    asked = running.world.ask("tenant-new", account, {})
    running.world.decline(asked.token)
    again = running.world.ask("tenant-new", account, {})
    running.world.expire(again.token)
    linked = running.world.approve(running.world.ask("tenant-new", account, {}).token)
    told = [endpoint.next().json for _ in range(6)]
    wanted = ["link_requested"] * 3 + ["link_declined", "link_expired", "linked"]
    assert sorted(one["event"] for one in told) == sorted(f"client.{name}" for name in wanted)
    for one in told:
        assert one["data"]["externalTenantId"] == "tenant-new"
        creditor = one["data"]["creditor"]
        assert (creditor["id"], creditor["companyName"]) == (account.creditor_id, account.name)
        assert creditor["registrationNumber"] == account.registration_number
        assert creditor["isAttributed"] is False
    assert linked is not None


def test_a_world_that_lives_tells_a_new_subscription_of_its_link_requests(
    start: Start, endpoint: Endpoint
) -> None:
    # So slow that nothing else happens meanwhile.
    running = start(speed=1e-9)
    asked = [(each.tenant_id, each.requested) for each in running.world.link_requests]
    ended = [(each.tenant_id, each.decided) for each in running.world.link_requests if each.decided]
    _subscribe(running, endpoint)
    told = [endpoint.next().json for _ in range(len(asked) + len(ended))]
    moments = {
        (one["data"]["externalTenantId"], datetime.fromisoformat(one["timestamp"])) for one in told
    }
    assert moments == {*asked, *ended}
    assert ended


def test_cases_tell_where_they_went(running: Running, endpoint: Endpoint) -> None:
    _subscribe(running, endpoint)
    case = next(case for case in running.world.cases if case.lifecycle == "Active")
    running.world.move_case(case, "Paused")
    of_case = {"externalTenantId": case.tenant_id, "caseId": case.id}
    moved = {"oldLifecycle": "Active", "newLifecycle": "Paused"}
    assert endpoint.next().json["data"] == {**of_case, **moved}
    running.world.move_case(case, "Closed", close_code="Other", close_comment="As agreed.")
    closed = endpoint.next().json
    assert closed["event"] == "case.closed"
    assert closed["data"] == {
        **of_case,
        "oldLifecycle": "Paused",
        "newLifecycle": "Closed",
        "closeCode": "Other",
        "closeComment": "As agreed.",
    }


def test_every_subscription_of_the_event_gets_the_same(
    running: Running, endpoint: Endpoint
) -> None:
    secrets = {
        path: _subscribe(running, endpoint, "case.updated", path=path)["secret"]
        for path in ("/one", "/two")
    }
    _subscribe(running, endpoint, "case.closed", path="/other")
    _move(running)
    both = [endpoint.next(), endpoint.next()]
    assert {delivery.path for delivery in both} == {"/one", "/two"}
    assert len({delivery.body for delivery in both}) == 1
    assert all(delivery.is_signed_with(secrets[delivery.path]) for delivery in both)
    assert secrets["/one"] != secrets["/two"]
    assert endpoint.deliveries.empty()


def test_a_failure_is_tried_again_with_what_was_true_then(start: Start, endpoint: Endpoint) -> None:
    scale = 6000.0
    running = start(webhook_retry_scale=scale)
    subscription = _subscribe(running, endpoint, "client.onboarding.contract_signed")
    client = _unsigned(running)
    name = client.name
    endpoint.reply = _answers(*[503] * 7, 204)
    running.world.sign_agreement(client.link_id)
    client.name = "Renamed since"
    tries = [endpoint.next() for _ in WAITS_SECONDS]
    assert len({delivery.body for delivery in tries}) == 1
    assert tries[0].json["data"]["creditor"]["companyName"] == name
    assert all(delivery.is_signed_with(subscription["secret"]) for delivery in tries)
    gaps = [later.arrived - sooner.arrived for sooner, later in pairwise(tries)]
    for gap, wait in zip(gaps, WAITS_SECONDS[1:], strict=True):
        assert wait / scale <= gap
    assert WAITS_SECONDS == (0, 60, 120, 240, 480, 960, 1800, 1800)
    assert _read(running, subscription)["isActive"] is True


def _wait_until_off(running: Running, subscription: dict[str, Any]) -> dict[str, Any]:
    for _ in range(SECONDS * 50):
        read = _read(running, subscription)
        if not read["isActive"]:
            return read
        time.sleep(0.02)
    pytest.fail("the subscription was not switched off")


@pytest.mark.parametrize("status", [500, 400, 302])
def test_eight_failures_switch_off_and_switching_on_forgives(
    running: Running, endpoint: Endpoint, status: int
) -> None:
    subscription = _subscribe(running, endpoint, "case.updated")
    endpoint.reply = lambda _: status
    _move(running)
    tries = [endpoint.next() for _ in range(8)]
    off = _wait_until_off(running, subscription)
    assert off["disabledReason"] == "Disabled after 8 failed deliveries."
    assert {delivery.path for delivery in tries} == {"/hook"}
    _move(running)
    endpoint.reply = lambda _: 200
    on = _change(running, subscription, isActive=True)
    assert (on["isActive"], on["disabledReason"]) == (True, None)
    case_id = _move(running)
    assert endpoint.next().json["data"]["caseId"] == case_id
    assert endpoint.deliveries.empty()


def test_gone_is_believed_at_once(running: Running, endpoint: Endpoint) -> None:
    subscription = _subscribe(running, endpoint, "case.updated")
    endpoint.reply = lambda _: 410
    _move(running)
    endpoint.next()
    reason = _wait_until_off(running, subscription)["disabledReason"]
    assert reason == "Disabled: the endpoint answered 410 Gone."
    assert endpoint.deliveries.empty()


def test_nobody_listening_is_a_failure(running: Running) -> None:
    with _listening(Endpoint()) as closed:
        subscription = _subscribe(running, closed, "case.updated")
    _move(running)
    _wait_until_off(running, subscription)


def test_a_new_secret_signs_from_the_next_attempt(running: Running, endpoint: Endpoint) -> None:
    subscription = _subscribe(running, endpoint, "case.updated")
    rotated, answers = Event(), _answers(500, 200)

    def answer_once_rotated(delivery: Delivery) -> int:
        rotated.wait(SECONDS)
        return answers(delivery)

    endpoint.reply = answer_once_rotated
    _move(running)
    first = endpoint.next()
    assert first.is_signed_with(subscription["secret"])
    renewed = _change(running, subscription, regenerateSecret=True)["secret"]
    rotated.set()
    second = endpoint.next()
    assert second.is_signed_with(renewed)
    assert not second.is_signed_with(subscription["secret"])
    assert second.json["id"] == first.json["id"]


@pytest.mark.parametrize("how", ["deleted", "switched off"])
def test_nothing_is_sent_to_what_was_ended_meanwhile(
    running: Running, endpoint: Endpoint, how: str
) -> None:
    ended = _subscribe(running, endpoint, "case.updated", path="/ended")
    path = f"/v1/Webhooks/{ended['id']}"
    is_ended = Event()

    def fail_when_ended(delivery: Delivery) -> int:
        if delivery.path == "/ended":
            is_ended.wait(SECONDS)
        return 500

    endpoint.reply = fail_when_ended
    _move(running)
    endpoint.next()
    if how == "deleted":
        assert running.referral("DELETE", path).status_code == 204
    else:
        _change(running, ended, isActive=False)
    is_ended.set()
    # Another one, tried eight times, gives the ended one all the time it would have needed.
    other = _subscribe(running, endpoint, "case.updated", path="/other")
    _move(running)
    paths = {endpoint.next().path for _ in range(8)}
    _wait_until_off(running, other)
    assert paths == {"/other"}
    assert endpoint.deliveries.empty()


def test_duplicates_happen(start: Start, endpoint: Endpoint) -> None:
    running = start(webhook_duplicate_share=1.0)
    _subscribe(running, endpoint, "case.updated")
    _move(running)
    assert endpoint.next().body == endpoint.next().body


def test_at_most_eight_are_under_way(running: Running, endpoint: Endpoint) -> None:
    may_end = Semaphore(0)

    def hold(_: Delivery) -> int:
        may_end.acquire(timeout=SECONDS)
        return 200

    endpoint.reply = hold
    _subscribe(running, endpoint, "case.updated")
    moved = {_move(running) for _ in range(12)}
    told = {endpoint.next().json["data"]["caseId"] for _ in range(8)}
    with pytest.raises(Empty):
        endpoint.deliveries.get(timeout=0.3)
    may_end.release(12)
    told |= {endpoint.next().json["data"]["caseId"] for _ in range(4)}
    assert told == moved


def test_no_proxy_of_the_environment_is_asked(
    start: Start, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _listening(Endpoint()) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        running = start()
        running.http = httpx.Client(trust_env=False)
        with running.http:
            _subscribe(running, endpoint, "case.updated")
        _move(running)
        assert endpoint.next().path == "/hook"
        assert proxy.deliveries.empty()


def test_the_end_of_the_server_does_not_wait_for_retries(endpoint: Endpoint) -> None:
    wanted = options(clients=30, cases=40, transactions=50, webhook_retry_scale=100)
    world = World.generate(wanted, Clock())
    endpoint.reply = lambda _: 500
    with serving(world, wanted) as url, httpx.Client() as http:
        running = Running(world, Clock(), url, http)
        _subscribe(running, endpoint, "case.updated")
        _move(running)
        endpoint.next()
        before = time.monotonic()
    assert time.monotonic() - before < 30
    assert not world.listeners


def test_a_sample_is_delivered_as_it_was_asked_for(running: Running, endpoint: Endpoint) -> None:
    case, client = running.world.cases[0], running.world.clients[0]
    _subscribe(running, endpoint, "case.closed", "case.updated", "client.onboarding.poa_signed")
    _subscribe(running, endpoint, "case.closed", path="/second")

    def sample(**body: Any) -> int:
        answer = running.referral("POST", "/v1/Webhooks/test", json=body)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["enqueuedCount"])

    closed = {"eventType": "case.closed", "caseId": case.id.upper()}
    assert sample(**closed, closeCode="Other", closeComment="Done") == 2
    for _ in range(2):
        data = endpoint.next().json["data"]
        assert (data["closeCode"], data["closeComment"]) == ("Other", "Done")
        assert data["caseId"] == case.id
    assert sample(eventType="case.updated", caseId=case.id) == 1
    data = endpoint.next().json["data"]
    assert (data["oldLifecycle"], data["newLifecycle"]) == (case.label, "Closed")
    signed = {"eventType": "client.onboarding.poa_signed", "externalTenantId": client.tenant_id}
    assert sample(**signed) == 1
    data = endpoint.next().json["data"]
    assert data["creditor"]["id"] == client.creditor_id
    assert datetime.fromisoformat(data["signedAt"]).tzinfo is not None
    assert sample(eventType="client.linked", externalTenantId=client.tenant_id) == 0


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://partner.example/hook", 200),
        ("http://127.0.0.1:8501/webhooks", 200),
        ("http://localhost/hook", 200),
        ("http://[::1]:8501/hook", 200),
        ("http://partner.example/hook", 400),
        ("http://127.0.0.1.partner.example/hook", 400),
        ("http://localhost@partner.example/hook", 400),
        ("ftp://127.0.0.1/hook", 400),
        ("https://[::1/hook", 400),
        ("https:///hook", 400),
    ],
)
def test_plain_http_is_for_this_machine_only(running: Running, url: str, status: int) -> None:
    body = {"url": url, "events": ["case.updated"]}
    assert running.referral("POST", "/v1/Webhooks", json=body).status_code == status
