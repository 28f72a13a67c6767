"""Webhook deliveries as Debitura makes them, signed apart from the product's own code."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

SECRET = base64.b64encode(b"a webhook secret of 32 bytes ...").decode()


def event(
    name: str,
    tenant_id: str | None = None,
    *,
    case_id: str | None = None,
    at: str | None = "2026-03-20T12:00:00Z",
    event_id: str | None = None,
    **data: Any,
) -> dict[str, Any]:
    """An envelope; what is None is left out."""
    told = {"externalTenantId": tenant_id, "caseId": case_id, **data}
    envelope = {
        "id": event_id or str(uuid.uuid4()),
        "specVersion": "1.0",
        "event": name,
        "timestamp": at,
        "data": {key: value for key, value in told.items() if value is not None},
        "links": {},
    }
    return {key: value for key, value in envelope.items() if value is not None}


def body_of(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope).encode()


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None) -> str:
    """The value of X-Debitura-Signature."""
    seconds = int(time.time() if at is None else at)
    signed = f"{seconds}.".encode() + body
    digest = hmac.new(base64.b64decode(secret), signed, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
