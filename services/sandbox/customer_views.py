"""Cases and what hangs on them in the words of the Customer API."""

from datetime import timedelta
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from services.sandbox import names
from services.sandbox.context import Sandbox
from services.sandbox.intake import obstacles_for
from services.sandbox.model import Agency, Case, CaseFile, ChatMessage, Client
from services.sandbox.money import percent_to_wire, to_wire
from services.sandbox.vocabulary import COUNTRY_BY_ID, JURISDICTIONS
from services.sandbox.wire import wire_time, wire_time_or_none, without_none

Json = dict[str, Any]
EXCLUSIVE_PERIOD = timedelta(days=180)


def derived_id(*parts: str) -> str:
    """The id of something that is not kept but follows from other things."""
    return str(uuid5(NAMESPACE_URL, ":".join(parts)))


def invoice_view(sandbox: Sandbox, case: Case, signing_url: str | None = None) -> Json:
    """InvoiceDto: a case as its client sees it."""
    client = sandbox.world.client(case.tenant_id)
    agency = sandbox.world.agencies.get(case.agency_id) if case.agency_id else None
    remainder = to_wire(case.remainder, case.currency)
    url = signing_url or signing_url_for(sandbox, case)
    view = {
        "id": case.id,
        "dateCreated": wire_time(case.created),
        "dateUpdated": wire_time(case.finished or case.started or case.created),
        "reference": case.reference,
        "creditorReference": case.creditor_reference,
        "creditorComments": case.comments,
        "claimDescription": case.claim_description,
        "grossAmount": to_wire(case.gross, case.currency),
        "remainder": remainder,
        "interestFees": 0,
        "reminderFees": 0,
        "collectionFees": 0,
        "totalAddedFees": 0,
        "currency": case.currency,
        "isTestCase": case.is_test,
        "lifecycle": case.label,
        "dueDate": wire_time(case.due),
        "date": wire_time(case.invoice_date),
        "dateFinished": wire_time_or_none(case.finished),
        "dateCollectionStarted": wire_time_or_none(case.started),
        "closeCode": case.close_code,
        "currentEngagementPhase": case.phase,
        "claimType": "Invoice",
        "creditorDivisionId": None,
        "debtor": debtor_view(case),
        "collectionPartner": _agency_view(agency) if agency else None,
        "creditor": _creditor_view(client) if client else {},
        "blendedAgeUpliftPoints": None,
        "preLegalSuccessFee": percent_to_wire(case.success_fee_bps),
        "solutionUrl": url,
        "signingHandoff": {"combinedSigningUrl": url} if url else None,
        "exclusivePeriodEndDate": wire_time(case.started + EXCLUSIVE_PERIOD)
        if case.started
        else None,
        "disputeStatus": case.dispute_status,
        "validation": {"needsInfo": bool(case.missing_info)},
        "assignedUser": _assigned_view(case, client),
        "allocationOutstanding": {
            "principal": remainder,
            "interest": 0,
            "reminderFees": 0,
            "collectionFees": 0,
        },
    }
    return without_none(view, "collectionPartner", "signingHandoff", "assignedUser")


def signing_url_for(sandbox: Sandbox, case: Case) -> str | None:
    """Where a waiting case's client signs; None when the case does not wait for it."""
    client = sandbox.world.client(case.tenant_id)
    if case.lifecycle != "PendingContractSigning" or client is None:
        return None
    agency = sandbox.world.agencies.get(client.pending_poa or "")
    obstacles = obstacles_for(client, agency)
    path = next((obstacle.link_path for obstacle in obstacles if obstacle.link_path), None)
    return sandbox.link_url(path) if path else None


def debtor_view(case: Case) -> Json:
    """DebtorDto: as submitted, or made up from the case's id."""
    if case.debtor is not None:
        return case.debtor
    country = COUNTRY_BY_ID[case.country_id]
    random = Random(case.id)
    place = names.address(random, country.alpha2)
    mail = names.slug(case.debtor_name)[:40].strip("-")
    company = case.debtor_type == "Company"
    return {
        "type": case.debtor_type,
        "name": case.debtor_name,
        "contactPerson": names.person_name(random, country.alpha2) if company else None,
        "companyRegistrationNumber": f"{random.randrange(10**8):08}" if company else None,
        "address": place.street,
        "zipCode": place.zip_code,
        "city": place.city,
        "state": None,
        "stateAlpha2": case.state,
        "countryAlpha2": country.alpha2,
        "country": country.name,
        "email": f"accounts@{mail}.example",
        "phone": None,
    }


def _agency_view(agency: Agency) -> Json:
    site = f"{names.slug(agency.name)}.example"
    return {
        "name": agency.name,
        "officeEmail": f"cases@{site}",
        "officePhone": None,
        "publicSite": f"https://{site}",
        "surveyCadenceMode": 0,
    }


def _creditor_view(client: Client) -> Json:
    return {
        "id": client.creditor_id,
        "companyName": client.name,
        "companyRegistrationNumber": client.registration_number,
        "officeEmail": client.email,
        "officePhone": client.phone,
        "address": client.address,
        "city": client.city,
        "zipCode": client.zip_code,
        "state": client.state,
        "country": client.country,
    }


def _assigned_view(case: Case, client: Client | None) -> Json | None:
    if case.assigned_user is None or client is None:
        return None
    wanted = case.assigned_user.casefold()
    user = next((user for user in client.users if user.email.casefold() == wanted), None)
    return {"email": case.assigned_user, "name": user.name if user else None}


