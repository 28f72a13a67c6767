"""The settings page: how it is set up, whether that is well, and the webhook subscriptions."""

import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dashboard_reader import APP, Product, Source, everything_told, run, sql_time, text_of
from streamlit.testing.v1 import AppTest

from services.sandbox import SandboxOptions, World, serving
from services.sandbox.model import Subscription
from services.settings import Settings
from services.subscriptions import ALL_EVENTS
from services.webhook_secrets import WebhookSecrets
from services.wiring import webhook_secrets

HERE = "https://dashboard.example.com/settings"
OWN = "https://dashboard.example.com/webhooks/debitura"
OTHER = "https://other.example.com/hook"
SEEN = datetime(2026, 3, 20, 12, tzinfo=UTC)
ODD = "**odd** <b>x</b> [y](https://evil.example)"
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens on the discard port."""
TINY = SandboxOptions(clients=20, cases=60, transactions=80, requests_per_minute=None)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Source, World]]:
    """A small sandbox that answers."""
    world = World.generate(TINY)
    with serving(world, TINY) as url:
        yield Source(url), world


@pytest.fixture(scope="module")
def synced(sandbox: tuple[Source, World], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything in its store; for copying only."""
    folder = tmp_path_factory.mktemp("synced")
    assert sandbox[0].sync(folder).is_true
    return folder


@pytest.fixture
def world(sandbox: tuple[Source, World]) -> World:
    """The sandbox's world, before any webhook."""
    sandbox[1].state.subscriptions.clear()
    return sandbox[1]


