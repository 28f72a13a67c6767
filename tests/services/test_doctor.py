"""What the doctor says of webhooks, against a sandbox that answers over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from services import doctor, subscriptions
from services.doctor import Check
from services.sandbox import SandboxOptions, World, serving
from services.settings import Settings
from services.store import Store
from services.subscriptions import ALL_EVENTS
from services.wiring import open_api, webhook_secrets
from tests.filling import NOW

OWN = "https://dashboard.example.com/webhooks/debitura"
OTHER = "https://other.example.com/hook"
TINY = SandboxOptions(clients=20, cases=60, transactions=80, requests_per_minute=None)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[World, str]]:
    world = World.generate(TINY)
    with serving(world, TINY) as url:
        yield world, url


@pytest.fixture
def world(sandbox: tuple[World, str]) -> World:
    """The sandbox's world, without subscriptions."""
    sandbox[0].state.subscriptions.clear()
    return sandbox[0]


@pytest.fixture
def settings(world: World, sandbox: tuple[World, str], tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, referral_url_override=f"{sandbox[1]}/referral")


def webhook(settings: Settings) -> Check:
    (found,) = [check for check in doctor.examine(settings) if check.name == "Webhook"]
    return found


def subscribe(settings: Settings, store: Store, url: str = OWN) -> None:
    with open_api(settings) as api:
        subscriptions.create(
            store,
            api,
            webhook_secrets(settings),
            url,
            ALL_EVENTS,
            test_mode=False,
            actor="anna",
            now=NOW,
        )


def changed(settings: Settings, **more: Any) -> Settings:
    return settings.model_copy(update=more)


def test_without_a_subscription_the_next_sync_is_enough(settings: Settings) -> None:
    found = webhook(settings)
    assert found.ok
    assert "no subscription" in found.told
    assert "Create one" in found.told


def test_a_subscription_whose_secret_is_known_is_well(settings: Settings, store: Store) -> None:
    subscribe(settings, store, f"{OWN}?token=s3cret")
    subscribe(settings, store, OTHER)
    assert webhook(settings) == Check(
        "Webhook", True, f"2 active subscriptions, a secret is known for {OWN}"
    )


def test_a_subscription_whose_secret_is_not_known_is_not_well(
    settings: Settings, store: Store
) -> None:
    subscribe(settings, store)
    webhook_secrets(settings).path.unlink()
    found = webhook(settings)
    assert not found.ok
    assert "DEBITURA_WEBHOOK_SECRET" in found.told
    assert webhook(changed(settings, webhook_secrets=(SecretStr("QUJD"),))).ok


def test_a_secret_of_another_subscription_does_not_count(settings: Settings, store: Store) -> None:
    subscribe(settings, store)
    webhook_secrets(settings).path.unlink()
    subscribe(settings, store, OTHER)
    assert not webhook(settings).ok


def test_of_several_dashboards_only_the_one_with_a_secret_counts(
    settings: Settings, store: Store
) -> None:
    subscribe(settings, store, OWN.replace("dashboard", "another"))
    webhook_secrets(settings).path.unlink()
    subscribe(settings, store)
    assert webhook(settings).told.endswith(f"a secret is known for {OWN}")


def test_a_subscription_of_somebody_else_alone_is_told(settings: Settings, store: Store) -> None:
    subscribe(settings, store, OTHER)
    found = webhook(settings)
    assert found.ok
    assert "none of them to /webhooks/debitura" in found.told


def test_a_disabled_subscription_is_told_with_its_reason(
    settings: Settings, store: Store, world: World
) -> None:
    subscribe(settings, store)
    subscribe(settings, store, OTHER)
    world.state.subscriptions[1].is_active = False
    world.state.subscriptions[1].disabled_reason = "Eight failures."
    found = webhook(settings)
    assert not found.ok
    assert found.told.startswith(f"1 of 2 subscriptions disabled: {OTHER} (Eight failures). ")


def test_a_secrets_file_that_others_may_read_is_told(settings: Settings, store: Store) -> None:
    subscribe(settings, store)
    webhook_secrets(settings).path.chmod(0o640)
    found = webhook(settings)
    assert not found.ok
    assert "chmod 600" in found.told


def test_a_secret_that_is_not_base64_is_told_without_it(settings: Settings) -> None:
    found = webhook(changed(settings, webhook_secrets=(SecretStr("s3cret!"),)))
    assert not found.ok
    assert "DEBITURA_WEBHOOK_SECRET" in found.told
    assert "s3cret" not in found.told


def test_where_the_key_is_refused_only_the_key_has_to_be_mended(settings: Settings) -> None:
    wrong = changed(settings, api_key=SecretStr("wrong"))
    ill = [check.name for check in doctor.examine(wrong) if not check.ok]
    assert ill == ["API key", "Data"]
    assert "once the key works" in webhook(wrong).told
