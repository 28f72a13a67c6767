"""What can go wrong between us and Debitura, as one tree.

::

    DebituraError
    ├── InvalidConfiguration     a base URL or key that cannot be used
    ├── ApiUnavailable           no answer, 5xx, or something that is not the API's own answer
    │   └── RateLimited          429, or our own ceiling reached
    ├── Unauthorized             401: the key is wrong or missing
    ├── DeadLink                 no token for this client, or a fresh token refused
    ├── Forbidden                403
    ├── NotFound                 404
    ├── ValidationFailed         400: field errors
    │   └── FileRefused          413 and 415: size or type of a file
    ├── BusinessRuleRefused      422: business errors, perhaps a signing page
    ├── Conflict                 409
    ├── UnexpectedAnswer         an answer of a shape or status the contract does not have
    └── WebhookRefused           a delivery that cannot be trusted
        ├── SecretInvalid
        ├── SignatureMissing
        ├── SignatureMalformed
        ├── SignatureExpired
        ├── SignatureMismatch
        └── EnvelopeInvalid

``str(error)`` is a sentence that can be shown to a person. Texts and values from the wire stay in
attributes, because Debitura's messages may quote names and addresses; the sentence, the ``repr``
and the path never hold them, nor a key or token. ``path`` is the route of the contract
(``/clients/{externalTenantId}``), not the ids put into it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]$]{0,79}")


@dataclass(frozen=True, slots=True)
class Call:
    """The request an error belongs to: method and route, without ids, query or headers.

    ``harmless`` is a request other than GET that changes nothing, or nothing by being repeated.
    """

    method: str
    path: str
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def changes_something(self) -> bool:
        return self.method != "GET" and not self.harmless


@dataclass(frozen=True, slots=True)
class BusinessError:
    """One entry of ``businessErrors``; ``type`` is an open set."""

    type: str | None
    message: str | None = field(default=None, repr=False)
    solution_url: str | None = field(default=None, repr=False)


class DebituraError(Exception):
    """Base of everything this package raises on purpose.

    ``outcome_unknown`` is true when a write may have been carried out although it failed here:
    look before sending it again.
    """

    def __init__(
        self,
        message: str,
        *,
        call: Call | None = None,
        status: int | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        self.method = call.method if call else None
        self.path = call.path if call else None
        self.status = status
        self.outcome_unknown = outcome_unknown
        super().__init__(message)


class InvalidConfiguration(DebituraError):
    """A base URL or key that no request can be made with."""


class ApiUnavailable(DebituraError):
    """Debitura could not be reached, failed, or something in between answered for it."""

    def __init__(
        self,
        call: Call,
        cause: str,
        *,
        status: int | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        advice = (
            "it is not known whether this was carried out, so look before trying again"
            if outcome_unknown
            else "try again in a few minutes"
        )
        super().__init__(
            f"Debitura is not available: {cause}; {advice}.",
            call=call,
            status=status,
            outcome_unknown=outcome_unknown,
        )


class RateLimited(ApiUnavailable):
    """Too many requests; ``retry_after`` is in seconds."""

    def __init__(self, call: Call, retry_after: float, *, status: int | None = None) -> None:
        self.retry_after = retry_after
        DebituraError.__init__(
            self,
            "Too many requests were sent to Debitura with this key; "
            f"try again in {max(1, round(retry_after))} seconds.",
            call=call,
            status=status,
        )


class Unauthorized(DebituraError):
    """401 on the Referral Partner API."""

    def __init__(self, call: Call) -> None:
        super().__init__(
            "Debitura does not accept the API key: check that DEBITURA_API_KEY is set and is the "
            "key of this environment.",
            call=call,
            status=401,
        )


class DeadLink(DebituraError):
    """The client's link gives no access: not onboarded, withdrawn or archived."""

    def __init__(self, call: Call, *, status: int | None = None) -> None:
        super().__init__(
            "Debitura gives no access to this client's account: its onboarding is not finished "
            "or its link is no longer active.",
            call=call,
            status=status,
        )


class Forbidden(DebituraError):
    """403, for example an operation that only the test environment has."""

    def __init__(self, call: Call) -> None:
        super().__init__(
            "Debitura does not allow this in this environment or with this key.",
            call=call,
            status=403,
        )


class NotFound(DebituraError):
    """404 from the API itself; a gateway's 404 page is ``ApiUnavailable``."""

    def __init__(self, call: Call) -> None:
        super().__init__(
            "Debitura has no such record, or no longer lists it.", call=call, status=404
        )


