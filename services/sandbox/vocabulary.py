"""The words of the wire: lifecycles, close codes, statuses, events, countries."""

from dataclasses import dataclass

LIFECYCLE_LABELS = {
    "PendingContractSigning": "Pending contract signing",
    "PendingVerificationInternal": "Pending Verification Internal",
    "PendingVerification": "Pending Verification",
    "NeedsAdditionalDetails": "More Info Required",
    "Leads": "Collecting Quotes",
    "LeadsQuoteGiven": "Pending Quote Selection",
    "Active": "Active",
    "Paused": "Paused",
    "Closed": "Closed",
    "Merged": "Merged",
}
OLDER_LABELS = {
    "Leads": "Pending quote by partner",
    "LeadsQuoteGiven": "Quote given by partner",
}
LIFECYCLE_GROUPS = {
    "Active": "active",
    "Paused": "paused",
    "Closed": "closed",
    "Merged": "closed",
}

PAID = "Paid"
PARTIALLY_PAID = "Partially paid"
PRE_LEGAL_EXHAUSTED = "Pre-Legal Exhausted – No Payment"  # noqa: RUF001 - the wire has this dash
QUOTES_EXPIRED = "Quotes Expired – Not Accepted"  # noqa: RUF001 - the wire has this dash
NEVER_STARTED = (
    "Case never started",
    "Case never started - Internal",
    "Invalid Case Data",
    "No Quotes Received",
    QUOTES_EXPIRED,
)
"""Close codes of cases that nobody began to collect."""
UNRECOVERED_CLOSE_CODES = (
    "Case never started",
    "Case never started - Internal",
    "Invalid Case Data",
    "Debtor Insolvent/Bankrupt",
    "Debtor Untraceable",
    "Disputed – Legal Action Declined by Client",  # noqa: RUF001 - the wire has this dash
    "Withdrawn by Client",
    PRE_LEGAL_EXHAUSTED,
    "Statute of Limitations Expired",
    "Settlement Rejected by Client",
    "Unresponsive Client",
    "Uneconomical to Pursue",
    "No Quotes Received",
    QUOTES_EXPIRED,
    "Other",
)
PHASES = ("Pre-legal", "Legal", "Enforcement")

COMMISSION_STATUSES = ("Unpaid", "Paid", "Credited")
PLATFORM_STATUSES = ("NotInvoiced", "InvoiceIssued", "PaymentReceived", "InvoiceCredited")
REFERRAL_STATUSES = ("Pending", "Invoiced", "Paid", "Disputed")

WEBHOOK_EVENTS = (
    "client.onboarding.poa_signed",
    "client.onboarding.contract_signed",
    "client.linked",
    "client.link_declined",
    "client.link_requested",
    "client.link_expired",
    "case.created",
    "case.updated",
    "case.closed",
    "cases.replay_failed",
)


@dataclass(frozen=True, slots=True)
class Country:
    """A country of debtors; ``currency`` is the usual one there."""

    id: int
    name: str
    alpha2: str
    currency: str


COUNTRIES = (
    Country(45, "Denmark", "DK", "DKK"),
    Country(46, "Sweden", "SE", "SEK"),
    Country(49, "Germany", "DE", "EUR"),
    Country(33, "France", "FR", "EUR"),
    Country(31, "Netherlands", "NL", "EUR"),
    Country(34, "Spain", "ES", "EUR"),
    Country(39, "Italy", "IT", "EUR"),
    Country(44, "United Kingdom", "GB", "GBP"),
    Country(1, "United States", "US", "USD"),
    Country(81, "Japan", "JP", "JPY"),
    Country(96, "Kuwait", "KW", "KWD"),
    Country(358, "Finland", "FI", "EUR"),
)
UNCOVERED_COUNTRIES = (
    Country(354, "Iceland", "IS", "EUR"),
    Country(254, "Kenya", "KE", "USD"),
)
COUNTRY_BY_ID = {country.id: country for country in COUNTRIES + UNCOVERED_COUNTRIES}
COUNTRY_BY_ALPHA2 = {country.alpha2: country for country in COUNTRIES + UNCOVERED_COUNTRIES}

US_STATES = {
    "CA": "California",
    "FL": "Florida",
    "IL": "Illinois",
    "MA": "Massachusetts",
    "NY": "New York",
    "TX": "Texas",
    "WA": "Washington",
}


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """Where a claim is worked: a country, or one state of the United States."""

    id: int
    name: str
    country: Country
    state: str | None = None


JURISDICTIONS = tuple(
    jurisdiction
    for country in COUNTRIES + UNCOVERED_COUNTRIES
    for jurisdiction in (
        [
            Jurisdiction(1000 + number, f"{name}, United States", country, code)
            for number, (code, name) in enumerate(US_STATES.items())
        ]
        if country.alpha2 == "US"
        else [Jurisdiction(country.id, country.name, country)]
    )
)


def lifecycle_name(text: str) -> str | None:
    """The lifecycle that a name or a label (newer or older) stands for; None when unknown."""
    return _LIFECYCLE_BY_TEXT.get(text.strip().casefold())


def lifecycle_group(lifecycle: str) -> str:
    """active, paused, closed or pending."""
    return LIFECYCLE_GROUPS.get(lifecycle, "pending")


_LIFECYCLE_BY_TEXT = {
    text.casefold(): name
    for labels in (LIFECYCLE_LABELS, OLDER_LABELS)
    for name, label in labels.items()
    for text in (name, label)
}
