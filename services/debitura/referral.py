"""The Referral Partner API: clients, all their cases, revenue, webhooks and the partner itself."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Self

import httpx
from pydantic import SecretStr

from services.debitura.answers import Answer, error_for
from services.debitura.circuit import Circuit
from services.debitura.concurrency import Concurrency
from services.debitura.enums import (
    CommissionPaymentStatus,
    ConflictType,
    Lifecycle,
    PlatformInvoicingStatus,
    ReferralInvoicingStatus,
    RevenueBucket,
)
from services.debitura.errors import UnexpectedAnswer
from services.debitura.limits import Clock, RateLimiter, RateLimits, RetryPolicy
from services.debitura.paging import listed, page_params
from services.debitura.schemas import (
    PAGE_SIZE,
    AccessToken,
    Case,
    CaseDetail,
    CasePreview,
    CasePreviewRequest,
    CasesPage,
    CasesSummary,
    Client,
    ClientDeletability,
    ClientOnboarding,
    ClientReady,
    ClientsPage,
    ClientsSummary,
    ConflictAnswer,
    CoverageItem,
    CreateClientResult,
    FilterOptions,
    KycReceipt,
    KycSubmission,
    LinkRefused,
    LinkRequested,
    NewClient,
    NewWebhook,
    Partner,
    TokenRequest,
    Transaction,
    TransactionsPage,
    TransactionsSummary,
    Webhook,
    WebhookChange,
    WebhookSample,
    WebhookSampleResult,
    without_director,
)
from services.debitura.transport import Transport, Upload, header_secret

Day = date | datetime


class ReferralPartnerApi:
    """All 22 operations of the Referral Partner API; safe to use from several threads.

    Reads are nouns and are repeated after a failure; writes are verbs and are only repeated when
    given an idempotency key. Times and days of filters are inclusive and taken as UTC when they
    have no zone. Every method raises the tree of ``services.debitura.errors``.

    ``limiter`` replaces ``limits`` where several objects share a key; they can also share
    ``concurrency`` and ``circuit``. ``clock`` is for tests.
    """

    def __init__(
        self,
        base_url: str,
        api_key: SecretStr | str,
        *,
        transport: httpx.BaseTransport | None = None,
        limits: RateLimits | None = None,
        limiter: RateLimiter | None = None,
        concurrency: Concurrency | None = None,
        circuit: Circuit | None = None,
        timeout: httpx.Timeout | float | None = None,
        retries: RetryPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._http = Transport(
            base_url,
            headers={"XApiKey": header_secret(api_key, "API key")},
            transport=transport,
            limits=limits,
            limiter=limiter,
            concurrency=concurrency,
            circuit=circuit,
            timeout=timeout,
            retries=retries,
            clock=clock,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the object cannot be used afterwards."""
        self._http.close()

    @property
    def requests_sent(self) -> int:
        """The requests sent so far, each attempt counted."""
        return self._http.sent

    def me(self) -> Partner:
        """The partner the key belongs to, with its branding."""
        return self._http.get("/me").read(Partner)

    def filter_options(self) -> FilterOptions:
        """Ids for the country and collection partner filters."""
        return self._http.get("/referral-partner/filter-options").read(FilterOptions)

    def coverage(self) -> list[CoverageItem]:
        """Every jurisdiction with the collection partners that work there."""
        return self._http.get("/coverage").rows(CoverageItem)

    def clients(
        self,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        *,
        sort: str | None = None,
        query: str | None = None,
        tenant_id: str | None = None,
        is_attributed_client: bool | None = None,
        linked_from: Day | None = None,
        linked_to: Day | None = None,
        onboarding_done: bool | None = None,
    ) -> ClientsPage:
        """One page of the active links, newest first unless sorted.

        ``sort`` is ``dateCreated`` or ``name``, with ``:asc`` or ``:desc``; ``query`` looks in
        company name, office email and registration number.
        """
        answer = self._http.get(
            "/clients",
            params=page_params(page, page_size)
            | {
                "Sort": sort,
                "Query": query,
                "ExternalTenantId": tenant_id,
                "IsAttributedClient": is_attributed_client,
                "DateCreatedFrom": linked_from,
                "DateCreatedTo": linked_to,
                "OnboardingDone": onboarding_done,
            },
        )
        found = listed(answer, "clients", Client, without_director)
        return ClientsPage(*found.parts, found.summary(ClientsSummary))

    def client(self, tenant_id: str) -> Client:
        """One client with an active link; raises ``NotFound`` when there is none."""
        return self._http.get("/clients/{externalTenantId}", tenant_id).read(Client)

    def create_client(self, client: NewClient) -> CreateClientResult:
        """Link a client, or ask for the link. Doing it again for the same tenant is harmless.

        Debitura sends no email: hand over the URL of the result. Raises ``ValidationFailed`` and
        ``BusinessRuleRefused``.
        """
        answer = self._http.send("POST", "/clients", body=client.body(), also=frozenset({409}))
        if answer.status == 409:
            return _link_result(answer, client.tenant_id)
        linked = answer.read(Client)
        if answer.status == 202:
            return ClientOnboarding(linked, linked.onboarding_links.url)
        if answer.status == 201:
            return ClientReady(linked)
        raise UnexpectedAnswer(answer.call, f"status {answer.status}", status=answer.status)

    def withdraw_client(self, tenant_id: str) -> None:
        """End the link of an attributed client.

        Raises ``Conflict`` unless all its cases still wait for contracts to be signed.
        """
        self._http.send("POST", "/clients/{externalTenantId}/withdraw", tenant_id, bodiless=True)

    def client_deletability(self, tenant_id: str) -> ClientDeletability:
        """Whether the client can be reset; test environment only, else ``Forbidden``."""
        route = "/clients/{externalTenantId}/is-deletable"
        return self._http.get(route, tenant_id).read(ClientDeletability)

    def delete_client(self, tenant_id: str) -> None:
        """Reset a client; test environment only, else ``Forbidden``."""
        self._http.send("DELETE", "/clients/{externalTenantId}", tenant_id, bodiless=True)

    def submit_kyc(
        self,
        tenant_id: str,
        submission: KycSubmission,
        *,
        send_chat_notification: bool = True,
        idempotency_key: str | None = None,
    ) -> KycReceipt:
        """Send a director's identity; may be repeated, the latest counts. Nothing is kept here."""
        answer = self._http.send(
            "POST",
            "/clients/{externalTenantId}/kyc-verification",
            tenant_id,
            params={"sendChatNotification": send_chat_notification},
            body=submission.body(),
            idempotency_key=idempotency_key,
        )
        return answer.read(KycReceipt)

    def create_token(self, tenant_id: str) -> AccessToken:
        """A bearer token of one client for the Customer API, as a rule for 30 minutes.

        Raises ``NotFound`` without an active link and ``UnexpectedAnswer`` for another client's.
        """
        answer = self._http.send(
            "POST", "/oauth/token", body=TokenRequest(tenant_id=tenant_id).body(), repeatable=True
        )
        token = answer.read(AccessToken)
        if token.tenant_id is not None and token.tenant_id != tenant_id:
            raise UnexpectedAnswer(
                answer.call, "the token is another client's", status=answer.status
            )
        return token

    def cases(
        self,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        *,
        sort: str | None = None,
        query: str | None = None,
        tenant_id: str | None = None,
        statuses: Iterable[Lifecycle | str] = (),
        created_from: Day | None = None,
        created_to: Day | None = None,
        country_ids: Iterable[int] = (),
        collection_partner_ids: Iterable[str] = (),
    ) -> CasesPage:
        """One page of the cases of all clients, newest first unless sorted.

        ``sort`` is ``DateCreated``, ``GrossAmount`` or ``DueDate``, with ``:asc`` or ``:desc``;
        ``query`` looks in references and debtor names; ``statuses`` are names or labels.
        """
        answer = self._http.get(
            "/cases",
            params=page_params(page, page_size)
            | {
                "Sort": sort,
                "Query": query,
                "ExternalTenantId": tenant_id,
                "Statuses": list(statuses),
                "FromDate": created_from,
                "ToDate": created_to,
                "CountryIds": list(country_ids),
                "CollectionPartnerIds": list(collection_partner_ids),
            },
        )
        found = listed(answer, "cases", Case)
        return CasesPage(*found.parts, found.summary(CasesSummary))

    def case(self, case_id: str) -> CaseDetail:
        """One case with what it may earn; raises ``NotFound``."""
        return self._http.get("/cases/{id}", case_id).read(CaseDetail)

    def preview_case(self, case: CasePreviewRequest) -> CasePreview:
        """Whether a case could be submitted and at what price; creates nothing."""
        answer = self._http.send("POST", "/cases/preview", body=case.body(), repeatable=True)
        return answer.read(CasePreview)

    def upload_file(
        self,
        case_id: str,
        file_name: str,
        content: bytes,
        *,
        media_type: str = "application/octet-stream",
        send_chat_notification: bool = True,
        idempotency_key: str | None = None,
    ) -> None:
        """Add a file to a case: at most 25 MB; PDF, XLS, XLSX, CSV, TXT, JPG, PNG or GIF.

        Raises ``FileRefused``.
        """
        self._http.send(
            "POST",
            "/cases/{caseId}/files",
            case_id,
            params={"sendChatNotification": send_chat_notification},
            upload=Upload("file", file_name, content, media_type),
            idempotency_key=idempotency_key,
            bodiless=True,
        )

    def transactions(
        self,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        *,
        sort: str | None = None,
        search: str | None = None,
        tenant_id: str | None = None,
        collected_from: Day | None = None,
        collected_to: Day | None = None,
        has_recognized_revenue: bool | None = None,
        commission_statuses: Iterable[CommissionPaymentStatus] = (),
        platform_statuses: Iterable[PlatformInvoicingStatus] = (),
        referral_statuses: Iterable[ReferralInvoicingStatus] = (),
        buckets: Iterable[RevenueBucket] = (),
        country_ids: Iterable[int] = (),
        collection_partner_ids: Iterable[str] = (),
    ) -> TransactionsPage:
        """One page of earnings, newest collection first unless sorted; summaries are in USD.

        ``sort`` is ``collectionDate`` or ``amount``, with ``:asc`` or ``:desc``; ``search`` needs
        2 characters. ``buckets`` narrows the rows only: the summary always has all seven.
        """
        answer = self._http.get(
            "/reporting/transactions",
            params=page_params(page, page_size)
            | {
                "Sort": sort,
                "Search": search,
                "ExternalTenantId": tenant_id,
                "FromDate": collected_from,
                "ToDate": collected_to,
                "HasRecognizedRevenue": has_recognized_revenue,
                "CommissionPaymentStatuses": [status.number for status in commission_statuses],
                "PlatformInvoicingStatuses": [status.number for status in platform_statuses],
                "ReferralInvoicingStatuses": [status.number for status in referral_statuses],
                "RevenueStages": [bucket.number for bucket in buckets],
                "CountryIds": list(country_ids),
                "CollectionPartnerIds": list(collection_partner_ids),
            },
        )
        found = listed(answer, "data", Transaction)
        return TransactionsPage(*found.parts, found.summary(TransactionsSummary))

    def webhooks(self) -> list[Webhook]:
        """All subscriptions; their secrets are not told again."""
        return self._http.get("/v1/Webhooks").rows(Webhook)

    def webhook(self, webhook_id: str) -> Webhook:
        """One subscription; raises ``NotFound``."""
        return self._http.get("/v1/Webhooks/{id}", webhook_id).read(Webhook)

    def create_webhook(self, webhook: NewWebhook) -> Webhook:
        """Subscribe. The answer's ``secret`` is told only this once: keep it."""
        return self._http.send("POST", "/v1/Webhooks", body=webhook.body()).read(Webhook)

    def update_webhook(self, webhook_id: str, change: WebhookChange) -> Webhook:
        """Change a subscription; ``secret`` is only in the answer when it was made anew."""
        answer = self._http.send("PUT", "/v1/Webhooks/{id}", webhook_id, body=change.body())
        return answer.read(Webhook)

    def delete_webhook(self, webhook_id: str) -> None:
        """Unsubscribe; raises ``NotFound``."""
        self._http.send("DELETE", "/v1/Webhooks/{id}", webhook_id, bodiless=True)

    def send_test_webhook(self, sample: WebhookSample) -> WebhookSampleResult:
        """Have a sample event delivered, later; test environment only, else ``Forbidden``."""
        answer = self._http.send("POST", "/v1/Webhooks/test", body=sample.body())
        return answer.read(WebhookSampleResult)


def _link_result(answer: Answer, tenant_id: str) -> LinkRequested | LinkRefused:
    told: ConflictAnswer = answer.read(ConflictAnswer)
    if not told.type:
        raise error_for(answer)
    if told.type is ConflictType.EXISTS_NEEDS_LINKING:
        return LinkRequested(tenant_id, told.data.onboarding_links.url, told.message)
    return LinkRefused(tenant_id, told.type, told.message)
