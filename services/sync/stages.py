"""What is derived from several scopes at once: onboarding stages and settled link requests."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session

from services.debitura.enums import KycStatus
from services.domain.onboarding_stage import (
    ClientFacts,
    Milestone,
    OnboardingStage,
    derive_stage,
    furthest_milestone,
    link_kind,
)
from services.store import clients, link_requests
from services.store.link_requests import LinkRequestStatus
from services.store.mirror import history_note, note_history
from services.store.tables import ClientRow

CLOCKS_DIFFER_BY = timedelta(minutes=15)


def refresh_stages(session: Session, *, now: datetime) -> int:
    """Bring every client's stage up to date and return how many changed.

    A change is noted in the history unless the stage is derived for the first time: what the
    client had before is not known then.
    """
    history = []
    updates = []
    for row in clients.stage_facts(session):
        first_time = row.stage_derived_at is None
        before = (row.stage, row.stage_since, row.furthest)
        after = _stage_columns(row, now, first_time=first_time)
        if before == after and not first_time:
            continue
        stage, since, furthest = after
        updates.append(
            {
                "tenant": row.tenant_id,
                "stage": stage,
                "stage_since": since,
                "furthest": furthest,
                "stage_derived_at": row.stage_derived_at or now,
            }
        )
        if stage != row.stage and not first_time:
            history.append(
                history_note(
                    "client", row.tenant_id, "stage", row.stage, stage, at=now, learnt_by="sync"
                )
            )
    clients.set_stages(session, updates)
    note_history(session, history)
    return len(updates)


def _stage_columns(
    row: Row[Any], now: datetime, *, first_time: bool
) -> tuple[OnboardingStage, datetime | None, Milestone]:
    facts = _facts(row)
    stage = derive_stage(facts)
    since = row.stage_since
    if stage != row.stage and not first_time:
        since = now
    elif since is None:
        # First seen in this stage: only the source's own dates can tell since when.
        since = _known_start(stage, row)
    furthest = furthest_milestone(facts)
    return stage, since, furthest if first_time else furthest.or_further(Milestone(row.furthest))


def settle_link_requests(session: Session, *, now: datetime) -> int:
    """Mark requests as approved whose client turned up, and as expired whose time ran out."""
    approved = _approve_linked(session, now)
    overdue = link_requests.due(session, now)
    for request in overdue:
        request.status = LinkRequestStatus.EXPIRED
        request.resolved_at = request.expires_at
        request.learnt_by = link_requests.BY_CLOCK
    return approved + len(overdue)


def _approve_linked(session: Session, now: datetime) -> int:
    approved = 0
    for request in link_requests.open_to_approval(session):
        client = clients.get(session, request.external_tenant_id)
        if client is not None and _turned_up_since(client, request.requested_at):
            linked_at = client.linked_at
            told = linked_at is not None and linked_at >= request.requested_at
            request.status = LinkRequestStatus.APPROVED
            request.resolved_at = linked_at if told else now
            request.learnt_by = "sync"
            approved += 1
    session.flush()
    return approved


def _turned_up_since(client: ClientRow, moment: datetime) -> bool:
    """Whether the client is listed because of what was asked at ``moment``, not of old."""
    if client.archived_at is not None:
        return False
    linked_at = client.linked_at
    linked_since = linked_at is not None and linked_at >= moment - CLOCKS_DIFFER_BY
    return linked_since or client.first_seen_at > moment


def _facts(row: Row[Any]) -> ClientFacts:
    return ClientFacts(
        archived=row.archived_at is not None,
        onboarding_done=row.onboarding_done,
        link=link_kind(row.onboarding_url),
        kyc_pending=row.kyc_status == KycStatus.PENDING,
        has_cases=bool(row.has_cases),
        has_recovery=bool(row.has_recovery),
    )


def _known_start(stage: OnboardingStage, row: Row[Any]) -> datetime | None:
    starts: dict[OnboardingStage, datetime | None] = {
        OnboardingStage.ARCHIVED: row.archived_at,
        OnboardingStage.CREATED: row.linked_at,
        OnboardingStage.FIRST_CASE: row.first_case_at,
        OnboardingStage.FIRST_RECOVERY: row.first_recovery_at,
    }
    return starts.get(stage)
