"""Taking webhook deliveries in: only what Debitura signed, and each event once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import SecretStr

from services.debitura.errors import (
    EnvelopeInvalid,
    SecretInvalid,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)
from services.debitura.webhooks import Envelope, read_envelope, verify
from services.store import Store
from services.store.inbox import Inbox, InboxFull
from services.store.webhook_events import EventState

__all__ = ["InboxFull"]

LARGEST_BODY = 1_000_000  # bytes
LONGEST_ID = 200


class Refusal(StrEnum):
    """Why a delivery was refused; the values are what Activity shows."""

    NO_SECRET = "no secret is set here"  # noqa: S105  (a reason)
    UNSIGNED = "not signed"
    MALFORMED = "signature cannot be read"
    MISMATCH = "signed with another secret, or changed on the way"
    TOO_OLD = "signed more than 5 minutes ago"
    FROM_THE_FUTURE = "signed more than 5 minutes in the future"
    TOO_LARGE = "larger than 1 MB"
    TOO_SLOW = "not sent within 10 seconds"
    NOT_AN_EVENT = "no webhook event"


class DeliveryRefused(Exception):
    """A delivery was not let in."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"The delivery was refused: {refusal}.")
        self.refusal = refusal


class Receiver:
    """Takes deliveries in: checks them on their raw bytes, and stores each event once.

    ``secrets`` gives those that a delivery may be signed with now. Close it after use.
    """

    def __init__(
        self,
        store: Store,
        secrets: Callable[[], Sequence[SecretStr]],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._inbox = Inbox(store)
        self._secrets, self._clock = secrets, clock

    def take(self, signature: str | None, body: bytes) -> Future[None]:
        """Have a delivery stored; the future is done once it is, or holds the StoreError.

        Raises DeliveryRefused, which is counted, and InboxFull.
        """
        try:
            envelope, text = self._checked(signature, body)
        except DeliveryRefused as refused:
            self.count(refused.refusal)
            raise
        return self._inbox.put(_as_row(envelope, text, self._clock()))

    def count(self, refusal: Refusal) -> None:
        """Count a delivery that was refused before it could be read."""
        self._inbox.count_refused(refusal)

    def close(self) -> None:
        """Store what waits, and end."""
        self._inbox.close()

    def _checked(self, signature: str | None, body: bytes) -> tuple[Envelope, str]:
        if len(body) > LARGEST_BODY:
            raise DeliveryRefused(Refusal.TOO_LARGE)
        secrets = self._secrets()
        if not secrets:
            raise DeliveryRefused(Refusal.NO_SECRET)
        why_not = [_why_not(secret, signature, body, self._clock()) for secret in secrets]
        if all(why_not):
            # Of several secrets one may fit and only be late: that tells most.
            raise DeliveryRefused(max(filter(None, why_not), key=_TELLING.index))
        return _read(body)


def _read(body: bytes) -> tuple[Envelope, str]:
    """A signed body, read, and its text."""
    try:
        text, envelope = body.decode(), read_envelope(body)
    except (UnicodeDecodeError, EnvelopeInvalid):
        raise DeliveryRefused(Refusal.NOT_AN_EVENT) from None
    if len(envelope.id) > LONGEST_ID:
        raise DeliveryRefused(Refusal.NOT_AN_EVENT)
    return envelope, text


_TELLING = (
    Refusal.NO_SECRET,
    Refusal.MISMATCH,
    Refusal.MALFORMED,
    Refusal.UNSIGNED,
    Refusal.TOO_OLD,
    Refusal.FROM_THE_FUTURE,
)


def _why_not(
    secret: SecretStr, signature: str | None, body: bytes, now: datetime
) -> Refusal | None:
    """Why the body does not count as signed with ``secret``; None where it does."""
    try:
        verify(secret, signature, body, now)
    except SignatureMissing:
        return Refusal.UNSIGNED
    except SignatureMalformed:
        return Refusal.MALFORMED
    except SignatureExpired as expired:
        return Refusal.TOO_OLD if expired.seconds_away > 0 else Refusal.FROM_THE_FUTURE
    except SignatureMismatch:
        return Refusal.MISMATCH
    except SecretInvalid:
        return Refusal.NO_SECRET
    return None


def _as_row(envelope: Envelope, text: str, now: datetime) -> dict[str, object]:
    told = envelope.data
    return {
        "id": envelope.id,
        "event": str(envelope.event),
        "state": EventState.RECEIVED,
        "received_at": now,
        "body": text,
        "happened_at": envelope.timestamp,
        "external_tenant_id": told.tenant_id,
        "case_id": told.case_id,
        "attempts": 0,
    }
