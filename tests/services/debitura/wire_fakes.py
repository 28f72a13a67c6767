"""A wire that answers as told, a clock that never waits, and the operations of both APIs."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx

from services.debitura import (
    Clock,
    CustomerApi,
    CustomerClient,
    NewCase,
    NewClient,
    NewClientDetails,
    NewClientUser,
    ReferralPartnerApi,
    TokenProvider,
)
from services.debitura.enums import (
    CommissionPaymentStatus,
    PlatformInvoicingStatus,
    ReferralInvoicingStatus,
    RevenueBucket,
)
from services.debitura.schemas import (
    AccessToken,
    CasePreviewRequest,
    Debtor,
    EligibilityRequest,
    KycSubmission,
    NewChat,
    NewWebhook,
    PreviewDebtor,
    WebhookChange,
    WebhookSample,
)

REFERRAL_URL = "http://127.0.0.1:8600/referral"
CUSTOMER_URL = "http://127.0.0.1:8600/customer"
KEY = "s3cret-key"


@dataclass
class FakeTime:
    """Seconds that pass only by sleeping."""

    now: float = 1_000.0
    slept: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sleep(self, seconds: float) -> None:
        with self.lock:
            self.slept.append(seconds)
            self.now += seconds

    def clock(self, chance: float = 1.0) -> Clock:
        return Clock(lambda: self.now, self.sleep, lambda: chance)


Reply = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Wire:
    """Gives each request the next reply; the last one is given again and again."""

    def __init__(self, *replies: Reply) -> None:
        self.requests: list[httpx.Request] = []
        self._replies = list(replies)
        self._lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
            reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, httpx.Response):
            return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)
        return reply(request)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]


def reply(status: int = 200, body: Any = None, *, text: str | None = None) -> httpx.Response:
    if text is None:
        text = "" if body is None else json.dumps(body)
    return httpx.Response(status, text=text, headers={"content-type": "application/json"})


def html(status: int) -> httpx.Response:
    return httpx.Response(status, html="<!doctype html><h1>Gateway</h1>")


def referral(*replies: Reply, time: FakeTime | None = None, **options: Any) -> tuple[Any, Wire]:
    wire = Wire(*replies)
    clock = (time or FakeTime()).clock()
    options = {"transport": wire.transport, "clock": clock} | options
    return ReferralPartnerApi(REFERRAL_URL, KEY, **options), wire


def customer(
    *replies: Reply, tokens: Iterable[str] = ("token-1", "token-2", "token-3"), **options: Any
) -> tuple[CustomerClient, Wire]:
    wire, minted, clock = Wire(*replies), iter(tokens), FakeTime().clock()

    def mint(_: str) -> AccessToken:
        return AccessToken.model_validate({"accessToken": next(minted), "expiresIn": 1800})

    provider = TokenProvider(mint, clock=clock)
    options = {"transport": wire.transport, "clock": clock} | options
    return CustomerApi(CUSTOMER_URL, provider, **options).for_client("acme"), wire


PAGE = {"totalResults": 1, "pageSize": 100, "currentPage": 1, "responseCount": 1, "totalPages": 1}
CLIENT = {"externalTenantId": "acme", "onboardingDone": True}
CASE = {"id": "c1", "reference": "DEB-1", "grossAmount": 10.5, "currency": "EUR"}
TRANSACTION = {"transactionId": "t1", "earnings": {"referralFeeAmountUsd": 30.00}}
WEBHOOK = {"id": "w1", "url": "https://example.com/hook", "events": ["case.created"]}
COVERAGE = {"jurisdictionId": 7, "country": "Denmark", "partners": [{"partnerName": "Nord"}]}

NEW_CASE = NewCase(
    currency_code="EUR",
    amount_to_recover="1000.10",
    due_date=date(2026, 1, 31),
    debtor=Debtor(type="Company", name="Late A/S", country_alpha2="DK"),
)
NEW_CLIENT = NewClient(
    tenant_id="acme",
    client=NewClientDetails(name="Acme", country="Denmark", support_email="a@example.com"),
    users=[NewClientUser(name="Ann", email="ann@example.com", is_onboarding_user=True)],
    cases=[NEW_CASE],
)
PREVIEW = CasePreviewRequest(
    currency_code="EUR",
    amount_to_recover="1000.10",
    debtor=PreviewDebtor(type="Company", country_alpha2="DK"),
)
KYC = KycSubmission(
    director_full_name="Dora Director",
    director_home_address="Hidden Street 1",
    director_date_of_birth=date(1970, 1, 2),
)
ELIGIBILITY = EligibilityRequest(
    country_alpha2="DK", debtor_type="Company", amount="10.50", currency_code="DKK"
)
CHAT = NewChat(message="Hello", user_email="ann@example.com")
NEW_WEBHOOK = NewWebhook(url="https://example.com/hook", events=["case.created"])


@dataclass(frozen=True)
class Operation:
    """One operation of a contract: how it is called, and an answer it may get."""

    name: str
    method: str
    route: str
    invoke: Callable[[Any], Any]
    answer: Any = None
    status: int = 200
    body_schema: str | None = None

    def path(self) -> str:
        """The route with the id that ``invoke`` uses."""
        start, brace, rest = self.route.partition("{")
        return start + ("x%2F1" + rest.partition("}")[2] if brace else "")


ID = "x/1"
REFERRAL_OPERATIONS = [
    Operation("me", "GET", "/me", lambda a: a.me(), {"id": "p1"}),
    Operation("coverage", "GET", "/coverage", lambda a: a.coverage(), [COVERAGE]),
    Operation(
        "filter_options",
        "GET",
        "/referral-partner/filter-options",
        lambda a: a.filter_options(),
        {"countries": [{"id": 1, "name": "Denmark"}], "carveoutPartners": None},
    ),
    Operation(
        "clients",
        "GET",
        "/clients",
        lambda a: a.clients(
            2,
            50,
            sort="name:asc",
            query="a",
            tenant_id="acme",
            is_attributed_client=True,
            linked_from=date(2026, 1, 1),
            linked_to=date(2026, 2, 1),
            onboarding_done=False,
        ),
        {"page": PAGE, "clients": [CLIENT], "summary": {"totalClients": 1}},
    ),
    Operation("client", "GET", "/clients/{externalTenantId}", lambda a: a.client(ID), CLIENT),
    Operation(
        "create_client",
        "POST",
        "/clients",
        lambda a: a.create_client(NEW_CLIENT),
        CLIENT,
        201,
        "CreateClientRequest",
    ),
    Operation(
        "withdraw_client",
        "POST",
        "/clients/{externalTenantId}/withdraw",
        lambda a: a.withdraw_client(ID),
        status=204,
    ),
    Operation(
        "client_deletability",
        "GET",
        "/clients/{externalTenantId}/is-deletable",
        lambda a: a.client_deletability(ID),
        {"isDeletable": False, "blockers": ["has cases"]},
    ),
    Operation(
        "delete_client",
        "DELETE",
        "/clients/{externalTenantId}",
        lambda a: a.delete_client(ID),
        status=204,
    ),
    Operation(
        "submit_kyc",
        "POST",
        "/clients/{externalTenantId}/kyc-verification",
        lambda a: a.submit_kyc(ID, KYC, send_chat_notification=False, idempotency_key="k1"),
        {"directorFullName": "Dora Director", "verificationStatus": "Processing"},
        201,
        "SubmitKycVerificationRequest",
    ),
    Operation(
        "create_token",
        "POST",
        "/oauth/token",
        lambda a: a.create_token("acme"),
        {"accessToken": "jwt", "expiresIn": 1800, "externalTenantId": "acme"},
        body_schema="CreateAccessTokenRequest",
    ),
    Operation(
        "cases",
        "GET",
        "/cases",
        lambda a: a.cases(
            sort="DateCreated:asc",
            query="DEB",
            tenant_id="acme",
            statuses=["Active"],
            created_from=date(2026, 1, 1),
            created_to=date(2026, 2, 1),
            country_ids=[1, 2],
            collection_partner_ids=["p1"],
        ),
        {"page": PAGE, "cases": [CASE], "summary": {"totalCases": 1}},
    ),
    Operation("case", "GET", "/cases/{id}", lambda a: a.case(ID), CASE),
    Operation(
        "preview_case",
        "POST",
        "/cases/preview",
        lambda a: a.preview_case(PREVIEW),
        {"isEligible": True},
        body_schema="PreviewCaseRequestApiViewModel",
    ),
    Operation(
        "upload_file",
        "POST",
        "/cases/{caseId}/files",
        lambda a: a.upload_file(ID, "invoice.pdf", b"%PDF-", idempotency_key="k1"),
    ),
    Operation(
        "transactions",
        "GET",
        "/reporting/transactions",
        lambda a: a.transactions(
            sort="collectionDate:asc",
            search="DEB",
            tenant_id="acme",
            collected_from=date(2026, 1, 1),
            collected_to=date(2026, 2, 1),
            has_recognized_revenue=True,
            commission_statuses=[CommissionPaymentStatus.PAID],
            platform_statuses=[PlatformInvoicingStatus.INVOICE_ISSUED],
            referral_statuses=[ReferralInvoicingStatus.DISPUTED],
            buckets=[RevenueBucket.PENDING, RevenueBucket.DISPUTED],
            country_ids=[1],
            collection_partner_ids=["p1"],
        ),
        {"page": PAGE, "data": [TRANSACTION], "summary": {"revenue": {"paidCount": 3}}},
    ),
    Operation("webhooks", "GET", "/v1/Webhooks", lambda a: a.webhooks(), [WEBHOOK]),
    Operation("webhook", "GET", "/v1/Webhooks/{id}", lambda a: a.webhook(ID), WEBHOOK),
    Operation(
        "create_webhook",
        "POST",
        "/v1/Webhooks",
        lambda a: a.create_webhook(NEW_WEBHOOK),
        WEBHOOK | {"secret": "c2VjcmV0"},
        body_schema="CreateWebhookRequest",
    ),
    Operation(
        "update_webhook",
        "PUT",
        "/v1/Webhooks/{id}",
        lambda a: a.update_webhook(ID, WebhookChange(is_active=True)),
        WEBHOOK,
        body_schema="UpdateWebhookRequest",
    ),
    Operation(
        "delete_webhook",
        "DELETE",
        "/v1/Webhooks/{id}",
        lambda a: a.delete_webhook(ID),
        status=204,
    ),
    Operation(
        "send_test_webhook",
        "POST",
        "/v1/Webhooks/test",
        lambda a: a.send_test_webhook(WebhookSample(event_type="client.linked", tenant_id="acme")),
        {"eventType": "client.linked", "enqueuedCount": 1},
        body_schema="TriggerTestWebhookRequest",
    ),
]

CUSTOMER_OPERATIONS = [
    Operation("me", "GET", "/me", lambda c: c.me(), {"id": "a1", "companyName": "Acme"}),
    Operation(
        "users",
        "GET",
        "/users",
        lambda c: c.users(),
        {"page": PAGE, "users": [{"id": "u1", "email": "ann@example.com"}]},
    ),
    Operation(
        "contract_status",
        "GET",
        "/contracts/debt-collection/status",
        lambda c: c.contract_status(),
        {"signed": True},
    ),
    Operation(
        "cases",
        "GET",
        "/cases",
        lambda c: c.cases(
            sort="DateCreated:asc",
            ids=["c1"],
            debtor_ids=["d1"],
            division_ids=["v1"],
            statuses=["Active"],
        ),
        {"page": PAGE, "cases": [CASE]},
    ),
    Operation("case", "GET", "/cases/{id}", lambda c: c.case(ID), CASE),
    Operation(
        "case_by_reference",
        "GET",
        "/cases/case-reference/{caseReference}",
        lambda c: c.case_by_reference(ID),
        CASE,
    ),
    Operation(
        "case_by_creditor_reference",
        "GET",
        "/cases/by-creditor-reference/{creditorReference}",
        lambda c: c.case_by_creditor_reference(ID),
        CASE,
    ),
    Operation(
        "create_case",
        "POST",
        "/cases",
        lambda c: c.create_case(NEW_CASE, idempotency_key="k1"),
        CASE,
        body_schema="CreateCollectionCaseRequestApiViewModel",
    ),
    Operation(
        "preview_case",
        "POST",
        "/cases/preview",
        lambda c: c.preview_case(PREVIEW),
        {"result": {"isEligible": True, "requiredActions": None}},
        body_schema="PreviewCaseRequestApiViewModel",
    ),
    Operation(
        "timeline",
        "GET",
        "/cases/{id}/timeline",
        lambda c: c.timeline(ID),
        {"items": [{"title": "Case created", "date": "2026-01-01"}]},
    ),
    Operation(
        "payments",
        "GET",
        "/cases/{id}/payments",
        lambda c: c.payments(ID),
        [{"id": "p1", "grossAmount": 1.10, "currency": "EUR"}],
    ),
    Operation(
        "chats", "GET", "/cases/{id}/chats", lambda c: c.chats(ID), [{"id": "m1", "role": 1}]
    ),
    Operation(
        "send_chat",
        "POST",
        "/cases/{id}/chats",
        lambda c: c.send_chat(ID, CHAT),
        {"id": "m1", "message": "Hello"},
        body_schema="SendChatRequest",
    ),
    Operation("files", "GET", "/cases/{id}/files", lambda c: c.files(ID), [{"id": "f1"}]),
    Operation(
        "upload_file",
        "POST",
        "/cases/{id}/files",
        lambda c: c.upload_file(ID, "a.pdf", b"%PDF-", description="The invoice"),
        {"id": "f1", "fileName": "a.pdf"},
    ),
    Operation(
        "case_contract_status",
        "GET",
        "/cases/{id}/contract-status",
        lambda c: c.case_contract_status(ID),
        {"sdca": {"signed": True}, "poa": None},
    ),
    Operation(
        "validation",
        "GET",
        "/cases/{id}/validation",
        lambda c: c.validation(ID),
        {"needsInfo": True, "items": [{"resolutionArea": "ProvideDocuments"}]},
    ),
    Operation(
        "exclusive_period",
        "GET",
        "/cases/{id}/exclusive-period",
        lambda c: c.exclusive_period(ID),
        {"daysRemaining": -3, "status": "Expired"},
    ),
    Operation(
        "tasks",
        "GET",
        "/cases/{id}/tasks",
        lambda c: c.tasks(ID, types=["ReplyToChat"]),
        [{"id": "k1", "type": "ReplyToChat"}],
    ),
    Operation("coverage", "GET", "/coverage", lambda c: c.coverage(), [COVERAGE]),
    Operation("jurisdiction", "GET", "/coverage/{id}", lambda c: c.jurisdiction(ID), COVERAGE),
    Operation(
        "find_jurisdiction",
        "GET",
        "/coverage/search",
        lambda c: c.find_jurisdiction("Denmark"),
        COVERAGE,
    ),
    Operation(
        "check_eligibility",
        "POST",
        "/coverage/check-eligibility",
        lambda c: c.check_eligibility(ELIGIBILITY),
        {"isEligible": True},
        body_schema="CaseEligibilityRequestApiDTO",
    ),
]
