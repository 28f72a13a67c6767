"""Webhook subscriptions, against a sandbox that answers and delivers over HTTP."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlmodel import select

from services import subscriptions
from services.debitura import (
    SIGNATURE_HEADER,
    ApiUnavailable,
    Forbidden,
    NotFound,
    ReferralPartnerApi,
    RetryPolicy,
    SignatureMismatch,
    Unauthorized,
    ValidationFailed,
    verify,
)
from services.debitura.enums import WebhookEvent
from services.sandbox import SandboxOptions, World, serving
from services.store import Store
from services.store.tables import AuditRow
from services.subscriptions import ALL_EVENTS, EVENTS, NoSecretTold, WishInvalid
from services.sync.passes import Sync
from services.webhook_secrets import WebhookSecrets, WebhookSecretsError
from tests.filling import NOW

URL = "https://dashboard.example.com/webhooks/debitura"
TINY = SandboxOptions(
    clients=20, cases=60, transactions=80, requests_per_minute=None, webhook_duplicate_share=0
)
PATIENCE_S = 30
WHO: dict[str, Any] = {"actor": "anna", "now": NOW}


@pytest.fixture(scope="module")
def world() -> World:
    return World.generate(TINY)


@pytest.fixture
def sandbox(world: World) -> Iterator[str]:
    """A sandbox without subscriptions."""
    world.state.subscriptions.clear()
    with serving(world, TINY) as url:
        yield url


@pytest.fixture
def api(sandbox: str) -> Iterator[ReferralPartnerApi]:
    with ReferralPartnerApi(f"{sandbox}/referral", "sandbox") as opened:
        yield opened


@pytest.fixture
def secrets(tmp_path: Path) -> WebhookSecrets:
    return WebhookSecrets(tmp_path / "secrets.json", clock=lambda: NOW)


def answering(status: int, body: Any) -> ReferralPartnerApi:
    """An API that gives one answer to everything."""
    return ReferralPartnerApi(
        "http://127.0.0.1:1",
        "key",
        transport=httpx.MockTransport(lambda _: httpx.Response(status, json=body)),
        retries=RetryPolicy(attempts=1),
    )


def audit(store: Store) -> list[tuple[str, str, str, str]]:
    with store.read() as session:
        rows = session.execute(select(AuditRow).order_by(AuditRow.id)).scalars()  # type: ignore[arg-type]
        return [(row.actor, row.action, row.subject, row.outcome) for row in rows]


def created(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, url: str = URL
) -> subscriptions.NewSecret:
    return subscriptions.create(store, api, secrets, url, ALL_EVENTS, test_mode=False, **WHO)


def test_every_event_has_a_sentence() -> None:
    assert set(EVENTS) == set(WebhookEvent)
    assert all(told.endswith(".") for told in EVENTS.values())


def test_a_created_subscription_is_kept_audited_and_known(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    made = subscriptions.create(
        store, api, secrets, f" {URL}?a=token ", ["case.closed"], test_mode=True, **WHO
    )
    assert secrets.current() == (made.secret,)
    assert secrets.holds(made.subscription_id)
    assert (made.kept_in, made.not_kept) == (secrets.path, None)
    (listed,) = subscriptions.list_subscriptions(api, now=NOW)
    assert subscriptions.last_known(store) == [listed]
    assert (listed.id, listed.url) == (made.subscription_id, f"{URL}?a=token")
    assert (listed.events, listed.is_active, listed.is_test_mode) == (("case.closed",), True, True)
    assert listed.comes_here
    assert audit(store) == [("anna", "create webhook subscription", URL, "created")]
    assert made.secret.get_secret_value() not in repr(made)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "dashboard.example.com/webhooks/debitura",
        "http://dashboard.example.com/webhooks/debitura",
        "ftp://dashboard.example.com/x",
        "https://",
        "https://with spaces.example.com",
        "https://anna:s3cret@dashboard.example.com/x",
        "http://127.0.0.1@evil.example/x",
        "http://127.0.0.1.evil.example/x",
        "http://localhost:80@evil.example/x",
        f"{URL}?{'x' * 1024}",
    ],
)
def test_an_address_that_cannot_be_delivered_to_is_refused_before_asking(
    store: Store, secrets: WebhookSecrets, url: str
) -> None:
    with (
        answering(500, None) as api,
        pytest.raises(WishInvalid, match="begins with https") as raised,
    ):
        created(store, api, secrets, url)
    assert api.requests_sent == 0
    assert "s3cret" not in str(raised.value)
    assert audit(store) == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8501/webhooks/debitura",
        "http://localhost/webhooks/debitura",
        "http://[::1]:8501/webhooks/debitura",
        "https://dashboard.example.com",
    ],
)
def test_the_sandbox_also_delivers_to_this_machine(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, url: str
) -> None:
    created(store, api, secrets, url)
    assert [each.url for each in subscriptions.last_known(store)] == [url]


def test_no_event_at_all_is_refused_before_asking(store: Store, secrets: WebhookSecrets) -> None:
    with answering(500, None) as api:
        with pytest.raises(WishInvalid, match="at least one event"):
            subscriptions.create(store, api, secrets, URL, [], test_mode=False, **WHO)
        with pytest.raises(WishInvalid, match="at least one event"):
            subscriptions.change_events(store, api, "w-1", [], **WHO)
    assert api.requests_sent == 0


def test_an_event_that_debitura_does_not_know_is_audited_as_failed(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    with pytest.raises(ValidationFailed):
        subscriptions.create(store, api, secrets, URL, ["case.invented"], test_mode=False, **WHO)
    assert audit(store)[-1][-1] == "failed: ValidationFailed"
    assert subscriptions.last_known(store) == []


def test_a_secret_that_cannot_be_kept_is_given_back_with_the_reason(
    store: Store, api: ReferralPartnerApi, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    made = created(store, api, WebhookSecrets(tmp_path / "file" / "secrets.json"))
    assert made.secret.get_secret_value()
    assert made.kept_in is None
    assert made.not_kept is not None
    assert "cannot be written" in made.not_kept
    assert audit(store)[-1][-1] == "created, secret not kept"
    assert len(subscriptions.last_known(store)) == 1


def test_a_secret_that_was_not_told_is_asked_for(store: Store, secrets: WebhookSecrets) -> None:
    with answering(200, {"id": "w-1", "url": URL}) as api, pytest.raises(NoSecretTold):
        created(store, api, secrets)
    assert audit(store)[-1][-1] == "created, no secret told"
    assert [each.id for each in subscriptions.last_known(store)] == ["w-1"]


def test_events_are_changed_at_debitura_and_here(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    other, made = created(store, api, secrets, f"{URL}/other"), created(store, api, secrets)
    subscriptions.change_events(store, api, made.subscription_id, ["case.created"], **WHO)
    for known in (subscriptions.last_known(store), subscriptions.list_subscriptions(api, now=NOW)):
        assert {each.id: each.events for each in known} == {
            other.subscription_id: ALL_EVENTS,
            made.subscription_id: ("case.created",),
        }
    assert audit(store)[-1] == ("anna", "change webhook events", made.subscription_id, "changed")


def disabled(store: Store) -> list[subscriptions.Subscription]:
    return [each for each in subscriptions.last_known(store) if not each.is_active]


def test_a_disabled_subscription_is_told_and_enabled_again(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, world: World
) -> None:
    made = created(store, api, secrets)
    assert disabled(store) == []
    world.state.subscriptions[0].is_active = False
    world.state.subscriptions[0].disabled_reason = "Eight failures."
    subscriptions.remember(store, api, now=NOW)
    (ill,) = disabled(store)
    assert (ill.id, ill.disabled_reason) == (made.subscription_id, "Eight failures.")
    subscriptions.enable(store, api, ill.id, **WHO)
    assert disabled(store) == []
    assert audit(store)[-1] == ("anna", "enable webhook subscription", ill.id, "enabled")


def test_a_rotation_keeps_both_secrets(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    first = created(store, api, secrets)
    second = subscriptions.rotate_secret(store, api, secrets, first.subscription_id, **WHO)
    assert first.secret != second.secret
    assert set(secrets.current()) == {first.secret, second.secret}
    assert audit(store)[-1] == (
        "anna",
        "rotate webhook secret",
        first.subscription_id,
        "rotated",
    )


def test_a_deleted_subscription_is_forgotten_with_its_secret(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    kept, made = created(store, api, secrets, f"{URL}/other"), created(store, api, secrets)
    subscriptions.delete(store, api, secrets, made.subscription_id, **WHO)
    assert [each.id for each in subscriptions.last_known(store)] == [kept.subscription_id]
    assert secrets.current() == (kept.secret,)
    assert len(api.webhooks()) == 1
    assert audit(store)[-1][2:] == (made.subscription_id, "deleted")


def test_one_that_is_gone_already_is_forgotten_too(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    made = created(store, api, secrets)
    api.delete_webhook(made.subscription_id)
    subscriptions.delete(store, api, secrets, made.subscription_id, **WHO)
    assert subscriptions.last_known(store) == []
    assert secrets.current() == ()
    assert [row[-1] for row in audit(store)] == ["created", "failed: NotFound"]


def test_one_that_stays_keeps_its_secret(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    made = created(store, api, secrets)
    with answering(500, None) as failing, pytest.raises(ApiUnavailable):
        subscriptions.delete(store, failing, secrets, made.subscription_id, **WHO)
    assert secrets.current() == (made.secret,)
    assert len(subscriptions.last_known(store)) == 1


def test_a_secret_that_cannot_be_forgotten_is_told_once_the_rest_is_done(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    made = created(store, api, secrets)
    secrets.path.chmod(0o644)
    with pytest.raises(WebhookSecretsError, match="chmod"):
        subscriptions.delete(store, api, secrets, made.subscription_id, **WHO)
    assert subscriptions.last_known(store) == []


def test_remembering_is_news_only_where_something_differs(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, world: World
) -> None:
    created(store, api, secrets)
    before = store.revision()
    later = NOW + timedelta(hours=1)
    subscriptions.remember(store, api, now=later)
    assert store.revision() == before
    assert [each.seen_at for each in subscriptions.last_known(store)] == [later]
    world.state.subscriptions[0].is_active = False
    subscriptions.remember(store, api, now=later)
    assert store.revision() == before + 1
    world.state.subscriptions.clear()
    subscriptions.remember(store, api, now=later)
    assert store.revision() == before + 2
    assert subscriptions.last_known(store) == []


def test_what_was_remembered_stays_where_debitura_cannot_be_read(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    created(store, api, secrets)
    before = subscriptions.last_known(store)
    with answering(401, None) as refusing, pytest.raises(Unauthorized):
        subscriptions.remember(store, refusing, now=NOW)
    assert subscriptions.last_known(store) == before


def test_a_subscription_that_tells_next_to_nothing_is_listed(store: Store) -> None:
    with answering(200, [{"id": "w-1"}, {"id": "w-1"}]) as api:
        subscriptions.remember(store, api, now=NOW)
    (known,) = subscriptions.last_known(store)
    assert (known.url, known.events, known.is_active, known.comes_here) == (None, (), True, False)


def test_the_sandboxs_subscription_is_made_once_and_mended_after(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, world: World
) -> None:
    other = created(store, api, secrets, f"{URL}/other")
    first = subscriptions.ensure(store, api, secrets, URL, **WHO)
    subscriptions.change_events(store, api, first.subscription_id, ["case.created"], **WHO)
    mine = next(each for each in world.state.subscriptions if each.url == URL)
    mine.is_active = False
    again = subscriptions.ensure(store, api, secrets, URL, **WHO)
    assert again.subscription_id == first.subscription_id
    assert len(api.webhooks()) == 2
    known = {each.id: each for each in subscriptions.last_known(store)}
    assert known[again.subscription_id].events == ALL_EVENTS
    assert known[again.subscription_id].is_active
    assert again.secret in secrets.current()
    assert other.secret in secrets.current()


@contextmanager
def receiver() -> Iterator[tuple[str, "Queue[tuple[str, str | None, bytes]]"]]:
    """An address, and what is delivered to it: event, signature and body."""
    got: Queue[tuple[str, str | None, bytes]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.put((self.headers["X-Debitura-Event"], self.headers[SIGNATURE_HEADER], body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_address[1]}/webhooks/debitura", got
        finally:
            http.shutdown()
            thread.join()


def test_test_events_come_signed_with_the_secret_of_the_time(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets
) -> None:
    assert Sync(store, api).run().is_true
    with receiver() as (url, got):
        first = created(store, api, secrets, url)
        for event in (WebhookEvent.CASE_CLOSED, WebhookEvent.CONTRACT_SIGNED):
            subject = next(iter(subscriptions.sample_subjects(store, event)))
            assert subscriptions.send_test(store, api, event, subject, **WHO) == 1
            name, signature, body = got.get(timeout=PATIENCE_S)
            assert name == event
            assert subject.encode() in body
            verify(first.secret, signature, body, signed_at(signature))
        second = subscriptions.rotate_secret(store, api, secrets, first.subscription_id, **WHO)
        subscriptions.send_test(store, api, WebhookEvent.CONTRACT_SIGNED, subject, **WHO)
        _, signature, body = got.get(timeout=PATIENCE_S)
    verify(second.secret, signature, body, signed_at(signature))
    with pytest.raises(SignatureMismatch):
        verify(first.secret, signature, body, signed_at(signature))
    assert ("anna", "send test event", "case.closed", "sent to 1") in audit(store)


def signed_at(signature: str | None) -> float:
    """The sandbox's own time, in seconds since 1970."""
    assert signature is not None
    return float(signature.removeprefix("t=").partition(",")[0])


