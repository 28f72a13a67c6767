"""The secrets that deliveries are checked with: where they come from, and for how long."""

import json
import multiprocessing
import os
import stat
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.settings import Settings
from services.webhook_secrets import (
    RETIRED_FOR,
    SecretNotBase64,
    SecretsFileExposed,
    SecretsFileUnreadable,
    SecretsFileUnwritable,
    WebhookSecrets,
    WebhookSecretsError,
)
from services.wiring import webhook_secrets

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
PROCESSES = multiprocessing.get_context("forkserver")


def secret(name: str) -> SecretStr:
    return SecretStr(b64encode(name.encode()).decode())


ONE, TWO, THREE = secret("one"), secret("two"), secret("three")


class At:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> At:
    return At()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "test-webhook-secrets.json"


@pytest.fixture
def secrets(file: Path, clock: At) -> WebhookSecrets:
    return WebhookSecrets(file, clock=clock)


def write(file: Path, content: str, mode: int = 0o600) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    file.chmod(mode)


def test_without_a_file_those_of_the_settings_are_all(file: Path) -> None:
    assert WebhookSecrets(file).current() == ()
    assert WebhookSecrets(file, [ONE, TWO]).current() == (ONE, TWO)
    assert not file.parent.exists()


def test_a_kept_secret_is_accepted_beside_those_of_the_settings(file: Path, clock: At) -> None:
    secrets = WebhookSecrets(file, [ONE], clock=clock)
    secrets.keep("w-1", TWO, NOW)
    assert secrets.current() == (ONE, TWO)
    assert secrets.holds("w-1")
    assert not secrets.holds("w-2")


def test_a_secret_that_is_known_twice_is_tried_once(file: Path, clock: At) -> None:
    secrets = WebhookSecrets(file, [ONE], clock=clock)
    secrets.keep("w-1", ONE, NOW)
    assert secrets.current() == (ONE,)


def test_what_another_process_keeps_is_accepted_at_once(secrets: WebhookSecrets) -> None:
    assert secrets.current() == ()
    for number in range(3):
        other = PROCESSES.Process(target=keep_one, args=(str(secrets.path), number))
        other.start()
        other.join()
        assert other.exitcode == 0
        assert len(secrets.current()) == number + 1


def keep_one(path: str, number: int) -> None:
    WebhookSecrets(Path(path)).keep(f"w-{number}", secret(f"{number}"), NOW)


def test_nothing_is_lost_where_several_processes_keep_at_once(secrets: WebhookSecrets) -> None:
    others = [PROCESSES.Process(target=keep_ten, args=(str(secrets.path), n)) for n in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
        assert other.exitcode == 0
    assert len(secrets.current()) == 40
    assert {path.name for path in secrets.path.parent.iterdir()} == {
        secrets.path.name,
        f"{secrets.path.name}.lock",
    }


def keep_ten(path: str, number: int) -> None:
    for each in range(10):
        keep_one(path, 10 * number + each)


def test_a_rotated_secret_is_accepted_for_a_day_more(secrets: WebhookSecrets, clock: At) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-1", TWO, NOW)
    clock.now = NOW + RETIRED_FOR - timedelta(seconds=1)
    assert set(secrets.current()) == {ONE, TWO}
    clock.now = NOW + RETIRED_FOR
    assert secrets.current() == (TWO,)


def test_each_of_several_rotations_has_its_own_day(secrets: WebhookSecrets, clock: At) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-1", TWO, NOW + timedelta(hours=1))
    secrets.keep("w-1", THREE, NOW + timedelta(hours=2))
    clock.now = NOW + timedelta(hours=25)
    assert set(secrets.current()) == {TWO, THREE}


def test_a_secret_that_ran_out_leaves_the_file(secrets: WebhookSecrets) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-1", TWO, NOW)
    secrets.keep("w-2", THREE, NOW + timedelta(days=2))
    assert ONE.get_secret_value() not in secrets.path.read_text()


def test_the_same_secret_kept_again_does_not_run_out(secrets: WebhookSecrets, clock: At) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-1", ONE, NOW)
    clock.now = NOW + timedelta(days=2)
    assert secrets.current() == (ONE,)


def test_a_rotation_leaves_other_subscriptions_alone(secrets: WebhookSecrets, clock: At) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-2", TWO, NOW)
    secrets.keep("w-2", THREE, NOW)
    clock.now = NOW + timedelta(days=2)
    assert set(secrets.current()) == {ONE, THREE}


def test_a_forgotten_subscriptions_secrets_are_accepted_no_more(secrets: WebhookSecrets) -> None:
    secrets.keep("w-1", ONE, NOW)
    secrets.keep("w-1", TWO, NOW)
    secrets.keep("w-2", THREE, NOW)
    secrets.forget("w-1")
    secrets.forget("never-known")
    assert secrets.current() == (THREE,)
    assert not secrets.holds("w-1")


@pytest.mark.parametrize("wrong", ["", " ", "no base64!", "QQ=", "日本"])
def test_what_is_not_base64_is_refused_and_not_kept(secrets: WebhookSecrets, wrong: str) -> None:
    secrets.keep("w-1", ONE, NOW)
    with pytest.raises(SecretNotBase64, match="rotate"):
        secrets.keep("w-1", SecretStr(wrong), NOW)
    assert secrets.current() == (ONE,)


def test_settings_that_are_not_base64_are_named_without_the_value(file: Path) -> None:
    with pytest.raises(SecretNotBase64) as raised:
        WebhookSecrets(file, [SecretStr("s3cret!")]).current()
    assert "DEBITURA_WEBHOOK_SECRET" in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_the_file_is_its_owners_alone(secrets: WebhookSecrets) -> None:
    before = os.umask(0)
    try:
        secrets.keep("w-1", ONE, NOW)
    finally:
        os.umask(before)
    for path in secrets.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601])
