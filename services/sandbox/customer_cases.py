"""One client's cases in the Customer API: lists, lookups, and what hangs on a case."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.sandbox.bodies import ChatBody, read_body
from services.sandbox.context import Sandbox, sandbox_of
from services.sandbox.customer_views import (
    EXCLUSIVE_PERIOD,
    chat_view,
    chat_views,
    file_view,
    invoice_view,
    payment_views,
    poa_view,
    signing_url_for,
    timeline_view,
)
from services.sandbox.errors import InvalidRequest, NotFound
from services.sandbox.listing import page_of
from services.sandbox.model import Case, CaseFile, Client
from services.sandbox.money import to_wire
from services.sandbox.query import Query
from services.sandbox.referral_views import validation_view
from services.sandbox.seed_clients import new_id
from services.sandbox.uploads import read_upload
from services.sandbox.vocabulary import lifecycle_name
from services.sandbox.wire import answer, wire_time

DOCUMENT_TYPES = (
    "OriginalInvoice",
    "DebtorDocuments",
    "CreditorDocuments",
    "PartnerDocuments",
    "DemandLetter",
    "Miscellaneous",
)

router = APIRouter()


def client_of(request: Request) -> Client:
    """The client whose token the request carries."""
    client = sandbox_of(request).world.client_of_creditor(request.state.key)
    if client is None:
        raise NotFound("The creditor")
    return client


def case_of(request: Request, case_id: str) -> Case:
    """The client's case of an id. Raises InvalidRequest for no UUID, NotFound for another's."""
    try:
        wanted = str(UUID(unquote(case_id)))
    except ValueError as error:
        raise InvalidRequest(f"id: '{case_id}' is not a UUID") from error
    case = sandbox_of(request).world.case(wanted)
    if case is None or case.tenant_id != client_of(request).tenant_id:
        raise NotFound("The case")
    return case


_Key = Callable[[Case], Any]


def _time_key(name: str) -> _Key:
    def key(case: Case) -> str:
        value: datetime | None = getattr(case, name)
        return value.isoformat() if value else ""

    return key


_SORT_KEYS: dict[str, _Key] = {
    "datecreated": _time_key("created"),
    "dateupdated": _time_key("started"),
    "datefinished": _time_key("finished"),
    "datecollectionstarted": _time_key("started"),
    "duedate": _time_key("due"),
    "date": _time_key("invoice_date"),
    "grossamount": lambda case: to_wire(case.gross, case.currency),
    "remainder": lambda case: to_wire(case.remainder, case.currency),
    "lifecycle": lambda case: case.label,
    "closecode": lambda case: case.close_code or "",
}


@router.get("/cases")
async def list_cases(request: Request) -> Response:
    """The client's cases, 10 a page, newest first unless sorted by one or more fields."""
    sandbox, client, query = sandbox_of(request), client_of(request), Query(request)
    page = query.page(10)
    ids = set(query.ids("Ids"))
    statuses = set(query.values("Statuses", lifecycle_name))
    hidden = bool(query.ids("DivisionIds") or query.ids("DebtorIds"))
    query.check()
    rows = [
        case
        for case in sandbox.world.cases_of(client.tenant_id)
        if (not ids or case.id in ids)
        and (not statuses or case.lifecycle in statuses)
        and not hidden
    ]
    # Sorting by the last field first leaves the first field in charge.
    for part in reversed((query.text("Sort") or "DateCreated:desc").split(",")):
        field, _, direction = part.strip().partition(":")
        key = _SORT_KEYS.get(field.casefold())
        if key:
            rows.sort(key=key, reverse=direction.casefold() == "desc")
    shown, page_data = page_of(rows, page)
    return answer({"page": page_data, "cases": [invoice_view(sandbox, case) for case in shown]})


@router.get("/cases/by-creditor-reference/{reference}")
async def get_by_creditor_reference(request: Request, reference: str) -> Response:
    """The client's case under the client's own reference."""
    return _found(request, lambda case: case.creditor_reference == unquote(reference))


@router.get("/cases/case-reference/{reference}")
async def get_by_reference(request: Request, reference: str) -> Response:
    """The client's case under Debitura's reference."""
    return _found(request, lambda case: case.reference == unquote(reference))


def _found(request: Request, fits: Callable[[Case], bool]) -> Response:
    sandbox = sandbox_of(request)
    cases = sandbox.world.cases_of(client_of(request).tenant_id)
    case = next((case for case in cases if fits(case)), None)
    if case is None:
        raise NotFound("The case")
    return answer(invoice_view(sandbox, case))


@router.get("/cases/{case_id}")
async def get_case(request: Request, case_id: str) -> Response:
    """One of the client's cases."""
    return answer(invoice_view(sandbox_of(request), case_of(request, case_id)))


@router.get("/cases/{case_id}/timeline")
async def get_timeline(request: Request, case_id: str) -> Response:
    """What has happened on a case."""
    return answer(timeline_view(sandbox_of(request), case_of(request, case_id)))


@router.get("/cases/{case_id}/payments")
async def get_case_payments(request: Request, case_id: str) -> Response:
    """What was collected on a case."""
    return answer(payment_views(sandbox_of(request), case_of(request, case_id)))


@router.get("/cases/{case_id}/validation")
async def get_validation(request: Request, case_id: str) -> Response:
    """Which information is missing."""
    return answer(validation_view(case_of(request, case_id)))


@router.get("/cases/{case_id}/chats")
async def get_chats(request: Request, case_id: str) -> Response:
    """Messages on a case, oldest first."""
    return answer(chat_views(sandbox_of(request), case_of(request, case_id)))


