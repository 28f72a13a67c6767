"""Deliveries of webhooks, as Debitura makes them: signed, tried again, in no certain order.

An endpoint that does not answer 2xx is tried again; after the last attempt, or after one 410, its
subscription is switched off. Deliveries still to be made are forgotten when the sandbox stops.
"""

import asyncio
import hashlib
import hmac
import json
import time
from base64 import b64decode
from dataclasses import dataclass
from random import Random

import httpx

from services.sandbox.envelopes import envelope
from services.sandbox.model import Subscription
from services.sandbox.options import SandboxOptions
from services.sandbox.records import WorldEvent
from services.sandbox.world import World

WAITS_SECONDS = (0, 60, 120, 240, 480, 960, 1800, 1800)
"""How long before each attempt, from the attempt before it."""
TIMEOUT_SECONDS = 10.0
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is sent, the same to every subscription and at every attempt."""

    event: str
    body: bytes


class Deliveries:
    """Sends what happens in a world to its webhook subscriptions, on the loop that starts it."""

    def __init__(self, world: World, options: SandboxOptions) -> None:
        self._world = world
        self._referral_url = options.referral_url
        self._retry_scale = options.webhook_retry_scale
        self._duplicate_share = options.webhook_duplicate_share
        self._random = Random(options.seed)
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen; needs a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._world.listeners.append(self._hear)

    async def stop(self) -> None:
        """End every delivery that is under way, and send nothing more."""
        self._world.listeners.remove(self._hear)
        # What was heard last begins now, so that it is ended with the rest.
        await asyncio.sleep(0)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._http.aclose()

    def _hear(self, event: WorldEvent) -> None:
        subscriptions = self._world.subscribers(event.name)
        if not subscriptions:
            return
        told = envelope(self._world, event, self._referral_url)
        message = Message(event.name, json.dumps(told, ensure_ascii=False).encode())
        for subscription in subscriptions:
            copies = 2 if self._random.random() < self._duplicate_share else 1
            for _ in range(copies):
                # A test changes the world from a thread of its own.
                self._loop.call_soon_threadsafe(self._begin, subscription.id, message)

    def _begin(self, subscription_id: str, message: Message) -> None:
        task = self._loop.create_task(self._deliver(subscription_id, message))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _deliver(self, subscription_id: str, message: Message) -> None:
        for wait in WAITS_SECONDS:
            await asyncio.sleep(wait / self._retry_scale)
            if await self._is_settled(subscription_id, message):
                return
        self._give_up(subscription_id, f"Disabled after {len(WAITS_SECONDS)} failed deliveries.")

    async def _is_settled(self, subscription_id: str, message: Message) -> bool:
        """Make an attempt; whether no other is needed."""
        async with self._slots:
            subscription = self._world.active_subscription(subscription_id)
            if subscription is None:
                return True
            status = await self._post(subscription, message)
        if status == httpx.codes.GONE:
            self._give_up(subscription_id, "Disabled: the endpoint answered 410 Gone.")
        return status == httpx.codes.GONE or httpx.codes.is_success(status or 0)

    async def _post(self, subscription: Subscription, message: Message) -> int | None:
        """The status of the answer, None where there is none in time."""
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **signed_headers(subscription.secret, message),
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream(
                    "POST", subscription.url, content=message.body, headers=headers
                ) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError):
            return None

    def _give_up(self, subscription_id: str, reason: str) -> None:
        subscription = self._world.active_subscription(subscription_id)
        if subscription:
            self._world.disable(subscription, reason)


def signed_headers(secret: str, message: Message) -> dict[str, str]:
    """The headers of one attempt, signed with the Base64 secret and the real clock."""
    seconds = str(int(time.time()))
    signed = f"{seconds}.".encode() + message.body
    digest = hmac.new(b64decode(secret), signed, hashlib.sha256).hexdigest()
    return {
        "X-Debitura-Signature": f"t={seconds},v1={digest}",
        "X-Debitura-Timestamp": seconds,
        "X-Debitura-Event": message.event,
    }
