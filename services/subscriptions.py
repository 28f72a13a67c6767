"""Webhook subscriptions: what Debitura is asked to deliver, where to, and with which secret."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from services.debitura import DebituraError, NotFound, ReferralPartnerApi
from services.debitura.enums import WebhookEvent
from services.debitura.schemas import (
    NewWebhook,
    Webhook,
    WebhookChange,
    WebhookSample,
    WebhookSampleResult,
)
from services.store import Store, Window, announce, cases, clients
from services.store import subscriptions as stored
from services.store.tables import AuditRow, WebhookSubscriptionRow
from services.webhook_secrets import WebhookSecrets, WebhookSecretsError

RECEIVER_PATH = "/webhooks/debitura"
"""Where the dashboard itself takes deliveries."""
SAMPLE_CHOICES = 25
"""How many cases or clients a sample event can be chosen to be about."""

EVENTS: dict[WebhookEvent, str] = {
    WebhookEvent.POA_SIGNED: "A client signed a power of attorney.",
    WebhookEvent.CONTRACT_SIGNED: "A client signed the debt collection agreement.",
    WebhookEvent.CLIENT_LINKED: "A client is linked to you, or has approved the link.",
    WebhookEvent.LINK_DECLINED: "A company declined a link request.",
    WebhookEvent.LINK_REQUESTED: "A company with a Debitura account was asked for the link.",
    WebhookEvent.LINK_EXPIRED: "A link request ran out without an answer.",
    WebhookEvent.CASE_CREATED: "A case was created.",
    WebhookEvent.CASE_UPDATED: "A case moved to another state.",
    WebhookEvent.CASE_CLOSED: "A case was closed, and why.",
    WebhookEvent.CASES_REPLAY_FAILED: (
        "A case that was sent with a link request could not be created after the approval."
    ),
}
"""Every event that can be asked for, and what it tells."""
ALL_EVENTS = tuple(str(event) for event in EVENTS)
TESTABLE = tuple(event for event in EVENTS if event is not WebhookEvent.CASES_REPLAY_FAILED)
"""The events that Debitura sends samples of."""

NO_EVENTS = "Choose at least one event."
BAD_ADDRESS = (
    "Debitura delivers to an address that begins with https:// and holds no name or password. "
    "Only the sandbox also delivers to http:// on this machine (127.0.0.1, localhost or [::1])."
)

Answer = TypeVar("Answer")


class SubscriptionError(Exception):
    """Something about a subscription; the message says what to do."""


class WishInvalid(SubscriptionError):
    """What was asked for cannot be sent to Debitura."""


class NoSecretTold(SubscriptionError):
    """Debitura did what was asked, but told no secret."""

    def __init__(self) -> None:
        super().__init__(
            "Debitura did this but told no secret, so its deliveries cannot be checked. "
            "Rotate the subscription's secret."
        )


@dataclass(frozen=True)
class Subscription:
    """A webhook subscription as Debitura lists it."""

    id: str
    url: str | None
    events: tuple[str, ...]
    is_active: bool
    disabled_reason: str | None
    is_test_mode: bool
    created_at: datetime | None
    updated_at: datetime | None
    seen_at: datetime
    """When Debitura listed it so."""

    @property
    def place(self) -> str:
        """Where it points, without what follows a question mark: that may be somebody's token."""
        return _without_query(self.url or "no address")

    @property
    def comes_here(self) -> bool:
        """Whether it points at a dashboard's own receiver; at whose, the address says."""
        return urlsplit(self.url or "").path.endswith(RECEIVER_PATH)


@dataclass(frozen=True)
class NewSecret:
    """The secret of a subscription, told this once, and what became of it."""

    subscription_id: str
    url: str | None
    secret: SecretStr
    kept_in: Path | None
    not_kept: str | None
    """Why it could not be kept here, as a sentence."""


def list_subscriptions(api: ReferralPartnerApi, *, now: datetime) -> list[Subscription]:
    """All subscriptions as Debitura lists them now. Raises DebituraError."""
    return [_subscription(_row(webhook, now)) for webhook in api.webhooks()]


def remember(store: Store, api: ReferralPartnerApi, *, now: datetime) -> None:
    """Read the subscriptions at Debitura and keep what they are in the store.

    The store's revision rises only where one differs. Raises DebituraError; then what was
    remembered stays.
    """
    webhooks = api.webhooks()
    with store.write(quiet=True) as session:
        before = [replace(known, seen_at=now) for known in _known(stored.all_of(session))]
        rows = list({webhook.id: _row(webhook, now) for webhook in webhooks}.values())
        after = _known(rows)
        stored.replace_all(session, rows)
        if sorted(before, key=_by_id) != sorted(after, key=_by_id):
            announce(session)


