"""A small Referral Partner API that keeps Debitura's published contract, and nothing else.

It is written from the OpenAPI document alone and shares no code with the sandbox, so that what
the product reads is measured against two independent readings of the contract. Rows are given as
JSON objects; numbers are sent with exactly the digits of their ``Decimal``.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import simplejson

Json = dict[str, Any]

BUCKETS = (
    "pending",
    "confirmedPendingInvoice",
    "awaitingCollectionPartnerPayment",
    "readyToInvoiceDebitura",
    "awaitingDebituraPayment",
    "paid",
    "disputed",
)


def bucket_number(
    commission: str | None, platform: str | None, referral: str | None, mode: str
) -> int | None:
    """The table of Debitura's revenue reporting, row by row from the top; None fits no row."""
    early = mode == "ConfirmedPipeline" and commission == "Paid"
    table = (
        (6, referral == "Disputed"),
        (5, referral == "Paid"),
        (4, referral == "Invoiced"),
        (3, platform == "PaymentReceived"),
        (3, early and platform in {"NotInvoiced", "InvoiceIssued"}),
        (2, platform == "InvoiceIssued"),
        (1, platform == "NotInvoiced" and commission == "Paid"),
        (0, platform == "NotInvoiced"),
    )
    return next((number for number, holds in table if holds), None)