class ValidationFailed(DebituraError):
    """400: ``field_errors`` maps field names to messages, ``detail`` is the API's own text."""

    def __init__(
        self,
        call: Call,
        field_errors: Mapping[str, tuple[str, ...]],
        *,
        business_errors: tuple[BusinessError, ...] = (),
        detail: str | None = None,
        status: int = 400,
    ) -> None:
        self.field_errors = dict(field_errors)
        self.business_errors = business_errors
        self.detail = detail
        super().__init__(self._sentence(), call=call, status=status)

    def _sentence(self) -> str:
        names = _safe_names(self.field_errors) or _safe_names(_types(self.business_errors))
        told = f" ({', '.join(names)})" if names else ""
        return f"Debitura did not accept what was sent{told}; correct it and send again."


class FileRefused(ValidationFailed):
    """413 or 415: at most 25 MB; PDF, XLS, XLSX, CSV, TXT, JPG, PNG or GIF."""

    def _sentence(self) -> str:
        return (
            "Debitura did not accept the file: it takes PDF, XLS, XLSX, CSV, TXT, JPG, PNG and GIF "
            "of at most 25 MB."
        )


class BusinessRuleRefused(DebituraError):
    """422: what was sent is well formed but not allowed now.

    ``signing_url``, when present, is the page where the client signs all that is missing.
    """

    def __init__(
        self,
        call: Call,
        business_errors: tuple[BusinessError, ...],
        *,
        signing_url: str | None = None,
        detail: str | None = None,
    ) -> None:
        self.business_errors = business_errors
        self.signing_url = signing_url
        self.detail = detail
        names = _safe_names(_types(business_errors))
        told = f": {', '.join(names)}" if names else ""
        advice = (
            "hand the client the signing page, then send it again"
            if signing_url
            else "clear what it names, then send it again"
        )
        super().__init__(f"A rule of Debitura refused this{told}; {advice}.", call=call, status=422)

    @property
    def types(self) -> frozenset[str]:
        """The types of the business errors, such as ``NoPartnerAvailable``."""
        return frozenset(_types(self.business_errors))


class Conflict(DebituraError):
    """409: the record is in a state that does not allow this. ``type`` is an open set."""

    def __init__(self, call: Call, *, type: str | None = None, detail: str | None = None) -> None:
        self.type = type
        self.detail = detail
        names = _safe_names([type] if type else [])
        told = f" ({names[0]})" if names else ""
        super().__init__(
            f"The record's present state does not allow this{told}; read it again before going on.",
            call=call,
            status=409,
        )


class UnexpectedAnswer(DebituraError):
    """An answer that the contract does not have; ``reason`` names fields, never values."""

    def __init__(self, call: Call, reason: str, *, status: int | None = None) -> None:
        self.reason = reason
        super().__init__(
            f"Debitura answered in a way this version does not understand: {reason}; "
            "nothing was taken over from it.",
            call=call,
            status=status,
            outcome_unknown=call.changes_something,
        )


class WebhookRefused(DebituraError):
    """A webhook delivery that cannot be trusted or read."""


class SecretInvalid(WebhookRefused):
    """Our own webhook secret is not Base64 text."""

    def __init__(self) -> None:
        super().__init__(
            "The webhook secret is not valid Base64: copy it again, "
            "or make a new one for the subscription."
        )


class SignatureMissing(WebhookRefused):
    """No signature header."""

    def __init__(self) -> None:
        super().__init__("The delivery carries no X-Debitura-Signature header.")


class SignatureMalformed(WebhookRefused):
    """A signature header that is not ``t=<seconds>,v1=<hex>``."""

    def __init__(self) -> None:
        super().__init__("The X-Debitura-Signature header is not of the form t=…,v1=….")


class SignatureExpired(WebhookRefused):
    """Signed too long ago, or in the future: a replay, or a clock that is wrong."""

    def __init__(self, seconds_away: float) -> None:
        self.seconds_away = seconds_away
        super().__init__(
            f"The delivery was signed {abs(seconds_away):.0f} seconds away from this machine's "
            "time, more than 300: it is a replay, or a clock is wrong."
        )


class SignatureMismatch(WebhookRefused):
    """The signature was not made with our secret over this body."""

    def __init__(self) -> None:
        super().__init__(
            "The signature does not match: the delivery is not from Debitura, was changed on the "
            "way, or the webhook secret is not the subscription's."
        )


class EnvelopeInvalid(WebhookRefused):
    """A body that is no webhook envelope; ``reason`` names fields, never values."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"The delivery's body is not a Debitura webhook envelope: {reason}.")


def _types(errors: Iterable[BusinessError]) -> list[str]:
    return [error.type for error in errors if error.type]


def _safe_names(names: Iterable[str]) -> list[str]:
    """Names worth showing: what does not look like an identifier may be a value."""
    return [name for name in names if _NAME.fullmatch(name)][:5]