def last_known(store: Store) -> list[Subscription]:
    """The subscriptions as Debitura listed them last, oldest first."""
    with store.read() as session:
        return _known(stored.all_of(session))


def create(
    store: Store,
    api: ReferralPartnerApi,
    secrets: WebhookSecrets,
    url: str,
    events: Sequence[str],
    *,
    test_mode: bool,
    actor: str,
    now: datetime,
) -> NewSecret:
    """Subscribe ``url`` to ``events`` and keep the secret.

    A secret that cannot be kept is given back all the same, because it is not told again. Raises
    WishInvalid before anything is asked, DebituraError where Debitura refuses, and NoSecretTold.
    """
    wanted = _new_webhook(url, events, test_mode)
    note = _Note(store, actor, "create webhook subscription", _without_query(wanted.url), now)
    made = note.attempt(lambda: api.create_webhook(wanted))
    return _kept(secrets, note, made, told="created")


def change_events(
    store: Store,
    api: ReferralPartnerApi,
    subscription_id: str,
    events: Sequence[str],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Ask for ``events`` and no others.

    Raises WishInvalid without any, and DebituraError where Debitura refuses.
    """
    if not events:
        raise WishInvalid(NO_EVENTS)
    change = WebhookChange(events=list(events))
    note = _Note(store, actor, "change webhook events", subscription_id, now)
    note.done(note.attempt(lambda: api.update_webhook(subscription_id, change)), "changed")


def enable(
    store: Store, api: ReferralPartnerApi, subscription_id: str, *, actor: str, now: datetime
) -> None:
    """Have Debitura deliver again. Raises DebituraError."""
    change = WebhookChange(is_active=True)
    note = _Note(store, actor, "enable webhook subscription", subscription_id, now)
    note.done(note.attempt(lambda: api.update_webhook(subscription_id, change)), "enabled")


def rotate_secret(
    store: Store,
    api: ReferralPartnerApi,
    secrets: WebhookSecrets,
    subscription_id: str,
    *,
    actor: str,
    now: datetime,
) -> NewSecret:
    """Have a new secret made and keep it; the old one stays accepted here for 24 hours.

    A secret that cannot be kept is given back as by ``create``. Raises DebituraError and
    NoSecretTold.
    """
    change = WebhookChange(regenerate_secret=True)
    note = _Note(store, actor, "rotate webhook secret", subscription_id, now)
    changed = note.attempt(lambda: api.update_webhook(subscription_id, change))
    return _kept(secrets, note, changed, told="rotated")


def delete(
    store: Store,
    api: ReferralPartnerApi,
    secrets: WebhookSecrets,
    subscription_id: str,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Unsubscribe and forget the secret; one that is gone already is forgotten as well.

    Raises DebituraError where it stays, and WebhookSecretsError where only its secret does.
    """
    note = _Note(store, actor, "delete webhook subscription", subscription_id, now)
    try:
        note.attempt(lambda: api.delete_webhook(subscription_id))
    except NotFound:
        note.gone(subscription_id, None)
    else:
        note.gone(subscription_id, "deleted")
    secrets.forget(subscription_id)


def send_test(
    store: Store,
    api: ReferralPartnerApi,
    event: WebhookEvent,
    subject_id: str,
    *,
    actor: str,
    now: datetime,
) -> int:
    """Have a sample of ``event`` delivered about a case or client; return to how many it goes.

    The sandbox and Debitura's test environment do this, production does not. Raises
    DebituraError.
    """
    about_case = is_about_case(event)
    sample = WebhookSample(
        event_type=str(event),
        case_id=subject_id if about_case else None,
        tenant_id=None if about_case else subject_id,
    )
    note = _Note(store, actor, "send test event", event, now)
    sent: WebhookSampleResult = note.attempt(lambda: api.send_test_webhook(sample))
    count = sent.enqueued_count or 0
    note.write(f"sent to {count}")
    return count


def is_about_case(event: WebhookEvent) -> bool:
    """Whether an event is about a case; else it is about a client."""
    return event.startswith("case.")


def sample_subjects(store: Store, event: WebhookEvent) -> dict[str, str]:
    """What a sample of ``event`` can be about, newest first: names by id."""
    with store.read() as session:
        if is_about_case(event):
            newest = Window(1, SAMPLE_CHOICES, "created_at", True)
            found = cases.page_of(session, cases.CaseFilter(), newest).rows
            return {row.id: _named(row.reference, row.client_name, row.id) for row in found}
        newest = Window(1, SAMPLE_CHOICES, "linked_at", True)
        linked = clients.page_of(session, clients.ClientFilter(), newest).rows
        return {row.external_tenant_id: _named(row.name, row.external_tenant_id) for row in linked}


def ensure(
    store: Store,
    api: ReferralPartnerApi,
    secrets: WebhookSecrets,
    url: str,
    *,
    actor: str,
    now: datetime,
) -> NewSecret:
    """Have one subscription of ``url`` that is enabled, for all events, with a secret kept here.

    The secret is made anew each time. Raises as ``create``.
    """
    found = next((known for known in list_subscriptions(api, now=now) if known.url == url), None)
    if found is None:
        return create(store, api, secrets, url, ALL_EVENTS, test_mode=False, actor=actor, now=now)
    change = WebhookChange(events=list(ALL_EVENTS), is_active=True, regenerate_secret=True)
    note = _Note(store, actor, "set up webhook subscription", found.id, now)
    changed = note.attempt(lambda: api.update_webhook(found.id, change))
    return _kept(secrets, note, changed, told="set up")


@dataclass(frozen=True)
class _Note:
    """What an action is noted as, in the audit log and among the known subscriptions."""

    store: Store
    actor: str
    action: str
    subject: str
    now: datetime

    def attempt(self, ask: Callable[[], Answer]) -> Answer:
        """The answer; a refusal is noted and raised on."""
        try:
            return ask()
        except DebituraError as error:
            self.write(f"failed: {type(error).__name__}")
            raise

    def write(self, outcome: str) -> None:
        with self.store.write() as session:
            session.add(self._row(outcome))

    def done(self, webhook: Webhook, outcome: str) -> None:
        """Note the outcome, and the subscription as it is now."""
        with self.store.write() as session:
            others = [each for each in _known(stored.all_of(session)) if each.id != webhook.id]
            stored.replace_all(session, [*map(_as_row, others), _row(webhook, self.now)])
            session.add(self._row(outcome))

    def gone(self, subscription_id: str, outcome: str | None) -> None:
        """Note that a subscription is no more."""
        with self.store.write() as session:
            others = [each for each in _known(stored.all_of(session)) if each.id != subscription_id]
            stored.replace_all(session, [_as_row(each) for each in others])
            if outcome is not None:
                session.add(self._row(outcome))

    def _row(self, outcome: str) -> AuditRow:
        return AuditRow(
            at=self.now,
            actor=self.actor,
            action=self.action,
            subject=self.subject,
            outcome=outcome,
        )


def _new_webhook(url: str, events: Sequence[str], test_mode: bool) -> NewWebhook:
    if not events:
        raise WishInvalid(NO_EVENTS)
    try:
        return NewWebhook(url=url.strip(), events=list(events), is_test_mode=test_mode)
    except ValidationError:
        raise WishInvalid(BAD_ADDRESS) from None


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _kept(secrets: WebhookSecrets, note: _Note, webhook: Webhook, *, told: str) -> NewSecret:
    """Keep the secret of an answer, and only then note what was done: it is told this once."""
    if webhook.secret is None:
        note.done(webhook, f"{told}, no secret told")
        raise NoSecretTold
    kept_in, not_kept = None, None
    try:
        secrets.keep(webhook.id, webhook.secret, note.now)
        kept_in = secrets.path
    except WebhookSecretsError as error:
        not_kept = str(error)
    note.done(webhook, told if kept_in else f"{told}, secret not kept")
    return NewSecret(webhook.id, webhook.url, webhook.secret, kept_in, not_kept)


def _row(webhook: Webhook, now: datetime) -> WebhookSubscriptionRow:
    return WebhookSubscriptionRow(
        id=webhook.id,
        url=webhook.url,
        events=webhook.events,
        is_active=webhook.is_active is not False,
        disabled_reason=webhook.disabled_reason,
        is_test_mode=bool(webhook.is_test_mode),
        created_at=webhook.created_utc,
        updated_at=webhook.updated_utc,
        seen_at=now,
    )


def _as_row(known: Subscription) -> WebhookSubscriptionRow:
    return WebhookSubscriptionRow(**{**asdict(known), "events": list(known.events)})


def _subscription(row: WebhookSubscriptionRow) -> Subscription:
    return Subscription(
        id=row.id,
        url=row.url,
        events=tuple(row.events),
        is_active=row.is_active,
        disabled_reason=row.disabled_reason,
        is_test_mode=row.is_test_mode,
        created_at=row.created_at,
        updated_at=row.updated_at,
        seen_at=row.seen_at,
    )


def _known(rows: Sequence[WebhookSubscriptionRow]) -> list[Subscription]:
    return [_subscription(row) for row in rows]


def _by_id(known: Subscription) -> str:
    return known.id


def _named(*parts: str | None) -> str:
    """``DEB-1 · Company``: those parts that there are, each once."""
    return " · ".join(dict.fromkeys(part for part in parts if part))
