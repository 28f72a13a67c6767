"""From the API's rows to the store's: one function a kind."""

import json
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import simplejson

from services.debitura.enums import (
    CloseCode,
    CommissionPaymentStatus,
    EngagementPhase,
    KycStatus,
    Lifecycle,
    PlatformInvoicingStatus,
    ReferralInvoicingStatus,
    WireEnum,
)
from services.debitura.schemas import (
    Case,
    CaseDetail,
    Client,
    CoverageItem,
    JsonObject,
    Mirrored,
    Transaction,
)
from services.domain.money import to_minor
from services.domain.onboarding_stage import (
    ClientFacts,
    derive_stage,
    furthest_milestone,
    link_kind,
)
from services.domain.revenue_stage import Bucket, bucket_of
from services.store.mirror import latest
from services.store.text import search_text

Row = dict[str, Any]

MOST_CASES = 10**12
MAPPING_VERSION = 2
"""Raise it when a mapping or a rule changes, so that rows which came unchanged are read anew."""


def as_json(value: Any) -> str:
    """JSON text in which numbers keep the digits that they came with."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=4096)
def known(values: type[WireEnum], told: str | None) -> str | None:
    """The canonical text of a value, whatever its spelling; an unknown one as it came."""
    if told is None:
        return None
    try:
        return values(told).value
    except ValueError:
        return told


def _mirrored(row: Mirrored, derived_from: str = "") -> Row:
    raw = row.raw_text or as_json(row.raw)
    # Unpaired surrogates are valid JSON but not valid text.
    mark = blake2b(raw.encode(errors="surrogatepass"), digest_size=16)
    mark.update(f"{MAPPING_VERSION}{derived_from}".encode())
    return {"raw": raw, "fingerprint": mark.hexdigest(), "read_at": None}


def client_row(client: Client) -> Row:
    """A client as stored. Its stage is the one its own row tells; cases are looked at later."""
    company = client.client
    stats = client.case_stats
    url = client.onboarding_links.url
    kyc_status = known(KycStatus, client.kyc_status)
    facts = ClientFacts(
        archived=False,
        onboarding_done=bool(client.onboarding_done),
        link=link_kind(url),
        kyc_pending=kyc_status == KycStatus.PENDING,
        has_cases=bool(stats.cases_total),
        has_recovery=False,
    )
    users = [
        {"name": " ".join(filter(None, (user.first_name, user.last_name))), "email": user.email}
        for user in client.users
    ]
    return {
        **_mirrored(client),
        "external_tenant_id": client.tenant_id,
        "creditor_id": company.id,
        "name": company.company_name,
        "email": company.office_email,
        "country": company.country,
        "registration_number": company.company_registration_number,
        "onboarding_done": bool(client.onboarding_done),
        "onboarding_url": url,
        "is_attributed": client.is_attributed_client,
        "linked_at": client.date_linked,
        "cases_total": _count(stats.cases_total),
        "cases_closed": _count(stats.cases_closed),
        "earnings_usd": to_minor(stats.earnings_usd, "USD"),
        "kyc_status": kyc_status,
        "users": users,
        "stage": derive_stage(facts),
        "stage_since": None,
        "stage_derived_at": None,
        "poa_signed_at": None,
        "signed_at": None,
        "first_case_at": None,
        "first_recovery_at": None,
        "withdrawn_at": None,
        "furthest": furthest_milestone(facts),
        "search_text": search_text(
            (
                company.company_name,
                client.tenant_id,
                company.office_email,
                company.company_registration_number,
                *(user["email"] for user in users),
            )
        ),
    }


def _count(told: int | None) -> int:
    """How many there are; what cannot be so counts as not told."""
    return told if told is not None and 0 <= told <= MOST_CASES else 0


def case_row(case: Case) -> Row:
    """A case as stored, amounts in minor units of its currency."""
    lifecycle = known(Lifecycle, case.lifecycle)
    return {
        **_mirrored(case),
        "id": case.id,
        "reference": case.reference,
        "creditor_reference": case.creditor_reference,
        "external_tenant_id": case.client.tenant_id,
        "client_name": case.client.company_name,
        "debtor_name": case.debtor.name,
        "debtor_country": case.debtor.country,
        "currency": case.currency,
        "gross": to_minor(case.gross_amount, case.currency),
        "remainder": to_minor(case.remainder, case.currency),
        "lifecycle": lifecycle,
        "close_code": known(CloseCode, case.close_code),
        "engagement_phase": known(EngagementPhase, case.current_engagement_phase),
        "created_at": case.date_created,
        "due_at": case.due_date,
        "collection_started_at": case.date_collection_started,
        "finished_at": case.date_finished,
        "needs_info": bool(case.validation.needs_info),
        "creditor_responded_at": case.validation.creditor_responded_at,
        "collection_partner": case.collection_partner,
        "lifecycle_since": _known_since(case, lifecycle),
        "last_activity_at": latest(
            case.date_created,
            case.date_collection_started,
            case.date_finished,
            case.validation.creditor_responded_at,
        ),
        "search_text": search_text(
            (
                case.reference,
                case.creditor_reference,
                case.debtor.name,
                case.client.company_name,
            )
        ),
    }


def as_listed(case: CaseDetail) -> Case:
    """A case as lists tell it, so that it is stored alike however it was asked for."""
    listed = {name: value for name, value in case.raw.items() if name != "potentialRevenue"}
    return Case.received(listed)


def _known_since(case: Case, lifecycle: str | None) -> datetime | None:
    """Since when the case has its lifecycle, where a date of the source tells it."""
    if lifecycle == Lifecycle.PENDING_CONTRACT_SIGNING:
        return case.date_created
    if lifecycle == Lifecycle.ACTIVE:
        return case.date_collection_started
    if lifecycle in (Lifecycle.CLOSED, Lifecycle.MERGED):
        return case.date_finished
    return None


def transaction_row(transaction: Transaction, mode: str | None) -> Row:
    """A transaction as stored, put into its bucket by the partner's invoicing mode."""
    payment, earnings, status = transaction.payment, transaction.earnings, transaction.status
    commission = known(CommissionPaymentStatus, status.commission_payment_status)
    platform = known(PlatformInvoicingStatus, status.platform_invoicing_status)
    referral = known(ReferralInvoicingStatus, status.referral_invoicing_status)
    bucket = bucket_of(commission, platform, referral, mode)
    return {
        # A change of the mode moves buckets although the source's row stays the same.
        **_mirrored(transaction, mode or ""),
        "transaction_id": transaction.transaction_id,
        "collected_at": transaction.date,
        "paid_at": payment.payment_date,
        "external_tenant_id": transaction.client.tenant_id,
        "client_name": transaction.client.company_name,
        "case_id": transaction.case.invoice_id,
        "case_reference": transaction.case.case_reference,
        "debtor_name": transaction.case.debtor_name,
        "payment": to_minor(payment.amount, payment.currency),
        "payment_currency": payment.currency,
        "fee": to_minor(earnings.referral_fee_amount, earnings.currency),
        "fee_currency": earnings.currency,
        "fee_usd": to_minor(earnings.referral_fee_amount_usd, "USD"),
        "is_estimate": bool(earnings.is_estimate),
        "commission_status": commission,
        "platform_status": platform,
        "referral_status": referral,
        "bucket": bucket,
        # Only of the first bucket does the source tell since when: since the collection.
        "bucket_since": transaction.date if bucket is Bucket.PENDING else None,
        "search_text": search_text(
            (
                transaction.case.case_reference,
                transaction.client.company_name,
                transaction.case.debtor_name,
            )
        ),
    }


def coverage_row(item: CoverageItem) -> Row:
    """A jurisdiction as stored."""
    return {
        "jurisdiction_id": item.jurisdiction_id,
        "jurisdiction": item.jurisdiction,
        "country": item.country,
        "country_code": item.country_alpha2,
        "raw": plain(item.raw),
    }


def plain(raw: JsonObject) -> JsonObject:
    """``raw`` as a JSON column takes it."""
    converted: JsonObject = json.loads(as_json(raw))
    return converted
