"""Putting the parts together from the settings."""

from pathlib import Path

from services.debitura import RateLimiter, RateLimits, ReferralPartnerApi, RetryPolicy
from services.debitura.usage import UsageFile
from services.settings import Settings
from services.store import Store, sqlite
from services.webhook_secrets import WebhookSecrets

HASTY_TIMEOUT_S = 10.0


def open_store(settings: Settings) -> Store:
    """The store of the settings' environment. Raises StoreError."""
    return Store.open(settings.database_url, settings.environment)


def open_api(settings: Settings, *, patient: bool = True) -> ReferralPartnerApi:
    """A client of the Referral Partner API; close it after use. Raises SettingsError.

    One that is not ``patient`` asks once and not for long: for who tries again later anyway.
    """
    limits = RateLimits(per_minute=settings.requests_per_minute)
    counted = requests_file(settings)
    return ReferralPartnerApi(
        settings.referral_url,
        settings.require_api_key(),
        limiter=RateLimiter(limits, shared=UsageFile(counted) if counted else None),
        timeout=None if patient else HASTY_TIMEOUT_S,
        retries=None if patient else RetryPolicy(attempts=1),
    )


def requests_file(settings: Settings) -> Path | None:
    """Where the processes that share a key count its requests.

    Beside the store, because a store is one environment's, as a key is. None where the store is
    no file: then each process counts for itself.
    """
    store = sqlite.file_of(settings.database_url)
    return Path(f"{store}-requests.json") if store else None


def webhook_secrets(settings: Settings) -> WebhookSecrets:
    """The secrets of the settings, and those that the dashboard keeps in the data folder."""
    file = settings.data_dir / f"{settings.environment}-webhook-secrets.json"
    return WebhookSecrets(file, settings.webhook_secrets)
