"""Every setting, read from the environment in this one place."""

import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AnyHttpUrl,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from services.domain.onboarding_stage import OnboardingStage


class Environment(StrEnum):
    """Which Debitura the dashboard talks to."""

    SANDBOX = "sandbox"
    TEST = "test"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The environment does not hold usable settings; the message says which, and what to set."""


SANDBOX_KEY = "sandbox"
SANDBOX_PORT = 8600
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
LONG_PASS = timedelta(minutes=30)
"""A pass over the largest partner's data, at the pace that the key allows."""

STUCK_LIMITS: Mapping[OnboardingStage, timedelta] = {
    OnboardingStage.CREATED: timedelta(days=7),
    OnboardingStage.POA_SIGNED: timedelta(days=7),
    OnboardingStage.CONTRACT_UPGRADE: timedelta(days=7),
    OnboardingStage.POWER_OF_ATTORNEY: timedelta(days=7),
    OnboardingStage.KYC_PENDING: timedelta(days=10),
    OnboardingStage.CONTRACT_SIGNED: timedelta(days=30),
}
"""In which stages a client can be stuck, and after how long it is."""
LONGEST_STUCK_LIMIT_DAYS = 3650

_REFERRAL_URLS = {
    Environment.SANDBOX: f"http://127.0.0.1:{SANDBOX_PORT}/referral",
    Environment.TEST: "https://testreferral-api.debitura.com",
    Environment.PRODUCTION: "https://referral-api.debitura.com",
}
_CUSTOMER_URLS = {
    Environment.SANDBOX: f"http://127.0.0.1:{SANDBOX_PORT}/customer",
    Environment.TEST: "https://testcustomer-api.debitura.com",
    Environment.PRODUCTION: "https://customer-api.debitura.com",
}


