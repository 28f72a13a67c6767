"""How the web flow answers: pages in the partner's branding, and the way from one to the next."""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.sandbox.referral_partner import get_partner
from services.sandbox.screens import Branding, Screen, render, stylesheet, web_address

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_THIS_MACHINE = "http://127.0.0.1:* http://localhost:*"


async def show(request: Request, screen: Screen, status: int = 200, **facts: Any) -> Response:
    """A screen in the branding that ``GET /me`` gives."""
    branding = await _branding(request)
    return_url = request.query_params.get("returnUrl")
    text = render(screen, branding, return_url=return_url, **facts)
    headers = {**HEADERS, "Content-Security-Policy": _policy(stylesheet(branding))}
    return HTMLResponse(text, status, headers)


async def refuse(request: Request, error: Exception) -> Response:
    """The page for an HTTPException: what is not there, or a form that cannot be taken."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    is_missing = error.status_code in (404, 405)
    screen = Screen.UNKNOWN_LINK if is_missing else Screen.SESSION_EXPIRED
    return await show(request, screen, error.status_code)


def go(request: Request, path: str, **query: str) -> Response:
    """Send the browser on to another page of the flow."""
    return RedirectResponse(page_url(request, path, **query), 303, HEADERS)


def page_url(request: Request, path: str, **query: str) -> str:
    """The address of another page, with what goes along from page to page."""
    given = request.query_params
    along = {
        "returnUrl": web_address(given.get("returnUrl")),
        "collectionPartnerId": given.get("collectionPartnerId"),
        **query,
    }
    text = urlencode({name: value for name, value in along.items() if value})
    return f"{request.scope['root_path']}/{path}{'?' if text else ''}{text}"


async def _branding(request: Request) -> Branding:
    me = json.loads(bytes((await get_partner(request)).body))
    return Branding(
        company_name=me["companyName"],
        logo_url=me["logoUrl"],
        background=me["backgroundColorCode"],
        font_color=me["fontColor"],
        font_family=me["fontFamily"],
    )


def _policy(style: str) -> str:
    style_hash = b64encode(sha256(style.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{style_hash}'",
            f"img-src https: data: {_THIS_MACHINE}",
            "form-action 'self'",
            "base-uri 'none'",
            f"frame-ancestors 'self' {_THIS_MACHINE}",
        )
    )
