"""Hand-made rows of the API: what the contract allows, and what was seen on the wire besides.

None of them comes from the sandbox. Whatever is in here has to come out of an export unchanged.
"""

from decimal import Decimal
from typing import Any

Json = dict[str, Any]

TENANTS = (
    "plain-1",
    "acme/eu/42",
    "with some spaces",
    "what?is=this&that#here",
    "100%-natur%2F",
    "kunde-ünïcode-客户-🌱",
    "Case",
    "case",
    "'; DROP TABLE clients; --",
    "..",
)
NAMES = (
    "Plain ApS",
    "<script>alert('x')</script> & <b>Söhne</b>",
    "שלום عربى \u202egnp.exe",
    "👩‍👩‍👧 Émile “Quotes” O'Brien",
    '=HYPERLINK("http://evil.example")',
    "Line\nbreak\tand tab",
    "",
    "x" * 300,
    "100% _literal_ \\ back",
    "\u0000 nought",
)
EVERYTHING_NULL: Json = {
    "externalTenantId": "everything-null",
    "onboardingDone": None,
    "onboardingLinks": None,
    "client": None,
    "users": None,
    "isAttributedClient": None,
    "dateLinked": None,
    "caseStats": None,
    "kycStatus": None,
    "kycVerification": None,
    "caseResults": None,
}
DIRECTOR = {
    "directorFullName": "Dorothea Director",
    "directorHomeAddress": "1 Private Lane",
    "directorDateOfBirth": "1970-01-01",
    "dateCreated": "2026-01-01T00:00:00Z",
}


def clients() -> list[Json]:
    rows = [
        {
            "externalTenantId": tenant_id,
            "onboardingDone": number % 2 == 0,
            "onboardingLinks": {"url": "https://app.debitura.com/ContractUpgrade/Sign/1"}
            if number % 3 == 0
            else {"url": None},
            "client": {
                "id": f"00000000-0000-0000-0000-{number:012}",
                "companyName": name,
                "officeEmail": f"office{number}@company.example",
                "country": ["Denmark", None, "Atlantis"][number % 3],
                "companyRegistrationNumber": None,
            },
            "users": [{"id": number, "email": None, "firstName": "Ünal", "lastName": None}],
            "isAttributedClient": [True, False, None][number % 3],
            "dateLinked": "2026-01-05T09:08:07.1234567Z",
            "caseStats": {
                "casesTotal": number,
                "casesClosed": 0,
                "earningsUsd": [0, 1234, Decimal("0.5"), Decimal("-12.34")][number % 4],
            },
            "kycStatus": ["not_required", "Pending", "SomethingNew", None][number % 4],
            "kycVerification": DIRECTOR if number == 1 else None,
            "aFieldFromTheFuture": {"deep": [1, Decimal("2.50"), None, {"x": True}], "empty": []},
        }
        for number, (tenant_id, name) in enumerate(zip(TENANTS, NAMES, strict=True))
    ]
    return [*rows, EVERYTHING_NULL, {"externalTenantId": "nothing-else"}]


LABELS = (
    ("Pending contract signing", "PendingContractSigning"),
    ("Pending Verification Internal", "PendingVerificationInternal"),
    ("Pending Verification", "PendingVerification"),
    ("More Info Required", "NeedsAdditionalDetails"),
    ("Collecting Quotes", "Leads"),
    ("Pending quote by partner", "Leads"),
    ("Pending Quote Selection", "LeadsQuoteGiven"),
    ("Quote given by partner", "LeadsQuoteGiven"),
    ("Active", "Active"),
    ("active", "Active"),
    ("Paused", "Paused"),
    ("Closed", "Closed"),
    ("Merged", "Merged"),
    ("Awaiting the Oracle", "Awaiting the Oracle"),
    (None, None),
)
"""What lists write, and the canonical name that an export carries."""

AMOUNTS = (
    ("JPY", 123456),
    ("KWD", Decimal("1234.567")),
    ("EUR", Decimal("1234.5")),
    ("EUR", 1000),
    ("USD", Decimal("0.1")),
    ("XAU", Decimal("3.25")),
    ("ZZZ", Decimal("9.99")),
    (None, Decimal("7.70")),
    ("eur", Decimal("12.30")),
    ("RSD", Decimal("99999999999.99")),
    ("EUR", Decimal("0.125")),
    ("EUR", None),
)


