"""Deliveries: which are trusted, and how their bodies are read."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.debitura import (
    EnvelopeInvalid,
    SecretInvalid,
    SignatureExpired,
    SignatureMalformed,
    SignatureMismatch,
    SignatureMissing,
    read_envelope,
    verify,
)
from services.debitura.enums import CloseCode, Lifecycle, WebhookEvent

NOW = 1_790_000_000
KEY = b"\x00\xff signing key"
SECRET = base64.b64encode(KEY).decode()
BODY = b'{"id": "e1", "event": "case.closed"}'


def signed(body: bytes = BODY, t: object = NOW, key: bytes = KEY) -> str:
    digest = hmac.new(key, f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={t},v1={digest}"


def test_a_published_vector_verifies() -> None:
    # Computed apart from this code: printf '1790000000.{}' | openssl dgst -sha256 -hmac key
    digest = "099d33989336226b12c85da813adf6100e1bbab1e91bede9a41ddeb7882d66b8"
    verify("a2V5", f"t=1790000000,v1={digest}", b"{}", NOW)


@pytest.mark.parametrize("away", [-300, -1, 0, 1, 300])
@pytest.mark.parametrize("secret", [SECRET, SecretStr(SECRET), f" {SECRET}\n"])
def test_a_fresh_signature_is_trusted(away: int, secret: str) -> None:
    verify(secret, signed(), BODY, NOW + away)
    verify(secret, signed(), BODY, datetime.fromtimestamp(NOW + away, UTC))


@pytest.mark.parametrize("away", [-301, 301, 10**9])
def test_an_old_or_future_signature_is_not(away: int) -> None:
    with pytest.raises(SignatureExpired, match="300"):
        verify(SECRET, signed(), BODY, NOW + away)


@given(st.binary(max_size=200))
def test_any_bytes_verify_and_any_other_bytes_do_not(body: bytes) -> None:
    verify(SECRET, signed(body), body, NOW)
    with pytest.raises(SignatureMismatch):
        verify(SECRET, signed(body), body + b" ", NOW)


def test_another_key_or_time_does_not_verify() -> None:
    with pytest.raises(SignatureMismatch):
        verify(SECRET, signed(key=b"other"), BODY, NOW)
    with pytest.raises(SignatureMismatch):
        verify(SECRET, signed().replace(str(NOW), str(NOW + 1)), BODY, NOW)
    # The secret is decoded first: its own text is not the key.
    with pytest.raises(SignatureMismatch):
        verify(SECRET, signed(key=SECRET.encode()), BODY, NOW)


def test_one_of_several_digests_is_enough() -> None:
    old = signed(key=b"old").partition(",")[2]
    verify(SECRET, f"{signed()}, {old}", BODY, NOW)
    verify(SECRET, signed().replace(",", f",{old},"), BODY, NOW)


@pytest.mark.parametrize("header", [None, ""])
def test_a_missing_header_is_told(header: str | None) -> None:
    with pytest.raises(SignatureMissing):
        verify(SECRET, header, BODY, NOW)


@pytest.mark.parametrize(
    "header",
    [
        "nonsense",
        f"t={NOW}",
        "v1=" + "a" * 64,
        "t=,v1=" + "a" * 64,
        "t=-5,v1=" + "a" * 64,
        "t=1e9,v1=" + "a" * 64,
        "t=٣,v1=" + "a" * 64,
        f"t={NOW},v1=",
        f"t={NOW},v1={'A' * 64}",
        f"t={NOW},v1={'ü' * 64}",
        f"t={NOW},t={NOW},v1={'a' * 64}",
        "t=" + "9" * 5_000 + ",v1=" + "a" * 64,
    ],
)
def test_a_malformed_header_is_told(header: str) -> None:
    with pytest.raises(SignatureMalformed):
        verify(SECRET, header, BODY, NOW)


@pytest.mark.parametrize("secret", ["", "  ", "not base64!", "abc", "é"])
def test_a_secret_that_is_no_base64_is_our_own_mistake(secret: str) -> None:
    with pytest.raises(SecretInvalid) as raised:
        verify(secret, signed(), BODY, NOW)
    assert not secret.strip() or secret not in str(raised.value)


def test_a_case_event_is_read() -> None:
    body = {
        "id": "e1",
        "specVersion": "1.0",
        "event": "case.closed",
        "timestamp": "2026-01-02T03:04:05.1234567Z",
        "data": {
            "caseId": "c1",
            "oldLifecycle": "Active",
            "newLifecycle": "Closed",
            "closeCode": "Partially paid",
            "more": 1.10,
        },
        "links": {"client": "https://api/clients/acme"},
    }
    envelope = read_envelope(json.dumps(body).encode())
    assert envelope.event is WebhookEvent.CASE_CLOSED
    assert envelope.timestamp == datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
    assert envelope.data.new_lifecycle is Lifecycle.CLOSED
    assert envelope.data.close_code is CloseCode.PARTIALLY_PAID
    assert envelope.links.client == "https://api/clients/acme"
    assert str(envelope.raw["data"]["more"]) == "1.1"


def test_a_client_event_is_read() -> None:
    creditor = {"id": "k1", "companyName": "Acme", "countryId": 45, "isAttributed": True}
    body = {"id": "e2", "event": "client.linked", "data": {"externalTenantId": "acme"}}
    body["data"] |= {"creditor": creditor, "signedAt": None}
    envelope = read_envelope(json.dumps(body).encode())
    assert envelope.data.tenant_id == "acme"
    assert envelope.data.creditor is not None
    assert envelope.data.creditor.country_id == "45"


@pytest.mark.parametrize("data", [None, [], "text", {"caseId": {}}])
def test_an_unknown_event_with_odd_data_is_kept(data: object) -> None:
    envelope = read_envelope(
        json.dumps({"id": "e3", "event": "case.cloned", "data": data, "links": 5}).encode()
    )
    assert (envelope.event, envelope.data.case_id) == ("case.cloned", None)
    assert envelope.raw["data"] == data


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"id": "e1"}', b'{"event": "case.closed"}', b"\xff"],
)
def test_what_is_no_envelope_is_told(body: bytes) -> None:
    with pytest.raises(EnvelopeInvalid):
        read_envelope(body)
