"""Rows in the API's own words, and putting them into a store as the sync does."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from services.debitura import Case, Client, Transaction
from services.store import Store, mirror
from services.store.mirror import CASES, CLIENTS, TRANSACTIONS
from services.store.tables import PartnerRow, SyncScopeRow
from services.sync import mapping
from services.sync.stages import refresh_stages

Json = dict[str, Any]

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
SIGN = "https://onboarding.debitura.com/companydetails/7d1c2f8a"


def client(tenant_id: str, **changes: Any) -> Json:
    """A signed client without cases, as ``GET /clients`` lists it."""
    name = changes.pop("name", f"Company {tenant_id}")
    country = changes.pop("country", "Denmark")
    email = changes.pop("email", "office@company.example")
    return {
        "externalTenantId": tenant_id,
        "onboardingDone": True,
        "onboardingLinks": {"url": None},
        "client": {"companyName": name, "country": country, "officeEmail": email},
        "users": [],
        "isAttributedClient": True,
        "dateLinked": "2026-01-05T09:00:00Z",
        "caseStats": {"casesTotal": 0, "casesClosed": 0, "earningsUsd": 0},
        "kycStatus": "NotRequired",
        **changes,
    }


def case(case_id: str, **changes: Any) -> Json:
    """An active case of 1,000 EUR, as ``GET /cases`` lists it."""
    tenant_id = changes.pop("tenant_id", "t-1")
    return {
        "id": case_id,
        "reference": f"DEB-{case_id}",
        "creditorReference": None,
        "client": {"externalTenantId": tenant_id, "companyName": f"Company {tenant_id}"},
        "debtor": {"name": "A Debtor", "country": "Germany"},
        "grossAmount": 1000,
        "remainder": 800,
        "currency": "EUR",
        "lifecycle": "Active",
        "closeCode": None,
        "currentEngagementPhase": "Pre-legal",
        "dateCreated": "2026-02-01T10:00:00Z",
        "validation": {"needsInfo": False, "creditorRespondedAt": None, "items": []},
        **changes,
    }


def transaction(transaction_id: str, **changes: Any) -> Json:
    """A payment of 100 EUR that earned 3 USD and is pending."""
    tenant_id = changes.pop("tenant_id", "t-1")
    commission = changes.pop("commission", "Unpaid")
    platform = changes.pop("platform", "NotInvoiced")
    referral = changes.pop("referral", "Pending")
    fee_usd = changes.pop("fee_usd", 3)
    return {
        "transactionId": transaction_id,
        "date": "2026-02-10T08:00:00Z",
        "client": {"externalTenantId": tenant_id, "companyName": f"Company {tenant_id}"},
        "case": {"invoiceId": "c-1", "caseReference": "DEB-c-1", "debtorName": "A Debtor"},
        "payment": {"amount": 100, "currency": "EUR", "paymentDate": "2026-02-10T08:00:00Z"},
        "earnings": {
            "currency": "EUR",
            "referralFeeAmount": 2.75,
            "referralFeeAmountUsd": fee_usd,
            "isEstimate": True,
        },
        "status": {
            "commissionPaymentStatus": commission,
            "platformInvoicingStatus": platform,
            "referralInvoicingStatus": referral,
        },
        **changes,
    }


def fill(
    store: Store,
    *,
    clients: Iterable[Mapping[str, Any]] = (),
    cases: Iterable[Mapping[str, Any]] = (),
    transactions: Iterable[Mapping[str, Any]] = (),
    mode: str = "PayWhenPaid",
    now: datetime = NOW,
) -> None:
    """Put rows into the store and derive the clients' stages, at the moment ``now``."""
    rows = (
        (CLIENTS, [mapping.client_row(Client.received(row)) for row in clients]),
        (CASES, [mapping.case_row(Case.received(row)) for row in cases]),
        (
            TRANSACTIONS,
            [mapping.transaction_row(Transaction.received(row), mode) for row in transactions],
        ),
    )
    with store.write() as session:
        for target, listed in rows:
            mirror.save(session, target, listed, now=now, learnt_by="sync")
        refresh_stages(session, now=now)


def tell_partner(store: Store, **raw: Any) -> None:
    """Store what ``GET /me`` says of the partner."""
    row = PartnerRow(
        id="partner-1",
        company_name=raw.get("companyName"),
        invoicing_mode=raw.get("invoicingTriggerMode"),
        raw=raw,
        updated_at=NOW,
    )
    with store.write() as session:
        session.add(row)


def tell_summary(store: Store, summary: Json, *, true_at: datetime = NOW) -> None:
    """Store the transactions' summary as a complete scan would have."""
    row = SyncScopeRow(scope="transactions", state="true", true_at=true_at, source_summary=summary)
    with store.write() as session:
        session.add(row)
