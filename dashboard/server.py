"""The web process: the Streamlit app, and the routes beside it, on one port."""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.components import failures
from services.activity import freshness
from services.settings import SettingsError
from services.store import StoreError

log = logging.getLogger(__name__)

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class SecurityHeaders(BaseHTTPMiddleware):
    """Adds headers that keep browsers from guessing types, framing us, or telling where from."""

    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.update(SECURITY_HEADERS)
        return response


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
    return st.App(
        Path(__file__).with_name("app.py"),
        routes=[Route("/healthz", healthz), Route("/readyz", readyz)],
        middleware=[Middleware(SecurityHeaders)],
        on_script_error=on_script_error,
    )


def run(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    create_app().run(config={"server.address": host, "server.port": port})