class Settings(BaseSettings):
    """The dashboard's settings. Field descriptions are the README's configuration table."""

    model_config = SettingsConfigDict(
        populate_by_name=True, extra="ignore", frozen=True, env_ignore_empty=True
    )

    environment: Environment = Field(
        Environment.SANDBOX,
        validation_alias="DEBITURA_ENVIRONMENT",
        description="Which Debitura to talk to: `sandbox`, `test` or `production`.",
    )
    api_key: SecretStr | None = Field(
        None,
        validation_alias="DEBITURA_API_KEY",
        description="Key of the Referral Partner API; needed in `test` and `production`.",
    )
    referral_url_override: str | None = Field(
        None,
        validation_alias="DEBITURA_REFERRAL_URL",
        description="Address of the Referral Partner API, instead of the environment's own.",
    )
    customer_url_override: str | None = Field(
        None,
        validation_alias="DEBITURA_CUSTOMER_URL",
        description="Address of the Customer API, instead of the environment's own.",
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        validation_alias="DEBITURA_WEBHOOK_SECRET",
        description="Secret of the webhook subscription; several separated by commas.",
    )
    link_ttl_days: int = Field(
        7,
        ge=1,
        le=30,
        validation_alias="DEBITURA_LINK_TTL_DAYS",
        description="Days that a client has to answer a link request (1 to 30).",
    )
    database_url_override: str | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="Store to use instead of the environment's file in the data folder.",
    )
    data_dir: Path = Field(
        default_factory=lambda: platformdirs.user_data_path("partner-dashboard"),
        validation_alias="PARTNER_DASHBOARD_DATA",
        description="Folder of the default store files.",
    )
    sync_interval_seconds: float = Field(
        300,
        gt=0,
        le=86_400,
        validation_alias="PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS",
        description="Seconds between two passes of the worker, at most a day.",
    )
    full_scan_hours: float = Field(
        24,
        gt=0,
        le=24 * 31,
        validation_alias="PARTNER_DASHBOARD_FULL_SCAN_HOURS",
        description="Hours between two readings of everything; other passes read open work.",
    )
    requests_per_minute: int = Field(
        1800,
        ge=1,
        le=2000,
        validation_alias="PARTNER_DASHBOARD_REQUESTS_PER_MINUTE",
        description="Most requests a minute with the key; Debitura allows 2,000.",
    )
    stuck_limits: Annotated[Mapping[OnboardingStage, timedelta], NoDecode] = Field(
        STUCK_LIMITS,
        validation_alias="PARTNER_DASHBOARD_STUCK_AFTER_DAYS",
        description=(
            "Days in a stage after which a client counts as stuck: one number for all stages that "
            "wait for the client's signature or proof, or `created=7, kyc_pending=10`."
        ),
    )

    @field_validator(
        "api_key",
        "referral_url_override",
        "customer_url_override",
        "database_url_override",
        mode="before",
    )
    @classmethod
    def _blank_is_unset(cls, value: Any) -> Any:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("referral_url_override", "customer_url_override")
    @classmethod
    def _is_web_address(cls, value: str | None) -> str | None:
        if value is not None:
            TypeAdapter(AnyHttpUrl).validate_python(value)
        return value

    @field_validator("database_url_override")
    @classmethod
    def _is_database_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("it is not the address of a database") from None
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            # Child processes run in another folder.
            url = url.set(database=str(Path(str(url.database)).expanduser().absolute()))
        return url.render_as_string(hide_password=False)

    @model_validator(mode="after")
    def _production_is_encrypted(self) -> Self:
        for name in ("referral_url_override", "customer_url_override"):
            parts = urlsplit(getattr(self, name) or "")
            on_the_wire = parts.scheme == "http" and parts.hostname not in LOOPBACK_HOSTS
            if self.environment is Environment.PRODUCTION and on_the_wire:
                raise ValueError(
                    "an address of the production API has to begin with https, "
                    "or the key would travel unencrypted"
                )
        return self

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        # Child processes run in another folder.
        return value.expanduser().absolute()

    @field_validator("webhook_secrets", mode="before")
    @classmethod
    def _split_secrets(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("stuck_limits", mode="before")
    @classmethod
    def _read_stuck_limits(cls, value: Any) -> Any:
        return {**STUCK_LIMITS, **_stuck_limits(value)} if isinstance(value, str) else value

    @property
    def referral_url(self) -> str:
        return self.referral_url_override or _REFERRAL_URLS[self.environment]

    @property
    def customer_url(self) -> str:
        return self.customer_url_override or _CUSTOMER_URLS[self.environment]

    @property
    def database_url(self) -> str:
        file = self.data_dir / f"{self.environment}.sqlite"
        return self.database_url_override or str(URL.create("sqlite", database=str(file)))

    @property
    def approval_ttl(self) -> timedelta:
        return timedelta(days=self.link_ttl_days)

    @property
    def full_scan_every(self) -> timedelta:
        return timedelta(hours=self.full_scan_hours)

    @property
    def expected_freshness(self) -> timedelta:
        """How old data may grow before something must be wrong."""
        return timedelta(seconds=3 * self.sync_interval_seconds) + LONG_PASS

    @property
    def own_sandbox(self) -> bool:
        """Whether ``serve`` has to start the sandbox itself."""
        return self.environment is Environment.SANDBOX and self.referral_url_override is None

    def require_api_key(self) -> SecretStr:
        """The key of the Referral Partner API.

        Raises SettingsError where none is set and the environment needs one.
        """
        if self.api_key is not None:
            return self.api_key
        if self.environment is Environment.SANDBOX:
            return SecretStr(SANDBOX_KEY)
        raise SettingsError(
            f"No API key for the {self.environment} environment. "
            "Set DEBITURA_API_KEY to the key that Debitura gave you."
        )


def _stuck_limits(text: str) -> dict[OnboardingStage, timedelta]:
    """The limits that ``14`` or ``created=7, kyc_pending=10`` sets; none where it is blank."""
    if "=" not in text:
        waiting = [stage for stage in STUCK_LIMITS if stage.waits_for_client]
        return dict.fromkeys(waiting, _stuck_limit(text)) if text.strip() else {}
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {_stuck_stage(name): _stuck_limit(days) for name, _, days in pairs}


def _stuck_stage(name: str) -> OnboardingStage:
    if name.strip() not in list(STUCK_LIMITS):
        raise ValueError(f"it names another stage than {', '.join(STUCK_LIMITS)}")
    return OnboardingStage(name.strip())


def _stuck_limit(days: str) -> timedelta:
    digits = days.strip()
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 9 else 0
    if not 1 <= number <= LONGEST_STUCK_LIMIT_DAYS:
        raise ValueError(
            f"each limit has to be a whole number of days from 1 to {LONGEST_STUCK_LIMIT_DAYS}"
        )
    return timedelta(days=number)


def load_settings() -> Settings:
    """The settings that the environment holds.

    Raises SettingsError with one sentence for each value that cannot be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(" ".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    meanings = {
        field.validation_alias: field.description for field in Settings.model_fields.values()
    }
    return [
        f"{problem['loc'][0]} cannot be used: {_fault(problem['msg'])}. "
        f"It is for: {meanings.get(str(problem['loc'][0]), '')}"
        # The value itself is left out: it may be a secret.
        for problem in error.errors(include_url=False, include_input=False)
    ]


def _fault(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "it has to be")


def child_environment(**overrides: str) -> dict[str, str]:
    """This process's environment for a child process, with ``overrides`` on top."""
    return {**os.environ, **overrides}
