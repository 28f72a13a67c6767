"""Clients on their way from a created account to the first recovered debt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from services import hand_overs
from services.domain.money import Money, usd
from services.domain.onboarding_stage import Milestone, OnboardingStage
from services.hand_overs import HandOver
from services.link_requests import LinkRequest, LinkRequestStatus
from services.store import Page, Store, Window, clients
from services.store import hand_overs as stored_hand_overs
from services.store.clients import ClientFilter
from services.store.paging import ALL_ROWS
from services.store.tables import ClientRow, HandOverRow

__all__ = ["ClientFilter", "ClientSummary", "Contact", "FunnelStep", "Milestone", "StageNow"]

StuckLimits = Mapping[OnboardingStage, timedelta]
"""In which stages a client can be stuck, and after how long it is."""


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
    last_hand_over: HandOver | None

    @property
    def next_step(self) -> str:
        return self.stage.next_step


@dataclass(frozen=True)
class Duration:
    """How long something took, or has lasted, in the middle of the clients it is known of."""

    median: timedelta | None
    """None where it is known of nobody."""
    known_of: int

    @property
    def days(self) -> float | None:
        return None if self.median is None else self.median / timedelta(days=1)


@dataclass(frozen=True)
class FunnelStep:
    """How many clients came at least as far as a milestone."""

    milestone: Milestone
    clients: int
    share: float | None
    """Of all clients, 0 to 1; None where there are none."""
    conversion: float | None
    """Of those who came to the step before, 0 to 1; None at the first step, or after nobody."""
    took: Duration
    """From the step before."""


@dataclass(frozen=True)
class StageNow:
    """How many clients are in a stage now, and for how long they have been."""

    stage: OnboardingStage
    clients: int
    lasted: Duration

    @property
    def is_on_main_road(self) -> bool:
        """Whether it is a milestone itself, and not a side road."""
        return self.stage.value in list(Milestone)


def stage_counts(store: Store, wanted: ClientFilter) -> dict[OnboardingStage, int]:
    """How many of the wanted clients are in each stage now."""
    with store.read() as session:
        found = clients.count_by_stage(session, wanted)
    return {stage: found.get(stage, 0) for stage in OnboardingStage}


def stages_now(store: Store, wanted: ClientFilter, *, now: datetime) -> list[StageNow]:
    """Every stage with the wanted clients in it, also those that are gone from Debitura.

    The main road comes first, then its side roads.
    """
    with store.read() as session:
        rows = clients.stage_times(session, replace(wanted, archived=True))
    since: dict[str, list[datetime | None]] = {stage: [] for stage in OnboardingStage}
    for row in rows:
        since[row.stage].append(row.stage_since)
    stages = [
        StageNow(stage, len(since[stage]), _duration((moment, now) for moment in since[stage]))
        for stage in OnboardingStage
    ]
    return sorted(stages, key=lambda each: not each.is_on_main_road)


def funnel(store: Store, wanted: ClientFilter) -> list[FunnelStep]:
    """The main road: how many of the wanted clients came at least as far as each milestone."""
    with store.read() as session:
        found = clients.count_by_milestone(session, wanted)
        times = clients.stage_times(session, wanted)
    came = {m: sum(found.get(each, 0) for each in m.and_beyond) for m in Milestone}
    first = came[Milestone.CREATED]
    steps = [FunnelStep(Milestone.CREATED, first, _share(first, first), None, Duration(None, 0))]
    for before, milestone in pairwise(Milestone):
        steps.append(
            FunnelStep(
                milestone,
                came[milestone],
                _share(came[milestone], first),
                _share(came[milestone], came[before]),
                _duration((_reached(row, before), _reached(row, milestone)) for row in times),
            )
        )
    return steps


def first_linked_at(store: Store) -> datetime | None:
    """When the first of all clients was linked; None where no client tells."""
    with store.read() as session:
        return clients.first_linked_at(session)


def list_clients(store: Store, wanted: ClientFilter, window: Window) -> Page[ClientSummary]:
    """A page of clients."""
    with store.read() as session:
        page = clients.page_of(session, wanted, window)
        handed = stored_hand_overs.last_of(session, [row.external_tenant_id for row in page.rows])
    return Page(
        [_summary(row, handed.get(row.external_tenant_id)) for row in page.rows], page.total
    )


def client(store: Store, tenant_id: str) -> ClientSummary | None:
    """One client, archived or not; None where it was never seen."""
    with store.read() as session:
        row = clients.get(session, tenant_id)
        handed = stored_hand_overs.last_of(session, [tenant_id])
    return None if row is None else _summary(row, handed.get(tenant_id))


def countries(store: Store) -> list[str]:
    """The countries that clients are in."""
    with store.read() as session:
        return clients.countries(session)


def with_limits(wanted: ClientFilter, *, now: datetime, limits: StuckLimits) -> ClientFilter:
    """``wanted``, knowing since when who is stuck, so that it sorts by how much over they are."""
    return replace(
        wanted, stuck_since=tuple((stage, now - limit) for stage, limit in limits.items())
    )


def only_stuck(wanted: ClientFilter, *, now: datetime, limits: StuckLimits) -> ClientFilter:
    """``wanted`` narrowed to who is in a stage for longer than its limit.

    Clients that had something to sign or prove already when first seen count as stuck: nobody
    knows since when. Others of unknown age are counted from when they were first seen.
    """
    return replace(with_limits(wanted, now=now, limits=limits), stuck=True)


def stuck_clients(store: Store, *, now: datetime, limits: StuckLimits) -> list[ClientSummary]:
    """The stuck clients, the most over their limit first, those of unknown age last."""
    stuck = only_stuck(ClientFilter(), now=now, limits=limits)
    most_over_first = Window(size=ALL_ROWS.size, sort="over", descending=True)
    return list(list_clients(store, stuck, most_over_first).rows)


def over_limit(client: ClientSummary, *, now: datetime, limits: StuckLimits) -> timedelta | None:
    """By how much a client is over its stage's limit; None where it is not, or nobody knows."""
    if client.stage not in limits or client.stage_since is None:
        return None
    over = now - client.stage_since - limits[client.stage]
    return over if over > timedelta() else None


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
        left = "less than a day is" if days < 1 else "a day is" if days == 1 else f"{days} days are"
        return (
            f"{name} has a Debitura account already and has been asked to approve the link: "
            f"please open the approval link and decide; {left} left."
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
    OnboardingStage.POA_SIGNED: (
        "{name} has signed the power of attorney{days}, and the agreement itself is still to be "
        "signed: please open the onboarding link and sign it."
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
    OnboardingStage.WITHDRAWN: (
        "We ended the link with {name}; there is nothing to do for either of us."
    ),
    OnboardingStage.ARCHIVED: "{name} is no longer linked with us; we will find out why.",
}

_KYC_WORDS = {"NotRequired": "Not required"}


_REACHED_AT = {
    Milestone.CREATED: "linked_at",
    Milestone.CONTRACT_SIGNED: "signed_at",
    Milestone.FIRST_CASE: "first_case_at",
    Milestone.FIRST_RECOVERY: "first_recovery_at",
}


def _reached(row: Any, milestone: Milestone) -> datetime | None:
    moment: datetime | None = getattr(row, _REACHED_AT[milestone])
    return moment


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _duration(spans: Iterable[tuple[datetime | None, datetime | None]]) -> Duration:
    """The median of the spans of which both ends are known.

    A case may be older than the link of a client that was not attributed: that took no time.
    """
    known = [
        max(end - start, timedelta()).total_seconds()
        for start, end in spans
        if start is not None and end is not None
    ]
    return Duration(timedelta(seconds=median(known)) if known else None, len(known))


def _summary(row: ClientRow, handed: HandOverRow | None) -> ClientSummary:
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
        last_hand_over=None if handed is None else hand_overs.hand_over(handed),
    )
