"""The closed lists of Debitura's documents, each tolerant of the spellings seen on the wire.

Values that are in no list are not an error: fields are typed ``CloseCode | str`` and keep them.
"""

from enum import StrEnum
from typing import Self


def _folded(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


class WireEnum(StrEnum):
    """Finds its members whatever the case, spacing, dashes or underscores of the spelling."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        wanted = _folded(value)
        return next((each for each in cls if wanted in each._spellings()), None)

    def _spellings(self) -> frozenset[str]:
        return frozenset({_folded(self.value), _folded(self.name)})


class NumberedEnum(WireEnum):
    """An enum that filters take as numbers: the member's place in the contract's list."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        text = str(value)
        if not isinstance(value, bool) and text.isascii() and text.isdigit():
            members = list(cls)
            return members[int(text)] if len(text) < 3 and int(text) < len(members) else None
        return super()._missing_(value)

    @property
    def number(self) -> int:
        return list(type(self)).index(self)


class LifecycleGroup(WireEnum):
    """The four groups that case counts are told by."""

    PENDING = "Pending"
    ACTIVE = "Active"
    PAUSED = "Paused"
    CLOSED = "Closed"


class NextActor(WireEnum):
    """Who has to do something before a case moves on."""

    CLIENT = "client"
    DEBITURA = "Debitura"
    COLLECTION_PARTNER = "collection partner"


class Lifecycle(WireEnum):
    """Where a case stands. The value is the canonical name; lists write the label.

    Labels were renamed once already, so names, present labels and older labels are all read.
    """

    PENDING_CONTRACT_SIGNING = "PendingContractSigning"
    PENDING_VERIFICATION_INTERNAL = "PendingVerificationInternal"
    PENDING_VERIFICATION = "PendingVerification"
    NEEDS_ADDITIONAL_DETAILS = "NeedsAdditionalDetails"
    LEADS = "Leads"
    LEADS_QUOTE_GIVEN = "LeadsQuoteGiven"
    ACTIVE = "Active"
    PAUSED = "Paused"
    CLOSED = "Closed"
    MERGED = "Merged"

    @property
    def label(self) -> str:
        """The text on the wire at present, and the one to show."""
        return _LABELS[self]

    @property
    def group(self) -> LifecycleGroup:
        return _GROUPS.get(self, LifecycleGroup.PENDING)

    @property
    def next_actor(self) -> NextActor | None:
        """Who acts next; None when the case rests or is over."""
        return _NEXT_ACTORS.get(self)

    def _spellings(self) -> frozenset[str]:
        told = (self.value, self.label, *_OLDER_LABELS.get(self, ()))
        return frozenset(_folded(text) for text in told)


_LABELS = {
    Lifecycle.PENDING_CONTRACT_SIGNING: "Pending contract signing",
    Lifecycle.PENDING_VERIFICATION_INTERNAL: "Pending Verification Internal",
    Lifecycle.PENDING_VERIFICATION: "Pending Verification",
    Lifecycle.NEEDS_ADDITIONAL_DETAILS: "More Info Required",
    Lifecycle.LEADS: "Collecting Quotes",
    Lifecycle.LEADS_QUOTE_GIVEN: "Pending Quote Selection",
    Lifecycle.ACTIVE: "Active",
    Lifecycle.PAUSED: "Paused",
    Lifecycle.CLOSED: "Closed",
    Lifecycle.MERGED: "Merged",
}
_OLDER_LABELS = {
    Lifecycle.LEADS: ("Pending quote by partner",),
    Lifecycle.LEADS_QUOTE_GIVEN: ("Quote given by partner",),
}
_GROUPS = {
    Lifecycle.ACTIVE: LifecycleGroup.ACTIVE,
    Lifecycle.PAUSED: LifecycleGroup.PAUSED,
    Lifecycle.CLOSED: LifecycleGroup.CLOSED,
    Lifecycle.MERGED: LifecycleGroup.CLOSED,
}
_NEXT_ACTORS = {
    Lifecycle.PENDING_CONTRACT_SIGNING: NextActor.CLIENT,
    Lifecycle.PENDING_VERIFICATION_INTERNAL: NextActor.DEBITURA,
    Lifecycle.PENDING_VERIFICATION: NextActor.COLLECTION_PARTNER,
    Lifecycle.NEEDS_ADDITIONAL_DETAILS: NextActor.CLIENT,
    Lifecycle.LEADS: NextActor.COLLECTION_PARTNER,
    Lifecycle.LEADS_QUOTE_GIVEN: NextActor.CLIENT,
    Lifecycle.ACTIVE: NextActor.COLLECTION_PARTNER,
}


class CloseCode(WireEnum):
    """Why a case was closed; only ``recovered`` ones brought money."""

    PAID = "Paid"
    PARTIALLY_PAID = "Partially paid"
    NEVER_STARTED = "Case never started"
    NEVER_STARTED_INTERNAL = "Case never started - Internal"
    INVALID_CASE_DATA = "Invalid Case Data"
    DEBTOR_INSOLVENT = "Debtor Insolvent/Bankrupt"
    DEBTOR_UNTRACEABLE = "Debtor Untraceable"
    DISPUTED_LEGAL_ACTION_DECLINED = "Disputed – Legal Action Declined by Client"  # noqa: RUF001
    WITHDRAWN_BY_CLIENT = "Withdrawn by Client"
    PRE_LEGAL_EXHAUSTED = "Pre-Legal Exhausted – No Payment"  # noqa: RUF001
    STATUTE_OF_LIMITATIONS_EXPIRED = "Statute of Limitations Expired"
    SETTLEMENT_REJECTED = "Settlement Rejected by Client"
    UNRESPONSIVE_CLIENT = "Unresponsive Client"
    UNECONOMICAL = "Uneconomical to Pursue"
    NO_QUOTES_RECEIVED = "No Quotes Received"
    QUOTES_EXPIRED = "Quotes Expired – Not Accepted"  # noqa: RUF001
    OTHER = "Other"

    @property
    def recovered(self) -> bool:
        return self in {CloseCode.PAID, CloseCode.PARTIALLY_PAID}


class EngagementPhase(WireEnum):
    """How far collection has gone: another axis than the lifecycle, and it may go backwards."""

    PRE_LEGAL = "Pre-legal"
    LEGAL = "Legal"
    ENFORCEMENT = "Enforcement"


class KycStatus(WireEnum):
    """Whether a director's identity is asked for; on the wire also in snake_case."""

    NOT_REQUIRED = "NotRequired"
    PENDING = "Pending"
    VERIFIED = "Verified"


class KycVerificationStatus(WireEnum):
    """How far the review of a submitted identity is; absent until reviewed."""

    PROCESSING = "Processing"
    COMPLETED = "Completed"


class CommissionPaymentStatus(NumberedEnum):
    UNPAID = "Unpaid"
    PAID = "Paid"
    CREDITED = "Credited"


class PlatformInvoicingStatus(NumberedEnum):
    NOT_INVOICED = "NotInvoiced"
    INVOICE_ISSUED = "InvoiceIssued"
    PAYMENT_RECEIVED = "PaymentReceived"
    INVOICE_CREDITED = "InvoiceCredited"


class ReferralInvoicingStatus(NumberedEnum):
    PENDING = "Pending"
    INVOICED = "Invoiced"
    PAID = "Paid"
    DISPUTED = "Disputed"


class RevenueBucket(NumberedEnum):
    """The seven buckets of ``summary.revenue``, in the order ``RevenueStages`` numbers them."""

    PENDING = "pending"
    CONFIRMED_PENDING_INVOICE = "confirmedPendingInvoice"
    AWAITING_COLLECTION_PARTNER_PAYMENT = "awaitingCollectionPartnerPayment"
    READY_TO_INVOICE_DEBITURA = "readyToInvoiceDebitura"
    AWAITING_DEBITURA_PAYMENT = "awaitingDebituraPayment"
    PAID = "paid"
    DISPUTED = "disputed"


class InvoicingTriggerMode(WireEnum):
    PAY_WHEN_PAID = "PayWhenPaid"
    CONFIRMED_PIPELINE = "ConfirmedPipeline"


class PendingActionType(WireEnum):
    SDCA_UPGRADE = "SdcaUpgrade"
    POA = "PoA"
    JPA = "Jpa"
    KYC = "Kyc"


class ConflictType(WireEnum):
    """Why a client could not be linked at once."""

    EXISTS_NEEDS_LINKING = "ClientExistsNeedsLinking"
    LINKED_TO_ANOTHER_PARTNER = "ClientAlreadyLinkedToAnotherPartner"
    LINKED_DIFFERENT_TENANT = "AlreadyLinkedDifferentTenant"
    INVALID_CLIENT_TYPE = "InvalidClientType"

    def _spellings(self) -> frozenset[str]:
        own = super()._spellings()
        # The operation's prose leaves out the first word of what the schema's prose says.
        if self is ConflictType.LINKED_TO_ANOTHER_PARTNER:
            return own | {_folded("AlreadyLinkedToAnotherPartner")}
        return own


class CaseFailure(WireEnum):
    """Why a case sent with its client was not created."""

    NO_PARTNER_AVAILABLE = "NoPartnerAvailable"
    VALIDATION_ERROR = "ValidationError"
    DUPLICATE_REFERENCE = "DuplicateReference"
    IDEMPOTENCY_VIOLATION = "IdempotencyViolation"
    UNEXPECTED_ERROR = "UnexpectedError"


class WebhookEvent(WireEnum):
    """The events a subscription of the Referral Partner API can ask for."""

    POA_SIGNED = "client.onboarding.poa_signed"
    CONTRACT_SIGNED = "client.onboarding.contract_signed"
    CLIENT_LINKED = "client.linked"
    LINK_DECLINED = "client.link_declined"
    LINK_REQUESTED = "client.link_requested"
    LINK_EXPIRED = "client.link_expired"
    CASE_CREATED = "case.created"
    CASE_UPDATED = "case.updated"
    CASE_CLOSED = "case.closed"
    CASES_REPLAY_FAILED = "cases.replay_failed"


class DocumentType(WireEnum):
    ORIGINAL_INVOICE = "OriginalInvoice"
    DEBTOR_DOCUMENTS = "DebtorDocuments"
    CREDITOR_DOCUMENTS = "CreditorDocuments"
    PARTNER_DOCUMENTS = "PartnerDocuments"
    DEMAND_LETTER = "DemandLetter"
    MISCELLANEOUS = "Miscellaneous"


class TaskStatus(WireEnum):
    OPEN = "Open"
    SOLVED = "Solved"
