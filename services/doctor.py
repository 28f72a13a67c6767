"""Is it wired up? Each check says what it found and, where something is wrong, what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services import subscriptions
from services.activity import freshness
from services.debitura import DebituraError
from services.settings import Settings, SettingsError
from services.store import StoreError
from services.subscriptions import RECEIVER_PATH, Subscription
from services.webhook_secrets import WebhookSecrets, WebhookSecretsError
from services.wiring import open_api, open_store, webhook_secrets

WEBHOOK = "Webhook"


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, and a sentence on it."""

    name: str
    ok: bool
    told: str


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, one after the other; none of them changes anything at Debitura."""
    yield Check("Environment", True, f"{settings.environment}, {settings.referral_url}")
    key = _key(settings)
    yield key
    yield _webhook(settings, key_works=key.ok)
    yield from _store(settings)


def _key(settings: Settings) -> Check:
    try:
        with open_api(settings) as api:
            partner = api.me()
    except (SettingsError, DebituraError) as error:
        return Check("API key", False, str(error))
    return Check("API key", True, f"accepted for {partner.company_name or partner.id}")


def _webhook(settings: Settings, *, key_works: bool) -> Check:
    try:
        secrets = webhook_secrets(settings)
        known = secrets.current()
        if not key_works:
            told = "a secret is known" if known else "no secret is known"
            return Check(WEBHOOK, True, f"{told}; the subscriptions are read once the key works")
        with open_api(settings) as api:
            listed = subscriptions.list_subscriptions(api, now=datetime.now(UTC))
        return _subscriptions(listed, secrets)
    except WebhookSecretsError as error:
        return Check(WEBHOOK, False, str(error))
    except (SettingsError, DebituraError) as error:
        return Check(WEBHOOK, False, f"the subscriptions cannot be read: {error}")


def _subscriptions(listed: list[Subscription], secrets: WebhookSecrets) -> Check:
    if not listed:
        told = "no subscription, so changes show with the next sync. Create one in Settings."
        return Check(WEBHOOK, True, told)
    if disabled := [each for each in listed if not each.is_active]:
        reasons = ", ".join(f"{each.place} ({_reason(each)})" for each in disabled)
        advice = "Enable again what you need in Settings, and delete the rest."
        told = f"{len(disabled)} of {len(listed)} subscriptions disabled: {reasons}. {advice}"
        return Check(WEBHOOK, False, told)
    return _delivered(listed, secrets)


def _delivered(listed: list[Subscription], secrets: WebhookSecrets) -> Check:
    """Whether what the active subscriptions deliver comes to a dashboard that can check it."""
    here = [each for each in listed if each.comes_here]
    if not here:
        told = f"{_counted(listed)}, none of them to {RECEIVER_PATH}. Create one in Settings."
        return Check(WEBHOOK, True, told)
    known = here if secrets.given else [each for each in here if secrets.holds(each.id)]
    if not known:
        told = f"no secret is known, so what comes to {_places(here)} is refused"
        advice = "Rotate it in Settings, or set DEBITURA_WEBHOOK_SECRET."
        return Check(WEBHOOK, False, f"{told}. {advice}")
    return Check(WEBHOOK, True, f"{_counted(listed)}, a secret is known for {_places(known)}")


def _places(subscriptions: list[Subscription]) -> str:
    return ", ".join(each.place for each in subscriptions)


def _reason(disabled: Subscription) -> str:
    return (disabled.disabled_reason or "no reason told").rstrip(".")


def _counted(listed: list[Subscription]) -> str:
    return "1 active subscription" if len(listed) == 1 else f"{len(listed)} active subscriptions"


def _store(settings: Settings) -> Iterator[Check]:
    try:
        store = open_store(settings)
    except StoreError as error:
        yield Check("Store", False, str(error))
        return
    yield Check("Store", True, store.location)
    state = freshness(store)
    store.close()
    if state.true_at is None:
        told = state.reason or "Nothing was read yet. Run `partner-dashboard sync`."
        yield Check("Data", False, told)
        return
    age = datetime.now(UTC) - state.true_at
    told = f"true to Debitura {age.total_seconds() / 60:.0f} minutes ago"
    yield Check("Data", not state.failed, state.reason or told)
