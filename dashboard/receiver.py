"""The route that Debitura's webhooks come in by."""

import asyncio
import logging
import threading
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from services.debitura.webhooks import SIGNATURE_HEADER
from services.receiver import LARGEST_BODY, DeliveryRefused, InboxFull, Receiver, Refusal
from services.settings import SettingsError
from services.store import StoreError
from services.webhook_secrets import WebhookSecretsError

log = logging.getLogger(__name__)

METHODS = ("POST", "GET", "HEAD", "PUT", "PATCH", "DELETE")
"""What is not taken here would be answered with the app's page, and a 200."""
STORED_WITHIN_S = 9.0  # Debitura gives up after 10
SENT_WITHIN_S = 10.0
_STATUS = {
    # Debitura comes again later: by then a secret may be set.
    Refusal.NO_SECRET: 503,
    Refusal.UNSIGNED: 401,
    Refusal.MALFORMED: 401,
    Refusal.MISMATCH: 401,
    Refusal.TOO_OLD: 401,
    Refusal.FROM_THE_FUTURE: 401,
    Refusal.TOO_LARGE: 413,
    Refusal.TOO_SLOW: 408,
    Refusal.NOT_AN_EVENT: 400,
}


class Route:
    """Takes deliveries in; the receiver behind it is opened with the first, and closed once."""

    def __init__(self, open_receiver: Callable[[], Receiver]) -> None:
        self._open = open_receiver
        self._opening = threading.Lock()
        self._receiver: Receiver | None = None

    async def take(self, request: Request) -> Response:
        """Answer 200 once the event is stored, and not before; what is refused is counted."""
        if request.method != "POST":
            return Response(status_code=405, headers={"Allow": "POST"})
        try:
            # Opening it may wait for the store, and all pages would wait with it.
            return await self._taken(await run_in_threadpool(self._opened), request)
        except (InboxFull, StoreError, SettingsError, WebhookSecretsError, TimeoutError) as error:
            log.error("A webhook event could not be stored: %s", error)
            return JSONResponse({"error": "The event could not be stored. Send it again."}, 503)
        except ClientDisconnect:
            return Response(status_code=400)

    def close(self) -> None:
        """Store what waits; where nothing ever came, do nothing."""
        if self._receiver is not None:
            self._receiver.close()

    def _opened(self) -> Receiver:
        with self._opening:
            self._receiver = self._receiver or self._open()
            return self._receiver

    async def _taken(self, receiver: Receiver, request: Request) -> Response:
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                body = await _body(request)
        except TimeoutError:
            receiver.count(Refusal.TOO_SLOW)
            return _refused(Refusal.TOO_SLOW)
        if body is None:
            receiver.count(Refusal.TOO_LARGE)
            return _refused(Refusal.TOO_LARGE)
        try:
            stored = receiver.take(request.headers.get(SIGNATURE_HEADER), body)
        except DeliveryRefused as refused:
            return _refused(refused.refusal)
        await asyncio.wait_for(asyncio.wrap_future(stored), STORED_WITHIN_S)
        return JSONResponse({"status": "stored"})


async def _body(request: Request) -> bytes | None:
    """The body as it was sent; None where it is too large, of which no more is read."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > LARGEST_BODY:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _refused(refusal: Refusal) -> Response:
    return JSONResponse({"error": f"Refused: {refusal}."}, _STATUS[refusal])
