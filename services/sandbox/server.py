"""The sandbox server: both Debitura APIs over HTTP, for one world."""

import asyncio
import secrets
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace
from typing import Protocol

import uvicorn
from fastapi import APIRouter, FastAPI

from services.sandbox import (
    customer_account,
    customer_cases,
    customer_intake,
    referral_clients,
    referral_lists,
    referral_partner,
    referral_webhooks,
)
from services.sandbox.context import Sandbox
from services.sandbox.deliveries import Deliveries
from services.sandbox.errors import answer_errors
from services.sandbox.flow import flow_app
from services.sandbox.gate import Gate, Identify, RawPaths, bearer_creditor, referral_key
from services.sandbox.life import Life
from services.sandbox.options import SandboxOptions
from services.sandbox.rate_limit import RateLimiter
from services.sandbox.storage import StateKeeper, load_state
from services.sandbox.tokens import TokenMint
from services.sandbox.world import World

# Order matters where a fixed path could be taken for an id.
REFERRAL_ROUTERS = (
    referral_partner.router,
    referral_webhooks.router,
    referral_clients.router,
    referral_lists.router,
)
CUSTOMER_ROUTERS = (customer_intake.router, customer_account.router, customer_cases.router)


def create_app(world: World, *, options: SandboxOptions) -> FastAPI:
    """An app with the Referral Partner API under /referral, the Customer API under /customer and
    the pages that clients open under /flow.

    Serve it with one worker: the world lives in this process.
    """
    sandbox = Sandbox(
        world=world,
        options=options,
        tokens=TokenMint(secrets.token_bytes(32), options.token_lifetime_seconds, world.now),
        limiter=RateLimiter(options, time.monotonic),
    )
    app = FastAPI(lifespan=_lifespan(world, options), openapi_url=None)
    app.state.sandbox = sandbox
    app.mount("/referral", _api(sandbox, REFERRAL_ROUTERS, referral_key))
    app.mount("/customer", _api(sandbox, CUSTOMER_ROUTERS, bearer_creditor))
    app.mount("/flow", flow_app(sandbox))
    app.add_middleware(RawPaths)
    answer_errors(app)
    return app


def _api(sandbox: Sandbox, routers: tuple[APIRouter, ...], identify: Identify) -> FastAPI:
    api = FastAPI(openapi_url=None, redirect_slashes=False)
    api.state.sandbox = sandbox
    for router in routers:
        api.include_router(router)
    answer_errors(api)
    api.add_middleware(Gate, sandbox=sandbox, identify=identify)
    return api


class _Part(Protocol):
    """Something that runs beside the answers, in the server's loop."""

    def start(self) -> None: ...

    async def stop(self) -> None: ...


def _lifespan(
    world: World, options: SandboxOptions
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def run_parts(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in _parts(world, options):
                part.start()
                stack.push_async_callback(part.stop)
            yield

    return run_parts


def _parts(world: World, options: SandboxOptions) -> Iterator[_Part]:
    """In the order of their start; the file is written after all others have ended."""
    if options.state_file:
        yield StateKeeper(world, options.state_file)
    yield Deliveries(world, options)
    if options.speed:
        yield Life(world, options)


def load_world(options: SandboxOptions) -> World:
    """The world of the options' state file, or a fresh one where there is none.

    Raises UnreadableState for a file that holds something else.
    """
    state = load_state(options.state_file) if options.state_file else None
    return World.generate(options) if state is None else World(state, options)


class _Server(uvicorn.Server):
    """Ends on SIGTERM and SIGINT as on any other request to stop, with exit code 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again once it has stopped, which would end the process as if
        # it had been killed.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _config(world: World, options: SandboxOptions) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(world, options=options),
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=3,
    )


def run(options: SandboxOptions) -> None:
    """Serve a sandbox on the options' host and port until SIGTERM or SIGINT."""
    _Server(_config(load_world(options), options)).run()


@contextmanager
def serving(world: World, options: SandboxOptions) -> Iterator[str]:
    """Serve a world in a thread on a free port of the host while the context lasts.

    Gives the base URL, without a slash at the end; ``options.port`` is not used. The world may
    be changed from outside only while no request is under way.
    """
    # asyncio sends small answers at once only on sockets that say that they are TCP.
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:
        listener.bind((options.host, 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(_config(world, replace(options, port=port)))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        try:
            yield f"http://{options.host}:{port}"
        finally:
            server.should_exit = True
            thread.join()
