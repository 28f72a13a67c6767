"""What the tests of this folder ask a sandbox with."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI

from services.sandbox import SandboxOptions, World
from services.sandbox.model import Client

TODAY = date(2026, 3, 20)
KEY = {"XApiKey": "sandbox"}
URL = "http://127.0.0.1:8600"


class Clock:
    """A clock that stands still until it is turned forward."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **span: float) -> None:
        self.time += timedelta(**span)


class InProcess(httpx.BaseTransport):
    """Hands requests to an app without a socket in between."""

    def __init__(self, app: FastAPI) -> None:
        self._app = httpx.ASGITransport(app)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._app.handle_async_request(sent)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)

    def close(self) -> None:
        self._runner.close()


class Running:
    """A sandbox under test: its world, clock and two ways to ask it."""

    def __init__(self, world: World, clock: Clock, url: str, http: httpx.Client) -> None:
        self.world = world
        self.clock = clock
        self.url = url
        self.http = http

    def referral(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {**KEY, **more.pop("headers", {})}
        return self.http.request(method, f"{self.url}/referral{path}", headers=headers, **more)

    def token(self, client: Client) -> str:
        answer = self.referral("POST", "/oauth/token", json={"externalTenantId": client.tenant_id})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["accessToken"])

    def customer(self, client: Client, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token(client)}", **more.pop("headers", {})}
        return self.http.request(method, f"{self.url}/customer{path}", headers=headers, **more)


def options(**more: Any) -> SandboxOptions:
    return SandboxOptions(**{"today": TODAY, **more})


StartSandbox = Callable[..., Running]