def test_the_newest_cases_and_clients_are_offered_for_a_test(
    store: Store, api: ReferralPartnerApi, world: World
) -> None:
    assert subscriptions.sample_subjects(store, WebhookEvent.CASE_CREATED) == {}
    assert Sync(store, api).run().is_true
    cases = subscriptions.sample_subjects(store, WebhookEvent.CASE_CREATED)
    assert len(cases) == subscriptions.SAMPLE_CHOICES
    newest = max(world.state.cases, key=lambda case: case.created)
    assert newest.id in cases
    assert newest.reference in cases[newest.id]
    linked = subscriptions.sample_subjects(store, WebhookEvent.CLIENT_LINKED)
    assert set(linked) <= {client.tenant_id for client in world.clients}
    assert linked


def test_a_test_that_nobody_asked_for_goes_to_nobody(store: Store, api: ReferralPartnerApi) -> None:
    tenant = api.clients().rows[0].tenant_id
    event = WebhookEvent.CLIENT_LINKED
    assert subscriptions.send_test(store, api, event, tenant, **WHO) == 0
    with pytest.raises(NotFound):
        subscriptions.send_test(store, api, WebhookEvent.CASE_CLOSED, "no-such-case", **WHO)
    assert [row[-1] for row in audit(store)] == ["sent to 0", "failed: NotFound"]


def test_production_sends_no_test(store: Store) -> None:
    with answering(403, {"error": "Forbidden"}) as api, pytest.raises(Forbidden):
        subscriptions.send_test(store, api, WebhookEvent.CLIENT_LINKED, "acme", **WHO)
    assert audit(store)[-1][-1] == "failed: Forbidden"


def test_no_secret_is_in_the_store(
    store: Store, api: ReferralPartnerApi, secrets: WebhookSecrets, tmp_path: Path
) -> None:
    made = created(store, api, secrets)
    again = subscriptions.rotate_secret(store, api, secrets, made.subscription_id, **WHO)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    for secret in (made.secret, again.secret):
        assert isinstance(secret, SecretStr)
        assert secret.get_secret_value().encode() not in stored
