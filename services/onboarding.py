"""Clients on their way from a created account to the first recovered debt."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.domain.money import Money, usd
from services.domain.onboarding_stage import Milestone, OnboardingStage
from services.link_requests import LinkRequest, LinkRequestStatus
from services.store import Page, Store, Window, clients
from services.store.clients import ClientFilter
from services.store.paging import ALL_ROWS
from services.store.selecting import NOTHING_FITS
from services.store.tables import ClientRow

__all__ = ["ClientFilter", "ClientSummary", "Contact", "FunnelStep", "Milestone"]


@dataclass(frozen=True)
class Contact:
    """A person at the client."""

    name: str | None
    email: str | None


@dataclass(frozen=True)
class ClientSummary:
    """A client as lists and its own page show it."""

    tenant_id: str
    creditor_id: str | None
    name: str
    email: str | None
    country: str | None
    registration_number: str | None
    stage: OnboardingStage
    stage_since: datetime | None
    """None where the client was in this stage already when first seen, on ``first_seen_at``."""
    first_seen_at: datetime
    link_to_hand_over: str | None
    attributed: bool | None
    linked_at: datetime | None
    cases_total: int
    cases_closed: int
    earnings_usd: Money | None
    kyc_status: str | None
    contacts: tuple[Contact, ...]
    archived_at: datetime | None

    @property
    def next_step(self) -> str:
        return self.stage.next_step


@dataclass(frozen=True)
class FunnelStep:
    """How many clients came at least as far as a milestone."""

    milestone: Milestone
    clients: int


WAITING = tuple(stage for stage in OnboardingStage if stage.waits_for_client)
"""Stages in which the client has something to sign or prove."""


def stage_counts(store: Store, wanted: ClientFilter) -> dict[OnboardingStage, int]:
    """How many of the wanted clients are in each stage now."""
    with store.read() as session:
        found = clients.count_by_stage(session, wanted)
    return {stage: found.get(stage, 0) for stage in OnboardingStage}


def funnel(store: Store, wanted: ClientFilter) -> list[FunnelStep]:
    """The main road: how many of the wanted clients came at least as far as each milestone."""
    with store.read() as session:
        found = clients.count_by_milestone(session, wanted)
    return [
        FunnelStep(milestone, sum(found.get(each, 0) for each in milestone.and_beyond))
        for milestone in Milestone
    ]


def list_clients(store: Store, wanted: ClientFilter, window: Window) -> Page[ClientSummary]:
    """A page of clients."""
    with store.read() as session:
        page = clients.page_of(session, wanted, window)
        return Page([_summary(row) for row in page.rows], page.total)


def client(store: Store, tenant_id: str) -> ClientSummary | None:
    """One client, archived or not; None where it was never seen."""
    with store.read() as session:
        row = clients.get(session, tenant_id)
    return None if row is None else _summary(row)


def countries(store: Store) -> list[str]:
    """The countries that clients are in."""
    with store.read() as session:
        return clients.countries(session)


def only_stuck(wanted: ClientFilter, *, now: datetime, limit: timedelta) -> ClientFilter:
    """``wanted`` narrowed to who has something to sign or prove for longer than ``limit``.

    Clients that waited already when first seen count as stuck: nobody knows since when.
    """
    stages = tuple(stage for stage in WAITING if stage in wanted.stages or not wanted.stages)
    return replace(wanted, stages=stages or NOTHING_FITS, stage_began_before=now - limit)


def stuck_clients(store: Store, *, now: datetime, limit: timedelta) -> list[ClientSummary]:
    """The stuck clients, the longest waiting first, those of unknown age last."""
    stuck = only_stuck(ClientFilter(), now=now, limit=limit)
    longest_first = Window(size=ALL_ROWS.size, sort="stage_since")
    return list(list_clients(store, stuck, longest_first).rows)


def sentence(client: ClientSummary, *, now: datetime) -> str:
    """Where the client is and what comes next, as support can read it out to the client."""
    since = client.stage_since
    days = f" for {(now - since).days:,} days" if since and now - since >= timedelta(days=2) else ""
    return _SENTENCES[client.stage].format(name=client.name, days=days)


def request_sentence(request: LinkRequest, *, now: datetime) -> str:
    """The same for a company that is not linked yet."""
    name = request.company_name
    if request.status is LinkRequestStatus.PENDING:
        days = request.time_left(now).days
        left = "less than a day" if days < 1 else "a day" if days == 1 else f"{days} days"
        return (
            f"{name} has a Debitura account already and has been asked to approve the link: "
            f"please open the approval link and decide; there is {left} left."
        )
    endings = {
        LinkRequestStatus.APPROVED: f"{name} approved the link; it will be set up in a moment.",
        LinkRequestStatus.DECLINED: f"{name} declined the link, so nothing is set up.",
        LinkRequestStatus.EXPIRED: (
            f"The link request to {name} ran out without an answer; we will send a new one."
        ),
    }
    return endings[request.status]


_SENTENCES = {
    OnboardingStage.LINK_REQUESTED: (
        "{name} has been asked to approve the link{days}: please open the approval link and decide."
    ),
    OnboardingStage.CREATED: (
        "{name} is set up, and the agreement has not been signed{days}: "
        "please open the onboarding link and sign it."
    ),
    OnboardingStage.CONTRACT_UPGRADE: (
        "There have been new terms for {name} to sign{days}: "
        "please open the signing link and sign them; cases go on afterwards."
    ),
    OnboardingStage.POWER_OF_ATTORNEY: (
        "{name} has signed the agreement, and a power of attorney has been missing{days}: "
        "please open the signing link and sign it."
    ),
    OnboardingStage.KYC_PENDING: (
        "{name} has signed the agreement, and the identity check of a director has been open{days}:"
        " please send us the director's details."
    ),
    OnboardingStage.CONTRACT_SIGNED: "{name} is set up and can submit its first case at any time.",
    OnboardingStage.FIRST_CASE: (
        "The cases of {name} are being worked; nothing has been recovered yet, "
        "and there is nothing to do at the moment."
    ),
    OnboardingStage.FIRST_RECOVERY: (
        "{name} is fully set up and money has been recovered; there is nothing to do at the moment."
    ),
    OnboardingStage.ARCHIVED: "{name} is no longer linked with us; we will find out why.",
}

_KYC_WORDS = {"NotRequired": "Not required"}


def _summary(row: ClientRow) -> ClientSummary:
    return ClientSummary(
        tenant_id=row.external_tenant_id,
        creditor_id=row.creditor_id,
        name=row.name or row.external_tenant_id,
        email=row.email,
        country=row.country,
        registration_number=row.registration_number,
        stage=OnboardingStage(row.stage),
        stage_since=row.stage_since,
        first_seen_at=row.first_seen_at,
        link_to_hand_over=row.onboarding_url,
        attributed=row.is_attributed,
        linked_at=row.linked_at,
        cases_total=row.cases_total,
        cases_closed=row.cases_closed,
        earnings_usd=None if row.earnings_usd is None else usd(row.earnings_usd),
        kyc_status=_KYC_WORDS.get(row.kyc_status or "", row.kyc_status),
        contacts=tuple(Contact(user.get("name"), user.get("email")) for user in row.users),
        archived_at=row.archived_at,
    )
