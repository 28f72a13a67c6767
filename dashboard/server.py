"""The web process: the Streamlit app, and the routes beside it, on one port."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import receiver
from dashboard.components import failures
from services.activity import freshness
from services.receiver import Receiver
from services.settings import SettingsError
from services.store import StoreError
from services.subscriptions import RECEIVER_PATH
from services.wiring import webhook_secrets

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds headers that keep browsers from guessing types, framing us, or telling where from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and the headers with its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def healthz(_request: Request) -> Response:
    """Whether the process answers."""
    return JSONResponse({"status": "ok"})


def readyz(_request: Request) -> Response:
    """Whether there is a store to read, and how old its data is; 503 where there is none."""
    # Cached functions may only be made once Streamlit's runtime is there.
    from dashboard import data  # noqa: PLC0415

    try:
        state = freshness(data.backend().store)
    except (SettingsError, StoreError):
        log.exception("The store cannot be read.")
        return JSONResponse({"status": "unready"}, status_code=503)
    if state.true_at is None:
        return JSONResponse({"status": "filling", "dataTrueAt": None}, status_code=503)
    return JSONResponse({"status": "ready", "dataTrueAt": state.true_at.isoformat()})


def _open_receiver() -> Receiver:
    # Cached functions may only be made once Streamlit's runtime is there.
    from dashboard import data  # noqa: PLC0415

    found = data.backend()
    return Receiver(found.store, webhook_secrets(found.settings).current)


def on_script_error(error: Exception) -> bool:
    """Show a sentence instead of a traceback, also for what goes wrong in a fragment or a click."""
    if isinstance(error, SettingsError | StoreError):
        failures.show(error)
        return True
    log.error("A page failed.", exc_info=error)
    st.error(
        "This page could not be drawn. Reload it; if it happens again, tell your administrator "
        "the time. Nothing was lost.",
        title="Something went wrong",
        icon=":material/error:",
    )
    return True


def create_app() -> st.App:
    """The web application."""
    webhooks = receiver.Route(_open_receiver)

    @asynccontextmanager
    async def close_receiver(_app: st.App) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(webhooks.close)

    return st.App(
        Path(__file__).with_name("app.py"),
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route(RECEIVER_PATH, webhooks.take, methods=receiver.METHODS),
        ],
        lifespan=close_receiver,
        middleware=[Middleware(SecurityHeaders)],
        on_script_error=on_script_error,
    )


def run(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    create_app().run(config={"server.address": host, "server.port": port})