@router.post("/cases/{case_id}/chats")
async def send_chat(request: Request, case_id: str) -> Response:
    """Write a message as one of the client's users; answers an open question."""
    world, case, client = sandbox_of(request).world, case_of(request, case_id), client_of(request)
    body = await read_body(request, ChatBody)
    if body.user_email is None and body.user_id is None:
        raise InvalidRequest("userEmail: this or userId is required")
    wanted = (body.user_email or client.users[0].email).casefold()
    user = next((user for user in client.users if user.email.casefold() == wanted), None)
    if user is None:
        raise InvalidRequest("userEmail: is not a user of this creditor")
    if case.missing_info and case.responded is None:
        case.responded = world.now()
        world.touched("cases")
    return answer(chat_view(world.say(case, 1, (user.name, user.email), body.message)))


@router.get("/cases/{case_id}/files")
async def get_files(request: Request, case_id: str) -> Response:
    """Files of a case."""
    sandbox, case = sandbox_of(request), case_of(request, case_id)
    files = [file for file in sandbox.world.state.files if file.case_id == case.id]
    return answer([file_view(file) for file in files])


@router.post("/cases/{case_id}/files")
async def upload_file(request: Request, case_id: str) -> Response:
    """Add a file to a case."""
    sandbox, case = sandbox_of(request), case_of(request, case_id)
    upload = await read_upload(request)
    document_type = upload.fields.get("documenttype") or DOCUMENT_TYPES[0]
    if document_type not in DOCUMENT_TYPES:
        raise InvalidRequest(f"DocumentType: '{document_type}' is not valid")

    async def store() -> Response:
        world = sandbox.world
        file = CaseFile(
            id=new_id(world.random()),
            case_id=case.id,
            created=world.now(),
            file_name=upload.name,
            document_type=document_type,
            description=upload.fields.get("description"),
        )
        world.state.files.append(file)
        world.touched()
        return answer(file_view(file))

    return await sandbox.idempotency.once(
        request, f"file:{case.id}", store, fingerprint=upload.fingerprint
    )


@router.get("/cases/{case_id}/contract-status")
async def get_contract_status(request: Request, case_id: str) -> Response:
    """Which documents of a case are signed."""
    sandbox, case, client = sandbox_of(request), case_of(request, case_id), client_of(request)
    agency_id = case.agency_id or client.pending_poa
    agency = sandbox.world.agencies.get(agency_id or "")
    url = signing_url_for(sandbox, case)
    poa = poa_view(sandbox, agency, client) if agency else {"signed": True, "solutionUrl": None}
    return answer(
        {
            "sdca": {
                "signed": client.signed,
                "requiresResigning": not client.signed and client.signed_before,
                "solutionUrl": None if client.signed else url,
            },
            "poa": {
                "signed": poa["signed"],
                "requiresResigning": False,
                "solutionUrl": poa["solutionUrl"],
            },
            "collectionPartnerName": agency.name if agency else None,
            "needsPoaSigning": not poa["signed"],
        }
    )


@router.get("/cases/{case_id}/exclusive-period")
async def get_exclusive_period(request: Request, case_id: str) -> Response:
    """How long the case's partner has it alone; 404 before it began."""
    world, case = sandbox_of(request).world, case_of(request, case_id)
    if case.started is None:
        raise NotFound("The exclusive period")
    end = case.started + EXCLUSIVE_PERIOD
    status = "Active" if end > world.now() else "Expired"
    if case.finished and case.finished < end:
        status = "Terminated"
    return answer(
        {
            "engagementStartDate": wire_time(case.started),
            "currentEndDate": wire_time(end),
            "daysRemaining": 0 if status == "Terminated" else (end - world.now()).days,
            "status": status,
            "extensions": [],
        }
    )


@router.get("/cases/{case_id}/quote-requests")
async def list_quote_requests(request: Request, case_id: str) -> Response:
    """Quotes are not part of this stand-in: always none."""
    case_of(request, case_id)
    return answer({"quoteRequests": []})


@router.get("/cases/{case_id}/quote-requests/{quote_request_id}")
@router.get("/cases/{case_id}/quote-requests/{quote_request_id}/quotes")
async def get_quote_request(request: Request, case_id: str, quote_request_id: str) -> Response:
    """Quotes are not part of this stand-in: never found."""
    case_of(request, case_id)
    raise NotFound(f"The quote request {quote_request_id}")


def tasks_of(sandbox: Sandbox, client: Client, cases: list[Case]) -> list[dict[str, Any]]:
    """TaskDto of everything open for a client on these cases, newest first."""
    tasks = []
    for case in reversed(cases):
        if case.lifecycle == "PendingContractSigning":
            url = signing_url_for(sandbox, case)
            tasks.append(_task(case, "SignContract", "Sign the documents", url))
        elif case.missing_info and case.responded is None:
            action = {"method": "POST", "path": f"/cases/{case.id}/chats"}
            task = _task(case, "ReplyToChat", "Answer the collection partner", None)
            tasks.append({**task, "action": action})
        elif case.lifecycle == "LeadsQuoteGiven":
            tasks.append(_task(case, "SelectQuote", "Select a quote", None))
    return tasks


def _task(case: Case, type_: str, title: str, url: str | None) -> dict[str, Any]:
    return {
        "id": str(UUID(int=UUID(case.id).int ^ 1)),
        "type": type_,
        "typeLabel": title,
        "title": title,
        "description": f"{title} for {case.reference}.",
        "status": "Open",
        "caseId": case.id,
        "caseReference": case.reference,
        "leadId": None,
        "deadline": None,
        "dateCreated": wire_time(case.created),
        "dateSolved": None,
        "solutionUrl": url,
    }
