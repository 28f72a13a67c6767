"""Webhook subscriptions of the Referral Partner API.

They are kept and validated here; ``deliveries`` sends them what happens in the world. A sample
event is told like a real one, so that it takes the same way. A world that lives tells a new
subscription of its link requests, which Debitura does not.
"""

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import (
    CreateWebhookBody,
    TestWebhookBody,
    UpdateWebhookBody,
    read_body,
)
from services.sandbox.context import sandbox_of
from services.sandbox.errors import InvalidRequest, NotFound, TestEnvironmentOnly
from services.sandbox.model import Subscription
from services.sandbox.records import WorldEvent
from services.sandbox.seed_clients import new_id
from services.sandbox.vocabulary import LIFECYCLE_LABELS, PAID, WEBHOOK_EVENTS
from services.sandbox.wire import answer, wire_time
from services.sandbox.world import World

TELL_PAST_AFTER_S = 2.0
NOT_TESTABLE = "cases.replay_failed"
LOOPBACK = ("127.0.0.1", "localhost", "::1")

router = APIRouter()


@router.get("/v1/Webhooks")
async def list_webhooks(request: Request) -> Response:
    """Every subscription, without secrets."""
    subscriptions = sandbox_of(request).world.state.subscriptions
    return answer([_view(subscription) for subscription in subscriptions])


@router.post("/v1/Webhooks")
async def create_webhook(request: Request) -> Response:
    """Subscribe; the only answer, but for a rotation, that shows the secret."""
    world = sandbox_of(request).world
    body = await read_body(request, CreateWebhookBody)
    _check(body.url, body.events)
    made = Subscription(
        id=new_id(world.random()),
        url=body.url,
        events=body.events,
        secret=_secret(world),
        created=world.now(),
        updated=world.now(),
        is_test_mode=body.is_test_mode,
    )
    world.state.subscriptions.append(made)
    world.touched()
    if sandbox_of(request).options.speed:
        # Once whoever subscribed has had time to put the secret where it checks deliveries.
        asyncio.get_running_loop().call_later(TELL_PAST_AFTER_S, world.tell_of_link_requests)
    return answer(_view(made, secret=made.secret))


@router.post("/v1/Webhooks/test")
async def test_webhook(request: Request) -> Response:
    """Send a sample event to its active subscriptions; the test environment only."""
    sandbox = sandbox_of(request)
    if sandbox.options.production:
        raise TestEnvironmentOnly
    body = await read_body(request, TestWebhookBody)
    if body.event_type not in WEBHOOK_EVENTS or body.event_type == NOT_TESTABLE:
        raise InvalidRequest(f"eventType: '{body.event_type}' is not supported")
    is_of_case = body.event_type.startswith("case.")
    sample = _case_sample if is_of_case else _client_sample
    event = sample(sandbox.world, body)
    count = len(sandbox.world.subscribers(event.name))
    sandbox.world.tell(event)
    message = f"{count} deliveries enqueued." if count else "No active subscription matches."
    return answer({"eventType": event.name, "enqueuedCount": count, "message": message})


def _case_sample(world: World, body: TestWebhookBody) -> WorldEvent:
    if not body.case_id:
        raise InvalidRequest("caseId: is required for case events")
    case = world.case(body.case_id)
    if case is None:
        raise NotFound("The case")
    details: dict[str, str | None] = {}
    if body.event_type == "case.updated":
        details["oldLifecycle"] = body.old_lifecycle or case.label
        details["newLifecycle"] = body.new_lifecycle or LIFECYCLE_LABELS["Closed"]
    elif body.event_type == "case.closed":
        details["closeCode"] = body.close_code or PAID
        details["closeComment"] = body.close_comment
    return WorldEvent(body.event_type, case.tenant_id, case.id, details)


def _client_sample(world: World, body: TestWebhookBody) -> WorldEvent:
    if not body.external_tenant_id:
        raise InvalidRequest("externalTenantId: is required for client events")
    if world.client(body.external_tenant_id) is None:
        raise NotFound("The client")
    is_signing = body.event_type.startswith("client.onboarding.")
    details = {"signedAt": world.now()} if is_signing else {}
    return WorldEvent(body.event_type, body.external_tenant_id, details=details)


@router.get("/v1/Webhooks/{webhook_id}")
async def get_webhook(request: Request, webhook_id: str) -> Response:
    """One subscription, without its secret."""
    return answer(_view(_subscription(request, webhook_id)))


@router.put("/v1/Webhooks/{webhook_id}")
async def update_webhook(request: Request, webhook_id: str) -> Response:
    """Change what is given; switching on again forgives failed deliveries."""
    world = sandbox_of(request).world
    subscription = _subscription(request, webhook_id)
    body = await read_body(request, UpdateWebhookBody)
    url = subscription.url if body.url is None else body.url
    events = subscription.events if body.events is None else body.events
    _check(url, events)
    subscription.url, subscription.events = url, events
    if body.is_test_mode is not None:
        subscription.is_test_mode = body.is_test_mode
    if body.is_active is not None:
        subscription.is_active = body.is_active
        if body.is_active:
            subscription.disabled_reason = None
    if body.regenerate_secret:
        subscription.secret = _secret(world)
    subscription.updated = world.now()
    world.touched()
    shown = subscription.secret if body.regenerate_secret else None
    return answer(_view(subscription, secret=shown))


@router.delete("/v1/Webhooks/{webhook_id}")
async def delete_webhook(request: Request, webhook_id: str) -> Response:
    """Unsubscribe."""
    world = sandbox_of(request).world
    world.state.subscriptions.remove(_subscription(request, webhook_id))
    world.touched()
    return Response(status_code=204)


def _subscription(request: Request, webhook_id: str) -> Subscription:
    wanted = unquote(webhook_id).lower()
    for subscription in sandbox_of(request).world.state.subscriptions:
        if subscription.id == wanted:
            return subscription
    raise NotFound("The webhook")


def _check(url: str, events: list[str]) -> None:
    faults = []
    if not _is_reachable(url):
        faults.append("url: must be an HTTPS address")
    if not events:
        faults.append("events: at least one is required")
    faults += [
        f"events: '{event}' is not supported" for event in events if event not in WEBHOOK_EVENTS
    ]
    if faults:
        raise InvalidRequest(*faults)


def _is_reachable(url: str) -> bool:
    """HTTPS; on this machine HTTP too, for a dashboard that runs beside the sandbox."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    on_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK
    return bool(parts.hostname) and (parts.scheme == "https" or on_loopback)


def _secret(world: World) -> str:
    return b64encode(world.random().randbytes(32)).decode()


def _view(subscription: Subscription, secret: str | None = None) -> dict[str, Any]:
    return {
        "id": subscription.id,
        "url": subscription.url,
        "events": subscription.events,
        "isActive": subscription.is_active,
        "createdUtc": wire_time(subscription.created),
        "updatedUtc": wire_time(subscription.updated),
        "disabledReason": subscription.disabled_reason,
        "secret": secret,
        "isTestMode": subscription.is_test_mode,
    }
