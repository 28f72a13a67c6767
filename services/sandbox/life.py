"""The life of a world: a simulated clock, and how often things happen by it.

The clock only decides how soon things happen. What happens carries the time of ``World.now``.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from heapq import heappop, heappush
from random import Random

from services.sandbox.happenings import Happenings
from services.sandbox.options import SandboxOptions
from services.sandbox.world import World

# How often a simulated day. Together about 26 changes, whatever the size of the world: at a speed
# of 720 one every five seconds, four a minute of them to clients and link requests. What comes in
# equals about what ends, so that a working day at that speed adds some dozens of cases an hour.
RATES_PER_DAY: tuple[tuple[Callable[[Happenings], None], float], ...] = (
    (Happenings.bring_client, 0.6),
    (Happenings.sign_first_agreement, 1.2),
    (Happenings.require_upgrade, 1.8),
    (Happenings.sign_upgrade, 1.8),
    (Happenings.sign_poa, 1.0),
    (Happenings.settle_kyc, 0.6),
    (Happenings.bring_account, 0.3),
    (Happenings.ask_again, 0.7),
    (Happenings.approve_link, 0.4),
    (Happenings.decline_link, 0.3),
    (Happenings.submit_case, 1.5),
    (Happenings.check_case, 5.5),
    (Happenings.pause_case, 0.6),
    (Happenings.close_case, 0.6),
    (Happenings.change_phase, 0.6),
    (Happenings.take_payment, 1.5),
    (Happenings.move_money, 7.0),
    (Happenings.dispute_money, 0.1),
)

TICK_SECONDS = 0.5
_DAY = timedelta(days=1)
_log = logging.getLogger(__name__)


class Life:
    """Lets a world change by itself.

    ``Life(world, options).advance(timedelta(days=1))`` does at once what happens in a simulated
    day, the same for the same world and seed. ``start`` does so by and by, at the options' speed.
    A link request expires when its window has passed in simulated time, as well as in real time;
    windows that were open when the sandbox stopped go on from what was left of them in real time.
    """

    def __init__(self, world: World, options: SandboxOptions) -> None:
        self._world = world
        self._speed = options.speed
        self._random = Random(f"life:{options.seed}")
        self._happenings = Happenings(world, self._random)
        self._clock = timedelta()
        self._agenda: list[tuple[timedelta, int, Callable[[], None]]] = []
        self._planned = 0
        self._requests_seen = 0
        self._task: asyncio.Task[None] | None = None
        for act, rate in RATES_PER_DAY:
            self._plan(_DAY / rate * self._random.random(), partial(self._happen, act, rate))

    def start(self) -> None:
        """Begin to live; needs a running event loop."""
        self._task = asyncio.create_task(self._live())

    async def stop(self) -> None:
        """Stand still."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def advance(self, span: timedelta) -> None:
        """Do all that happens in so much simulated time."""
        until = self._clock + span
        self._world.expire_due(self._world.now())
        self._watch_requests()
        while self._agenda[0][0] <= until:
            self._clock, _, act = heappop(self._agenda)
            act()
            self._watch_requests()
        self._clock = until

    async def _live(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.monotonic()
            try:
                self.advance(timedelta(seconds=(now - last) * self._speed))
            except Exception:  # noqa: BLE001 - the world lives on, whatever one step does
                _log.exception("A step of the sandbox's life failed; it goes on with the next.")
            last = now

    def _happen(self, act: Callable[[Happenings], None], rate: float) -> None:
        # Planned first, so that an act that fails comes again. Gaps vary less than chance would
        # have it: whoever watches never waits long.
        gap = _DAY / rate * self._random.uniform(0.5, 1.5)
        self._plan(gap, partial(self._happen, act, rate))
        act(self._happenings)

    def _watch_requests(self) -> None:
        """Plan the end of every window that was opened since the last look."""
        requests = self._world.link_requests
        for request in requests[self._requests_seen :]:
            left = max(request.expires - self._world.now(), timedelta())
            self._plan(left, partial(self._world.expire, request.token))
        self._requests_seen = len(requests)

    def _plan(self, wait: timedelta, act: Callable[[], None]) -> None:
        self._planned += 1
        heappush(self._agenda, (self._clock + wait, self._planned, act))
