"""Clients, cases and transactions in the words of the Referral Partner API."""

from typing import Any

from services.sandbox.context import Sandbox
from services.sandbox.intake import obstacles_for
from services.sandbox.model import Case, Client, KycRecord, LinkRequest, Transaction, User
from services.sandbox.money import (
    PLATFORM_SHARE_BPS,
    cents_to_wire,
    percent_to_wire,
    share,
    to_wire,
    usd_cents,
)
from services.sandbox.revenue import is_recognized
from services.sandbox.seed_cases import RESOLUTION_AREAS
from services.sandbox.vocabulary import COUNTRY_BY_ID
from services.sandbox.wire import wire_time, wire_time_or_none, without_none

Json = dict[str, Any]


def client_view(sandbox: Sandbox, client: Client, case_results: Json | None = None) -> Json:
    """ClientCreatedResponse."""
    totals = sandbox.world.totals(client.tenant_id)
    view = {
        "externalTenantId": client.tenant_id,
        "onboardingDone": client.signed,
        "onboardingLinks": {"url": onboarding_url(sandbox, client)},
        "client": {
            "id": client.creditor_id,
            "companyName": client.name,
            "officeEmail": client.email,
            "country": client.country,
            "address": client.address,
            "city": client.city,
            "zipCode": client.zip_code,
            "companyRegistrationNumber": client.registration_number,
        },
        "users": [_user_view(user) for user in client.users],
        "isAttributedClient": client.attributed,
        "dateLinked": wire_time(client.linked),
        "caseStats": {
            "casesTotal": totals.cases,
            "casesClosed": totals.closed,
            "earningsUsd": cents_to_wire(totals.earnings_cents),
        },
        "kycStatus": client.kyc_status,
        "kycVerification": kyc_view(client.kyc) if client.kyc else None,
        "caseResults": case_results,
    }
    return without_none(view, "kycVerification", "caseResults")


def onboarding_url(sandbox: Sandbox, client: Client) -> str | None:
    """The page a client has to open next; None when nothing is left to do."""
    agency = sandbox.world.agencies.get(client.pending_poa) if client.pending_poa else None
    paths = [obstacle.link_path for obstacle in obstacles_for(client, agency)]
    path = next((path for path in paths if path), None)
    return sandbox.link_url(path) if path else None


def approval_url(sandbox: Sandbox, request: LinkRequest) -> str:
    """The page where the owner of an existing account decides on a link request."""
    return sandbox.link_url(f"ReferralPartner/Approve?token={request.token}")


def _user_view(user: User) -> Json:
    first, _, last = user.name.partition(" ")
    return {"id": user.id, "email": user.email, "firstName": first, "lastName": last or None}


def kyc_view(record: KycRecord) -> Json:
    """KycVerificationDto."""
    view = {
        "directorFullName": record.full_name,
        "directorHomeAddress": record.home_address,
        "directorDateOfBirth": record.birth_date.isoformat(),
        "dateCreated": wire_time(record.created),
        "verificationStatus": record.status,
        "verificationStatusUpdatedAt": wire_time_or_none(record.status_updated),
    }
    return without_none(view, "verificationStatus")


def case_view(sandbox: Sandbox, case: Case) -> Json:
    """CaseItem."""
    client = sandbox.world.client(case.tenant_id)
    agency = sandbox.world.agencies.get(case.agency_id) if case.agency_id else None
    rate = client.referral_fee_bps if client and case.earns else 0
    return {
        "id": case.id,
        "reference": case.reference,
        "creditorReference": case.creditor_reference,
        "client": _case_client_view(client) if client else {},
        "debtor": {
            "name": case.debtor_name,
            "country": COUNTRY_BY_ID[case.country_id].name,
        },
        "grossAmount": to_wire(case.gross, case.currency),
        "remainder": to_wire(case.remainder, case.currency),
        "currency": case.currency,
        "lifecycle": case.label,
        "closeCode": case.close_code,
        "currentEngagementPhase": case.phase,
        "dateCreated": wire_time(case.created),
        "dueDate": wire_time(case.due),
        "dateCollectionStarted": wire_time_or_none(case.started),
        "dateFinished": wire_time_or_none(case.finished),
        "validation": validation_view(case),
        "collectionPartner": agency.name if agency else None,
        "expectedReferralRatePercentage": percent_to_wire(rate) if agency else None,
    }


