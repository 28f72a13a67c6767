"""The secrets that webhook deliveries are checked with: those of the settings, and our own file.

Debitura tells the secret of a subscription once. What the dashboard creates or rotates itself it
keeps in a file beside the store, so that every process accepts the new secret at once.
"""

import base64
import binascii
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from filelock import FileLock
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
)

RETIRED_FOR = timedelta(hours=24)
"""How long a rotated secret stays accepted: Debitura may still be repeating deliveries."""
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
OTHERS = 0o077
LOCK_WITHIN_S = 10.0  # others hold the lock for milliseconds, unless they are stopped

Clock = Callable[[], datetime]


class WebhookSecretsError(Exception):
    """Something about the webhook secrets; the message says what to do, and holds no secret."""


class SecretNotBase64(WebhookSecretsError):
    """A secret that no delivery can be checked with."""


class SecretsFileUnreadable(WebhookSecretsError):
    """The file cannot be read, or does not hold secrets."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The webhook secrets in {path} cannot be read ({why}). Mend the file or move it "
            "away; then rotate the secret of each subscription on the settings page."
        )


class SecretsFileExposed(WebhookSecretsError):
    """Other users of the machine may read the file."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Other users of this machine may read the webhook secrets in {path}. "
            f"Run `chmod 600 {path}`, and rotate the secrets if somebody may have read them."
        )


class SecretsFileUnwritable(WebhookSecretsError):
    """The file cannot be written; what it held before is kept."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The webhook secrets cannot be written to {path} ({why}). "
            "Free space or mend its permissions; what was kept before is there."
        )


def _base64(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError("a secret is not Base64")
    return SecretStr(text)


class _Kept(BaseModel):
    """One secret of a subscription; ``until`` is set once a later one took its place."""

    model_config = ConfigDict(hide_input_in_errors=True)

    secret: Annotated[SecretStr, AfterValidator(_base64)]
    kept_at: AwareDatetime
    until: AwareDatetime | None = None

    @field_serializer("secret", when_used="json")
    def _in_the_file(self, secret: SecretStr) -> str:
        return secret.get_secret_value()

    def is_accepted(self, now: datetime) -> bool:
        return self.until is None or now < self.until


class _Ledger(BaseModel):
    """The file's JSON: the secrets of each subscription by its id, oldest first."""

    model_config = ConfigDict(hide_input_in_errors=True)

    subscriptions: dict[str, list[_Kept]] = Field(default_factory=dict)

    def accepted(self, now: datetime) -> list[SecretStr]:
        every = (kept for secrets in self.subscriptions.values() for kept in secrets)
        return [kept.secret for kept in every if kept.is_accepted(now)]

    def add(self, subscription_id: str, secret: SecretStr, now: datetime) -> None:
        """Make ``secret`` the subscription's own, and the one before it run out."""
        secrets = self.subscriptions.setdefault(subscription_id, [])
        for kept in secrets:
            kept.until = min(kept.until or now + RETIRED_FOR, now + RETIRED_FOR)
        others = [kept for kept in secrets if kept.secret != secret]
        self.subscriptions[subscription_id] = [*others, _Kept(secret=secret, kept_at=now)]

    def drop_what_ran_out(self, now: datetime) -> None:
        for subscription_id, secrets in self.subscriptions.items():
            self.subscriptions[subscription_id] = [k for k in secrets if k.is_accepted(now)]


_Signature = tuple[int, ...]
"""What about a file differs once it was written or its mode was changed."""


class WebhookSecrets:
    """The secrets that are accepted now. Safe for several threads and processes.

    ``given`` are those of the settings, ``path`` is the file. ``clock`` is for tests.
    """

    def __init__(
        self,
        path: Path,
        given: Sequence[SecretStr] = (),
        *,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._given = tuple(given)
        self._clock = clock
        self._seen: tuple[_Signature, _Ledger] | None = None

    @property
    def given(self) -> bool:
        """Whether the settings hold a secret; of which subscription, they do not say."""
        return bool(self._given)

    def current(self) -> tuple[SecretStr, ...]:
        """Every secret that a delivery may be signed with now.

        The file is only read again once it has changed. Raises WebhookSecretsError.
        """
        kept = self._ledger().accepted(self._clock())
        return tuple(dict.fromkeys([*self._checked_settings(), *kept]))

    def holds(self, subscription_id: str) -> bool:
        """Whether the file has a secret of this subscription. Raises WebhookSecretsError."""
        return bool(self._ledger().subscriptions.get(subscription_id))

    def keep(self, subscription_id: str, secret: SecretStr, now: datetime) -> None:
        """Keep a subscription's secret; the one before it stays accepted for 24 hours.

        Raises WebhookSecretsError; then the file is as it was.
        """
        wanted = _checked(secret, "The secret that Debitura told is not Base64: rotate it again.")

        def add(ledger: _Ledger) -> None:
            ledger.add(subscription_id, wanted, now)
            ledger.drop_what_ran_out(now)

        self._change(add)

    def forget(self, subscription_id: str) -> None:
        """Accept none of a subscription's secrets any more. Raises WebhookSecretsError."""
        if self.holds(subscription_id):
            self._change(lambda ledger: ledger.subscriptions.pop(subscription_id, None))

    def _checked_settings(self) -> list[SecretStr]:
        told = "DEBITURA_WEBHOOK_SECRET holds what is not Base64: copy the secret again."
        return [_checked(secret, told) for secret in self._given]

    def _ledger(self) -> _Ledger:
        """What the file holds; for reading only. A missing file holds nothing."""
        seen = self._seen
        try:
            if seen is not None and _signature(self.path.stat()) == seen[0]:
                return seen[1]
            with self.path.open("rb") as file:
                stat = os.fstat(file.fileno())
                content = file.read()
        except (FileNotFoundError, NotADirectoryError):
            return _Ledger()
        except OSError as error:
            raise SecretsFileUnreadable(self.path, error.strerror or "no reason told") from error
        if stat.st_mode & OTHERS:
            raise SecretsFileExposed(self.path)
        ledger = self._understood(content)
        self._seen = (_signature(stat), ledger)
        return ledger

    def _understood(self, content: bytes) -> _Ledger:
        try:
            return _Ledger.model_validate_json(content)
        except ValidationError:
            # Its text names what was found, and that may be a secret.
            raise SecretsFileUnreadable(self.path, "it does not hold secrets") from None

    def _change(self, change: Callable[[_Ledger], object]) -> None:
        try:
            self.path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_WITHIN_S, mode=PRIVATE_FILE):
                ledger = self._ledger().model_copy(deep=True)
                change(ledger)
                _write_whole(self.path, ledger.model_dump_json(indent=1).encode())
        except OSError as error:
            why = error.strerror or "another process holds it"
            raise SecretsFileUnwritable(self.path, why) from error


def _checked(secret: SecretStr, told: str) -> SecretStr:
    try:
        return _base64(secret)
    except ValueError:
        raise SecretNotBase64(told) from None


def _signature(stat: os.stat_result) -> _Signature:
    return (stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_mode)


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the file and rename, so that nobody reads half of it, nor finds it missing."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}-", delete=False) as file:
        unfinished = Path(file.name)  # made readable by its owner alone
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename outlast a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
