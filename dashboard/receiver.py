"""The route that Debitura's webhooks come in by."""

import asyncio
import logging
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from services.debitura.webhooks import SIGNATURE_HEADER
from services.receiver import LARGEST_BODY, DeliveryRefused, InboxFull, Receiver, Refusal
from services.settings import SettingsError
from services.store import StoreError
from services.webhook_secrets import WebhookSecretsError

log = logging.getLogger(__name__)

PATH = "/webhooks/debitura"
METHODS = ("POST", "GET", "HEAD", "PUT", "PATCH", "DELETE")
"""All of them: what is not taken here would be answered with the app's page, and a 200."""
STORED_WITHIN_S = 9.0  # Debitura gives up after 10
_STATUS = {
    # Debitura comes again later: by then a secret may be set.
    Refusal.NO_SECRET: 503,
    Refusal.UNSIGNED: 401,
    Refusal.MALFORMED: 401,
    Refusal.MISMATCH: 401,
    Refusal.TOO_OLD: 401,
    Refusal.FROM_THE_FUTURE: 401,
    Refusal.TOO_LARGE: 413,
    Refusal.NOT_AN_EVENT: 400,
}


async def receive(request: Request, open_receiver: Callable[[], Receiver]) -> Response:
    """Answer 200 once the event is stored, and not before; what is refused is counted."""
    if request.method != "POST":
        return Response(status_code=405, headers={"Allow": "POST"})
    try:
        receiver = open_receiver()
        body = await _body(request)
        if body is None:
            receiver.count(Refusal.TOO_LARGE)
            return _refused(Refusal.TOO_LARGE)
        stored = receiver.take(request.headers.get(SIGNATURE_HEADER), body)
        await asyncio.wait_for(asyncio.wrap_future(stored), STORED_WITHIN_S)
    except DeliveryRefused as refused:
        return _refused(refused.refusal)
    except (InboxFull, StoreError, SettingsError, WebhookSecretsError, TimeoutError) as error:
        log.error("A webhook event could not be stored: %s", error)
        return JSONResponse({"error": "The event could not be stored. Send it again."}, 503)
    except ClientDisconnect:
        return Response(status_code=400)
    return JSONResponse({"status": "stored"})


async def _body(request: Request) -> bytes | None:
    """The body as it was sent; None where it is too large, of which no more is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            return None
    return bytes(body)


def _refused(refusal: Refusal) -> Response:
    return JSONResponse({"error": f"Refused: {refusal}."}, _STATUS[refusal])