def _case_client_view(client: Client) -> Json:
    contacts = [{"email": user.email, "name": user.name} for user in client.users]
    return {
        "externalTenantId": client.tenant_id,
        "creditorId": client.creditor_id,
        "companyName": client.name,
        "contacts": {
            **({"onboardingUser": contacts[0]} if contacts else {}),
            "officeEmail": client.email,
            "otherUsers": contacts[1:],
        },
    }


def validation_view(case: Case) -> Json:
    """CaseValidationStatusDto."""
    return {
        "needsInfo": bool(case.missing_info),
        "creditorRespondedAt": wire_time_or_none(case.responded),
        "items": [
            {"resolutionArea": area, "description": RESOLUTION_AREAS.get(area)}
            for area in case.missing_info
        ],
    }


def case_detail_view(sandbox: Sandbox, case: Case) -> Json:
    """GetCaseDetailResponse: with the USD chain of what the case may earn, once it is assigned."""
    client = sandbox.world.client(case.tenant_id)
    view = case_view(sandbox, case)
    if client is None or case.agency_id is None:
        return view
    rate = client.referral_fee_bps if case.earns else 0
    gross = usd_cents(case.gross, case.currency)
    agency_revenue = share(gross, case.success_fee_bps)
    platform_revenue = share(agency_revenue, PLATFORM_SHARE_BPS)
    view["potentialRevenue"] = {
        "grossAmountUsd": cents_to_wire(gross),
        "successFeePercentage": percent_to_wire(case.success_fee_bps),
        "collectionPartnerRevenueUsd": cents_to_wire(agency_revenue),
        "platformRevenueSharePercentage": percent_to_wire(PLATFORM_SHARE_BPS),
        "platformRevenueUsd": cents_to_wire(platform_revenue),
        "referralFeePercentage": percent_to_wire(rate),
        "referralRevenueUsd": cents_to_wire(share(platform_revenue, rate)),
    }
    return view


def transaction_view(sandbox: Sandbox, transaction: Transaction) -> Json:
    """TransactionItem."""
    client = sandbox.world.client(transaction.tenant_id)
    case = sandbox.world.case(transaction.case_id)
    currency = transaction.currency
    recognized = is_recognized(transaction)
    return {
        "transactionId": transaction.id,
        "date": wire_time(transaction.date),
        "client": {
            "externalTenantId": transaction.tenant_id,
            "creditorId": client.creditor_id,
            "companyName": client.name,
        }
        if client
        else {},
        "case": {
            "invoiceId": case.id,
            "caseReference": case.reference,
            "debtorName": case.debtor_name,
            "originalAmount": to_wire(case.gross, case.currency),
            "currency": case.currency,
        }
        if case
        else {},
        "payment": {
            "amount": to_wire(transaction.amount, currency),
            "currency": currency,
            "paymentDate": wire_time(transaction.date),
        },
        "earnings": {
            "currency": currency,
            "debituraRevenue": to_wire(transaction.debitura_revenue, currency),
            "debituraRevenueUsd": cents_to_wire(transaction.debitura_revenue_cents),
            "referralFeePercentage": percent_to_wire(transaction.referral_fee_bps),
            "referralFeeAmount": to_wire(transaction.referral_fee, currency),
            "referralFeeAmountUsd": cents_to_wire(transaction.referral_fee_cents),
            "isEstimate": transaction.commission_status != "Paid",
        },
        "recognition": {
            "isRecognized": recognized,
            "referralFeeRecognizedUsd": cents_to_wire(
                transaction.referral_fee_cents if recognized else 0
            ),
        },
        "status": {
            "commissionPaymentStatus": transaction.commission_status,
            "platformInvoicingStatus": transaction.platform_status,
            "referralInvoicingStatus": transaction.referral_status,
        },
    }
