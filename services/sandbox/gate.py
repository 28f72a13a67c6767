"""What stands before each API: credentials, then the rate limit."""

from collections.abc import Callable
from hmac import compare_digest

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.context import Sandbox
from services.sandbox.wire import answer

Identify = Callable[[Sandbox, Headers], str | None]


def referral_key(sandbox: Sandbox, headers: Headers) -> str | None:
    """The partner's key when the XApiKey header holds it."""
    given = headers.get("XApiKey", "")
    fits = compare_digest(given.encode(), sandbox.options.api_key.encode())
    return given if fits else None


def bearer_creditor(sandbox: Sandbox, headers: Headers) -> str | None:
    """The creditor id of a live bearer token whose client is still linked."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        return None
    creditor_id = sandbox.tokens.creditor_id(token)
    if creditor_id is None or sandbox.world.client_of_creditor(creditor_id) is None:
        return None
    return creditor_id


class Gate:
    """ASGI middleware: 401 without a body for wrong credentials, 429 over the rate limit.

    Puts who asks into ``scope["state"]["key"]``.
    """

    def __init__(self, app: ASGIApp, sandbox: Sandbox, identify: Identify) -> None:
        self._app = app
        self._sandbox = sandbox
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key = self._identify(self._sandbox, Headers(scope=scope))
        if key is None:
            await Response(status_code=401)(scope, receive, send)
            return
        seconds = self._sandbox.limiter.retry_after(key)
        if seconds is not None:
            refusal = {
                "error": "RateLimitExceeded",
                "message": f"Too many requests. Try again in {seconds} seconds.",
                "retryAfter": seconds,
            }
            await answer(refusal, 429)(scope, receive, send)
            return
        scope.setdefault("state", {})["key"] = key
        await self._app(scope, receive, send)


class RawPaths:
    """ASGI middleware that routes by the path as it was sent, still percent-encoded.

    An id may hold slashes and even end in the name of an endpoint; decoded before routing, it
    could not be told from more path segments. Handlers decode their path parameters themselves.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its raw path."""
        raw: bytes | None = scope.get("raw_path")
        if scope["type"] == "http" and raw:
            scope = {**scope, "path": raw.partition(b"?")[0].decode("latin-1")}
        await self._app(scope, receive, send)
