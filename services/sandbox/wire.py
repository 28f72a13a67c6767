"""How values look on the wire: times, JSON answers, request bodies."""

import json
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response


def wire_time(time: datetime) -> str:
    """An aware time as RFC 3339 in UTC."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def wire_time_or_none(time: datetime | None) -> str | None:
    """As wire_time; None stays None."""
    return wire_time(time) if time else None


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode(), status, media_type="application/json")


def without_none(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    """The mapping without these keys where they are None: the contracts refer to their objects by
    ``$ref``, which cannot be marked nullable, so an absent one is left out."""
    return {key: value for key, value in mapping.items() if value is not None or key not in names}
