"""The webhook route of the running web process, also when it is killed in the middle of a burst."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services import webhooks
from services.link_requests import LinkRequestFilter, LinkRequestStatus, count_by_status
from services.receiver import LARGEST_BODY
from services.store import Store, Window
from services.store.bookkeeping import LISTS
from services.store.paging import ALL_ROWS
from services.store.tables import SyncScopeRow
from services.subscriptions import RECEIVER_PATH
from services.webhooks import EventFilter, EventState
from tests.command_line import Running, begin
from tests.contract_server import ContractServer
from tests.deliveries import SECRET, body_of, event, signature
from tests.filling import NOW, case, client

EVENTS = 1000
CONNECTIONS = 16
PATIENCE_S = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(server: ContractServer, folder: Path, **more: str) -> dict[str, str]:
    return {
        "DEBITURA_ENVIRONMENT": "test",
        "DEBITURA_API_KEY": server.key,
        "DEBITURA_REFERRAL_URL": server.url,
        "DEBITURA_WEBHOOK_SECRET": SECRET,
        "PARTNER_DASHBOARD_DATA": str(folder),
        **more,
    }


def wait_for(condition: object, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def start_web(told: dict[str, str], port: int) -> Running:
    running = begin(told, "web", "--port", str(port))
    wait_for(lambda: answers(f"http://127.0.0.1:{port}"), "The web process did not start.")
    return running


def kill(running: Running) -> None:
    running.process.kill()
    running.process.join()


@contextmanager
def web(told: dict[str, str]) -> Iterator[str]:
    port = free_port()
    running = start_web(told, port)
    try:
        yield f"http://127.0.0.1:{port}{RECEIVER_PATH}"
    finally:
        running.process.terminate()
        running.process.join()


def post(sender: httpx.Client, url: str, body: bytes, header: str | None = None) -> int | None:
    """The status of a delivery; None where no answer came."""
    headers = {"X-Debitura-Signature": header or signature(body)}
    try:
        return sender.post(url, content=body, headers=headers).status_code
    except httpx.HTTPError:
        return None


def stored(store: Store) -> dict[str, EventState]:
    page = webhooks.list_events(store, EventFilter(), ALL_ROWS)
    assert len({each.id for each in page.rows}) == page.total
    return {each.id: each.state for each in page.rows}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Store]:
    """The store of the processes, as after a first sync."""
    store = Store.open(f"sqlite:///{tmp_path / 'test.sqlite'}", "test")
    with store.write() as session:
        session.add_all(SyncScopeRow(scope=each, state="true", true_at=NOW) for each in LISTS)
    yield store
    store.close()


def send_all(
    events: dict[str, bytes], url: str, *, after_half: Callable[[], None] = lambda: None
) -> set[str]:
    """Send the events by many connections at once; the ids of those that were acknowledged."""
    acknowledged: set[str] = set()
    half = threading.Event()

    def send(share: int) -> None:
        with httpx.Client(trust_env=False) as sender:
            for event_id, body in list(events.items())[share::CONNECTIONS]:
                if post(sender, url, body) == 200:
                    acknowledged.add(event_id)
                if len(acknowledged) >= len(events) // 2:
                    half.set()

    with ThreadPoolExecutor(CONNECTIONS) as senders:
        sending = [senders.submit(send, share) for share in range(CONNECTIONS)]
        assert half.wait(PATIENCE_S)
        after_half()
        for each in sending:
            each.result()
    return acknowledged


def burst() -> dict[str, bytes]:
    """Half of the events make a ledger entry each; the others have cases read again."""
    asked = [
        event("client.link_requested", f"new-{n}", at=None, event_id=f"a-{n}") for n in range(500)
    ]
    moved = [
        event("case.updated", f"t-{n % 25}", case_id=f"c-{n % 25}", event_id=f"m-{n}")
        for n in range(500)
    ]
    mixed = [each for pair in zip(asked, moved, strict=True) for each in pair]
    return {each["id"]: body_of(each) for each in mixed}


def test_no_acknowledged_event_is_lost_or_applied_twice_when_everything_is_killed(
    server: ContractServer, tmp_path: Path, opened: Store
) -> None:
    server.clients = [client(f"t-{n}") for n in range(25)]
    server.cases = [case(f"c-{n}", tenant_id=f"t-{n}") for n in range(25)]
    told, port = environment(server, tmp_path), free_port()
    url = f"http://127.0.0.1:{port}{RECEIVER_PATH}"
    first = start_web(told, port)
    events = burst()
    acknowledged = send_all(events, url, after_half=lambda: kill(first))
    assert EVENTS // 2 <= len(acknowledged) < EVENTS
    assert acknowledged <= set(stored(opened))

    second = start_web(told, port)
    assert send_all(events, url) == set(events) == set(stored(opened))
    kill(second)

    worker = begin(told, "worker")
    wait_for(lambda: EventState.APPLIED in stored(opened).values(), "Nothing was applied.")
    kill(worker)
    # In the midst of it, each event is applied with its entry, or neither is there.
    entries = sum(count_by_status(opened, LinkRequestFilter()).values())
    applied = [each for each, state in stored(opened).items() if state is EventState.APPLIED]
    assert entries == sum(each.startswith("a-") for each in applied)

    worker = begin(told, "worker")
    wait_for(lambda: set(stored(opened).values()) == {EventState.APPLIED}, "Not all were applied.")
    worker.process.terminate()
    worker.process.join()
    counts = count_by_status(opened, LinkRequestFilter(superseded=True))
    assert counts[LinkRequestStatus.PENDING] == sum(counts.values()) == 500


def test_the_route_refuses_what_it_must_and_never_fails(
    server: ContractServer, tmp_path: Path, opened: Store
) -> None:
    good = body_of(event("client.linked", "t-1", event_id="good"))
    with web(environment(server, tmp_path)) as url, httpx.Client(trust_env=False) as sender:
        assert post(sender, url, good) == 200
        assert post(sender, url, good) == 200
        assert post(sender, url, good + b" ", signature(good)) == 401
        assert post(sender, url, good, "nonsense") == 401
        assert sender.post(url, content=good).status_code == 401
        assert post(sender, url, good, signature(good, at=time.time() - 301)) == 401
        assert post(sender, url, good, signature(good, at=time.time() + 310)) == 401
        assert post(sender, url, b"no json", signature(b"no json")) == 400
        assert post(sender, url, b" " * (LARGEST_BODY + 1), "t=1,v1=2") == 413
        assert sender.get(url).status_code == 405
        unknown = body_of(event("moon.landed", event_id="unknown"))
        assert post(sender, url, unknown) == 200
    assert stored(opened) == {"good": EventState.RECEIVED, "unknown": EventState.RECEIVED}
    refused = {each.reason: each.count for each in webhooks.refused(opened)}
    assert sum(refused.values()) == 7
    newest = webhooks.list_events(opened, EventFilter(), Window()).rows
    assert {each.id for each in newest} == {"good", "unknown"}


def test_without_any_secret_the_sender_is_asked_to_come_again(
    server: ContractServer, tmp_path: Path, opened: Store
) -> None:
    body = body_of(event("client.linked", "t-1"))
    told = environment(server, tmp_path, DEBITURA_WEBHOOK_SECRET="")
    with web(told) as url, httpx.Client(trust_env=False) as sender:
        assert post(sender, url, body) == 503
    assert stored(opened) == {}
