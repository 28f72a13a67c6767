"""What is derived from several scopes at once: onboarding stages and settled link requests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session, col, update

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


def refresh_stages(session: Session, *, now: datetime, pass_started: datetime) -> int:
    """Bring every client's stage up to date and return how many changed.

    A change is noted in the history unless the client was first seen in this very pass: what it
    had before is not known then.
    """
    history = []
    changed = 0
    for row in clients.stage_facts(session):
        before = (row.stage, row.stage_since, row.furthest)
        after = _stage_columns(row, now)
        if before == after:
            continue
        changed += 1
        stage, since, furthest = after
        session.execute(
            update(ClientRow)
            .where(col(ClientRow.external_tenant_id) == row.tenant_id)
            .values(stage=stage, stage_since=since, furthest=furthest)
        )
        if stage != row.stage and row.first_seen_at < pass_started:
            history.append(
                history_note(
                    "client", row.tenant_id, "stage", row.stage, stage, at=now, learnt_by="sync"
                )
            )
    note_history(session, history)
    return changed


def _stage_columns(
    row: Row[Any], now: datetime
) -> tuple[OnboardingStage, datetime | None, Milestone]:
    facts = _facts(row)
    stage = derive_stage(facts)
    since = row.stage_since
    if since is None:
        # First seen in this stage: only the source's own dates can tell since when.
        since = _known_start(stage, row)
    elif stage != row.stage:
        since = now
    return stage, since, furthest_milestone(facts)


def settle_link_requests(session: Session, *, now: datetime) -> int:
    """Mark requests as approved whose client turned up, and as expired whose time ran out."""
    approved = _approve_linked(session, now)
    overdue = link_requests.due(session, now)
    for request in overdue:
        request.status = LinkRequestStatus.EXPIRED
        request.resolved_at = request.expires_at
        request.learnt_by = "clock"
    return approved + len(overdue)


def _approve_linked(session: Session, now: datetime) -> int:
    pending = link_requests.pending(session)
    approved = 0
    for request in pending:
        client = clients.get(session, request.external_tenant_id)
        if client is not None and client.archived_at is None:
            request.status = LinkRequestStatus.APPROVED
            request.resolved_at = client.linked_at or now
            request.learnt_by = "sync"
            approved += 1
    session.flush()
    return approved


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
