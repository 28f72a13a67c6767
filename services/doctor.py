"""Is it wired up? Each check says what it found and, where something is wrong, what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services.activity import freshness
from services.debitura import DebituraError
from services.settings import Settings, SettingsError
from services.store import StoreError
from services.wiring import open_api, open_store


@dataclass(frozen=True)
class Check:
    """What was looked at, whether it is well, and a sentence on it."""

    name: str
    ok: bool
    told: str


def examine(settings: Settings) -> Iterator[Check]:
    """All checks, one after the other; none of them changes anything at Debitura."""
    yield Check("Environment", True, f"{settings.environment}, {settings.referral_url}")
    yield _key(settings)
    yield _webhook(settings)
    yield from _store(settings)


def _key(settings: Settings) -> Check:
    try:
        with open_api(settings) as api:
            partner = api.me()
    except (SettingsError, DebituraError) as error:
        return Check("API key", False, str(error))
    return Check("API key", True, f"accepted for {partner.company_name or partner.id}")


def _webhook(settings: Settings) -> Check:
    told = "a secret is set" if settings.webhook_secrets else "no secret is set"
    return Check(
        "Webhook", True, f"{told}; events are not received yet, changes show with the next sync"
    )


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
