"""From the API's rows to the store's: one function a kind."""

import json
from hashlib import blake2b
from typing import Any

import simplejson

from services.debitura.enums import KycStatus, Lifecycle
from services.debitura.schemas import Case, Client, CoverageItem, JsonObject, Mirrored, Transaction
from services.domain.money import to_minor
from services.domain.onboarding_stage import (
    ClientFacts,
    derive_stage,
    furthest_milestone,
    link_kind,
)
from services.domain.revenue_stage import bucket_of
from services.store.text import search_text

Row = dict[str, Any]

MAPPING_VERSION = 1
"""Raise it when a mapping or a rule changes, so that rows which came unchanged are read anew."""


def as_json(value: Any) -> str:
    """JSON text in which numbers keep the digits that they came with."""
    return simplejson.dumps(value, use_decimal=True, ensure_ascii=False, separators=(",", ":"))


def _mirrored(row: Mirrored, *derived_from: str | None) -> Row:
    raw = as_json(row.raw)
    told = "\0".join((raw, str(MAPPING_VERSION), *(part or "" for part in derived_from)))
    # Unpaired surrogates are valid JSON but not valid text.
    raw_bytes = told.encode(errors="surrogatepass")
    return {"raw": raw, "fingerprint": blake2b(raw_bytes, digest_size=16).hexdigest()}


def client_row(client: Client) -> Row:
    """A client as stored. Its stage is the one its own row tells; cases are looked at later."""
    company = client.client
    stats = client.case_stats
    url = client.onboarding_links.url
    facts = ClientFacts(
        archived=False,
        onboarding_done=bool(client.onboarding_done),
        link=link_kind(url),
        kyc_pending=client.kyc_status == KycStatus.PENDING,
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
        "cases_total": stats.cases_total or 0,
        "cases_closed": stats.cases_closed or 0,
        "earnings_usd": to_minor(stats.earnings_usd, "USD"),
        "kyc_status": client.kyc_status,
        "users": users,
        "stage": derive_stage(facts),
        "stage_since": None,
        "stage_derived_at": None,
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


def case_row(case: Case) -> Row:
    """A case as stored, amounts in minor units of its currency."""
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
        "lifecycle": case.lifecycle,
        "close_code": case.close_code,
        "engagement_phase": case.current_engagement_phase,
        "created_at": case.date_created,
        "due_at": case.due_date,
        "collection_started_at": case.date_collection_started,
        "finished_at": case.date_finished,
        "needs_info": bool(case.validation.needs_info),
        "creditor_responded_at": case.validation.creditor_responded_at,
        "collection_partner": case.collection_partner,
        "lifecycle_since": _known_since(case),
        "search_text": search_text(
            (
                case.reference,
                case.creditor_reference,
                case.debtor.name,
                case.client.company_name,
            )
        ),
    }


def _known_since(case: Case) -> Any:
    """Since when the case has its lifecycle, where a date of the source tells it."""
    if case.lifecycle is Lifecycle.PENDING_CONTRACT_SIGNING:
        return case.date_created
    if case.lifecycle is Lifecycle.ACTIVE:
        return case.date_collection_started
    if case.lifecycle in (Lifecycle.CLOSED, Lifecycle.MERGED):
        return case.date_finished
    return None


def transaction_row(transaction: Transaction, mode: str | None) -> Row:
    """A transaction as stored, put into its bucket by the partner's invoicing mode."""
    payment, earnings, status = transaction.payment, transaction.earnings, transaction.status
    return {
        # A change of the mode moves buckets although the source's row stays the same.
        **_mirrored(transaction, mode),
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
        "commission_status": status.commission_payment_status,
        "platform_status": status.platform_invoicing_status,
        "referral_status": status.referral_invoicing_status,
        "bucket": bucket_of(
            status.commission_payment_status,
            status.platform_invoicing_status,
            status.referral_invoicing_status,
            mode,
        ),
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