def cases() -> list[Json]:
    rows = []
    for number, (label, _) in enumerate(LABELS):
        currency, amount = AMOUNTS[number % len(AMOUNTS)]
        rows.append(
            {
                "id": f"case-{number:04}",
                "reference": f"DEB-{number:06}",
                "creditorReference": ["=1+1", None, "ref/1 & <b>"][number % 3],
                "client": {
                    "externalTenantId": TENANTS[number % len(TENANTS)],
                    "companyName": NAMES[number % len(NAMES)],
                    "contacts": {"onboardingUser": None, "otherUsers": []},
                },
                "debtor": {"name": NAMES[(number + 3) % len(NAMES)], "country": None},
                "grossAmount": amount,
                "remainder": amount,
                "currency": currency,
                "lifecycle": label,
                "closeCode": ["Paid", None, "Quotes Expired – Not Accepted", "Eaten"][number % 4],  # noqa: RUF001
                "currentEngagementPhase": ["Pre-legal", None, "Legal", "Limbo"][number % 4],
                "dateCreated": f"2026-01-{number + 1:02}T10:00:00.7654321",
                "dueDate": "0001-01-01T00:00:00",
                "dateCollectionStarted": "2026-02-01T10:00:00+02:00",
                "dateFinished": None,
                "validation": {"needsInfo": False, "creditorRespondedAt": None, "items": None},
                "collectionPartner": None,
                "expectedReferralRatePercentage": Decimal("12.50"),
            }
        )
    nulls = dict.fromkeys(rows[0]) | {"id": "case-null"}
    return [*rows, nulls, {"id": "case-bare"}]


STATUSES = (
    ("Unpaid", "NotInvoiced", "Pending"),
    ("Paid", "NotInvoiced", None),
    ("Credited", "NotInvoiced", "Pending"),
    ("Paid", "InvoiceIssued", "Pending"),
    ("Unpaid", "InvoiceIssued", None),
    ("Paid", "PaymentReceived", "Pending"),
    ("Paid", "PaymentReceived", "Invoiced"),
    ("Paid", "PaymentReceived", "Paid"),
    ("Paid", "PaymentReceived", "Disputed"),
    ("Paid", "InvoiceCredited", "Pending"),
    ("Paid", "SomethingNew", "SomethingNew"),
    (None, None, None),
)


def transactions() -> list[Json]:
    rows = []
    for number, (commission, platform, referral) in enumerate(STATUSES):
        currency, amount = AMOUNTS[number % len(AMOUNTS)]
        rows.append(
            {
                "transactionId": f"transaction-{number:04}",
                "date": f"2026-02-{number + 1:02}T00:00:00.0000001Z",
                "client": {
                    "externalTenantId": TENANTS[number % len(TENANTS)],
                    "creditorId": None,
                    "companyName": NAMES[number % len(NAMES)],
                },
                "case": {
                    "invoiceId": f"case-{number:04}",
                    "caseReference": f"DEB-{number:06}",
                    "debtorName": NAMES[(number + 3) % len(NAMES)],
                    "originalAmount": amount,
                    "currency": currency,
                },
                "payment": {"amount": amount, "currency": currency, "paymentDate": None},
                "earnings": {
                    "currency": currency,
                    "debituraRevenue": amount,
                    "debituraRevenueUsd": 60,
                    "referralFeePercentage": Decimal("33.333"),
                    "referralFeeAmount": amount,
                    "referralFeeAmountUsd": Decimal("10.07") + number,
                    "isEstimate": commission != "Paid",
                },
                "recognition": {"isRecognized": False, "referralFeeRecognizedUsd": 0},
                "status": {
                    "commissionPaymentStatus": commission,
                    "platformInvoicingStatus": platform,
                    "referralInvoicingStatus": referral,
                },
            }
        )
    nulls = dict.fromkeys(rows[0]) | {"transactionId": "transaction-null"}
    return [*rows, nulls, {"transactionId": "transaction-bare"}]


def coverage() -> list[Json]:
    return [
        {
            "jurisdictionId": 1,
            "jurisdiction": "Denmark",
            "country": "Denmark",
            "countryId": 45,
            "countryAlpha2": "DK",
            "usStateAlpha2": None,
            "partners": [{"partnerId": "p-1", "partnerName": "Ünal & Co", "conditions": None}],
        },
        {"jurisdictionId": 2, "partners": None},
        {"jurisdictionId": 3, "partners": []},
    ]
