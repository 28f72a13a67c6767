"""The clients against the published contracts; skipped where the contract files are absent."""

import json
import os
from email.parser import BytesParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from wire_fakes import (
    CUSTOMER_OPERATIONS,
    REFERRAL_OPERATIONS,
    Operation,
    customer,
    referral,
    reply,
)

from services.debitura import enums, schemas
from services.debitura.schemas.base import Mirrored, understand
from services.debitura.wire import read_json

HERE = Path(__file__).resolve()
FOLDER = Path(os.environ.get("DEBITURA_CONTRACTS", HERE.parents[4] / "shared" / "contracts"))
FILES = {
    "referral": FOLDER / "referral-partner-api.json",
    "customer": FOLDER / "customer-api.json",
}
if not all(file.exists() for file in FILES.values()):
    pytest.skip("the contract files are not here", allow_module_level=True)

CONTRACTS: dict[str, dict[str, Any]] = {
    name: json.loads(file.read_text(encoding="utf-8")) for name, file in FILES.items()
}

# What the Customer API has and no part of the dashboard asks for.
CUSTOMER_NOT_CALLED = (
    "/cases/{id}/quote-requests",
    "/coverage/:search",
    "/divisions",
    "/Payments",
    "/tasks",
    "/test/",
    "/webhooks",
)

