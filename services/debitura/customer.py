"""The Customer API: one client's cases and what hangs on them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import httpx

from services.debitura.answers import Answer
from services.debitura.enums import DocumentType, Lifecycle, TaskStatus
from services.debitura.errors import Call, DeadLink, Unauthorized
from services.debitura.limits import Clock, RateLimiter, RateLimits, RetryPolicy
from services.debitura.paging import listed, page_params
from services.debitura.schemas import (
    PAGE_SIZE,
    CaseContractStatus,
    CaseFile,
    CasePayment,
    CasePreviewRequest,
    CaseValidation,
    Chat,
    CollectionContractStatus,
    CreditorAccount,
    CreditorUser,
    CreditorUsersPage,
    CustomerCase,
    CustomerCasePreview,
    CustomerCasesPage,
    CustomerCoverage,
    Eligibility,
    EligibilityRequest,
    ExclusivePeriod,
    NewCase,
    NewChat,
    PreviewAnswer,
    Task,
    Timeline,
)
from services.debitura.tokens import TokenProvider
from services.debitura.transport import Transport, Upload, header_secret


class CustomerApi:
    """The connections to the Customer API; ``for_client`` gives one client's operations.

    One object serves all clients and threads: they share the pool, the limits and the tokens. The
    arguments are those of ``ReferralPartnerApi``.
    """

    def __init__(
        self,
        base_url: str,
        tokens: TokenProvider,
        *,
        transport: httpx.BaseTransport | None = None,
        limits: RateLimits | None = None,
        limiter: RateLimiter | None = None,
        timeout: httpx.Timeout | float | None = None,
        retries: RetryPolicy | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._tokens = tokens
        self._http = Transport(
            base_url,
            transport=transport,
            limits=limits,
            limiter=limiter,
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

    def for_client(self, tenant_id: str) -> "CustomerClient":
        """The operations of one client; asks nothing of Debitura yet."""
        return CustomerClient(self._http, self._tokens, tenant_id)


class CustomerClient:
    """What the Customer API offers for one client; made by ``CustomerApi.for_client``.

    A refused token is minted once more; refused again, or not given at all, it is ``DeadLink``.
    """

    def __init__(self, http: Transport, tokens: TokenProvider, tenant_id: str) -> None:
        self._http = http
        self._tokens = tokens
        self._tenant_id = tenant_id

    def me(self) -> CreditorAccount:
        """The client's own account."""
        return self._get("/me").read(CreditorAccount)

    def users(self, page: int = 1, page_size: int = PAGE_SIZE) -> CreditorUsersPage:
        """One page of the client's users."""
        answer = self._get("/users", params=page_params(page, page_size))
        return CreditorUsersPage(*listed(answer, "users", CreditorUser).parts)

    def contract_status(self) -> CollectionContractStatus:
        """Whether the debt collection agreement (SDCA) is signed and still good."""
        return self._get("/contracts/debt-collection/status").read(CollectionContractStatus)

    def cases(
        self,
        page: int = 1,
        page_size: int = PAGE_SIZE,
        *,
        sort: str | None = None,
        ids: Iterable[str] = (),
        debtor_ids: Iterable[str] = (),
        division_ids: Iterable[str] = (),
        statuses: Iterable[Lifecycle | str] = (),
    ) -> CustomerCasesPage:
        """One page of the client's cases; ``sort`` may name several fields, ``A:desc,B``."""
        answer = self._get(
            "/cases",
            params=page_params(page, page_size)
            | {
                "Sort": sort,
                "Ids": list(ids),
                "DebtorIds": list(debtor_ids),
                "DivisionIds": list(division_ids),
                "Statuses": list(statuses),
            },
        )
        return CustomerCasesPage(*listed(answer, "cases", CustomerCase).parts)

    def case(self, case_id: str) -> CustomerCase:
        """One case by its id; raises ``NotFound``."""
        return self._get("/cases/{id}", case_id).read(CustomerCase)

    def case_by_reference(self, reference: str) -> CustomerCase:
        """One case by Debitura's reference (``DEB-…``); raises ``NotFound``."""
        return self._get("/cases/case-reference/{caseReference}", reference).read(CustomerCase)

    def case_by_creditor_reference(self, reference: str) -> CustomerCase:
        """One case by the client's own reference; raises ``NotFound``."""
        route = "/cases/by-creditor-reference/{creditorReference}"
        return self._get(route, reference).read(CustomerCase)

    def create_case(self, case: NewCase, *, idempotency_key: str | None = None) -> CustomerCase:
        """Submit a case; give a key to make repeating it harmless.

        Raises ``BusinessRuleRefused`` with the page to sign on when contracts are missing.
        """
        answer = self._send("POST", "/cases", body=case.body(), idempotency_key=idempotency_key)
        return answer.read(CustomerCase)

    def preview_case(self, case: CasePreviewRequest) -> CustomerCasePreview:
        """Whether a case could be submitted, what it costs, what is to be signed first."""
        answer = self._send("POST", "/cases/preview", body=case.body(), repeatable=True)
        return answer.read(PreviewAnswer).result

    def timeline(self, case_id: str) -> Timeline:
        """What happened on a case."""
        return self._get("/cases/{id}/timeline", case_id).read(Timeline)

    def payments(self, case_id: str) -> list[CasePayment]:
        """The debtor's payments on a case."""
        return self._get("/cases/{id}/payments", case_id).rows(CasePayment)

    def chats(self, case_id: str) -> list[Chat]:
        """The messages on a case."""
        return self._get("/cases/{id}/chats", case_id).rows(Chat)

    def send_chat(self, case_id: str, chat: NewChat) -> Chat:
        """Write a message on a case in the name of one of the client's users."""
        return self._send("POST", "/cases/{id}/chats", case_id, body=chat.body()).read(Chat)

    def files(self, case_id: str) -> list[CaseFile]:
        """The files of a case."""
        return self._get("/cases/{id}/files", case_id).rows(CaseFile)

    def upload_file(
        self,
        case_id: str,
        file_name: str,
        content: bytes,
        *,
        media_type: str = "application/octet-stream",
        document_type: DocumentType | str = DocumentType.ORIGINAL_INVOICE,
        description: str | None = None,
    ) -> CaseFile:
        """Add a file to a case: at most 25 MB; PDF, XLS, XLSX, CSV, TXT, JPG, PNG or GIF.

        Raises ``FileRefused``. This API takes no idempotency key for it.
        """
        beside = {"DocumentType": str(document_type)}
        if description is not None:
            beside["Description"] = description
        upload = Upload("File", file_name, content, media_type, beside)
        return self._send("POST", "/cases/{id}/files", case_id, upload=upload).read(CaseFile)

    def case_contract_status(self, case_id: str) -> CaseContractStatus:
        """What is signed for a case and what is not."""
        return self._get("/cases/{id}/contract-status", case_id).read(CaseContractStatus)

    def validation(self, case_id: str) -> CaseValidation:
        """What information a case lacks."""
        return self._get("/cases/{id}/validation", case_id).read(CaseValidation)

    def exclusive_period(self, case_id: str) -> ExclusivePeriod:
        """How long the collection partner alone may work the case; raises ``NotFound``."""
        return self._get("/cases/{id}/exclusive-period", case_id).read(ExclusivePeriod)

    def tasks(
        self,
        case_id: str,
        *,
        status: TaskStatus | str = TaskStatus.OPEN,
        types: Iterable[str] = (),
    ) -> list[Task]:
        """What the client has to do on a case; account-level tasks are not among them."""
        params = {"status": status, "type": list(types)}
        return self._get("/cases/{id}/tasks", case_id, params=params).rows(Task)

    def coverage(self) -> list[CustomerCoverage]:
        """Every jurisdiction, its collection partners and whether their PoA is signed."""
        return self._get("/coverage").rows(CustomerCoverage)

    def jurisdiction(self, jurisdiction_id: int) -> CustomerCoverage:
        """One jurisdiction's coverage; raises ``NotFound``."""
        return self._get("/coverage/{id}", str(jurisdiction_id)).read(CustomerCoverage)

    def find_jurisdiction(self, query: str) -> CustomerCoverage:
        """The jurisdiction that a text names; raises ``NotFound``."""
        return self._get("/coverage/search", params={"q": query}).read(CustomerCoverage)

    def check_eligibility(self, request: EligibilityRequest) -> Eligibility:
        """Whether a case could be worked; does not look at the SDCA and creates nothing."""
        answer = self._send(
            "POST", "/coverage/check-eligibility", body=request.body(), repeatable=True
        )
        return answer.read(Eligibility)

    def _get(self, route: str, *ids: str, params: Mapping[str, Any] | None = None) -> Answer:
        return self._authorized(
            Call("GET", route),
            lambda headers: self._http.get(route, *ids, params=params, headers=headers),
        )

    def _send(
        self,
        method: str,
        route: str,
        *ids: str,
        body: Any = None,
        upload: Upload | None = None,
        idempotency_key: str | None = None,
        repeatable: bool = False,
    ) -> Answer:
        return self._authorized(
            Call(method, route),
            lambda headers: self._http.send(
                method,
                route,
                *ids,
                body=body,
                upload=upload,
                idempotency_key=idempotency_key,
                headers=headers,
                repeatable=repeatable,
            ),
        )

    def _authorized(self, call: Call, send: Callable[[Mapping[str, str]], Answer]) -> Answer:
        """Send with a token. A 401 is answered before anything is done, so even a write may go
        out once more with a new one."""
        token = self._tokens.token(self._tenant_id)
        try:
            return send(_bearer(token))
        except Unauthorized:
            self._tokens.forget(self._tenant_id, token)
        token = self._tokens.token(self._tenant_id)
        try:
            return send(_bearer(token))
        except Unauthorized:
            self._tokens.forget(self._tenant_id, token)
            raise DeadLink(call, status=401) from None


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {header_secret(token, 'access token')}"}
