"""Webhook subscriptions of the Referral Partner API.

Subscriptions are kept and validated; nothing is delivered. A delivery would listen to
``World.listeners`` and ask ``matching`` for the subscriptions of an event.
"""

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
from services.sandbox.seed_clients import new_id
from services.sandbox.vocabulary import WEBHOOK_EVENTS
from services.sandbox.wire import answer, wire_time
from services.sandbox.world import World

NOT_TESTABLE = "cases.replay_failed"

router = APIRouter()


def matching(world: World, event: str) -> list[Subscription]:
    """The active subscriptions of an event."""
    return [s for s in world.state.subscriptions if s.is_active and event in s.events]


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
    return answer(_view(made, secret=made.secret))


@router.post("/v1/Webhooks/test")
async def test_webhook(request: Request) -> Response:
    """Count the subscriptions that a sample event would go to; the test environment only."""
    sandbox = sandbox_of(request)
    if sandbox.options.production:
        raise TestEnvironmentOnly
    body = await read_body(request, TestWebhookBody)
    if body.event_type not in WEBHOOK_EVENTS or body.event_type == NOT_TESTABLE:
        raise InvalidRequest(f"eventType: '{body.event_type}' is not supported")
    if body.event_type.startswith("case."):
        if not body.case_id:
            raise InvalidRequest("caseId: is required for case events")
        if sandbox.world.case(body.case_id) is None:
            raise NotFound("The case")
    else:
        if not body.external_tenant_id:
            raise InvalidRequest("externalTenantId: is required for client events")
        if sandbox.world.client(body.external_tenant_id) is None:
            raise NotFound("The client")
    count = len(matching(sandbox.world, body.event_type))
    message = f"{count} deliveries enqueued." if count else "No active subscription matches."
    return answer({"eventType": body.event_type, "enqueuedCount": count, "message": message})


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
    parts = urlsplit(url)
    if parts.scheme.lower() != "https" or not parts.hostname:
        faults.append("url: must be an HTTPS address")
    if not events:
        faults.append("events: at least one is required")
    faults += [
        f"events: '{event}' is not supported" for event in events if event not in WEBHOOK_EVENTS
    ]
    if faults:
        raise InvalidRequest(*faults)


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