@pytest.fixture
def product(
    product_in: Callable[[Path], Product],
    sandbox: tuple[Source, World],
    world: World,
    synced: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Product:
    """The product over a copy of the store, beside the sandbox."""
    folder = tmp_path / "data"
    shutil.copytree(synced, folder)
    product = product_in(folder)
    monkeypatch.setenv("DEBITURA_REFERRAL_URL", sandbox[0].settings(folder).referral_url)
    return product


def kept(product: Product) -> WebhookSecrets:
    return webhook_secrets(Settings(data_dir=product.folder))


def opened(_product: Product, *, url: str | None = HERE) -> AppTest:
    """A new session's view of the page, as a browser at ``url`` asks for it."""
    app = AppTest.from_file(APP, default_timeout=60)
    if url is not None:
        app.context = {"url": url}
    app.switch_page("views/settings.py")
    return run(app)


def button(app: AppTest, label: str, number: int = 0) -> Any:
    return [each for each in app.button if each.label == label][number]


def click(app: AppTest, label: str, number: int = 0) -> AppTest:
    button(app, label, number).click()
    return run(app)


def create(app: AppTest, url: str | None = None, events: list[str] | None = None) -> AppTest:
    click(app, "Create")
    if url is not None:
        app.text_input(key="settings_url").set_value(url)
    if events is not None:
        app.multiselect(key="settings_events").set_value(events)
    return click(app, "Create", 1)


def badges(app: AppTest) -> str:
    return "\n".join(each.value for each in app.markdown if "-badge[" in each.value)


def facts(app: AppTest, number: int = 0) -> dict[str, str]:
    frame = app.table[number].value
    return {str(row.iloc[0]): str(row.iloc[1]) for _, row in frame.iterrows()}


def audited(product: Product) -> list[Any]:
    return product.sql("SELECT actor, action, outcome FROM audit_log ORDER BY id")


def test_the_page_tells_how_it_is_set_up_and_no_key(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBITURA_API_KEY", "sandbox")
    told = facts(opened(product))
    assert told["Environment"].startswith("Sandbox")
    assert told["Partner"] == product.sql("SELECT company_name FROM partner")[0]
    assert told["API key"] == "Set"
    assert told["Data folder"] == f"`{product.folder}`"
    assert told["Store"] == f"`{product.file}`"
    assert told["Referral Partner API"] == f"`{os.environ['DEBITURA_REFERRAL_URL']}`"


def test_it_opens_before_the_first_sync(
    product_in: Callable[[Path], Product], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    product = product_in(tmp_path)
    product.make_empty()
    monkeypatch.setenv("DEBITURA_REFERRAL_URL", NOWHERE)
    app = opened(product)
    assert facts(app)["Partner"] == "Known after the first sync"


def test_the_checks_are_made_on_a_click_and_stay_in_sight(product: Product) -> None:
    app = opened(product)
    assert len(app.table) == 1
    for _ in range(2):
        app = click(app, "Check now") if len(app.table) == 1 else run(app)
        found = facts(app, 1)
        assert set(found) == {"Environment", "API key", "Webhook", "Store", "Data"}
        assert all("Well" in told for told in found.values())
        assert "no subscription" in found["Webhook"]


def test_a_check_that_fails_says_so_in_words(product: Product, world: World) -> None:
    app = create(opened(product))
    world.state.subscriptions[0].is_active = False
    world.state.subscriptions[0].disabled_reason = ODD
    found = facts(click(app, "Check now"), 1)["Webhook"]
    assert "Needs you" in found
    assert ODD in text_of(found.partition("]: ")[2])


def test_without_a_subscription_the_page_says_what_to_do(product: Product) -> None:
    (told,) = opened(product).info
    assert "Create one" in told.value


def test_a_subscription_is_created_for_this_dashboard_and_its_secret_shown_once(
    product: Product, world: World
) -> None:
    app = create(opened(product))
    (made,) = world.state.subscriptions
    assert (made.url, tuple(made.events)) == (OWN, ALL_EVENTS)
    assert [code.value for code in app.code] == [made.secret]
    assert [each.get_secret_value() for each in kept(product).current()] == [made.secret]
    assert str(kept(product).path) in everything_told(app)
    assert "DEBITURA_WEBHOOK_SECRET" in everything_told(app)
    run(app)
    assert app.code, "still in sight when the page is drawn anew"
    click(app, "Done")
    assert not app.code
    assert "Active" in badges(app)
    assert "Secret kept here" in badges(app)
    assert audited(product) == [("dashboard", "create webhook subscription", "created")]


def test_a_secret_is_gone_after_leaving_the_page(product: Product) -> None:
    app = create(opened(product))
    assert app.code
    app.switch_page("views/overview.py")
    run(app)
    app.switch_page("views/settings.py")
    assert not run(app).code


def test_a_secret_that_could_not_be_kept_is_shown_with_what_to_do(product: Product) -> None:
    kept(product).path.mkdir()
    app = create(opened(product))
    assert app.code
    assert any("Copy the secret now" in error.value for error in app.error)


@pytest.mark.parametrize(
    ("url", "prefilled"),
    [
        (HERE, OWN),
        ("http://localhost:8501/settings", "http://localhost:8501/webhooks/debitura"),
        ("http://dashboard.local/settings", ""),
        (None, ""),
    ],
)
def test_the_address_is_this_dashboards_own_where_it_can_be_reached(
    product: Product, url: str | None, prefilled: str
) -> None:
    app = click(opened(product, url=url), "Create")
    assert app.text_input(key="settings_url").value == prefilled


def test_loopback_is_not_offered_outside_the_sandbox(
    product_in: Callable[[Path], Product], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    product = in_production(product_in, monkeypatch, tmp_path)
    app = click(opened(product, url="http://localhost:8501/settings"), "Create")
    assert app.text_input(key="settings_url").value == ""


def in_production(
    product_in: Callable[[Path], Product], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Product:
    """The product of the production environment, where nothing answers."""
    product = product_in(folder)
    monkeypatch.setenv("DEBITURA_ENVIRONMENT", "production")
    monkeypatch.setenv("DEBITURA_API_KEY", "s3cret-key")
    monkeypatch.setenv("DEBITURA_REFERRAL_URL", NOWHERE)
    return product


def test_production_offers_no_test_event_and_shows_no_key(
    product_in: Callable[[Path], Product], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = opened(in_production(product_in, monkeypatch, tmp_path))
    assert "Send a test" not in [each.label for each in app.button]
    assert facts(app)["API key"] == "Set"
    tables = "".join(str(each.value.to_numpy()) for each in app.table)
    assert "s3cret-key" not in everything_told(app) + tables


def test_a_second_subscription_of_this_dashboard_is_not_suggested(product: Product) -> None:
    app = click(create(opened(product)), "Done")
    click(app, "Create")
    assert app.text_input(key="settings_url").value == ""
    assert any("subscription already" in info.value for info in app.info)


def test_a_refused_form_says_why_and_stays_filled(product: Product, world: World) -> None:
    app = create(opened(product), "http://example.com/x", ["case.closed"])
    for _ in range(2):
        (error,) = app.error
        assert text_of(error.value).startswith("Debitura delivers to an address that begins")
        assert app.text_input(key="settings_url").value == "http://example.com/x"
        assert app.multiselect(key="settings_events").value == ["case.closed"]
        run(app)  # as when a sync brings something new meanwhile
    app.text_input(key="settings_url").set_value(OTHER)
    click(app, "Create", 1)
    assert not app.error
    assert [(each.url, each.events) for each in world.state.subscriptions] == [
        (OTHER, ["case.closed"])
    ]


def test_no_event_is_refused(product: Product) -> None:
    (error,) = create(opened(product), OTHER, []).error
    assert text_of(error.value) == "Choose at least one event."


@pytest.fixture
def subscribed(product: Product, world: World) -> tuple[AppTest, Subscription]:
    """The page with one subscription of all events."""
    app = click(create(opened(product), f"{NOWHERE}/webhooks/debitura"), "Done")
    (made,) = world.state.subscriptions
    return app, made


def test_events_are_changed(subscribed: tuple[AppTest, Subscription]) -> None:
    app, made = subscribed
    click(app, "Change events")
    key = f"settings_events_{made.id}"
    assert app.multiselect(key=key).value == list(ALL_EVENTS)
    app.multiselect(key=key).set_value(["case.created", "case.closed"])
    click(app, "Change")
    assert made.events == ["case.created", "case.closed"]
    assert "The events are changed" in everything_told(app)
    assert "case.created and case.closed" in text_of(app.caption[-2].value)


def test_an_event_that_is_not_known_here_can_be_kept(
    subscribed: tuple[AppTest, Subscription],
) -> None:
    app, made = subscribed
    made.events = ["case.invented", "case.closed"]
    click(app, "Read again")
    click(app, "Change events")
    assert app.multiselect(key=f"settings_events_{made.id}").value == [
        "case.invented",
        "case.closed",
    ]


def test_the_secret_is_rotated_and_the_old_one_accepted_for_a_while(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, made = subscribed
    before = made.secret
    click(app, "Rotate secret")
    assert made.secret == before, "it asks first"
    click(app, "Rotate secret", 1)
    assert [code.value for code in app.code] == [made.secret]
    assert {each.get_secret_value() for each in kept(product).current()} == {before, made.secret}


def test_a_disabled_subscription_tells_why_and_is_enabled_again(
    subscribed: tuple[AppTest, Subscription],
) -> None:
    app, made = subscribed
    assert "Enable again" not in [each.label for each in app.button]
    made.is_active, made.disabled_reason = False, ODD
    click(app, "Read again")
    assert [text_of(each.value) for each in app.warning] == [f"Nothing is delivered: {ODD}"]
    assert "Disabled" in badges(app)
    click(app, "Enable again")
    assert not made.is_active
    click(app, "Enable again", 1)
    assert made.is_active
    assert not app.warning


def test_deleting_asks_first(
    product: Product, world: World, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, _ = subscribed
    click(app, "Delete")
    assert len(world.state.subscriptions) == 1
    assert any("cannot be undone" in each.value for each in app.markdown)
    click(app, "Delete", 1)
    assert world.state.subscriptions == []
    assert kept(product).current() == ()
    assert "No subscription yet" in everything_told(app)
    assert [action for _, action, _ in audited(product)] == [
        "create webhook subscription",
        "delete webhook subscription",
    ]


def test_a_secret_that_stays_after_deleting_is_told(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, _ = subscribed
    click(app, "Delete")
    kept(product).path.chmod(0o644)
    click(app, "Delete", 1)
    assert "deleted, but not its secret" in everything_told(app)


def test_a_dialog_about_a_subscription_that_is_gone_stays_closed(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, _ = subscribed
    click(app, "Delete")
    product.change("DELETE FROM webhook_subscriptions")
    run(app)
    assert not [each for each in app.markdown if "cannot be undone" in each.value]


@pytest.mark.parametrize(
    ("event", "about", "told"),
    [
        ("case.closed", "case", "on its way to 1 subscription"),
        ("client.linked", "client", "on its way to 1 subscription"),
    ],
)
def test_a_test_event_is_sent_about_a_case_or_client_of_the_store(
    subscribed: tuple[AppTest, Subscription], event: str, about: str, told: str
) -> None:
    app, _ = subscribed
    click(app, "Send a test")
    app.selectbox(key="settings_test_event").set_value(event)
    run(app)
    assert app.selectbox(key=f"settings_test_{about}").options
    click(app, "Send")
    assert told in everything_told(app)


def test_a_test_event_that_nobody_asked_for_goes_nowhere(product: Product) -> None:
    app = click(opened(product), "Send a test")
    click(app, "Send")
    assert "nothing was sent" in everything_told(app)


def test_a_test_that_debitura_refuses_is_told_in_one_sentence(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    product.change(
        "UPDATE cases SET id = 'gone' WHERE created_at = (SELECT MAX(created_at) FROM cases)"
    )
    app, _ = subscribed
    click(app, "Send a test")
    app.selectbox(key="settings_test_event").set_value("case.closed")
    run(app)
    click(app, "Send")
    (error,) = app.error
    assert "no such record" in error.value
    assert app.selectbox(key="settings_test_event").value == "case.closed"


def test_where_debitura_cannot_be_read_the_last_list_is_shown(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBITURA_API_KEY", "wrong-s3cret")
    product.change(
        "INSERT INTO webhook_subscriptions (id, url, events, is_active, is_test_mode, seen_at) "
        "VALUES ('w-1', ?, '[]', TRUE, FALSE, ?)",
        OTHER,
        sql_time(SEEN),
    )
    app = opened(product)
    (error,) = app.error
    assert "does not accept the API key" in error.value
    assert "What was listed last is shown" in error.value
    assert "Active" in badges(app)
    assert "As Debitura listed them 20 Mar 2026, 12:00" in everything_told(app)
    assert "s3cret" not in everything_told(app)


def test_others_subscriptions_and_their_missing_secrets_are_told(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, made = subscribed
    made.url, made.is_test_mode = f"https://x.example/{ODD}", True
    kept(product).path.unlink()
    click(app, "Read again")
    assert f"`https://x.example/{ODD}`" in [each.value for each in app.markdown]
    assert "Test data only" in badges(app)
    assert "Secret kept here" not in badges(app)
    assert "rotate the secret" in everything_told(app)


def test_a_secrets_file_that_others_may_read_is_told(
    product: Product, subscribed: tuple[AppTest, Subscription]
) -> None:
    app, _ = subscribed
    kept(product).path.chmod(0o644)
    (error,) = run(app).error
    assert f"chmod 600 {kept(product).path}" in text_of(error.value)