def timeline_view(sandbox: Sandbox, case: Case) -> Json:
    """CaseTimelineResponse, newest first."""
    client = sandbox.world.client(case.tenant_id)
    agency = sandbox.world.agencies.get(case.agency_id or "")
    creditor: Json = {"type": "Creditor user", "name": client.users[0].name if client else None}
    partner: Json = {"type": "Partner user", "name": agency.name if agency else None}
    system: Json = {"type": "System", "name": "Debitura"}
    items = [(case.created, "CaseCreated", "Case created", case.reference, creditor)]
    if case.started:
        items.append(
            (
                case.started,
                "CollectionStarted",
                "Collection started",
                f"{agency.name if agency else 'A partner'} works on the case",
                partner,
            )
        )
    if case.responded:
        items.append(
            (
                case.responded,
                "CreditorResponded",
                "Information given",
                "The creditor has answered",
                creditor,
            )
        )
    for when, amount in payments_of(sandbox, case):
        items.append(
            (
                when,
                "PaymentRegistered",
                "Payment received",
                f"{to_wire(amount, case.currency)} {case.currency}",
                partner,
            )
        )
    if case.finished:
        items.append(
            (case.finished, "CaseClosed", "Case closed", case.close_code or case.label, system)
        )
    items.sort(key=lambda item: item[0], reverse=True)
    return {
        "items": [
            {
                "date": wire_time(when),
                "type": type_,
                "title": title,
                "description": description,
                "actor": actor,
            }
            for when, type_, title, description, actor in items
        ],
        "currentEngagementPhase": case.phase,
    }


def payments_of(sandbox: Sandbox, case: Case) -> list[tuple[Any, int]]:
    """Time and amount in minor units of every payment on a case, oldest first."""
    earning = [(row.date, row.amount) for row in sandbox.world.transactions_of(case.id)]
    return sorted(earning + [(payment.date, payment.amount) for payment in case.other_payments])


def payment_views(sandbox: Sandbox, case: Case) -> list[Json]:
    """PaymentDto for every payment on a case, oldest first."""
    return [
        {
            "id": derived_id(case.id, str(number)),
            "dateCreated": wire_time(when),
            "dateUpdated": None,
            "date": wire_time(when),
            "grossAmount": to_wire(amount, case.currency),
            "recipient": "CollectionPartner" if number % 4 else "Creditor",
            "method": "BankTransfer",
            "currency": case.currency,
            "invoice": {
                "status": case.label,
                "reference": case.reference,
                "invoiceId": case.id,
            },
        }
        for number, (when, amount) in enumerate(payments_of(sandbox, case), start=1)
    ]


def chat_views(sandbox: Sandbox, case: Case) -> list[Json]:
    """ChatDto for every message of a case, oldest first; a question opens where information is
    missing."""
    messages = [m for m in sandbox.world.state.messages if m.case_id == case.id]
    agency = sandbox.world.agencies.get(case.agency_id or "")
    if case.missing_info:
        author = agency.name if agency else "Debitura"
        messages.insert(
            0,
            ChatMessage(
                id=derived_id(case.id, "question"),
                case_id=case.id,
                created=case.created,
                role=0,
                message="We need more information before we can start: see the open points.",
                author_name=author,
                author_email=f"cases@{names.slug(author)}.example",
            ),
        )
    return [chat_view(message) for message in messages]


def chat_view(message: ChatMessage) -> Json:
    """ChatDto."""
    first, _, last = message.author_name.partition(" ")
    return {
        "id": message.id,
        "dateCreated": wire_time(message.created),
        "dateUpdated": None,
        "role": message.role,
        "roleLabel": ("Partner", "Creditor", "System")[message.role],
        "message": message.message,
        "isSeen": False,
        "user": {
            "id": int(derived_id(message.author_email)[:7], 16),
            "dateCreated": None,
            "dateUpdated": None,
            "firstName": first,
            "lastName": last or None,
            "email": message.author_email,
        },
    }


def file_view(file: CaseFile) -> Json:
    """CaseFileDto."""
    return {
        "id": file.id,
        "dateCreated": wire_time(file.created),
        "dateUpdated": wire_time(file.created),
        "caseId": file.case_id,
        "entityType": "Case",
        "entityId": file.case_id,
        "fileName": file.file_name,
        "url": None,
        "description": file.description,
        "documentType": file.document_type,
    }


def coverage_views(sandbox: Sandbox, client: Client | None) -> list[Json]:
    """CoverageItemApiDTO of every jurisdiction, also those that nobody covers; with the client's
    own signatures when there is a client."""
    return [
        {
            "jurisdictionId": place.id,
            "jurisdiction": place.name,
            "country": place.country.name,
            "countryId": place.country.id,
            "countryAlpha2": place.country.alpha2,
            "usStateAlpha2": place.state,
            "partners": [
                _coverage_partner(sandbox, agency, client)
                for agency in sandbox.world.agencies_at(place)
            ],
        }
        for place in JURISDICTIONS
    ]


def _coverage_partner(sandbox: Sandbox, agency: Agency, client: Client | None) -> Json:
    view: Json = {
        "partnerId": agency.id,
        "partnerName": agency.name,
        "conditions": "All cases",
    }
    return view if client is None else {**view, **poa_view(sandbox, agency, client)}


def poa_view(sandbox: Sandbox, agency: Agency, client: Client) -> Json:
    """PowerOfAttorneyStatusApiDTO."""
    wanted = f"PowerOfAttorney/Sign/{client.link_id}?collectionPartnerId={agency.id}"
    signed = not agency.needs_poa or agency.id in client.poa_agencies
    return {
        "signed": signed,
        "requiresResigning": False,
        "invalidationReason": None,
        "termsUrl": None,
        "solutionUrl": None if signed else sandbox.link_url(wanted),
    }
