"""The partner itself: branding, coverage, filter options and webhook subscriptions."""

from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from services.debitura.enums import InvoicingTriggerMode
from services.debitura.schemas.base import (
    Amount,
    Count,
    Flag,
    Identity,
    Mirrored,
    Model,
    Moment,
    Request,
    Text,
)


class Partner(Mirrored):
    """The referral partner the key belongs to. Branding values are free text: do not trust them."""

    id: Identity
    company_name: Text = None
    short_name: Text = None
    contact_email: Text = None
    external_system_id: Text = None
    referral_fee_percentage: Amount = None
    is_active: Flag = None
    is_public_demo: Flag = None
    logo_url: Text = None
    background_color_code: Text = None
    font_color: Text = None
    font_family: Text = None
    invoicing_trigger_mode: Annotated[
        InvoicingTriggerMode | str | None, Field(union_mode="left_to_right")
    ] = None


class PartnerCoverage(Model):
    partner_id: Text = None
    partner_name: Text = None
    conditions: Text = None


class CoverageItem(Mirrored):
    """A jurisdiction and the collection partners that work there."""

    jurisdiction_id: int
    jurisdiction: Text = None
    country: Text = None
    country_id: Count = None
    country_alpha2: Text = Field(default=None, alias="countryAlpha2")
    us_state_alpha2: Text = Field(default=None, alias="usStateAlpha2")
    partners: list[PartnerCoverage] = Field(default_factory=list)


class CountryOption(Model):
    id: int
    name: Text = None


class CollectionPartnerOption(Model):
    id: Identity
    name: Text = None


class FilterOptions(Model):
    """Ids for the ``country_ids`` and ``collection_partner_ids`` filters."""

    countries: list[CountryOption] = Field(default_factory=list)
    carveout_partners: list[CollectionPartnerOption] = Field(default_factory=list)


class Webhook(Model):
    """A subscription. ``secret`` (Base64) is only told on creation or when made anew."""

    id: Identity
    url: Text = None
    events: list[str] = Field(default_factory=list)
    is_active: Flag = None
    created_utc: Moment = None
    updated_utc: Moment = None
    disabled_reason: Text = None
    secret: SecretStr | None = None
    is_test_mode: Flag = None


_ENCRYPTED = r"https://[^\s/?#@]+"
_ON_THIS_MACHINE = r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?"
PublicUrl = Annotated[
    str,
    StringConstraints(max_length=1024, pattern=rf"^({_ENCRYPTED}|{_ON_THIS_MACHINE})([/?#]\S*)?$"),
]
"""Where Debitura delivers to: HTTPS without a name or password in it. A sandbox on this machine
also delivers over HTTP, to this machine only."""


class NewWebhook(Request):
    """``is_test_mode`` true receives test data only."""

    url: PublicUrl
    events: list[str] = Field(min_length=1)
    is_test_mode: bool = False


class WebhookChange(Request):
    """What is None stays as it is; ``is_active`` true enables one that was switched off."""

    url: PublicUrl | None = None
    events: list[str] | None = None
    is_active: bool | None = None
    regenerate_secret: bool = False
    is_test_mode: bool | None = None


class WebhookSample(Request):
    """A sample to send (test environment): case events need a case, client events a client."""

    event_type: Annotated[str, StringConstraints(min_length=1)]
    case_id: str | None = None
    tenant_id: str | None = Field(default=None, alias="externalTenantId")
    old_lifecycle: str | None = None
    new_lifecycle: str | None = None
    close_code: str | None = None
    close_comment: str | None = None


class WebhookSampleResult(Model):
    """``enqueued_count`` 0 means that no subscription asked for the event."""

    event_type: Text = None
    enqueued_count: Count = None
    message: Text = None
