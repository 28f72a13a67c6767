"""Request bodies that are right, to be made wrong in one place at a time."""

from typing import Any


def client_body(
    tenant_id: str, *, email: str | None = None, cases: list[Any] | None = None, **client: Any
) -> dict[str, Any]:
    """A body of POST /clients."""
    address = email or f"office@{tenant_id}.example"
    body: dict[str, Any] = {
        "externalTenantId": tenant_id,
        "client": {
            "name": f"Company {tenant_id}",
            "country": "Denmark",
            "supportEmail": address,
            **client,
        },
        "users": [{"name": "Ada Holm", "email": address}],
    }
    return body if cases is None else {**body, "cases": cases}


def case_body(*, country: str = "DK", reference: str = "R-1", **more: Any) -> dict[str, Any]:
    """A body of POST /cases, in Danish kroner."""
    return {
        "currencyCode": "DKK",
        "date": "2026-01-10T00:00:00Z",
        "dueDate": "2026-02-10",
        "creditorReference": reference,
        "debtor": {"type": "Company", "name": "Debtor Ltd", "countryAlpha2": country},
        "amountToRecover": 1234.5,
        **more,
    }