@dataclass
class ContractServer:
    """What it serves may be changed at any time; ``before_answer`` is told path and page."""

    key: str = "a-key-of-the-test-environment"
    partner: Json = field(
        default_factory=lambda: {
            "id": "3f0b3d0e-2c55-4f0e-9d0c-0a9a3c1f7b11",
            "companyName": "Platform A/S",
            "invoicingTriggerMode": "PayWhenPaid",
        }
    )
    clients: list[Json] = field(default_factory=list)
    cases: list[Json] = field(default_factory=list)
    transactions: list[Json] = field(default_factory=list)
    coverage: list[Json] = field(default_factory=list)
    webhooks: list[Json] = field(default_factory=list)
    failing: dict[str, int] = field(default_factory=dict)
    """Paths that answer with a bare status."""
    tells_totals: bool = True
    """Whether lists carry a summary."""
    html: bool = False
    """Whether a gateway's page answers instead."""
    before_answer: Callable[[str, int], None] = lambda _path, _page: None
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str, query: dict[str, list[str]], key: str | None) -> tuple[int, Any]:
        """Status and JSON body of a GET; a body of None is no body."""
        if key != self.key:
            return 401, None
        if path in self.failing:
            return self.failing[path], {"error": "Failed", "message": "It failed."}
        if path in _LISTS:
            return self._page(path, query)
        whole = {"/me": self.partner, "/coverage": self.coverage, "/v1/Webhooks": self.webhooks}
        if path in whole:
            return 200, whole[path]
        return self._case(path)

    def _case(self, path: str) -> tuple[int, Any]:
        for case in self.cases:
            if path == f"/cases/{case['id']}":
                self.before_answer(path, 1)
                return 200, {**case, "potentialRevenue": {"referralFeeUsd": Decimal("12.50")}}
        return 404, {"error": "NotFound", "message": path}

    def _page(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        page = int(query.get("Page", ["1"])[0])
        size = int(query.get("PageSize", [str(_LISTS[path].default_size)])[0])
        if page < 1 or not 1 <= size <= 100:
            return 400, {"error": "Validation", "message": "PageSize"}
        self.before_answer(path, page)
        listed = _LISTS[path]
        filtered = [row for row in getattr(self, listed.attribute) if listed.fits(row, query)]
        rows = filtered
        if path == "/reporting/transactions" and "RevenueStages" in query:
            rows = [row for row in filtered if str(self._bucket(row)) in query["RevenueStages"]]
        if not query.get("Sort", [":desc"])[0].endswith(":asc"):
            rows.reverse()
        shown = rows[(page - 1) * size : page * size]
        return 200, {
            listed.name: shown,
            "page": {
                "totalResults": len(rows),
                "pageSize": size,
                "currentPage": page,
                "responseCount": len(shown),
                "totalPages": -(-len(rows) // size),
            },
            "summary": self._summary(path, filtered) if self.tells_totals else {},
        }

    def _summary(self, path: str, rows: list[Json]) -> Json:
        if path == "/clients":
            done = sum(bool(row.get("onboardingDone")) for row in rows)
            return {"totalClients": len(rows), "onboardingComplete": done}
        if path == "/cases":
            closed = sum(row.get("lifecycle") in {"Closed", "Merged"} for row in rows)
            active = sum(row.get("lifecycle") == "Active" for row in rows)
            groups = {"active": active, "closed": closed}
            return {"totalCases": len(rows), "byLifecycle": groups}
        return self._revenue(rows)

    def _bucket(self, row: Json) -> int | None:
        status = row.get("status") or {}
        return bucket_number(
            status.get("commissionPaymentStatus"),
            status.get("platformInvoicingStatus"),
            status.get("referralInvoicingStatus"),
            self.partner["invoicingTriggerMode"],
        )

    def _revenue(self, rows: list[Json]) -> Json:
        fees = [Decimal(0)] * len(BUCKETS)
        counts = [0] * len(BUCKETS)
        for row in rows:
            number = self._bucket(row)
            if number is not None:
                fee = (row.get("earnings") or {}).get("referralFeeAmountUsd")
                fees[number] += Decimal(str(fee or 0))
                counts[number] += 1
        revenue: Json = {}
        for name, fee, count in zip(BUCKETS, fees, counts, strict=True):
            revenue |= {f"{name}ReferralFeeUsd": fee, f"{name}Count": count}
        return {"revenue": revenue}


@dataclass(frozen=True)
class _List:
    attribute: str
    name: str
    default_size: int
    fits: Callable[[Json, dict[str, list[str]]], bool]


def _client_fits(row: Json, query: dict[str, list[str]]) -> bool:
    done = query.get("OnboardingDone")
    return (
        _of_tenant(row.get("externalTenantId"), query)
        and _since(row.get("dateLinked"), query, "DateCreatedFrom", "DateCreatedTo")
        and (done is None or done[0] == str(bool(row.get("onboardingDone"))).lower())
    )


def _case_fits(row: Json, query: dict[str, list[str]]) -> bool:
    statuses = {_plain(status) for status in query.get("Statuses", [])}
    return (
        _of_tenant((row.get("client") or {}).get("externalTenantId"), query)
        and _since(row.get("dateCreated"), query, "FromDate", "ToDate")
        and (not statuses or _plain(row.get("lifecycle") or "") in statuses)
    )


def _transaction_fits(row: Json, query: dict[str, list[str]]) -> bool:
    tenant = (row.get("client") or {}).get("externalTenantId")
    return _of_tenant(tenant, query) and _since(row.get("date"), query, "FromDate", "ToDate")


_LABELLED = {
    "moreinforequired": "needsadditionaldetails",
    "collectingquotes": "leads",
    "pendingquoteselection": "leadsquotegiven",
}


def _plain(status: str) -> str:
    """The name of a lifecycle, whether told by its name or its label."""
    letters = "".join(letter for letter in status.lower() if letter.isalpha())
    return _LABELLED.get(letters, letters)


def _of_tenant(tenant: str | None, query: dict[str, list[str]]) -> bool:
    return query.get("ExternalTenantId", [tenant])[0] == tenant


def _since(told: str | None, query: dict[str, list[str]], begin: str, end: str) -> bool:
    if begin not in query and end not in query:
        return True
    if told is None:
        return False
    moment = _moment(told)
    return (begin not in query or _moment(query[begin][0]) <= moment) and (
        end not in query or moment <= _moment(query[end][0])
    )


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_LISTS = {
    "/clients": _List("clients", "clients", 50, _client_fits),
    "/cases": _List("cases", "cases", 10, _case_fits),
    "/reporting/transactions": _List("transactions", "data", 10, _transaction_fits),
}


@contextmanager
def serving(server: ContractServer) -> Iterator[ContractServer]:
    """Serve on a free port of loopback while the context lasts; ``server.url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Headers and body go out in two writes; Nagle would hold the second back for 40 ms.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)
            server.asked.append((parts.path, query))
            if server.html:
                self._send(502, b"<!doctype html><h1>Bad gateway</h1>", "text/html")
                return
            status, body = server.answer(parts.path, query, self.headers["XApiKey"])
            text = (
                ""
                if body is None
                else simplejson.dumps(body, use_decimal=True, separators=(",", ":"))
            )
            self._send(status, text.encode(), "application/json")

        def _send(self, status: int, content: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_address[1]}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
