"""Filing of new cases: what is wrong with one, who would work it, what is still to be signed."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from services.sandbox.bodies import CaseBody, field_messages
from services.sandbox.model import Agency, Case, Client
from services.sandbox.money import CURRENCY_DIGITS, from_wire
from services.sandbox.records import Records
from services.sandbox.seed_clients import new_id
from services.sandbox.vocabulary import (
    COUNTRY_BY_ALPHA2,
    LIFECYCLE_LABELS,
    US_STATES,
    Jurisdiction,
)

DEBTOR_TYPES = ("company", "person", "private")


@dataclass(frozen=True, slots=True)
class CaseFailure:
    """Why the case at ``index`` of several was not filed."""

    index: int
    creditor_reference: str | None
    type: str
    message: str
    fields: dict[str, list[str]] | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A missing document, under the type that a 422 gives it; ``link_path`` is where to sign."""

    type: str
    message: str
    link_path: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """Where a claim belongs: ``agency`` is None when nobody covers the place."""

    jurisdiction: Jurisdiction | None
    agency: Agency | None
    obstacles: list[Obstacle] = field(default_factory=list)


def case_faults(records: Records, client: Client, body: CaseBody) -> list[str]:
    """``field: reason`` for each thing wrong with a case; empty when it can be filed."""
    faults = _amount_faults(body)
    debtor = body.debtor
    if debtor is None:
        faults.append("debtor: is required")
    else:
        if debtor.type.casefold() not in DEBTOR_TYPES:
            faults.append("debtor.type: must be Company or Private")
        faults += _place_faults(debtor.country_alpha2, debtor.state_alpha2)
    if body.tag is not None and not body.is_test:
        faults.append("tag: is only allowed with isTest")
    emails = {user.email.casefold() for user in client.users}
    if body.assigned_user_email and body.assigned_user_email.casefold() not in emails:
        faults.append("assignedUserEmail: is not an active team member")
    if body.collection_partner_id and body.collection_partner_id not in records.agencies:
        faults.append("collectionPartnerId: is not known")
    return faults


def _amount_faults(body: CaseBody) -> list[str]:
    faults = []
    if body.currency_code.upper() not in CURRENCY_DIGITS:
        faults.append("currencyCode: is not supported")
    elif from_wire(body.amount_to_recover, body.currency_code.upper()) <= 0:
        faults.append("amountToRecover: must be greater than 0")
    total = body.amount_to_recover
    over6 = body.amount_to_recover_over6_months
    over12 = body.amount_to_recover_over12_months
    over24 = body.amount_to_recover_over24_months
    if (over12 is None) != (over24 is None):
        faults.append("amountToRecoverOver12Months: goes with amountToRecoverOver24Months")
    if over6 is not None and over12 is None:
        faults.append("amountToRecoverOver6Months: goes with the 12 and 24 month amounts")
    falling = [amount for amount in (total, over6, over12, over24) if amount is not None]
    if falling != sorted(falling, reverse=True) or falling[-1] < 0:
        faults.append("amountToRecover: the older amounts are part of the younger ones")
    return faults


def _place_faults(country: str | None, state: str | None) -> list[str]:
    if not country:
        return ["debtor.countryAlpha2: is required"]
    if not re.fullmatch("[A-Za-z]{2}", country):
        return ["debtor.countryAlpha2: must be an ISO 3166-1 alpha-2 code"]
    if country.upper() == "US" and state_code(state) is None:
        return ["debtor.stateAlpha2: is required for the United States"]
    return []


def state_code(state: str | None) -> str | None:
    """The code of a state of the United States out of ``CA``, ``US-CA`` or ``California``."""
    if not state:
        return None
    code = state.upper().removeprefix("US-")
    by_name = {name.casefold(): known for known, name in US_STATES.items()}
    if re.fullmatch("[A-Z]{2}", code):
        return code
    return by_name.get(state.casefold())


def has_reference(records: Records, client: Client, reference: str | None) -> bool:
    """Whether the client has a case under this reference of its own."""
    return reference is not None and any(
        case.creditor_reference == reference for case in records.cases_of(client.tenant_id)
    )


def assess(
    records: Records,
    client: Client,
    country: str,
    state: str | None,
    *,
    partner_id: str | None = None,
) -> Assessment:
    """Where a claim of this client would go, and what has to be signed or handed in first."""
    jurisdiction = records.jurisdiction(country, state_code(state))
    agencies = records.agencies_at(jurisdiction)
    wanted = [agency for agency in agencies if agency.id == partner_id]
    agency = next(iter(wanted or agencies), None)
    return Assessment(jurisdiction, agency, obstacles_for(client, agency))