def test_a_file_that_others_may_use_is_not_read(
    secrets: WebhookSecrets, file: Path, mode: int
) -> None:
    secrets.keep("w-1", ONE, NOW)
    assert secrets.current() == (ONE,)
    file.chmod(mode)
    with pytest.raises(SecretsFileExposed, match=f"chmod 600 {file}"):
        secrets.current()
    with pytest.raises(SecretsFileExposed):
        secrets.keep("w-2", TWO, NOW)
    file.chmod(0o600)
    assert secrets.current() == (ONE,)


GOOD = {"secret": ONE.get_secret_value(), "kept_at": NOW.isoformat()}
MALFORMED = {
    "no JSON": "s3cret",
    "empty": "",
    "a list": '["s3cret"]',
    "no list of secrets": '{"subscriptions": {"w-1": "s3cret"}}',
    "a secret that is not Base64": json.dumps(
        {"subscriptions": {"w-1": [{**GOOD, "secret": "s3cret!"}]}}
    ),
    "a time without a zone": json.dumps(
        {"subscriptions": {"w-1": [{**GOOD, "kept_at": "2026-01-01T00:00"}]}}
    ),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_told_and_left_alone(
    secrets: WebhookSecrets, file: Path, content: str
) -> None:
    write(file, content)
    for use in (secrets.current, lambda: secrets.keep("w-1", ONE, NOW)):
        with pytest.raises(SecretsFileUnreadable) as raised:
            use()
        assert "rotate the secret" in str(raised.value)
        assert "s3cret" not in f"{raised.value}{raised.value.__cause__}"
    assert file.read_text() == content


def test_a_mended_file_is_read_again(secrets: WebhookSecrets, file: Path) -> None:
    write(file, "{")
    with pytest.raises(SecretsFileUnreadable):
        secrets.current()
    write(file, json.dumps({"subscriptions": {"w-1": [GOOD]}}))
    assert secrets.current() == (ONE,)
    file.unlink()
    assert secrets.current() == ()


def test_the_file_is_read_again_only_once_it_was_written(
    secrets: WebhookSecrets, file: Path
) -> None:
    secrets.keep("w-1", ONE, NOW)
    (first,) = secrets.current()
    assert secrets.current()[0] is first
    write(file, file.read_text())
    assert secrets.current()[0] is not first


def test_a_folder_in_the_files_place_is_told(secrets: WebhookSecrets, file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(WebhookSecretsError, match="Is a directory"):
        secrets.current()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    secrets = WebhookSecrets(tmp_path / "file" / "secrets.json")
    assert secrets.current() == ()
    with pytest.raises(SecretsFileUnwritable, match="mend its permissions"):
        secrets.keep("w-1", ONE, NOW)


def test_no_secret_shows_in_a_repr(secrets: WebhookSecrets) -> None:
    secrets.keep("w-1", ONE, NOW)
    told = f"{secrets.current()!r}{secrets!r}{vars(secrets)!r}"
    assert ONE.get_secret_value() not in told


def test_each_environment_has_a_file_of_its_own(tmp_path: Path) -> None:
    settings = Settings(environment="test", data_dir=tmp_path, webhook_secrets="QUJD")
    secrets = webhook_secrets(settings)
    assert secrets.path == tmp_path / "test-webhook-secrets.json"
    assert secrets.given
    assert [each.get_secret_value() for each in secrets.current()] == ["QUJD"]
    assert not webhook_secrets(Settings(data_dir=tmp_path)).given