MODELS: dict[tuple[str, str], type[BaseModel]] = {
    ("referral", "ReferralPartnerResponse"): schemas.Partner,
    ("referral", "CoverageItemApiDTO"): schemas.CoverageItem,
    ("referral", "PartnerCoverageApiDTO"): schemas.PartnerCoverage,
    ("referral", "GetFilterOptionsResponse"): schemas.FilterOptions,
    ("referral", "PageData"): schemas.PageData,
    ("referral", "ClientCreatedResponse"): schemas.Client,
    ("referral", "ClientCreditorDto"): schemas.ClientCompany,
    ("referral", "UserDto"): schemas.ClientUser,
    ("referral", "ClientCaseStats"): schemas.ClientCaseStats,
    ("referral", "ClientsSummary"): schemas.ClientsSummary,
    ("referral", "MultiCaseResult"): schemas.CaseResults,
    ("referral", "CaseCreationFailure"): schemas.CaseCreationFailure,
    ("referral", "InvoiceDto"): schemas.CustomerCase,
    ("referral", "ClientDeletableResponse"): schemas.ClientDeletability,
    ("referral", "KycVerificationDto"): schemas.KycReceipt,
    ("referral", "AccessTokenResponse"): schemas.AccessToken,
    ("referral", "ConflictResponse"): schemas.ConflictAnswer,
    ("referral", "CaseItem"): schemas.Case,
    ("referral", "GetCaseDetailResponse"): schemas.CaseDetail,
    ("referral", "CaseClientInfo"): schemas.CaseClient,
    ("referral", "ClientContacts"): schemas.CaseContacts,
    ("referral", "CaseDebtorInfo"): schemas.CaseDebtor,
    ("referral", "CaseValidationStatusDto"): schemas.CaseValidation,
    ("referral", "CasePotentialRevenue"): schemas.PotentialRevenue,
    ("referral", "CasesSummary"): schemas.CasesSummary,
    ("referral", "LifecycleBreakdown"): schemas.LifecycleCounts,
    ("referral", "ReferralPartnerPreviewCaseResponse"): schemas.CasePreview,
    ("referral", "PricingPreviewDto"): schemas.PricingPreview,
    ("referral", "PendingActionDto"): schemas.PendingAction,
    ("referral", "TransactionItem"): schemas.Transaction,
    ("referral", "ClientInfo"): schemas.TransactionClient,
    ("referral", "CaseInfo"): schemas.TransactionCase,
    ("referral", "PaymentInfo"): schemas.TransactionPayment,
    ("referral", "EarningsInfo"): schemas.Earnings,
    ("referral", "RecognitionInfo"): schemas.Recognition,
    ("referral", "StatusInfo"): schemas.TransactionStatus,
    ("referral", "TransactionsSummary"): schemas.TransactionsSummary,
    ("referral", "RevenueBreakdown"): schemas.RevenueBreakdown,
    ("referral", "WebhookDto"): schemas.Webhook,
    ("referral", "TriggerTestWebhookResponse"): schemas.WebhookSampleResult,
    ("customer", "InvoiceDto"): schemas.CustomerCase,
    ("customer", "DebtorDto"): schemas.CustomerDebtor,
    ("customer", "CreditorDto"): schemas.Creditor,
    ("customer", "CollectionPartnerDto"): schemas.CollectionPartner,
    ("customer", "InvoiceAllocationOutstandingDto"): schemas.AllocationOutstanding,
    ("customer", "PreviewCaseResponseApiViewModel"): schemas.PreviewAnswer,
    ("customer", "PreviewResultDto"): schemas.CustomerCasePreview,
    ("customer", "PartnerAssignmentDto"): schemas.PartnerAssignment,
    ("customer", "RequiredActionDto"): schemas.RequiredAction,
    ("customer", "CaseTimelineResponse"): schemas.Timeline,
    ("customer", "TimelineItemDto"): schemas.TimelineItem,
    ("customer", "PaymentDto"): schemas.CasePayment,
    ("customer", "PaymentRelatedInvoiceDto"): schemas.PaymentCase,
    ("customer", "ChatDto"): schemas.Chat,
    ("customer", "UserRelationDto"): schemas.ChatUser,
    ("customer", "CaseFileDto"): schemas.CaseFile,
    ("customer", "CaseContractStatusApiDTO"): schemas.CaseContractStatus,
    ("customer", "ContractItemDto"): schemas.ContractItem,
    ("customer", "CaseValidationStatusDto"): schemas.CaseValidation,
    ("customer", "ExclusivePeriodDto"): schemas.ExclusivePeriod,
    ("customer", "ExclusivePeriodExtensionDto"): schemas.ExclusivePeriodExtension,
    ("customer", "TaskDto"): schemas.Task,
    ("customer", "CollectionContractStatusApiDTO"): schemas.CollectionContractStatus,
    ("customer", "CoverageItemApiDTO"): schemas.CustomerCoverage,
    ("customer", "PartnerCoverageApiDTO"): schemas.CustomerPartnerCoverage,
    ("customer", "CaseEligibilityResponseApiDTO"): schemas.Eligibility,
    ("customer", "JurisdictionInfoApiDTO"): schemas.EligibilityJurisdiction,
    ("customer", "CreditorMeApiDTO"): schemas.CreditorAccount,
    ("customer", "CollectionPartnerUserDto"): schemas.CreditorUser,
}

# Properties that are left out on purpose, by schema.
NOT_TAKEN_OVER = {
    # A director's name, home address and birth date are never stored.
    "ClientCreatedResponse": {"kycVerification"},
    "KycVerificationDto": {"directorFullName", "directorHomeAddress", "directorDateOfBirth"},
    # The bank account that a debtor pays into is nobody's business here.
    "InvoiceDto": {"bankAccount"},
    # A number without published names.
    "CollectionPartnerDto": {"surveyCadenceMode"},
}


def operations(api: str) -> set[tuple[str, str]]:
    return {
        (method.upper(), route)
        for route, methods in CONTRACTS[api]["paths"].items()
        for method in methods
    }


def schema_of(api: str, name: str) -> dict[str, Any]:
    return CONTRACTS[api]["components"]["schemas"][name]