def obstacles_for(client: Client, agency: Agency | None) -> list[Obstacle]:
    """What a client has still to sign or hand in before an agency may work for it."""
    obstacles = []
    if not client.signed:
        kind = "ContractUpgrade/Sign" if client.signed_before else "companydetails"
        obstacles.append(
            Obstacle(
                "MissingDebtCollectionContract",
                "The standard debt collection agreement is not signed.",
                f"{kind}/{client.link_id}",
            )
        )
    if agency and agency.needs_poa and agency.id not in client.poa_agencies:
        obstacles.append(
            Obstacle(
                "MissingPowerOfAttorney",
                f"{agency.name} needs a power of attorney.",
                f"PowerOfAttorney/Sign/{client.link_id}?collectionPartnerId={agency.id}",
            )
        )
    if agency and agency.needs_kyc and client.kyc is None:
        obstacles.append(
            Obstacle(
                "MissingKycVerification",
                f"{agency.name} needs the identity of a director.",
                None,
            )
        )
    return obstacles


def check_case(
    records: Records, client: Client, raw: dict[str, Any], index: int
) -> CaseFailure | tuple[CaseBody, Assessment]:
    """Judge a case that comes with its client; the body and its place when it can be filed."""
    try:
        body = CaseBody.model_validate(raw)
    except ValidationError as error:
        return _failure(index, None, "ValidationError", field_messages(error))
    faults = case_faults(records, client, body)
    if faults or body.debtor is None:
        return _failure(index, body, "ValidationError", faults)
    if has_reference(records, client, body.creditor_reference):
        return _failure(index, body, "DuplicateReference", ["creditorReference: is already in use"])
    country = body.debtor.country_alpha2 or ""
    state, partner_id = body.debtor.state_alpha2, body.collection_partner_id
    assessment = assess(records, client, country, state, partner_id=partner_id)
    if assessment.agency is None:
        return _failure(
            index, body, "NoPartnerAvailable", [f"No collection partner covers {country}."]
        )
    return body, assessment


def file_case(
    records: Records, client: Client, raw: dict[str, Any], index: int
) -> Case | CaseFailure:
    """File a case that comes with its client: it waits for signatures, if any are missing."""
    outcome = check_case(records, client, raw, index)
    return outcome if isinstance(outcome, CaseFailure) else make_case(records, client, *outcome)


def _failure(index: int, body: CaseBody | None, type_: str, messages: list[str]) -> CaseFailure:
    fields: dict[str, list[str]] | None = None
    if type_ != "NoPartnerAvailable":
        fields = {}
        for message in messages:
            name, _, reason = message.partition(": ")
            fields.setdefault(name, []).append(reason)
    reference = body.creditor_reference if body else None
    return CaseFailure(index, reference, type_, "; ".join(messages), fields)


def make_case(records: Records, client: Client, body: CaseBody, assessment: Assessment) -> Case:
    """File a checked case with the agency found for it.

    It is PendingContractSigning while something is to be signed, else with Debitura for checking.
    """
    debtor, agency = body.debtor, assessment.agency
    if debtor is None or agency is None:
        raise ValueError("a case is filed with a debtor and an agency")
    now = records.now()
    currency = body.currency_code.upper()
    gross = from_wire(body.amount_to_recover, currency)
    waits = any(obstacle.link_path for obstacle in assessment.obstacles)
    lifecycle = "PendingContractSigning" if waits else "PendingVerificationInternal"
    if client.signed and waits:
        client.pending_poa = client.pending_poa or agency.id
    invoiced = body.date or now - timedelta(days=30)
    case = Case(
        id=new_id(records.random()),
        reference="",
        creditor_reference=body.creditor_reference,
        tenant_id=client.tenant_id,
        debtor_name=debtor.name,
        debtor_type="Company" if debtor.type.casefold() == "company" else "Private",
        country_id=COUNTRY_BY_ALPHA2[(debtor.country_alpha2 or "").upper()].id,
        currency=currency,
        gross=gross,
        remainder=gross,
        lifecycle=lifecycle,
        label=LIFECYCLE_LABELS[lifecycle],
        created=now,
        invoice_date=invoiced,
        due=body.due_date or invoiced + timedelta(days=14),
        success_fee_bps=agency.success_fee_bps,
        state=assessment.jurisdiction.state if assessment.jurisdiction else None,
        is_test=body.is_test,
        tag=body.tag,
        comments=body.comments,
        claim_description=body.claim_description,
        assigned_user=body.assigned_user_email,
        debtor=debtor.model_dump(by_alias=True),
    )
    records.add_case(case)
    return case
