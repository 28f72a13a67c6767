"""Settings come from the environment, under names that other tools rely on."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.domain.onboarding_stage import OnboardingStage
from services.settings import (
    STUCK_LIMITS,
    Environment,
    Settings,
    SettingsError,
    child_environment,
    load_settings,
)

README = Path(__file__).parents[2] / "README.md"
NAMES = {
    "DEBITURA_ENVIRONMENT",
    "DEBITURA_API_KEY",
    "DEBITURA_REFERRAL_URL",
    "DEBITURA_CUSTOMER_URL",
    "DEBITURA_WEBHOOK_SECRET",
    "DEBITURA_LINK_TTL_DAYS",
    "DATABASE_URL",
    "PARTNER_DASHBOARD_DATA",
}


def aliases() -> list[str]:
    return [str(field.validation_alias) for field in Settings.model_fields.values()]


def test_without_anything_set_it_is_the_sandbox() -> None:
    settings = load_settings()
    assert settings.environment is Environment.SANDBOX
    assert settings.own_sandbox
    assert settings.referral_url == "http://127.0.0.1:8600/referral"
    assert settings.customer_url == "http://127.0.0.1:8600/customer"
    assert settings.require_api_key() == SecretStr("sandbox")
    assert settings.approval_ttl == timedelta(days=7)
    assert settings.webhook_secrets == ()
    assert settings.database_url == f"sqlite:///{settings.data_dir / 'sandbox.sqlite'}"


@pytest.mark.parametrize(
    ("environment", "referral", "customer"),
    [
        ("test", "https://testreferral-api.debitura.com", "https://testcustomer-api.debitura.com"),
        ("production", "https://referral-api.debitura.com", "https://customer-api.debitura.com"),
    ],
)
def test_an_environment_has_its_own_addresses_and_file(
    monkeypatch: pytest.MonkeyPatch, environment: str, referral: str, customer: str
) -> None:
    monkeypatch.setenv("DEBITURA_ENVIRONMENT", environment)
    settings = load_settings()
    assert (settings.referral_url, settings.customer_url) == (referral, customer)
    assert settings.database_url.endswith(f"/{environment}.sqlite")
    assert not settings.own_sandbox


def test_every_fixed_name_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "DEBITURA_ENVIRONMENT": "test",
        "DEBITURA_API_KEY": "key-1",
        "DEBITURA_REFERRAL_URL": "http://127.0.0.1:1/r",
        "DEBITURA_CUSTOMER_URL": "http://127.0.0.1:1/c",
        "DEBITURA_WEBHOOK_SECRET": " c2VjcmV0 , b2xkZXI= ,",
        "DEBITURA_LINK_TTL_DAYS": "30",
        "PARTNER_DASHBOARD_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.require_api_key().get_secret_value() == "key-1"
    assert settings.referral_url == "http://127.0.0.1:1/r"
    assert settings.customer_url == "http://127.0.0.1:1/c"
    secrets = [secret.get_secret_value() for secret in settings.webhook_secrets]
    assert secrets == ["c2VjcmV0", "b2xkZXI="]
    assert settings.approval_ttl == timedelta(days=30)
    assert settings.database_url == f"sqlite:///{tmp_path / 'test.sqlite'}"
    monkeypatch.setenv("DATABASE_URL", "sqlite:////elsewhere/x.sqlite")
    assert load_settings().database_url == "sqlite:////elsewhere/x.sqlite"


def test_the_fixed_names_are_all_there() -> None:
    assert set(aliases()) >= NAMES


@pytest.mark.parametrize("name", sorted({*aliases()} - {"DEBITURA_ENVIRONMENT"}))
def test_a_blank_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    usual = load_settings()
    monkeypatch.setenv(name, "")
    assert load_settings() == usual


BAD = [
    ("DEBITURA_ENVIRONMENT", "staging"),
    ("DEBITURA_LINK_TTL_DAYS", "0"),
    ("DEBITURA_LINK_TTL_DAYS", "31"),
    ("DEBITURA_LINK_TTL_DAYS", "a week"),
    ("DEBITURA_REFERRAL_URL", "not-an-address-s3cret"),
    ("DEBITURA_CUSTOMER_URL", "ftp://user:s3cret@host"),
    ("DATABASE_URL", "no-database-s3cret"),
    ("PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", "0"),
    ("PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", "inf"),
    ("PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", "nan"),
    ("PARTNER_DASHBOARD_SYNC_INTERVAL_SECONDS", "1e12"),
    ("PARTNER_DASHBOARD_REQUESTS_PER_MINUTE", "2001"),
    ("PARTNER_DASHBOARD_REQUESTS_PER_MINUTE", "0"),
    *(
        ("PARTNER_DASHBOARD_STUCK_AFTER_DAYS", value)
        for value in (
            "0",
            "-1",
            "1.5",
            "soon",
            "3651",
            "9" * 5000,
            "²",
            "created=0",
            "created=-1",
            "created=",
            "=7",
            "created=7, kyc_pending=3651",
            "created=7; kyc_pending=5",
            "created=7, 14",
            "first_case=7",
            "link_requested=7",
            "s3cret=7",
        )
    ),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_is_told_by_its_name_and_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    told = str(refused.value)
    assert told.startswith(f"{name} cannot be used: ")
    assert told.endswith(".")
    assert "\n" not in told
    assert "s3cret" not in told
    assert "pydantic" not in told


def test_each_bad_value_has_its_own_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBITURA_ENVIRONMENT", "staging")
    monkeypatch.setenv("DEBITURA_LINK_TTL_DAYS", "99")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).count(" cannot be used: ") == 2


def stuck_days(monkeypatch: pytest.MonkeyPatch, value: str) -> dict[str, int]:
    monkeypatch.setenv("PARTNER_DASHBOARD_STUCK_AFTER_DAYS", value)
    return {stage.value: limit.days for stage, limit in load_settings().stuck_limits.items()}


USUAL_LIMITS = {
    "created": 7,
    "poa_signed": 7,
    "contract_upgrade": 7,
    "power_of_attorney": 7,
    "kyc_pending": 10,
    "contract_signed": 30,
}


def test_clients_are_stuck_after_the_usual_days_unless_told_otherwise() -> None:
    days = {stage.value: limit.days for stage, limit in load_settings().stuck_limits.items()}
    assert days == USUAL_LIMITS
    assert all(isinstance(stage, OnboardingStage) for stage in STUCK_LIMITS)


@pytest.mark.parametrize("value", ["21", " 21 "])
def test_one_number_is_the_limit_of_all_stages_that_wait_for_the_client(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    waiting = dict.fromkeys(USUAL_LIMITS, 21)
    assert stuck_days(monkeypatch, value) == {**waiting, "contract_signed": 30}


def test_a_named_stage_has_its_own_limit_and_the_others_keep_theirs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = stuck_days(monkeypatch, "created=1, contract_signed = 3650,")
    assert told == {**USUAL_LIMITS, "created": 1, "contract_signed": 3650}


@pytest.mark.parametrize("environment", ["test", "production"])
@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_missing_key_is_told_with_what_to_set(
    monkeypatch: pytest.MonkeyPatch, environment: str, key: str | None
) -> None:
    monkeypatch.setenv("DEBITURA_ENVIRONMENT", environment)
    if key is not None:
        monkeypatch.setenv("DEBITURA_API_KEY", key)
    with pytest.raises(SettingsError, match="Set DEBITURA_API_KEY"):
        load_settings().require_api_key()


def test_secrets_do_not_show_in_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBITURA_API_KEY", "s3cret-1")
    monkeypatch.setenv("DEBITURA_WEBHOOK_SECRET", "s3cret-2")
    assert "s3cret" not in repr(load_settings())


def test_a_child_has_this_environment_with_changes_on_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBITURA_ENVIRONMENT", "test")
    environment = child_environment(DEBITURA_API_KEY="k")
    assert environment["DEBITURA_ENVIRONMENT"] == "test"
    assert environment["DEBITURA_API_KEY"] == "k"


@pytest.mark.parametrize("name", aliases())
def test_a_setting_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_a_setting_says_what_it_is_for(field: str) -> None:
    assert (Settings.model_fields[field].description or "").endswith(".")
