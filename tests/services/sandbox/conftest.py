"""A world and a running sandbox for the tests of this folder."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sandbox_running import URL, Clock, InProcess, Running, StartSandbox, options

from services.sandbox import World, create_app


@pytest.fixture(scope="session")
def world() -> World:
    """The default world on a fixed day; for reading only."""
    return World.generate(options(), Clock())


@pytest.fixture
def start() -> Iterator[StartSandbox]:
    """Start a sandbox with some options changed; a small world unless sizes are given."""
    with ExitStack() as stack:

        def _start(**more: Any) -> Running:
            wanted = options(**{"clients": 60, "cases": 240, "transactions": 300, **more})
            clock = Clock()
            world = World.generate(wanted, clock)
            app = create_app(world, options=wanted)
            http = stack.enter_context(httpx.Client(transport=InProcess(app)))
            return Running(world, clock, URL, http)

        yield _start


@pytest.fixture
def running(start: StartSandbox) -> Running:
    """A small sandbox of its own for a test that changes it."""
    return start()


@pytest.fixture(scope="session")
def shared() -> Iterator[Running]:
    """The default world behind HTTP; for reading only."""
    wanted = options(requests_per_minute=None)
    clock = Clock()
    world = World.generate(wanted, clock)
    app = create_app(world, options=wanted)
    with httpx.Client(transport=InProcess(app)) as http:
        yield Running(world, clock, URL, http)
