"""Putting the parts together from the settings."""

from services.debitura import RateLimits, ReferralPartnerApi
from services.settings import Settings
from services.store import Store


def open_store(settings: Settings) -> Store:
    """The store of the settings' environment. Raises StoreError."""
    return Store.open(settings.database_url, settings.environment)


def open_api(settings: Settings) -> ReferralPartnerApi:
    """A client of the Referral Partner API; close it after use. Raises SettingsError."""
    return ReferralPartnerApi(
        settings.referral_url,
        settings.require_api_key(),
        limits=RateLimits(per_minute=settings.requests_per_minute),
    )
