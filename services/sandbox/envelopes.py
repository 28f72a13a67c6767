"""What a webhook says of an event: the envelope, with the data as it is when the event happens."""

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from services.sandbox.model import Client, ExistingAccount
from services.sandbox.records import WorldEvent
from services.sandbox.vocabulary import COUNTRY_BY_ID
from services.sandbox.wire import wire_time
from services.sandbox.world import World

SPEC_VERSION = "1.0"
Json = dict[str, Any]
_COUNTRY_IDS = {country.name: country.id for country in COUNTRY_BY_ID.values()}


def envelope(world: World, event: WorldEvent, referral_url: str) -> Json:
    """The JSON object of an event, under an id of its own."""
    return {
        "id": str(uuid4()),
        "specVersion": SPEC_VERSION,
        "event": event.name,
        "timestamp": wire_time(event.at or world.now()),
        "data": {
            "externalTenantId": event.tenant_id,
            **_subject(world, event),
            **{name: _to_wire(value) for name, value in event.details.items() if value is not None},
        },
        "links": {"client": f"{referral_url}/clients/{quote(event.tenant_id, safe='')}"},
    }


def _subject(world: World, event: WorldEvent) -> Json:
    if event.case_id:
        return {"caseId": event.case_id}
    creditor = _creditor(world, event)
    return {"creditor": _creditor_view(creditor)} if creditor else {}


def _creditor(world: World, event: WorldEvent) -> Client | ExistingAccount | None:
    accounts = (a for a in world.state.accounts if a.creditor_id == event.creditor_id)
    return next(accounts, None) or world.client(event.tenant_id)


def _creditor_view(creditor: Client | ExistingAccount) -> Json:
    return {
        "id": creditor.creditor_id,
        "companyName": creditor.name,
        "registrationNumber": creditor.registration_number,
        "countryId": _COUNTRY_IDS.get(creditor.country),
        "isAttributed": isinstance(creditor, Client) and creditor.attributed,
    }


def _to_wire(value: object) -> object:
    return wire_time(value) if isinstance(value, datetime) else value
