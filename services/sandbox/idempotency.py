"""Replay of answers to repeated requests that carry the same Idempotency-Key."""

from collections.abc import Awaitable, Callable
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from services.sandbox.errors import ApiError, BusinessError, InvalidRequest
from services.sandbox.wire import answer

LONGEST_KEY = 255


class Idempotency:
    """Remembers the first terminal answer of each key. Field errors (400) are not terminal."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[str, int, bytes]] = {}

    async def once(
        self,
        request: Request,
        scope: str,
        act: Callable[[], Awaitable[Response]],
        *,
        fingerprint: bytes | None = None,
    ) -> Response:
        """The answer of ``act``, or the stored one when this key came with this content before.

        ``scope`` tells apart what may share a key: the client and the path. ``fingerprint`` is
        the content to compare; the raw body unless given. Raises BusinessError
        IdempotencyConflict (422) for a known key with other content, InvalidRequest (400) for a
        key over 255 characters.
        """
        key = request.headers.get("Idempotency-Key")
        if not key:
            return await act()
        if len(key) > LONGEST_KEY:
            raise InvalidRequest(f"Idempotency-Key: must be at most {LONGEST_KEY} characters")
        content = fingerprint if fingerprint is not None else await request.body()
        digest = sha256(content).hexdigest()
        stored = self._answers.get((scope, key))
        if stored is None:
            response = await _terminal(act)
            self._answers[scope, key] = (digest, response.status_code, bytes(response.body))
            return response
        if stored[0] != digest:
            raise BusinessError(
                "IdempotencyConflict", "The Idempotency-Key was used with another body."
            )
        return Response(stored[2], stored[1], media_type="application/json")


async def _terminal(act: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await act()
    except BusinessError as error:
        return answer(error.body(), 422)
    except ApiError as error:
        if error.status == 400:
            raise
        return answer(error.body(), error.status)
