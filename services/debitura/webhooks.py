"""Webhook deliveries: is it from Debitura, and what does it say?

A delivery is checked on its raw bytes first and parsed only then. Order is not guaranteed and
duplicates happen: deduplicate on ``Envelope.id``, and read the object again from the API where it
matters, instead of trusting ``data``.
"""

import base64
import binascii
import hashlib
import hmac
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError

from services.debitura.enums import WebhookEvent
from services.debitura.errors import (
    EnvelopeInvalid,
    SecretInvalid,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
)
from services.debitura.schemas.base import (
    Flag,
    Identity,
    Mirrored,
    Model,
    Moment,
    Text,
    why_unreadable,
)
from services.debitura.schemas.cases import CloseCodeOrText, LifecycleOrText
from services.debitura.wire import read_json

SIGNATURE_HEADER = "X-Debitura-Signature"
WINDOW_S = 300

_SECONDS = re.compile(r"[0-9]{1,12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class EventCreditor(Model):
    id: Text = None
    company_name: Text = None
    registration_number: Text = None
    country_id: Text = None
    is_attributed: Flag = None


class EventData(Model):
    """What is documented of ``data``; client events name the tenant, case events the case."""

    tenant_id: Text = Field(default=None, alias="externalTenantId")
    creditor: EventCreditor | None = None
    signed_at: Moment = None
    case_id: Text = None
    old_lifecycle: LifecycleOrText = None
    new_lifecycle: LifecycleOrText = None
    close_code: CloseCodeOrText = None
    close_comment: Text = None


class EventLinks(Model):
    client: Text = None


class Envelope(Mirrored):
    """One delivery; ``raw`` is the whole JSON object."""

    id: Identity
    event: Annotated[WebhookEvent | Identity, Field(union_mode="left_to_right")]
    spec_version: Text = None
    timestamp: Moment = None
    data: EventData = EventData()
    links: EventLinks = EventLinks()


def verify(secret: SecretStr | str, header: str | None, body: bytes, now: datetime | float) -> None:
    """Return quietly when the body was signed with the secret within 300 seconds of ``now``.

    ``secret`` is the subscription's Base64 text, ``header`` the value of
    ``X-Debitura-Signature``, ``now`` an aware time or seconds since 1970. Raises
    ``SecretInvalid``, ``SignatureMissing``, ``SignatureMalformed``, ``SignatureExpired`` or
    ``SignatureMismatch``.
    """
    key = _key(secret)
    if not header:
        raise SignatureMissing
    seconds, digests = _parts(header)
    away = (now.timestamp() if isinstance(now, datetime) else now) - int(seconds)
    signed = hmac.new(key, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    # Every digest is compared, so that the time taken does not tell which one was near.
    matches = [hmac.compare_digest(signed, digest) for digest in digests]
    if not any(matches):
        raise SignatureMismatch
    if abs(away) > WINDOW_S:
        raise SignatureExpired(away)


def read_envelope(body: bytes) -> Envelope:
    """Read a verified body; raises ``EnvelopeInvalid``. Unknown events and fields are fine."""
    try:
        data: Any = read_json(body)
    except ValueError:
        raise EnvelopeInvalid("it is not JSON") from None
    try:
        return Envelope.received(data)
    except ValidationError as error:
        raise EnvelopeInvalid(why_unreadable(error)) from None


def _key(secret: SecretStr | str) -> bytes:
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise SecretInvalid from None
    if not key:
        raise SecretInvalid
    return key


def _parts(header: str) -> tuple[str, list[str]]:
    """The time as it was written, because it is signed so, and every v1 digest."""
    pairs = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    digests = [value for name, _, value in pairs if name == "v1"]
    well_formed = (
        len(times) == 1
        and _SECONDS.fullmatch(times[0])
        and digests
        and all(_DIGEST.fullmatch(digest) for digest in digests)
    )
    if not well_formed:
        raise SignatureMalformed
    return times[0], digests