def aliases(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_referral_operation_has_a_method() -> None:
    ours = {(each.method, each.route) for each in REFERRAL_OPERATIONS}
    assert ours == operations("referral")
    assert len(ours) == len(REFERRAL_OPERATIONS) == 22


def test_every_customer_operation_in_use_has_a_method() -> None:
    ours = {(each.method, each.route) for each in CUSTOMER_OPERATIONS}
    wanted = {
        (method, route)
        for method, route in operations("customer")
        if not route.startswith(CUSTOMER_NOT_CALLED)
    }
    assert ours == wanted


CALLS = [("referral", each) for each in REFERRAL_OPERATIONS] + [
    ("customer", each) for each in CUSTOMER_OPERATIONS
]


@pytest.mark.parametrize(("api", "operation"), CALLS, ids=lambda part: getattr(part, "name", part))
def test_a_request_is_what_the_contract_takes(api: str, operation: Operation) -> None:
    make = referral if api == "referral" else customer
    target, wire = make(reply(operation.status, operation.answer))
    operation.invoke(target)
    told = CONTRACTS[api]["paths"][operation.route][operation.method.lower()]

    names = {each["name"] for each in told.get("parameters", []) if each["in"] == "query"}
    assert set(parse_qs(wire.last.url.query.decode())) <= names
    if operation.name in {"clients", "cases", "transactions"}:
        assert set(parse_qs(wire.last.url.query.decode())) == names

    takes = told.get("requestBody", {}).get("content", {})
    assert bool(takes) == bool(wire.last.content)
    if "application/json" in takes:
        schema = takes["application/json"]["schema"]
        assert schema["$ref"].endswith(f"/{operation.body_schema}")
        resolved = schema | {"components": CONTRACTS[api]["components"]}
        jsonschema.validate(json.loads(wire.last.content), resolved)
    if "multipart/form-data" in takes:
        assert parts_of(wire.last) <= set(takes["multipart/form-data"]["schema"]["properties"])


def parts_of(request: Any) -> set[str]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.content)
    return {part.get_param("name", header="content-disposition") for part in message.get_payload()}


@pytest.mark.parametrize(("key", "model"), MODELS.items(), ids=str)
def test_every_property_has_a_field(key: tuple[str, str], model: type[BaseModel]) -> None:
    api, name = key
    told = set(schema_of(api, name)["properties"])
    left_out = NOT_TAKEN_OVER.get(name, set())
    assert left_out <= told
    assert told - left_out == aliases(model)


def test_every_request_model_has_every_property() -> None:
    sent = {
        "CreateClientRequest": schemas.NewClient,
        "ClientDetailsDto": schemas.NewClientDetails,
        "ClientUserDto": schemas.NewClientUser,
        "CreateCollectionCaseRequestApiViewModel": schemas.NewCase,
        "DebtorDto": schemas.Debtor,
        "PreviewCaseRequestApiViewModel": schemas.CasePreviewRequest,
        "PreviewDebtorDto": schemas.PreviewDebtor,
        "SubmitKycVerificationRequest": schemas.KycSubmission,
        "CreateAccessTokenRequest": schemas.TokenRequest,
        "CreateWebhookRequest": schemas.NewWebhook,
        "UpdateWebhookRequest": schemas.WebhookChange,
        "TriggerTestWebhookRequest": schemas.WebhookSample,
    }
    for name, model in sent.items():
        assert aliases(model) == set(schema_of("referral", name)["properties"]), name
    for name, model in {
        "SendChatRequest": schemas.NewChat,
        "CaseEligibilityRequestApiDTO": schemas.EligibilityRequest,
    }.items():
        assert aliases(model) == set(schema_of("customer", name)["properties"]), name


IDENTITIES = {
    name: {field.alias or n for n, field in model.model_fields.items() if field.is_required()}
    for (_, name), model in MODELS.items()
} | {"FilterOptionCountry": {"id"}, "FilterOptionCarveoutPartner": {"id"}}

# A list that does not tell its size is refused, see PageData.
IDENTITIES |= {
    "GetClientsResponse": {"page"},
    "GetCasesResponse": {"page"},
    "TransactionsResponse": {"page"},
}


def _is_told(value: Any) -> bool:
    return value not in (None, "") and not (isinstance(value, int) and value < 0)


SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "number": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "string": st.text(max_size=8),
}
FORMATS: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids().map(str),
    "date": st.dates().map(str),
    "date-time": st.datetimes().map(lambda moment: moment.isoformat() + "7Z"),
}


def instances(api: str, schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """Random values of a schema, with nulls, gaps, unknown enum values and unknown fields."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return instances(api, schema_of(api, name), name)
    value = filled(api, schema, name)
    return st.none() | value if schema.get("nullable") else value


def filled(api: str, schema: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        always = IDENTITIES.get(name, set())
        parts = {each: instances(api, told) for each, told in schema["properties"].items()}
        known = {n: p.filter(_is_told) if n in always else p for n, p in parts.items()}
        required = {n: p for n, p in known.items() if n in always}
        return st.fixed_dictionaries(
            required,
            optional={n: p for n, p in known.items() if n not in always}
            | {"unknownField": st.just({"x": [1]})},
        )
    if kind == "object":
        return st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5)), max_size=2)
    if kind == "array":
        return st.lists(instances(api, schema["items"]), max_size=2)
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | st.just("NeverSeenBefore")
    return FORMATS.get(schema.get("format", ""), SCALARS.get(kind or "", st.none()))


@pytest.mark.parametrize(("key", "model"), MODELS.items(), ids=str)
def test_any_answer_of_the_contract_is_understood(
    key: tuple[str, str], model: type[BaseModel]
) -> None:
    api, name = key

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances(api, {"$ref": f"#/{name}"}))
    def parses(value: dict[str, Any]) -> None:
        received = read_json(json.dumps(value).encode())
        if issubclass(model, Mirrored):
            row = model.received(received)
            assert set(row.raw) == set(received) - NOT_TAKEN_OVER["ClientCreatedResponse"]
        else:
            understand(model, received)

    parses()


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("GetClientsResponse", "clients"),
        ("GetCasesResponse", "cases"),
        ("TransactionsResponse", "data"),
    ],
)
def test_any_list_of_the_contract_is_understood(name: str, rows: str) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances("referral", {"$ref": f"#/{name}"}))
    def parses(value: dict[str, Any]) -> None:
        api, _ = referral(reply(200, value))
        read = {"clients": api.clients, "cases": api.cases, "data": api.transactions}[rows]
        page = read()
        assert len(page.rows) == len(value.get(rows) or [])
        assert page.rejected == []

    parses()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PayoutCommissionPaymentStatus", enums.CommissionPaymentStatus),
        ("PlatformInvoicingStatus", enums.PlatformInvoicingStatus),
        ("ReferralInvoicingStatus", enums.ReferralInvoicingStatus),
    ],
)
def test_numbered_enums_are_in_the_contracts_order(
    name: str, kind: type[enums.NumberedEnum]
) -> None:
    assert [member.value for member in kind] == schema_of("referral", name)["x-enum-names"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("KycStatus", enums.KycStatus),
        ("InvoicingTriggerMode", enums.InvoicingTriggerMode),
        ("CreditorKycVerificationStatus", enums.KycVerificationStatus),
        ("PendingActionType", enums.PendingActionType),
    ],
)
def test_named_enums_are_those_of_the_contract(name: str, kind: type[enums.WireEnum]) -> None:
    assert [member.value for member in kind] == schema_of("referral", name)["enum"]


def test_buckets_and_events_are_those_of_the_contract() -> None:
    counts = [f"{bucket.value}Count" for bucket in enums.RevenueBucket]
    told = schema_of("referral", "RevenueBreakdown")["properties"]
    assert counts == [name for name in told if name.endswith("Count")]
    note = CONTRACTS["referral"]["paths"]["/v1/Webhooks"]["post"]["x-note"]
    events = note.removeprefix("events: ").partition(";")[0].split(", ")
    assert events == [event.value for event in enums.WebhookEvent]
