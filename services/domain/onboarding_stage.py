"""Where a client stands in onboarding, derived in one place."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit


class OnboardingStage(StrEnum):
    """The stage a client is in now; the values are what exports carry."""

    LINK_REQUESTED = "link_requested"
    CREATED = "created"
    POA_SIGNED = "poa_signed"
    CONTRACT_UPGRADE = "contract_upgrade"
    POWER_OF_ATTORNEY = "power_of_attorney"
    KYC_PENDING = "kyc_pending"
    CONTRACT_SIGNED = "contract_signed"
    FIRST_CASE = "first_case"
    FIRST_RECOVERY = "first_recovery"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def next_step(self) -> str:
        """What the partner's team does next, in words that support can read out."""
        return _NEXT_STEPS[self]

    @property
    def waits_for_client(self) -> bool:
        """Whether the client has to act on a link before anything moves."""
        return self in _WAITS_FOR_CLIENT


_LABELS = {
    OnboardingStage.LINK_REQUESTED: "Link requested",
    OnboardingStage.CREATED: "Created",
    OnboardingStage.POA_SIGNED: "Power of attorney signed",
    OnboardingStage.CONTRACT_UPGRADE: "Contract upgrade needed",
    OnboardingStage.POWER_OF_ATTORNEY: "Power of attorney needed",
    OnboardingStage.KYC_PENDING: "KYC pending",
    OnboardingStage.CONTRACT_SIGNED: "Contract signed",
    OnboardingStage.FIRST_CASE: "First case",
    OnboardingStage.FIRST_RECOVERY: "First recovery",
    OnboardingStage.WITHDRAWN: "Withdrawn",
    OnboardingStage.ARCHIVED: "Archived",
}

_NEXT_STEPS = {
    OnboardingStage.LINK_REQUESTED: "Hand over the approval link; the client decides.",
    OnboardingStage.CREATED: "Hand over the onboarding link; the client signs the agreement.",
    OnboardingStage.POA_SIGNED: (
        "Hand over the onboarding link; the agreement itself is still to be signed."
    ),
    OnboardingStage.CONTRACT_UPGRADE: "Hand over the signing link; the client signs the new terms.",
    OnboardingStage.POWER_OF_ATTORNEY: (
        "Hand over the signing link; the client signs the power of attorney."
    ),
    OnboardingStage.KYC_PENDING: "Ask the client for its director's identity check.",
    OnboardingStage.CONTRACT_SIGNED: "Ask the client for its first case.",
    OnboardingStage.FIRST_CASE: "Nothing to do: the cases are being worked.",
    OnboardingStage.FIRST_RECOVERY: "Nothing to do: money is coming in.",
    OnboardingStage.WITHDRAWN: "Nothing to do: the link was withdrawn from here.",
    OnboardingStage.ARCHIVED: "The link is gone. Ask Debitura if that is not intended.",
}

_WAITS_FOR_CLIENT = frozenset(
    {
        OnboardingStage.LINK_REQUESTED,
        OnboardingStage.CREATED,
        OnboardingStage.POA_SIGNED,
        OnboardingStage.CONTRACT_UPGRADE,
        OnboardingStage.POWER_OF_ATTORNEY,
        OnboardingStage.KYC_PENDING,
    }
)


class LinkKind(StrEnum):
    """What the page behind an onboarding URL asks of the client."""

    ONBOARDING = "onboarding"
    CONTRACT_UPGRADE = "contract_upgrade"
    POWER_OF_ATTORNEY = "power_of_attorney"
    APPROVAL = "approval"
    UNKNOWN = "unknown"


_LINK_PATHS = (
    (re.compile(r"/companydetails(/|$)", re.IGNORECASE), LinkKind.ONBOARDING),
    (re.compile(r"/contractupgrade/sign(/|$)", re.IGNORECASE), LinkKind.CONTRACT_UPGRADE),
    (re.compile(r"/powerofattorney/sign(/|$)", re.IGNORECASE), LinkKind.POWER_OF_ATTORNEY),
    (re.compile(r"/referralpartner/approve(/|$)", re.IGNORECASE), LinkKind.APPROVAL),
)


def link_kind(url: str | None) -> LinkKind | None:
    """The step that an onboarding URL leads to; None without a URL."""
    if not url:
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return LinkKind.UNKNOWN
    return next((kind for pattern, kind in _LINK_PATHS if pattern.search(path)), LinkKind.UNKNOWN)


@dataclass(frozen=True)
class ClientFacts:
    """What the stage is derived from."""

    archived: bool
    onboarding_done: bool
    link: LinkKind | None
    kyc_pending: bool
    has_cases: bool
    has_recovery: bool
    poa_signed: bool = False
    """Whether an event told that a power of attorney was signed; no field of the API does."""
    withdrawn: bool = False
    """Whether the partner's own team ended the link."""


class Milestone(StrEnum):
    """How far a client ever came on the main road; the order is the road's."""

    CREATED = "created"
    CONTRACT_SIGNED = "contract_signed"
    FIRST_CASE = "first_case"
    FIRST_RECOVERY = "first_recovery"

    @property
    def label(self) -> str:
        return _MILESTONE_LABELS[self]

    def or_further(self, other: "Milestone") -> "Milestone":
        """Whichever of the two lies further on."""
        return other if other in self.and_beyond else self

    @property
    def and_beyond(self) -> "tuple[Milestone, ...]":
        """This milestone and all that lie further on."""
        road = list(Milestone)
        return tuple(road[road.index(self) :])


_MILESTONE_LABELS = {
    Milestone.CREATED: "Created",
    Milestone.CONTRACT_SIGNED: "Contract signed",
    Milestone.FIRST_CASE: "First case",
    Milestone.FIRST_RECOVERY: "First recovery",
}


def furthest_milestone(facts: ClientFacts) -> Milestone:
    """The furthest point the client reached, whatever holds it up now."""
    if facts.has_recovery:
        return Milestone.FIRST_RECOVERY
    if facts.has_cases:
        return Milestone.FIRST_CASE
    # An upgrade and a power of attorney are asked of those who have signed the agreement.
    later_steps = (LinkKind.CONTRACT_UPGRADE, LinkKind.POWER_OF_ATTORNEY)
    if facts.onboarding_done or facts.link in later_steps:
        return Milestone.CONTRACT_SIGNED
    return Milestone.CREATED


def derive_stage(facts: ClientFacts) -> OnboardingStage:
    """The client's present stage; what is to be signed or proved goes before what was reached."""
    rules = (
        (facts.archived and facts.withdrawn, OnboardingStage.WITHDRAWN),
        (facts.archived, OnboardingStage.ARCHIVED),
        (facts.link is LinkKind.CONTRACT_UPGRADE, OnboardingStage.CONTRACT_UPGRADE),
        (facts.link is LinkKind.POWER_OF_ATTORNEY, OnboardingStage.POWER_OF_ATTORNEY),
        (not facts.onboarding_done and facts.poa_signed, OnboardingStage.POA_SIGNED),
        (not facts.onboarding_done, OnboardingStage.CREATED),
        (facts.kyc_pending, OnboardingStage.KYC_PENDING),
        (facts.has_recovery, OnboardingStage.FIRST_RECOVERY),
        (facts.has_cases, OnboardingStage.FIRST_CASE),
    )
    return next((stage for holds, stage in rules if holds), OnboardingStage.CONTRACT_SIGNED)
